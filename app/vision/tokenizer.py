"""Words in Russian and English to rows of hashed n-grams, tolerant of typos and of either script.

A word becomes its phonetic form in Latin letters, and that its character n-grams with boundaries
and itself, each hashed by FNV-1a into a fixed number of buckets (fastText: Bojanowski et al. 2017,
arXiv 1607.04606). Before, a word of no known spelling that is a known one typed in the other
keyboard layout is put right, and spellings known from the data («найк») become their word (nike).
Standard library and numpy.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

I64 = npt.NDArray[np.int64]

MAX_CHARS: Final = 1000
"""Longer texts are cut: a query is a sentence, not a document."""

_EN: Final = "`qwertyuiop[]asdfghjkl;'zxcvbnm,."
_RU: Final = "ёйцукенгшщзхъфывапролджэячсмитьбю"
_TO_EN: Final = {ord(r): e for r, e in zip(_RU, _EN, strict=True)} | {ord("е"): "t"}
_TO_RU: Final = {ord(e): r for e, r in zip(_EN, _RU, strict=True)} | {ord("`"): "е"}
# Letters by sound; soft and hard signs are silent.
_SOUND: Final = {
    ord(letter): sound
    for letters, sounds in (
        ("абвгдежзийклмнопрстуфхыэ", "abvgdejziiklmnoprstufhie"),
        ("юя", "ua"),
        ("ъь", ("", "")),
        ("цчшщ", ("ts", "ch", "sh", "sh")),
    )
    for letter, sound in zip(letters, sounds, strict=True)
}
_FOLDS: Final = tuple(
    (re.compile(pattern), sound)
    for pattern, sound in (
        (r"dj|dzh", "j"),
        (r"zh", "j"),
        (r"kh", "h"),
        (r"sch|shch", "sh"),
        (r"ph", "f"),
        (r"ck|q", "k"),
        (r"x", "ks"),
        (r"c(?=[eiy])", "s"),
        (r"c(?!h)", "k"),
        (r"w", "v"),
        (r"y", "i"),
        (r"(.)\1+", r"\1"),
    )
)
_WORD: Final = re.compile(r"[a-z]+|[а-я]+|[0-9]+")
# Keys that are letters in one layout and punctuation in the other stay inside a word here.
_TYPED: Final = re.compile(r"[a-z\[\];'`,.]+|[а-я]+|[0-9]+")


def normalise(text: str) -> str:
    """NFKC, lower case, ё as е, other scripts' accents dropped, spaces single."""
    text = unicodedata.normalize("NFKC", text[:MAX_CHARS]).casefold().replace("ё", "е")
    plain = []
    for char in text:
        if char in "йЙ":
            plain.append(char)
        else:
            split = unicodedata.normalize("NFD", char)
            plain.append("".join(c for c in split if not unicodedata.combining(c)))
    return re.sub(r"\s+", " ", "".join(plain)).strip()


def other_layout(word: str) -> str:
    """The word as the same keys write it in the other layout: «тшлу» is nike."""
    return word.translate(_TO_EN if re.search("[а-я]", word) else _TO_RU)


def phonetic(word: str) -> str:
    """A word by its sound in Latin letters: «джордан» and jordan are both ``jordan``."""
    out = word.translate(_SOUND)
    for pattern, sound in _FOLDS:
        out = pattern.sub(sound, out)
    return out


def fnv1a(text: str) -> int:
    """32-bit FNV-1a of the UTF-8 bytes (Fowler, Noll and Vo)."""
    value = 0x811C9DC5
    for byte in text.encode():
        value = ((value ^ byte) * 0x01000193) & 0xFFFFFFFF
    return value


@dataclass(frozen=True)
class Tokenizer:
    """Texts to bucket numbers; everything it knows comes from ``tokenizer.json``.

    ``aliases``: a spelling (one word) to the words it stands for; ``lexicon``: words known to be
    rightly spelt, so that the keyboard layout of others can be put right.
    """

    buckets: int
    grams: tuple[int, int]
    max_words: int
    max_grams: int
    aliases: Mapping[str, str]
    lexicon: frozenset[str]
    _cache: dict[str, list[int]] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def from_json(cls, text: str) -> Tokenizer:
        """Read ``tokenizer.json``.

        Raises:
            ValueError: not JSON, another schema, or a value out of its range.
        """
        try:
            facts: dict[str, Any] = json.loads(text)
            if facts["schema"] != 1:
                raise ValueError(f"schema {facts['schema']}, known is 1")
            low, high = (int(n) for n in facts["grams"])
            made = cls(
                buckets=int(facts["buckets"]),
                grams=(low, high),
                max_words=int(facts["max_words"]),
                max_grams=int(facts["max_grams"]),
                aliases={str(k): str(v) for k, v in facts["aliases"].items()},
                lexicon=frozenset(str(word) for word in facts["lexicon"]),
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"missing or of the wrong kind: {error}") from error
        if made.buckets < 2 or not 1 <= low <= high or min(made.max_words, made.max_grams) < 1:
            raise ValueError("buckets, grams, max_words and max_grams must be positive")
        return made

    def to_json(self) -> str:
        """What :meth:`from_json` reads."""
        facts = {
            "schema": 1,
            "hash": "fnv1a-32",
            "buckets": self.buckets,
            "grams": list(self.grams),
            "max_words": self.max_words,
            "max_grams": self.max_grams,
            "aliases": dict(sorted(self.aliases.items())),
            "lexicon": sorted(self.lexicon),
        }
        return json.dumps(facts, ensure_ascii=False, indent=0) + "\n"

    def words(self, text: str) -> list[str]:
        """The text's words as understood: layout put right, aliases replaced."""
        found: list[str] = []
        for piece in normalise(text).split():
            for token in self._pieces(piece):
                found += self.aliases.get(token, token).split()
        return found[: self.max_words]

    def ids(self, texts: Sequence[str]) -> I64:
        """(n, words, grams) bucket numbers from 1; 0 pads. A text without words is all 0."""
        rows = [[self._word_ids(word) for word in self.words(text)] for text in texts]
        wide = max((len(row) for row in rows), default=0) or 1
        deep = max((len(word) for row in rows for word in row), default=0) or 1
        out = np.zeros((len(texts), wide, deep), np.int64)
        for i, row in enumerate(rows):
            for j, word in enumerate(row):
                out[i, j, : len(word)] = word
        return out

    def _known(self, word: str) -> bool:
        return word in self.lexicon or word in self.aliases

    def _pieces(self, piece: str) -> list[str]:
        plain = _WORD.findall(piece)
        if any(self._known(word) for word in plain):
            return plain
        right: list[str] = []
        for token in _TYPED.findall(piece):
            swapped = _WORD.findall(normalise(other_layout(token)))
            if len(swapped) == 1 and len(swapped[0]) >= 3 and self._known(swapped[0]):
                right += swapped
            else:
                right += _WORD.findall(token)
        return right

    def _word_ids(self, word: str) -> list[int]:
        kept = self._cache.get(word)
        if kept is None:
            if len(self._cache) > 50_000:  # words come from anyone: bounded
                self._cache.clear()
            kept = self._cache[word] = [
                fnv1a(gram) % (self.buckets - 1) + 1 for gram in self._grams(word)
            ]
        return kept

    def _grams(self, word: str) -> list[str]:
        framed = f"<{phonetic(word)}>"
        low, high = self.grams
        parts = [
            framed[i : i + n] for n in range(low, high + 1) for i in range(len(framed) - n + 1)
        ]
        return list(dict.fromkeys([framed, *parts]))[: self.max_grams]
