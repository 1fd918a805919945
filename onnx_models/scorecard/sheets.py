"""Contact sheets: re-shot queries with what came first, and the worst failures in words.

Sheets of real photographs belong to nobody here: they go outside the repository. ``drawn`` makes
the same sheets of the project's own drawn shoes.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image, ImageDraw

from app.sketch.catalogue import catalogue
from app.sketch.render import phone_photo
from app.vision.encoder import ImageEncoder
from app.vision.image import decode
from onnx_models import reshoot
from onnx_models.asking import each, nearness, ways
from onnx_models.features import photograph
from onnx_models.metrics import product_ranks
from onnx_models.scorecard.bench import Array, Bench
from onnx_models.scorecard.entrants import Entrant

SHOWN: Final = 8
QUERIES: Final = 20
WORST: Final = 5
CELL: Final = 132
_LIMITS: Final = {"max_bytes": 100_000_000, "max_pixels": 200_000_000}


@dataclass(frozen=True)
class Line:
    """One query: its name, rank of its product, and names and right or wrong of the first."""

    query: str
    rank: int
    names: tuple[str, ...]
    right: tuple[bool, ...]
    pictures: tuple[Image.Image, ...]
    """The query, then the first results."""


def first_products(scores: Array, codes: Array) -> list[int]:
    """Rows of the best picture of each of the first SHOWN products."""
    order = np.argsort(-scores, kind="stable")
    _, at = np.unique(codes[order], return_index=True)
    return [int(row) for row in order[np.sort(at)[:SHOWN]]]


def real_sheets(bench: Bench, entrant: Entrant, folder: Path) -> list[Path]:
    """Writes ``queries.jpg`` (QUERIES random re-shot queries), ``worst.jpg`` and ``worst.md``.

    The worst are those whose product came last; ``worst.md`` leaves room for the explanation.
    """
    vectors = entrant.gallery(bench)
    own = bench.queries()
    asks = ways(bench, entrant, own, shot=True)
    ranks = each(product_ranks, asks, bench.codes[own], own, vectors, bench.codes)

    def line(at: int) -> Line:
        row = int(own[at])
        scores = nearness(asks[at], vectors)
        scores[row] = -np.inf
        hits = first_products(scores, bench.codes)
        taken = decode(bench.folder / bench.files[row], **_LIMITS)
        query = reshoot.reshoot(taken.image, taken.sha256, bench.seed)
        return Line(
            bench.files[row], int(ranks[at]), tuple(bench.files[hit] for hit in hits),
            tuple(bool(bench.codes[hit] == bench.codes[row]) for hit in hits),
            (query, *(photograph(bench.folder / bench.files[hit]) for hit in hits)),
        )  # fmt: skip

    chosen = np.random.default_rng(bench.seed).permutation(len(own))[:QUERIES]
    worst = np.argsort(-ranks, kind="stable")[:WORST]
    return _write(folder, [line(int(at)) for at in chosen], [line(int(at)) for at in worst])


def drawn_sheets(encoder: ImageEncoder, folder: Path, products: int = 200) -> list[Path]:
    """The same of drawn shoes: a catalogue in side view, asked by drawn phone photographs."""
    items = catalogue(0, products)
    pictures = [encoder.preprocess(item.picture()) for item in items]
    vectors = encoder.catalogue_batch(np.stack(pictures))
    codes = np.arange(len(items))

    def line(at: int) -> Line:
        query = phone_photo(items[at].design, 100_003 + at)
        scores = vectors @ encoder.encode([query])[0]
        hits = first_products(scores, codes)
        return Line(
            items[at].title, int(np.count_nonzero(scores >= scores[at])),
            tuple(items[hit].title for hit in hits), tuple(hit == at for hit in hits),
            (query, *(items[hit].picture() for hit in hits)),
        )  # fmt: skip

    chosen = np.random.default_rng(0).permutation(len(items))
    lines = [line(int(at)) for at in chosen[: 3 * QUERIES]]
    worst = sorted(lines, key=lambda one: -one.rank)[:WORST]
    return _write(folder, lines[:QUERIES], worst)


def _write(folder: Path, lines: list[Line], worst: list[Line]) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / "queries.jpg", folder / "worst.jpg", folder / "worst.md"]
    for path, shown in zip(paths, (lines, worst), strict=False):
        sheet(shown).save(path, quality=86)
    paths[2].write_text(explained(worst), encoding="utf-8")
    return paths


def sheet(lines: list[Line]) -> Image.Image:
    """A row for each line: the query and its rank, then the results; a right one framed green."""
    out = Image.new("RGB", (CELL * (SHOWN + 1) + 14, (CELL + 14) * len(lines)), "white")
    pen = ImageDraw.Draw(out)
    for row, line in enumerate(lines):
        top = row * (CELL + 14)
        for column, picture in enumerate(line.pictures):
            left = column * CELL + (14 if column else 0)
            small = picture.copy()
            small.thumbnail((CELL - 8, CELL - 8))
            out.paste(small, (left + (CELL - small.width) // 2, top + (CELL - small.height) // 2))
            if column and line.right[column - 1]:
                pen.rectangle((left + 1, top + 1, left + CELL - 2, top + CELL - 2), outline="green",
                              width=3)  # fmt: skip
        pen.text((4, top + CELL), f"right product at rank {line.rank}", fill="black")
    return out


def explained(worst: list[Line]) -> str:
    """A text to fill in: the query, where its product came, what came first."""
    parts = ["# The worst failures", ""]
    for number, line in enumerate(worst, 1):
        parts.append(f"{number}. Query `{line.query}`: its product came at rank {line.rank}.")
        parts += [f"   - result {at}: {name}" for at, name in enumerate(line.names[:3], 1)]
        parts += ["   - why: (to be written after looking at worst.jpg)", ""]
    return "\n".join(parts)
