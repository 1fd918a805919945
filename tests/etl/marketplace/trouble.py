"""What goes wrong in the simulated marketplace, and when: each day anew, and it passes when asked
again often enough."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass, field

KINDS = ("429", "5xx", "slow", "drip", "cut", "reset", "torn", "403")
"""429 with Retry-After; 5xx twice; slow to begin; in drops; closed or reset in mid-body; whole by
HTTP and broken off as HTML; refused once."""
_LASTING = {"5xx": 2, "robots": 4}
_EACH = 2  # of every kind a day, about


@dataclass
class Trouble:
    """The day's faults; safe to share by threads.

    Beside the kinds by page, by the day's number: a challenge page in mid-run, answered with 200,
    403 or 503 in turn; a burst of 5xx, short or long enough to stop the run; a robots.txt that
    cannot be read; a listing that lost most of itself or breaks off.
    """

    pages: int
    day: int = 0
    asked: int = 0
    told: dict[str, int] = field(default_factory=dict)
    tries: dict[str, int] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def new_day(self, day: int) -> None:
        """Every fault is there again."""
        with self.lock:
            self.day, self.asked = day, 0
            self.tries.clear()

    def of(self, path: str) -> str | None:
        """What goes wrong with this request."""
        with self.lock:
            kind = self._of(path)
            if kind is not None:
                self.told[kind] = self.told.get(kind, 0) + 1
        return kind

    def _of(self, path: str) -> str | None:
        tried = self.tries[path] = self.tries.get(path, 0) + 1
        if path == "/robots.txt":
            return "robots" if self.day % 6 == 4 and tried <= _LASTING["robots"] else None
        self.asked += 1
        number = int(hashlib.sha256(f"{self.day}{path}".encode()).hexdigest()[:8], 16)
        middle = 20 + self.day * 7 % max(1, self.pages // 2)
        if self.day % 3 == 2 and self.asked == middle:
            return ("challenge", "challenge 403", "challenge 503")[self.day // 3 % 3]
        long = self.day % 7 == 3
        if (long or self.day % 5 == 1) and 0 < self.asked - middle <= (25 if long else 6):
            return "burst"
        if path.startswith("/shoes"):
            if tried == 1 and path == "/shoes" and self.day % 4 == 3:
                return "shrunk"
            return "torn listing" if tried == 1 and self.day % 4 == 1 and number % 8 == 0 else None
        kind = number % (max(60, self.pages) // _EACH)
        if kind >= len(KINDS) or tried > _LASTING.get(KINDS[kind], 1):
            return None
        return KINDS[kind]
