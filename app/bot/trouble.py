"""What happens when a handler fails: the user hears of it, the log gets it once."""

from __future__ import annotations

import logging
import secrets
import traceback
from pathlib import PurePath

from telegram import Bot, Update
from telegram.error import BadRequest, Forbidden, NetworkError, RetryAfter, TelegramError
from telegram.ext import ContextTypes

from app.bot.callbacks import OutdatedButton
from app.bot.desk import DOWNLOAD_LIMIT, MEGABYTE, BotApplication, Desk, SearchTooSlow
from app.bot.ledger import Ledger
from app.bot.logs import clean
from app.bot.sources import FileTooBig, FileUnavailable
from app.bot.spot import Spot, say
from app.db.bot import BotStore
from app.errors import DatabaseUnavailable, ImageError
from app.i18n import Catalogue, Html
from app.search import NotEmbedded, SearchExpired

LOG = logging.getLogger(__name__)


class Trouble:
    """The error handler of all flows."""

    def __init__(
        self, desk: Desk, ledger: Ledger | None = None, store: BotStore | None = None
    ) -> None:
        self._desk = desk
        self._ledger = ledger
        self._store = store

    def add_to(self, application: BotApplication) -> None:
        """Registers the handler."""
        application.add_error_handler(self.failed)

    async def failed(self, update: object, context: ContextTypes.DEFAULT_TYPE) -> None:
        """Answers and logs one failure."""
        error = context.error
        if error is None:
            return
        if self._ledger is not None and isinstance(update, Update):
            self._ledger.failed.add(update.update_id)
        if isinstance(error, Forbidden):
            LOG.info("an answer could not be delivered: %s", error.message)
            await self._shut_out(update)
            return
        if not isinstance(update, Update):
            LOG.error("failure outside of an update", exc_info=error)
            await self._note(secrets.token_hex(3), error)
            return
        words = await self._desk.languages.of(update.effective_user)
        text = explain(words, error)
        if isinstance(error, TelegramError) and text is not None:
            LOG.warning("update %s: Telegram: %s", update.update_id, error.message)
        elif text is None:
            # The code lets an operator find the trace a user reports.
            code = secrets.token_hex(3)
            LOG.error("update %s failed, code %s", update.update_id, code, exc_info=error)
            await self._note(code, error)
            text = words.html("error.internal", code=code)
        else:
            LOG.info("update %s: %s: %s", update.update_id, type(error).__name__, error)
        await _tell(context.bot, update, text)

    async def _note(self, code: str, error: Exception) -> None:
        """Keeps a defect for /admin."""
        store = self._store
        if store is None:
            return
        frames = traceback.extract_tb(error.__traceback__)
        own = [frame for frame in frames if "/app/" in frame.filename] or frames
        place = f"{PurePath(own[-1].filename).name}:{own[-1].lineno}" if own else "?"
        message = clean(str(error))[:300]
        try:
            await self._desk.quickly(
                lambda: store.health.note_error(code, type(error).__name__, place, message)
            )
        except DatabaseUnavailable as away:
            LOG.warning("failure %s is in this log only: %s", code, away)

    async def _shut_out(self, update: object) -> None:
        """Whoever blocked the bot is not written to unasked any more."""
        store = self._store
        if store is None or not isinstance(update, Update):
            return
        user, chat = update.effective_user, update.effective_chat
        if user is None or chat is None or chat.id != user.id:
            return
        user_id = user.id
        try:
            await self._desk.quickly(lambda: store.saved.block(user_id, True))
        except DatabaseUnavailable as away:
            LOG.warning("a block is not noted: %s", away)


def explain(words: Catalogue, error: Exception) -> Html | None:
    """Words for a failure that a user can do something about, None for a defect."""
    match error:
        case ImageError():
            key = f"image.{error.code}"
            return words.html(key if key in words.messages else "image.unknown")
        case FileTooBig():
            return words.html("image.too_big_file", megabytes=DOWNLOAD_LIMIT // MEGABYTE)
        case FileUnavailable():
            return words.html("error.telegram")
        case OutdatedButton():
            return words.html("button.outdated")
        case SearchExpired():
            return words.html("button.expired")
        case NotEmbedded():
            return words.html("image.missing")
        case DatabaseUnavailable():
            return words.html("error.database")
        case SearchTooSlow():
            return words.html("error.slow")
        case BadRequest():
            return None
        case NetworkError() | RetryAfter():
            return words.html("error.failed")
    return None


async def _tell(bot: Bot, update: Update, text: Html) -> None:
    message = update.effective_message
    if message is not None:
        new = update.callback_query is None
        spot = Spot.answering(message) if new else Spot.beside(message)
    elif update.effective_chat is not None:
        spot = Spot(update.effective_chat.id)
    else:
        LOG.warning("update %s has no chat to answer in", update.update_id)
        return
    try:
        await say(bot, spot, text)
    except TelegramError as error:
        LOG.warning("the failure could not be told either: %s", error.message)
