"""Products with several pictures once more in other colours. Needs what the recipe needs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch")

from onnx_models.bank import CLEAN, SHOT, _plan
from onnx_models.dataset import HELD_SOURCE, U8, Row
from onnx_models.sets import SETS, SHOTS, bases, in_colours


def _shoe(upper: int, rows: slice) -> U8:
    rgba = np.full((192, 192, 4), (255, 255, 255, 0), np.uint8)
    rgba[rows, 30:160] = (upper, upper, upper, 255)
    return rgba


def test_all_pictures_of_a_product_get_the_same_colours_and_each_time_others() -> None:
    side, top = _shoe(40, slice(60, 120)), _shoe(40, slice(20, 170))
    seen = []
    for time in range(SETS):
        one, two = in_colours(side, "es_shop/1", time), in_colours(top, "es_shop/1", time)
        np.testing.assert_array_equal(one[90, 90], two[90, 90])
        np.testing.assert_array_equal(one, in_colours(side, "es_shop/1", time))
        seen.append(tuple(one[90, 90, :3].tolist()))
    assert len(set(seen)) == SETS
    other = in_colours(side, "es_shop/2", 0)
    assert tuple(other[90, 90, :3].tolist()) not in seen


def test_the_rim_of_a_cut_out_is_left_out() -> None:
    shoe = _shoe(40, slice(60, 120))
    shoe[60, 30:160, :3] = 250
    found = in_colours(shoe, "es_shop/1", 0)
    assert not found[60, :, 3].any()
    assert found[61, 90, 3] == 255
    assert np.ptp(found[61:119, 31:159, :3].reshape(-1, 3), axis=0).max() == 0


def test_only_cut_outs_of_products_with_several_pictures_that_training_sees_are_repeated() -> None:
    sources = ("nike_vn_multiview", HELD_SOURCE, "footlocker_2018", "bazaizai_multiview")
    rows = [
        Row("f", source, f"{source}{i // 4}", "", "", "", "", "studio")
        for source in sources for i in range(200)
    ]  # fmt: skip
    masked = np.ones(len(rows), bool)
    masked[:100] = False
    found = bases(rows, masked)
    assert {rows[i].source for i in found} == {sources[0], sources[1]}
    assert {rows[i].split for i in found} == {"train"}
    assert masked[found].all()
    held = [replace(row, held=row.source == HELD_SOURCE) for row in rows]
    np.testing.assert_array_equal(bases(held, masked), found)
    plan = np.array(_plan(rows, masked, 8))
    more = plan[plan[:, 0] >= len(rows) + 8]
    assert len(set(more[:, 0])) == SETS * len(found)
    assert (more[:, 1] == CLEAN).sum() == SETS * len(found)
    assert (more[:, 1] == SHOT).sum() == SETS * len(found) * SHOTS
