"""Wildberries: the catalogue's and the card's JSON, and the pages it renders for previews.

Prices are kopecks. Pictures have no address in the answers: host and folders follow from the id.
"""

from __future__ import annotations

import bisect
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from app.domain import Availability, ParsedOffer, Size
from etl import normalise
from etl.adapters.base import EmptyList, Links, NoOffer
from etl.adapters.documents import error_words, read_json
from etl.adapters.schema_org import SchemaOrg
from etl.money import currency_code
from etl.sizes import parse_size, settle_systems
from etl.text import clean

_LAST_VOLUMES = (
    143, 287, 431, 719, 1007, 1061, 1115, 1169, 1313, 1601, 1655, 1919, 2045, 2189, 2405, 2621,
    2837, 3053, 3269, 3485, 3701, 3917, 4133, 4349, 4565, 4877, 5189, 5501, 5813, 6125, 6437, 6749,
    7061, 7373, 7685, 7997, 8309, 8741, 9173, 9605,
)  # fmt: skip
"""Last volume on each picture host, basket-01 first: the shop's own script, as several public
projects quote it (read on 2026-11-24). Newer hosts are unknown, so their pictures are left out."""
_MAX_PICTURES = 30


class Wildberries:
    """Reader of catalogue and card answers."""

    name = "wildberries"

    def __init__(self, selectors: Mapping[str, str] | None = None) -> None:
        """``selectors`` are corrections for rendered pages."""
        self._pages = SchemaOrg(selectors)

    def parse(
        self, content: bytes, url: str | None, content_type: str | None = None
    ) -> list[ParsedOffer]:
        """Offers of an answer, one for each article; or the offer of a rendered page.

        Raises:
            NoOffer: an error answer or an empty one.
        """
        if content.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<":
            return self._pages.parse(content, url, content_type)
        body = read_json(content, content_type)
        if isinstance(body, Mapping) and body.get("nm_id") and body.get("imt_name"):
            return [_card(body)]
        products = _products(body)
        query = dict(parse_qsl(urlsplit(url).query)) if url else {}
        currency = currency_code(query.get("curr", "").upper())
        offers = [_offer(p, currency) for p in products if p.get("id") and p.get("name")]
        if not offers:
            raise EmptyList("the product list is empty")
        return offers

    def links(self, content: bytes, url: str, content_type: str | None = None) -> Links:  # noqa: ARG002 - the protocol's
        """An answer holds its products itself; raises :class:`NoOffer` for an error answer."""
        _products(read_json(content, content_type))
        return Links()

    def list_url(self, start: str, number: int) -> str | None:
        """Page ``number`` of a catalogue address; a card address has one page."""
        parts = urlsplit(start)
        query = dict(parse_qsl(parts.query))
        if "nm" in query:
            return start if number == 1 else None
        query["page"] = str(number)
        return urlunsplit((parts.scheme, parts.netloc, parts.path, urlencode(query), ""))


def picture_urls(article: int, count: int) -> tuple[str, ...]:
    """Addresses of an article's pictures; () where its host is not known.

    >>> picture_urls(173937886, 1)
    ('https://basket-12.wbbasket.ru/vol1739/part173937/173937886/images/big/1.webp',)
    """
    volume, part = article // 100_000, article // 1000
    host = bisect.bisect_left(_LAST_VOLUMES, volume) + 1
    if host > len(_LAST_VOLUMES):
        return ()
    folder = f"https://basket-{host:02}.wbbasket.ru/vol{volume}/part{part}/{article}/images/big"
    return tuple(f"{folder}/{n}.webp" for n in range(1, min(count, _MAX_PICTURES) + 1))


def _products(body: Any) -> list[Mapping[str, Any]]:
    data = body.get("data") if isinstance(body, Mapping) else None
    for holder in (data, body):
        if isinstance(holder, Mapping) and isinstance(holder.get("products"), list):
            return [p for p in holder["products"] if isinstance(p, Mapping)]
    raise NoOffer(f"no product list: {error_words(body)}")


def _offer(product: Mapping[str, Any], currency: str | None) -> ParsedOffer:
    article = int(product["id"])
    sizes = [s for s in product.get("sizes") or [] if isinstance(s, Mapping)]
    price, listed = _cheapest(product, sizes)
    colours = [
        name
        for c in product.get("colors") or []
        if isinstance(c, Mapping) and (name := clean(_text(c.get("name"))))
    ]
    title = clean(_text(product.get("name")))
    root = _text(product.get("root"))
    pictures = product.get("pics")
    return ParsedOffer(
        external_id=str(article),
        url=f"https://www.wildberries.ru/catalog/{article}/detail.aspx",
        title=title,
        brand=clean(_text(product.get("brand"))),
        colourway=", ".join(colours) or None,
        price=price,
        list_price=listed if listed is not None and price is not None and listed > price else None,
        currency=currency if price is not None else None,
        availability=_availability(product, sizes),
        images=picture_urls(article, pictures) if isinstance(pictures, int) else (),
        sku=str(article),
        style_code=normalise.style_code(title),
        sizes=_sizes(sizes),
        category=clean(_text(product.get("entity"))),
        gender=normalise.gender(title),
        product_key=str(article),
        model_key=root if root not in (None, "0") else None,
    )


