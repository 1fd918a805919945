"""What a picture that asks is: a studio's or a phone's, and of the shoe's side or of another.

Both are logistic regressions inside the served graph (:class:`onnx_models.assemble.Served`), fitted
on training pictures. Neither is asked of what a catalogue keeps.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from onnx_models.dataset import F32, Flags

SHARP: Final = 3.0
"""How much steeper than a chance the studio's gate is."""
LEAK: Final = 0.06
"""What a phone's photographs may keep of their plain colours, on the mean."""
SIDE: Final = frozenset({"side", "main", "3q-side", "pair_3q"})
TURNED: Final = frozenset({"top", "sole", "back"})
"""Views by the labels' words. Other words ("alt", "view2", "3") do not say what is seen."""
RIDGE: Final = 1e-2


def logistic(x: F32, y: Flags, ridge: float = RIDGE) -> tuple[F32, float]:
    """Weights (d,) and bias of a logistic regression by Newton's method on rows (n, d), both
    classes counting alike; ``ridge`` of each standardised weight."""
    mean, deviation = x.mean(0, dtype=np.float64), x.std(0, dtype=np.float64) + 1e-6
    seen = np.concatenate([(x - mean) / deviation, np.ones((len(x), 1))], axis=1)
    counts = np.where(y, 0.5 / max(y.mean(), 1e-6), 0.5 / max(1 - y.mean(), 1e-6))
    w = np.zeros(seen.shape[1])
    for _ in range(20):
        p = 1 / (1 + np.exp(-np.clip(seen @ w, -30, 30)))
        curve = (seen * (counts * p * (1 - p))[:, None]).T @ seen
        curve += np.eye(len(w)) * ridge * len(seen)
        w -= np.linalg.solve(curve, seen.T @ (counts * (p - y)) + ridge * len(seen) * w)
    weights = w[:-1] / deviation
    return weights.astype(np.float32), float(w[-1] - weights @ mean)


def fit_studio(studio: F32, phone: F32) -> tuple[F32, float]:
    """Weights and bias on the backdrop's facts (n, 8) of either, sharpened."""
    rows = np.concatenate([studio, phone])
    weights, bias = logistic(rows, np.arange(len(rows)) < len(studio))
    return sharpened(weights, bias, phone)


def sharpened(weights: F32, bias: float, phone: F32) -> tuple[F32, float]:
    """The same regression SHARP times as steep, and moved until phones keep LEAK of their plain
    colours: between a studio that is a little grey and a plain floor a chance is not enough."""
    logits = SHARP * (phone @ weights + bias)
    low, high = -100.0, 100.0
    for _ in range(60):
        middle = (low + high) / 2
        kept = float((1 / (1 + np.exp(-np.clip(logits - middle, -60, 60)))).mean())
        low, high = (middle, high) if kept > LEAK else (low, middle)
    return np.asarray(SHARP * weights, np.float32), float(SHARP * bias - high)


def fit_side(features: F32, views: npt.NDArray[np.str_]) -> tuple[F32, float]:
    """Weights and bias on the trunk's features (n, f): whether the shoe is seen from its side, by
    the labels' words for the view (n,).

    Raises:
        ValueError: one of the two is not among them.
    """
    side, turned = (np.isin(views, list(names)) for names in (SIDE, TURNED))
    if not side.any() or not turned.any():
        raise ValueError("views from the side and other ones are both needed")
    known = side | turned
    return logistic(features[known], side[known])
