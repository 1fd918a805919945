"""`run`: the process from its start to its end."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path

import pytest
from pydantic import SecretStr

from app.bot.main import build_application, run
from app.bot.services import Services
from app.errors import BadInput
from app.settings import ROOT, Settings
from app.web.botapi import BotApi
from tests.bot.conftest import Stage, bot_settings, running
from tests.bot.memory import MemoryDialogues, MemorySearch, MemoryUsers
from tests.bot.pictures import jpeg

PROGRAM = """
import sys
from pathlib import Path
from app.bot.main import run
from app.bot.services import Services
from app.settings import Settings
from tests.bot.memory import MemoryDialogues, MemorySearch, MemoryUsers

def services(settings):
    search = MemorySearch(Path(sys.argv[1]))
    return Services(search, MemoryUsers(), MemoryDialogues(), lambda: print("closed"))

sys.exit(run(Settings(_env_file=None), services))
"""


async def start(api: BotApi, folder: Path, token: str) -> Process:
    settings = {"SOLEMATE_BOT_TOKEN": token, "SOLEMATE_BOT_API_URL": api.url}
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROGRAM, str(folder), cwd=ROOT, stdout=PIPE, stderr=PIPE,
        env={**os.environ, **settings, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip


@pytest.mark.parametrize("token", [None, "", "  "])
def test_no_token(token: str | None, capsys: pytest.CaptureFixture[str]) -> None:
    settings = Settings(bot_token=None if token is None else SecretStr(token), _env_file=None)
    if token is None:
        settings = settings.model_copy(update={"bot_token": None})
    assert run(settings) == 2
    assert "SOLEMATE_BOT_TOKEN" in capsys.readouterr().err
    with pytest.raises(BadInput, match="SOLEMATE_BOT_TOKEN"):
        build_application(settings, Services(None, MemoryUsers(), MemoryDialogues()))  # type: ignore[arg-type]


async def test_a_wrong_token_ends_it_with_words_and_without_the_token(
    api: BotApi, tmp_path: Path
) -> None:
    process = await start(api, tmp_path, "1000000001:wrong-token-wrong-token-wrong-token")
    out, err = await process.communicate()
    assert process.returncode == 2
    assert b"does not accept the bot token" in err
    assert b"wrong-token" not in err + out
    assert b"Traceback" not in err
    assert out == b"closed\n"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_it_answers_until_it_is_told_to_stop(
    api: BotApi, tmp_path: Path, number: signal.Signals
) -> None:
    chat = api.user(71, "en")
    await chat.send_photo(jpeg())
    process = await start(api, tmp_path, api.token)
    await chat.wait_for(lambda message: bool(message.buttons), timeout_s=30)
    process.send_signal(number)
    out, err = await process.communicate()
    assert process.returncode == 0, err
    assert out == b"closed\n"
    assert b"Traceback" not in err
    assert api.token.split(":")[1].encode() not in err


async def test_it_can_be_stopped_while_telegram_is_away(api: BotApi, tmp_path: Path) -> None:
    await api.stop()
    process = await start(api, tmp_path, api.token)
    assert process.stderr is not None
    while b"cannot be reached" not in await asyncio.wait_for(process.stderr.readline(), 20):
        pass
    process.send_signal(signal.SIGTERM)
    out, _ = await process.communicate()
    assert process.returncode == 0
    assert out == b"closed\n"


async def test_it_waits_for_telegram(quiet_stage: Stage) -> None:
    api = quiet_stage.api
    settings = bot_settings(api)
    await api.stop()
    services = Services(quiet_stage.search, quiet_stage.users, MemoryDialogues())
    again = BotApi(port=int(api.url.rsplit(":", 1)[1]))
    chat = again.user(72, "en")
    await chat.send_text("/start")

    async def serve() -> None:
        async with running(settings, services):
            await chat.wait_text("Hi!", timeout_s=20)

    serving = asyncio.create_task(serve())
    await asyncio.sleep(0.5)
    async with again:
        await serving


async def test_services_are_closed_last(api: BotApi, catalogue_pictures: Path) -> None:
    closed: list[int] = []
    chat = api.user(73, "en")
    services = Services(
        MemorySearch(catalogue_pictures),
        MemoryUsers(),
        MemoryDialogues(),
        lambda: closed.append(len(chat.messages)),
    )
    async with running(bot_settings(api), services):
        await chat.send_text("/start")
        await chat.wait_text("Hi!")
        assert not closed
    assert closed == [1]
