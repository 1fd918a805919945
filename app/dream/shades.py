"""Colour words to the sketch's colour ids, finer than the basic colours where a word is."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Final

from app.sketch.design import COLOUR_NAMES
from app.words import traits_of

LONGEST: Final = 3
"""Words of the longest colour there is a name for."""

_FILE: Final = Path(__file__).with_name("shades.toml")
_ENDINGS: Final = (
    "ый|ий|ой|ая|яя|ое|ее|ые|ие|ого|его|ому|ему|ым|им|ом|ем|ую|юю|ей|ых|их|ыми|ими|ою|енький|енькие"
    "|енькая|енькую|енькой|еньким|енькими|о|е"
)
_OF_BASIC: Final = {"beige": "sand"}
"""Where the shade that stands for a basic colour has another name than it."""
_BASIC_OF: Final = {
    "off_white": "white", "cream": "beige", "light_grey": "grey", "dark_grey": "grey",
    "burgundy": "red", "coral": "orange", "mustard": "yellow", "lime": "green", "forest": "green",
    "olive": "green", "mint": "green", "teal": "blue", "sky": "blue", "navy": "blue",
    "lilac": "purple", "magenta": "pink", "tan": "brown", "sand": "beige", "gum": "brown",
}  # fmt: skip


def basic(colour: str) -> str:
    """The basic colour, of app.words, that a sketch colour is a shade of."""
    return _BASIC_OF.get(colour, colour)


def plain(text: str) -> str:
    """Lower case, with the letter that Russian typists leave out put back to its pair."""
    return text.casefold().replace("ё", "е").replace("’", "'")


@cache
def _table() -> tuple[dict[str, str], re.Pattern[str], dict[str, str]]:
    exact: dict[str, str] = {}
    stems: dict[str, str] = {}
    with _FILE.open("rb") as file:
        listed: dict[str, list[str]] = tomllib.load(file)
    for colour, phrases in listed.items():
        if colour not in COLOUR_NAMES:
            raise ValueError(f"{_FILE.name}: unknown colour {colour!r}")
        for phrase in phrases:
            if phrase.endswith("-"):
                stems[phrase[:-1]] = colour
            else:
                exact[phrase] = colour
    for colour, (english, russian) in COLOUR_NAMES.items():
        exact.setdefault(plain(english), colour)
        exact.setdefault(plain(russian), colour)
    longest = sorted(stems, key=len, reverse=True)
    pattern = re.compile(f"({'|'.join(map(re.escape, longest))})({_ENDINGS})")
    return exact, pattern, stems


def shades(words: tuple[str, ...]) -> tuple[str, ...]:
    """Colours that one to three words name together, in order; empty when they name none.

    ``("navy", "blue")`` is one colour, ``("бело-красные",)`` two. Words are as :func:`plain` gives.
    """
    exact, pattern, stems = _table()
    phrase = " ".join(words)
    for spelt in (phrase, phrase.replace("-", " "), "-".join(words)):
        if spelt in exact:
            return (exact[spelt],)
        found = pattern.fullmatch(spelt)
        if found is not None and (found[2] not in ("о", "е") or spelt.endswith(("ое", "ее"))):
            return (stems[found[1]],)
    if len(words) != 1:
        return ()
    if "-" in phrase or "/" in phrase:
        return _compound(re.split("[-/]", phrase))
    return _basic_shades(phrase)


@cache
def _basic_shades(word: str) -> tuple[str, ...]:
    """What the project's one vocabulary of colours makes of a word."""
    named = (_OF_BASIC.get(name, name) for name in traits_of(word, None, None, None).colours)
    return tuple(name for name in named if name in COLOUR_NAMES)


def _half(piece: str) -> tuple[str, ...]:
    """The first half of a Russian compound: «чёрно-», «сине-»."""
    if piece[-1:] not in ("о", "е"):
        return ()
    return _basic_shades(f"{piece[:-1]}ый") or _basic_shades(f"{piece[:-1]}ий")


def _compound(pieces: list[str]) -> tuple[str, ...]:
    """``бело-красные``, ``red-white``: every piece must be a colour."""
    _, pattern, stems = _table()
    colours: list[str] = []
    for piece in pieces:
        found = pattern.fullmatch(piece)
        one = (stems[found[1]],) if found else shades((piece,)) or _half(piece)
        if not one:
            return ()
        colours += one
    return tuple(colours)
