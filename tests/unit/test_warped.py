"""A crop looked at from a little elsewhere: what moves, what stays."""

from __future__ import annotations

import numpy as np
import pytest

from onnx_models import warped as module
from onnx_models.dataset import U8
from onnx_models.warped import WARPED, warped

HEIGHT, WIDTH = 128, 160


def _crops(count: int) -> U8:
    """A grey shoe, darker at its sole, on white."""
    crop = np.full((HEIGHT, WIDTH, 4), (255, 255, 255, 0), np.uint8)
    crop[40:80, 25:135], crop[80:95, 25:135] = (180, 150, 120, 255), (60, 60, 60, 255)
    return np.repeat(crop[None], count, axis=0)


def _moved(crops: U8, found: U8) -> np.ndarray:
    return (found != crops).any(axis=(1, 2, 3))


def test_about_the_stated_share_is_moved_and_the_rest_is_the_very_same() -> None:
    crops = _crops(400)
    before = crops.copy()
    found = warped(crops, np.random.default_rng(0))
    np.testing.assert_array_equal(crops, before)
    assert _moved(crops, found).mean() == pytest.approx(WARPED, abs=0.08)


def test_what_is_not_the_shoe_stays_white() -> None:
    found = warped(_crops(60), np.random.default_rng(1))
    np.testing.assert_array_equal(found[found[..., 3] == 0][:, :3], 255)


def test_the_shoe_stays_in_the_picture_near_where_it_was() -> None:
    crops = _crops(300)
    found = warped(crops, np.random.default_rng(2))
    ys, xs = np.mgrid[:HEIGHT, :WIDTH]

    def facts(crop: U8) -> np.ndarray:
        alpha = crop[..., 3] / 255.0
        middle = [(alpha * at).sum() / alpha.sum() for at in (ys, xs)]
        return np.array([*middle, alpha.sum()])

    own = facts(crops[0])
    each = np.array([facts(one) for one in found[_moved(crops, found)]])
    away = each - own
    assert np.abs(away[:, :2].mean(axis=0)).max() < 1.5  # to no side more than to another
    assert 1.5 < away[:, 0].std() < 8
    assert 1.5 < away[:, 1].std() < 8
    size = each[:, 2] / own[2]
    assert np.quantile(size, 0.02) > 0.6
    assert np.quantile(size, 0.98) < 1.7
    assert np.median(size) == pytest.approx(1, abs=0.05)


def test_a_turn_keeps_angles_in_pixels() -> None:
    """Pure turns of a square stay squares though the crop is wider than high."""
    rng = np.random.default_rng(3)
    names = ("ZOOM", "ASPECT", "SHEAR", "ASIDE", "LEAN")
    with pytest.MonkeyPatch.context() as patch:
        for name in names:
            patch.setattr(module, name, 0.0)
        for _ in range(20):
            home = module._homography(HEIGHT, WIDTH, rng)
            corners = np.array([[0, 0, 1], [30, 0, 1], [30, 30, 1]]) @ home.T
            sides = np.diff(corners[:, :2] / corners[:, 2:], axis=0)
            np.testing.assert_allclose(np.linalg.norm(sides, axis=1), 30, rtol=1e-9)
            assert abs(sides[0] @ sides[1]) < 1e-6


def test_light_differs_and_the_seed_repeats_it() -> None:
    crops = _crops(40)
    one, two = (warped(crops, np.random.default_rng(4)) for _ in range(2))
    np.testing.assert_array_equal(one, two)
    middle = one[_moved(crops, one)][:, 60, 80, :3].astype(int)
    assert np.ptp(middle[:, 0]) > 10
    assert (np.argsort(middle, axis=1) == [2, 1, 0]).all()  # no other colour
