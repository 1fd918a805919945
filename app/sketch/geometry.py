"""The form of a shoe: curves per silhouette, lofted into grids of surface points.

Coordinates: x from the heel (0) to the toe tip (1), y up from the ground, z towards the lateral
side; the unit is the length of the shoe. A patch is a grid of points; u runs along the side of
the shoe from the middle of the heel (0) to the tip of the toe (1).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from app.sketch.design import Design
from app.sketch.forms import EDGES, FOOTPRINT, THICKNESS, THICKNESS_X, TOE_SPRING

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]

COLUMNS: Final = 121
UPPER_ROWS: Final = 25
SOLE_ROWS: Final = 18
LEDGE: Final = 0.16  # share of the sole patch that is the ledge the upper stands on

THROAT_TOP: Final = 0.42
THROAT_BOTTOM: Final = 0.71
SLIP_ON_FRONT: Final = 0.53


@dataclass(frozen=True, slots=True)
class Patch:
    """A grid of surface points and unit outward normals, both (rows, columns, 3).

    texture names what is painted on it. The grid may be several pieces of equal width side by
    side, each wearing the whole texture.
    """

    texture: str
    points: Floats
    normals: Floats
    pieces: int = 1


@dataclass(frozen=True, slots=True)
class Shoe:
    """All surfaces of one shoe and what the painter and the shadow need to know of it.

    side_xy: (UPPER_ROWS, COLUMNS, 2) where the upper's lateral grid lies seen from the side;
    footprint: (n, 3) closed outline of the sole on the ground; eyelets: u of each lace row.
    """

    patches: tuple[Patch, ...]
    side_xy: Floats
    footprint: Floats
    eyelets: tuple[float, ...]


def spline(keys: npt.ArrayLike, values: npt.ArrayLike, at: npt.ArrayLike) -> Doubles:
    """Catmull-Rom curve through values (k, ...) at rising keys (k,), read at points at (n,)."""
    knots = np.asarray(keys, np.float64)
    points = np.asarray(values, np.float64)
    where = np.asarray(at, np.float64)
    tail = (1,) * (points.ndim - 1)
    slopes = np.empty_like(points)
    gaps = np.diff(knots).reshape(-1, *tail)
    steps = np.diff(points, axis=0) / gaps
    slopes[0], slopes[-1] = steps[0], steps[-1]
    slopes[1:-1] = (points[2:] - points[:-2]) / (gaps[1:] + gaps[:-1])
    i = np.clip(np.searchsorted(knots, where, side="right") - 1, 0, len(knots) - 2)
    gap = gaps[i]
    t = (where.reshape(-1, *tail) - knots[i].reshape(-1, *tail)) / gap
    t2, t3 = t * t, t * t * t
    return np.asarray(
        (2 * t3 - 3 * t2 + 1) * points[i]
        + (t3 - 2 * t2 + t) * gap * slopes[i]
        + (3 * t2 - 2 * t3) * points[i + 1]
        + (t3 - t2) * gap * slopes[i + 1]
    )


def _mirrored(table: Doubles, signs: tuple[int, ...], toe: bool) -> Doubles:
    """A table of u, x, ... continued a little round the heel (and the toe) to the other side, so
    that the two halves of the shoe meet without a crease."""
    before = table[1] * signs
    before[0] = -table[1, 0]
    if not toe:
        return np.concatenate([before[None], table])
    after = table[-2] * signs
    after[0] = 2.0 - table[-2, 0]
    return np.concatenate([before[None], table, after[None]])


def _frozen(points: Doubles) -> Floats:
    # Rounding hides the last-bit differences of sin, cos and power between processors, so the
    # pictures that follow are the same bytes everywhere.
    return np.round(points, 5).astype(np.float32)


class _Builder:
    """Computes the shared curves of one design once, then each surface from them."""

    def __init__(self, design: Design) -> None:
        self.design = design
        self.u = np.linspace(0.0, 1.0, COLUMNS)
        outline = _mirrored(FOOTPRINT, (1, 1, -1, -1), toe=True)
        self.print = spline(outline[:, 0], outline[:, 1:], self.u)
        self.print[[0, -1], 1:] = 0.0
        x = self.print[:, 0]
        toe = np.clip((x - 0.62) / 0.38, 0.0, 1.0)
        heel = np.clip((0.07 - x) / 0.07, 0.0, 1.0)
        bevel = 0.014 if design.sole in ("foam", "chunky", "air") else 0.004
        self.ground = TOE_SPRING[design.sole] * toe**1.9 + bevel * heel**2
        thick = spline(THICKNESS_X, np.array(THICKNESS[design.sole]), x)
        self.bite = self.ground * 0.92 + thick * (1.0 + 0.16 * design.shape.sole)
        self.edge_table = self._edge_table()
        thickness = {"skate": 0.017, "chunky": 0.016, "runner": 0.010}
        self.tongue_thickness = thickness.get(design.silhouette, 0.012)

    def _edge_table(self) -> Doubles:
        shape = self.design.shape
        table = np.array(EDGES[self.design.silhouette])
        u = table[:, 0]
        toe = np.clip((u - 0.60) / 0.16, 0.0, 1.0)
        table[:, 2] *= (1.0 + 0.07 * shape.height) * (1.0 - toe) + (1.0 + 0.13 * shape.toe) * toe
        throat = np.exp(-(((u - 0.68) / 0.07) ** 2))
        table[:, 1] += 0.022 * shape.throat * throat
        return _mirrored(table, (1, 1, 1, -1), toe=False)

    def outline(self, side: int, grow: Doubles | float) -> Doubles:
        """Footprint (n, 2) as x, z on one side (1 lateral, -1 medial), moved outward by grow."""
        x = self.print[:, 0]
        z = self.print[:, 1 if side > 0 else 2]
        normal = self.outline_normal(side)
        return np.stack([x + normal[:, 0] * grow, z + normal[:, 1] * grow], axis=1)

    def outline_normal(self, side: int) -> Doubles:
        x = self.print[:, 0]
        z = self.print[:, 1 if side > 0 else 2]
        normal = np.stack([-np.gradient(z), np.gradient(x)], axis=1)
        normal[0], normal[-1] = (-1.0, 0.0), (1.0, 0.0)
        length = np.sqrt(np.sum(normal * normal, axis=1, keepdims=True))
        return np.asarray(normal / length)

    def edge(self, u: npt.ArrayLike) -> Doubles:
        """Edge of the upper (n, 3) as x, y, half width."""
        where = np.asarray(u, np.float64)
        values = spline(self.edge_table[:, 0], self.edge_table[:, 1:], where)
        x, height = values[:, 0], values[:, 1]
        bite = np.interp(x, self.print[:, 0], self.bite)
        return np.stack([x, bite + height, np.maximum(values[:, 2], 0.0)], axis=1)

    def upper(self, side: int) -> Doubles:
        base = self.outline(side, -0.012)
        edge = self.edge(self.u)
        normal = self.outline_normal(side)
        v = np.linspace(0.0, 1.0, UPPER_ROWS)[:, None]
        round_ = spline(
            [0.0, 0.3, 0.5, 0.64, 0.76, 1.0], [0.22, 0.30, 0.50, 0.8, 1.0, 1.0], self.u
        )[None, :]
        if self.design.silhouette == "slip_on":
            round_ = spline([0.0, 0.3, 0.46, 0.56, 1.0], [0.25, 0.4, 0.8, 1.0, 1.0], self.u)[
                None, :
            ]
        round_ = np.clip(round_, 0.0, 1.0)
        angle = v * (np.pi / 2)
        across = (1 - round_) * (1 - v) + round_ * np.cos(angle) ** 0.82
        along = (1 - round_) * v + round_ * np.sin(angle) ** 0.88
        puff = 0.85 if self.design.silhouette in ("chunky", "skate") else 0.45
        bulge = spline(
            [0.0, 0.1, 0.4, 0.7, 0.85, 1.0], [0.026, 0.017, 0.012, 0.008, 0.006, 0.0], self.u
        )
        out = bulge[None, :] * np.sin(np.pi * v**0.8) * np.ones_like(self.u)
        collar = np.clip((0.40 - self.u) / 0.06, 0.0, 1.0)[None, :]
        out += 0.010 * puff * collar * np.exp(-(((v - 0.90) / 0.09) ** 2))
        flare = (0.012 + 0.014 * self.design.shape.heel) * np.clip(1 - self.u / 0.12, 0.0, 1.0)
        out += flare[None, :] * v**6
        # Over the toe, lines of equal u must meet the middle line square on, or it would crease.
        ahead = across ** (1.0 + 0.9 * round_)
        x = edge[:, 0] + (base[:, 0] - edge[:, 0]) * ahead + normal[:, 0] * out
        z = edge[:, 2] + (base[:, 1] - edge[:, 2]) * across + normal[:, 1] * out
        low = (self.bite - 0.006)[None, :]
        y = low + (edge[:, 1][None, :] - low) * along
        return np.stack([x, y, side * z], axis=2)

    def sole(self, side: int) -> Doubles:
        style = self.design.sole
        wall = SOLE_ROWS - 3
        t = np.linspace(0.0, 1.0, wall)
        grow = np.zeros_like(t)
        if style in ("foam", "air"):
            grow = 0.014 * np.sin(np.pi * t) ** 0.8 - 0.006 * (1 - t)
        elif style == "chunky":
            grow = 0.012 + 0.011 * np.abs(np.sin(3.0 * np.pi * t)) ** 0.7 - 0.006 * t
        else:
            grow = 0.004 * np.sin(np.pi * t) ** 0.6 - 0.004 * (1 - t) ** 6
        heel = np.clip((0.10 - self.print[:, 0]) / 0.10, 0.0, 1.0)
        reach = {"foam": 0.020, "air": 0.014, "chunky": 0.026}.get(style, 0.0)
        # A runner's heel sticks out behind and hollows in the middle of the wall.
        rows = []
        for share, out in zip(t, grow, strict=True):
            swell = out + reach * heel * (1.0 - 0.6 * share)
            ring = self.outline(side, swell)
            y = self.ground + (self.bite - self.ground) * share
            rows.append(np.stack([ring[:, 0], y, side * ring[:, 1]], axis=1))
        for inward in (0.003, 0.010, 0.026):
            ring = self.outline(side, float(grow[-1]) - inward)
            y = self.bite + (0.002 if inward < 0.02 else 0.0)
            rows.append(np.stack([ring[:, 0], y, side * ring[:, 1]], axis=1))
        return np.stack(rows)

    def opening(self) -> float:
        return SLIP_ON_FRONT if self.design.silhouette == "slip_on" else THROAT_TOP + 0.015

    def lining(self, side: int) -> Doubles:
        u = np.linspace(0.0, self.opening(), 61)
        edge = self.edge(u)
        tangent = np.gradient(edge[:, [0, 2]], axis=0)
        tangent[0] = (0.0, 1.0)
        inward = np.stack([tangent[:, 1], -tangent[:, 0]], axis=1)
        inward /= np.maximum(np.linalg.norm(inward, axis=1, keepdims=True), 1e-6)
        if self.design.silhouette == "slip_on":
            inward[-1] = (-1.0, 0.0)
        pad = 0.014 if self.design.silhouette in ("runner", "chunky", "skate") else 0.010
        rows = []
        for angle in np.linspace(0.0, np.pi, 7):
            step = pad * (1 - np.cos(angle))
            x = edge[:, 0] + inward[:, 0] * step
            z = np.maximum(edge[:, 2] + inward[:, 1] * step, 0.0)
            rows.append(np.stack([x, edge[:, 1] + pad * np.sin(angle), side * z], axis=1))
        floor = np.interp(edge[:, 0], self.print[:, 0], self.bite) + 0.025
        for depth in np.linspace(0.12, 1.0, 8):
            x = edge[:, 0] + inward[:, 0] * (2 * pad - 0.02 * depth)
            z = np.maximum(edge[:, 2] + inward[:, 1] * (2 * pad - 0.025 * depth), 0.0)
            y = edge[:, 1] + (floor - edge[:, 1]) * depth
            rows.append(np.stack([x, y, side * z], axis=1))
        return np.stack(rows)

    def insole(self) -> Doubles:
        x = np.linspace(0.05, 0.72, 41)
        lateral = np.interp(x, self.print[:, 0], self.print[:, 1]) - 0.012
        medial = np.interp(x, self.print[:, 0], self.print[:, 2]) - 0.012
        share = np.linspace(0.0, 1.0, 9)[:, None]
        z = lateral * (1 - share) - medial * share
        y = np.interp(x, self.print[:, 0], self.bite) + 0.026
        return np.stack([np.broadcast_to(x, z.shape), np.broadcast_to(y, z.shape), z], axis=2)

    def tongue_path(self) -> Doubles:
        """Middle line of the tongue (61, 4): x, y, half width, share of the way up."""
        at = np.array([0.745, 0.68, 0.60, 0.51, THROAT_TOP])
        edge = self.edge(at)
        lift = np.array([-0.022, 0.000, 0.008, 0.012, 0.016])
        points = np.stack([edge[:, 0], edge[:, 1] + lift, edge[:, 2] + 0.006], axis=1)
        points[0, 2], points[1, 2] = 0.030, 0.040
        reach = {"low": 0.070, "mid": 0.058, "high": 0.052, "runner": 0.062, "skate": 0.058}.get(
            self.design.silhouette, 0.072
        )
        lean = -0.30 if self.design.silhouette == "high" else -0.42
        tip = points[-1] + np.array([lean * reach, 0.90 * reach, 0.004])
        points = np.concatenate([points, tip[None, :]])
        keys = np.array([0.0, 0.18, 0.38, 0.58, 0.80, 1.0])
        s = np.linspace(0.0, 1.0, 61)
        return np.concatenate([spline(keys, points, s), s[:, None]], axis=1)

    def frame(self, path: Doubles) -> Doubles:
        """Unit normals (n, 2) of the tongue's middle line, pointing up and forward."""
        tangent = np.gradient(path[:, :2], axis=0)
        tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
        return np.stack([tangent[:, 1], -tangent[:, 0]], axis=1)

    def tongue(self) -> Doubles:
        path = self.tongue_path()
        normal = self.frame(path)
        close = np.sqrt(np.clip((1.0 - path[:, 3]) / 0.07, 0.0, 1.0))
        width = path[:, 2] * (0.55 + 0.45 * close)
        around = np.linspace(0.0, 2 * np.pi, 33)[:, None]
        cos, sin = np.cos(around), np.sin(around)
        bow = 0.016 * (1.0 - cos**2) - 0.012
        out = self.tongue_thickness * close * sin + bow
        x = path[:, 0] + normal[:, 0] * out
        y = path[:, 1] + normal[:, 1] * out
        return np.stack([x, y, width * np.sign(cos) * np.abs(cos) ** 0.85], axis=2)

    def eyelets(self) -> tuple[float, ...]:
        """u of the lace rows, from the toe up."""
        if self.design.laces == "none" or self.design.silhouette == "slip_on":
            return ()
        top, bottom = THROAT_TOP + 0.022, THROAT_BOTTOM - 0.026
        rows = {"high": 8, "mid": 7, "skate": 6, "low": 7}.get(self.design.silhouette, 6)
        if self.design.laces == "straps":
            rows, top, bottom = (3, top + 0.02, bottom - 0.03)
        return tuple(float(u) for u in np.round(np.linspace(bottom, top, rows), 4))

    def lace_tubes(self) -> Doubles | None:
        """Lace pieces (pieces, around, along, 3), None for a shoe without."""
        rows = self.eyelets()
        if not rows:
            return None
        strap = self.design.laces == "straps"
        lateral, medial = self.upper(1), self.upper(-1)
        path = self.tongue_path()
        normal = self.frame(path)
        reach = 0.50 if strap else 0.90
        line = round(reach * (UPPER_ROWS - 1))
        left = np.array([_at(lateral[line], self.u, u) for u in rows])
        right = np.array([_at(medial[line], self.u, u) for u in rows])
        edges = self.edge(rows)
        # The nearest point of the tongue's middle line to each row of eyelets.
        near = [int(np.argmin(np.sum((path[:, :2] - e[:2]) ** 2, axis=1))) for e in edges]
        up = np.stack([normal[near, 0], normal[near, 1], np.zeros(len(rows))], axis=1)
        middle = np.stack([path[near, 0], path[near, 1], np.zeros(len(rows))], axis=1)
        pairs = [(i, i) for i in range(len(rows))]
        if self.design.laces in ("crossed", "tied"):
            last = len(rows) - 1
            pairs = [(0, 0)]
            for i in range(last):
                pairs += [(i, i + 1), (i + 1, i)]
        radius, flat = (0.036, 0.006) if strap else (0.0105, 0.0048)
        if self.design.laces in ("crossed", "tied"):
            radius, flat = 0.0078, 0.0056
        crest = self.tongue_thickness + 0.006
        tubes = []
        for n, (i, j) in enumerate(pairs):
            lift = crest + (0.005 if n % 2 and i != j else 0.0)
            centre = (middle[i] + middle[j]) / 2
            rise = (up[i] + up[j]) / 2
            over_l = np.array([edges[i][0], edges[i][1], edges[i][2]])
            over_r = np.array([edges[j][0], edges[j][1], -edges[j][2]])
            start = 0.30 if strap else 0.4
            stops = np.stack(
                [
                    left[i] + rise * 0.001 + [0, 0, 0.003],
                    left[i] * start + over_l * (1 - start) + rise * 0.007 + [0, 0, 0.004],
                    centre + rise * lift + [0, 0, 0.022],
                    centre + rise * lift - [0, 0, 0.022],
                    right[j] * start + over_r * (1 - start) + rise * 0.007 - [0, 0, 0.004],
                    right[j] + rise * 0.001 - [0, 0, 0.003],
                ]
            )
            ends = np.array([0.0, 0.22, 0.42, 0.58, 0.78, 1.0])
            wide = np.array([rise[1], -rise[0], 0.0])
            tubes.append(_tube(spline(ends, stops, np.linspace(0, 1, 31)), wide, radius, flat))
        if self.design.laces == "tied":
            knot = middle[-1] + up[-1] * 0.018
            tubes += [
                _tube(curve, np.array([0.5, 0.8, 0.1]), 0.0072, 0.0058) for curve in _bow(knot)
            ]
        return np.stack(tubes)


