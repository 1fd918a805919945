"""A shoe seen from elsewhere, made of one picture of its side.

Few products in the data show more than one side, so what a top or a sole has to do with a side is
learned from some hundred shoes. Here a cut-out is blown up to a solid, as sketches are (Igarashi et
al. 1999, "Teddy"), with its own picture on both sides and its lowest pixels as the underside, and
is looked at from another angle. Nothing is invented that the picture does not show: a turned shoe
has its colours and materials, in other places and proportions, and neither tongue nor tread.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import cv2
import numpy as np

from app.sketch.raster import Camera
from onnx_models.dataset import CACHE_SIZE, F32, I64, U8

SAMPLES: Final = 45_000
"""Points on the surface: two or three for each pixel of the view."""
WIDE: Final = 0.165
"""Half the greatest width, in lengths of the shoe."""
ROUND: Final = 0.17
"""How far from its outline the shoe has its full width, in lengths."""
NARROW: Final = 0.55
"""Heights count so much beside lengths: a shoe grows narrow slowly towards its collar."""
STEEP: Final = 5.0
RIM: Final = 3
"""Outermost pixels, half of the backdrop's colour, are painted with the nearest inside."""
LEAST: Final = 400
"""Pixels below which there is no shoe to turn."""
AWAY: Final = 3.2
"""Where it is looked at from, in lengths."""
FILLS: Final = 0.94
"""Greatest share of the picture's side that it takes."""
LARGEST: Final = 1.1
"""A lone shoe is enlarged no further: of a small picture there is no more to see."""


class Solid(NamedTuple):
    """A cut-out (s, s): its mask, half widths in pixels, colours (s, s, 3), length in pixels."""

    mask: U8
    half: F32
    colours: U8
    length: int


class Turn(NamedTuple):
    """Degrees, as the sketch's camera takes them, but ``roll`` is the shoe's and not the camera's;
    ``apart`` is how far the other shoe of the pair stands beside it, in lengths, 0: there is none.
    """

    yaw: float
    pitch: float
    roll: float
    apart: float = 0.0


class Surface(NamedTuple):
    """n points (n, 3) in lengths about the middle (right, up, towards the viewer), unit normals
    (n, 3) and colours (n, 3)."""

    points: F32
    normals: F32
    colours: F32

    def paired(self, apart: float) -> Surface:
        """With the other shoe of the pair beside it, its mirror image."""
        mirror = np.array([1, 1, -1], np.float32)
        moved = self.points * mirror - np.array([0, 0, apart], np.float32)
        return Surface(
            np.concatenate([self.points, moved]),
            np.concatenate([self.normals, self.normals * mirror]),
            np.concatenate([self.colours, self.colours]),
        )


def solid(rgba: U8) -> Solid | None:
    """Blow up a cut-out (s, s, 4); None where it holds no shoe."""
    mask = (rgba[..., 3] > 127).astype(np.uint8)
    if mask.sum() < LEAST:
        return None
    side, shown = len(mask), np.flatnonzero(mask.any(axis=0))
    length = int(shown[-1] - shown[0]) + 1
    # A sole is flat: seen from the side the shoe goes on below the lowest pixel of each column.
    below = np.greater_equal.outer(np.arange(side), _lowest(mask)) & mask.any(axis=0)
    filled = np.where(below, 1, mask).astype(np.uint8)
    filled = np.pad(filled, ((0, side), (0, 0)), mode="edge")
    flat = cv2.resize(filled, (side, int(2 * side * NARROW)), interpolation=cv2.INTER_NEAREST)
    inside = cv2.distanceTransform(flat, cv2.DIST_L2, 5)
    inside = np.asarray(cv2.resize(inside, (side, 2 * side)), np.float32)[:side]
    depth = 1 - np.clip(inside / (ROUND * length), 0, 1)
    half = WIDE * length * np.sqrt(1 - depth * depth) * mask
    return Solid(mask, half.astype(np.float32), _inner(rgba, mask), length)


def _lowest(mask: U8) -> I64:
    """The lowest row of the mask in each column."""
    return np.asarray(len(mask) - 1 - mask[::-1].argmax(axis=0), np.int64)


def _nearest(known: U8) -> I64:
    """For each pixel the flat place (s, s) of the nearest where ``known`` (s, s) is not 0."""
    _, label = cv2.distanceTransformWithLabels(
        1 - known, cv2.DIST_L2, 3, labelType=cv2.DIST_LABEL_PIXEL
    )
    place = np.zeros(int(label.max()) + 1, np.int64)
    spots = np.flatnonzero(known)
    place[label.flat[spots]] = spots
    return np.asarray(place[label], np.int64)


def _inner(rgba: U8, mask: U8) -> U8:
    core = np.asarray(cv2.erode(mask, np.ones((3, 3), np.uint8), iterations=RIM), np.uint8)
    picture = rgba[..., :3]
    if core.sum() < LEAST / 2:
        return picture
    return np.asarray(picture.reshape(-1, 3)[_nearest(core)], np.uint8)


