"""Who may talk to the page's server: this machine's browser, from the page itself, nobody else.

Listening on loopback keeps other machines out. Other web pages open in the same browser are kept
out by the Host header (against a name that is made to resolve to this machine) and by Origin and
Sec-Fetch-Site (against requests sent from elsewhere).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_SAFE: Final = frozenset({"GET", "HEAD"})
_OWN_SITES: Final = frozenset({"same-origin", "none"})
_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
        # Pictures of inline results lie where the shops have them.
        " img-src 'self' blob: data: http: https:; manifest-src 'self';"
        " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class Guard:
    """Refuses strangers; ``port`` is set once it is known."""

    def __init__(self) -> None:
        self.port = 0

    @property
    def hosts(self) -> frozenset[str]:
        """The Host headers of the page itself."""
        return frozenset(f"{name}:{self.port}" for name in ("127.0.0.1", "localhost"))

    def refusal(self, request: web.Request) -> str | None:
        """Why a request is not answered; None when it may pass."""
        host = request.headers.get("Host", "").lower()
        if host not in self.hosts:
            return "this server answers to its own address only"
        opened = request.path == "/" and request.method in _SAFE  # a link to the page is harmless
        if request.headers.get("Sec-Fetch-Site", "none") not in _OWN_SITES and not opened:
            return "requests from other pages are not answered"
        if request.method not in _SAFE and request.headers.get("Origin") != f"http://{host}":
            return "requests from other pages are not answered"
        return None

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answers 403 to what :meth:`refusal` names."""
        reason = self.refusal(request)
        if reason is not None:
            return web.json_response({"error": "forbidden", "message": reason}, status=403)
        return await handler(request)


async def harden(_: web.Request, response: web.StreamResponse) -> None:
    """Headers of every answer (an ``on_response_prepare`` signal)."""
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
