"""``python -m tests.benchmarks.refresh [PRODUCTS]``: an unchanged shop read again, and what a page
costs to read and load beside bare HTTP and BeautifulSoup on the same pages.

Costs are processor time of the reading process, so that a busy machine does not change them; what
Postgres spends is not in them, the wall clock beside them has it.
"""

from __future__ import annotations

import shutil
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import httpx
from bs4 import BeautifulSoup

from app.db import embedded
from app.db.pool import Database, open_database
from app.settings import Settings
from etl.fetch import Limits
from etl.shop_run import run_shop
from etl.shop_spec import load_shop
from tests.etl.marketplace.harness import serving, shop_file, told
from tests.etl.marketplace.market import Market

ROUNDS = 3
TABLES = (
    "fetched_page", "price_point", "offer_size", "offer_image", "product", "brand", "shop",
    "image", "image_source",
)  # fmt: skip


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Processor and wall time, seconds."""
    began = time.perf_counter(), time.process_time()
    work()
    return time.process_time() - began[1], time.perf_counter() - began[0]


def written(db: Database) -> list[object]:
    """Row versions of the catalogue; of offers, all but the one column that may change."""
    found: list[object] = []
    with db.connection() as conn:
        for table in TABLES:
            versions = f"SELECT md5(string_agg(xmin::text || ctid, '' ORDER BY ctid)) FROM {table}"
            found.append(conn.execute(versions).fetchone())
        found.append(
            conn.execute(
                "SELECT md5(string_agg((to_jsonb(o) - 'last_seen_at')::text, '' ORDER BY id))"
                " FROM offer AS o"
            ).fetchone()
        )
    return found


def main() -> None:
    """Runs it and prints the figures."""
    products = int(sys.argv[1]) if len(sys.argv) > 1 else 5000
    home = Path(tempfile.mkdtemp(prefix="sm-", dir="/tmp"))
    home.chmod(0o755)
    settings = Settings(
        home=home, database="refresh", database_url=None, fetch_allow_hosts=("127.0.0.1",)
    )
    market = Market(products, 1)
    skus = [g.sku for g in market.goods if g.days[0].listed]
    try:
        with open_database(settings) as db, serving(products, 1, "calm") as base:
            spec = load_shop(str(shop_file(home, base)))
            limits = Limits(delay_s=0)
            first = timed(lambda: run_shop(db, settings, spec, limits=limits))
            before, asked = written(db), Counter(told(base)["statuses"])
            again, statuses = [], Counter[str]()
            for _ in range(ROUNDS):
                again.append(timed(lambda: run_shop(db, settings, spec, limits=limits)))
                now = Counter(told(base)["statuses"])
                statuses, asked = now - asked, now
            same = written(db) == before

            def bare() -> None:
                with httpx.Client() as client:
                    for sku in skus:
                        BeautifulSoup(client.get(f"{base}/p/{sku}").content, "lxml")

            plain = [timed(bare) for _ in range(ROUNDS)]
            with db.connection() as conn:
                row = conn.execute("SELECT rows_seen FROM etl_run ORDER BY id DESC").fetchone()
    finally:
        embedded.stop(home)
        shutil.rmtree(home, ignore_errors=True)
    assert row is not None
    pages = int(row[0])
    answered = sum(n for status, n in statuses.items() if status in ("200", "304", "404"))
    print(f"{pages} page addresses of {len(skus)} products; n = {ROUNDS}, medians")
    print(f"last run, answers by status: {dict(statuses)}; 304: {statuses['304']} of {answered}"
          f" documents asked for ({statuses['304'] / answered:.1%})")  # fmt: skip
    print(f"rows unwritten but for last_seen_at: {same}")
    for name, (cpu, wall), count in (
        ("first run, reading and loading (n = 1)", first, pages),
        ("second run", _median(again), pages),
        ("bare HTTP + BeautifulSoup", _median(plain), len(skus)),
    ):
        print(f"{name}: {cpu / count * 1000:.2f} ms of processor a page,"
              f" {wall / count * 1000:.2f} ms by the clock")  # fmt: skip


def _median(rounds: list[tuple[float, float]]) -> tuple[float, float]:
    return statistics.median(r[0] for r in rounds), statistics.median(r[1] for r in rounds)


if __name__ == "__main__":
    main()
