"""What is painted on the surfaces: panels, seams, patterns, motifs, sole decoration.

Textures are painted in the surface's own coordinates: u along the side (heel 0, toe 1), v from
the sole (0) to the edge of the collar or the middle line (1).
"""

from __future__ import annotations

from typing import Final

import numpy as np
from PIL import ImageDraw

from app.sketch.canvas import (
    Canvas,
    Texture,
    blotches,
    curve,
    material_grain,
    mix,
    noise,
    resample,
    thread_colour,
)
from app.sketch.design import Design, colour_rgb
from app.sketch.geometry import LEDGE, Shoe
from app.sketch.motifs import motif_mask

_GLOSS: Final = {"leather": 120, "suede": 8, "mesh": 20, "canvas": 10, "knit": 10}


# Where a motif sits, seen from the side: middle x, height over the sole, width, height.
_MOTIF_BOX: Final = {
    "low": (0.40, 0.082, 0.27, 0.115),
    "mid": (0.40, 0.090, 0.27, 0.125),
    "high": (0.39, 0.098, 0.28, 0.135),
    "runner": (0.41, 0.078, 0.26, 0.110),
    "skate": (0.40, 0.074, 0.28, 0.100),
    "slip_on": (0.36, 0.066, 0.20, 0.075),
    "chunky": (0.40, 0.088, 0.24, 0.110),
}


