"""A reading applied to a search: filters, weights, the vector's colour; and what stays undone."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from app.db.pool import Connection
from app.domain import Emphasis, Filters, OfferHit
from app.search.ask import Ask, unit
from app.search.engine import Engine
from app.search.moves import asking, recoloured

if TYPE_CHECKING:
    from app.vision.manifest import Parts
    from app.vision.text import TextTower
    from app.words import Reading

CENTRE_PICTURES: Final = 400
"""Pictures that a colour's mean is made of."""
_CENTRE_S: Final = 1800.0  # how long a mean is kept: the catalogue changes slowly
_ENOUGH: Final = 5
"""Pictures from which a mean of exactly the wanted colours is believed."""
_BETWEEN_WITH_WORDS: Final = 0.5
"""What lies between shape and colour counts when other words pulled there, else nothing."""
_PULL: Final = 0.3
"""Share of words in a vector that a picture and words make together."""
_TONES: Final = {
    "lighter": ("white", "beige", "grey", "yellow", "pink"),
    "darker": ("black", "brown", "blue", "purple"),
    "brighter": ("red", "orange", "yellow", "green", "blue", "pink", "purple", "multicolour"),
    "calmer": ("black", "white", "grey", "beige", "brown"),
}
_HEIGHTS: Final = {"higher": ("high_top", "mid_top"), "lower": ("low_top",)}
_RELATIVE: Final = frozenset({"cheaper", "dearer", "other_brand", "same_brand", "other_colour"})
_UNABLE: Final = ("no_logo", "chunkier", "slimmer", "newer", "discounted", "velcro", "other_shape")


@dataclass(frozen=True, slots=True)
class _Reference:
    """The shoe that "cheaper" and "other brand" are said of: the first result before the change."""

    brand: str | None
    colours: tuple[str, ...]
    price: Decimal | None
    currency: str | None


class Wishes:
    """Applies readings under one encoder. Thread-safe."""

    def __init__(self, engine: Engine, parts: Parts | None, tower: TextTower | None) -> None:
        self._engine = engine
        self._parts = parts
        self._tower = tower
        self._centres: dict[
            tuple[tuple[str, ...], bool], tuple[float, tuple[np.ndarray, int] | None]
        ] = {}
        self._lock = threading.Lock()

    def applied(self, conn: Connection, ask: Ask, reading: Reading) -> Ask:
        """The search with the reading's limits, weights and colour."""
        wanted: set[str] = set(reading.changes)
        undone: list[str] = [name for name in _UNABLE if name in wanted]
        undone += [f"not:{name}" for name in reading.materials_out]
        reference = self._reference(conn, ask) if wanted & _RELATIVE else None
        filters = reading.filters(ask.filters)
        filters, failed = _relative(filters, wanted, reference)
        for name, colours in _TONES.items():
            if name in wanted and not filters.colours:
                filters = replace(filters, colours=colours, colours_all=False)
        for name, types in _HEIGHTS.items():
            if name in wanted:
                filters = replace(filters, types=types)
        ask = replace(ask, filters=filters, undone=(*undone, *failed))
        if (emphasis := reading.emphasis) is not None and self._parts is not None:
            ask = replace(ask, emphasis=emphasis)
        elif emphasis is not None:
            ask = replace(ask, undone=(*ask.undone, *(c for c in reading.changes if "_shape" in c)))
        if ask.kind == "text" or ask.vector is None:
            return ask
        return self._moved(conn, ask, reading)

    def _moved(self, conn: Connection, ask: Ask, reading: Reading) -> Ask:
        """A picture's vector pulled by words and put in the wanted colours."""
        assert ask.vector is not None
        vector, moved = ask.vector, ask.moved
        words = " ".join((*reading.materials, *reading.models, reading.rest)).strip()
        if words and self._tower is not None and self._tower.understands(words):
            vector = unit((1 - _PULL) * vector + _PULL * self._tower.encode([words])[0])
            moved = True
        if reading.colours and self._parts is not None:
            colour = self._colour(conn, reading.colours, self._parts)
            if colour is not None:
                between = _BETWEEN_WITH_WORDS if words else 0.0
                if ask.not_image is not None and not ask.moved:  # a catalogue's picture, as kept
                    vector = asking(vector, self._parts)
                vector, moved = recoloured(vector, colour, self._parts, between=between), True
        return replace(ask, vector=vector, moved=moved)

    def _colour(
        self, conn: Connection, colours: tuple[str, ...], parts: Parts
    ) -> np.ndarray | None:
        """How the colours look together: shoes of exactly them where the catalogue has some, else
        each by itself, the later ones counting half of the one before."""
        span = slice(*parts.colour)
        together = self._centre(conn, colours, alone=True)
        if together is not None and together[1] >= _ENOUGH:
            return together[0][span]
        found = [
            unit(one[0][span]) * 0.5**place
            for place, name in enumerate(colours)
            if (one := self._centre(conn, (name,), alone=False)) is not None
        ]
        return np.sum(found, axis=0) if found else None

    def _centre(
        self, conn: Connection, colours: tuple[str, ...], *, alone: bool
    ) -> tuple[np.ndarray, int] | None:
        now, key = time.monotonic(), (colours, alone)
        with self._lock:
            known = self._centres.get(key)
        if known is None or now - known[0] > _CENTRE_S:
            found = self._engine.colour_centre(conn, colours, alone=alone, limit=CENTRE_PICTURES)
            known = now, found
            with self._lock:
                self._centres[key] = known
        return known[1]

    def _reference(self, conn: Connection, ask: Ask) -> _Reference | None:
        rows, _ = self._engine.choose(conn, replace(ask, page=0, emphasis=Emphasis()))
        if not rows:
            return None
        offers = self._engine.offers(conn, [r["product_id"] for r in rows], ask.filters)
        first: dict[str, Any] = rows[0]
        wanted = ask.filters.currency
        priced = next(
            (best for r in rows if (best := _priced(offers[r["product_id"]], wanted))), None
        )
        seen = ask.attributes.colours[:1] if ask.attributes is not None else ()
        return _Reference(
            first["brand"],
            seen or tuple((first["colours"] or ())[:1]),
            priced[0] if priced else None,
            priced[1] if priced else None,
        )


def _priced(offers: tuple[OfferHit, ...], currency: str | None) -> tuple[Decimal, str] | None:
    """The leading price, in the currency asked for where it was converted."""
    for offer in offers:
        if offer.converted is not None and currency is not None:
            return offer.converted, currency
        if offer.price is not None and offer.currency is not None:
            return offer.price, offer.currency
    return None


def _relative(
    filters: Filters, wanted: set[str], reference: _Reference | None
) -> tuple[Filters, list[str]]:
    """Filters for what is said relative to a shoe; names of what could not be done."""
    failed: list[str] = []
    price = reference.price if reference else None
    brand = reference.brand if reference else None
    colours = reference.colours if reference else ()
    step = Decimal("0.01")
    for name in sorted(wanted & _RELATIVE):
        if name == "cheaper" and price is not None and reference is not None:
            filters = replace(filters, price_max=price - step, currency=reference.currency)
        elif name == "dearer" and price is not None and reference is not None:
            filters = replace(filters, price_min=price + step, currency=reference.currency)
        elif name == "other_brand" and brand:
            filters = replace(filters, brands=(), brands_out=(*filters.brands_out, brand))
        elif name == "same_brand" and brand:
            filters = replace(filters, brands=(brand,))
        elif name == "other_colour" and colours:
            filters = replace(filters, colours_out=colours)
        else:
            failed.append(name)
    return filters, failed
