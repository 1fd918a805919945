"""Days of scheduled runs, some killed, against the simulated marketplace."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from app.db.pool import Database, database_url
from app.settings import ROOT, Settings
from tests.etl.marketplace.market import Market

SHOP = "Market"


@contextmanager
def serving(products: int, days: int, *extra: str) -> Iterator[str]:
    """The marketplace in a process of its own; its address."""
    command = [sys.executable, "-m", "tests.etl.marketplace.server", str(products), str(days)]
    process = subprocess.Popen([*command, *extra], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    try:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.kill()
        process.communicate()


def shop_file(folder: Path, base: str) -> Path:
    """The shop's TOML file."""
    file = folder / "market.toml"
    file.write_text(
        f'name = "{SHOP}"\nadapter = "schema_org"\nstart_urls = ["{base}/shoes"]\n'
        "[politeness]\ndelay_s = 0\nbackoff_s = 0.05\n"
    )
    return file


def start(settings: Settings, file: Path) -> subprocess.Popen[bytes]:
    """``solemate etl run`` as cron would start it."""
    environment = {
        **os.environ,
        "SOLEMATE_HOME": str(settings.home),
        "SOLEMATE_DATABASE": settings.database,
        "SOLEMATE_IMAGE_STORE": str(settings.images_dir),
        "SOLEMATE_FETCH_ALLOW_HOSTS": '["127.0.0.1"]',
        "SOLEMATE_CIRCUIT_WAIT_S": "0.2",
        "PYTHONPATH": str(ROOT),
    }
    environment.pop("DATABASE_URL", None)
    code = "from app.cli import main; main()"
    return subprocess.Popen(
        [sys.executable, "-c", code, "etl", "run", "--shop", str(file)],
        env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip


def told(base: str) -> dict[str, dict[str, int]]:
    """What the marketplace answered: how often each status, how often each fault."""
    with urllib.request.urlopen(f"{base}/_told") as answer:
        return json.load(answer)


def live(
    settings: Settings, market: Market, base: str, file: Path, day: int, *, kill: float
) -> Counter[str]:
    """One day: with odds ``kill`` each, one run or two killed at random, then runs until one is
    complete."""
    rng = random.Random(f"{market.seed} {day}")
    ends: Counter[str] = Counter()
    with urllib.request.urlopen(f"{base}/_day?{day}"):
        pass
    for _ in range(2):
        if rng.random() >= kill:
            break
        process = start(settings, file)
        _wait_for(settings, rng.random() ** 2 * market.products)
        ends["killed" if process.poll() is None else "too late to kill"] += 1
        process.send_signal(signal.SIGKILL)
        process.communicate()
    for _ in range(25):
        process = start(settings, file)
        _, words = process.communicate(timeout=600)
        ends[f"exit {process.returncode}"] += 1
        if process.returncode == 0:
            return ends
        time.sleep(0.3)
    raise AssertionError(f"day {day}: no complete run: {words.decode()}")


def _wait_for(settings: Settings, pages: float) -> None:
    """Until the newest run has read so many pages, or is at its end; the moment of a kill."""
    url = database_url(settings)
    with psycopg.connect(url, autocommit=True) as conn:
        row = conn.execute("SELECT coalesce(max(id), 0) FROM etl_run").fetchone()
        assert row is not None
        before, deadline = row[0], time.monotonic() + 120
        while time.monotonic() < deadline:
            run = conn.execute(
                "SELECT rows_seen, state FROM etl_run WHERE id > %s ORDER BY id DESC LIMIT 1",
                (before,),
            ).fetchone()
            if run is not None and (run[0] >= pages or run[1] != "running"):
                return
            time.sleep(0.02)


def tables(db: Database) -> dict[str, tuple[Any, ...]]:
    """What the tables say, in the shape of :meth:`Market.truth`."""
    with db.connection() as conn:
        offers = conn.execute(
            "SELECT o.sku, o.title, b.name, o.price, o.list_price, o.availability,"
            " ARRAY(SELECT z.label FROM offer_size z WHERE z.offer_id = o.id AND z.available"
            "       ORDER BY z.position), o.id FROM offer o"
            " JOIN product p ON p.id = o.product_id JOIN brand b ON b.id = p.brand_id"
            " WHERE o.currency = 'EUR' AND EXISTS"
            "   (SELECT FROM offer_image i WHERE i.offer_id = o.id)"
        ).fetchall()
        points: dict[int, list[tuple[Any, ...]]] = {}
        for offer, *point in conn.execute(
            "SELECT offer_id, price, list_price, availability FROM price_point ORDER BY id"
        ):
            points.setdefault(offer, []).append(tuple(point))
    found = {row[0]: (*row[1:6], tuple(row[6]), tuple(points.get(row[7], ()))) for row in offers}
    assert len(found) == len(offers), "an offer stands twice"
    return found
