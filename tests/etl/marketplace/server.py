"""The simulated marketplace as a process of its own: ``python -m ... PRODUCTS DAYS [calm]
[PORT]``.

Prints its port. ``/_day?N`` moves to a day, ``/_told`` tells what was answered and what went wrong
(:mod:`tests.etl.marketplace.trouble`). On every day there are redirects, over several hops and to
an address inside; charsets that lie and pages truly in windows-1251; pagination without end;
products under several addresses, in an order that changes; validators of both kinds and of none.
"""

from __future__ import annotations

import email.utils
import hashlib
import io
import json
import socket
import struct
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from tests.etl.marketplace.market import PICTURES, Good, Market, page
from tests.etl.marketplace.trouble import Trouble

PER_PAGE = 40
CHALLENGE = "<html><head><title>Just a moment...</title></head><body></body></html>"
DAY_ONE = 1_700_000_000  # seconds; only differences count


class Shop:
    """State shared by the requests."""

    def __init__(self, market: Market, calm: bool) -> None:
        self.market, self.calm = market, calm
        self.day = 0
        self.trouble = Trouble(len(market.goods))
        self.statuses: dict[int, int] = {}
        self.by_sku = {good.sku: good for good in market.goods}
        self.pictures: dict[str, bytes] = {}
        for number, good in enumerate(market.goods[:PICTURES]):
            drawn = io.BytesIO()
            good.item.picture(size=(160, 120)).save(drawn, "PNG")
            self.pictures[f"/i/{number}.png"] = drawn.getvalue()

    def set_day(self, day: int) -> None:
        self.day = day
        self.trouble.new_day(day)

    def listed(self) -> list[Good]:
        """What is sold today; the best sellers, another tenth each day, come first."""
        goods = [g for g in self.market.goods if g.days[self.day].listed]
        if self.calm:
            return goods
        return sorted(goods, key=lambda g: (g.number + self.day) % 10 != 0)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    shop: Shop

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        if parts.path == "/_day":
            self.shop.set_day(int(parts.query))
            return self._send("ok")
        if parts.path == "/_told":
            told = {"statuses": self.shop.statuses, "faults": self.shop.trouble.told}
            return self._send(json.dumps(told))
        if parts.path in self.shop.pictures:
            return self._send(self.shop.pictures[parts.path], kind="image/png")
        fault = None if self.shop.calm else self.shop.trouble.of(self.path)
        if fault is not None and self._misbehave(fault):
            return None
        if parts.path == "/robots.txt":
            return self._send("\ufeffUser-agent: *\nDisallow: /cart\n", kind="text/plain")
        if parts.path == "/shoes":
            goods = self.shop.listed()
            number = int(parts.query.removeprefix("page=") or 1) if parts.query else 1
            last = -(-len(goods) // PER_PAGE)
            start = (min(number, last) - 1) * PER_PAGE  # past the end: the last page for ever
            return self._send(self._listing(number, goods[start : start + PER_PAGE]))
        if parts.path == "/inside":
            return self._send("", 302, Location="http://169.254.169.254/latest/meta-data/")
        if parts.path.startswith("/old/"):
            return self._send("", 301, Location=f"/older/{parts.path[5:]}")
        if parts.path.startswith("/older/"):
            return self._send("", 302, Location=f"/p/{parts.path[7:]}")
        good = self.shop.by_sku.get(parts.path.removeprefix("/p/"))
        if good is None or not good.days[self.shop.day].listed:
            return self._send("gone", 404)
        return self._product(good, torn=fault == "torn", drip=fault == "drip")

    def _misbehave(self, fault: str) -> bool:
        """Answers in place of the document; False: the document follows, perhaps in a bad way."""
        match fault:
            case "challenge" | "challenge 403" | "challenge 503":
                self._send(CHALLENGE, int(fault[10:] or 200))
            case "429":
                self._send("slow down", 429, Retry_After="1")
            case "5xx" | "burst" | "robots":
                self._send("oops", 503)
            case "403":
                self._send("not now", 403)
            case "slow":
                time.sleep(0.4)
                return False
            case "cut" | "reset":
                self.send_response(200)
                self.send_header("Content-Length", "9000")
                self.end_headers()
                self.wfile.write(b"<html><head><title>half")
                self.wfile.flush()
                if fault == "reset":  # closing without lingering sends RST
                    linger = struct.pack("ii", 1, 0)
                    self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                    self.connection.close()
                self.close_connection = True
            case "shrunk":
                self._send(self._listing(0, self.shop.market.goods[:3]))
            case "torn listing":
                listing = self._listing(0, self.shop.listed()[:PER_PAGE])
                self._send(listing[: len(listing) // 2])
            case _:
                return False
        return True

    def _product(self, good: Good, *, torn: bool, drip: bool) -> None:
        """The product's page, or a 304 for whoever knows it."""
        cyrillic = good.number % 23 == 3
        canonical = f"http://{self.headers['Host']}/p/{good.sku}"
        state = good.days[self.shop.day]
        body = page(good, state, canonical, None if cyrillic else "utf-8")
        kind = "text/html"
        if cyrillic:
            kind += "; charset=windows-1251"
        elif good.number % 17 == 5:
            kind += "; charset=iso-8859-1"  # a lie
        headers = {}
        if good.number % 29 == 1:
            pass  # no validators
        elif good.number % 7 == 1:
            changed = DAY_ONE + good.changed(self.shop.day) * 86_400
            headers["Last_Modified"] = email.utils.formatdate(changed, usegmt=True)
            if self.headers.get("If-Modified-Since") == headers["Last_Modified"]:
                self._send("", 304)
                return
        else:
            headers["ETag"] = f'"{hashlib.sha256(body.encode()).hexdigest()[:16]}"'
            if self.headers.get("If-None-Match") == headers["ETag"]:
                self._send("", 304, **headers)
                return
        content = body.encode("cp1251", "xmlcharrefreplace") if cyrillic else body.encode()
        if torn:
            content = content[: len(content) * 2 // 3]
        self._send(content, kind=kind, drip=drip, **headers)

    def _listing(self, number: int, goods: list[Good]) -> str:
        cards = (
            '<div class="card"><a href="/inside"><img src="/i/0.png">Trap</a> <b>€1.00</b></div>'
        )
        for good in goods:
            addresses = [f"/{'old' if good.number % 13 == 7 else 'p'}/{good.sku}"]
            if good.number % 10 == 3:  # the same again under other addresses
                addresses += [f"/p/{good.sku}?ref=hot"]
            if good.number % 50 == 3:
                addresses += [f"/older/{good.sku}", f"/p/{good.sku}?ref=new&utm_source=list"]
            if not self.shop.calm and (good.number + self.shop.day) % 4 == 0:
                addresses.reverse()
            for address in addresses:
                cards += (
                    f'<div class="card"><a href="{address}">'
                    f'<img src="/i/{good.number % PICTURES}.png">{good.title}</a>'
                    " <b>€50.00</b></div>"
                )
        tail = f'<a rel="next" href="/shoes?page={number + 1}">next</a>' if number else ""
        return f"<html><body><div>{cards}</div>{tail}</body></html>"

    def _send(
        self, body: str | bytes, status: int = 200, kind: str = "text/html; charset=utf-8",
        *, drip: bool = False, **headers: str,
    ) -> None:  # fmt: skip
        content = body.encode() if isinstance(body, str) else body
        told = self.shop.statuses
        told[status] = told.get(status, 0) + 1
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if status != 304:
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if status == 304:
            return
        step = max(1, len(content) // 4) if drip else len(content)
        for start in range(0, len(content), max(1, step)):
            self.wfile.write(content[start : start + step])
            if drip:
                self.wfile.flush()
                time.sleep(0.1)

    def log_message(self, *args: object) -> None:
        pass


def main() -> None:
    """Serve until killed."""
    market = Market(int(sys.argv[1]), int(sys.argv[2]))
    Handler.shop = Shop(market, "calm" in sys.argv)
    port = next((int(word) for word in sys.argv[3:] if word.isdigit()), 0)
    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    print(server.server_address[1], flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
