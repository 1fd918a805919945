"""Pictures made in the background: one a user at a time, with progress and a way to stop it."""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from telegram import Bot, Message
from telegram.error import TelegramError

from app.bot import dream_views as views
from app.bot.spot import Spot, say
from app.dream.generators.base import GeneratorFault, Progress, Watch
from app.i18n import Catalogue, Html

LOG = logging.getLogger(__name__)
T = TypeVar("T")

_THREADS: Final = 80
"""They mostly wait in the generator's own line, which is what bounds the work."""
_QUICK_S: Final = 1.5
"""A picture that comes sooner needs no word about its progress."""
_TELL_EVERY_S: Final = 2.0


@dataclass
class Job(Watch):
    """One picture in the making."""

    number: int
    user_key: str
    said: Progress = field(default_factory=Progress)
    stopped: bool = False

    def progress(self, progress: Progress) -> None:
        """Kept for whoever tells it on."""
        self.said = progress

    def cancelled(self) -> bool:
        """Whether its user wants it no more."""
        return self.stopped


class Painter:
    """Runs drawing off the event loop and tells its users how far it is."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_THREADS, "bot-dream")
        self._jobs: dict[str, Job] = {}
        self._numbers = itertools.count(int(time.time()))
        self._tasks: set[asyncio.Task[None]] = set()

    def at_work(self, user_key: str) -> bool:
        """Whether a picture of this user's is being made."""
        return user_key in self._jobs

    def stop(self, user_key: str, number: int | None = None) -> bool:
        """Stops a user's picture; False where there is none (or another by now)."""
        job = self._jobs.get(user_key)
        if job is None or (number is not None and job.number != number):
            return False
        job.stopped = True
        return True

    async def paint(
        self,
        bot: Bot,
        spot: Spot,
        words: Catalogue,
        user_key: str,
        draw: Callable[[Watch], T],
        then: Callable[[T], Awaitable[None]],
        failed: Callable[[Exception], Awaitable[None]],
    ) -> None:
        """Draws; waits for a quick picture, leaves a slow one to a task of its own.

        The user's next update is not kept waiting by a slow picture. ``failed`` is given whatever
        went wrong, also when the bot is closing.
        """
        job = Job(next(self._numbers), user_key)
        self._jobs[user_key] = job
        loop = asyncio.get_running_loop()
        running: asyncio.Future[T] = loop.run_in_executor(self._threads, draw, job)
        done, _ = await asyncio.wait({running}, timeout=_QUICK_S)
        whole = self._finish(running, job, bot, spot, words, then, failed, tell=not done)
        if done:
            await whole
            return
        task = asyncio.create_task(whole)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _finish(
        self,
        running: asyncio.Future[T],
        job: Job,
        bot: Bot,
        spot: Spot,
        words: Catalogue,
        then: Callable[[T], Awaitable[None]],
        failed: Callable[[Exception], Awaitable[None]],
        *,
        tell: bool,
    ) -> None:
        message = await self._tell(bot, spot, words, job) if tell else None
        shown = ""
        try:
            while tell and not running.done():
                await asyncio.wait({running}, timeout=_TELL_EVERY_S)
                shown = await self._update(message, words, job, shown)
            made = await running
        except Exception as error:  # noqa: BLE001 - told to the user, logged by whoever can
            self._jobs.pop(job.user_key, None)
            await _remove(message)
            await _safely(failed(error))
            return
        self._jobs.pop(job.user_key, None)
        await _remove(message)
        if job.stopped:
            # It was done before the wish to stop was heard: kept, and shown as any other.
            LOG.info("a picture was finished although its user had cancelled it")
        await _safely(then(made))

    async def _tell(self, bot: Bot, spot: Spot, words: Catalogue, job: Job) -> Message | None:
        try:
            return await say(
                bot, spot, _progress(words, job.said), views.cancel_keyboard(words, job.number)
            )
        except TelegramError as error:
            LOG.info("progress not shown: %s", error.message)
            return None

    async def _update(self, message: Message | None, words: Catalogue, job: Job, shown: str) -> str:
        text = _progress(words, job.said)
        if message is None or text == shown:
            return shown
        with suppress(TelegramError):  # an ornament: the picture itself comes as a message
            await message.edit_text(text, reply_markup=views.cancel_keyboard(words, job.number))
        return text

    async def close(self) -> None:
        """Stops what is drawn and waits for it to end."""
        for job in self._jobs.values():
            job.stopped = True
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=10.0)
        self._threads.shutdown(wait=False, cancel_futures=True)


def _progress(words: Catalogue, said: Progress) -> Html:
    if said.place:
        return words.html("dream.waiting", place=said.place)
    if said.step:
        return words.html("dream.drawing_step", step=said.step, steps=said.steps)
    return words.html("dream.drawing")


async def _remove(message: Message | None) -> None:
    if message is not None:
        with suppress(TelegramError):
            await message.delete()


async def _safely(told: Awaitable[Any]) -> None:
    """A task has nobody above it: what fails here is logged."""
    try:
        await told
    except TelegramError as error:
        LOG.warning("the picture could not be told of: %s", error.message)
    except Exception:
        LOG.exception("after drawing")


def fault_code(error: Exception) -> str | None:
    """The code of a generator's fault, None of anything else."""
    return error.code if isinstance(error, GeneratorFault) else None
