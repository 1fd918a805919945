"""Pictures the protocols make: things that are no shoe, and wild photographs cut to the shoe.

No shoe is in: ``textures`` (noise, stripes, checks), ``faces`` (drawn ellipses with features),
``landscapes`` (sky, ridges of midpoint noise, sun, water), ``backgrounds`` (top corners of held-out
photographs, a fifth of the shorter side; those of studio pictures are nearly plain). All seeded.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from onnx_models.features import photograph
from onnx_models.scorecard.bench import WILD_SOURCES, Bench

COUNT: Final = 100
SIDE: Final = 240


def _rgb(rng: np.random.Generator, low: int = 0, high: int = 256) -> tuple[int, int, int]:
    red, green, blue = (int(v) for v in rng.integers(low, high, 3))
    return red, green, blue


def texture(rng: np.random.Generator) -> Image.Image:
    """Smooth noise between two colours, stripes, or checks."""
    first, second = np.array(_rgb(rng)), np.array(_rgb(rng))
    y, x = np.mgrid[0:SIDE, 0:SIDE]
    kind = int(rng.integers(3))
    if kind == 0:
        cells = int(rng.integers(3, 60))
        grid = Image.fromarray(rng.integers(0, 256, (cells, cells), dtype=np.uint8))
        share = np.asarray(grid.resize((SIDE, SIDE), Image.Resampling.BICUBIC)) / 255
    elif kind == 1:
        angle, period = rng.uniform(0, np.pi), rng.uniform(6, 60)
        share = (np.sin((x * np.cos(angle) + y * np.sin(angle)) * 2 * np.pi / period) + 1) / 2
    else:
        side = int(rng.integers(8, 60))
        share = ((x // side + y // side) % 2).astype(float)
    pixels = first + (second - first) * share[..., None] + rng.normal(0, 6, (SIDE, SIDE, 3))
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def face(rng: np.random.Generator) -> Image.Image:
    """A drawn head: hair, ellipse of skin, eyes, nose, mouth, shoulders."""
    picture = Image.new("RGB", (SIDE, SIDE), _rgb(rng, 60))
    pen = ImageDraw.Draw(picture)
    tone = rng.uniform(0.35, 1)
    skin = (int(245 * tone), int(205 * tone), int(175 * tone))
    x, y = SIDE / 2 + rng.uniform(-20, 20), SIDE / 2 + rng.uniform(-15, 15)
    w, h = rng.uniform(45, 65), rng.uniform(60, 80)
    hair, eye = _rgb(rng, 0, 130), _rgb(rng, 20, 140)
    pen.ellipse((x - 2 * w, y + h * 0.9, x + 2 * w, y + 3 * h), fill=_rgb(rng))
    pen.rectangle((x - w / 3, y + h * 0.7, x + w / 3, y + h * 1.2), fill=skin)
    pen.ellipse((x - w * 1.15, y - h * 1.2, x + w * 1.15, y + h * rng.uniform(0, 0.9)), fill=hair)
    pen.ellipse((x - w, y - h, x + w, y + h), fill=skin)
    for side in (-1, 1):
        cx = x + side * w * 0.4
        pen.ellipse((cx - 11, y - 24, cx + 11, y - 10), fill="white")
        pen.ellipse((cx - 5, y - 22, cx + 5, y - 12), fill=eye)
        pen.arc((cx - 14, y - 40, cx + 14, y - 20), 200, 340, fill=hair, width=4)
    pen.line((x, y - 5, x - 5, y + 18, x + 4, y + 18), fill=_rgb(rng, 60, 130), width=2)
    pen.chord((x - 20, y + 22, x + 20, y + 22 + rng.uniform(8, 28)), 0, 180, fill=(170, 50, 60))
    return picture.filter(ImageFilter.GaussianBlur(float(rng.uniform(0, 1.5))))


def landscape(rng: np.random.Generator) -> Image.Image:
    """A sky gradient with a sun, three ridges, and sometimes water."""
    top, low = np.array(_rgb(rng, 40)), np.array(_rgb(rng, 140))
    share = np.linspace(0, 1, SIDE)[:, None, None]
    sky = np.broadcast_to(top + (low - top) * share, (SIDE, SIDE, 3))
    picture = Image.fromarray(sky.astype(np.uint8))
    pen = ImageDraw.Draw(picture)
    sx, sy, radius = rng.uniform(20, 220), rng.uniform(15, 90), rng.uniform(8, 22)
    pen.ellipse((sx - radius, sy - radius, sx + radius, sy + radius), fill=(255, 245, 200))
    for ridge in range(3):
        level = SIDE * (0.45 + 0.15 * ridge)
        height = np.interp(np.arange(SIDE), np.linspace(0, SIDE, 12), rng.normal(0, 22, 12))
        height = level + height + rng.normal(0, 1.5, SIDE)
        points = [(column, float(height[column])) for column in range(SIDE)]
        pen.polygon([(0, SIDE), *points, (SIDE, SIDE)], fill=_rgb(rng, 20, 150 - 30 * ridge))
    if rng.random() < 0.4:
        pen.rectangle((0, int(SIDE * 0.82), SIDE, SIDE), fill=_rgb(rng, 60, 180))
    return picture.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.3, 1.5))))


def _drawn(draw: Callable[[np.random.Generator], Image.Image], number: int) -> list[Image.Image]:
    return [draw(np.random.default_rng([number, at])) for at in range(COUNT)]


def backgrounds(bench: Bench) -> list[Image.Image]:
    """Upper corners of held-out photographs, at most COUNT, wild photographs first."""
    rows = [
        row for row in np.flatnonzero(bench.held_out)
        if bench.photos[row].row.source != "zappos_triplets"
    ]  # fmt: skip
    rows.sort(key=lambda row: (bench.photos[row].row.setting != "wild", row))
    out = []
    for at, row in enumerate(rows[:COUNT]):
        image = photograph(bench.folder / bench.files[row])
        side = max(12, min(image.size) // 5)
        left = 0 if at % 2 else image.width - side
        crop = image.crop((left, 0, left + side, side))
        out.append(crop.resize((SIDE, SIDE), Image.Resampling.BICUBIC))
    return out


def localised(bench: Bench) -> list[Image.Image]:
    """The wild photographs (rows of :func:`wild_rows`) cut to the best box with a margin of 8 %.

    Where the localiser finds nothing, the whole photograph.
    """
    from app.vision.localise import open_localiser

    localiser = open_localiser(bench.settings)
    out = []
    for row in wild_rows(bench):
        image = photograph(bench.folder / bench.files[row])
        boxes = localiser.find(image) if localiser else []
        if boxes:
            box = max(boxes, key=lambda found: found.score)
            margin = 0.08 * max(box.right - box.left, box.bottom - box.top)
            image = image.crop((
                max(0, int(box.left - margin)), max(0, int(box.top - margin)),
                min(image.width, int(box.right + margin)),
                min(image.height, int(box.bottom + margin)),
            ))  # fmt: skip
        out.append(image)
    return out


def wild_rows(bench: Bench) -> list[int]:
    """Rows of WILD_SOURCES that are labelled wild and have a brand."""
    return [
        row for row, photo in enumerate(bench.photos)
        if photo.row.source in WILD_SOURCES and photo.row.setting == "wild" and photo.row.brand
    ]  # fmt: skip


PICTURES: Final[dict[str, tuple[str, Callable[[Bench], list[Image.Image]]]]] = {
    "textures": ("1", lambda _: _drawn(texture, 1)),
    "faces": ("1", lambda _: _drawn(face, 2)),
    "landscapes": ("1", lambda _: _drawn(landscape, 3)),
    "backgrounds": ("1", backgrounds),
    "localised": ("1", localised),
}
"""Name to (revision, maker); raise the revision when the pictures change."""
