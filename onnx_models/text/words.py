"""Texts for pictures: titles, templates in both languages, and the mistakes people type."""

from __future__ import annotations

import random
import re
import tomllib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from app.vision.colours import parse_colours
from app.vision.tokenizer import Tokenizer, normalise, other_layout

BUCKETS: Final = 32768
GRAMS: Final = (3, 5)
MAX_WORDS: Final = 24
MAX_GRAMS: Final = 40
MODELS: Final = 0.3
"""Share of the texts that ask for a model by its name, where it is known."""
ALONE: Final = 0.2
"""Share of templates that ask for one thing only."""
TYPES: Final = {
    "sneaker": "sneaker", "sneaker/casual": "sneaker", "sneaker/sports": "sneaker",
    "cleat/spike/golf": "cleat", "heels": "heels", "heel": "heels", "flip flops": "flip flops",
    "sandals": "sandals", "slide/sandal": "sandals", "sports sandals": "sandals",
    "formal shoes": "formal", "flats": "flats", "boot": "boot",
}  # fmt: skip
SHADES: Final = {
    r"\bsilver\b": ("silver", ("grey",)),
    r"\bgold(en)?\b": ("gold", ("yellow",)),
    r"\boff[ -]?white\b|\bsail\b|\bivory\b": ("off-white", ("white", "beige")),
}
"""Colours of their own to a buyer, by pattern, and the basic ones that they stand between."""
_SPELT: Final = {
    "a": "а", "b": "б", "c": "к", "d": "д", "e": "е", "f": "ф", "g": "г", "h": "х", "i": "и",
    "j": "дж", "k": "к", "l": "л", "m": "м", "n": "н", "o": "о", "p": "п", "q": "к", "r": "р",
    "s": "с", "t": "т", "u": "у", "v": "в", "w": "в", "x": "кс", "y": "и", "z": "з",
}  # fmt: skip


@dataclass(frozen=True)
class Facts:
    """What is known of one picture; "" where nothing is. ``title`` names the very product.

    ``also``: colours that it is said to have beside the main one, or that some would call it by:
    whether they fit is open. ``model`` as buyers call it, brand and all.
    """

    brand: str
    colour: str
    type: str
    gender: str
    title: str
    also: tuple[str, ...] = ()
    model: str = ""


def facts_of(row: dict[str, str], model: str = "") -> Facts:
    """A row of labels.csv as facts, of a ``model``; the first colour named is the main one."""
    brand = re.sub(r"\s+", " ", row["brand"].strip().casefold())
    brand = {"adidas originals": "adidas", "redtape": "red tape", "air jordan": "jordan"}.get(
        brand, brand
    )
    colour, also = _colours(row["colour"].casefold())
    low = row["gender"].casefold()
    gender = ""
    for name, pattern in (
        ("kids", "kid|boy|girl|toddler|infant|ninos|preschool|grade"),
        ("women", "women|mujer"),
        ("men", r"\bmen|hombre"),
    ):
        if re.search(pattern, low):
            gender = name
            break
    title = row["text"].split(". ")[0].strip()
    if len(title.split()) < 3 or row["source"] in ("flightclub_jordan", "nike_vn_multiview"):
        title = ""  # "Air Jordan sneaker" names a thousand products
    kind = TYPES.get(row["category"], "")
    return Facts(brand, colour, kind, gender, title[:120], also, normalise(model))


def _colours(text: str) -> tuple[str, tuple[str, ...]]:
    """The main colour of a label ("" where none is named), and those it may also be called by."""
    named = parse_colours(text)
    first, also = named[0] if named else "", [*named]
    for pattern, (shade, near) in SHADES.items():
        if found := re.search(pattern, text):
            also += [*near, shade]
            if not parse_colours(text[: found.start()]):
                first = shade
    return first, tuple(colour for colour in dict.fromkeys(also) if colour != first)


class Vocabulary:
    """Forms of colours, types, genders and brands in both languages, and spellings of names."""

    def __init__(self) -> None:
        with Path(__file__).with_name("vocabulary.toml").open("rb") as file:
            table: dict[str, Any] = tomllib.load(file)
        self.colour = {k: self._sides(v, None) for k, v in table["colour"].items()}
        self.type = {k: self._sides(v, ",") for k, v in table["type"].items()}
        self.gender = {k: self._sides(v, ",") for k, v in table["gender"].items()}
        self.brands = set(table["brand"])
        self.spellings: dict[str, list[str]] = {
            word: forms.split() for part in ("brand", "word") for word, forms in table[part].items()
        }

    @staticmethod
    def _sides(text: str, separator: str | None) -> dict[str, list[str]]:
        english, russian = text.split("|")
        return {
            "en": [form.strip() for form in english.split(separator)],
            "ru": [form.strip() for form in russian.split(separator)],
        }

    def forms(self) -> set[str]:
        """Every single word of the vocabulary, as the tokenizer sees it."""
        tables = (self.colour, self.type, self.gender)
        every = [f for t in tables for sides in t.values() for side in sides.values() for f in side]
        return {word for form in every for word in re.findall(r"[a-z]+|[а-я]+", normalise(form))}

    def tokenizer(self, facts: list[Facts]) -> Tokenizer:
        """The tokenizer of these data: aliases from the vocabulary, the lexicon from the titles."""
        aliases = {
            normalise(form): word for word, forms in self.spellings.items() for form in forms
        }
        counts: Counter[str] = Counter()
        for fact in facts:
            named = normalise(f"{fact.brand} {fact.title} {fact.model}")
            counts.update(set(re.findall(r"[a-z]+", named)))
        often = {word for word, count in counts.items() if count >= 3 and len(word) >= 3}
        targets = {w for word in self.spellings for w in word.split()}
        aliases = {form: word for form, word in aliases.items() if form != word}
        return Tokenizer(
            BUCKETS, GRAMS, MAX_WORDS, MAX_GRAMS, aliases,
            frozenset(often | self.forms() | targets),
        )  # fmt: skip


