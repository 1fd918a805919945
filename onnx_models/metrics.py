"""What the scorecard counts: ranks, triplets, ROC-AUC, EER, F1, calibration, bootstrap intervals.

Pure numpy; vectors are L2-normalised rows, similarity is their dot product.
"""

from __future__ import annotations

from collections.abc import Callable
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


def picture_precision(
    queries: Array, query_products: Array, own: Array, gallery: Array, gallery_products: Array
) -> Array:
    """Average precision (q,) over single pictures: every other picture of the product is right.

    Args as :func:`product_ranks`. AP is the mean, over the right pictures, of the precision at
    their ranks (Manning, Raghavan, Schuetze 2008, section 8.4).
    """
    out = np.empty(len(queries))
    for row in range(len(queries)):
        scores = gallery @ queries[row]
        right = gallery_products == query_products[row]
        right[own[row]] = False
        scores[own[row]] = -np.inf
        ranks = np.sort([np.count_nonzero(scores >= score) for score in scores[right]])
        out[row] = np.mean(np.arange(1, len(ranks) + 1) / ranks) if len(ranks) else 0.0
    return out


def roc_auc(scores: Array, positive: Array, weights: Array | None = None) -> float:
    """Share of (positive, negative) pairs in the right order, ties half; weights multiply."""
    weight = np.ones(len(scores)) if weights is None else weights
    tie = np.unique(scores, return_inverse=True)[1]
    negative = np.bincount(tie, weights=weight * ~positive)
    right = np.bincount(tie, weights=weight * positive, minlength=len(negative))
    below = np.cumsum(negative) - negative / 2
    return float((right @ below) / max(right.sum() * negative.sum(), 1e-12))


def equal_error(scores: Array, positive: Array, weights: Array | None = None) -> float:
    """Rate at which false accepts and false rejects are equal (mean of both at the crossing)."""
    weight = np.ones(len(scores)) if weights is None else weights
    values, tie = np.unique(scores, return_inverse=True)
    accept = np.bincount(tie, weights=weight * ~positive, minlength=len(values))
    reject = np.bincount(tie, weights=weight * positive, minlength=len(values))
    # Threshold just at each value: accepted are those at or above it; the last one accepts none.
    wrong = np.append(np.cumsum(accept[::-1])[::-1], 0) / max(accept.sum(), 1e-12)
    missed = np.append(0, np.cumsum(reject)) / max(reject.sum(), 1e-12)
    at = int(np.argmin(np.abs(wrong - missed)))
    return float((wrong[at] + missed[at]) / 2)


def false_accepts(scores: Array, positive: Array, recall: float = 0.95) -> float:
    """Share of the negatives at or above the threshold that keeps ``recall`` of the positives."""
    wanted = np.sort(scores[positive])[::-1]
    threshold = wanted[max(0, int(np.ceil(recall * len(wanted))) - 1)]
    return float((scores[~positive] >= threshold).mean())


def macro_f1(truth: Array, guess: Array, classes: int, weights: Array | None = None) -> float:
    """Mean F1 over the classes that occur in ``truth``; a guess of -1 is no class at all."""
    weight = np.ones(len(truth)) if weights is None else weights
    hit = np.bincount(truth, weights=weight * (truth == guess), minlength=classes)
    have = np.bincount(truth, weights=weight, minlength=classes)
    said = np.bincount(guess[guess >= 0], weights=weight[guess >= 0], minlength=classes)
    there = have > 0
    return float((2 * hit[there] / (have[there] + said[there])).mean()) if there.any() else 0.0


def reliability(
    probability: Array, right: Array, bins: int = 10
) -> tuple[list[list[float]], float]:
    """Points (mean probability, share right, n) of even bins, and the expected calibration error.

    Guo et al. 2017, "On calibration of modern neural networks".
    """
    place = np.clip((probability * bins).astype(int), 0, bins - 1)
    points: list[list[float]] = []
    error = 0.0
    for at in range(bins):
        inside = place == at
        count = int(inside.sum())
        if count:
            said, was = float(probability[inside].mean()), float(right[inside].mean())
            points.append([said, was, float(count)])
            error += abs(said - was) * count / len(probability)
    return points, error


def bootstrap(
    statistic: Callable[[Array], float], groups: Array, seed: int = 0, resamples: int = 200
) -> Interval:
    """``statistic`` of weights (n,) that count how often each value's group was drawn."""
    _, code = np.unique(groups, return_inverse=True)
    drawn = [statistic(draw[code]) for draw in _draws(int(code.max()) + 1, seed, resamples)]
    low, high = np.percentile(drawn, [2.5, 97.5])
    return Interval(statistic(np.ones(len(code))), float(low), float(high))


def _draws(groups: int, seed: int, resamples: int = RESAMPLES) -> Array:
    """(resamples, groups): how often each group is drawn, with replacement."""
    rng = np.random.default_rng(seed)
    return rng.multinomial(groups, np.full(groups, 1 / groups), size=resamples).astype(np.float64)
