"""YML and Google feeds: encodings, groups, DTDs, and every way of breaking off."""

from __future__ import annotations

import gzip
from decimal import Decimal

import pytest

from app.domain import ParsedOffer
from etl.adapters import Blocked, NoOffer, get_adapter, parse_document

YML = """<?xml version="1.0" encoding="{encoding}"?><!DOCTYPE yml_catalog SYSTEM "shops.dtd">
<yml_catalog date="2026-01-01 10:00"><shop><name>Шаги</name><url>https://shagi.example</url>
<currencies><currency id="RUR" rate="1"/></currencies>
<categories><category id="1">Обувь</category><category id="2" parentId="1">Кроссовки</category>
<category id="7" parentId="8">Без предка</category><category id="9" parentId="9">Сам себе</category>
</categories><offers>{offers}</offers></shop></yml_catalog>"""
SIZED = """<offer id="{id}" available="{available}" group_id="77"><url>/p/77?size={size}</url>
<price>{price}</price><oldprice>9990</oldprice><currencyId>RUR</currencyId>
<categoryId>2</categoryId>
<picture>//cdn.shagi.example/77.jpg</picture>
<name>Кроссовки Nike Air Max 90 &amp; K&nbsp;DD1391-100</name>
<vendor> Nike
</vendor><vendorCode>DD1391-100</vendorCode><barcode>4607012345{id}</barcode>
<param name="Размер" unit="EU">{size}</param><param name="Цвет">{colour}</param>
<param name="Пол">Мужской</param><param name="Таблица размеров">есть</param></offer>"""


def _yml(offers: str, encoding: str = "utf-8") -> bytes:
    return YML.format(offers=offers, encoding=encoding).encode(encoding)


def _sized(
    number: int, size: str, price: str, available: str = "true", colour: str = "белый"
) -> str:
    return SIZED.format(id=number, size=size, price=price, available=available, colour=colour)


def _read(content: bytes, adapter: str = "yml_feed") -> list[ParsedOffer]:
    return parse_document(get_adapter(adapter), content, "https://feeds.example/all.xml")


def test_sizes_of_a_group_are_one_offer_at_the_price_on_sale() -> None:
    offers = (
        _sized(100, "42", "6990", "false") + _sized(101, "43", "7490") + _sized(102, "44", "7290")
    )
    (offer,) = _read(_yml(offers))
    assert (offer.external_id, offer.price, offer.list_price) == (
        "77",
        Decimal(7290),
        Decimal(9990),
    )
    assert (offer.currency, offer.availability) == ("RUB", "in_stock")
    assert offer.title == "Кроссовки Nike Air Max 90 & K DD1391-100"
    assert (offer.brand, offer.style_code, offer.gender) == ("Nike", "DD1391-100", "men")
    assert offer.category == "Обувь > Кроссовки"
    assert offer.images == ("https://cdn.shagi.example/77.jpg",)
    assert offer.url == "https://shagi.example/p/77?size=44"
    assert [(s.system, s.label, s.available) for s in offer.sizes] == [
        ("EU", "42", False),
        ("EU", "43", True),
        ("EU", "44", True),
    ]


def test_colours_of_a_group_stay_apart() -> None:
    offers = _sized(100, "42", "6990") + _sized(101, "42", "7490", colour="чёрный")
    found = _read(_yml(offers))
    assert [(o.external_id, o.colourway, o.model_key) for o in found] == [
        ("77:белый", "белый", "77"),
        ("77:чёрный", "чёрный", "77"),
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "windows-1251"])
@pytest.mark.parametrize("packed", [False, True])
def test_encodings_and_gzip(encoding: str, packed: bool) -> None:
    content = _yml(_sized(100, "42", "6990").replace("&nbsp;", " "), encoding)
    (offer,) = _read(gzip.compress(content) if packed else content)
    assert offer.colourway == "белый"


def test_an_encoding_declared_wrong_is_read_all_the_same() -> None:
    content = YML.format(offers=_sized(100, "42", "6990"), encoding="windows-1251").encode("utf-8")
    assert _read(content)[0].colourway == "белый"


def test_price_zero_and_unknown_currency_are_not_invented() -> None:
    offer = _read(
        _yml('<offer id="1"><name>N</name><price>0</price><currencyId>XXZ</currencyId></offer>')
    )[0]
    assert (offer.price, offer.currency, offer.availability) == (None, None, "unknown")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (_yml(_sized(1, "42", "1"))[:900], "breaks off"),
        (gzip.compress(_yml(_sized(1, "42", "1")))[:-20], "gzip data are damaged or break off"),
        (_yml(""), "holds no offer"),
        (b"<rss><channel/></rss>", "no YML catalogue"),
        (b"   ", "empty"),
        (
            b'<?xml version="1.0"?><!DOCTYPE yml_catalog [<!ENTITY a "b"><!ENTITY c "&a;&a;">]>'
            b"<yml_catalog><offer id='1'><name>&c;</name></offer></yml_catalog>",
            "defines entities of its own",
        ),
    ],
)
def test_what_is_no_whole_feed_is_an_error(content: bytes, words: str) -> None:
    with pytest.raises(NoOffer, match=words):
        _read(content)


