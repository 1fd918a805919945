"""Which photographs of different shops show one product: pairs that were looked at, one by one.

The same shoe stands in several shops under ids of their own, from another side, in other light, in
one a lone shoe and in another a pair. To contrast these are products to be driven apart; joined,
they are what is rarest in the data, real pictures of one shoe from several sides. An encoder
proposed near neighbours of two shops, a regression on what was judged so far proposed more; each
pair was looked at side by side and kept where model and colourway are plainly the same.
``same.csv`` names the files.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Final

from onnx_models.dataset import Row

PAIRS: Final = Path(__file__).with_name("same.csv")
"""Files of photographs, two a line, as labels.csv names them."""
SEEN: Final = frozenset({"train"})


def read_pairs(path: Path) -> tuple[tuple[str, str], ...]:
    """Files that show one product, of a list like PAIRS."""
    with path.open(encoding="utf-8", newline="") as handle:
        return tuple((one, two) for one, two in csv.reader(handle))


@cache
def judged() -> tuple[tuple[str, str], ...]:
    """The pairs of PAIRS."""
    return read_pairs(PAIRS)


def sold(
    rows: list[Row],
    same: Iterable[tuple[str, str]] | None = None,
    splits: frozenset[str] = SEEN,
) -> list[str]:
    """The product of each row, of one name for all shops that show it; ``same``: pairs of files,
    :func:`judged` where nothing is said. Only photographs of ``splits`` are joined: what is held
    out stays unknown to training."""
    own = {row.file: row.product for row in rows if row.split in splits}
    first: dict[str, str] = {}

    def root(product: str) -> str:
        while (before := first.get(product, product)) != product:
            product = before
        return product

    for one, two in judged() if same is None else same:
        if one in own and two in own:
            least, other = sorted((root(own[one]), root(own[two])))
            if least != other:
                first[other] = least
    return [root(row.product) for row in rows]
