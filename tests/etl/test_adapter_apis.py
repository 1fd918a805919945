"""WooCommerce, Wildberries and resale markets: minor units, kopecks, cents, error answers."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from app.domain import ParsedOffer
from etl.adapters import Blocked, NoOffer, get_adapter, parse_document
from etl.adapters.marketplace import size_prices
from etl.adapters.wildberries import picture_urls


def _read(adapter: str, body: Any, url: str | None = None) -> list[ParsedOffer]:
    return parse_document(get_adapter(adapter), json.dumps(body).encode(), url)


def _woo(**more: Any) -> dict[str, Any]:
    return {
        "id": 34,
        "name": "Nike Air Max 90 &#8211; White",
        "permalink": "https://woo.example/product/air-max-90/",
        "sku": "CN8490-100",
        "prices": {
            "price": "8999",
            "regular_price": "11999",
            "currency_code": "EUR",
            "currency_minor_unit": 2,
        },
        "images": [{"src": "https://woo.example/a.jpg"}, {"src": "https://woo.example/b.jpg"}],
        "categories": [{"name": "Sneakers"}],
        "brands": [{"name": "Nike"}],
        "attributes": [
            {"name": "Size EU", "terms": [{"name": "42"}, {"name": "42.5"}]},
            {"name": "Colour", "terms": [{"name": "White"}]},
        ],
        "variations": [
            {"id": 1, "attributes": [{"name": "Size EU", "value": "42"}]},
            {"id": 2, "attributes": [{"name": "Size EU", "value": "42-5"}]},
        ],
        "is_in_stock": True,
        **more,
    }


def test_woocommerce_prices_are_minor_units() -> None:
    (offer,) = _read("woocommerce", [_woo()], "https://woo.example/wp-json/wc/store/v1/products")
    assert (offer.price, offer.list_price) == (Decimal("89.99"), Decimal("119.99"))
    assert (offer.currency, offer.availability, offer.brand) == ("EUR", "in_stock", "Nike")
    assert (offer.title, offer.style_code) == ("Nike Air Max 90 – White", "CN8490-100")
    assert offer.colourway == "White"
    assert [(s.system, s.label, s.available) for s in offer.sizes] == [
        ("EU", "42", None),
        ("EU", "42.5", None),
    ]
    assert len(offer.images) == 2


@pytest.mark.parametrize(
    ("unit", "price"), [(0, Decimal(8999)), (3, Decimal("8.999")), (None, None), ("2", None)]
)
def test_a_minor_unit_is_taken_as_stated_and_never_guessed(unit: Any, price: Any) -> None:
    prices = {"price": "8999", "currency_code": "JPY", "currency_minor_unit": unit}
    assert _read("woocommerce", [_woo(prices=prices)])[0].price == price


def test_woocommerce_states() -> None:
    offers = _read("woocommerce", [_woo(is_in_stock=False), _woo(id=35, is_on_backorder=True)])
    assert [o.availability for o in offers] == ["out_of_stock", "preorder"]
    assert all(s.available is False for s in offers[0].sizes)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ([], "empty"),
        ({"code": "rest_no_route", "message": "No route was found"}, "No route was found"),
    ],
)
def test_woocommerce_errors(body: Any, words: str) -> None:
    with pytest.raises(NoOffer, match=words):
        _read("woocommerce", body)


def test_woocommerce_page_variations_give_the_sizes_stock() -> None:
    variations = [
        {"attributes": {"attribute_pa_size": "42"}, "is_in_stock": True},
        {"attributes": {"attribute_pa_size": "42-5"}, "is_in_stock": False},
    ]
    form = json.dumps(variations).replace('"', "&quot;")
    page = (
        '<html><head><script type="application/ld+json">{"@type":"Product","name":"Samba",'
        '"offers":{"price":"99","priceCurrency":"EUR","availability":"InStock"}}</script></head>'
        f'<body><h1>Samba</h1><form data-product_variations="{form}"></form></body></html>'
    )
    (offer,) = parse_document(get_adapter("woocommerce"), page.encode(), "https://woo.example/p/s/")
    assert [(s.label, s.available) for s in offer.sizes] == [("42", True), ("42.5", False)]


def test_where_lists_go_on() -> None:
    woo = get_adapter("woocommerce")
    assert woo.list_url("https://woo.example/", 2) == (
        "https://woo.example/wp-json/wc/store/v1/products?per_page=100&page=2"
    )
    assert woo.list_url("https://woo.example/shop/sneakers/", 1) is None
    assert get_adapter("schema_org").list_url("https://a.example/", 1) is None
    assert (
        get_adapter("yml_feed").list_url("https://a.example/f.xml", 1) == "https://a.example/f.xml"
    )
    assert get_adapter("yml_feed").list_url("https://a.example/f.xml", 2) is None
    assert get_adapter("shopify").list_url("https://s.example/collections/x", 3) == (
        "https://s.example/collections/x/products.json?limit=250&page=3"
    )
    wb = get_adapter("wildberries")
    assert "page=4" in (wb.list_url("https://catalog.wb.ru/catalog/x/v2/catalog?cat=1", 4) or "")
    assert wb.list_url("https://card.wb.ru/cards/v2/detail?nm=1", 2) is None


def test_wildberries_card_stocks_and_kopecks() -> None:
    body = {
        "products": [
            {
                "id": 458510242,
                "root": 9,
                "name": "Кроссовки мужские",
                "brand": "Nike",
                "colors": [{"name": "белый", "id": 1}],
                "pics": 2,
                "sizes": [
                    {
                        "name": "42",
                        "origName": "42",
                        "price": {"basic": 1200050, "product": 500000},
                        "stocks": [],
                    },
                    {
                        "name": "43",
                        "origName": "43",
                        "price": {"basic": 1200050, "product": 599990},
                        "stocks": [{"wh": 1, "qty": 3}],
                    },
                ],
            }
        ]
    }
    url = "https://card.wb.ru/cards/v4/detail?curr=rub&nm=458510242"
    (offer,) = _read("wildberries", body, url)
    assert (offer.price, offer.list_price) == (Decimal("5999.9"), Decimal("12000.5"))
    assert (offer.currency, offer.availability, offer.gender) == ("RUB", "in_stock", "men")
    assert [(s.system, s.label, s.available) for s in offer.sizes] == [
        ("EU", "42", False),
        ("EU", "43", True),
    ]
    assert offer.images[0] == (
        "https://basket-26.wbbasket.ru/vol4585/part458510/458510242/images/big/1.webp"
    )
    (unstated,) = _read("wildberries", body, "https://card.wb.ru/cards/v4/detail?nm=458510242")
    assert unstated.currency is None


@pytest.mark.parametrize(
    ("article", "host"),
    [
        (14399999, "01"),
        (14400000, "02"),
        (173937886, "12"),
        (256029996, "16"),
        (218418267, "14"),
        (317397163, "19"),
        (689623448, "33"),
    ],
)
def test_wildberries_picture_hosts(article: int, host: str) -> None:
    """Articles and hosts as public projects recorded them."""
    assert picture_urls(article, 1)[0].startswith(f"https://basket-{host}.wbbasket.ru/")


def test_an_unknown_picture_host_gives_no_address() -> None:
    assert picture_urls(99_999_999_999, 3) == ()


@pytest.mark.parametrize("body", [{"state": 0, "data": {}}, {"data": {"products": []}}, [1]])
def test_wildberries_errors(body: Any) -> None:
    with pytest.raises(NoOffer):
        _read("wildberries", body)


def test_asks_in_cents_and_in_units() -> None:
    row = {"product_condition": "PRODUCT_CONDITION_NEW", "size": 9}
    rows = [
        {**row, "availability": {"lowest_listing_price_cents": "6450"}},
        {**row, "size": 10, "availability": {"lowest_listing_price_cents": "0"}},
        {**row, "size": 40, "availability": {"lowest_listing_price_cents": "100"}},
        {
            "product_condition": "PRODUCT_CONDITION_USED",
            "size": 9,
            "availability": {"lowest_listing_price_cents": "100"},
        },
    ]
    (offer,) = _read("marketplace", {"variants": rows}, "https://api.example/p/DD1391-100")
    assert (offer.price, offer.currency, offer.style_code) == (Decimal("64.50"), None, "DD1391-100")
    assert [(s.label, s.available) for s in offer.sizes] == [("9", True), ("10", False)]
    asks = [{"variantValue": "9", "lowestAskAmount": "120", "currencyCode": "USD"}]
    assert _read("marketplace", asks)[0].currency == "USD"
    assert size_prices(json.dumps(asks).encode()) == {"9": Decimal(120)}


@pytest.mark.parametrize("adapter", ["wildberries", "marketplace", "woocommerce"])
def test_cut_answers_and_web_pages_are_errors(adapter: str) -> None:
    with pytest.raises(NoOffer, match="breaks off"):
        parse_document(get_adapter(adapter), b'{"products": [{"id": 1', None)
    if adapter == "marketplace":
        with pytest.raises(Blocked):
            parse_document(get_adapter(adapter), b"<html>Just a moment...</html>", None)


def test_wildberries_card_file_has_words_and_no_price() -> None:
    card = {
        "imt_id": 9,
        "nm_id": 458510242,
        "imt_name": "Кроссовки женские Air Max",
        "subj_name": "Кроссовки",
        "subj_root_name": "Обувь",
        "vendor_code": "DD1391-100",
        "nm_colors_names": "белый",
        "sizes_table": {"values": [{"tech_size": "38"}, {"tech_size": "39"}]},
        "selling": {"brand_name": "Nike", "supplier_id": 1},
        "media": {"photo_count": 2},
    }
    (offer,) = _read("wildberries", card)
    assert (offer.external_id, offer.brand, offer.colourway) == ("458510242", "Nike", "белый")
    assert (offer.price, offer.currency, offer.availability) == (None, None, "unknown")
    assert (offer.category, offer.style_code) == ("Обувь > Кроссовки", "DD1391-100")
    assert [s.label for s in offer.sizes] == ["38", "39"]
    assert len(offer.images) == 2


def test_a_market_block_states_the_lowest_ask() -> None:
    body = {
        "Products": [
            {
                "id": "a",
                "title": "Runner",
                "styleId": "CW2288-111",
                "retailPrice": 90,
                "media": {"imageUrl": "https://img.example/a.jpg"},
                "market": {"lowestAsk": 180, "currencyCode": "USD"},
            },
            {"id": "b", "title": "Walker", "retailPrice": 90, "market": {"lowestAsk": 0}},
        ]
    }
    asked, unsold = _read("marketplace", body)
    assert (asked.price, asked.currency, asked.availability) == (Decimal(180), "USD", "in_stock")
    assert asked.images == ("https://img.example/a.jpg",)
    assert (unsold.price, unsold.availability) == (None, "unknown")
