"""What pages, redirects and bodies may try: none of it is fetched or expanded, each is told apart
in words. ``pytest -k hostile -v`` prints the table."""

from __future__ import annotations

import gzip
import io
import struct
import zlib
from collections.abc import Callable

import pytest

from app.errors import ImageError
from app.settings import Settings
from app.vision.image import decode
from etl.adapters import NoOffer, get_adapter, parse_document
from etl.adapters.documents import unzipped
from etl.fetch import AddressRefused, BadStatus, BodyRefused, Fetcher, FetchError, Limits
from tests.etl.conftest import Site

QUICK = Limits(
    delay_s=0, timeout_s=2, total_s=2, max_bytes=100_000, tries=1, backoff_s=0.01, robots=False
)
PRIVATE = "is not a public address; name it in SOLEMATE_FETCH_ALLOW_HOSTS"
SCHEME = "only http and https addresses are fetched"

ADDRESSES = {
    "http://127.0.0.1/": PRIVATE,
    "http://127.1/": PRIVATE,
    "http://2130706433/": PRIVATE,
    "http://0x7f000001/": PRIVATE,
    "http://0177.0.0.1/": PRIVATE,
    "http://0.0.0.0/": PRIVATE,
    "http://localhost/": PRIVATE,
    "http://localhost./": PRIVATE,
    "http://10.0.0.1/": PRIVATE,
    "http://172.16.0.1/": PRIVATE,
    "http://192.168.1.1/": PRIVATE,
    "http://169.254.169.254/latest/meta-data/": PRIVATE,
    "http://100.64.0.1/": PRIVATE,
    "http://198.18.0.1/": PRIVATE,
    "http://224.0.0.1/": PRIVATE,
    "http://255.255.255.255/": PRIVATE,
    "http://[::1]/": PRIVATE,
    "http://[::]/": PRIVATE,
    "http://[::ffff:127.0.0.1]/": PRIVATE,
    "http://[fe80::1]/": PRIVATE,
    "http://[fc00::1]/": PRIVATE,
    "http://[64:ff9b::7f00:1]/": PRIVATE,
    "http://[2002:7f00:1::]/": PRIVATE,
    "http://[::127.0.0.1]/": PRIVATE,
    "http://①②⑦.0.0.1/": PRIVATE,
    "file:///etc/passwd": SCHEME,
    "ftp://example.com/": SCHEME,
    "gopher://127.0.0.1/": SCHEME,
    "data:text/html,hello": SCHEME,
    "//127.0.0.1/": SCHEME,
    "http://user:hunter2@127.0.0.1/": "user name or password is not fetched",
    "http://127.0.0.1:99999/": "not a valid web address",
    "http://[::1/": "not a valid web address",
    "http:///x": SCHEME,
}


def fetcher(allow: tuple[str, ...], limits: Limits = QUICK) -> Fetcher:
    return Fetcher(Settings(fetch_allow_hosts=allow), limits)


@pytest.mark.parametrize(("url", "words"), ADDRESSES.items(), ids=list(ADDRESSES))
def test_hostile_addresses(url: str, words: str) -> None:
    with fetcher(()) as fetch, pytest.raises(AddressRefused) as caught:
        fetch.fetch(url)
    assert words in str(caught.value)
    assert "hunter2" not in str(caught.value)


REDIRECTS = {
    "http://169.254.169.254/latest/": PRIVATE,
    "http://localhost:{port}/inside": PRIVATE,
    "http://[::1]:{port}/inside": PRIVATE,
    "http://[::ffff:127.0.0.1]:{port}/inside": PRIVATE,
    "http://127.1:{port}/inside": PRIVATE,
    "//10.1.2.3/x": PRIVATE,
    "file:///etc/passwd": SCHEME,
    "javascript:alert(1)": "not a valid web address",
    "http://me:secret@127.0.0.1:{port}/inside": "user name or password",
    "/loop": "more than 5 redirects",
    "": "a redirect to nowhere",
}


@pytest.mark.parametrize(("target", "words"), REDIRECTS.items(), ids=list(REDIRECTS))
def test_hostile_redirects(site: Site, target: str, words: str) -> None:
    """In the second hop, from a page of a host that the operator allows."""
    site.put("/go", "", 302, Location="/on")
    site.put("/on", "", 301, **({"Location": target.format(port=site.port)} if target else {}))
    site.put("/loop", "", 302, Location="/loop")
    site.put("/inside", "secret")
    allow = (f"127.0.0.1:{site.port}",)
    with fetcher(allow) as fetch, pytest.raises((AddressRefused, BadStatus)) as caught:
        fetch.fetch(f"{site.base}/go")
    assert words in str(caught.value)
    assert "secret" not in str(caught.value)
    assert site.count("/inside") == 0


