"""Builds the bot and runs it."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, Final
from urllib.parse import urlsplit

from telegram import LinkPreviewOptions
from telegram.constants import ParseMode
from telegram.error import InvalidToken, NetworkError, TelegramError
from telegram.ext import ApplicationBuilder, Defaults
from telegram.request import HTTPXRequest

from app.bot.albums import Albums
from app.bot.asker import Asker
from app.bot.courier import Courier
from app.bot.delivery import Delivery
from app.bot.desk import BotApplication, Desk, Options
from app.bot.duty import Duty
from app.bot.flood import Flood
from app.bot.flow import Flow
from app.bot.flows import commands
from app.bot.flows.admin import Admin, Load
from app.bot.flows.alerts import Alerts
from app.bot.flows.ask import Asks
from app.bot.flows.commands import Commands, UnknownCommands
from app.bot.flows.dream import Dreaming
from app.bot.flows.feedback import Feedback
from app.bot.flows.inline import Inline
from app.bot.flows.pick import Picking
from app.bot.flows.privacy import Privacy
from app.bot.flows.refine import Refining
from app.bot.flows.results import Results
from app.bot.flows.saved import SavedShoes
from app.bot.flows.settings import Settings as SettingsFlow
from app.bot.intake import Reception, open_intake
from app.bot.lanes import Lanes
from app.bot.ledger import Ledger
from app.bot.limits import ChatLimiter
from app.bot.logs import quiet_libraries, redact_token
from app.bot.manners import Manners
from app.bot.marks import Marks
from app.bot.presses import Presses
from app.bot.request import RetryingRequest
from app.bot.services import Services
from app.bot.trouble import Trouble
from app.bot.uploads import Uploads
from app.errors import BadInput, DatabaseUnavailable, SolemateError
from app.settings import Settings

LOG = logging.getLogger(__name__)

_LONGEST_PAUSE_S: Final = 30.0
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


def build_application(
    settings: Settings, services: Services, options: Options | None = None
) -> BotApplication:
    """The bot with all its handlers, not started yet.

    Raises:
        BadInput: no token is set.
    """
    token = _token(settings)
    options = options or Options()
    albums = Albums(options.album_quiet_s)
    desk = Desk(settings, services, options)
    marks = Marks()
    limiter = ChatLimiter(marks, options.limits)
    manners = Manners(desk)
    ledger = None if services.store is None else Ledger(services.store.inbox, marks)
    flood = Flood(settings.bot_user_burst, settings.bot_user_every_s)
    lanes = Lanes(albums, flood, manners, ledger, settings.bot_attempts)
    base = settings.bot_api_url.rstrip("/")
    http = _http_options(base)
    request = RetryingRequest(
        connection_pool_size=64,
        connect_timeout=10,
        read_timeout=20,
        write_timeout=20,
        pool_timeout=20,
        httpx_kwargs=http,
    )
    application = (
        ApplicationBuilder()
        .token(token)
        .base_url(f"{base}/bot")
        .base_file_url(f"{base}/file/bot")
        .request(request)
        .get_updates_request(HTTPXRequest(connect_timeout=10, httpx_kwargs=http))
        .updater(None)
        .rate_limiter(limiter)
        .concurrent_updates(lanes)
        .defaults(
            Defaults(
                parse_mode=ParseMode.HTML,
                link_preview_options=LinkPreviewOptions(is_disabled=True),
            )
        )
        .build()
    )
    delivery = Delivery(desk, Uploads(settings))

    def load() -> Load:
        return Load(lanes.waiting, *limiter.held)

    flows = all_flows(desk, delivery, albums, load)
    delivery.result_actions = [action for flow in flows for action in flow.result_actions()]
    for flow in flows:
        flow.add_to(application)
    Presses(desk, flows).add_to(application)
    Trouble(desk, ledger, services.store).add_to(application)
    reception = Reception(application.update_queue, manners, marks, ledger)
    courier = None
    if services.store is not None:
        courier = Courier(
            application.bot, desk, services.store, lanes, limiter, marks, options.alerts_every_s
        )
    intake = open_intake(application.bot, reception, settings)
    application.bot_data["duty"] = Duty(desk, lanes, ledger, reception, intake, courier)
    application.bot_data["flows"] = flows
    application.bot_data["menu"] = [name for flow in flows for name in flow.commands]
    return application


def all_flows(
    desk: Desk, delivery: Delivery, albums: Albums, load: Callable[[], Load]
) -> list[Flow]:
    """Everything people do with the bot. The order is that in which flows are offered a message
    and in which Telegram's menu lists their commands; the last two take whatever is left."""
    asker = Asker(desk, delivery)
    dream = desk.services.dream
    return [
        Commands(desk, asker),
        SettingsFlow(desk),
        Results(desk, delivery),
        Refining(desk, delivery),
        Picking(desk, asker),
        Inline(desk),
        *_keeping(desk, load),
        *([Dreaming(desk, delivery, dream)] if dream is not None else []),
        UnknownCommands(desk),
        Asks(desk, asker, albums),
    ]


