"""A fixed camera simulation: the studio picture as a buyer's phone would have taken it.

Photographs of one product share light and backdrop, so retrieval between them flatters whatever
looks at the backdrop. Here the shoe is cut out and put into another, procedurally made scene, under
other light, through another lens. Everything follows from the picture's digest and a seed, so every
encoder is asked the very same questions. Kept apart from the training augmentation on purpose:
nothing may be tuned to it, and a change of it must raise VERSION.
"""

from __future__ import annotations

import hashlib
import io
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from app.vision.classic import foreground

VERSION: Final = 1
WORK: Final = 400
"""Longer side, pixels, at which the shoe is cut out."""
FRAMES: Final = ((480, 360), (360, 480), (420, 420))
"""Width and height of the shots."""
ROTATION: Final = 12.0
JPEG_QUALITY: Final = (45, 85)

Array = npt.NDArray[Any]


def reshoot(image: Image.Image, digest: str, seed: int = 0) -> Image.Image:
    """The RGB picture re-shot, at one of FRAMES' sizes (a picture without an even backdrop: 420).

    ``digest`` is the hex SHA-256 of the picture's file (``Decoded.sha256``); with ``seed`` it fixes
    every random choice. Where no even backdrop can be cut away, the whole picture is shot again.
    """
    entropy = hashlib.sha256(f"{VERSION}/{seed}/{digest}".encode()).digest()
    rng = np.random.default_rng(int.from_bytes(entropy[:16], "big"))
    small = image.convert("RGB")
    small.thumbnail((WORK, WORK), Image.Resampling.LANCZOS)
    pixels = np.asarray(small)
    matte = _matte(pixels)
    if matte is None:
        shot = _whole(rng, pixels)
    else:
        width, height = FRAMES[int(rng.integers(len(FRAMES)))]
        shot = _composed(rng, pixels, matte, width, height)
    return _camera(rng, shot)


def _matte(pixels: Array) -> Array | None:
    """Opacity (H, W) in 0..1 of the shoe with a soft edge; None without an even backdrop."""
    mask: Array = foreground(pixels).astype(np.uint8)
    if mask.all():
        return None
    mask = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((7, 7), np.uint8))
    mask = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    small = stats[:, cv2.CC_STAT_AREA] < 0.01 * mask.size
    mask[small[labels]] = 0
    if count < 2 or mask.mean() < 0.02:
        return None
    mask = cv2.erode(mask, np.ones((3, 3), np.uint8))  # the outermost pixels hold the old backdrop
    return np.asarray(cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 0.8), np.float32)


def _corners(rng: np.random.Generator, width: float, height: float) -> Array:
    """A rectangle's corners (4, 2) about the origin after flip, perspective and rotation."""
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], np.float64) / 2
    corners *= (width, height)
    corners += rng.uniform(-0.07, 0.07, (4, 2)) * (width, height)
    turn = np.deg2rad(rng.uniform(-ROTATION, ROTATION))
    corners = corners @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    if rng.random() < 0.5:
        corners[:, 0] *= -1
    turned: Array = corners.astype(np.float32)
    return turned


def _warp(pixels: Array, target: Array, width: int, height: int, border: int) -> Array:
    rows, columns = pixels.shape[:2]
    # Shrinking first keeps the warp from aliasing.
    extent = np.ptp(target, axis=0)
    scale = min(1.0, float(max(extent[0] / columns, extent[1] / rows)))
    if scale < 0.9:
        size = (max(2, round(columns * scale)), max(2, round(rows * scale)))
        pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
        rows, columns = pixels.shape[:2]
    source = np.array([[0, 0], [columns, 0], [columns, rows], [0, rows]], np.float32)
    matrix = cv2.getPerspectiveTransform(source, target)
    warped = cv2.warpPerspective(
        pixels, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=border
    )
    return np.asarray(warped, np.float32)


