"""What shops' labels say of a real shoe in a design's terms: main colour, silhouette class, height.

Nothing is read off the pictures. A shoe whose words say nothing of one of the three has no truth
for it and is not judged by it.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from app.dream.shades import basic
from app.sketch.design import Design
from app.words import traits_of
from onnx_models.heads.labels import _rules, clean_brand, silhouette_of

SNEAKERS: Final = ("sneaker", "sneaker/casual", "sneaker/sports", "boot", "shoe")

# Families of silhouettes.toml whose form is one and known. Those sold in several heights (Chuck
# Taylor, Blazer) or hard to call (LeBron, KD, Kobe) are left out.
_FAMILIES: Final[dict[tuple[str, str], tuple[str, ...]]] = {
    ("court", "low"): (
        "Air Jordan 1 Low", "Nike Dunk Low", "Nike Air Force 1 Low", "adidas Superstar",
        "adidas Stan Smith", "adidas Gazelle", "adidas Campus", "adidas Samba", "Puma Suede",
    ),
    ("high", "high"): ("Air Jordan 1 High", "Nike Dunk High", "Nike Air Force 1 High",
                       "Vans Sk8-Hi"),
    ("high", "mid"): (
        "Air Jordan 1 Mid", "Nike Air Force 1 Mid", "Air Jordan 3", "Air Jordan 4", "Air Jordan 5",
        "Air Jordan 6", "Air Jordan 8", "Air Jordan 9", "Air Jordan 10", "Air Jordan 12",
        "Air Jordan 13",
    ),
    ("runner", "low"): (
        "Nike Air Max 1", "Nike Air Max 90", "Nike Air Max 95", "Nike Air Max 97",
        "Nike Air Max Plus", "Nike Air VaporMax", "Nike Air Huarache", "Nike Air Presto",
        "Nike Roshe", "Nike Free RN", "Nike Pegasus", "adidas NMD", "adidas Ultraboost",
        "adidas EQT Support", "adidas ZX Flux", "adidas Tubular", "Nike Cortez",
    ),
    ("skate", "low"): ("Vans Old Skool", "Vans Authentic", "Vans Era"),
    ("slip_on", "low"): ("Vans Slip-On",),
}  # fmt: skip
_FORM: Final = {name: form for form, names in _FAMILIES.items() for name in names}
_OF_DESIGN: Final = {
    "low": ("court", "low"), "mid": ("high", "mid"), "high": ("high", "high"),
    "runner": ("runner", "low"), "chunky": ("runner", "low"), "skate": ("skate", "low"),
    "slip_on": ("slip_on", "low"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Truth:
    """None: the labels do not say."""

    colour: str | None
    form: str | None
    height: str | None

    @property
    def whole(self) -> bool:
        """Whether all three are known."""
        return None not in (self.colour, self.form, self.height)


def of_design(design: Design) -> Truth:
    """A design in the same terms."""
    form, height = _OF_DESIGN[design.silhouette]
    return Truth(basic(design.colours.upper), form, height)


@cache
def _silhouettes() -> list[object]:
    return list(_rules())


def of_label(row: Mapping[str, str]) -> Truth | None:
    """A row of labels.csv; None for what is no sneaker."""
    if row["category"] not in SNEAKERS:
        return None
    title = row["text"] or row["model"]
    traits = traits_of(row["colour"] or None, title or None, row["model"] or None, row["category"])
    colour = next((name for name in traits.colours if name != "multicolour"), None)
    types = set(traits.types)
    if types & {"sandals", "slides", "heels", "flats", "clogs", "football"}:
        return None
    words = f"{row['model']} {row['text']}".lower()
    family = silhouette_of(words, clean_brand(row["brand"]), _rules())
    form, height = _FORM.get(family, (None, None))
    if types & {"running", "trail"}:
        form, height = form or "runner", height or "low"
    if "skate" in types:
        form = form or "skate"
    if "slip_on" in types:
        form, height = "slip_on", "low"
    if "low_top" in types:
        height, form = "low", form if form not in (None, "high") else "court"
    if "mid_top" in types:
        form, height = "high", "mid"
    if types & {"high_top", "boots"}:
        form, height = "high", "high"
    return Truth(colour, form, height)


def read(folder: Path) -> list[tuple[dict[str, str], Truth]]:
    """Every sneaker of labels.csv with its truth."""
    with (folder / "labels.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    found = [(row, of_label(row)) for row in rows]
    return [(row, truth) for row, truth in found if truth is not None]
