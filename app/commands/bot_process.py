"""The bot as a process of its own, kept running: what ``solemate bot`` is to Telegram."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import logging
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Final

LOG = logging.getLogger(__name__)

Report = Callable[[str], Awaitable[None]]
"""Told ``starting``, ``restarting`` or ``stopped``."""

_GRACE_S: Final = 20.0
_QUICK_DEATH_S: Final = 30.0
_QUICK_DEATHS: Final = 3
_PAUSE_S: Final = 1.0
_PR_SET_PDEATHSIG: Final = 1


def _die_with_parent() -> None:
    """In the child, before it runs: a killed parent must leave no bot behind (Linux)."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


class BotProcess:
    """Starts ``solemate bot`` and starts it again when it dies; gives up when it cannot start."""

    def __init__(self, environment: Mapping[str, str], log: Path, report: Report) -> None:
        self._environment = {**os.environ, **environment}
        # The local server is polled, whatever the bot does with Telegram.
        self._environment.pop("SOLEMATE_BOT_WEBHOOK_URL", None)
        self._log = log
        self._report = report
        self._process: asyncio.subprocess.Process | None = None
        self._watch: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        """The running process."""
        process = self._process
        return process.pid if process is not None and process.returncode is None else None

    def start(self) -> None:
        """Starts it and watches over it, in the running event loop."""
        self._watch = asyncio.create_task(self._keep_running())

    async def stop(self) -> None:
        """Asks it to finish what is in flight and waits; kills it where it does not."""
        if self._watch is not None:
            self._watch.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watch
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            async with asyncio.timeout(_GRACE_S):
                await process.wait()
        except TimeoutError:
            LOG.warning("the bot did not stop in %.0f s and is killed", _GRACE_S)
            process.kill()
            await process.wait()

    async def _keep_running(self) -> None:
        state, quick = "starting", 0
        while True:
            await self._report(state)
            began = time.monotonic()
            code = await self._run_once()
            quick = quick + 1 if time.monotonic() - began < _QUICK_DEATH_S else 0
            LOG.warning("the bot ended with code %s; its log: %s", code, self._log)
            if quick >= _QUICK_DEATHS:
                LOG.error("the bot does not start: %s", await asyncio.to_thread(self._last_words))
                await self._report("stopped")
                return
            state = "restarting"
            await self._report(state)
            await asyncio.sleep(_PAUSE_S)

    def _last_words(self) -> str:
        lines = self._log.read_text(encoding="utf-8", errors="replace").splitlines()
        return lines[-1] if lines else "it said nothing"

    async def _run_once(self) -> int:
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "app", "bot",
                env=self._environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Ctrl+C reaches every process of the terminal: the bot is stopped by us, once.
                start_new_session=True,
                preexec_fn=_die_with_parent if sys.platform == "linux" else None,
            )  # fmt: skip
        return await self._process.wait()
