"""How well real shoes found from drawn ones agree with the design: precision@10.

    python -m tests.benchmarks.dream_search DATA [--encoder NAME] [--designs 200] [--vectors FILE]

200 random designs are drawn; the gallery are the real photographs whose labels state main colour,
form and height (see dream_truth). Products are split in two halves: directions are learnt on one
and the first ten products are taken from the other, and the other way about, so that no shoe is
found by its own label. "Colour filter" limits the gallery to its stated colours, as the catalogue
does; "colours seen" hides them and takes what the vector looks like.
"""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

from app.dream.find import LIMITED, OPEN, Directions, Weights, aim, directions, search_words
from app.dream.generators.sketch import SIZE
from app.settings import Settings
from app.sketch.design import Design, random_design
from app.sketch.render import render
from app.vision.image import decode
from app.vision.registry import open_encoder
from app.vision.text import open_text_tower
from tests.benchmarks.dream_truth import Truth, of_design, read

TOP: Final = 10
_FIRST_SEED: Final = 1000
_TYPE_OF: Final = {
    ("high", "high"): "high_top", ("high", "mid"): "mid_top", ("court", "low"): "low_top",
    ("runner", "low"): "running", ("skate", "low"): "skate", ("slip_on", "low"): "slip_on",
}  # fmt: skip
Query = Callable[[int, Directions], np.ndarray]


class Gallery:
    """Labelled photographs: vectors (n, dim) of unit length and what their labels say."""

    def __init__(self, vectors: np.ndarray, truths: list[Truth], products: list[str]) -> None:
        self.vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        self.truths = truths
        self.products = products
        self.colours = np.array([truth.colour for truth in truths])
        self.facts = np.array([(t.colour, t.form, t.height) for t in truths])
        halves = [hashlib.md5(name.encode()).digest()[0] % 2 for name in products]
        self.half = np.array(halves)

    def learn(self, mask: np.ndarray) -> Directions:
        rows = np.flatnonzero(mask)
        types = [[_TYPE_OF[self.truths[r].form or "", self.truths[r].height or ""]]
                 if (self.truths[r].form, self.truths[r].height) in _TYPE_OF else []
                 for r in rows]  # fmt: skip
        return directions(self.vectors[rows], [self.truths[r].colour for r in rows], types)

    def seen_colours(self, rows: np.ndarray, found: Directions, learnt: np.ndarray) -> np.ndarray:
        """The colour whose direction a vector goes furthest along, for its own spread."""
        names = sorted(found.colours)
        along = np.stack([found.colours[name] for name in names])
        before = self.vectors[learnt] @ along.T
        score = (self.vectors[rows] @ along.T - before.mean(axis=0)) / before.std(axis=0)
        return np.array(names)[score.argmax(axis=1)]


def precision(
    gallery: Gallery, wanted: list[Truth], query: Query, colours: str | None = None
) -> np.ndarray:
    """Mean precision@10 of colour, form, height and all three, both halves."""
    total = np.zeros(4)
    for half in (0, 1):
        learnt = gallery.half != half
        rows = np.flatnonzero(~learnt)
        found = gallery.learn(learnt)
        shown = None
        if colours == "stated":
            shown = gallery.colours[rows]
        elif colours == "seen":
            shown = gallery.seen_colours(rows, found, learnt)
        for place, truth in enumerate(wanted):
            score = gallery.vectors[rows] @ query(place, found)
            if shown is not None and int((shown == truth.colour).sum()) >= 2 * TOP:
                score = np.where(shown == truth.colour, score, score - 10)
            total += _agreement(gallery, rows[np.argsort(-score)], truth)
    return total / (2 * len(wanted))


def _agreement(gallery: Gallery, order: np.ndarray, truth: Truth) -> np.ndarray:
    first: dict[str, int] = {}
    for row in order:
        first.setdefault(gallery.products[row], int(row))
        if len(first) == TOP:
            break
    agree = gallery.facts[list(first.values())] == (truth.colour, truth.form, truth.height)
    return np.array([*agree.mean(axis=0), agree.all(axis=1).mean()])


def chance(gallery: Gallery, wanted: list[Truth]) -> np.ndarray:
    """What ten shoes drawn by lot agree in."""
    rows = []
    for truth in wanted:
        agree = gallery.facts == (truth.colour, truth.form, truth.height)
        rows.append([*agree.mean(axis=0), agree.all(axis=1).mean()])
    return np.mean(rows, axis=0)


