"""/alerts: what will be told unasked, and when not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import time
from html import escape
from typing import Final

from telegram import InlineKeyboardButton, InlineKeyboardMarkup, Update
from telegram.ext import ChatMemberHandler, CommandHandler, ContextTypes, filters

from app.bot.callbacks import Action, button, encode
from app.bot.desk import BotApplication, Desk
from app.bot.flow import Flow, Press, PressHandler, Toast, ToastHandler
from app.bot.flows.keeping import asked
from app.bot.flows.results import rewrite
from app.bot.letters import StopAlert, shoe_name
from app.bot.spot import Spot, say
from app.db.bot import BotStore
from app.db.bot_saved import Alert, Contact
from app.i18n import Catalogue, Html

_SHOWN: Final = 20
_HOURS: Final = ((21, 8), (22, 9), (23, 10), (0, 8))
_ZONES: Final = (
    "Europe/Kaliningrad", "Europe/Moscow", "Europe/Samara", "Asia/Yekaterinburg", "Asia/Omsk",
    "Asia/Krasnoyarsk", "Asia/Irkutsk", "Asia/Yakutsk", "Asia/Vladivostok", "Asia/Almaty", "UTC",
    "Europe/London", "Europe/Berlin", "America/New_York", "America/Los_Angeles",
)  # fmt: skip
"""Time zones to choose from; buttons carry a zone's place here, so new ones go to the end."""
_IN_ROW: Final = 3
_GONE: Final = frozenset({"kicked", "left", "restricted"})


@button("al")
@dataclass(frozen=True)
class ListAlerts(Action):
    """Show the list of alerts."""


@button("as")
@dataclass(frozen=True)
class StopListed(Action):
    """Switch an alert off and show the list again; 0: all of them."""

    alert_id: int


@button("aq")
@dataclass(frozen=True)
class AskQuiet(Action):
    """Show the choice of quiet hours."""


@button("ah")
@dataclass(frozen=True)
class SetQuiet(Action):
    """Quiet hours from one full hour to another; the same twice: none."""

    start: int
    end: int


@button("az")
@dataclass(frozen=True)
class SetZone(Action):
    """The user's time zone, by its place in the list."""

    zone: int


