"""Loads the named queries of ``sql/queries/*.sql``.

A file holds one or more queries; each begins with a line ``-- name: NAME``, then comment lines
that say what it does, then one statement with psycopg's ``%(parameter)s`` placeholders. Values are
always parameters. The one other slot is ``{dim}``, the encoder's dimension in a cast such as
``halfvec({dim})``: a type modifier cannot be a parameter, and without the exact cast no index is
used. It takes an integer and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from app.settings import ROOT

QUERIES_DIR = ROOT / "sql" / "queries"
_NAME = re.compile(r"^-- name: *([a-z0-9_]+) *$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Query:
    """One named statement; ``doc`` is its comment."""

    name: str
    doc: str
    text: str
    path: Path

    @property
    def needs_dim(self) -> bool:
        """Whether the statement casts to the encoder's dimension."""
        return "{dim}" in self.text

    def composed(self, dim: int | None = None) -> sql.SQL | sql.Composed:
        """The statement, its ``{dim}`` filled in.

        Raises:
            ValueError: the statement needs a dimension and none is given, or it is not positive.
        """
        statement = sql.SQL(self.text)
        if not self.needs_dim:
            return statement
        if not isinstance(dim, int) or dim <= 0:
            raise ValueError(f"query {self.name} needs the encoder's dimension, got {dim!r}")
        return statement.format(dim=sql.Literal(dim))

    def execute(
        self,
        conn: psycopg.Connection[Any],
        params: Mapping[str, Any] | None = None,
        *,
        dim: int | None = None,
        prepare: bool | None = None,
        row_factory: Any = None,
    ) -> psycopg.Cursor[Any]:
        """Runs the statement on ``conn`` and returns its cursor."""
        cursor: psycopg.Cursor[Any] = (
            conn.cursor(row_factory=row_factory) if row_factory else conn.cursor()
        )
        return cursor.execute(self.composed(dim), params, prepare=prepare)

    def execute_many(
        self,
        conn: psycopg.Connection[Any],
        rows: Sequence[Mapping[str, Any]],
        *,
        dim: int | None = None,
    ) -> int:
        """Runs the statement once a row, in pipeline mode; returns the rows affected."""
        with conn.cursor() as cursor:
            cursor.executemany(self.composed(dim), rows)
            return cursor.rowcount


def parse(path: Path) -> list[Query]:
    """The queries of one file.

    Raises:
        ValueError: text before the first name, an empty query, or no query at all.
    """
    text = path.read_text(encoding="utf-8")
    heads = list(_NAME.finditer(text))
    if not heads or text[: heads[0].start()].strip():
        raise ValueError(f"{path}: a query file begins with '-- name: NAME'")
    queries = []
    for head, after in zip(heads, [*heads[1:], None], strict=True):
        body = text[head.end() : after.start() if after else len(text)].strip("\n")
        lines = body.splitlines()
        doc_lines = []
        while lines and lines[0].startswith("--"):
            doc_lines.append(lines.pop(0)[2:].strip())
        statement = "\n".join(lines).strip().rstrip(";")
        if not statement or not doc_lines:
            raise ValueError(f"{path}: query {head[1]} lacks its statement or its comment")
        queries.append(Query(head[1], "\n".join(doc_lines), statement, path))
    return queries


@lru_cache(maxsize=1)
def all_queries() -> Mapping[str, Query]:
    """Every query by name.

    Raises:
        ValueError: two queries of one name, or a malformed file.
    """
    found: dict[str, Query] = {}
    for path in sorted(QUERIES_DIR.glob("*.sql")):
        for query in parse(path):
            if query.name in found:
                raise ValueError(f"{path}: {query.name} is already in {found[query.name].path}")
            found[query.name] = query
    return found


def query(name: str) -> Query:
    """The query ``name``.

    Raises:
        KeyError: no file defines it.
    """
    return all_queries()[name]
