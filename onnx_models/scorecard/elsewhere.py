"""The same product in another shop: in another studio, often from another side."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Final

import numpy as np

from onnx_models.asking import nearness, ways
from onnx_models.metrics import bootstrap_mean
from onnx_models.same import read_pairs
from onnx_models.scorecard.bench import Array, Bench, Result
from onnx_models.scorecard.entrants import Entrant

PAIRS: Final = Path(__file__).with_name("elsewhere.csv")
"""Files of photographs of one product, two a line, mostly of two shops; one at least was never
trained on. Looked at as those of :mod:`onnx_models.same`, among near neighbours by solemate-s16 and
by what judged pairs of training taught, so what that one finds is likelier to be here; then among
pictures of one model's name and like colours. Where two pictures are each the same as a third, the
pair of them was looked at as well."""


def mates(bench: Bench) -> dict[int, list[int]]:
    """By row that no training saw, the rows that show its product in another shop."""
    place = {file: row for row, file in enumerate(bench.files)}
    found: dict[int, list[int]] = defaultdict(list)
    for one, two in read_pairs(PAIRS):
        if one in place and two in place:
            found[place[one]].append(place[two])
            found[place[two]].append(place[one])
    return {row: there for row, there in sorted(found.items()) if bench.held_out[row]}


def other_shop(bench: Bench, entrant: Entrant, vectors: Array) -> Result:
    """Pictures of :func:`mates` ask for them among all pictures, their own product's left out."""
    wanted = mates(bench)
    if not wanted:
        return Result(notes=["none of the judged pairs is among these photographs"])
    own = np.array(list(wanted))
    asked = bench.codes[own]
    result = Result(counts={"queries": len(own), "products": len(set(asked.tolist()))})
    for name, shot in (("clean", False), ("reshot", True)):
        ranks = np.empty(len(own), np.int64)
        asked_by = ways(bench, entrant, own, shot=shot)
        for at, (row, asks) in enumerate(zip(own, asked_by, strict=True)):
            best = np.full(bench.codes.max() + 1, -np.inf)
            np.maximum.at(best, bench.codes, nearness(asks, vectors))
            best[bench.codes[row]] = -np.inf
            right = np.unique(bench.codes[wanted[row]])
            wrong = np.delete(best, right)
            ranks[at] = 1 + np.count_nonzero(wrong >= best[right].max())
        for limit in (1, 5, 10):
            found = (ranks <= limit).astype(float)
            result.figures[f"{name} R@{limit}"] = bootstrap_mean(
                found, bench.codes[own], bench.seed
            )
        first = np.where(ranks <= 10, 1 / ranks, 0.0)
        result.figures[f"{name} mAP@10"] = bootstrap_mean(first, asked, bench.seed)
    return result
