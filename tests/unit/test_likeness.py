"""The style's last layer, fitted when all else is learned."""

from __future__ import annotations

import numpy as np
import pytest

from onnx_models.dataset import F32
from onnx_models.likeness import Likes, read_style


def _seen(rng: np.random.Generator, count: int) -> tuple[F32, F32]:
    """Features that hold the tokens among much else, and the tokens."""
    tokens = rng.normal(0.3, 1, (count, 12)).astype(np.float32)
    mixing = np.random.default_rng(7).normal(size=(12 + 20, 40))
    other = rng.normal(0, 1, (count, 20))
    features = np.concatenate([tokens, other], axis=1) @ mixing + 2
    return features.astype(np.float32), tokens


def test_what_is_read_is_what_the_pretrained_network_says_of_other_pictures() -> None:
    rng = np.random.default_rng(0)
    axes = np.linalg.qr(rng.normal(size=(12, 5)))[0].astype(np.float32)
    features, tokens = _seen(rng, 600)
    weight, bias = read_style(features, Likes(tokens, axes))
    assert weight.shape == (5, 40)
    assert bias.shape == (5,)
    others, told = _seen(rng, 200)
    found, right = others @ weight.T + bias, told @ axes
    assert np.corrcoef(found.ravel(), right.ravel())[0, 1] > 0.99
    # The mean, which people's judgement follows, is read as well.
    assert found.mean(axis=0) == pytest.approx(right.mean(axis=0), abs=0.1)


def test_what_the_features_do_not_hold_is_not_made_up() -> None:
    rng = np.random.default_rng(1)
    axes = np.eye(12, 5, dtype=np.float32)
    features, tokens = _seen(rng, 600)
    strange = rng.normal(0, 1, tokens.shape).astype(np.float32)
    weight, bias = read_style(features, Likes(strange, axes))
    found = _seen(rng, 200)[0] @ weight.T + bias
    assert found.std() < 0.4 * strange.std()
