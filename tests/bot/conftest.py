"""The local Bot API server, and the real bot talking to it over HTTP."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from pydantic import SecretStr

from app.bot.desk import Options
from app.bot.main import build_application, serving
from app.bot.services import Services
from app.i18n import Language, catalogue
from app.settings import Settings
from app.web.botapi import BotApi
from tests.bot.memory import MemoryDialogues, MemorySearch, MemoryUsers

QUICK = Options(album_quiet_s=0.15)


def plain(key: str, language: Language = "en") -> str:
    """A text of the bot as it reads in a chat: without its markup."""
    return re.sub("<[^>]*>", "", catalogue(language).text(key))


def bot_settings(api: BotApi, settings: Settings | None = None, **changes: object) -> Settings:
    """Settings that send the bot to the local server."""
    base = settings or Settings(database_url=None)
    return base.model_copy(
        update={
            "bot_token": SecretStr(api.token),
            "bot_api_url": api.url,
            "bot_language": None,
            **changes,
        }
    )


@asynccontextmanager
async def running(
    settings: Settings, services: Services, options: Options = QUICK
) -> AsyncIterator[None]:
    """The bot of the project, as `solemate bot` runs it."""
    async with serving(build_application(settings, services, options)):
        yield


@dataclass
class Stage:
    """The server and a bot whose services are in memory."""

    api: BotApi
    search: MemorySearch
    users: MemoryUsers

    def bot(self, options: Options = QUICK, **changes: object) -> AbstractAsyncContextManager[None]:
        settings = bot_settings(self.api, **changes)
        return running(settings, Services(self.search, self.users, MemoryDialogues()), options)


@pytest.fixture
async def api() -> AsyncIterator[BotApi]:
    async with BotApi() as server:
        yield server


@pytest.fixture(scope="session")
def catalogue_pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures of the products in memory."""
    return tmp_path_factory.mktemp("pictures")


@pytest.fixture
def quiet_stage(api: BotApi, catalogue_pictures: Path) -> Stage:
    """Server and services; the test starts the bot itself."""
    return Stage(api, MemorySearch(catalogue_pictures), MemoryUsers())


@pytest.fixture
async def stage(quiet_stage: Stage) -> AsyncIterator[Stage]:
    """Server, services and a running bot."""
    async with quiet_stage.bot():
        yield quiet_stage
