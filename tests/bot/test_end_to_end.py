"""The whole way: pictures loaded and embedded, a real Postgres, the real search, the real bot."""

from __future__ import annotations

import asyncio
import csv
import logging
import re
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
import pytest

from app.bot.main import open_services
from app.db import embedded
from app.db.pool import Database, open_database
from app.i18n import LANGUAGES, Language, catalogue
from app.settings import Settings
from app.sketch.catalogue import catalogue as sketches
from app.vision.registry import open_encoder
from app.web.botapi import BotApi
from app.web.client import BotMessage, Chat
from etl.embed import embed_backlog
from etl.jobs import import_folder
from tests.bot.conftest import bot_settings, running
from tests.bot.pictures import (
    PDF,
    animated_gif,
    cmyk_jpeg,
    encoded,
    heic,
    huge_png,
    jpeg,
    png16,
    rotated_jpeg,
    shoe,
    truncated_jpeg,
)
from tests.bot.pressing import press_like

GOODS = sketches(seed=7, n=20)
NUMBERED = re.compile(r"\d+\. ")
PRICES = [Decimal(5000 + 100 * number) for number in range(len(GOODS))]


@cache
def picture(number: int, side: int = 240) -> bytes:
    """A product's photo from its side."""
    return encoded(GOODS[number].picture("side", (240, 180)).resize((side, side * 3 // 4)), "JPEG")


def title(number: int) -> str:
    """How the bot names a product: numbered, since colourways share a model's name."""
    return f"{GOODS[number].brand} {GOODS[number].model} {number}, {GOODS[number].colourway}"


@dataclass(frozen=True)
class Shop:
    """Settings of a database with a catalogue in it."""

    settings: Settings

    def rows(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        with open_database(self.settings, size=1) as db, db.connection() as conn:
            return conn.execute(statement, values).fetchall()


def new_database(server_home: Path, images: Path) -> Settings:
    return Settings(
        home=server_home,
        database=f"bot_{uuid.uuid4().hex[:12]}",
        database_url=None,
        image_store=images,
    )


def drop(settings: Settings) -> None:
    admin = embedded.url(settings.home, "postgres")
    assert admin is not None
    with psycopg.connect(admin, autocommit=True) as conn:
        conn.execute(f'DROP DATABASE IF EXISTS "{settings.database}" WITH (FORCE)')


def load(db: Database, settings: Settings, folder: Path) -> None:
    """Twenty sneakers in one shop; the first one in another shop too, at a higher price."""
    folder.mkdir()
    with (folder / "labels.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(
            ("file", "brand", "model", "colour", "style_code", "price", "currency", "source")
        )
        for number, item in enumerate(GOODS):
            name = (item.brand, f"{item.model} {number}", item.colourway, item.style_code)
            (folder / f"{number}.jpg").write_bytes(picture(number))
            table.writerow((f"{number}.jpg", *name, PRICES[number], "RUB", "Alpha"))
            if number == 0:
                (folder / "again.jpg").write_bytes(picture(0, 200))
                table.writerow(("again.jpg", *name, PRICES[0] + 500, "RUB", "Beta"))
    import_folder(db, settings, folder, labels=folder / "labels.csv")
    embed_backlog(db, open_encoder(settings.encoder, settings), settings)


@pytest.fixture(scope="module")
def shop(server_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    folder = tmp_path_factory.mktemp("shop")
    settings = new_database(server_home, folder / "images")
    with open_database(settings, size=4) as db:
        load(db, settings, folder / "photos")
    yield Shop(settings)
    drop(settings)


@asynccontextmanager
async def real_bot(api: BotApi, settings: Settings) -> AsyncIterator[None]:
    made = bot_settings(api, settings)
    services = await asyncio.to_thread(open_services, made)
    async with running(made, services):
        yield


@pytest.fixture
def bot(api: BotApi, shop: Shop) -> AbstractAsyncContextManager[None]:
    return real_bot(api, shop.settings)


async def results(chat: Chat) -> tuple[list[BotMessage], BotMessage]:
    album = await chat.wait_album(timeout_s=30)
    return album, await chat.wait_for(lambda message: bool(message.buttons))


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_photo_finds_its_own_product_first(
    api: BotApi,
    shop: Shop,
    bot: AbstractAsyncContextManager[None],
    language: Language,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "app.bot.delivery")
    chat = api.user(81, language)
    words = catalogue(language)
    async with bot:
        for number in (0, 11):
            await chat.send_photo(picture(number, 320))
            album, listing = await results(chat)
            assert len(album) == 8
            lines = album[0].text.splitlines()
            assert lines[0] == f"1. {title(number)}"
            assert lines[1] == f"{words.price(PRICES[number], 'RUB')} · Alpha"
            assert lines[2] == words.text("hit.seen", ago=words.text("ago.now"))
            also = words.text("hit.also", shops=f"Beta {words.price(PRICES[0] + 500, 'RUB')}")
            assert (also in listing.text) is (f"{title(0)}" in listing.text)
            assert album[0].picture == picture(number)
    asked = shop.rows("SELECT count(*) FROM search_event WHERE user_key = 'tg:81'")
    assert asked[0][0] >= 2
    times = r"8 products, page 0, \w+: decode [\d.]+ encode [\d.]+ sql [\d.]+ render [\d.]+ send"
    assert len(re.findall(times, caplog.text)) == 2


async def test_pages_and_more_like_this(
    api: BotApi, bot: AbstractAsyncContextManager[None]
) -> None:
    chat = api.user(82, "en")
    async with bot:
        await chat.send_photo(picture(3))
        _, first = await results(chat)
        shown = [line for line in first.text.splitlines() if NUMBERED.match(line)]
        listing = first
        for page in (2, 3):
            await chat.press(listing, "More")
            _, listing = await results(chat)
            assert listing.text.startswith(f"More results, page {page}")
            shown += [line for line in listing.text.splitlines() if NUMBERED.match(line)]
        names = {line.split(". ", 1)[1] for line in shown}
        assert len(shown) == len(names) == len(GOODS)  # every product once, none twice
        assert not any("More" in button.text for button in listing.buttons)
        await chat.press(listing, "Previous")
        _, second = await results(chat)
        assert second.text.startswith("More results, page 2")
        await press_like(chat, first, 1)
        _, like = await results(chat)
        assert like.text.startswith("Similar to number 1:")
        await chat.press(like, "Back to earlier")
        _, back = await results(chat)
        again, before = (
            [line for line in text.splitlines() if NUMBERED.match(line)]
            for text in (back.text, first.text)
        )
        assert again == before


async def test_an_album_is_one_search(
    api: BotApi, shop: Shop, bot: AbstractAsyncContextManager[None]
) -> None:
    chat = api.user(83, "ru")
    async with bot:
        await chat.send_album([picture(4, 320), picture(4, 200)])
        album, _ = await results(chat)
        assert album[0].text.startswith(f"1. {title(4)}")
    assert shop.rows("SELECT count(*) FROM search_event WHERE user_key = 'tg:83'") == [(1,)]


async def test_odd_files(api: BotApi, bot: AbstractAsyncContextManager[None]) -> None:
    chat = api.user(84, "ru")
    words = catalogue("ru")
    files: list[tuple[bytes, str, str, str | None]] = [
        (PDF, "a.pdf", "application/pdf", "refuse.pdf"),
        (huge_png(), "a.png", "image/png", "image.too_large"),
        (truncated_jpeg(), "a.jpg", "image/jpeg", "image.truncated"),
        (b"", "a.jpg", "image/jpeg", "image.empty"),
        (animated_gif(), "a.gif", "image/gif", None),
        (cmyk_jpeg(), "a.jpg", "image/jpeg", None),
        (png16(), "a.png", "image/png", None),
        (rotated_jpeg(), "a.jpg", "image/jpeg", None),
        (heic(), "a.heic", "image/heic", None),
        (encoded(shoe().convert("RGBA"), "PNG"), "a.png", "image/png", None),
    ]
    async with bot:
        for data, name, mime, refusal in files:
            await chat.send_document(data, name, mime)
            answer = await chat.wait_for(lambda message: message.album is None, timeout_s=30)
            if refusal is None:
                assert answer.buttons, name
            else:
                assert answer.text == words.text(refusal)
        await chat.send_photo(picture(5))
        album, _ = await results(chat)
        assert album[0].text.startswith(f"1. {title(5)}")


async def test_the_language_is_kept_in_the_database(api: BotApi, shop: Shop) -> None:
    chat = api.user(85, "en")
    async with real_bot(api, shop.settings):
        await chat.send_text("/language")
        await chat.press(await chat.wait_for(), "Русский")
    assert shop.rows("SELECT language FROM bot_user WHERE user_id = 85") == [("ru",)]
    async with real_bot(api, shop.settings):
        await chat.send_text("/help")
        await chat.wait_text("Как мной пользоваться")
    seen = "SELECT created_at < last_seen_at FROM bot_user WHERE user_id = 85"
    assert shop.rows(seen) == [(True,)]


async def test_old_buttons_work_after_a_restart(api: BotApi, shop: Shop) -> None:
    chat = api.user(86, "ru")
    async with real_bot(api, shop.settings):
        await chat.send_photo(picture(6))
        _, listing = await results(chat)
    async with real_bot(api, shop.settings):
        await chat.press(listing, "Ещё")
        _, second = await results(chat)
        assert second.text.startswith("Ещё результаты, страница 2")
        await press_like(chat, second, 2)
        _, like = await results(chat)
        assert like.text.startswith("Похожие на номер 2")


async def test_results_no_longer_kept(
    api: BotApi, shop: Shop, bot: AbstractAsyncContextManager[None]
) -> None:
    chat = api.user(87, "ru")
    async with bot:
        await chat.send_photo(picture(7))
        _, listing = await results(chat)
        with open_database(shop.settings, size=1) as db, db.connection() as conn:
            conn.execute("DELETE FROM search_event WHERE user_key = 'tg:87'")
        await chat.press(listing, "Ещё")
        assert (await chat.wait_for()).text == catalogue("ru").text("button.expired")


async def test_many_users_at_once(api: BotApi, bot: AbstractAsyncContextManager[None]) -> None:
    chats = [api.user(900 + number, "en") for number in range(8)]

    async def ask(chat: Chat, number: int) -> None:
        await chat.send_photo(picture(number))
        album, _ = await results(chat)
        assert album[0].text.startswith(f"1. {title(number)}")

    async with bot:
        await asyncio.gather(*(ask(chat, number) for number, chat in enumerate(chats)))


async def test_an_empty_catalogue(api: BotApi, server_home: Path, tmp_path: Path) -> None:
    settings = new_database(server_home, tmp_path / "images")
    chat = api.user(88, "ru")
    async with real_bot(api, settings):
        await chat.send_photo(jpeg())
        assert (await chat.wait_for(timeout_s=30)).text == catalogue("ru").text("result.empty")
    drop(settings)


async def test_postgres_stopped_and_started_again(api: BotApi, shop: Shop) -> None:
    chat, stranger = api.user(89, "ru"), api.user(90, "en")
    impatient = shop.settings.model_copy(update={"connect_timeout_s": 1.0})
    async with real_bot(api, impatient):
        await chat.send_photo(picture(8))
        _, listing = await results(chat)
        try:
            await asyncio.to_thread(embedded.stop, shop.settings.home)
            await chat.send_photo(picture(8))
            assert (await chat.wait_for()).text == catalogue("ru").text("error.waiting")
            await stranger.send_text("/start")
            assert (await stranger.wait_for()).text == catalogue("en").text("error.waiting")
            await chat.quiet(1.5)  # said once an outage
        finally:
            await asyncio.to_thread(embedded.start, shop.settings.home)
        # Nothing is asked again: what was sent meanwhile is answered.
        album, _ = await results(chat)
        assert album[0].text.startswith(f"1. {title(8)}")
        await stranger.wait_text("Hi!")
        await chat.press(listing, "Ещё")
        _, second = await results(chat)
        assert second.text.startswith("Ещё результаты, страница 2")
