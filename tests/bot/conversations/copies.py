"""Copies of the market's database, used again by the next scenario where only the bot wrote."""

from __future__ import annotations

import uuid
from pathlib import Path

import psycopg
from psycopg import sql

from app.db import embedded
from app.settings import Settings

_TABLES = """
SELECT relname FROM pg_class
WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace AND NOT relispartition
ORDER BY relname
"""
_RENUMBER = """
SELECT setval(pg_get_serial_sequence(table_name, column_name), 1, false)
FROM information_schema.columns
WHERE table_schema = 'public' AND is_identity = 'YES' AND table_name = ANY (%(tables)s)
"""


def _is_dialogue(table: str) -> bool:
    """Whether a table holds what the bot and its users wrote, not the catalogue."""
    return table.startswith(("bot_", "dream")) or table == "search_event"


class Copies:
    """Hands out one database at a time."""

    def __init__(self, market: Settings) -> None:
        self._market = market
        self._name: str | None = None
        self._mark = ""

    def clean(self) -> Settings:
        """Settings of a database with the goods in it and nothing of any dialogue."""
        if self._name is not None and self._state() != self._mark:
            self.drop()
        if self._name is None:
            self._name = f"talk_{uuid.uuid4().hex[:12]}"
            admin(self._market.home, f"CREATE DATABASE {self._name} TEMPLATE "
                                     f"{self._market.database}")  # fmt: skip
            self._mark = self._state()
        else:
            self._sweep()
        return self._market.model_copy(update={"database": self._name})

    def drop(self) -> None:
        """Drops the copy in use."""
        if self._name is not None:
            admin(self._market.home, f"DROP DATABASE IF EXISTS {self._name} WITH (FORCE)")
        self._name = None

    def _state(self) -> str:
        """What the catalogue's tables hold: every change of a row changes its xmin."""
        with self._connect() as conn:
            marks = []
            for (table,) in conn.execute(_TABLES).fetchall():
                if not _is_dialogue(table) and table != "encoder":
                    counted = sql.SQL("SELECT count(*), sum(xmin::text::bigint) FROM {}")
                    row = conn.execute(counted.format(sql.Identifier(table))).fetchone()
                    marks.append(f"{table}: {row}")
        return "; ".join(marks)

    def _sweep(self) -> None:
        with self._connect() as conn, conn.transaction():
            tables = [name for (name,) in conn.execute(_TABLES).fetchall() if _is_dialogue(name)]
            for table in tables:
                conn.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table)))
            # Numbers stand in buttons, and buttons in transcripts: they begin anew as well.
            conn.execute(_RENUMBER, {"tables": tables})

    def _connect(self) -> psycopg.Connection[tuple[object, ...]]:
        url = embedded.url(self._market.home, self._name or "")
        assert url is not None, "the test session's server is gone"
        return psycopg.connect(url, autocommit=True)


def admin(home: Path, statement: str) -> None:
    """Runs a statement about databases."""
    url = embedded.url(home, "postgres")
    assert url is not None, "the test session's server is gone"
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute(statement)
