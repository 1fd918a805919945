"""Users side by side, one user's updates in order, nothing twice."""

from __future__ import annotations

import asyncio
import threading
from itertools import groupby

import pytest

from app.bot.desk import Options
from app.i18n import catalogue
from app.web.botapi import BotApi
from app.web.faults import Fault
from tests.bot.conftest import Stage, plain
from tests.bot.pictures import jpeg

COMMAND = [{"type": "bot_command", "offset": 0, "length": 6}]
FOUND_BY_WORDS = plain("result.words")


@pytest.fixture
def gate(quiet_stage: Stage) -> threading.Event:
    """Holds the searches of user 31 until it is set."""
    opened = threading.Event()

    def hold(user_key: str | None) -> None:
        if user_key == "tg:31" and not opened.wait(20):
            raise TimeoutError

    quiet_stage.search.before = hold
    return opened


async def listing(chat: object) -> str:
    message = await chat.wait_for(lambda message: bool(message.buttons))  # type: ignore[attr-defined]
    return message.text


async def test_a_slow_search_keeps_only_its_own_user_waiting(
    stage: Stage, gate: threading.Event
) -> None:
    slow, quick = stage.api.user(31, "en"), stage.api.user(32, "en")
    await slow.send_photo(jpeg())
    await slow.send_text("/help")
    await quick.send_photo(jpeg())
    await listing(quick)
    await quick.send_text("/start")
    await quick.wait_text("Hi!")
    assert not slow.messages
    gate.set()
    await slow.wait_text("The most similar ones on sale")
    await slow.wait_text("How to use me")  # asked after the photo, answered after it


async def test_searches_in_line_do_not_hold_up_words(
    quiet_stage: Stage, gate: threading.Event
) -> None:
    stuck, other = quiet_stage.api.user(31, "en"), quiet_stage.api.user(33, "en")
    async with quiet_stage.bot(Options(search_threads=1, album_quiet_s=0.1)):
        await stuck.send_photo(jpeg())
        await other.send_photo(jpeg())
        third = quiet_stage.api.user(34, "en")
        await third.send_text("/language")
        await third.wait_text("Which language")
        assert not other.messages
        gate.set()
        await listing(other)
        await listing(stuck)


async def test_a_search_that_does_not_end_is_given_up(
    quiet_stage: Stage, gate: threading.Event
) -> None:
    chat = quiet_stage.api.user(31, "ru")
    async with quiet_stage.bot(Options(search_timeout_s=1.0)):
        await chat.send_photo(jpeg())
        assert (await chat.wait_for()).text == catalogue("ru").text("error.slow")
        gate.set()
        await chat.send_photo(jpeg())
        await listing(chat)


async def test_one_users_messages_are_answered_in_order(stage: Stage) -> None:
    chat = stage.api.user(35, "en")
    asked = []
    for number in range(3):
        photo = await chat.send_photo(jpeg(size=(200 + number, 150)))
        text = await chat.send_text(f"word {number}")
        asked += [photo["message_id"], text["message_id"]]
    for _ in range(3):
        await chat.wait_text("The most similar ones on sale")
        await listing(chat)
        await chat.wait_text(FOUND_BY_WORDS)
    answered = [message.answers for message in chat.messages if message.answers is not None]
    assert [question for question, _ in groupby(answered)] == asked
    assert stage.search.said == ["word 0", "word 1", "word 2"]


async def test_an_album_behind_a_slow_search_stays_whole(
    stage: Stage, gate: threading.Event
) -> None:
    chat = stage.api.user(31, "en")
    await chat.send_photo(jpeg())
    await chat.send_album([jpeg("red"), jpeg("blue")])
    await asyncio.sleep(0.5)
    gate.set()
    await listing(chat)
    await listing(chat)
    assert [len(pictures) for pictures in stage.search.asked] == [1, 2]
    await chat.quiet(0.2)


async def test_an_update_delivered_twice_is_answered_once(stage: Stage) -> None:
    chat = stage.api.user(36, "en")
    message = await chat.send_text("/start")
    await chat.wait_text("Hi!")
    update = {"update_id": 999_999_999, "message": {**message, "text": "words", "entities": []}}
    await chat.redeliver(update)
    await chat.wait_text(FOUND_BY_WORDS)
    await chat.redeliver(update)
    await chat.quiet(0.3)
    assert stage.search.said == ["words"]


async def test_an_edit_is_a_question_where_picture_or_words_changed(stage: Stage) -> None:
    chat = stage.api.user(37, "en")
    photo = await chat.send_photo(jpeg())
    await listing(chat)
    await chat.edit(photo, caption="in red")
    summary = await chat.wait_for()
    assert (summary.text, summary.answers) == (plain("result.changed"), photo["message_id"])
    await listing(chat)
    await chat.edit(photo, caption="in  red ")
    await chat.quiet(0.3)
    text = await chat.send_text("hello")
    assert (await chat.wait_for()).text == plain("ask.hello")
    await chat.edit(text, text="/start", entities=COMMAND)
    await chat.quiet(0.3)
    await chat.edit_photo(photo, jpeg("blue"))
    await listing(chat)
    assert len(stage.search.asked) == 3
    assert not stage.search.said


async def test_a_channel_post_is_left_alone(api: BotApi, stage: Stage) -> None:
    chat = stage.api.user(38, "en")
    api.world.allowed = None  # as if the server ignored what the bot asked for
    message = await chat.send_text("/start")
    await chat.wait_text("Hi!")
    await chat.deliver("channel_post", {**message, "text": "news"})
    await chat.quiet(0.2)


async def test_shutdown_finishes_what_is_in_flight(
    quiet_stage: Stage, gate: threading.Event
) -> None:
    chat = quiet_stage.api.user(31, "en")
    async with quiet_stage.bot():
        await chat.send_photo(jpeg())
        while not quiet_stage.api.called("sendChatAction"):
            await asyncio.sleep(0.01)
        asyncio.get_running_loop().call_later(0.3, gate.set)
    assert chat.messages[-1].buttons


async def test_a_slow_telegram_for_one_chat_holds_up_nobody(stage: Stage) -> None:
    slow, quick = stage.api.user(39, "en"), stage.api.user(40, "en")
    stage.api.faults.add(Fault("sendMessage", delay_s=3.0, chat_id=39))
    await slow.send_text("/start")
    await quick.send_text("/start")
    await quick.wait_text("Hi!", timeout_s=2.5)
    await slow.wait_text("Hi!")