def _composed(
    rng: np.random.Generator, pixels: Array, matte: Array, width: int, height: int
) -> Array:
    rows, columns = np.flatnonzero(matte.any(axis=1)), np.flatnonzero(matte.any(axis=0))
    box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    cut = np.dstack([pixels[box].astype(np.float32) / 255 * matte[box][..., None], matte[box]])
    high, wide = cut.shape[:2]
    scale = rng.uniform(0.6, 1.0) * min(width / wide, height / high)
    corners = _corners(rng, wide * scale, high * scale)
    extent = np.ptp(corners, axis=0)
    # Up to 6 % of the frame may be cut off at a side, as in a careless shot.
    room = np.maximum((np.array([width, height]) - extent) / 2, 0) + 0.06 * min(width, height)
    centre = np.array([width, height]) / 2 + rng.uniform(-1, 1, 2) * room
    placed = _warp(cut, (corners + centre).astype(np.float32), width, height, cv2.BORDER_CONSTANT)
    scene = _scene(rng, width, height)
    alpha = np.clip(placed[..., 3:], 0, 1)
    drop = rng.uniform(0.01, 0.05) * height
    shift = np.array([[1, 0, rng.uniform(-1, 1) * drop], [0, 1, drop]], np.float32)
    shadow = cv2.warpAffine(alpha[..., 0], shift, (width, height))
    shadow = cv2.GaussianBlur(shadow, (0, 0), rng.uniform(0.01, 0.035) * width)
    scene = scene * (1 - rng.uniform(0.2, 0.6) * shadow[..., None])
    return np.asarray(scene * (1 - alpha) + placed[..., :3], np.float32)


def _whole(rng: np.random.Generator, pixels: Array) -> Array:
    high, wide = pixels.shape[:2]
    scale = 420 / max(high, wide)
    width, height = max(32, round(wide * scale)), max(32, round(high * scale))
    zoom = rng.uniform(1.0, 1.2)
    corners = _corners(rng, width * zoom, height * zoom) + np.array([width, height]) / 2
    frame = pixels.astype(np.float32) / 255
    return _warp(frame, corners.astype(np.float32), width, height, cv2.BORDER_REFLECT_101)


def _noise(rng: np.random.Generator, width: int, height: int, cells: int) -> Array:
    """Smooth noise (height, width) in about 0..1, ``cells`` bumps across."""
    down = max(2, cells * height // width)
    grid = rng.random((down, max(2, cells)), dtype=np.float32)
    return np.asarray(cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC), np.float32)


def _clouds(rng: np.random.Generator, width: int, height: int) -> Array:
    octaves = [
        _noise(rng, width, height, cells) / 2**i for i, cells in enumerate((3, 7, 17, 41, 97))
    ]
    total = np.sum(octaves, axis=0)
    return np.asarray((total - total.min()) / max(float(np.ptp(total)), 1e-6), np.float32)


def _colour(rng: np.random.Generator, low: float, high: float, chroma: float) -> Array:
    colour = rng.uniform(low, high) * (1 + rng.normal(0, chroma, 3))
    return np.clip(colour, 0.02, 1).astype(np.float32)


