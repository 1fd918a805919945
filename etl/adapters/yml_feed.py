"""Yandex Market Language: a shop's whole catalogue in one XML document.

Format: https://yandex.ru/support/marketplace/assortment/fields/index.html (offers, params,
``group_id``); the older ``vendor.model`` type is read as well.
"""

from __future__ import annotations

import re
from typing import Any

from app.domain import Availability, ParsedOffer, Size
from etl import normalise
from etl.adapters.base import Links, NoOffer
from etl.adapters.documents import read_xml
from etl.adapters.pictures import best_pictures
from etl.adapters.variants import grouped
from etl.money import currency_code, stated_amount
from etl.sizes import parse_size
from etl.text import absolute, clean

_COLOUR = re.compile(r"^(?:цвет(?: товара)?|colou?r|расцветка)$", re.IGNORECASE)
_SIZE = re.compile(r"^(?:размер(?: обуви)?|(?:shoe )?size|(?P<system>eu|us|uk|ru|cm))\b", re.I)
_NOT_SIZE = re.compile(r"таблиц|сетк|габарит|упаковк|экран|каблук|рамк|колес", re.IGNORECASE)
_GENDER = re.compile(r"^(?:пол|gender|sex|для кого)$", re.IGNORECASE)
_SYSTEM = re.compile(r"\b(eu|us|uk|ru|cm|rus|см)\b", re.IGNORECASE)


class YmlFeed:
    """Reader of a YML catalogue."""

    name = "yml_feed"

    def parse(
        self, content: bytes, url: str | None, content_type: str | None = None
    ) -> list[ParsedOffer]:
        """Its offers, sizes of one ``group_id`` and colour joined.

        Raises:
            NoOffer: the feed breaks off, is no YML, or holds no offer.
        """
        root = read_xml(content, content_type)
        if root.tag != "yml_catalog":
            raise NoOffer(f"no YML catalogue: its root is {str(root.tag)[:40]!r}")
        categories = _categories(root)
        shop_url = clean(root.findtext("shop/url"))
        # Relative addresses in a feed are the shop's, whatever host serves the feed.
        base = absolute(None, shop_url) or url
        declared = _declared_currency(root)
        items = [
            (clean(e.get("group_id") or e.findtext("group_id")), offer)
            for e in root.iter("offer")
            if (offer := _offer(e, categories, base, declared)) is not None
        ]
        if not items:
            raise NoOffer("the feed holds no offer")
        return grouped(items)

    def links(self, content: bytes, url: str, content_type: str | None = None) -> Links:  # noqa: ARG002 - the protocol's
        """A feed names no further document; raises :class:`NoOffer` when it is none."""
        read_xml(content, content_type)
        return Links()

    def list_url(self, start: str, number: int) -> str | None:
        """The feed itself, once."""
        return start if number == 1 else None


def _declared_currency(root: Any) -> str | None:
    """The feed's currency where it declares exactly one; it holds for offers that name none."""
    declared = [currency_code(e.get("id")) for e in root.iterfind(".//currencies/currency")]
    return declared[0] if len(declared) == 1 else None


def _categories(root: Any) -> dict[str, str]:
    """Names by id with their parents' before them; a missing parent is left out."""
    own = {e.get("id"): (clean(e.text), e.get("parentId")) for e in root.iter("category")}
    found: dict[str, str] = {}
    for identifier in own:
        names: list[str] = []
        at, seen = identifier, set()
        while at in own and at not in seen:
            seen.add(at)
            name, at = own[at]
            if name:
                names.append(name)
        found[identifier] = " > ".join(reversed(names))
    return found


def _offer(
    e: Any, categories: dict[str, str], base: str | None, declared: str | None
) -> ParsedOffer | None:
    identifier = clean(e.get("id"))
    vendor, model = _text(e, "vendor"), _text(e, "model")
    kind = _text(e, "typePrefix")
    title = _text(e, "name") or (" ".join(filter(None, (kind, vendor, model))) if kind else model)
    if identifier is None or title is None:
        return None
    named = _text(e, "currencyId")
    currency = currency_code(named) if named else declared
    price = stated_amount(_text(e, "price"), currency)
    before = stated_amount(_text(e, "oldprice", "oldPrice", "old_price"), currency)
    params = [(clean(p.get("name")) or "", clean(p.text), p.get("unit")) for p in e.iter("param")]
    code = _text(e, "vendorCode")
    gtin = re.sub(r"\D", "", _text(e, "barcode") or "")
    colour = next((v for n, v, _ in params if v and _COLOUR.match(n)), None)
    stated = next((v for n, v, _ in params if v and _GENDER.match(n)), None)
    category = categories.get(_text(e, "categoryId") or "") or _text(e, "market_category")
    available = _availability(e)
    pictures = (absolute(base, p.text) for p in e.iter("picture"))
    return ParsedOffer(
        external_id=identifier,
        url=absolute(base, _text(e, "url")),
        title=title,
        brand=vendor,
        model=model if vendor and model and _text(e, "name") is None else None,
        colourway=colour,
        price=price,
        list_price=before if before is not None and price is not None and before > price else None,
        currency=currency,
        availability=available,
        images=best_pictures(p for p in pictures if p),
        sku=code or _text(e, "shop-sku"),
        style_code=normalise.style_code(code) or normalise.style_code(title),
        gtin=gtin if len(gtin) in (8, 12, 13, 14) else None,
        sizes=_sizes(params, available),
        description=_text(e, "description"),
        category=category or None,
        gender=normalise.gender(stated) or normalise.gender(title) or normalise.gender(category),
        product_key=identifier,
    )


def _availability(e: Any) -> Availability:
    if (e.get("disabled") or _text(e, "disabled") or "").strip().lower() in ("true", "1"):
        return "out_of_stock"  # the shop has taken it off sale
    stated = (e.get("available") or _text(e, "available") or "").strip().lower()
    if stated in ("true", "1", "yes"):
        return "in_stock"
    if stated in ("false", "0", "no"):
        return "out_of_stock"
    count = _text(e, "count", "stock_quantity", "quantity_in_stock")
    if count and re.fullmatch(r"\d+", count):
        return "in_stock" if int(count) else "out_of_stock"
    return "unknown"


def _sizes(params: list[tuple[str, str | None, str | None]], state: str) -> tuple[Size, ...]:
    available = {"in_stock": True, "out_of_stock": False}.get(state)
    for name, value, unit in params:
        match = _SIZE.match(name)
        if match is None or not value or _NOT_SIZE.search(name):
            continue
        named = _SYSTEM.search(unit or "") or _SYSTEM.search(name)
        labels = re.split(r"\s*[;|,]\s+|\s*[;|]\s*", value)
        found = [parse_size(label, named[1] if named else None, available) for label in labels]
        return tuple(size for size in found if size is not None)
    return ()


def _text(e: Any, *names: str) -> str | None:
    for name in names:
        if text := clean(e.findtext(name)):
            return text
    return None
