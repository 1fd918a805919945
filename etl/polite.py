"""Whose turn it is: one rate limit a host, for one process or for all that share a database."""

from __future__ import annotations

import threading
import time
from typing import Protocol

from app.db.pool import Database
from app.db.queries import query


class Turns(Protocol):
    """Hands out turns to ask a host."""

    def take(self, host: str, delay_s: float) -> float:
        """Reserve the next turn, ``delay_s`` before the one after; seconds to wait for it."""
        ...

    def hold(self, host: str, seconds: float) -> None:
        """Give no turn before so many seconds from now: the host asked for it."""
        ...


class LocalTurns:
    """Turns among the threads of this process."""

    def __init__(self) -> None:
        self._free_at: dict[str, float] = {}
        self._lock = threading.Lock()

    def take(self, host: str, delay_s: float) -> float:
        """See :class:`Turns`."""
        with self._lock:
            now = time.monotonic()
            start = max(now, self._free_at.get(host, 0.0))
            self._free_at[host] = start + delay_s
        return start - now

    def hold(self, host: str, seconds: float) -> None:
        """See :class:`Turns`."""
        with self._lock:
            until = time.monotonic() + seconds
            self._free_at[host] = max(until, self._free_at.get(host, 0.0))


class SharedTurns:
    """Turns among all processes of one database: a row a host, moved on by one statement each.

    The server's clock counts, so that machines need not agree on the time. A process that dies
    between taking its turn and asking leaves a pause and nothing else.
    """

    def __init__(self, db: Database) -> None:
        self._db = db

    def take(self, host: str, delay_s: float) -> float:
        """See :class:`Turns`; without a pause between requests the database is not asked."""
        if delay_s <= 0:
            return 0.0
        with self._db.connection() as conn:
            params = {"host": host, "delay_s": delay_s}
            row = query("etl_take_turn").execute(conn, params).fetchone()
        return max(0.0, float(row[0])) if row else 0.0

    def hold(self, host: str, seconds: float) -> None:
        """See :class:`Turns`."""
        with self._db.connection() as conn:
            query("etl_hold_host").execute(conn, {"host": host, "seconds": seconds})
