"""In what order updates are handled: users side by side, one user's updates one after another."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Coroutine, Hashable
from contextlib import asynccontextmanager
from typing import Any, Final

from telegram import Update
from telegram.ext import BaseUpdateProcessor

from app.bot.albums import Albums

_REMEMBERED: Final = 4096
# Waiting updates cost a task each and nothing else: what is bounded is the work, by the lanes and
# by the search threads, so this only has to be more than Telegram ever has queued.
_WAITING: Final = 10_000


class Lanes(BaseUpdateProcessor):
    """Gives every user a lane of their own.

    Updates of one lane run in the order they came; lanes run at the same time, so a slow request
    keeps only its own user waiting. An update that was seen before is dropped: Telegram sends one
    again when its confirmation got lost. The further pieces of an album join the first one, which
    may be waiting in its lane, instead of queueing behind it.
    """

    def __init__(self, albums: Albums) -> None:
        super().__init__(_WAITING)
        self._albums = albums
        self._lanes: dict[Hashable, _Lane] = {}
        self._seen: OrderedDict[int, None] = OrderedDict()

    async def initialize(self) -> None:
        """Nothing to open."""

    async def shutdown(self) -> None:
        """Nothing to close."""

    async def do_process_update(self, update: object, coroutine: Awaitable[Any]) -> None:
        """Runs the update's handlers in its user's lane, or drops it."""
        if not isinstance(update, Update):
            await coroutine
            return
        if self._is_repeated(update) or self._albums.join(update):
            _discard(coroutine)
            return
        async with self._lane(_key(update)):
            await coroutine

    def _is_repeated(self, update: Update) -> bool:
        if update.update_id in self._seen:
            return True
        self._seen[update.update_id] = None
        if len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)
        return False

    @asynccontextmanager
    async def _lane(self, key: Hashable) -> AsyncIterator[None]:
        lane = self._lanes.setdefault(key, _Lane())
        lane.users += 1
        try:
            async with lane.lock:
                yield
        finally:
            lane.users -= 1
            if not lane.users:
                del self._lanes[key]


class _Lane:
    """A lock, which wakes its waiters in order, and how many hold or await it."""

    __slots__ = ("lock", "users")

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.users = 0


def _key(update: Update) -> Hashable:
    user, chat = update.effective_user, update.effective_chat
    return user.id if user else chat.id if chat else None


def _discard(coroutine: Awaitable[Any]) -> None:
    if isinstance(coroutine, Coroutine):
        coroutine.close()  # tells Python that not awaiting it is meant
