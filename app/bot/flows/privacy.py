"""/history, /privacy, /forget: what is kept of a user, shown and deleted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from telegram import InlineKeyboardButton, InlineKeyboardMarkup, Update
from telegram.ext import CommandHandler, ContextTypes, filters

from app.bot.callbacks import Action, Place, ShowPage, button, encode
from app.bot.desk import BotApplication, Desk
from app.bot.flow import Flow, Press, PressHandler
from app.bot.flows.keeping import asked
from app.bot.flows.results import rewrite
from app.bot.flows.saved import SavePicture
from app.bot.spot import Spot, say
from app.db.bot import BotStore
from app.db.bot_privacy import Holdings
from app.i18n import Catalogue, Html

_PAST: Final = 8
_COUNTED: Final = ("searches", "saved", "alerts", "messages", "feedback")


@button("fg")
@dataclass(frozen=True)
class Forget(Action):
    """Delete everything of the user's, or leave it."""

    sure: bool


class Privacy(Flow):
    """The flow."""

    commands = ("history", "privacy", "forget")

    def __init__(self, desk: Desk, store: BotStore) -> None:
        self._desk = desk
        self._store = store.privacy

    def add_to(self, application: BotApplication) -> None:
        """Registers the handlers."""
        new = filters.UpdateType.MESSAGE
        for name, handler in (
            ("history", self.history),
            ("privacy", self.privacy),
            ("forget", self.ask),
        ):
            application.add_handler(CommandHandler(name, handler, new))

    def presses(self) -> Mapping[type[Action], PressHandler]:
        """The answer to /forget."""
        return {Forget: self.forget}

    async def history(self, update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        """/history: the last searches, each to be shown again."""
        message, user_id = asked(update)
        words = await self._desk.languages.of(update.effective_user)
        past = await self._desk.quickly(lambda: self._store.history(user_id, _PAST))
        if not past:
            await say(context.bot, Spot.beside(message), words.html("history.empty"))
            return
        lines, rows = [words.html("history.title")], []
        for number, search in enumerate(past, start=1):
            kind = search.kind if f"history.kind.{search.kind}" in words.messages else "other"
            lines.append(
                words.html(
                    "history.line",
                    number=number,
                    kind=words.text(f"history.kind.{kind}"),
                    ago=words.ago(search.created_at),
                    found=words.text(f"history.found.{search.verdict}"),
                )
            )
            row = [_key(words.text("history.again", number=number), ShowPage(Place(search.id, 0)))]
            if search.kind == "photo":
                row.append(
                    _key(words.text("saved.start_news", number=number), SavePicture(search.id))
                )
            rows.append(row)
        text = Html("\n".join(lines))
        await say(context.bot, Spot.beside(message), text, InlineKeyboardMarkup(rows))

    async def privacy(self, update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        """/privacy."""
        message, _ = asked(update)
        words = await self._desk.languages.of(update.effective_user)
        await say(context.bot, Spot.beside(message), words.html("privacy.text"))

    async def ask(self, update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        """/forget: says what there is, and asks."""
        message, user_id = asked(update)
        words = await self._desk.languages.of(update.effective_user)
        holdings = await self._desk.quickly(lambda: self._store.holdings(user_id))
        rows = [
            [_key(words.text("forget.yes"), Forget(True))],
            [_key(words.text("forget.no"), Forget(False))],
        ]
        text = words.html("forget.ask", what=_listed(words, holdings))
        await say(context.bot, Spot.beside(message), text, InlineKeyboardMarkup(rows))

    async def forget(self, press: Press, action: Forget) -> None:
        """The answer."""
        if not action.sure:
            await rewrite(press, press.words.html("forget.left"), None)
            return
        user_id = press.user_id
        gone = await self._desk.quickly(lambda: self._store.forget(user_id))
        self._desk.languages.forget(user_id)
        await rewrite(press, press.words.html("forget.done", what=_listed(press.words, gone)), None)


def _listed(words: Catalogue, holdings: Holdings) -> str:
    counts = [(name, getattr(holdings, name)) for name in _COUNTED]
    said = [words.text(f"forget.what.{name}", count=count) for name, count in counts if count]
    return ", ".join([*said, words.text("forget.what.settings")])


def _key(label: str, action: Action) -> InlineKeyboardButton:
    return InlineKeyboardButton(label, callback_data=encode(action))
