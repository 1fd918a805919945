"""From a photograph to a design to start from: heads, colours, the outline, a catalogue's words."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from PIL import Image

from app.domain import Attributes
from app.dream.apply import apply
from app.dream.bands import Bands, bands
from app.dream.changes import Change
from app.dream.phrases import colour_name, part_name, value_name
from app.dream.read import read
from app.i18n import Catalogue
from app.sketch.design import Colours, Design, usual_values

_LIKELY: Final = 0.25
"""Probability from which a silhouette is followed that is not sure enough to be said."""
_TALL: Final = 0.78
_FORMS: Final = ("model", "silhouette", "style", "material", "toe_style", "sole_style")
_SHADE_OF: Final = {"beige": "sand"}


@dataclass(frozen=True, slots=True)
class Seen:
    """A design and what of it was really seen; the rest is what usually goes with it."""

    design: Design
    sure: bool
    changes: tuple[Change, ...]

    def says(self, words: Catalogue) -> list[str]:
        """What was seen, in words."""
        said = []
        for change in self.changes:
            if change.kind == "colour":
                colour = colour_name(change.value, words)
                said.append(
                    words.text("dream.pair", name=part_name(change.target, words), value=colour)
                )
            elif change.target == "model":
                said.append(change.value)
            else:
                said.append(value_name(change.target, change.value, words))
        return said


def seen(picture: Image.Image, attributes: Attributes | None, title: str = "") -> Seen | None:
    """What a picture shows as a design; ``title`` is a shop's, where there is one.

    None where the heads see no shoe.
    """
    if attributes is not None and not attributes.shoe:
        return None
    look = bands(picture)
    form = _form(attributes, title, look)
    colours = _colours(attributes, look)
    design, _ = apply(_plain(), (*form, *colours), 0)
    return Seen(design, bool(look is not None and form), (*form, *colours))


def _plain() -> Design:
    """The shoe that nothing is known of."""
    return replace(Design(), colours=replace(Colours(), upper="light_grey"), toe="guard")


def _form(attributes: Attributes | None, title: str, look: Bands | None) -> tuple[Change, ...]:
    """What names say comes first; then the outline."""
    names = [title]
    if attributes is not None:
        likely = max(
            attributes.silhouette_probabilities.items(), key=lambda p: p[1], default=("", 0)
        )
        names.append(likely[0] if likely[1] >= _LIKELY else "")
    for name in names:
        found = [c for c in read(name).edits if c.kind == "set" and c.target in _FORMS]
        if any(change.target in ("model", "silhouette") for change in found):
            return tuple(found)
    if look is not None and look.tall > _TALL:
        return (Change("set", "silhouette", "high"),)
    if attributes is not None and attributes.category in ("sports",):
        return (Change("set", "silhouette", "runner"),)
    return ()


def _colours(attributes: Attributes | None, look: Bands | None) -> tuple[Change, ...]:
    if look is not None:
        changes = [Change("colour", "upper", look.upper), Change("colour", "sole", look.sole)]
        if look.second is not None and look.second != look.sole:
            changes.append(Change("colour", "accent", look.second))
        return tuple(changes)
    if attributes is None or not attributes.colours:
        return ()
    named = [_SHADE_OF.get(colour, colour) for colour in attributes.colours]
    parts = ("upper", "accent")
    return tuple(Change("colour", part, c) for part, c in zip(parts, named, strict=False))


def usual_sole(design: Design) -> str:
    """The sole that usually goes with a design's silhouette."""
    return usual_values(design.silhouette, "sole")[0]
