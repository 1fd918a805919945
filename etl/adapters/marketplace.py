"""Resale markets in the shape of StockX and GOAT/alias: product searches and asks by size.

A search states the retail price of release day, which is no offer, so it gives no price. Asks are
money: the lowest listing of a new pair in a good box, by size; "0" means that nobody sells.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from app.domain import ParsedOffer, Size
from etl import normalise
from etl.adapters.base import EmptyList, Links, NoOffer
from etl.adapters.documents import error_words, read_json
from etl.adapters.pictures import best_pictures
from etl.money import currency_code, stated_amount
from etl.sizes import settle_systems
from etl.text import absolute, clean

_LISTS = ("products", "Products", "hits", "results", "sneakers", "product_templates", "data")
_PICTURES = (
    "main_picture_url", "mainPictureUrl", "imageUrl", "grid_picture_url", "thumbnail",
    "thumbUrl", "smallImageUrl", "image",
)  # fmt: skip
_US_SIZES = (Decimal("0.5"), Decimal(25))
"""US shoe sizes; rows of "size 0" and "size 40" stand for all sizes and for none."""


class Marketplace:
    """Reader of search answers and price answers."""

    name = "marketplace"

    def parse(
        self, content: bytes, url: str | None, content_type: str | None = None
    ) -> list[ParsedOffer]:
        """One offer for each product of a search; one for a price answer.

        Raises:
            NoOffer: an error answer or an empty one.
        """
        body = read_json(content, content_type)
        for _ in range(3):  # recorded answers and gateways wrap the answer once or twice
            if isinstance(body, Mapping) and isinstance(body.get("response"), Mapping | list):
                body = body["response"]
        asks = _asks(body)
        if asks:
            return [_priced(asks, url, body)]
        offers = [o for p in _products(body) if (o := _offer(p, url)) is not None]
        if not offers:
            raise EmptyList("the product list is empty")
        return offers

    def links(self, content: bytes, url: str, content_type: str | None = None) -> Links:  # noqa: ARG002 - the protocol's
        """An answer names no further document; raises :class:`NoOffer` when it is no JSON."""
        read_json(content, content_type)
        return Links()

    def list_url(self, start: str, number: int) -> str | None:
        """Page ``number`` of a search: its ``pageNumber`` or ``page`` is set."""
        parts = urlsplit(start)
        query = dict(parse_qsl(parts.query))
        name = "page" if "page" in query else "pageNumber"
        if number > 1 and not parts.query:
            return None
        query[name] = str(number)
        return urlunsplit((parts.scheme, parts.netloc, parts.path, urlencode(query), ""))


def _asks(body: Any) -> list[Mapping[str, Any]]:
    rows = body.get("variants") if isinstance(body, Mapping) else body
    if not isinstance(rows, list):
        return []
    return [r for r in rows if isinstance(r, Mapping) and ("availability" in r or _ask(r)[1])]


def _ask(row: Mapping[str, Any]) -> tuple[Decimal | None, bool]:
    """The lowest ask of a row in major units, and whether the row states one at all."""
    held = row.get("availability")
    inner = held if isinstance(held, Mapping) else row
    for name in ("lowest_listing_price_cents", "lowestPriceCents", "lowest_price_cents"):
        if name in inner:
            value = inner[name]
            if isinstance(value, Mapping):
                value = value.get("amount")
            cents = _number(value)
            return (cents / 100 if cents is not None and cents > 0 else None), True
    for name in ("lowestAskAmount", "lowest_ask", "lowestAsk"):
        if name in inner:
            return stated_amount(inner[name]), True
    return None, False


def _priced(rows: list[Mapping[str, Any]], url: str | None, body: Any) -> ParsedOffer:
    new = [r for r in rows if _is_new(r)]
    sizes: list[Size] = []
    prices: list[Decimal] = []
    for row in new:
        label = _size(row)
        if label is None:
            continue
        price, stated = _ask(row)
        if stated:
            sizes.append(Size(label, "US", price is not None))
            if price is not None:
                prices.append(price)
    if not sizes:
        raise NoOffer("the answer prices no size of a new pair")
    code = normalise.style_code(url) or normalise.style_code(_text(_held(body, "styleId", "sku")))
    stated_id = _text(_held(body, "productId", "catalog_id", "id"))
    currencies = {c for r in new if (c := currency_code(r.get("currencyCode")))}
    price = min(prices, default=None)
    return ParsedOffer(
        external_id=stated_id or code or hashlib.sha256((url or "").encode()).hexdigest()[:16],
        url=absolute(None, url),
        price=price.quantize(Decimal(1))
        if price is not None and price == price.to_integral_value()
        else price,
        currency=currencies.pop() if len(currencies) == 1 else None,
        availability="in_stock" if prices else "out_of_stock",
        sku=code,
        style_code=code,
        sizes=settle_systems(sizes),
    )


def size_prices(content: bytes) -> dict[str, Decimal]:
    """Lowest ask of a new pair in a good box by US size; sizes that nobody sells are left out."""
    body = read_json(content)
    found = {}
    for row in _asks(body):
        label, (price, _) = _size(row), _ask(row)
        if _is_new(row) and label is not None and price is not None:
            found[label] = price
    return found


def _is_new(row: Mapping[str, Any]) -> bool:
    condition = str(row.get("product_condition", "NEW")).upper()
    box = str(row.get("packaging_condition", "GOOD_CONDITION")).upper()
    return condition.endswith("NEW") and box.endswith("GOOD_CONDITION")


def _size(row: Mapping[str, Any]) -> str | None:
    value = _number(row.get("size", row.get("variantValue")))
    if value is None or not _US_SIZES[0] <= value <= _US_SIZES[1]:
        return None
    return f"{value.normalize():f}"


def _products(body: Any) -> list[Mapping[str, Any]]:
    if isinstance(body, list):
        return [p for p in body if isinstance(p, Mapping)]
    if isinstance(body, Mapping):
        for name in _LISTS:
            if isinstance(body.get(name), list):
                return [p for p in body[name] if isinstance(p, Mapping)]
            if isinstance(body.get(name), Mapping):
                return _products(body[name])
        if body.get("title") or body.get("name"):
            return [body]
    raise NoOffer(f"no product list: {error_words(body)}")


def _offer(product: Mapping[str, Any], url: str | None) -> ParsedOffer | None:
    held = product.get("productAttributes")
    inner = {**product, **held} if isinstance(held, Mapping) else dict(product)
    title = clean(_text(_held(inner, "title", "name", "shoeName")))
    stated = _held(inner, "styleId", "styleID", "sku", "style_id")
    style = normalise.style_code(_text(stated)) or clean(_text(stated))
    identifier = _text(_held(inner, "productId", "id", "objectID", "slug", "urlKey")) or style
    if title is None or identifier is None:
        return None
    market = inner.get("market")
    market = market if isinstance(market, Mapping) else {}
    price, stated_ask = _ask(inner)
    if not stated_ask:
        price, _ = _ask(market)
    media = inner.get("media")
    held_pictures = {**media, **inner} if isinstance(media, Mapping) else inner
    pictures = [absolute(url, _text(held_pictures.get(name))) for name in _PICTURES]
    slug = _text(_held(inner, "urlKey", "slug"))
    return ParsedOffer(
        external_id=identifier,
        url=_address(url, slug),
        title=title,
        brand=clean(_text(_held(inner, "brand", "brandName", "brand_name"))),
        model=clean(_text(_held(inner, "model", "silhouette"))),
        colourway=clean(_text(_held(inner, "colorway", "details", "color"))),
        price=price,
        currency=currency_code(
            _held(inner, "currencyCode", "currency") or _held(market, "currencyCode", "currency")
        ),
        availability="in_stock" if price is not None else "unknown",
        images=best_pictures(p for p in pictures if p),
        sku=style,
        style_code=style,
        description=clean(_text(_held(inner, "description", "story_html"))),
        category=clean(_text(_held(inner, "productType", "product_category", "category"))),
        gender=normalise.gender(_text(_held(inner, "gender", "single_gender"))),
        product_key=identifier,
    )


def _address(url: str | None, slug: str | None) -> str | None:
    """The product's page on the market that gave the answer; None on any other host."""
    host = (urlsplit(url).hostname or "") if url else ""
    if slug and re.search(r"(^|\.)stockx\.com$", host):
        return f"https://stockx.com/{slug}"
    if slug and re.search(r"(^|\.)goat\.com$", host):
        return f"https://www.goat.com/sneakers/{slug}"
    return None


def _held(body: Any, *names: str) -> Any:
    if not isinstance(body, Mapping):
        return None
    return next((body[n] for n in names if body.get(n) not in (None, "", [])), None)


def _number(value: Any) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        return None
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _text(value: Any) -> str | None:
    return None if value is None or isinstance(value, dict | list | bool) else str(value)
