"""A stage for each scenario: a copy of the market's database, a Bot API server, the bot."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from app.bot.services import Services
from app.commands.links import PageReader
from app.db.bot import BotStore, BotUsers
from app.db.dialogue import Dialogues
from app.db.pool import open_database
from app.search import Searcher
from app.settings import Settings
from app.vision.shoes import shoe_finder
from app.web.botapi import BotApi
from tests.bot.conversations.copies import Copies, admin
from tests.bot.conversations.eye import Eye, Finder, Heads, Tower
from tests.bot.conversations.market import GOODS, fill
from tests.bot.conversations.talk import Talk


@pytest.fixture(scope="session")
def market(
    server_home: Path, template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Settings]:
    """A database with the goods in it, to be copied."""
    name = f"market_{uuid.uuid4().hex[:12]}"
    admin(server_home, f"CREATE DATABASE {name} TEMPLATE {template}")
    settings = Settings(
        home=server_home,
        database=name,
        database_url=None,
        image_store=tmp_path_factory.mktemp("market"),
        results=6,
        pool_size=3,
    )
    with open_database(settings, size=4) as db:
        fill(db, settings)
    yield settings
    admin(server_home, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def heads() -> Heads:
    """Knows the goods from their side."""
    return Heads(Eye(), [(item.image(), item.brand, item.model, item.colourway) for item in GOODS])


@pytest.fixture(scope="session")
def copies(market: Settings) -> Iterator[Copies]:
    """Copies of it."""
    made = Copies(market)
    yield made
    made.drop()


@pytest.fixture
async def talk(copies: Copies, heads: Heads) -> AsyncIterator[Talk]:
    """The stage."""
    settings = copies.clean()

    def services(made: Settings) -> Services:
        database = open_database(made)
        searcher = Searcher(database, Eye(), made, heads=heads, tower=Tower())  # type: ignore[arg-type]
        finder = shoe_finder(made, Finder(), Eye())
        return Services(
            searcher,
            BotUsers(database),
            Dialogues(database),
            database.close,
            BotStore.of(database),
            links=PageReader(made),
            shoes=finder,
        )

    async with BotApi() as api:
        stage = Talk(api, settings, services)
        yield stage
        await stage.stop()
