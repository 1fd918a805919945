"""Understanding what a person writes about sneakers, in Russian and English. Pure: no I/O but its
own vocabulary file, read once."""

from __future__ import annotations

from app.words.names import Names
from app.words.reader import read
from app.words.reading import CHANGES, Change, Reading, wish
from app.words.traits import Traits, traits_of
from app.words.vocabulary import Vocabulary, vocabulary

__all__ = [
    "CHANGES",
    "Change",
    "Names",
    "Reading",
    "Traits",
    "Vocabulary",
    "read",
    "traits_of",
    "vocabulary",
    "wish",
]
