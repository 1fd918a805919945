"""Pictures without an embedding get one: any number of workers, none twice, none forgotten."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np
import psycopg
from pgvector import HalfVector

from app.db import vectors
from app.db.pool import Connection, Database, connect
from app.db.queries import query
from app.domain import Attributes
from app.errors import ImageError
from app.settings import Settings
from app.vision.encoder import Encoder, ImageEncoder, Pixels, Vectors
from app.vision.heads import Heads, open_heads
from app.vision.image import decode
from app.vision.registry import open_encoder
from etl import traits
from etl.progress import Report, silent

MAX_TRIES = 3
"""Times that a picture is tried under one encoder before it is left alone."""
_RUN = 8  # pictures in one task of the pool, as many as one run of an encoder takes
_LOCK_WAIT_MS = 500
_WAIT_S = 30.0  # how long a watching worker sleeps before it looks by itself


@dataclass(slots=True)
class EmbedReport:
    """What a worker did; ``seconds`` covers reading, encoding and writing."""

    encoder: str
    embedded: int = 0
    failed: int = 0
    seconds: float = 0.0
    errors: list[tuple[str, str]] = field(default_factory=list)

    @property
    def images_per_second(self) -> float:
        """Embedded pictures a second, 0 when there were none."""
        return self.embedded / self.seconds if self.seconds > 0 else 0.0


@dataclass(slots=True)
class _Batch:
    """Claimed pictures: their transaction holds the claim until the vectors are written."""

    context: AbstractContextManager[Connection]
    conn: Connection
    ids: list[int]
    paths: list[str]
    pixels: list[Future[Pixels]]


def open_for_embedding(name: str, settings: Settings) -> ImageEncoder:
    """The encoder with one thread a run, unless the settings ask for more: a worker keeps the cores
    busy with several runs at once, which gets more out of them than one run on all of them.

    Raises:
        EncoderError: nothing of that name, or the folder cannot be used.
    """
    threads = settings.encoder_threads or 1
    return open_encoder(name, settings.model_copy(update={"encoder_threads": threads}))


def embed_backlog(
    db: Database,
    encoder: ImageEncoder,
    settings: Settings,
    *,
    batch: int = 64,
    watch: bool = False,
    progress: Report = silent,
    threads: int | None = None,
    activate: bool = True,
) -> EmbedReport:
    """Embed every picture that has no vector under ``encoder``.

    The next batch is claimed and decoded while the current one is encoded. Several workers may run
    at once, on several machines: a picture is claimed by a row lock that dies with its worker.

    Args:
        batch: pictures in one claim.
        watch: afterwards wait for new pictures until interrupted.
        threads: decoding threads; None: one a core.
        activate: build the index once the backlog is empty.

    Raises:
        DatabaseUnavailable: the database went away; what was written stays.
    """
    heads = open_heads(encoder.name, settings)
    with db.connection() as conn:
        row = vectors.register(conn, encoder)
    report = EmbedReport(encoder.name)
    workers = threads or max(1, os.cpu_count() or 1)
    with ThreadPoolExecutor(max_workers=workers, thread_name_prefix="decode") as pool:
        worker = _Worker(db, encoder, heads, settings, row.id, batch, pool, report)
        try:
            worker.drain(progress)
            if activate:
                with db.connection() as conn:
                    vectors.ensure_index(conn, row.id)
            if watch:
                _watch(db, worker, progress)
        except KeyboardInterrupt:
            if not watch:
                raise
        finally:
            worker.release()
    return report


class _Worker:
    def __init__(
        self,
        db: Database,
        encoder: ImageEncoder,
        heads: Heads | None,
        settings: Settings,
        encoder_id: int,
        batch: int,
        pool: ThreadPoolExecutor,
        report: EmbedReport,
    ) -> None:
        self.db, self.encoder, self.settings = db, encoder, settings
        self.heads = heads if isinstance(encoder, Encoder) else None
        self.encoder_id, self.batch, self.pool, self.report = encoder_id, batch, pool, report
        self.after = 0
        self.failed: set[int] = set()
        self.open: list[_Batch] = []

    def drain(self, progress: Report) -> None:
        """Embed until nothing can be claimed, from the place reached last, then from the start."""
        total = self._backlog()
        self.failed.clear()
        began = time.monotonic()
        spent = self.report.seconds
        current = self._claim()
        while current is not None:
            following = self._claim()
            self._finish(current)
            # Nothing to claim, or a lock in the way of a second claim: try again with free hands.
            current = following or self._claim()
            self.report.seconds = spent + time.monotonic() - began
            progress(self.report.embedded + self.report.failed, total)
        if self.heads is not None and self.report.embedded:
            with self.db.connection() as conn:
                query("etl_load_lock").execute(conn)
                traits.derive(conn, everywhere=True)

    def release(self) -> None:
        """Give back what is claimed and not written."""
        for held in self.open:
            for future in held.pixels:
                future.cancel()
            held.context.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None)
        self.open.clear()

    def _backlog(self) -> int:
        with self.db.connection() as conn:
            row = query("encoder_backlog").execute(conn, {"encoder_id": self.encoder_id}).fetchone()
        return int(row[0]) if row else 0

    def _claim(self) -> _Batch | None:
        """The next pictures, being decoded; None where there are none or, holding some, no lock."""
        context = self.db.connection()
        conn = context.__enter__()
        try:
            wait = {"milliseconds": _LOCK_WAIT_MS if self.open else 0}
            query("etl_begin_claim").execute(conn, wait)
            query("etl_lock_embedding").execute(conn)
            rows = self._claimed(conn)
            if not rows and self.after:
                # Behind us may lie what another worker had claimed and then died with.
                self.after = 0
                rows = self._claimed(conn)
        except psycopg.errors.LockNotAvailable:
            context.__exit__(None, None, None)
            return None
        except BaseException as error:
            context.__exit__(type(error), error, error.__traceback__)
            raise
        if not rows:
            context.__exit__(None, None, None)
            return None
        self.after = rows[-1][0]
        paths = [row[1] for row in rows]
        held = _Batch(
            context,
            conn,
            [row[0] for row in rows],
            paths,
            [self.pool.submit(self._read, path) for path in paths],
        )
        self.open.append(held)
        return held

    def _claimed(self, conn: Connection) -> list[tuple[Any, ...]]:
        return (
            query("etl_claim_images")
            .execute(
                conn,
                {
                    "after": self.after,
                    "failed": list(self.failed),
                    "encoder_id": self.encoder_id,
                    "max_tries": MAX_TRIES,
                    "batch": self.batch,
                },
            )
            .fetchall()
        )

    def _read(self, path: str) -> Pixels:
        decoded = decode(
            Path(self.settings.images_dir / path),
            max_bytes=self.settings.max_image_bytes,
            max_pixels=self.settings.max_image_pixels,
        )
        return self.encoder.preprocess(decoded.image)

    def _finish(self, held: _Batch) -> None:
        ids: list[int] = []
        pixels: list[Pixels] = []
        failures: list[tuple[int, str, str]] = []
        for image_id, path, future in zip(held.ids, held.paths, held.pixels, strict=True):
            try:
                pixels.append(future.result())
                ids.append(image_id)
            except ImageError as error:
                failures.append((image_id, path, str(error)))
        if ids:
            parts = [pixels[start : start + _RUN] for start in range(0, len(pixels), _RUN)]
            encoded = list(self.pool.map(self._encode, parts))
            self._insert(held.conn, ids, np.concatenate([vectors_ for vectors_, _ in encoded]))
            seen = [one for _, looks in encoded for one in looks]
            if seen:
                traits.put_sights(held.conn, self.encoder_id, ids, seen)
        if failures:
            rows = [{"image_id": image_id, "error": words} for image_id, _, words in failures]
            query("etl_put_embedding_failures").execute(
                held.conn, {"encoder_id": self.encoder_id, "rows": json.dumps(rows)}
            )
        self.open.remove(held)
        held.context.__exit__(None, None, None)
        self.report.embedded += len(ids)
        self.report.failed += len(failures)
        self.failed.update(image_id for image_id, _, _ in failures)
        self.report.errors.extend((path, words) for _, path, words in failures)

    def _encode(self, pixels: Sequence[Pixels]) -> tuple[Vectors, list[Attributes]]:
        """Vectors of the pictures and, where the encoder has heads, what they show."""
        if self.heads is None:
            return self.encoder.catalogue_batch(np.stack(pixels)), []
        vectors_, features = cast("Encoder", self.encoder).features_batch(
            np.stack(pixels), catalogue=True
        )
        return vectors_, self.heads.predict(features)

    def _insert(self, conn: Connection, ids: Sequence[int], encoded: Any) -> None:
        query("etl_insert_embeddings").execute(
            conn,
            {
                "encoder_id": self.encoder_id,
                "image_ids": list(ids),
                "vectors": [HalfVector(vector) for vector in encoded],
            },
        )


def _watch(db: Database, worker: _Worker, progress: Report) -> None:
    """Wait for notifications of new pictures; look by itself now and then all the same."""
    conn = connect(db.url, db.timeout_s)
    try:
        conn.autocommit = True
        query("etl_listen_images").execute(conn)
        while True:
            worker.drain(progress)
            for _ in conn.notifies(timeout=_WAIT_S, stop_after=1):
                pass
    finally:
        conn.close()
