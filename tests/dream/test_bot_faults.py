"""Real faults of real generators, as the bot's user meets them: words, the dream kept, a way on."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from aiohttp import web
from pydantic import SecretStr

from app.db.pool import Database
from app.dream.generators.diffusion import GROUP
from app.dream.sessions import Dreams
from app.i18n import LANGUAGES, Language, catalogue
from app.web.botapi import BotApi
from app.web.client import Chat
from tests.dream.conftest import Ground, picture
from tests.dream.images_server import KEY, Server, given, refused, serving_images

TROUBLE: dict[str, Callable[[Server], None]] = {
    "server_error": lambda s: s.answers.append(lambda _: web.Response(status=503)),
    "too_slow": lambda s: setattr(s, "pause_s", 3.0),
    "refused": lambda s: s.answers.append(lambda _: refused(400, "content_policy_violation")),
    "broken_picture": lambda s: s.answers.append(lambda _: given(b"no picture at all")),
    "quota_server": lambda s: s.answers.append(lambda _: refused(429, "insufficient_quota")),
    "key": lambda s: s.answers.append(lambda _: refused(401, "invalid_api_key")),
    "quota_user": lambda _: None,  # one picture a day is all there is
}
WISH = {"en": "write ZX, with wings", "ru": "напиши ZX, с крыльями"}


@pytest.fixture
def server() -> Iterator[Server]:
    with serving_images() as made:
        yield made


async def the_way_on(chat: Chat, code: str, language: Language) -> str:
    """Waits for the fault's words, presses "by sketch"; the new picture's caption."""
    words = catalogue(language)
    told = await chat.wait_text(words.text(f"dream.fault.{code}"), 30)
    assert words.text("dream.fault.kept") in told.text
    await chat.press(told, words.text("dream.button.sketch"))
    shown = await picture(chat)
    assert words.text("dream.by_sketch") in shown.text
    return shown.text


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("code", TROUBLE)
async def test_the_images_api_fails(
    api: BotApi, ground: Ground, ground_db: Database, server: Server, code: str, language: Language
) -> None:
    user = 7500 + 10 * list(TROUBLE).index(code) + LANGUAGES.index(language)
    chat, key = api.user(user, language), f"tg:{user}"
    limit = Decimal("0.05") if code == "quota_user" else Decimal("5")
    async with ground.bot(
        api, dream_generator="images-api", images_api_url=server.url,
        images_api_key=SecretStr(KEY), images_api_daily_limit=limit, images_api_timeout_s=1.0,
    ):  # fmt: skip
        await chat.send_text("/dream")
        first = await picture(chat)
        assert catalogue(language).text("dream.by_generator", name="images-api") in first.text
        TROUBLE[code](server)
        await chat.send_text(WISH[language])
        caption = await the_way_on(chat, code, language)
    # What only the generator could have drawn is not said to be drawn.
    lost = WISH[language].rpartition(" ")[2]
    assert catalogue(language).text("dream.lost", what=f"«{lost}»") in caption
    with_wish = Dreams(ground_db).current(key)
    assert with_wish is not None
    # The fault left no step behind: the sketch of the wish follows the first picture.
    assert (with_wish.number, with_wish.parent, with_wish.design.text) == (2, 1, "ZX")


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_dream_begins_although_its_generator_is_not_there(
    api: BotApi, ground: Ground, tmp_path: Path, language: Language
) -> None:
    chat = api.user(7600 + LANGUAGES.index(language), language)
    async with ground.bot(
        api, dream_generator="images-api", images_api_url="http://127.0.0.1:9/v1",
        images_api_key=SecretStr(KEY),
    ):  # fmt: skip
        await chat.send_text("/dream")
        await the_way_on(chat, "unreachable", language)
    installed = all(importlib.util.find_spec(name) for name in GROUP)
    async with ground.bot(
        api, dream_generator="diffusion", diffusion_model=tmp_path / "nowhere"
    ):  # fmt: skip
        await chat.send_text("/dream")
        await the_way_on(chat, "no_model" if installed else "no_group", language)
