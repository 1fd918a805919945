"""Puts albums together: Telegram sends each picture of one as an update of its own."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Final

from telegram import Message, Update


@dataclass(slots=True)
class _Pieces:
    first_at: float
    messages: list[Message] = field(default_factory=list)
    complete: asyncio.Event = field(default_factory=asyncio.Event)
    timer: asyncio.TimerHandle | None = None


class Albums:
    """Gathers messages that share a media group until none has come for ``quiet_s`` seconds."""

    def __init__(self, quiet_s: float = 0.7, longest_s: float = 5.0) -> None:
        self._quiet_s: Final = quiet_s
        self._longest_s: Final = longest_s
        self._open: dict[tuple[int, str], _Pieces] = {}

    def join(self, update: Update) -> bool:
        """Adds a piece to its album; True if it is not the first, so that another handles it."""
        message = update.message
        if message is None or message.media_group_id is None:
            return False
        loop = asyncio.get_running_loop()
        now = loop.time()
        pieces = self._open.setdefault(_key(message), _Pieces(now))
        pieces.messages.append(message)
        if pieces.timer is not None:
            pieces.timer.cancel()
        # The longest wait guards against an album that never ends.
        end = min(now + self._quiet_s, pieces.first_at + self._longest_s)
        pieces.timer = loop.call_at(end, pieces.complete.set)
        return len(pieces.messages) > 1

    async def gather(self, message: Message) -> list[Message]:
        """All messages of the album that ``message`` began, in the order they were sent."""
        pieces = self._open.get(_key(message))
        if pieces is None:
            return [message]
        await pieces.complete.wait()
        del self._open[_key(message)]
        return sorted(pieces.messages, key=lambda piece: piece.message_id)


def _key(message: Message) -> tuple[int, str]:
    return message.chat_id, message.media_group_id or ""
