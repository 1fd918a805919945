"""Dreams in Postgres: sessions, steps with their pictures, what bought pictures cost."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from app.db.pool import Connection, Database
from app.db.queries import query
from app.errors import SolemateError
from app.sketch.design import Design

LISTENS: Final = timedelta(hours=3)
"""How long after the last picture a user's words are taken for changes to it."""


class DreamGone(SolemateError):
    """The dream, or the step of it, is not kept any more."""


@dataclass(frozen=True, slots=True)
class Step:
    """One picture: ``asked`` is the user's own words, None of the first; ``extra`` the words that
    no design field holds; ``picture`` PNG bytes; ``parent`` the step it was changed from."""

    session_id: int
    number: int
    parent: int | None
    asked: str | None
    design: Design
    extra: tuple[str, ...]
    prompt: str
    seed: int
    generator: str
    picture: bytes


@dataclass(frozen=True, slots=True)
class Trace:
    """An earlier step, to go back to."""

    number: int
    asked: str | None


class Dreams:
    """The store; each call is one transaction and blocks.

    Every method raises :class:`app.errors.DatabaseUnavailable` while the server is away.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(
        self,
        user_key: str,
        design: Design,
        prompt: str,
        seed: int,
        generator: str,
        picture: bytes,
        *,
        extra: tuple[str, ...] = (),
        asked: str | None = None,
    ) -> Step:
        """A new session with its first step; an open one of the same user is closed, not lost."""
        who = {"user_key": user_key, "user_id": telegram_id(user_key)}
        with self._database.connection() as conn:
            query("dream_open").execute(conn, who)
            row = query("dream_begin").execute(conn, who).fetchone()
            assert row is not None
            step = Step(row[0], 0, None, asked, design, extra, prompt, seed, generator, picture)
            return self._add(conn, step)

    def add(self, step: Step) -> Step:
        """Keeps a step; the answer has its number.

        Raises:
            DreamGone: the session was forgotten meanwhile.
        """
        with self._database.connection() as conn:
            locked = query("dream_lock").execute(conn, {"session_id": step.session_id}).fetchone()
            if locked is None:
                raise DreamGone("the dream is not kept any more")
            return self._add(conn, step)

    def _add(self, conn: Connection, step: Step) -> Step:
        values = {
            "session_id": step.session_id,
            "parent": step.parent,
            "asked": step.asked,
            "design": Jsonb(step.design.to_dict()),
            "extra": list(step.extra),
            "prompt": step.prompt,
            "seed": step.seed,
            "generator": step.generator,
            "picture": step.picture,
        }
        row = query("dream_add_step").execute(conn, values).fetchone()
        assert row is not None
        return _step(step.session_id, {**values, "number": row[0], "design": step.design.to_dict()})

    def current(self, user_key: str, *, listening: bool = False) -> Step | None:
        """The step a user's open session stands at; None where nothing is open.

        ``listening``: only a session touched within the last hours, whose user, saying something,
        means it.
        """
        asked = {"user_key": user_key, "within": LISTENS if listening else None}
        with self._database.connection() as conn:
            row = query("dream_of_user").execute(conn, asked).fetchone()
            return None if row is None else self._step(conn, row[0], row[1])

    def step(self, user_key: str, session_id: int, number: int) -> Step:
        """A step of one of the user's own sessions.

        Raises:
            DreamGone: there is none such, or it is another user's.
        """
        with self._database.connection() as conn:
            self._own(conn, user_key, session_id)
            return self._step(conn, session_id, number)

    def go(self, user_key: str, session_id: int, number: int) -> Step:
        """Makes a step the current one, and its session the user's open one; as :meth:`step`."""
        who = {"user_key": user_key, "session_id": session_id, "number": number}
        with self._database.connection() as conn:
            self._own(conn, user_key, session_id)
            found = query("dream_move").execute(conn, who).fetchone()
            if found is None or not found[0]:
                raise DreamGone("this step is not kept any more")
            query("dream_moved").execute(conn, who)
            return self._step(conn, session_id, number)

    def trail(self, step: Step) -> list[Trace]:
        """The steps that led to one, oldest first, itself last."""
        which = {"session_id": step.session_id, "number": step.number}
        with self._database.connection() as conn:
            rows = query("dream_steps").execute(conn, which).fetchall()
        return [Trace(number, asked) for number, asked in rows]

    def searched(self, session_id: int, search_id: int | None) -> None:
        """Notes the search made from a session."""
        with self._database.connection() as conn:
            query("dream_searched").execute(
                conn, {"session_id": session_id, "search_id": search_id}
            )

    def close(self, user_key: str) -> bool:
        """Ends the open session; its steps stay. False where none was open."""
        with self._database.connection() as conn:
            row = query("dream_close").execute(conn, {"user_key": user_key}).fetchone()
            return row is not None

    def forget(self, user_key: str) -> None:
        """Deletes all of a user's dreams."""
        with self._database.connection() as conn:
            query("dream_forget").execute(conn, {"user_key": user_key})

    def image_path(self, image_id: int) -> str | None:
        """Where the file of a catalogue picture lies, within the image store."""
        with self._database.connection() as conn:
            row = query("dream_image").execute(conn, {"image_id": image_id}).fetchone()
        return None if row is None else str(row[0])

    def _own(self, conn: Connection, user_key: str, session_id: int) -> None:
        who = {"user_key": user_key, "session_id": session_id}
        if query("dream_by_id").execute(conn, who).fetchone() is None:
            raise DreamGone("this dream is not kept any more")

    def _step(self, conn: Connection, session_id: int, number: int) -> Step:
        row = (
            query("dream_step")
            .execute(conn, {"session_id": session_id, "number": number}, row_factory=dict_row)
            .fetchone()
        )
        if row is None:
            raise DreamGone("this step is not kept any more")
        return _step(session_id, row)


class Spending:
    """The budget of bought pictures, a user and day; see ``images_api.Budget``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def reserve(self, user_key: str, cost: Decimal, limit: Decimal) -> bool:
        """Takes ``cost`` from today's share; False, and nothing taken, when it is not left."""
        asked = {"user_key": user_key, "cost": cost, "limit": limit}
        with self._database.connection() as conn:
            return query("dream_spend_reserve").execute(conn, asked).fetchone() is not None

    def give_back(self, user_key: str, cost: Decimal) -> None:
        """Returns a reservation that bought no picture."""
        with self._database.connection() as conn:
            query("dream_spend_return").execute(conn, {"user_key": user_key, "cost": cost})


def telegram_id(user_key: str) -> int | None:
    """The Telegram user behind ``tg:1234``; None for others."""
    kind, _, number = user_key.partition(":")
    return int(number) if kind == "tg" and number.isdecimal() else None


def _step(session_id: int, row: dict[str, Any]) -> Step:
    return Step(
        session_id=session_id,
        number=row["number"],
        parent=row["parent"],
        asked=row["asked"],
        design=Design.from_dict(row["design"]),
        extra=tuple(row["extra"]),
        prompt=row["prompt"],
        seed=row["seed"],
        generator=row["generator"],
        picture=bytes(row["picture"]),
    )
