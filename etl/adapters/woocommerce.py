"""WooCommerce: the Store API's product list, the older REST list, and product pages.

Store API: https://developer.woocommerce.com/docs/apis/store-api/resources-endpoints/products/ ;
its prices are whole numbers of the stated minor unit ("currency_minor_unit": 2 makes 1999 19.99).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

from app.domain import Availability, ParsedOffer, Size
from etl import normalise
from etl.adapters.base import EmptyList, Links, NoOffer
from etl.adapters.documents import error_words, read_json
from etl.adapters.page import read_page
from etl.adapters.pictures import best_pictures
from etl.adapters.schema_org import SchemaOrg
from etl.money import currency_code, stated_amount
from etl.sizes import parse_size, settle_systems
from etl.text import absolute, clean

_PER_PAGE = 100  # the most that the API gives at once
_SIZE = re.compile(r"size|größe|taille|talla|taglia|maat|размер|storlek|rozmiar", re.IGNORECASE)
_COLOUR = re.compile(r"colou?r|farbe|couleur|kleur|цвет|kolor|colore", re.IGNORECASE)
_BRAND = re.compile(r"^(?:brand|marke|marque|marca|merk|бренд|производитель)s?$", re.IGNORECASE)
_GENDER = re.compile(r"^(?:gender|sex|пол|geschlecht|genre)$", re.IGNORECASE)


class WooCommerce:
    """Reader of product lists and of product pages."""

    name = "woocommerce"

    def __init__(self, selectors: Mapping[str, str] | None = None) -> None:
        """``selectors`` are the shop's own corrections for its pages."""
        self._pages = SchemaOrg(selectors)

    def parse(
        self, content: bytes, url: str | None, content_type: str | None = None
    ) -> list[ParsedOffer]:
        """Offers of a product list, or the offer of a product page.

        Raises:
            NoOffer: an error answer, an empty list, a page without a product.
        """
        if content.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"[", b"{"):
            body = read_json(content, content_type)
            offers = [_offer(p, url) for p in _products(body) if p.get("id") and p.get("name")]
            if not offers:
                raise EmptyList("the product list is empty")
            return offers
        offers = self._pages.parse(content, url, content_type)
        return [_with_variations(o, content, url, content_type) for o in offers]

    def links(self, content: bytes, url: str, content_type: str | None = None) -> Links:
        """Links of a listing page or sitemap; a product list names none."""
        if content.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"[", b"{"):
            _products(read_json(content, content_type))
            return Links()
        return self._pages.links(content, url, content_type)

    def list_url(self, start: str, number: int) -> str | None:
        """Pages of the Store API for a shop's address; None where ``start`` is a listing page."""
        parts = urlsplit(start)
        if "/wp-json/" in parts.path:
            path, query = parts.path, parts.query
        elif parts.path.rstrip("/") == "":
            path, query = "/wp-json/wc/store/v1/products", ""
        else:
            return None
        asked = urlencode({"per_page": _PER_PAGE, "page": number})
        joined = f"{query}&{asked}" if query else asked
        return urlunsplit((parts.scheme, parts.netloc, path, joined, ""))


def _products(body: Any) -> list[Mapping[str, Any]]:
    if isinstance(body, Mapping):
        if isinstance(body.get("products"), list):
            listed = body["products"]
        elif body.get("id") and body.get("name"):
            listed = [body]
        else:
            raise NoOffer(f"no product list: {error_words(body)}")
    elif isinstance(body, list):
        listed = body
    else:
        raise NoOffer("no product list")
    return [p for p in listed if isinstance(p, Mapping)]


def _offer(product: Mapping[str, Any], url: str | None) -> ParsedOffer:
    price, listed, currency = _money(product)
    title = clean(str(product["name"]))
    sku = clean(_text(product.get("sku")))
    attributes = _attributes(product)
    colours = next((v for n, v in attributes.items() if _COLOUR.search(n)), [])
    brands = _names(product.get("brands")) or next(
        (v for n, v in attributes.items() if _BRAND.match(n)), []
    )
    stated = next((v[0] for n, v in attributes.items() if _GENDER.match(n) and v), None)
    categories = _names(product.get("categories"))
    pictures = [
        absolute(url, _text(i.get("src")))
        for i in product.get("images") or []
        if isinstance(i, Mapping)
    ]
    state = _availability(product)
    identifier = str(product["id"])
    return ParsedOffer(
        external_id=identifier,
        url=absolute(url, _text(product.get("permalink"))),
        title=title,
        brand=brands[0] if brands else None,
        colourway=colours[0] if len(colours) == 1 else None,
        price=price,
        list_price=listed if listed is not None and price is not None and listed > price else None,
        currency=currency,
        availability=state,
        images=best_pictures(p for p in pictures if p),
        sku=sku,
        style_code=normalise.style_code(sku) or normalise.style_code(title),
        sizes=_sizes(product, attributes, state),
        description=clean(_text(product.get("description")))
        or clean(_text(product.get("short_description"))),
        category=" > ".join(categories) or None,
        gender=normalise.gender(stated)
        or normalise.gender(title)
        or next((g for c in categories if (g := normalise.gender(c))), None),
        product_key=identifier,
    )


