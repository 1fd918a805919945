"""A solid shoe, made of one picture of its side.

A cut-out tells a shoe's height and colours wherever it is looked at from its side; what it does not
tell is what shoes have in common, and that is added here: from above a foot's outline, narrower at
waist and heel, bent towards its fellow; walls that lean in towards a closed toe, a throat across
which the upper edge's colours go on (laces, tongue), a collar with a lining; below an outsole of
the colour of its visible edge, with a tread. Lining and tread are drawn by lot, the rest is the
picture's.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import cv2
import numpy as np

from onnx_models.dataset import F32, I64, U8

SAMPLES: Final = 50_000
"""Points on the surface: two or three for each pixel of the view."""
WIDE: Final = 0.165
"""Half the greatest width, in lengths of the shoe."""
OUTLINE: Final = (
    (0.0, 0.02, 0.06, 0.13, 0.25, 0.42, 0.58, 0.72, 0.84, 0.92, 0.97, 1.0),
    (0.0, 0.42, 0.65, 0.79, 0.84, 0.81, 0.9, 1.0, 0.95, 0.76, 0.48, 0.0),
)
"""An outsole's half width, in its greatest, from heel to toe."""
TOPS: Final = ((0.0, 0.34, 0.48, 0.62, 0.76), (0.6, 0.55, 0.45, 0.3, 0.0))
"""What is left of it at the upper edge, from heel to toe: a collar, a throat, a closed toe."""
BEND: Final = 0.045
"""How far the toe lies beside the heel's axis, in lengths."""
SOLE: Final = 0.1
"""Height below which a shoe does not lean in, in lengths."""
COLLAR: Final = (0.05, 0.27, 0.45)
"""Where the opening begins, and between what places the tongue's tip ends it."""
RIM: Final = 0.78
"""Share of the collar's width that is open."""
DEEP: Final = 0.17
"""How deep one sees into it, in lengths."""
OPENS: Final = 0.24
"""Height above which a shoe has a collar, in lengths: sandals have none."""
HEEL: Final = 0.3
"""Share of the length behind which a shoe is a heel."""
PLAIN: Final = 0.5
"""Share of the outsoles that are one colour all along."""
MOTLEY: Final = 0.3
"""Share that have another of the shoe's colours in a part."""
STEEP: Final = 5.0
"""Where a surface falls away faster, its points are as many as if it fell so."""
EDGE: Final = 3
"""Outermost pixels, half of the backdrop's colour, are painted with the nearest inside."""
LEAST: Final = 400
"""Pixels below which there is no shoe to turn."""


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
        return joined([self, Surface(moved, self.normals * mirror, self.colours)])


def joined(parts: list[Surface]) -> Surface:
    """All of them."""
    return Surface(*(np.concatenate(some).astype(np.float32) for some in zip(*parts, strict=True)))


class Solid(NamedTuple):
    """A cut-out (s, s): its ``mask``, colours (s, s, 3), length in pixels. Of its c ``columns``:
    half widths in pixels at every height (s, c), ``along`` (c,), 0 at the heel and 1 at the toe,
    ``top`` and ``low`` rows, half widths on the ground and at the upper edge (c,), and which are
    the collar's."""

    mask: U8
    colours: U8
    length: int
    columns: I64
    half: F32
    along: F32
    top: I64
    low: I64
    ground: F32
    upper: F32
    collar: I64


