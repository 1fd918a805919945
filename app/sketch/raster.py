"""From surfaces and textures to pixels: a camera, shading, and point splatting in depth order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from app.sketch.canvas import Texture, resample
from app.sketch.geometry import Floats, Patch, Shoe


@dataclass(frozen=True, slots=True)
class Camera:
    """yaw, pitch, roll in degrees: yaw 0 looks at the lateral side, 90 at the toe, 180 at the
    medial side; pitch 90 looks down. distance is in shoe lengths."""

    yaw: float
    pitch: float
    roll: float = 0.0
    distance: float = 4.0

    def axes(self) -> Floats:
        """Unit vectors right, up, towards the viewer, (3, 3)."""
        yaw, pitch, roll = np.deg2rad([self.yaw, self.pitch, self.roll])
        toward = np.array([np.sin(yaw) * np.cos(pitch), np.sin(pitch), np.cos(yaw) * np.cos(pitch)])
        right = np.array([np.cos(yaw), 0.0, -np.sin(yaw)])
        up = np.cross(toward, right)
        turned = np.stack(
            [
                right * np.cos(roll) + up * np.sin(roll),
                up * np.cos(roll) - right * np.sin(roll),
                toward,
            ]
        )
        return np.round(turned, 6).astype(np.float32)


CENTRE = np.array([0.5, 0.17, 0.0], np.float32)


class Frame:
    """Maps shoe coordinates to pixels so that the shoe fills a share of the picture."""

    def __init__(self, shoe: Shoe, camera: Camera, size: tuple[int, int], fill: float) -> None:
        self.camera = camera
        self.axes = camera.axes()
        spots = np.concatenate([patch.points.reshape(-1, 3) for patch in shoe.patches])
        x, y, _ = self._flat(spots)
        low_x, high_x, low_y, high_y = x.min(), x.max(), y.min(), y.max()
        w, h = size
        self.scale = float(min(w * fill / (high_x - low_x), h * 0.92 * fill / (high_y - low_y)))
        self.shift_x = w / 2 - self.scale * float(low_x + high_x) / 2
        # A little air is left under the shoe for its shadow.
        self.shift_y = h * 0.5 - self.scale * float(low_y + high_y) / 2

    def _flat(self, points: Floats) -> tuple[Floats, Floats, Floats]:
        local = points - CENTRE
        right, up, toward = self.axes
        x = local[..., 0] * right[0] + local[..., 1] * right[1] + local[..., 2] * right[2]
        y = local[..., 0] * up[0] + local[..., 1] * up[1] + local[..., 2] * up[2]
        z = local[..., 0] * toward[0] + local[..., 1] * toward[1] + local[..., 2] * toward[2]
        near = self.camera.distance / (self.camera.distance - z)
        return x * near, -y * near, z

    def project(self, points: Floats) -> Floats:
        """Points (..., 3) to pixels x, y and depth towards the viewer (..., 3)."""
        x, y, z = self._flat(points)
        return np.stack([x * self.scale + self.shift_x, y * self.scale + self.shift_y, z], axis=-1)


def _light(n: Floats, axes: Floats) -> tuple[Floats, Floats, Floats]:
    """Diffuse factor, highlight 0..1 and facing -1..1 for normals (..., 3)."""
    right, up, toward = axes
    key = -0.42 * right + 0.74 * up + 0.53 * toward
    half = key + toward
    half = half / np.sqrt(np.sum(half * half))
    facing = n[..., 0] * toward[0] + n[..., 1] * toward[1] + n[..., 2] * toward[2]
    lit = np.clip(n[..., 0] * key[0] + n[..., 1] * key[1] + n[..., 2] * key[2], 0.0, 1.0)
    gleam = np.clip(n[..., 0] * half[0] + n[..., 1] * half[1] + n[..., 2] * half[2], 0.0, 1.0)
    shade = 0.52 + 0.16 * n[..., 1] + 0.44 * lit
    shade = shade * (0.80 + 0.20 * np.clip(facing * 1.6, 0.0, 1.0))
    gleam = gleam * gleam
    gleam = gleam * gleam
    gleam = gleam * gleam
    return shade, gleam * gleam, facing


# Samples per pixel along each direction of a patch: enough that hardly a pixel is missed.
_DENSITY: Final = 1.1
# A sample packed in 64 bits: 16 of depth, then 6 of patch, 13 of row, 13 of column. The largest
# number on a pixel is the nearest sample, so one pass of "keep the larger" is a depth buffer.
_DEPTH_BIT: Final = 32
_PATCH_BIT: Final = 26
_ROW_BIT: Final = 13


def splat(
    shoe: Shoe, wear: Callable[[str], Texture], frame: Frame, size: tuple[int, int]
) -> tuple[Floats, Floats]:
    """The shoe alone, sampled at size and halved: colour (h/2, w/2, 3) 0..255, cover 0..1.

    wear gives the texture of a kind of surface; it is asked only for those in sight."""
    w, h = size
    nearest = np.zeros(w * h, np.uint64)
    sheets = [_Sheet(patch, frame) for patch in shoe.patches]
    for number, sheet in enumerate(sheets):
        if sheet.seen:
            sheet.mark(nearest, number, size)
    hits = np.flatnonzero(nearest)
    samples = nearest[hits]
    owner = ((samples >> np.uint64(_PATCH_BIT)) & np.uint64(63)).astype(np.uint8)
    codes = (samples & np.uint64((1 << _PATCH_BIT) - 1)).astype(np.int32)
    inks = np.empty((len(hits), 3), np.uint8)
    order = np.argsort(owner, kind="stable")
    bounds = np.searchsorted(owner[order], np.arange(len(sheets) + 1))
    for number, sheet in enumerate(sheets):
        mine = order[bounds[number] : bounds[number + 1]]
        if len(mine):
            inks[mine] = sheet.shade(codes[mine], wear(sheet.patch.texture))
    y, x = np.divmod(hits.astype(np.int32), np.int32(w))
    pixel = (y >> 1) * np.int32(w // 2) + (x >> 1)
    count = (h // 2) * (w // 2)
    weight = np.bincount(pixel, minlength=count)
    # The mean of the samples that hit: one no point fell on takes its neighbours' colour.
    sums = np.stack([np.bincount(pixel, ink, minlength=count) for ink in inks.T], axis=-1)
    mean = (sums / np.maximum(weight, 1)[:, None]).astype(np.float32)
    alpha = _cover((nearest > 0).reshape(h, w))
    alpha.ravel()[weight == 0] = 0.0
    return mean.reshape(h // 2, w // 2, 3), alpha


def _cover(mask: npt.NDArray[np.bool_]) -> Floats:
    """Share of each 2 x 2 block that is covered, pinholes healed."""
    # Growing the mask and shrinking it back fills holes without moving the outline.
    for axis in (0, 1):
        mask = mask | np.roll(mask, 1, axis) | np.roll(mask, -1, axis)
    for axis in (0, 1):
        mask = mask & np.roll(mask, 1, axis) & np.roll(mask, -1, axis)
    ones = mask.view(np.uint8)
    rows = ones[0::2] + ones[1::2]
    return (rows[:, 0::2] + rows[:, 1::2]).astype(np.float32) * np.float32(0.25)


def _spread(screen: Floats, axis: int, first: int, joints: npt.ArrayLike, many: bool) -> Floats:
    """Where along an axis of a grid to sample: evenly in pixels, counting from first; joints
    are the grid cells that hold no surface."""
    step = np.diff(screen[..., :2], axis=axis)
    size = np.hypot(step[..., 0], step[..., 1])
    # Laces lie askew to their grid: they need closer samples to leave no holes. A single patch
    # has a few odd cells at its corners, not worth sampling all of it for.
    length = size.max(axis=1 - axis) * 1.4 if many else np.quantile(size, 0.97, axis=1 - axis)
    length[np.isin(np.arange(len(length)) + first, joints)] = 0.0
    along = np.concatenate([[0.0], np.cumsum(np.maximum(length, 1e-3))])
    at = np.linspace(0.0, along[-1], int(_DENSITY * along[-1]) + 2)
    return (first + np.interp(at, along, np.arange(len(along)))).astype(np.float32)


class _Sheet:
    """One patch before the camera: the part that faces it, sampled finely."""

    def __init__(self, patch: Patch, frame: Frame) -> None:
        self.patch = patch
        lit, gleam, facing = _light(patch.normals, frame.axes)
        front = facing > -0.02
        self.seen = bool(front.any())
        if not self.seen:
            return
        rows = np.flatnonzero(front.any(axis=1))
        columns = np.flatnonzero(front.any(axis=0))
        r0, r1 = max(0, int(rows[0]) - 1), min(front.shape[0], int(rows[-1]) + 2)
        c0, c1 = max(0, int(columns[0]) - 1), min(front.shape[1], int(columns[-1]) + 2)
        self.screen = frame.project(patch.points[r0:r1, c0:c1])
        self.light = np.stack([lit, gleam], axis=-1)
        self.corner = (r0, c0)
        wide = patch.points.shape[1] // patch.pieces
        joints = np.arange(wide - 1, patch.points.shape[1] - 1, wide)
        self.at_row = _spread(self.screen, 0, r0, (), patch.pieces > 1)
        self.at_column = _spread(self.screen, 1, c0, joints, patch.pieces > 1)
        # No surface spans the gap from one piece to the next.
        self.at_column = self.at_column[~np.isin(self.at_column.astype(np.int32), joints)]

    def mark(self, nearest: npt.NDArray[np.uint64], number: int, size: tuple[int, int]) -> None:
        """Enters the samples that are nearer than those already there."""
        tall, wide = len(self.at_row), len(self.at_column)
        r0, c0 = self.corner
        x, y, z = resample(self.screen, self.at_row - r0, self.at_column - c0)
        x += 0.5
        y += 0.5
        ix, iy = x.astype(np.int32), y.astype(np.int32)
        z += 1.0
        z *= 32000.0
        key = z.astype(np.uint64)
        key <<= np.uint64(_DEPTH_BIT)
        rows = np.arange(tall, dtype=np.uint64) << np.uint64(_ROW_BIT)
        rows |= np.uint64(number << _PATCH_BIT)
        key |= rows[:, None]
        key |= np.arange(wide, dtype=np.uint64)[None, :]
        inside = (ix >= 0) & (ix < size[0]) & (iy >= 0) & (iy < size[1])
        iy *= np.int32(size[0])
        iy += ix
        if inside.all():
            np.maximum.at(nearest, iy.ravel(), key.ravel())
        else:
            np.maximum.at(nearest, iy[inside], key[inside])

    def shade(self, codes: npt.NDArray[np.int32], texture: Texture) -> npt.NDArray[np.uint8]:
        """Colours (n, 3) of samples given by row and column."""
        row, column = codes >> _ROW_BIT, codes & ((1 << _ROW_BIT) - 1)
        h_t, w_t = texture.gloss.shape
        last_r, last_c = (n - 1 for n in self.light.shape[:2])
        tex_row = np.minimum((self.at_row / last_r * h_t).astype(np.int32), h_t - 1)
        turn = w_t * self.patch.pieces
        tex_column = np.minimum((self.at_column / last_c * turn).astype(np.int32), turn - 1) % w_t
        texel = tex_row.take(row) * np.int32(w_t) + tex_column.take(column)
        # Light changes slowly: a fourfold finer grid than the patch's, read without blending.
        fine_r, fine_c = last_r * 4, last_c * 4
        finer = [np.arange(n + 1).astype(np.float32) * np.float32(0.25) for n in (fine_r, fine_c)]
        lit, gleam = resample(self.light, finer[0], finer[1])
        near_row = (self.at_row * 4.0 + 0.5).astype(np.int32)
        near_column = (self.at_column * 4.0 + 0.5).astype(np.int32)
        spot = near_row.take(row) * np.int32(fine_c + 1) + near_column.take(column)
        factor = lit.take(spot)
        # Dark materials still show their form: light adds a little as well as multiplies.
        extra = gleam.take(spot) * texture.gloss.take(texel) * 70.0
        extra += (factor - 0.62) * 20.0
        colour: Floats = texture.colour.reshape(-1, 3).take(texel, axis=0)
        colour *= factor[:, None]
        colour += extra[:, None]
        np.clip(colour, 0.0, 255.0, out=colour)
        return np.asarray(colour, np.uint8)
