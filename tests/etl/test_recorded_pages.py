"""Recorded pages of real shops: one test a case and field, known failures by name."""
# ruff: noqa: E501 - pages, tables and statements read better in one line

from __future__ import annotations

import json
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from app.domain import ParsedOffer
from app.errors import BadInput
from etl.adapters import NoOffer, get_adapter, parse_document
from etl.adapters.marketplace import size_prices
from tests.benchmarks.extraction_table import FIELDS, Case, cases, data_folder, read, right

DATA = data_folder()
pytestmark = [
    pytest.mark.data,
    pytest.mark.skipif(DATA is None, reason="no data: neither SOLEMATE_DATA nor ../shared/data"),
]

_UNSTATED = "the page says nothing of stock and has no button to buy"
_NOT_MARKED = "the page names no brand; the annotation is a word of the title"
KNOWN_FAILURES: dict[str, str] = {
    "inprice/it/apple_[23].html/availability": _UNSTATED,
    "inprice/it/lidl_*.html/availability": _UNSTATED,
    "inprice/uk/lidl_*.html/availability": _UNSTATED,
    "inprice/fr/laredoute_1.html/price": "the page states 811.40; its annotation is another size's price",
    "inprice/it/bonprix_1.html/title": "the microdata name is a sentence, the title stands beside it",
    "inprice/it/apple_[12].html/brand": "a maker's own shop; neither the title nor a mark names the maker",
    "inprice/it/lidl_*.html/brand": "no brand on the page; the annotation is the title's first word",
    "inprice/uk/argos_2.html/brand": "'Unbranded' is no brand",
    "inprice/fr/amazon_4.html/brand": "a book: the annotation is its publisher, the page marks no brand",
    "zyte/469894a59bfb/brand": _NOT_MARKED,
    "zyte/91f8f14da4a9/brand": "the annotation is a category's name; the page marks no brand",
    "zyte/b12479936ff0/brand": "its JSON-LD gives the page's title as the brand",
    "zyte/2342b61d6831/availability": "a classified advertisement",
    "zyte/d932425d85b9/availability": "a classified advertisement; html_product holds that it states none",
    "zyte/3f5c52ae7614/price": "annotated as displayed, 3.340 pesos without the last digit",
    "zyte/453f5cc079af/price": "annotated without tax",
    "zyte/9d939d48bcf7/price": "an auction: estimate and bid",
}
"""Why a case's field is not read right: ``kind/name/field``, with wildcards."""


@cache
def _cases() -> dict[str, Case]:
    return {f"{c.kind}/{c.name}": c for c in cases(DATA)} if DATA else {}


@cache
def _read(name: str) -> ParsedOffer | BadInput:
    return read(_cases()[name])


def _params() -> list[Any]:
    return [
        pytest.param(name, field, id=f"{name}/{field}")
        for name, case in _cases().items()
        for field in FIELDS
        if field in case.expected
    ]


def _reason(name: str, field: str) -> str | None:
    for pattern, reason in KNOWN_FAILURES.items():
        if Path(f"{name}/{field}").match(pattern):
            return reason
    return None


@pytest.mark.parametrize(("name", "field"), _params())
def test_field(name: str, field: str, request: pytest.FixtureRequest) -> None:
    reason = _reason(name, field)
    if reason is not None:
        request.applymarker(pytest.mark.xfail(reason=reason, strict=True))
    wanted = _cases()[name].expected[field]
    offer = _read(name)
    got = offer if isinstance(offer, BadInput) else getattr(offer, field)
    assert right(field, wanted, offer), f"wanted {wanted!r}, got {got!r}"


def _folder(kind: str) -> list[Path]:
    return sorted(p for p in (DATA / "pages" / kind).iterdir() if p.is_dir()) if DATA else []


@pytest.mark.parametrize("folder", _folder("nasty"), ids=lambda p: p.name)
def test_nasty_documents_are_errors(folder: Path) -> None:
    meta = json.loads((folder / "meta.json").read_text())
    content = (folder / meta["file"]).read_bytes()
    with pytest.raises(NoOffer) as caught:
        parse_document(get_adapter("schema_org"), content, meta["url"])
    assert str(caught.value)


