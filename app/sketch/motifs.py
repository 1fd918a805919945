"""The signs brands put on the side of a shoe, all invented, as shapes in a unit box."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from app.sketch.canvas import Point, curve


def _motif_shapes(name: str) -> list[list[Point]]:
    """Polygons of a motif in a unit box, x towards the toe, y up."""
    if name == "wave":
        t = np.linspace(0.0, 1.0, 41)
        mid = 0.5 + 0.26 * np.round(np.sin(t * 6.6 + 0.6), 5)
        half = 0.05 + 0.11 * t
        return [[*zip(t, mid + half, strict=True), *zip(t[::-1], (mid - half)[::-1], strict=True)]]
    if name == "bolt":
        return [
            [(0.0, 0.30), (0.42, 0.94), (0.46, 0.60), (1.0, 0.86), (0.52, 0.08), (0.48, 0.40)],
        ]
    if name == "chevrons":
        return [
            [
                (x, 0.05), (x + 0.16, 0.05), (x + 0.36, 0.5), (x + 0.16, 0.95), (x, 0.95),
                (x + 0.20, 0.5),
            ]
            for x in (0.0, 0.32, 0.64)
        ]  # fmt: skip
    if name == "fin":
        top = curve([(0.0, 0.10), (0.30, 0.62), (0.62, 0.96), (1.0, 1.0)])
        low = curve([(1.0, 1.0), (0.70, 0.62), (0.60, 0.10)])
        return [[*top, *low]]
    if name == "peaks":
        return [
            [(0.0, 0.08), (0.34, 0.95), (0.50, 0.55), (0.40, 0.55), (0.33, 0.68), (0.14, 0.08)],
            [(0.40, 0.08), (0.68, 0.80), (1.0, 0.08), (0.84, 0.08), (0.68, 0.48), (0.54, 0.08)],
        ]
    if name == "comet":
        tail = [[(0.0, y), (0.62, y + 0.02), (0.62, y + 0.15), (0.02, y + 0.07)] for y in
                (0.20, 0.45, 0.70)]  # fmt: skip
        return [*tail, _round_shape(0.78, 0.52, 0.20, 0.44)]
    if name == "lattice":
        bars = []
        for x in (0.0, 0.22, 0.44, 0.66):
            bars.append([(x, 0.0), (x + 0.09, 0.0), (x + 0.34, 1.0), (x + 0.25, 1.0)])
            bars.append([(x + 0.25, 0.0), (x + 0.34, 0.0), (x + 0.09, 1.0), (x, 1.0)])
        return bars
    if name == "leaf":
        upper = curve([(0.0, 0.25), (0.35, 0.80), (0.75, 0.92), (1.0, 0.75)])
        lower = curve([(0.96, 0.66), (0.70, 0.72), (0.40, 0.55), (0.06, 0.20)])
        under = curve([(0.12, 0.16), (0.45, 0.48), (0.70, 0.62), (0.95, 0.60)])
        last = curve([(0.95, 0.55), (0.80, 0.20), (0.40, 0.06), (0.14, 0.10)])
        return [[*upper, *lower], [*under, *last]]
    return []


def _round_shape(x: float, y: float, rx: float, ry: float) -> list[Point]:
    angle = np.linspace(0.0, 2 * np.pi, 33)
    xs, ys = np.round(x + rx * np.cos(angle), 5), np.round(y + ry * np.sin(angle), 5)
    return [(float(a), float(b)) for a, b in zip(xs, ys, strict=True)]


def motif_mask(name: str) -> npt.NDArray[np.bool_]:
    """The motif in its unit box, (160, 320), row 0 at the bottom."""
    picture = Image.new("L", (320, 160), 0)
    pen = ImageDraw.Draw(picture)
    for shape in _motif_shapes(name):
        pen.polygon([(x * 319, y * 159) for x, y in shape], fill=255)
    rings = {
        "ring": [(0.5, 0.5, 0.24, 0.48, True), (0.5, 0.5, 0.15, 0.30, False)],
        "orbit": [
            (0.5, 0.5, 0.48, 0.34, True),
            (0.5, 0.5, 0.41, 0.22, False),
            (0.5, 0.5, 0.11, 0.22, True),
        ],
    }
    for x, y, rx, ry, ink in rings.get(name, []):
        pen.polygon(
            [(a * 319, b * 159) for a, b in _round_shape(x, y, rx, ry)], fill=255 if ink else 0
        )
    return np.asarray(picture) > 127
