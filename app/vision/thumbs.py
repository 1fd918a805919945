"""Small pictures beside the large: where a stored picture's thumbnail lies, and reading it."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Final

SIDE: Final = 360
"""Longer side in pixels. A picture no larger has none: it is its own thumbnail."""


def thumbnail_path(path: str) -> str:
    """Where the thumbnail of a stored picture lies; both relative to the image store."""
    name = PurePosixPath(path)
    return str(PurePosixPath("thumbs") / name.with_suffix(".jpg"))


def smallest_file(folder: Path, path: str) -> Path:
    """The thumbnail's file where there is one, else the picture's own.

    Args:
        folder: the image store.
        path: the picture's, relative to it.
    """
    small = folder / thumbnail_path(path)
    return small if small.exists() else folder / path
