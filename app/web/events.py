"""What happened in the chats, in order: what a page that shows them has to be told."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any, Final

KEEP: Final = 2000


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened.

    ``chat_id`` None concerns everybody, ``user_id`` None everybody in the chat. Kinds: ``message``,
    ``edited``, ``deleted``, ``cleared``, ``action``, ``answered``, ``chat``, ``commands``, ``bot``,
    ``people``.
    """

    number: int
    kind: str
    content: dict[str, Any]
    chat_id: int | None = None
    user_id: int | None = None


class EventLog:
    """The last events by number, from 1 on."""

    def __init__(self, keep: int = KEEP) -> None:
        self._events: deque[Event] = deque(maxlen=keep)
        self.last = 0

    def add(
        self,
        kind: str,
        content: dict[str, Any],
        *,
        chat_id: int | None = None,
        user_id: int | None = None,
    ) -> None:
        """Notes an event; who waits for news is woken by ``World.changed``."""
        self.last += 1
        self._events.append(Event(self.last, kind, content, chat_id, user_id))

    def since(self, number: int) -> list[Event] | None:
        """The events after ``number``; None when some of them are no longer kept."""
        if number > self.last:
            return None  # of another life of the server
        if number < self.last - len(self._events):
            return None
        missed = self.last - number
        return list(self._events)[len(self._events) - missed :]
