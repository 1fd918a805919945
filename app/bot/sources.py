"""Which file of a message holds the picture, or why none does."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Final

from telegram import Bot, Document, Message, PhotoSize
from telegram.error import BadRequest, Forbidden, TelegramError

from app.bot.desk import DOWNLOAD_LIMIT
from app.errors import SolemateError

ENOUGH_PIXELS: Final = 700
"""Longest side from which a photo is as good as its largest size for the encoder."""
VIEWS: Final = 6
"""Pictures of one album that make the query; more add time and hardly anything else."""

_PICTURE_SUFFIXES: Final = frozenset(
    f".{name}"
    for name in (
        *("jpg", "jpeg", "jpe", "jfif", "mpo", "png", "webp", "gif", "bmp", "tif", "tiff"),
        *("heic", "heif", "avif"),
    )
)
_UNTYPED: Final = frozenset({"", "application/octet-stream", "binary/octet-stream"})


class FileTooBig(SolemateError):
    """Telegram does not let bots download files this large."""


class FileUnavailable(SolemateError):
    """Telegram did not hand the file out."""


@dataclass(frozen=True, slots=True)
class Source:
    """A file to search by; ``unique_id`` stays the same however often it is sent."""

    file_id: str
    unique_id: str
    size: int


def source(message: Message) -> Source | None:
    """The picture in a message, None if it holds none."""
    if message.photo:
        return _of_photo(message.photo)
    if message.animation is not None:
        # Telegram turns GIFs into soundless videos and keeps the first frame beside them.
        if message.animation.mime_type == "image/gif":
            file = message.animation
            return Source(file.file_id, file.file_unique_id, file.file_size or 0)
        thumbnail = message.animation.thumbnail
        return None if thumbnail is None else _of_photo([thumbnail])
    if message.document is not None and _looks_like_picture(message.document):
        file_id, unique_id = message.document.file_id, message.document.file_unique_id
        return Source(file_id, unique_id, message.document.file_size or 0)
    return None


def _of_photo(sizes: Sequence[PhotoSize]) -> Source:
    by_size = sorted(sizes, key=lambda size: size.width * size.height)
    enough = (size for size in by_size if max(size.width, size.height) >= ENOUGH_PIXELS)
    best = next(enough, by_size[-1])
    return Source(best.file_id, best.file_unique_id, best.file_size or 0)


def _looks_like_picture(document: Document) -> bool:
    mime = (document.mime_type or "").lower()
    suffix = PurePath(document.file_name or "").suffix.lower()
    if mime.startswith("image/") or suffix in _PICTURE_SUFFIXES:
        return True
    # Neither type nor name says what it is: its bytes will.
    return mime in _UNTYPED and not suffix


def refusal(message: Message) -> str:
    """The message key that tells why a message without a picture cannot be searched by."""
    if message.document is not None and message.animation is None:
        suffix = PurePath(message.document.file_name or "").suffix.lower()
        is_pdf = message.document.mime_type == "application/pdf" or suffix == ".pdf"
        return "refuse.pdf" if is_pdf else "refuse.document"
    kinds: tuple[tuple[object, str], ...] = (
        (message.animation, "animation"),
        (message.sticker, "sticker"),
        (message.voice, "voice"),
        (message.audio, "audio"),
        (message.video or message.video_note, "video"),
        (message.location or message.venue, "location"),
        (message.contact, "contact"),
        (message.poll, "poll"),
        (message.text, "text"),
    )
    return "refuse." + next((name for found, name in kinds if found), "unknown")


async def download(bot: Bot, sources: Sequence[Source]) -> list[bytes]:
    """The files' bytes, in order.

    Raises:
        FileTooBig: one is larger than Telegram lets bots download.
        FileUnavailable: Telegram did not hand one out.
    """
    if any(file.size > DOWNLOAD_LIMIT for file in sources):
        raise FileTooBig("the file is larger than bots may download")
    return list(await asyncio.gather(*(_download(bot, file) for file in sources)))


async def _download(bot: Bot, wanted: Source) -> bytes:
    try:
        file = await bot.get_file(wanted.file_id)
        return bytes(await file.download_as_bytearray())
    except Forbidden:
        raise
    except BadRequest as error:
        if "too big" in error.message.lower():
            raise FileTooBig("the file is larger than bots may download") from error
        raise FileUnavailable(f"Telegram did not give the file: {error.message}") from error
    except TelegramError as error:
        raise FileUnavailable(f"Telegram did not give the file: {error.message}") from error
