"""Fetching against a real server on loopback."""

from __future__ import annotations

import email.utils
import gzip
import time
import zlib
from datetime import UTC, datetime, timedelta

import pytest

from app.settings import Settings
from etl.addresses import is_public
from etl.fetch import (
    AddressRefused,
    BadStatus,
    BodyRefused,
    Fetcher,
    FetchError,
    Limits,
    RobotsRefused,
    Unreachable,
    Validators,
)
from tests.etl.conftest import Answer, Site

QUICK = Limits(
    delay_s=0, timeout_s=2, total_s=2, max_bytes=100_000, tries=3, backoff_s=0.01, robots=False
)
WITH_ROBOTS = Limits(delay_s=0, timeout_s=2, tries=2, backoff_s=0.01)


def fetcher(limits: Limits = QUICK, allow: tuple[str, ...] = ("127.0.0.1",), **options) -> Fetcher:
    return Fetcher(Settings(fetch_allow_hosts=allow), limits, **options)


def test_a_document_and_its_headers(site: Site) -> None:
    site.put("/a?q=1", "hello", Content_Type="text/plain", ETag='"1"')
    with fetcher() as fetch:
        document = fetch.fetch(f"{site.base}/a?q=1")
    assert (document.content, document.content_type) == (b"hello", "text/plain")
    assert document.validators == Validators('"1"', None)
    _, headers = site.requests[0]
    assert headers["host"] == f"127.0.0.1:{site.port}"
    assert "SolemateBot" in headers["user-agent"]


def test_an_unchanged_document_costs_a_304(site: Site) -> None:
    site.put("/a", "hello", ETag='"1"')
    with fetcher() as fetch:
        again = fetch.fetch(f"{site.base}/a", Validators('"1"', None))
    assert again.unchanged
    assert again.content == b""


def test_packed_bodies_are_unpacked(site: Site) -> None:
    raw = zlib.compressobj(wbits=-15)
    site.put("/gzip", gzip.compress(b"x" * 5000), Content_Encoding="gzip")
    site.put("/zlib", zlib.compress(b"x" * 5000), Content_Encoding="deflate")
    site.put("/raw", raw.compress(b"x" * 5000) + raw.flush(), Content_Encoding="deflate")
    with fetcher() as fetch:
        for path in ("/gzip", "/zlib", "/raw"):
            assert fetch.fetch(site.base + path).content == b"x" * 5000


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (gzip.compress(b"\0" * 50_000_000), {"Content_Encoding": "gzip"}),
        (b"x" * 100_001, {}),
        (b"", {"Content_Length": "999999999"}),
        (gzip.compress(b"x" * 5000)[:-30], {"Content_Encoding": "gzip"}),
        (b"not gzip at all", {"Content_Encoding": "gzip"}),
        (b"x", {"Content_Encoding": "br"}),
    ],
    ids=[
        "gzip bomb",
        "too large",
        "declared too large",
        "cut gzip",
        "false gzip",
        "unknown coding",
    ],
)
def test_bodies_that_are_refused(site: Site, body: bytes, headers: dict[str, str]) -> None:
    site.put("/a", body, **headers)
    with fetcher() as fetch, pytest.raises(BodyRefused):
        fetch.fetch(f"{site.base}/a")


