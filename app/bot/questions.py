"""What a message asks: with which pictures, words or link, and about which message. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from telegram import Bot, Message, MessageEntity

from app.bot.sources import VIEWS, Source, source

_LINKS: Final[list[str | None]] = [MessageEntity.URL, MessageEntity.TEXT_LINK]
_BARE: Final = re.compile(r"https?://[^\s<>«»\"]+", re.IGNORECASE)
_WORDS_LIMIT: Final = 400


@dataclass(frozen=True, slots=True)
class Question:
    """``words`` come without the bot's name and without the link; ``about`` is the message of the
    bot that they answer."""

    sources: tuple[Source, ...] = ()
    words: str = ""
    link: str | None = None
    about: int | None = None


def question(messages: Sequence[Message], bot: Bot) -> Question:
    """The question of a message, or of an album's messages together."""
    sources = []
    words = ""
    link: str | None = None
    for message in messages:
        found = source(message)
        # Words in answer to somebody's picture ask about that picture.
        if found is None and message.text and message.reply_to_message is not None:
            answered = message.reply_to_message
            if answered.from_user is None or answered.from_user.id != bot.id:
                found = source(answered)
        if found is not None:
            sources.append(found)
        text = message.text or message.caption or ""
        link = link or _link(message, text)
        words = words or _own_words(text, link, bot)
    return Question(tuple(sources[:VIEWS]), words, link, _about(messages[0], bot))


def _about(message: Message, bot: Bot) -> int | None:
    answered = message.reply_to_message
    if answered is None or answered.from_user is None or answered.from_user.id != bot.id:
        return None
    return answered.message_id


def _link(message: Message, text: str) -> str | None:
    found = {**message.parse_entities(_LINKS), **message.parse_caption_entities(_LINKS)}
    for entity, shown in found.items():
        address = entity.url or shown
        return address if "://" in address else f"https://{address}"
    bare = _BARE.search(text)
    return bare[0].rstrip(".,;:!?)]") if bare else None


def _own_words(text: str, link: str | None, bot: Bot) -> str:
    text = re.sub(rf"@{re.escape(bot.username)}\b", " ", text, flags=re.IGNORECASE)
    if link is not None:
        text = text.replace(link, " ").replace(link.removeprefix("https://"), " ")
    text = " ".join(text.split())
    return text[:_WORDS_LIMIT] if any(char.isalnum() for char in text) else ""
