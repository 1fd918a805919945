"""The shipped shop files: readable, disabled, and honest about how their platform is known."""

from __future__ import annotations

import re

import pytest

from app.errors import BadInput
from etl.adapters import get_adapter
from etl.shop_spec import SHOPS_DIR, ShopSpec, list_shops, shop_from

REAL = {
    "superkicks",
    "sneakerbaas",
    "kickscrew",
    "footshop",
    "brandshop",
    "sneakerhead",
    "lamoda",
    "wildberries",
}


def test_the_named_shops_are_there() -> None:
    assert {spec.key for spec in list_shops()} >= REAL


@pytest.mark.parametrize("spec", list_shops(), ids=lambda s: s.key)
def test_shipped_shops_are_disabled_and_dated(spec: ShopSpec) -> None:
    assert spec.enabled is False
    assert spec.note
    get_adapter(spec.adapter, spec.selectors)
    if spec.key in REAL:
        text = (SHOPS_DIR / f"{spec.key}.toml").read_text(encoding="utf-8")
        assert re.search(r"\d{4}-\d{2}-\d{2}", text), "no day"
        assert f"solemate etl check {spec.key}" in " ".join(text.split())
        assert spec.schedule
        assert spec.delay_s >= 2


def _shop(**more: object) -> dict[str, object]:
    return {
        "name": "S",
        "adapter": "schema_org",
        "start_urls": ["https://shop.example/"],
        **more,
    }


def test_selectors_are_settings() -> None:
    spec = shop_from("s", _shop(selectors={"price": ".price b", "images": ".pics a @href"}))
    assert spec.selectors == {"price": ".price b", "images": ".pics a @href"}


@pytest.mark.parametrize(
    ("selectors", "words"),
    [
        ({"colour": "b"}, "unknown field 'colour'"),
        ({"price": "div[["}, "price is no CSS selector"),
        ({"price": ""}, "price must be"),
        ("b", "selectors must be a table"),
    ],
)
def test_wrong_selectors_are_named(selectors: object, words: str) -> None:
    with pytest.raises(BadInput, match=re.escape(words)):
        shop_from("s", _shop(selectors=selectors))
