"""What the bot keeps of its users."""

from __future__ import annotations

from dataclasses import dataclass

from app.db.bot_inbox import Inbox
from app.db.bot_outbox import Outbox
from app.db.bot_privacy import HealthStore, PrivacyStore
from app.db.bot_saved import SavedStore
from app.db.pool import Database
from app.db.queries import query


class BotUsers:
    """Users by Telegram id; each call is one transaction and blocks.

    Every method raises :class:`app.errors.DatabaseUnavailable` while the server is away.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def visit(self, user_id: int) -> str | None:
        """Notes the visit; returns the language the user chose, None where none was."""
        with self._database.connection() as conn:
            row = query("bot_user_visit").execute(conn, {"user_id": user_id}).fetchone()
        return None if row is None else row[0]

    def set_language(self, user_id: int, language: str) -> None:
        """Remembers the language the user chose."""
        with self._database.connection() as conn:
            query("bot_user_set_language").execute(conn, {"user_id": user_id, "language": language})


@dataclass(frozen=True, slots=True)
class BotStore:
    """Everything the bot keeps, by what it is for; each store's calls block."""

    inbox: Inbox
    outbox: Outbox
    saved: SavedStore
    privacy: PrivacyStore
    health: HealthStore

    @classmethod
    def of(cls, database: Database) -> BotStore:
        """The stores of one database."""
        return cls(
            Inbox(database),
            Outbox(database),
            SavedStore(database),
            PrivacyStore(database),
            HealthStore(database),
        )
