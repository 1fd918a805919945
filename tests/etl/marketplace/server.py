"""The simulated marketplace as a process of its own: ``python -m ... PRODUCTS DAYS [calm]``.

Prints its port. ``/_day?N`` moves to a day. Each day it misbehaves anew: redirects, 429 with
Retry-After, bursts of 5xx, slow pages, bodies cut in the middle, charsets that lie, pagination
without end, products under two addresses, a listing that lost most of itself, a challenge page.
"""

from __future__ import annotations

import hashlib
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from tests.etl.conftest import picture
from tests.etl.marketplace.market import Good, Market, page

PER_PAGE = 40
CHALLENGE = "<html><head><title>Just a moment...</title></head><body></body></html>"


class Shop:
    """State shared by the requests."""

    def __init__(self, market: Market, calm: bool) -> None:
        self.market, self.calm = market, calm
        self.day = 0
        self.asked = 0
        self.tries: dict[str, int] = {}
        self.statuses: dict[int, int] = {}
        self.lock = threading.Lock()
        self.pictures = {f"/i/{n}.png": picture(n) for n in range(12)}
        self.by_sku = {good.sku: good for good in market.goods}

    def set_day(self, day: int) -> None:
        with self.lock:
            self.day, self.asked = day, 0
            self.tries.clear()

    def fault(self, path: str) -> str | None:
        """What goes wrong with this request; the same a day and path, and it passes."""
        if self.calm:
            return None
        with self.lock:
            self.asked += 1
            tried = self.tries[path] = self.tries.get(path, 0) + 1
            if self.day % 3 == 2 and self.asked == 25:
                return "challenge"
        if path.startswith("/shoes"):
            return "shrunk" if self.day % 4 == 3 and tried == 1 and path == "/shoes" else None
        number = int(hashlib.sha256(f"{self.day}{path}".encode()).hexdigest()[:8], 16)
        share = max(60, len(self.market.goods))
        kind = {0: "429", 1: "5xx", 2: "slow", 3: "cut"}.get(number % share)
        if kind is None or tried > (2 if kind == "5xx" else 1):
            return None
        return kind


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    shop: Shop

    def do_GET(self) -> None:
        shop = self.shop
        parts = urlsplit(self.path)
        if parts.path == "/_day":
            shop.set_day(int(parts.query))
            return self._send("ok")
        if parts.path == "/robots.txt":
            return self._send("\ufeffUser-agent: *\nDisallow: /cart\n", kind="text/plain")
        if parts.path in shop.pictures:
            return self._send(shop.pictures[parts.path], kind="image/png")
        match shop.fault(self.path):
            case "challenge":
                return self._send(CHALLENGE)
            case "429":
                return self._send("slow down", 429, Retry_After="1")
            case "5xx":
                return self._send("oops", 503)
            case "slow":
                time.sleep(0.5)
            case "cut":
                self.send_response(200)
                self.send_header("Content-Length", "9000")
                self.end_headers()
                self.wfile.write(b"<html><head><title>half")
                self.close_connection = True
                return None
            case "shrunk":
                return self._listing(0, shop.market.goods[:3])
        if parts.path == "/shoes":
            listed = [g for g in shop.market.goods if g.days[shop.day].listed]
            number = int(parts.query.removeprefix("page=") or 1) if parts.query else 1
            last = -(-len(listed) // PER_PAGE)
            start = (min(number, last) - 1) * PER_PAGE  # past the end: the last page for ever
            return self._listing(number, listed[start : start + PER_PAGE])
        if parts.path.startswith("/old/"):
            return self._send("", 301, Location=f"/p/{parts.path[5:]}")
        good = shop.by_sku.get(parts.path.removeprefix("/p/"))
        if good is None or not good.days[shop.day].listed:
            return self._send("gone", 404)
        body = page(good, good.days[shop.day], f"http://{self.headers['Host']}/p/{good.sku}")
        tag = f'"{hashlib.sha256(body.encode()).hexdigest()[:16]}"'
        if self.headers.get("If-None-Match") == tag:
            return self._send("", 304, ETag=tag)
        lying = int(good.sku[1:]) % 17 == 5
        kind = "text/html; charset=iso-8859-1" if lying else "text/html"
        return self._send(body, kind=kind, ETag=tag)

    def _listing(self, number: int, goods: list[Good]) -> None:
        cards = ""
        for good in goods:
            n = int(good.sku[1:])
            folder = "old" if n % 13 == 7 else "p"
            cards += (
                f'<div class="card"><a href="/{folder}/{good.sku}">'
                f'<img src="/i/{n % 12}.png">{good.title}</a> <b>€50.00</b></div>'
            )
            if n % 10 == 3:  # the same again under another address
                cards += (
                    f'<div class="card"><a href="/p/{good.sku}?ref=hot">'
                    f'<img src="/i/{n % 12}.png">{good.title}</a> <b>€50.00</b></div>'
                )
        tail = f'<a rel="next" href="/shoes?page={number + 1}">next</a>' if number else ""
        self._send(f"<html><body><div>{cards}</div>{tail}</body></html>")

    def _send(
        self, body: str | bytes, status: int = 200, kind: str = "text/html; charset=utf-8",
        **headers: str,
    ) -> None:  # fmt: skip
        content = body.encode() if isinstance(body, str) else body
        with self.shop.lock:
            self.shop.statuses[status] = self.shop.statuses.get(status, 0) + 1
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if status != 304:
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args: object) -> None:
        pass


def main() -> None:
    """Serve until killed."""
    market = Market(int(sys.argv[1]), int(sys.argv[2]))
    Handler.shop = Shop(market, "calm" in sys.argv)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    print(server.server_address[1], flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
