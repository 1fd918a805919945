"""Different shoes in one picture: what the localiser finds, the two of a pair taken as one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt
from PIL import Image

from app.settings import Settings
from app.vision.image import decode
from app.vision.localise import Box, open_localiser

Corners = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels, right and bottom exclusive."""
SMALLEST: Final = 0.02
"""Share of the picture below which something is in the background, not what was photographed."""
_BESIDE: Final = 0.2
"""Share of the largest shoe's area below which another one is in the background."""
_ALIKE: Final = 0.85
"""Cosine from which two crops show one model, where the encoder states no thresholds."""


class Finder(Protocol):
    """What finds regions with shoes, such as :class:`app.vision.localise.Localiser`."""

    def find(self, image: Image.Image) -> list[Box]:
        """Boxes, largest first."""


class Eye(Protocol):
    """What tells crops apart, such as an encoder."""

    @property
    def thresholds(self) -> tuple[float | None, float | None]:
        """Cosines from which a pair is the same, and similar."""

    def encode(self, images: Sequence[Image.Image]) -> npt.NDArray[np.float32]:
        """Pictures to rows of length 1."""


def different_shoes(image: Image.Image, finder: Finder, eye: Eye) -> list[Corners]:
    """Boxes (pixels of ``image``) of shoes that differ, largest first; the left and the right shoe
    of a pair look alike and count once."""
    least = SMALLEST * image.width * image.height
    boxes = [box for box in finder.find(image) if box.area >= least]
    boxes = [box for box in boxes if box.area >= _BESIDE * boxes[0].area]
    if len(boxes) < 2:
        return [_corners(box) for box in boxes]
    vectors = eye.encode([image.crop(_corners(box)) for box in boxes])
    same, similar = eye.thresholds
    alike = _ALIKE if same is None or similar is None else (same + similar) / 2
    kept: list[int] = []
    for number in range(len(boxes)):
        if all(float(vectors[number] @ vectors[other]) < alike for other in kept):
            kept.append(number)
    return [_corners(boxes[number]) for number in kept]


def open_shoe_finder(settings: Settings, eye: Eye) -> Callable[[bytes], Sequence[Corners]] | None:
    """Finds the different shoes in a picture's bytes; None where no localiser is installed.

    Raises:
        EncoderError: the localiser's files cannot be used. What it returns raises ImageError.
    """
    finder = open_localiser(settings)
    return None if finder is None else shoe_finder(settings, finder, eye)


def shoe_finder(
    settings: Settings, finder: Finder, eye: Eye
) -> Callable[[bytes], Sequence[Corners]]:
    """:func:`different_shoes` of a picture's bytes; raises ImageError where they are none."""

    def find(picture: bytes) -> Sequence[Corners]:
        decoded = decode(
            picture, max_bytes=settings.max_image_bytes, max_pixels=settings.max_image_pixels
        )
        return different_shoes(decoded.image, finder, eye)

    return find


def _corners(box: Box) -> Corners:
    return box.left, box.top, box.right, box.bottom
