"""Which pictures show one model, by what their shops call them."""

from __future__ import annotations

import pytest

from onnx_models.dataset import Row
from onnx_models.named import models, titled


def row(source: str, product: str, name: str, brand: str, model: str = "") -> Row:
    """A studio's picture."""
    return Row("f", source, product, model, brand, "", "", "studio", name=name)


@pytest.mark.parametrize(
    ("one", "two", "brand"),
    [
        ("Puma Men Drift Cat III SF NM Black Sports Shoes",
         "Puma Men Drift Cat III SF NM White Sports Shoes", "puma"),
        ("ADIDAS Kids Duramo Synthetic White Sports Shoes",
         "ADIDAS Kids Boys Duramo Black Sports Shoes", "adidas"),
        ("Gas Men Brown Lear Shoes", "Gas Men's Lear Navy Blue Shoe", "gas"),
        ("Vans Men Sk8-Hi Brown Shoes", "Vans Women's Sk8-Hi Red Shoes", "vans"),
    ],
)  # fmt: skip
def test_a_title_without_its_colour_is_the_model(one: str, two: str, brand: str) -> None:
    assert titled(one, brand) == titled(two, brand) != ""


@pytest.mark.parametrize(
    ("name", "brand"),
    [
        ("Red Tape Men Brown Shoes", "red tape"), ("Catwalk Women Fancy Black Heels", "catwalk"),
        ("U.S. Polo Assn. Men Black Casual Shoes", "u.s. polo assn."), ("", "nike"),
        ("Nike Men Air Max White Sports Shoes", "nike"), ("Lotto Canvas Shoes 2", "lotto"),
    ],
)  # fmt: skip
def test_a_title_that_names_nothing_is_no_model(name: str, brand: str) -> None:
    assert titled(name, brand) == ""


def test_other_names_are_other_models() -> None:
    one, two = titled("Puma Men Axis White Shoes", "puma"), titled("Puma Men Wirko White", "puma")
    assert "" != one != two != ""


def test_a_family_of_one_shape_is_a_model_whoever_sells_it() -> None:
    found = models([
        row("restocks_nike_jordan", "a", "Nike Dunk Low", "nike"),
        row("footlocker_2018", "b", "Nike SB Dunk Low", "nike", "m7"),
        row("footlocker_2018", "c", "Nike LeBron 15", "nike", "m8"),
        row("footlocker_2018", "d", "Nike LeBron Soldier 11", "nike", "m9"),
        row("restocks_nike_jordan", "e", "Nike Dunk High", "nike"),
    ])  # fmt: skip
    assert found[0] == found[1] == "Nike Dunk Low"
    assert found[2:4] == ["footlocker_2018/m8", "footlocker_2018/m9"]
    assert len(set(found)) == 4


def test_only_titles_are_read_as_such() -> None:
    several = [
        row("es_shop_multiview", "p1", "Zapatillas", "adidas"),
        row("es_shop_multiview", "p2", "Zapatillas", "adidas"),
        row("fashion_products_224", "p3", "Puma Men Axis White Sports Shoes", "puma"),
        row("fashion_products_60x80", "p4", "Puma Women Axis Black Sports Shoes", "puma"),
    ]
    found = models(several)
    assert found[:2] == ["p1", "p2"]
    assert found[2] == found[3]
