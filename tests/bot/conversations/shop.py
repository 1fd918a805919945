"""A small shop on loopback for links that people send."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.bot.conversations.market import good, picture
from tests.bot.conversations.talk import Talk

ROBOTS = "User-agent: *\nDisallow: /members/\n"
CHALLENGE = "<html><head><title>Just a moment...</title></head><body>Checking</body></html>"


def _product(key: str, image: str) -> str:
    item = good(key)
    data = {
        "@context": "https://schema.org",
        "@type": "Product",
        "name": f"{item.brand} {item.model}",
        "brand": {"@type": "Brand", "name": item.brand},
        "image": image,
        "offers": {"@type": "Offer", "price": item.roubles, "priceCurrency": "RUB",
                   "availability": "https://schema.org/InStock"},
    }  # fmt: skip
    return (
        f"<html><head><title>{data['name']}</title>"
        f'<script type="application/ld+json">{json.dumps(data)}</script></head>'
        f"<body><h1>{data['name']}</h1></body></html>"
    )


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        pages: dict[str, tuple[int, str, bytes]] = {
            "/robots.txt": (200, "text/plain", ROBOTS.encode()),
            "/samba": (200, "text/html", _product("samba-mint", "/samba.jpg").encode()),
            "/samba.jpg": (200, "image/jpeg", picture("samba-mint")),
            "/lost-picture": (200, "text/html", _product("samba-mint", "/gone.jpg").encode()),
            "/members/samba": (200, "text/html", _product("samba-mint", "/samba.jpg").encode()),
            "/about": (200, "text/html", b"<html><title>About us</title><p>We sell.</p></html>"),
            "/moved": (302, "/samba", b""),
            "/inside": (302, "http://10.0.0.1/secret", b""),
            "/guarded": (403, "text/html", CHALLENGE.encode()),
        }
        status, kind, body = pages.get(self.path, (404, "text/html", b"<html>none</html>"))
        self.send_response(status)
        self.send_header("Location" if status == 302 else "Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Says nothing."""


@contextmanager
def shop(talk: Talk) -> Iterator[str]:
    """The shop's address, which the bot's settings allow; transcripts show another."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    host = f"127.0.0.1:{server.server_port}"
    talk.masks[host] = "shop.example"
    try:
        yield f"http://{host}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
