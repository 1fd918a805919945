"""Connections: where the database is, whether it suits, and a pool over it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg
from pgvector.psycopg import register_vector
from psycopg.conninfo import make_conninfo
from psycopg_pool import ConnectionPool, PoolTimeout

from app.db import embedded, migrate
from app.errors import DatabaseUnavailable, DatabaseUnsuitable
from app.settings import Settings

MIN_SERVER = 160000
MIN_PGVECTOR = (0, 8, 4)

Connection = psycopg.Connection[tuple[Any, ...]]


def _configure(conn: Connection) -> None:
    register_vector(conn)
    conn.commit()


@dataclass
class Database:
    """A pool over one migrated database; ``connection()`` is one transaction."""

    url: str = field(repr=False)  # may hold a password
    pool: ConnectionPool[Connection]
    timeout_s: float

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """A connection in a transaction: committed at the end, rolled back on an exception.

        Raises:
            DatabaseUnavailable: no connection within the timeout, or it broke in use.
        """
        try:
            with self.pool.connection(timeout=self.timeout_s) as conn:
                yield conn
        except PoolTimeout as error:
            raise DatabaseUnavailable("the database does not answer; try again later") from error
        except psycopg.OperationalError as error:
            if isinstance(error, psycopg.errors.QueryCanceled):
                raise
            raise DatabaseUnavailable("the connection to the database broke") from error

    def close(self) -> None:
        """Closes the pool; the server goes on."""
        self.pool.close()

    def __enter__(self) -> Database:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def database_url(settings: Settings) -> str:
    """The configured server's URL, else the embedded server's, started and its database created."""
    if settings.database_url is not None:
        target = settings.database_url.get_secret_value()
        if settings.database_password is None:
            return target
        return make_conninfo(target, password=settings.database_password.get_secret_value())
    return embedded.ensure_database(settings.home, settings.database)


def connect(url: str, timeout_s: float = 5.0) -> Connection:
    """One connection outside the pool.

    Raises:
        DatabaseUnavailable: it cannot be reached; the message never holds the URL.
    """
    try:
        return psycopg.connect(url, connect_timeout=max(1, round(timeout_s)))
    except psycopg.OperationalError as error:
        raise DatabaseUnavailable(f"cannot reach the database: {_reason(error)}") from error


def _reason(error: psycopg.Error) -> str:
    """libpq's message without what may name user or password."""
    text = str(error)
    for word in (
        "Connection refused",
        "does not exist",
        "No such file",
        "timeout expired",
        "authentication failed",
        "could not translate host name",
    ):
        if word in text:
            return word
    return type(error).__name__


def check_server(conn: Connection) -> None:
    """Whether the server is new enough and has pgvector.

    Raises:
        DatabaseUnsuitable: it does not; the message says which version is needed.
    """
    if conn.info.server_version < MIN_SERVER:
        raise DatabaseUnsuitable(
            f"PostgreSQL {conn.info.server_version // 10000} is too old: 16 or newer is needed"
        )
    row = conn.execute(
        "SELECT coalesce(installed_version, default_version)"
        " FROM pg_available_extensions WHERE name = 'vector'"
    ).fetchone()
    needed = ".".join(map(str, MIN_PGVECTOR))
    if row is None:
        raise DatabaseUnsuitable(
            f"the server has no pgvector extension: install pgvector {needed} or newer"
        )
    if tuple(int(part) for part in row[0].split(".")) < MIN_PGVECTOR:
        raise DatabaseUnsuitable(
            f"pgvector {row[0]} is too old: install {needed} or newer, then"
            " ALTER EXTENSION vector UPDATE"
        )


def open_database(settings: Settings, *, size: int | None = None) -> Database:
    """The platform's database: reached, checked and at the newest revision.

    The embedded server's database is migrated here; a server named by ``DATABASE_URL`` is its
    operator's, who migrates it.

    Raises:
        DatabaseUnavailable: it cannot be reached.
        DatabaseUnsuitable: too old, without pgvector, or not migrated.
    """
    url = database_url(settings)
    with connect(url, settings.connect_timeout_s) as conn:
        check_server(conn)
        behind = migrate.is_behind(conn)
    if behind:
        if settings.database_url is not None:
            raise DatabaseUnsuitable(
                "the database is not at the newest schema: run `solemate db migrate`"
            )
        migrate.upgrade(url)
    pool: ConnectionPool[Connection] = ConnectionPool(
        url,
        min_size=1,
        max_size=size or settings.pool_size,
        configure=_configure,
        check=ConnectionPool.check_connection,
        kwargs={"connect_timeout": max(1, round(settings.connect_timeout_s))},
        reconnect_timeout=5,  # then the next request tries anew: an outage ends when it ends
        open=True,
        name="solemate",
    )
    return Database(url, pool, settings.connect_timeout_s)