def solid(rgba: U8) -> Solid | None:
    """Of a cut-out (s, s, 4); None where it holds no shoe."""
    mask = (rgba[..., 3] > 127).astype(np.uint8)
    if mask.sum() < LEAST:
        return None
    columns = np.flatnonzero(mask.any(axis=0))
    length = int(columns[-1] - columns[0]) + 1
    top = mask.argmax(axis=0)[columns]
    low = (len(mask) - 1 - mask[::-1].argmax(axis=0))[columns]
    along = ((columns - columns[0]) / max(length - 1, 1)).astype(np.float32)
    high = low - top + 1
    third = max(len(columns) // 3, 1)
    if high[:third].mean() < high[-third:].mean():  # the lower end is the toe
        along = 1 - along
    ground = (WIDE * length * np.interp(along, *OUTLINE)).astype(np.float32)
    leaves = np.interp(along, *TOPS).astype(np.float32)
    collar = _collar(along, high, length)
    rows = np.arange(len(mask))[:, None]
    sole = np.minimum(SOLE * length, 0.4 * high)
    risen = np.clip((low - rows - sole) / np.maximum(high - sole, 1), 0, 1)
    wide = WIDE * length * np.interp(_behind(mask[:, columns], along), *OUTLINE)
    half = (wide * (leaves + (1 - leaves) * np.sqrt(1 - risen * risen))).astype(np.float32)
    colours, upper = _inner(rgba, mask), half[top, np.arange(len(columns))]
    return Solid(mask, colours, length, columns, half, along, top, low, ground, upper, collar)


def _behind(mask: U8, along: F32) -> F32:
    """How far along the shoe each pixel (s, c) lies, where heels begin further on as they do in
    that row: a heel is round at every height."""
    begins = np.where(mask > 0, along, 1).min(axis=1)[:, None]
    begins = np.where(begins < HEEL / 2, begins, 0)
    return np.asarray(along - begins * np.clip(1 - along / HEEL, 0, 1), np.float32)


def _collar(along: F32, high: I64, length: int) -> I64:
    """Which columns are the opening's: from the heel to the tongue's tip."""
    first, least, most = COLLAR
    some = np.flatnonzero((along > least) & (along < most))
    if not len(some) or high.max() < OPENS * length:
        return np.empty(0, np.int64)
    tip = along[some[high[some].argmax()]]
    return np.flatnonzero((along > first) & (along < tip - 0.02))


def _nearest(known: U8) -> I64:
    """For each pixel the flat place (s, s) of the nearest where ``known`` (s, s) is not 0."""
    _, label = cv2.distanceTransformWithLabels(
        1 - known, cv2.DIST_L2, 3, labelType=cv2.DIST_LABEL_PIXEL
    )
    place = np.zeros(int(label.max()) + 1, np.int64)
    spots = np.flatnonzero(known)
    place[label.flat[spots]] = spots
    return np.asarray(place[label], np.int64)


def filled(picture: U8, known: U8) -> U8:
    """A picture (s, s, 3), every pixel as the nearest ``known`` (s, s) one."""
    return np.asarray(picture.reshape(-1, 3)[_nearest(known)], np.uint8)


def _inner(rgba: U8, mask: U8) -> U8:
    core = np.asarray(cv2.erode(mask, np.ones((3, 3), np.uint8), iterations=EDGE), np.uint8)
    picture = rgba[..., :3]
    return filled(picture, core) if core.sum() >= LEAST / 2 else picture


class _Points:
    """Points of a solid, as many a pixel of surface everywhere."""

    def __init__(self, shoe: Solid, rng: np.random.Generator) -> None:
        self.shoe, self.rng = shoe, rng
        self.hand = 1 if rng.random() < 0.5 else -1
        self.shown = shoe.colours[shoe.mask > 0]

    def picked(self, areas: F32, density: float) -> I64:
        """Places, each as often as its area says."""
        edges = np.cumsum(areas)
        count = int(density * edges[-1])
        spread = (np.arange(count) + self.rng.random(count)) / max(count, 1) * edges[-1]
        return np.asarray(np.searchsorted(edges, spread).clip(max=len(edges) - 1), np.int64)

    def spread(self, count: int) -> F32:
        """Even between -1 and 1."""
        return self.rng.uniform(-1, 1, count).astype(np.float32)

    def placed(
        self, at: I64, rows: F32, depth: F32, normals: F32, colours: F32 | U8,
        aside: F32 | None = None,
    ) -> Surface:  # fmt: skip
        """Of columns ``at`` (n,), places among the shoe's, and so far beside them; in pixels."""
        shoe = self.shoe
        bent = self.hand * BEND * shoe.length * (shoe.along[at] - 0.35) ** 2 / 0.42
        across = shoe.columns[at] + (0.5 * self.spread(len(at)) if aside is None else aside)
        middle = (shoe.columns[0] + shoe.columns[-1]) / 2, (shoe.top.min() + shoe.low.max()) / 2
        points = np.stack([across - middle[0], middle[1] - rows, depth + bent], axis=1)
        return Surface(
            (points / shoe.length).astype(np.float32),
            np.broadcast_to(normals, points.shape).astype(np.float32),
            np.broadcast_to(colours, points.shape).astype(np.float32),
        )

    def sides(self, density: float) -> Surface:
        """Both, each with the whole picture on it."""
        shoe = self.shoe
        ys, columns = np.nonzero(shoe.mask[:, shoe.columns])
        down, along = np.asarray(np.gradient(shoe.half), np.float32)
        fall = np.stack([along[ys, columns], down[ys, columns]])
        slope = np.sqrt(1 + np.minimum(fall * fall, STEEP * STEEP).sum(axis=0))
        picked = self.picked(np.concatenate([slope, slope]), density)
        at = picked % len(ys)
        sign = np.where(picked < len(ys), np.float32(1), np.float32(-1))
        y, column = ys[at], columns[at]
        off = 0.5 * self.spread(len(at))
        aside = 0.5 * self.spread(len(at))
        depth = (shoe.half[y, column] + fall[0, at] * aside + fall[1, at] * off) * sign
        normals = np.stack([-fall[0, at], fall[1, at], sign], axis=1) / slope[at, None]
        colours = shoe.colours[y, shoe.columns[column]]
        return self.placed(column, y + off, depth, normals, colours, aside)

    def roof(self, density: float) -> Surface:
        """What closes a shoe above: the throat, and the collar's rim."""
        shoe = self.shoe
        at = self.picked(2 * shoe.upper + 0.01, density)
        across = self.spread(len(at))
        shut = ~np.isin(at, shoe.collar) | (np.abs(across) > RIM)
        at, across = at[shut], across[shut]
        rows = shoe.top[at]
        colours = shoe.colours[np.minimum(rows + 1, shoe.low[at]), shoe.columns[at]]
        # A little vaulted.
        return self.placed(
            at, rows - 0.12 * shoe.upper[at] * (1 - across**2), across * shoe.upper[at],
            np.array([0, 1, 0], np.float32), colours,
        )  # fmt: skip

    def opening(self, density: float) -> list[Surface]:
        """What one sees in the collar: a floor, and walls around it."""
        shoe, rng = self.shoe, self.rng
        if len(shoe.collar) < 4:
            return []
        lining, insole = self.lining(), self.lining()
        high = shoe.low - shoe.top
        deep = np.minimum(DEEP * shoe.length, 0.6 * high[shoe.collar].mean())
        floor = shoe.top[shoe.collar].mean() + deep
        inner = RIM * shoe.upper
        at = shoe.collar[self.picked(2 * inner[shoe.collar] + 0.01, density)]
        across = self.spread(len(at))
        colours = np.where((shoe.along[at] < 0.22)[:, None], insole, 0.75 * lining)
        up = np.array([0, 1, 0], np.float32)
        parts = [self.placed(at, np.full(len(at), floor), across * inner[at], up, colours)]
        sides = shoe.collar[self.picked(np.full(len(shoe.collar), 2 * deep), density)]
        hand = np.where(rng.random(len(sides)) < 0.5, 1, -1)
        inward = np.stack([np.zeros(len(sides)), np.zeros(len(sides)), -hand], axis=1)
        falls = rng.random(len(sides))
        rows = shoe.top[sides] + falls * np.maximum(floor - shoe.top[sides], 0)
        parts.append(self.placed(sides, rows, hand * inner[sides], inward, lining))
        heel, tip = shoe.collar[np.argsort(shoe.along[shoe.collar])[[0, -1]]]
        toeward = 1.0 if shoe.columns[tip] > shoe.columns[heel] else -1.0
        tongue = shoe.colours[min(shoe.top[tip] + 2, shoe.low[tip]), shoe.columns[tip]]
        for column, way, colour in ((heel, toeward, lining), (tip, -toeward, 0.7 * tongue)):
            wall = np.full(int(density * 2 * inner[column] * deep), column)
            rows = shoe.top[column] + rng.random(len(wall)) * max(floor - shoe.top[column], 1)
            normal = np.array([way, 0, 0], np.float32)
            parts.append(
                self.placed(wall, rows, self.spread(len(wall)) * inner[column], normal, colour)
            )
        return parts

    def lining(self) -> F32:
        """Dark, pale, or one of the shoe's colours."""
        rng, kind = self.rng, self.rng.random()
        if kind < 0.35:
            return np.asarray(rng.uniform(20, 70) + rng.normal(0, 6, 3), np.float32)
        if kind < 0.55:
            return np.asarray(rng.uniform(170, 235) + rng.normal(0, 6, 3), np.float32)
        return np.asarray(rng.choice(self.shown) * rng.uniform(0.6, 1.0), np.float32)

    def underside(self, density: float) -> Surface:
        """The outsole: the colour of its visible edge along the shoe, or one for all of it."""
        shoe, rng = self.shoe, self.rng
        at = self.picked(2 * shoe.ground + 0.01, density)
        across = self.spread(len(at))
        depth = across * shoe.ground[at]
        place = np.stack([shoe.along[at], depth / shoe.length])
        colours = self.outsole()[at] * tread(place, rng)[:, None]
        if rng.random() < MOTLEY:  # another colour in a part of it
            other = rng.choice(self.shown)
            low, high = np.sort(rng.uniform(0, 1, 2))
            zone = (place[0] > low) & (place[0] < high) & (np.abs(across) < rng.uniform(0.5, 1))
            colours[zone] = other
        down = np.array([0, -1, 0], np.float32)
        return self.placed(at, shoe.low[at].astype(np.float32), depth, down, colours)

    def outsole(self) -> F32:
        """Its colour by column (c, 3), as the lowest pixels show it, a toe that is lifted as what
        lies behind it."""
        shoe = self.shoe
        rows = np.maximum(shoe.low - np.arange(4)[:, None], 0)
        edge = np.median(shoe.colours[rows, shoe.columns], axis=0)
        ground = shoe.low >= shoe.low.max() - 0.06 * shoe.length
        some = np.flatnonzero(ground & (shoe.along > 0.05) & (shoe.along < 0.9))
        if len(some) < 8:
            some = np.arange(len(shoe.columns))
        if self.rng.random() < PLAIN:
            return np.broadcast_to(np.median(edge[some], axis=0), edge.shape).astype(np.float32)
        near = some[np.abs(np.subtract.outer(np.arange(len(edge)), some)).argmin(axis=1)]
        wide = max(shoe.length // 6, 3)
        blurred = cv2.blur(edge[near][:, None].astype(np.float32), (1, wide)).reshape(-1, 3)
        return np.asarray(blurred, np.float32)


def tread(place: F32, rng: np.random.Generator) -> F32:
    """How bright an outsole is (n,) at places (2, n), along and across in lengths: bars, chevrons,
    circles about ball and heel, or blocks, deeper or shallower."""
    along, across = place
    kind, pitch = int(rng.integers(5)), rng.uniform(0.03, 0.09)
    if kind == 0:
        wave = along
    elif kind == 1:
        wave = along + rng.uniform(0.5, 1.2) * np.abs(np.mod(across, 2 * pitch) - pitch)
    elif kind == 2:
        ball, heel = (np.hypot(along - at, across) for at in (0.7, 0.15))
        wave = np.minimum(ball, heel)
    elif kind == 3:
        wave = along + across * rng.uniform(-1, 1)
    else:
        lines = np.sin(2 * np.pi * along / pitch), np.sin(2 * np.pi * across / pitch)
        return np.asarray(1 - rng.uniform(0.1, 0.45) * (np.minimum(*lines) > -0.2), np.float32)
    low = np.sin(2 * np.pi * wave / pitch) > rng.uniform(-0.5, 0.5)
    return np.asarray(1 - rng.uniform(0.08, 0.4) * low, np.float32)


def sampled(shoe: Solid, rng: np.random.Generator) -> Surface:
    """About SAMPLES points of it."""
    points = _Points(shoe, rng)
    area = 2.4 * float(shoe.mask.sum()) + 2 * float((shoe.ground + shoe.upper).sum())
    density = SAMPLES / area
    return joined([
        points.sides(density), points.roof(density), *points.opening(density),
        points.underside(density),
    ])  # fmt: skip
