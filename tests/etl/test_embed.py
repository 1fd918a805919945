"""The embedding backlog, with one worker and with several."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.db import vectors
from app.db.pool import Database, open_database
from app.settings import Settings
from app.vision.registry import open_encoder
from etl.embed import MAX_TRIES, embed_backlog
from etl.jobs import import_folder
from tests.etl.conftest import picture, rows
from tests.unit.companions import of_means

COUNT = 50


@pytest.fixture
def filled(db: Database, settings: Settings, tmp_path: Path) -> Database:
    """A catalogue of COUNT pictures."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(COUNT):
        (folder / f"{number}.png").write_bytes(picture(number))
    import_folder(db, settings, folder)
    return db


def test_every_picture_gets_its_vector(filled: Database, settings: Settings) -> None:
    encoder = open_encoder("hsv-histogram", settings)
    report = embed_backlog(filled, encoder, settings, batch=16)

    assert (report.embedded, report.failed) == (COUNT, 0)
    assert report.images_per_second > 0
    with filled.connection() as conn:
        row = vectors.active(conn)
        assert row is not None
        assert vectors.has_index(conn, row.id)
        stored = conn.execute(
            "SELECT i.path, e.vec FROM embedding e JOIN image i ON i.id = e.image_id LIMIT 3"
        ).fetchall()
    for path, vector in stored:
        with Image.open(settings.images_dir / path) as image:
            expected = encoder.encode([image.convert("RGB")])[0]
        assert np.allclose(vector.to_numpy(), expected, atol=2e-3)
    assert embed_backlog(filled, encoder, settings).embedded == 0


def test_what_is_stored_is_the_catalogue_s_vector(
    filled: Database, settings: Settings, tmp_path: Path
) -> None:
    encoder = of_means(tmp_path / "means", catalogue=True)
    assert embed_backlog(filled, encoder, settings).embedded == COUNT
    with filled.connection() as conn:
        stored = conn.execute(
            "SELECT i.path, e.vec FROM embedding e JOIN image i ON i.id = e.image_id LIMIT 5"
        ).fetchall()
    for path, vector in stored:
        with Image.open(settings.images_dir / path) as image:
            pixels = encoder.preprocess(image.convert("RGB"))[None]
        assert np.allclose(vector.to_numpy(), encoder.catalogue_batch(pixels)[0], atol=2e-3)
        assert not np.allclose(vector.to_numpy(), encoder.encode_batch(pixels)[0], atol=2e-3)


def test_workers_share_the_work(filled: Database, settings: Settings) -> None:
    encoder = open_encoder("hsv-histogram", settings)
    embedded: list[int] = []

    def work() -> None:
        with open_database(settings, size=4) as own:
            embedded.append(embed_backlog(own, encoder, settings, batch=4).embedded)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert rows(filled, "SELECT count(*), count(DISTINCT image_id) FROM embedding") == [
        (COUNT, COUNT)
    ]
    assert sum(embedded) >= COUNT


def test_a_lost_file_is_recorded_and_not_tried_forever(
    filled: Database, settings: Settings
) -> None:
    [(image_id, path)] = rows(filled, "SELECT id, path FROM image ORDER BY id LIMIT 1")
    (settings.images_dir / path).unlink()
    encoder = open_encoder("hsv-histogram", settings)
    first = embed_backlog(filled, encoder, settings)
    for _ in range(MAX_TRIES + 1):
        embed_backlog(filled, encoder, settings)

    assert (first.embedded, first.failed) == (COUNT - 1, 1)
    assert first.errors[0][0] == path
    assert rows(filled, "SELECT image_id, tries FROM embedding_failure") == [(image_id, MAX_TRIES)]


def test_watching_hears_of_new_pictures(
    filled: Database, settings: Settings, tmp_path: Path
) -> None:
    encoder = open_encoder("hsv-histogram", settings)
    stop = threading.Event()

    def report(done: int, _total: int | None) -> None:
        if stop.is_set():
            raise KeyboardInterrupt

    def watch() -> None:
        with open_database(settings, size=4) as own:
            embed_backlog(own, encoder, settings, watch=True, progress=report)

    worker = threading.Thread(target=watch, daemon=True)
    worker.start()
    _until(lambda: rows(filled, "SELECT count(*) FROM embedding") == [(COUNT,)])
    more = tmp_path / "more"
    more.mkdir()
    (more / "new.png").write_bytes(picture(1000))
    import_folder(filled, settings, more)
    _until(lambda: rows(filled, "SELECT count(*) FROM embedding") == [(COUNT + 1,)])
    stop.set()
    (more / "last.png").write_bytes(picture(1001))
    import_folder(filled, settings, more)
    worker.join(20)
    assert not worker.is_alive()


def _until(done) -> None:
    deadline = time.monotonic() + 20
    while not done():
        assert time.monotonic() < deadline, "the worker did not get there in 20 s"
        time.sleep(0.05)
