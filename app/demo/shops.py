"""Two sample shops on loopback, each a real HTTP server in a thread.

>>> with SampleShops(catalogue(1, 300), cache=Path("pictures")) as shops:
...     print(shops.schema_org_url, shops.shopify_url)
"""

from __future__ import annotations

import hashlib
import re
import threading
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from email.utils import format_datetime, parsedate_to_datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Final, Self
from urllib.parse import parse_qs, unquote, urlsplit

import httpx

from app.demo import boxfresh, harbour
from app.demo.folder import QueryPicture, query_pictures, write_folder
from app.demo.goods import BOXFRESH, HARBOUR, Listing, Pictures, Shot, listings, picture_key
from app.sketch.catalogue import CatalogueItem

_OPENED: Final = date(2026, 1, 5)
_HTML: Final = "text/html; charset=utf-8"
_XML: Final = "application/xml; charset=utf-8"
_JSON: Final = "application/json; charset=utf-8"
_TEXT: Final = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a shop answers. shot is set for a picture, drawn only if its bytes are wanted."""

    kind: str
    body: str = ""
    changed: date = _OPENED
    status: int = HTTPStatus.OK
    shot: tuple[Listing, Shot] | None = None


_MISSING: Final = Answer(_HTML, "<h1>404</h1>", status=HTTPStatus.NOT_FOUND)
_BAD: Final = Answer(_TEXT, "bad parameter", status=HTTPStatus.BAD_REQUEST)


class _Shop(ABC):
    """Turns a path and its parameters into an answer."""

    def __init__(self, goods: Sequence[Listing]) -> None:
        self.goods = goods
        self.by_handle = {one.item.handle: one for one in goods}
        self.base = ""

    @abstractmethod
    def answer(self, path: str, query: dict[str, list[str]]) -> Answer: ...

    def picture(self, handle: str, number: str) -> Answer:
        listing = self.by_handle.get(handle)
        if listing is None or int(number) >= len(listing.shots):
            return _MISSING
        return Answer("image/jpeg", shot=(listing, listing.shots[int(number)]))


class _Harbour(_Shop):
    def answer(self, path: str, query: dict[str, list[str]]) -> Answer:
        if path == "/":
            return Answer(_HTML, harbour.index(self.goods))
        if path == "/robots.txt":
            return Answer(_TEXT, harbour.robots(self.base))
        if path == "/sitemap.xml":
            return Answer(_XML, harbour.sitemap_index(self.base, self.goods))
        if path == "/sneakers/":
            page = _whole_number(query, "page", 1)
            body = harbour.listing_page(self.base, self.goods, page) if page is not None else None
            return Answer(_HTML, body) if body else _MISSING
        if found := re.fullmatch(r"/sitemap-(\d{1,6})\.xml", path):
            body = harbour.sitemap(self.base, self.goods, int(found[1]))
            return Answer(_XML, body) if body else _MISSING
        if found := re.fullmatch(r"/img/([a-z0-9-]+)-(\d)\.jpg", path):
            return self.picture(found[1], found[2])
        listing = self.by_handle.get(path.removeprefix("/product/"))
        if not path.startswith("/product/") or listing is None:
            return _MISSING
        body = harbour.product_page(self.base, listing, self.goods)
        return Answer(_HTML, body, harbour.changed_on(listing))


class _Boxfresh(_Shop):
    def answer(self, path: str, query: dict[str, list[str]]) -> Answer:
        if path == "/":
            return Answer(_HTML, boxfresh.index(self.goods))
        if path == "/robots.txt":
            return Answer(_TEXT, boxfresh.robots(self.base))
        if path == "/sitemap.xml":
            return Answer(_XML, boxfresh.sitemap(self.base, self.goods))
        if path == "/meta.json":
            return Answer(_JSON, boxfresh.meta_json(self.base, self.goods))
        if path == "/collections.json":
            return Answer(_JSON, boxfresh.collections_json(self.goods))
        if path == "/products.json":
            return self._products(self.goods, query)
        if found := re.fullmatch(r"/collections/([a-z0-9-]+)(/products\.json)?", path):
            chosen = boxfresh.in_collection(self.goods, found[1])
            if chosen is None:
                return _MISSING
            if found[2]:
                return self._products(chosen, query)
            return Answer(_HTML, boxfresh.collection_page(chosen, found[1]))
        if found := re.fullmatch(r"/cdn/shop/files/([a-z0-9-]+)_(\d)\.jpg", path):
            return self.picture(found[1], found[2])
        handle = path.removeprefix("/products/")
        listing = self.by_handle.get(handle.removesuffix(".json"))
        if not path.startswith("/products/") or listing is None:
            return _MISSING
        if handle.endswith(".json"):
            body = boxfresh.product_json(self.base, listing)
            return Answer(_JSON, body, boxfresh.changed_on(listing))
        body = boxfresh.product_page(self.base, listing)
        return Answer(_HTML, body, boxfresh.changed_on(listing))

    def _products(self, goods: Sequence[Listing], query: dict[str, list[str]]) -> Answer:
        limit = _whole_number(query, "limit", boxfresh.DEFAULT_LIMIT)
        page = _whole_number(query, "page", 1)
        if limit is None or page is None or page < 1:
            return _BAD
        return Answer(_JSON, boxfresh.products_json(self.base, goods, limit, page))


def _whole_number(query: dict[str, list[str]], name: str, default: int) -> int | None:
    text = query.get(name, [str(default)])[0]
    return int(text) if re.fullmatch(r"[0-9]{1,9}", text) else None


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, shop: _Shop, pictures: Pictures, port: int) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.shop = shop
        self.pictures = pictures
        self.url = f"http://127.0.0.1:{self.server_address[1]}/"
        shop.base = self.url


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    # Headers and body go out in one packet; without this each answer waits for the client's ACK.
    wbufsize = -1
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self._reply(with_body=True)

    def do_HEAD(self) -> None:
        self._reply(with_body=False)

    def log_message(self, format: str, *args: object) -> None:
        """A demo's terminal is for its results."""

    def _reply(self, with_body: bool) -> None:
        parts = urlsplit(self.path)
        answer = self.server.shop.answer(unquote(parts.path), parse_qs(parts.query))
        body: bytes | None = None
        if answer.shot is not None:
            tag = picture_key(*answer.shot)
        else:
            body = answer.body.encode()
            tag = hashlib.sha256(body).hexdigest()[:20]
        changed = datetime.combine(answer.changed, time(), UTC)
        ok = answer.status == HTTPStatus.OK
        if ok and self._unchanged(tag, changed):
            self.send_response(HTTPStatus.NOT_MODIFIED)
            self._validators(tag, changed)
            self.end_headers()
            return
        if body is None and answer.shot is not None:
            body = self.server.pictures.jpeg(*answer.shot)
        body = body or b""
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.kind)
        self.send_header("Content-Length", str(len(body)))
        if ok:
            self._validators(tag, changed)
        self.end_headers()
        if with_body:
            self.wfile.write(body)

    def _validators(self, tag: str, changed: datetime) -> None:
        self.send_header("ETag", f'"{tag}"')
        self.send_header("Last-Modified", format_datetime(changed, usegmt=True))

    def _unchanged(self, tag: str, changed: datetime) -> bool:
        wanted = self.headers.get("If-None-Match")
        if wanted is not None:
            known = {one.strip().removeprefix("W/").strip('"') for one in wanted.split(",")}
            return tag in known or "*" in known
        since = self.headers.get("If-Modified-Since")
        if since is None:
            return False
        try:
            moment = parsedate_to_datetime(since)
        except ValueError:
            return False
        return changed <= moment.replace(tzinfo=moment.tzinfo or UTC)


