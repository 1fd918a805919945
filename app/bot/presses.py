"""Pressed buttons: decoded, acknowledged, and handed to the flow whose they are."""

from __future__ import annotations

import logging
import time
from collections import OrderedDict
from collections.abc import Sequence
from typing import Final

from telegram import CallbackQuery, Update
from telegram.error import BadRequest
from telegram.ext import CallbackQueryHandler, ContextTypes

from app.bot.callbacks import Action, OutdatedButton, decode
from app.bot.desk import BotApplication, Desk
from app.bot.flow import Flow, Press, PressHandler, Toast, ToastHandler

LOG = logging.getLogger(__name__)
_SAME_PRESS_S: Final = 2.0
_REMEMBERED: Final = 1024


class Presses:
    """Every press is acknowledged, whatever becomes of it."""

    def __init__(self, desk: Desk, flows: Sequence[Flow]) -> None:
        self._desk = desk
        self._handlers: dict[type[Action], PressHandler] = {}
        self._toasts: dict[type[Action], ToastHandler] = {}
        for flow in flows:
            self._handlers |= flow.presses()
            self._toasts |= flow.toasts()
        self._done: OrderedDict[tuple[int, int], tuple[str, float]] = OrderedDict()

    def add_to(self, application: BotApplication) -> None:
        """Registers the handler."""
        application.add_handler(CallbackQueryHandler(self.pressed))

    async def pressed(self, update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        """A press of any button, however old."""
        query = update.callback_query
        if query is None:
            return
        data = query.data or ""
        press = Press(query, context.bot, await self._desk.languages.of(query.from_user))
        try:
            action = decode(data)
        except OutdatedButton:
            await _acknowledge(query, Toast(press.words.text("button.outdated"), alert=True))
            return
        toaster = self._toasts.get(type(action))
        if toaster is not None:
            await _toast(query, toaster, press, action)
            return
        await _acknowledge(query)
        key = (query.from_user.id, query.message.message_id if query.message else 0)
        # A second tap on the same button while the first is worked on means the same wish; coming
        # back to it by another button does not.
        last, done_at = self._done.get(key, ("", -_SAME_PRESS_S))
        if last == data and time.monotonic() - done_at < _SAME_PRESS_S:
            return
        await self._handlers[type(action)](press, action)
        # Only what was done: after a failure the same tap asks again.
        self._done[key] = (data, time.monotonic())
        self._done.move_to_end(key)
        if len(self._done) > _REMEMBERED:
            self._done.popitem(last=False)


async def _toast(query: CallbackQuery, toaster: ToastHandler, press: Press, action: Action) -> None:
    try:
        toast = await toaster(press, action)
    except BaseException:
        await _acknowledge(query)  # the words about the failure come as a message
        raise
    await _acknowledge(query, toast)


async def _acknowledge(query: CallbackQuery, toast: Toast | None = None) -> None:
    try:
        if toast is None:
            await query.answer()
        else:
            await query.answer(toast.text, show_alert=toast.alert)
    except BadRequest as error:
        # Pressed while the bot was down: the spinner is long gone, the wish is not.
        LOG.info("press not acknowledged: %s", error.message)
