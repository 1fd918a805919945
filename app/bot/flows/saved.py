"""Saving shoes and pictures, and /saved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final, Literal

from telegram import InlineKeyboardButton, InlineKeyboardMarkup, Update
from telegram.ext import CommandHandler, ContextTypes, filters

from app.bot.callbacks import Action, MoreLike, button, encode
from app.bot.desk import BotApplication, Desk
from app.bot.flow import Flow, Key, Press, PressHandler, ResultAction, Shown, Toast, ToastHandler
from app.bot.flows.keeping import asked
from app.bot.flows.results import rewrite
from app.bot.letters import offer_text, shoe_name
from app.bot.spot import Spot, say
from app.db.bot import BotStore
from app.db.bot_saved import Saved
from app.i18n import Catalogue, Html

_PAGE: Final = 5
_MOST: Final = 200
"""Things one user may save."""


@button("sv")
@dataclass(frozen=True)
class Save(Action):
    """Save the product in a catalogue picture."""

    image_id: int


@button("sp")
@dataclass(frozen=True)
class SavePicture(Action):
    """Save a search's picture and tell of new shoes like it."""

    search_id: int


@button("sl")
@dataclass(frozen=True)
class ShowSaved(Action):
    """Show saved things from number ``first`` on."""

    first: int


@button("sc")
@dataclass(frozen=True)
class ChangeSaved(Action):
    """Remove a saved thing, or switch the news of shoes like it, and show the list again."""

    what: Literal["x", "n"]
    saved_id: int
    first: int


def save_key(words: Catalogue, shown: Shown) -> Key:
    """The button under a result."""
    return words.text("saved.button"), Save(shown.hit.image_id)


