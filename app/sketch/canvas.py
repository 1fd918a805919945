"""A surface to paint on: colour, relief and gloss together, and the grain of materials.

Row 0 of a texture is v = 0, the edge next to the sole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from app.sketch.geometry import Floats, spline

RGB = tuple[int, int, int]
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Texture:
    """colour: (h, w, 3) 0..255 with the relief's light and shade in it; gloss: (h, w) 0..1."""

    colour: Floats
    gloss: Floats


def mix(a: RGB, b: RGB, share: float) -> RGB:
    """Colour between a (share 0) and b (share 1)."""
    red, green, blue = (round(x + (y - x) * share) for x, y in zip(a, b, strict=True))
    return red, green, blue


def thread_colour(cloth: RGB) -> RGB:
    """A stitching colour that shows on the cloth without shouting."""
    light = sum(cloth) / 3
    return mix(cloth, (255, 255, 255), 0.35) if light < 110 else mix(cloth, (40, 36, 34), 0.30)


def curve(points: Sequence[Point], steps: int = 10) -> list[Point]:
    """Smooth polyline through points."""
    keys = np.arange(len(points), dtype=np.float64)
    at = np.linspace(0.0, len(points) - 1.0, (len(points) - 1) * steps + 1)
    values = np.round(spline(keys, np.array(points), at), 5)
    return [(float(x), float(y)) for x, y in values]


class Canvas:
    """Colour, height and gloss images of one surface, drawn together.

    width, height in texels; coordinates are u, v in 0..1; unit is texels per shoe length.
    """

    def __init__(self, size: tuple[int, int], unit: float, colour: RGB, gloss: int) -> None:
        self.size = size
        self.unit = unit
        self.colour = Image.new("RGB", size, colour)
        self.relief = Image.new("L", size, 110)
        self.gloss = Image.new("L", size, gloss)
        self.cloth = Image.new("L", size, 255)  # where the base material still shows
        self._draw = ImageDraw.Draw(self.colour)
        self._relief = ImageDraw.Draw(self.relief)
        self._gloss = ImageDraw.Draw(self.gloss)
        self._cloth = ImageDraw.Draw(self.cloth)

    def texels(self, points: Sequence[Point]) -> list[Point]:
        w, h = self.size
        return [(u * w, v * h) for u, v in points]

    def panel(
        self,
        points: Sequence[Point],
        colour: RGB,
        *,
        raised: int = 12,
        gloss: int | None = 110,
        seam: Sequence[Point] | None = None,
        cloth: bool = False,
    ) -> None:
        """A piece of upper laid on what is below; seam is the stitched part of its edge."""
        where = self.texels(points)
        self._draw.polygon(where, fill=colour)
        self._relief.polygon(where, fill=min(255, 110 + raised))
        if gloss is not None:
            self._gloss.polygon(where, fill=gloss)
        self._cloth.polygon(where, fill=255 if cloth else 0)
        if seam is not None:
            edge = self.texels(seam)
            self._draw.line(edge, fill=mix(colour, (0, 0, 0), 0.30), width=self.px(0.0022))
            centre = np.mean(np.array(where), axis=0)
            self.stitches(edge, thread_colour(colour), (float(centre[0]), float(centre[1])))

    def px(self, length: float) -> int:
        """A length in shoe lengths as a whole number of texels, at least one."""
        return max(1, round(length * self.unit))

    def stitches(self, edge: Sequence[Point], colour: RGB, towards: Point) -> None:
        """Dashes along a texel polyline, set in a little towards a point."""
        line = np.array(edge)
        step = np.hypot(*np.diff(line, axis=0).T)
        along = np.concatenate([[0.0], np.cumsum(step)])
        if along[-1] < 1.0:
            return
        inset, dash, gap = 0.008 * self.unit, 0.0075 * self.unit, 0.0045 * self.unit
        starts = np.arange(gap, along[-1] - dash, dash + gap)
        tangent = np.gradient(line, axis=0)
        normal = np.stack([-tangent[:, 1], tangent[:, 0]], axis=1)
        normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-9)
        facing = np.sum(normal * (np.array(towards) - line), axis=1)
        line = line + normal * np.sign(np.median(facing)) * inset
        for start in starts:
            ends = [
                (float(np.interp(s, along, line[:, 0])), float(np.interp(s, along, line[:, 1])))
                for s in (start, start + dash)
            ]
            self._draw.line(ends, fill=colour, width=self.px(0.0024))
            self._relief.line(ends, fill=124, width=self.px(0.0024))

    def line(self, points: Sequence[Point], colour: RGB, width: float, raised: int = -14) -> None:
        """A line of a width in shoe lengths; raised below zero is a groove."""
        where = self.texels(points)
        self._draw.line(where, fill=colour, width=self.px(width), joint="curve")
        self._relief.line(where, fill=110 + raised, width=self.px(width), joint="curve")

    def disc(self, at: Point, radius: float, colour: RGB, raised: int) -> None:
        """A dot of a radius in shoe lengths."""
        (x, y), r = self.texels([at])[0], radius * self.unit
        self._draw.ellipse((x - r, y - r, x + r, y + r), fill=colour)
        self._relief.ellipse((x - r, y - r, x + r, y + r), fill=110 + raised)

    def text(self, at: Point, words: str, height: float, colour: RGB, turned: bool = False) -> None:
        """Words centred at a point, letters of a height in shoe lengths, upright when worn."""
        font = ImageFont.load_default(size=max(6.0, height * self.unit * 1.35))
        left, top, right, bottom = font.getbbox(words)
        label = Image.new("L", (int(right - left) + 2, int(bottom - top) + 2), 0)
        ImageDraw.Draw(label).text((1 - left, 1 - top), words, fill=255, font=font)
        # Row 0 is the bottom of the shoe, so letters are painted upside down.
        label = label.transpose(Image.Transpose.FLIP_TOP_BOTTOM)
        if turned:
            label = label.transpose(Image.Transpose.ROTATE_90)
        x, y = self.texels([at])[0]
        corner = (int(x - label.width / 2), int(y - label.height / 2))
        self.colour.paste(colour, corner, label)

    def stamp(self, mask: npt.NDArray[np.bool_], colour: RGB, raised: int, gloss: int) -> None:
        """Colours a free-form region (h, w)."""
        picture = Image.fromarray(mask)
        self.colour.paste(colour, (0, 0), picture)
        self.relief.paste(110 + raised, (0, 0), picture)
        self.gloss.paste(gloss, (0, 0), picture)
        self.cloth.paste(0, (0, 0), picture)

    def finish(self, grain: Floats, shade: Floats) -> Texture:
        """Bakes the relief, the material's grain (h, w, in levels) and a shade (h, w factor)."""
        soft = self.relief.filter(ImageFilter.BoxBlur(self.unit * 0.0014))
        height = np.asarray(soft, np.float32)
        wide = self.relief.filter(ImageFilter.BoxBlur(self.unit * 0.007))
        hollow = np.asarray(wide, np.float32)
        hollow -= height
        np.clip(hollow, 0.0, 26.0, out=hollow)
        # Light from above and a little from the toe: edges that face it are lit.
        lit = np.zeros_like(height)
        lit[1:-1] += height[:-2] - height[2:]
        lit[:, 1:-1] += (height[:, :-2] - height[:, 2:]) * 0.5
        np.clip(lit, -26.0, 22.0, out=lit)
        factor = (1.0 - hollow * 0.017) * shade
        lit *= 1.25
        lit += grain * (np.asarray(self.cloth, np.float32) * (0.75 / 255.0) + 0.25)
        colour = np.asarray(self.colour, np.float32) * factor[..., None]
        colour += lit[..., None]
        return Texture(colour, np.asarray(self.gloss, np.float32) / 255.0)


