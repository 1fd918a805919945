"""Refining by buttons and by words: a stored search asked anew with something changed."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final, cast

from telegram import InlineKeyboardMarkup
from telegram.error import BadRequest

from app.bot import keyboards, views
from app.bot.actions import CloseMenu, Drop, OpenMenu, Refine
from app.bot.callbacks import Action, OutdatedButton, Place
from app.bot.chips import without
from app.bot.delivery import Delivery, looking
from app.bot.desk import Desk
from app.bot.flow import Flow, Press, PressHandler
from app.bot.services import SearchService
from app.bot.sessions import Standing
from app.bot.spot import say
from app.bot.views import Asked
from app.domain import Emphasis, Filters, SearchResult
from app.i18n import Catalogue, Html
from app.search import SearchExpired
from app.words import CHANGES, Reading, wish

LOG = logging.getLogger(__name__)
_RANGE: Final = re.compile(r"(\d{0,9})-(\d{0,9})\.([A-Z]{3})")
_SIZE: Final = re.compile(r"(EU|US|UK|CM|RU)\.([\w.,-]{1,12})")
_WEIGHTS: Final = {"shape": Emphasis(shape=2.0, colour=0.5), "colour": Emphasis(0.5, 2.0)}
_SIZES: Final = 15
_LASTING: Final = frozenset({"price", "size", "gender", "shop", "stock", "all"})
"""What the user means for the next questions too when they set it by a button."""


class Refining(Flow):
    """Menus are put in place of the list's buttons; a choice brings new results below."""

    def __init__(self, desk: Desk, delivery: Delivery) -> None:
        self._desk = desk
        self._delivery = delivery

    def presses(self) -> Mapping[type[Action], PressHandler]:
        """Menus, what they offer, and the limits to take off."""
        return {
            OpenMenu: self.menu,
            CloseMenu: self.close_menu,
            Refine: self.refine,
            Drop: self.drop,
        }

    async def menu(self, press: Press, action: OpenMenu) -> None:
        """A menu in the list's message."""
        standing = await self._standing(press)
        place = action.place
        result = await self._desk.search(lambda service: service.page(place.search_id, place.page))
        keyboard = await self._menu(press.words, action, result, standing)
        await _swap(press, keyboard, views.menu(press.words, action.menu, result))

    async def close_menu(self, press: Press, action: CloseMenu) -> None:
        """The list's own buttons in place of a menu."""
        place = action.place
        result = await self._desk.search(lambda service: service.page(place.search_id, place.page))
        asked = Asked(origin=action.origin)
        keyboard = keyboards.results_keyboard(press.words, result, asked)
        await _swap(press, keyboard, views.limits(press.words, result))

    async def _menu(
        self, words: Catalogue, action: OpenMenu, result: SearchResult, standing: Standing
    ) -> InlineKeyboardMarkup:
        here, origin = action.place, action.origin
        match action.menu:
            case "main":
                return keyboards.menu_main(words, result, here, origin)
            case "price":
                return keyboards.menu_price(words, result, here, origin, standing.money)
            case "size":
                system = standing.settings.size_system or "EU"
                dialogues = self._desk.services.dialogues
                labels = await self._desk.quickly(lambda: dialogues.sizes(system, _SIZES))
                return keyboards.menu_size(words, here, origin, system, labels)
            case "gender":
                return keyboards.menu_gender(words, here, origin)
            case "brand":
                return keyboards.menu_brand(words, result, here, origin)
            case "colour":
                return keyboards.menu_colour(words, here, origin)

    async def refine(self, press: Press, action: Refine) -> None:
        """The search asked anew with one thing set."""
        change = self._change(action)
        await self._again(press, action.search_id, change, lasts=action.what in _LASTING)

    async def drop(self, press: Press, action: Drop) -> None:
        """The search asked anew with one limit taken off."""

        def change(service: SearchService, asked: _Asked) -> SearchResult:
            filters, emphasis = service.stored(action.search_id)
            if action.what in ("weight", "all"):
                emphasis = Emphasis()
            return asked(without(filters, action.what), emphasis, None)

        await self._again(press, action.search_id, change, lasts=action.what in _LASTING)

    async def _again(self, press: Press, search_id: int, change: _Change, *, lasts: bool) -> None:
        spot, words = press.spot, press.words
        async with looking(press.bot, spot):
            standing = await self._standing(press)
            result = await self._desk.search(
                lambda service: change(
                    service,
                    lambda filters, emphasis, reading: service.again(
                        search_id,
                        _priced(filters, standing, reading),
                        emphasis=emphasis,
                        reading=reading,
                        page_size=self._desk.page_size,
                        user_key=press.user_key,
                    ),
                )
            )
            asked = Asked(origin=Place(search_id, 0), kind="refined")
            note = views.notes(words, result)
            await self._delivery.answer(
                press.bot, spot, words, result, standing, asked=asked, note=note
            )
        await self._desk.sessions.looked_at(spot.chat_id, press.user_id, result, lasts=lasts)

    def _change(self, action: Refine) -> _Change:
        """What a button's value does to a stored search.

        Raises:
            OutdatedButton: the value is none of this version's.
        """
        if action.what == "wish":
            if action.value not in CHANGES:
                raise OutdatedButton(action.value)
            return _reading(action, wish(cast("Any", action.value)))
        if action.what == "colour":
            reading = Reading(colours=(action.value,), changes=("same",))
            return _reading(action, reading)
        if action.what == "weight":
            emphasis = _WEIGHTS.get(action.value)
            if emphasis is None:
                raise OutdatedButton(action.value)
            return lambda service, asked: asked(service.stored(action.search_id)[0], emphasis, None)
        if action.what == "brand":
            return self._of_brand(action)
        setting = _setting(action)
        return lambda service, asked: asked(
            replace(service.stored(action.search_id)[0], **setting), None, None
        )

    def _of_brand(self, action: Refine) -> _Change:
        def change(service: SearchService, asked: _Asked) -> SearchResult:
            filters, _ = service.stored(action.search_id)
            brands = {hit.brand for hit in service.page(action.search_id, 0).hits if hit.brand}
            brands |= set(filters.brands)
            named = next((b for b in sorted(brands) if keyboards.digest(b) == action.value), None)
            if named is None:
                raise SearchExpired("the brand is not among these results any more")
            out = tuple(name for name in filters.brands_out if name != named)
            return asked(replace(filters, brands=(named,), brands_out=out), None, None)

        return change

    async def _standing(self, press: Press) -> Standing:
        return await self._desk.sessions.of(press.spot.chat_id, press.user_id, press.words.language)


