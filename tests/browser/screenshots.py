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

from app.settings import ROOT
from tests.browser import chromium
from tests.browser.chromium import Browser, Tab
from tests.browser.conftest import ADDRESS, settle_in

FOLDER = ROOT / "docs" / "img"
LIMIT = 300_000
DESKTOP = (1180, 800)
PHONE = (390, 844)
NAMES = {"ru": "Аня", "en": "Sam"}
KEYS = "[...document.querySelectorAll('.block:not(.own) .key')].length"

Scene = Callable[[Tab, str], Awaitable[None]]


async def photo(tab: Tab, sample: int = 3) -> None:
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


async def album_first(tab: Tab) -> None:
    """Scrolls so that the question is at the top and the answer below it."""
    await tab.js("document.querySelector('.block').scrollIntoView({block: 'start'})")


async def hello(tab: Tab, _: str) -> None:
    """The empty chat."""
    await tab.wait("document.querySelectorAll('.samples img').length > 4")


async def answer(tab: Tab, _: str) -> None:
    """A photograph and what the bot says to it, from the top."""
    await photo(tab)
    await album_first(tab)


async def buttons(tab: Tab, _: str) -> None:
    """The end of the answer with its buttons."""
    await photo(tab)


async def words(tab: Tab, language: str) -> None:
    """A question in words."""
    await say(tab, {"ru": "белые кеды", "en": "white sneakers"}[language])


SCENES: dict[str, tuple[str, bool, str, Scene]] = {
    "chat-ru": ("ru", False, "light", answer),
    "chat-en": ("en", False, "light", answer),
    "chat-hello-en": ("en", False, "light", hello),
    "chat-phone-ru": ("ru", True, "light", answer),
    "chat-phone-en": ("en", True, "light", buttons),
    "chat-phone-dark": ("ru", True, "dark", buttons),
}
"""By file name: language, phone-sized or not, colours, what happens."""


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
            language, phone, colours, scene = SCENES[name]
            async with browser.tab({"ru": "ru-RU", "en": "en-US"}[language]) as tab:
                await tab.scheme(colours)
                width, height = PHONE if phone else DESKTOP
                await tab.window(width, height, phone=phone, scale=1.5 if phone else 1.25)
                await settle_in(tab, url, language, NAMES[language])
                await scene(tab, language)
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