class SampleShops:
    """Serves both shops while the context is open.

    cache is the folder drawn pictures are kept in. port 0 takes any two free ports; another
    number takes that port for the schema.org shop and the next for the Shopify one, and raises
    OSError when one is taken. harbour and boxfresh hold what each shop sells, the truth a
    scraper should find.
    """

    def __init__(self, catalogue: Sequence[CatalogueItem], cache: Path, port: int = 0) -> None:
        self.harbour = tuple(listings(catalogue, HARBOUR))
        self.boxfresh = tuple(listings(catalogue, BOXFRESH))
        self._pictures = Pictures(cache)
        self._port = port
        self._servers: list[_Server] = []
        self._threads: list[threading.Thread] = []

    @property
    def schema_org_url(self) -> str:
        """Home page of "Harbour Kicks", ends in a slash; RuntimeError while closed."""
        return self._url(0)

    @property
    def shopify_url(self) -> str:
        """Home page of "Boxfresh Lane", ends in a slash; RuntimeError while closed."""
        return self._url(1)

    def _url(self, number: int) -> str:
        if not self._servers:
            raise RuntimeError("the sample shops are closed: use them as a context manager")
        return self._servers[number].url

    def __enter__(self) -> Self:
        shops: tuple[_Shop, _Shop] = (_Harbour(self.harbour), _Boxfresh(self.boxfresh))
        try:
            for number, shop in enumerate(shops):
                port = self._port + number if self._port else 0
                self._servers.append(_Server(shop, self._pictures, port))
        except OSError:
            self._close()
            raise
        for server in self._servers:
            thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
            thread.start()
            self._threads.append(thread)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for server in self._servers:
            server.shutdown()
        for thread in self._threads:
            thread.join()
        self._close()

    def _close(self) -> None:
        for server in self._servers:
            server.server_close()
        self._servers.clear()
        self._threads.clear()


class RunningShops(SampleShops):
    """The same shops where another process already serves them, on ``port`` and the next."""

    def _url(self, number: int) -> str:
        return f"http://127.0.0.1:{self._port + number}/"

    def __enter__(self) -> Self:
        """Raises OSError where something else answers, or nothing."""
        for number, name in enumerate((harbour.NAME, boxfresh.NAME)):
            try:
                # Not through a proxy of the environment's: this very machine is asked.
                answer = httpx.get(self._url(number), timeout=2, trust_env=False)
            except httpx.HTTPError as error:
                raise OSError(f"port {self._port + number}: {error}") from error
            if name not in answer.text:
                raise OSError(f"port {self._port + number} is not {name}")
        return self


__all__ = ["QueryPicture", "RunningShops", "SampleShops", "query_pictures", "write_folder"]
