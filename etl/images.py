"""Pictures in: read once, checked, stored as files by their content."""

from __future__ import annotations

import contextlib
import os
import secrets
from dataclasses import dataclass, replace
from pathlib import Path

from app.errors import ImageError
from app.settings import Settings
from app.vision.image import decode, phash64, thumbnail
from app.vision.thumbs import SIDE, thumbnail_path

_EXTENSIONS = {
    "JPEG": "jpg",
    "PNG": "png",
    "GIF": "gif",
    "WEBP": "webp",
    "TIFF": "tif",
    "BMP": "bmp",
    "HEIF": "heic",
    "AVIF": "avif",
}


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that was read and stored; ``path`` is relative to the image store.

    ``phash`` is the 64-bit perceptual hash as a signed integer; sizes are pixels and bytes.
    """

    sha256: str
    phash: int
    width: int
    height: int
    size_bytes: int
    format: str
    path: str


@dataclass(frozen=True, slots=True)
class Reading:
    """What reading one source gave: a picture or an error, and what tells a later change."""

    source: str
    picture: Picture | None = None
    code: str | None = None
    error: str | None = None
    size_bytes: int | None = None
    mtime_ns: int | None = None
    etag: str | None = None
    last_modified: str | None = None


class ImageStore:
    """Picture files under one folder, ``ab/abcdef...jpg`` by SHA-256, and thumbnails of the large
    ones, ``thumbs/ab/abcdef...jpg``."""

    def __init__(self, settings: Settings) -> None:
        """Files lie in ``settings.images_dir``, which is made when first needed."""
        self.folder = settings.images_dir
        self.max_bytes = settings.max_image_bytes
        self.max_pixels = settings.max_image_pixels

    def put(self, data: bytes) -> Picture:
        """Check and store a picture's bytes; the same bytes are stored once.

        Raises:
            ImageError: the bytes are no picture that we read.
        """
        decoded = decode(data, max_bytes=self.max_bytes, max_pixels=self.max_pixels)
        name = f"{decoded.sha256[:2]}/{decoded.sha256}.{_EXTENSIONS.get(decoded.format, 'img')}"
        self._write(self.folder / name, data)
        small = self.folder / thumbnail_path(name)
        if max(decoded.width, decoded.height) > SIDE and not small.exists():
            self._write(small, thumbnail(decoded.image, SIDE))
        return Picture(
            decoded.sha256,
            phash64(decoded.image),
            decoded.width,
            decoded.height,
            len(data),
            decoded.format,
            name,
        )

    def read_file(self, path: Path) -> Reading:
        """Read, check and store the picture in a file; errors are in the result."""
        try:
            stat = path.stat()
        except OSError as error:
            return Reading(str(path), code="missing", error=f"cannot be read: {error.strerror}")
        reading = Reading(str(path), size_bytes=stat.st_size, mtime_ns=stat.st_mtime_ns)
        if stat.st_size > self.max_bytes:
            words = f"the file has {stat.st_size} bytes, at most {self.max_bytes} are read"
            return replace(reading, code="too_large", error=words)
        try:
            data = path.read_bytes()
        except OSError as error:
            words = f"cannot be read: {error.strerror}"
            return replace(reading, code="missing", error=words)
        try:
            return replace(reading, picture=self.put(data))
        except ImageError as error:
            return replace(reading, code=error.code, error=str(error))

    def _write(self, target: Path, data: bytes) -> None:
        """Whole or not at all: a name in the store never stands for half a file."""
        with contextlib.suppress(FileNotFoundError):
            if target.stat().st_size == len(data):
                return
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(f".{secrets.token_hex(8)}.tmp")
        try:
            with temporary.open("wb") as handle:
                handle.write(data)
                handle.flush()
                os.fsync(handle.fileno())
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)
