"""`solemate chat` from end to end: the command, the page in a real browser, the real bot."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import psutil
import pytest

from app.i18n import LANGUAGES, Language, catalogue
from app.settings import Settings
from tests.bot.test_end_to_end import GOODS, picture
from tests.browser.chromium import Tab
from tests.browser.conftest import Command, settle_in, start_chat

pytestmark = pytest.mark.timeout(900)  # a catalogue is embedded first, on whatever machine

ANSWERED = "[...document.querySelectorAll('.block:not(.own) .key')].length > 3"


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A photograph of the first product."""
    path = tmp_path / "shoe.jpg"
    path.write_bytes(picture(0, 200))
    return path


async def ask(tab: Tab, photo: Path) -> None:
    """Sends a photograph and waits for the whole answer."""
    await tab.pick("#pick-pictures", [photo])
    await tab.wait("document.querySelector('.held img')")
    await tab.click("#send")
    await tab.wait("document.querySelector('.own .single img')")
    await tab.wait(f"document.querySelector('.block:not(.own) .mosaic') && {ANSWERED}", 90)


async def say(tab: Tab, text: str) -> None:
    """Types and sends."""
    await tab.click("#words")
    await tab.type(text)
    await tab.enter()


async def answers(tab: Tab) -> int:
    """How many messages of the bot there are; an album is one."""
    return int(await tab.js("document.querySelectorAll('.block:not(.own):not(#typing)').length"))


async def after(tab: Tab, count: int, more: int = 1) -> None:
    await tab.wait(
        "document.querySelectorAll('.block:not(.own):not(#typing)').length"
        f" >= {count + more} && !document.querySelector('.waiting')",
        90,
    )


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_photo_its_pages_and_more_like_one(
    tab: Tab, running_chat: Command, photo: Path, language: Language
) -> None:
    words = catalogue(language)
    await settle_in(tab, running_chat.url, language)
    await tab.click(".primary")  # Start
    await after(tab, 0)
    count = await answers(tab)
    await ask(tab, photo)
    await after(tab, count, 2)
    assert await tab.js("document.querySelectorAll('.mosaic img').length") >= 2
    count = await answers(tab)
    await tab.click(".key", words.text("button.next"))
    await after(tab, count)
    count = await answers(tab)
    await tab.click(".key", "1")  # a number opens that pair, in the message of the list
    await tab.click(".key", words.text("button.like"))
    await after(tab, count)


@pytest.mark.parametrize("language", LANGUAGES)
async def test_refining_by_buttons(
    tab: Tab, running_chat: Command, photo: Path, language: Language
) -> None:
    words = catalogue(language)
    await settle_in(tab, running_chat.url, language)
    await ask(tab, photo)
    last = "[...document.querySelectorAll('.block')].at(-1).innerText"
    before = await tab.js(last)
    await tab.click(".key", words.text("button.filters"))
    await tab.wait(f"{last} !== {json.dumps(before)} && !document.querySelector('.waiting')", 90)
    await tab.click(".key", words.text("button.to_list"))
    await tab.wait(f"{last} === {json.dumps(before)}", 90)
    count = await answers(tab)
    await tab.click(".key", words.text("button.cheaper"))
    await after(tab, count)


async def test_words_are_answered(tab: Tab, running_chat: Command) -> None:
    await settle_in(tab, running_chat.url, "ru")
    await say(tab, f"{GOODS[0].brand} до 20000 рублей")
    await after(tab, 0)
    text = await tab.wait("[...document.querySelectorAll('.words')].at(-1).innerText")
    assert GOODS[0].brand in text


async def test_a_caption_and_a_reply_change_the_question(
    tab: Tab, running_chat: Command, photo: Path
) -> None:
    await settle_in(tab, running_chat.url, "ru")
    await tab.pick("#pick-pictures", [photo])
    await tab.wait("document.querySelector('.held img')")
    await say(tab, "такие же, но белые")
    await tab.wait("document.querySelector('.own .words')?.innerText.includes('но белые')")
    await tab.wait(ANSWERED, 90)
    count = await answers(tab)
    await tab.click(".block:not(.own) .words", "", button="right")
    await tab.click(".menu button", "Ответить")
    await say(tab, "дешевле")
    await after(tab, count)