class Alerts(Flow):
    """The flow."""

    commands = ("alerts",)

    def __init__(self, desk: Desk, store: BotStore) -> None:
        self._desk = desk
        self._store = store.saved

    def add_to(self, application: BotApplication) -> None:
        """Registers the handlers."""
        new = filters.UpdateType.MESSAGE
        application.add_handler(CommandHandler("alerts", self.list, new))
        application.add_handler(ChatMemberHandler(self.blocked, ChatMemberHandler.MY_CHAT_MEMBER))

    def presses(self) -> Mapping[type[Action], PressHandler]:
        """The list and the choice of hours."""
        return {ListAlerts: self.show, AskQuiet: self.ask_quiet}

    def toasts(self) -> Mapping[type[Action], ToastHandler]:
        """Stopping, hours, zones."""
        return {
            StopAlert: self.stop,
            StopListed: self.stop_listed,
            SetQuiet: self.set_quiet,
            SetZone: self.set_zone,
        }

    async def blocked(self, update: Update, _: ContextTypes.DEFAULT_TYPE) -> None:
        """The user blocked the bot, or let it in again."""
        change = update.my_chat_member
        if change is None or change.chat.id != change.from_user.id:
            return
        user_id, gone = change.chat.id, change.new_chat_member.status in _GONE
        await self._desk.quickly(lambda: self._store.block(user_id, gone))

    async def list(self, update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        """/alerts."""
        message, user_id = asked(update)
        words = await self._desk.languages.of(update.effective_user)
        text, keyboard = await self._page(words, user_id)
        await say(context.bot, Spot.beside(message), text, keyboard)

    async def show(self, press: Press, _: ListAlerts) -> None:
        """The list, in place of the choice of hours."""
        await rewrite(press, *await self._page(press.words, press.user_id))

    async def stop(self, press: Press, action: StopAlert) -> Toast:
        """The button under an alert's own message."""
        user_id = press.user_id
        stopped = await self._desk.quickly(lambda: self._store.stop_alert(user_id, action.alert_id))
        return Toast(press.words.text("alert.stopped" if stopped else "alert.gone"))

    async def stop_listed(self, press: Press, action: StopListed) -> Toast:
        """A button of the list."""
        user_id, alert_id = press.user_id, action.alert_id
        if alert_id:
            stopped = await self._desk.quickly(lambda: self._store.stop_alert(user_id, alert_id))
            toast = press.words.text("alert.stopped" if stopped else "alert.gone")
        else:
            count = await self._desk.quickly(lambda: self._store.stop_all(user_id))
            toast = press.words.text("alert.stopped_all", count=count)
        await rewrite(press, *await self._page(press.words, user_id))
        return Toast(toast)

    async def ask_quiet(self, press: Press, _: AskQuiet) -> None:
        """The choice of hours and zones."""
        await rewrite(press, *await self._choice(press.words, press.user_id))

    async def set_quiet(self, press: Press, action: SetQuiet) -> Toast | None:
        """Chosen hours."""
        if not (action.start < 24 and action.end < 24):
            return Toast(press.words.text("button.outdated"), alert=True)
        none = action.start == action.end
        contact = (
            Contact(None, False, None, None)
            if none
            else Contact(None, True, time(action.start), time(action.end))
        )
        await self._set(press, contact)
        return None

    async def set_zone(self, press: Press, action: SetZone) -> Toast | None:
        """A chosen zone."""
        if action.zone >= len(_ZONES):
            return Toast(press.words.text("button.outdated"), alert=True)
        await self._set(press, Contact(_ZONES[action.zone], None, None, None))
        return None

    async def _set(self, press: Press, contact: Contact) -> None:
        user_id = press.user_id
        await self._desk.quickly(lambda: self._store.set_contact(user_id, contact))
        await rewrite(press, *await self._choice(press.words, user_id))

    async def _page(
        self, words: Catalogue, user_id: int
    ) -> tuple[Html, InlineKeyboardMarkup | None]:
        alerts = await self._desk.quickly(lambda: self._store.alerts(user_id, _SHOWN + 1))
        contact = await self._desk.quickly(lambda: self._store.contact(user_id))
        hours = [_key(words.text("alert.hours"), AskQuiet())]
        if not alerts:
            return words.html("alert.none"), InlineKeyboardMarkup([hours])
        lines = [words.html("alert.title")]
        lines += [
            _line(words, alert, number) for number, alert in enumerate(alerts[:_SHOWN], start=1)
        ]
        if len(alerts) > _SHOWN:
            lines.append(words.html("alert.more"))
        lines.append(_quiet(words, contact))
        keys = [
            _key(words.text("alert.stop_one", number=number), StopListed(alert.id))
            for number, alert in enumerate(alerts[:_SHOWN], start=1)
        ]
        rows = _rows(keys, 4)
        if len(alerts) > 1:
            rows.append([_key(words.text("alert.stop_all"), StopListed(0))])
        return Html("\n\n".join(lines)), InlineKeyboardMarkup([*rows, hours])

    async def _choice(self, words: Catalogue, user_id: int) -> tuple[Html, InlineKeyboardMarkup]:
        contact = await self._desk.quickly(lambda: self._store.contact(user_id))
        text = Html(f"{_quiet(words, contact)}\n\n{words.html('alert.choose')}")
        hours = [_key(_span(start, end), SetQuiet(start, end)) for start, end in _HOURS]
        zones = [
            _key(words.text(f"zone.{_zone_key(zone)}"), SetZone(place))
            for place, zone in enumerate(_ZONES)
        ]
        rows = [
            hours,
            [_key(words.text("alert.always"), SetQuiet(0, 0))],
            *_rows(zones, _IN_ROW),
            [_key(words.text("alert.back_to_list"), ListAlerts())],
        ]
        return text, InlineKeyboardMarkup(rows)


def _line(words: Catalogue, alert: Alert, number: int) -> Html:
    if alert.saved_kind == "picture":
        name = words.text("saved.photo", ago=words.ago(alert.saved_at))
    else:
        name = shoe_name(words, alert.brand, alert.model, alert.colourway)
    if alert.kind == "drop" and alert.told_price is not None:
        what = words.text("alert.waits_drop", price=words.price(alert.told_price, alert.currency))
    elif alert.kind == "back" and alert.size:
        what = words.text("alert.waits_size", size=alert.size)
    else:
        what = words.text(f"alert.waits.{alert.kind}")
    text = f"<b>{number}. {escape(name)}</b>\n{escape(what)}"
    return Html(f"{text}\n{words.html('alert.asleep')}" if alert.asleep else text)


def _quiet(words: Catalogue, contact: Contact) -> Html:
    default = "UTC" if words.language == "en" else "Europe/Moscow"
    zone = words.text(f"zone.{_zone_key(contact.timezone or default)}")
    if contact.quiet is False:
        return words.html("alert.no_quiet", zone=zone)
    start, end = contact.quiet_from or time(22), contact.quiet_to or time(9)
    return words.html("alert.quiet", hours=f"{start:%H:%M}–{end:%H:%M}", zone=zone)


def _span(start: int, end: int) -> str:
    return f"{start}–{end}"


def _zone_key(zone: str) -> str:
    return zone.rpartition("/")[2].lower()


def _rows(keys: list[InlineKeyboardButton], length: int) -> list[list[InlineKeyboardButton]]:
    return [keys[at : at + length] for at in range(0, len(keys), length)]


def _key(label: str, action: Action) -> InlineKeyboardButton:
    return InlineKeyboardButton(label, callback_data=encode(action))
