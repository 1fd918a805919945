"""The migrations: what they make is what the metadata and sql/ say, and they go both ways."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from alembic.script import ScriptDirectory

from app.db import migrate, vectors
from app.db.pool import Database, database_url
from app.db.schema_sql import schema_script
from app.settings import Settings
from tests.db.builders import Encoder4, add_product

DEFINITIONS = {
    "columns": """
        SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
               a.attidentity, a.attgenerated, pg_get_expr(d.adbin, d.adrelid), a.attnum
        FROM pg_attribute AS a
        JOIN pg_class AS c ON c.oid = a.attrelid AND c.relkind IN ('r', 'p', 'v')
        LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
        WHERE c.relnamespace = 'public'::regnamespace AND a.attnum > 0 AND NOT a.attisdropped
          AND c.relname <> 'alembic_version'""",
    "indexes": """
        SELECT indexname, indexdef FROM pg_indexes
        WHERE schemaname = 'public' AND tablename <> 'alembic_version'""",
    "constraints": """
        SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid)
        FROM pg_constraint
        WHERE connamespace = 'public'::regnamespace
          AND conrelid::regclass::text <> 'alembic_version'""",
    "views": "SELECT viewname, definition FROM pg_views WHERE schemaname = 'public'",
    "functions": """
        SELECT p.oid::regprocedure::text, pg_get_functiondef(p.oid)
        FROM pg_proc AS p
        WHERE p.pronamespace = 'public'::regnamespace AND p.prokind = 'f'
          AND NOT EXISTS (SELECT FROM pg_depend AS d
                          WHERE d.objid = p.oid AND d.deptype = 'e')""",
    "triggers": "SELECT tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal",
    "comments": """
        SELECT c.relname, obj_description(c.oid) FROM pg_class AS c
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
          AND c.relname <> 'alembic_version'""",
    "partitioning": """
        SELECT c.relname, pg_get_partkeydef(c.oid) FROM pg_class AS c
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'p'""",
}


def definitions(conn: psycopg.Connection[Any], what: str) -> set[tuple[Any, ...]]:
    return set(conn.execute(DEFINITIONS[what]).fetchall())


@pytest.fixture
def from_metadata(settings: Settings) -> Any:
    """A database made from the metadata and sql/, without Alembic."""
    other = settings.model_copy(update={"database": settings.database + "_meta"})
    with psycopg.connect(database_url(other), autocommit=True) as conn:
        conn.execute(schema_script())
        yield conn
    with psycopg.connect(database_url(settings), autocommit=True) as admin:
        admin.execute(f'DROP DATABASE "{other.database}" WITH (FORCE)')


@pytest.mark.parametrize("what", list(DEFINITIONS))
def test_migrations_make_what_the_metadata_and_sql_say(
    db: Database, from_metadata: psycopg.Connection[Any], what: str
) -> None:
    with db.connection() as conn:
        migrated = definitions(conn, what)
    wanted = definitions(from_metadata, what)
    assert migrated == wanted
    assert migrated, f"there are no {what}: the comparison compares nothing"


def test_head_constant_is_alembics_head() -> None:
    script = ScriptDirectory.from_config(migrate.config())
    assert script.get_current_head() == migrate.HEAD
    assert script.get_heads() == [migrate.HEAD]


def test_up_down_up_with_rows(db: Database) -> None:
    def fill() -> None:
        with db.connection() as conn:
            encoder = vectors.register(conn, Encoder4())
            add_product(conn, encoder.id, "Airline 1", [1, 0, 0, 0], price=100)
            add_product(conn, encoder.id, "Airline 2", [0, 1, 0, 0], price=90)
            vectors.ensure_index(conn, encoder.id)

    fill()
    migrate.downgrade(db.url, "base")
    with psycopg.connect(db.url) as conn:
        tables = conn.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        ).fetchall()
        assert tables == [("alembic_version",)]
        functions = conn.execute(DEFINITIONS["functions"]).fetchall()
        assert functions == []
    migrate.upgrade(db.url)
    fill()
    with db.connection() as conn:
        assert not migrate.is_behind(conn)
        count = conn.execute("SELECT count(*) FROM embedding").fetchone()
        assert count == (2,)


def test_rows_of_the_first_revision_survive_the_second(db: Database) -> None:
    with db.connection() as conn:
        encoder = vectors.register(conn, Encoder4())
        add_product(conn, encoder.id, "Airline 1", [1, 0, 0, 0], price=100)
        conn.execute("INSERT INTO etl_run (kind, source) VALUES ('shop', 'a'), ('rates', 'b')")
        conn.execute("INSERT INTO fx_rate VALUES ('ecb', '2026-11-24', 'USD', 'EUR', 0.9)")
        conn.execute("INSERT INTO host_turn VALUES ('x', now())")
    migrate.downgrade(db.url, "r0001_catalogue")
    with psycopg.connect(db.url) as conn:
        assert conn.execute("SELECT kind FROM etl_run").fetchall() == [("shop",)]
        assert conn.execute("SELECT count(*) FROM products_matching(want_currency => 'EUR')"
                            ).fetchone() == (1,)  # fmt: skip
    migrate.upgrade(db.url)
    with psycopg.connect(db.url) as conn:
        assert conn.execute("SELECT price, confidence FROM on_sale").fetchall() == [(100, "stated")]
        row = conn.execute("SELECT pass_started_at = started_at FROM etl_run").fetchone()
        assert row == (True,)


def test_two_processes_migrating_at_once_make_one_schema(settings: Settings) -> None:
    from concurrent.futures import ThreadPoolExecutor

    url = database_url(settings.model_copy(update={"database": settings.database + "_new"}))
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(migrate.upgrade, [url] * 3))
    with psycopg.connect(url) as conn:
        assert migrate.current(conn) == migrate.HEAD
    with psycopg.connect(database_url(settings), autocommit=True) as admin:
        admin.execute(f'DROP DATABASE "{settings.database}_new" WITH (FORCE)')


def test_a_partition_refuses_another_dimension(db: Database) -> None:
    with db.connection() as conn:
        encoder = vectors.register(conn, Encoder4())
        with pytest.raises(psycopg.errors.CheckViolation):
            add_product(conn, encoder.id, "Wrong", [1, 0, 0], price=1)
        conn.rollback()


def test_only_one_encoder_is_active(db: Database) -> None:
    with db.connection() as conn:
        first = vectors.register(conn, Encoder4())
        second = vectors.register(conn, Encoder4(name="other"))
        assert (first.status, second.status) == ("active", "registered")
        vectors.activate(conn, second.id)
        now = vectors.active(conn)
        assert now is not None
        assert now.name == "other"
        with pytest.raises(psycopg.errors.UniqueViolation):
            conn.execute("UPDATE encoder SET status = 'active'")
        conn.rollback()
