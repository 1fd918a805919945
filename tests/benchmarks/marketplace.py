"""``python -m tests.benchmarks.marketplace [PRODUCTS] [DAYS] [--home DIR] [--minutes M]``: the
market lived through in full, with kills, on a database of its own; exits 1 where the tables are not
the market's truth.

With ``--home`` and ``--minutes`` it stops at the end of a day, and the same command goes on from
there. The tables are compared each time.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from app.db import embedded
from app.db.pool import open_database
from app.settings import Settings
from tests.etl.marketplace.harness import live, serving, shop_file, tables, told
from tests.etl.marketplace.market import Market


def main() -> None:
    """Runs it and prints what happened."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("products", type=int, nargs="?", default=2000)
    parser.add_argument("days", type=int, nargs="?", default=30)
    parser.add_argument("--home", type=Path, help="kept; a second command goes on there")
    parser.add_argument("--minutes", type=float, default=1e9, help="stop after so many")
    asked = parser.parse_args()
    home = asked.home or Path(tempfile.mkdtemp(prefix="sm-", dir="/tmp"))
    home.mkdir(exist_ok=True)
    home.chmod(0o755)
    settings = Settings(home=home, database="market", database_url=None)
    market = Market(asked.products, asked.days)
    notes = home / "lived.json"
    lived = {"day": 0, "port": 0, "seconds": 0.0, "ends": {}, "statuses": {}, "faults": {}}
    if notes.exists():
        lived = json.loads(notes.read_text())
    began, before = time.monotonic(), lived["seconds"]
    counts = {name: Counter(lived[name]) for name in ("ends", "statuses", "faults")}
    try:
        with (
            open_database(settings) as db,
            serving(asked.products, asked.days, str(lived["port"])) as base,
        ):
            lived["port"] = int(base.rpartition(":")[2])  # pages keep their addresses
            seen = {name: Counter() for name in ("statuses", "faults")}
            while lived["day"] < asked.days and time.monotonic() - began < asked.minutes * 60:
                counts["ends"] += live(
                    settings, market, base, shop_file(home, base), lived["day"], kill=0.7
                )
                for name, now in told(base).items():
                    counts[name] += Counter(now) - seen[name]
                    seen[name] = Counter(now)
                lived.update({name: dict(count) for name, count in counts.items()})
                lived["day"] += 1
                lived["seconds"] = before + time.monotonic() - began
                notes.write_text(json.dumps(lived))
            truth, found = market.truth(lived["day"] - 1), tables(db)
            with db.connection() as conn:
                runs = conn.execute(
                    "SELECT state, count(*), sum(rows_seen) FROM etl_run GROUP BY 1 ORDER BY 1"
                ).fetchall()
    finally:
        embedded.stop(home)
        if asked.home is None:
            shutil.rmtree(home, ignore_errors=True)
    wrong = [sku for sku in truth.keys() | found.keys() if truth.get(sku) != found.get(sku)]
    points = sum(len(row[-1]) for row in truth.values())
    print(f"{asked.products} products, {lived['day']} of {asked.days} days,"
          f" {lived['seconds']:.0f} s: {lived['ends']}")  # fmt: skip
    print(f"answers by status: {lived['statuses']}; faults: {lived['faults']}")
    print("runs: " + ", ".join(f"{n} {state} ({pages} pages)" for state, n, pages in runs))
    print(f"{len(truth)} offers and {points} price points in truth; {len(wrong)} offers differ")
    if wrong:
        print(wrong[0], truth.get(wrong[0]), found.get(wrong[0]))
        sys.exit(1)


if __name__ == "__main__":
    main()
