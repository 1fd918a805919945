"""The loop in the bot, over HTTP: a random pair, changes, undo, faults, "this is it", real ones."""

from __future__ import annotations

import asyncio
import threading

import pytest

from app.db.pool import Database
from app.dream.generators.base import (
    QUIET,
    FaultCode,
    GeneratorFault,
    Progress,
    Watch,
)
from app.dream.generators.sketch import Sketch
from app.dream.sessions import Dreams
from app.i18n import LANGUAGES, Language, catalogue
from app.sketch.design import Design, random_design
from app.sketch.render import phone_photo
from app.web.botapi import BotApi
from app.web.client import Chat
from tests.bot.pictures import encoded
from tests.dream.conftest import Ground, picture, with_generator


class Faulty(Sketch):
    """A generator that fails as told, then draws."""

    name = "faulty"
    takes_words = True

    def __init__(self, code: FaultCode | None = None) -> None:
        self.code = code

    def generate(self, design: Design, prompt: str, seed: int, watch: Watch = QUIET) -> bytes:
        if self.code is not None:
            raise GeneratorFault(self.code, "as told")
        return super().generate(design, prompt, seed, watch)


class Slow(Sketch):
    """Draws when it is let to, telling of steps."""

    name = "slow"

    def __init__(self) -> None:
        self.go = threading.Event()

    def generate(self, design: Design, prompt: str, seed: int, watch: Watch = QUIET) -> bytes:
        step = 0
        while not self.go.wait(0.05):
            step += 1
            watch.progress(Progress(step=step, steps=100))
            if watch.cancelled():
                raise GeneratorFault("cancelled")
        return super().generate(design, prompt, seed, watch)


async def begin(chat: Chat) -> None:
    await chat.send_text("/dream")


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_whole_loop(
    api: BotApi, ground: Ground, ground_db: Database, language: Language
) -> None:
    chat = api.user(7100 + LANGUAGES.index(language), language)
    words = catalogue(language)
    key = f"tg:{chat.user['id']}"
    dreams = Dreams(ground_db)
    said = {
        "ru": ("сделай подошву салатовой и без шнурков", "напиши ZX, с крыльями", "вот это они!"),
        "en": ("make the sole lime, no laces", "write ZX, with wings", "this is it"),
    }[language]
    async with ground.bot(api):
        await begin(chat)
        first = await picture(chat)
        assert words.text("dream.by_sketch") in first.text
        assert words.text("dream.begun") in first.text
        await chat.send_text(said[0])
        second = await picture(chat)
        assert second.picture != first.picture
        step = dreams.current(key)
        assert step is not None
        assert (step.design.colours.midsole, step.design.laces) == ("lime", "none")
        await chat.send_text(said[1])
        third = await picture(chat)
        lost = said[1].split(" ")[-1]
        assert f"«{lost}»" in third.text  # said, not dropped
        await chat.press(third, words.text("dream.button.undo"))
        back = await picture(chat)
        assert back.picture == second.picture
        # A button instead of words.
        await chat.press(back, words.text("dream.topic.upper"))
        await asyncio.sleep(0.2)
        await chat.press(back, "чёрный" if language == "ru" else "black")
        fourth = await picture(chat)
        now = dreams.current(key)
        assert now is not None
        assert now.design.colours.upper == "black"
        assert now.parent == 2
        await chat.press(fourth, words.text("dream.button.surprise"))
        await picture(chat)
        await chat.send_text(said[2])
        honest = await chat.wait_for(lambda message: "%" in message.text, 60)
        assert words.text("dream.button.again") in [button.text for button in honest.buttons]
        listing = await chat.wait_for(lambda message: bool(message.buttons), 60)
        # The result is a stored search: its buttons work.
        await chat.press(listing, next(b for b in listing.buttons if b.data.startswith("1p:")))
        await chat.wait_for(lambda message: "2" in message.text, 60)
        # From the real ones back to the dream, which is kept.
        await chat.press(honest, words.text("dream.button.again"))
        await picture(chat)


async def test_steps_outlive_a_restart_and_old_buttons_answer(api: BotApi, ground: Ground) -> None:
    chat = api.user(7110, "en")
    async with ground.bot(api):
        await begin(chat)
        first = await picture(chat)
        await chat.send_text("write ZX")
        await picture(chat)
    async with ground.bot(api):
        await chat.send_text("higher")
        third = await picture(chat)
        assert "Step 3" in third.text
        await chat.press(third, "Steps")
        steps = await chat.wait_text("The steps of this dream")
        await chat.press(steps, "1.")
        again = await picture(chat)
        assert again.picture == first.picture


