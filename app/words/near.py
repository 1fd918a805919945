"""How far words are from each other, in edits."""

from __future__ import annotations

from collections.abc import Iterable


def distance(a: str, b: str) -> int:
    """Edits between two words; swapped neighbours are one (optimal string alignment)."""
    before: list[int] = []
    last = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        row = [i]
        for j, y in enumerate(b, 1):
            cost = min(last[j] + 1, row[-1] + 1, last[j - 1] + (x != y))
            if before and i > 1 and j > 1 and x == b[j - 2] and a[i - 2] == y:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        before, last = last, row
    return last[-1]


def slips(word: str, keys: Iterable[str]) -> list[str]:
    """Keys of three letters and more one edit away: in a phrase a short word may be misspelt."""
    near = (k for k in keys if len(k) >= 3 and k.isalpha() and abs(len(k) - len(word)) <= 1)
    return [key for key in near if distance(word, key) == 1] if len(word) >= 3 else []


def deletions(word: str, depth: int) -> set[str]:
    """The word and what is left of it without up to ``depth`` of its letters."""
    found = {word}
    edge = {word}
    for _ in range(depth):
        edge = {w[:i] + w[i + 1 :] for w in edge for i in range(len(w))}
        found |= edge
    return found
