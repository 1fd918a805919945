"""A shoe in other colours: what is the same and what is not."""

from __future__ import annotations

import numpy as np
import pytest

from onnx_models.dataset import U8
from onnx_models.recoloured import recoloured

BLACK, WHITE, RED = (0, 0, 0), (255, 255, 255), (230, 20, 20)


def _shoe(upper: tuple[int, int, int], sole: tuple[int, int, int]) -> U8:
    crop = np.full((40, 60, 4), (255, 255, 255, 0), np.uint8)
    crop[10:25, 5:55], crop[25:32, 5:55] = (*upper, 255), (*sole, 255)
    return crop


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("colours", [(BLACK, WHITE), (WHITE, WHITE), (RED, WHITE)])
def test_every_shoe_gets_other_colours_and_keeps_its_seams(
    colours: tuple[tuple[int, int, int], tuple[int, int, int]], seed: int
) -> None:
    crop = _shoe(*colours)
    (other,) = recoloured(crop[None], np.random.default_rng(seed))
    opaque = crop[..., 3] > 0
    assert np.abs(other[opaque].astype(int) - crop[opaque]).max() > 60
    upper, sole = other[15, 30, :3].astype(int), other[28, 30, :3].astype(int)
    if colours[0] == colours[1]:
        assert np.abs(upper - sole).max() <= 1
    else:
        assert np.abs(upper - sole).max() > 40


def test_backdrop_and_cut_stay_as_they_are() -> None:
    crop = _shoe(RED, WHITE)
    crop[:, 5:8, 3] //= 2
    crop[:, :5, :3] = 250  # not quite white, and not the shoe's
    (other,) = recoloured(crop[None], np.random.default_rng(1))
    np.testing.assert_array_equal(other[..., 3], crop[..., 3])
    np.testing.assert_array_equal(other[crop[..., 3] == 0][..., :3], 255)


def test_both_views_of_a_pair_get_the_same_colours() -> None:
    crop = _shoe(RED, BLACK)
    one, two = recoloured(np.stack([crop, crop[:, ::-1]]), np.random.default_rng(2))
    np.testing.assert_array_equal(one, two[:, ::-1])


def test_a_shade_of_a_half_transparent_edge_is_the_shoes_own() -> None:
    red = _shoe(RED, RED)
    edge = red.copy()
    edge[..., 3] //= 2
    share = edge[..., 3:] / 255
    edge[..., :3] = np.rint(red[..., :3] * share + 255 * (1 - share))
    whole, half = (recoloured(one[None], np.random.default_rng(3))[0] for one in (red, edge))
    own = (half[15, 30, :3] / 255 - (1 - 127 / 255)) / (127 / 255)
    np.testing.assert_allclose(own, whole[15, 30, :3] / 255, atol=0.03)
