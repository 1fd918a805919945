"""/settings: language, currency, size system and size, shops. They hold for every question."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from telegram import InlineKeyboardButton, InlineKeyboardMarkup, Update
from telegram.ext import CommandHandler, ContextTypes, filters

from app.bot.actions import Choose, OpenSettings, Page
from app.bot.callbacks import Action, OutdatedButton
from app.bot.desk import BotApplication, Desk
from app.bot.flow import Flow, Press, PressHandler
from app.bot.flows.addressed import is_private
from app.bot.flows.results import rewrite
from app.bot.keyboards import digest, even_rows, key, pairs
from app.bot.sessions import AS_STATED, currency_for
from app.bot.spot import Spot, say
from app.bot.views import shortened
from app.db.dialogue import UserSettings
from app.domain import SizeSystem
from app.i18n import LANGUAGES, Catalogue, Html, catalogue, known_language

CURRENCIES: Final = ("RUB", "USD", "EUR", "KZT", "BYN", "GBP")
SYSTEMS: Final[tuple[SizeSystem, ...]] = ("EU", "US", "UK", "CM", "RU")
_SIZES: Final = 20
_SHOPS: Final = 12
_ANY: Final = "any"
_NOT: Final = "-"
_LABEL: Final = re.compile(r"[\w.,-]{1,12}")


@dataclass(frozen=True, slots=True)
class _Choices:
    """What can be chosen from, as the catalogue is now."""

    sizes: list[str]
    shops: list[str]


class Settings(Flow):
    """One message that is rewritten from page to page."""

    commands = ("settings",)

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def add_to(self, application: BotApplication) -> None:
        """Registers the command."""
        new = filters.UpdateType.MESSAGE
        application.add_handler(CommandHandler("settings", self.open, new))

    def presses(self) -> Mapping[type[Action], PressHandler]:
        """Pages and choices."""
        return {OpenSettings: self.turn, Choose: self.choose}

    async def open(self, update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        """/settings."""
        message, user = update.message, update.effective_user
        if message is None or user is None:
            return
        words = await self._desk.languages.of(user)
        spot = Spot.beside(message)
        if not is_private(message):
            name = context.bot.username
            await say(context.bot, spot, words.html("settings.in_private", name=name))
            return
        text, keyboard = await self._page(words, user.id, "main")
        await say(context.bot, spot, text, keyboard)

    async def turn(self, press: Press, action: OpenSettings) -> None:
        """Another page in the same message."""
        text, keyboard = await self._page(press.words, press.user_id, action.page)
        await rewrite(press, text, keyboard)

    async def choose(self, press: Press, action: Choose) -> None:
        """Keeps a choice; the session's filters begin anew from what is set."""
        words = press.words
        if action.page == "language":
            language = known_language(action.value)
            if language is None:
                raise OutdatedButton(action.value)
            await self._desk.languages.choose(press.user_id, language)
            words = catalogue(language)
        else:
            dialogues = self._desk.services.dialogues
            before = await self._desk.quickly(lambda: dialogues.settings(press.user_id))
            chosen = await self._changed(before, action)
            await self._desk.quickly(lambda: dialogues.set_settings(press.user_id, chosen))
            await self._desk.sessions.reset(press.spot.chat_id, press.user_id)
        # Shops are ticked one after another, a size follows its system; the rest is done.
        onward: dict[Page, Page] = {"shops": "shops", "system": "size"}
        page = onward.get(action.page, "main") if action.value != _ANY else "main"
        text, keyboard = await self._page(words, press.user_id, page)
        await rewrite(press, text, keyboard)

    async def _changed(self, before: UserSettings, action: Choose) -> UserSettings:
        value = None if action.value == _ANY else action.value
        match action.page:
            case "currency" if value in (*CURRENCIES, AS_STATED):
                return replace(before, currency=value)
            case "system" if value in SYSTEMS:
                size = before.size if value == before.size_system else None
                return replace(before, size_system=value, size=size)
            case "size" if value is None or _LABEL.fullmatch(value):
                return replace(before, size=value, size_system=before.size_system or "EU")
            case "shops":
                if value is None:
                    return replace(before, shops=())
                names = [*await self._shops(), *before.shops]
                wanted = value.removeprefix(_NOT)
                name = next((name for name in names if digest(name) == wanted), None)
                if name is None:
                    raise OutdatedButton(action.value)
                left = tuple(shop for shop in before.shops if shop != name)
                return replace(before, shops=left if value.startswith(_NOT) else (*left, name))
        raise OutdatedButton(action.value)

    async def _page(
        self, words: Catalogue, user_id: int, page: Page
    ) -> tuple[Html, InlineKeyboardMarkup]:
        dialogues = self._desk.services.dialogues
        chosen = await self._desk.quickly(lambda: dialogues.settings(user_id))
        system = chosen.size_system or "EU"
        sizes, shops = [], []
        if page == "size":
            sizes = await self._desk.quickly(lambda: dialogues.sizes(system, _SIZES))
        if page == "shops":
            shops = await self._shops()
            shops += [name for name in chosen.shops if name not in shops]
        rows = page_rows(words, page, chosen, _Choices(sizes, shops))
        if page != "main":
            rows.append([key(words.text("settings.back"), OpenSettings("main"))])
        return page_text(words, page, chosen), InlineKeyboardMarkup(rows)

    async def _shops(self) -> list[str]:
        return await self._desk.quickly(lambda: self._desk.services.dialogues.shops(_SHOPS))


