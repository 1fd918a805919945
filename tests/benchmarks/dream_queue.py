"""How long others wait for an answer while two users dream with `diffusion`.

    python -m tests.benchmarks.dream_queue [--seconds 90] [--rounds 2] [--steps 40] [--size 128]

Needs the export group. The tests' tiny pipeline is exported and slowed by steps and size until a
picture takes a while; ``solemate bot`` runs as a process of its own on a scratch catalogue. Rounds
of quiet and of dreaming alternate, so that whatever else the machine does falls on both; all the
while other users send photographs, words, commands and presses (as in bot_load), each one at a
time. Measured at the server, from the action to the bot's first request.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import os
import shutil
import signal
import tempfile
import time
from pathlib import Path

import psycopg

from app.db import embedded
from app.db.pool import open_database
from app.settings import Settings, get_settings
from app.web.botapi import BotApi
from app.web.client import Chat
from tests.benchmarks.bot_load import BotProcess, Load, spread
from tests.dream import tiny

FIRST_DREAMER = 9_001
PATIENCE_S = 600.0


class Dreamers:
    """Users who always want the next picture as soon as they have one."""

    def __init__(self, api: BotApi, count: int) -> None:
        self.chats = [api.user(FIRST_DREAMER + number, "en") for number in range(count)]
        self.drawn: list[tuple[int, float]] = []
        """Who got a picture, in the order they came, and the seconds from wish to picture."""

    async def dream(self, until: float) -> None:
        """All of them, until that time by the clock; the last pictures are waited for."""
        await asyncio.gather(*(self._one(chat, until) for chat in self.chats))

    async def _one(self, chat: Chat, until: float) -> None:
        wish = "/dream"
        for number in itertools.count(1):
            asked = time.monotonic()
            await chat.send_text(wish)
            await chat.wait_for(
                lambda message: message.picture is not None and bool(message.rows), PATIENCE_S
            )
            self.drawn.append((int(chat.user["id"]), time.monotonic() - asked))
            if time.monotonic() > until:
                return
            wish = f"write W{number}"

    def report(self) -> None:
        """How often each was served, and whether in turn."""
        order = [user for user, _ in self.drawn]
        longest = max((len(list(run)) for _, run in itertools.groupby(order)), default=0)
        served = {user: order.count(user) for user in sorted(set(order))}
        print("seconds from wish to picture, both in line:", spread([s for _, s in self.drawn]))
        print(f"pictures of each: {served}; at most {longest} in a row for one user")


Times = dict[str, list[float]]


def between(load: Load, start: float, end: float, into: Times) -> int:
    """Sorts the answers to what was asked in that time by kind; how many have none."""
    unanswered = 0
    for user in load.users.values():
        for action in user.actions:
            if start <= action.at < end:
                if action.first is None:
                    unanswered += 1
                else:
                    into.setdefault(action.kind.partition(":")[0], []).append(action.first)
    return unanswered


async def measure(load: Load, bot: BotProcess, asked: argparse.Namespace) -> None:
    """Quiet and dreaming rounds in turn, then the figures."""
    dreamers = Dreamers(load.api, asked.dreamers)
    await bot.start()
    # The first picture starts the worker and loads the model, the first questions warm the search.
    await dreamers.dream(time.monotonic())
    first = ", ".join(f"{seconds:.1f}" for _, seconds in dreamers.drawn)
    print(f"seconds to the first picture of each, the model loaded meanwhile: {first}")
    dreamers.drawn.clear()
    lives = [asyncio.create_task(load.live(user)) for user in load.users.values()]
    await asyncio.sleep(20)
    spans: list[tuple[str, float, float]] = []
    for _ in range(asked.rounds):
        for name in ("quiet", "dreaming"):
            start = time.monotonic()
            if name == "dreaming":
                await dreamers.dream(start + asked.seconds)
            else:
                await asyncio.sleep(asked.seconds)
            spans.append((name, start, time.monotonic()))
            print(f"  {name}: load average {os.getloadavg()[0]:.1f}", flush=True)
    load.over.set()
    await asyncio.sleep(10)
    for task in lives:
        task.cancel()
    await asyncio.gather(*lives, return_exceptions=True)
    await bot.end(signal.SIGTERM)
    for name in ("quiet", "dreaming"):
        times: Times = {}
        lost = sum(between(load, a, b, times) for part, a, b in spans if part == name)
        every = spread([t for ts in times.values() for t in ts], 1000)
        print(f"{name}: update to first answer, ms: {every}; unanswered {lost}")
        for kind in ("photo", "words"):
            print(f"  {kind:8}", spread(times.get(kind, []), 1000))
    dreamers.report()


async def run(asked: argparse.Namespace, settings: Settings, folder: Path) -> None:
    async with BotApi() as api:
        with open_database(settings, size=4) as db:
            load = Load(api, db, asked)
            await asyncio.to_thread(load.fill, folder / "photos", settings)
            await measure(load, BotProcess(api, settings, folder / "bot.log"), asked)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seconds", type=float, default=90.0, help="of a round")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--dreamers", type=int, default=2)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--size", type=int, default=128, help="pixels a side")
    parser.add_argument("--users", type=int, default=20, help="others")
    parser.add_argument("--rate", type=float, default=0.8, help="actions a second, all others")
    parser.add_argument("--products", type=int, default=60)
    parser.add_argument("--patience", type=float, default=120.0)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="dream-queue-"))
    settings = get_settings().model_copy(
        update={
            "database": f"bench_dream_{os.getpid()}",
            "database_url": None,
            "image_store": folder / "images",
        }
    )
    os.environ.update(
        SOLEMATE_DREAM_GENERATOR="diffusion",
        SOLEMATE_DIFFUSION_MODEL=str(tiny.exported(folder)),
        SOLEMATE_DIFFUSION_STEPS=str(asked.steps),
        SOLEMATE_DIFFUSION_SIZE=str(asked.size),
    )
    try:
        asyncio.run(run(asked, settings, folder))
    finally:
        admin = embedded.url(settings.home, "postgres")
        if admin is not None:
            with psycopg.connect(admin, autocommit=True) as conn:
                conn.execute(f'DROP DATABASE IF EXISTS "{settings.database}" WITH (FORCE)')
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