async def test_inline_in_a_chat_without_the_bot(tab: Tab, running_chat: Command) -> None:
    await settle_in(tab, running_chat.url)
    await tab.click(".chat", "Friends")
    await tab.click("#words")
    await tab.type(f"@solemate_bot {GOODS[0].brand}")
    await tab.click("#panel .row:has(.thumb)", GOODS[0].brand)
    await tab.wait("document.querySelector('.block.own .origin')")
    assert GOODS[0].brand in await tab.js("document.querySelector('.own .words').innerText")
    await tab.click("a.key", catalogue("en").text("inline.more"))  # into the bot's own chat
    await tab.wait(f"document.querySelector('.block:not(.own) .mosaic') && {ANSWERED}", 90)


async def test_settings_are_edited_in_place(tab: Tab, running_chat: Command) -> None:
    await settle_in(tab, running_chat.url)
    await say(tab, "/settings")
    await after(tab, 0)
    await tab.wait("document.querySelectorAll('.key').length > 2")
    before = await tab.js("document.querySelector('.keys').innerText")
    await tab.click(".key")
    await tab.wait(f"document.querySelector('.keys').innerText !== {json.dumps(before)}", 90)
    assert await answers(tab) == 1


async def test_the_bot_follows_the_language(tab: Tab, running_chat: Command) -> None:
    await settle_in(tab, running_chat.url, "ru")
    await tab.click("#words")
    for code, key in (("EN", "en"), ("RU", "ru")):
        await tab.click("#tongues button", code)
        await tab.wait(f"document.documentElement.lang === '{key}'")
        count = await answers(tab)
        await say(tab, "/start")
        await after(tab, count)
        first = catalogue(key).text("start").split("</b>")[0].removeprefix("<b>")  # type: ignore[arg-type]
        assert first in await tab.js("[...document.querySelectorAll('.words')].at(-1).innerText")


async def test_a_phone(tab: Tab, running_chat: Command, photo: Path) -> None:
    await tab.window(390, 844, phone=True)
    await settle_in(tab, running_chat.url, "ru")
    await ask(tab, photo)
    wide = await tab.js(
        "[...document.querySelectorAll('.bubble, .keys, .mosaic')]"
        ".filter((one) => one.getBoundingClientRect().right > innerWidth).length"
    )
    assert wide == 0


async def test_a_killed_bot_comes_back_and_old_buttons_answer(
    tab: Tab, running_chat: Command, photo: Path
) -> None:
    await settle_in(tab, running_chat.url)
    await ask(tab, photo)
    [bot] = running_chat.bots()
    os.kill(bot, signal.SIGKILL)
    await tab.wait("document.querySelector('.room-title p').innerText.includes('restarting')")
    await tab.wait("document.querySelector('.room-title p').innerText === 'bot'", 90)
    assert running_chat.bots() != [bot]
    count = await answers(tab)
    await tab.click(".key", catalogue("en").text("button.next"))
    await after(tab, count)


def test_ctrl_c_ends_the_bot_too(browser_path: str, shop: Settings) -> None:
    command = start_chat(shop)
    assert command.url.startswith("http://127.0.0.1:")
    [bot] = command.bots()
    assert command.stop() == 0, command.lines
    assert not psutil.pid_exists(bot)
    assert "".join(command.lines).count("Traceback") == 0


def test_a_port_that_is_taken_is_named(running_chat: Command, shop: Settings) -> None:
    port = running_chat.url.rstrip("/").rpartition(":")[2]
    second = start_chat(shop, "--port", port)
    assert second.process.wait(60) == 2
    assert any(f"port {port} is taken" in line for line in second.lines), second.lines
