"""Thresholds on the cosine: what counts as the same product, and below what nothing is close."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from onnx_models.augment import Camera, drawn_scene
from onnx_models.dataset import F32, U8, Cache, Row

PRECISION = 0.95
KEPT = 0.96
FEWEST = 20
"""Hits above a threshold, or its precision is chance."""


@dataclass(frozen=True)
class Calibration:
    """Cosine thresholds and one sentence on how they came about."""

    same: float
    similar: float
    how: str


def trusted(scores: F32, right: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> float:
    """Lowest cosine from which on the top hits (n,) reach the wanted precision; 1 where none."""
    order = np.argsort(-scores)
    said = np.arange(1, len(order) + 1)
    good = np.flatnonzero((np.cumsum(right[order]) / said >= PRECISION) & (said >= FEWEST))
    return float(scores[order[good[-1]]]) if len(good) else 1.0


def calibrate(
    encode: Callable[[U8], F32], vectors: F32, rows: list[Row], cache: Cache, backdrops: U8,
    size: int, thin: int, least: float,
) -> Calibration:  # fmt: skip
    """Measure both thresholds on validation products; ``vectors`` (n, d) are of all rows.

    Gallery = all validation pictures and every ``thin``-th training picture. ``least``: what
    :func:`trusted` found of clean pictures of a studio that training never saw; "same" is no lower,
    for what holds among known studios need not hold there.
    """
    keep = np.array(
        [
            i
            for i, row in enumerate(rows)
            if row.split == "validation" or (row.split == "train" and i % thin == 0)
        ]
    )
    products = np.array([rows[i].product for i in keep])
    gallery = vectors[keep]
    several = {name for name, count in Counter(products).items() if count > 1}
    held = [place for place, i in enumerate(keep) if rows[i].split == "validation"]
    rng = np.random.default_rng(7)
    camera = Camera(backdrops, size, rng, 0.6)
    views = [
        camera.reshoot(cache.rgba[i], cache.boxes[i], bool(cache.masked[i]))[0] for i in keep[held]
    ]
    scores = encode(np.stack(views)) @ gallery.T
    for line, place in enumerate(held):
        # Other views must be found without the query's own picture. Of single pictures every
        # other one is taken out of the gallery: its product is then not on sale, every hit wrong.
        if products[place] in several or line % 2:
            scores[line, place] = -1
    best = scores.argmax(axis=1)
    top = scores.max(axis=1)
    right = products[best] == products[held]
    same = max(trusted(top, right), least)
    similar = float(np.quantile(top, 1 - KEPT))
    scenes = [camera.scene(drawn_scene(rng))[0] for _ in range(400)]
    scenes += [rng.integers(0, 256, (size, size, 3), dtype=np.uint8) for _ in range(50)]
    strange = (encode(np.stack(scenes)) @ gallery.T).max(axis=1)
    how = (
        f"{len(held)} re-shot validation photographs against {len(keep)} catalogue pictures; other "
        "views leave the query's own picture out, and every other single-picture product is taken "
        f"out of the gallery. same: lowest cosine at which top hits reach precision {PRECISION}, "
        "there and on clean pictures of a studio kept apart while weights were fitted; 1.0 where "
        "none does "
        f"({float((top[right] >= same).mean()):.3f} of the right top hits lie above). similar: "
        f"{KEPT:.0%} of the top hits lie above; of {len(scenes)} pictures without a shoe (drawn "
        f"scenes, textures, noise) {float((strange < similar).mean()):.3f} lie below."
    )
    return Calibration(round(same, 4), round(similar, 4), how)
