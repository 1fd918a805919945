"""What the platform talks about, as frozen dataclasses. Standard library only.

Money is ``Decimal`` in major units with an ISO 4217 code beside it; times are aware datetimes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

Availability = Literal["in_stock", "out_of_stock", "preorder", "unknown"]
AVAILABILITIES: tuple[Availability, ...] = ("in_stock", "out_of_stock", "preorder", "unknown")

Verdict = Literal["same", "similar", "none"]
"""Of a hit: the same shoe, a similar one, or too far to be called either."""

Confidence = Literal["stated", "visible"]
"""Of an offer's facts: stated in the page's data, or read off what the page shows."""

Gender = Literal["men", "women", "unisex", "kids"]
SizeSystem = Literal["EU", "US", "UK", "CM", "RU"]


@dataclass(frozen=True, slots=True)
class Size:
    """One size of an offer as the shop labels it; ``available`` None: not stated."""

    label: str
    system: SizeSystem | None = None
    available: bool | None = None


@dataclass(frozen=True, slots=True)
class ParsedOffer:
    """An offer as read from a page, feed or table; absent facts are None, never guessed.

    ``price`` is what a buyer pays now. ``images`` are absolute URLs (or file paths for a folder),
    best first. ``view`` and ``setting`` run parallel to ``images`` where known, else empty.
    ``product_key`` groups offers of one product within a shop (same colourway); ``model_key``
    groups the colourways of one model. ``confidence`` is "visible" where the price was read from
    the page's text, "stated" where structured data, a feed or a shop's selectors gave it.
    """

    external_id: str
    url: str | None = None
    title: str | None = None
    brand: str | None = None
    model: str | None = None
    colourway: str | None = None
    price: Decimal | None = None
    list_price: Decimal | None = None
    currency: str | None = None
    availability: Availability = "unknown"
    images: tuple[str, ...] = ()
    views: tuple[str | None, ...] = ()
    setting: str | None = None
    sku: str | None = None
    style_code: str | None = None
    gtin: str | None = None
    sizes: tuple[Size, ...] = ()
    description: str | None = None
    category: str | None = None
    gender: Gender | None = None
    product_key: str | None = None
    model_key: str | None = None
    confidence: Confidence = "stated"


@dataclass(frozen=True, slots=True)
class Filters:
    """Limits on what a search returns; the defaults limit only what is known to be sold out.

    ``price_min``/``price_max`` are in ``currency`` and then keep only offers in it; without a
    currency they compare the number alone. Brands and shops are names, compared without case.
    Colours and types are the vocabulary's names (``app.words``). A shoe passes ``colours`` when its
    main colour is one of them, with ``colours_all`` when it has every one; ``colours_out`` are
    unwanted main colours. Of a shoe's type "sneaker" lets pass what is of no known type.
    """

    price_min: Decimal | None = None
    price_max: Decimal | None = None
    currency: str | None = None
    brands: tuple[str, ...] = ()
    brands_out: tuple[str, ...] = ()
    genders: tuple[Gender, ...] = ()
    shops: tuple[str, ...] = ()
    size: str | None = None
    size_system: SizeSystem | None = None
    in_stock: bool = True
    colours: tuple[str, ...] = ()
    colours_out: tuple[str, ...] = ()
    colours_all: bool = False
    types: tuple[str, ...] = ()
    types_out: tuple[str, ...] = ()

    @property
    def selective(self) -> bool:
        """Whether anything beyond ``in_stock`` limits the search."""
        return any(
            (
                self.price_min,
                self.price_max,
                self.currency,
                self.brands,
                self.brands_out,
                self.genders,
                self.shops,
                self.size,
                self.colours,
                self.colours_out,
                self.types,
                self.types_out,
            )
        )


@dataclass(frozen=True, slots=True)
class Emphasis:
    """How much shape and colour count in a search, beside 1 for everything else: 0 leaves the part
    out. An encoder without named parts ignores it."""

    shape: float = 1.0
    colour: float = 1.0


@dataclass(frozen=True, slots=True)
class OfferHit:
    """An offer of a found product."""

    offer_id: int
    shop: str
    url: str | None
    title: str | None
    price: Decimal | None
    list_price: Decimal | None
    currency: str | None
    availability: Availability
    sizes: tuple[Size, ...]
    seen_at: datetime
    converted: Decimal | None = None
    """The price in the currency asked for, where the shop's is another."""
    rate_day: date | None = None
    """Day of the official rates that ``converted`` was worked out by."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A found product: its best matching image, its offers cheapest first.

    ``score`` is cosine similarity in [-1, 1]; ``image_path`` is absolute.
    """

    product_id: int
    brand: str | None
    model: str | None
    colourway: str | None
    gender: str | None
    score: float
    verdict: Verdict
    image_id: int
    image_path: str
    offers: tuple[OfferHit, ...]


@dataclass(frozen=True, slots=True)
class Timings:
    """Milliseconds of each part of a search; 0 where a part did not run."""

    decode: float = 0.0
    encode: float = 0.0
    sql: float = 0.0

    @property
    def total(self) -> float:
        """Sum of the parts, ms."""
        return self.decode + self.encode + self.sql


@dataclass(frozen=True, slots=True)
class Attributes:
    """What a picture shows by itself, as calibrated probabilities in [0, 1].

    ``brand``, ``silhouette``, ``category`` and ``gender`` are None where the probability is too low
    to be said: not knowing is an answer. ``colours`` has one to three basic colours, most first.
    ``quality`` is 0 for a bad photograph, 1 for a clean one. ``shoe`` and ``sneaker`` are the two
    probabilities against their thresholds.
    """

    is_shoe: float
    is_sneaker: float
    shoe: bool
    sneaker: bool
    brand: str | None
    brand_probabilities: dict[str, float]
    silhouette: str | None
    silhouette_probabilities: dict[str, float]
    colours: tuple[str, ...]
    category: str | None
    gender: str | None
    quality: float


@dataclass(frozen=True, slots=True)
class SearchResult:
    """One page of results.

    ``verdict`` is the best hit's verdict. ``attributes`` is what the query's picture shows, where
    it was looked at and the encoder has heads. ``search_id`` names the stored search: its next page
    and "more like this" are asked by it, also after a restart. ``filters`` and ``emphasis`` are
    those applied; ``undone`` names wishes that search cannot fulfil (``app.words.CHANGES``, or
    ``material:NAME`` and ``not:WORDS``); ``strange`` are words that neither vocabulary nor
    catalogue knows, which similarity alone was asked about.
    """

    search_id: int | None
    encoder: str
    verdict: Verdict
    hits: tuple[Hit, ...]
    page: int
    has_next: bool
    method: Literal["exact", "hnsw"]
    timings: Timings = field(default_factory=Timings)
    attributes: Attributes | None = None
    filters: Filters = field(default_factory=Filters)
    emphasis: Emphasis = field(default_factory=Emphasis)
    undone: tuple[str, ...] = ()
    strange: tuple[str, ...] = ()
