"""Names that were written as one word: «найкаирмакс», ``blackairforce``, «белыекроссовки»."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from app.words.tokens import Token

if TYPE_CHECKING:
    from app.words.vocabulary import Vocabulary

_LEAST: Final = 6
_MOST: Final = 30
_MOST_PIECES: Final = 4
_NAMED: Final = frozenset({"brand", "model", "colour", "type", "material", "gender"})
_ALONE: Final = 4
"""The shortest piece that may be a phrase of its own: «он», ``on`` end too many words."""


def parted(word: str, words: Vocabulary) -> tuple[str, ...]:
    """The pieces of a word that nothing else explains, each with its neighbours a phrase of the
    vocabulary; empty where there is none. The fewest phrases win, then the fewest pieces."""
    if not (_LEAST <= len(word) <= _MOST) or not word.isalpha() or words.knows(word):
        return ()
    if any(cost <= 3 for _, cost in words.forms(word)):
        return ()
    best: tuple[int, int, tuple[str, ...]] | None = None
    for pieces in _partings(word, words, _MOST_PIECES):
        phrases = _phrases(pieces, words)
        if phrases and (best is None or (phrases, len(pieces)) < best[:2]):
            best = phrases, len(pieces), pieces
    return best[2] if best else ()


def _partings(word: str, words: Vocabulary, most: int) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    if most < _MOST_PIECES and words.knows(word):
        found.append((word,))
    if most > 1:
        for end in range(2, len(word) - 1):
            if words.knows(word[:end]):
                found += [(word[:end], *rest) for rest in _partings(word[end:], words, most - 1)]
    return found


def _phrases(pieces: tuple[str, ...], words: Vocabulary) -> int:
    """How many phrases the pieces make; 0 where some piece is in none."""
    tokens = [Token(piece) for piece in pieces]
    place = count = 0
    while place < len(tokens):
        match = next(
            (
                m
                for m in words.matches(tokens, place)
                if any(meaning.kind in _NAMED for meaning in m.meanings)
                and (m.length > 1 or len(pieces[place]) >= _ALONE)
                and m.cost <= 2 * m.length
            ),
            None,
        )
        if match is None:
            return 0
        place += match.length
        count += 1
    return count
