"""A search's words shared out: what vectors compare, what full text looks for, what none knows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from app.vision.tokenizer import Tokenizer
    from app.words import Reading

_ANY_SHOE: Final = "sneakers"
"""What is compared where a query says nothing but limits."""
_NEGATORS: Final = frozenset({"не", "not"})


@dataclass(frozen=True, slots=True)
class Said:
    """``compared``: for the text tower, empty where full text alone should answer; ``looked_for``:
    for full text; ``exact``: those of it that the tower does not know; ``strange``: unplaced words
    that neither the tower nor the catalogue knows."""

    compared: str
    looked_for: str
    exact: str
    strange: tuple[str, ...]


def said_of(
    text: str,
    reading: Reading | None,
    tokenizer: Tokenizer | None,
    known: Callable[[Sequence[str]], frozenset[str]],
) -> Said:
    """``known`` tells which words full text finds; ``tokenizer`` is the text tower's, None without
    one. A word that only full text finds would be noise in a vector and is kept out of it."""
    said = text if reading is None else reading.text or _ANY_SHOE
    looked_for = said if reading is None else reading.terms or said
    rest = [] if reading is None else _units(reading.rest)
    foreign = [word for word in looked_for.split() if not _familiar(word, tokenizer)]
    found = known(list(dict.fromkeys([*foreign, *(word for word in rest if " " not in word)])))
    strange = tuple(
        w for w in rest if w not in found and (not tokenizer or w in foreign or " " in w)
    )
    if tokenizer is None:
        return Said("", looked_for, "", strange)
    own = found.intersection(foreign)
    left = [word for word in said.split() if word not in own]
    compared = " ".join(left)
    if own and not any(_familiar(word, tokenizer) for word in left):
        compared = ""
    looked_for = " ".join(tokenizer.words(looked_for)) or said
    return Said(compared, looked_for, exact_words(looked_for, tokenizer), strange)


def exact_words(looked_for: str, tokenizer: Tokenizer) -> str:
    """The words that the text tower does not know."""
    return " ".join(word for word in looked_for.split() if not _familiar(word, tokenizer))


def _familiar(word: str, tokenizer: Tokenizer | None) -> bool:
    """Whether the tower learned the word; figures and single letters are nothing to look for by
    themselves."""
    if tokenizer is None:
        return False
    pieces = tokenizer.words(word)
    return all(len(p) < 2 or p.isdigit() or p in tokenizer.lexicon for p in pieces)


def _units(rest: str) -> list[str]:
    """Unplaced words, a denied one with its negator."""
    units: list[str] = []
    for word in rest.split():
        if units and units[-1] in _NEGATORS:
            units[-1] += f" {word}"
        else:
            units.append(word)
    return units
