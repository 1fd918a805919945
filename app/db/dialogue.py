"""Where users stand in their dialogues with the bot: settings, sessions, messages shown, picks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final, cast

from psycopg.types.json import Jsonb

from app.db.pool import Database
from app.db.queries import query
from app.domain import SizeSystem

SESSION_MINUTES: Final = 6 * 60
"""A session ends when its user has been away for so long."""


@dataclass(frozen=True, slots=True)
class UserSettings:
    """What a user chose in /settings; None: no wish. ``currency`` is an ISO 4217 code."""

    currency: str | None = None
    size: str | None = None
    size_system: SizeSystem | None = None
    shops: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StoredSession:
    """Filters as :func:`app.search.filters_to_json` writes them, None where none were set yet."""

    filters: dict[str, Any] | None
    search_id: int | None


@dataclass(frozen=True, slots=True)
class ShownMessage:
    """What a message shows: a page of a search, or one result of it."""

    search_id: int
    page: int
    image_id: int | None


@dataclass(frozen=True, slots=True)
class StoredPick:
    """A picture with several shoes: Telegram's file id, boxes (left, top, right, bottom) in pixels
    of the upright picture, and the caption it came with."""

    file_id: str
    boxes: tuple[tuple[int, int, int, int], ...]
    words: str | None


class Dialogues:
    """Each call is one transaction and blocks.

    Every method raises :class:`app.errors.DatabaseUnavailable` while the server is away.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def settings(self, user_id: int) -> UserSettings:
        """The user's choices; the defaults where none were made."""
        row = self._row("dialogue_settings", user_id=user_id)
        return (
            UserSettings() if row is None else UserSettings(row[0], row[1], row[2], tuple(row[3]))
        )

    def set_settings(self, user_id: int, chosen: UserSettings) -> None:
        """Keeps the user's choices."""
        self._run(
            "dialogue_set",
            user_id=user_id,
            currency=chosen.currency,
            size=chosen.size,
            size_system=chosen.size_system,
            shops=list(chosen.shops),
        )

    def session(self, chat_id: int, user_id: int) -> StoredSession | None:
        """The session, None when there is none or it has ended."""
        row = self._row(
            "dialogue_session", chat_id=chat_id, user_id=user_id, minutes=SESSION_MINUTES
        )
        return None if row is None else StoredSession(*row)

    def keep_session(self, chat_id: int, user_id: int, session: StoredSession) -> None:
        """Keeps the session; it lasts anew from now."""
        filters = None if session.filters is None else Jsonb(session.filters)
        self._run(
            "dialogue_keep_session",
            chat_id=chat_id,
            user_id=user_id,
            filters=filters,
            search_id=session.search_id,
        )

    def show(
        self, chat_id: int, messages: Sequence[tuple[int, int | None]], search_id: int, page: int
    ) -> None:
        """Notes what messages show: (message id, image id of the one result or None)."""
        self._run(
            "dialogue_show",
            chat_id=chat_id,
            message_ids=[message_id for message_id, _ in messages],
            image_ids=[image_id for _, image_id in messages],
            search_id=search_id,
            page=page,
        )

    def shown(self, chat_id: int, message_id: int) -> ShownMessage | None:
        """What a message shows; None when it shows no results, or they are no longer kept."""
        row = self._row("dialogue_shown", chat_id=chat_id, message_id=message_id)
        return None if row is None else ShownMessage(*row)

    def offer_pick(self, user_id: int, pick: StoredPick) -> int:
        """Keeps a picture to pick a shoe from; returns its id."""
        row = self._row(
            "dialogue_offer_pick",
            user_id=user_id,
            file_id=pick.file_id,
            boxes=Jsonb(pick.boxes),
            words=pick.words,
        )
        assert row is not None
        return int(row[0])

    def pick(self, user_id: int, pick_id: int) -> StoredPick | None:
        """The user's picture to pick from; None when it is no longer kept."""
        row = self._row("dialogue_pick", user_id=user_id, pick_id=pick_id)
        if row is None:
            return None
        return StoredPick(row[0], tuple(cast("Any", tuple(box)) for box in row[1]), row[2])

    def shops(self, limit: int) -> list[str]:
        """Names of shops with something to sell, the largest first."""
        return [row[0] for row in self._rows("dialogue_shops", limit=limit)]

    def sizes(self, system: SizeSystem, limit: int) -> list[str]:
        """Labels of usual sizes in a system, ascending."""
        return [row[0] for row in self._rows("dialogue_sizes", system=system, limit=limit)]

    def rates(self, currency: str) -> dict[str, tuple[Decimal, date]]:
        """What a unit of each currency costs in ``currency``, and the day of the rate."""
        return {row[0]: (row[1], row[2]) for row in self._rows("dialogue_rates", currency=currency)}

    def picture_sources(self, image_ids: Sequence[int]) -> dict[int, str]:
        """https addresses that catalogue pictures came from, by image id, where known."""
        rows = self._rows("dialogue_picture_sources", image_ids=list(image_ids))
        return {row[0]: row[1] for row in rows}

    def _run(self, name: str, **values: Any) -> None:
        with self._database.connection() as conn:
            query(name).execute(conn, values)

    def _row(self, name: str, **values: Any) -> Any:
        with self._database.connection() as conn:
            return query(name).execute(conn, values).fetchone()

    def _rows(self, name: str, **values: Any) -> list[Any]:
        with self._database.connection() as conn:
            return query(name).execute(conn, values).fetchall()
