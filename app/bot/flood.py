"""A limit on what one user may ask, so that all others are answered in time."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Final

_REMEMBERED: Final = 20_000


@dataclass(slots=True)
class _Account:
    left: float
    at: float
    told: bool = False


@dataclass(frozen=True, slots=True)
class Refusal:
    """The update is not handled; come back in ``wait_s`` seconds. ``tell``: say so, this once."""

    wait_s: int
    tell: bool


class Flood:
    """Each user may send ``burst`` updates at once and then one every ``every_s`` seconds.

    Whoever goes beyond that hears of it once, until they have been quiet for a quarter of a burst.
    """

    def __init__(
        self, burst: int, every_s: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._burst = burst
        self._every_s = every_s
        self._clock = clock
        self._accounts: OrderedDict[Hashable, _Account] = OrderedDict()

    def refuse(self, user: Hashable) -> Refusal | None:
        """None if the user's next update may be handled."""
        now = self._clock()
        account = self._accounts.get(user)
        if account is None:
            account = self._accounts[user] = _Account(float(self._burst), now)
            if len(self._accounts) > _REMEMBERED:
                self._accounts.popitem(last=False)
        self._accounts.move_to_end(user)
        account.left = min(self._burst, account.left + (now - account.at) / self._every_s)
        account.at = now
        if account.told and account.left >= max(1.0, self._burst / 4):
            account.told = False
        if account.left >= 1 and not account.told:
            account.left -= 1
            return None
        enough = max(1.0, self._burst / 4)
        wait = (enough - account.left) * self._every_s
        refusal = Refusal(_round_up(wait), not account.told)
        account.told = True
        return refusal


def _round_up(wait_s: float) -> int:
    """As people say it: fives of seconds, then whole minutes."""
    step = 5 if wait_s <= 60 else 60
    return max(1, math.ceil(wait_s / step)) * step
