"""How close reality comes to a design, and where it differs: what can be seen or is stated."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from app.domain import Hit
from app.dream.bands import Bands, bands, lab_of
from app.dream.phrases import Difference
from app.dream.shades import basic
from app.errors import ImageError
from app.sketch.design import COLOUR_NAMES, Design
from app.vision.image import decode
from app.words import Traits, traits_of

_FAR: Final = 70.0
"""CIELAB distance at which colours have nothing in common."""
_CLOSE: Final = 0.7
_MAX_BYTES: Final = 40_000_000
_MAX_PIXELS: Final = 60_000_000
_SHADES: Final = {name: name for name in COLOUR_NAMES if basic(name) == name} | {"beige": "sand"}
"""How the sketch calls a basic colour."""
_SHADED: Final = frozenset({"white", "grey", "beige"})
"""A pale sole lies in the shoe's own shadow: these look alike there."""
_SILHOUETTE_OF: Final = {
    "slip_on": "slip_on", "high_top": "high", "boots": "high", "mid_top": "mid", "skate": "skate",
    "running": "runner", "trail": "runner", "low_top": "low",
}  # fmt: skip
_KIN: Final = (
    frozenset({"high", "mid"}), frozenset({"low", "skate"}), frozenset({"runner", "chunky"}),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Closeness:
    """``share`` is 0 to 1, the mean over the aspects that could be compared (colour of upper and
    sole, form); None where none could. The search's own score is no part of it: its query is made
    of directions, and the cosine to them says nothing of how near a shoe is."""

    share: float | None
    differences: tuple[Difference, ...]

    @property
    def percent(self) -> int | None:
        """The share in whole percent."""
        return None if self.share is None else round(100 * self.share)

    @property
    def close(self) -> bool:
        """Whether it may be called close."""
        return self.share is not None and self.share >= _CLOSE


def compare(design: Design, hit: Hit) -> Closeness:
    """A design and a found shoe. A picture that cannot be read is an aspect less, no error."""
    aspects: list[float] = []
    found: list[Difference] = []
    look = _look(hit.image_path)
    if look is not None:
        sole = "gum" if design.sole == "gum" else design.colours.midsole
        for part, real, lab, wanted in (
            ("upper", look.upper, look.upper_lab, design.colours.upper),
            ("sole", look.sole, look.sole_lab, sole),
        ):
            away = lab_of(wanted) - np.asarray(lab)
            shaded = part == "sole" and {basic(real), basic(wanted)} <= _SHADED
            apart = float(np.linalg.norm(away[1:] if shaded else away))
            aspects.append(1.0 - min(apart / _FAR, 1.0))
            if not shaded and basic(real) != basic(wanted) and apart > _FAR / 4:
                found.append(Difference(part, real, wanted))
    elif stated := _stated(hit).colours:
        wanted = basic(design.colours.upper)
        aspects.append(1.0 if wanted == stated[0] else 0.5 if wanted in stated else 0.0)
        if wanted not in stated and stated[0] in _SHADES:
            found.append(Difference("upper", _SHADES[stated[0]], design.colours.upper))
    form = form_of(hit)
    if form is not None:
        alike = form == design.silhouette
        kin = any({form, design.silhouette} <= family for family in _KIN)
        aspects.append(1.0 if alike else 0.6 if kin else 0.0)
        if not alike and not kin:
            found.append(Difference("form", form, design.silhouette))
    return Closeness(float(np.mean(aspects)) if aspects else None, tuple(found))


def form_of(hit: Hit) -> str | None:
    """The silhouette that a shop's words name; None where they name none."""
    types = _stated(hit).types
    return next((_SILHOUETTE_OF[name] for name in _SILHOUETTE_OF if name in types), None)


def _stated(hit: Hit) -> Traits:
    title = next((offer.title for offer in hit.offers if offer.title), None)
    return traits_of(hit.colourway, title, hit.model, None)


def _look(path: str) -> Bands | None:
    try:
        picture = decode(Path(path), max_bytes=_MAX_BYTES, max_pixels=_MAX_PIXELS).image
    except ImageError:
        return None
    return bands(picture)
