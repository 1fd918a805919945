"""How much each part of the vector counts, fitted on a studio that training never saw."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from onnx_models.assemble import GATED, PARTS
from onnx_models.dataset import F32, I64

ROUNDS: Final = 3
STEPS: Final = (0.0, 0.03, 0.06, 0.1, 0.15, 0.2, 0.27, 0.35, 0.45, 0.6, 0.8, 1.1, 1.5)
LEAST: Final[dict[str, float]] = {"style": 0.15, "attributes": 0.2, "detail": 0.06}
"""People's judgement and words live in these parts, which retrieval alone would starve."""
PHONE: Final = 2.0
LIKENESS: Final = 2.2
"""What re-shot queries and people's judgement count beside clean queries."""
TRIPLETS: Final = 20_000
CANDIDATES: Final = 80
"""Pictures nearest by each part that stand for the gallery: others come first by no mixture."""
BAGS: Final = 8
Parts = dict[str, F32]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Asked:
    """Queries and k candidates of each: cosines by part (q, k), gates of queries (q,), which
    candidates are right, which are out of the question (q, k); the queries' products (q,)."""

    cosines: dict[str, F32]
    gates: F32
    right: Flags
    out: Flags
    products: npt.NDArray[np.str_]

    @classmethod
    def of(
        cls, asked: Parts, gates: F32, gallery: Parts, owners: I64, products: npt.NDArray[np.str_]
    ) -> Asked:
        """``owners`` (q,): the gallery's picture that each query was made from."""
        count = len(owners)
        wanted: list[list[I64]] = [[] for _ in range(count)]
        for name in PARTS:
            near = np.argpartition(-(asked[name] @ gallery[name].T), CANDIDATES, axis=1)
            for row, some in zip(wanted, near[:, :CANDIDATES], strict=True):
                row.append(some)
        chosen = [
            np.unique(np.concatenate([*row, np.flatnonzero(products == products[owner])]))
            for row, owner in zip(wanted, owners, strict=True)
        ]
        places = np.zeros((count, max(map(len, chosen))), np.int64)
        out = np.ones(places.shape, bool)
        for at, some in enumerate(chosen):
            places[at, : len(some)] = some
            out[at, : len(some)] = some == owners[at]
        cosines = {
            name: np.einsum("qd,qkd->qk", asked[name], gallery[name][places], optimize=True)
            for name in PARTS
        }
        right = (products[places] == products[owners][:, None]) & ~out
        return cls(cosines, gates, right, out, products[owners])

    def figures(self, weights: dict[str, float], counts: F32 | None = None) -> tuple[float, float]:
        """R@1 and mean reciprocal rank under weights, leave-one-out; ``counts`` (q,): how often
        each query counts."""
        scores = np.zeros(self.right.shape, np.float32)
        for name, weight in weights.items():
            if weight:
                own = self.gates[:, None] if name in GATED else np.float32(1)
                scores += np.float32(weight) * self.cosines[name] * own
        scores[self.out] = -np.inf
        best = np.where(self.right, scores, -np.inf).max(axis=1)
        rank = (scores >= best[:, None]).sum(axis=1)
        return (
            float(np.average(rank == 1, weights=counts)),
            float(np.average(1 / rank, weights=counts)),
        )


class Judge:
    """Triplets of validation pictures as the pretrained transformer sees them: it agrees with
    people's judgement of likeness at 0.77, the best stand-in for them that training may use."""

    def __init__(self, teacher: F32, gallery: Parts, seed: int) -> None:
        rng = np.random.default_rng(seed)
        one, two, three = rng.integers(0, len(teacher), (3, TRIPLETS))
        margin = (teacher[one] * (teacher[two] - teacher[three])).sum(axis=1)
        kept = np.abs(margin) > np.median(np.abs(margin))
        one, two, three = one[kept], two[kept], three[kept]
        self.nearer = margin[kept] > 0
        self.cosines = {
            name: ((part[one] * part[two]).sum(axis=1), (part[one] * part[three]).sum(axis=1))
            for name, part in gallery.items()
        }

    def agreement(self, weights: dict[str, float]) -> float:
        """Share of the triplets in which the whole vector agrees."""
        near, far = (
            sum(weight * self.cosines[name][side] for name, weight in weights.items())
            for side in range(2)
        )
        return float(((near > far) == self.nearer).mean())


def fit_weights(shots: Asked, clean: Asked, judge: Judge, seed: int) -> dict[str, float]:
    """The parts' weights, sum 1: the mean over BAGS draws of the products with replacement
    (Breiman 1996), for sixty products determine them loosely."""
    rng = np.random.default_rng(seed)
    products = np.unique(clean.products)
    found: list[dict[str, float]] = []
    for _ in range(BAGS):
        often = rng.multinomial(len(products), np.full(len(products), 1 / len(products)))
        counts = [
            often[np.searchsorted(products, asked.products)].astype(np.float32)
            for asked in (shots, clean)
        ]
        found.append(_searched(shots, clean, judge, counts))
    return {name: float(np.mean([bag[name] for bag in found])) for name in PARTS}


def _searched(shots: Asked, clean: Asked, judge: Judge, counts: list[F32]) -> dict[str, float]:
    """Coordinate search: R@1, reciprocal rank and likeness, weighed; sum 1."""

    def score(weights: dict[str, float]) -> float:
        found = PHONE * sum(shots.figures(weights, counts[0]))
        found += sum(clean.figures(weights, counts[1]))
        return found + LIKENESS * judge.agreement(weights)

    weights = dict.fromkeys(PARTS, 0.3)
    for _ in range(ROUNDS):
        for name in PARTS:
            tried = [step for step in STEPS if step >= LEAST.get(name, 0.0)]
            figures = [score({**weights, name: step}) for step in tried]
            weights[name] = tried[int(np.argmax(figures))]
    total = sum(weights.values())
    return {name: value / total for name, value in weights.items()}
