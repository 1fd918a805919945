"""The schema as it should be, as SQL: the metadata's tables and the files under ``sql/``.

A new revision freezes a copy of what it changes; a test compares a database made from here with one
made by the migrations.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateTable, SetTableComment

from app.db.tables import metadata
from app.settings import ROOT

SQL_DIR = ROOT / "sql"


def table_statements() -> list[str]:
    """CREATE TABLE, CREATE INDEX and COMMENT of every table, in order of reference."""
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    statements = []
    for table in metadata.sorted_tables:
        statements.append(str(CreateTable(table).compile(dialect=dialect)).strip())
        for index in sorted(table.indexes, key=lambda item: str(item.name)):
            statements.append(str(CreateIndex(index).compile(dialect=dialect)).strip())
        statements.append(str(SetTableComment(table).compile(dialect=dialect)).strip())
    return [statement.replace("%%", "%") for statement in statements]


def object_files() -> list[Path]:
    """Function, trigger and view files; views in an order in which each finds what it reads."""
    views = sorted(
        (SQL_DIR / "views").glob("*.sql"),
        key=lambda path: (path.stem == "market_overview", path.stem),  # reads on_sale
    )
    return [
        *sorted((SQL_DIR / "functions").glob("*.sql")),
        *sorted((SQL_DIR / "triggers").glob("*.sql")),
        *views,
    ]


def schema_script() -> str:
    """The whole schema as one script."""
    tables = ";\n\n".join(table_statements())
    objects = "\n\n".join(path.read_text(encoding="utf-8").strip() for path in object_files())
    return f"CREATE EXTENSION IF NOT EXISTS vector;\n\n{tables};\n\n{objects}\n"
