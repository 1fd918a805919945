"""A feed's items, one for each size, to one offer for each colourway."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from app.domain import Availability, ParsedOffer
from etl.adapters.pictures import best_pictures
from etl.sizes import settle_systems


def grouped(items: Iterable[tuple[str | None, ParsedOffer]]) -> list[ParsedOffer]:
    """Items with a group's id joined by group and colour, the others as they are; feed order."""
    groups: dict[tuple[str, str], list[ParsedOffer]] = {}
    for group, offer in items:
        key = (group, (offer.colourway or "").casefold()) if group else ("", offer.external_id)
        groups.setdefault(key, []).append(offer)
    colours: dict[str, int] = {}
    for group, _ in groups:
        colours[group] = colours.get(group, 0) + 1
    found = []
    for (group, colour), offers in groups.items():
        if not group:
            found.append(offers[-1])  # an id given twice: the feed's last word
            continue
        identifier = f"{group}:{colour}" if colours[group] > 1 else group
        found.append(_joined(identifier, group if colours[group] > 1 else None, offers))
    return found


def _joined(identifier: str, model: str | None, offers: list[ParsedOffer]) -> ParsedOffer:
    """What a buyer pays: the lowest price among the sizes on sale."""
    pool = (
        [o for o in offers if o.availability == "in_stock"]
        or [o for o in offers if o.availability != "out_of_stock"]
        or offers
    )
    priced = [o for o in pool if o.price is not None] or [o for o in offers if o.price is not None]
    same = [o for o in priced if o.currency == priced[0].currency]
    best = min(same, key=lambda o: o.price or 0, default=offers[0])
    codes, skus = {o.style_code for o in offers}, {o.sku for o in offers}
    return replace(
        best,
        external_id=identifier,
        availability=_any([o.availability for o in offers]),
        images=best_pictures(i for o in (best, *offers) for i in o.images),
        sizes=settle_systems([s for o in offers for s in o.sizes]),
        sku=best.sku if len(skus) == 1 else None,
        style_code=best.style_code if len(codes) == 1 else None,
        gtin=best.gtin if len(offers) == 1 else None,
        product_key=identifier,
        model_key=model,
    )


def _any(states: list[Availability]) -> Availability:
    for state in ("in_stock", "preorder", "unknown"):
        if state in states:
            return state
    return "out_of_stock"
