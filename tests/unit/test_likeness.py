"""The style, read anew when all else is learned, and who says what it should be."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from app.errors import EncoderError  # noqa: E402
from onnx_models.dataset import F32  # noqa: E402
from onnx_models.likeness import VOICES, heard, joined, read_style  # noqa: E402


def _unit(values: F32) -> F32:
    return np.asarray(values / np.linalg.norm(values, axis=1, keepdims=True), np.float32)


def _seen(rng: np.random.Generator, count: int) -> tuple[F32, F32]:
    """What is gathered holds facts among much else; the style tells of some whether they are far
    from their middle, which nothing linear reads."""
    facts = rng.normal(0, 1, (count, 6))
    mixing = np.random.default_rng(7).normal(size=(16, 40))
    other = rng.normal(0, 0.3, (count, 10))
    gathered = np.concatenate([facts, other], axis=1) @ mixing + 2
    style = np.concatenate([facts[:, :3], np.abs(facts[:, 3:]) * 1.5], axis=1)
    return gathered.astype(np.float32), _unit(style)


def _right(found: F32, style: F32) -> float:
    return float((_unit(found) * style).sum(axis=1).mean())


def test_what_is_read_of_other_pictures_is_more_than_a_linear_layer_reads() -> None:
    rng = np.random.default_rng(0)
    gathered, style = _seen(rng, 4000)
    reading = read_style(gathered, style, seed=0)
    others, told = _seen(rng, 500)
    with torch.inference_mode():
        found = reading(torch.from_numpy(others)).numpy()
        assert np.array_equal(found, reading(torch.from_numpy(others)).numpy()), "nothing dropped"
    wide, more = (np.c_[x, np.ones(len(x))] for x in (gathered, others))
    linear = more @ np.linalg.lstsq(wide, style, rcond=None)[0]
    assert _right(found, told) > 0.93 > 0.91 > _right(linear, told)


def test_what_is_not_gathered_is_not_made_up() -> None:
    rng = np.random.default_rng(1)
    gathered, style = _seen(rng, 2000)
    reading = read_style(gathered, _unit(rng.normal(size=style.shape)), seed=0)
    others, told = _seen(rng, 500)
    strange = _unit(rng.normal(size=told.shape))
    with torch.inference_mode():
        assert abs(_right(reading(torch.from_numpy(others)).numpy(), strange)) < 0.1


def test_voices_count_as_much_as_is_said_and_directions_are_those_of_training() -> None:
    rng = np.random.default_rng(2)
    said = [_unit(rng.normal(mean, 1, (900, width))) for mean, width in ((1, 20), (3, 60), (0, 90))]
    train = np.arange(900) < 600
    likes = joined(said, train, 8)
    assert likes.views.shape == (900, 170)
    assert np.allclose(np.linalg.norm(likes.style, axis=1), 1, atol=1e-5)
    ends = np.cumsum([one.shape[1] for one in said])[:-1]
    one, two = rng.integers(0, 600, (2, 20_000))
    apart = one != two
    spread = [
        (block[one[apart]] * block[two[apart]]).sum(axis=1).std()
        for block in np.split(likes.views, ends, axis=1)
    ]
    assert spread == pytest.approx(list(VOICES.values()), rel=0.05)
    # What held-out pictures say changes nothing about the others.
    other = [np.where(train[:, None], x, _unit(rng.normal(size=x.shape))) for x in said]
    assert np.allclose(joined(other, train, 8).style[train], likes.style[train], atol=1e-5)
    said[1][700] = np.nan
    with pytest.raises(ValueError, match="could not be read"):
        joined(said, train, 8)


def test_a_voice_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(EncoderError, match="vit_tiny_imagenet cannot be adopted"):
        heard(tmp_path, ["a.jpg"], np.ones(1, bool), tmp_path / "none", tmp_path, 8)
