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
    им ом ем ей ыи ии ои ыя ов ев ях ах ям ам ою ею а я о е ы и у ю ь й"""
_ENDINGS: Final = tuple(sorted(_ENDING_WORDS.split(), key=lambda ending: -len(ending)))
_LEAST_STEM: Final = 3
_DOUBLED: Final = re.compile(r"(.)\1+")
_SMALL_FORM: Final = re.compile(r"(?<=...)(?:еньк|оньк|очк|ечк|ушк|юшк|ишк|чик|ик|чк)$")
# By length, so that "shch" is not read as s, h, c, h.
_TRANSLIT_PAIRS: Final = """iye=ие yye=ые iy=ий yy=ый shch=щ sch=щ zh=ж kh=х ts=ц ch=ч sh=ш yu=ю
    ju=ю ya=я ja=я yo=е jo=е a=а b=б c=к d=д e=е f=ф g=г h=х i=и j=й k=к l=л m=м n=н o=о p=п q=к
    r=р s=с t=т u=у v=в w=в x=кс y=ы z=з"""
_TRANSLIT: Final = tuple(pair.split("=") for pair in _TRANSLIT_PAIRS.split())
_SOUND: Final = str.maketrans(
    {
        **dict(zip("абвгдеёзийклмнопрстуфы", "abvgdeeziiklmnoprstufi", strict=True)),
        "ж": "j", "х": "h", "ц": "c", "ч": "ch", "ш": "sh", "щ": "sh", "э": "e", "ю": "u",
        "я": "ia", "ь": "", "ъ": "", "x": "ks", "c": "k", "q": "k", "w": "v", "y": "i",
    }
)  # fmt: skip
_FOLDS: Final = tuple(
    (re.compile(pattern), plain_sound)
    for pattern, plain_sound in (
        ("kh", "ch"), ("ph", "f"), ("th", "t"), ("ee|ea", "i"), ("oo|ou|au", "u"), ("dj|dzh", "j"),
        ("ie$", "i"), ("e$", ""), (r"(.)\1+", r"\1"),
    )
)  # fmt: skip
_TOKEN: Final = re.compile(
    r"(?P<fraction>\d{1,2}(?:\s+|-)?(?:1/2|1/3|2/3)(?!\d))"
    r"|(?P<thousands>\d{1,3}(?:[.,']\d{3})+(?!\d))"
    r"|(?P<decimal>\d+[.,]\d{1,2}(?!\d))"
    r"|(?P<run>[0-9a-zа-я]+(?:'[a-z]+)?)"
    r"|(?P<sign>us\$|<=|>=|[$€£₽¥₴₸₺₹₫<>≤≥~&+/,;:!?|–—-])"
)
_LETTERS_OF_NAMES: Final = (
    str.maketrans("абвгдежзиклмнопрстуфхс", "abvgdejziklmnoprstufxs"),
    str.maketrans("авсенкмортх", "abcehkmoptx"),
)
"""Letters before a model's figures in Cyrillic: by sound (б22), by look (ВВ550)."""
_PIECE: Final = re.compile(r"\d+|[a-zа-я']+")
_THOUSAND_ROUBLES: Final = re.compile(r"(?<=[\d\s])(?:т\s?[./]?\s?р|тыр)\b\.?")


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
        elif latin := next(
            (name for m in _LETTERS_OF_NAMES if known(name := raw.translate(m))), ""
        ):
            found.append(Token(latin, glued=glued))
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


def squeezed(word: str) -> str:
    """The word with letters that were typed twice or more written once."""
    return _DOUBLED.sub(r"\1", word)


def small_form(base: str) -> str:
    """A Russian stem without its diminutive: «голубеньк» is «голуб»."""
    return _SMALL_FORM.sub("", base)


def cyrillic(word: str) -> str:
    """A Latin word as the Russian one that it may spell: ``chernye`` is «черные»."""
    for latin, letter in _TRANSLIT:
        word = word.replace(latin, letter)
    return word


def sound(word: str) -> str:
    """A word by its sound, Latin or Cyrillic: «нимбус» and nimbus are both ``nimbus``."""
    out = word.translate(_SOUND)
    for pattern, plain_sound in _FOLDS:
        out = pattern.sub(plain_sound, out)
    return out


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
