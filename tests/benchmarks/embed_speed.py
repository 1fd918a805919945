"""Throughput of ``solemate etl embed`` beside bare onnxruntime, on the same pictures and batches.

    python -m tests.benchmarks.embed_speed [--images 2000]

Runs on pictures of the database the settings name, in a scratch database beside it. Bare is
``InferenceSession.run`` on ready-made input with the same session options; the worker besides reads
and decodes files, claims and writes rows, as `solemate etl embed` does by itself. Bare runs batch
after batch on all cores. The two are measured in turn, so that a machine's noise meets both.
"""

from __future__ import annotations

import argparse
import statistics
import time
from typing import Any

import numpy as np
import psycopg

from app.db import embedded
from app.db.pool import Database, open_database
from app.settings import Settings, get_settings
from app.vision.encoder import Encoder, ImageEncoder
from app.vision.image import decode
from app.vision.registry import open_encoder
from etl.embed import embed_backlog, open_for_embedding

SCRATCH = "solemate_bench_embed"
ROUNDS = 3


def bare(encoder: Encoder, pixels: np.ndarray, batch: int) -> float:
    """Images a second of the session alone."""
    name, output = encoder.manifest.input.name, [encoder.manifest.output.name]
    start = time.perf_counter()
    for first in range(0, len(pixels), batch):
        encoder.session.run(output, {name: pixels[first : first + batch]})
    return len(pixels) / (time.perf_counter() - start)


def worker(db: Database, encoder: ImageEncoder, settings: Settings) -> float:
    """Images a second of the embed worker, index build not counted."""
    with db.connection() as conn:
        conn.execute("DELETE FROM embedding")
    report = embed_backlog(db, encoder, settings, activate=False)
    return report.images_per_second


def main() -> None:
    """Prints a row a batch size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=2000)
    count = parser.parse_args().images
    settings = get_settings()
    with open_database(settings, size=1) as db, db.connection() as conn:
        columns = "sha256, phash, width, height, size_bytes, format, path"
        rows: list[tuple[Any, ...]] = conn.execute(
            f"SELECT {columns} FROM image ORDER BY sha256 LIMIT %s", [count]
        ).fetchall()
    scratch = settings.model_copy(update={"database": SCRATCH})
    opened = open_encoder(settings.encoder, settings)
    working = open_for_embedding(settings.encoder, settings)
    assert isinstance(opened, Encoder)
    pixels = np.stack(
        [
            opened.preprocess(
                decode(
                    settings.images_dir / row[-1],
                    max_bytes=settings.max_image_bytes,
                    max_pixels=settings.max_image_pixels,
                ).image
            )
            for row in rows
        ]
    )
    try:
        with open_database(scratch) as db:
            with db.connection() as conn, conn.cursor() as cursor:
                conn.execute("TRUNCATE image CASCADE")
                with cursor.copy(f"COPY image ({columns}) FROM STDIN") as copy:
                    for row in rows:
                        copy.write_row(row)
            print(f"{opened.name}, {len(rows)} pictures, medians of {ROUNDS} rounds in turn")
            print(f"{'batch':>6}{'bare/s':>10}{'worker/s':>10}{'ratio':>8}")
            for batch in (8, 16, 32, 64):
                pairs = [
                    (bare(opened, pixels, batch), worker(db, working, scratch))
                    for _ in range(ROUNDS)
                ]
                alone = statistics.median(pair[0] for pair in pairs)
                worked = statistics.median(pair[1] for pair in pairs)
                ratio = statistics.median(pair[1] / pair[0] for pair in pairs)
                print(f"{batch:6}{alone:10.1f}{worked:10.1f}{ratio:8.2f}")
    finally:
        admin = embedded.url(settings.home, "postgres")
        if admin is not None:
            with psycopg.connect(admin, autocommit=True) as conn:
                conn.execute(f"DROP DATABASE IF EXISTS {SCRATCH} WITH (FORCE)")


if __name__ == "__main__":
    main()
