"""Draws a design: a picture of one shoe from a given side."""

from __future__ import annotations

import random
from functools import lru_cache, partial
from typing import Final

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from app.sketch.canvas import Texture
from app.sketch.design import Design
from app.sketch.geometry import Floats, Shoe, build
from app.sketch.panels import paint
from app.sketch.raster import Camera, Frame, splat
from app.sketch.scene import FLOORS, Background, backdrop, phone_effects

VIEWS: Final[dict[str, Camera]] = {
    "side": Camera(0.0, 6.0),
    "medial": Camera(180.0, 6.0),
    "three_quarter": Camera(38.0, 17.0, distance=3.2),
    "top": Camera(0.0, 80.0),
    "back": Camera(-72.0, 14.0, distance=3.2),
}

# Goes up whenever the same design would be drawn differently: pictures are cached by it.
REVISION: Final = 1

_SUPERSAMPLE: Final = 2
_TEXELS: Final = 0.72  # texels per shoe length, as a share of the sampled width


def render(
    design: Design,
    view: str = "side",
    size: tuple[int, int] = (480, 360),
    background: Background | str = "white",
    seed: int = 0,
) -> Image.Image:
    """A picture of the design, RGB of the given size in pixels; the same arguments give the
    same bytes. view is one of VIEWS; background a Background or the name of one.

    Raises ValueError for an unknown view or background or a size under 32 pixels."""
    if view not in VIEWS:
        raise ValueError(f"unknown view {view!r}; known: {', '.join(VIEWS)}")
    return shoot(design, VIEWS[view], size, background, seed)


def shoot(
    design: Design,
    camera: Camera,
    size: tuple[int, int],
    background: Background | str = "white",
    seed: int = 0,
    fill: float = 0.86,
) -> Image.Image:
    """The same from any camera; fill is the share of the picture the shoe takes."""
    if min(size) < 32:
        raise ValueError(f"size {size!r} is under 32 pixels")
    place = Background(background) if isinstance(background, str) else background
    colour, alpha, shadow = shoe_layer(design, camera, size, seed, fill)
    ground = backdrop(place, size, camera.pitch)
    ground *= (1.0 - shadow * place.shadow)[..., None]
    picture = ground + (colour - ground) * alpha[..., None]
    return Image.fromarray(np.clip(picture + 0.5, 0.0, 255.0).astype(np.uint8))


def phone_photo(design: Design, seed: int, size: tuple[int, int] = (480, 480)) -> Image.Image:
    """A phone photograph of the shoe on some floor among other things, RGB; deterministic."""
    rng = random.Random(f"shot:{seed}")
    camera = Camera(rng.uniform(12.0, 46.0), rng.uniform(13.0, 30.0), rng.uniform(-7.0, 7.0), 3.0)
    place = Background(rng.choice(FLOORS), rng.randrange(1000), rng.randrange(0, 5), 0.9)
    scene = shoot(design, camera, size, place, seed, fill=rng.uniform(0.66, 0.80))
    return phone_effects(scene, seed)


# Several views of one shoe are usually asked for one after another.
@lru_cache(maxsize=8)
def _model(design: Design) -> Shoe:
    return build(design)


@lru_cache(maxsize=16)
def _texture(design: Design, unit: float, seed: int, surface: str) -> Texture:
    return paint(design, _model(design), unit, seed, surface)


def shoe_layer(
    design: Design, camera: Camera, size: tuple[int, int], seed: int, fill: float
) -> tuple[Floats, Floats, Floats]:
    """The shoe on its own: colour (h, w, 3) 0..255, cover (h, w) and ground shadow (h, w) 0..1."""
    shoe = _model(design)
    large = (size[0] * _SUPERSAMPLE, size[1] * _SUPERSAMPLE)
    frame = Frame(shoe, camera, large, fill)
    wear = partial(_texture, design, _TEXELS * large[0], seed)
    colour, alpha = splat(shoe, wear, frame, large)
    return colour, alpha, _shadow(shoe, frame, size)


def _shadow(shoe: Shoe, frame: Frame, size: tuple[int, int]) -> Floats:
    """A soft wide shadow and a dark one where the sole meets the ground."""
    half = (size[0] // 2, size[1] // 2)
    ring = frame.project(shoe.footprint)[:, :2] / (2 * _SUPERSAMPLE)
    reach = half[0] / 480.0
    out = np.zeros((half[1], half[0]), np.float32)
    for blur, weight, drop in ((11.0, 0.34, 3.0), (3.0, 0.42, 0.5)):
        layer = Image.new("L", half, 0)
        points = [(float(x), float(y) + drop * reach) for x, y in ring]
        ImageDraw.Draw(layer).polygon(points, fill=255)
        for _ in range(3):  # three boxes are near enough a Gaussian, and quicker
            layer = layer.filter(ImageFilter.BoxBlur(blur * reach))
        out += np.asarray(layer, np.float32) * (weight / 255.0)
    wide = Image.fromarray(np.minimum(out, 0.85)).resize(size, Image.Resampling.BILINEAR)
    return np.asarray(wide, np.float32)
