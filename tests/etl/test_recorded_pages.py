"""Recorded pages of real shops: one test a case and field, known failures by name."""
# ruff: noqa: E501 - pages, tables and statements read better in one line

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from app.domain import ParsedOffer
from app.errors import BadInput
from etl.adapters import NoOffer, get_adapter, parse_document
from tests.benchmarks.extraction_table import FIELDS, Case, cases, data_folder, read, right

DATA = data_folder()
pytestmark = [
    pytest.mark.data,
    pytest.mark.skipif(DATA is None, reason="no data: neither SOLEMATE_DATA nor ../shared/data"),
]

_UNSTATED = "an offer that states no availability stays unknown, whatever the shop means by it"
_NOT_MARKED = "the brand stands in the title or description only"
_NO_BUTTON = "no markup, and neither a price near the title nor a buy button in its text"
KNOWN_FAILURES: dict[str, str] = {
    "inprice/de/mediamarkt_[1235].html/availability": "its microdata say OutOfStock, its script in stock",
    "inprice/de/otto_3.html/availability": _UNSTATED,
    "inprice/it/apple_[123].html/availability": _UNSTATED,
    "inprice/it/lidl_*.html/availability": _UNSTATED,
    "inprice/uk/lidl_*.html/availability": _UNSTATED,
    "inprice/uk/argos_*.html/availability": _UNSTATED,
    "inprice/uk/zavvi_[24].html/availability": "the page says PreOrder, its annotation not available",
    "inprice/fr/laredoute_1.html/price": "the page states 811.40; its annotation is another size's price",
    "inprice/it/bonprix_1.html/title": "the microdata name is a sentence, the title stands beside it",
    "inprice/uk/lidl_1.html/title": "a footnote's number is glued to the title",
    "inprice/it/euronics_*.html/brand": _NOT_MARKED,
    "inprice/it/apple_[123].html/brand": _NOT_MARKED,
    "inprice/it/lidl_*.html/brand": "no brand on the page; the annotation is the title's first word",
    "inprice/uk/lidl_*.html/brand": _NOT_MARKED,
    "inprice/uk/argos_2.html/brand": "'Unbranded' is no brand",
    "inprice/au/thegoodguys_3.html/brand": _NOT_MARKED,
    "inprice/fr/amazon_4.html/brand": _NOT_MARKED,
    "inprice/nl/amazon_[24].html/brand": "a list of several authors is no brand",
    "zyte/16962698dd77/brand": _NOT_MARKED,
    "zyte/42b022ac447f/brand": _NOT_MARKED,
    "zyte/453f5cc079af/brand": _NOT_MARKED,
    "zyte/469894a59bfb/brand": _NOT_MARKED,
    "zyte/5f885d1f831a/brand": _NOT_MARKED,
    "zyte/b03d8c978c41/brand": "a record label among other details",
    "zyte/b12479936ff0/brand": "its JSON-LD gives the page's title as the brand",
    "zyte/d932425d85b9/brand": "the seller's name in the text of a classified advertisement",
    "zyte/2c036dd02ff3/brand": "sold out: neither a price nor markup",
    "zyte/2342b61d6831/availability": "a classified advertisement",
    "zyte/d932425d85b9/availability": _UNSTATED,
    "zyte/2a84a964ab40/availability": _UNSTATED,
    "zyte/24d6d89f539d/*": "several packs with a price each, none marked up",
    "zyte/36dbaefc4b2a/*": _NO_BUTTON,
    "zyte/412fe668a36c/*": _NO_BUTTON,
    "zyte/91f8f14da4a9/*": _NO_BUTTON,
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
