"""What a shop's words say of a product, in a form that two shops' words can be compared in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final, Literal, cast

from etl import normalise

Audience = Literal["men", "women", "unisex", "kids", "school", "preschool", "toddler"]

_KIDS: Final[dict[Audience, str]] = {
    "toddler": "toddler toddlers infant infants td baby babies crib малышей малышам",
    "preschool": "preschool ps little",
    "school": "school grade gs youth big junior juniors подростковые подростков",
}
_KIDS_WORDS: Final = {word: kind for kind, text in _KIDS.items() for word in text.split()}
_NOISE: Final = frozenset(
    """shoe shoes sneaker sneakers trainer trainers footwear kicks the a an for and with in of by
    кроссовки кроссовок кеды обувь ботинки оригинал оригинальные для и с в на из от
    zapatillas zapatilla deportivas de para schuhe schuh turnschuhe für chaussures baskets pour
    scarpe per tenis color colour цвет""".split()  # noqa: SIM905 - words read better so
)
# Shades that are colours of their own where a shop names them: a maroon shoe is not the red one.
_SHADES: Final = {
    **dict.fromkeys(
        """silver navy maroon burgundy olive khaki teal turquoise mint lime volt crimson scarlet
        royal indigo charcoal graphite slate ivory chalk onyx jet anthracite coral fuchsia magenta
        lavender plum chocolate mocha wheat cognac sand cream tan stone oatmeal sail bronze copper
        mustard lemon""".split()  # noqa: SIM905
    ),
    "серебристый": "silver", "бордовый": "burgundy", "бордовые": "burgundy", "хаки": "khaki",
    "голубой": "sky", "голубые": "sky",
}  # fmt: skip
_LABELS: Final = {"nike": ("jordan",), "adidas": ("yeezy",)}
_WORD: Final = re.compile(r"\d+(?:\.\d+)?|[^\W\d_]+(?:['’][^\W\d_]+)?")


@dataclass(frozen=True, slots=True)
class Wording:
    """An offer in words.

    ``shades`` are its colours as named, in the shop's order; ``name`` is what is left of title or
    model and colourway when brand, colours, audience and words that every shoe has are taken out.
    """

    brand: str | None = None
    name: frozenset[str] = frozenset()
    shades: tuple[str, ...] = ()
    audience: Audience | None = None
    nicknamed: bool = field(default=False, compare=False)
    """Whether the shop states a colourway by other words than colours."""

    @property
    def full(self) -> bool:
        """Whether the words are enough to tell a colourway by."""
        return bool(self.brand and self.name and (self.shades or self.nicknamed))

    @property
    def numbers(self) -> frozenset[str]:
        """The name's numbers: a 90 is no 95, whatever stands beside it."""
        return frozenset(word for word in self.name if word[0].isdigit())

    @property
    def colours(self) -> frozenset[str]:
        """The colours in the catalogue's vocabulary, in which shades are one."""
        found = (normalise.colours(s) or normalise.colours(_PLAIN.get(s)) for s in self.shades)
        return frozenset(colour for colours in found for colour in colours)


_PLAIN: Final = {"sky": "blue"}


def read_wording(row: Mapping[str, Any]) -> Wording:
    """The wording of a row of ``match_offers``: title, brand, model, colourway, gender."""
    title, model, stated = (row[name] or "" for name in ("title", "model", "colourway"))
    text = model or title
    brand = normalise.brand(row["brand"]) or _brand_in(title)
    known = normalise.model(text, brand) or ""
    words = _words(normalise.without_model(text, brand) or text)
    own = _brand_words(brand)
    shades = _shades(_words(stated)) or _shades(words) or _shades(_words(title))
    everything = [*_words(title), *_words(model)]
    kept = {
        word
        for word in (*words, *_words(known), *_words(stated))
        if word not in own
        and word not in _NOISE
        and not normalise.colours(word)
        and not _of_audience(word)
    }
    return Wording(
        _house(brand, everything),
        frozenset(kept),
        shades,
        _audience(everything, row["gender"]),
        nicknamed=not kept.isdisjoint(_words(stated)),
    )


def contradict(one: Wording, other: Wording) -> bool:
    """Whether two wordings cannot be of one product in one colourway.

    Silence contradicts nothing, and a shop may name fewer colours than another.
    """
    if one.brand and other.brand and one.brand != other.brand:
        return True
    if not same_audience(one.audience, other.audience):
        return True
    if _neither_in_other(one.numbers, other.numbers):
        return True
    return _neither_in_other(one.colours, other.colours)


def kin(one: Wording, other: Wording) -> bool:
    """Whether the names speak of one model: equal, or one says more than the other."""
    return bool(one.name and other.name) and not _neither_in_other(one.name, other.name)


def same_audience(one: Audience | None, other: Audience | None) -> bool:
    """Whether two offers can be for the same people; unisex is for men and women."""
    if one is None or other is None or one == other:
        return True
    pair = {one, other}
    if "unisex" in pair:
        return not pair.isdisjoint({"men", "women"})
    return "kids" in pair and pair.isdisjoint({"men", "women"})


def _neither_in_other(one: frozenset[str], other: frozenset[str]) -> bool:
    return bool(one and other) and not (one <= other or other <= one)


def _audience(words: list[str], gender: str | None) -> Audience | None:
    kinds = {_KIDS_WORDS[word] for word in words if word in _KIDS_WORDS}
    found = normalise.gender(" ".join(words)) or gender or ("women" if "w" in words else None)
    if found == "kids" or "toddler" in kinds:
        order: tuple[Audience, ...] = ("toddler", "preschool", "school")
        return next((kind for kind in order if kind in kinds), "kids")
    return cast("Audience | None", found)


def _of_audience(word: str) -> bool:
    return word in _KIDS_WORDS or normalise.gender(word) is not None


def _words(text: str) -> list[str]:
    folded = text.casefold().replace("’", "'").replace("ё", "е")
    return [word.removesuffix("'s") for word in _WORD.findall(folded)]


def _shades(words: list[str]) -> tuple[str, ...]:
    """Colour words in order, each in one language; the same one twice stays twice."""
    found: list[str] = []
    for word in words:
        if word in _SHADES:
            found.append(_SHADES[word] or word)
        else:
            found.extend(normalise.colours(word))
    return tuple(found)


def _house(brand: str | None, words: list[str]) -> str | None:
    """The brand, or the label of it that some shops name as a brand of its own."""
    name = (brand or "").casefold()
    for label in _LABELS.get(name, ()):
        if label in words:
            return label
    return name or None


@lru_cache(maxsize=1)
def _spellings() -> re.Pattern[str]:
    """Every spelling of every brand that can be told from an ordinary word."""
    known = {s.casefold() for name, others in normalise.BRANDS.items() for s in (name, *others)}
    longest = sorted((s for s in known if len(s) > 2), key=len, reverse=True)
    return re.compile(r"(?<!\w)(" + "|".join(map(re.escape, longest)) + r")(?!\w)")


def _brand_in(title: str) -> str | None:
    """The brand that a title names; None where it names none, or two."""
    found = {normalise.brand(s) for s in _spellings().findall(title.casefold())}
    found -= {"Nike"} if "Jordan" in found else set()
    return found.pop() if len(found) == 1 else None


@lru_cache(maxsize=4096)
def _brand_words(brand: str | None) -> frozenset[str]:
    """The brand's own words, in every spelling that is known of it."""
    if not brand:
        return frozenset()
    spellings = (brand, *normalise.BRANDS.get(normalise.brand(brand) or "", ()))
    return frozenset(word for spelling in spellings for word in _words(spelling))
