"""Prices in the reader's currency."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from app.domain import OfferHit

_WHOLE_FROM = Decimal(100)


@dataclass(frozen=True, slots=True)
class Money:
    """The reader's currency, and what a unit of others costs in it by the rates of a day."""

    currency: str
    rates: Mapping[str, tuple[Decimal, date]] = field(default_factory=dict)

    def converted(self, offer: OfferHit) -> tuple[Decimal, date] | None:
        """The offer's price in the reader's currency and the rate's day; None where it is in that
        currency already, unknown, or there is no rate. Large sums without small change."""
        if offer.price is None or offer.currency is None or offer.currency == self.currency:
            return None
        rate = self.rates.get(offer.currency)
        if rate is None:
            return None
        amount = offer.price * rate[0]
        step = Decimal(1) if amount >= _WHOLE_FROM else Decimal("0.01")
        return amount.quantize(step, ROUND_HALF_UP), rate[1]
