"""The query files: well formed, every one understood by Postgres, slots only where allowed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from app.db import vectors
from app.db.pool import Database
from app.db.queries import Query, all_queries, parse, query
from tests.db.builders import Encoder4

NAMES = sorted(all_queries())


@pytest.mark.parametrize("name", NAMES)
def test_postgres_understands_every_query(db: Database, name: str) -> None:
    """PREPARE parses and analyses against the real schema: names, types, casts."""
    asked = query(name)
    text = asked.text.replace("{dim}", "4")
    names = list(dict.fromkeys(re.findall(r"%\((\w+)\)s", text)))
    for position, parameter in enumerate(names, 1):
        text = text.replace(f"%({parameter})s", f"${position}")
    statement = text.replace("%%", "%")
    with db.connection() as conn:
        vectors.register(conn, Encoder4())
        query("etl_make_stage").execute(conn)  # the loader's temporary table
        if statement.split()[0] in ("SELECT", "WITH", "INSERT", "UPDATE", "DELETE"):
            conn.execute(f"PREPARE checked AS {statement}")
        else:  # a utility statement cannot be prepared, and takes no parameters
            assert not names
            conn.execute(statement)
        conn.rollback()


@pytest.mark.parametrize("name", NAMES)
def test_the_only_slot_is_the_dimension(name: str) -> None:
    asked = query(name)
    if asked.needs_dim:
        assert set(re.findall(r"\{(\w*)\}", asked.text)) == {"dim"}
        with pytest.raises(ValueError, match="dimension"):
            asked.composed()
        with pytest.raises(ValueError, match="dimension"):
            asked.composed("4) --")  # type: ignore[arg-type]


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "q.sql"
    path.write_text(text)
    return path


def test_a_file_holds_several_queries(tmp_path: Path) -> None:
    path = write(
        tmp_path, "-- name: a\n-- One.\nSELECT 1;\n\n-- name: b\n-- Two,\n-- more.\nSELECT 2"
    )
    assert parse(path) == [
        Query("a", "One.", "SELECT 1", path),
        Query("b", "Two,\nmore.", "SELECT 2", path),
    ]


@pytest.mark.parametrize(
    "text", ["SELECT 1", "-- name: a\nSELECT 1", "-- name: a\n-- Says.\n", "x\n-- name: a\n-- y\nz"]
)
def test_a_malformed_file_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ValueError, match=r"q\.sql"):
        parse(write(tmp_path, text))
