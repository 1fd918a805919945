"""What "cheaper" and "another brand" mean when they are said of one result."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from app.bot.sessions import Standing
from app.domain import Filters, Hit
from app.vision.colours import parse_colours
from app.words import Reading

_PENNY = Decimal("0.01")


def relative_to(hit: Hit, reading: Reading, standing: Standing) -> tuple[Filters, Reading]:
    """The session's filters with what the reading says of ``hit``, and the reading without that."""
    filters = standing.filters
    done = set()
    priced = next((offer for offer in hit.offers if offer.price is not None), None)
    if priced is not None and priced.price is not None:
        told = standing.money.converted(priced) if standing.money else None
        if told is not None and standing.money is not None:
            price, currency = told[0], standing.money.currency
        else:
            price, currency = priced.price, priced.currency or ""
        if "cheaper" in reading.changes:
            filters = replace(filters, price_max=price - _PENNY, currency=currency or None)
            done.add("cheaper")
        if "dearer" in reading.changes:
            filters = replace(filters, price_min=price + _PENNY, currency=currency or None)
            done.add("dearer")
    if hit.brand is not None:
        if "other_brand" in reading.changes:
            filters = replace(filters, brands_out=(*filters.brands_out, hit.brand))
            done.add("other_brand")
        if "same_brand" in reading.changes:
            filters = replace(filters, brands=(hit.brand,))
            done.add("same_brand")
    colours = parse_colours(hit.colourway or "")[:1]
    if "other_colour" in reading.changes and colours:
        filters = replace(filters, colours_out=colours)
        done.add("other_colour")
    changes = tuple(change for change in reading.changes if change not in done)
    return filters, replace(reading, changes=changes)
