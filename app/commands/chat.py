"""``solemate chat``: the bot in a browser, without a Telegram account or token."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import signal
import sys
import webbrowser
from collections.abc import Sequence
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

if TYPE_CHECKING:
    from app.i18n import Catalogue
    from app.settings import Settings
    from app.web.botapi import BotApi
    from app.web.page import ChatPage

PORT: Final = 8484
SAMPLES: Final = 8
_START_PATIENCE_S: Final = 120.0


@dataclass(frozen=True, slots=True)
class _Ground:
    """What the chat stands on: a catalogue, and drawn pictures to offer where it is the demo's."""

    settings: Settings
    samples: Sequence[Path] = ()
    demo: bool = False


def chat(
    port: Annotated[
        int | None, typer.Option(help=f"Port of the page; default {PORT} or a free one.")
    ] = None,
    browser: Annotated[bool, typer.Option(help="Open the page in a browser.")] = True,
    demo: Annotated[bool, typer.Option("--demo", help="Use the demo's drawn catalogue.")] = False,
    language: Annotated[str | None, typer.Option(help="ru or en; default: the terminal's")] = None,
) -> None:
    """Chat with the bot on a page in your browser: the same bot, no Telegram account, no token.

    Listens on this machine only. Ctrl+C ends it.
    """
    from app import present
    from app.i18n import catalogue
    from app.settings import get_settings

    words = catalogue(present.terminal_language(language))
    with ExitStack() as stack:
        ground = _ground(get_settings(), words, stack, demo=demo)
        asyncio.run(_serve(ground, words, port, browser=browser))


def _ground(base: Settings, words: Catalogue, stack: ExitStack, *, demo: bool) -> _Ground:
    """The configured catalogue, or the demo's where it is asked for or the other is empty."""
    from app.db.pool import open_database
    from app.db.queries import query

    if not demo:
        with open_database(base, size=1) as db, db.connection() as conn:
            counts = query("catalog_counts").execute(conn).fetchone()
        if counts is not None and counts[1] and counts[5]:
            return _Ground(base)
        typer.echo(words.text("chat.empty"))
        if sys.stdin.isatty() and not typer.confirm(words.text("chat.take_demo"), default=True):
            return _Ground(base)
    return _demo_ground(base, words, stack)


def _demo_ground(base: Settings, words: Catalogue, stack: ExitStack) -> _Ground:
    """The demo's catalogue; its shops stay open, so that links in answers lead somewhere."""
    from app import rollout
    from app.commands import demo
    from app.db import vectors
    from app.db.pool import open_database
    from app.db.queries import query
    from app.sketch.catalogue import catalogue
    from etl.embed import open_for_embedding

    settings = demo.demo_settings(base)
    folder = base.home / "demo"
    folder.mkdir(parents=True, exist_ok=True)
    items = catalogue(demo.SEED, demo.PRODUCTS)
    shops = stack.enter_context(demo.open_shops(items, folder / "pictures"))
    with open_database(settings) as db:
        with db.connection() as conn:
            counts = query("catalog_counts").execute(conn).fetchone()
            active = vectors.active(conn)
        if counts is None or not counts[1]:
            typer.echo(words.text("chat.filling"))
            demo.fill_from_shops(db, settings, items, shops, folder, words)
        # An earlier version may have left an older encoder active, or have been stopped half-way.
        old = active is None or active.name != settings.encoder
        if old or counts is None or counts[5] < counts[3] or not counts[5]:
            encoder = open_for_embedding(settings.encoder, settings)
            demo.embed(db, settings, encoder, words)
            rollout.activate(db, encoder)
    return _Ground(settings, _sample_pictures(folder), demo=True)


def _sample_pictures(folder: Path) -> list[Path]:
    """Phone photographs of drawn shoes that no shop has, as ``solemate demo`` searches with."""
    from app.commands import demo
    from app.demo.folder import query_pictures
    from app.sketch.catalogue import catalogue

    paths = [folder / f"query-{number:02}.jpg" for number in range(SAMPLES)]
    if not all(path.is_file() for path in paths):
        items = catalogue(demo.SEED, demo.PRODUCTS)
        for path, asked in zip(
            paths, query_pictures(items, 1 + demo.CHECKS, demo.SEED), strict=False
        ):
            asked.image.save(path, quality=88)
    return paths


async def _serve(ground: _Ground, words: Catalogue, port: int | None, *, browser: bool) -> None:
    from app.commands.bot_process import BotProcess
    from app.web.botapi import BotApi
    from app.web.limits import FloodLimits

    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # Windows: Ctrl+C interrupts instead
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
    log = ground.settings.home / "chat-bot.log"
    # A token of this run: other pages of the browser cannot guess it.
    token = f"1000000001:{secrets.token_urlsafe(26)}"
    async with AsyncExitStack() as stack:
        api = await stack.enter_async_context(
            BotApi(token, "solemate_bot", keep=2000, limits=FloodLimits())
        )
        page = await _open_page(api, ground.samples, port)
        stack.push_async_callback(page.stop)
        bot = BotProcess(_environment(ground, token, api.url), log, page.bot_is)
        bot.start()
        stack.push_async_callback(bot.stop)
        typer.echo(words.text("chat.starting"))
        if await _either(page.bot_ready, stop, _START_PATIENCE_S):
            typer.echo(words.text("chat.open", url=page.url))
            if browser:
                await asyncio.to_thread(webbrowser.open, page.url)
        elif not stop.is_set():
            typer.echo(words.text("chat.no_bot", url=page.url, log=str(log)), err=True)
        await stop.wait()
        typer.echo(words.text("chat.stopping"))
    typer.echo(words.text("chat.stopped"))


async def _either(wanted: asyncio.Event, stop: asyncio.Event, timeout_s: float) -> bool:
    """Whether the first came, before the second and in time."""
    waits = {asyncio.create_task(wanted.wait()), asyncio.create_task(stop.wait())}
    await asyncio.wait(waits, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
    for one in waits:
        one.cancel()
    return wanted.is_set() and not stop.is_set()


async def _open_page(api: BotApi, samples: Sequence[Path], port: int | None) -> ChatPage:
    from app.errors import BadInput
    from app.web.page import ChatPage

    for wanted in (PORT, 0) if port is None else (port,):
        page = ChatPage(api, wanted, samples)
        try:
            await page.start()
        except OSError:
            await page.stop()
            continue
        return page
    raise BadInput(f"port {port} is taken: choose another with --port, or leave it out")


def _environment(ground: _Ground, token: str, api_url: str) -> dict[str, str]:
    """What sends ``solemate bot`` to the local server and this catalogue."""
    from app.db.pool import database_url

    settings = ground.settings
    found = {
        "SOLEMATE_BOT_TOKEN": token,
        "SOLEMATE_BOT_API_URL": api_url,
        "SOLEMATE_HOME": str(settings.home),
    }
    if ground.demo:
        # Named outright: a DATABASE_URL of the environment or of .env is the other catalogue's.
        found["DATABASE_URL"] = database_url(settings)
        found["SOLEMATE_FETCH_ALLOW_HOSTS"] = json.dumps(list(settings.fetch_allow_hosts))
    return found
