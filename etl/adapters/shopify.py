"""Shopify's ``products.json``, as the storefront and as the Admin API give it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

from app.domain import Availability, ParsedOffer, Size
from etl import normalise
from etl.adapters.base import Blocked, EmptyList, Links, NoOffer
from etl.adapters.pictures import best_pictures
from etl.money import currency_code, stated_amount
from etl.sizes import parse_size, settle_systems
from etl.text import absolute, clean, decode

_COLOUR = re.compile(
    r"^(?:colou?r(?:way)?|farbe|couleur|kleur|цвет|färg|colore|color name)$", re.IGNORECASE
)
_SIZE = re.compile(
    r"^(?:(?P<system>eu|us|uk|cm)\s+)?(?:shoe\s+)?(?:size|größe|taille|talla|maat|размер|"
    r"storlek|taglia)s?\b",
    re.IGNORECASE,
)
_NO_CHOICE = "title"
_PER_PAGE = 250  # the largest page that products.json gives


class Shopify:
    """Reader of product lists and single products."""

    name = "shopify"

    def parse(
        self, content: bytes, url: str | None, content_type: str | None = None
    ) -> list[ParsedOffer]:
        """One offer for each product, or for each colour of a product sold in several.

        Raises:
            NoOffer: no JSON, an error body, or an empty list.
        """
        body = _load(content, content_type)
        products = _products(body)
        if not products:
            raise EmptyList("the product list is empty")
        currency = _shop_currency(body)
        offers = [offer for p in products for offer in _offers(p, url, currency)]
        if not offers:
            raise NoOffer("the product list holds no product with a variant")
        return offers

    def links(self, content: bytes, url: str, content_type: str | None = None) -> Links:  # noqa: ARG002 - the protocol's
        """A product list holds its products itself and names no further page.

        Raises:
            NoOffer: no JSON, or an error body.
        """
        _products(_load(content, content_type))
        return Links()

    def list_url(self, start: str, number: int) -> str | None:
        """Page ``number`` of the product list of a shop or of one of its collections."""
        parts = urlsplit(start)
        path = parts.path
        if not path.endswith(".json"):
            path = f"{path.rstrip('/')}/products.json"
        asked = urlencode({"limit": _PER_PAGE, "page": number})
        return urlunsplit((parts.scheme, parts.netloc, path, asked, ""))


def shop_currency(content: bytes) -> str | None:
    """Currency that the shop's ``/meta.json`` states; None without one."""
    try:
        body = json.loads(decode(content))
    except ValueError:
        return None
    return _shop_currency(body)


def _load(content: bytes, content_type: str | None) -> Any:
    text = decode(content, content_type).strip()
    try:
        return json.loads(text, parse_float=Decimal)
    except (ValueError, RecursionError):
        if text[:1] == "<":
            raise Blocked("a web page stands in place of the product list") from None
        raise NoOffer("the product list breaks off or is no JSON") from None


def _products(body: Any) -> list[Mapping[str, Any]]:
    if isinstance(body, list):
        listed = body
    elif isinstance(body, Mapping):
        if "products" in body:
            listed = body["products"]
        elif "product" in body:
            listed = [body["product"]]
        elif "variants" in body and "title" in body:
            listed = [body]  # /products/HANDLE.js
        else:
            raise NoOffer(f"no product list: {_error_words(body)}")
    else:
        raise NoOffer("no product list")
    if not isinstance(listed, list):
        raise NoOffer("no product list")
    return [p for p in listed if isinstance(p, Mapping)]


def _error_words(body: Mapping[str, Any]) -> str:
    for key in ("errors", "error", "message"):
        if body.get(key):
            return f"the answer is an error: {str(body[key])[:80]}"
    return "the answer has no products"


def _shop_currency(body: Any) -> str | None:
    if not isinstance(body, Mapping):
        return None
    for holder in (body, body.get("shop"), body.get("meta")):
        if isinstance(holder, Mapping):
            code = currency_code(holder.get("currency"))
            if code:
                return code
    return None


