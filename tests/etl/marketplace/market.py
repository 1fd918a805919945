"""A made-up shop that lives through days: what it sells, for what, and what a faithful reader of
every day must have in its tables at the end."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field
from decimal import Decimal

from app.sketch.catalogue import CatalogueItem, catalogue

CURRENCY = "EUR"
PICTURES = 12
SIZES = ("40", "41", "42", "43")


@dataclass(frozen=True)
class State:
    """A product on a day; ``listed`` False: its page is gone."""

    price: Decimal
    list_price: Decimal | None
    sizes: tuple[bool, ...]
    listed: bool = True

    @property
    def availability(self) -> str:
        return "in_stock" if self.listed and any(self.sizes) else "out_of_stock"


@dataclass(frozen=True)
class Good:
    """A product: its number, words, and a state a day."""

    number: int
    title: str
    item: CatalogueItem
    days: tuple[State, ...]

    @property
    def sku(self) -> str:
        return f"M{self.number:05}"

    def changed(self, day: int) -> int:
        """The day on which the state of ``day`` began, gaps without a page left out."""
        state = self.days[day]
        while day and (not self.days[day - 1].listed or self.days[day - 1] == state):
            day -= 1
        return day


@dataclass
class Market:
    """``products`` goods over ``days`` days, all from one seed."""

    products: int
    days: int
    seed: int = 1
    goods: list[Good] = field(init=False)

    def __post_init__(self) -> None:
        rng = random.Random(self.seed)
        self.goods = []
        for number, item in enumerate(catalogue(self.seed, self.products)):
            name = f"Кроссовки {item.title}" if number % 3 == 0 else f"{item.title} №{number}"
            states = _life(rng, Decimal(rng.randrange(4000, 20000)) / 100, self.days)
            self.goods.append(Good(number, name, item, states))

    def truth(self, last_day: int) -> dict[str, tuple]:
        """By sku: title, brand, price, list price, availability, sizes on sale, and the history of
        changes."""
        found = {}
        for good in self.goods:
            seen = list(good.days[: last_day + 1])
            first = next((i for i, s in enumerate(seen) if s.listed), None)
            if first is None:
                continue  # never shown
            history: list[tuple] = []
            shown = seen[first]
            for state in seen[first:]:
                shown = state if state.listed else shown
                point = (shown.price, shown.list_price, state.availability)
                if not history or history[-1] != point:
                    history.append(point)
            sizes = tuple(s for s, has in zip(SIZES, shown.sizes, strict=True) if has)
            words = good.title, good.item.brand
            found[good.sku] = (*words, *history[-1], sizes, tuple(history))
        return found


def _life(rng: random.Random, price: Decimal, days: int) -> tuple[State, ...]:
    state = State(price, None, (True, True, rng.random() < 0.8, rng.random() < 0.6))
    listed_from = 0 if rng.random() < 0.9 else rng.randrange(days)
    gone_from = rng.randrange(1, days * 4)
    back_at = gone_from + rng.randrange(1, 6)
    states = []
    for day in range(days):
        if rng.random() < 0.10:
            was = state.list_price or state.price
            now = (was * Decimal(rng.randrange(60, 101)) / 100).quantize(Decimal("0.01"))
            state = State(now, was if now < was else None, state.sizes)
        if rng.random() < 0.12:
            sizes = tuple(rng.random() < 0.6 for _ in SIZES)
            state = State(state.price, state.list_price, sizes)
        listed = day >= listed_from and not gone_from <= day < back_at
        states.append(State(state.price, state.list_price, state.sizes, listed))
    return tuple(states)


def page(good: Good, state: State, canonical: str, charset: str | None = "utf-8") -> str:
    """The product's page: JSON-LD with an offer a size."""
    offers = [
        {
            "@type": "Offer",
            "price": str(state.price),
            "priceCurrency": CURRENCY,
            "size": f"EU {size}",
            "availability": f"https://schema.org/{'InStock' if has else 'OutOfStock'}",
            **(
                {
                    "priceSpecification": {
                        "@type": "UnitPriceSpecification",
                        "priceType": "https://schema.org/StrikethroughPrice",
                        "price": str(state.list_price),
                        "priceCurrency": CURRENCY,
                    }
                }
                if state.list_price
                else {}
            ),
        }
        for size, has in zip(SIZES, state.sizes, strict=True)
    ]
    stated = {
        "@context": "https://schema.org",
        "@type": "Product",
        "name": good.title,
        "sku": good.sku,
        "mpn": good.item.style_code,
        "color": good.item.colourway,
        "brand": {"@type": "Brand", "name": good.item.brand},
        "image": f"/i/{good.number % PICTURES}.png",
        "offers": offers,
    }
    text = json.dumps(stated, ensure_ascii=False).replace("</", "<\\/")
    meta = f'<meta charset="{charset}">' if charset else ""
    return (
        f"<!doctype html><html><head>{meta}<title>{good.title}</title>"
        f'<link rel="canonical" href="{canonical}">'
        f'<script type="application/ld+json">{text}</script></head>'
        f"<body><h1>{good.title}</h1></body></html>"
    )