async def test_forgetting_a_user_deletes_the_dreams(
    api: BotApi, ground: Ground, ground_db: Database
) -> None:
    chat = api.user(7111, "en")
    async with ground.bot(api):
        await begin(chat)
        await picture(chat)
    with ground_db.connection() as conn:
        conn.execute("DELETE FROM bot_user WHERE user_id = 7111")
        left = conn.execute(
            "SELECT count(*) FROM dream_session AS s LEFT JOIN dream_step AS t"
            " ON t.session_id = s.id WHERE s.user_key = 'tg:7111'"
        ).fetchone()
    assert left == (0,)


async def test_from_a_photo_and_from_a_result(
    api: BotApi, ground: Ground, ground_db: Database
) -> None:
    chat = api.user(7112, "en")
    photo = random_design(3, "high").recolour(upper="red", toe_box="red", heel_counter="red")
    async with ground.bot(api):
        await chat.send_photo(encoded(phone_photo(photo, 1), "JPEG"), caption="/dream")
        first = await picture(chat)
        assert "photo" in first.text
        await chat.send_text("this is it")
        await chat.wait_for(lambda message: "%" in message.text, 60)
        listing = await chat.wait_for(lambda message: bool(message.buttons), 60)
        await chat.press(listing, next(b for b in listing.buttons if b.data.startswith("1h")))
        for _ in range(100):  # the list becomes the card of one result
            if any("Dream from this" in button.text for button in listing.buttons):
                break
            await asyncio.sleep(0.1)
        await chat.press(listing, "Dream from this")
        start = await picture(chat)
        assert "as far as I can see" in start.text


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    "code",
    ["unreachable", "server_error", "too_slow", "refused", "broken_picture", "quota_user",
     "quota_server", "no_model", "no_group", "worker", "busy", "key"],
)  # fmt: skip
async def test_a_fault_leaves_the_dream_and_a_way_on(
    api: BotApi, ground: Ground, ground_db: Database, code: FaultCode, language: Language
) -> None:
    generator = Faulty()
    chat = api.user(7200, language)
    words = catalogue(language)
    async with ground.bot(api, with_generator(ground.settings, generator)):
        await begin(chat)
        await picture(chat)
        generator.code = code
        await chat.send_text("write ZX" if language == "en" else "напиши ZX")
        told = await chat.wait_text(words.text(f"dream.fault.{code}"), 30)
        assert words.text("dream.fault.kept") in told.text
        step = Dreams(ground_db).current("tg:7200")
        assert step is not None
        assert step.number == 1  # as it was
        await chat.press(told, words.text("dream.button.sketch"))
        shown = await picture(chat)
        assert words.text("dream.by_sketch") in shown.text
        step = Dreams(ground_db).current("tg:7200")
        assert step is not None
        assert (step.generator, step.design.text) == ("sketch", "ZX")  # the wish too


async def test_a_slow_picture_tells_of_itself_and_can_be_stopped(
    api: BotApi, ground: Ground
) -> None:
    slow = Slow()
    chat, other = api.user(7300, "en"), api.user(7301, "ru")
    async with ground.bot(api, with_generator(ground.settings, slow)):
        await begin(chat)
        told = await chat.wait_text("Drawing", 20)
        # Its own user's words are answered meanwhile, and so is everybody else.
        await other.send_text("/help")
        await other.wait_text("Как мной пользоваться", 20)
        await begin(chat)
        await chat.wait_text(catalogue("en").text("dream.busy"), 20)
        await chat.press(told, "Cancel drawing")
        await chat.wait_text("Drawing cancelled", 20)
        await begin(chat)
        await chat.wait_text("Drawing", 20)
        slow.go.set()
        assert (await picture(chat)).picture is not None


async def test_words_without_a_dream_are_not_its_business(api: BotApi, ground: Ground) -> None:
    chat = api.user(7400, "en")
    async with ground.bot(api):
        await begin(chat)
        first = await picture(chat)
        await chat.press(first, "Finish")
        await chat.wait_text("put aside")
        await chat.send_text("white sole")
        answer = await chat.wait_for()
        assert "Step" not in answer.text
