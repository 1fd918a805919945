"""Every odd file gets a result or a clear answer, and the bot answers the next photo."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from app.i18n import catalogue
from app.web.client import Chat
from tests.bot.conftest import Stage, plain
from tests.bot.pictures import (
    PDF,
    animated_gif,
    cmyk_jpeg,
    encoded,
    heic,
    huge_png,
    jpeg,
    png16,
    rotated_jpeg,
    shoe,
    truncated_jpeg,
)

FOUND = "result.similar"
FILES: list[tuple[str, Callable[[], bytes], str | None, str]] = [
    ("shoe.jpg", jpeg, "image/jpeg", FOUND),
    ("shoe.JPG", jpeg, "application/octet-stream", FOUND),
    ("file", jpeg, None, FOUND),
    ("shoe.png", lambda: encoded(shoe(), "PNG"), "image/png", FOUND),
    ("shoe.webp", lambda: encoded(shoe(), "WEBP"), "image/webp", FOUND),
    ("cmyk.jpg", cmyk_jpeg, "image/jpeg", FOUND),
    ("deep.png", png16, "image/png", FOUND),
    ("rotated.jpg", rotated_jpeg, "image/jpeg", FOUND),
    ("IMG_0001.HEIC", heic, "image/heic", FOUND),
    ("IMG_0001.heic", heic, None, FOUND),
    ("moving.gif", animated_gif, "image/gif", FOUND),
    ("report.pdf", lambda: PDF, "application/pdf", "refuse.pdf"),
    ("renamed.jpg", lambda: PDF, "image/jpeg", "image.not_an_image"),
    ("notes.jpg", lambda: b"just words", "image/jpeg", "image.not_an_image"),
    ("drawing.svg", lambda: b"<svg xmlns='x'/>", "image/svg+xml", "image.unsupported"),
    ("empty.png", lambda: b"", "image/png", "image.empty"),
    ("half.jpg", truncated_jpeg, "image/jpeg", "image.truncated"),
    ("huge.png", huge_png, "image/png", "image.too_large"),
    ("table.xlsx", lambda: b"PK\x03\x04", "application/vnd.ms-excel", "refuse.document"),
]


async def found(chat: Chat, answers: int) -> None:
    """A photo's whole answer: what was found, in reply to it, then the pictures, then the list."""
    summary = await chat.wait_for(timeout_s=30)
    assert summary.text == plain(FOUND)
    assert summary.answers == answers
    assert not summary.buttons
    first = await chat.wait_for()
    assert first.album is not None
    listing = await chat.wait_for(lambda message: message.album != first.album)
    assert listing.text.startswith("1. Nike Air <Max> 0")
    assert listing.buttons


@pytest.mark.parametrize(
    ("name", "make", "mime", "key"), FILES, ids=[f"{f[0]}-{f[3]}" for f in FILES]
)
async def test_a_file(
    stage: Stage, name: str, make: Callable[[], bytes], mime: str | None, key: str
) -> None:
    chat = stage.api.user(21, "en")
    file = await chat.send_document(make(), name, mime)
    if key == FOUND:
        await found(chat, file["message_id"])
    else:
        answer = await chat.wait_for(timeout_s=30)
        assert answer.text == plain(key)
        assert answer.answers == file["message_id"]
        assert not answer.buttons
    photo = await chat.send_photo(jpeg())
    await found(chat, photo["message_id"])
    await chat.quiet(0.1)


async def test_damaged_bytes_sent_as_a_photo(stage: Stage) -> None:
    chat = stage.api.user(22, "ru")
    await chat.send_photo(b"\xff\xd8\xff\xe0 nothing follows")
    assert (await chat.wait_for()).text == catalogue("ru").text("image.truncated")
    await chat.send_photo(b"")
    assert (await chat.wait_for()).text == catalogue("ru").text("image.empty")
