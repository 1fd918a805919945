"""How many messages a bot may send: Telegram's limits, answered with 429 and ``retry_after``."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from app.web.failure import ApiFailure
from app.web.params import Params

_COUNTED: Final = frozenset(
    {
        "sendmessage", "sendphoto", "senddocument", "sendmediagroup", "forwardmessage",
        "copymessage", "editmessagetext", "editmessagecaption", "editmessagemedia",
        "editmessagereplymarkup",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Allowance:
    """``burst`` messages at once, then ``per_second``."""

    burst: float
    per_second: float


@dataclass(slots=True)
class _Bucket:
    allowance: Allowance
    level: float
    at: float

    def wait(self, now: float, count: int) -> float:
        """Seconds until ``count`` messages may go; more than a burst waits for a full bucket."""
        passed = (now - self.at) * self.allowance.per_second
        self.level = min(self.allowance.burst, self.level + passed)
        self.at = now
        needed = min(count, self.allowance.burst) - self.level
        return max(0.0, needed / self.allowance.per_second)


@dataclass(slots=True)
class FloodLimits:
    """Per private chat, per group and of the whole bot; the defaults are what Telegram states,
    with the short bursts it lets pass: an album counts as its pictures."""

    chat: Allowance = Allowance(40, 1)
    group: Allowance = Allowance(20, 20 / 60)
    everywhere: Allowance = Allowance(60, 30)
    clock: Callable[[], float] = time.monotonic
    _buckets: dict[str, _Bucket] = field(default_factory=dict)

    def check(self, method: str, params: Params) -> None:
        """Counts a call.

        Raises:
            ApiFailure: 429; nothing was counted.
        """
        if method.lower() not in _COUNTED:
            return
        media = params.structure("media") if method.lower() == "sendmediagroup" else None
        count = len(media) if isinstance(media, list) else 1
        chat = params.text("chat_id") or ""
        own = self._bucket(chat, self.group if chat.startswith(("-", "@")) else self.chat)
        everywhere = self._bucket("", self.everywhere)
        now = self.clock()
        pause = max(own.wait(now, count), everywhere.wait(now, count))
        if pause > 0:
            seconds = max(1, math.ceil(pause))
            raise ApiFailure(
                429, f"Too Many Requests: retry after {seconds}", {"retry_after": seconds}
            )
        own.level -= count
        everywhere.level -= count

    def _bucket(self, name: str, allowance: Allowance) -> _Bucket:
        if name not in self._buckets:
            self._buckets[name] = _Bucket(allowance, allowance.burst, self.clock())
        return self._buckets[name]
