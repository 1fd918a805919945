"""The words of ``shop_words.toml``: what shops write on buttons and stock lines, by language."""

from __future__ import annotations

import re
import tomllib
from functools import lru_cache
from pathlib import Path

_FILE = Path(__file__).with_name("shop_words.toml")


@lru_cache(maxsize=1)
def _lists() -> dict[str, dict[str, list[str]]]:
    return tomllib.loads(_FILE.read_text(encoding="utf-8"))


def any_of(*kinds: str) -> str:
    """A regular expression for any word of the kinds, all languages; longer ones come first."""
    words = dict.fromkeys(w for kind in kinds for some in _lists()[kind].values() for w in some)
    return "(?:" + "|".join(sorted(words, key=len, reverse=True)) + ")"


def pattern(before: str, kind: str, after: str = "") -> re.Pattern[str]:
    """The words of one kind between two pieces of a regular expression, without case."""
    return re.compile(before + any_of(kind) + after, re.IGNORECASE)