_Asked = Callable[[Filters, Emphasis | None, Reading | None], SearchResult]
_Change = Callable[[SearchService, _Asked], SearchResult]


def _reading(action: Refine, reading: Reading) -> _Change:
    def change(service: SearchService, asked: _Asked) -> SearchResult:
        filters, _ = service.stored(action.search_id)
        if action.what == "colour":
            filters = without(without(filters, "colour"), "nocolour")
        elif action.value in ("cheaper", "dearer"):
            # Below an old lower bound nothing would be cheaper.
            cheaper = action.value == "cheaper"
            filters = (
                replace(filters, price_min=None) if cheaper else replace(filters, price_max=None)
            )
        return asked(filters, None, reading)

    return change


async def _swap(press: Press, keyboard: InlineKeyboardMarkup | None, text: Html) -> None:
    """Other buttons under the list, whose words stay; where Telegram does not let it be changed any
    more, a message of its own with ``text``."""
    try:
        await press.query.edit_message_reply_markup(keyboard)
    except BadRequest as error:
        if "not modified" in error.message:
            return  # pressed twice
        LOG.info("the buttons cannot be changed: %s", error.message)
        await say(press.bot, press.spot, text or press.words.html("result.refined"), keyboard)


def _setting(action: Refine) -> dict[str, Any]:
    """The fields of filters that a button sets.

    Raises:
        OutdatedButton: the value is none of this version's.
    """
    if action.what == "price" and (found := _RANGE.fullmatch(action.value)):
        low, high, currency = found.groups()
        return {
            "price_min": Decimal(low) if low else None,
            "price_max": Decimal(high) if high else None,
            "currency": currency,
        }
    if action.what == "size" and (found := _SIZE.fullmatch(action.value)):
        return {"size_system": found[1], "size": found[2]}
    if action.what == "gender" and action.value in ("men", "women", "kids", "unisex"):
        genders = (action.value,)
        # What is for everybody fits both.
        return {"genders": (*genders, "unisex") if action.value in ("men", "women") else genders}
    if action.what == "stock" and action.value in ("0", "1"):
        return {"in_stock": action.value == "1"}
    raise OutdatedButton(action.value)


def _priced(filters: Filters, standing: Standing, reading: Reading | None) -> Filters:
    """Filters in whose currency "cheaper" is reckoned: the reader's, where prices can be told in
    it."""
    money = standing.money
    if reading is None or filters.currency is not None or money is None or not money.rates:
        return filters
    if not {"cheaper", "dearer"} & set(reading.changes):
        return filters
    return replace(filters, currency=money.currency)
