"""A browser, and `solemate chat` as people start it: the command, its page, the real bot."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from app.db.pool import open_database
from app.settings import ROOT, Settings
from app.web.botapi import BotApi
from app.web.page import ChatPage
from tests.bot.test_end_to_end import drop, load, new_database
from tests.browser import chromium
from tests.browser.chromium import Browser, Tab

ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+/")
START_S = 120


@pytest.fixture(scope="session")
def browser_path() -> str:
    """Chromium; the test is skipped where there is none."""
    path = chromium.find()
    if path is None:
        pytest.skip(f"no browser on the path, none of: {', '.join(chromium.NAMES)}")
    return path


@pytest.fixture(scope="session")
def browser(browser_path: str) -> Iterator[Browser]:
    opened = Browser(browser_path)
    yield opened
    opened.close()


@pytest.fixture
async def tab(browser: Browser) -> AsyncIterator[Tab]:
    """A fresh tab; errors of the page fail the test."""
    async with browser.tab() as opened:
        await opened.window(1180, 820)
        yield opened
        assert opened.problems == []


@dataclass
class Command:
    """A running `solemate chat`."""

    process: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)
    _opened: threading.Event = field(default_factory=threading.Event)

    def read(self) -> None:
        """Collects what it prints."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line)
            if ADDRESS.search(line):
                self._opened.set()

    @property
    def url(self) -> str:
        """The page's address, once it is open."""
        assert self._opened.wait(START_S), f"no address printed: {self.lines}"
        found = next(filter(None, map(ADDRESS.search, self.lines)))
        return found[0]

    def bots(self) -> list[int]:
        """Its bot processes."""
        task = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in task.read_text().split()]

    def stop(self) -> int:
        """Ctrl+C; the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            return self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()  # its bot dies with it
            raise


def start_chat(settings: Settings, *arguments: str) -> Command:
    """Starts the command on a catalogue of the embedded server."""
    environment = {
        **os.environ,
        "SOLEMATE_HOME": str(settings.home),
        "SOLEMATE_DATABASE": settings.database,
        "SOLEMATE_IMAGE_STORE": str(settings.images_dir),
        "PYTHONUNBUFFERED": "1",
        "LANG": "C.UTF-8",
    }
    environment.pop("DATABASE_URL", None)
    process = subprocess.Popen(
        [sys.executable, "-m", "app", "chat", "--no-browser", *(arguments or ("--port", "0"))],
        cwd=ROOT, env=environment, text=True, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        # A shell's background job hands down that Ctrl+C is ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    command = Command(process)
    threading.Thread(target=command.read, daemon=True).start()
    return command


@pytest.fixture(scope="module")
def shop(server_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Settings of a catalogue of twenty drawn sneakers, embedded by the shipped encoder."""
    folder = tmp_path_factory.mktemp("shop")
    settings = new_database(server_home, folder / "images")
    with open_database(settings, size=4) as db:
        load(db, settings, folder / "photos")
    yield settings
    drop(settings)


@pytest.fixture(scope="module")
def running_chat(browser_path: str, shop: Settings) -> Iterator[Command]:
    """`solemate chat` over that catalogue."""
    command = start_chat(shop)
    try:
        assert command.url
        yield command
    finally:
        command.stop()


async def settle_in(tab: Tab, url: str, language: str = "en", name: str = "Max") -> int:
    """Opens the page as a new person; their id."""
    await tab.open(url)
    wish = json.dumps({"name": name, "language": language})
    person = await tab.js(
        "fetch('/do/person', {method: 'POST', headers: {'Content-Type': 'application/json'},"
        f" body: {json.dumps(wish)}}}).then((answer) => answer.json()).then((body) => body.id)"
    )
    await tab.js(f"location.hash = '#{person}'")
    await tab.reload()
    return int(person)


@dataclass
class Puppet:
    """A bot played by the test: a page over a Bot API server, and calls as a bot makes them."""

    api: BotApi
    page: ChatPage
    client: httpx.AsyncClient

    async def call(self, method: str, **params: object) -> dict[str, object]:
        url = f"{self.api.url}/bot{self.api.token}/{method}"
        answer = (await self.client.post(url, json=params)).json()
        assert answer["ok"], answer
        result: dict[str, object] = answer["result"]
        return result

    async def heard(self, kind: str) -> dict[str, object]:
        """The next update of a kind."""
        offset = 0
        async with asyncio.timeout(10):
            while True:
                updates = await self.call("getUpdates", timeout=5, offset=offset)
                for update in updates:
                    offset = update["update_id"] + 1  # type: ignore[index]
                    if kind in update:
                        await self.call("getUpdates", timeout=0, offset=offset)
                        return update[kind]  # type: ignore[index,no-any-return]


@pytest.fixture
async def puppet(tab: Tab) -> AsyncIterator[Puppet]:
    async with BotApi(username="solemate_bot") as api:
        page = ChatPage(api)
        await page.start()
        async with httpx.AsyncClient(trust_env=False) as client:
            yield Puppet(api, page, client)
        # The browser fetches a page's icon when it has the time, which may be after the test.
        await tab.leave()
        await page.stop()