def page_text(words: Catalogue, page: Page, chosen: UserSettings) -> Html:
    """The words of a page."""
    if page != "main":
        return words.html(f"settings.ask.{page}", system=chosen.size_system or "EU")
    size = f"{chosen.size} {chosen.size_system}" if chosen.size else words.text("settings.any")
    return words.html(
        "settings.now",
        language=words.text("language.name"),
        currency=_currency(words, currency_for(chosen, words.language)),
        size=size,
        shops=", ".join(map(shortened, chosen.shops)) or words.text("settings.all"),
    )


def page_rows(
    words: Catalogue, page: Page, chosen: UserSettings, choices: _Choices
) -> list[list[InlineKeyboardButton]]:
    """The buttons of a page; what is chosen is ticked."""

    def choice(label: str, value: str, ticked: bool) -> InlineKeyboardButton:
        return key(f"✓ {label}" if ticked else label, Choose(page, value))

    match page:
        case "main":
            pages: tuple[Page, ...] = ("language", "currency", "system", "size", "shops")
            return pairs(key(words.text(f"settings.{name}"), OpenSettings(name)) for name in pages)
        case "language":
            return [
                [
                    choice(catalogue(name).text("language.name"), name, name == words.language)
                    for name in LANGUAGES
                ]
            ]
        case "currency":
            now = currency_for(chosen, words.language)
            keys = [choice(_currency(words, name), name, name == now) for name in CURRENCIES]
            own = choice(_currency(words, AS_STATED), AS_STATED, now == AS_STATED)
            return [*even_rows(keys, 3), [own]]
        case "system":
            return even_rows([choice(n, n, n == (chosen.size_system or "EU")) for n in SYSTEMS], 5)
        case "size":
            keys = [choice(label, label, label == chosen.size) for label in choices.sizes]
            anything = choice(words.text("settings.any_size"), _ANY, chosen.size is None)
            return [*even_rows(keys, 5), [anything]]
        case "shops":
            keys = [
                choice(
                    shortened(name),
                    # Pressed again it means the contrary, not the same.
                    f"{_NOT}{digest(name)}" if name in chosen.shops else digest(name),
                    name in chosen.shops,
                )
                for name in choices.shops
            ]
            return [
                *pairs(keys),
                [choice(words.text("settings.all_shops"), _ANY, not chosen.shops)],
            ]


def _currency(words: Catalogue, code: str) -> str:
    key_ = f"currency.{code}"
    if code == AS_STATED:
        return words.text("settings.own_currency")
    return words.text(key_) if key_ in words.messages else code
