"""A shoe seen from elsewhere, made of one picture of its side.

Few products in the data show more than one side, so what a top or a sole has to do with a side is
learned from some hundred shoes. Here a cut-out becomes a solid (:mod:`onnx_models.shaped`) and is
looked at from another angle.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import cv2
import numpy as np

from app.sketch.raster import Camera
from onnx_models.dataset import CACHE_SIZE, F32, I64, U8
from onnx_models.shaped import Solid, filled, sampled, solid

AWAY: Final = 3.2
"""Where it is looked at from, in lengths."""
FILLS: Final = 0.94
"""Greatest share of the picture's side that it takes."""
LARGEST: Final = 1.1
"""A lone shoe is enlarged no further: of a small picture there is no more to see."""

BEHIND: Final = 4.0
"""Depth, in lengths, of what no point covers."""
THROUGH: Final = 0.04
"""What lies so much behind its neighbours, in lengths, shows through between them."""


class Turn(NamedTuple):
    """Degrees, as the sketch's camera takes them, but ``roll`` is the shoe's and not the camera's;
    ``apart`` is how far the other shoe of the pair stands beside it, in lengths, 0: there is none.
    """

    yaw: float
    pitch: float
    roll: float
    apart: float = 0.0


def seen(shoe: Solid, turn: Turn, rng: np.random.Generator) -> U8:
    """The shoe, or a pair of it, as a cut-out (s, s, 4), from where ``turn`` says. Light falls from
    above, somewhat from one side."""
    shown, largest = sampled(shoe, rng), LARGEST * shoe.length
    if turn.apart:
        shown, largest = shown.paired(turn.apart), np.inf
    axes = Camera(turn.yaw, turn.pitch, -turn.roll).axes()
    normals = shown.normals @ axes.T
    front = np.flatnonzero(normals[:, 2] > -0.05)
    normals, colours = normals[front], shown.colours[front]
    points = shown.points[front] @ axes.T
    near = AWAY / (AWAY - points[:, 2])
    flat = np.stack([points[:, 0] * near, -points[:, 1] * near])
    low, high = flat.min(axis=1), flat.max(axis=1)
    side = CACHE_SIZE
    scale = min(largest, float(side * FILLS / (high - low).max()))
    spot = np.rint((flat - ((low + high) / 2)[:, None]) * scale + side / 2)
    column, row = spot.astype(np.int64).clip(0, side - 1)
    lamp = np.array([rng.normal(0, 0.4), 0.75, 0.6])
    lamp /= np.linalg.norm(lamp)
    # What faced the camera in the picture keeps its tone.
    shade = np.clip(1 + 0.28 * (normals @ lamp.astype(np.float32) - lamp[2]), 0.6, 1.25)
    # The nearest is painted last; 16 bits sort in one pass.
    order = np.argsort(((points[:, 2] + 2) * 16_000).astype(np.uint16), kind="stable")
    place = (row * side + column)[order]
    painted = np.zeros((side * side, 3), np.uint8)
    depth = np.full(side * side, -BEHIND, np.float32)
    painted[place] = np.clip(colours * shade[:, None], 0, 255)[order].astype(np.uint8)
    depth[place] = points[order, 2]
    return _closed(painted, depth.reshape(side, side))


def _closed(painted: U8, depth: F32) -> U8:
    """A cut-out of what points painted (s * s, 3) at a depth (s, s): the gaps between them are
    filled, and so is what shows through between nearer ones."""
    brush, small = np.ones((9, 9), np.uint8), np.ones((3, 3), np.uint8)
    cover = (depth > -BEHIND).astype(np.uint8)
    whole = cv2.morphologyEx(cover, cv2.MORPH_CLOSE, brush)
    whole = cv2.blur(cv2.morphologyEx(whole, cv2.MORPH_OPEN, small) * 255, (2, 2))
    cover[cv2.morphologyEx(depth, cv2.MORPH_CLOSE, small) - depth > THROUGH] = 0
    picture = np.where(whole[..., None] > 0, filled(painted, cover), 255)
    return np.dstack([picture, whole]).astype(np.uint8)


def any_turn(rng: np.random.Generator) -> Turn:
    """As shops and buyers hold a shoe: mostly from around, then from above, seldom from below;
    pairs stand, or lie, beside each other."""
    yaw, kind = rng.uniform(-80, 80), rng.random()
    if kind < 0.56:
        apart = 0.45 if rng.random() < 0.15 else 0.0
        return Turn(yaw, rng.uniform(0, 35), rng.normal(0, 8), apart)
    below, pair = kind >= 0.86, rng.random() < 0.5
    if pair:
        upright = rng.choice((90.0, -90.0)) + rng.normal(0, 10)
        pitch = -rng.uniform(65, 89) if below else rng.uniform(40, 89)
        return Turn(0.3 * yaw, pitch, upright, rng.uniform(0.36, 0.5))
    pitch = rng.uniform(-85, -35) if below else rng.uniform(40, 85)
    return Turn(0.5 * yaw, pitch, rng.normal(0, 15))


def turned(rgba: U8, rng: np.random.Generator) -> tuple[U8, I64] | None:
    """A cut-out (s, s, 4) seen from anywhere, and its box (4,); None where there is no shoe."""
    shoe = solid(rgba)
    if shoe is None:
        return None
    view = seen(shoe, any_turn(rng), rng)
    if rng.random() < 0.5:
        view = np.ascontiguousarray(view[:, ::-1])
    ys, xs = np.nonzero(view[..., 3] > 100)
    return view, np.array([xs.min(), ys.min(), xs.max() + 1, ys.max() + 1])
