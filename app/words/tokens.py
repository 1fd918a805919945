"""A query as tokens: words, numbers and signs; Russian stems; the other keyboard layout."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

MAX_CHARS: Final = 1000
"""Longer texts are cut: a query is a sentence, not a document."""

_EN: Final = "`qwertyuiop[]asdfghjkl;'zxcvbnm,."
_RU: Final = "ёйцукенгшщзхъфывапролджэячсмитьбю"
_TO_EN: Final = str.maketrans(_RU, _EN)
_TO_RU: Final = str.maketrans(_EN + '{}:"<>~', _RU + "хъжэбюё")

_PARTS: Final = {"½": "1/2", "⅓": "1/3", "⅔": "2/3", "¼": "1/4", "¾": "3/4"}
# Inflections of Russian nouns and adjectives, longest first. Not a full stemmer: verbs do not name
# shoes, and the usual algorithms cut «джордан» and «джорданы» differently.
_ENDING_WORDS: Final = """ыми ими ого его ому ему ами ями ая яя ое ее ые ие ый ий ой ую юю ых их ым
    им ом ем ей ов ев ях ах ям ам ою ею а я о е ы и у ю ь й"""
_ENDINGS: Final = tuple(sorted(_ENDING_WORDS.split(), key=lambda ending: -len(ending)))
_LEAST_STEM: Final = 3
_TOKEN: Final = re.compile(
    r"(?P<fraction>\d{1,2}(?:\s+|-)?(?:1/2|1/3|2/3)(?!\d))"
    r"|(?P<thousands>\d{1,3}(?:[.,']\d{3})+(?!\d))"
    r"|(?P<decimal>\d+[.,]\d{1,2}(?!\d))"
    r"|(?P<run>[0-9a-zа-я]+(?:'[a-z]+)?)"
    r"|(?P<sign>us\$|<=|>=|[$€£₽¥₴₸₺₹₫<>≤≥~&+/,;:!?|–—-])"
)
_PIECE: Final = re.compile(r"\d+|[a-zа-я']+")
_THOUSAND_ROUBLES: Final = re.compile(r"(?<=[\d\s])т\s?[./]?\s?р\b\.?")


@dataclass(frozen=True, slots=True)
class Token:
    """One piece of a query. ``number`` is set where it is one; ``glued``: no space before it."""

    text: str
    number: Decimal | None = None
    label: str | None = None
    """A number as shops label a size by it: ``42.5``, ``42 2/3``."""
    glued: bool = False

    @property
    def word(self) -> bool:
        """Whether it is neither a number nor a sign."""
        return self.number is None and self.text[:1].isalnum()


def fold(text: str) -> str:
    """Lower case, ё as е, typographic signs as their plain ones, spaces single."""
    text = text[:MAX_CHARS].casefold().replace("ё", "е").replace("’", "'").replace("`", "'")
    text = text.replace("\u00a0", " ").replace("\u202f", " ").replace("й", "й")
    for sign, plain in _PARTS.items():
        text = text.replace(sign, f" {plain}")
    return " ".join(text.split())


def tokens_of(text: str, known: Callable[[str], bool]) -> list[Token]:
    """Tokens of folded text. Letters and figures run together stay so where ``known`` says that
    they are a word (990v6), and come apart elsewhere (10k, 43eu)."""
    text = _THOUSAND_ROUBLES.sub(" тыс руб ", text)
    found: list[Token] = []
    end = -1
    for match in _TOKEN.finditer(text):
        glued = match.start() == end
        end = match.end()
        raw = match[0]
        if match["fraction"]:
            whole, part = re.split(r"[\s-]+", raw, maxsplit=1) if re.search(r"[\s-]", raw) else (
                raw[:-3], raw[-3:])  # fmt: skip
            found.append(_with_part(raw, whole, part, glued))
        elif match["thousands"]:
            found.append(_number(raw, Decimal(re.sub(r"\D", "", raw)), glued))
        elif match["decimal"]:
            found.append(_number(raw, Decimal(raw.replace(",", ".")), glued))
        elif match["sign"]:
            found.append(Token(raw, glued=glued))
        elif raw.isdigit():
            found.append(_number(raw, Decimal(raw[:12]), glued))
        elif raw.isalpha() or known(raw):
            found.append(Token(raw, glued=glued))
        else:
            for place, piece in enumerate(_PIECE.findall(raw)):
                stuck = glued or place > 0
                if piece.isdigit():
                    found.append(_number(piece, Decimal(piece[:12]), stuck))
                else:
                    found.append(Token(piece, glued=stuck))
    return found


def stem(word: str) -> str:
    """A Russian word without its inflection; other words as they are."""
    if not word or not ("а" <= word[0] <= "я"):
        return word
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _LEAST_STEM:
            return word[: -len(ending)]
    return word


def other_layout(word: str) -> str:
    """The folded word as the same keys write it in the other layout: «тшлу» is nike."""
    russian = any("а" <= char <= "я" for char in word)
    return word.translate(_TO_EN if russian else _TO_RU).replace("ё", "е")


def plain(value: Decimal) -> str:
    """A number without needless zeros: ``42.5``, ``43``."""
    return f"{value.normalize():f}"


def _number(raw: str, value: Decimal, glued: bool) -> Token:
    return Token(raw, value, plain(value), glued)


def _with_part(raw: str, whole: str, part: str, glued: bool) -> Token:
    above, below = part.split("/")
    value = Decimal(whole) + Decimal(above) / Decimal(below)
    label = plain(value) if below == "2" else f"{whole} {part}"
    return Token(raw, value, label, glued)
