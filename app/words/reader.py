"""A query's words, from left to right: the longest thing that can be understood, then the next."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final, Literal, cast

from app.domain import Gender
from app.words.figures import Figures
from app.words.reading import CHANGES, Change, Reading
from app.words.tokens import Token, fold, other_layout, tokens_of
from app.words.vocabulary import Match, Meaning, Vocabulary, vocabulary

_ORDER: Final = (
    "model", "brand", "change", "colour", "type", "material", "gender", "negator", "currency",
    "system", "shade", "joiner", "price", "price_noun", "size", "filler", "numeral", "plain",
)  # fmt: skip
"""Which meaning of one phrase is taken first."""
_SPREADS: Final = frozenset({"brand", "colour", "type", "material", "model"})
"""Kinds that «не A и не B», «без A и B» take away one after the other."""
_LETTERS: Final = {"р": "r"}
"""A model's letter as Russian keys write it: «2002р»."""
_LINES: Final = {"Jordan": "Nike", "Yeezy": "adidas"}
"""Makers' lines that count as brands of their own."""
_VERSION: Final = re.compile(r"\b(\d{3,4}) (v\d)\b")
_LETTER_DIGITS: Final = {"4": "ch", "6": "sh"}
_DIGIT_LETTERS: Final = re.compile(r"\b([46])([a-z]{4,})\b")
"""Figures that stand for a Russian sound: 4ernye."""
_PAIRS: Final = (
    ("lighter", "darker"), ("brighter", "calmer"), ("chunkier", "slimmer"), ("higher", "lower"),
    ("cheaper", "dearer"),
)  # fmt: skip
_OPPOSITES: Final = dict(_PAIRS) | {b: a for a, b in _PAIRS}
"""«не тёмные» asks for lighter ones."""
_LATIN_SMALL: Final = {
    "no": "но",
    "s": "с",
    "do": "до",
    "to": "то",
    "on": "он",
    "i": "и",
    "v": "в",
    "u": "у",
    "so": "со",
}
"""Russian words that look English where the rest is Russian in Latin letters."""
_BREAKS: Final = frozenset({",", ";", "."})


def read(text: str) -> Reading:
    """What a person's words ask for. Never fails: what cannot be placed is in ``rest``."""
    return _Reader(text, vocabulary()).read()


@dataclass(slots=True)
class _State:
    lists: dict[str, list[str]] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    rest: list[str] = field(default_factory=list)
    text: list[str] = field(default_factory=list)
    terms: list[str] = field(default_factory=list)
    negated: str | None = None
    """"open": a negator waits for what it takes away; a kind: more of it may follow."""
    either: bool = False
    joined: bool = False

    def add(self, name: str, value: str) -> None:
        values = self.lists.setdefault(name, [])
        if value not in values:
            values.append(value)


