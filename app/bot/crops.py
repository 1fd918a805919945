"""One shoe out of a picture with several."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Final

from PIL import Image, ImageDraw, ImageFont

from app.settings import Settings
from app.vision.image import decode

Corners = tuple[int, int, int, int]
_SIDE: Final = 1280
_MARGIN: Final = 0.04
_COLOUR: Final = (229, 57, 53)


def cut(picture: bytes, box: Corners, settings: Settings) -> bytes:
    """The part of a picture inside ``box`` (pixels), a little air around it, as JPEG.

    Raises:
        ImageError: the picture cannot be read.
    """
    image = _upright(picture, settings)
    left, top, right, bottom = box
    air_x, air_y = int((right - left) * _MARGIN), int((bottom - top) * _MARGIN)
    part = image.crop(
        (
            max(0, left - air_x),
            max(0, top - air_y),
            min(image.width, right + air_x),
            min(image.height, bottom + air_y),
        )
    )
    return _jpeg(part)


def numbered(picture: bytes, boxes: Sequence[Corners], settings: Settings) -> bytes:
    """The picture with each box drawn and numbered from 1, as JPEG of at most 1280 pixels a side.

    Raises:
        ImageError: the picture cannot be read.
    """
    image = _upright(picture, settings)
    scale = min(1.0, _SIDE / max(image.size))
    shown = image.resize((max(1, round(image.width * scale)), max(1, round(image.height * scale))))
    draw = ImageDraw.Draw(shown)
    side = max(18, min(shown.size) // 9)
    font = ImageFont.load_default(side * 0.7)
    line = max(2, side // 12)
    for number, box in enumerate(boxes, start=1):
        left, top, right, bottom = (round(edge * scale) for edge in box)
        draw.rectangle((left, top, right - 1, bottom - 1), outline=_COLOUR, width=line)
        draw.ellipse((left, top, left + side, top + side), fill=_COLOUR)
        centre = (left + side / 2, top + side / 2)
        draw.text(centre, str(number), fill="white", font=font, anchor="mm")
    return _jpeg(shown)


def _upright(picture: bytes, settings: Settings) -> Image.Image:
    found = decode(
        picture, max_bytes=settings.max_image_bytes, max_pixels=settings.max_image_pixels
    )
    return found.image


def _jpeg(image: Image.Image) -> bytes:
    packed = io.BytesIO()
    image.convert("RGB").save(packed, "JPEG", quality=90)
    return packed.getvalue()