class _Painter:
    def __init__(self, design: Design, shoe: Shoe, unit: float, seed: int) -> None:
        self.design = design
        self.shoe = shoe
        self.unit = unit
        self.seed = seed
        parts = design.colours
        self.ink = {name: colour_rgb(getattr(parts, name)) for name in parts.__slots__}
        tall = {"high": 0.50, "mid": 0.40}.get(design.silhouette, 0.31)
        self.upper_size = (int(1.25 * unit), int(tall * unit))
        self.overlay_gloss = 10 if design.material in ("suede", "canvas") else 110

    def upper(self) -> Texture:
        design, ink = self.design, self.ink
        canvas = Canvas(self.upper_size, self.unit, ink["upper"], _GLOSS[design.material])
        vamp = curve([(0.595, 0.0), (0.635, 0.30), (0.690, 0.68), (0.735, 1.0)])
        if design.silhouette == "slip_on":
            vamp = curve([(0.44, 0.0), (0.445, 0.3), (0.46, 0.62), (0.475, 1.0)])
        split = design.panels != "plain" or design.silhouette == "slip_on"
        canvas.panel(
            [*vamp, (1.0, 1.0), (1.0, 0.0)],
            ink["toe_box"],
            raised=-6 if design.panels == "classic" else 0,
            gloss=None,
            seam=vamp if split else None,
            cloth=True,
        )
        self._pattern(canvas)
        if design.silhouette == "slip_on":
            self._slip_on(canvas)
        else:
            self._laced(canvas)
        self._motif(canvas)
        w, h = self.upper_size
        v = np.linspace(0.0, 1.0, h, dtype=np.float32)[:, None]
        shade = np.clip(v / 0.10, 0.0, 1.0) * 0.22 + 0.78
        if design.text:
            dark = sum(ink["heel_counter"]) < 360
            tint = (226, 226, 222) if dark else (46, 46, 50)
            canvas.text((0.135, 0.36), design.text, 0.020, tint)
        grain = material_grain(design.material, self.upper_size, self.unit, self.seed)
        return canvas.finish(grain, np.broadcast_to(shade, (h, w)).astype(np.float32))

    def _pattern(self, canvas: Canvas) -> None:
        w, h = canvas.size
        pattern, ink = self.design.pattern, self.ink
        second = ink["accent"]
        x = np.arange(w, dtype=np.int32)[None, :]
        y = np.arange(h, dtype=np.int32)[:, None]
        if pattern == "checker":
            step = max(4, round(self.unit * 0.030))
            canvas.stamp(((x // step + y // step) % 2).astype(bool), second, 0, 12)
        elif pattern == "pinstripe":
            step = max(5, round(self.unit * 0.022))
            canvas.stamp(np.broadcast_to(x % step < step * 0.28, (h, w)), second, 0, 12)
        elif pattern == "speckle":
            canvas.stamp(noise((w, h), self.seed + 5, 1.0) > 1.12, second, 0, 12)
        elif pattern == "camo":
            for seed, colour in ((11, second), (12, mix(ink["upper"], (20, 24, 20), 0.45))):
                blot = blotches((w, h), seed, self.unit * 0.030)
                canvas.stamp(blot > 0.16, colour, 0, 12)
        elif pattern == "fade":
            share = np.clip((x / w - 0.18) / 0.55, 0.0, 1.0)
            dots = noise((w, h), 13, 0.5) * 0.30 + 0.5
            canvas.stamp(dots < 1.0 - share - 0.2, second, 0, 20)
        elif pattern == "floral":
            rng = np.random.Generator(np.random.PCG64(17))
            pen = ImageDraw.Draw(canvas.colour)
            petal = self.unit * 0.012
            for _ in range(90):
                cx, cy = float(rng.integers(0, w)), float(rng.integers(0, h))
                for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1)):
                    px, py = cx + dx * petal * 0.8, cy + dy * petal * 0.8
                    r = petal * 0.62
                    pen.ellipse((px - r, py - r, px + r, py + r), fill=second)
                r = petal * 0.45
                pen.ellipse((cx - r, cy - r, cx + r, cy + r), fill=ink["logo"])
        elif pattern == "perforated":
            dark = mix(ink["toe_box"], (0, 0, 0), 0.55)
            for row, v in enumerate((0.58, 0.68, 0.78, 0.88)):
                for column in range(6):
                    u = 0.765 + column * 0.017 + (row % 2) * 0.008
                    if u < 0.86 + (v - 0.58) * 0.05:
                        canvas.disc((u, v), 0.0036, dark, -30)

    def _slip_on(self, canvas: Canvas) -> None:
        ink = self.ink
        gore = curve([(0.375, 1.0), (0.385, 0.72), (0.42, 0.52), (0.47, 0.62), (0.482, 1.0)])
        canvas.panel(gore, ink["accent"], raised=-14, gloss=8, seam=gore)
        for k in range(7):
            u = 0.392 + k * 0.0125
            canvas.line([(u, 0.62), (u + 0.002, 0.99)], mix(ink["accent"], (0, 0, 0), 0.3), 0.002)
        tab = curve([(0.0, 0.62), (0.035, 0.66), (0.045, 0.8), (0.045, 1.0)])
        canvas.panel([*tab, (0.0, 1.0)], ink["heel_tab"], seam=tab, gloss=self.overlay_gloss)
        foot = curve([(0.0, 0.42), (0.10, 0.36), (0.19, 0.18), (0.215, 0.0)])
        canvas.panel([*foot, (0.0, 0.0)], ink["heel_counter"], seam=foot, gloss=self.overlay_gloss)
        bind = curve([(0.0, 0.925), (0.2, 0.90), (0.38, 0.91), (0.53, 0.915)])
        canvas.panel(
            [*bind, (0.60, 0.95), (0.60, 1.0), (0.0, 1.0)], ink["lining"], raised=16, gloss=12
        )

    def _laced(self, canvas: Canvas) -> None:
        design, ink, gloss = self.design, self.ink, self.overlay_gloss
        tall = design.silhouette in ("high", "mid")
        layout = design.panels
        if design.silhouette in ("runner", "chunky", "skate") or layout == "plain":
            self._collar(canvas, 0.86)
        if layout == "saddle":
            saddle = curve([(0.385, 1.0), (0.395, 0.7), (0.375, 0.35), (0.345, 0.0)])
            front = curve([(0.575, 0.0), (0.60, 0.40), (0.66, 0.66), (0.745, 0.80), (0.752, 1.0)])
            canvas.panel([*saddle, *front], ink["eyestay"], gloss=gloss, seam=[*saddle, *front])
        if layout == "overlay":
            self._ribs(canvas)
        if tall:
            self._ankle(canvas)
        if layout != "plain" or tall:
            counter = curve(
                [(0.245, 0.0), (0.235, 0.26), (0.20, 0.48), (0.12, 0.60), (0.0, 0.64)]
                if not tall
                else [(0.245, 0.0), (0.24, 0.18), (0.21, 0.32), (0.12, 0.42), (0.0, 0.46)]
            )
            canvas.panel([*counter, (0.0, 0.0)], ink["heel_counter"], gloss=gloss, seam=counter)
        low = 0.76 if not tall else 0.82
        tab = curve([(0.0, low - 0.05), (0.045, low - 0.03), (0.07, low + 0.08), (0.072, 1.0)])
        canvas.panel([*tab, (0.0, 1.0)], ink["heel_tab"], gloss=gloss, seam=tab, raised=16)
        if design.toe == "guard":
            guard = curve(
                [(0.535, 0.0), (0.60, 0.20), (0.70, 0.34), (0.80, 0.47), (0.88, 0.60), (0.94, 0.80),
                 (1.0, 0.98)]
            )  # fmt: skip
            canvas.panel([*guard, (1.0, 0.0)], ink["toe_cap"], gloss=gloss, seam=guard)
        elif design.toe == "cap":
            cap = curve([(0.795, 0.0), (0.81, 0.4), (0.835, 0.75), (0.845, 1.0)])
            rubber = design.material == "canvas"
            canvas.panel(
                [*cap, (1.0, 1.0), (1.0, 0.0)],
                ink["toe_cap"],
                raised=20 if rubber else 12,
                gloss=90 if rubber else gloss,
                seam=None if rubber else cap,
            )
        if layout != "saddle":
            deep = {"plain": 0.80, "overlay": 0.76}.get(layout, 0.72)
            deep += 0.06 if tall else 0.0
            stay = curve(
                [(0.385, 1.0), (0.398, deep + 0.06), (0.44, deep), (0.54, deep + 0.01),
                 (0.64, deep - 0.02), (0.705, deep - 0.04), (0.742, deep + 0.08), (0.752, 1.0)]
            )  # fmt: skip
            canvas.panel(stay, ink["eyestay"], gloss=gloss, seam=stay)
        self._eyelets(canvas)

    def _collar(self, canvas: Canvas, level: float) -> None:
        edge = curve([(0.0, level), (0.2, level - 0.02), (0.32, level), (0.40, 0.97)])
        canvas.panel([*edge, (0.41, 1.0), (0.0, 1.0)], self.ink["lining"], raised=18, gloss=10)

    def _ribs(self, canvas: Canvas) -> None:
        ink = self.ink
        swept = curve([(0.245, 0.0), (0.30, 0.20), (0.45, 0.28), (0.60, 0.14), (0.64, 0.0)])
        canvas.panel(swept, ink["accent"], gloss=self.overlay_gloss, seam=swept)
        if self.design.motif != "none":
            return  # the motif takes the place of the straps that hold the lacing
        for top, foot in ((0.455, 0.395), (0.515, 0.425), (0.575, 0.465), (0.635, 0.515)):
            band = [(top, 0.80), (top + 0.018, 0.80), (foot + 0.024, 0.10), (foot, 0.10)]
            canvas.panel(band, ink["eyestay"], raised=9, gloss=self.overlay_gloss)

    def _ankle(self, canvas: Canvas) -> None:
        ink = self.ink
        level = 0.60 if self.design.silhouette == "high" else 0.66
        edge = curve(
            [
                (0.0, level),
                (0.10, level + 0.02),
                (0.22, level),
                (0.34, level - 0.06),
                (0.43, level - 0.02),
            ]
        )
        canvas.panel(
            [*edge, (0.40, 1.0), (0.0, 1.0)],
            ink["heel_counter"],
            gloss=self.overlay_gloss,
            seam=edge,
            raised=8,
        )
        self._collar(canvas, 0.885)
        for shift in (0.05, 0.10):
            crease = curve(
                [(0.07, level + shift + 0.03), (0.22, level + shift), (0.36, level + shift - 0.03)]
            )
            canvas.line(crease, mix(ink["heel_counter"], (0, 0, 0), 0.22), 0.0025, -10)

    def _eyelets(self, canvas: Canvas) -> None:
        if self.design.laces == "straps":
            return
        metal = self.design.material in ("canvas", "suede")
        for u in self.shoe.eyelets:
            if metal:
                canvas.disc((u, 0.895), 0.0085, (176, 176, 178), 10)
            canvas.disc((u, 0.895), 0.0055, (26, 25, 26), -40)

    def _motif(self, canvas: Canvas) -> None:
        design = self.design
        if design.motif == "none":
            return
        mask = motif_mask(design.motif)
        x, lift, wide, tall = _MOTIF_BOX[design.silhouette]
        rows, columns = self.shoe.side_xy.shape[:2]
        w, h = canvas.size
        xs, ys = resample(
            self.shoe.side_xy,
            np.linspace(0.0, rows - 1.0, h, dtype=np.float32),
            np.linspace(0.0, columns - 1.0, w, dtype=np.float32),
        )
        base = float(self.shoe.side_xy[0, self.shoe.side_xy.shape[1] * 2 // 5, 1])
        across = (xs - (x - wide / 2)) * (mask.shape[1] / wide)
        up = (ys - (base + lift - tall / 2)) * (mask.shape[0] / tall)
        inside = (across >= 0) & (across < mask.shape[1]) & (up >= 0) & (up < mask.shape[0])
        hit = np.zeros(xs.shape, np.bool_)
        hit[inside] = mask[up[inside].astype(np.int32), across[inside].astype(np.int32)]
        canvas.stamp(hit, self.ink["logo"], 11, self.overlay_gloss)

    def sole(self) -> Texture:
        design, ink = self.design, self.ink
        size = (int(1.25 * self.unit), max(24, int(0.17 * self.unit)))
        gum = design.sole == "gum"
        base = colour_rgb("gum") if gum else ink["midsole"]
        canvas = Canvas(size, self.unit, base, 60)
        wall = 1.0 - LEDGE
        {
            "cup": self._cup,
            "gum": self._cup,
            "vulcanised": self._vulcanised,
            "foam": self._foam,
            "chunky": self._stacked,
            "air": self._foam,
        }[design.sole](canvas, wall)
        w, h = size
        t = np.linspace(0.0, 1.0, h, dtype=np.float32)[:, None]
        shade = (
            0.80
            + 0.20 * np.clip(t / 0.35, 0.0, 1.0)
            - 0.25 * np.clip((t - wall - 0.05) / 0.1, 0.0, 1.0)
        )
        grain = noise(size, self.seed + 21, 1.0) * 1.5
        return canvas.finish(grain, np.broadcast_to(shade, (h, w)).astype(np.float32))

    def _outsole(self, canvas: Canvas, level: float) -> None:
        colour = colour_rgb("gum") if self.design.sole == "gum" else self.ink["outsole"]
        edge = [(0.0, level), (1.0, level)]
        canvas.panel([*edge, (1.0, 0.0), (0.0, 0.0)], colour, raised=6, gloss=20)
        canvas.line(edge, mix(colour, (0, 0, 0), 0.35), 0.003, -16)

    def _cup(self, canvas: Canvas, wall: float) -> None:
        base = colour_rgb("gum") if self.design.sole == "gum" else self.ink["midsole"]
        self._outsole(canvas, 0.20 * wall)
        canvas.line(
            [(0.0, 0.42 * wall), (1.0, 0.42 * wall)], mix(base, (0, 0, 0), 0.24), 0.0025, -14
        )
        top = canvas.texels([(0.0, 0.90 * wall), (1.0, 0.90 * wall)])
        canvas.stitches(top, mix(base, (60, 60, 60), 0.45), (0.0, 0.0))
        for k in range(26):
            u = 0.845 + k * 0.006
            canvas.line(
                [(u, 0.24 * wall), (u, 0.38 * wall)], mix(base, (0, 0, 0), 0.18), 0.0025, -12
            )

    def _vulcanised(self, canvas: Canvas, wall: float) -> None:
        ink = self.ink
        base = ink["midsole"]
        self._outsole(canvas, 0.14 * wall)
        for level, width in ((0.66, 0.006), (0.58, 0.002)):
            line = [(0.0, level * wall), (1.0, level * wall)]
            canvas.line(line, ink["accent"], width, 4)
        # The rubber bumper round the toe, with its waffle of ridges.
        for k in range(22):
            u = 0.875 + k * 0.006
            canvas.line(
                [(u, 0.20 * wall), (u + 0.004, 0.52 * wall)], mix(base, (0, 0, 0), 0.13), 0.002, -8
            )
        seam = [(0.865, 0.16 * wall), (0.87, 0.95 * wall)]
        canvas.line(seam, mix(base, (0, 0, 0), 0.18), 0.002, -8)

    def _foam(self, canvas: Canvas, wall: float) -> None:
        ink = self.ink
        base = ink["midsole"]
        air = self.design.sole == "air"
        if not air:
            wedge = curve(
                [(0.0, 0.66 * wall), (0.15, 0.60 * wall), (0.34, 0.44 * wall), (0.52, 0.30 * wall),
                 (0.66, 0.16 * wall)]
            )  # fmt: skip
            back = curve(
                [(0.60, 0.12 * wall), (0.35, 0.22 * wall), (0.12, 0.30 * wall), (0.0, 0.34 * wall)]
            )
            canvas.panel([*wedge, *back], ink["accent"], raised=8, gloss=40)
        groove = mix(base, (0, 0, 0), 0.20)
        for lift in (0.0, 0.14):
            canvas.line(
                curve(
                    [(0.02, (0.80 - lift) * wall), (0.25, (0.72 - lift) * wall),
                     (0.5, (0.52 + lift / 2) * wall), (0.80, (0.48 + lift) * wall),
                     (0.98, (0.62 + lift / 2) * wall)]
                ),
                groove, 0.003, -16,
            )  # fmt: skip
        self._outsole(canvas, 0.13 * wall)
        for k in range(34):
            u = 0.01 + k * 0.029
            canvas.line([(u, 0.0), (u + 0.003, 0.12 * wall)], (34, 33, 33), 0.004, -26)
        if air:
            self._windows(canvas, wall)

    def _windows(self, canvas: Canvas, wall: float) -> None:
        tint = mix(self.ink["accent"], (235, 240, 245), 0.35)
        for left, right in ((0.045, 0.150), (0.165, 0.265)):
            middle = (left + right) / 2
            shape = curve(
                [(left, 0.30 * wall), (left + 0.004, 0.56 * wall), (middle, 0.63 * wall),
                 (right - 0.004, 0.56 * wall), (right, 0.30 * wall), (middle, 0.24 * wall),
                 (left, 0.30 * wall)]
            )  # fmt: skip
            canvas.panel(shape, mix(tint, (0, 0, 0), 0.35), raised=-26, gloss=255)
            for k in range(5):
                u = left + (right - left) * (k + 0.5) / 5
                canvas.line([(u, 0.31 * wall), (u, 0.55 * wall)], tint, 0.008, -10)
            shine = [(left + 0.012, 0.52 * wall), (right - 0.02, 0.54 * wall)]
            canvas.line(shine, (250, 252, 255), 0.004, -8)

    def _stacked(self, canvas: Canvas, wall: float) -> None:
        ink = self.ink
        base = ink["midsole"]
        middle = curve(
            [(0.0, 0.66 * wall), (0.18, 0.70 * wall), (0.36, 0.52 * wall), (0.55, 0.62 * wall),
             (0.78, 0.56 * wall), (1.0, 0.68 * wall)]
        )  # fmt: skip
        below = curve(
            [(1.0, 0.40 * wall), (0.78, 0.30 * wall), (0.55, 0.36 * wall), (0.36, 0.26 * wall),
             (0.18, 0.40 * wall), (0.0, 0.36 * wall)]
        )  # fmt: skip
        canvas.panel([*middle, *below], ink["accent"], raised=-8, gloss=50)
        groove = mix(base, (0, 0, 0), 0.26)
        canvas.line(middle, groove, 0.004, -20)
        canvas.line(below, groove, 0.004, -20)
        for left in (0.07, 0.13, 0.19, 0.63, 0.69, 0.75):
            cut = [(left, 0.74 * wall), (left + 0.03, 0.84 * wall), (left + 0.05, 0.93 * wall)]
            canvas.line(curve(cut), groove, 0.005, -22)
        self._outsole(canvas, 0.15 * wall)
        for k in range(24):
            u = 0.012 + k * 0.042
            canvas.line([(u, 0.0), (u + 0.004, 0.14 * wall)], (30, 29, 29), 0.008, -30)

    def lining(self) -> Texture:
        colour = self.ink["lining"]
        size = (int(0.55 * self.unit), int(0.26 * self.unit))
        canvas = Canvas(size, self.unit, colour, 8)
        w, h = size
        depth = np.linspace(0.0, 1.0, h, dtype=np.float32)[:, None]
        shade = 1.0 - 0.66 * np.clip((depth - 0.34) / 0.40, 0.0, 1.0)
        grain = material_grain("mesh", size, self.unit, self.seed) * 0.35
        return canvas.finish(grain, np.broadcast_to(shade, (h, w)).astype(np.float32))

    def insole(self) -> Texture:
        size = (int(0.7 * self.unit), int(0.26 * self.unit))
        canvas = Canvas(size, self.unit, mix(self.ink["lining"], (30, 30, 30), 0.25), 8)
        if self.design.text:
            canvas.text((0.2, 0.5), self.design.text, 0.028, self.ink["logo"])
        w, h = size
        across = np.abs(np.linspace(-1.0, 1.0, h, dtype=np.float32))[:, None]
        along = np.linspace(0.0, 1.0, w, dtype=np.float32)[None, :]
        shade = (0.66 - 0.30 * across**2) * (1.0 - 0.7 * np.clip(along / 0.8, 0.0, 1.0))
        return canvas.finish(noise(size, self.seed + 3, 1.0) * 2.0, shade.astype(np.float32))

    def tongue(self) -> Texture:
        design, ink = self.design, self.ink
        size = (int(0.46 * self.unit), int(0.30 * self.unit))
        canvas = Canvas(size, self.unit, ink["tongue"], _GLOSS[design.material] // 2)
        edge = mix(ink["tongue"], ink["lining"], 0.7)
        canvas.panel([(0.955, 0.0), (1.0, 0.0), (1.0, 1.0), (0.955, 1.0)], edge, gloss=10)
        # Half of the grid round the tongue, from 0.5 to 1, is its back.
        canvas.panel([(0.0, 0.52), (1.0, 0.52), (1.0, 0.98), (0.0, 0.98)], ink["lining"], gloss=8)
        label = [(0.855, 0.155), (0.945, 0.155), (0.945, 0.345), (0.855, 0.345)]
        canvas.panel(label, ink["logo"], raised=12, gloss=40, seam=[*label, label[0]])
        if design.text:
            dark = sum(ink["logo"]) < 380
            tint = (236, 236, 232) if dark else (38, 38, 42)
            canvas.text((0.90, 0.25), design.text[:6], 0.018, tint, turned=True)
        w, h = size
        shade = np.ones((h, w), np.float32)
        along = np.linspace(0.0, 1.0, w, dtype=np.float32)
        shade *= np.clip(0.62 + 0.5 * along, 0.0, 1.0)[None, :]
        return canvas.finish(
            material_grain("mesh" if design.material == "leather" else design.material, size,
                           self.unit, self.seed) * 0.5,
            shade,
        )  # fmt: skip

    def laces(self) -> Texture:
        size = (int(0.22 * self.unit), int(0.05 * self.unit))
        if self.design.laces == "straps":
            canvas = Canvas(size, self.unit, self.ink["laces"], self.overlay_gloss)
            for v in (0.10, 0.40):
                canvas.line([(0.0, v), (1.0, v)], thread_colour(self.ink["laces"]), 0.002, -10)
            return canvas.finish(noise(size, self.seed, 1.0) * 2.0, np.ones(size[::-1], np.float32))
        canvas = Canvas(size, self.unit, self.ink["laces"], 16)
        w, h = size
        x = np.arange(w)[None, :]
        y = np.arange(h)[:, None]
        step = max(3, round(self.unit * 0.006))
        grain = np.where((x + y) % step < step / 2, -9.0, 4.0).astype(np.float32)
        return canvas.finish(grain, np.ones((h, w), np.float32))


def paint(design: Design, shoe: Shoe, unit: float, seed: int, surface: str) -> Texture:
    """What one kind of surface wears (``Patch.texture``); unit is texels per shoe length."""
    painter = _Painter(design, shoe, unit, seed)
    return {
        "upper": painter.upper,
        "sole": painter.sole,
        "lining": painter.lining,
        "insole": painter.insole,
        "tongue": painter.tongue,
        "laces": painter.laces,
    }[surface]()
