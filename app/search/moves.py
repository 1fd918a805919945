"""What words do to a query's vector: parts weighed, the colour part put in another colour."""

from __future__ import annotations

from typing import Final

import numpy as np

from app.domain import Emphasis
from app.search.ask import unit
from app.vision.manifest import Parts

COLOUR_WEIGHT: Final = 0.2
"""How long the colour part is, beside the shape part, after words have put it in another colour.
Not beside its own length: a photograph asks by colours several times as loud as a kept vector."""


def parts_of(encoder: object) -> Parts | None:
    """The parts that an encoder's manifest names; None where it names none."""
    parts: Parts | None = getattr(getattr(encoder, "manifest", None), "parts", None)
    return parts


def asking(vector: np.ndarray, parts: Parts) -> np.ndarray:
    """A kept vector (dim,) whose shape asks for the very model: what is kept of shape is mostly
    likeness as people see it, in which another model in another colour comes as near. The shape
    stays as long as it is, for what comes after is weighed beside it."""
    scaled = vector.copy()
    for one in parts.asks:
        scaled[slice(*one.span)] *= one.factor
    span = slice(*parts.shape)
    length, before = (float(np.linalg.norm(one[span])) for one in (scaled, vector))
    if length <= 1e-6:
        return vector
    moved = vector.copy()
    moved[span] = scaled[span] * (before / length)
    return moved


def weighted(vector: np.ndarray, emphasis: Emphasis, parts: Parts | None) -> np.ndarray:
    """The unit vector with its parts weighed, at length 1; unchanged without parts, or where
    nothing would be left of it."""
    if parts is None or emphasis == Emphasis():
        return vector
    scaled = vector.copy()
    scaled[slice(*parts.shape)] *= emphasis.shape
    scaled[slice(*parts.colour)] *= emphasis.colour
    return unit(scaled) if np.linalg.norm(scaled) > 1e-6 else vector


def recoloured(
    vector: np.ndarray, colour: np.ndarray, parts: Parts, *, between: float
) -> np.ndarray:
    """The vector (dim,) in another colour: shape stays, the colour part takes the direction of
    ``colour`` (width of that part), what lies between and after the two counts ``between``.

    COLOUR_WEIGHT was measured (docs/words.md).
    """
    moved = vector * between
    moved[slice(*parts.shape)] = vector[slice(*parts.shape)]
    length = float(np.linalg.norm(vector[slice(*parts.shape)])) or 1.0
    moved[slice(*parts.colour)] = unit(colour) * length * COLOUR_WEIGHT
    return unit(moved)
