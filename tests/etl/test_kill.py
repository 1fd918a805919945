"""kill -9 at random moments of the import and of an embed worker, then a rerun."""
# ruff: noqa: E501 - pages, tables and statements read better in one line

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from app.db.pool import open_database
from app.settings import ROOT, Settings
from app.vision.registry import open_encoder
from etl.embed import embed_backlog
from etl.jobs import import_folder
from tests.etl.conftest import checksum, picture, rows

KILLS = 5
PRODUCTS = 600


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Enough offers for several transactions, every tenth with a second view, some broken."""
    made = tmp_path / "photos"
    made.mkdir()
    lines = ["file,source,product_id,brand,price,currency,text"]
    for number in range(PRODUCTS):
        brand = ("Nike", "adidas", "", "Vans")[number % 4]
        price = "what?" if number % 97 == 0 else f"{50 + number % 30}.00"
        lines.append(f"{number}.png,src{number // 40},p{number},{brand},{price},EUR,Shoe {number}")
        (made / f"{number}.png").write_bytes(b"" if number % 89 == 5 else picture(number, 160))
        if number % 10 == 0:
            (made / f"{number}b.png").write_bytes(picture(10_000 + number, 160))
            lines.append(f"{number}b.png,src{number // 40},p{number},,,,")
    (made / "labels.csv").write_text("\n".join(lines))
    return made


def _run(settings: Settings, *arguments: str) -> subprocess.Popen[bytes]:
    environment = {
        **os.environ,
        "SOLEMATE_HOME": str(settings.home),
        "SOLEMATE_DATABASE": settings.database,
        "SOLEMATE_IMAGE_STORE": str(settings.images_dir),
        "PYTHONPATH": str(ROOT),
    }
    environment.pop("DATABASE_URL", None)
    return subprocess.Popen(
        [sys.executable, "-c", "from etl.cli import etl_app; etl_app()", *arguments],
        env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip


def _kill_later(settings: Settings, delay: float, ready, *arguments: str) -> bool:
    """Start, wait until the work has begun and a little longer, kill; whether it was still at it."""
    process = _run(settings, *arguments)
    deadline = time.monotonic() + 30
    while process.poll() is None and not ready() and time.monotonic() < deadline:
        time.sleep(0.005)
    time.sleep(delay)
    alive = process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.wait()
    return alive


def test_import_survives_kills(folder: Path, settings: Settings, second: Settings) -> None:
    with open_database(settings, size=4) as db, open_database(second, size=4) as other:
        straight = import_folder(db, settings, folder, labels=Path("labels.csv"))
        rng = random.Random(20)
        caught = 0
        for turn in range(KILLS):
            wanted = turn * PRODUCTS // 6 + rng.randrange(PRODUCTS // 6)

            def ready(enough=wanted) -> bool:
                [(offers,)] = rows(other, "SELECT count(*) FROM offer")
                return offers >= enough

            arguments = ("import", str(folder), "--labels", "labels.csv")
            caught += _kill_later(second, rng.uniform(0.0, 0.05), ready, *arguments)
        rerun = import_folder(other, second, folder, labels=Path("labels.csv"))

        assert caught >= 2, "the kills came too late to mean anything"
        assert checksum(other) == checksum(db)
        assert sorted(map(str, rerun.faults)) == sorted(map(str, straight.faults))
        assert rows(other, "SELECT count(*) FROM image") == rows(db, "SELECT count(*) FROM image")
        states = dict(rows(other, "SELECT state, count(*) FROM etl_run GROUP BY 1"))
        assert states.get("running", 0) == 0
        for (path,) in rows(other, "SELECT path FROM image"):
            assert (second.images_dir / path).stat().st_size > 0


def test_embed_worker_survives_kills(folder: Path, settings: Settings, second: Settings) -> None:
    encoder = open_encoder("hsv-histogram", settings)
    listing = (
        "SELECT encode(i.sha256, 'hex'), e.vec::text"
        " FROM embedding e JOIN image i ON i.id = e.image_id ORDER BY 1"
    )
    with open_database(settings, size=4) as db, open_database(second, size=4) as other:
        import_folder(db, settings, folder, labels=Path("labels.csv"))
        import_folder(other, second, folder, labels=Path("labels.csv"))
        embed_backlog(db, encoder, settings)
        rng = random.Random(21)
        caught = 0
        for turn in range(KILLS):
            wanted = turn * PRODUCTS // 6 + rng.randrange(PRODUCTS // 6)

            def ready(enough=wanted) -> bool:
                [(embedded,)] = rows(other, "SELECT count(*) FROM embedding")
                return embedded >= enough

            arguments = ("embed", "--encoder", "hsv-histogram", "--batch", "8")
            caught += _kill_later(second, rng.uniform(0.0, 0.03), ready, *arguments)
        embed_backlog(other, encoder, second)

        assert caught >= 2, "the kills came too late to mean anything"
        assert rows(other, listing) == rows(db, listing)
        assert rows(other, "SELECT count(*) FROM embedding_failure") == [(0,)]
