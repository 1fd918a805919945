"""Delivers alerts from the outbox, each once, whatever happens to the process.

A row is claimed (committed) before its message is sent and recorded after. Between the two a crash
leaves it open. From the claim until it is settled the user's lane is held, over restarts too, so
the bot writes nothing else into that chat; whether the message is there is asked of Telegram.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final, TypeVar

from telegram import Bot, InlineKeyboardMarkup, Message
from telegram.error import BadRequest, Forbidden, NetworkError, RetryAfter, TelegramError

from app.bot import letters
from app.bot.desk import Desk
from app.bot.lanes import Lanes
from app.bot.letters import Written
from app.bot.limits import TURN_TAKEN, ChatLimiter
from app.bot.marks import Marks
from app.bot.request import ONCE
from app.bot.uploads import Uploads
from app.db.bot import BotStore
from app.db.bot_outbox import Attempt, Letter
from app.db.listen import listening
from app.errors import DatabaseUnavailable
from app.i18n import Catalogue, catalogue, known_language

T = TypeVar("T")
LOG = logging.getLogger(__name__)

_CHANNEL: Final = "solemate_run_finished"
_PRUNE_EVERY_S: Final = 6 * 3600.0
_WIDEST: Final = 400
"""Message ids asked about at most for one open row: the ids that a bot and its users can make in
the seconds between a claim and its send, many times over."""
_AT_ONCE: Final = 8
_PATIENCE_S: Final = 3.0
_AHEAD: Final = 40
"""Ids asked about beyond the newest one seen: what came since and was not seen yet."""


class Courier:
    """Runs for the life of the bot."""

    def __init__(
        self,
        bot: Bot,
        desk: Desk,
        store: BotStore,
        lanes: Lanes,
        limiter: ChatLimiter,
        marks: Marks,
        every_s: float = 60.0,
        grace_s: float = 10.0,
    ) -> None:
        self._bot = bot
        self._desk = desk
        self._store = store
        self._outbox = store.outbox
        self._lanes = lanes
        self._limiter = limiter
        self._marks = marks
        self._images = desk.settings.images_dir
        self._uploads = Uploads(desk.settings)
        self._every_s = every_s
        self._grace_s = grace_s
        self._nudged = asyncio.Event()
        self._threads = ThreadPoolExecutor(2, "bot-courier")
        self._at_once = asyncio.Semaphore(_AT_ONCE)
        self._settling: set[asyncio.Task[None]] = set()
        self._tasks: list[asyncio.Task[None]] = []
        self._pruned_at = -_PRUNE_EVERY_S
        self._stopping = False
        self.rounds = 0
        """Turns that are over."""

    async def prepare(self) -> None:
        """Before any update is handled: holds the lanes of users with an open row."""
        for attempt in await self._in_thread(self._outbox.open_attempts):
            held = asyncio.Event()
            task = asyncio.create_task(self._settle_alone(attempt, held), name="courier-settle")
            self._settling.add(task)
            task.add_done_callback(self._settling.discard)
            await held.wait()

    def start(self) -> None:
        """Begins to listen and to deliver."""
        self._tasks = [
            asyncio.create_task(self._listen(), name="courier-listen"),
            asyncio.create_task(self._run(), name="courier"),
        ]

    async def stop(self) -> None:
        """Finishes the messages being sent, then ends; open rows are for the next process."""
        self._stopping = True
        self._nudged.set()
        for task in (*self._tasks[:1], *self._settling):
            task.cancel()
        await asyncio.gather(*self._tasks, *self._settling, return_exceptions=True)
        self._threads.shutdown(wait=False)

    def nudge(self) -> None:
        """Looks for what is to be told now, not at the next turn."""
        self._nudged.set()

    async def _listen(self) -> None:
        while True:
            try:
                async for _ in listening(self._outbox.url, _CHANNEL):
                    self.nudge()
            except DatabaseUnavailable as error:
                LOG.info("ends of runs are not heard (%s); alerts wait for their turn", error)
            await asyncio.sleep(self._every_s)

    async def _run(self) -> None:
        while not self._stopping:
            self._nudged.clear()
            try:
                await self.round()
                self.rounds += 1
            except DatabaseUnavailable as error:
                LOG.warning("alerts wait: %s", error)
            except Exception:
                LOG.exception("alerts could not be delivered; the next turn tries again")
            try:
                async with asyncio.timeout(self._every_s):
                    await self._nudged.wait()
            except TimeoutError:
                continue

    async def round(self) -> None:
        """One turn: look at all alerts, then deliver what may go."""
        put = await self._in_thread(self._outbox.compute)
        if put:
            LOG.info("%d alerts to tell", put)
        # What an earlier process left undone is answered first: an answer of which nobody knows
        # must not lie above the mark of an alert.
        await self._lanes.caught_up.wait()
        while not self._stopping:
            due = await self._in_thread(self._outbox.due)
            if not due:
                break
            await asyncio.gather(*(self._one(row_id, user_id) for row_id, user_id in due))
        if time.monotonic() - self._pruned_at > _PRUNE_EVERY_S:
            self._pruned_at = time.monotonic()
            await self._in_thread(self._outbox.prune)

    async def _one(self, row_id: int, user_id: int) -> None:
        async with self._at_once:
            if not self._stopping:
                await self.deliver(row_id, user_id)

    async def deliver(self, row_id: int, user_id: int) -> None:
        """Sends one row's message, alone in its user's lane."""
        async with self._lanes.alone(user_id):
            letter = await self._in_thread(lambda: self._outbox.read(row_id))
            if letter is None:
                return  # /forget was quicker
            written = await self._write(letter)
            if written is None:
                await self._in_thread(
                    lambda: self._outbox.close(row_id, "dropped", "not so any more")
                )
                return
            picture = await self._picture(written)
            await self._limiter.turn("sendMessage", user_id)
            markup = written.keyboard.to_dict()
            mark = self._marks.newest
            claimed = await self._in_thread(lambda: self._outbox.claim(row_id, mark, markup))
            if claimed is not None:
                await self._send(claimed, written, picture)

    async def _send(self, claimed: Attempt, written: Written, picture: bytes | None) -> None:
        row_id, user_id = claimed.id, claimed.user_id
        token = ONCE.set(True)
        try:
            message = await self._post(user_id, written, picture)
        except RetryAfter as error:
            wait = error._retry_after.total_seconds()
            await self._record(lambda: self._outbox.again(row_id, "429", wait))
        except Forbidden as error:
            reason = error.message
            LOG.info("user %d is not told: %s", user_id, reason)
            await self._record(lambda: self._store.saved.block(user_id, True))
            await self._record(lambda: self._outbox.close(row_id, "dropped", reason))
        except BadRequest as error:
            reason = error.message
            LOG.warning("alert %d cannot be sent: %s", row_id, reason)
            await self._record(lambda: self._outbox.close(row_id, "dropped", reason))
        except NetworkError as error:
            LOG.warning("whether alert %d arrived is to be asked: %s", row_id, error.message)
            await asyncio.sleep(self._grace_s)
            await self._settle(claimed)
        else:
            await self._record(lambda: self._outbox.sent(row_id, message.message_id))
        finally:
            ONCE.reset(token)

    async def _post(self, user_id: int, written: Written, picture: bytes | None) -> Message:
        if picture is not None:
            try:
                return await self._bot.send_photo(
                    user_id,
                    picture,
                    caption=written.text,
                    reply_markup=written.keyboard,
                    rate_limit_args=TURN_TAKEN,  # type: ignore[call-arg]  # ExtBot's
                )
            except BadRequest as error:
                # Certainly not there: the words alone may still go.
                LOG.warning("Telegram refused an alert's picture: %s", error.message)
        return await self._bot.send_message(
            user_id,
            written.text,
            reply_markup=written.keyboard,
            rate_limit_args=TURN_TAKEN,  # type: ignore[call-arg]  # ExtBot's
        )

    async def _settle_alone(self, attempt: Attempt, held: asyncio.Event) -> None:
        async with self._lanes.alone(attempt.user_id):
            held.set()
            # A request that was on its way when the process died may still arrive.
            await asyncio.sleep(max(0.0, self._grace_s - attempt.age_s))
            await self._settle(attempt)

    async def _settle(self, attempt: Attempt) -> None:
        """Finds out whether an open row's message is in its chat; in its user's lane.

        The message has an id above every id known before it was sent, and nothing else was sent to
        the chat since; so of the ids above the mark at most one is the bot's to edit, and giving it
        the buttons it has changes nothing.
        """
        while True:
            high = max(self._marks.newest, attempt.mark) + _AHEAD
            last = min(high, attempt.mark + _WIDEST)
            try:
                found = await self._look(attempt, attempt.mark + 1, last)
                break
            except Forbidden as error:
                await self._record(lambda: self._store.saved.block(attempt.user_id, True))
                await self._record(partial(self._outbox.close, attempt.id, "unknown", str(error)))
                return
            except TelegramError as error:
                LOG.warning("alert %d cannot be settled now: %s", attempt.id, error.message)
                await asyncio.sleep(_PATIENCE_S)
        if found is not None and not attempt.doubtful:
            LOG.info("alert %d had arrived as message %d", attempt.id, found)
            await self._record(lambda: self._outbox.sent(attempt.id, found))
        elif found is None and last == high:
            LOG.info("alert %d had not arrived, it is sent again", attempt.id)
            await self._record(lambda: self._outbox.again(attempt.id, "not delivered"))
            self.nudge()
        else:
            # Rather not at all than twice.
            LOG.warning("whether alert %d arrived cannot be told", attempt.id)
            await self._record(lambda: self._outbox.close(attempt.id, "unknown", "cannot be told"))

    async def _record(self, call: Callable[[], None]) -> None:
        """Writes an outcome down, as soon as the database lets it."""
        while True:
            try:
                await self._in_thread(call)
            except DatabaseUnavailable as error:
                LOG.warning("an alert's outcome waits to be written: %s", error)
                await asyncio.sleep(_PATIENCE_S)
            else:
                return

    async def _look(self, attempt: Attempt, first: int, last: int) -> int | None:
        keyboard = InlineKeyboardMarkup.de_json(attempt.markup, self._bot)
        message_id = first
        while message_id <= last:
            # Nothing is written to the chat: the limit of one message a second, meant for that,
            # would keep its user waiting for a minute.
            await self._limiter.turn("editMessageReplyMarkup", None)
            try:
                await self._bot.edit_message_reply_markup(
                    attempt.user_id,
                    message_id,
                    reply_markup=keyboard,
                    rate_limit_args=TURN_TAKEN,  # type: ignore[call-arg]  # ExtBot's
                )
            except RetryAfter as error:
                await asyncio.sleep(error._retry_after.total_seconds())
            except BadRequest as error:
                text = error.message.lower()
                if "not modified" in text:
                    return message_id
                if "not found" in text or "can't be edited" in text or "invalid" in text:
                    message_id += 1  # not in this chat, or the user's own
                    continue
                raise
            else:
                return message_id
        return None

    async def _write(self, letter: Letter) -> Written | None:
        words = self._words(letter)
        if letter.payload["kind"] == "new":
            image_ids = letter.payload["image_ids"]
            shoes = await self._in_thread(lambda: self._outbox.shoes(image_ids))
            return letters.about_new(words, letter, shoes)
        subject = await self._in_thread(lambda: self._outbox.subject(letter))
        return None if subject is None else letters.about_shoe(words, letter, subject)

    def _words(self, letter: Letter) -> Catalogue:
        spoken = known_language(letter.language) or self._desk.settings.bot_language
        return catalogue(spoken or "ru")

    async def _picture(self, written: Written) -> bytes | None:
        path = written.path
        if path is None:
            return None
        whole = str(self._images / path)
        return await self._desk.prepare(lambda: self._uploads.read(whole))

    async def _in_thread(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, call)