def noise(size: tuple[int, int], seed: int, blur: float) -> Floats:
    """Smooth noise (h, w), mean about 0, most of it within -1..1; size is (width, height)."""
    w, h = size
    rng = np.random.Generator(np.random.PCG64(seed))
    raw = Image.fromarray(rng.integers(0, 256, (h, w), dtype=np.uint8))
    if blur > 0:
        raw = raw.filter(ImageFilter.BoxBlur(blur))
    values = np.asarray(raw, np.float32) - 127.5
    spread = 74.0 / max(1.0, 2.0 * blur + 1.0)
    return np.asarray(values / (2.0 * spread), np.float32)


def blotches(size: tuple[int, int], seed: int, span: float) -> Floats:
    """Soft patches about span pixels wide, (h, w), -0.5..0.5."""
    w, h = size
    rng = np.random.Generator(np.random.PCG64(seed))
    coarse = rng.integers(0, 256, (max(2, int(h / span) + 2), max(2, int(w / span) + 2)), np.uint8)
    picture = Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC)
    return np.asarray(picture, np.float32) / 255.0 - 0.5


def material_grain(material: str, size: tuple[int, int], unit: float, seed: int) -> Floats:
    """Light and dark of a material's surface, (h, w) in levels."""
    w, h = size
    x = np.arange(w, dtype=np.int32)[None, :]
    y = np.arange(h, dtype=np.int32)[:, None]
    fine = noise(size, seed, 0.6)
    if material == "mesh":
        step = max(4, round(unit * 0.0105))
        half = step // 2
        row = y // step
        dx = (x + (row % 2) * half) % step - half
        dy = y % step - half
        hole = (dx * dx + dy * dy) < (step * 0.30) ** 2
        return np.asarray(np.where(hole, -36.0, 5.0) + fine * 2.0, np.float32)
    if material == "canvas":
        step = max(2, round(unit * 0.0045))
        over = ((x // step) + (y // step)) % 2
        return np.asarray(over * 10.0 - 5.0 + fine * 3.5, np.float32)
    if material == "knit":
        step = max(4, round(unit * 0.0110))
        slant = np.abs(x % (2 * step) - step)
        rib = (y + slant) % step
        return np.asarray(np.where(rib < step * 0.35, -15.0, 4.5) + fine * 3.0, np.float32)
    if material == "suede":
        return np.asarray(noise(size, seed + 1, 4.0) * 6.5 + fine * 6.0, np.float32)
    return np.asarray(noise(size, seed + 1, 2.0) * 2.6 + fine * 0.8, np.float32)


def resample(grid: Floats, at_row: Floats, at_column: Floats) -> tuple[Floats, ...]:
    """Linear interpolation of a grid (r, c, k) at rows (m,) and columns (n,): k arrays (m, n)."""
    rows, columns, depth = grid.shape
    r = np.minimum(at_row.astype(np.int32), rows - 2)
    c = np.minimum(at_column.astype(np.int32), columns - 2)
    fr = (at_row - r).astype(np.float32)[:, None]
    fc = (at_column - c).astype(np.float32)[None, :]
    out = []
    for k in range(depth):
        plane = grid[..., k]
        tall = plane[r] * (1 - fr) + plane[r + 1] * fr
        dense = (tall[:, 1:] - tall[:, :-1]).take(c, axis=1)
        dense *= fc
        dense += tall.take(c, axis=1)
        out.append(dense)
    return tuple(out)
