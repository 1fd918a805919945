"""The images API, against a real server on loopback that speaks it, faults included."""

from __future__ import annotations

import io
import logging
import time
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from aiohttp import web
from PIL import Image
from pydantic import SecretStr

from app.db.pool import Database
from app.dream.generators.base import GeneratorFault, Watch
from app.dream.generators.images_api import Account, ImagesApi
from app.dream.sessions import Spending
from app.sketch.design import random_design
from tests.dream.images_server import (
    KEY,
    Answer,
    Server,
    given,
    picture,
    refused,
    serving_images,
)

DESIGN = random_design(1)
_opened: list[ImagesApi] = []


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    """Closes the connections that a test opened: left open, they warn in some later test."""
    yield
    while _opened:
        _opened.pop().close()


@pytest.fixture
def server() -> Iterator[Server]:
    with serving_images() as made:
        yield made


class Purse:
    """A budget in memory."""

    def __init__(self, left: str = "10") -> None:
        self.left = Decimal(left)

    def reserve(self, user_key: str, cost: Decimal, limit: Decimal) -> bool:
        if cost > self.left:
            return False
        self.left -= cost
        return True

    def give_back(self, user_key: str, cost: Decimal) -> None:
        self.left += cost


def api(
    server: Server, purse: Any = None, pauses: list[float] | None = None, **changes: Any
) -> ImagesApi:
    values: dict[str, Any] = {
        "url": server.url, "key": SecretStr(KEY), "model": "gpt-image-1", "size": "1024x1024",
        "price": Decimal("0.05"), "daily_limit": Decimal("0.50"), "timeout_s": 5.0,
    }  # fmt: skip
    waited = pauses if pauses is not None else []
    made = ImagesApi(Account(**{**values, **changes}), purse or Purse(), sleep=waited.append)
    _opened.append(made)
    return made


def fault(made: ImagesApi, watch: Watch | None = None) -> GeneratorFault:
    with pytest.raises(GeneratorFault) as caught:
        made.generate(DESIGN, "a shoe", 1, *([watch] if watch else []))
    assert KEY not in str(caught.value)
    return caught.value


def test_generations_and_edits(server: Server) -> None:
    made = api(server)
    first = made.generate(DESIGN, "a red shoe", 1)
    assert Image.open(io.BytesIO(first)).getpixel((5, 5)) == (255, 0, 0)
    made.edit(first, DESIGN, "make it blue", 1)
    generation, edit = server.asked
    assert generation == {
        "path": "/v1/images/generations", "model": "gpt-image-1", "prompt": "a red shoe", "n": 1,
        "size": "1024x1024",
    }  # fmt: skip
    assert (edit["path"], edit["prompt"], edit["image"]) == (
        "/v1/images/edits", "make it blue", (96, 64),
    )  # fmt: skip
    api(server, model="dall-e-2").generate(DESIGN, "x", 1)
    assert server.asked[-1]["response_format"] == "b64_json"


def test_a_picture_by_address_is_fetched_without_the_key(server: Server) -> None:
    url = server.url.replace("/v1", "/file.png")
    server.answers = [lambda _: web.json_response({"data": [{"url": url}]})]
    made = api(server).generate(DESIGN, "x", 1)
    assert Image.open(io.BytesIO(made)).getpixel((5, 5)) == (0, 0, 255)


def test_a_broken_server_is_tried_again(server: Server) -> None:
    pauses: list[float] = []
    server.answers = [
        lambda _: web.Response(status=502, text="bad gateway"),
        lambda _: refused(429, "rate_limit_exceeded", **{"Retry-After": "3"}),
        lambda _: given(),
    ]
    assert api(server, pauses=pauses).generate(DESIGN, "x", 1)
    assert len(server.asked) == 3
    assert sum(pauses) == pytest.approx(0.5 + 3.0, abs=0.01)


@pytest.mark.parametrize(
    ("answer", "code", "asked"),
    [
        (lambda _: web.Response(status=500), "server_error", 3),
        (lambda _: refused(503, "overloaded"), "server_error", 3),
        (lambda _: refused(429, "rate_limit_exceeded"), "busy", 3),
        (lambda _: refused(429, "rate_limit_exceeded", **{"Retry-After": "900"}), "busy", 1),
        (lambda _: refused(429, "insufficient_quota"), "quota_server", 1),
        (lambda _: refused(400, "billing_hard_limit_reached"), "quota_server", 1),
        (lambda _: refused(400, "moderation_blocked", "image_generation_user_error"), "refused", 1),
        (lambda _: refused(400, "content_policy_violation"), "refused", 1),
        (lambda _: refused(401, "invalid_api_key"), "key", 1),
        (lambda _: refused(404, "not_found"), "unreachable", 1),
        (lambda _: given(b"no picture at all"), "broken_picture", 1),
        (lambda _: given(picture()[:60]), "broken_picture", 1),
        (lambda _: web.json_response({"data": []}), "broken_picture", 1),
        (lambda _: web.Response(text="<html>"), "broken_picture", 1),
        (lambda _: web.json_response({"data": [{"b64_json": "%%%"}]}), "broken_picture", 1),
    ],
)
def test_faults(server: Server, answer: Answer, code: str, asked: int) -> None:
    server.answers = [answer]
    purse = Purse()
    assert fault(api(server, purse)).code == code
    assert len(server.asked) == asked
    # Only what may have been billed is counted.
    assert purse.left == Decimal("10") - (Decimal("0.05") if code == "broken_picture" else 0)


def test_nobody_there() -> None:
    gone = Server(url="http://127.0.0.1:9/v1")
    assert fault(api(gone)).code == "unreachable"


def test_slow_is_not_asked_again(server: Server) -> None:
    server.pause_s = 2.0
    start = time.monotonic()
    assert fault(api(server, timeout_s=0.3)).code == "too_slow"
    assert len(server.asked) == 1
    assert time.monotonic() - start < 2.0


def test_no_key_or_a_wrong_one(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    assert fault(api(server, key=None)).code == "key"
    assert fault(api(server, key=SecretStr("wrong-key-7777"))).code == "key"
    assert "wrong-key-7777" not in caplog.text


def test_a_cancelled_wish_is_not_repeated(server: Server) -> None:
    class Gone(Watch):
        def cancelled(self) -> bool:
            return len(server.asked) > 0

    server.answers = [lambda _: web.Response(status=500)]
    assert fault(api(server), Gone()).code == "cancelled"
    assert len(server.asked) == 1


def test_the_daily_limit_is_each_users_own(server: Server, db: Database) -> None:
    made = api(server, Spending(db), daily_limit=Decimal("0.10"))

    class Of(Watch):
        def __init__(self, user: str) -> None:
            self.user_key = user

    for _ in range(2):
        made.generate(DESIGN, "x", 1, Of("tg:1"))
    assert fault(made, Of("tg:1")).code == "quota_user"
    made.generate(DESIGN, "x", 1, Of("tg:2"))
    server.answers = [lambda _: web.Response(status=500)]
    assert fault(made, Of("tg:2")).code == "server_error"  # given back, so there is one left
    server.answers = [lambda _: given()]
    made.generate(DESIGN, "x", 1, Of("tg:2"))
    assert fault(made, Of("tg:2")).code == "quota_user"