class SavedShoes(Flow):
    """The flow."""

    commands = ("saved",)

    def __init__(self, desk: Desk, store: BotStore) -> None:
        self._desk = desk
        self._store = store.saved

    def add_to(self, application: BotApplication) -> None:
        """Registers the handler."""
        new = filters.UpdateType.MESSAGE
        application.add_handler(CommandHandler("saved", self.list, new))

    def presses(self) -> Mapping[type[Action], PressHandler]:
        """Pages of the list."""
        return {ShowSaved: self.show}

    def toasts(self) -> Mapping[type[Action], ToastHandler]:
        """Saving and what is done with saved things."""
        return {Save: self.save, SavePicture: self.save_picture, ChangeSaved: self.change}

    def result_actions(self) -> Sequence[ResultAction]:
        """Save."""
        return [save_key]

    async def save(self, press: Press, action: Save) -> Toast:
        """Saves a shoe; a drop in price and a return in the user's size will be told."""
        user_id, language = press.user_id, press.words.language

        def keep() -> tuple[str, str | None]:
            if self._store.count(user_id) >= _MOST:
                return "saved.too_many", None
            kept = self._store.save_shoe(user_id, action.image_id)
            if kept is None:
                return "image.missing", None
            if not kept.added:
                return "saved.already", None
            self._store.put_alert(user_id, kept.id, "drop", language)
            put = self._store.put_alert(user_id, kept.id, "back", language)
            size = put.size if put else None
            return ("saved.done_size" if size else "saved.done"), size

        key, size = await self._desk.quickly(keep)
        values = {"size": size} if size else {}
        return Toast(press.words.text(key, **values), alert=key != "saved.already")

    async def save_picture(self, press: Press, action: SavePicture) -> Toast:
        """Saves the picture of a search of the user's own."""
        user_id, language = press.user_id, press.words.language

        def keep() -> str:
            if self._store.count(user_id) >= _MOST:
                return "saved.too_many"
            kept = self._store.save_picture(user_id, action.search_id)
            if kept is None:
                return "button.expired"
            self._store.put_alert(user_id, kept.id, "new", language)
            return "saved.picture" if kept.added else "saved.already"

        return Toast(press.words.text(await self._desk.quickly(keep)), alert=True)

    async def list(self, update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        """/saved."""
        message, user_id = asked(update)
        words = await self._desk.languages.of(update.effective_user)
        text, keyboard = await self._page(words, user_id, 0)
        await say(context.bot, Spot.beside(message), text, keyboard)

    async def show(self, press: Press, action: ShowSaved) -> None:
        """A page of the list, in place of the one before."""
        await rewrite(press, *await self._page(press.words, press.user_id, action.first))

    async def change(self, press: Press, action: ChangeSaved) -> Toast:
        """Removes a thing, or switches the news of shoes like it."""
        user_id, saved_id = press.user_id, action.saved_id
        language = press.words.language

        def remove() -> str:
            removed = self._store.remove(user_id, saved_id)
            return "saved.removed" if removed else "saved.gone"

        def switch() -> str:
            news = [
                alert
                for alert in self._store.alerts(user_id, limit=3 * _MOST)
                if alert.saved_id == saved_id and alert.kind == "new"
            ]
            if news:
                self._store.stop_alert(user_id, news[0].id)
                return "saved.news_off"
            put = self._store.put_alert(user_id, saved_id, "new", language)
            return "saved.gone" if put is None else "saved.news_on"

        key = await self._desk.quickly(remove if action.what == "x" else switch)
        await rewrite(press, *await self._page(press.words, user_id, action.first))
        return Toast(press.words.text(key))

    async def _page(
        self, words: Catalogue, user_id: int, first: int
    ) -> tuple[Html, InlineKeyboardMarkup | None]:
        def read() -> tuple[int, int, list[Saved]]:
            count = self._store.count(user_id)
            start = max(0, min(first, (count - 1) // _PAGE * _PAGE))
            return count, start, self._store.saved(user_id, _PAGE, start)

        count, start, things = await self._desk.quickly(read)
        if not things:
            return words.html("saved.empty"), None
        lines = [words.html("saved.title", count=count)]
        rows = []
        for number, thing in enumerate(things, start=start + 1):
            lines.append(_line(words, thing, number))
            rows.append(_row(words, thing, number, start))
        turn = []
        if start > 0:
            turn.append(_key(words.text("saved.previous"), ShowSaved(start - _PAGE)))
        if start + _PAGE < count:
            turn.append(_key(words.text("saved.next"), ShowSaved(start + _PAGE)))
        rows += [turn] if turn else []
        return Html("\n\n".join(lines)), InlineKeyboardMarkup(rows)


def _line(words: Catalogue, thing: Saved, number: int) -> Html:
    if thing.kind == "picture":
        head = Html(f"{number}. {words.html('saved.photo', ago=words.ago(thing.created_at))}")
    else:
        name = escape(shoe_name(words, thing.brand, thing.model, thing.colourway))
        head = Html(f"<b>{number}. {name}</b>")
        if thing.shop is None:
            head = Html(f"{head}\n{words.html('hit.no_offers')}")
        else:
            offer = offer_text(words, thing.price, thing.currency, thing.shop, thing.url)
            head = Html(f"{head}\n{offer}")
    kinds = [words.text(f"alert.kind.{kind}") for kind in ("drop", "back", "new")
             if kind in thing.alerts]  # fmt: skip
    return Html(f"{head}\n🔔 {escape(', '.join(kinds))}") if kinds else head


def _row(words: Catalogue, thing: Saved, number: int, first: int) -> list[InlineKeyboardButton]:
    row = []
    if thing.kind == "shoe" and thing.image_id is not None:
        like = MoreLike(thing.image_id, number)
        row.append(_key(words.text("saved.like", number=number), like))
    key = "saved.stop_news" if "new" in thing.alerts else "saved.start_news"
    row.append(_key(words.text(key, number=number), ChangeSaved("n", thing.id, first)))
    row.append(_key(words.text("saved.remove", number=number), ChangeSaved("x", thing.id, first)))
    return row


def _key(label: str, action: Action) -> InlineKeyboardButton:
    return InlineKeyboardButton(label, callback_data=encode(action))
