"""Alembic's environment: connects with psycopg to the URL given by app.db.migrate."""

from __future__ import annotations

import psycopg
from alembic import context
from sqlalchemy import create_engine, pool

from app.db.tables import metadata


def _run() -> None:
    url = context.config.attributes.get("url")
    if not url:
        from app.db.pool import database_url
        from app.settings import get_settings

        url = database_url(get_settings())
    # SQLAlchemy's URL syntax differs from libpq's (sockets, options): let psycopg read its own.
    engine = create_engine(
        "postgresql+psycopg://", creator=lambda: psycopg.connect(url), poolclass=pool.NullPool
    )
    with engine.connect() as connection:
        context.configure(
            connection=connection, target_metadata=metadata, transaction_per_migration=True
        )
        with context.begin_transaction():
            context.run_migrations()
    engine.dispose()


_run()
