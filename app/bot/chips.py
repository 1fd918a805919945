"""What limits a search, in words, one by one; and how to take one off."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from app.bot.actions import What
from app.domain import Emphasis, Filters, Gender
from app.i18n import Catalogue

_PENNY: Final = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Chip:
    """One limit and its words."""

    what: What
    text: str


def chips(words: Catalogue, filters: Filters, emphasis: Emphasis | None = None) -> list[Chip]:
    """The limits of a search, in the order people think of them."""
    found: list[Chip] = []

    def add(what: What, text: str) -> None:
        if text:
            found.append(Chip(what, text))

    def listed(prefix: str, names: tuple[str, ...], joint: str = ", ") -> str:
        return joint.join(named(words, prefix, name) for name in names)

    add("brand", ", ".join(filters.brands))
    add("nobrand", _no(words, ", ".join(filters.brands_out)))
    joint = words.text("chip.and") if filters.colours_all else ", "
    add("colour", listed("colour", filters.colours, joint))
    add("nocolour", _no(words, listed("colour", filters.colours_out)))
    add("type", listed("kind", filters.types))
    add("notype", _no(words, listed("kind", filters.types_out)))
    add("gender", _genders(words, filters.genders))
    add("size", _size(words, filters))
    add("price", price(words, filters))
    add("shop", ", ".join(filters.shops))
    add("stock", "" if filters.in_stock else words.text("chip.sold_out"))
    add("weight", _weight(words, emphasis))
    return found


def named(words: Catalogue, prefix: str, name: str) -> str:
    """The catalogue's word for a colour or a kind of shoe, else the name itself."""
    key = f"{prefix}.{name}"
    return words.text(key) if key in words.messages else name.replace("_", " ")


def price(words: Catalogue, filters: Filters) -> str:
    """The price range in words; empty where there is none."""
    low, high = filters.price_min, filters.price_max

    def shown(amount: Decimal) -> str:
        return words.price(amount, filters.currency)

    if low is not None and high is not None:
        return between(words, low, high, filters.currency)
    if high is not None:
        # A cent below a price means: cheaper than that price.
        if high % 1 == 1 - _PENNY:
            return words.text("chip.cheaper", price=shown(high + _PENNY))
        return words.text("chip.to", price=shown(high))
    if low is not None:
        if low % 1 == _PENNY:
            return words.text("chip.dearer", price=shown(low - _PENNY))
        return words.text("chip.from", price=shown(low))
    return ""


def between(words: Catalogue, low: Decimal, high: Decimal, currency: str | None) -> str:
    """A range; Russian names the currency once, English writes it before each number."""
    once = words.language == "ru"
    low_text = words.price(low, None if once else currency)
    return words.text("chip.between", low=low_text, high=words.price(high, currency))


def without(filters: Filters, what: What) -> Filters:
    """The filters with one limit, or ``all`` of them, taken off."""
    match what:
        case "all":
            return Filters(currency=filters.currency)
        case "price":
            return replace(filters, price_min=None, price_max=None)
        case "size":
            return replace(filters, size=None, size_system=None)
        case "gender":
            return replace(filters, genders=())
        case "brand":
            return replace(filters, brands=())
        case "nobrand":
            return replace(filters, brands_out=())
        case "colour":
            return replace(filters, colours=(), colours_all=False)
        case "nocolour":
            return replace(filters, colours_out=())
        case "type":
            return replace(filters, types=())
        case "notype":
            return replace(filters, types_out=())
        case "shop":
            return replace(filters, shops=())
        case "stock":
            return replace(filters, in_stock=True)
        case "weight" | "wish":
            return filters


def lasting(filters: Filters) -> Filters:
    """What of the filters goes on to the user's next question: what is the user's (price, size,
    for whom, shops, stock), not what was said of the shoe at hand (brand, colour, kind)."""
    return replace(
        filters, brands=(), brands_out=(), colours=(), colours_out=(), colours_all=False,
        types=(), types_out=(),
    )  # fmt: skip


def _no(words: Catalogue, text: str) -> str:
    return words.text("chip.not", what=text) if text else ""


def _genders(words: Catalogue, genders: tuple[Gender, ...]) -> str:
    if not genders:
        return ""
    # "men" and "unisex" together are what men can wear.
    said = tuple(name for name in genders if name != "unisex") or genders[:1]
    return ", ".join(words.text(f"gender.{name}") for name in said)


def _size(words: Catalogue, filters: Filters) -> str:
    if filters.size is None:
        return ""
    label = f"{filters.size} {filters.size_system}" if filters.size_system else filters.size
    return words.text("chip.size", size=label)


def _weight(words: Catalogue, emphasis: Emphasis | None) -> str:
    if emphasis is None or emphasis.shape == emphasis.colour:
        return ""
    return words.text("chip.shape" if emphasis.shape > emphasis.colour else "chip.colour")
