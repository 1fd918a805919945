"""What the catalogue itself says about a query's words: brands that no vocabulary lists, words of
its titles."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import Final

from app.db.pool import Connection
from app.db.queries import query
from app.words import Names, Reading

_FRESH_S: Final = 60.0
"""How long the brands are kept before they are asked for again."""


class Catalogue:
    """Knows a catalogue's names. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: tuple[float, Names] | None = None

    def placed(self, conn: Connection, reading: Reading) -> Reading:
        """The reading with the catalogue's brands among its unplaced words understood."""
        return self._names(conn).placed(reading) if reading.rest else reading

    def known(self, conn: Connection, words: Sequence[str]) -> frozenset[str]:
        """Those of the words that full text finds somewhere."""
        if not words:
            return frozenset()
        rows = query("search_words_known").execute(conn, {"words": list(words)}).fetchall()
        return frozenset(word for (word,) in rows)

    def _names(self, conn: Connection) -> Names:
        now = time.monotonic()
        with self._lock:
            kept = self._kept
        if kept is None or now - kept[0] > _FRESH_S:
            rows = query("search_brands").execute(conn).fetchall()
            kept = now, Names((name, aliases) for name, aliases in rows)
            with self._lock:
                self._kept = kept
        return kept[1]
