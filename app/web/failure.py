"""How the Bot API says no."""

from __future__ import annotations

from typing import Any


class ApiFailure(Exception):
    """An answer with ``ok: false``; ``parameters`` as in the API's ResponseParameters."""

    def __init__(
        self, code: int, description: str, parameters: dict[str, Any] | None = None
    ) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.parameters = parameters


def bad_request(reason: str) -> ApiFailure:
    """Error 400, worded as Telegram words it."""
    return ApiFailure(400, f"Bad Request: {reason}")