def test_a_web_page_in_place_of_a_feed_blocks() -> None:
    with pytest.raises(Blocked):
        _read(b"<!DOCTYPE html><html><body>Just a moment...</body></html>")


def test_external_entities_are_not_fetched(tmp_path: object) -> None:
    content = (
        b'<!DOCTYPE yml_catalog [<!ENTITY x SYSTEM "file:///etc/hostname">]>'
        b"<yml_catalog><offer id='1'><name>&x;</name></offer></yml_catalog>"
    )
    with pytest.raises(NoOffer, match="entities of its own"):
        _read(content)


ITEM = """<item><g:id>{id}</g:id><title>Plain</title><g:title>Nike Dunk Low</g:title>
<g:link>https://k.example/dunk</g:link><g:image_link>https://k.example/1.jpg</g:image_link>
<g:additional_image_link>https://k.example/2.jpg</g:additional_image_link>
<g:availability>{state}</g:availability><g:price>{price}</g:price>{sale}
<g:brand>Nike</g:brand><g:mpn>DD1391-100</g:mpn><g:gtin>194500874732</g:gtin>
<g:item_group_id>g1</g:item_group_id><g:color>White/Black</g:color><g:size>{size}</g:size>
<g:size_system>US</g:size_system><g:gender>male</g:gender></item>"""
RSS = """<?xml version="1.0"?>
<rss version="2.0"{ns}><channel><title>Kicks</title>{items}</channel></rss>"""
NS = ' xmlns:g="http://base.google.com/ns/1.0"'


def _item(
    number: int, size: str, state: str = "in_stock", price: str = "115.00 USD", sale: str = ""
) -> str:
    return ITEM.format(id=number, size=size, state=state, price=price, sale=sale)


@pytest.mark.parametrize("ns", [NS, ""])
def test_google_items_of_a_group(ns: str) -> None:
    items = _item(1, "9", "out of stock") + _item(2, "10", "in stock")
    (offer,) = _read(RSS.format(ns=ns, items=items).encode(), "google_feed")
    assert (offer.external_id, offer.title, offer.brand) == ("g1", "Nike Dunk Low", "Nike")
    assert (offer.price, offer.currency, offer.availability) == (
        Decimal("115.00"),
        "USD",
        "in_stock",
    )
    assert [(s.system, s.label, s.available) for s in offer.sizes] == [
        ("US", "9", False),
        ("US", "10", True),
    ]
    assert offer.images == ("https://k.example/1.jpg", "https://k.example/2.jpg")
    assert offer.gender == "men"
    assert offer.style_code == "DD1391-100"


@pytest.mark.parametrize(
    ("span", "price", "listed"),
    [
        ("", "89.00", "115.00"),
        ("2020-01-01T00:00Z/2099-01-01T00:00Z", "89.00", "115.00"),
        ("2020-01-01T00:00+0000/2020-02-01T00:00+0000", "115.00", None),
    ],
)
def test_a_sale_counts_while_it_lasts(span: str, price: str, listed: str | None) -> None:
    sale = "<g:sale_price>89.00 USD</g:sale_price>" + (
        f"<g:sale_price_effective_date>{span}</g:sale_price_effective_date>" if span else ""
    )
    (offer,) = _read(RSS.format(ns=NS, items=_item(1, "9", sale=sale)).encode(), "google_feed")
    assert offer.price == Decimal(price)
    assert offer.list_price == (Decimal(listed) if listed else None)


def test_an_atom_feed() -> None:
    content = (
        b'<feed xmlns="http://www.w3.org/2005/Atom" xmlns:g="http://base.google.com/ns/1.0"><entry>'
        b"<g:id>7</g:id><title>Samba</title><link href='https://k.example/samba'/>"
        b"<g:price>EUR 99,50</g:price><g:availability>preorder</g:availability></entry></feed>"
    )
    (offer,) = _read(content, "google_feed")
    assert (offer.title, offer.url) == ("Samba", "https://k.example/samba")
    assert (offer.price, offer.currency) == (Decimal("99.50"), "EUR")
    assert offer.availability == "preorder"


def test_a_cut_google_feed_is_an_error() -> None:
    content = RSS.format(ns=NS, items=_item(1, "9") * 3).encode()
    with pytest.raises(NoOffer, match="breaks off"):
        _read(content[:1500], "google_feed")


@pytest.mark.parametrize(
    ("declared", "currency"),
    [
        ('<currency id="KZT" rate="1"/>', "KZT"),
        ('<currency id="RUR" rate="1"/><currency id="KZT" rate="0.2"/>', None),
        ("", None),
    ],
)
def test_the_one_declared_currency_holds_for_offers_that_name_none(
    declared: str, currency: str | None
) -> None:
    feed = _yml(_sized(1, "42", "6990").replace("<currencyId>RUR</currencyId>", "")).decode()
    feed = feed.replace('<currency id="RUR" rate="1"/>', declared)
    (offer,) = _read(feed.encode())
    assert (offer.price, offer.currency) == (Decimal(6990), currency)


def test_an_offer_taken_off_sale_is_sold_out() -> None:
    disabled = _sized(1, "42", "6990").replace("<offer ", '<offer disabled="true" ')
    (offer,) = _read(_yml(disabled))
    assert offer.availability == "out_of_stock"
