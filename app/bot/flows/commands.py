"""/start, /help, /language, and commands that are none of ours."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping
from typing import Final

from telegram import Bot, BotCommand, Message, Update
from telegram.error import BadRequest
from telegram.ext import CommandHandler, ContextTypes, MessageHandler, filters

from app.bot import keyboards
from app.bot.asker import Asker, Asking
from app.bot.callbacks import Action, ChooseLanguage
from app.bot.delivery import looking
from app.bot.desk import DOWNLOAD_LIMIT, MEGABYTE, BotApplication, Desk
from app.bot.flow import Flow, Press, PressHandler
from app.bot.flows.addressed import is_private
from app.bot.spot import Spot, say
from app.i18n import LANGUAGES, Catalogue, catalogue

LOG = logging.getLogger(__name__)
_LIKE: Final = re.compile(r"like_(\d{1,18})")
"""What /start gets from the link under a result that was posted in some chat."""


class Commands(Flow):
    """The commands."""

    commands = ("start", "help", "language")

    def __init__(self, desk: Desk, asker: Asker) -> None:
        self._desk = desk
        self._asker = asker

    def add_to(self, application: BotApplication) -> None:
        """Registers the handlers."""
        new = filters.UpdateType.MESSAGE
        for command in ("start", "help"):
            application.add_handler(CommandHandler(command, self.explain, new))
        application.add_handler(CommandHandler("language", self.language, new))

    def presses(self) -> Mapping[type[Action], PressHandler]:
        """The choice of a language."""
        return {ChooseLanguage: self.choose}

    async def explain(self, update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        """/start and /help."""
        message = _message(update)
        words = await self._desk.languages.of(update.effective_user)
        name, _, payload = (message.text or "").lstrip("/").partition(" ")
        name = name.partition("@")[0].lower()
        like = _LIKE.fullmatch(payload.strip())
        if name == "start" and like and update.effective_user:
            await self._like(message, update.effective_user.id, int(like[1]), words, context.bot)
            return
        text = (
            words.html("start")
            if name == "start"
            else words.html("help", megabytes=DOWNLOAD_LIMIT // MEGABYTE, bot=context.bot.username)
        )
        await say(context.bot, Spot.beside(message), text)

    async def _like(
        self, message: Message, user_id: int, image_id: int, words: Catalogue, bot: Bot
    ) -> None:
        """What the link under a result posted in some chat asks for."""
        spot = Spot.answering(message)
        async with looking(bot, spot):
            standing = await self._desk.sessions.of(spot.chat_id, user_id, words.language)
            await self._asker.like(Asking(bot, spot, words, standing, user_id), image_id)

    async def language(self, update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        """/language."""
        message = _message(update)
        words = await self._desk.languages.of(update.effective_user)
        spot = Spot.beside(message)
        await context.bot.send_message(
            spot.chat_id,
            words.html("language.ask"),
            message_thread_id=spot.thread_id,
            reply_markup=keyboards.language_keyboard(),
        )

    async def choose(self, press: Press, action: ChooseLanguage) -> None:
        """A language's button."""
        await self._desk.languages.choose(press.user_id, action.language)
        text = catalogue(action.language).html("language.set")
        try:
            await press.query.edit_message_text(text)
        except BadRequest as error:
            # Chosen twice, or the question is gone or too old to be edited.
            LOG.info("the question about the language stays as it is: %s", error.message)
            await say(press.bot, press.spot, text)


class UnknownCommands(Flow):
    """Commands that no flow before this one took."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def add_to(self, application: BotApplication) -> None:
        """Registers the handler."""
        new = filters.UpdateType.MESSAGE
        application.add_handler(MessageHandler(new & filters.COMMAND, self.unknown))

    async def unknown(self, update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        """Any other command; in groups it may be another bot's."""
        message = _message(update)
        command = (message.text or "").split()[0]
        own = command.casefold().endswith(f"@{context.bot.username}".casefold())
        if not own and (not is_private(message) or "@" in command):
            return
        words = await self._desk.languages.of(update.effective_user)
        await say(context.bot, Spot.answering(message), words.html("command.unknown"))


def _message(update: Update) -> Message:
    if update.message is None:
        raise ValueError("the filters let only new messages through")
    return update.message


async def publish(application: BotApplication, commands: Iterable[str]) -> None:
    """Tells Telegram the commands for its menu, in every language."""
    names = list(commands)
    for language in LANGUAGES:
        words = catalogue(language)
        menu = [BotCommand(name, words.text(f"command.{name}")) for name in names]
        await application.bot.set_my_commands(menu, language_code=language)
    # Clients in further languages see the default menu.
    words = catalogue("en")
    await application.bot.set_my_commands(
        [BotCommand(name, words.text(f"command.{name}")) for name in names]
    )
