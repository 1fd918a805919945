"""Keyboards under results: the list, a result's card, the menus that refine. Pure."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from decimal import Decimal
from itertools import pairwise
from typing import Final

from telegram import InlineKeyboardButton, InlineKeyboardMarkup

from app.bot.actions import (
    CloseMenu,
    Drop,
    OpenHit,
    OpenMenu,
    OtherShops,
    Refine,
    ShowList,
    What,
)
from app.bot.callbacks import Action, ChooseLanguage, MoreLike, Place, ShowPage, encode
from app.bot.chips import Chip, between, chips
from app.bot.flow import ResultAction, Shown
from app.bot.money import Money
from app.bot.views import Asked
from app.domain import SearchResult
from app.i18n import LANGUAGES, Catalogue, catalogue

_NUMBERS_IN_ROW: Final = 4
_CHIP_CHARS: Final = 28
PALETTE: Final = (
    ("black", "⚫"), ("white", "⚪"), ("grey", "🔘"), ("red", "🔴"), ("orange", "🟠"),
    ("yellow", "🟡"), ("green", "🟢"), ("blue", "🔵"), ("purple", "🟣"), ("pink", "🌸"),
    ("brown", "🟤"), ("beige", "🐚"),
)  # fmt: skip
_STEPS: Final = {
    "RUB": (5000, 8000, 12000, 20000),
    "KZT": (30000, 50000, 80000, 120000),
    "BYN": (150, 300, 450, 700),
}
_OTHER_STEPS: Final = (60, 100, 150, 220)


def results_keyboard(
    words: Catalogue, result: SearchResult, asked: Asked
) -> InlineKeyboardMarkup | None:
    """Numbers that open a result, ways to refine, the pages, the way back."""
    if result.search_id is None:
        return None
    here = Place(result.search_id, result.page)
    numbers = [
        key(str(number), OpenHit(here, number, hit.image_id, asked.origin))
        for number, hit in enumerate(result.hits, start=1)
    ]
    rows = even_rows(numbers)
    rows.append(
        [
            key(words.text("button.cheaper"), Refine(here.search_id, "wish", "cheaper")),
            key(words.text("button.colour"), OpenMenu("colour", here, asked.origin)),
            key(words.text("button.filters"), OpenMenu("main", here, asked.origin)),
        ]
    )
    pages = []
    if result.page > 0:
        place = Place(here.search_id, result.page - 1)
        pages.append(key(words.text("button.previous"), ShowPage(place, asked.origin)))
    if result.has_next:
        place = Place(here.search_id, result.page + 1)
        pages.append(key(words.text("button.next"), ShowPage(place, asked.origin)))
    rows.append(pages)
    if asked.origin is not None:
        rows.append([key(words.text("button.back"), ShowPage(asked.origin))])
    return markup(rows)


def card_keyboard(
    words: Catalogue,
    shown: Shown,
    origin: Place | None,
    actions: Sequence[ResultAction],
    *,
    shops_open: bool = False,
) -> InlineKeyboardMarkup:
    """What can be done with one result: its neighbours, its shops, and what other flows offer."""
    hit = shown.hit
    # "More like this" of "more like this" still leads back to the first results.
    like = MoreLike(hit.image_id, shown.number, origin or shown.place)
    first = [key(words.text("button.like"), like)]
    if not shops_open:
        place = OtherShops(shown.place, shown.number, hit.image_id, origin)
        first.append(key(words.text("button.shops"), place))
    offered = [made for action in actions if (made := action(words, shown)) is not None]
    rows = [first, *pairs(key(label, action) for label, action in offered)]
    back: Action = ShowList(shown.place, origin)
    if shops_open:
        back = OpenHit(shown.place, shown.number, hit.image_id, origin)
    rows.append([key(words.text("button.to_card" if shops_open else "button.to_list"), back)])
    return InlineKeyboardMarkup(rows)


def nearest_keyboard(words: Catalogue, result: SearchResult) -> InlineKeyboardMarkup | None:
    """Under "nothing close": the nearest after all, and the limits to take off."""
    if result.search_id is None:
        return None
    rows = []
    if result.hits:
        nearest = ShowPage(Place(result.search_id, 0))
        rows.append([key(words.text("button.nearest"), nearest)])
    return markup(rows + drops(words, result, result.search_id))


def drops(
    words: Catalogue, result: SearchResult, search_id: int
) -> list[list[InlineKeyboardButton]]:
    """A button for each limit, that takes it off; one for all of them where there are several."""
    found = chips(words, result.filters, result.emphasis)
    rows = pairs(_drop(chip, search_id) for chip in found)
    if len(found) > 1:
        rows.append([key(words.text("button.drop_all"), Drop(search_id, "all"))])
    return rows


def menu_main(
    words: Catalogue, result: SearchResult, here: Place, origin: Place | None
) -> InlineKeyboardMarkup:
    """The first menu: what to refine by, and the limits that stand."""

    def menu(name: str) -> InlineKeyboardButton:
        return key(words.text(f"button.{name}"), OpenMenu(name, here, origin))  # type: ignore[arg-type]

    stocked = result.filters.in_stock
    stock = words.text("button.in_stock" if stocked else "button.sold_out_too")
    rows = [
        [menu("price"), menu("size"), menu("gender")],
        [menu("brand"), menu("colour")],
        [
            refine(words.text("button.shape"), here, "weight", "shape"),
            refine(words.text("button.hue"), here, "weight", "colour"),
        ],
        [refine(stock, here, "stock", "0" if stocked else "1")],
        *drops(words, result, here.search_id),
    ]
    return _menu(words, rows, CloseMenu(here, origin))


def menu_price(
    words: Catalogue, result: SearchResult, here: Place, origin: Place | None, money: Money | None
) -> InlineKeyboardMarkup:
    """Cheaper, dearer, and ranges in the reader's currency."""
    currency = currency_of(result, money)
    steps = _STEPS.get(currency, _OTHER_STEPS)
    ranges = [(None, steps[0]), *pairwise(steps), (steps[-1], None)]
    keys = []
    for low, high in ranges:
        if low is None:
            label = words.text("chip.to", price=words.price(Decimal(steps[0]), currency))
        elif high is None:
            label = words.text("chip.from", price=words.price(Decimal(low), currency))
        else:
            label = between(words, Decimal(low), Decimal(high), currency)
        keys.append(refine(label, here, "price", f"{low or ''}-{high or ''}.{currency}"))
    rows = [
        [
            refine(words.text("button.cheaper"), here, "wish", "cheaper"),
            refine(words.text("button.dearer"), here, "wish", "dearer"),
        ],
        *pairs(keys),
    ]
    return _menu(words, rows, OpenMenu("main", here, origin))


