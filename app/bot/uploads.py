"""Catalogue pictures as Telegram takes them."""

from __future__ import annotations

import io
import logging
from collections import OrderedDict
from pathlib import Path
from typing import Final

from PIL import Image

from app.errors import ImageError
from app.settings import Settings
from app.vision.image import decode, thumbnail

LOG = logging.getLogger(__name__)
_SIDE: Final = 1280
_AS_IS_BYTES: Final = 400_000
_MAX_RATIO: Final = 20
_REMEMBERED: Final = 20_000


class Uploads:
    """Reads catalogue pictures for sending."""

    def __init__(self, settings: Settings) -> None:
        self._max_bytes = settings.max_image_bytes
        self._max_pixels = settings.max_image_pixels

    def read(self, path: str) -> bytes | None:
        """The picture as a JPEG of moderate size; None, and a line in the log, if it has none.

        Telegram takes photos up to 10 MB and a side ratio of 20, and shrinks them to 1280 pixels
        anyway: sending more only costs the user time.
        """
        as_is = _as_is(Path(path))
        if as_is is not None:
            return as_is
        try:
            picture = decode(Path(path), max_bytes=self._max_bytes, max_pixels=self._max_pixels)
        except ImageError as error:
            LOG.warning("a catalogue picture cannot be sent: %s", error)
            return None
        longer, shorter = max(picture.width, picture.height), min(picture.width, picture.height)
        if longer > _MAX_RATIO * shorter:
            LOG.warning("catalogue picture %s is too narrow for Telegram", path)
            return None
        return thumbnail(picture.image, _SIDE)


def _as_is(path: Path) -> bytes | None:
    """The file itself where its header says that Telegram takes it so: it was decoded whole when
    it was loaded, and doing that again for every picture of an answer is what answers wait for."""
    try:
        if path.stat().st_size > _AS_IS_BYTES:
            return None
        data = path.read_bytes()
        with Image.open(io.BytesIO(data)) as picture:
            width, height = picture.size
            fits = max(width, height) <= min(_SIDE, _MAX_RATIO * min(width, height))
            # A file cut short on the disk would be refused with all of its album.
            whole = picture.format == "JPEG" and data.rstrip(b"\0").endswith(b"\xff\xd9")
            return data if fits and whole else None
    except (OSError, Image.DecompressionBombError):
        return None  # the careful way finds the words for it


class FileIds:
    """Telegram's ids of pictures sent before: sending one again by id uploads nothing."""

    def __init__(self) -> None:
        self._by_image: OrderedDict[int, str] = OrderedDict()

    def get(self, image_id: int) -> str | None:
        """The file id of a catalogue image, None if it was not sent yet."""
        return self._by_image.get(image_id)

    def remember(self, image_id: int, file_id: str) -> None:
        """Keeps the id; the oldest goes when there are too many."""
        self._by_image[image_id] = file_id
        if len(self._by_image) > _REMEMBERED:
            self._by_image.popitem(last=False)

    def forget(self, image_id: int) -> None:
        """Drops an id that Telegram no longer takes."""
        self._by_image.pop(image_id, None)
