"""Counts and calibrations shared by the heads and the verifier; numpy only."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def macro_f1(predicted: Array, truth: Array) -> float:
    """Mean F1 over the classes that occur in ``truth``."""
    scores = []
    for value in np.unique(truth):
        hit = float(((predicted == value) & (truth == value)).sum())
        scores.append(2 * hit / float((predicted == value).sum() + (truth == value).sum()))
    return float(np.mean(scores))


def f1_interval(predicted: Array, truth: Array, groups: Array, draws: int = 300) -> list[float]:
    """95 % bootstrap interval of :func:`macro_f1`, whole groups resampled."""
    _, code = np.unique(groups, return_inverse=True)
    members = [np.flatnonzero(code == value) for value in range(code.max() + 1)]
    rng = np.random.default_rng(0)
    values = []
    for _ in range(draws):
        rows = np.concatenate([members[i] for i in rng.integers(0, len(members), len(members))])
        values.append(macro_f1(predicted[rows], truth[rows]))
    return [round(float(v), 3) for v in np.percentile(values, [2.5, 97.5])]


def softmax(logits: Array, temperature: float = 1.0) -> Array:
    """Rows to probabilities."""
    scaled = logits / temperature
    weights = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def sigmoid(logits: Array) -> Array:
    """Elementwise."""
    return np.asarray(1 / (1 + np.exp(-np.clip(logits, -60, 60))))


def temperature(logits: Array, truth: Array) -> float:
    """The one of least negative log likelihood: logits (n,) with 0/1, or (n, k) with classes."""
    best, least = 1.0, np.inf
    for value in np.geomspace(0.25, 6, 60):
        if logits.ndim == 1:
            share = sigmoid(logits / value)
            chosen = np.where(truth == 1, share, 1 - share)
        else:
            chosen = softmax(logits, value)[np.arange(len(truth)), truth]
        loss = -float(np.log(np.maximum(chosen, 1e-9)).mean())
        if loss < least:
            best, least = float(value), loss
    return round(best, 4)


def precise(scores: Array, right: Array, precision: float, fewest: int = 20) -> float:
    """Lowest score from which on at least ``precision`` of what is said is right; 1 where none."""
    order = np.argsort(-scores)
    share = np.cumsum(right[order]) / np.arange(1, len(order) + 1)
    good = np.flatnonzero((share >= precision) & (np.arange(len(order)) >= fewest - 1))
    return round(float(scores[order[good[-1]]]), 4) if len(good) else 1.0


def calibration_error(probability: Array, truth: Array, bins: int = 10) -> float:
    """Expected calibration error over equally filled bins."""
    order = np.argsort(probability)
    total = 0.0
    for part in np.array_split(order, bins):
        if len(part):
            total += len(part) * abs(float(probability[part].mean() - truth[part].mean()))
    return total / len(order)


def platt(logit: Array, right: Array) -> tuple[float, float]:
    """Platt's line (slope > 0, offset) of most likelihood: Newton's steps on standardised logits,
    halved until they help."""
    mean, deviation = float(logit.mean()), float(logit.std()) + 1e-9
    design = np.stack([(logit - mean) / deviation, np.ones(len(logit))], axis=1)
    truth = right.astype(np.float64)

    def loss(line: Array) -> float:
        margin = design @ line
        return float(np.logaddexp(0, margin).sum() - truth @ margin + 0.5 * line @ line * 1e-3)

    line = np.zeros(2)
    for _ in range(100):
        share = sigmoid(design @ line)
        gradient = design.T @ (truth - share) - 1e-3 * line
        curvature = (design * (share * (1 - share))[:, None]).T @ design + 1e-3 * np.eye(2)
        step = np.linalg.solve(curvature, gradient)
        size = 1.0
        while size > 1e-6 and loss(line + size * step) > loss(line):
            size /= 2
        line = line + size * step
        if np.abs(size * step).max() < 1e-8:
            break
    slope = max(float(line[0]) / deviation, 1e-3)
    return round(slope, 5), round(float(line[1]) - slope * mean, 5)
