"""``python -m tests.benchmarks.refresh [PRODUCTS]``: an unchanged shop read again, and what a page
costs to read and load beside bare HTTP and BeautifulSoup on the same pages."""

from __future__ import annotations

import shutil
import statistics
import sys
import tempfile
import time
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
from tests.etl.marketplace.harness import serving, shop_file
from tests.etl.marketplace.market import Market

ROUNDS = 3


def timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def written(db: Database) -> tuple[object, ...]:
    """Rows of the catalogue's tables without the one column that may change."""
    with db.connection() as conn:
        row = conn.execute(
            "SELECT md5(string_agg((to_jsonb(o) - 'last_seen_at')::text, '' ORDER BY id)),"
            " (SELECT md5(string_agg(xmin::text, '' ORDER BY id)) FROM price_point),"
            " (SELECT md5(string_agg(xmin::text, '' ORDER BY id)) FROM product),"
            " (SELECT md5(string_agg(p.xmin::text, '' ORDER BY url)) FROM fetched_page AS p),"
            " (SELECT md5(string_agg(s.xmin::text, '' ORDER BY offer_id, position))"
            "  FROM offer_size AS s),"
            " (SELECT md5(string_agg(i.xmin::text, '' ORDER BY offer_id, image_id))"
            "  FROM offer_image AS i) FROM offer AS o"
        ).fetchone()
    assert row is not None
    return tuple(row)


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
            before = written(db)
            again = []
            for _ in range(ROUNDS):
                again.append(timed(lambda: run_shop(db, settings, spec, limits=limits)))
            same = written(db) == before

            def bare() -> None:
                with httpx.Client() as client:
                    for sku in skus:
                        BeautifulSoup(client.get(f"{base}/p/{sku}").content, "lxml")

            plain = [timed(bare) for _ in range(ROUNDS)]
            statuses = statistics.median(again)
            with db.connection() as conn:
                counts = conn.execute(
                    "SELECT rows_seen, offers_unchanged, offers_changed FROM etl_run"
                    " ORDER BY id DESC LIMIT 1"
                ).fetchone()
    finally:
        embedded.stop(home)
        shutil.rmtree(home, ignore_errors=True)
    assert counts is not None
    print(f"{counts[0]} page addresses of {len(skus)} products; n = {ROUNDS}, medians")
    print(f"second run: {counts[1]} offers by 304 of {counts[0]} pages asked"
          f" ({counts[1] / counts[0]:.1%}); other rows unwritten: {same}")  # fmt: skip
    print(f"first run, reading and loading: {first / counts[0] * 1000:.2f} ms a page (n = 1)")
    print(f"second run: {statuses / counts[0] * 1000:.2f} ms a page")
    print(f"bare HTTP + BeautifulSoup: {statistics.median(plain) / len(skus) * 1000:.2f} ms a page")


if __name__ == "__main__":
    main()
