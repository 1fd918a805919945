"""A design in English words, for generators that take words and for search by words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from app.sketch.design import COLOUR_NAMES, Design

KINDS: Final = {
    "low": "low-top sneaker",
    "mid": "mid-top sneaker",
    "high": "high-top sneaker",
    "runner": "running shoe",
    "skate": "skate shoe",
    "slip_on": "slip-on sneaker",
    "chunky": "chunky sneaker",
}
_SOLES: Final = {
    "cup": "cup sole",
    "vulcanised": "thin vulcanised sole",
    "foam": "foam sole",
    "chunky": "thick layered sole",
    "air": "sole with a visible air cushion",
    "gum": "gum rubber sole",
}
_LACES: Final = {
    "flat": "{} flat laces",
    "crossed": "{} crossed laces",
    "tied": "{} laces tied in a bow",
    "straps": "{} hook-and-loop straps",
}
_PATTERNS: Final = {
    "perforated": "perforated toe",
    "checker": "checkerboard pattern in {}",
    "speckle": "speckled with {}",
    "camo": "camouflage pattern with {}",
    "pinstripe": "{} pinstripes",
    "fade": "fading into {}",
    "floral": "floral print in {}",
}
_LOGOS: Final = {
    "wave": "wave", "bolt": "lightning bolt", "chevrons": "three chevrons", "ring": "ring",
    "fin": "fin", "peaks": "mountain peaks", "comet": "comet", "lattice": "lattice",
    "leaf": "leaf", "orbit": "orbit",
}  # fmt: skip
_FRAME: Final = (
    "Product photograph of a single {what}, side view facing right, whole shoe in the frame,"
    " plain white background, soft studio light"
)


def prompt(design: Design, extra: Sequence[str] = ()) -> str:
    """The whole picture in words; ``extra`` are the user's own, put last as they are."""
    pieces = [_FRAME.format(what=KINDS[design.silhouette]), describe(design)]
    if extra:
        pieces.append("Also: " + "; ".join(extra))
    return ". ".join(pieces) + "."


def change_prompt(design: Design, asked: str, extra: Sequence[str] = ()) -> str:
    """For editing a picture: what was asked in the user's words, then the whole result."""
    return (
        f"Change the shoe in the picture: {asked}. Keep the view and all that is not mentioned."
        f" The result: {prompt(design, extra)}"
    )


def describe(design: Design) -> str:
    """The design's parts in one sentence without a full stop."""
    colours = design.colours
    ink = {name: COLOUR_NAMES[getattr(colours, name)][0].lower() for name in colours.__slots__}
    pieces = [f"{ink['upper']} {design.material} upper"]
    for part, words in (("toe_box", "toe"), ("heel_counter", "heel"), ("tongue", "tongue"),
                        ("eyestay", "overlays"), ("lining", "lining")):  # fmt: skip
        if ink[part] != ink["upper"]:
            pieces.append(f"{ink[part]} {words}")
    if design.toe == "cap":
        pieces.append(f"{ink['toe_cap']} toe cap")
    if design.sole == "gum":
        pieces.append("gum rubber sole")
    else:
        pieces.append(f"{ink['midsole']} {_SOLES[design.sole]}")
        if ink["outsole"] != ink["midsole"]:
            pieces.append(f"{ink['outsole']} outsole")
    pieces.append(_LACES.get(design.laces, "no laces").format(ink["laces"]))
    if design.pattern != "plain":
        pieces.append(_PATTERNS[design.pattern].format(ink["accent"]))
    if design.motif != "none":
        pieces.append(f"{ink['logo']} {_LOGOS[design.motif]} emblem on the side")
    else:
        pieces.append("no logo")
    if design.text:
        pieces.append(f'the word "{design.text}" on the heel')
    return ", ".join(pieces)
