"""The server of the browser chat: the page, what it shows, and what its user does."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from aiohttp import web
from PIL import Image

from app.i18n import LANGUAGES, catalogue, known_language
from app.web.botapi import BotApi
from app.web.deeds import Deeds
from app.web.failure import ApiFailure
from app.web.guard import Guard, harden
from app.web.incoming import TOTAL_LIMIT, UploadRefused, read_form
from app.web.people import People
from app.web.ranges import ranged
from app.web.stream import Stream, snapshot
from app.web.world import Json

_STATIC: Final = Path(__file__).resolve().parent / "static"
_SHOWN: Final = frozenset({"JPEG", "PNG", "WEBP", "GIF"})
_JSON_LIMIT: Final = 64 * 1024


class ChatPage:
    """Serves the page for the chats of a :class:`BotApi`; use start() and stop().

    ``samples``: pictures to offer to who has none at hand.
    """

    def __init__(self, api: BotApi, port: int = 0, samples: Sequence[Path] = ()) -> None:
        self._api = api
        self._guard = Guard()
        self._port = port
        self._samples = tuple(samples)
        self._bot_state = "starting"
        self._polled_before: float | None = None
        self._watch: asyncio.Task[None] | None = None
        self.bot_ready = asyncio.Event()
        self._runner: web.AppRunner | None = None
        self.people = People(api)
        self._deeds = Deeds(api.world, self.people)
        self.web = web.Application(
            client_max_size=_JSON_LIMIT, middlewares=[self._guard.middleware, _refusals]
        )
        self.web.on_response_prepare.append(harden)
        self._routes()

    def _routes(self) -> None:
        router = self.web.router
        router.add_get("/", self._index)
        router.add_get("/static/{name}", self._static)
        router.add_get("/words/{language}", self._words)
        router.add_get("/events", self._events)
        router.add_get("/files/{file_id}", self._file)
        router.add_get("/samples/{number}", self._sample)
        router.add_post("/do/upload", self._upload)
        router.add_post("/do/{deed}", self._do)

    @property
    def url(self) -> str:
        """The address to open."""
        return f"http://127.0.0.1:{self._port}/"

    async def start(self) -> None:
        """Listens on loopback only; OSError where the port is taken."""
        self._runner = web.AppRunner(
            self.web, access_log=None, handler_cancellation=True, shutdown_timeout=1.0
        )
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()
        self._port = self._guard.port = self._runner.addresses[0][1]
        self._watch = asyncio.create_task(self._watch_bot())

    async def stop(self) -> None:
        """Closes all connections."""
        if self._watch is not None:
            self._watch.cancel()
        if self._runner is not None:
            await self._runner.cleanup()

    async def bot_is(self, state: str) -> None:
        """Shows whether the bot is ``starting``, ``online``, ``restarting`` or ``stopped``."""
        self._bot_state = state
        self._polled_before = self._api.world.polled_at
        self._api.world.log.add("bot", {"state": state})
        await self._api.world.changed()

    async def _watch_bot(self) -> None:
        """The bot is online once it has asked for updates; ``bot_ready`` is set the first time."""
        world = self._api.world
        while True:
            if await world.until(
                lambda: self._bot_state != "online" and world.polled_at != self._polled_before,
                3600,
            ):
                await self.bot_is("online")
                self.bot_ready.set()

    async def _index(self, _: web.Request) -> web.StreamResponse:
        return web.FileResponse(_STATIC / "index.html")

    async def _static(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"]
        if name not in {path.name for path in _STATIC.iterdir()}:
            raise web.HTTPNotFound
        return web.FileResponse(_STATIC / name, headers={"Cache-Control": "no-cache"})

    async def _words(self, request: web.Request) -> web.StreamResponse:
        language = known_language(request.match_info["language"])
        if language is None:
            raise web.HTTPNotFound
        messages = catalogue(language).messages
        return web.json_response(
            {key[5:]: text for key, text in messages.items() if key.startswith("page.")}
        )

    async def _events(self, request: web.Request) -> web.StreamResponse:
        person = self.people.get(request.query.get("person", ""))
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        extra: Json = {
            "bot_state": self._bot_state,
            "samples": len(self._samples),
            "languages": LANGUAGES,
        }

        def state() -> Json:
            now = {**extra, "bot_state": self._bot_state}
            return snapshot(self._api.world, person, self.people.json, now)

        try:
            await Stream(self._api.world, person, response).run(
                request.headers.get("Last-Event-ID"), state
            )
        except ConnectionResetError:
            return response  # the page was closed
        return response

    async def _file(self, request: web.Request) -> web.StreamResponse:
        file = self._api.world.files.get(request.match_info["file_id"])
        mime = await asyncio.to_thread(_picture_type, file.data)
        response = ranged(request, file.data, mime or "application/octet-stream")
        if mime is None:
            name = quote(Path(file.path).name)
            response.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{name}"
        # What an id names never changes.
        response.headers["Cache-Control"] = "private, max-age=86400, immutable"
        return response

    async def _sample(self, request: web.Request) -> web.StreamResponse:
        number = request.match_info["number"]
        if not (number.isascii() and number.isdigit() and int(number) < len(self._samples)):
            raise web.HTTPNotFound
        return web.FileResponse(self._samples[int(number)])

    async def _upload(self, request: web.Request) -> web.StreamResponse:
        if (request.content_length or 0) > TOTAL_LIMIT + _JSON_LIMIT:
            raise UploadRefused("too_large")
        return web.json_response(await self._deeds.upload(await read_form(request)))

    async def _do(self, request: web.Request) -> web.StreamResponse:
        deed = self._deeds.named(request.match_info["deed"])
        if deed is None or request.content_type != "application/json":
            raise web.HTTPNotFound
        try:
            wish: Any = await request.json()
        except ValueError:
            wish = None
        if not isinstance(wish, dict):
            raise UploadRefused("malformed")
        return web.json_response(await deed(wish))


@web.middleware
async def _refusals(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Refusals as JSON with a code that the page has words for."""
    try:
        return await handler(request)
    except UploadRefused as refusal:
        status = 413 if refusal.code in ("too_large", "too_many") else 400
        return web.json_response({"error": refusal.code}, status=status)
    except ApiFailure as failure:
        body = {"error": "refused", "message": failure.description}
        return web.json_response(body, status=failure.code)
    except web.HTTPRequestEntityTooLarge:
        return web.json_response({"error": "too_large"}, status=413)


def _picture_type(data: bytes) -> str | None:
    """The MIME type of a picture that a browser may show; None of anything else, SVG with it."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            kind = image.format or ""
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return None
    return f"image/{kind.lower()}" if kind in _SHOWN else None
