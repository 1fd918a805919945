"""/start, /help, /language, and commands that are none of ours."""

from __future__ import annotations

from telegram import BotCommand, Message, Update
from telegram.ext import CommandHandler, ContextTypes, MessageHandler, filters

from app.bot import views
from app.bot.delivery import Spot, say
from app.bot.desk import DOWNLOAD_LIMIT, MEGABYTE, BotApplication, Desk
from app.bot.flows.addressed import is_private
from app.i18n import LANGUAGES, catalogue

COMMANDS = ("start", "help", "language")


class Commands:
    """The commands."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def add_to(self, application: BotApplication) -> None:
        """Registers the handlers."""
        new = filters.UpdateType.MESSAGE
        for command in ("start", "help"):
            application.add_handler(CommandHandler(command, self.explain, new))
        application.add_handler(CommandHandler("language", self.language, new))
        application.add_handler(MessageHandler(new & filters.COMMAND, self.unknown))

    async def explain(self, update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        """/start and /help."""
        message = _message(update)
        words = await self._desk.languages.of(update.effective_user)
        name = (message.text or "").lstrip("/").split("@")[0].split()[0].lower()
        text = (
            words.html("start")
            if name == "start"
            else words.html("help", megabytes=DOWNLOAD_LIMIT // MEGABYTE)
        )
        await say(context.bot, Spot.beside(message), text)

    async def language(self, update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        """/language."""
        message = _message(update)
        words = await self._desk.languages.of(update.effective_user)
        spot = Spot.beside(message)
        await context.bot.send_message(
            spot.chat_id,
            words.html("language.ask"),
            message_thread_id=spot.thread_id,
            reply_markup=views.language_keyboard(),
        )

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


async def publish(application: BotApplication) -> None:
    """Tells Telegram the commands for its menu, in every language."""
    for language in LANGUAGES:
        words = catalogue(language)
        menu = [BotCommand(name, words.text(f"command.{name}")) for name in COMMANDS]
        await application.bot.set_my_commands(menu, language_code=language)
    # Clients in further languages see the default menu.
    words = catalogue("en")
    await application.bot.set_my_commands(
        [BotCommand(name, words.text(f"command.{name}")) for name in COMMANDS]
    )
