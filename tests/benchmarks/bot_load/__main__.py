"""Load on the real bot process: many users at once, and kill -9 while they write.

    python -m tests.benchmarks.bot_load [--users 200] [--minutes 5] [--rate 2] [--kills 20]

Fills a scratch database with drawn sneakers, starts the local Bot API server here and the command
``solemate bot`` as a process of its own, and lets users send photos, words, albums, commands and
presses, at ``rate`` actions a second together, each user one at a time. Prices fall all the while,
so alerts are told. With ``--kills`` the bot is killed that often, at moments when it works, for as
long as that takes. Everything is measured at the server, from the action to the bot's request.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

import psycopg

from app.db import embedded
from app.db.pool import open_database
from app.settings import Settings, get_settings
from app.web.botapi import BotApi
from tests.benchmarks.bot_load.crowd import Crowd
from tests.benchmarks.bot_load.process import BotProcess, kill_again_and_again
from tests.benchmarks.bot_load.verdict import report, spread

_WARM_S = 45.0
_QUIET_WITHIN_S = 240.0


async def quiet_end(crowd: Crowd) -> None:
    """Waits until everything that was asked and everything to be told has been dealt with."""
    began = time.monotonic()
    while time.monotonic() - began < _QUIET_WITHIN_S:
        with crowd.db.connection() as conn:
            row = conn.execute(
                "SELECT (SELECT count(*) FROM bot_outbox WHERE state IN ('pending', 'sending'))"
                " + (SELECT count(*) FROM bot_update WHERE finished_at IS NULL)"
            ).fetchone()
        waiting = any(user.current for user in crowd.users.values())
        if row is not None and not row[0] and not crowd.api.world.updates and not waiting:
            return
        await asyncio.sleep(0.5)


async def measure(crowd: Crowd, bot: BotProcess, asked: argparse.Namespace, log: Path) -> bool:
    """The whole run."""
    await bot.start()
    started = time.monotonic()
    lives = [asyncio.create_task(crowd.live(user)) for user in crowd.users.values()]
    watching = asyncio.create_task(crowd.watch())
    falling = asyncio.create_task(crowd.prices_fall())
    if asked.kills:
        await kill_again_and_again(crowd, bot, asked.kills)
        crowd.over.set()
        async with asyncio.timeout(_QUIET_WITHIN_S):
            await crowd.once_more()
    else:
        await asyncio.sleep(_WARM_S)
        print(f"resident after {_WARM_S:.0f} s: {bot.resident:.0f} MiB", flush=True)
        await asyncio.sleep(max(0.0, asked.minutes * 60 - _WARM_S))
    crowd.over.set()
    took = time.monotonic() - started
    print(f"load average at the end: {os.getloadavg()[0]:.1f}")
    falling.cancel()
    await quiet_end(crowd)
    for task in (*lives, watching):
        task.cancel()
    await asyncio.gather(*lives, watching, falling, return_exceptions=True)
    print(f"resident at the end: {bot.resident:.0f} MiB")
    print("start to first request for updates, ms:", spread(bot.starts, 1000))
    code = await bot.end(signal.SIGTERM)
    print(f"the bot ended with {code}")
    return report(crowd, log, took) and code == 0


async def run(asked: argparse.Namespace, settings: Settings, folder: Path) -> bool:
    """Prepares everything and measures."""
    log = folder / "bot.log"
    async with BotApi() as api:
        with open_database(settings, size=4) as db:
            crowd = Crowd(api, db, asked)
            print(f"filling: {asked.products} products, {asked.users} users with an alert each")
            await asyncio.to_thread(crowd.fill, folder / "photos", settings)
            load = f"{os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
            print(f"load average before: {load}", flush=True)
            try:
                return await measure(crowd, BotProcess(api, settings, log), asked, log)
            finally:
                if asked.log:
                    shutil.copy(log, asked.log)


def main() -> None:
    """Exit code 1 where something was lost, doubled or wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=200)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--rate", type=float, default=2.0, help="actions a second, all users")
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--products", type=int, default=60)
    parser.add_argument("--fall-every", type=float, default=20.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--log", help="where to keep the bot's log")
    asked = parser.parse_args()
    base = get_settings()
    name = f"bench_bot_{os.getpid()}"
    folder = Path(tempfile.mkdtemp(prefix="bot-load-"))
    settings = base.model_copy(
        update={"database": name, "database_url": None, "image_store": folder / "images"}
    )
    try:
        right = asyncio.run(run(asked, settings, folder))
    finally:
        admin = embedded.url(settings.home, "postgres")
        if admin is not None:
            with psycopg.connect(admin, autocommit=True) as conn:
                conn.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        shutil.rmtree(folder, ignore_errors=True)
    sys.exit(0 if right else 1)


if __name__ == "__main__":
    main()
