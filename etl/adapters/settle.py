"""The terms a buyer meets now, out of everything that a page's offers state."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from app.domain import Availability, Size
from etl.adapters.candidate import Terms
from etl.sizes import parse_size, settle_systems, sizes_from_skus


@dataclass(frozen=True, slots=True)
class Settled:
    """Price and availability of a product now, with its sizes."""

    price: Decimal | None
    list_price: Decimal | None
    currency: str | None
    availability: Availability
    sizes: tuple[Size, ...]


def settle(terms: Sequence[Terms], url: str | None, sku: str | None) -> Settled:
    """Lowest price among what is on sale; sold-out sizes count only when all are sold out."""
    chosen = _of_this_colour(_new_ones(terms), url)
    pool = _on_sale(chosen)
    single = [t for t in pool if not t.aggregate and t.price is not None]
    priced = single or [t for t in pool if t.price is not None]
    if not priced:
        priced = [t for t in chosen if t.price is not None]
    currency = _currency(priced or chosen)
    prices = [t.price for t in priced if t.price is not None and t.currency in (currency, None)]
    price = min(prices, default=None)
    listed = max(
        (t.list_price for t in priced if t.price == price and t.list_price is not None),
        default=None,
    )
    return Settled(
        price,
        listed if listed is not None and price is not None and listed > price else None,
        currency,
        _availability(chosen),
        _sizes(chosen, sku),
    )


def _new_ones(terms: Sequence[Terms]) -> list[Terms]:
    return [t for t in terms if not t.used] or list(terms)


def _of_this_colour(terms: Sequence[Terms], url: str | None) -> list[Terms]:
    """Terms of the colour that the page's address names, where it names exactly one."""
    colours = {t.colour.casefold() for t in terms if t.colour}
    if len(colours) < 2 or not url:
        return list(terms)
    address = set(re.findall(r"[^\W\d_]+", url.casefold()))
    named = [c for c in colours if (parts := set(re.findall(r"[^\W\d_]+", c))) and parts <= address]
    if len(named) != 1:
        return list(terms)
    return [t for t in terms if t.colour and t.colour.casefold() == named[0]]


def _on_sale(terms: Sequence[Terms]) -> list[Terms]:
    for wanted in (("in_stock",), (None,), ("preorder",)):
        found = [t for t in terms if t.availability in wanted]
        if found:
            # Beside offers that say "in stock", one that says nothing is on sale as well.
            return found
    return list(terms)


def _availability(terms: Sequence[Terms]) -> Availability:
    stated = [
        t.availability
        for t in terms
        if not (t.aggregate and t.availability is None and len(terms) > 1)
    ]
    if "in_stock" in stated:
        return "in_stock"
    if "preorder" in stated:
        return "preorder"
    if stated and all(a == "out_of_stock" for a in stated):
        return "out_of_stock"
    return "unknown"


def _currency(terms: Sequence[Terms]) -> str | None:
    stated = Counter(t.currency for t in terms if t.currency)
    return stated.most_common(1)[0][0] if stated else None


def _sizes(terms: Sequence[Terms], sku: str | None) -> tuple[Size, ...]:
    sized = [t for t in terms if t.size]
    if sized:
        found = [parse_size(t.size, t.size_system, _is_available(t)) for t in sized]
    else:
        coded = [t for t in terms if t.sku]
        labels = sizes_from_skus([t.sku for t in coded if t.sku], sku)
        found = [parse_size(labels.get(t.sku or ""), None, _is_available(t)) for t in coded]
    return settle_systems([size for size in found if size is not None])


def _is_available(terms: Terms) -> bool | None:
    if terms.availability is None:
        return None
    return terms.availability != "out_of_stock"