def ceiling(gallery: Gallery, wanted: list[Truth]) -> float:
    """The best that could be in all three: where a half has fewer than ten such shoes, so many."""
    best = []
    for half in (0, 1):
        rows = np.flatnonzero(gallery.half == half)
        for truth in wanted:
            fits = (gallery.facts[rows] == (truth.colour, truth.form, truth.height)).all(axis=1)
            there = {gallery.products[row] for row in rows[fits]}
            best.append(min(TOP, len(there)) / TOP)
    return float(np.mean(best))


def embed(
    data: Path, encoder_name: str, settings: Settings
) -> tuple[np.ndarray, list[Truth], list[str]]:
    encoder = open_encoder(encoder_name, settings)
    listed = [(row, truth) for row, truth in read(data) if truth.whole]
    vectors = []
    for start in range(0, len(listed), 32):
        pictures = [
            encoder.preprocess(decode(data / row["file"], max_bytes=10**8, max_pixels=10**8).image)
            for row, _ in listed[start : start + 32]
        ]
        vectors.append(encoder.catalogue_batch(np.stack(pictures)))
    return (
        np.concatenate(vectors).astype(np.float32),
        [truth for _, truth in listed],
        [row["product_id"] or row["file"] for row, _ in listed],
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("data", type=Path, help="folder with labels.csv")
    parser.add_argument("--encoder", default=Settings().encoder)
    parser.add_argument("--designs", type=int, default=200)
    parser.add_argument("--vectors", type=Path, help="keep the gallery's vectors here (.npy)")
    args = parser.parse_args()
    settings = Settings()
    if args.vectors is not None and args.vectors.is_file():
        listed = [(row, truth) for row, truth in read(args.data) if truth.whole]
        vectors = np.load(args.vectors)
        truths = [truth for _, truth in listed]
        products = [row["product_id"] or row["file"] for row, _ in listed]
    else:
        vectors, truths, products = embed(args.data, args.encoder, settings)
        if args.vectors is not None:
            np.save(args.vectors, vectors)
    report(Gallery(vectors, truths, products), args.encoder, args.designs, settings)


def report(gallery: Gallery, encoder_name: str, count: int, settings: Settings) -> None:
    """Prints the table."""
    encoder = open_encoder(encoder_name, settings)
    tower = open_text_tower(encoder_name, settings)
    designs: list[Design] = [random_design(_FIRST_SEED + place) for place in range(count)]
    wanted = [of_design(design) for design in designs]
    drawn = np.concatenate([encoder.encode([render(d, "side", SIZE)]) for d in designs])
    words = tower.encode([search_words(d) for d in designs]) if tower is not None else None

    def by(weights: Weights) -> Query:
        return lambda place, found: aim(
            designs[place],
            drawn[place],
            words[place] if words is not None else None,
            found,
            weights,
        )

    def line(name: str, values: np.ndarray) -> None:
        print(f"| {name} | " + " | ".join(f"{value:.3f}" for value in values) + " |", flush=True)

    print(f"{encoder_name}: {count} designs, {len(gallery.truths)} labelled photographs;"
          f" all three at most {ceiling(gallery, wanted):.3f}")  # fmt: skip
    print("| query | main colour | form | height | all three |\n|---|---|---|---|---|")
    line("by lot", chance(gallery, wanted))
    line("the drawn picture's vector", precision(gallery, wanted, by(Weights(1, 0, 0, 0))))
    if words is not None:
        text = Weights(0, 1, 0, 0)
        line("words alone", precision(gallery, wanted, by(text)))
        line("words alone, colour filter", precision(gallery, wanted, by(text), "stated"))
    form = Weights(0, 0, 0, 1)
    line("the form's direction, no filter", precision(gallery, wanted, by(form)))
    line("the form's direction, colours seen", precision(gallery, wanted, by(form), "seen"))
    line("the dream's query, no filter", precision(gallery, wanted, by(OPEN)))

    def unknown(place: int, found: Directions) -> np.ndarray:
        return by(OPEN)(place, replace(found, colours={}))

    line("the same, no shoe known to have the colour", precision(gallery, wanted, unknown))
    line("the dream's query, colours seen", precision(gallery, wanted, by(LIMITED), "seen"))
    line("the dream's query, colour filter", precision(gallery, wanted, by(LIMITED), "stated"))


if __name__ == "__main__":
    main()