def _planks(rng: np.random.Generator, width: int, height: int) -> Array:
    """Wooden boards: each with its tone, grain along it, dark joints."""
    boards = int(rng.integers(3, 9))
    y = np.arange(height)[:, None]
    board = y * boards // height
    wood = np.array([0.62, 0.43, 0.27], np.float32) * rng.uniform(0.5, 1.4)
    tone = rng.uniform(0.75, 1.15, boards).astype(np.float32)[board]
    grain = cv2.resize(
        rng.random((height // 2, 6), dtype=np.float32),
        (width, height),
        interpolation=cv2.INTER_CUBIC,
    )
    joint = 1 - 0.6 * ((y * boards % height) < boards * 2)
    shade = tone * (0.8 + 0.35 * grain) * joint
    return np.asarray(wood * shade[..., None], np.float32)


def _tiles(rng: np.random.Generator, width: int, height: int) -> Array:
    """Square tiles with joints, each tile a little different."""
    side = int(rng.integers(30, 110))
    y, x = np.mgrid[0:height, 0:width]
    tones = rng.uniform(0.9, 1.08, (height // side + 1, width // side + 1)).astype(np.float32)
    shade = tones[y // side, x // side]
    joint = (y % side < 3) | (x % side < 3)
    base = _colour(rng, 0.35, 0.9, 0.08) * shade[..., None]
    base[joint] *= rng.uniform(0.5, 0.85)
    return np.asarray(base, np.float32)


def _mottled(rng: np.random.Generator, width: int, height: int) -> Array:
    """Concrete, carpet, asphalt, cloth: two colours mixed by noise, with fine grain."""
    first, second = _colour(rng, 0.15, 0.85, 0.15), _colour(rng, 0.15, 0.85, 0.15)
    mix = _clouds(rng, width, height)[..., None]
    surface = first + (second - first) * mix * rng.uniform(0.2, 1)
    grain = rng.normal(0, rng.uniform(0.01, 0.1), (height, width, 1))
    return np.asarray(surface + cv2.GaussianBlur(grain, (0, 0), 0.7)[..., None], np.float32)


def _grass(rng: np.random.Generator, width: int, height: int) -> Array:
    """Many short strokes in neighbouring greens or browns."""
    base = np.array([0.25, 0.42, 0.14] if rng.random() < 0.6 else [0.45, 0.36, 0.24], np.float32)
    canvas = np.ones((height, width, 3), np.float32) * base * 0.6
    for _ in range(900):
        x, y = rng.integers(0, width), rng.integers(0, height)
        lean, reach = rng.normal(0, 6), rng.uniform(8, 26)
        tint = base * rng.uniform(0.5, 1.5) * (1 + rng.normal(0, 0.1, 3))
        cv2.line(
            canvas, (int(x), int(y)), (int(x + lean), int(y - reach)), tuple(map(float, tint)), 1,
            cv2.LINE_AA,
        )  # fmt: skip
    return canvas


def _clutter(rng: np.random.Generator, width: int, height: int) -> Array:
    """A room out of focus: coloured boxes and blobs, blurred."""
    canvas = np.ones((height, width, 3), np.float32) * _colour(rng, 0.3, 0.8, 0.1)
    for _ in range(int(rng.integers(6, 16))):
        tint = tuple(map(float, _colour(rng, 0.1, 0.95, 0.4)))
        x, y = int(rng.integers(0, width)), int(rng.integers(0, height))
        a, b = (int(v) for v in rng.integers(15, 130, 2))
        if rng.random() < 0.5:
            cv2.rectangle(canvas, (x, y), (x + a, y + b), tint, -1)
        else:
            cv2.ellipse(canvas, (x, y), (a, b), float(rng.uniform(0, 180)), 0, 360, tint, -1)
    return np.asarray(cv2.GaussianBlur(canvas, (0, 0), rng.uniform(1, 6)), np.float32)


_SURFACES: Final = (_planks, _tiles, _mottled, _mottled, _grass)


def _scene(rng: np.random.Generator, width: int, height: int) -> Array:
    """A backdrop (height, width, 3) in 0..1: a floor, or a wall or clutter over a floor."""
    floor = _SURFACES[int(rng.integers(len(_SURFACES)))](rng, width, height)
    if rng.random() < 0.5:
        wall = (_clutter if rng.random() < 0.6 else _mottled)(rng, width, height)
        horizon = int(height * rng.uniform(0.25, 0.65))
        floor[:horizon] = wall[:horizon]
        seam = slice(max(0, horizon - 4), horizon + 5)
        floor[seam] = cv2.GaussianBlur(floor, (0, 0), 1.5)[seam]
    return np.clip(floor, 0, 1)


def _camera(rng: np.random.Generator, shot: Array) -> Image.Image:
    """Light, lens, sensor and file: (H, W, 3) in 0..1 to the decoded JPEG."""
    height, width = shot.shape[:2]
    linear = np.clip(shot, 0, 1) ** 2.2
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    angle = rng.uniform(0, 2 * np.pi)
    light = 1 + rng.uniform(0, 0.35) * (x * np.cos(angle) + y * np.sin(angle)) / 1.4
    vignette = 1 - rng.uniform(0, 0.25) * (x**2 + y**2) / 2
    exposure = 2 ** rng.uniform(-0.8, 0.6)
    warmth, tint = rng.uniform(-0.25, 0.25), rng.uniform(-0.08, 0.08)
    balance = np.array([1 + warmth, 1 + tint, 1 - warmth])
    linear = linear * (light * vignette * exposure)[..., None] * balance
    values = np.clip(linear, 0, 1) ** (1 / 2.2)
    grey = values.mean(axis=2, keepdims=True)
    values = grey + (values - grey) * rng.uniform(0.75, 1.15)
    values = 0.5 + (values - 0.5) * rng.uniform(0.8, 1.1)
    if rng.random() < 0.3:
        length = int(rng.integers(3, 8))
        kernel = np.zeros((length, length), np.float32)
        end = rng.integers(0, length, 2)
        cv2.line(kernel, (length // 2, length // 2), (int(end[0]), int(end[1])), 1.0, 1)
        values = cv2.filter2D(values, -1, kernel / max(float(kernel.sum()), 1.0))
    else:
        values = cv2.GaussianBlur(values, (0, 0), rng.uniform(0.3, 1.6))
    values = values + rng.normal(0, rng.uniform(0.005, 0.035), values.shape)
    frame = Image.fromarray(np.asarray(np.clip(values, 0, 1) * 255, np.uint8))
    file = io.BytesIO()
    frame.save(file, "JPEG", quality=int(rng.integers(JPEG_QUALITY[0], JPEG_QUALITY[1] + 1)))
    return Image.open(file).convert("RGB")
