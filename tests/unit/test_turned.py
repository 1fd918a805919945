"""Shoes turned: what a picture of the side shows, seen from elsewhere."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from onnx_models.dataset import CACHE_SIZE, U8
from onnx_models.shaped import RIM, WIDE, Solid, sampled, solid, tread
from onnx_models.turned import Turn, any_turn, seen, turned

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


def _shoe(picture: U8) -> Solid:
    shoe = solid(picture)
    assert shoe is not None
    return shoe


def _look(picture: U8, turn: Turn, seed: int = 0) -> U8:
    return seen(_shoe(picture), turn, np.random.default_rng(seed))


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
    # By lot an outsole has another of the shoe's colours in a part of it.
    below = [_red(_look(side, Turn(0, -80, 0), seed)) for seed in range(12)]
    assert np.median(below) > 0.95
    assert min(below) < 0.9
    assert _red(_look(side, Turn(0, 80, 0))) < 0.5 * _red(side)


def test_from_above_a_shoe_has_the_outline_of_a_foot_whichever_way_it_points(side: U8) -> None:
    for picture in (side, np.ascontiguousarray(side[:, ::-1])):
        view = _look(picture, Turn(0, -89, 0))[..., 3] > 127
        wide = view.sum(axis=0)[np.flatnonzero(view.any(axis=0))]
        heel, waist, ball = (
            wide[int(at * len(wide))] for at in ((0.2, 0.42, 0.75) if picture is side else
                                                 (0.8, 0.58, 0.25))
        )  # fmt: skip
        assert waist <= heel < ball
        assert ball == pytest.approx(2 * WIDE * len(wide), rel=0.12)
        assert min(wide[3], wide[-4]) > 0.2 * ball  # round at both ends


def test_a_collar_is_open_and_a_sandal_has_none(side: U8) -> None:
    shoe = _shoe(side)
    ends = shoe.along[shoe.collar]
    assert ends.min() < 0.08
    assert 0.2 < ends.max() < 0.45
    low = side.copy()
    low[:112] = (255, 255, 255, 0)
    assert len(_shoe(low).collar) == 0
    # Straight above the middle of the collar lies nothing higher than its floor.
    surface = sampled(shoe, np.random.default_rng(1))
    rise = (shoe.low.max() - shoe.top.min()) / shoe.length
    heel = shoe.columns[shoe.collar].mean() - (shoe.columns[0] + shoe.columns[-1]) / 2
    inside = (np.abs(surface.points[:, 0] - heel / shoe.length) < 0.05) & (
        np.abs(surface.points[:, 2]) < 0.5 * RIM * shoe.upper[shoe.collar].mean() / shoe.length
    )
    assert inside.sum() > 100
    assert surface.points[inside, 1].max() < rise / 2 - 0.08
    # And the rest of a shoe is closed: from above there is a point on all of it.
    above = _look(side, Turn(0, 89, 0))[..., 3] > 127
    count, _ = cv2.connectedComponents((~above).astype(np.uint8))
    assert count == 2


def test_a_tread_darkens_and_leaves_some_as_it_is() -> None:
    rng = np.random.default_rng(0)
    place = np.stack([rng.random(4000), rng.uniform(-WIDE, WIDE, 4000)]).astype(np.float32)
    for seed in range(20):
        bright = tread(place, np.random.default_rng(seed))
        assert bright.max() == 1
        assert 0.5 < bright.min() < 0.95
        assert 0.1 < (bright == 1).mean() < 0.95


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
    assert np.mean(np.array(kinds) < 0) == pytest.approx(0.14, abs=0.05)


def test_a_picture_without_a_shoe_is_not_turned() -> None:
    empty = np.zeros((CACHE_SIZE, CACHE_SIZE, 4), np.uint8)
    assert solid(empty) is None
    assert turned(empty, np.random.default_rng(0)) is None
