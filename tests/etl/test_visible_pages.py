"""What is read off a page without mark-up: stock, brand, price; written here, a habit each."""
# ruff: noqa: E501 - pages, tables and statements read better in one line

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from app.domain import ParsedOffer
from etl.adapters import NoOffer, get_adapter, parse_document
from etl.adapters.scripts import Named

URL = "https://shop.example/p/trail-runner-48213.html"
SCHEMA = get_adapter("schema_org")
PRICE = '<div class="price">89,90 €</div>'
OFFER = """<script type="application/ld+json">{"@type": "Product", "name": "Trail Runner",
"sku": "TR-48", "offers": {"price": "89.90", "priceCurrency": "EUR"%s}}</script>"""


def page(
    body: str, *, marked: bool = False, state: str = "", head: str = "", h1: str = "Trail Runner"
) -> bytes:
    data = OFFER % (f', "availability": "{state}"' if state else "") if marked else ""
    return f"<!doctype html><html><head><title>{h1} | Shop</title>{head}{data}</head><body><main><h1>{h1}</h1>{body}</main></body></html>".encode()


def read(content: bytes, url: str | None = URL) -> ParsedOffer:
    [offer] = parse_document(SCHEMA, content, url)
    return offer


@pytest.mark.parametrize(
    ("line", "state"),
    [
        ('<p class="stock">Auf Lager</p>', "in_stock"),
        ('<p class="stock">Nicht auf Lager</p>', "out_of_stock"),
        ('<p class="availability">Temporarily unavailable</p>', "out_of_stock"),
        ('<p class="availability">Not available</p>', "out_of_stock"),
        ('<p class="availability">Нет в наличии</p>', "out_of_stock"),
        ('<p class="availability">В наличии</p>', "in_stock"),
        ('<p class="availability">No disponible</p>', "out_of_stock"),
        ('<p class="availability">Není skladem</p>', "out_of_stock"),
        ('<p class="availability">Skladem 3 ks</p>', "in_stock"),
        ('<p class="stock">Pre-order, ships in May</p>', "preorder"),
        ("<dl><dt>Verfügbarkeit:</dt><dd>Ausverkauft</dd></dl>", "out_of_stock"),
        ("<li><b>Razpoložljivost:</b> Dobavljivo</li>", "in_stock"),
        ("<tr><td>Наличие</td><td>есть на складе</td></tr>", "in_stock"),
        ("<button>In den Warenkorb</button>", "in_stock"),
        ('<button disabled="disabled">Add to cart</button>', "unknown"),
        ('<div role="button" onclick="add()">Ajouter au panier</div>', "in_stock"),
        ('<input type="image" alt="Add to basket">', "in_stock"),
        ("<button>Add to wish list</button>", "unknown"),
        ('<aside><button>Add to cart</button></aside>', "unknown"),
        ("<button>Notify me when available</button>", "out_of_stock"),
        ("<button disabled>Sold out</button>", "out_of_stock"),
        ("<p>Dieser Artikel ist leider ausverkauft.</p>", "out_of_stock"),
        ("<p>Our guide tells what to do when a size is sold out in your town.</p>", "unknown"),
        ("", "unknown"),
    ],
)  # fmt: skip
def test_stock_that_the_page_shows(line: str, state: str) -> None:
    assert read(page(line, marked=True)).availability == state


@pytest.mark.parametrize(
    ("script", "state"),
    [
        ('var item = {"name": "Trail Runner", "available": true};', "in_stock"),
        ('var item = {"name": "Trail Runner", "stock": 0};', "out_of_stock"),
        ('var item = {"name": "Other Shoe", "available": true};', "unknown"),
        ('var item = {"sku": "TR-48", "availability": "OUT_OF_STOCK"};', "out_of_stock"),
        ('window.state = {"isBuyable": true};', "in_stock"),
        ('window.state = {"isBuyable": true, "next": {"isBuyable": false}};', "unknown"),
        ('cache = {"Stock:48213": {"quantity": 7, "stockStatus": "IN_STOCK"}};', "in_stock"),
        ('var item = {"name": "Trail Runner", "stock": "{{ stock }}"};', "unknown"),
    ],
)
def test_stock_that_scripts_state(script: str, state: str) -> None:
    assert read(page(f"<script>{script}</script>", marked=True)).availability == state


def test_a_template_is_no_script() -> None:
    template = (
        '<script type="text/x-handlebars">{"name": "Trail Runner", "available": true}</script>'
    )
    assert read(page(template, marked=True)).availability == "unknown"


@pytest.mark.parametrize(
    ("body", "state"),
    [
        ("<button>Add to cart</button>", "out_of_stock"),
        ('<p class="stock">In stock</p>', "out_of_stock"),
        ('<p class="stock">In stock</p><button>Add to cart</button>', "in_stock"),
        ('<p class="stock">In stock</p><p class="stock">Sold out</p><button>Add to cart</button>', "out_of_stock"),
    ],
)  # fmt: skip
def test_stated_sold_out_yields_to_two_witnesses(body: str, state: str) -> None:
    assert read(page(body, marked=True, state="OutOfStock")).availability == state


