"""The silhouette that a title names, by its maker's word for it (``models.toml``)."""

from __future__ import annotations

import re
import tomllib
from functools import lru_cache
from pathlib import Path

from etl.normalise.words import brand as brand_name

_FILE = Path(__file__).with_name("models.toml")


@lru_cache(maxsize=1)
def _patterns() -> dict[str, list[tuple[re.Pattern[str], str]]]:
    """Per brand: spellings as whole words, longest first."""
    found: dict[str, list[tuple[re.Pattern[str], str]]] = {}
    for brand, models in tomllib.loads(_FILE.read_text(encoding="utf-8")).items():
        spellings = [(s, name) for name, others in models.items() for s in (name, *others)]
        spellings.sort(key=lambda entry: -len(entry[0]))
        found[brand] = [(_pattern(text), name) for text, name in spellings]
    return found


def _pattern(text: str) -> re.Pattern[str]:
    parts = [re.escape(p) for p in re.split(r"[\s_-]+", text.casefold())]
    return re.compile(r"(?<![\w.])" + r"[\s_-]*".join(parts) + r"(?![\w.])")


def model(title: str | None, brand: str | None) -> str | None:
    """The model that a title names; None when the brand or the model is not known.

    Nike's titles name Jordans as well, so those are looked for under both.
    """
    found = _find(title, brand)
    return found[0] if found else None


def without_model(title: str | None, brand: str | None) -> str | None:
    """The title without the words that name its model; None when it names none."""
    found = _find(title, brand)
    return f"{found[1][: found[2][0]]} {found[1][found[2][1] :]}" if found else None


def _find(title: str | None, brand: str | None) -> tuple[str, str, tuple[int, int]] | None:
    """The model, the folded title, and where in it the model's words stand."""
    name = brand_name(brand)
    if not title or name is None:
        return None
    folded = title.casefold().replace("ё", "е")
    brands = ("Jordan", "Nike") if name in ("Nike", "Jordan") else (name,)
    for candidate in brands:
        for pattern, found in _patterns().get(candidate, []):
            place = pattern.search(folded)
            if place:
                return found, folded, place.span()
    return None