@dataclass(frozen=True)
class Asked:
    """A text and what it asks: the facts that a fitting picture must have ("" = not asked)."""

    text: str
    brand: str = ""
    colour: str = ""
    type: str = ""
    gender: str = ""
    title: str = ""
    model: str = ""


class Writer:
    """Writes random texts for facts, seeded."""

    def __init__(self, vocabulary: Vocabulary, seed: int) -> None:
        self.words = vocabulary
        self.random = random.Random(seed)

    def write(self, facts: Facts) -> Asked | None:
        """A text that the picture of ``facts`` fits, with mistakes now and then; None: no facts."""
        r = self.random
        if facts.title and r.random() < 0.3:
            words = facts.title.split()
            if r.random() < 0.5:
                words = [w for w in words if r.random() > 0.15] or words
            if r.random() < 0.3:
                r.shuffle(words)
            return Asked(self.spoil(" ".join(words)), title=facts.title)
        language = r.choice(("en", "ru"))
        if facts.model and r.random() < MODELS:
            asked = {"model": facts.model}
            if facts.colour and r.random() < 0.5:
                asked["colour"] = facts.colour
            return self.phrase(asked, language)
        known = [k for k in ("brand", "colour", "type", "gender") if getattr(facts, k)]
        chance = {"brand": 0.8, "colour": 0.7, "type": 0.7, "gender": 0.25}
        asked = {k: getattr(facts, k) for k in known if r.random() < chance[k]}
        if known and (not asked or r.random() < ALONE):
            pick = r.choice(known)
            asked = {pick: getattr(facts, pick)}
        return self.phrase(asked, language) if asked else None

    def phrase(self, asked: dict[str, str], language: str, *, spoil: bool = True) -> Asked:
        """The asked facts in words of a language; ``spoil``: random forms, order and mistakes."""
        r = self.random

        def form(table: dict[str, dict[str, list[str]]], key: str) -> str:
            forms = table[key][language]
            return r.choice(forms) if spoil else forms[0]

        parts = []
        if "gender" in asked:
            parts.append(form(self.words.gender, asked["gender"]))
        if "colour" in asked:
            parts.append(form(self.words.colour, asked["colour"]))
        brand = asked.get("brand", "")
        if model := asked.get("model", ""):
            # Nobody who asks for an Air Max 90 has to say whose it is.
            short = model.split(" ", 1)[-1] if model.split(" ")[0] in self.words.brands else model
            brand = short if spoil and r.random() < 0.5 else model
        kind = form(self.words.type, asked["type"]) if "type" in asked else ""
        parts += [brand, kind] if language == "en" else [kind, brand]
        parts = [part for part in parts if part]
        if spoil and r.random() < 0.35:
            r.shuffle(parts)
        text = " ".join(parts)
        return Asked(self.spoil(text) if spoil else text, **asked)

    def spoil(self, text: str) -> str:
        """Typos, another script, another layout, joined words."""
        words = normalise(text).split()
        if self.random.random() < 0.1 and len(words) > 1:
            i = self.random.randrange(len(words) - 1)
            words[i : i + 2] = [words[i] + words[i + 1]]
        return " ".join(self._spoil_word(word) for word in words)

    def _spoil_word(self, word: str) -> str:
        r = self.random
        dice = r.random()
        if dice < 0.12 and re.fullmatch("[a-z]+", word):
            word = "".join(_SPELT[c] for c in word)
        elif dice < 0.14 and len(word) > 2:
            return other_layout(word)
        elif dice < 0.2 and word in self.words.spellings:
            word = r.choice(self.words.spellings[word])
        if r.random() < 0.12 and len(word) > 3 and word.isalpha():
            i = r.randrange(len(word) - 1)
            kind = r.randrange(4)
            if kind == 0:
                return word[:i] + word[i + 1 :]
            if kind == 1:
                return word[:i] + word[i] + word[i:]
            if kind == 2:
                return word[:i] + word[i + 1] + word[i] + word[i + 2 :]
            letters = "abcdefghijklmnopqrstuvwxyz" if word[i].isascii() else "абвгдежзиклмнопрсту"
            return word[:i] + r.choice(letters) + word[i + 1 :]
        return word
