"""The dream's loop on the page of `solemate chat`, in a real browser, with each generator."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.i18n import catalogue
from app.settings import Settings
from tests.browser.chromium import Tab
from tests.browser.conftest import Command, settle_in, start_chat
from tests.dream import tiny
from tests.dream.images_server import KEY, serving_images

PICTURES = "document.querySelectorAll('.block:not(.own) img').length"


@pytest.fixture(params=["sketch", "images-api", "diffusion"])
def dreaming_chat(
    request: pytest.FixtureRequest,
    browser_path: str,
    shop: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[tuple[str, Command]]:
    """`solemate chat` whose dreams are drawn by one of the generators."""
    generator: str = request.param
    monkeypatch.setenv("SOLEMATE_DREAM_GENERATOR", generator)
    with serving_images() as server:
        monkeypatch.setenv("SOLEMATE_IMAGES_API_URL", server.url)
        if generator == "images-api":
            monkeypatch.setenv("SOLEMATE_IMAGES_API_KEY", KEY)
        if generator == "diffusion":
            tiny.need_group()
            monkeypatch.setenv("SOLEMATE_DIFFUSION_MODEL", str(tiny.exported(tmp_path)))
        command = start_chat(shop)
        try:
            yield generator, command
        finally:
            command.stop()


async def say(tab: Tab, text: str) -> None:
    await tab.click("#words")
    await tab.type(text)
    await tab.enter()


async def test_the_loop_in_the_browser(tab: Tab, dreaming_chat: tuple[str, Command]) -> None:
    generator, command = dreaming_chat
    words = catalogue("en")
    await settle_in(tab, command.url)
    await say(tab, "/dream")
    await tab.wait(f"{PICTURES} >= 1", 180)
    by = "dream.by_sketch" if generator == "sketch" else "dream.by_generator"
    shown = await tab.js("document.body.innerText")
    assert words.text(by, name=generator) in shown
    await say(tab, "write ZX, lime sole")
    await tab.wait(f"{PICTURES} >= 2", 120)
    await tab.click(".key", words.text("dream.button.surprise"))
    await tab.wait(f"{PICTURES} >= 3", 120)
    await say(tab, "this is it")
    await tab.wait("document.body.innerText.includes('% alike')", 120)
    await tab.wait("document.querySelector('.block:not(.own) .mosaic')", 120)
