"""Alembic, driven from code: the same migrations for the embedded server and any other."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import Any

import psycopg
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from app.settings import ROOT

# Two processes that start at once must not migrate at once: a fixed key for pg_advisory_lock.
LOCK_KEY = int.from_bytes(hashlib.sha256(b"solemate migrate").digest()[:7], "big")


def config(url: str | None = None) -> Config:
    """Alembic's configuration; ``url`` travels outside its text so that it is never printed."""
    cfg = Config()
    cfg.set_main_option("script_location", str(ROOT / "migrations"))
    cfg.set_main_option("path_separator", "os")
    cfg.attributes["url"] = url
    return cfg


@lru_cache(maxsize=1)
def head() -> str:
    """The newest revision in ``migrations/``."""
    revision = ScriptDirectory.from_config(config()).get_current_head()
    if revision is None:
        raise RuntimeError("migrations/versions holds no revision")
    return revision


def current(conn: psycopg.Connection[Any]) -> str | None:
    """The database's revision; None where it was never migrated."""
    exists = conn.execute("SELECT to_regclass('alembic_version') IS NOT NULL").fetchone()
    if exists is None or not exists[0]:
        return None
    row = conn.execute("SELECT version_num FROM alembic_version").fetchone()
    return None if row is None else str(row[0])


def is_behind(conn: psycopg.Connection[Any]) -> bool:
    """Whether the database is not at the newest revision."""
    return current(conn) != head()


def upgrade(url: str, revision: str = "head") -> None:
    """Migrates up to ``revision``; a second process waits for the first."""
    with psycopg.connect(url, autocommit=True) as guard:
        guard.execute("SELECT pg_advisory_lock(%s)", [LOCK_KEY])
        command.upgrade(config(url), revision)


def downgrade(url: str, revision: str) -> None:
    """Migrates down to ``revision`` (``base``: to nothing)."""
    with psycopg.connect(url, autocommit=True) as guard:
        guard.execute("SELECT pg_advisory_lock(%s)", [LOCK_KEY])
        command.downgrade(config(url), revision)
