"""Switching encoders: vectors first, then the index, then one transaction.

The vectors of the encoder before stay in their partition, so that switching back is the same step.
"""

from __future__ import annotations

from app.db import vectors
from app.db.pool import Database
from app.db.queries import query
from app.errors import SolemateError


class NotReady(SolemateError):
    """The encoder does not have all pictures' vectors yet."""


def activate(db: Database, encoder: vectors.EncoderFacts) -> vectors.EncoderRow:
    """Makes the encoder the one that searches ask, once it has every picture's vector.

    Pictures that could not be embedded do not hold it back. Searches go on with the encoder before
    until the switch is committed.

    Raises:
        NotReady: pictures are missing under it; the message says how many and what to run.
    """
    with db.connection() as conn:
        row = vectors.register(conn, encoder)
    if row.status == "active":
        return row
    with db.connection() as conn:
        counts = query("encoder_backlog").execute(conn, {"encoder_id": row.id}).fetchone()
        missing = counts[0] - counts[1] if counts else 0
        if missing:
            raise NotReady(
                f"{missing} pictures have no vector under {row.name} yet: run"
                f" `solemate etl embed --encoder {row.name}` first"
            )
        vectors.ensure_index(conn, row.id)
    with db.connection() as conn:
        vectors.activate(conn, row.id)
        active = vectors.active(conn)
    assert active is not None
    return active
