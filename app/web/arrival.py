"""How updates reach the bot: getUpdates, or a webhook."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from typing import Final

import aiohttp

from app.web.failure import ApiFailure, bad_request
from app.web.params import Params
from app.web.world import Json, Webhook, World

LOG = logging.getLogger(__name__)

_LONGEST_POLL_S: Final = 50
_SECRET: Final = re.compile(r"[A-Za-z0-9_-]{1,256}")
_FIRST_PAUSE_S: Final = 0.2
_LONGEST_PAUSE_S: Final = 5.0
_PATIENCE_S: Final = 60.0


def allow(world: World, params: Params) -> None:
    """Keeps which kinds of update the bot wants from now on."""
    wanted = params.structure("allowed_updates")
    if wanted is not None:
        if not isinstance(wanted, list):
            raise bad_request("can't parse allowed_updates: expected an Array of String")
        world.allowed = frozenset(wanted) or None


class Polling:
    """getUpdates: one poll at a time, a newer one ends the older.

    Updates go once a later poll's offset has passed them; until then every poll gets them again.
    """

    def __init__(self) -> None:
        self._current: object = None

    async def __call__(self, world: World, params: Params) -> list[Json]:
        """getUpdates."""
        if world.webhook is not None:
            raise ApiFailure(
                409, "Conflict: can't use getUpdates method while webhook is active;"
                " use deleteWebhook to delete the webhook first"
            )  # fmt: skip
        mine = self._current = object()
        world.polled_at = time.monotonic()
        await world.changed()
        allow(world, params)
        _confirm(world, params.number("offset", 0))
        await world.until(
            lambda: world.updates or self._current is not mine,
            min(params.number("timeout", 0), _LONGEST_POLL_S),
        )
        if self._current is not mine:
            raise ApiFailure(
                409, "Conflict: terminated by other getUpdates request; make sure that only one"
                " bot instance is running"
            )  # fmt: skip
        return list(world.updates)[: min(max(params.number("limit", 100), 1), 100)]


def _confirm(world: World, offset: int) -> None:
    if offset < 0:
        while len(world.updates) > -offset:
            world.updates.popleft()
    elif offset:
        while world.updates and world.updates[0]["update_id"] < offset:
            world.updates.popleft()


def set_webhook(world: World, params: Params) -> bool:
    """setWebhook; plain HTTP is taken for this machine only."""
    url = params.text("url")
    if url and not url.startswith(("https://", "http://127.0.0.1", "http://localhost")):
        raise bad_request("bad webhook: An HTTPS URL must be provided for webhook")
    secret = params.text("secret_token")
    if secret is not None and not _SECRET.fullmatch(secret):
        raise bad_request("secret token contains unallowed characters")
    most = params.number("max_connections", 40)
    if not 1 <= most <= 100:
        raise bad_request("max_connections must be from 1 to 100")
    world.webhook = Webhook(url, secret, most) if url else None
    allow(world, params)
    _drop_pending(world, params)
    return True


def delete_webhook(world: World, params: Params) -> bool:
    """deleteWebhook."""
    world.webhook = None
    _drop_pending(world, params)
    return True


def _drop_pending(world: World, params: Params) -> None:
    if params.flag("drop_pending_updates"):
        world.updates.clear()


def get_webhook_info(world: World, _: Params) -> Json:
    """getWebhookInfo."""
    hook = world.webhook
    found: Json = {
        "url": hook.url if hook else "",
        "has_custom_certificate": False,
        "pending_update_count": len(world.updates),
    }
    if hook is not None:
        found["max_connections"] = hook.max_connections
        if hook.error is not None:
            found |= {"last_error_date": hook.error_at, "last_error_message": hook.error}
    if world.allowed is not None:
        found["allowed_updates"] = sorted(world.allowed)
    return found


async def post_updates(world: World) -> None:
    """Posts updates to the webhook, if there is one, in order, each until it is taken."""
    pause = _FIRST_PAUSE_S
    timeout = aiohttp.ClientTimeout(total=_PATIENCE_S)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        while True:
            await world.until(lambda: world.webhook and world.updates, 3600)
            hook = world.webhook
            if hook is None or not world.updates:
                continue
            update = world.updates[0]
            hook.error = await _post(session, hook, update)
            if hook.error is None:
                pause = _FIRST_PAUSE_S
                if world.updates and world.updates[0] is update:
                    world.updates.popleft()
            else:
                hook.error_at = int(time.time())
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE_S)


async def _post(session: aiohttp.ClientSession, hook: Webhook, update: Json) -> str | None:
    """What went wrong, in Telegram's words; None when the update was taken."""
    headers = {"X-Telegram-Bot-Api-Secret-Token": hook.secret} if hook.secret else {}
    try:
        async with session.post(hook.url, json=update, headers=headers) as response:
            if response.ok:
                return None
            return f"Wrong response from the webhook: {response.status} {response.reason}"
    except TimeoutError:
        return "Read timeout expired"
    except aiohttp.ClientError as error:
        LOG.info("webhook not reached: %s", error)
        return "Connection refused"
