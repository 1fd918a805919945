"""A product's colours and types from what its shops say of it, in the vocabulary's words."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from app.words.tokens import fold, tokens_of
from app.words.vocabulary import vocabulary

MAX_COLOURS: Final = 4
_OTHER_SHOES: Final = frozenset(
    {"boots", "sandals", "slides", "clogs", "heels", "formal", "flats", "football"}
)
"""Types that are no sneakers; every other type is a kind of them."""


@dataclass(frozen=True, slots=True)
class Traits:
    """Colours, the main one first, and types; empty where nothing is stated."""

    colours: tuple[str, ...] = ()
    types: tuple[str, ...] = ()


def traits_of(
    colourway: str | None, title: str | None, model: str | None, category: str | None
) -> Traits:
    """Colours from the colourway, else from the title without the model's own name; types from
    category, model and title. Words that the vocabulary lacks say nothing."""
    colours = _found(colourway, "colour") or _found(title, "colour")
    found = dict.fromkeys(k for text in (category, model, title) for k in _found(text, "type"))
    if found and found.keys().isdisjoint(_OTHER_SHOES):
        found["sneaker"] = None
    return Traits(colours[:MAX_COLOURS], tuple(found))


@lru_cache(maxsize=8192)
def _found(text: str | None, kind: str) -> tuple[str, ...]:
    """Canonical values of a kind in a text, in order; exact forms and inflections only."""
    if not text:
        return ()
    words = vocabulary()
    tokens = tokens_of(fold(text), words.run)
    found: list[str] = []
    place = 0
    while place < len(tokens):
        match = next(
            (
                m
                for m in words.matches(tokens, place)
                # A model's name may tell its height («Dunk High»), but no colour.
                if m.cost <= 2 and (kind != "type" or any(o.kind != "model" for o in m.meanings))
            ),
            None,
        )
        values = [m.value for m in match.meanings if m.kind == kind] if match else []
        found += values[:1]
        named = match is not None and match.meanings[0].kind == "brand" and kind == "type"
        place += 1 if match is None or named else match.length
    return tuple(dict.fromkeys(found))
