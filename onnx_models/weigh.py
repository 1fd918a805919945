"""How much each part counts: in what asks, of a phone or of a studio, and in what is kept.

Cosines between the two sum the parts by the product of their roots, so a search may weigh
otherwise than what lies side by side in a catalogue is alike.

What asks is fitted on a studio that training never saw. A studio's picture asks twice: what finds
its product in its own shop is not what finds it in another's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from onnx_models.assemble import PARTS
from onnx_models.dataset import F32, I64, Flags
from onnx_models.metrics import roc_auc

ROUNDS: Final = 3
STEPS: Final = (0.0, 0.03, 0.06, 0.1, 0.15, 0.2, 0.27, 0.35, 0.45, 0.6, 0.8, 1.1, 1.5, 2.0)
STORED: Final[dict[str, float]] = {
    "style": 0.9, "model": 0.015, "outline": 0.003, "detail": 0.027, "attributes": 0.038,
    "palette": 0.008, "plain": 0.006, "scene": 0.003,
}  # fmt: skip
"""Of what is kept. No search asks for what lies side by side in a catalogue, whatever these are (it
scales what asks to fit), so they serve what else looks at it: likeness as people judge it, which is
style, and classifiers, which see a part by its variance. EXPERIMENTS.md has what others gave; the
less a part has, the louder one must ask by it, and the further an index looks to find it."""
TRIPLETS: Final = 20_000
APART: Final = 4.0
"""What telling one studio's products apart (area under the curve) counts beside R@1 and reciprocal
rank: a scene that all of them share finds their shop among others and says nothing among them."""
LOUDER: Final = tuple(round(0.5 + 0.02 * at, 2) for at in range(41))
"""Lengths to try of a studio's second question beside its first."""
HOME: Final = 3.0
"""What finding a product in its own shop counts there beside finding it in another: a colour
histogram finds it at home, so little may be lost there."""
BESIDE: Final = 2
"""Neighbours a side of a length that are averaged: sixty questions tell single steps badly."""
CANDIDATES: Final = 80
"""Pictures nearest by each part that stand for the gallery: others come first by no mixture."""
BAGS: Final = 8
Parts = dict[str, F32]


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

    def drawn(self, rng: np.random.Generator) -> F32:
        """How often each query (q,) counts where as many products are drawn with replacement."""
        products, places = np.unique(self.products, return_inverse=True)
        often = rng.multinomial(len(products), np.full(len(products), 1 / len(products)))
        return np.asarray(often[places], np.float32)

    def scores(self, phone: dict[str, float], studio: dict[str, float]) -> F32:
        """Cosines (q, k) between what asks, each query between the two sets of weights as its gate
        says, and what is kept; -inf where a candidate is out of the question.

        A silent outline is taken for one that asks: it weighs next to nothing."""
        found = np.zeros(self.right.shape, np.float32)
        squared, gates = np.zeros((len(found), 1), np.float32), self.gates[:, None]
        for name in PARTS:
            low, high = np.float32(phone[name]), np.float32(studio[name])
            if low or high:
                weights = low + (high - low) * gates
                found += weights * self.cosines[name]
                squared += weights * weights / np.float32(STORED[name])
        found /= np.sqrt(np.maximum(squared, np.float32(1e-12)))
        found[self.out] = -np.inf
        return found

    def figures(
        self, phone: dict[str, float], studio: dict[str, float], counts: F32 | None = None
    ) -> tuple[float, float]:
        """:meth:`found` by :meth:`scores`."""
        return self.found(self.scores(phone, studio), counts)

    def either(
        self, phone: dict[str, float], studio: dict[str, float], beyond: dict[str, float],
        louder: float,
    ) -> F32:  # fmt: skip
        """The better (q, k) of both of a studio's questions, the second ``louder`` times as long;
        a phone's are one."""
        length = 1 + np.float32(louder - 1) * self.gates[:, None]
        return np.maximum(self.scores(phone, studio), self.scores(phone, beyond) * length)

    def found(self, scores: F32, counts: F32 | None = None) -> tuple[float, float]:
        """R@1 and mean reciprocal rank, leave-one-out, by ``scores`` (q, k); ``counts`` (q,): how
        often each query counts."""
        best = np.where(self.right, scores, -np.inf).max(axis=1)
        rank = (scores >= best[:, None]).sum(axis=1)
        return (
            float(np.average(rank == 1, weights=counts)),
            float(np.average(1 / rank, weights=counts)),
        )