def _keeping(desk: Desk, load: Callable[[], Load]) -> list[Flow]:
    """Flows about what is kept, where anything is."""
    store = desk.services.store
    if store is None:
        return []
    return [
        SavedShoes(desk, store),
        Alerts(desk, store),
        Privacy(desk, store),
        Feedback(desk, store),
        Admin(desk, store, load),
    ]


def _http_options(base: str) -> dict[str, Any]:
    address = urlsplit(base)
    return {
        # A proxy from the environment must not swallow requests to a server on this very machine.
        "trust_env": address.hostname not in _LOOPBACK,
        # Without TLS there is no certificate to check, and no need to read the system's own.
        "verify": address.scheme != "http",
    }


def _token(settings: Settings) -> str:
    token = settings.bot_token.get_secret_value().strip() if settings.bot_token else ""
    if not token:
        raise BadInput("no bot token: get one from @BotFather and set SOLEMATE_BOT_TOKEN")
    return token


@asynccontextmanager
async def serving(application: BotApplication) -> AsyncIterator[None]:
    """Answers updates while the body runs; leaving it finishes what is in flight.

    Waits for a Bot API that cannot be reached yet. What an earlier process left undone comes first.

    Raises:
        BadInput: Telegram does not know the token.
    """
    duty: Duty = application.bot_data["duty"]
    try:
        await _initialize(application)
        await _publish_commands(application)
        if duty.courier is not None:
            await duty.courier.prepare()
        duty.lanes.resume(await duty.reception.resume(application.bot))
        await application.start()
        await duty.intake.start()
        if duty.courier is not None:
            duty.courier.start()
        LOG.info("@%s answers", application.bot.username)
        yield
    finally:
        # In this order nothing new comes in while what is in flight still gets its answer.
        duty.lanes.closing = True
        await duty.intake.stop()
        if duty.courier is not None:
            await duty.courier.stop()
        for flow in application.bot_data["flows"]:
            await flow.close()
        if application.running:
            await application.stop()
        await application.shutdown()
        await asyncio.to_thread(duty.close)


async def _initialize(application: BotApplication) -> None:
    pause = 1.0
    while True:
        try:
            await application.initialize()
        except InvalidToken:
            # Not "from": the library's message quotes the token.
            raise BadInput(
                "Telegram does not accept the bot token: check SOLEMATE_BOT_TOKEN"
            ) from None
        except NetworkError as error:
            LOG.warning("the Bot API cannot be reached (%s), trying again", error.message)
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE_S)
        else:
            return


async def _publish_commands(application: BotApplication) -> None:
    try:
        await commands.publish(application, application.bot_data["menu"])
    except TelegramError as error:
        LOG.warning("the command menu was not updated: %s", error.message)


def open_services(settings: Settings) -> Services:
    """The real services: the platform's database and search."""
    from app.db.bot import BotStore, BotUsers
    from app.db.dialogue import Dialogues
    from app.db.pool import open_database
    from app.dream.setup import open_dream
    from app.search import open_searcher
    from app.vision.shoes import open_shoe_finder

    database = open_database(settings)
    try:
        searcher = open_searcher(settings, database)
        dream = open_dream(settings, database, searcher)
    except BaseException:
        database.close()
        raise
    return Services(
        searcher,
        BotUsers(database),
        Dialogues(database),
        database.close,
        BotStore.of(database),
        shoes=open_shoe_finder(settings, searcher.encoder),
        dream=dream,
    )


def run(settings: Settings, services: Callable[[Settings], Services] = open_services) -> int:
    """Runs the bot until SIGINT or SIGTERM; returns the exit code, having said what went wrong."""
    logging.basicConfig(
        level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    quiet_libraries()
    try:
        forget_token = redact_token(_token(settings))
        try:
            asyncio.run(_run(settings, services))
        finally:
            forget_token()
    except SolemateError as error:
        sys.stderr.write(f"solemate: {error}\n")
        return error.exit_code
    return 0


async def _run(settings: Settings, services: Callable[[Settings], Services]) -> None:
    running = asyncio.current_task()
    if running is not None:
        for number in (signal.SIGINT, signal.SIGTERM):
            with suppress(NotImplementedError):  # Windows: Ctrl+C interrupts instead
                asyncio.get_running_loop().add_signal_handler(number, running.cancel)
    try:
        opened = await _open(settings, services)
        async with serving(build_application(settings, opened)):
            await asyncio.Event().wait()
    except asyncio.CancelledError:
        LOG.info("the bot has stopped")


async def _open(settings: Settings, services: Callable[[Settings], Services]) -> Services:
    """The services, as soon as the database is there."""
    pause = 1.0
    while True:
        try:
            return await asyncio.to_thread(services, settings)
        except DatabaseUnavailable as error:
            LOG.warning("%s; waiting for it", error)
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE_S)
