"""Composed queries on real photographs: a picture of one colourway and words for another's colours.

    python -m tests.benchmarks.composed --home HOME [--database NAME] [--pairs 2] [--split 1]

HOME's database holds an import of photographs whose products carry model keys and stated colours
(footlocker_2018), embedded. For two colourways A and B of a model the query is A's picture and
"same but in COLOURS OF B"; right are products of the same model stated in B's very colours. Rows:
the picture alone, the words alone, both as shipped; then both again with the picture sent as a
photograph, as it is and through the scorecard's camera, by which nothing was chosen. Models are
split in two halves: 0 chose the way the parts are weighed, 1 is reported. Intervals: bootstrap over
models.
"""

from __future__ import annotations

import argparse
import io
import random
import zlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from app.db.pool import open_database
from app.domain import SearchResult
from app.search import Searcher, open_searcher
from app.settings import Settings
from app.vision.image import decode
from app.words import read
from onnx_models.reshoot import reshoot

_PRODUCTS = """
    SELECT DISTINCT ON (p.id) p.id, p.model_key, p.colours, oi.image_id, i.path
    FROM product AS p
    JOIN offer AS o ON o.product_id = p.id
    JOIN offer_image AS oi ON oi.offer_id = o.id
    JOIN image AS i ON i.id = oi.image_id
    WHERE p.model_key IS NOT NULL AND cardinality(p.colours) > 0 AND NOT p.colours_seen
    ORDER BY p.id, oi.position"""


@dataclass(frozen=True)
class Query:
    """A's picture, words for B, and the products that are right."""

    model: str
    image: int
    colours: tuple[str, ...]
    right: frozenset[int]

    @property
    def words(self) -> str:
        """What a person would write."""
        return f"same but in {' and '.join(self.colours)}"


def queries(rows: Sequence[tuple[int, str, list[str], int]], pairs: int, split: int) -> list[Query]:
    """Up to ``pairs`` pairs a model, chosen by a fixed seed, of one half of the models."""
    groups: dict[str, list[tuple[int, tuple[str, ...], int]]] = defaultdict(list)
    for product, model, colours, image in rows:
        groups[model].append((product, tuple(colours), image))
    rng = random.Random(0)
    found = []
    for model, members in sorted(groups.items()):
        both = [(a, b) for a in members for b in members if a[1] != b[1]]
        rng.shuffle(both)
        if zlib.crc32(model.encode()) % 2 != split:
            continue
        for a, b in both[:pairs]:
            right = frozenset(p for p, colours, _ in members if colours == b[1])
            found.append(Query(model, a[2], b[1], right))
    return found


def report(name: str, asked: Sequence[Query], results: Sequence[SearchResult]) -> None:
    """R@1 and R@10 with a 95 % bootstrap interval over models."""
    found = [[hit.product_id for hit in result.hits] for result in results]
    at1 = np.array(
        [bool(hits) and hits[0] in q.right for q, hits in zip(asked, found, strict=True)]
    )
    at10 = np.array([not q.right.isdisjoint(h[:10]) for q, h in zip(asked, found, strict=True)])
    names = sorted({q.model for q in asked})
    place = np.array([names.index(q.model) for q in asked])
    hit = np.bincount(place, weights=at10, minlength=len(names))
    size = np.bincount(place, minlength=len(names)).astype(float)
    draws = np.random.default_rng(0).integers(len(names), size=(1000, len(names)))
    means = hit[draws].sum(1) / size[draws].sum(1)
    low, high = np.percentile(means, [2.5, 97.5])
    print(
        f"{name:24s} R@1 {at1.mean():.3f}  R@10 {at10.mean():.3f} [{low:.3f}, {high:.3f}]"
        f"  n = {len(asked)}, models = {len(names)}",
        flush=True,
    )


def reshot(picture: bytes) -> bytes:
    """The picture's file as a phone would have taken it."""
    taken = decode(picture, max_bytes=10**8, max_pixels=10**8)
    made = io.BytesIO()
    reshoot(taken.image, taken.sha256).save(made, "PNG")
    return made.getvalue()


def measure(searcher: Searcher, asked: Sequence[Query], files: Sequence[Path]) -> None:
    """The five rows; ``files`` are the queries' pictures."""
    alone = [searcher.by_image(q.image, page_size=10) for q in asked]
    report("picture alone", asked, alone)
    words = [searcher.by_text(q.words, page_size=10, reading=read(q.words)) for q in asked]
    report("words alone", asked, words)
    both = [searcher.by_image(q.image, page_size=10, reading=read(q.words)) for q in asked]
    report("picture and words", asked, both)
    sent = [file.read_bytes() for file in files]
    for name, pictures in (("photograph", sent), ("re-shot", [reshot(one) for one in sent])):
        found = [
            searcher.by_photo([picture], page_size=10, reading=read(q.words))
            for q, picture in zip(asked, pictures, strict=True)
        ]
        report(f"{name} and words", asked, found)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--database", default="solemate")
    parser.add_argument("--pairs", type=int, default=2)
    parser.add_argument("--split", type=int, default=1)
    asked = parser.parse_args()
    settings = Settings(home=asked.home, database=asked.database)
    with open_database(settings, size=1) as db:
        searcher = open_searcher(settings, db)
        with db.connection() as conn:
            rows = conn.execute(_PRODUCTS).fetchall()
        print(f"gallery: {len(rows)} products with stated colours")
        paths = {image: settings.images_dir / path for *_, image, path in rows}
        chosen = queries([row[:4] for row in rows], asked.pairs, asked.split)
        measure(searcher, chosen, [paths[query.image] for query in chosen])


if __name__ == "__main__":
    main()
