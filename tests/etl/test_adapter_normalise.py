"""Models and sizes in the catalogue's words."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from etl import normalise
from etl.normalise import models, sizing


@pytest.mark.parametrize(
    ("title", "brand", "expected"),
    [
        ("Кроссовки Nike Air Max 90 белые", "Nike", "Air Max 90"),
        ("Найк аир макс 90", "найк", "Air Max 90"),
        ("Nike Airmax 90", "Nike", "Air Max 90"),
        ("Nike Air Max 901", "Nike", None),
        ("Air Jordan 1 Retro High OG Chicago", "Nike", "Air Jordan 1 High"),
        ("Кеды Adidas Samba OG", "adidas originals", "Samba"),
        ("Самба чёрные", "адидас", "Samba"),
        ("New Balance BB550 white", "NB", "550"),
        ("Chuck Taylor All Star 70 Hi", "Converse", "Chuck 70"),
        ("Samba", "Puma", None),
        ("Samba", None, None),
        (None, "Nike", None),
    ],
)
def test_models(title: str | None, brand: str | None, expected: str | None) -> None:
    assert normalise.model(title, brand) == expected


def test_every_spelling_finds_its_own_model() -> None:
    table = tomllib.loads(Path(models.__file__).with_name("models.toml").read_text("utf-8"))
    for brand, named in table.items():
        assert normalise.brand(brand) == brand
        for name, others in named.items():
            for spelling in (name, *others):
                assert normalise.model(f"x {spelling} y", brand) == name, spelling


@pytest.mark.parametrize(
    ("label", "system", "to", "brand", "gender", "expected"),
    [
        ("9", "US", "EU", "Nike", None, "42.5"),
        ("42.5", "EU", "CM", "Jordan", "men", "27"),
        ("10.5", "US", "EU", "Nike", "women", "42.5"),
        ("42.5", "EU", "US", "Nike", "women", "10.5"),
        ("42 2/3", "EU", "UK", "adidas", None, "8.5"),
        ("41", "RU", "EU", "адидас", None, "42"),
        ("42 2/3", "EU", "RU", "adidas", None, "41 2/3"),
        ("6", "UK", "EU", "Nike", None, None),
        ("9", "US", "EU", "Norrvale", None, None),
        ("9", "US", "EU", "Nike", "kids", None),
        ("XL", "US", "EU", "Nike", None, None),
        ("99", "EU", "US", "Nike", None, None),
    ],
)
def test_sizes_follow_the_makers_chart(
    label: str, system: str, to: str, brand: str, gender: str | None, expected: str | None
) -> None:
    assert normalise.converted(label, system, to, brand, gender) == expected  # type: ignore[arg-type]


def test_same_size_across_systems() -> None:
    assert normalise.same_size(("9", "US"), ("42,5", "EU"), "Nike")
    assert not normalise.same_size(("9", "US"), ("43", "EU"), "Nike")
    assert normalise.same_size(("42.5", "EU"), ("42.50", "EU"), None)


def test_charts_rise_in_every_column() -> None:
    for brand, chart in sizing._charts().items():
        for column in range(4):
            values = [sizing._number(row[column]) for row in chart["rows"]]
            assert None not in values, brand
            assert values == sorted(values, key=lambda v: v or 0), brand
