"""The one vocabulary (``vocabulary.toml``) as an index that a reader walks. Loaded once."""

from __future__ import annotations

import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from app.words.joined import parted
from app.words.near import deletions, distance, slips
from app.words.sounds import bases, consonants, heard, skeleton, skeletons, softened
from app.words.tokens import (
    Token,
    cyrillic,
    fold,
    small_form,
    sound,
    squeezed,
    stem,
    tokens_of,
)

_FILE: Final = Path(__file__).with_name("vocabulary.toml")
_LISTS: Final = {
    "brands": "brand", "colours": "colour", "types": "type", "materials": "material",
    "genders": "gender", "currencies": "currency", "systems": "system", "changes": "change",
    "negators": "negator", "joiners": "joiner", "price_words": "price", "price_nouns": "price_noun",
    "numerals": "numeral", "size_words": "size", "fillers": "filler", "shades": "shade",
    "plain": "plain",
}  # fmt: skip
_SMALL: Final = frozenset({"negator", "joiner", "filler", "numeral", "price", "shade", "plain"})
"""Kinds whose words are too common or too short for another word to be taken for a misspelt one."""
_NAMES: Final = frozenset({"brand", "model", "colour", "type"})


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a phrase can mean; ``brand`` is the maker, of a model only."""

    kind: str
    value: str
    brand: str | None = None


@dataclass(frozen=True, slots=True)
class Match:
    """A phrase found from a position: its length in tokens, what it means, how far it was bent."""

    length: int
    meanings: tuple[Meaning, ...]
    cost: int


@dataclass(slots=True)
class _Node:
    below: dict[str, _Node] = field(default_factory=dict)
    meanings: list[Meaning] = field(default_factory=list)


class Vocabulary:
    """Phrases in a trie of tokens; single words by exact form, by stem and by near misses."""

    def __init__(self, table: Mapping[str, Any]) -> None:
        """Use :func:`vocabulary`."""
        self.table = table
        self._root = _Node()
        self._runs: set[str] = set()  # tokens of letters and figures together
        self._known: set[str] = set()
        self._stems: set[str] = set()
        self._latin: dict[str, tuple[str, ...]] = {}
        self._near: dict[str, set[str]] = defaultdict(set)
        self._sounds: dict[str, set[str]] = defaultdict(set)
        self._consonants: dict[str, set[str]] = defaultdict(set)
        self._skeletons: dict[str, set[str]] = defaultdict(set)
        self._heard: dict[str, set[str]] = defaultdict(set)
        self._skipped = frozenset(_split(table["skipped"]["word"]))
        self._openers: set[str] = set()  # short words that only begin names: air, old
        self._short: dict[str, set[str]] = defaultdict(set)  # words of three letters, by sound
        self._single: dict[str, str] = {}  # names of one long word, by their sound
        self._expansions: dict[str, tuple[str, ...]] = {}
        phrases = list(self._phrases())
        for text, _ in phrases:
            for run in fold(text).replace("-", " ").split():
                if not run.isalpha() and any(c.isalpha() for c in run) and not run[0].isdigit():
                    self._runs.add(run)
                if run[:1].isdigit() and not run.isdigit() and len(run) >= 4:
                    self._runs.add(run)
        for text, meaning in phrases:
            self._add(text, meaning)
        self._openers = {
            word for word, node in self._root.below.items()
            if len(word) == 3 and word.isalpha() and node.below and not node.meanings
        }  # fmt: skip
        self._spell()

    def _phrases(self) -> Iterator[tuple[str, Meaning]]:
        for section, kind in _LISTS.items():
            for value, spellings in self.table[section].items():
                for text in dict.fromkeys([*_own(kind, value), *_split(spellings)]):
                    yield text, Meaning(kind, value)
        for brand, models in self.table["models"].items():
            for value, spellings in models.items():
                for text in _split(spellings):
                    yield text, Meaning("model", value, brand)

    def _add(self, text: str, meaning: Meaning) -> None:
        pieces = (token.text for token in tokens_of(fold(text), self.run))
        tokens = [piece for piece in pieces if piece != "-"]
        forms = {tuple(tokens), tuple("~" + stem(t) if _russian(t) else t for t in tokens)}
        for form in forms:
            node = self._root
            for token in form:
                node = node.below.setdefault(token, _Node())
            if meaning not in node.meanings:
                node.meanings.append(meaning)
        whole = tokens[0]
        if len(tokens) == 1 and meaning.kind in ("brand", "model") and len(whole) >= 8:
            self._single.setdefault(sound(stem(whole)), whole)
        for token in tokens:
            self._known.add(token)
            if _russian(token):
                self._stems.add(stem(token))
                if meaning.kind != "plain":
                    self._skeletons[skeleton(stem(token))].add(stem(token))
                if meaning.kind not in _SMALL and len(stem(token)) >= 5:
                    self._heard[heard(stem(token))].add(stem(token))
            elif meaning.kind in ("brand", "model") and token.isalpha() and len(token) >= 4:
                for spelt in (sound(token), sound(softened(token))):
                    self._sounds[spelt].add(token)
                    if len(token) >= 5 and len(bare := consonants(spelt)) >= 3:
                        self._consonants[bare].add(token)
            if len(token) == 3 and token.isascii() and token.isalpha() and len(tokens) > 1:
                self._short[sound(token)].add(token)
            if meaning.kind not in _SMALL and token.isalpha():
                base = stem(token)
                if len(base) >= (4 if meaning.kind in _NAMES else 5):
                    for key in deletions(base, 2 if len(base) >= 8 else 1):
                        self._near[key].add(base)

    def _spell(self) -> None:
        """Cyrillic spellings of single Latin words; a maker's slang stands for its name as well."""
        found: dict[str, list[str]] = defaultdict(list)
        pairs = [(latin, _split(forms)) for latin, forms in self.table["spellings"].items()]
        pairs += [
            (fold(name), _split(forms))
            for name, forms in self.table["brands"].items()
            if name.isalpha()
        ]
        for latin, forms in pairs:
            for form in map(fold, forms):
                if not _russian(form) or " " in form:
                    continue
                for key in (form, "~" + stem(form)):
                    if latin not in found[key]:
                        found[key].append(latin)
        for latin, form in self._aligned():
            for key in (form, "~" + stem(form)):
                if latin not in found[key]:
                    found[key].append(latin)
        self._latin = {key: tuple(words) for key, words in found.items()}
        for words, forms in self.table["expansions"].items():
            for form in map(fold, _split(forms)):
                self._expansions[form] = tuple(words.split())
                if _russian(form):
                    self._expansions["~" + stem(form)] = tuple(words.split())

    def _aligned(self) -> Iterator[tuple[str, str]]:
        """(Latin word, Cyrillic one) of makers' names of as many words: hilfiger, хилфигер."""
        for name, forms in self.table["brands"].items():
            words = fold(name).split()
            for form in map(str.split, map(fold, _split(forms))):
                if len(form) == len(words) > 1:
                    pairs = zip(words, form, strict=True)
                    yield from (
                        (a, b) for a, b in pairs if _russian(b) and sound(a)[0] == sound(b)[0]
                    )

    @lru_cache(maxsize=4096)  # noqa: B019  one vocabulary a process
    def expanded(self, word: str) -> tuple[str, ...]:
        """The words of a name that was written as one; empty where it is none."""
        return self._written_apart(word) or tuple(
            part for piece in parted(word, self) for part in self._written_apart(piece) or (piece,)
        )

    def _written_apart(self, word: str) -> tuple[str, ...]:
        return self._expansions.get(word) or self._expansions.get("~" + stem(word), ())

    def merged(self, first: str, second: str) -> str | None:
        """The name of one word that two words spell: «спид кросс», ``cloud monster``."""
        whole = first + second
        if len(whole) < 8 or min(len(first), len(second)) < 3:
            return None
        found = self._single.get(sound(stem(whole)))
        if found is None or self.expanded(found):
            return None
        firsts = (self._root.below.get(key) for key, _ in self.forms(first))
        below = [node.below for node in firsts if node is not None]
        known = any(key in words for key, _ in self.forms(second) for words in below)
        return None if known else found

    def run(self, text: str) -> bool:
        """Whether letters and figures run together are one word here: ``990v6``, ``af1``."""
        return text in self._runs

    def spelt_russian(self, word: str) -> bool:
        """Whether a Latin word makes sense only as a Russian one in Latin letters."""
        keys = self.forms(word) if len(word) >= 4 and word.isascii() and word.isalpha() else ()
        return bool(keys) and not self.knows(word) and all(_russian(k.lstrip("~")) for k, _ in keys)

    def knows(self, word: str) -> bool:
        """Whether the word, or another form of it, occurs in the vocabulary."""
        return bool(self._forms(word))

    def resembles(self, word: str) -> bool:
        """Whether a long word is a misspelt one of the vocabulary."""
        return len(word) >= 6 and bool(self._forms(word) or self._nearest(word))

    def _forms(self, word: str) -> list[tuple[str, int]]:
        """The word's known keys in the trie, with what each costs."""
        forms: list[tuple[str, int]] = []
        if word in self._known:
            forms.append((word, 0))
        base = stem(word)
        if _russian(word):
            if base in self._stems:
                forms.append(("~" + base, 1))
            elif (small := small_form(base)) in self._stems:
                forms.append(("~" + small, 2))
            for latin in (*self._latin.get(word, ()), *self._latin.get("~" + base, ())):
                forms.append((latin, 1))
            if len(base) >= 4:
                sounds = self._sounds.get(sound(word), set()) | self._sounds.get(sound(base), set())
                forms += [(latin, 2) for latin in sorted(sounds)]
        else:
            bare = word.removesuffix("'s").removesuffix("s'").replace("'", "")
            for other in (
                bare,
                word.replace("'", ""),
                bare[:-1] if bare.endswith("s") and len(bare) > 3 else bare,
            ):
                if other != word and len(other) >= 2 and other in self._known:
                    forms.append((other, 1))
        return forms

    @lru_cache(maxsize=4096)  # noqa: B019  one vocabulary a process
    def forms(self, word: str) -> tuple[tuple[str, int], ...]:
        """Keys of the word in the trie, cheapest first; a misspelt one gets those it is near to."""
        found = self._forms(word)
        word = word if found else word.replace("'", "")
        if not found and not _russian(word) and word.isalpha():
            found = [(key, cost + 2) for key, cost in self._forms(cyrillic(word))]
            found = found or [("~" + base, 3) for base in self._latin_russian(word)]
        if min((cost for _, cost in found), default=2) >= 2 and (once := squeezed(word)) != word:
            found += [(key, cost + 2) for key, cost in self._forms(once)]
        if not found:
            found = [(key, 3) for key in self._by_ear(word)]
        if not found:
            found = [(key, 3 + distance) for key, distance in self._nearest(word)]
        for key, cost in tuple(found):
            found += [(latin, cost + 1) for latin in self._latin.get(key, ()) if cost >= 2]
        return tuple(dict.fromkeys(found))

    def _latin_russian(self, word: str) -> list[str]:
        """Stems that a Latin word may spell, in whatever way; short ones only when inflected."""
        found: dict[str, int] = {}
        for signs in skeletons(word):
            for base in bases(signs):
                least = 2 if base == signs else 3
                whole = len(base) >= 4 or (len(base) >= least and squeezed(word) == word)
                for stem_ in self._skeletons.get(base, ()) if whole else ():
                    found[stem_] = max(found.get(stem_, 0), len(base))
        longest = max(found.values(), default=0)
        return sorted(base for base, length in found.items() if length == longest)

    def _by_ear(self, word: str) -> list[str]:
        """Keys of words that sound the same: «красофки», «райдер» for rider, ``reebock``."""
        base = stem(word)
        if not word.isalpha() or len(base) < 5:
            return []
        if not _russian(word):
            return sorted(self._sounds.get(sound(word), ()))
        for once_more in (base, stem(base)):  # «зеленыйе» bears two endings
            if len(once_more) >= 5 and (same := self._heard.get(heard(once_more))):
                return ["~" + other for other in sorted(same)]
        best: list[tuple[int, str]] = []
        for form in dict.fromkeys((sound(base), sound(word))):
            if len(word) >= 6 and len(bare := consonants(form)) >= 3:
                for other in self._consonants.get(bare, ()):
                    spelt = (sound(other), sound(softened(other)))
                    best.append((min(distance(form, one) for one in spelt), other))
        nearest = min((far for far, _ in best), default=3)
        return sorted({o for far, o in best if far == nearest}) if nearest <= 2 else []

    def _nearest(self, word: str) -> list[tuple[str, int]]:
        base = stem(word)
        if len(base) < 4 or not base.isalpha():
            return []
        allowed = 2 if len(base) >= 8 else 1
        candidates: set[str] = set()
        for key in deletions(base, allowed):
            candidates |= self._near.get(key, set())
        ranked = sorted((distance(base, other), other) for other in candidates)
        best = ranked[0][0] if ranked else allowed + 1
        if best > allowed:
            return []
        keep = [other for far, other in ranked if far == best]
        # A first letter is seldom wrong: short words must keep it.
        keep = [o for o in keep if len(base) >= 8 or o[0] == base[0] or sorted(o) == sorted(base)]
        # A letter left out or two swapped are likelier than one for another.
        keep = [o for o in keep if len(o) != len(base) or sorted(o) == sorted(base)] or keep
        return [("~" + other if _russian(other) else other, best) for other in keep]

    def matches(self, tokens: Sequence[Token], start: int) -> list[Match]:
        """Phrases that begin at ``start``, longest first, the least bent first among equals."""
        found: dict[int, Match] = {}

        def walk(node: _Node, place: int, cost: int) -> None:
            last = tokens[place - 1].text if place > start else "-"
            if node.meanings and last != "-":
                best = found.get(place)
                if best is None or cost < best.cost:
                    found[place] = Match(place - start, tuple(node.meanings), cost)
                elif cost == best.cost:
                    merged = dict.fromkeys((*best.meanings, *node.meanings))
                    found[place] = Match(place - start, tuple(merged), cost)
            if place >= len(tokens):
                return
            token = tokens[place]
            if token.text == "-" and place > start:
                walk(node, place + 1, cost)
            keys = self.forms(token.text) if token.word else ((token.text, 0),)
            if not keys and token.text.isalpha():
                known = node.below if place > start else self._openers
                near = slips(token.text, known)
                keys = tuple((key, 4 + more) for word in near for key, more in self.forms(word))
                alike = self._short.get(sound(token.text), set()) if _russian(token.text) else ()
                keys += tuple((key, 2) for key in sorted(alike) if key in known)
            if place > start and token.text in self._skipped:
                walk(node, place + 1, cost + 1)
            if token.word:
                for length, value in self._numerals(tokens, place):
                    # A round sum at the start is money before it is a name.
                    if value in node.below and (place > start or len(value.rstrip("0")) > 2):
                        walk(node.below[value], place + length, cost + 1)
            for key, price in keys:
                below = node.below.get(key)
                if below is not None:
                    walk(below, place + 1, cost + price)

        walk(self._root, start, 0)
        return sorted(found.values(), key=lambda match: -match.length)

    def _numerals(self, tokens: Sequence[Token], start: int) -> list[tuple[int, str]]:
        """Numbers in words from a token on: (length, figure)."""
        found: list[tuple[int, str]] = []
        nodes = [self._root]
        for length, token in enumerate(tokens[start : start + 3], 1):
            keys = self.forms(token.text) if token.word else ()
            nodes = [n.below[k] for n in nodes for k, cost in keys if cost <= 1 and k in n.below]
            values = [m.value for n in nodes for m in n.meanings if m.kind == "numeral"]
            found += [(length, value) for value in dict.fromkeys(values)]
            if not nodes:
                break
        for length, value in tuple(found):
            if value.endswith("00"):
                tail = self._numerals(tokens, start + length)
                found += [(length + n, value[:-2] + v.zfill(2)) for n, v in tail if len(v) <= 2]
        return found

    def names(self, section: str) -> tuple[str, ...]:
        """Canonical names of a section: ``colours``, ``types``, ``brands``, ..."""
        return tuple(self.table[section])


@lru_cache(maxsize=1)
def vocabulary() -> Vocabulary:
    """The vocabulary, read from its file on first use."""
    return Vocabulary(tomllib.loads(_FILE.read_text(encoding="utf-8")))


def _own(kind: str, value: str) -> tuple[str, ...]:
    """A canonical name counts as a spelling of itself where people write it."""
    return (value.replace("_", " "),) if kind in ("brand", "colour", "type", "material") else ()


def _split(spellings: str) -> list[str]:
    return [part.strip() for part in spellings.split(",") if part.strip()]


def _russian(word: str) -> bool:
    return bool(word) and "а" <= word[0] <= "я"