def _at(row: Doubles, keys: Doubles, u: float) -> list[float]:
    return [float(np.interp(u, keys, row[:, axis])) for axis in range(3)]


def _bow(knot: Doubles) -> list[Doubles]:
    """Two loops and two loose ends from the knot, each (31, 3)."""
    out = []
    t = np.linspace(0.0, 1.0, 31)
    for side in (1.0, -1.0):
        loop = np.array(
            [
                (0.0, 0.0, 0.0),
                (0.030, 0.016, 0.030 * side),
                (0.064, -0.018, 0.068 * side),
                (0.056, -0.062, 0.086 * side),
                (0.026, -0.040, 0.070 * side),
                (0.0, 0.0, 0.0),
            ]
        )
        end = np.array(
            [
                (0.0, 0.0, 0.0),
                (-0.012, 0.010, 0.030 * side),
                (-0.022, -0.020, 0.062 * side),
                (-0.018, -0.066, 0.084 * side),
            ]
        )
        out.append(knot + spline(np.linspace(0, 1, 6), loop, t))
        out.append(knot + spline(np.linspace(0, 1, 4), end, t))
    return out


def _tube(curve: Doubles, broad: Doubles, wide: float, thick: float) -> Doubles:
    """A flattened tube (13, n, 3) about a curve (n, 3), broad along a direction (3,)."""
    tangent = np.gradient(curve, axis=0)
    tangent /= np.maximum(np.linalg.norm(tangent, axis=1, keepdims=True), 1e-9)
    side = broad - tangent * (tangent @ broad)[:, None]
    side /= np.maximum(np.linalg.norm(side, axis=1, keepdims=True), 1e-9)
    lift = np.cross(side, tangent)
    # The ends close, so that a wide strap is cut round and not open like a pipe.
    near_end = np.minimum(np.arange(len(curve)), np.arange(len(curve))[::-1])
    close = np.clip(0.35 + near_end / 2.5, 0.0, 1.0)[:, None]
    around = np.linspace(0.0, 2 * np.pi, 13)[:, None, None]
    flat = side * (wide * close * np.cos(around))
    return np.asarray(curve + flat + lift * (thick * close * np.sin(around)))