def bomb(levels: int = 1) -> bytes:
    """Zeroes packed so often: 50 MB in 50 kB, and in less."""
    data = b"\0" * 50_000_000
    for _ in range(levels):
        data = gzip.compress(data)
    return data


BODIES: dict[str, tuple[Callable[[], bytes], dict[str, str], str]] = {
    "gzip bomb": (bomb, {"Content_Encoding": "gzip"}, "unpacks to more than 100000 bytes"),
    "deflate bomb": (
        lambda: zlib.compress(b"\0" * 50_000_000),
        {"Content_Encoding": "deflate"},
        "unpacks to more than",
    ),
    "raw deflate bomb": (
        lambda: zlib.compress(b"\0" * 50_000_000)[2:-4],
        {"Content_Encoding": "deflate"},
        "unpacks to more than",
    ),
    "larger than read": (lambda: b"x" * 100_001, {}, "bytes, at most 100000 are read"),
    "declared endless": (lambda: b"", {"Content_Length": "99999999999"}, "at most 100000 are read"),
    "cut gzip": (
        lambda: gzip.compress(bytes(range(256)) * 40)[:-30],
        {"Content_Encoding": "gzip"},
        "body is damaged or breaks off",
    ),
    "false gzip": (lambda: b"no gzip", {"Content_Encoding": "gzip"}, "is damaged or breaks off"),
    "coding not asked for": (lambda: b"x", {"Content_Encoding": "br"}, "br body is damaged"),
    "two codings": (bomb, {"Content_Encoding": "gzip, gzip"}, "gzip, gzip body is damaged"),
}


@pytest.mark.parametrize("name", list(BODIES))
def test_hostile_bodies(site: Site, name: str) -> None:
    make, headers, words = BODIES[name]
    site.put("/a", make(), **headers)
    with fetcher(("127.0.0.1",)) as fetch, pytest.raises(BodyRefused) as caught:
        fetch.fetch(f"{site.base}/a")
    assert words in str(caught.value)


def test_hostile_headers_without_end(site: Site) -> None:
    def endless(handler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
        for number in range(20_000):
            handler.wfile.write(b"X-%d: %s\r\n" % (number, b"y" * 100))
        handler.wfile.write(b"\r\n")
        handler.close_connection = True

    site.put("/a", endless)
    with fetcher(("127.0.0.1",)) as fetch, pytest.raises(FetchError, match=r"no HTTP|connection"):
        fetch.fetch(f"{site.base}/a")


def test_hostile_packed_feed() -> None:
    with pytest.raises(NoOffer, match="unpacks to more than 1000000 bytes"):
        unzipped(bomb(), 1_000_000)


LAUGHS = (
    b'<?xml version="1.0"?><!DOCTYPE yml_catalog [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;">'
    b"]><yml_catalog><shop><offers><offer id='1'><name>&b;</name></offer></offers></shop>"
    b"</yml_catalog>"
)
OUTSIDE = LAUGHS.replace(b'"ha"', b'SYSTEM "file:///etc/passwd"')


@pytest.mark.parametrize("feed", [LAUGHS, OUTSIDE], ids=["entities", "a file of ours"])
@pytest.mark.parametrize("adapter", ["yml_feed", "google_feed"])
def test_hostile_entities(adapter: str, feed: bytes) -> None:
    with pytest.raises(NoOffer, match="entities of its own, which are not expanded"):
        parse_document(get_adapter(adapter), feed, "https://shop.example/feed.xml")


def test_hostile_picture() -> None:
    """A PNG that says it has 40,000 x 40,000 pixels, in some hundred bytes."""
    head = struct.pack(">IIBBBBB", 40_000, 40_000, 8, 2, 0, 0, 0)
    out = io.BytesIO(b"\x89PNG\r\n\x1a\n")
    out.seek(0, io.SEEK_END)
    for kind, data in ((b"IHDR", head), (b"IDAT", zlib.compress(b"\0" * 1000)), (b"IEND", b"")):
        out.write(struct.pack(">I", len(data)) + kind + data)
        out.write(struct.pack(">I", zlib.crc32(kind + data)))
    with pytest.raises(ImageError, match="megapixels") as caught:
        decode(out.getvalue(), max_bytes=1_000_000, max_pixels=50_000_000)
    assert caught.value.code == "too_large"
