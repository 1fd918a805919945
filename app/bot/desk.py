"""What the handlers share: the services, the threads they run in, the languages."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias, TypeVar

from telegram.ext import Application

from app.bot.languages import Languages
from app.bot.limits import Limits
from app.bot.services import SearchService, Services
from app.bot.sessions import Sessions
from app.bot.views import ALBUM_LIMIT
from app.errors import DatabaseUnavailable, SolemateError
from app.settings import Settings

T = TypeVar("T")
BotApplication: TypeAlias = Application[Any, Any, Any, Any, Any, Any]

MEGABYTE: Final = 1_000_000
DOWNLOAD_LIMIT: Final = 20 * MEGABYTE
"""Telegram lets bots download no larger files."""
_AWAY_S: Final = 1.0


class SearchTooSlow(SolemateError):
    """A search did not end in time; it goes on in its thread, the user is told to come back."""


@dataclass(frozen=True, slots=True)
class Options:
    """Limits and pauses of the bot."""

    search_threads: int = max(4, (os.cpu_count() or 1) + 2)
    """Searches at a time; more wait in line. Each may hold a picture's pixels in memory."""
    search_timeout_s: float = 60.0
    downloads: int = 16
    """Questions at a time whose pictures are held in memory; each may be six files of 20 MB."""
    album_quiet_s: float = 0.7
    """An album is complete when none of its pictures has come for so long."""
    alerts_every_s: float = 60.0
    """How often alerts are looked at when no run announces its end."""
    limits: Limits = field(default_factory=Limits)
    """Telegram's limits on sending."""


class Desk:
    """Runs blocking work off the event loop, in bounded threads."""

    def __init__(self, settings: Settings, services: Services, options: Options) -> None:
        self.options = options
        self.settings = settings
        self.page_size = min(settings.results, ALBUM_LIMIT)
        self.services = services
        self._searching = ThreadPoolExecutor(options.search_threads, "bot-search")
        # Apart from searches: a greeting must not wait for somebody's sixty megapixels.
        self._quick = ThreadPoolExecutor(2, "bot-quick")
        # A slow shop must not hold a thread that searches.
        self._fetching = ThreadPoolExecutor(4, "bot-links")
        self.downloads = asyncio.Semaphore(options.downloads)
        self.languages = Languages(services.users, self.quickly, settings.bot_language)
        self.sessions = Sessions(self)
        self._away_until = 0.0

    async def search(self, call: Callable[[SearchService], T]) -> T:
        """Runs ``call`` in a search thread.

        Raises:
            SearchTooSlow: it did not end in time.
            DatabaseUnavailable: the database is away.
        """
        return await self._in(
            self._searching, lambda: self._asked(lambda: call(self.services.search))
        )

    async def fetch(self, call: Callable[[], T]) -> T:
        """Reads the web in a thread of its own kind; :class:`SearchTooSlow` as above."""
        return await self._in(self._fetching, call)

    async def prepare(self, call: Callable[[], T]) -> T:
        """Runs picture work in a search thread."""
        return await self._in(self._searching, call)

    async def quickly(self, call: Callable[[], T]) -> T:
        """Runs a short query in a thread of its own; :class:`DatabaseUnavailable` as above."""
        return await self._in(self._quick, lambda: self._asked(call))

    def _asked(self, call: Callable[[], T]) -> T:
        # While the database is away every question would hold a thread until its connection times
        # out, and those in line would wait for all before them: after one has failed, the others
        # fail at once for a moment.
        if time.monotonic() < self._away_until:
            raise DatabaseUnavailable("the database was away a moment ago")
        try:
            return call()
        except DatabaseUnavailable:
            self._away_until = time.monotonic() + _AWAY_S
            raise

    async def _in(self, threads: ThreadPoolExecutor, call: Callable[[], T]) -> T:
        running = asyncio.get_running_loop().run_in_executor(threads, call)
        done, _ = await asyncio.wait({running}, timeout=self.options.search_timeout_s)
        if not done:
            running.cancel()  # if it is still in line; a running thread cannot be stopped
            raise SearchTooSlow("the search took too long")
        return running.result()

    def close(self) -> None:
        """Waits for running work, then closes the services."""
        self._searching.shutdown(wait=True, cancel_futures=True)
        self._quick.shutdown(wait=True, cancel_futures=True)
        self._fetching.shutdown(wait=True, cancel_futures=True)
        self.services.close()
