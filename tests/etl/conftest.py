"""Pictures and a small HTTP server for the ETL tests."""

from __future__ import annotations

import io
import random
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psycopg
import pytest
from PIL import Image

from app.db import embedded
from app.db.pool import Database
from app.db.queries import query
from app.settings import Settings


def picture(seed: int, size: int = 64, kind: str = "PNG") -> bytes:
    """A small picture, different for each seed: a few rectangles of random colours."""
    rng = random.Random(seed)
    image = Image.new("RGB", (size, size), tuple(rng.randrange(256) for _ in range(3)))
    for _ in range(6):
        left, top = rng.randrange(size - 8), rng.randrange(size - 8)
        box = (left, top, left + rng.randrange(8, size), top + rng.randrange(8, size))
        image.paste(tuple(rng.randrange(256) for _ in range(3)), box)
    out = io.BytesIO()
    image.save(out, kind)
    return out.getvalue()


def checksum(db: Database) -> str:
    """The catalogue's checksum by natural keys."""
    with db.connection() as conn:
        row = query("catalog_checksum").execute(conn).fetchone()
    assert row is not None
    return str(row[0])


def rows(db: Database, sql: str) -> list[tuple]:
    """What a statement returns."""
    with db.connection() as conn:
        return conn.execute(sql).fetchall()


@pytest.fixture
def second(settings: Settings, template: str, tmp_path: Path) -> Iterator[Settings]:
    """Settings of another fresh database in the same server, with its own picture store."""
    name = f"{settings.database}_b"
    url = embedded.url(settings.home, "postgres")
    assert url is not None
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        yield settings.model_copy(
            update={"database": name, "image_store": tmp_path / "second-images"}
        )
        conn.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@dataclass
class Answer:
    """What the server sends; ``body`` may be a function that writes to the handler itself."""

    body: bytes | Callable[[BaseHTTPRequestHandler], None] = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Site:
    """A loopback web site: answers by path (a list is given out one by one, the last stays)."""

    port: int
    answers: dict[str, Answer | list[Answer]] = field(default_factory=dict)
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def put(
        self, path: str, body: bytes | str | Callable, status: int = 200, **headers: str
    ) -> None:
        content = body.encode() if isinstance(body, str) else body
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answers[path] = Answer(content, status, named)

    def count(self, path: str) -> int:
        return sum(1 for asked, _ in self.requests if asked == path)

    def take(self, path: str) -> Answer:
        found = self.answers.get(path, Answer(b"not here", 404))
        if isinstance(found, list):
            return found.pop(0) if len(found) > 1 else found[0]
        return found


@pytest.fixture
def site() -> Iterator[Site]:
    """A running site; its requests are recorded."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1

        def do_GET(self) -> None:
            held.requests.append((self.path, {k.lower(): v for k, v in self.headers.items()}))
            answer = held.take(self.path)
            if callable(answer.body):
                answer.body(self)
                return
            tag = answer.headers.get("ETag")
            if tag and self.headers.get("If-None-Match") == tag:
                self.send_response(304)
                self.send_header("ETag", tag)
                self.end_headers()
                return
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            if "Content-Length" not in answer.headers:
                self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    held = Site(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield held
    server.shutdown()
    server.server_close()
    thread.join()