class _Reader:
    def __init__(self, text: str, words: Vocabulary) -> None:
        self._query = text
        self._words = words
        folded = _typed(fold(text), words)
        self._tokens = _tokens(folded, words)
        self._russian = bool(re.search("[а-я]", folded))
        self._figures = Figures(self._tokens, words, russian=self._russian)
        self._state = _State()

    def read(self) -> Reading:
        place = 0
        while place < len(self._tokens):
            place = self._step(place)
        return self._reading()

    def _step(self, place: int) -> int:
        """Understand what begins at a token; returns where the next begins."""
        token, state = self._tokens[place], self._state
        if token.text in _BREAKS:
            state.negated = None
            return place + 1
        matches = self._figures.matches(place)
        named = self._model(place, matches)
        if named:
            return named
        # A phrase that outreaches its figure («air max 90») is no price, a price no phrase.
        price = self._figures.price(place)
        if price is not None and not state.facts.get("priced"):
            state.facts.update(price_min=price.low, price_max=price.high, priced=True)
            if price.currency:
                state.facts["currency"] = price.currency
            state.negated = None
            return price.end
        longest = next((m for m in matches if self._plain(m)), None)
        size = self._figures.size(place)
        if size is not None and (longest is None or place + longest.length <= size.end):
            if size.sure and state.facts.get("size_sure") is False:
                state.rest.append(state.facts["size"])  # a bare figure before was something else
                del state.facts["size"]
            if "size" not in state.facts:
                state.facts.update(size=size.label, size_system=size.system, size_sure=size.sure)
            if size.gender:
                state.add("genders", size.gender)
            return size.end
        if longest is not None:
            longest = self._shared(place, longest, matches)
            meaning = self._meaning(longest)
            return self._take(place, longest, meaning)
        if not token.word and token.number is None:
            return place + 1
        self._leave(token)
        return place + 1

    def _shared(self, place: int, match: Match, matches: list[Match]) -> Match:
        """A maker's name cut where its last word begins a model's: «adidas | yeezy 500»."""
        end = place + match.length
        for shorter in (m for m in matches if m.length < match.length and self._plain(m)):
            for model in self._figures.matches(place + shorter.length):
                named = any(m.kind == "model" for m in model.meanings) and model.cost <= 2
                if named and place + shorter.length + model.length > end:
                    return shorter
        return match

    def _outreached(self, place: int, match: Match, matches: list[Match]) -> bool:
        """Whether a maker's name and a longer model after it reach further: «puma | suede xl»."""
        shorter = (
            m for m in matches
            if m.length < match.length and any(o.kind == "brand" for o in m.meanings)
        )  # fmt: skip
        return any(
            brand.length + model.length > match.length and model.cost <= 2
            for brand in shorter
            for model in self._figures.matches(place + brand.length)
            if any(m.kind == "model" for m in model.meanings)
        )

    def _plain(self, match: Match) -> bool:
        return any(m.kind != "model" for m in match.meanings)

    def _meaning(self, match: Match) -> Meaning:
        return min(
            (m for m in match.meanings if m.kind != "model"), key=lambda m: _ORDER.index(m.kind)
        )

    def _model(self, place: int, matches: list[Match]) -> int | None:
        """Take a model's name; one of figures alone wants its maker beside it or no other sense."""
        for match in matches:
            if any(m.kind == "change" for m in match.meanings) and match.cost > 2:
                return None
            found = [m for m in match.meanings if m.kind == "model"]
            if not found:
                if match.cost == 0 and match.length > 1:
                    return None  # a longer phrase that is no model
                continue
            end = place + match.length
            if all(t.number is not None for t in self._tokens[place:end]):
                found = [m for m in found if self._stands_alone(place, end, m)]
                if not found:
                    continue
            if self._outreached(place, match, matches):
                return None
            brands = self._state.lists.get("brands", [])
            meaning = next((m for m in found if m.brand in brands), found[0])
            longer = next((m for m in matches if m.length > match.length), None)
            if longer is not None and self._plain(longer) and longer.cost <= match.cost:
                return None
            self._take(place, match, meaning)
            self._figures.model_end = end
            return end
        return None

    def _stands_alone(self, place: int, end: int, meaning: Meaning) -> bool:
        number = self._tokens[place].number or Decimal(0)
        if self._figures.has(end, "currency") or self._figures.has(end, "price", "thousand"):
            return False
        if self._figures.has(end, "size") or (place and self._figures.has(place - 1, "price")):
            return False
        if place and self._figures.has(place - 1, "currency"):
            return False
        near = self._state.lists.get("brands", []) + [
            m.value
            for at in range(end, min(end + 4, len(self._tokens)))
            for match in self._figures.matches(at)
            for m in match.meanings
            if m.kind == "brand"
        ]
        if meaning.brand in near:
            return True
        return not near and number >= 100 and number != number.quantize(Decimal("1e2"))

    def _take(self, place: int, match: Match, meaning: Meaning) -> int:
        state, end = self._state, place + match.length
        kind, value = meaning.kind, meaning.value
        if kind == "plain":
            self._leave(*self._tokens[place:end])
            return end
        if kind == "negator":
            state.negated = "open"
            return end
        if kind in ("joiner", "filler", "shade", "price", "price_noun", "size", "numeral"):
            if kind == "joiner":
                state.either = state.either or value == "or"
                state.joined = state.joined or value == "and"
            elif state.negated not in (None, "open"):
                state.negated = None
            if kind in ("price_noun", "numeral"):
                self._leave(*self._tokens[place:end])
            return end
        out = state.negated in ("open", kind)
        state.negated = kind if out and kind in _SPREADS else None
        shade = kind == "change" and any(m.kind == "shade" for m in match.meanings)
        if shade and self._figures.has(end, "colour"):
            return end  # "dark green" is a colour, "dark" a wish
        if kind == "change":
            if not out:
                state.add("changes", value)
            elif value in _OPPOSITES:
                state.add("changes", _OPPOSITES[value])
            else:
                self._leave(*self._tokens[place:end])
            return end
        if kind in ("currency", "system"):
            state.facts.setdefault(kind, value)
            return end
        self._place(kind, meaning, out=out)
        if not out:
            words = [t.text for t in self._tokens[place:end]]
            if kind != "gender":
                state.text.extend(words)
            if kind in ("brand", "model", "material"):
                state.terms.append(value)
        return end

    def _place(self, kind: str, meaning: Meaning, *, out: bool) -> None:
        state = self._state
        suffix = "_out" if out else ""
        if kind == "model":
            if out:
                state.rest.append(meaning.value)
            else:
                state.add("models", meaning.value)
                if meaning.brand:
                    state.add("brands", meaning.brand)
        elif kind == "gender" and out:
            for other in ("men", "women", "kids"):
                if other != meaning.value:
                    state.add("genders", other)
        else:
            state.add(f"{kind}s{suffix}", meaning.value)

    def _leave(self, *tokens: Token) -> None:
        words = [t.text for t in tokens if t.text[:1].isalnum()]
        if self._state.negated is None:
            self._state.text.extend(words)
            self._state.terms.extend(words)
        elif words:
            words = ["не" if self._russian else "not", *words]
        self._state.rest.extend(words)
        self._state.negated = None

    def _reading(self) -> Reading:
        state, lists, facts = self._state, self._state.lists, self._state.facts
        size, system = facts.get("size"), facts.get("size_system")
        if size is not None and system is None:
            system = facts.get("system")
        outs = {name: tuple(lists.get(f"{name}_out", ())) for name in
                ("brands", "colours", "types", "materials")}  # fmt: skip
        keep = {name: tuple(v for v in lists.get(name, ()) if v not in outs[name]) for name in outs}
        models = _most_exact(lists.get("models", []))
        colours = keep["colours"]
        language: Literal["ru", "en"] = "ru" if self._russian else "en"
        return Reading(
            query=self._query,
            brands=_makers(keep["brands"], models),
            brands_out=outs["brands"],
            model=models[0] if models else None,
            models=models,
            colours=colours,
            colours_out=outs["colours"],
            colours_all=len(colours) > 1 and not state.either,
            types=_types(keep["types"]),
            types_out=outs["types"],
            materials=keep["materials"],
            materials_out=outs["materials"],
            genders=cast("tuple[Gender, ...]", tuple(lists.get("genders", ()))),
            size=size,
            size_system=system,
            price_min=facts.get("price_min"),
            price_max=facts.get("price_max"),
            currency=facts.get("currency"),
            changes=cast(
                "tuple[Change, ...]",
                tuple(c for c in CHANGES if c in lists.get("changes", ())),
            ),
            rest=" ".join(state.rest),
            text=" ".join(state.text),
            terms=" ".join(dict.fromkeys(state.terms)),
            language=language,
        )


