"""Splits a request into tokens: parts, colours, materials, ... by the words in lexicon.toml."""

from __future__ import annotations

import re
import tomllib
from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from app.dream.shades import LONGEST, plain, shades

_FILE: Final = Path(__file__).with_name("lexicon.toml")
_WORD: Final = re.compile(r"[^\W_]+(?:['’\-][^\W_]+)*|[&+/]|[,.;:!?\n()]")
_BREAKS: Final = frozenset(",.;:!?\n()")
_TO: Final = frozenset({"на", "в", "with", "to", "by", "for", "into"})


@dataclass(slots=True)
class Token:
    """Words that belong together. ``kind`` is a table of lexicon.toml, ``colour``, ``break`` or
    ``unknown``; ``start`` and ``end`` are character offsets in the request; ``used`` is set when a
    change was made of it."""

    kind: str
    value: str
    start: int
    end: int
    used: bool = False
    gone: bool = False
    """Of a part: it was asked away, so nothing else is said of it."""
    to: bool = False
    """Whether it is a word that leads to the new value of a replacement: «на», "with"."""

    @property
    def quiet(self) -> bool:
        """Whether it means nothing by itself."""
        return self.kind == "filler" or (self.kind == "glue" and self.value in ("with", "and"))


@dataclass(frozen=True, slots=True)
class _Phrase:
    words: tuple[str, ...]
    kind: str
    value: str
    rank: tuple[int, int, int]

    def fits(self, words: list[str], at: int) -> bool:
        if at + len(self.words) > len(words):
            return False
        for wanted, word in zip(self.words, words[at:], strict=False):
            if wanted.endswith("*"):
                if not word.startswith(wanted[:-1]):
                    return False
            elif word != wanted:
                return False
        return True


@cache
def _phrases() -> tuple[dict[str, list[_Phrase]], list[_Phrase]]:
    """Phrases by their first word, and those whose first word may end in any way."""
    with _FILE.open("rb") as file:
        tables = tomllib.load(file)
    exact: dict[str, list[_Phrase]] = defaultdict(list)
    open_ended: list[_Phrase] = []
    for order, (kind, values) in enumerate(tables.items()):
        for value, phrases in values.items():
            for text in phrases:
                words = tuple(plain(text).split())
                letters = sum(len(word.rstrip("*")) for word in words)
                closed = sum(not word.endswith("*") for word in words)
                phrase = _Phrase(words, kind, value, (len(words), letters * 2 + closed, -order))
                (open_ended if words[0].endswith("*") else exact[words[0]]).append(phrase)
    return exact, open_ended


def tokens(text: str) -> list[Token]:
    """The request's tokens in order; longest phrases first, colours before single words."""
    found = list(_WORD.finditer(text))
    words = [plain(match[0]) for match in found]
    out: list[Token] = []
    at = 0
    while at < len(words):
        start = found[at].start()
        if words[at] in _BREAKS:
            out.append(Token("break", words[at], start, found[at].end()))
            at += 1
            continue
        phrase = _best(words, at)
        count, colours = _colours(words, at)
        if colours and (phrase is None or count >= len(phrase.words)):
            end = found[at + count - 1].end()
            out += [Token("colour", colour, start, end) for colour in colours]
            at += count
            continue
        count = len(phrase.words) if phrase else 1
        end = found[at + count - 1].end()
        kind, value = (phrase.kind, phrase.value) if phrase else ("unknown", words[at])
        out.append(Token(kind, value, start, end, to=count == 1 and words[at] in _TO))
        at += count
    return out


def _best(words: list[str], at: int) -> _Phrase | None:
    exact, open_ended = _phrases()
    fitting = [p for p in (*exact.get(words[at], ()), *open_ended) if p.fits(words, at)]
    return max(fitting, key=lambda phrase: phrase.rank, default=None)


def _colours(words: list[str], at: int) -> tuple[int, tuple[str, ...]]:
    for count in range(min(LONGEST, len(words) - at), 0, -1):
        piece = tuple(words[at : at + count])
        if _BREAKS.isdisjoint(piece):
            colours = shades(piece)
            if colours:
                return count, colours
    return 0, ()
