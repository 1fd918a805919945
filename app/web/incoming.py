"""What a page uploads: read part by part, within limits, and sent as a Telegram client would."""

from __future__ import annotations

import asyncio
import io
from dataclasses import dataclass, field
from typing import Final

from aiohttp import BodyPartReader, web
from PIL import Image

from app.web.files import DOWNLOAD_LIMIT
from app.web.people import Seat
from app.web.world import Json

FILES_LIMIT: Final = 10
TOTAL_LIMIT: Final = 64 * 1024 * 1024
_FIELD_LIMIT: Final = 16 * 1024
_NAME_CHARS: Final = 120


class UploadRefused(Exception):
    """``code`` names the reason: ``too_large``, ``too_many``, ``no_file``, ``malformed``."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Given:
    """An uploaded file."""

    name: str
    mime: str
    data: bytes


@dataclass(slots=True)
class Form:
    """A multipart body."""

    fields: dict[str, str] = field(default_factory=dict)
    files: list[Given] = field(default_factory=list)


async def read_form(request: web.Request) -> Form:
    """Reads a multipart body, no further than its limits.

    Raises:
        UploadRefused: a file over 20 MB, more than ten, more than 64 MB together, or no multipart.
    """
    if request.content_type != "multipart/form-data":
        raise UploadRefused("malformed")
    form = Form()
    left = TOTAL_LIMIT
    try:
        reader = await request.multipart()
        while (part := await reader.next()) is not None:
            if not isinstance(part, BodyPartReader):
                raise UploadRefused("malformed")
            if part.filename is None:
                text = await _bytes(part, _FIELD_LIMIT)
                form.fields[part.name or ""] = text.decode(errors="replace")
                continue
            if len(form.files) == FILES_LIMIT:
                raise UploadRefused("too_many")
            data = await _bytes(part, min(DOWNLOAD_LIMIT, left))
            left -= len(data)
            mime = part.headers.get("Content-Type", "application/octet-stream")
            form.files.append(Given(part.filename[-_NAME_CHARS:], mime, data))
    except ValueError as error:
        raise UploadRefused("malformed") from error
    if not form.files:
        raise UploadRefused("no_file")
    return form


async def _bytes(part: BodyPartReader, limit: int) -> bytes:
    data = bytearray()
    while chunk := await part.read_chunk(256 * 1024):
        data += chunk
        if len(data) > limit:
            raise UploadRefused("too_large")
    return bytes(data)


def _kind(data: bytes) -> str:
    """``photo``, ``animation`` or ``document``: as what a client sends a file."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            if image.format == "GIF" and getattr(image, "n_frames", 1) > 1:
                return "animation"
            image.load()
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return "document"
    return "photo"


async def send_files(
    seat: Seat, files: list[Given], caption: str, answering: Json | None, *, as_files: bool
) -> None:
    """Sends files as one message, or photos as an album; what is no picture goes as a file."""
    kinds = ["document"] * len(files)
    if not as_files:
        kinds = [await asyncio.to_thread(_kind, one.data) for one in files]
    photos = [one.data for one, kind in zip(files, kinds, strict=True) if kind == "photo"]
    if len(photos) == 1:
        await seat.send_photo(photos[0], caption, answering)
    elif photos:
        await seat.send_album(photos, caption, answering)
    rest = [(one, kind) for one, kind in zip(files, kinds, strict=True) if kind != "photo"]
    words = "" if photos else caption
    album = f"{seat.user['id']}-files-{id(files)}" if len(rest) > 1 else None
    for one, kind in rest:
        if kind == "animation":
            await seat.send_animation(one.data, "image/gif", one.data)
        else:
            await seat.send_document(
                one.data, one.name, one.mime, album=album, caption=words, answering=answering
            )
        words = ""
