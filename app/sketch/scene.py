"""Where the shoe stands, studio or everyday ground, and what a phone does to a picture."""

from __future__ import annotations

import io
import math
import random
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from app.sketch.geometry import Floats, spline

STUDIO: Final = ("white", "grey", "warm", "cool")
FLOORS: Final = ("wood", "asphalt", "carpet", "concrete", "grass", "tiles")
GROUNDS: Final = STUDIO + FLOORS


@dataclass(frozen=True, slots=True)
class Background:
    """kind is one of GROUNDS; seed varies it; objects is how many things lie about (0..9);
    shadow 0..1 is how dark the shoe's own shadow falls. Raises ValueError on bad values."""

    kind: str = "white"
    seed: int = 0
    objects: int = 0
    shadow: float = 0.8

    def __post_init__(self) -> None:
        if self.kind not in GROUNDS:
            raise ValueError(f"unknown background {self.kind!r}; known: {', '.join(GROUNDS)}")
        if not 0 <= self.objects <= 9:
            raise ValueError(f"objects: {self.objects!r} is outside 0..9")
        if not 0.0 <= self.shadow <= 1.0:
            raise ValueError(f"shadow: {self.shadow!r} is outside 0..1")


def backdrop(place: Background, size: tuple[int, int], pitch: float) -> Floats:
    """The empty place seen from a height of pitch degrees, (h, w, 3) 0..255."""
    if place.kind in STUDIO:
        return _studio(place, size)
    picture = _floor_view(place, size, pitch)
    if place.objects:
        picture = _litter(picture, place, low=pitch < 12.0)
    return np.asarray(picture, np.float32).copy()


def _studio(place: Background, size: tuple[int, int]) -> Floats:
    w, h = size
    if place.kind == "white":
        return np.full((h, w, 3), 255.0, np.float32)
    tone = {"grey": (226, 227, 229), "warm": (238, 230, 219), "cool": (218, 227, 236)}[place.kind]
    y = np.linspace(0.0, 1.0, h, dtype=np.float32)[:, None]
    x = np.linspace(-1.0, 1.0, w, dtype=np.float32)[None, :]
    # A sweep of paper: the wall darkens upwards, the floor is lit in the middle.
    light = 1.0 - 0.10 * np.abs(y - 0.62) - 0.05 * x * x + 0.03 * (y > 0.62)
    return np.asarray(light[..., None] * np.array(tone, np.float32), np.float32)


_TILE: Final = 640  # side in pixels of a floor seen from above


