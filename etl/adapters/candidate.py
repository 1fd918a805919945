"""A product as one source of a page states it, before the sources are weighed."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from app.domain import Availability


@dataclass(slots=True)
class Terms:
    """One stated offer: price, currency, availability, and the size or variant it is for."""

    price: Decimal | None = None
    list_price: Decimal | None = None
    currency: str | None = None
    availability: Availability | None = None
    sku: str | None = None
    gtin: str | None = None
    size: str | None = None
    size_system: str | None = None
    colour: str | None = None
    used: bool = False
    aggregate: bool = False


@dataclass(slots=True)
class Candidate:
    """A product stated by JSON-LD, microdata, Open Graph or the visible page."""

    source: str
    order: int = 0
    aside: bool = False
    has_heading: bool = False
    group: str | None = None
    name: str | None = None
    brand: str | None = None
    model: str | None = None
    sku: str | None = None
    mpn: str | None = None
    gtin: str | None = None
    url: str | None = None
    colour: str | None = None
    description: str | None = None
    category: str | None = None
    gender: str | None = None
    images: list[str] = field(default_factory=list)
    terms: list[Terms] = field(default_factory=list)

    @property
    def priced(self) -> bool:
        """Whether any of its offers states a price."""
        return any(t.price is not None for t in self.terms)