def menu_size(
    words: Catalogue, here: Place, origin: Place | None, system: str, labels: Sequence[str]
) -> InlineKeyboardMarkup:
    """The usual sizes of the reader's system."""
    keys = [refine(label, here, "size", f"{system}.{label}") for label in labels]
    return _menu(words, even_rows(keys, 5), OpenMenu("main", here, origin))


def menu_gender(words: Catalogue, here: Place, origin: Place | None) -> InlineKeyboardMarkup:
    """For whom."""
    keys = [
        refine(words.text(f"gender.{name}").capitalize(), here, "gender", name)
        for name in ("men", "women", "kids", "unisex")
    ]
    return _menu(words, pairs(keys), OpenMenu("main", here, origin))


def menu_brand(
    words: Catalogue, result: SearchResult, here: Place, origin: Place | None
) -> InlineKeyboardMarkup:
    """The same brand, other brands, and each brand on the page."""
    brands = list(dict.fromkeys(hit.brand for hit in result.hits if hit.brand))
    rows = [
        [
            refine(words.text("button.same_brand"), here, "wish", "same_brand"),
            refine(words.text("button.other_brand"), here, "wish", "other_brand"),
        ],
        *pairs(refine(_short(name), here, "brand", digest(name)) for name in brands),
    ]
    return _menu(words, rows, OpenMenu("main", here, origin))


def menu_colour(words: Catalogue, here: Place, origin: Place | None) -> InlineKeyboardMarkup:
    """The palette."""
    keys = [
        refine(f"{mark} {words.text(f'colour.{name}')}", here, "colour", name)
        for name, mark in PALETTE
    ]
    any_other = refine(words.text("button.other_colour"), here, "wish", "other_colour")
    return _menu(words, [*even_rows(keys, 3), [any_other]], CloseMenu(here, origin))


def currency_of(result: SearchResult, money: Money | None) -> str:
    """The currency to talk prices in: the search's, the reader's, else that of the first offer."""
    if result.filters.currency is not None:
        return result.filters.currency
    if money is not None:
        return money.currency
    offers = (offer for hit in result.hits for offer in hit.offers)
    return next((offer.currency for offer in offers if offer.currency), "EUR")


def digest(text: str) -> str:
    """Eight hexadecimal digits that stand for a name in a button."""
    return f"{zlib.crc32(text.casefold().encode()):08x}"


def refine(label: str, here: Place, what: What, value: str) -> InlineKeyboardButton:
    """A button that asks the search at ``here`` anew."""
    return key(label, Refine(here.search_id, what, value))


def key(text: str, action: Action) -> InlineKeyboardButton:
    """A button."""
    return InlineKeyboardButton(text, callback_data=encode(action))


def markup(rows: Sequence[Sequence[InlineKeyboardButton]]) -> InlineKeyboardMarkup | None:
    """The keyboard of the rows that hold anything; None where none does."""
    kept = [row for row in rows if row]
    return InlineKeyboardMarkup(kept) if kept else None


def even_rows(
    buttons: Sequence[InlineKeyboardButton], most: int = _NUMBERS_IN_ROW
) -> list[list[InlineKeyboardButton]]:
    """Rows of nearly equal length: five buttons are 3 and 2, not 4 and 1."""
    if not buttons:
        return []
    count = -(-len(buttons) // most)
    length = -(-len(buttons) // count)
    return [list(buttons[at : at + length]) for at in range(0, len(buttons), length)]


def pairs(buttons: Iterable[InlineKeyboardButton]) -> list[list[InlineKeyboardButton]]:
    """Rows of two."""
    listed = list(buttons)
    return [listed[at : at + 2] for at in range(0, len(listed), 2)]


def language_keyboard() -> InlineKeyboardMarkup:
    """One button a language, each named in itself."""
    return InlineKeyboardMarkup(
        [
            [
                key(catalogue(language).text("language.name"), ChooseLanguage(language))
                for language in LANGUAGES
            ]
        ]
    )


def _drop(chip: Chip, search_id: int) -> InlineKeyboardButton:
    return key(f"✕ {_short(chip.text)}", Drop(search_id, chip.what))


def _short(text: str) -> str:
    return text if len(text) <= _CHIP_CHARS else text[: _CHIP_CHARS - 1].rstrip() + "…"


def _menu(
    words: Catalogue, rows: list[list[InlineKeyboardButton]], back: Action
) -> InlineKeyboardMarkup:
    label = "button.to_list" if isinstance(back, CloseMenu) else "button.to_filters"
    return InlineKeyboardMarkup([*(row for row in rows if row), [key(words.text(label), back)]])
