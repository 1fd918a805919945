"""Training labels read from labels.csv: brand, category, main colour, gender, model."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Final

import numpy as np

from onnx_models.dataset import I64, Row
from onnx_models.named import models

LEAST: Final = 20
"""Training pictures a label needs to become a class."""

COLOURS: Final[dict[str, tuple[str, ...]]] = {
    "black": ("black", "anthracite", "negro", "onyx", "obsidian"),
    "white": ("white", "blanco", "ivory", "sail", "cream", "off white"),
    "grey": ("grey", "gray", "silver", "steel", "gris", "smoke", "platinum"),
    "brown": ("brown", "tan", "khaki", "coffee", "bronze", "mushroom", "taupe", "marron", "gum"),
    "beige": ("beige", "nude", "skin", "sand", "oatmeal"),
    "red": ("red", "maroon", "burgundy", "crimson", "rojo", "rust", "bred"),
    "orange": ("orange", "peach", "coral", "naranja"),
    "yellow": ("yellow", "mustard", "gold", "lemon", "volt", "amarillo"),
    "green": ("green", "olive", "lime", "teal", "mint", "verde", "lightgreen"),
    "blue": ("blue", "navy", "turquoise", "royal", "azul", "denim", "aqua", "cobalt"),
    "purple": ("purple", "lavender", "mauve", "violet", "grape", "plum"),
    "pink": ("pink", "rose", "magenta", "fuchsia", "rosa", "blush"),
}
GENDERS: Final[dict[str, tuple[str, ...]]] = {
    "men": ("men's", "men", "mens", "hombre"),
    "women": ("women", "womens", "women's", "mujer"),
    "kids": ("kids", "big kids", "little kids", "baby toddler", "boys", "girls", "ninos"),
}


def main_colour(text: str) -> str:
    """The first basic colour that the words name; empty where none."""
    words = re.findall(r"[a-z]+", text.lower().replace("off white", "white"))
    for word in words:
        for name, spelt in COLOURS.items():
            if word in spelt:
                return name
    return ""


def gender(text: str) -> str:
    """men, women, kids or empty."""
    lowered = text.strip().lower()
    for name, spelt in GENDERS.items():
        if lowered in spelt:
            return name
    return "kids" if re.match(r"(boys|girls)'", lowered) else ""


def category(text: str) -> str:
    """The kind of shoe; empty where only that it is a sneaker is said: which sources say no more
    would be learned from that."""
    return "" if text == "sneaker" else text.removesuffix("s")


def _codes(values: Sequence[str], rows: list[Row], least: int) -> tuple[I64, list[str]]:
    seen = Counter(v for v, row in zip(values, rows, strict=True) if row.split == "train" and v)
    names = sorted(name for name, count in seen.items() if count >= least)
    table = {name: code for code, name in enumerate(names)}
    return np.array([table.get(value, -1) for value in values], np.int64), names


def read_labels(rows: list[Row]) -> tuple[I64, list[list[str]]]:
    """Codes (n, 5), -1 unknown, and the names of brand, category, colour, gender and model."""
    named = zip(models(rows), rows, strict=True)
    columns = [
        _codes([row.brand for row in rows], rows, LEAST),
        _codes([category(row.category) for row in rows], rows, LEAST),
        _codes([main_colour(row.colour) for row in rows], rows, LEAST),
        _codes([gender(row.gender) for row in rows], rows, LEAST),
        _codes([model if model != row.product else "" for model, row in named], rows, 12),
    ]
    return np.stack([codes for codes, _ in columns], axis=1), [names for _, names in columns]
