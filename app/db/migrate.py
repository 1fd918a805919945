"""Alembic, driven from code: the same migrations for the embedded server and any other."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import psycopg

from app.settings import ROOT

if TYPE_CHECKING:
    from alembic.config import Config

HEAD = "r0011_elsewhere"
"""The newest revision (a test compares it with ``migrations/``): every command asks for it, and
Alembic, which could tell, takes longer to import than a search to run."""

# Two processes that start at once must not migrate at once: a fixed key for pg_advisory_lock.
LOCK_KEY = int.from_bytes(hashlib.sha256(b"solemate migrate").digest()[:7], "big")


def config(url: str | None = None) -> Config:
    """Alembic's configuration; ``url`` travels outside its text so that it is never printed."""
    from alembic.config import Config

    cfg = Config()
    cfg.set_main_option("script_location", str(ROOT / "migrations"))
    cfg.set_main_option("path_separator", "os")
    cfg.attributes["url"] = url
    return cfg


def current(conn: psycopg.Connection[Any]) -> str | None:
    """The database's revision; None where it was never migrated."""
    exists = conn.execute("SELECT to_regclass('alembic_version') IS NOT NULL").fetchone()
    if exists is None or not exists[0]:
        return None
    row = conn.execute("SELECT version_num FROM alembic_version").fetchone()
    return None if row is None else str(row[0])


def is_behind(conn: psycopg.Connection[Any]) -> bool:
    """Whether the database is not at the newest revision."""
    return current(conn) != HEAD


def upgrade(url: str, revision: str = "head") -> None:
    """Migrates up to ``revision``; a second process waits for the first."""
    from alembic import command

    with psycopg.connect(url, autocommit=True) as guard:
        guard.execute("SELECT pg_advisory_lock(%s)", [LOCK_KEY])
        command.upgrade(config(url), revision)


def downgrade(url: str, revision: str) -> None:
    """Migrates down to ``revision`` (``base``: to nothing)."""
    from alembic import command

    with psycopg.connect(url, autocommit=True) as guard:
        guard.execute("SELECT pg_advisory_lock(%s)", [LOCK_KEY])
        command.downgrade(config(url), revision)
