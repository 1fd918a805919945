"""Switching encoders: never before every picture has its vector, and back again."""

from __future__ import annotations

import pytest
from pgvector import HalfVector

from app import rollout
from app.db import vectors
from app.db.pool import Database
from tests.db.builders import Encoder4, add_product


def test_an_encoder_is_activated_only_with_all_vectors_and_back_in_one_step(db: Database) -> None:
    old, new = Encoder4(), Encoder4(name="new", dim=3)
    with db.connection() as conn:
        first = vectors.register(conn, old)
        add_product(conn, first.id, "A", [1, 0, 0, 0], price=1)
        add_product(conn, first.id, "B", [0, 1, 0, 0], price=2)
    with pytest.raises(rollout.NotReady, match="2 pictures have no vector under new"):
        rollout.activate(db, new)
    with db.connection() as conn:
        second = vectors.register(conn, new)
        ids = [row[0] for row in conn.execute("SELECT id FROM image ORDER BY id").fetchall()]
        conn.execute(
            "INSERT INTO embedding VALUES (%s, %s, %s)", (second.id, ids[0], HalfVector([1, 0, 0]))
        )
        # A picture that cannot be read must not hold the switch back.
        conn.execute(
            "INSERT INTO embedding_failure (encoder_id, image_id, error) VALUES (%s, %s, 'broken')",
            (second.id, ids[1]),
        )
    assert rollout.activate(db, new).name == "new"
    with db.connection() as conn:
        assert vectors.has_index(conn, second.id)
    assert rollout.activate(db, new).status == "active", "a second time changes nothing"
    assert rollout.activate(db, old).name == "tiny"
    with db.connection() as conn:
        count = conn.execute("SELECT count(*) FROM embedding").fetchone()
        assert count == (3,), "the vectors of both stay"
