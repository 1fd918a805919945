"""How words sound, for spellings that no list holds: Russian in Latin letters in any informal way,
Russian as it is heard, foreign names by their consonants."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

_LETTERS: Final = dict(
    zip("абвгдежзийклмнопрстуфхцчшщыэ", "abvgdejziiklmnoprstufhcCSSie", strict=True)
) | {"ь": "", "ъ": "", "ю": "iu", "я": "ia", "ё": "e"}
# Latin ways of writing Russian sounds, by length; one sign a sound, as in ``_LETTERS``.
_WAYS: Final = tuple(
    (re.compile(way), sign)
    for way, sign in (
        ("shch|shh|sch|sh", "S"), ("tch|ch", "C"), ("dzh|dj", "dj"), ("zh", "j"), ("kh", "h"),
        ("tz", "c"), ("yo|jo", "e"), ("(?<=[CSj])o", "e"),
        ("['`]", ""), ("w", "v"), ("q", "k"), ("y", "i"),
    )
)  # fmt: skip
_ALIKE: Final = tuple(
    (re.compile(way), sign)
    for way, sign in (
        ("ia", "a"), ("iu", "u"), ("ts", "c"), ("ei|ie", "e"), (r"(.)\1+", r"\1"), ("i$", ""),
    )
)  # fmt: skip
_CYRILLIC_ENDINGS: Final = """ыми ими ого его ому ему ами ями ая яя ое ее ые ие ый ий ой ую юю ых их
    ым им ом ем ей ов ев ях ах ям ам а я о е ы и у ю ь й ок ек"""
_HEARD: Final = tuple(
    (re.compile(way), sign)
    for way, sign in (
        ("[ьъ]", ""), ("(?:тс|тьс)", "ц"), ("стн", "сн"), ("[оа]", "а"), ("[еэияы]", "и"),
        ("й", "и"), ("ю", "у"), ("щ", "ш"), ("сч|зч", "ш"),
        ("б(?=[кпстфхцчш]|$)", "п"), ("в(?=[кпстфхцчш]|$)", "ф"), ("г(?=[кпстфхцчш]|$)", "к"),
        ("д(?=[кпстфхцчш]|$)", "т"), ("ж(?=[кпстфхцчш]|$)", "ш"), ("з(?=[кпстфхцчш]|$)", "с"),
        (r"(.)\1+", r"\1"),
    )
)  # fmt: skip
_VOWELS: Final = re.compile("[aeiou]")
_SHN: Final = re.compile("[ts]ion$")
_SOFT_C: Final = re.compile("c(?=[eiy])")


def _alike(signs: str) -> str:
    for way, sign in _ALIKE:
        signs = way.sub(sign, signs)
    return signs


def skeleton(word: str) -> str:
    """A Russian word in one-sign sounds: what every Latin spelling of it comes to."""
    return _alike("".join(_LETTERS.get(char, char) for char in word))


@lru_cache(maxsize=1)
def _endings() -> tuple[str, ...]:
    found = {skeleton(ending) for ending in _CYRILLIC_ENDINGS.split()} | {"ie", "i", "ii", "h"}
    return tuple(sorted(found - {""}, key=lambda ending: -len(ending)))


def skeletons(word: str) -> tuple[str, ...]:
    """What a Latin word comes to if it spells a Russian one: c is ц or к, x is х or кс, j is ж."""
    for way, sign in _WAYS:
        word = way.sub(sign, word)
    found = {word}
    for letter, others in (("c", "ck"), ("j", "ji"), ("z", "zj"), ("x", ("h", "ks"))):
        if letter in word:
            found |= {one.replace(letter, other) for one in found for other in others}
    return tuple(dict.fromkeys(_alike(one) for one in sorted(found) if "x" not in one))


def bases(signs: str) -> list[str]:
    """The skeleton itself and without each ending it may have, longest first."""
    return [signs, *(signs[: -len(e)] for e in _endings() if signs.endswith(e))]


def heard(base: str) -> str:
    """A Russian stem as it is pronounced: unstressed vowels alike, consonants devoiced."""
    for way, sign in _HEARD:
        base = way.sub(sign, base)
    return base


def consonants(sounded: str) -> str:
    """Consonants of a word's sound: райдер and rider are both ``rdr``."""
    return _VOWELS.sub("", sounded).replace("z", "s")


def softened(word: str) -> str:
    """A Latin word as it is said: prophecy with an s, resolution as ``resolushn``."""
    return _SHN.sub("shn", _SOFT_C.sub("s", word))
