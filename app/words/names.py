"""Names that the vocabulary does not have, found among a reading's unplaced words: the brands of a
catalogue, whatever they are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from app.words.near import distance
from app.words.reading import Reading
from app.words.tokens import fold, sound, stem, tokens_of
from app.words.vocabulary import vocabulary

_NEGATORS: Final = frozenset({"не", "not"})
_LEAST_BENT: Final = 5
"""Letters from which a name is known again misspelt or by its sound."""
_LONG: Final = 8
"""Letters from which two of them may be wrong."""


@dataclass(frozen=True, slots=True)
class _Name:
    brand: str
    words: tuple[str, ...]
    joined: str
    sound: str


class Names:
    """Brands of a catalogue, to be found in what a query's reader could not place."""

    def __init__(self, brands: Iterable[tuple[str, Sequence[str]]]) -> None:
        """``brands``: (name, aliases) pairs; the name is what a reading gets."""
        self._names: list[_Name] = []
        self._exact: dict[str, str] = {}
        self._longest = 1
        for brand, aliases in brands:
            for spelling in (brand, *aliases):
                words = tuple(
                    t.text for t in tokens_of(fold(spelling), lambda _: True) if t.text.isalnum()
                )
                joined = "".join(words)
                if len(joined) < 2 or joined.isdigit():
                    continue
                self._exact.setdefault(joined, brand)
                self._names.append(_Name(brand, words, joined, sound(joined)))
                self._longest = max(self._longest, len(words))

    def placed(self, reading: Reading) -> Reading:
        """The reading with the brands that its unplaced words name; other words stay."""
        words = reading.rest.split()
        wanted, unwanted, named, rest = list[str](), list[str](), list[str](), list[str]()
        place = 0
        while place < len(words):
            brand, length = self._at(words, place)
            if brand is None:
                rest.append(words[place])
                place += 1
                continue
            named += words[place : place + length]
            if rest and rest[-1] in _NEGATORS:
                rest.pop()
                unwanted.append(brand)
            else:
                wanted.append(brand)
            place += length
        if not named:
            return reading
        return replace(
            reading,
            brands=tuple(dict.fromkeys((*reading.brands, *wanted))),
            brands_out=tuple(dict.fromkeys((*reading.brands_out, *unwanted))),
            rest=" ".join(rest),
            text=_without(reading.text, named),
            terms=" ".join((_without(reading.terms, named), *dict.fromkeys(wanted))).strip(),
        )

    def _at(self, words: Sequence[str], place: int) -> tuple[str | None, int]:
        """The brand that begins at a word and how many words name it, the longest first."""
        for length in range(min(self._longest, len(words) - place), 0, -1):
            joined = "".join(words[place : place + length])
            brand = self._exact.get(joined)
            if brand is None and not any(map(vocabulary().knows, words[place : place + length])):
                brand = self._bent(joined, length)
            if brand is not None:
                return brand, length
        return None, 1

    def _bent(self, joined: str, length: int) -> str | None:
        """The one brand that a misspelt or otherwise spelt name is nearest to."""
        if len(joined) < _LEAST_BENT or not joined.isalpha():
            return None
        latin = joined.isascii()
        forms = {joined} if latin else {sound(joined), sound(stem(joined))}
        best: dict[int, set[str]] = {}
        for name in self._names:
            if len(name.words) != length and length > 1:
                continue
            for form in forms:
                far = _far(form, name.joined if latin else name.sound)
                if far is None and latin:
                    far = 1 if sound(form) == name.sound else None
                if far is not None:
                    best.setdefault(far, set()).add(name.brand)
        nearest = best[min(best)] if best else set()
        return nearest.pop() if len(nearest) == 1 else None


def _far(word: str, name: str) -> int | None:
    """How many letters are wrong; None: too many for these to be one name."""
    if min(len(word), len(name)) < _LEAST_BENT or word[0] != name[0]:
        return 0 if word == name else None
    allowed = 2 if len(name) >= _LONG else 1
    if abs(len(word) - len(name)) > allowed:
        return None
    found = distance(word, name)
    return found if found <= allowed else None


def _without(text: str, named: Sequence[str]) -> str:
    return " ".join(word for word in text.split() if word not in named)
