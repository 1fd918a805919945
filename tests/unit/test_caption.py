"""app.vision.caption and colours: a table of attributes and the sentences in both languages."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.domain import Attributes
from app.i18n import Language, catalogue
from app.vision.caption import caption
from app.vision.colours import COLOURS, colour_name, colour_names, parse_colours

SEEN = Attributes(
    is_shoe=0.99, is_sneaker=0.95, shoe=True, sneaker=True, brand="Nike", brand_probabilities={},
    silhouette="Nike Air Max 90", silhouette_probabilities={}, colours=("white", "grey"),
    category="sneaker", gender=None, quality=0.9,
)  # fmt: skip
SURE: dict[str, object] = {}
BRAND: dict[str, object] = {"silhouette": None}
UNSURE: dict[str, object] = {"silhouette": None, "brand": None}


@pytest.mark.parametrize(
    ("changes", "en", "ru"),
    [
        (SURE, "Looks like Nike Air Max 90, white/grey", "Похоже на Nike Air Max 90, белый/серый"),
        ({"silhouette": "Air Jordan 1 Mid", "brand": "Jordan", "colours": ("blue", "black")},
         "Looks like Air Jordan 1 Mid, blue/black", "Похоже на Air Jordan 1 Mid, синий/чёрный"),
        ({"silhouette": "Superstar", "brand": "adidas", "colours": ("white",)},
         "Looks like adidas Superstar, white", "Похоже на adidas Superstar, белый"),
        ({"brand": None}, "Looks like Nike Air Max 90, white/grey",
         "Похоже на Nike Air Max 90, белый/серый"),
        (BRAND, "Looks like Nike sneakers, white/grey",
         "Похоже на кроссовки Nike, белый/серый"),
        (BRAND | {"category": "flip flops", "colours": ()}, "Looks like Nike flip-flops",
         "Похоже на шлёпанцы Nike"),
        (UNSURE, "White/grey sneakers, brand unclear", "Бело-серые кроссовки, бренд неясен"),
        (UNSURE | {"colours": ("blue", "red", "white")},
         "Blue/red/white sneakers, brand unclear", "Сине-красно-белые кроссовки, бренд неясен"),
        (UNSURE | {"colours": ("blue",)}, "Blue sneakers, brand unclear",
         "Синие кроссовки, бренд неясен"),
        (UNSURE | {"colours": ("black",), "category": "heels", "sneaker": False},
         "Black heels, brand unclear", "Чёрные туфли на каблуке, бренд неясен"),
        (UNSURE | {"colours": (), "category": None}, "Sneakers, brand unclear",
         "Кроссовки, бренд неясен"),
        ({"shoe": False}, "There seems to be no shoe in this picture",
         "Похоже, на этой картинке нет обуви"),
    ],
)  # fmt: skip
def test_captions(changes: dict[str, object], en: str, ru: str) -> None:
    seen = replace(SEEN, **changes)  # type: ignore[arg-type]
    assert caption(seen, catalogue("en")) == en
    assert caption(seen, catalogue("ru")) == ru


@pytest.mark.parametrize("language", ["ru", "en"])
def test_every_colour_and_kind_has_words(language: Language) -> None:
    words = catalogue(language)
    assert len({colour_name(colour, language) for colour in COLOURS}) == len(COLOURS)
    for kind in ("sneaker", "sports", "heels", "sandals", "flip flops", "boots", "formal", "flats",
                 "cleats", None):  # fmt: skip
        text = caption(replace(SEEN, silhouette=None, brand=None, category=kind), words)
        assert "caption." not in text


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Black / White", ("black", "white")),
        ("Navy Blue", ("blue",)),
        ("light bone metallic gold white", ("beige", "yellow", "white")),
        ("чёрно-белые", ("black", "white")),
        ("Белые кроссовки, серый", ("white", "grey")),
        ("Zapatillas blancas", ("white",)),
        ("", ()),
    ],
)
def test_colours_in_texts(text: str, found: tuple[str, ...]) -> None:
    assert parse_colours(text) == found


def test_two_colours_beside_a_noun() -> None:
    assert colour_names(("green", "blue"), "ru", plural=True) == "зелёно-синие"
    assert colour_names((), "ru", plural=True) == ""
