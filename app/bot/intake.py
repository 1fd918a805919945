"""How updates come in: asked for (polling) or delivered (webhook), and kept before acknowledged."""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Protocol, TypeVar
from urllib.parse import urlsplit

from telegram import Bot, Update
from telegram.error import RetryAfter, TelegramError

from app.bot.ledger import Ledger
from app.bot.manners import Manners
from app.bot.marks import Marks
from app.errors import BadInput, DatabaseUnavailable
from app.settings import Settings

if TYPE_CHECKING:
    from aiohttp import web

T = TypeVar("T")
LOG = logging.getLogger(__name__)

KINDS: Final = [
    Update.MESSAGE,
    Update.EDITED_MESSAGE,
    Update.CALLBACK_QUERY,
    Update.INLINE_QUERY,
    Update.CHOSEN_INLINE_RESULT,
    Update.MY_CHAT_MEMBER,
]
_LONG_POLL_S: Final = 25
_PAUSES_S: Final = (1.0, 30.0)
_BODY_LIMIT: Final = 2 * 1024 * 1024
_SECRET_HEADER: Final = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105
_WEBHOOK_CONNECTIONS: Final = 4


class Reception:
    """Takes updates in: written down first, then queued for their handlers."""

    def __init__(
        self,
        queue: asyncio.Queue[object],
        manners: Manners,
        marks: Marks,
        ledger: Ledger | None,
    ) -> None:
        self._queue = queue
        self._manners = manners
        self._marks = marks
        self._ledger = ledger

    async def resume(self, bot: Bot) -> set[int]:
        """Queues what an earlier process left undone; returns its ids."""
        if self._ledger is None:
            return set()
        left = await self._ledger.unfinished(bot)
        for update in left:
            await self._queue.put(update)
        if left:
            LOG.info("%d updates were left undone and are taken up", len(left))
        return {update.update_id for update in left}

    async def take(self, updates: Sequence[Update]) -> bool:
        """Keeps and queues updates; False, their senders told once, when they cannot be kept."""
        fresh = list(updates)
        if self._ledger is not None:
            try:
                fresh = await self._ledger.keep(updates)
            except DatabaseUnavailable as error:
                LOG.warning("updates cannot be kept now: %s", error)
                for update in updates:
                    await self._manners.waiting(update)
                return False
            self._manners.database_is_back()
        for update in fresh:
            self._marks.received(update)
            await self._queue.put(update)
        return True


class Intake(Protocol):
    """A way in."""

    async def start(self) -> None:
        """Begins to take updates in."""

    async def stop(self) -> None:
        """Takes no more in."""


