"""Updates by webhook: over real HTTP, with the secret, kept before they are acknowledged."""

from __future__ import annotations

import socket

import aiohttp
import pytest
from pydantic import SecretStr

from app.bot.main import build_application
from app.bot.services import Services
from app.errors import BadInput
from app.web.botapi import BotApi
from tests.bot.conftest import Stage, bot_settings
from tests.bot.memory import MemoryDialogues

SECRET = "a-secret-of-the-test"
HEADER = "X-Telegram-Bot-Api-Secret-Token"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def webhook(port: int) -> dict[str, object]:
    return {
        "bot_webhook_url": f"http://127.0.0.1:{port}/from-telegram",
        "bot_webhook_secret": SecretStr(SECRET),
        "bot_webhook_port": port,
    }


async def test_updates_come_by_webhook(quiet_stage: Stage) -> None:
    port = free_port()
    chat = quiet_stage.api.user(61, "en")
    async with quiet_stage.bot(**webhook(port)):  # type: ignore[arg-type]
        await chat.send_text("/start")
        await chat.wait_text("Hi!")
        assert quiet_stage.api.world.webhook is not None
        assert quiet_stage.api.world.webhook.secret == SECRET


@pytest.mark.parametrize(
    ("headers", "path", "body", "status"),
    [
        ({}, "/from-telegram", b"{}", 403),
        ({HEADER: "wrong"}, "/from-telegram", b'{"update_id": 1}', 403),
        ({HEADER: "нет".encode().decode("latin-1")}, "/from-telegram", b"{}", 403),
        ({HEADER: SECRET}, "/elsewhere", b'{"update_id": 1}', 404),
        ({HEADER: SECRET}, "/from-telegram", b"{", 400),
        ({HEADER: SECRET}, "/from-telegram", b"[]", 400),
        ({HEADER: SECRET}, "/from-telegram", b'{"no": "id"}', 400),
        ({HEADER: SECRET}, "/from-telegram", b'{"update_id": 1}', 200),
    ],
)
async def test_what_is_not_telegrams_is_refused(
    quiet_stage: Stage, headers: dict[str, str], path: str, body: bytes, status: int
) -> None:
    port = free_port()
    async with (
        quiet_stage.bot(**webhook(port)),  # type: ignore[arg-type]
        aiohttp.ClientSession() as session,
        session.post(f"http://127.0.0.1:{port}{path}", data=body, headers=headers) as answer,
    ):
        assert answer.status == status


@pytest.mark.parametrize("secret", [None, SecretStr("")])
def test_a_webhook_needs_its_secret(quiet_stage: Stage, secret: SecretStr | None) -> None:
    settings = bot_settings(
        quiet_stage.api, bot_webhook_url="https://bot.example/", bot_webhook_secret=secret
    )
    services = Services(quiet_stage.search, quiet_stage.users, MemoryDialogues())
    with pytest.raises(BadInput, match="SOLEMATE_BOT_WEBHOOK_SECRET"):
        build_application(settings, services)


async def test_polling_removes_a_webhook_that_was_set(quiet_stage: Stage, api: BotApi) -> None:
    port = free_port()
    async with quiet_stage.bot(**webhook(port)):  # type: ignore[arg-type]
        first = quiet_stage.api.user(62, "en")
        await first.send_text("/start")
        await first.wait_text("Hi!")
    assert api.world.webhook is not None
    chat = api.user(63, "en")
    async with quiet_stage.bot():
        await chat.send_text("/start")
        await chat.wait_text("Hi!")
    assert api.world.webhook is None
