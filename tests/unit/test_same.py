"""Which photographs of different shops show one product."""

from __future__ import annotations

from collections import Counter

import pytest

from onnx_models.dataset import TEST_SOURCES, Row
from onnx_models.named import models
from onnx_models.same import judged, read_pairs, sold
from onnx_models.scorecard.elsewhere import PAIRS


def row(source: str, product: str, model: str = "") -> Row:
    """A studio's picture."""
    return Row(f"{source}/{product}", source, f"{source}/{product}", model, "nike", "", "",
               "studio")  # fmt: skip


def of(split: str, source: str) -> Row:
    """The first product of a shop that stands in this split."""
    return next(one for i in range(1000) if (one := row(source, f"p{i}")).split == split)


def test_what_stands_in_several_shops_has_one_name_however_it_is_chained() -> None:
    shops = ("footlocker_2018", "micah5_unlabelled", "zappos_pairs_2018", "vans_site_2018")
    a, b, c, d = (of("train", shop) for shop in shops)
    same = [(c.file, b.file), (a.file, b.file), (b.file, a.file)]
    one, two, three, alone = sold([a, b, c, d], same)
    assert one == two == three == a.product
    assert alone == d.product
    assert sold([d, c, b, a], same) == [d.product, a.product, a.product, a.product]


def test_what_is_held_out_is_never_joined() -> None:
    seen = of("train", "footlocker_2018")
    for other in (of("validation", "micah5_unlabelled"), row("bazaizai_multiview", "x")):
        assert other.split != "train"
        assert sold([seen, other], [(seen.file, other.file)]) == [seen.product, other.product]


def test_what_is_held_out_is_joined_for_who_measures() -> None:
    seen, other = of("train", "footlocker_2018"), of("validation", "micah5_unlabelled")
    pair, both = [(seen.file, other.file)], frozenset({"train", "validation"})
    assert len(set(sold([seen, other], pair, both))) == 1
    assert all(not {f.split("/")[0] for f in pair} & TEST_SOURCES for pair in read_pairs(PAIRS))
    assert not {frozenset(p) for p in read_pairs(PAIRS)} & {frozenset(p) for p in judged()}


def test_a_shoe_without_a_name_has_that_of_another_shop(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    named = of("train", "footlocker_2018")
    named = row("footlocker_2018", named.product.split("/")[1], "m3")
    lone, other = of("train", "micah5_unlabelled"), of("train", "zappos_pairs_2018")
    assert named.split == "train"
    monkeypatch.setattr("onnx_models.same.judged", lambda: ((lone.file, named.file),))
    assert models([lone, other, named]) == [
        "footlocker_2018/m3", other.product, "footlocker_2018/m3",
    ]  # fmt: skip


def test_the_list_pairs_two_shops_once_and_no_picture_of_the_test() -> None:
    pairs = judged()
    assert len(pairs) > 500
    assert max(Counter(tuple(sorted(pair)) for pair in pairs).values()) == 1
    for one, two in pairs:
        shops = {one.split("/")[0], two.split("/")[0]}
        assert len(shops) == 2
        assert not shops & TEST_SOURCES
