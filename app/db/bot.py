"""What the bot keeps of its users."""

from __future__ import annotations

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
