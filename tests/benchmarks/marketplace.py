"""``python -m tests.benchmarks.marketplace [PRODUCTS] [DAYS]``: the market lived through in full,
with kills, on a database of its own; exits 1 where the tables are not the market's truth."""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from pathlib import Path

from app.db import embedded
from app.db.pool import open_database
from app.settings import Settings
from tests.etl.marketplace.harness import live, serving, shop_file, tables
from tests.etl.marketplace.market import Market


def main() -> None:
    """Runs it and prints what happened."""
    products, days = (int(a) for a in (*sys.argv[1:], *("3000", "30")[len(sys.argv) - 1 :]))
    home = Path(tempfile.mkdtemp(prefix="sm-", dir="/tmp"))
    home.chmod(0o755)
    settings = Settings(home=home, database="market", database_url=None)
    market = Market(products, days)
    began = time.monotonic()
    try:
        with open_database(settings) as db, serving(products, days) as base:
            ends = live(settings, market, base, shop_file(home, base), kill=0.7,
                        longest_s=max(3.0, products / 60))  # fmt: skip
            truth, found = market.truth(days - 1), tables(db)
    finally:
        embedded.stop(home)
        shutil.rmtree(home, ignore_errors=True)
    wrong = [sku for sku in truth.keys() | found.keys() if truth.get(sku) != found.get(sku)]
    points = sum(len(row[-1]) for row in truth.values())
    print(f"{products} products, {days} days, {time.monotonic() - began:.0f} s: {dict(ends)}")
    print(f"{len(truth)} offers and {points} price points in truth; {len(wrong)} offers differ")
    if wrong:
        print(wrong[0], truth.get(wrong[0]), found.get(wrong[0]))
        sys.exit(1)


if __name__ == "__main__":
    main()
