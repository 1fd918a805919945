"""What was said for an update before a crash, and what is taken for the same."""

from __future__ import annotations

from telegram import InputMediaPhoto

from app.bot.said import Said, Saying, fingerprint


def text(words: str, chat: int = 5, **more: object) -> str:
    return fingerprint("sendMessage", {"chat_id": chat, "text": words, **more})


def test_numbers_and_buttons_do_not_count() -> None:
    assert text("from 990 ₽, seen 2 h ago", reply_markup="a") == text(
        "from 87 ₽, seen 13 h ago", reply_markup="b"
    )
    assert text("Nike") != text("Puma")
    assert text("Nike") != text("Nike", chat=6)
    assert text("Nike") != fingerprint("sendPhoto", {"chat_id": 5, "caption": "Nike"})


def test_albums_are_known_by_their_captions() -> None:
    def album(*captions: str | None, media: str | bytes = b"1") -> str:
        items = [InputMediaPhoto(media, caption=caption) for caption in captions]
        return fingerprint("sendMediaGroup", {"chat_id": 5, "media": items})

    assert album("1. Nike", "2. Puma") == album("1. Nike", "2. Puma", media="known to Telegram")
    assert album("1. Nike", "2. Puma") != album("1. Puma", "2. Nike")
    assert album("1. Nike") != album("1. Nike", None)


async def test_each_earlier_message_stands_for_one() -> None:
    kept: list[Saying] = []

    async def keep(saying: Saying) -> None:
        kept.append(saying)

    said = Said([], keep)
    message = {"chat_id": 5, "text": "again"}
    for number in (7, 8):
        assert said.before("sendMessage", message) is None
        await said.note("sendMessage", message, {"message_id": number})
    later = Said(kept, keep)
    assert later.before("sendMessage", {"chat_id": 5, "text": "other"}) is None
    assert later.left == 2
    found = [later.before("sendMessage", message) for _ in range(3)]
    assert found == [{"message_id": 7}, {"message_id": 8}, None]
    assert later.left == 0