@pytest.mark.parametrize(
    ("body", "brand"),
    [
        ("<p>Marke: Saucony</p>", "Saucony"),
        ("<li><strong>Proizvajalec:</strong> <a href='/x'>B&amp;S</a></li>", "B&S"),
        ("<tr><th>Бренд</th><td>Карху</td></tr>", "Карху"),
        ("<dl><dt>Manufacturer</dt><dd>n/a</dd></dl>", None),
        ("<div class='product-brand'>Hoka</div>", "Hoka"),
        ("<footer><div class='brand'>Hoka</div></footer>", None),
        ("<script>dataLayer.push({'productName': 'Trail Runner', 'productBrand': 'Kalenji'});</script>", "Kalenji"),
        ("<script>dataLayer.push({'productName': 'Other Shoe', 'productBrand': 'Kalenji'});</script>", None),
        ("<a href='/brands/all'>All brands</a>", None),
        ("", None),
    ],
)  # fmt: skip
def test_brands_that_the_page_names(body: str, brand: str | None) -> None:
    assert read(page(body, marked=True)).brand == brand


def test_a_maker_of_our_vocabulary_in_the_title_is_the_brand() -> None:
    body = f"{PRICE}<button>Add to cart</button>"
    assert read(page(body, h1="Кроссовки Saucony Jazz")).brand == "Saucony"
    assert read(page(body, h1="Saucony or Puma: Jazz")).brand is None


def test_a_makers_own_shop() -> None:
    body = f"{PRICE}<button>Add to cart</button>"
    assert read(page(body), "https://www.saucony.com/p/1").brand == "Saucony"
    own = page(body, head='<meta property="og:site_name" content="Trail (IT)">')
    assert read(own).brand == "Trail"


BESIDE = "<h3>{0} Drill</h3><h3>{0} Saw Blades</h3><h3>Other Lamp</h3>"


@pytest.mark.parametrize(
    ("h1", "more", "brand"),
    [
        ("Karwo Battery", BESIDE.format("Karwo"), "Karwo"),
        # One other thing of that name is no family, and the same thing twice is one.
        ("Karwo Battery", "<h3>Karwo Drill</h3><h3>Karwo Drill</h3>", None),
        # A kind of goods: written small in the text, or a department of its own.
        ("Wireless Battery", BESIDE.format("Wireless") + "<p>charges by wireless means</p>", None),
        ("Damen Schuh", BESIDE.format("Damen") + "<a href='/d'>Damen</a>", None),
        ("Black Battery", BESIDE.format("Black"), None),
        ("4Ah Battery", BESIDE.format("4Ah"), None),
    ],
)
def test_a_name_that_the_goods_beside_share(h1: str, more: str, brand: str | None) -> None:
    body = f"{PRICE}<button>Add to cart</button>{more}"
    assert read(page(body, h1=h1)).brand == brand


@pytest.mark.parametrize(
    ("price", "currency"),
    [
        ("<span>294</span> <span>₽</span>", "RUB"),
        ("<b>Цена</b> <span>294</span> руб.", "RUB"),
        ("<span>$</span><span>294</span>", None),
        ("<span>294</span><span>元</span>", None),
    ],
)
def test_a_sign_in_a_node_of_its_own(price: str, currency: str | None) -> None:
    offer = read(page(f'<div class="price">{price}</div><button>Add to cart</button>'))
    assert (offer.price, offer.currency, offer.confidence) == (Decimal(294), currency, "visible")


def test_a_sold_out_page_without_price_and_markup_is_a_product() -> None:
    offer = read(
        page('<a id="bylineInfo">by Hoka</a><div id="availability">Currently unavailable.</div>')
    )
    assert (offer.title, offer.price, offer.availability) == ("Trail Runner", None, "out_of_stock")
    assert offer.brand == "Hoka"


@pytest.mark.parametrize(
    "body",
    [
        '<div class="unavailable">Sorry, this product is no longer available.</div>',
        '<p class="stock">Sold out</p><a href="/">Buy now</a>',
        "<p>This item is out of stock.</p><button>Continue</button>",
    ],
)
def test_a_page_that_is_gone_is_no_product(body: str) -> None:
    with pytest.raises(NoOffer):
        read(page(body, h1="Oops"))


def test_a_listing_with_sold_out_cards_is_no_product() -> None:
    cards = "".join(
        f'<div><a href="/p/{n}">{n}</a><p class="stock">Sold out</p></div>' for n in range(5)
    )
    with pytest.raises(NoOffer):
        read(page(cards))


def test_a_footnote_is_not_part_of_the_title() -> None:
    body = f"{PRICE}<button>Add to cart</button>"
    assert read(page(body, h1="Battery<sup>1</sup>")).title == "Battery"
    assert read(page(body, h1="Carpet 4 m<sup>2</sup>")).title == "Carpet 4 m2"


def test_what_a_product_is_known_by() -> None:
    product = Named.of(["Trail Runner", "Abc"], ["TR-48", "12"], URL)
    held: list[tuple[str, Any]] = [
        ('{"title": "TRAIL  runner, blue"}', True),
        ('{"id": 48213}', True),
        ('{"id": 482131}', False),
        ('{"name": "Abc", "n": 12}', False),
        ('{"name": "\\u0054rail Runner"}', True),
    ]
    for text, wanted in held:
        assert product.within(text) is wanted, text


def test_breadcrumbs_that_are_only_seen() -> None:
    crumbs = '<ol class="breadcrumb"><li><a href="/">Home</a></li><li><a href="/s">Sneakers</a></li><li>Trail Runner</li></ol>'
    assert read(page(crumbs, marked=True)).category == "Sneakers"
    linked = crumbs.replace("<li>Trail Runner</li>", '<li><a href="/p">Trail Runner</a></li>')
    assert read(page(linked, marked=True)).category == "Sneakers"
    assert (
        read(page('<div class="breadcrumbs"><a href="/">Home</a></div>', marked=True)).category
        is None
    )
