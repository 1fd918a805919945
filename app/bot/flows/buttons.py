"""Pressed buttons: pages, "more like this", the language."""

from __future__ import annotations

import logging
import time
from collections import OrderedDict
from typing import Final

from telegram import Bot, CallbackQuery, Message, Update
from telegram.error import BadRequest
from telegram.ext import CallbackQueryHandler, ContextTypes

from app.bot.callbacks import (
    Action,
    ChooseLanguage,
    MoreLike,
    OutdatedButton,
    ShowPage,
    decode,
)
from app.bot.delivery import Delivery, Spot, looking, say
from app.bot.desk import BotApplication, Desk
from app.bot.views import Asked
from app.domain import SearchResult
from app.i18n import Catalogue, catalogue

LOG = logging.getLogger(__name__)
_SAME_PRESS_S: Final = 2.0
_REMEMBERED: Final = 1024


class Buttons:
    """Decodes what a button carries and does it. Every press is acknowledged, first of all."""

    def __init__(self, desk: Desk, delivery: Delivery) -> None:
        self._desk = desk
        self._delivery = delivery
        self._done: OrderedDict[tuple[int, int, str], float] = OrderedDict()

    def add_to(self, application: BotApplication) -> None:
        """Registers the handler."""
        application.add_handler(CallbackQueryHandler(self.pressed))

    async def pressed(self, update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        """A press of any button, however old."""
        query = update.callback_query
        if query is None:
            return
        data = query.data or ""
        try:
            action = decode(data)
        except OutdatedButton:
            words = await self._desk.languages.of(query.from_user)
            await _acknowledge(query, words.text("button.outdated"))
            return
        await _acknowledge(query)
        press = (query.from_user.id, query.message.message_id if query.message else 0, data)
        # A second tap on the same button while the first is worked on means the same wish.
        if time.monotonic() - self._done.get(press, -_SAME_PRESS_S) < _SAME_PRESS_S:
            return
        await self._do(action, query, context)
        # Only what was done: after a failure the same tap asks again.
        self._done[press] = time.monotonic()
        if len(self._done) > _REMEMBERED:
            self._done.popitem(last=False)

    async def _do(
        self, action: Action, query: CallbackQuery, context: ContextTypes.DEFAULT_TYPE
    ) -> None:
        if isinstance(action, ChooseLanguage):
            await self._desk.languages.choose(query.from_user.id, action.language)
            await _confirm_language(query, context.bot, catalogue(action.language))
            return
        words = await self._desk.languages.of(query.from_user)
        spot = _spot(query)
        async with looking(context.bot, spot):
            if isinstance(action, ShowPage):
                place = action.place
                result = await self._desk.search(
                    lambda service: service.page(place.search_id, place.page)
                )
                asked = Asked(origin=action.origin)
            else:
                result = await self._more_like(action, query)
                asked = Asked(number=action.number, origin=action.origin)
            await self._delivery.show(context.bot, spot, words, result, asked)

    async def _more_like(self, action: MoreLike, query: CallbackQuery) -> SearchResult:
        return await self._desk.search(
            lambda service: service.by_image(
                action.image_id,
                page_size=self._desk.page_size,
                user_key=f"tg:{query.from_user.id}",
            )
        )


def _spot(query: CallbackQuery) -> Spot:
    message = query.message
    if isinstance(message, Message):
        return Spot.beside(message)
    # Of a message too old to see only the chat is known; of an inline one not even that.
    return Spot(message.chat.id if message else query.from_user.id)


async def _acknowledge(query: CallbackQuery, text: str | None = None) -> None:
    try:
        await query.answer(text, show_alert=text is not None)
    except BadRequest as error:
        # Pressed while the bot was down: the spinner is long gone, the wish is not.
        LOG.info("press not acknowledged: %s", error.message)


async def _confirm_language(query: CallbackQuery, bot: Bot, words: Catalogue) -> None:
    text = words.html("language.set")
    try:
        await query.edit_message_text(text)
    except BadRequest as error:
        # Chosen twice, or the question is gone or too old to be edited.
        LOG.info("the question about the language stays as it is: %s", error.message)
        await say(bot, _spot(query), text)
