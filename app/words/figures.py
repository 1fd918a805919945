"""Prices and sizes in a query's tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Final, cast

from app.domain import Gender, SizeSystem
from app.words.tokens import Token, plain
from app.words.vocabulary import Match, Vocabulary

_DASHES: Final = frozenset("-–—")
_ADULT_EU: Final = (Decimal(34), Decimal(50))
_LARGEST: Final = 60
"""No size is larger, but a foot in millimetres."""
_ORDINALS: Final = frozenset({"й", "ий", "ой", "го", "ого", "му", "ому", "м", "ый", "ю", "ые", "е"})


@dataclass(frozen=True, slots=True)
class Amount:
    """A sum as written: ``scaled`` where a word for thousands followed the figure."""

    value: Decimal
    end: int
    scaled: bool
    currency: str | None


@dataclass(frozen=True, slots=True)
class Price:
    """A price range that ends before token ``end``."""

    low: Decimal | None
    high: Decimal | None
    currency: str | None
    end: int


@dataclass(frozen=True, slots=True)
class SizeFound:
    """A size that ends before token ``end``."""

    label: str
    system: SizeSystem | None
    gender: Gender | None
    end: int
    sure: bool = True
    """Whether a word, a system or a gender said so; False: the figure alone."""


class Figures:
    """Reads prices and sizes from one query's tokens."""

    def __init__(self, tokens: Sequence[Token], words: Vocabulary, *, russian: bool) -> None:
        self._tokens = tokens
        self._words = words
        self._russian = russian
        self.model_end = -1
        """Where the last model's name ended: a bare figure there belongs to it."""
        self._found: dict[int, list[Match]] = {}

    def matches(self, place: int) -> list[Match]:
        """The vocabulary's phrases from a token on, longest first."""
        if place not in self._found:
            known = place < len(self._tokens)
            self._found[place] = self._words.matches(self._tokens, place) if known else []
        return self._found[place]

    def has(self, place: int, kind: str, *values: str) -> tuple[str, int] | None:
        """(value, end) of the longest phrase of a kind from a token on."""
        for match in self.matches(place):
            if match.cost > 3:
                continue
            for meaning in match.meanings:
                if meaning.kind == kind and (not values or meaning.value in values):
                    return meaning.value, place + match.length
        return None

    def price(self, place: int) -> Price | None:
        """A price that begins at the token: «до 10к», "$50-100", «от 5 до 12 тыс руб»."""
        word = self.has(place, "price")
        start = self._skip(word[1]) if word else place
        if word is not None and (second := self.has(start, "price")):
            # «бюджет до 5000», "over about 100": the inner word is the sharper one.
            word = second if word[0] in ("up_to", "around") else word
            start = self._skip(second[1])
        first = self._amount(start)
        if first is None:
            return None
        if self.has(first.end, "size") and not first.scaled and first.currency is None:
            return None
        bound = word[0] if word else None
        second_amount = self._second(first.end, bound)
        if second_amount is not None:
            return self._range(first, second_amount, bound)
        return self._single(place, first, bound)

    def _second(self, end: int, bound: str | None) -> Amount | None:
        token = self._token(end)
        if token is None:
            return None
        if token.text in _DASHES or (bound == "between" and self.has(end, "joiner", "and")):
            return self._amount(end + 1)
        joined = self.has(end, "price", "up_to")
        if bound is None and self._russian and self._like_size(self._token(end - 1)):
            return None  # «42 2/3 до 11к»
        if joined and (bound in ("from", "between", None) or self._words_say(end, "до", "to")):
            return self._amount(self._skip(joined[1]))
        if bound == "from" and self.has(end, "joiner", "and"):
            after = self.has(end + 1, "price", "up_to")
            return self._amount(after[1]) if after else None
        return None

    @staticmethod
    def _like_size(token: Token | None) -> bool:
        value = token.number if token is not None else None
        if value is None or token is None:
            return False
        return value != int(value) or _ADULT_EU[0] <= value <= _ADULT_EU[1]

    def _words_say(self, place: int, *texts: str) -> bool:
        token = self._token(place)
        return token is not None and token.text in texts

    def _range(self, first: Amount, second: Amount, bound: str | None) -> Price | None:
        low, high = first.value, second.value
        currency = first.currency or second.currency
        named = first.scaled or second.scaled or currency is not None
        if second.scaled and not first.scaled and low < 1000:
            low *= 1000
        elif first.scaled and not second.scaled and high < 1000:
            high *= 1000
        elif not named and bound is not None and high < 100 and self._russian:
            low, high = low * 1000, high * 1000
        if not named and bound is None and high < 500:
            return None  # 42-43 is sizes, 5-6 could be anything
        if not named and bound is not None and not self._russian and high < 20:
            return None
        if low > high:
            low, high = high, low
        return Price(low, high, currency, second.end)

    def _single(self, place: int, amount: Amount, bound: str | None) -> Price | None:
        value, end, currency = amount.value, amount.end, amount.currency
        named = amount.scaled or currency is not None
        after = self._token(end)
        if after is not None and after.text == "+" and named:
            return Price(value, None, currency, end + 1)
        if not named and bound is not None and value < 100 and value * 10 == int(value * 10):
            if self._words_say(place, "за"):
                return None
            if self._russian:
                value *= 1000
        if not named and bound is None:
            bare = value >= 1000 and self._russian and self._free(place)
            bare = bare and place != self.model_end
            return Price(None, value, None, end) if bare else None
        tail = self.has(end, "price", "from", "up_to")
        if bound is None and tail and self._amount(tail[1]) is None and tail[0] == "up_to":
            end = tail[1]  # "100$ max"
        elif bound is None and tail and self._amount(tail[1]) is None:
            return Price(value, None, currency, tail[1])  # "100$ and more" / «10к минимум»
        if bound == "from":
            return Price(value, None, currency, end)
        if bound == "around":
            return Price(value * Decimal("0.8"), value * Decimal("1.2"), currency, end)
        if bound == "between":
            return None
        return Price(None, value, currency, end)

    def _free(self, place: int) -> bool:
        """Whether a bare figure is no model's name."""
        return not any(m.kind == "model" for match in self.matches(place) for m in match.meanings)

    def _amount(self, place: int) -> Amount | None:
        currency: str | None = None
        sign = self.has(place, "currency")
        if sign and self._euro_size(place, place + 1, place - 1):
            return None
        if sign and not self._words_say(place, "р") and self._number(sign[1]) is not None:
            currency, place = sign[0], sign[1]
        found = self._number(place)
        if found is None:
            noun = self.has(place, "price_noun")
            before = self._token(place - 1)
            if noun is None or before is None or self.has(place - 1, "price") is None:
                return None
            value, end, scaled = Decimal(noun[0]), noun[1], True
        else:
            value, end, scaled = found[0], found[1], False
        token = self._token(end)
        if token is not None and self.has(end, "price", "thousand") and value < 1000:
            after = self.has(end, "price", "thousand")
            assert after is not None
            value, end, scaled = value * 1000, after[1], True
        named = self.has(end, "currency")
        if named:
            # «43 р» is a size, «4300 р» money.
            letter = self._words_say(end, "р") or self._euro_size(end, place, place - 1)
            if not (letter and not scaled and _ADULT_EU[0] <= value <= _ADULT_EU[1]):
                currency, end = currency or named[0], named[1]
        return Amount(value, end, scaled, currency)

    def _euro_size(self, word: int, figure: int, before: int) -> bool:
        """Whether «евро» beside a figure means the size system: as money it would be too little,
        and nothing before it speaks of a price."""
        if not self._words_say(word, "eur", "euro", "евро"):
            return False
        token = self._token(figure)
        value = token.number if token is not None else None
        fits = value is not None and _ADULT_EU[0] <= value <= _ADULT_EU[1]
        return fits and not (before >= 0 and self.has(before, "price"))

    def _number(self, place: int) -> tuple[Decimal, int] | None:
        token = self._token(place)
        if token is None:
            return None
        if token.number is not None:
            value, end = token.number, place + 1
            group = self._token(end)
            while (
                group is not None
                and group.number is not None
                and not group.glued
                and group.text.isdigit()
                and len(group.text) == 3
                and token.text.isdigit()
                and 1 <= value < 1_000_000
                and (len(token.text) <= 3)
            ):
                value, end = value * 1000 + group.number, end + 1
                group = self._token(end)
            return value, end
        numeral = self.has(place, "numeral")
        return (Decimal(numeral[0]), numeral[1]) if numeral else None

    def size(self, place: int) -> SizeFound | None:
        """A size that begins at the token: «43 размер», "US 9.5", "men's 10", «27,5 см»."""
        gender: Gender | None = None
        system: SizeSystem | None = None
        worded = False
        end = place
        for _ in range(4):
            if word := self.has(end, "size", "size"):
                worded, end = True, word[1]
            elif kind := self.has(end, "system"):
                system, end = cast("SizeSystem", kind[0]), kind[1]
            elif (who := self._who(end)) and (worded or system or end == place):
                gender, end = who
            elif self._words_say(end, ":", "=", "/", "-", ".") and end > place:
                end += 1
            else:
                break
        currency_code = self._words_say(end - 1, "eur", "euro", "евро")
        found = self._size_number(end)
        if found is None:
            return None
        value, label, end = found
        if value > _LARGEST:
            return SizeFound(plain(value / 10), "CM", gender, end + 1)
        end = self._second_size(value, end)
        currency_code = currency_code or self._words_say(end, "eur", "euro", "евро")
        led = worded or system is not None
        end = self._ordinal(end)
        if self._kids_suffix(end) and value <= 14:
            token = self._tokens[end]
            return SizeFound(label + token.text[0].upper(), system or "US", "kids", end + 1)
        for _ in range(4):
            if word := self.has(end, "size", "size"):
                worded, end = True, word[1]
            elif system is None and (kind := self.has(end, "system")):
                system, end = cast("SizeSystem", kind[0]), kind[1]
            elif (
                gender is None
                and (worded or system or self._words_say(end, "m", "w", "ж"))
                and (after := self._who(end))
            ):
                gender, end = after
            else:
                break
        if self.has(end, "currency") and not worded and system is None:
            return None
        if system == "EU" and currency_code and not _ADULT_EU[0] <= value <= _ADULT_EU[1]:
            return None
        if not (worded or system is not None or led):
            last = end == len(self._tokens) and place > 0 and place != self.model_end
            if gender is None and not (
                self._bare(value, label)
                or self._childs(value, end)
                or (last and not self._russian and 4 <= value <= 15)
            ):
                return None
            if gender is not None and not self._worn(value, label, gender):
                return None
        if system is None and gender is not None and not worded and value <= 16:
            system = "US"
        if system is None and not worded and value < 34 and label.endswith(".5") and value > 20:
            system = "CM"
        sure = worded or system is not None or gender is not None
        return SizeFound(label, system, gender, end, sure)

    def _worn(self, value: Decimal, label: str, gender: Gender) -> bool:
        if self._bare(value, label):
            return True
        return Decimal(16) <= value <= Decimal(40) if gender == "kids" else 3 <= value <= 16

    def _childs(self, value: Decimal, end: int) -> bool:
        """Whether a bare figure is a child's size: the query speaks of a child, not of its age."""
        aged = self._words_say(end, "лет", "год", "года", "years", "year", "months", "месяцев")
        if aged or not 16 <= value <= 40 or (end - 1 == self.model_end):
            return False
        return any(self.has(at, "gender", "kids") for at in range(len(self._tokens)))

    @staticmethod
    def _bare(value: Decimal, label: str) -> bool:
        """Whether a figure without a word is a size: 34 to 50 with halves and thirds, or 9.5."""
        if _ADULT_EU[0] <= value <= _ADULT_EU[1]:
            return value == int(value) or label.endswith((".5", "1/3", "2/3"))
        return label.endswith(".5") and (3 <= value <= 16 or 21 <= value <= 32)

    def _size_number(self, place: int) -> tuple[Decimal, str, int] | None:
        token = self._token(place)
        if token is None:
            return None
        if token.number is not None and token.label is not None:
            value, label, end = token.number, token.label, place + 1
        elif numeral := self.has(place, "numeral"):
            value, label, end = Decimal(numeral[0]), numeral[0], numeral[1]
            if value < 20:
                return None
        else:
            return None
        millimetres = 150 <= value <= 330 and self._words_say(end, "мм", "mm")
        if (value > _LARGEST and not millimetres) or value < 1:
            return None
        if value == int(value) and (half := self.has(end, "size", "half")):
            value, label, end = value + Decimal("0.5"), f"{label}.5", half[1]
        return value, label, end

    def _second_size(self, value: Decimal, end: int) -> int:
        """Past the larger of two neighbouring sizes: «40-41 размер» asks for 40 first."""
        token, after = self._token(end), self._token(end + 1)
        if token is None or after is None or after.number is None or not token.text:
            return end
        near = value < after.number <= value + Decimal("1.5")
        return end + 2 if near and (token.text in _DASHES or token.text == "/") else end

    def _ordinal(self, end: int) -> int:
        """Past «-й» and the like of «43-й», «43го»."""
        token = self._token(end)
        if token is not None and token.text in _DASHES:
            after = self._token(end + 1)
            if after is not None and after.glued and after.text in _ORDINALS:
                return end + 2
        if token is not None and token.glued and token.text in _ORDINALS:
            return end + 1
        return end

    def _kids_suffix(self, end: int) -> bool:
        token = self._token(end)
        return token is not None and token.glued and token.text in ("y", "c")

    def _who(self, place: int) -> tuple[Gender, int] | None:
        token = self._token(place)
        after = self._token(place + 1)
        letters = {"m": "men", "w": "women", "м": "men", "ж": "women"}
        if (
            token is not None
            and token.text in letters
            and (
                (after is not None and after.number is not None)
                or (place > 0 and self._tokens[place - 1].number is not None)
                or self.has(place + 1, "system")
                or (place > 0 and self.has(place - 1, "system"))
            )
        ):
            return cast("Gender", letters[token.text]), place + 1
        found = self.has(place, "gender")
        return (cast("Gender", found[0]), found[1]) if found else None

    def _skip(self, place: int) -> int:
        """Past «, : примерно» between a price word and its figure."""
        for _ in range(3):
            token = self._token(place)
            if token is None:
                break
            if token.text in (":", "=", ","):
                place += 1
            elif (about := self.has(place, "price", "around")) or (
                token.word and (about := self.has(place, "filler")) and not self._amount(place)
            ):
                place = about[1]
            else:
                break
        return place

    def _token(self, place: int) -> Token | None:
        return self._tokens[place] if 0 <= place < len(self._tokens) else None


@lru_cache(maxsize=1)
def figure_kinds() -> frozenset[str]:
    """Kinds of meaning that only figures give sense to."""
    return frozenset({"price", "price_noun", "numeral", "system", "size"})
