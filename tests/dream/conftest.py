"""A catalogue of drawn shoes in a real database, the real search, the real bot."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from app.bot.main import open_services
from app.bot.services import Services
from app.db.pool import Database, open_database
from app.dream.generators.base import Generator
from app.settings import Settings
from app.web.botapi import BotApi
from app.web.client import BotMessage, Chat
from tests.bot.conftest import bot_settings, running
from tests.bot.test_end_to_end import drop, load, new_database


@dataclass(frozen=True)
class Ground:
    """Settings of a database with twenty products in it."""

    settings: Settings

    @asynccontextmanager
    async def bot(
        self,
        api: BotApi,
        wrap: Callable[[Services], Services] | None = None,
        **changes: object,
    ) -> AsyncIterator[Services]:
        """The bot as `solemate bot` runs it."""
        made = bot_settings(api, self.settings, **changes)
        services = await asyncio.to_thread(open_services, made)
        if wrap is not None:
            services = wrap(services)
        async with running(made, services):
            yield services


@pytest.fixture(scope="session")
def ground(server_home: object, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    folder = tmp_path_factory.mktemp("dream")
    settings = new_database(server_home, folder / "images")  # type: ignore[arg-type]
    with open_database(settings, size=4) as db:
        load(db, settings, folder / "photos")
    yield Ground(settings)
    drop(settings)


@pytest.fixture
async def api() -> AsyncIterator[BotApi]:
    async with BotApi() as server:
        yield server


@pytest.fixture
def ground_db(ground: Ground) -> Iterator[Database]:
    with open_database(ground.settings, size=2) as database:
        yield database


def with_generator(settings: Settings, generator: Generator) -> Callable[[Services], Services]:
    """Services whose dream draws with a generator of the test's, under its name, by default."""
    from dataclasses import replace

    def wrap(services: Services) -> Services:
        assert services.dream is not None
        dreamer = services.dream.dreamer
        dreamer._generators = {**dreamer._generators, generator.name: generator}
        dreamer.default = generator.name
        return replace(services)

    return wrap


async def picture(chat: Chat, part: str = "", timeout_s: float = 90) -> BotMessage:
    """The next picture of a dream."""
    return await chat.wait_for(
        lambda message: message.picture is not None and part in message.text and bool(message.rows),
        timeout_s,
    )
