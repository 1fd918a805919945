"""What is kept of a user: to be shown, and to be deleted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from psycopg.rows import class_row, dict_row

from app.db.pool import Connection, Database
from app.db.queries import query


@dataclass(frozen=True, slots=True)
class Past:
    """A search of the user's."""

    id: int
    kind: str
    verdict: str
    hits: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Holdings:
    """How many rows of each kind are kept of a user."""

    searches: int
    saved: int
    alerts: int
    messages: int
    feedback: int
    settings: int

    @property
    def any(self) -> bool:
        """Whether there is anything."""
        return any((self.searches, self.saved, self.alerts, self.messages, self.feedback))


def _holdings(conn: Connection, user_id: int) -> Holdings:
    found: Holdings | None = (
        query("bot_holdings")
        .execute(conn, {"user_id": user_id}, row_factory=class_row(Holdings))
        .fetchone()
    )
    if found is None:
        raise LookupError("an aggregate has a row")
    return found


class PrivacyStore:
    """Each call is one transaction and blocks; raises :class:`DatabaseUnavailable`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def history(self, user_id: int, limit: int = 10) -> list[Past]:
        """The user's last searches, newest first."""
        params = {"user_id": user_id, "limit": limit}
        with self._database.connection() as conn:
            return (
                query("bot_history").execute(conn, params, row_factory=class_row(Past)).fetchall()
            )

    def holdings(self, user_id: int) -> Holdings:
        """What is kept of the user."""
        with self._database.connection() as conn:
            return _holdings(conn, user_id)

    def forget(self, user_id: int) -> Holdings:
        """Deletes everything of the user's, in one transaction; returns what there was."""
        params = {"user_id": user_id}
        with self._database.connection() as conn:
            found = _holdings(conn, user_id)
            for name in ("bot_forget_searches", "bot_forget_updates", "bot_forget_user"):
                query(name).execute(conn, params)
        return found

    def feedback(
        self,
        user_id: int,
        search_id: int,
        image_id: int,
        rank: int,
        verdict: Literal["right", "wrong"],
    ) -> bool:
        """Notes what the user says of a result; False when the search is not kept any more."""
        params = {
            "user_id": user_id,
            "search_id": search_id,
            "image_id": image_id,
            "rank": rank,
            "verdict": verdict,
        }
        with self._database.connection() as conn:
            query("bot_user_visit").execute(conn, {"user_id": user_id})
            return query("bot_feedback_put").execute(conn, params).fetchone() is not None


class HealthStore:
    """What /admin shows. Each call is one transaction and blocks."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def facts(self) -> dict[str, Any]:
        """Sizes, queue lengths, the encoder in use."""
        return self._rows("bot_health", {})[0]

    def runs(self, limit: int = 5) -> list[dict[str, Any]]:
        """The last runs, newest first."""
        return self._rows("bot_health_runs", {"limit": limit})

    def errors(self, limit: int = 10) -> list[dict[str, Any]]:
        """The last failures, newest first."""
        return self._rows("bot_error_list", {"limit": limit})

    def note_error(self, code: str, kind: str, place: str, message: str) -> None:
        """Keeps a failure for /admin; the caller has removed what is secret."""
        params = {"code": code, "kind": kind, "place": place, "message": message}
        with self._database.connection() as conn:
            query("bot_error_note").execute(conn, params)

    def _rows(self, name: str, params: dict[str, Any]) -> list[dict[str, Any]]:
        with self._database.connection() as conn:
            found: list[dict[str, Any]] = (
                query(name).execute(conn, params, row_factory=dict_row).fetchall()
            )
        return found