def test_a_body_that_trickles_is_given_up(site: Site) -> None:
    def trickle(handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        for _ in range(60):
            handler.wfile.write(b"x")
            handler.wfile.flush()
            time.sleep(0.1)

    site.put("/a", trickle)
    began = time.monotonic()
    with fetcher() as fetch, pytest.raises(FetchError):
        fetch.fetch(f"{site.base}/a")
    assert time.monotonic() - began < 15


def test_a_body_that_breaks_off_is_tried_again(site: Site) -> None:
    def cut(handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        handler.wfile.write(b"half")
        handler.close_connection = True

    site.answers["/a"] = [Answer(cut), Answer(b"whole")]
    site.answers["/b"] = Answer(cut)
    with fetcher() as fetch:
        assert fetch.fetch(f"{site.base}/a").content == b"whole"
        with pytest.raises(Unreachable, match="broke off"):
            fetch.fetch(f"{site.base}/b")
    assert site.count("/b") == QUICK.tries


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_trouble_is_tried_again_and_then_told(site: Site, status: int) -> None:
    site.answers["/a"] = [Answer(b"", status), Answer(b"fine")]
    site.answers["/b"] = Answer(b"", status)
    with fetcher() as fetch:
        assert fetch.fetch(f"{site.base}/a").content == b"fine"
        with pytest.raises(BadStatus) as caught:
            fetch.fetch(f"{site.base}/b")
    assert caught.value.status == status
    assert not caught.value.gone


@pytest.mark.parametrize("kind", ["seconds", "date"])
def test_retry_after_is_waited_for(site: Site, kind: str) -> None:
    moment = datetime.now(UTC) + timedelta(seconds=31)
    asked = "30" if kind == "seconds" else email.utils.format_datetime(moment, usegmt=True)
    site.answers["/a"] = [Answer(b"", 429, {"Retry-After": asked}), Answer(b"fine")]
    waits: list[float] = []
    with fetcher(sleep=waits.append) as fetch:
        assert fetch.fetch(f"{site.base}/a").content == b"fine"
    assert 28 <= max(waits) <= 31


def test_a_long_retry_after_ends_the_try(site: Site) -> None:
    site.answers["/a"] = Answer(b"", 503, {"Retry-After": "86400"})
    with fetcher() as fetch, pytest.raises(BadStatus, match="86400 s"):
        fetch.fetch(f"{site.base}/a")
    assert site.count("/a") == 1


def test_missing_documents_are_not_tried_again(site: Site) -> None:
    with fetcher() as fetch, pytest.raises(BadStatus) as caught:
        fetch.fetch(f"{site.base}/none?token=secret")
    assert caught.value.gone
    assert "secret" not in str(caught.value)
    assert len(site.requests) == 1


def test_redirects_are_followed_and_counted(site: Site) -> None:
    site.put("/a", "", 302, Location="/b")
    site.put("/b", "", 301, Location=f"{site.base}/c")
    site.put("/c", "there")
    site.put("/loop", "", 302, Location="/loop")
    site.put("/void", "", 302)
    with fetcher() as fetch:
        document = fetch.fetch(f"{site.base}/a")
        assert (document.url, document.content) == (f"{site.base}/c", b"there")
        for path in ("/loop", "/void"):
            with pytest.raises(BadStatus):
                fetch.fetch(site.base + path)


def test_the_operator_may_allow_a_host_or_a_host_and_port(site: Site) -> None:
    site.put("/a", "mine")
    for allow in ("127.0.0.1", f"127.0.0.1:{site.port}"):
        with fetcher(allow=(allow,)) as fetch:
            assert fetch.fetch(f"{site.base}/a").content == b"mine"
    with fetcher(allow=(f"127.0.0.1:{site.port + 1}",)) as fetch, pytest.raises(AddressRefused):
        fetch.fetch(f"{site.base}/a")


def test_a_rebinding_name_is_resolved_once_and_that_address_used(site: Site) -> None:
    site.put("/a", "inside")
    answers = iter([["93.184.216.34"], ["127.0.0.1"]])
    quick = Limits(delay_s=0, timeout_s=0.3, tries=1, robots=False)
    with fetcher(quick, allow=(), resolver=lambda _h, _p: next(answers)) as fetch:
        with pytest.raises(FetchError):
            fetch.fetch(f"http://rebind.example:{site.port}/a")
        with pytest.raises(AddressRefused):
            fetch.fetch(f"http://rebind.example:{site.port}/a")
    assert site.requests == []


def test_one_private_address_among_public_ones_is_enough_to_refuse() -> None:
    both = ["93.184.216.34", "10.0.0.1"]
    with fetcher(allow=(), resolver=lambda _h, _p: both) as fetch, pytest.raises(AddressRefused):
        fetch.fetch("http://mixed.example/")


def test_public_addresses_are_public() -> None:
    assert is_public("93.184.216.34")
    assert is_public("2606:2800:220:1::1")
    assert not is_public("nonsense")


def test_robots_are_honoured(site: Site) -> None:
    site.put(
        "/robots.txt",
        "\ufeffUser-agent: *\nDisallow: /private\nDisallow: /*?sort=\nDisallow: /end$\n",
    )
    for path in ("/open", "/private/x", "/open?sort=1", "/end", "/end/more"):
        site.put(path, "body")
    with fetcher(WITH_ROBOTS) as fetch:
        for path in ("/open", "/end/more"):
            assert fetch.fetch(site.base + path).content == b"body"
        for path in ("/private/x", "/open?sort=1", "/end"):
            with pytest.raises(RobotsRefused):
                fetch.fetch(site.base + path)
    assert site.count("/robots.txt") == 1


def test_robots_for_us_alone(site: Site) -> None:
    site.put("/robots.txt", "User-agent: SolemateBot\nDisallow: /\n\nUser-agent: *\nAllow: /\n")
    site.put("/a", "body")
    with fetcher(WITH_ROBOTS) as fetch, pytest.raises(RobotsRefused):
        fetch.fetch(f"{site.base}/a")


@pytest.mark.parametrize(
    ("status", "allowed"), [(404, True), (403, True), (500, False), (503, False)]
)
def test_robots_that_cannot_be_read(site: Site, status: int, allowed: bool) -> None:
    site.put("/robots.txt", "", status)
    site.put("/a", "body")
    with fetcher(WITH_ROBOTS) as fetch:
        if allowed:
            assert fetch.fetch(f"{site.base}/a").content == b"body"
        else:
            with pytest.raises(RobotsRefused):
                fetch.fetch(f"{site.base}/a")


def test_a_redirect_to_a_forbidden_path_is_not_followed(site: Site) -> None:
    site.put("/robots.txt", "User-agent: *\nDisallow: /cart\n")
    site.put("/a", "", 302, Location="/cart")
    site.put("/cart", "body")
    with fetcher(WITH_ROBOTS) as fetch, pytest.raises(RobotsRefused):
        fetch.fetch(f"{site.base}/a")
    assert site.count("/cart") == 0


def test_requests_to_one_host_are_spaced(site: Site) -> None:
    site.put("/robots.txt", "User-agent: *\nCrawl-delay: 5\n")
    site.put("/a", "body")
    waits: list[float] = []
    with fetcher(Limits(delay_s=1), sleep=waits.append) as fetch:
        for _ in range(3):
            fetch.fetch(f"{site.base}/a")
    assert len(waits) == 3
    assert waits[-1] == pytest.approx(11, abs=1.5)


def test_nobody_there() -> None:
    with fetcher() as fetch, pytest.raises(Unreachable, match="connection failed"):
        fetch.fetch("http://127.0.0.1:9/")
