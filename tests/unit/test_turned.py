"""Shoes turned: what a picture of the side shows, seen from elsewhere."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from onnx_models.dataset import CACHE_SIZE, U8
from onnx_models.turned import Turn, any_turn, seen, solid, turned

BLUE, RED = (20, 40, 200), (220, 30, 30)


@pytest.fixture
def side() -> U8:
    """A blue shoe with a red sole, seen from its side."""
    picture = np.full((CACHE_SIZE, CACHE_SIZE, 4), (255, 255, 255, 0), np.uint8)
    upper = np.array([[30, 120], [36, 70], [70, 66], [110, 100], [165, 112], [165, 120]])
    for points, colour in ((upper, BLUE), (None, RED)):
        stencil = np.zeros((CACHE_SIZE, CACHE_SIZE), np.uint8)
        if points is None:
            cv2.rectangle(stencil, (28, 118), (167, 132), 255, -1)
        else:
            cv2.fillPoly(stencil, [points.astype(np.int32)], 255)
        picture[stencil > 0] = (*colour, 255)
    return picture


def _look(picture: U8, turn: Turn) -> U8:
    shoe = solid(picture)
    assert shoe is not None
    return seen(shoe, turn, np.random.default_rng(0))


def _red(view: U8) -> float:
    shoe = view[view[..., 3] > 200].astype(int)
    return float((shoe[:, 0] > shoe[:, 2]).mean())


def test_from_where_it_was_taken_a_shoe_looks_as_it_did(side: U8) -> None:
    view = _look(side, Turn(0, 0, 0))
    ys, xs = np.nonzero(view[..., 3] > 127)
    wide, high = np.ptp(xs) + 1, np.ptp(ys) + 1
    assert wide / high == pytest.approx(140 / 67, rel=0.08)
    assert _red(view) == pytest.approx(_red(side), abs=0.06)


def test_from_below_it_shows_its_sole_and_from_above_hardly(side: U8) -> None:
    below, above = _look(side, Turn(0, -80, 0)), _look(side, Turn(0, 80, 0))
    assert _red(below) > 0.9
    assert _red(above) < 0.5 * _red(side)


def test_a_pair_stands_beside_each_other(side: U8) -> None:
    view = _look(side, Turn(0, 80, 90, apart=0.6))
    count, _ = cv2.connectedComponents((view[..., 3] > 127).astype(np.uint8))
    assert count == 3  # with the backdrop
    lone = _look(side, Turn(0, 80, 90))
    assert cv2.connectedComponents((lone[..., 3] > 127).astype(np.uint8))[0] == 2


def test_nothing_of_the_old_backdrop_is_on_it(side: U8) -> None:
    rim = cv2.dilate((side[..., 3] > 0).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    halo = side.copy()
    halo[rim & (side[..., 3] == 0)] = (250, 250, 250, 255)
    view = _look(halo, Turn(40, 20, 0))
    shoe = view[view[..., 3] > 200]
    assert (shoe.min(axis=1) > 150).mean() < 0.01


def test_any_turn_gives_a_shoe_in_its_box(side: U8) -> None:
    rng = np.random.default_rng(1)
    shares = []
    for _ in range(24):
        got = turned(side, rng)
        assert got is not None
        view, (x0, y0, x1, y1) = got
        outside = view[..., 3].copy()
        outside[y0:y1, x0:x1] = 0
        assert (outside > 100).sum() == 0
        assert min(x1 - x0, y1 - y0) > 20
        shares.append((view[..., 3] > 127).mean())
    assert min(shares) > 0.03
    kinds = [any_turn(rng).pitch for _ in range(400)]
    assert np.mean(np.array(kinds) > 40) == pytest.approx(0.3, abs=0.08)
    assert np.mean(np.array(kinds) < 0) == pytest.approx(0.1, abs=0.05)


def test_a_picture_without_a_shoe_is_not_turned() -> None:
    empty = np.zeros((CACHE_SIZE, CACHE_SIZE, 4), np.uint8)
    assert solid(empty) is None
    assert turned(empty, np.random.default_rng(0)) is None
