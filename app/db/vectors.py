"""Encoders in the database: registering, their partitions and indexes, the active one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from pgvector import HalfVector

from app.db.pool import Connection
from app.db.queries import query


class EncoderFacts(Protocol):
    """What the database wants to know of an encoder; app.vision's encoders have it."""

    @property
    def name(self) -> str: ...
    @property
    def revision(self) -> str: ...
    @property
    def dim(self) -> int: ...
    @property
    def sha256(self) -> str: ...
    @property
    def thresholds(self) -> tuple[float | None, float | None]: ...


@dataclass(frozen=True, slots=True)
class EncoderRow:
    """A row of ``encoder``; thresholds are cosine similarities, None where not calibrated."""

    id: int
    name: str
    revision: str
    dim: int
    sha256: bytes
    status: str
    same_threshold: float | None
    similar_threshold: float | None


def array(stored: HalfVector) -> np.ndarray:
    """A vector of the database as (dim,) float32."""
    return np.asarray(stored.to_numpy(), np.float32)


def register(conn: Connection, encoder: EncoderFacts) -> EncoderRow:
    """Registers the encoder with its partition; the first one ever becomes active at once."""
    same, similar = encoder.thresholds
    query("encoder_lock").execute(conn)
    row = (
        query("encoder_register")
        .execute(
            conn,
            {
                "name": encoder.name,
                "revision": encoder.revision,
                "dim": encoder.dim,
                "sha256": bytes.fromhex(encoder.sha256),
                "same": same,
                "similar": similar,
            },
        )
        .fetchone()
    )
    assert row is not None
    registered = EncoderRow(*row)
    query("encoder_create_partition").execute(conn, {"encoder_id": registered.id})
    if active(conn) is None:
        activate(conn, registered.id)
        return replace(registered, status="active")
    return registered


def active(conn: Connection) -> EncoderRow | None:
    """The active encoder."""
    row = query("encoder_active").execute(conn).fetchone()
    return None if row is None else EncoderRow(*row)


def activate(conn: Connection, encoder_id: int) -> None:
    """Makes the encoder the active one; in one transaction with retiring the one before."""
    query("encoder_lock").execute(conn)
    query("encoder_retire_active").execute(conn, {"encoder_id": encoder_id})
    query("encoder_activate").execute(conn, {"encoder_id": encoder_id})


def ensure_index(conn: Connection, encoder_id: int) -> None:
    """Builds the encoder's HNSW index where it is missing; a second caller waits for the first."""
    query("encoder_lock").execute(conn)
    query("encoder_create_index").execute(conn, {"encoder_id": encoder_id})


def has_index(conn: Connection, encoder_id: int) -> bool:
    """Whether the encoder's HNSW index can be used."""
    row = query("encoder_has_index").execute(conn, {"encoder_id": encoder_id}).fetchone()
    return bool(row and row[0])
