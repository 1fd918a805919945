"""Joining by the encoder's pair verifier: products that are each other's best match."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from app.settings import Settings
from etl.match.groups import Edge, Groups
from etl.match.rules import Verified

_BLOCK = 1024  # rows of similarities held at once
_NEAR = 8  # candidates of a picture that are looked at


class Verifier(Protocol):
    """Tells whether two pictures show one product; vectors are L2-normalised float32."""

    def probability(self, query: np.ndarray, others: np.ndarray) -> np.ndarray:
        """(D,) against (n, D): n probabilities."""
        ...


def open_verifier(encoder: str, settings: Settings) -> Verifier | None:
    """The encoder's own pair verifier; None: it has none."""
    from app.vision import verify  # here: onnxruntime is needed only for pictures

    return verify.open_verifier(encoder, settings)


def by_vectors(
    groups: Groups,
    pictures: Sequence[tuple[int, np.ndarray]],
    verifier: Verifier,
    rule: Verified,
    encoder: str,
) -> list[Edge]:
    """Pairs of products that are each other's best match in another shop, surest first.

    Args:
        pictures: (offer, L2-normalised vector) of each picture.
    """
    if not pictures:
        return []
    offers = np.array([offer for offer, _ in pictures])
    matrix = np.stack([vector for _, vector in pictures]).astype(np.float32)
    shops = np.array([groups.shop[int(offer)] for offer in offers])
    best: dict[int, dict[int, tuple[float, int, int]]] = {}  # product: other product: score, offers
    for start in range(0, len(matrix), _BLOCK):
        near = matrix[start : start + _BLOCK] @ matrix.T
        near[shops[start : start + _BLOCK, None] == shops[None, :]] = -2.0
        count = min(_NEAR, near.shape[1])
        columns = np.argpartition(-near, count - 1, axis=1)[:, :count]
        for row, found in enumerate(columns):
            index = start + row
            found = found[near[row, found] > -1.5]
            if not len(found):
                continue
            scores = verifier.probability(matrix[index], matrix[found])
            mine = groups.of[int(offers[index])]
            for column, score in zip(found, scores, strict=True):
                other = groups.of[int(offers[column])]
                seen = best.setdefault(mine.id, {})
                if other is not mine and score > seen.get(other.id, (-2.0,))[0]:
                    seen[other.id] = (float(score), int(offers[index]), int(offers[column]))
    return _mutual(groups, best, rule, encoder)


def _mutual(
    groups: Groups,
    best: dict[int, dict[int, tuple[float, int, int]]],
    rule: Verified,
    encoder: str,
) -> list[Edge]:
    edges = []
    for product, others in best.items():
        ranked = sorted(((v, k) for k, v in others.items()), reverse=True)
        if not ranked:
            continue
        (score, one, two), rival = ranked[0]
        second = max((v[0] for v, _ in ranked[1:] if _rivals(groups, two, v[2])), default=-2.0)
        back = best.get(rival, {})
        mutual = bool(back) and max(back, key=lambda k: back[k][0]) == product
        if (
            score >= rule.probability
            and score - second >= rule.margin
            and mutual
            and product < rival
        ):
            detail = {"encoder": encoder, "second": round(second, 4)}
            edges.append(Edge(one, two, "pictures", round(score, 4), detail))
    return sorted(edges, key=lambda edge: -(edge.score or 0.0))


def _rivals(groups: Groups, one: int, other: int) -> bool:
    """Whether two candidates are products of one shop: only then one of them must be wrong."""
    return bool(groups.shop[one] == groups.shop[other])
