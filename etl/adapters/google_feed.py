"""Google Merchant feeds: RSS 2.0 or Atom with the ``g:`` namespace.

Fields: https://support.google.com/merchants/answer/7052112 (product data specification).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from lxml import etree

from app.domain import ParsedOffer, Size
from etl import normalise
from etl.adapters.base import Links, NoOffer
from etl.adapters.documents import read_xml, unzipped
from etl.adapters.offer_nodes import availability
from etl.adapters.pictures import best_pictures
from etl.adapters.variants import grouped
from etl.money import currency_code, currency_in, stated_amount
from etl.sizes import parse_size
from etl.text import absolute, clean


class GoogleFeed:
    """Reader of a merchant feed."""

    name = "google_feed"

    def parse(
        self, content: bytes, url: str | None, content_type: str | None = None
    ) -> list[ParsedOffer]:
        """Its items, sizes of one ``item_group_id`` and colour joined.

        Raises:
            NoOffer: the feed breaks off, is no merchant feed, or holds no item.
        """
        root = read_xml(_declared(content), content_type)
        elements = [e for e in root.iter() if _local(e) in ("item", "entry")]
        items = []
        for element in elements:
            fields = _fields(element)
            offer = _offer(fields, url)
            if offer is not None:
                items.append((_first(fields, "item_group_id"), offer))
        if not items:
            raise NoOffer("the feed holds no product" if elements else "no merchant feed")
        return grouped(items)

    def links(self, content: bytes, url: str, content_type: str | None = None) -> Links:  # noqa: ARG002 - the protocol's
        """A feed names no further document; raises :class:`NoOffer` when it is none."""
        read_xml(_declared(content), content_type)
        return Links()

    def list_url(self, start: str, number: int) -> str | None:
        """The feed itself, once."""
        return start if number == 1 else None


def _declared(content: bytes) -> bytes:
    """The feed with its ``g:`` prefix declared, which some shops leave out."""
    data = unzipped(content)
    if b"xmlns:g" in data[:4000] or b"<g:" not in data:
        return data
    return re.sub(rb"<(rss|feed)\b", rb'<\1 xmlns:g="http://base.google.com/ns/1.0"', data, count=1)


def _local(element: Any) -> str:
    return etree.QName(element).localname.lower() if isinstance(element.tag, str) else ""


def _fields(element: Any) -> dict[str, list[str]]:
    """Texts by local name; the ``g:`` ones before the feed format's own."""
    found: dict[str, list[tuple[bool, str]]] = {}
    for child in element:
        name = _local(child)
        text = clean("".join(child.itertext())) or (child.get("href") if name == "link" else None)
        if name and text:
            foreign = "base.google.com" not in (etree.QName(child).namespace or "")
            found.setdefault(name, []).append((foreign, text))
    return {n: [t for _, t in sorted(v, key=lambda entry: entry[0])] for n, v in found.items()}


def _first(fields: dict[str, list[str]], *names: str) -> str | None:
    return next((fields[n][0] for n in names if fields.get(n)), None)


def _offer(fields: dict[str, list[str]], url: str | None) -> ParsedOffer | None:
    identifier, title = _first(fields, "id", "guid"), _first(fields, "title")
    if identifier is None or title is None:
        return None
    price, currency = _money(_first(fields, "price"))
    sale, sale_currency = _money(_first(fields, "sale_price"))
    listed: Decimal | None = None
    if sale is not None and _now_within(_first(fields, "sale_price_effective_date")):
        if price is not None and sale < price:
            listed = price
        price, currency = sale, sale_currency or currency
    mpn = _first(fields, "mpn")
    gtin = re.sub(r"\D", "", _first(fields, "gtin") or "")
    state = availability(_first(fields, "availability")) or "unknown"
    pictures = [
        absolute(url, text)
        for name in ("image_link", "additional_image_link")
        for value in fields.get(name, [])
        for text in re.split(r",(?=https?://)", value)
    ]
    category = _first(fields, "product_type", "google_product_category")
    return ParsedOffer(
        external_id=identifier,
        url=absolute(url, _first(fields, "link")),
        title=title,
        brand=_first(fields, "brand"),
        colourway=_first(fields, "color"),
        price=price,
        list_price=listed,
        currency=currency,
        availability=state,
        images=best_pictures(p for p in pictures if p),
        sku=mpn,
        style_code=normalise.style_code(mpn) or normalise.style_code(title),
        gtin=gtin if len(gtin) in (8, 12, 13, 14) else None,
        sizes=_sizes(fields, state),
        description=_first(fields, "description", "summary"),
        category=category,
        gender=_gender(fields) or normalise.gender(title),
        product_key=identifier,
    )


def _money(text: str | None) -> tuple[Decimal | None, str | None]:
    """``500 EUR`` or ``EUR 500``; a number without a currency keeps None."""
    if text is None:
        return None, None
    code = currency_in(text)
    if code is None and (found := re.search(r"\b[A-Z]{3}\b", text)):
        code = currency_code(found[0])
    number = re.sub(r"[^\d.,'\s]", "", text).strip()
    return stated_amount(number, code), code


def _now_within(span: str | None) -> bool:
    """Whether a sale's ``start/end`` holds now; one that cannot be read does."""
    if not span or "/" not in span:
        return True
    try:
        start, end = (datetime.fromisoformat(part.strip()) for part in span.split("/", 1))
    except ValueError:
        return True
    now = datetime.now(UTC)
    start, end = (t if t.tzinfo else t.replace(tzinfo=UTC) for t in (start, end))
    return start <= now <= end


def _sizes(fields: dict[str, list[str]], state: str) -> tuple[Size, ...]:
    available = {"in_stock": True, "out_of_stock": False}.get(state)
    system = _first(fields, "size_system")
    found = (parse_size(label, system, available) for label in fields.get("size", []))
    return tuple(size for size in found if size is not None)


def _gender(fields: dict[str, list[str]]) -> Any:
    age = (_first(fields, "age_group") or "").lower()
    if age in ("kids", "toddler", "infant", "newborn"):
        return "kids"
    return normalise.gender(_first(fields, "gender"))
