"""What shops left unsaid of their pictures: brand, model, colours and kind, by who looked.

Half of the sneakers' pictures come without a name or without colours, and those are the shops of
sneakers proper. Sheets of them were looked at, one shoe after another, and what was plain written
down (``told.csv``); where there was doubt, nothing. Of pictures that training may see alone. What a
shop says itself stands.
"""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

TOLD: Final = Path(__file__).with_name("told.csv")
"""Files as labels.csv names them, brand, model, colours and kind."""
PLAIN: Final = "sneaker"
"""The kind that labels.csv gives where nothing is known of it."""
VAGUE: Final = frozenset({"", "Air Jordan", "Zapatillas"})
"""What some shops call all of their shoes."""


class Told(NamedTuple):
    """What was seen of a picture; "" where it was in doubt. ``model`` without colours; ``colour``:
    basic words, most of the shoe first; ``category`` in the words of labels.csv."""

    brand: str
    model: str
    colour: str
    category: str


@cache
def told() -> dict[str, Told]:
    """By file."""
    with TOLD.open(encoding="utf-8", newline="") as handle:
        return {file: Told(*seen) for file, *seen in csv.reader(handle)}


def read_table(folder: Path) -> list[dict[str, str]]:
    """The rows of labels.csv in ``folder``, with what was seen where the shop says nothing."""
    with (folder / "labels.csv").open(encoding="utf-8", newline="") as handle:
        return [completed(row) for row in csv.DictReader(handle)]


def completed(row: dict[str, str]) -> dict[str, str]:
    """One of them."""
    seen = told().get(row["file"])
    if seen is None:
        return row
    whole = {**row, "brand": row["brand"] or seen.brand, "colour": row["colour"] or seen.colour}
    if row["model"] in VAGUE:
        whole["model"] = seen.model
    if row["category"] == PLAIN and seen.category:
        whole["category"] = seen.category
    return whole
