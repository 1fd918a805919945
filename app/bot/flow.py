"""What a flow is: one thing people do with the bot, with its commands, messages and buttons.

A flow is a class in ``app/bot/flows``; :func:`app.bot.main.all_flows` lists them. It may put
buttons of its own under a result: see :data:`ResultAction`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias

from telegram import Bot, CallbackQuery, Message

from app.bot.callbacks import Action
from app.bot.desk import BotApplication
from app.bot.shown import Shown
from app.bot.spot import Spot
from app.i18n import Catalogue

__all__ = [
    "Flow",
    "Key",
    "Press",
    "PressHandler",
    "ResultAction",
    "Shown",
    "Toast",
    "ToastHandler",
]


@dataclass(frozen=True, slots=True)
class Press:
    """A pressed button: by whom, under what, and in which language to answer."""

    query: CallbackQuery
    bot: Bot
    words: Catalogue

    @property
    def user_id(self) -> int:
        """Who pressed."""
        return self.query.from_user.id

    @property
    def user_key(self) -> str:
        """Who pressed, as stored with searches."""
        return f"tg:{self.query.from_user.id}"

    @property
    def message(self) -> Message | None:
        """The message the button stands under; None when it is too old to be seen."""
        return self.query.message if isinstance(self.query.message, Message) else None

    @property
    def spot(self) -> Spot:
        """Where an answer goes: the chat and topic of the button."""
        if self.message is not None:
            return Spot.beside(self.message)
        # Of a message too old to see only the chat is known; of an inline one not even that.
        return Spot(self.query.message.chat.id if self.query.message else self.user_id)


@dataclass(frozen=True, slots=True)
class Toast:
    """Words shown over the chat for a moment; an ``alert`` waits for a tap."""

    text: str
    alert: bool = False


Key: TypeAlias = tuple[str, Action]
"""A button: its label and what it does."""
ResultAction: TypeAlias = Callable[[Catalogue, Shown], Key | None]
"""Makes the button that a flow offers under one result; None where it has none for this one."""
PressHandler: TypeAlias = Callable[[Press, Any], Awaitable[None]]
"""Does a button's action; the press was acknowledged before."""
ToastHandler: TypeAlias = Callable[[Press, Any], Awaitable[Toast | None]]
"""Does a button's action; what it returns is shown as the press is acknowledged."""


class Flow:
    """What the bot asks of every flow; each part may stay empty."""

    commands: ClassVar[Sequence[str]] = ()
    """Commands for Telegram's menu, in its order; their words are ``command.NAME`` messages."""

    def add_to(self, application: BotApplication) -> None:
        """Registers handlers of messages and commands."""

    def presses(self) -> Mapping[type[Action], PressHandler]:
        """Buttons whose answer is a message: acknowledged at once, then done."""
        return {}

    def toasts(self) -> Mapping[type[Action], ToastHandler]:
        """Buttons whose answer is a toast: done first, quickly, then acknowledged with it."""
        return {}

    def result_actions(self) -> Sequence[ResultAction]:
        """Buttons for the card of a single result."""
        return ()

    async def close(self) -> None:
        """Ends what the flow has running; called once, before the bot stops."""
