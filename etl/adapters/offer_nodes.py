"""Structured offers (Offer, AggregateOffer, priceSpecification) to terms."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal

from app.domain import Availability
from etl.adapters.candidate import Terms
from etl.adapters.nodes import Node, Value, value_text
from etl.money import amounts, currency_code, currency_in, stated_amount
from etl.sizes import looks_like_size
from etl.text import clean

_AVAILABILITY: dict[str, Availability] = {
    "instock": "in_stock",
    "instoreonly": "in_stock",
    "onlineonly": "in_stock",
    "available": "in_stock",
    "limitedavailability": "in_stock",
    "true": "in_stock",
    "lowstock": "in_stock",
    "instocknow": "in_stock",
    "inwarehouse": "in_stock",
    "onstock": "in_stock",
    "yes": "in_stock",
    "outofstock": "out_of_stock",
    "soldout": "out_of_stock",
    "discontinued": "out_of_stock",
    "oos": "out_of_stock",
    "unavailable": "out_of_stock",
    "notavailable": "out_of_stock",
    "false": "out_of_stock",
    "reserved": "out_of_stock",
    "nostock": "out_of_stock",
    "preorder": "preorder",
    "presale": "preorder",
    "backorder": "preorder",
    "comingsoon": "preorder",
    "availablefororder": "preorder",
    "madetoorder": "preorder",
    "pending": "preorder",
    "вналичии": "in_stock",
    "естьвналичии": "in_stock",
    "нетвналичии": "out_of_stock",
    "enstock": "in_stock",
    "verfügbar": "in_stock",
    "lieferbar": "in_stock",
    "disponible": "in_stock",
    "disponibile": "in_stock",
    "agotado": "out_of_stock",
    "предзаказ": "preorder",
}


def availability(value: str | None) -> Availability | None:
    """A stated availability in our words; None for none or for an unknown word."""
    if not value:
        return None
    tail = value.strip().rstrip("/").rsplit("/", 1)[-1].rsplit("#", 1)[-1].rsplit(":", 1)[-1]
    return _AVAILABILITY.get(re.sub(r"[\s_-]+", "", tail).casefold())


def read_offers(node: Node) -> Iterator[Terms]:
    for offer in node.nodes("offers", "offer"):
        yield from _offer(offer, 0)
    for value in node.values("offers", "offer"):
        if isinstance(value, str) and node.source == "microdata":
            # itemprop=offers without itemscope: its price hangs on the product itself.
            break
    if not node.nodes("offers", "offer") and node.values("price", "lowprice"):
        yield _terms(node)


def _offer(offer: Node, depth: int) -> Iterator[Terms]:
    inner = [o for o in offer.nodes("offers", "offer") if depth < 3]
    if inner:
        own = _terms(offer)
        nested = [terms for o in inner for terms in _offer(o, depth + 1)]
        for terms in nested:
            terms.currency = terms.currency or own.currency
        if any(terms.price is not None for terms in nested):
            yield from nested
        else:
            own.availability = own.availability or next(
                (t.availability for t in nested if t.availability), None
            )
            yield own
        return
    yield _terms(offer)


def _terms(offer: Node) -> Terms:
    terms = Terms(aggregate=offer.is_a("aggregateoffer"))
    terms.currency = _currency(offer)
    _specified(offer, terms)
    if terms.price is None:
        for name in ("lowprice", "minprice", "saleprice"):
            value = next((v for v in offer.values(name) if _useful(v)), None)
            if value is not None:
                terms.price, listed, currency = _price(value, terms.currency)
                terms.list_price = terms.list_price or listed
                terms.currency = terms.currency or currency
            if terms.price is not None:
                break
    stated = next(
        (a for v in offer.values("availability") if (a := availability(value_text(v)))), None
    )
    if stated is None:
        stated = _stock(offer)
    terms.availability = stated
    condition = (offer.text("itemcondition") or "").lower()
    terms.used = any(word in condition for word in ("used", "refurbished", "damaged"))
    item = next(iter(offer.nodes("itemoffered")), None)
    terms.sku = clean(offer.text("sku")) or (
        clean(item.text("sku", "productid", "mpn")) if item else None
    )
    terms.gtin = gtin(offer) or (gtin(item) if item else None)
    terms.size, terms.size_system = size_of(offer)
    if item is not None and terms.size is None:
        terms.size, terms.size_system = size_of(item)
    if item is not None:
        terms.colour = clean(item.text("color"))
    label = clean(offer.text("name"))
    if terms.size is None and label and looks_like_size(label):
        terms.size = label
    return terms


def _useful(value: Value) -> bool:
    return isinstance(value, Node) or bool(str(value).strip())


def _price(value: Value, currency: str | None) -> tuple[Decimal | None, Decimal | None, str | None]:
    """Price, list price and currency that a price property holds (an object, a number, a text)."""
    if isinstance(value, Node):
        nested = next(iter(value.nodes("sales", "sale", "current", "selling")), value)
        found = currency_code(nested.text("currency", "pricecurrency") or "") or currency
        listed = next(iter(value.nodes("list", "original", "regular")), None)
        listed_price = (
            stated_amount(listed.text("value", "amount", "price"), found) if listed else None
        )
        raw = nested.text("decimalprice", "value", "amount", "price", "minprice")
        return stated_amount(raw, found), listed_price, found
    raw_text = str(value)
    found = currency or currency_in(raw_text)
    price = stated_amount(value, found)
    several = amounts(raw_text) if re.search(r"\d\D*\s\D*\d", raw_text) else []
    if (
        len(several) == 2
        and several[0] < several[1]
        and "%" not in raw_text
        and "-" not in raw_text
    ):
        # "71,91 € 79,90 €": one node with the price and the struck-out one.
        return several[0], several[1], found
    return price, None, found


def _specified(offer: Node, terms: Terms) -> None:
    """Price from priceSpecification: gross before net, the selling price before the list price."""
    gross: Decimal | None = None
    net: Decimal | None = None
    for spec in offer.nodes("pricespecification", "pricespecifications"):
        currency = currency_code(spec.text("pricecurrency", "currency") or "") or terms.currency
        raw = next((v for v in spec.values("price", "minprice") if _useful(v)), None)
        if raw is None or isinstance(raw, Node):
            continue
        price = stated_amount(raw, currency)
        if price is None:
            continue
        terms.currency = terms.currency or currency
        kind = (spec.text("pricetype", "name") or "").lower()
        if any(
            word in kind
            for word in (
                "listprice",
                "strikethrough",
                "msrp",
                "srp",
                "regular",
                "list price",
                "invoice",
            )
        ):
            terms.list_price = price
        elif _false(spec.text("valueaddedtaxincluded")):
            net = net or price
        elif (spec.nodes("eligiblequantity") and (_quantity(spec) or 1) > 1) or spec.is_a(
            "deliverychargespecification", "paymentchargespecification"
        ):
            continue
        elif gross is None or price < gross:
            gross = price
    plain = next((v for v in offer.values("price") if _useful(v)), None)
    own, listed, found = _price(plain, terms.currency) if plain is not None else (None, None, None)
    terms.currency = terms.currency or found
    terms.list_price = terms.list_price or listed
    terms.price = (
        gross if gross is not None and (own is None or net is not None or gross == own) else own
    )
    if terms.price is None:
        terms.price = gross or net
    elif gross is not None and own is not None and net is None and gross != own:
        terms.price = min(own, gross)
        terms.list_price = terms.list_price or max(own, gross)


def _quantity(spec: Node) -> float | None:
    node = next(iter(spec.nodes("eligiblequantity")), None)
    raw = node.text("minvalue", "value") if node else None
    try:
        return float(raw) if raw else None
    except ValueError:
        return None


def _false(value: str | None) -> bool:
    return value is not None and value.strip().lower() in ("false", "0", "no")


def _stock(offer: Node) -> Availability | None:
    node = next(iter(offer.nodes("inventorylevel")), None)
    raw = node.text("value") if node else offer.text("inventorylevel")
    if raw is None or not re.fullmatch(r"\s*-?\d+(?:\.\d+)?\s*", raw):
        return None
    return "in_stock" if float(raw) > 0 else "out_of_stock"


def _currency(offer: Node) -> str | None:
    for name in ("pricecurrency", "currency", "price_currency"):
        for value in offer.values(name):
            text = value_text(value)
            if text and (code := currency_code(text)):
                return code
    return None


def gtin(node: Node) -> str | None:
    for name in ("gtin13", "gtin", "gtin14", "gtin12", "gtin8", "ean", "ean13", "upc", "isbn"):
        text = node.text(name)
        digits = re.sub(r"\D", "", text) if text else ""
        if len(digits) in (8, 12, 13, 14):
            return digits
    identifier = node.text("productid")
    match = re.match(r"(?:ean|gtin\d*|upc)\s*:?\s*(\d{8,14})$", identifier or "", re.IGNORECASE)
    return match.group(1) if match else None


def size_of(node: Node) -> tuple[str | None, str | None]:
    for value in node.values("size"):
        if isinstance(value, Node):
            system = value.text("sizesystem")
            return clean(value.text("name", "value", "@value")), system
        text = clean(str(value))
        if text:
            return text, None
    for extra in node.nodes("additionalproperty"):
        name = (extra.text("name", "propertyid") or "").strip().lower()
        if name in (
            "size",
            "shoe size",
            "размер",
            "taille",
            "talla",
            "größe",
            "eu size",
            "us size",
        ):
            system = name.split(" ")[0] if name.endswith(" size") else None
            return clean(extra.text("value")), system
    return None, None