@lru_cache(maxsize=8)
def _floor(kind: str, seed: int) -> Image.Image:
    """A square of floor seen straight from above."""
    rng = np.random.Generator(np.random.PCG64(seed * 101 + FLOORS.index(kind)))
    n = _TILE

    def smooth(cells: int, rows: int | None = None) -> Floats:
        grid = rng.integers(0, 256, (rows or cells, cells), dtype=np.uint8)
        big = Image.fromarray(grid).resize((n, n), Image.Resampling.BICUBIC)
        return np.asarray(big, np.float32) / 255.0 - 0.5

    grit = rng.integers(0, 256, (n, n), dtype=np.uint8).astype(np.float32) / 255.0 - 0.5
    y, x = np.mgrid[0:n, 0:n].astype(np.int32)
    level: Floats
    tint: tuple[float, float, float]
    if kind == "wood":
        plank = y // 92
        tone = rng.integers(-16, 17, 16).astype(np.float32)[plank]
        grain = smooth(10, 320) * 26.0 + smooth(5, 150) * 22.0
        shift = rng.integers(0, n, 16)[plank]
        gap = (y % 92 < 3) | ((x + shift) % 420 < 3)
        level = 150.0 + tone + grain + grit * 7.0 - gap * 58.0
        tint = ((1.10, 0.84, 0.58), (1.0, 0.80, 0.62), (1.14, 0.98, 0.78))[seed % 3]
    elif kind == "asphalt":
        stones = np.where(grit > 0.40, 46.0, 0.0) + np.where(grit < -0.42, -34.0, 0.0)
        soft = Image.fromarray((stones + 128).astype(np.uint8)).filter(ImageFilter.BoxBlur(1))
        level = 92.0 + smooth(7) * 26.0 + (np.asarray(soft, np.float32) - 128.0) * 1.3 + grit * 16
        tint = (1.0, 1.0, 1.02)
    elif kind == "carpet":
        tufts = ((x // 5 + y // 5) % 2) * 12.0
        level = 132.0 + smooth(160) * 46.0 + smooth(12) * 22.0 + tufts + grit * 22.0
        tint = ((0.94, 0.90, 0.84), (0.62, 0.70, 0.86), (0.86, 0.62, 0.58))[seed % 3]
    elif kind == "concrete":
        joint = (x % 380 < 4) | (y % 380 < 4)
        level = 166.0 + smooth(6) * 34.0 + smooth(60) * 16.0 + grit * 12.0 - joint * 48.0
        tint = (1.0, 0.99, 0.96)
    elif kind == "grass":
        return _grass(seed)
    else:
        tile = ((x // 160 + y // 160) % 2) * (26.0 if seed % 2 else 6.0)
        grout = (x % 160 < 5) | (y % 160 < 5)
        level = 188.0 - tile + smooth(14) * 16.0 + grit * 4.0 - grout * 44.0
        tint = ((1.0, 0.98, 0.95), (0.90, 0.96, 1.0))[seed // 2 % 2]
    rgb = np.clip(level[..., None] * np.array(tint, np.float32), 0.0, 255.0)
    return Image.fromarray(rgb.astype(np.uint8))


def _grass(seed: int) -> Image.Image:
    rng = random.Random(seed)
    picture = Image.new("RGB", (_TILE, _TILE), (46, 74, 34))
    pen = ImageDraw.Draw(picture)
    for k in range(5200):
        x, y = rng.uniform(0, _TILE), rng.uniform(0, _TILE)
        length, lean = rng.uniform(9, 26), rng.uniform(-9, 9)
        shade = 0.62 + 0.55 * k / 5200 + rng.uniform(-0.14, 0.14)
        blade = (round(92 * shade), round(134 * shade), round(54 * shade))
        pen.line((x, y, x + lean, y - length), fill=blade, width=rng.choice((1, 2, 2, 3)))
    return picture


def _floor_view(place: Background, size: tuple[int, int], pitch: float) -> Image.Image:
    """The floor in perspective; seen from low down a wall stands behind it."""
    w, h = size
    floor = _floor(place.kind, place.seed)
    horizon = 0.0 if pitch >= 12.0 else 0.46
    top = round(h * horizon)
    slant = max(0.30, math.sin(math.radians(max(pitch, 1.0))))
    # The strip of floor at the far edge is wider than at the near edge, and squeezed.
    near, far = 0.62 * _TILE, _TILE
    deep = min(_TILE - 8.0, near * (h - top) / w / slant)
    centre = _TILE / 2
    quad = (
        centre - far / 2, (_TILE - deep) / 2, centre - near / 2, (_TILE + deep) / 2,
        centre + near / 2, (_TILE + deep) / 2, centre + far / 2, (_TILE - deep) / 2,
    )  # fmt: skip
    view = floor.transform((w, h - top), Image.Transform.QUAD, quad, Image.Resampling.BILINEAR)
    if not top:
        return view
    rng = random.Random(place.seed)
    tone = rng.randrange(150, 216)
    picture = Image.new("RGB", size, (tone, tone - rng.randrange(0, 14), tone - 10))
    picture.paste(view, (0, top))
    pen = ImageDraw.Draw(picture)
    pen.rectangle((0, top - h // 28, w, top), fill=(tone + 26, tone + 24, tone + 20))
    # The far side is out of focus.
    strip = picture.crop((0, 0, w, top + h // 16)).filter(ImageFilter.GaussianBlur(w / 160))
    picture.paste(strip, (0, 0))
    return picture


def _litter(picture: Image.Image, place: Background, low: bool) -> Image.Image:
    """Things lying about: boxes, mugs, leaves, coins, cables, books."""
    rng = random.Random(place.seed * 31 + 7)
    w, h = picture.size
    for _ in range(place.objects):
        # Round the edges, where the shoe leaves room.
        side = rng.choice((0.10, 0.22, 0.80, 0.92))
        x = w * (side + rng.uniform(-0.08, 0.08))
        y = (
            h * rng.choice((0.74, 0.90) if low else (0.16, 0.24, 0.82, 0.92))
            + rng.uniform(-0.06, 0.06) * h
        )
        span = w * rng.uniform(0.05, 0.13)
        layer = Image.new("RGBA", picture.size, (0, 0, 0, 0))
        _THINGS[rng.randrange(len(_THINGS))](ImageDraw.Draw(layer), x, y, span, rng)
        mask = layer.getchannel("A")
        shade = Image.new("L", picture.size, 0)
        shade.paste(120, (round(w * 0.012), round(w * 0.014)), mask)
        shade = shade.filter(ImageFilter.BoxBlur(w / 70))
        picture.paste((18, 16, 15), (0, 0), shade)
        picture.paste(layer, (0, 0), layer.filter(ImageFilter.BoxBlur(0.7)).getchannel("A"))
    return picture.filter(ImageFilter.GaussianBlur(w / 600))


def _hue(rng: random.Random) -> tuple[int, int, int]:
    return rng.choice(
        (
            (188, 60, 52),
            (48, 92, 150),
            (222, 190, 120),
            (66, 116, 84),
            (60, 60, 66),
            (214, 212, 204),
        )
    )


def _turned(
    x: float, y: float, corners: list[tuple[float, float]], angle: float
) -> list[tuple[float, float]]:
    c, s = round(math.cos(angle), 5), round(math.sin(angle), 5)
    return [(x + a * c - b * s, y + a * s + b * c) for a, b in corners]


def _book(pen: ImageDraw.ImageDraw, x: float, y: float, r: float, rng: random.Random) -> None:
    angle, tone = rng.uniform(-0.9, 0.9), _hue(rng)
    page = [(-r * 1.5, -r), (r * 1.5, -r), (r * 1.5, r * 1.06), (-r * 1.5, r * 1.06)]
    pen.polygon(_turned(x, y, page, angle), fill=(228, 222, 206))
    cover = [(-r * 1.5, -r), (r * 1.46, -r), (r * 1.46, r), (-r * 1.5, r)]
    pen.polygon(_turned(x, y, cover, angle), fill=tone)
    title = [(-r * 0.8, -r * 0.6), (r * 0.8, -r * 0.6), (r * 0.8, -r * 0.3), (-r * 0.8, -r * 0.3)]
    pen.polygon(_turned(x, y, title, angle), fill=(236, 230, 214))


def _box(pen: ImageDraw.ImageDraw, x: float, y: float, r: float, rng: random.Random) -> None:
    tone = _hue(rng)
    dark = (tone[0] * 7 // 10, tone[1] * 7 // 10, tone[2] * 7 // 10)
    pen.rectangle((x - r * 1.8, y - r, x + r * 1.8, y + r), fill=dark)
    lid = [(x - r * 1.8, y - r), (x - r * 1.3, y - r * 1.9), (x + r * 2.2, y - r * 1.9)]
    pen.polygon([*lid, (x + r * 1.8, y - r)], fill=tone)
    pen.rectangle((x - r * 1.85, y - r, x + r * 1.85, y - r * 0.6), fill=tone)
    pen.rectangle((x + r * 0.6, y - r * 0.3, x + r * 1.5, y + r * 0.5), fill=(238, 236, 230))


def _mug(pen: ImageDraw.ImageDraw, x: float, y: float, r: float, rng: random.Random) -> None:
    tone, r = _hue(rng), r * 0.75
    pen.ellipse((x + r * 0.5, y - r * 0.3, x + r * 1.6, y + r * 0.5), outline=tone, width=5)
    pen.ellipse((x - r, y - r, x + r, y + r), fill=tone)
    pen.ellipse((x - r * 0.82, y - r * 0.82, x + r * 0.82, y + r * 0.82), fill=(58, 34, 22))


def _leaf(pen: ImageDraw.ImageDraw, x: float, y: float, r: float, rng: random.Random) -> None:
    tone = rng.choice(((178, 112, 40), (150, 66, 34), (112, 122, 48)))
    for _ in range(4):
        cx, cy, angle = x + rng.uniform(-r, r) * 1.6, y + rng.uniform(-r, r), rng.uniform(0, 6.2)
        half = r * 0.5
        body = [(-half, 0.0), (0.0, -half * 0.45), (half, 0.0), (0.0, half * 0.45)]
        pen.polygon(_turned(cx, cy, body, angle), fill=tone)
        pen.line(_turned(cx, cy, [(-half, 0.0), (half, 0.0)], angle), fill=(84, 54, 26), width=1)


def _coins(pen: ImageDraw.ImageDraw, x: float, y: float, r: float, rng: random.Random) -> None:
    for _ in range(5):
        cx, cy, q = x + rng.uniform(-r, r), y + rng.uniform(-r, r), r * rng.uniform(0.14, 0.22)
        tone = rng.choice(((196, 168, 92), (186, 188, 190)))
        pen.ellipse((cx - q, cy - q, cx + q, cy + q), fill=tone, outline=(110, 98, 70))


def _cable(pen: ImageDraw.ImageDraw, x: float, y: float, r: float, rng: random.Random) -> None:
    tone = rng.choice(((34, 34, 36), (232, 232, 230)))
    knots = [(x + rng.uniform(-2, 2) * r, y + rng.uniform(-1.2, 1.2) * r) for _ in range(7)]
    line = spline(np.arange(7.0), np.array(knots), np.linspace(0.0, 6.0, 70))
    spots = [(round(float(a), 3), round(float(b), 3)) for a, b in line]
    pen.line(spots, fill=tone, width=max(2, round(r * 0.10)), joint="curve")


_THINGS: Final = (_book, _box, _mug, _leaf, _coins, _cable)


def phone_effects(picture: Image.Image, seed: int) -> Image.Image:
    """What a hand-held phone makes of a picture (RGB, same size): tilt and perspective, light
    from one side, white balance, exposure, soft focus, noise, JPEG. Same seed, same bytes."""
    rng = random.Random(f"phone:{seed}")
    w, h = picture.size

    def jitter(share: float) -> float:
        return rng.uniform(0.0, share)

    # The quadrilateral of the scene that ends up filling the frame.
    quad = (
        w * jitter(0.07), h * jitter(0.06), w * jitter(0.07), h * (1 - jitter(0.06)),
        w * (1 - jitter(0.07)), h * (1 - jitter(0.06)), w * (1 - jitter(0.07)), h * jitter(0.06),
    )  # fmt: skip
    warped = picture.transform((w, h), Image.Transform.QUAD, quad, Image.Resampling.BICUBIC)
    warped = warped.filter(ImageFilter.GaussianBlur(rng.uniform(0.3, 1.0) * w / 480))
    x = np.linspace(-1.0, 1.0, w, dtype=np.float32)[None, :]
    y = np.linspace(-1.0, 1.0, h, dtype=np.float32)[:, None]
    light = 1.0 + rng.uniform(-0.16, 0.16) * x + rng.uniform(-0.12, 0.12) * y
    light = (light - 0.13 * (x * x + y * y)) * rng.uniform(0.84, 1.14)
    warmth = rng.uniform(-0.10, 0.12)
    gains = np.array([1.0 + warmth, 1.0 + rng.uniform(-0.03, 0.03), 1.0 - warmth], np.float32)
    values = np.asarray(warped, np.float32) * light[..., None] * gains
    grain = np.random.Generator(np.random.PCG64(seed))
    # The sum of three even draws is close to a bell curve, and the same on every machine.
    rough = grain.integers(-64, 65, (3, h, w, 3), dtype=np.int8).sum(axis=0, dtype=np.int16)
    values += rough.astype(np.float32) * np.float32(rng.uniform(1.5, 5.5) / 64.0)
    shot = Image.fromarray(np.clip(values + 0.5, 0.0, 255.0).astype(np.uint8))
    packed = io.BytesIO()
    shot.save(packed, "JPEG", quality=rng.randrange(58, 86))
    return Image.open(packed).convert("RGB")
