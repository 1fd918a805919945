"""Updates handled once, whatever happens to the process: the inbox as the event loop sees it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from telegram import Bot, Update

from app.bot.marks import Marks
from app.bot.said import Said, Saying
from app.db.bot_inbox import Attempt, Inbox, Incoming, Outcome
from app.errors import DatabaseUnavailable

T = TypeVar("T")
LOG = logging.getLogger(__name__)


def _storable(value: Any) -> Any:
    """``value`` without what Postgres does not keep in JSON: NUL and halves of surrogate pairs."""
    if isinstance(value, str):
        return value.replace("\0", "").encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {key: _storable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_storable(item) for item in value]
    return value


class Ledger:
    """What is kept before it is acknowledged, begun, and finished."""

    def __init__(self, inbox: Inbox, marks: Marks) -> None:
        self._inbox = inbox
        self._marks = marks
        # Threads of its own: what is kept here must not wait for anybody's search.
        self._threads = ThreadPoolExecutor(2, "bot-ledger")
        self._owed: dict[int, Outcome] = {}
        self.failed: set[int] = set()
        """Updates whose handler failed; the error handler notes them."""

    async def keep(self, updates: Sequence[Update]) -> list[Update]:
        """Stores updates; returns the new ones.

        Raises:
            DatabaseUnavailable: nothing was stored.
        """
        rows = [
            Incoming(
                update.update_id,
                update.effective_user.id if update.effective_user else None,
                _storable(update.to_dict()),
            )
            for update in updates
        ]
        fresh = await self._in_thread(lambda: self._inbox.keep(rows))
        return [update for update in updates if update.update_id in fresh]

    async def unfinished(self, bot: Bot) -> list[Update]:
        """What an earlier process left undone."""
        payloads = await self._in_thread(self._inbox.unfinished)
        return [Update.de_json(payload, bot) for payload in payloads]

    async def begin(self, update: Update) -> Attempt | None:
        """This attempt; None when the update was finished before."""
        try:
            attempt = await self._in_thread(lambda: self._inbox.begin(update.update_id))
        except DatabaseUnavailable:
            return Attempt(1, [])  # the handler will meet the outage itself, and tell the user
        if attempt is not None and attempt.number > 1 and update.effective_chat is not None:
            # The attempt before may have sent something that nobody noted.
            self._marks.doubt(update.effective_chat.id)
        return attempt

    def said(self, update: Update, attempt: Attempt) -> Said:
        """What is said for an update; kept message by message."""
        update_id = update.update_id

        async def keep(saying: Saying) -> None:
            kept = _storable({"mark": saying.mark, "result": saying.result})
            try:
                await self._in_thread(lambda: self._inbox.say(update_id, kept))
            except DatabaseUnavailable as error:
                LOG.warning("update %s: a crash now would say it again: %s", update_id, error)

        return Said([Saying(item["mark"], item["result"]) for item in attempt.said], keep)

    async def finish(
        self, update: Update, outcome: Outcome = "done", pieces: Sequence[int] = ()
    ) -> None:
        """Ends an update, and with it the other ``pieces`` of its album."""
        ids = [update.update_id, *pieces]
        if outcome == "done" and update.update_id in self.failed:
            outcome = "failed"
        self.failed.discard(update.update_id)
        user, chat = update.effective_user, update.effective_chat
        private = user is not None and chat is not None and chat.id == user.id
        user_id = user.id if private and user is not None else None
        doubtful = user_id is not None and self._marks.is_doubtful(user_id)
        newest = self._marks.of(user_id) if user_id is not None else None

        def write() -> None:
            for owed, was in list(self._owed.items()):
                self._inbox.finish([owed], was)
                self._owed.pop(owed, None)
            self._inbox.finish(ids, outcome, user_id, newest)
            if doubtful and user_id is not None:
                self._inbox.doubt(user_id)

        try:
            await self._in_thread(write)
        except DatabaseUnavailable as error:
            # Handled is handled: it is written down with the next one, or answered again after a
            # crash that comes first.
            self._owed |= dict.fromkeys(ids, outcome)
            LOG.warning("update %s: its end is not written down yet: %s", ids[0], error)

    def close(self) -> None:
        """Waits for what is being written."""
        self._threads.shutdown(wait=True)

    async def _in_thread(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, call)
