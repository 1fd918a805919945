"""What the scorecard counts: retrieval ranks, human triplets, same-pair AUC, bootstrap intervals.

Pure numpy; vectors are L2-normalised rows, similarity is their dot product.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
RESAMPLES: Final = 1000


@dataclass(frozen=True)
class Interval:
    """An estimate with the bounds of its 95 % percentile bootstrap interval."""

    value: float
    low: float
    high: float


def product_ranks(
    queries: Array, query_products: Array, own: Array, gallery: Array, gallery_products: Array
) -> Array:
    """Rank (1 = first) of each query's product among all products, by their best image.

    Args:
        queries: (q, d) vectors.
        query_products: (q,) product codes.
        own: (q,) gallery row of the query's own picture, which is left out for it.
        gallery: (g, d) vectors.
        gallery_products: (g,) product codes.

    A product with exactly the target's score counts as before it: a tie is not a find.
    """
    order = np.argsort(gallery_products, kind="stable")
    codes, starts = np.unique(gallery_products[order], return_index=True)
    place = np.searchsorted(codes, query_products)
    ranks = np.empty(len(queries), np.int64)
    for row in range(len(queries)):
        scores = gallery @ queries[row]
        scores[own[row]] = -np.inf
        best = np.maximum.reduceat(scores[order], starts)
        ranks[row] = np.count_nonzero(best >= best[place[row]])
    return ranks


def bootstrap_mean(values: Array, groups: Array, seed: int = 0) -> Interval:
    """Mean of ``values`` (n,), resampling whole groups (products), not single values."""
    _, code = np.unique(groups, return_inverse=True)
    sums, counts = np.bincount(code, weights=values), np.bincount(code)
    drawn = _draws(len(counts), seed)
    means = (drawn @ sums) / (drawn @ counts)
    low, high = np.percentile(means, [2.5, 97.5])
    return Interval(float(np.mean(values)), float(low), float(high))


def triplet_agreement(vectors: Array, triplets: Array, seed: int = 0) -> Interval:
    """Share of (anchor, closer, farther) rows where closer has the higher similarity.

    Ties count half. The bootstrap resamples anchors.
    """
    similarity = vectors @ vectors.T
    anchor, closer, farther = triplets.T
    difference = similarity[anchor, closer] - similarity[anchor, farther]
    return bootstrap_mean(np.where(difference == 0, 0.5, difference > 0), anchor, seed)


def pair_auc(vectors: Array, products: Array, sources: Array, seed: int = 0) -> Interval:
    """ROC-AUC of cosine for "same product" over all pairs of pictures within one source.

    The bootstrap resamples products; a pair weighs by how often its products were drawn.
    """
    first, second = np.triu_indices(len(vectors), 1)
    within = sources[first] == sources[second]
    first, second = first[within], second[within]
    scores = np.einsum("ij,ij->i", vectors[first], vectors[second])
    _, code = np.unique(products, return_inverse=True)
    a, b = code[first], code[second]
    same = a == b
    order = np.argsort(scores, kind="stable")
    a, b, same, scores = a[order], b[order], same[order], scores[order]
    tie = np.unique(scores, return_inverse=True)[1]
    estimates = []
    for weights in (np.ones(code.max() + 1), *_draws(code.max() + 1, seed, RESAMPLES // 5)):
        weight = np.where(same, weights[a], weights[a] * weights[b])
        negative = np.bincount(tie, weights=weight * ~same)
        below = np.cumsum(negative) - negative / 2
        positive = np.bincount(tie, weights=weight * same)
        estimates.append((positive @ below) / max(positive.sum() * negative.sum(), 1e-12))
    low, high = np.percentile(estimates[1:], [2.5, 97.5])
    return Interval(float(estimates[0]), float(low), float(high))


def _draws(groups: int, seed: int, resamples: int = RESAMPLES) -> Array:
    """(resamples, groups): how often each group is drawn, with replacement."""
    rng = np.random.default_rng(seed)
    return rng.multinomial(groups, np.full(groups, 1 / groups), size=resamples).astype(np.float64)
