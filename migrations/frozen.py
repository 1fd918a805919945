"""Runs the SQL that a revision keeps beside itself.

``versions/REVISION/up.sql`` is a copy frozen on the day of the revision: later changes to ``sql/``
or to the metadata never change what an old revision did.
"""

from __future__ import annotations

from pathlib import Path

from alembic import op

VERSIONS = Path(__file__).parent / "versions"


def run_frozen(revision: str, name: str) -> None:
    """Runs ``versions/REVISION/NAME`` in the migration's transaction."""
    script = (VERSIONS / revision / name).read_text(encoding="utf-8")
    # psycopg runs several statements in one call when there are no parameters.
    op.get_bind().connection.driver_connection.execute(script)
