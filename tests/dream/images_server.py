"""A real HTTP server on loopback that speaks the OpenAI images API, in a thread of its own."""

from __future__ import annotations

import asyncio
import base64
import io
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from PIL import Image

from app.dream.generators.base import png

KEY = "sk-not-a-secret-0123456789"
Answer = Callable[[dict[str, Any]], web.StreamResponse]


def picture(colour: str = "red", size: tuple[int, int] = (96, 64)) -> bytes:
    return png(Image.new("RGB", size, colour))


def given(data: bytes | None = None) -> web.Response:
    packed = base64.b64encode(data if data is not None else picture()).decode()
    return web.json_response({"created": 1, "data": [{"b64_json": packed}]})


def refused(status: int, code: str, kind: str = "", **headers: str) -> web.Response:
    error = {"error": {"code": code, "type": kind, "message": f"about {code}"}}
    return web.json_response(error, status=status, headers=headers)


@dataclass
class Server:
    """Answers as the real one; ``answers`` are used up first, the last one stays."""

    url: str = ""
    answers: list[Answer] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)
    pause_s: float = 0.0

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Authorization") != f"Bearer {KEY}":
            return refused(401, "invalid_api_key")
        body: dict[str, Any] = {"path": request.path}
        if request.path.endswith("/edits"):
            form = await request.post()
            image = form["image"]
            assert isinstance(image, web.FileField)
            body |= {name: value for name, value in form.items() if name != "image"}
            with image.file as sent:
                body["image"] = Image.open(io.BytesIO(sent.read())).size
        else:
            body |= await request.json()
        self.asked.append(body)
        if self.pause_s:
            await asyncio.sleep(self.pause_s)
        if not self.answers:
            return given()
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return answer(body)

    async def file(self, request: web.Request) -> web.Response:
        assert "Authorization" not in request.headers
        return web.Response(body=picture("blue"), content_type="image/png")


@contextmanager
def serving_images() -> Iterator[Server]:
    """The server while the body runs."""
    made = Server()
    ready, loop = threading.Event(), asyncio.new_event_loop()
    stop = asyncio.Event()

    async def run() -> None:
        app = web.Application()
        app.router.add_post("/v1/images/{kind}", made.handle)
        app.router.add_get("/file.png", made.file)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        made.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
        ready.set()
        await stop.wait()
        await runner.cleanup()
        # What still answers a client that has gone must end with its loop, not in a later test.
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    thread = threading.Thread(target=lambda: loop.run_until_complete(run()))
    thread.start()
    assert ready.wait(30)
    try:
        yield made
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        loop.close()