def sampled(shoe: Solid, rng: np.random.Generator) -> Surface:
    """SAMPLES points of both sides and of the underside, as many everywhere."""
    ys, xs = np.nonzero(shoe.mask)
    across, along = np.asarray(np.gradient(shoe.half), np.float32)
    fall = np.stack([along[ys, xs], across[ys, xs]])
    slope = np.sqrt(1 + np.minimum(fall * fall, STEEP * STEEP).sum(axis=0))
    low, columns = _lowest(shoe.mask), np.flatnonzero(shoe.mask.any(axis=0))
    ends = np.stack([shoe.half[np.maximum(low[columns] - up, 0), columns] for up in range(3)])
    ground = ends.max(axis=0)
    edges = np.cumsum(np.concatenate([slope, slope, 2 * ground]))
    spread = (np.arange(SAMPLES) + rng.random(SAMPLES)) / SAMPLES * edges[-1]
    picked = np.searchsorted(edges, spread).clip(max=len(edges) - 1)
    under = picked >= 2 * len(xs)
    at = np.where(under, 0, picked % len(xs))
    y, x = ys[at], xs[at]
    off = rng.random((2, SAMPLES), dtype=np.float32) - np.float32(0.5)
    sign = np.where(picked < len(xs), np.float32(1), np.float32(-1))
    depth = (shoe.half[y, x] + (fall[:, at] * off).sum(axis=0)) * sign
    points = np.stack([x + off[0], -(y + off[1]), depth], axis=1)
    normals = np.stack([-fall[0, at], fall[1, at], sign], axis=1)
    normals[:, :2] /= slope[at, None]
    normals[:, 2] /= slope[at]
    which = picked[under] - 2 * len(xs)
    column = columns[which]
    reach = (2 * rng.random(len(which)) - 1) * ground[which]
    points[under] = np.stack([column + off[0, under], -low[column].astype(float), reach], axis=1)
    normals[under] = (0, -1, 0)
    y, x = y.copy(), x.copy()
    y[under], x[under] = np.maximum(low[column] - 1, 0), column
    middle = np.array([(xs.min() + xs.max()) / 2, -(ys.min() + ys.max()) / 2, 0])
    return Surface(
        ((points - middle) / shoe.length).astype(np.float32),
        normals.astype(np.float32),
        shoe.colours[y, x].astype(np.float32),
    )


def seen(shoe: Solid, turn: Turn, rng: np.random.Generator) -> U8:
    """The shoe, or a pair of it, as a cut-out (s, s, 4), from where ``turn`` says. Light falls from
    above, somewhat from one side."""
    shown, largest = sampled(shoe, rng), LARGEST * shoe.length
    if turn.apart:
        shown, largest = shown.paired(turn.apart), np.inf
    axes = Camera(turn.yaw, turn.pitch, -turn.roll).axes()
    points, normals = shown.points @ axes.T, shown.normals @ axes.T
    front = normals[:, 2] > -0.05
    points, normals, colours = points[front], normals[front], shown.colours[front]
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
    painted, cover = np.zeros((side * side, 3), np.uint8), np.zeros(side * side, np.uint8)
    painted[place] = np.clip(colours * shade[:, None], 0, 255)[order].astype(np.uint8)
    cover[place] = 1
    return _closed(painted, cover.reshape(side, side))


def _closed(painted: U8, cover: U8) -> U8:
    """A cut-out of what points painted (s * s, 3), the gaps between them filled."""
    brush, small = np.ones((9, 9), np.uint8), np.ones((3, 3), np.uint8)
    whole = cv2.morphologyEx(cover, cv2.MORPH_CLOSE, brush)
    whole = cv2.blur(cv2.morphologyEx(whole, cv2.MORPH_OPEN, small) * 255, (2, 2))
    picture = np.where(whole[..., None] > 0, painted[_nearest(cover)], 255)
    return np.dstack([picture, whole]).astype(np.uint8)


def any_turn(rng: np.random.Generator) -> Turn:
    """As shops and buyers hold a shoe: mostly from around, then from above, seldom from below;
    pairs stand beside each other."""
    yaw, kind = rng.uniform(-65, 65), rng.random()
    if kind < 0.6:
        apart = 0.45 if rng.random() < 0.12 else 0.0
        return Turn(yaw, rng.uniform(0, 35), rng.normal(0, 8), apart)
    if kind < 0.9:
        pitch = rng.uniform(40, 85)
        if rng.random() < 0.5:
            upright = rng.choice((90.0, -90.0)) + rng.normal(0, 10)
            return Turn(0.3 * yaw, pitch, upright, rng.uniform(0.36, 0.5))
        return Turn(0.5 * yaw, pitch, rng.normal(0, 15))
    return Turn(0.4 * yaw, rng.uniform(-80, -40), rng.normal(0, 15))


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
