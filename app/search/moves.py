"""What words do to a query's vector: parts weighed, the colour part put in another colour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from app.domain import Emphasis
from app.search.ask import unit


@dataclass(frozen=True, slots=True)
class Parts:
    """Where an encoder's vector holds shape and colour: [begin, end)."""

    shape: tuple[int, int]
    colour: tuple[int, int]


def parts_of(encoder: object) -> Parts | None:
    """The parts that an encoder's manifest names; None where it names none."""
    named = getattr(getattr(encoder, "manifest", None), "parts", None)
    return None if named is None else Parts(tuple(named.shape), tuple(named.colour))


def weighted(vector: np.ndarray, emphasis: Emphasis, parts: Parts | None) -> np.ndarray:
    """The unit vector with its parts weighed, at length 1; unchanged without parts, or where
    nothing would be left of it."""
    if parts is None or emphasis == Emphasis():
        return vector
    scaled = vector.copy()
    scaled[slice(*parts.shape)] *= emphasis.shape
    scaled[slice(*parts.colour)] *= emphasis.colour
    return unit(scaled) if np.linalg.norm(scaled) > 1e-6 else vector


def recoloured(vector: np.ndarray, centres: Sequence[np.ndarray], parts: Parts) -> np.ndarray:
    """The vector (dim,) with the mean colour part of ``centres`` in its own one's place and
    length, so that colour goes on counting as much as before."""
    span = slice(*parts.colour)
    colour = np.mean([unit(centre[span]) for centre in centres], axis=0)
    moved = vector.copy()
    moved[span] = unit(colour) * float(np.linalg.norm(vector[span]))
    return unit(moved)