def _patch(texture: str, points: Doubles, outward: float) -> Patch:
    """A patch; outward is the sign that turns the grid's cross product out of the shoe."""
    n = np.cross(np.gradient(points, axis=1), np.gradient(points, axis=0))
    if texture in ("upper", "sole", "lining"):
        # On the middle line the halves meet, and the surface faces straight back, up or ahead.
        n[..., 2][np.abs(points[..., 2]) < 1e-6] = 0.0
    length = np.linalg.norm(n, axis=-1, keepdims=True)
    return Patch(texture, _frozen(points), _frozen(n * (outward / np.maximum(length, 1e-9))))


def _joined(pieces: list[Patch]) -> Patch:
    """Patches of one size as one: drawing a patch has a fixed cost, and laces are many."""
    points = np.concatenate([piece.points for piece in pieces], axis=1)
    normals = np.concatenate([piece.normals for piece in pieces], axis=1)
    return Patch(pieces[0].texture, points, normals, len(pieces))


def build(design: Design) -> Shoe:
    """All surfaces of a design."""
    maker = _Builder(design)
    lateral = maker.upper(1)
    patches = [
        _patch("upper", lateral, 1.0),
        _patch("upper", maker.upper(-1), -1.0),
        _patch("sole", maker.sole(1), 1.0),
        _patch("sole", maker.sole(-1), -1.0),
        _patch("lining", maker.lining(1), 1.0),
        _patch("lining", maker.lining(-1), -1.0),
        _patch("insole", maker.insole(), 1.0),
    ]
    if design.silhouette != "slip_on":
        patches.append(_patch("tongue", maker.tongue(), -1.0))
    tubes = maker.lace_tubes()
    if tubes is not None:
        patches.append(_joined([_patch("laces", tube, 1.0) for tube in tubes]))
    ring = np.concatenate([maker.outline(1, 0.0), maker.outline(-1, 0.0)[::-1] * [1, -1]])
    flat = np.stack([ring[:, 0], np.zeros(len(ring)), ring[:, 1]], axis=1)
    return Shoe(tuple(patches), _frozen(lateral[..., :2]), _frozen(flat), maker.eyelets())
