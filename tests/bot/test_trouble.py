"""When something fails: the user hears of it, the log gets it once and without the token."""

from __future__ import annotations

import asyncio
import io
import logging
import time
from collections.abc import Iterator

import pytest

from app.bot.desk import Options
from app.bot.logs import MASK, quiet_libraries, redact_token
from app.errors import DatabaseUnavailable, EncoderError
from app.i18n import LANGUAGES, Language, catalogue
from app.web.botapi import TOKEN
from app.web.faults import Fault
from tests.bot.conftest import Stage, plain
from tests.bot.pictures import jpeg

SECRET = TOKEN.split(":")[1]


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """Everything that is logged, at the finest level, as a handler writes it."""
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    handler.setFormatter(logging.Formatter("%(levelname)s %(name)s %(message)s"))
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    forget = redact_token(TOKEN)
    yield out
    forget()
    root.setLevel(level)
    root.removeHandler(handler)


def fail_with(stage: Stage, error: Exception | None) -> None:
    def fail(user_key: str | None) -> None:
        if error is not None:
            raise error

    stage.search.before = fail


@pytest.mark.parametrize("language", LANGUAGES)
async def test_database_away_and_back(stage: Stage, language: Language) -> None:
    chat = stage.api.user(51, language)
    words = catalogue(language)
    fail_with(stage, DatabaseUnavailable("away"))
    stage.users.away = True
    await chat.send_photo(jpeg())
    assert (await chat.wait_for()).text == words.text("error.database")
    await chat.send_text("/language")
    question = await chat.wait_for()
    await chat.press(question, "Русский")
    assert (await chat.wait_for()).text == words.text("error.database")
    fail_with(stage, None)
    stage.users.away = False
    await asyncio.sleep(1.1)  # for a moment after a failure the database is not asked
    await chat.send_photo(jpeg())
    assert (await chat.wait_for(lambda message: bool(message.buttons))).buttons


async def test_an_outage_does_not_make_people_wait_in_line(quiet_stage: Stage) -> None:
    calls: list[str | None] = []

    def time_out(user_key: str | None) -> None:
        calls.append(user_key)
        time.sleep(0.4)
        raise DatabaseUnavailable("away")

    quiet_stage.search.before = time_out
    chats = [quiet_stage.api.user(500 + number, "en") for number in range(12)]
    async with quiet_stage.bot(Options(search_threads=1)):
        for chat in chats:
            await chat.send_photo(jpeg())
        for chat in chats:
            await chat.wait_text("The catalogue is not answering", timeout_s=3)
    assert len(calls) < 8


async def test_an_outage_is_told_in_the_chosen_language(stage: Stage) -> None:
    chat = stage.api.user(52, "en")
    stage.users.languages[52] = "ru"
    await chat.send_text("/start")
    await chat.wait_text("Привет")
    stage.users.away = True
    fail_with(stage, DatabaseUnavailable("away"))
    await chat.send_photo(jpeg())
    assert (await chat.wait_for()).text == catalogue("ru").text("error.database")


async def test_an_absent_database_is_not_asked_by_every_message(stage: Stage) -> None:
    chat = stage.api.user(53, "en")
    stage.users.away = True
    for _ in range(4):
        await chat.send_text("/start")
        await chat.wait_text("Hi!")
    assert stage.users.visits == 1


@pytest.mark.parametrize("error", [RuntimeError("boom"), EncoderError("bad model"), KeyError("x")])
async def test_a_defect_is_told_and_logged_once(
    stage: Stage, log: io.StringIO, error: Exception
) -> None:
    chat = stage.api.user(54, "en")
    fail_with(stage, error)
    await chat.send_photo(jpeg())
    answer = await chat.wait_text("Something broke on my side")
    code = answer.text.split("code ")[1][:6]
    written = [line for line in log.getvalue().splitlines() if line.startswith("ERROR")]
    assert len(written) == 1
    assert code in written[0]
    assert type(error).__name__ in log.getvalue()
    fail_with(stage, None)
    await chat.send_photo(jpeg())
    await chat.wait_for(lambda message: bool(message.buttons))


async def test_a_users_own_mistake_is_no_error_in_the_log(stage: Stage, log: io.StringIO) -> None:
    chat = stage.api.user(55, "en")
    await chat.send_document(b"", "a.png", "image/png")
    await chat.wait_text("This file is empty")
    assert "ERROR" not in log.getvalue()
    assert "Traceback" not in log.getvalue()


async def test_nothing_logged_holds_the_token(stage: Stage, log: io.StringIO) -> None:
    chat = stage.api.user(56, "en")
    stage.api.faults.add(Fault("sendMessage", reset=True, times=3))
    stage.api.faults.add(Fault("getUpdates", status=502, description="Bad Gateway"))
    await chat.send_photo(jpeg())
    await chat.wait_text("I could not do this right now")
    await chat.send_photo(jpeg())
    await chat.wait_album()
    fail_with(stage, RuntimeError(f"https://api.telegram.org/bot{TOKEN}/getMe"))
    await chat.send_photo(jpeg())
    await chat.wait_text("Something broke")
    written = log.getvalue()
    assert MASK in written  # httpx and httpcore do log addresses at this level
    assert SECRET not in written


