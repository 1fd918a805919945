"""Colours of a shoe's upper and sole as a photograph shows them, in the sketch's palette.

Simple on purpose: the shoe is what differs from the backdrop round the picture's edge, the sole its
lowest strip. On a cluttered picture it says nothing rather than something wrong.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image

from app.sketch.design import COLOURS

_SIDE: Final = 192
_EDGE: Final = 6
_UNEVEN: Final = 14.0
"""Spread of the edge's lightness (CIELAB units) from which a backdrop is no backdrop."""
_APART: Final = 9.0
"""Distance from the backdrop from which a pixel is the shoe's."""
_LEAST: Final = 0.06
"""Share of the picture that a shoe takes at least, and 1 - 2 * it at most."""
_UPPER: Final = (0.22, 0.66)
_SOLE: Final = (0.86, 0.97)
_SECOND: Final = 0.18
_Lab = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Bands:
    """Colour ids; ``second`` is the upper's other colour where it has one. ``tall`` is height by
    length of the shoe's outline."""

    upper: str
    second: str | None
    sole: str
    upper_lab: tuple[float, float, float]
    sole_lab: tuple[float, float, float]
    tall: float


def bands(picture: Image.Image) -> Bands | None:
    """What a picture shows; None where the shoe does not stand out from its backdrop."""
    small = picture.convert("RGB")
    small.thumbnail((_SIDE, _SIDE))
    lab = to_lab(np.asarray(small, np.float32))
    h, w = lab.shape[:2]
    if min(h, w) < 24:
        return None
    edge = np.concatenate([
        lab[:_EDGE].reshape(-1, 3), lab[-_EDGE:].reshape(-1, 3),
        lab[:, :_EDGE].reshape(-1, 3), lab[:, -_EDGE:].reshape(-1, 3),
    ])  # fmt: skip
    ground = np.median(edge, axis=0)
    if float(np.median(np.abs(edge - ground).sum(axis=1))) > _UNEVEN:
        return None
    shoe = np.linalg.norm(lab - ground, axis=2) > _APART
    rows, columns = (
        np.flatnonzero(shoe.mean(axis=1) > 0.02),
        np.flatnonzero(shoe.mean(axis=0) > 0.02),
    )
    share = float(shoe.mean())
    if not len(rows) or not len(columns) or not _LEAST < share < 1 - 2 * _LEAST:
        return None
    top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    tall, wide = bottom - top, right - left

    def strip(share_of: tuple[float, float]) -> _Lab:
        low, high = (top + round(tall * part) for part in share_of)
        piece = lab[low:high, left:right]
        return np.asarray(piece[shoe[low:high, left:right]], np.float32)

    upper, sole = strip(_UPPER), strip(_SOLE)
    if len(upper) < 40 or len(sole) < 20:
        return None
    first, second, upper_lab = _main(upper)
    sole_colour, _, sole_lab = _main(sole)
    return Bands(first, second, sole_colour, upper_lab, sole_lab, float(tall / wide))


def _main(pixels: _Lab) -> tuple[str, str | None, tuple[float, float, float]]:
    """The palette's colour most pixels are nearest to, the next one, and the first one's mean."""
    names = tuple(COLOURS)
    far = ((pixels[:, None, :] - _palette()[None]) ** 2 * (0.5, 1.0, 1.0)).sum(axis=2)
    nearest = far.argmin(axis=1)
    counts = np.bincount(nearest, minlength=len(names))
    order = np.argsort(-counts)
    mean = pixels[nearest == order[0]].mean(axis=0)
    second = names[order[1]] if counts[order[1]] >= _SECOND * len(pixels) else None
    return names[order[0]], second, (float(mean[0]), float(mean[1]), float(mean[2]))


def _palette() -> _Lab:
    return np.asarray(to_lab(np.array([list(COLOURS.values())], np.float32))[0], np.float32)


def lab_of(colour: str) -> _Lab:
    """CIELAB of a palette colour, (3,)."""
    return np.asarray(to_lab(np.array([[COLOURS[colour]]], np.float32))[0, 0], np.float32)


def to_lab(rgb: npt.NDArray[np.float32]) -> _Lab:
    """sRGB 0..255 (..., 3) to CIELAB under D65 (CIE 15)."""
    linear = rgb / 255.0
    linear = np.where(linear <= 0.04045, linear / 12.92, ((linear + 0.055) / 1.055) ** 2.4)
    matrix = np.array(
        [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]], np.float32
    )
    xyz = linear @ matrix.T / np.array([0.9505, 1.0, 1.089], np.float32)
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    out = np.stack(
        [116 * f[..., 1] - 16, 500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])],
        axis=-1,
    )
    return np.asarray(out, np.float32)