@pytest.mark.parametrize("folder", _folder("html_listing"), ids=lambda p: p.name)
def test_listings_name_their_products_and_pages(folder: Path) -> None:
    meta = json.loads((folder / "meta.json").read_text())
    expected = meta["expected"]
    links = get_adapter("schema_org").links((folder / meta["file"]).read_bytes(), meta["url"])
    assert len(links.products) == expected["items_on_page"]
    assert links.pages
    if "next_page" in expected:
        assert expected["next_page"] in links.pages
    for item in expected.get("first_items", []):
        if "url" in item:
            assert any(link.endswith(item["url"]) for link in links.products)


@pytest.mark.parametrize("folder", _folder("shopify"), ids=lambda p: p.name)
def test_shopify_lists(folder: Path) -> None:
    meta = json.loads((folder / "meta.json").read_text())
    offers = parse_document(
        get_adapter("shopify"),
        (folder / meta["file"]).read_bytes(),
        "https://shop.example/products.json",
    )
    for item in meta["expected"]["items"]:
        own = [o for o in offers if o.title == item["title"]]
        assert {o.brand for o in own} == {item["vendor"]}
        assert {float(o.price) for o in own if o.price} == {item["price"]}
        assert sorted(o.sku for o in own if o.sku) == sorted(item["skus"])
        assert {o.currency for o in own} == {meta["expected"]["currency"].split()[0]}


def _meta(folder: Path) -> tuple[bytes, dict[str, Any]]:
    meta = json.loads((folder / "meta.json").read_text())
    return (folder / meta["file"]).read_bytes(), meta


def _agree(offer: ParsedOffer, item: dict[str, Any]) -> None:
    """Every fact that the recorded case states."""
    assert offer.title == item["title"]
    for name, got in (
        ("brand", offer.brand),
        ("currency", offer.currency),
        ("availability", offer.availability),
        ("url", offer.url),
        ("mpn", offer.sku),
        ("colorway", offer.colourway),
    ):
        if name in item:
            assert got == item[name], name
    if item.get("price_valid", True):
        if "price" in item:
            assert offer.price == Decimal(str(item["price"]))
    else:
        assert offer.price is None
    if "old_price" in item:
        assert offer.list_price == Decimal(str(item["old_price"]))
    if isinstance(item.get("images"), int):
        assert len(offer.images) == item["images"]
    if "sizes" in item:
        assert [s.label for s in offer.sizes] == item["sizes"]


@pytest.mark.parametrize(
    ("kind", "adapter", "folder"),
    [
        pytest.param(kind, adapter, folder, id=folder.name)
        for kind, adapter in (
            ("yml_feed", "yml_feed"),
            ("google_feed", "google_feed"),
            ("wb_api", "wildberries"),
        )
        for folder in _folder(kind)
    ],
)
def test_feeds_and_wildberries(kind: str, adapter: str, folder: Path) -> None:
    content, meta = _meta(folder)
    expected = meta["expected"]
    if expected.get("truncated"):
        with pytest.raises(NoOffer, match="breaks off"):
            parse_document(get_adapter(adapter), content, meta["url"])
        return
    offers = parse_document(get_adapter(adapter), content, meta["url"])
    items = expected.get("items", [expected])
    counts = [expected[n] for n in ("offers", "items_total", "products") if n in expected]
    assert len(offers) == (counts[0] if counts else 1)
    by_id = {o.external_id: o for o in offers}
    for item in items:
        offer = by_id[str(item.get("id", item.get("sku")))]
        _agree(offer, item)
        if "total_quantity" in item:
            assert offer.availability == "in_stock"
        if kind == "wb_api" and "image_urls" in item:
            assert list(offer.images)[: len(item["image_urls"])] == item["image_urls"]


@pytest.mark.parametrize("folder", _folder("marketplace_api"), ids=lambda p: p.name)
def test_marketplaces(folder: Path) -> None:
    content, meta = _meta(folder)
    expected = meta["expected"]
    offers = parse_document(get_adapter("marketplace"), content, meta["url"])
    if "products" in expected:
        assert len(offers) == expected["products"]
        assert all(o.price is None and o.list_price is None and o.currency is None for o in offers)
        by_code = {o.style_code: o for o in offers}
        for item in expected["items"]:
            _agree(by_code[item["sku"]], item)
        return
    (offer,) = offers
    prices = size_prices(content)
    assert offer.currency is None
    assert offer.price == min(prices.values())
    for size, price in expected["new_good_box"].items():
        assert prices[size] == Decimal(str(price))
    on_sale = {s.label: s.available for s in offer.sizes}
    for size in expected["new_good_box_no_offer"]:
        assert size not in prices
        assert on_sale[size] is False