def _card(card: Mapping[str, Any]) -> ParsedOffer:
    """The card's own file (``.../info/ru/card.json``): words and sizes, no price and no stock."""
    article = int(card["nm_id"])
    selling, media = card.get("selling"), card.get("media")
    count = media.get("photo_count") if isinstance(media, Mapping) else None
    table = card.get("sizes_table")
    rows = table.get("values") if isinstance(table, Mapping) else None
    labels = [_text(r.get("tech_size")) for r in rows or [] if isinstance(r, Mapping)]
    title, code = clean(_text(card.get("imt_name"))), _text(card.get("vendor_code"))
    parent = clean(_text(card.get("subj_root_name")))
    categories = [c for c in (parent, clean(_text(card.get("subj_name")))) if c]
    root = _text(card.get("imt_id"))
    return ParsedOffer(
        external_id=str(article),
        url=f"https://www.wildberries.ru/catalog/{article}/detail.aspx",
        title=title,
        brand=clean(_text(selling.get("brand_name"))) if isinstance(selling, Mapping) else None,
        colourway=clean(_text(card.get("nm_colors_names"))),
        images=picture_urls(article, count) if isinstance(count, int) else (),
        sku=str(article),
        style_code=normalise.style_code(code) or normalise.style_code(title),
        sizes=settle_systems([s for t in labels if t != "0" and (s := parse_size(t)) is not None]),
        description=clean(_text(card.get("description"))),
        category=" > ".join(categories) or None,
        gender=normalise.gender(title),
        product_key=str(article),
        model_key=root,
    )


def _cheapest(
    product: Mapping[str, Any], sizes: list[Mapping[str, Any]]
) -> tuple[Decimal | None, Decimal | None]:
    """Price and price before of the cheapest size; older answers price the whole article."""
    found = []
    for size in sizes:
        money = size.get("price")
        if isinstance(money, Mapping) and _in_stock(size) is not False:
            price = _roubles(money.get("product")) or _roubles(money.get("total"))
            if price is not None:
                found.append((price, _roubles(money.get("basic"))))
    if found:
        return min(found, key=lambda pair: pair[0])
    extended = product.get("extended")
    shown = extended.get("clientPriceU") if isinstance(extended, Mapping) else None
    now = _roubles(product.get("salePriceU")) or _roubles(shown)
    before = _roubles(product.get("priceU"))
    return (now or before), (before if now is not None else None)


def _roubles(kopecks: Any) -> Decimal | None:
    if isinstance(kopecks, bool) or not isinstance(kopecks, int) or kopecks <= 0:
        return None
    amount = Decimal(kopecks) / 100
    return amount.quantize(Decimal(1)) if kopecks % 100 == 0 else amount


def _in_stock(size: Mapping[str, Any]) -> bool | None:
    """The card lists stocks; in the catalogue a size on sale is one with a price."""
    stocks = size.get("stocks")
    if isinstance(stocks, list):
        return any(isinstance(s, Mapping) and int(s.get("qty") or 0) > 0 for s in stocks)
    return isinstance(size["price"], Mapping) if "price" in size else None


def _availability(product: Mapping[str, Any], sizes: list[Mapping[str, Any]]) -> Availability:
    total = product.get("totalQuantity")
    if isinstance(total, int):
        return "in_stock" if total > 0 else "out_of_stock"
    states = [_in_stock(s) for s in sizes]
    if True in states:
        return "in_stock"
    return "unknown" if None in states or not states else "out_of_stock"


def _sizes(sizes: list[Mapping[str, Any]]) -> tuple[Size, ...]:
    """The maker's label ("44 XXS"); a bare "0" means that the article has no sizes."""
    found: list[Size | None] = []
    for size in sizes:
        label = clean(_text(size.get("origName"))) or clean(_text(size.get("name")))
        if label and label != "0":
            plain = re.fullmatch(r"[\d.,/ ½]+|[A-Za-z]{2}\s?[\d.,]+", label)
            state = _in_stock(size)
            # "44 XXS" is one label of clothing; only a bare number can be a shoe's size.
            found.append(parse_size(label, None, state) if plain else Size(label, None, state))
    return settle_systems([size for size in found if size is not None])


def _text(value: Any) -> str | None:
    return None if value is None or isinstance(value, dict | list | bool) else str(value)
