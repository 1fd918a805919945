"""What was said for an update: after a crash its answer goes on where it stopped.

Handlers run anew from their beginning; a message that an earlier attempt sent is not sent again,
its handler gets the message that is in the chat.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Awaitable, Callable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Final

_DIGITS: Final = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class Saying:
    """A message, or an album, that Telegram has taken: its fingerprint and Telegram's answer."""

    mark: str
    result: Any


class Said:
    """The messages of one update, in this attempt and in earlier ones."""

    def __init__(
        self, earlier: Sequence[Saying], keep: Callable[[Saying], Awaitable[None]]
    ) -> None:
        self._earlier = list(earlier)
        self._keep = keep

    @property
    def left(self) -> int:
        """How many messages of earlier attempts have not come up again."""
        return len(self._earlier)

    def before(self, endpoint: str, data: dict[str, Any]) -> Any:
        """What Telegram answered to this message in an earlier attempt; None: it is to be sent.

        Each earlier message stands for one of this attempt.
        """
        if not self._earlier:
            return None
        mark = fingerprint(endpoint, data)
        for number, saying in enumerate(self._earlier):
            if saying.mark == mark:
                del self._earlier[number]
                return saying.result
        return None

    async def note(self, endpoint: str, data: dict[str, Any], result: Any) -> None:
        """Keeps what Telegram answered; when this returns, a crash does not repeat the message."""
        await self._keep(Saying(fingerprint(endpoint, data), result))


SAID: Final[ContextVar[Said | None]] = ContextVar("said", default=None)
"""That of the update being handled."""


def fingerprint(endpoint: str, data: dict[str, Any]) -> str:
    """The same for messages that tell their reader the same: chat and words count, but neither
    numbers (prices and "2 h ago" move on while a bot starts), nor buttons, nor how a picture is
    sent."""
    said = [data.get("text") or data.get("caption") or ""]
    said += [getattr(item, "caption", None) or "" for item in data.get("media") or ()]
    words = _DIGITS.sub("0", "\0".join(map(str, said)))
    return hashlib.sha256(f"{endpoint}\0{data.get('chat_id')}\0{words}".encode()).hexdigest()[:32]
