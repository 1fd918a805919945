"""What the bot says when it does not handle an update: too many at once, given up, or later."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable
from typing import Final

from telegram import Update
from telegram.error import TelegramError

from app.bot.desk import Desk
from app.bot.spot import Spot, say
from app.i18n import Html

LOG = logging.getLogger(__name__)
_ONCE_AN_OUTAGE_S: Final = 600.0


class Manners:
    """Each is said once, in the user's language, and never fails."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._told: dict[int, float] = {}
        self.silent: set[int] = set()
        """Users into whose chat nothing may be written now: an alert is on its way there."""

    async def flood(self, update: Update, wait_s: int) -> None:
        """The user sends more than the bot takes."""
        words = await self._desk.languages.of(update.effective_user)
        query = update.callback_query
        if query is not None:
            await _try(query.answer(words.text("error.flood", seconds=wait_s), show_alert=True))
        else:
            await self._say(update, words.html("error.flood", seconds=wait_s))

    async def given_up(self, update: Update) -> None:
        """Handling the update ended the bot more than once."""
        words = await self._desk.languages.of(update.effective_user)
        await self._say(update, words.html("error.given_up"))

    async def waiting(self, update: Update) -> None:
        """The database is away: the update stays with Telegram until it is back."""
        chat = update.effective_chat
        if chat is None or chat.id < 0:
            return
        now = time.monotonic()
        if now - self._told.get(chat.id, -_ONCE_AN_OUTAGE_S) < _ONCE_AN_OUTAGE_S:
            return
        self._told[chat.id] = now
        words = await self._desk.languages.of(update.effective_user)
        await self._say(update, words.html("error.waiting"))

    def database_is_back(self) -> None:
        """The next outage is told of anew."""
        self._told.clear()

    async def _say(self, update: Update, text: Html) -> None:
        message = update.effective_message
        if message is None or message.chat_id in self.silent:
            return
        new = update.callback_query is None
        spot = Spot.answering(message) if new else Spot.beside(message)
        await _try(say(update.get_bot(), spot, text))


async def _try(sending: Awaitable[object]) -> None:
    try:
        await sending
    except TelegramError as error:
        LOG.info("not told: %s", error.message)
