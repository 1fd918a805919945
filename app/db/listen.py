"""Hearing what other processes announce with NOTIFY."""

from __future__ import annotations

from collections.abc import AsyncIterator

import psycopg
from psycopg import sql

from app.errors import DatabaseUnavailable


async def listening(url: str, channel: str) -> AsyncIterator[str]:
    """Payloads of ``channel``, as they come, on a connection of its own; the first is ``""``, once
    nothing can be missed any more.

    Raises:
        DatabaseUnavailable: the connection cannot be made, or broke.
    """
    try:
        connection = await psycopg.AsyncConnection.connect(url, autocommit=True)
        async with connection:
            await connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
            yield ""
            async for notice in connection.notifies():
                yield notice.payload
    except psycopg.OperationalError as error:
        raise DatabaseUnavailable("the connection to the database broke") from error
