"""The bot's outbox: messages to send unasked, computed in SQL, each sent once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from app.db.pool import Connection, Database
from app.db.queries import query

_PRUNING = ("bot_inbox_prune", "bot_outbox_prune", "bot_error_prune")


@dataclass(frozen=True, slots=True)
class Letter:
    """A row of the outbox; ``payload`` says what happened, in facts."""

    id: int
    user_id: int
    alert_id: int
    key: str
    payload: dict[str, Any]
    attempts: int
    language: str | None


@dataclass(frozen=True, slots=True)
class Attempt:
    """A send whose end nobody recorded.

    The message, if there is one, is the only one of the bot's in the user's chat with an id above
    ``mark``; ``doubtful``: that cannot be said, an answer got lost there before. ``age_s``: seconds
    since the claim.
    """

    id: int
    user_id: int
    mark: int
    markup: dict[str, Any]
    doubtful: bool
    age_s: float


@dataclass(frozen=True, slots=True)
class Subject:
    """What an alert is about, as it is now; prices in major units."""

    alert_id: int
    kind: str
    saved_id: int
    image_id: int | None
    path: str | None
    brand: str | None
    model: str | None
    colourway: str | None
    price: Decimal | None
    currency: str | None
    url: str | None
    shop: str | None
    buyable: bool


@dataclass(frozen=True, slots=True)
class Shoe:
    """A new shoe, with its cheapest offer."""

    image_id: int
    path: str
    brand: str | None
    model: str | None
    colourway: str | None
    price: Decimal | None
    currency: str | None
    url: str | None
    shop: str | None


class Outbox:
    """Each call is one transaction and blocks; raises :class:`DatabaseUnavailable`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @property
    def url(self) -> str:
        """Where to listen for the ends of runs."""
        return self._database.url

    def compute(self, similarity: float | None = None) -> int:
        """Looks at all alerts and puts what is to be told into the outbox; returns how many.

        ``similarity`` is the cosine from which a new shoe is close; None: the encoder's own
        threshold. Returns 0 where another process is at it.
        """
        with self._database.connection() as conn:
            row = query("alert_lock").execute(conn).fetchone()
            if row is None or not row[0]:
                return 0
            put = len(query("alert_drops").execute(conn).fetchall())
            put += len(query("alert_returns").execute(conn).fetchall())
            return put + self._new(conn, similarity)

    def _new(self, conn: Connection, similarity: float | None) -> int:
        encoder = query("alert_encoder").execute(conn).fetchone()
        if encoder is None:
            return 0
        encoder_id, dim, threshold = encoder
        closeness = threshold if similarity is None else similarity
        if closeness is None:
            return 0  # an encoder that cannot say what is similar
        params = {"encoder_id": encoder_id, "distance": 1.0 - closeness}
        return len(query("alert_new").execute(conn, params, dim=dim).fetchall())

    def due(self) -> list[tuple[int, int]]:
        """(row, user) pairs that may go now, at most one a user."""
        with self._database.connection() as conn:
            return [(row[0], row[1]) for row in query("bot_outbox_due").execute(conn).fetchall()]

    def read(self, row_id: int) -> Letter | None:
        """A row; None when it is gone (/forget)."""
        with self._database.connection() as conn:
            return (
                query("bot_outbox_read")
                .execute(conn, {"id": row_id}, row_factory=class_row(Letter))
                .fetchone()
            )

    def subject(self, letter: Letter) -> Subject | None:
        """What a letter's alert is about now."""
        params = {"alert_id": letter.alert_id, "offer_id": letter.payload.get("offer_id")}
        with self._database.connection() as conn:
            return (
                query("alert_message")
                .execute(conn, params, row_factory=class_row(Subject))
                .fetchone()
            )

    def shoes(self, image_ids: Sequence[int]) -> list[Shoe]:
        """New shoes by their pictures."""
        with self._database.connection() as conn:
            return (
                query("alert_shoes")
                .execute(conn, {"image_ids": list(image_ids)}, row_factory=class_row(Shoe))
                .fetchall()
            )

    def claim(self, row_id: int, mark: int, markup: dict[str, Any]) -> Attempt | None:
        """Takes a row for one attempt to send it, committed before anything is sent; None when it
        is no longer wanted."""
        params = {"id": row_id, "mark": mark, "markup": Jsonb(markup)}
        with self._database.connection() as conn:
            return (
                query("bot_outbox_claim")
                .execute(conn, params, row_factory=class_row(Attempt))
                .fetchone()
            )

    def sent(self, row_id: int, message_id: int) -> None:
        """The message is in the chat."""
        with self._database.connection() as conn:
            query("bot_outbox_sent").execute(conn, {"id": row_id, "message_id": message_id})

    def again(self, row_id: int, error: str, wait_s: float = 0.0) -> None:
        """The message is certainly not in the chat: to be tried again."""
        params = {"id": row_id, "error": error, "wait_s": wait_s}
        with self._database.connection() as conn:
            query("bot_outbox_again").execute(conn, params)

    def close(self, row_id: int, state: Literal["dropped", "unknown"], error: str) -> None:
        """No further attempt."""
        params = {"id": row_id, "state": state, "error": error}
        with self._database.connection() as conn:
            query("bot_outbox_close").execute(conn, params)

    def open_attempts(self) -> list[Attempt]:
        """Attempts of an earlier process whose end nobody recorded."""
        with self._database.connection() as conn:
            return query("bot_outbox_open").execute(conn, row_factory=class_row(Attempt)).fetchall()

    def prune(self) -> None:
        """Removes what is long settled."""
        with self._database.connection() as conn:
            for name in _PRUNING:
                query(name).execute(conn)