def _money(product: Mapping[str, Any]) -> tuple[Decimal | None, Decimal | None, str | None]:
    prices = product.get("prices")
    if not isinstance(prices, Mapping):  # wc/v3: decimal strings, no currency
        price = stated_amount(product.get("price"))
        return price, stated_amount(product.get("regular_price")), None
    currency = currency_code(prices.get("currency_code"))
    unit = prices.get("currency_minor_unit")
    if not isinstance(unit, int) or not 0 <= unit <= 6:
        return None, None, currency  # whole numbers of an unknown unit are no price
    return _minor(prices.get("price"), unit), _minor(prices.get("regular_price"), unit), currency


def _minor(value: Any, unit: int) -> Decimal | None:
    text = str(value).strip() if isinstance(value, str | int) else ""
    if not re.fullmatch(r"\d{1,15}", text) or int(text) == 0:
        return None
    amount = Decimal(text).scaleb(-unit)
    return amount.quantize(Decimal(1)) if amount == amount.to_integral_value() else amount


def _availability(product: Mapping[str, Any]) -> Availability:
    if product.get("is_on_backorder") is True or product.get("stock_status") == "onbackorder":
        return "preorder"
    stated = product.get("is_in_stock", product.get("in_stock"))
    if stated is None:
        stated = {"instock": True, "outofstock": False}.get(str(product.get("stock_status")))
    if stated is None:
        return "unknown"
    return "in_stock" if stated else "out_of_stock"


def _attributes(product: Mapping[str, Any]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for attribute in product.get("attributes") or []:
        if not isinstance(attribute, Mapping):
            continue
        name = clean(_text(attribute.get("name"))) or ""
        values = _names(attribute.get("terms")) or [
            v for o in attribute.get("options") or [] if (v := clean(_text(o)))
        ]
        found.setdefault(name, []).extend(values)
    return found


def _sizes(
    product: Mapping[str, Any], attributes: dict[str, list[str]], state: str
) -> tuple[Size, ...]:
    """Sizes to choose from; the list says of none whether it is on sale, only of them all."""
    name = next((n for n in attributes if _SIZE.search(n)), None)
    if name is None:
        return ()
    labels = [
        str(a["value"])
        for v in product.get("variations") or []
        if isinstance(v, Mapping)
        for a in v.get("attributes") or []
        if isinstance(a, Mapping) and a.get("name") == name and a.get("value")
    ]
    words = {re.sub(r"\W", "", t.casefold()): t for t in attributes[name]}
    # A variation names the term's slug ("42-5"), the attribute its label ("42.5").
    shown = [words.get(re.sub(r"\W", "", label.casefold()), label) for label in labels]
    system = re.search(r"\b(eu|us|uk|cm|ru)\b", name, re.IGNORECASE)
    available = False if state == "out_of_stock" else None
    found = [
        parse_size(label, system[1] if system else None, available)
        for label in shown or attributes[name]
    ]
    return settle_systems([size for size in found if size is not None])


def _with_variations(
    offer: ParsedOffer, content: bytes, url: str | None, content_type: str | None
) -> ParsedOffer:
    """A page's sizes with their stock, from the form that WooCommerce's own script reads."""
    page = read_page(content, url, content_type)
    if page is None:
        return offer
    found: list[Size] = []
    for form in page.root.iter("form"):
        raw = form.get("data-product_variations")
        if not raw or raw == "false":
            continue
        try:
            variations = json.loads(raw)
        except ValueError:
            continue
        for variation in variations if isinstance(variations, list) else []:
            if not isinstance(variation, Mapping):
                continue
            for name, value in (variation.get("attributes") or {}).items():
                if value and _SIZE.search(name):
                    label = re.sub(r"^(\d+)-(\d+)$", r"\1.\2", str(value))
                    size = parse_size(label, None, variation.get("is_in_stock") is not False)
                    found.extend([size] if size else [])
    return replace(offer, sizes=settle_systems(found)) if found else offer


def _names(listed: Any) -> list[str]:
    return [
        name
        for entry in listed or []
        if isinstance(entry, Mapping) and (name := clean(_text(entry.get("name"))))
    ]


def _text(value: Any) -> str | None:
    return None if value is None or isinstance(value, dict | list | bool) else str(value)
