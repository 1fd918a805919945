"""Kill -9 of a real import and of embed workers at random moments; the end must be the same.

    python -m tests.benchmarks.kill_real DIR [--kills 5] [--no-embed]

DIR holds labels.csv. Works in two scratch databases of the settings' server, which it drops at the
end: one undisturbed run, one killed again and again and then left to finish.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import time

import psycopg

from app.db import embedded
from app.db.pool import open_database
from app.db.queries import query
from app.settings import get_settings

VECTORS = (
    "SELECT count(*), md5(string_agg(encode(i.sha256, 'hex') || e.vec::text, '' ORDER BY i.sha256))"
    " FROM embedding AS e JOIN image AS i ON i.id = e.image_id"
)


def start(database: str, *arguments: str) -> subprocess.Popen[bytes]:
    """``solemate etl ...`` on a scratch database."""
    return subprocess.Popen(
        [sys.executable, "-c", "from app.cli import main; main()", "etl", *arguments],
        env={**os.environ, "SOLEMATE_DATABASE": database},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip


def whole(database: str, *arguments: str) -> float:
    """Runs to the end; seconds."""
    began = time.monotonic()
    if start(database, *arguments).wait() != 0:
        sys.exit(f"{arguments[0]} failed on {database}")
    return time.monotonic() - began


def disturbed(database: str, seconds: float, kills: int, *arguments: str) -> None:
    """Starts and kills ``kills`` times, each at a random moment, and then runs to the end."""
    chance = random.Random(0)
    for number in range(kills):
        process = start(database, *arguments)
        moment = chance.uniform(1.0, max(2.0, seconds / 4))
        time.sleep(moment)
        alive = process.poll() is None
        if alive:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        print(f"  kill {number + 1} of {arguments[0]} after {moment:.1f} s (running: {alive})")
    whole(database, *arguments)


def main() -> None:
    """Prints both checksums and whether they agree."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder")
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--no-embed", action="store_true")
    asked = parser.parse_args()
    settings = get_settings()
    calm, rough = "solemate_calm", "solemate_rough"
    results = {}
    what = ("import", asked.folder, "--labels", "labels.csv")
    seconds = whole(calm, *what)
    print(f"undisturbed import: {seconds:.1f} s")
    disturbed(rough, seconds, asked.kills, *what)
    if not asked.no_embed:
        seconds = whole(calm, "embed")
        print(f"undisturbed embed: {seconds:.1f} s")
        disturbed(rough, seconds, asked.kills, "embed")
    for database in (calm, rough):
        scratch = settings.model_copy(update={"database": database})
        with open_database(scratch, size=1) as db, db.connection() as conn:
            results[database] = (
                query("catalog_checksum").execute(conn).fetchone(),
                query("catalog_counts").execute(conn).fetchone(),
                conn.execute(VECTORS).fetchone(),
            )
        print(database, results[database])
    admin = embedded.url(settings.home, "postgres")
    if admin is not None:
        with psycopg.connect(admin, autocommit=True) as conn:
            for database in (calm, rough):
                conn.execute(f"DROP DATABASE {database} WITH (FORCE)")
    same = results[calm] == results[rough]
    print("equal" if same else "DIFFERENT")
    sys.exit(0 if same else 1)


if __name__ == "__main__":
    main()
