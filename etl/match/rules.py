"""The thresholds of the matcher, as data."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Photograph:
    """When two pictures are one photograph: least correlation of lightness, largest difference of
    shape (log2 of the sides' ratio), largest CIELAB difference on average and in the worst place.
    """

    structure: float
    shape: float
    colour: float
    worst: float


@dataclass(frozen=True, slots=True)
class Verified:
    """When the encoder's own pair verifier joins: least probability, and the margin by which the
    best candidate must beat the second."""

    probability: float
    margin: float


@dataclass(frozen=True, slots=True)
class Rules:
    """``rules.toml``; ``pictures`` of each offer are looked at. ``beside_words`` holds where the
    words of both offers name one model and the same colours; ``clash`` says from which differences
    of colour on, in one view, pictures speak against words."""

    pictures: int
    photograph: Photograph
    beside_words: Photograph
    clash: Photograph
    verified: Verified


def load_rules(path: Path | None = None) -> Rules:
    """The thresholds as shipped, or of another file."""
    shipped = Path(__file__).with_suffix(".toml")
    found = tomllib.loads((path or shipped).read_text(encoding="utf-8"))
    return Rules(
        found["pictures"],
        Photograph(**found["photograph"]),
        Photograph(**found["beside_words"]),
        Photograph(**found["clash"]),
        Verified(**found["verified"]),
    )
