"""Results once they are shown: pages, "more like this", the card of one, its other shops."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import UTC, datetime

from telegram import InlineKeyboardMarkup
from telegram.error import BadRequest

from app.bot import keyboards, views
from app.bot.actions import OpenHit, OtherShops, ShowList
from app.bot.callbacks import Action, MoreLike, Place, ShowPage
from app.bot.delivery import Delivery, looking
from app.bot.desk import Desk
from app.bot.flow import Flow, Press, PressHandler
from app.bot.sessions import Standing
from app.bot.shown import Shown
from app.bot.views import Asked
from app.domain import Hit, SearchResult
from app.i18n import Html
from app.search import SearchExpired

LOG = logging.getLogger(__name__)


class Results(Flow):
    """Shows what was asked for by the buttons under a list of results."""

    def __init__(self, desk: Desk, delivery: Delivery) -> None:
        self._desk = desk
        self._delivery = delivery

    def presses(self) -> Mapping[type[Action], PressHandler]:
        """Pages, neighbours, cards and lists."""
        return {
            ShowPage: self.page,
            MoreLike: self.more_like,
            OpenHit: self.open_card,
            OtherShops: self.other_shops,
            ShowList: self.show_list,
        }

    async def page(self, press: Press, action: ShowPage) -> None:
        """A page of a stored search."""
        async with looking(press.bot, press.spot):
            standing = await self._standing(press)
            result = await self._page(action.place)
            asked = Asked(origin=action.origin)
            await self._delivery.show(
                press.bot, press.spot, press.words, result, asked, standing.money
            )
        await self._desk.sessions.looked_at(press.spot.chat_id, press.user_id, result)

    async def more_like(self, press: Press, action: MoreLike) -> None:
        """A search by a catalogue picture, within the session's limits."""
        async with looking(press.bot, press.spot):
            standing = await self._standing(press)
            result = await self._desk.search(
                lambda service: service.by_image(
                    action.image_id,
                    standing.filters,
                    page_size=self._desk.page_size,
                    user_key=press.user_key,
                )
            )
            asked = Asked(number=action.number, origin=action.origin)
            await self._delivery.show(
                press.bot, press.spot, press.words, result, asked, standing.money
            )
        await self._desk.sessions.looked_at(press.spot.chat_id, press.user_id, result)

    async def open_card(self, press: Press, action: OpenHit) -> None:
        """The card of one result, in the list's place."""
        standing = await self._standing(press)
        shown = await self._shown(action.place, action.number, action.image_id)
        text = views.card(press.words, shown, datetime.now(UTC), standing.money)
        actions = self._delivery.result_actions
        keyboard = keyboards.card_keyboard(press.words, shown, action.origin, actions)
        await rewrite(press, text, keyboard)

    async def other_shops(self, press: Press, action: OtherShops) -> None:
        """Everybody who sells the shoe, also under products that are not known to be the same."""
        standing = await self._standing(press)
        shown = await self._shown(action.place, action.number, action.image_id)
        alike = await self._desk.search(
            lambda service: service.by_image(action.image_id, user_key=press.user_key)
        )
        same = [hit for hit in alike.hits if hit.verdict == "same"]
        same = [hit for hit in same if hit.product_id != shown.hit.product_id]
        text = views.shops(press.words, shown, same, datetime.now(UTC), standing.money)
        keyboard = keyboards.card_keyboard(press.words, shown, action.origin, (), shops_open=True)
        await rewrite(press, text, keyboard)

    async def show_list(self, press: Press, action: ShowList) -> None:
        """Back from a card or a menu to the list, in the same message."""
        standing = await self._standing(press)
        result = await self._page(action.place)
        asked = Asked(origin=action.origin)
        now = datetime.now(UTC)
        text = views.listing(press.words, result, asked, now, standing.money)
        await rewrite(press, text, keyboards.results_keyboard(press.words, result, asked))

    async def _standing(self, press: Press) -> Standing:
        return await self._desk.sessions.of(press.spot.chat_id, press.user_id, press.words.language)

    async def _page(self, place: Place) -> SearchResult:
        return await self._desk.search(lambda service: service.page(place.search_id, place.page))

    async def _shown(self, place: Place, number: int, image_id: int) -> Shown:
        """The result a button was made for: the catalogue may have changed since.

        Raises:
            SearchExpired: it is not among these results any more.
        """
        result = await self._page(place)
        hit: Hit | None = next((hit for hit in result.hits if hit.image_id == image_id), None)
        if hit is None:
            raise SearchExpired("this result is not among the found any more")
        return Shown(place, number, hit)


async def rewrite(press: Press, text: Html, keyboard: InlineKeyboardMarkup | None) -> None:
    """Puts other words and buttons into the message that was pressed; where Telegram does not let
    it be changed any more, says them anew."""
    try:
        await press.query.edit_message_text(text, reply_markup=keyboard)
    except BadRequest as error:
        if "not modified" in error.message:
            return  # pressed twice
        LOG.info("the message cannot be rewritten: %s", error.message)
        await press.bot.send_message(
            press.spot.chat_id,
            text,
            reply_markup=keyboard,
            message_thread_id=press.spot.thread_id,
        )
