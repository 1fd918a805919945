"""Telegram's limits on what a bot sends: kept by itself, and obeyed when told.

A 429 stops the chat it came for; one for no chat in particular, or for several chats at once, stops
all. Requests that waited go out in the order they came.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final

from telegram.error import BadRequest, NetworkError, RetryAfter
from telegram.ext import BaseRateLimiter

from app.bot.marks import Marks
from app.bot.said import SAID

LOG = logging.getLogger(__name__)
_REMEMBERED: Final = 10_000
_TOGETHER_S: Final = 2.0
_SEVERAL: Final = 3
_SLACK_S: Final = 0.1
_ORNAMENTS: Final = frozenset({"sendChatAction"})
TURN_TAKEN: Final = -1
"""``rate_limit_args`` of a request whose turn was waited for before: made at once, never again."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast requests may go: ``burst`` at once, then ``per_s`` a second."""

    per_s: float
    burst: int


@dataclass(frozen=True, slots=True)
class Limits:
    """Telegram's published limits, and how often a refused request is repeated."""

    overall: Pace = Pace(30.0, 30)
    private: Pace = Pace(1.0, 20)
    group: Pace = Pace(20 / 60, 20)
    retries: int = 5
    longest_wait_s: float = 120.0
    """A refusal for longer than this is handed on at once: nobody waits that long for an answer."""


class _Queue:
    """A token bucket whose waiters are served in order: a turn is a reservation."""

    __slots__ = ("_free_at", "_pace")

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._free_at = 0.0

    def reserve(self, now: float) -> float:
        """Takes a turn; returns the seconds until it comes."""
        step = 1.0 / self._pace.per_s
        start = max(self._free_at, now - (self._pace.burst - 1) * step)
        self._free_at = start + step
        return max(0.0, start - now)

    def is_idle(self, now: float) -> bool:
        """Whether the bucket is full again."""
        return self._free_at <= now - (self._pace.burst - 1) / self._pace.per_s


class ChatLimiter(BaseRateLimiter[int]):
    """Paces and repeats requests; ``rate_limit_args`` of a request is its number of retries."""

    def __init__(
        self,
        marks: Marks,
        limits: Limits | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limits = limits or Limits()
        self._marks = marks
        self._clock = clock
        self._overall = _Queue(self._limits.overall)
        self._chats: OrderedDict[int | str, _Queue] = OrderedDict()
        self._held: dict[int | str, float] = {}
        self._all_held = 0.0
        self._refused: deque[tuple[float, int | str]] = deque(maxlen=32)

    @property
    def held(self) -> tuple[int, float]:
        """How many chats wait for Telegram's leave, and for how many seconds all of them do."""
        now = self._clock()
        waiting = sum(until > now for until in self._held.values())
        return waiting, max(0.0, self._all_held - now)

    async def initialize(self) -> None:
        """Nothing to open."""

    async def shutdown(self) -> None:
        """Nothing to close."""

    async def process_request(
        self,
        callback: Callable[..., Coroutine[Any, Any, Any]],
        args: Any,
        kwargs: dict[str, Any],
        endpoint: str,
        data: dict[str, Any],
        rate_limit_args: int | None,
    ) -> Any:
        """Makes the request when its turn comes."""
        chat = data.get("chat_id")
        retries = self._limits.retries if rate_limit_args is None else max(0, rate_limit_args)
        if endpoint in _ORNAMENTS:
            retries = 0
            if (wait := self._hold_left(chat)) > 0:
                raise RetryAfter(int(wait) + 1)
        said = SAID.get() if _makes_messages(endpoint) else None
        if said is not None and (known := said.before(endpoint, data)) is not None:
            if isinstance(chat, int):
                # A message unknown so far could only follow the last one that was kept, and then
                # it is about to be sent again, under an id of its own.
                note = self._marks.recalled if said.left else self._marks.sent
                note(chat, known)
            return known
        for attempt in range(retries + 1):
            if rate_limit_args != TURN_TAKEN:
                await self.turn(endpoint, chat)
            try:
                result = await callback(*args, **kwargs)
            except RetryAfter as error:
                wait = error._retry_after.total_seconds()
                self._hold(chat, wait)
                if attempt == retries or wait > self._limits.longest_wait_s:
                    raise
                LOG.info("%s: Telegram asks to wait %.0f s", endpoint, wait)
            except BadRequest:
                raise
            except NetworkError:
                if _makes_messages(endpoint) and isinstance(chat, int):
                    self._marks.doubt(chat)
                raise
            else:
                if _makes_messages(endpoint) and isinstance(chat, int):
                    self._marks.sent(chat, result)
                if said is not None:
                    await said.note(endpoint, data, result)
                return result
        raise AssertionError("the last attempt returns or raises")

    async def turn(self, endpoint: str, chat: int | str | None) -> None:
        """Waits until a request may be made."""
        if _makes_messages(endpoint) or endpoint.startswith("edit"):
            now = self._clock()
            wait = self._overall.reserve(now)
            if chat is not None:
                wait = max(wait, self._queue(chat, now).reserve(now))
            await asyncio.sleep(wait)
        while True:
            wait = self._hold_left(chat)
            if wait <= 0:
                return
            await asyncio.sleep(wait)

    def _queue(self, chat: int | str, now: float) -> _Queue:
        queue = self._chats.get(chat)
        if queue is None:
            is_group = isinstance(chat, str) or chat < 0
            queue = _Queue(self._limits.group if is_group else self._limits.private)
            self._chats[chat] = queue
            if len(self._chats) > _REMEMBERED:
                oldest = next(iter(self._chats))
                if self._chats[oldest].is_idle(now):
                    del self._chats[oldest]
        self._chats.move_to_end(chat)
        return queue

    def _hold_left(self, chat: int | str | None) -> float:
        now = self._clock()
        own = 0.0 if chat is None else self._held.get(chat, 0.0) - now
        return max(0.0, own, self._all_held - now)

    def _hold(self, chat: int | str | None, wait_s: float) -> None:
        now = self._clock()
        until = now + wait_s + _SLACK_S
        if chat is None:
            self._all_held = max(self._all_held, until)
            return
        self._held = {key: at for key, at in self._held.items() if at > now}
        self._held[chat] = max(self._held.get(chat, 0.0), until)
        self._refused.append((now, chat))
        recent = {key for at, key in self._refused if now - at <= _TOGETHER_S}
        if len(recent) >= _SEVERAL:
            # One chat's limit does not reach several chats within moments: this is the bot's own.
            self._all_held = max(self._all_held, until)


def _makes_messages(endpoint: str) -> bool:
    return endpoint.startswith(("send", "forward", "copy")) and endpoint not in _ORNAMENTS
