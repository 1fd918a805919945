"""Shopify's product lists in their three shapes."""
# ruff: noqa: E501 - pages, tables and statements read better in one line

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from etl.adapters import Blocked, NoOffer, get_adapter, parse_document
from etl.adapters.shopify import shop_currency

URL = "https://kicks.example/products.json?limit=250&page=1"
ADAPTER = get_adapter("shopify")


def variant(number: int, size: str, price: str = "120.00", **facts: Any) -> dict[str, Any]:
    return {
        "id": number, "title": size, "option1": size, "option2": None, "sku": f"NV1000-100-{size[3:]}",
        "available": True, "price": price, "compare_at_price": None, **facts,
    }  # fmt: skip


def listed(**facts: Any) -> dict[str, Any]:
    return {
        "id": 7, "title": "Isbre Run", "handle": "isbre-run", "vendor": "Norrvale",
        "body_html": "<p>Soft &amp; light</p>", "product_type": "Sneakers", "tags": ["gender:women"],
        "options": [{"name": "Size", "values": ["EU 40", "EU 41"]}],
        "variants": [variant(1, "EU 40", available=False, price="90.00"), variant(2, "EU 41")],
        "images": [{"id": 5, "src": "https://cdn.example/a.jpg?v=1", "variant_ids": []}],
        **facts,
    }  # fmt: skip


def read(body: Any) -> list[Any]:
    return parse_document(ADAPTER, json.dumps(body).encode(), URL)


def test_a_storefront_product() -> None:
    [offer] = read({"products": [listed()]})
    assert (offer.external_id, offer.title, offer.brand) == ("7", "Isbre Run", "Norrvale")
    assert (offer.price, offer.currency, offer.availability) == (Decimal(120), None, "in_stock")
    assert [(s.system, s.label, s.available) for s in offer.sizes] == [
        ("EU", "40", False), ("EU", "41", True),
    ]  # fmt: skip
    assert (offer.url, offer.sku) == ("https://kicks.example/products/isbre-run", "NV1000-100")
    assert (offer.style_code, offer.gender) == ("NV1000-100", "women")
    assert (offer.description, offer.category) == ("Soft & light", "Sneakers")
    assert offer.images == ("https://cdn.example/a.jpg?v=1",)


def test_the_price_before() -> None:
    cheaper = [
        variant(1, "EU 40", "80.00", compare_at_price="120.00"),
        variant(2, "EU 41", "80.00"),
    ]
    same = [variant(1, "EU 40", compare_at_price="120.00")]
    assert read({"products": [listed(variants=cheaper)]})[0].list_price == Decimal(120)
    assert read({"products": [listed(variants=same)]})[0].list_price is None


def test_a_colour_is_an_offer_of_its_own() -> None:
    variants = [
        variant(1, "Black", option2="40", sku="A-BLK-40"),
        variant(2, "Black", option2="41", sku="A-BLK-41", available=False),
        variant(3, "Red", option2="40", sku="A-RED-40", price="99.00", available=False),
    ]
    images = [
        {"id": 1, "src": "https://cdn.example/b.jpg", "variant_ids": [1, 2]},
        {"id": 2, "src": "https://cdn.example/r.jpg", "variant_ids": [3]},
        {"id": 3, "src": "https://cdn.example/box.jpg", "variant_ids": []},
    ]
    body = listed(
        variants=variants, images=images, options=[{"name": "Colour"}, {"name": "US Size"}]
    )
    black, red = read({"products": [body]})
    assert (black.external_id, black.colourway, black.availability) == (
        "7:Black",
        "Black",
        "in_stock",
    )
    assert (red.external_id, red.price, red.availability) == ("7:Red", Decimal(99), "out_of_stock")
    assert (black.images, red.images) == (
        ("https://cdn.example/b.jpg",),
        ("https://cdn.example/r.jpg",),
    )
    assert [(s.system, s.label) for s in black.sizes] == [("US", "40"), ("US", "41")]
    assert black.model_key == red.model_key == "7"
    assert black.product_key != red.product_key


def test_the_admin_shape_states_its_currency_and_stock() -> None:
    money = [{"price": {"amount": "199.00", "currency_code": "CAD"}, "compare_at_price": None}]
    variants = [
        variant(
            1,
            "EU 40",
            inventory_quantity=0,
            inventory_policy="deny",
            inventory_management="shopify",
            presentment_prices=money,
        ),
        variant(
            2,
            "EU 41",
            inventory_quantity=3,
            inventory_policy="deny",
            inventory_management="shopify",
            presentment_prices=money,
        ),
    ]
    for v in variants:
        del v["available"]
    [offer] = read({"products": [listed(variants=variants, tags="sale, gender:men")]})
    assert (offer.price, offer.currency, offer.gender) == (Decimal(199), "CAD", "men")
    assert [s.available for s in offer.sizes] == [False, True]


def test_the_theme_shape_counts_in_cents() -> None:
    body = listed(price_min=8000, url="/products/isbre-run", images=["//cdn.example/x.jpg"],
                  variants=[variant(1, "EU 40", price=8000, compare_at_price=12000)])  # fmt: skip
    [offer] = read(body)
    assert (offer.price, offer.list_price) == (Decimal(80), Decimal(120))
    assert offer.images == ("https://cdn.example/x.jpg",)


def test_a_shops_currency_comes_from_meta_json() -> None:
    assert shop_currency(b'{"currency": "USD", "money_format": "${{amount}}"}') == "USD"
    assert shop_currency(b'{"money_format": "$"}') is None
    assert shop_currency(b"<html>") is None


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b'{"products": []}', NoOffer),
        (b'{"errors": "Not Found"}', NoOffer),
        (b'{"products": null}', NoOffer),
        (json.dumps({"products": [listed()]}).encode()[:-40], NoOffer),
        (b"", NoOffer),
        (b"<!doctype html><title>Just a moment...</title>", Blocked),
        (b'{"products": [{"id": 1, "title": "x", "variants": []}]}', NoOffer),
        (b"[" * 100_000, NoOffer),
    ],
    ids=["empty", "error", "null", "cut", "nothing", "challenge", "no variant", "deep"],
)
def test_documents_without_an_offer(content: bytes, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        parse_document(ADAPTER, content, URL)
