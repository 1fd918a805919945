"""Days of scheduled runs, some killed, against the simulated marketplace."""

from __future__ import annotations

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

from app.db.pool import Database
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
        "[politeness]\ndelay_s = 0\n"
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


def live(
    settings: Settings, market: Market, base: str, file: Path, *, kill: float, longest_s: float
) -> Counter[str]:
    """Every day: perhaps a run killed at random, then runs until one is complete."""
    rng = random.Random(market.seed)
    ends: Counter[str] = Counter()
    for day in range(market.days):
        with urllib.request.urlopen(f"{base}/_day?{day}"):
            pass
        if rng.random() < kill:
            process = start(settings, file)
            time.sleep(rng.uniform(0.5, longest_s))
            ends["killed" if process.poll() is None else "too late to kill"] += 1
            process.send_signal(signal.SIGKILL)
            process.communicate()
        for _ in range(12):
            process = start(settings, file)
            _, words = process.communicate(timeout=600)
            ends[f"exit {process.returncode}"] += 1
            if process.returncode == 0:
                break
            time.sleep(0.5)
        else:
            raise AssertionError(f"day {day}: no complete run: {words.decode()}")
    return ends


def tables(db: Database) -> dict[str, tuple[Any, ...]]:
    """What the tables say, in the shape of :meth:`Market.truth`."""
    with db.connection() as conn:
        offers = conn.execute(
            "SELECT o.sku, o.title, o.price, o.list_price, o.availability,"
            " ARRAY(SELECT z.label FROM offer_size z WHERE z.offer_id = o.id AND z.available"
            "       ORDER BY z.position), o.id FROM offer o"
        ).fetchall()
        points: dict[int, list[tuple[Any, ...]]] = {}
        for offer, *point in conn.execute(
            "SELECT offer_id, price, list_price, availability FROM price_point ORDER BY id"
        ):
            points.setdefault(offer, []).append(tuple(point))
    found = {row[0]: (*row[1:5], tuple(row[5]), tuple(points.get(row[6], ()))) for row in offers}
    assert len(found) == len(offers), "an offer stands twice"
    return found
