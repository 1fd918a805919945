"""Draws docs/img/chat-*.png: `python -m tests.browser.screenshots [NAME ...]`.

Runs `solemate chat --demo` (its catalogue is filled first where it is not yet) and photographs the
page in a headless Chromium. Every shoe in the pictures is drawn by the project's own renderer.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable

from PIL import Image

from app.i18n import catalogue
from app.settings import ROOT
from tests.browser import chromium
from tests.browser.chromium import Browser, Tab
from tests.browser.conftest import ADDRESS, settle_in

FOLDER = ROOT / "docs" / "img"
LIMIT = 300_000
DESKTOP = (1180, 980)
LOW = (1180, 800)
PHONE = (390, 844)
QUESTIONS = {"ru": "белые кеды", "en": "white sneakers"}
NAMES = {"ru": "Аня", "en": "Sam"}
SAMPLE = 1  # a grey and mustard one, sold by the shops as well
PANEL = "document.querySelector('#panel')"
KEYS = "[...document.querySelectorAll('.block:not(.own) .key')].length"

Scene = Callable[[Tab, str], Awaitable[None]]


async def photo(tab: Tab, sample: int = SAMPLE) -> None:
    """Sends a sample photograph and waits for the answer."""
    await tab.wait("document.querySelectorAll('.samples img').length > 4")
    await tab.js(f"document.querySelectorAll('.samples button')[{sample}].click()")
    await tab.wait(f"document.querySelector('.block:not(.own) .mosaic') && {KEYS} > 3", 120)
    await tab.wait("!document.querySelector('#typing')", 30)


async def say(tab: Tab, text: str) -> None:
    """Sends words and waits for an answer with buttons or words."""
    count = await tab.js("document.querySelectorAll('.block:not(.own)').length")
    await tab.js("document.querySelector('#words').focus()")
    await tab.type(text)
    await tab.enter()
    await tab.wait(
        f"document.querySelectorAll('.block:not(.own):not(#typing)').length > {count}"
        " && !document.querySelector('#typing')",
        120,
    )


async def press(tab: Tab, key: str, language: str) -> None:
    """Presses the newest button of a message key and waits until the bot has reacted."""
    await tab.click(".key", catalogue("ru" if language == "ru" else "en").text(key))
    await tab.wait("!document.querySelector('.waiting') && !document.querySelector('#typing')", 120)
    await asyncio.sleep(1)


async def from_the_top(tab: Tab) -> None:
    """Scrolls so that the question is at the top and the answer below it."""
    await tab.js("document.querySelector('.block').scrollIntoView({block: 'start'})")


async def hello(tab: Tab, _: str) -> None:
    """The empty chat."""
    await tab.wait("document.querySelectorAll('.samples img').length > 4")


async def answer(tab: Tab, _: str) -> None:
    """A photograph and what the bot says to it, from the top."""
    await photo(tab)
    await from_the_top(tab)


async def palette(tab: Tab, language: str) -> None:
    """The colours to choose from below an answer."""
    await photo(tab)
    await press(tab, "button.colour", language)


async def buttons(tab: Tab, _: str) -> None:
    """The end of the answer with its buttons."""
    await photo(tab)


async def words(tab: Tab, language: str) -> None:
    """A question in words."""
    await say(tab, QUESTIONS[language])


async def inline(tab: Tab, language: str) -> None:
    """Inline results in a chat that the bot is not in, one of them posted."""
    await tab.click(".chat", {"ru": "Друзья", "en": "Friends"}[language])
    await tab.js("document.querySelector('#words').focus()")
    for last in (False, True):
        await tab.type(f"@solemate_bot {QUESTIONS[language]}")
        await tab.wait(f"!{PANEL}.hidden && {PANEL}.querySelectorAll('.thumb').length > 2", 90)
        if not last:
            await tab.js("document.querySelectorAll('#panel .row:has(.thumb)')[1].click()")
            await tab.wait("document.querySelector('.block.own')", 60)
            await tab.wait("document.querySelector('#words').value === ''")


async def dream(tab: Tab, language: str) -> None:
    """A random pair and one change in words."""
    await say(tab, "/dream")
    await pictures(tab, 1)
    await say(
        tab, {"ru": "красные, с белой подошвой, повыше", "en": "red, white sole, higher"}[language]
    )
    await pictures(tab, 2)


async def dream_found(tab: Tab, language: str) -> None:
    """The end of a dream: the honest word and the nearest real ones."""
    await dream(tab, language)
    await say(tab, {"ru": "вот это они!", "en": "this is it"}[language])
    await tab.wait("document.querySelector('.block:not(.own) .mosaic')", 120)


async def pictures(tab: Tab, count: int) -> None:
    """Waits until the bot has sent so many single pictures."""
    await tab.wait(
        f"document.querySelectorAll('.block:not(.own) .single img').length >= {count}", 120
    )


SCENES: dict[str, tuple[str, tuple[int, int], str, Scene]] = {
    "chat-ru": ("ru", DESKTOP, "light", answer),
    "chat-en": ("en", DESKTOP, "light", answer),
    "chat-hello-en": ("en", LOW, "light", hello),
    "chat-words-ru": ("ru", LOW, "dark", words),
    "chat-inline-en": ("en", LOW, "light", inline),
    "chat-phone-ru": ("ru", PHONE, "light", answer),
    "chat-phone-en": ("en", PHONE, "light", buttons),
    "chat-phone-dark": ("ru", PHONE, "dark", palette),
    "dream-ru": ("ru", DESKTOP, "light", dream),
    "dream-found-en": ("en", DESKTOP, "light", dream_found),
}
"""By file name: language, window, colours, what happens."""


def small(png: bytes) -> bytes:
    """The picture in a palette, so that a repository can carry it."""
    with Image.open(io.BytesIO(png)) as image:
        flat = image.convert("RGB")
    for colours in (256, 192, 128, 96, 64):
        palette = flat.quantize(colours, method=Image.Quantize.MEDIANCUT, kmeans=1)
        out = io.BytesIO()
        flat.quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG).save(
            out, "PNG", optimize=True
        )
        if out.tell() < LIMIT:
            break
    return out.getvalue()


async def draw(url: str, names: list[str]) -> None:
    path = chromium.find()
    if path is None:
        raise SystemExit(f"no browser on the path, none of: {', '.join(chromium.NAMES)}")
    FOLDER.mkdir(parents=True, exist_ok=True)
    browser = Browser(path)
    try:
        for name in names:
            language, (width, height), colours, scene = SCENES[name]
            phone = (width, height) == PHONE
            async with browser.tab({"ru": "ru-RU", "en": "en-US"}[language]) as tab:
                await tab.scheme(colours)
                await tab.window(width, height, phone=phone, scale=1.5 if phone else 1.25)
                await settle_in(tab, url, language, NAMES[language])
                await scene(tab, language)
                await tab.call("Input.dispatchMouseEvent", type="mouseMoved", x=5, y=height - 5)
                await asyncio.sleep(0.6)
                await tab.settle()
                data = small(await tab.screenshot())
                (FOLDER / f"{name}.png").write_bytes(data)
                print(f"{name}.png: {len(data) / 1000:.0f} kB", *tab.problems)
    finally:
        browser.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(SCENES)}")
    names = parser.parse_args().names or list(SCENES)
    process = subprocess.Popen(
        [sys.executable, "-m", "app", "chat", "--demo", "--no-browser", "--port", "0"],
        cwd=ROOT, env={**os.environ, "PYTHONUNBUFFERED": "1"}, text=True, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        url = ""
        for line in process.stdout:
            print(line, end="")
            if found := ADDRESS.search(line):
                url = found[0]
                break
        if not url:
            raise SystemExit("solemate chat ended before its page was open")
        asyncio.run(draw(url, names))
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)


if __name__ == "__main__":
    main()
