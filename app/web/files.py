"""Files on the local server, and pictures as Telegram keeps them."""

from __future__ import annotations

import hashlib
import io
import itertools
import secrets
from dataclasses import dataclass
from typing import Any, Final

from PIL import Image, ImageOps

from app.web.failure import ApiFailure, bad_request

DOWNLOAD_LIMIT: Final = 20 * 1024 * 1024
PHOTO_LIMIT: Final = 10 * 1024 * 1024
_PHOTO_SUM: Final = 10_000
_PHOTO_RATIO: Final = 20
_SIDES: Final = (90, 320, 800, 1280)


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file by its ids; ``size`` may be more than ``data`` holds, for files too big to carry."""

    file_id: str
    unique_id: str
    path: str
    data: bytes
    size: int

    @property
    def json(self) -> dict[str, Any]:
        """The fields every file object has."""
        return {
            "file_id": self.file_id,
            "file_unique_id": self.unique_id,
            "file_size": self.size,
        }


class Files:
    """All files by id and by path."""

    def __init__(self) -> None:
        self._by_id: dict[str, StoredFile] = {}
        self._by_path: dict[str, StoredFile] = {}
        self._photos: dict[str, list[dict[str, Any]]] = {}
        self._documents: dict[str, dict[str, Any]] = {}
        self._numbers = itertools.count(1)  # threads add files: two must never share a path

    def add(self, data: bytes, folder: str, suffix: str, size: int | None = None) -> StoredFile:
        """Keeps a file; the unique id follows from its content, the id is new."""
        number = next(self._numbers)
        file = StoredFile(
            f"Ag{secrets.token_urlsafe(24)}",
            f"AQ{hashlib.sha256(data).hexdigest()[:14]}",
            f"{folder}/file_{number}{suffix}",
            data,
            len(data) if size is None else size,
        )
        self._by_id[file.file_id] = file
        self._by_path[file.path] = file
        return file

    def get(self, file_id: str) -> StoredFile:
        """The file with an id.

        Raises:
            ApiFailure: 400, there is none.
        """
        file = self._by_id.get(file_id)
        if file is None:
            raise bad_request("wrong file identifier/HTTP URL specified")
        return file

    def at(self, path: str) -> StoredFile:
        """The file to download.

        Raises:
            ApiFailure: 404, there is none.
        """
        file = self._by_path.get(path)
        if file is None:
            raise ApiFailure(404, "Not Found: file not found")
        return file

    def photo_of_bot(self, data: bytes) -> list[dict[str, Any]]:
        """PhotoSize objects of a picture the bot uploaded.

        Raises:
            ApiFailure: 400, Telegram would not take it as a photo.
        """
        if len(data) > PHOTO_LIMIT:
            raise bad_request(
                f"file of size {len(data)} bytes is too big for a photo;"
                f" the maximum size is {PHOTO_LIMIT} bytes"
            )
        if not data:
            raise bad_request("file must be non-empty")
        try:
            with Image.open(io.BytesIO(data)) as image:
                width, height = image.size
        except (OSError, Image.DecompressionBombError) as error:
            raise bad_request("IMAGE_PROCESS_FAILED") from error
        if width + height > _PHOTO_SUM or max(width, height) > _PHOTO_RATIO * min(width, height):
            raise bad_request("PHOTO_INVALID_DIMENSIONS")
        return self._keep([_size(self.add(data, "photos", ".jpg"), width, height)])

    def photo_again(self, file_id: str) -> list[dict[str, Any]]:
        """PhotoSize objects of a photo sent before, by the id of any of its sizes.

        Raises:
            ApiFailure: 400, there is none.
        """
        if file_id not in self._photos:
            raise bad_request("wrong file identifier/HTTP URL specified")
        return self._photos[file_id]

    def keep_document(self, document: dict[str, Any]) -> dict[str, Any]:
        """Remembers a document's name and kind for when it is sent again."""
        self._documents[document["file_id"]] = document
        return document

    def document_again(self, file_id: str) -> dict[str, Any]:
        """A document sent before.

        Raises:
            ApiFailure: 400, there is none.
        """
        return self._documents.get(file_id) or dict(self.get(file_id).json)

    def _keep(self, sizes: list[dict[str, Any]]) -> list[dict[str, Any]]:
        for size in sizes:
            self._photos[size["file_id"]] = sizes
        return sizes

    def photo_of_user(self, data: bytes) -> list[dict[str, Any]]:
        """PhotoSize objects of a picture as a Telegram client sends it: upright JPEGs by size.

        Bytes that are no picture are kept as they are: a client would not send them, but a bot
        may meet anything.
        """
        try:
            with Image.open(io.BytesIO(data)) as image:
                upright = ImageOps.exif_transpose(image).convert("RGB")
        except (OSError, SyntaxError, Image.DecompressionBombError):
            return self._keep([_size(self.add(data, "photos", ".jpg"), 1280, 960)])
        longest = max(upright.size)
        sizes = []
        for side in sorted({min(side, longest) for side in _SIDES}):
            small = upright.copy()
            small.thumbnail((side, side))
            out = io.BytesIO()
            small.save(out, "JPEG", quality=87)
            sizes.append(_size(self.add(out.getvalue(), "photos", ".jpg"), *small.size))
        return self._keep(sizes)


def _size(file: StoredFile, width: int, height: int) -> dict[str, Any]:
    return {**file.json, "width": width, "height": height}