def test_redaction_covers_arguments_traces_and_bad_formats(log: io.StringIO) -> None:
    logger = logging.getLogger("some.library")
    logger.info("GET %s", f"https://x/bot{TOKEN}/getMe")
    logger.info("only the half: %s", SECRET)
    logging.raiseExceptions = False
    logger.info("%d", TOKEN)
    logging.raiseExceptions = True
    try:
        int(TOKEN)
    except ValueError:
        logger.exception("failed")
    assert SECRET not in log.getvalue()
    assert log.getvalue().count(MASK) >= 4


def test_ordinary_records_stay_as_they_are(log: io.StringIO) -> None:
    seen: list[logging.LogRecord] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            seen.append(record)

    logger = logging.getLogger("plain")
    handler = Keep()
    logger.addHandler(handler)
    logger.info("%s and %s", 1, 2)
    logger.removeHandler(handler)
    assert (seen[0].msg, seen[0].args) == ("%s and %s", (1, 2))


def test_httpx_is_quiet() -> None:
    quiet_libraries()
    assert not logging.getLogger("httpx").isEnabledFor(logging.INFO)


@pytest.mark.filterwarnings("ignore:Deprecated since version v22.2")  # the library's own use
async def test_429_is_waited_out(stage: Stage) -> None:
    chat = stage.api.user(57, "en")
    for method in ("sendMessage", "sendMediaGroup"):
        stage.api.faults.add(Fault(method, retry_after=1))
    await chat.send_photo(jpeg())
    await chat.wait_album()
    await chat.wait_for(lambda message: bool(message.buttons))


@pytest.mark.parametrize(
    "fault",
    [
        Fault("sendMessage", status=502, description="Bad Gateway"),
        Fault("sendMessage", status=500),
        Fault("sendMessage", reset=True, times=2),
        Fault("getFile", status=503, description="Service Unavailable"),
        Fault("file", reset=True),
        Fault("getUpdates", reset=True),
        Fault("getUpdates", status=500),
        Fault("sendChatAction", status=400, description="Bad Request: no"),
    ],
    ids=lambda fault: f"{fault.method}-{fault.status or 'reset'}",
)
async def test_a_short_outage_of_telegram_goes_unnoticed(stage: Stage, fault: Fault) -> None:
    chat = stage.api.user(58, "en")
    stage.api.faults.add(fault)
    await chat.send_photo(jpeg())
    await chat.wait_for(lambda message: bool(message.buttons), timeout_s=20)
    assert fault.times == 0


async def test_a_longer_outage_of_telegram_is_told_when_it_is_over(
    stage: Stage, log: io.StringIO
) -> None:
    chat = stage.api.user(62, "ru")
    stage.api.faults.add(Fault("sendMediaGroup", status=502, description="Bad Gateway", times=3))
    await chat.send_photo(jpeg())
    # What was found is said before the pictures are sent.
    assert (await chat.wait_for()).text == plain("result.similar", "ru")
    assert (await chat.wait_for()).text == catalogue("ru").text("error.failed")
    warnings = [line for line in log.getvalue().splitlines() if line.startswith("WARNING")]
    assert len(warnings) == 1
    assert "ERROR" not in log.getvalue()


async def test_a_refused_message_is_a_defect(stage: Stage, log: io.StringIO) -> None:
    chat = stage.api.user(63, "en")
    refusal = "Bad Request: can't parse entities: Unexpected end tag at byte offset 3"
    stage.api.faults.add(Fault("sendMessage", status=400, description=refusal))
    await chat.send_text("/start")
    await chat.wait_text("Something broke on my side")
    assert log.getvalue().count("ERROR") == 1


async def test_a_file_telegram_does_not_give_is_explained(stage: Stage) -> None:
    chat = stage.api.user(59, "ru")
    stage.api.faults.add(
        Fault("getFile", status=400, description="Bad Request: file is temporarily unavailable")
    )
    await chat.send_photo(jpeg())
    assert (await chat.wait_for()).text == catalogue("ru").text("error.telegram")


async def test_a_user_who_blocked_the_bot_troubles_nobody(stage: Stage, log: io.StringIO) -> None:
    gone, there = stage.api.user(60, "en"), stage.api.user(61, "en")
    gone.block()
    await gone.send_photo(jpeg())
    await gone.send_text("/start")
    await there.send_text("/start")
    await there.wait_text("Hi!")
    while len(stage.api.called("sendMessage")) < 3:  # two of them to the one who is gone
        await there.quiet(0.05)
    assert not gone.messages
    assert not stage.api.called("sendMediaGroup")
    assert "ERROR" not in log.getvalue()
    gone.block(False)
    await gone.send_text("/start")
    await gone.wait_text("Hi!")