@dataclass(frozen=True)
class Within:
    """All pairs of a studio's pictures, one that asks and one that is kept: cosines by part (p,),
    places of the asking ones (p,), the lengths of their parts (q,), which pairs are of one product
    (p,)."""

    cosines: dict[str, F32]
    asking: I64
    lengths: dict[str, F32]
    same: Flags

    @classmethod
    def of(
        cls, asked: Parts, kept: Parts, products: npt.NDArray[np.str_],
        studios: npt.NDArray[np.str_],
    ) -> Within:  # fmt: skip
        """Of q pictures, the same ones asking and kept."""
        apart = ~np.eye(len(products), dtype=bool)
        one, two = np.nonzero((studios[:, None] == studios[None]) & apart)
        cosines = {name: (part[one] * kept[name][two]).sum(axis=1) for name, part in asked.items()}
        lengths = {name: np.linalg.norm(part, axis=1) for name, part in asked.items()}
        return cls(cosines, one, lengths, products[one] == products[two])

    def area(self, weights: dict[str, float]) -> float:
        """Area under the ROC curve of the cosine, which pairs of one product have higher. What
        asks has unit length, whatever of it is silent."""
        squared = sum(
            (weight * self.lengths[name]) ** 2 / STORED[name] for name, weight in weights.items()
        )
        cosines = sum(weight * self.cosines[name] for name, weight in weights.items())
        return roc_auc(cosines / np.sqrt(squared)[self.asking], self.same)


class Judge:
    """Triplets of validation pictures as the voices of :mod:`onnx_models.likeness` see them, the
    best stand-in for people's judgement of likeness that training may use."""

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


def normal(weights: dict[str, float]) -> dict[str, float]:
    """The same, sum 1."""
    total = sum(weights.values())
    return {name: value / total for name, value in weights.items()}


def mean(*several: dict[str, float]) -> dict[str, float]:
    """Of several opinions."""
    return {name: float(np.mean([one[name] for one in several])) for name in PARTS}


def fit_asking(
    asked: Asked, silent: tuple[str, ...], seed: int, within: Within | None = None
) -> dict[str, float]:
    """Weights of what asks, sum 1: the mean over BAGS draws of the products with replacement
    (Breiman 1996), for sixty products determine them loosely. ``silent`` parts have none.
    ``within`` counts APART."""
    rng = np.random.default_rng(seed)
    heard = [name for name in PARTS if name not in silent]
    found = []
    for _ in range(BAGS):
        counts = asked.drawn(rng)

        def score(weights: dict[str, float], counts: F32 = counts) -> float:
            apart = APART * within.area(weights) if within else 0.0
            return sum(asked.figures(weights, weights, counts)) + apart

        begun = {name: 0.3 if name in heard else 0.0 for name in PARTS}
        found.append(normal(_searched(score, begun, heard)))
    return mean(*found)


def fit_louder(
    home: Asked, away: Asked, phone: dict[str, float], studio: dict[str, float],
    beyond: dict[str, float],
) -> float:  # fmt: skip
    """How long a studio's second question, by ``beyond``, is to be beside its first, so that the
    better of the two cosines finds most at ``home``, HOME times over, and ``away``: too long and
    the first says nothing more, too short and the second."""
    told = [
        sum(
            share * sum(one.found(one.either(phone, studio, beyond, louder)))
            for one, share in ((home, HOME), (away, 1.0))
        )
        for louder in LOUDER
    ]
    wide = np.ones(2 * BESIDE + 1) / (2 * BESIDE + 1)
    return LOUDER[int(np.convolve(np.pad(told, BESIDE, mode="edge"), wide, "valid").argmax())]


def _searched(
    score: Callable[[dict[str, float]], float], weights: dict[str, float], names: list[str]
) -> dict[str, float]:
    """Coordinate search over STEPS for the parts ``names``."""
    for _ in range(ROUNDS):
        for name in names:
            figures = [score({**weights, name: step}) for step in STEPS]
            weights = {**weights, name: STEPS[int(np.argmax(figures))]}
    return weights