class Polling:
    """Asks Telegram for updates and confirms those that are kept."""

    def __init__(self, bot: Bot, reception: Reception) -> None:
        self._bot = bot
        self._reception = reception
        self._offset: int | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begins to ask, in a task of its own."""
        self._task = asyncio.create_task(self._run(), name="polling")

    async def stop(self) -> None:
        """Asks no more; what was kept is confirmed, so that it does not come again."""
        if self._task is None:
            return
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task
        if self._offset is not None:
            try:
                await self._bot.get_updates(offset=self._offset, timeout=0, limit=1)
            except TelegramError as error:
                LOG.info("the last updates are not confirmed: %s", error.message)

    async def _run(self) -> None:
        await _until_done(lambda: self._bot.delete_webhook(), "the webhook was not removed")
        while True:
            try:
                await self._turn()
            except Exception:
                # Whatever it was: a bot that asks no more is worse than one that stumbles.
                LOG.exception("updates could not be taken in; the next turn tries again")
                await asyncio.sleep(_PAUSES_S[0])

    async def _turn(self) -> None:
        updates = await _until_done(self._ask, "updates could not be fetched")
        if not updates:
            return
        if await self._reception.take(updates):
            self._offset = updates[-1].update_id + 1
        else:
            # Not confirmed, they come again, and with them those that came meanwhile.
            await asyncio.sleep(_PAUSES_S[0])

    async def _ask(self) -> tuple[Update, ...]:
        return await self._bot.get_updates(
            offset=self._offset, timeout=_LONG_POLL_S, allowed_updates=KINDS
        )


async def _until_done(call: Callable[[], Awaitable[T]], what: str) -> T:
    """Repeats a request until Telegram answers it, with growing pauses."""
    pause = _PAUSES_S[0]
    while True:
        try:
            return await call()
        except RetryAfter as error:
            wait = error._retry_after.total_seconds()
            LOG.warning("%s: %s", what, error.message)
        except TelegramError as error:
            wait, pause = pause, min(pause * 2, _PAUSES_S[1])
            LOG.warning("%s: %s", what, error.message)
        await asyncio.sleep(wait)


class Webhook:
    """Listens for updates that Telegram delivers; each is kept before it is acknowledged.

    A request without the secret is refused (403), one that cannot be kept is not acknowledged
    (503), so that Telegram brings it again.
    """

    def __init__(self, bot: Bot, reception: Reception, settings: Settings) -> None:
        """Raises :class:`BadInput` when the settings do not go together."""
        secret = settings.bot_webhook_secret
        if settings.bot_webhook_url is None or secret is None or not secret.get_secret_value():
            raise BadInput(
                "a webhook needs SOLEMATE_BOT_WEBHOOK_SECRET as well: Telegram sends it with every"
                " update, and nobody else knows it"
            )
        self._bot = bot
        self._reception = reception
        self._url = settings.bot_webhook_url
        self._secret = secret.get_secret_value()
        self._listen = (settings.bot_webhook_host, settings.bot_webhook_port)
        self._runner: web.AppRunner | None = None
        self._task: asyncio.Task[bool] | None = None

    async def start(self) -> None:
        """Listens, and tells Telegram the address.

        Raises:
            BadInput: the port cannot be listened on.
        """
        from aiohttp import web  # a bot that polls starts without it, a tenth sooner

        application = web.Application(client_max_size=_BODY_LIMIT)
        application.router.add_post(urlsplit(self._url).path or "/", self._delivered)
        self._runner = web.AppRunner(application, access_log=None)
        await self._runner.setup()
        host, port = self._listen
        try:
            await web.TCPSite(self._runner, host, port).start()
        except OSError as error:
            raise BadInput(
                f"the webhook cannot listen on {host}:{port}: {error.strerror}"
            ) from error
        self._task = asyncio.create_task(
            _until_done(self._announce, "the webhook was not set"), name="webhook"
        )

    async def stop(self) -> None:
        """Listens no more; requests being answered are finished. Telegram keeps what comes now."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        if self._runner is not None:
            await self._runner.cleanup()

    async def _announce(self) -> bool:
        return await self._bot.set_webhook(
            self._url,
            secret_token=self._secret,
            allowed_updates=KINDS,
            max_connections=_WEBHOOK_CONNECTIONS,
        )

    async def _delivered(self, request: web.Request) -> web.Response:
        from aiohttp import web

        given = request.headers.get(_SECRET_HEADER, "")
        if not hmac.compare_digest(given.encode(), self._secret.encode()):
            LOG.warning("a request to the webhook without the secret was refused")
            return web.Response(status=403)
        try:
            payload = json.loads(await request.read())
            update = Update.de_json(payload, self._bot)
        except (ValueError, KeyError, TypeError, AttributeError):
            LOG.warning("a request to the webhook is no update")
            return web.Response(status=400)
        return web.Response(status=200 if await self._reception.take([update]) else 503)


def open_intake(bot: Bot, reception: Reception, settings: Settings) -> Intake:
    """Webhook if one is set, else polling.

    Raises:
        BadInput: a webhook without its secret.
    """
    if settings.bot_webhook_url is None:
        return Polling(bot, reception)
    return Webhook(bot, reception, settings)
