"""Faults on request: what tests and the curious do to the bot's connection."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from app.web.failure import ApiFailure


class ConnectionLost(Exception):
    """The connection is to be cut instead of answered."""


@dataclass(slots=True)
class Fault:
    """One kind of trouble for the next ``times`` calls of ``method`` (``*``: any but getUpdates).

    ``status`` answers with that code; ``reset`` cuts the connection; ``delay_s`` waits first. With
    ``late`` the call is carried out before the trouble comes: the message is there, the bot does
    not know. ``chat_id`` limits it to one chat.
    """

    method: str = "*"
    status: int | None = None
    description: str = "Internal Server Error"
    retry_after: int | None = None
    reset: bool = False
    delay_s: float = 0.0
    times: int = 1
    late: bool = False
    chat_id: int | None = None

    def matches(self, method: str, chat_id: str | None) -> bool:
        """Whether the call is one of those to spoil."""
        named = self.method.lower() == method or (self.method == "*" and method != "getupdates")
        return named and self.times > 0 and (self.chat_id is None or str(self.chat_id) == chat_id)

    async def strike(self) -> None:
        """Does what it is for.

        Raises:
            ApiFailure: the answer to give.
            ConnectionLost: no answer at all.
        """
        self.times -= 1
        if self.delay_s:
            await asyncio.sleep(self.delay_s)
        if self.reset:
            raise ConnectionLost
        if self.retry_after is not None:
            raise ApiFailure(
                429,
                f"Too Many Requests: retry after {self.retry_after}",
                {"retry_after": self.retry_after},
            )
        if self.status is not None:
            raise ApiFailure(self.status, self.description)


class Faults:
    """The faults still to strike."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []

    def add(self, fault: Fault) -> Fault:
        """Arms a fault; returns it, so that ``times`` can be watched."""
        self._waiting.append(fault)
        return fault

    def next(self, method: str, chat_id: str | None) -> Fault | None:
        """The fault for this call, None if it may pass."""
        self._waiting = [fault for fault in self._waiting if fault.times > 0]
        return next((fault for fault in self._waiting if fault.matches(method, chat_id)), None)