def _offers(product: Mapping[str, Any], url: str | None, currency: str | None) -> list[ParsedOffer]:
    variants = [v for v in product.get("variants") or [] if isinstance(v, Mapping)]
    if not variants:
        return []
    options = _option_names(product)
    colour_at = next((i for i, n in enumerate(options) if _COLOUR.match(n)), None)
    groups: dict[str | None, list[Mapping[str, Any]]] = {}
    for variant in variants:
        value = _option(variant, colour_at)
        groups.setdefault(value, []).append(variant)
    several = len(groups) > 1
    return [
        _offer(product, group, colour, options, url, currency, several=several)
        for colour, group in groups.items()
    ]


def _offer(
    product: Mapping[str, Any],
    variants: Sequence[Mapping[str, Any]],
    colour: str | None,
    options: Sequence[str],
    url: str | None,
    currency: str | None,
    *,
    several: bool,
) -> ParsedOffer:
    in_cents = _in_cents(product)
    priced = [(v, *_prices(v, in_cents)) for v in variants]
    on_sale = [p for p in priced if _available(p[0]) is not False] or priced
    best = min((p for p in on_sale if p[1] is not None), key=lambda p: p[1] or 0, default=None)
    price, listed, stated = (best[1], best[2], best[3]) if best else (None, None, None)
    handle = clean(_text(product.get("handle")))
    identifier = _text(product.get("id")) or handle or _text(product.get("title")) or ""
    title = clean(_text(product.get("title")))
    tags = _tags(product)
    skus = [s for v in variants if (s := clean(_text(v.get("sku"))))]
    base = _base_sku(skus)
    codes = [
        normalise.style_code(t.partition(":")[2])
        for t in tags
        if t.lower().startswith(("style", "sku", "mpn"))
    ]
    code = (
        next((c for c in codes if c), None)
        or normalise.style_code(base)
        or normalise.style_code(title)
    )
    # One barcode names one size; it is the offer's only when there is one variant.
    gtin = re.sub(r"\D", "", _text(variants[0].get("barcode")) or "") if len(variants) == 1 else ""
    address = absolute(url, _text(product.get("url"))) or _address(url, handle)
    if several and address:
        address += f"?variant={_text(variants[0].get('id'))}"
    return ParsedOffer(
        external_id=f"{identifier}:{colour}" if several else identifier,
        url=address,
        title=title,
        brand=clean(_text(product.get("vendor"))),
        colourway=colour,
        price=price,
        list_price=listed if listed is not None and price is not None and listed > price else None,
        currency=stated or currency,
        availability=_availability(variants),
        images=_images(product, variants, url, several=several),
        sku=base,
        style_code=code,
        gtin=gtin if len(gtin) in (8, 12, 13, 14) else None,
        sizes=_sizes(variants, options),
        description=clean(_text(product.get("body_html") or product.get("description"))),
        category=clean(_text(product.get("product_type") or product.get("type"))),
        gender=_gender(tags, title),
        product_key=f"{identifier}:{colour}" if several else identifier,
        model_key=identifier if several else None,
    )


def _prices(
    variant: Mapping[str, Any], in_cents: bool
) -> tuple[Decimal | None, Decimal | None, str | None]:
    """Price, price before and currency of a variant; presentment prices state the currency."""
    for shown in variant.get("presentment_prices") or []:
        money = shown.get("price") if isinstance(shown, Mapping) else None
        code = currency_code(money.get("currency_code")) if isinstance(money, Mapping) else None
        if isinstance(money, Mapping) and code:
            before = shown.get("compare_at_price")
            listed = (
                stated_amount(before.get("amount"), code) if isinstance(before, Mapping) else None
            )
            return stated_amount(money.get("amount"), code), listed, code
    code = currency_code(variant.get("price_currency"))
    price = stated_amount(variant.get("price"), code)
    listed = stated_amount(variant.get("compare_at_price"), code)
    if in_cents:
        price = price / 100 if price is not None else None
        listed = listed / 100 if listed is not None else None
    return price, listed, code


def _in_cents(product: Mapping[str, Any]) -> bool:
    """The theme's ``.js`` shape has whole numbers of the minor unit, ``.json`` has strings."""
    return "price_min" in product or "compare_at_price_min" in product


def _available(variant: Mapping[str, Any]) -> bool | None:
    stated = variant.get("available")
    if isinstance(stated, bool):
        return stated
    quantity = variant.get("inventory_quantity")
    if variant.get("inventory_policy") == "continue" or (
        "inventory_management" in variant and variant["inventory_management"] is None
    ):
        return True  # sold on when the stock is used up, or not counted at all
    return quantity > 0 if isinstance(quantity, int) else None


