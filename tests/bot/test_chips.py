"""Limits in words, money, and what "cheaper than this one" means."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import get_args

import pytest

from app.bot.actions import What
from app.bot.chips import chips, lasting, without
from app.bot.money import Money
from app.bot.relative import relative_to
from app.bot.sessions import Standing
from app.db.dialogue import UserSettings
from app.domain import Emphasis, Filters
from app.i18n import Catalogue, catalogue
from app.words import read
from tests.bot.memory import offer
from tests.bot.test_views import hit

RU, EN = catalogue("ru"), catalogue("en")
EVERYTHING = Filters(
    price_min=Decimal(5000),
    price_max=Decimal(8000),
    currency="RUB",
    brands=("Nike",),
    brands_out=("Puma",),
    genders=("men", "unisex"),
    shops=("Alpha",),
    size="43",
    size_system="EU",
    in_stock=False,
    colours=("black", "white"),
    colours_out=("red",),
    colours_all=True,
    types=("running",),
    types_out=("boots",),
)
MONEY = Money("RUB", {"EUR": (Decimal("90.5"), date(2026, 5, 19))})


def said(words: Catalogue, filters: Filters, emphasis: Emphasis | None = None) -> list[str]:
    found = [chip.text for chip in chips(words, filters, emphasis)]
    return [text.replace("\N{NO-BREAK SPACE}", " ") for text in found]


def test_everything_that_limits_is_said() -> None:
    assert said(RU, EVERYTHING, Emphasis(shape=2.0, colour=0.5)) == [
        "Nike", "не Puma", "чёрные и белые", "не красные", "беговые", "не ботинки", "мужские",
        "размер 43 EU", "от 5 000 до 8 000 ₽", "Alpha", "и распроданные", "важнее форма",
    ]  # fmt: skip
    assert said(EN, Filters()) == []


@pytest.mark.parametrize("what", [w for w in get_args(What) if w not in ("weight", "wish")])
def test_each_limit_can_be_taken_off(what: What) -> None:
    left = chips(RU, without(EVERYTHING, what))
    assert what not in {chip.what for chip in left}
    if what != "all":
        assert len(left) == len(chips(RU, EVERYTHING)) - 1
    else:
        assert not left


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (None, "8909.99", "дешевле 8 910 ₽"),
        ("8910.01", None, "дороже 8 910 ₽"),
        (None, "8910", "до 8 910 ₽"),
        ("100.50", None, "от 100,50 ₽"),
    ],
)
def test_prices_read_as_they_were_meant(low: str | None, high: str | None, expected: str) -> None:
    filters = Filters(
        price_min=Decimal(low) if low else None,
        price_max=Decimal(high) if high else None,
        currency="RUB",
    )
    assert said(RU, filters) == [expected]


def test_what_lasts_is_the_users_own() -> None:
    assert [chip.what for chip in chips(RU, lasting(EVERYTHING))] == [
        "gender", "size", "price", "shop", "stock",
    ]  # fmt: skip


def test_money_is_converted_once_and_rounded() -> None:
    found = MONEY.converted(offer("Shop", "99.90", currency="EUR"))
    assert found == (Decimal(9041), date(2026, 5, 19))
    assert MONEY.converted(offer("Shop", "99.90", currency="RUB")) is None
    assert MONEY.converted(offer("Shop", "99.90", currency="GBP")) is None
    assert MONEY.converted(offer("Shop", None, currency="EUR")) is None


def test_changes_are_reckoned_from_the_result_they_answer() -> None:
    shoe = hit(offers=(offer("Shop", "100", currency="EUR"),))
    standing = Standing(UserSettings(), Filters(size="43"), None, MONEY)
    filters, rest = relative_to(shoe, read("cheaper, other brand, another colour"), standing)
    assert filters == Filters(
        price_max=Decimal("9049.99"),
        currency="RUB",
        brands_out=("Nike",),
        colours_out=("white",),
        size="43",
    )
    assert not {"cheaper", "other_brand", "other_colour"} & set(rest.changes)
