"""HTTP to the Bot API that outlives a short outage of the network or of Telegram."""

from __future__ import annotations

import asyncio
from contextvars import ContextVar
from http import HTTPStatus
from typing import Any, Final

from telegram.error import NetworkError, TimedOut
from telegram.request import HTTPXRequest

_PAUSES_S: Final = (0.3, 1.5)
ONCE: Final[ContextVar[bool]] = ContextVar("once", default=False)
"""Set while a message is sent that must not come twice: any doubt is the sender's to settle."""


class RetryingRequest(HTTPXRequest):
    """Repeats a request whose connection broke or that Telegram answered with 5xx.

    A timeout is not repeated: the message may well have been delivered, and a user would rather
    wait for one answer than get two. 429 is the rate limiter's.
    """

    async def do_request(self, *args: Any, **kwargs: Any) -> tuple[int, bytes]:
        """As the parent's, tried up to three times, or once where :data:`ONCE` is set."""
        for pause in () if ONCE.get() else _PAUSES_S:
            try:
                status, body = await super().do_request(*args, **kwargs)
            except TimedOut:
                raise
            except NetworkError:
                await asyncio.sleep(pause)
                continue
            if status < HTTPStatus.INTERNAL_SERVER_ERROR:
                return status, body
            await asyncio.sleep(pause)
        return await super().do_request(*args, **kwargs)
