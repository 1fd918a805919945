"""A picture's print: what stays when a shop republishes a maker's photograph.

Shops scale, recompress, pad, mirror and cut out the same photograph. The print is taken of the
shoe alone: the ground around it is found, cut away and made white, and what is left is reduced to a
small picture in CIELAB. Two prints compare by structure (correlation of lightness) and, place by
place, by colour, so that two colourways photographed from the same spot stay two.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from PIL import Image

F32 = npt.NDArray[np.float32]
U8 = npt.NDArray[np.uint8]

VERSION: Final = 1
"""Stored with each print; prints of another version are taken anew."""
SIDE: Final = 24
SIZE: Final = SIDE * SIDE * 3 + 2
_WORK_SIDE = 192  # pixels: enough to find the shoe's outline
_FLAT = 14  # largest difference, of 255, of a ground that counts as one colour
_RELIEF = 2.0  # standard deviation of lightness below which a print shows nothing
_PLACES = 8  # a side; colours are compared in so many places


@dataclass(frozen=True, slots=True)
class Likeness:
    """How two prints compare: correlation of lightness (-1..1), difference of shape (log of the
    ratio of the two sides), and CIELAB differences, on average and where they are largest."""

    structure: float
    shape: float
    colour: float
    worst: float


def take_print(image: Image.Image) -> bytes:
    """The print of an RGB picture: ``SIZE`` bytes, sides' ratio and CIELAB."""
    small = image.copy()
    small.thumbnail((_WORK_SIDE, _WORK_SIDE), Image.Resampling.BILINEAR, reducing_gap=2.0)
    pixels = np.asarray(small, np.int16)
    box, ground = _shoe(pixels)
    if ground is not None:
        pixels = np.where(ground[..., None], 255, pixels)
    left, top, right, bottom = box
    cut = Image.fromarray(pixels[top:bottom, left:right].astype(np.uint8))
    ratio = np.log2((right - left) / (bottom - top))
    shape = int(np.clip(round(ratio * 8192) + 32768, 0, 65535))
    lab = cut.resize((SIDE, SIDE), Image.Resampling.BOX)
    return shape.to_bytes(2, "big") + _to_lab(np.asarray(lab, np.float32)).tobytes()


def _shoe(pixels: npt.NDArray[np.int16]) -> tuple[tuple[int, int, int, int], Any]:
    """Box of what stands before a ground of one colour, and the ground; the whole and None where
    the ground is not of one colour."""
    height, width = pixels.shape[:2]
    edge = max(1, min(height, width) // 40)
    border = np.concatenate(
        [
            pixels[:edge].reshape(-1, 3), pixels[-edge:].reshape(-1, 3),
            pixels[:, :edge].reshape(-1, 3), pixels[:, -edge:].reshape(-1, 3),
        ]
    )  # fmt: skip
    colour = np.median(border, axis=0)
    near = np.abs(border - colour).max(axis=1) <= _FLAT
    whole = (0, 0, width, height)
    if near.mean() < 0.7:
        return whole, None
    ground = np.abs(pixels - colour).max(axis=2) <= _FLAT
    rows = np.flatnonzero((~ground).mean(axis=1) > 0.01)
    columns = np.flatnonzero((~ground).mean(axis=0) > 0.01)
    if len(rows) < 8 or len(columns) < 8:
        return whole, None
    return (int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1), ground


def _to_lab(rgb: F32) -> U8:
    """CIELAB (D65) of sRGB values 0..255, in bytes: L * 2.55, a + 128, b + 128."""
    linear = np.where(rgb <= 10.314, rgb / 3294.6, ((rgb / 255 + 0.055) / 1.055) ** 2.4)
    xyz = linear @ np.array(
        [[0.4339, 0.2126, 0.0178], [0.3762, 0.7152, 0.1095], [0.1899, 0.0722, 0.8727]], np.float32
    )
    root = np.where(xyz > 0.008856, np.cbrt(xyz), xyz * 7.787 + 16 / 116)
    x, y, z = np.moveaxis(root, -1, 0)
    lab = np.stack([(116 * y - 16) * 2.55, 500 * (x - y) + 128, 200 * (y - z) + 128], axis=-1)
    return np.asarray(np.clip(np.rint(lab), 0, 255), np.uint8)


class Prints:
    """Prints of many pictures, ready to be compared."""

    def __init__(self, prints: list[bytes]) -> None:
        """``prints`` as :func:`take_print` gave them."""
        count = len(prints)
        raw = np.frombuffer(b"".join(prints), np.uint8).reshape(count, SIZE)
        self.shapes: F32 = (
            (raw[:, 0].astype(np.float32) * 256 + raw[:, 1] - 32768) / 8192
        ).astype(np.float32)  # fmt: skip
        lab = raw[:, 2:].reshape(count, SIDE, SIDE, 3).astype(np.float32)
        light = lab[..., 0].reshape(count, -1) / 2.55
        spread = light.std(axis=1)
        light = light - light.mean(axis=1, keepdims=True)
        lengths = np.linalg.norm(light, axis=1, keepdims=True)
        self.light: F32 = np.where(spread[:, None] < _RELIEF, 0, light / np.maximum(lengths, 1e-6))
        """(n, SIDE * SIDE) of unit length; zero where there is nothing to see."""
        step = SIDE // _PLACES
        places = lab.reshape(count, _PLACES, step, _PLACES, step, 3).mean(axis=(2, 4))
        self._places = places * np.array([1 / 2.55, 1, 1], np.float32)

    def __len__(self) -> int:
        return len(self.shapes)

    def mirrored(self) -> F32:
        """``light`` of the mirrored pictures."""
        flipped = self.light.reshape(-1, SIDE, SIDE)[:, :, ::-1]
        return np.ascontiguousarray(flipped.reshape(len(self), -1))

    def compare(self, one: int, other: int) -> Likeness:
        """Two pictures, as they are or one of them mirrored, whichever fits better."""
        straight = float(self.light[one] @ self.light[other])
        flipped = self.light[other].reshape(SIDE, SIDE)[:, ::-1].ravel()
        turned = float(self.light[one] @ flipped)
        places = self._places[other]
        if turned > straight:
            places = places[:, ::-1]
        apart = np.linalg.norm(self._places[one] - places, axis=-1)
        return Likeness(
            max(straight, turned),
            abs(float(self.shapes[one] - self.shapes[other])),
            float(apart.mean()),
            float(np.sort(apart, axis=None)[-3]),
        )
