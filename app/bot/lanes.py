"""In what order updates are handled: users side by side, one user's updates one after another."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Coroutine, Hashable, Iterable
from contextlib import asynccontextmanager
from typing import Any, Final

from telegram import Update
from telegram.ext import BaseUpdateProcessor

from app.bot.albums import Albums
from app.bot.flood import Flood
from app.bot.ledger import Ledger
from app.bot.manners import Manners
from app.bot.said import SAID, Said
from app.db.bot_inbox import Outcome

LOG = logging.getLogger(__name__)
_REMEMBERED: Final = 4096
# Waiting updates cost a task each and nothing else: what is bounded is the work, by the lanes and
# by the search threads, so this only has to be more than Telegram ever has queued.
_WAITING: Final = 10_000


class Lanes(BaseUpdateProcessor):
    """Gives every user a lane of their own.

    Updates of one lane run in the order they came; lanes run at the same time, so a slow request
    keeps only its own user waiting. An update that was seen before is dropped: Telegram sends one
    again when its confirmation got lost. The further pieces of an album join the first one, which
    may be waiting in its lane, instead of queueing behind it; in the ledger they end with it.
    """

    def __init__(
        self,
        albums: Albums,
        flood: Flood,
        manners: Manners,
        ledger: Ledger | None = None,
        attempts: int = 10,
    ) -> None:
        super().__init__(_WAITING)
        self._albums = albums
        self._flood = flood
        self._manners = manners
        self._ledger = ledger
        self._attempts = attempts
        self._lanes: dict[Hashable, _Lane] = {}
        self._seen: OrderedDict[int, None] = OrderedDict()
        self._pieces: dict[tuple[int, str], list[int]] = {}
        self._resumed: set[int] = set()
        self.caught_up = asyncio.Event()
        """Set once every update that an earlier process left undone has been handled."""
        self.caught_up.set()
        self.closing = False
        """No update is begun any more; with a ledger the next process takes up those in line."""

    async def initialize(self) -> None:
        """Nothing to open."""

    async def shutdown(self) -> None:
        """Nothing to close."""

    @property
    def waiting(self) -> int:
        """Updates that are handled or in line."""
        return sum(lane.users for lane in self._lanes.values())

    @asynccontextmanager
    async def alone(self, user_id: int) -> AsyncIterator[None]:
        """Holds a user's lane: nothing else is said to them meanwhile."""
        async with self._lane(user_id):
            self._manners.silent.add(user_id)
            try:
                yield
            finally:
                self._manners.silent.discard(user_id)

    def resume(self, update_ids: Iterable[int]) -> None:
        """Updates of an earlier process: nobody is refused for what was waiting already."""
        self._resumed = set(update_ids)
        if self._resumed:
            self.caught_up.clear()

    async def do_process_update(self, update: object, coroutine: Awaitable[Any]) -> None:
        """Runs the update's handlers in its user's lane, or drops it."""
        if not isinstance(update, Update):
            await coroutine
            return
        try:
            await self._handle(update, coroutine)
        finally:
            self._resumed.discard(update.update_id)
            if not self._resumed:
                self.caught_up.set()

    async def _handle(self, update: Update, coroutine: Awaitable[Any]) -> None:
        album = _album(update)
        if self._is_repeated(update) or self._albums.join(update):
            if album is not None and self._ledger is not None:
                self._pieces.setdefault(album, []).append(update.update_id)
            _discard(coroutine)
            return
        refusal = None
        if update.update_id not in self._resumed:
            # Every letter typed in an inline query is an update: they have an account of their own.
            refusal = self._flood.refuse((_key(update), update.inline_query is not None))
        if refusal is not None:
            _discard(coroutine)
            if refusal.tell:
                await self._manners.flood(update, refusal.wait_s)
            await self._drop(update, "flood", album)
            return
        async with self._lane(_key(update)):
            begun, said = await self._begin(update, album)
            if not begun:
                _discard(coroutine)
                return
            token = SAID.set(said)
            try:
                await coroutine
            finally:
                SAID.reset(token)
            await self._end(update, "done", album)

    async def _begin(
        self, update: Update, album: tuple[int, str] | None
    ) -> tuple[bool, Said | None]:
        """Whether the update is to be handled, and where what it is told is kept."""
        if self._ledger is None:
            return True, None
        if self.closing:
            return False, None
        attempt = await self._ledger.begin(update)
        if attempt is None:
            return False, None
        if attempt.number > self._attempts:
            LOG.error("update %s is given up after %d attempts", update.update_id, self._attempts)
            await self._manners.given_up(update)
            await self._drop(update, "given_up", album)
            return False, None
        return True, self._ledger.said(update, attempt)

    async def _drop(self, update: Update, outcome: Outcome, album: tuple[int, str] | None) -> None:
        if album is not None and update.message is not None:
            await self._albums.gather(update.message)  # its other pieces go the same way
        await self._end(update, outcome, album)

    async def _end(self, update: Update, outcome: Outcome, album: tuple[int, str] | None) -> None:
        pieces = [] if album is None else self._pieces.pop(album, [])
        if self._ledger is not None:
            await self._ledger.finish(update, outcome, pieces)

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


def _album(update: Update) -> tuple[int, str] | None:
    message = update.message
    if message is None or message.media_group_id is None:
        return None
    return message.chat_id, message.media_group_id


def _discard(coroutine: Awaitable[Any]) -> None:
    if isinstance(coroutine, Coroutine):
        coroutine.close()  # tells Python that not awaiting it is meant
