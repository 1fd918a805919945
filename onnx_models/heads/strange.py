"""Pictures without a shoe, drawn from nothing: the other side of "is it a shoe".

No photograph of other things is at hand but corners of the wild photographs, so the drawn kinds are
many and unlike each other. ``HELD_OUT`` kinds are never trained on: they tell how far the head
generalises beyond what it was shown.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from onnx_models.augment import BACKDROP, drawn_backdrop, drawn_scene
from onnx_models.dataset import U8

SIDE: Final = BACKDROP
Rng = np.random.Generator
Points = npt.NDArray[Any]


def _colour(rng: Rng) -> tuple[int, int, int]:
    red, green, blue = (int(v) for v in rng.integers(0, 256, 3))
    return red, green, blue


def _blank(rng: Rng) -> U8:
    """A studio backdrop: white or a light tone, sometimes with a gradient."""
    tone = rng.uniform(200, 255) + rng.normal(0, 4, 3)
    ramp = np.linspace(1, rng.uniform(0.8, 1.0), SIDE)[:, None, None]
    page = np.broadcast_to(np.clip(tone * ramp, 0, 255), (SIDE, SIDE, 3))
    return np.ascontiguousarray(page.astype(np.uint8))


def _blob(rng: Rng, roughness: float) -> Points:
    """A closed smooth outline around the middle, (96, 1, 2) int32."""
    angle = np.linspace(0, 2 * np.pi, 96, endpoint=False)
    radius = np.ones(96)
    for wave in range(1, 7):
        radius += rng.normal(0, roughness / wave) * np.cos(wave * angle + rng.uniform(0, 6.3))
    reach = rng.uniform(0.2, 0.45) * SIDE
    stretch = rng.uniform(0.4, 1.0)
    x = SIDE / 2 + np.clip(radius, 0.2, 2) * np.cos(angle) * reach
    y = SIDE / 2 + np.clip(radius, 0.2, 2) * np.sin(angle) * reach * stretch
    return np.stack([x, y], axis=1).astype(np.int32)[:, None]


def thing(rng: Rng) -> U8:
    """One textured blob or polygon on a studio backdrop, with a shadow: an unknown product."""
    page = _blank(rng)
    outline = _blob(rng, rng.uniform(0.05, 0.35))
    if rng.random() < 0.4:
        outline = outline[:: int(rng.integers(8, 30))]
    stencil = np.zeros((SIDE, SIDE), np.uint8)
    cv2.fillPoly(stencil, [outline], 255)
    if rng.random() < 0.5:
        shadow = cv2.GaussianBlur(np.roll(stencil, 6, 0), (0, 0), 5)[..., None] / 255
        page = (page * (1 - 0.4 * shadow)).astype(np.uint8)
    skin = drawn_scene(rng) if rng.random() < 0.6 else drawn_backdrop(rng)
    light = np.linspace(1.15, 0.7, SIDE)[:, None, None]
    page[stencil > 0] = np.clip(skin * light, 0, 255).astype(np.uint8)[stencil > 0]
    for _ in range(int(rng.integers(0, 6))):
        one, two = rng.integers(20, SIDE - 20, (2, 2))
        cv2.line(page, one.tolist(), two.tolist(), _colour(rng), int(rng.integers(1, 4)))
    return page


def bottle(rng: Rng) -> U8:
    """Upright wares: bottles, cans, boxes, lamps, as stacked rounded bands."""
    page = _blank(rng)
    top, left = int(rng.integers(10, 40)), int(rng.integers(40, 60))
    width = SIDE - 2 * left
    y = top
    while y < SIDE - 18:
        height = int(rng.integers(6, 60))
        inset = int(rng.integers(0, max(1, width // 3)))
        end = min(y + height, SIDE - 10)
        cv2.rectangle(page, (left + inset, y), (SIDE - left - inset, end), _colour(rng), -1)
        y = end
    return cv2.GaussianBlur(page, (3, 3), 0) if rng.random() < 0.5 else page


def garment(rng: Rng) -> U8:
    """A shirt, trousers or a bag as a flat pattern on a studio backdrop."""
    page, skin = _blank(rng), drawn_backdrop(rng)
    stencil = np.zeros((SIDE, SIDE), np.uint8)
    kind = rng.integers(3)
    wobble = rng.integers(-6, 7, (12, 2))
    if kind == 0:
        shape = [(40, 30), (65, 22), (95, 22), (120, 30), (150, 60), (132, 78), (116, 62),
                 (116, 140), (44, 140), (44, 62), (28, 78), (10, 60)]  # fmt: skip
    elif kind == 1:
        shape = [(45, 14), (80, 12), (115, 14), (120, 60), (128, 146), (100, 148), (84, 70),
                 (78, 70), (62, 148), (34, 146), (38, 80), (42, 50)]  # fmt: skip
    else:
        shape = [(35, 60), (45, 56), (80, 54), (110, 56), (125, 60), (132, 100), (136, 140),
                 (100, 144), (80, 145), (50, 144), (26, 140), (30, 90)]  # fmt: skip
        cv2.ellipse(page, (80, 58), (28, 34), 0, 180, 360, _colour(rng), int(rng.integers(3, 8)))
    cv2.fillPoly(stencil, [(np.array(shape) + wobble).astype(np.int32)[:, None]], 255)
    page[stencil > 0] = skin[stencil > 0]
    return page


def text(rng: Rng) -> U8:
    """A page, a label or a screenshot: lines of letters and boxes."""
    dark = rng.random() < 0.3
    tone = int(rng.integers(0, 60) if dark else rng.integers(220, 256))
    page: U8 = np.full((SIDE, SIDE, 3), tone, np.uint8)
    ink = (235, 235, 235) if dark else (20, 20, 20)
    alphabet = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJ 0123456789.,:%$"
    y = int(rng.integers(8, 30))
    while y < SIDE - 4:
        if rng.random() < 0.15:
            cv2.rectangle(page, (8, y - 8), (int(rng.integers(40, 150)), y + 6), _colour(rng), -1)
        line = "".join(rng.choice(list(alphabet), int(rng.integers(5, 34))))
        size = rng.uniform(0.25, 0.6)
        cv2.putText(page, line, (6, y), int(rng.integers(0, 5)), size, ink, 1, cv2.LINE_AA)
        y += int(rng.integers(9, 26))
    return page


def chart(rng: Rng) -> U8:
    """Bars or lines on axes."""
    page = np.full((SIDE, SIDE, 3), 250, np.uint8)
    cv2.line(page, (20, 10), (20, 140), (30, 30, 30), 1)
    cv2.line(page, (20, 140), (150, 140), (30, 30, 30), 1)
    count = int(rng.integers(3, 12))
    heights = rng.integers(5, 125, count)
    step = 126 // count
    if rng.random() < 0.5:
        tone = _colour(rng)
        for i, height in enumerate(heights):
            x = 24 + i * step
            cv2.rectangle(page, (x, 140 - int(height)), (x + step - 3, 139), tone, -1)
    else:
        points = np.stack([24 + np.arange(count) * step, 140 - heights], axis=1).astype(np.int32)
        cv2.polylines(page, [points[:, None]], False, _colour(rng), 2, cv2.LINE_AA)
    return page


def noise(rng: Rng) -> U8:
    """Sensor noise of any grain and colour, or one flat tone."""
    cells = int(rng.choice([1, 2, 5, 20, 80, SIDE]))
    grid = rng.integers(0, 256, (cells, cells, 3 if rng.random() < 0.7 else 1), dtype=np.uint8)
    grown = cv2.resize(grid, (SIDE, SIDE), interpolation=int(rng.choice([0, 1, 2])))
    grown = grown.reshape(SIDE, SIDE, -1)
    return np.ascontiguousarray(np.broadcast_to(grown, (SIDE, SIDE, 3)))


def room(rng: Rng) -> U8:
    """A corner of a room: walls, floor, furniture as boxes, a window."""
    page = drawn_backdrop(rng)
    horizon = int(rng.uniform(0.4, 0.75) * SIDE)
    page[horizon:] = drawn_backdrop(rng)[horizon:]
    for _ in range(int(rng.integers(2, 7))):
        x, y = (int(v) for v in rng.integers(0, SIDE - 30, 2))
        w, h = (int(v) for v in rng.integers(14, 70, 2))
        cv2.rectangle(page, (x, y), (x + w, y + h), _colour(rng), -1)
        cv2.rectangle(page, (x, y), (x + w, y + h), _colour(rng), int(rng.integers(1, 3)))
    return page


def face(rng: Rng) -> U8:
    """A drawn face, from a cartoon to a portrait with hair and a neck."""
    page = drawn_backdrop(rng) if rng.random() < 0.6 else _blank(rng)
    tone = np.array([rng.uniform(90, 250), 0, 0])
    tone[1], tone[2] = tone[0] * rng.uniform(0.7, 0.85), tone[0] * rng.uniform(0.5, 0.75)
    skin = tuple(float(v) for v in tone)
    x, y = (int(80 + rng.integers(-14, 15)) for _ in range(2))
    wide, high = int(rng.integers(28, 44)), int(rng.integers(40, 58))
    hair = _colour(rng)
    cv2.ellipse(page, (x, y - 8), (wide + 8, high + 6), 0, 150, 390, hair, -1)
    cv2.rectangle(page, (x - 14, y + high - 12), (x + 14, SIDE), skin, -1)
    cv2.ellipse(page, (x, SIDE), (70, 28), 0, 180, 360, _colour(rng), -1)
    cv2.ellipse(page, (x, y), (wide, high), 0, 0, 360, skin, -1)
    for side in (-1, 1):
        eye = (x + side * wide // 2, y - high // 5)
        cv2.ellipse(page, eye, (7, 4), 0, 0, 360, (250, 250, 250), -1)
        cv2.circle(page, eye, 3, _colour(rng), -1)
        cv2.line(page, (eye[0] - 8, eye[1] - 9), (eye[0] + 8, eye[1] - 10), hair, 2)
    cv2.line(page, (x, y - 5), (x - 4, y + 10), (90, 60, 50), 2)
    cv2.ellipse(page, (x, y + high // 2), (12, 5), 0, 0, 180, (150, 50, 60), -1)
    return np.asarray(cv2.GaussianBlur(page, (0, 0), rng.uniform(0.3, 1.2)), np.uint8)


def landscape(rng: Rng) -> U8:
    """Sky, sun, ridges of fractal hills, water or field."""
    y = np.linspace(0, 1, SIDE)[:, None, None]
    high, low = rng.uniform(60, 255, 3), rng.uniform(120, 255, 3)
    page = np.broadcast_to(high * (1 - y) + low * y, (SIDE, SIDE, 3)).astype(np.uint8).copy()
    if rng.random() < 0.6:
        place = (int(rng.integers(0, SIDE)), int(rng.integers(5, 70)))
        cv2.circle(page, place, int(rng.integers(5, 16)), (250, 240, 200), -1)
    base = 0.35
    for _ in range(int(rng.integers(2, 5))):
        ridge = np.zeros(SIDE)
        for octave in range(6):
            knots = rng.normal(0, 22 / 2**octave, 3 * 2**octave + 2)
            ridge += np.interp(np.linspace(0, len(knots) - 1, SIDE), np.arange(len(knots)), knots)
        line = base * SIDE + ridge
        tone = rng.uniform(20, 160, 3) * np.array([0.8, 1.0, 0.8])
        below = np.arange(SIDE)[:, None] > line[None, :]
        page[below] = tone.astype(np.uint8)
        base += rng.uniform(0.1, 0.22)
    grain = rng.normal(0, rng.uniform(1, 8), page.shape)
    return np.asarray(np.clip(page + grain, 0, 255), np.uint8)


def corner(rgba: U8, wild: npt.NDArray[np.int64], rng: Rng) -> U8:
    """An upper corner of a photograph on foot or street: what stands around shoes."""
    picture = rgba[int(rng.choice(wild))][..., :3]
    rows = np.flatnonzero((picture != 255).any(axis=(1, 2)))
    columns = np.flatnonzero((picture != 255).any(axis=(0, 2)))
    if len(rows) < 40 or len(columns) < 40:
        return noise(rng)
    body = picture[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    share = rng.uniform(0.22, 0.34)
    height, width = (max(12, int(side * share)) for side in body.shape[:2])
    left = 0 if rng.random() < 0.5 else body.shape[1] - width
    cut = np.ascontiguousarray(body[:height, left : left + width])
    return np.asarray(cv2.resize(cut, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC), np.uint8)


def shuffled(rgba: U8, shoes: npt.NDArray[np.int64], rng: Rng) -> U8:
    """Tiles of two shoe pictures, shuffled: its colours and materials without its form."""
    count = int(rng.choice([5, 6, 8, 10]))
    pick = [rgba[int(i)][16:176, 16:176, :3] for i in rng.choice(shoes, 2)]
    side = SIDE // count
    page = np.full((SIDE, SIDE, 3), 255, np.uint8)
    for row in range(count):
        for column in range(count):
            y, x = rng.integers(0, SIDE - side, 2)
            tile = pick[int(rng.integers(2))][y : y + side, x : x + side]
            page[row * side : (row + 1) * side, column * side : (column + 1) * side] = tile
    return page


DRAWN: Final[dict[str, Callable[[Rng], U8]]] = {
    "scene": drawn_scene, "backdrop": drawn_backdrop, "thing": thing, "bottle": bottle,
    "garment": garment, "text": text, "chart": chart, "noise": noise, "room": room,
}  # fmt: skip
HELD_OUT: Final[dict[str, Callable[[Rng], U8]]] = {"face": face, "landscape": landscape}
