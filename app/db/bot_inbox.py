"""The bot's inbox: updates are kept before Telegram hears that they came, and handled from here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from psycopg.types.json import Jsonb

from app.db.pool import Database
from app.db.queries import query

Outcome = Literal["done", "failed", "flood", "given_up"]


@dataclass(frozen=True, slots=True)
class Incoming:
    """An update as Telegram sent it, and whose it is."""

    update_id: int
    user_id: int | None
    payload: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Attempt:
    """Handling of an update: which time, from 1, and what was sent for it before, as kept."""

    number: int
    said: list[dict[str, Any]]


class Inbox:
    """Each call is one transaction and blocks; raises :class:`DatabaseUnavailable`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def keep(self, updates: Sequence[Incoming]) -> set[int]:
        """Stores updates; returns the ids of those that were not there before."""
        rows = [
            {"update_id": item.update_id, "user_id": item.user_id, "payload": item.payload}
            for item in updates
        ]
        with self._database.connection() as conn:
            found = query("bot_inbox_keep").execute(conn, {"updates": Jsonb(rows)}).fetchall()
        return {row[0] for row in found}

    def unfinished(self) -> list[dict[str, Any]]:
        """Updates that an earlier process did not finish, oldest first."""
        with self._database.connection() as conn:
            return [row[1] for row in query("bot_inbox_unfinished").execute(conn).fetchall()]

    def begin(self, update_id: int) -> Attempt | None:
        """Notes an attempt; None for a finished update."""
        with self._database.connection() as conn:
            row = query("bot_inbox_begin").execute(conn, {"update_id": update_id}).fetchone()
        return None if row is None else Attempt(int(row[0]), list(row[1]))

    def say(self, update_id: int, saying: dict[str, Any]) -> None:
        """Keeps, until the update is finished, a message that was sent for it."""
        with self._database.connection() as conn:
            query("bot_inbox_say").execute(conn, {"update_id": update_id, "saying": Jsonb(saying)})

    def finish(
        self,
        update_ids: Sequence[int],
        outcome: Outcome,
        user_id: int | None = None,
        last_message_id: int | None = None,
    ) -> None:
        """Ends updates; ``last_message_id`` is the newest message of the user's private chat."""
        with self._database.connection() as conn:
            query("bot_inbox_finish").execute(
                conn,
                {
                    "update_ids": list(update_ids),
                    "outcome": outcome,
                    "user_id": user_id,
                    "last_message_id": last_message_id,
                },
            )

    def doubt(self, user_id: int) -> None:
        """The newest message of a chat is not known any more."""
        with self._database.connection() as conn:
            query("bot_inbox_doubt").execute(conn, {"user_id": user_id})
