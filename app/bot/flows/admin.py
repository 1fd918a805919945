"""/admin: how the bot is, and what went wrong; for the operator's people alone."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any, Literal

from telegram import InlineKeyboardButton, InlineKeyboardMarkup, Update
from telegram.ext import CommandHandler, ContextTypes, filters

from app.bot.callbacks import Action, button, encode
from app.bot.desk import BotApplication, Desk
from app.bot.flow import Flow, Press, PressHandler
from app.bot.flows.keeping import asked
from app.bot.flows.results import rewrite
from app.bot.spot import Spot, say
from app.db.bot import BotStore
from app.errors import DatabaseUnavailable
from app.i18n import Catalogue, Html

_MEBIBYTE = 2**20


@button("ad")
@dataclass(frozen=True)
class ShowAdmin(Action):
    """Show health (``h``) or errors (``e``)."""

    what: Literal["h", "e"]


@dataclass(frozen=True, slots=True)
class Load:
    """What the process itself knows."""

    in_line: int
    chats_held: int
    all_held_s: float


class Admin(Flow):
    """The flow; the command is in nobody's menu, and unknown to everybody else."""

    def __init__(self, desk: Desk, store: BotStore, load: Callable[[], Load]) -> None:
        self._desk = desk
        self._store = store.health
        self._load = load
        self._since = time.monotonic()

    def add_to(self, application: BotApplication) -> None:
        """Registers the handler, for the people in the setting."""
        people = self._desk.settings.bot_admins
        if people:
            own = filters.UpdateType.MESSAGE & filters.User(people)
            application.add_handler(CommandHandler("admin", self.asked, own))

    def presses(self) -> Mapping[type[Action], PressHandler]:
        """Health and errors."""
        return {ShowAdmin: self.show}

    async def asked(self, update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        """/admin."""
        message, _ = asked(update)
        words = await self._desk.languages.of(update.effective_user)
        await say(context.bot, Spot.beside(message), *await self._health(words))

    async def show(self, press: Press, action: ShowAdmin) -> None:
        """One of the two pages."""
        if press.user_id not in self._desk.settings.bot_admins:
            await say(press.bot, press.spot, press.words.html("command.unknown"))
            return
        page = self._health if action.what == "h" else self._errors
        await rewrite(press, *await page(press.words))

    async def _health(self, words: Catalogue) -> tuple[Html, InlineKeyboardMarkup]:
        load = self._load()
        lines = [
            words.html(
                "admin.process",
                minutes=int(time.monotonic() - self._since) // 60,
                megabytes=_resident() // _MEBIBYTE,
                line=load.in_line,
                held=load.chats_held,
                all=round(load.all_held_s),
            )
        ]
        try:
            facts = await self._desk.quickly(self._store.facts)
            runs = await self._desk.quickly(self._store.runs)
        except DatabaseUnavailable as error:
            lines.append(words.html("admin.no_database", reason=str(error)))
        else:
            lines += _facts(words, facts)
            lines += [words.html("admin.runs"), *(_run(words, run) for run in runs)]
        keys = [_key(words.text("admin.refresh"), "h"), _key(words.text("admin.errors"), "e")]
        return Html("\n".join(lines)), InlineKeyboardMarkup([keys])

    async def _errors(self, words: Catalogue) -> tuple[Html, InlineKeyboardMarkup]:
        found = await self._desk.quickly(self._store.errors)
        lines = [words.html("admin.error_title" if found else "admin.no_errors")]
        for item in found:
            head = f"<code>{item['code']}</code> {escape(words.ago(item['created_at']))}"
            what = f"{item['kind']} ({item['place']}): {item['message'][:200]}"
            lines.append(Html(f"{head}\n{escape(what)}"))
        keys = [_key(words.text("admin.health"), "h"), _key(words.text("admin.refresh"), "e")]
        return Html("\n\n".join(lines)), InlineKeyboardMarkup([keys])


def _facts(words: Catalogue, facts: dict[str, Any]) -> list[Html]:
    numbers = {
        key: words.number(value)
        for key, value in facts.items()
        if isinstance(value, int) and key != "bytes"
    }
    return [
        words.html(
            "admin.database",
            server=facts["server"],
            megabytes=words.number(facts["bytes"] // _MEBIBYTE),
        ),
        words.html(
            "admin.encoder", encoder=facts["encoder"] or "–", **_only(numbers, "images_waiting")
        ),
        words.html("admin.catalogue", **_only(numbers, "products", "offers", "images")),
        words.html(
            "admin.queues", **_only(numbers, "inbox", "outbox", "outbox_open", "outbox_unknown")
        ),
        words.html("admin.users", **_only(numbers, "users", "blocked", "alerts", "errors")),
    ]


def _only(numbers: dict[str, str], *names: str) -> dict[str, str]:
    return {name: numbers[name] for name in names}


def _run(words: Catalogue, run: dict[str, Any]) -> Html:
    counts = f"+{run['offers_new']} ~{run['offers_changed']} ✕{run['failed']}"
    source = Path(str(run["source"])).name
    ago = words.ago(run["finished_at"] or run["started_at"])
    return Html(escape(f"• {run['kind']} {source}: {run['state']}, {counts}, {ago}"))


def _resident() -> int:
    """Bytes of memory the process holds."""
    import psutil

    return int(psutil.Process().memory_info().rss)


def _key(label: str, what: Literal["h", "e"]) -> InlineKeyboardButton:
    return InlineKeyboardButton(label, callback_data=encode(ShowAdmin(what)))
