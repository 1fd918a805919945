"""Colours and types of products from what shops say."""

from __future__ import annotations

import pytest

from app.words import traits_of


@pytest.mark.parametrize(
    ("colourway", "title", "colours"),
    [
        ("White / Black", "Nike Air Max 90", ("white", "black")),
        ("All Black / Black", None, ("black",)),
        ("Lebron James", "Nike LeBron 15", ()),
        (None, "Кроссовки мужские чёрно-белые", ("black", "white")),
        ("Light Blue / White", None, ("blue", "white")),
        ("Кремовый/Хаки", None, ("beige", "green")),
        (None, "Reebok Men Premier Silver Sports Shoes", ("grey",)),
        (None, None, ()),
    ],
)
def test_colours(colourway: str | None, title: str | None, colours: tuple[str, ...]) -> None:
    assert traits_of(colourway, title, None, None).colours == colours


@pytest.mark.parametrize(
    ("category", "title", "types"),
    [
        ("sneaker", "Nike Air Force 1", {"sneaker"}),
        ("heels", "Catwalk Women Black Heels", {"heels"}),
        ("Running", "Nike Pegasus", {"running", "sneaker"}),
        (None, "Nike Dunk High", {"high_top", "sneaker"}),
        (None, "Air Jordan 1 Mid", {"mid_top", "sneaker"}),
        ("cleat/spike/golf", None, {"football"}),
        (None, "Ботинки мужские зимние", {"boots", "winter"}),
        (None, None, set()),
    ],
)
def test_types(category: str | None, title: str | None, types: set[str]) -> None:
    assert set(traits_of(None, title, None, category).types) == types