def _tokens(folded: str, words: Vocabulary) -> list[Token]:
    """Tokens with names that were run together taken apart, and versions put to their figure."""
    folded = _DIGIT_LETTERS.sub(lambda m: _LETTER_DIGITS[m[1]] + m[2], folded)
    folded = _VERSION.sub(lambda m: m[1] + m[2] if words.run(m[1] + m[2]) else m[0], folded)
    found: list[Token] = []
    if not re.search("[а-я]", folded) and any(map(words.spelt_russian, folded.split())):
        folded = " ".join(_LATIN_SMALL.get(word, word) for word in folded.split())
    for token in tokens_of(folded, words.run):
        before = found[-1] if found else None
        if before is not None and before.number is not None and token.text[:1].isalpha():
            joined = before.text + _LETTERS.get(token.text, token.text)
            if words.run(joined):
                found[-1] = Token(joined, glued=before.glued)
                continue
        if before is not None and before.word and token.word and not token.glued:
            name = words.merged(before.text, token.text)
            if name:
                found[-1] = Token(name, glued=before.glued)
                continue
        parts = words.expanded(token.text) if token.word else ()
        found += [Token(part) for part in parts] or [token]
    return found


def _types(found: tuple[str, ...]) -> tuple[str, ...]:
    """The general word says nothing beside a special one: «беговые кроссовки» are running."""
    special = tuple(t for t in found if t != "sneaker")
    return special or found


def _most_exact(models: list[str]) -> tuple[str, ...]:
    return tuple(m for m in models if not any(m != o and m in o for o in models))


def _makers(brands: tuple[str, ...], models: tuple[str, ...]) -> tuple[str, ...]:
    """«Nike Air Jordan 1» is a Jordan, «adidas Yeezy 500» a Yeezy."""
    above = {parent for own, parent in _LINES.items() if own in brands and models}
    return tuple(b for b in brands if b not in above)


def _typed(text: str, words: Vocabulary) -> str:
    """Folded text with what was typed in the wrong keyboard layout put right."""
    chunks = text.split()
    switched: list[str | None] = []
    for chunk in chunks:
        other = other_layout(chunk)
        if other == chunk or any(char.isdigit() for char in chunk) or not _odd(chunk, words):
            switched.append(None)
        else:
            core = other.strip(".,;:!?-")
            parts = [p for p in re.split("[-/]", core) if p]
            good = bool(parts) and all(words.knows(p) or words.resembles(p) for p in parts)
            switched.append(other if good and any(len(p) > 2 for p in parts) else "")
    sure = sum(1 for s in switched if s)
    if not sure:
        return text
    small = [_odd(c, words) for c, s in zip(chunks, switched, strict=True) if s is None]
    all_wrong = sure >= 2 and not any(
        not odd and len(c) > 3 and c.isalpha()
        for c, odd in zip(
            (c for c, s in zip(chunks, switched, strict=True) if s is None), small, strict=True
        )
    )
    return " ".join(
        s if s else (other_layout(c) if all_wrong and not words.run(c) else c)
        for c, s in zip(chunks, switched, strict=True)
    )


def _odd(chunk: str, words: Vocabulary) -> bool:
    """Whether a chunk makes no sense as it stands, not even with a letter wrong."""
    core = chunk.strip('.,;:!?-()"')
    parts = [p for p in re.split(r"[-/'.,;\[\]`]", core) if p]
    return bool(parts) and not all(words.knows(p) or not p.isalpha() for p in parts)