def _availability(variants: Sequence[Mapping[str, Any]]) -> Availability:
    states = [_available(v) for v in variants]
    if True in states:
        return "in_stock"
    return "unknown" if None in states else "out_of_stock"


def _sizes(variants: Sequence[Mapping[str, Any]], options: Sequence[str]) -> tuple[Size, ...]:
    size_at = next((i for i, n in enumerate(options) if _SIZE.match(n)), None)
    if size_at is None:
        return ()
    match = _SIZE.match(options[size_at])
    system = match["system"] if match else None
    found = [parse_size(_option(v, size_at), system, _available(v)) for v in variants]
    return settle_systems([s for s in found if s is not None])


def _option_names(product: Mapping[str, Any]) -> list[str]:
    names = [
        _text(o.get("name")) if isinstance(o, Mapping) else _text(o)
        for o in product.get("options") or []
    ]
    return [(n or "").strip() for n in names if (n or "").strip().lower() != _NO_CHOICE]


def _option(variant: Mapping[str, Any], index: int | None) -> str | None:
    return clean(_text(variant.get(f"option{index + 1}"))) if index is not None else None


def _base_sku(skus: Sequence[str]) -> str | None:
    """What the variants' SKUs share before their size; None when they share nothing of use."""
    distinct = sorted(set(skus))
    if not distinct:
        return None
    if len(distinct) == 1:
        return distinct[0]
    first, last = distinct[0], distinct[-1]
    length = next(
        (i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b),
        min(len(first), len(last)),
    )
    shared = first[:length]
    cut = re.match(r"^(.*)[-_/ .]", shared)
    shared = cut.group(1) if cut else shared.rstrip("0123456789")
    return shared.rstrip("-_/ .") or None if len(shared) >= 4 else None


def _images(
    product: Mapping[str, Any],
    variants: Sequence[Mapping[str, Any]],
    url: str | None,
    *,
    several: bool,
) -> tuple[str, ...]:
    listed: list[tuple[Any, str]] = []
    for image in product.get("images") or []:
        source = image.get("src") if isinstance(image, Mapping) else image
        link = absolute(url or "https://shop.invalid", _text(source))
        if link and "shop.invalid" not in link:
            listed.append((image if isinstance(image, Mapping) else {}, link))
    if several:
        ids = {v.get("id") for v in variants} - {None}
        image_ids = {v.get("image_id") for v in variants} - {None}
        shown = [
            link
            for image, link in listed
            if ids & set(image.get("variant_ids") or []) or image.get("id") in image_ids
        ]
        featured = [
            link
            for v in variants
            if isinstance(v.get("featured_image"), Mapping)
            if (link := absolute(url, _text(v["featured_image"].get("src"))))
        ]
        own = list(dict.fromkeys(featured + shown))
        others = {i for image, _ in listed for i in image.get("variant_ids") or [] if i not in ids}
        # Pictures tied to no variant show the product in general, others another colour.
        free = [link for image, link in listed if not image.get("variant_ids")]
        return best_pictures(own or (free if not others or free else []))
    return best_pictures(link for _, link in listed)


def _tags(product: Mapping[str, Any]) -> list[str]:
    tags = product.get("tags")
    listed = tags.split(",") if isinstance(tags, str) else tags if isinstance(tags, list) else []
    return [t.strip() for t in listed if isinstance(t, str)]


def _gender(tags: Sequence[str], title: str | None) -> Any:
    for tag in tags:
        name, _, value = tag.partition(":")
        if name.strip().lower() in ("gender", "sex", "пол"):
            return normalise.gender(value)
    return normalise.gender(title) or next((g for t in tags if (g := normalise.gender(t))), None)


def _address(url: str | None, handle: str | None) -> str | None:
    if not url or not handle:
        return None
    parts = urlsplit(url)
    return (
        f"{parts.scheme}://{parts.netloc}/products/{handle}"
        if parts.scheme in ("http", "https")
        else None
    )


def _text(value: Any) -> str | None:
    return None if value is None or isinstance(value, dict | list | bool) else str(value)
