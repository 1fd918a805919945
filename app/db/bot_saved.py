"""What users saved, their alerts, and when they may be written to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time
from decimal import Decimal
from typing import Literal

from psycopg.rows import class_row

from app.db.pool import Database
from app.db.queries import query

AlertKind = Literal["drop", "back", "new"]


@dataclass(frozen=True, slots=True)
class Saved:
    """A saved shoe or picture, with its cheapest offer now and the alerts that are on."""

    id: int
    kind: Literal["shoe", "picture"]
    image_id: int | None
    created_at: datetime
    brand: str | None
    model: str | None
    colourway: str | None
    price: Decimal | None
    currency: str | None
    shop: str | None
    url: str | None
    alerts: list[str]


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert that is on; ``asleep``: its picture was seen by an encoder no longer in use."""

    id: int
    kind: AlertKind
    size: str | None
    size_system: str | None
    told_price: Decimal | None
    currency: str | None
    present: bool | None
    saved_id: int
    saved_kind: Literal["shoe", "picture"]
    saved_at: datetime
    brand: str | None
    model: str | None
    colourway: str | None
    asleep: bool | None


@dataclass(frozen=True, slots=True)
class Contact:
    """Quiet hours of a user; None where nothing was chosen."""

    timezone: str | None
    quiet: bool | None
    quiet_from: time | None
    quiet_to: time | None


@dataclass(frozen=True, slots=True)
class Kept:
    """A saved row, and whether it is new."""

    id: int
    added: bool


@dataclass(frozen=True, slots=True)
class Put:
    """An alert that was switched on; ``size``: in which a return is awaited."""

    id: int
    size: str | None


class SavedStore:
    """Each call is one transaction and blocks; raises :class:`DatabaseUnavailable`.

    Users are made where a row of theirs is needed: whoever presses a button may be new.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def save_shoe(self, user_id: int, image_id: int) -> Kept | None:
        """Saves the product behind a catalogue picture; None when no offer shows it any more."""
        return self._keep("bot_save_shoe", user_id, image_id=image_id)

    def save_picture(self, user_id: int, search_id: int) -> Kept | None:
        """Saves a search's picture; None when it is not kept any more, or another's."""
        return self._keep("bot_save_picture", user_id, search_id=search_id)

    def _keep(self, name: str, user_id: int, **params: int) -> Kept | None:
        with self._database.connection() as conn:
            query("bot_user_visit").execute(conn, {"user_id": user_id})
            return (
                query(name)
                .execute(conn, {"user_id": user_id, **params}, row_factory=class_row(Kept))
                .fetchone()
            )

    def put_alert(
        self,
        user_id: int,
        saved_id: int,
        kind: AlertKind,
        language: str,
    ) -> Put | None:
        """Switches an alert on, to be written in ``language``; a return is awaited in the user's
        size. None if the saved thing is gone or not the user's."""
        params = {"user_id": user_id, "saved_id": saved_id, "kind": kind}
        with self._database.connection() as conn:
            query("bot_user_visit").execute(conn, {"user_id": user_id})
            query("bot_contact_language").execute(conn, {"user_id": user_id, "language": language})
            return (
                query("bot_alert_put").execute(conn, params, row_factory=class_row(Put)).fetchone()
            )

    def saved(self, user_id: int, limit: int, offset: int = 0) -> list[Saved]:
        """What the user saved, newest first."""
        params = {"user_id": user_id, "limit": limit, "offset": offset}
        with self._database.connection() as conn:
            return (
                query("bot_saved_list")
                .execute(conn, params, row_factory=class_row(Saved))
                .fetchall()
            )

    def count(self, user_id: int) -> int:
        """How many things the user saved."""
        with self._database.connection() as conn:
            row = query("bot_saved_count").execute(conn, {"user_id": user_id}).fetchone()
        return 0 if row is None else int(row[0])

    def remove(self, user_id: int, saved_id: int) -> bool:
        """Removes a saved thing and its alerts; whether it was there."""
        params = {"user_id": user_id, "saved_id": saved_id}
        with self._database.connection() as conn:
            return query("bot_saved_remove").execute(conn, params).fetchone() is not None

    def alerts(self, user_id: int, limit: int = 30) -> list[Alert]:
        """The user's alerts that are on, newest first."""
        params = {"user_id": user_id, "limit": limit}
        with self._database.connection() as conn:
            return (
                query("bot_alert_list")
                .execute(conn, params, row_factory=class_row(Alert))
                .fetchall()
            )

    def stop_alert(self, user_id: int, alert_id: int) -> bool:
        """Switches an alert off; whether it was the user's."""
        params = {"user_id": user_id, "alert_id": alert_id}
        with self._database.connection() as conn:
            return query("bot_alert_stop").execute(conn, params).fetchone() is not None

    def stop_all(self, user_id: int) -> int:
        """Switches all alerts off; how many were on."""
        with self._database.connection() as conn:
            return len(query("bot_alert_stop_all").execute(conn, {"user_id": user_id}).fetchall())

    def contact(self, user_id: int) -> Contact:
        """The user's quiet hours."""
        with self._database.connection() as conn:
            found = (
                query("bot_contact_read")
                .execute(conn, {"user_id": user_id}, row_factory=class_row(Contact))
                .fetchone()
            )
        return found or Contact(None, None, None, None)

    def set_contact(self, user_id: int, contact: Contact) -> None:
        """Sets what is not None of ``contact``."""
        params = {
            "user_id": user_id,
            "timezone": contact.timezone,
            "quiet": contact.quiet,
            "quiet_from": contact.quiet_from,
            "quiet_to": contact.quiet_to,
        }
        with self._database.connection() as conn:
            query("bot_user_visit").execute(conn, {"user_id": user_id})
            query("bot_contact_set").execute(conn, params)

    def block(self, user_id: int, blocked: bool) -> None:
        """The user blocked the bot (nothing is sent unasked then), or let it in again."""
        with self._database.connection() as conn:
            query("bot_contact_block").execute(conn, {"user_id": user_id, "blocked": blocked})
