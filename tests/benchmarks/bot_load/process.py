"""``solemate bot`` as a process: started, watched, killed while it works."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from pathlib import Path

import psutil

from app.settings import ROOT, Settings
from app.web.botapi import BotApi
from tests.benchmarks.bot_load.crowd import Crowd

_COMES_BACK_S = 120.0


class BotProcess:
    """Its log is kept over all starts."""

    def __init__(self, api: BotApi, settings: Settings, log: Path) -> None:
        self._api = api
        self._log = log
        self._environment = {
            **os.environ,
            "SOLEMATE_HOME": str(settings.home),
            "SOLEMATE_DATABASE": settings.database,
            "SOLEMATE_IMAGE_STORE": str(settings.images_dir),
            "SOLEMATE_BOT_TOKEN": api.token,
            "SOLEMATE_BOT_API_URL": api.url,
            "SOLEMATE_LOG_LEVEL": "INFO",
        }
        self._process: asyncio.subprocess.Process | None = None
        self.starts: list[float] = []
        """Seconds from each start of the process to its first request for updates."""

    async def start(self) -> None:
        """Returns when it asks for updates."""
        began = time.monotonic()
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-c", "from app.cli import main; main()", "bot",
                cwd=ROOT, env=self._environment, stdout=log, stderr=log,
            )  # fmt: skip
        while (self._api.world.polled_at or 0.0) < began:
            await asyncio.sleep(0.01)
            if time.monotonic() - began > _COMES_BACK_S:
                sys.exit("the bot does not come up")
        self.starts.append(time.monotonic() - began)

    @property
    def resident(self) -> float:
        """MiB of memory."""
        assert self._process is not None
        return psutil.Process(self._process.pid).memory_info().rss / 2**20

    async def end(self, number: signal.Signals) -> int:
        """Signals the process and waits for its end; its exit code."""
        assert self._process is not None
        self._process.send_signal(number)
        return await self._process.wait()


async def kill_again_and_again(crowd: Crowd, bot: BotProcess, kills: int) -> None:
    """Kills the bot while it works: while alerts are going out, or just after somebody wrote."""
    for number in range(kills):
        await asyncio.sleep(crowd.chance.uniform(2.0, 6.0))
        if number % 2:
            await asyncio.to_thread(crowd.fall)
            await asyncio.sleep(crowd.chance.uniform(0.0, 0.6))
        else:
            while not any(user.current for user in crowd.users.values()):
                await asyncio.sleep(0.002)
            await asyncio.sleep(crowd.chance.uniform(0.0, 0.15))
        underway = sum(user.current is not None for user in crowd.users.values())
        await bot.end(signal.SIGKILL)
        await bot.start()
        print(f"  kill {number + 1}: {underway} users waiting; asks again after"
              f" {bot.starts[-1]:.1f} s", flush=True)  # fmt: skip
