"""A Bot API server on this machine.

It speaks to a bot as api.telegram.org does: the same addresses, bodies, limits and refusals, for
one bot and any number of chats. People are played through :meth:`BotApi.user`; what the bot sent
is kept. The server holds everything in memory and sends nothing anywhere, except updates to a
webhook the bot asked for.
"""

from __future__ import annotations

import asyncio
import inspect
import re
from types import TracebackType
from typing import Any, Final

from aiohttp import web

from app.web.arrival import post_updates
from app.web.client import Chat
from app.web.failure import ApiFailure
from app.web.faults import ConnectionLost, Faults
from app.web.limits import FloodLimits
from app.web.methods import Method, all_methods
from app.web.params import Params
from app.web.ranges import ranged
from app.web.world import Call, ChatState, Json, World

TOKEN: Final = "1000000001:LOCAL-bot-api-server-token-of-no-secret"  # noqa: S105
"""The token of the local bot: known to all, of use nowhere else."""
_TOKEN_FORM: Final = re.compile(r"\d+:[\w-]+")
_BODY_LIMIT: Final = 60 * 1024 * 1024


class BotApi:
    """The server; use it as an asynchronous context manager or with start() and stop().

    ``calls`` is the transcript: every request of the bot but getUpdates, oldest first, at most
    ``keep`` of them. With ``limits`` too many messages are refused with 429, as Telegram does.
    """

    def __init__(
        self,
        token: str = TOKEN,
        username: str = "solemate_local_bot",
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        keep: int = 100_000,
        limits: FloodLimits | None = None,
    ) -> None:
        self.token = token
        self.limits = limits
        self.faults = Faults()
        self.world = World(_bot(token, username), keep)
        self.web = web.Application(client_max_size=_BODY_LIMIT)
        self.web.router.add_route("*", "/bot{token}/{method}", self._method)
        self.web.router.add_get("/file/bot{token}/{path:.+}", self._file)
        self._methods: dict[str, Method] = all_methods()
        self._host = host
        self._port = port
        self._runner: web.AppRunner | None = None
        self._webhook: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        """The address to give the bot instead of https://api.telegram.org."""
        return f"http://{self._host}:{self._port}"

    @property
    def calls(self) -> list[Call]:
        """The bot's requests, oldest first."""
        return list(self.world.calls)

    def called(self, method: str) -> list[Call]:
        """The bot's requests of one method."""
        return [call for call in self.calls if call.method == method]

    async def start(self) -> None:
        """Listens; with port 0 on a free one."""
        # A poll whose bot has gone must end with its connection, or stopping would wait for it.
        self._runner = web.AppRunner(
            self.web, access_log=None, handler_cancellation=True, shutdown_timeout=1.0
        )
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._host, self._port)
        await site.start()
        self._port = self._runner.addresses[0][1]
        self._webhook = asyncio.create_task(post_updates(self.world))

    async def stop(self) -> None:
        """Closes all connections."""
        if self._webhook is not None:
            self._webhook.cancel()
        if self._runner is not None:
            await self._runner.cleanup()

    async def __aenter__(self) -> BotApi:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    def user(
        self, user_id: int, language_code: str | None = "ru", name: str = "Аня", username: str = ""
    ) -> Chat:
        """A person's private chat with the bot; the same chat when asked again."""
        user: Json = {"id": user_id, "is_bot": False, "first_name": name}
        if language_code is not None:
            user["language_code"] = language_code
        if username:
            user["username"] = username
        state = self.world.chats.setdefault(
            user_id, ChatState({"id": user_id, "type": "private", "first_name": name})
        )
        return Chat(self.world, state, user)

    def group(self, chat_id: int, title: str, member: Chat) -> Chat:
        """``member``'s side of a group that the bot is in."""
        state = self.world.chats.setdefault(
            chat_id, ChatState({"id": chat_id, "type": "supergroup", "title": title})
        )
        return Chat(self.world, state, member.user)

    async def _method(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["method"]
        try:
            self._check_token(request.match_info["token"])
            method = self._named(name)
            params = await Params.read(request)
        except ApiFailure as failure:
            return _refusal(failure)
        call = Call(name, params.values, {key: upload.data for key, upload in params.files.items()})
        return await self._answer(request, call, method, params)

    async def _answer(
        self, request: web.Request, call: Call, method: Method, params: Params
    ) -> web.StreamResponse:
        fault = self.faults.next(call.method.lower(), params.text("chat_id"))
        try:
            if fault is not None and not fault.late:
                await fault.strike()
            if self.limits is not None:
                self.limits.check(call.method, params)
            result = method(self.world, params)
            call.result = await result if inspect.isawaitable(result) else result
            if fault is not None and fault.late:
                await fault.strike()
        except ApiFailure as failure:
            call.failure = failure
            return _refusal(failure)
        except ConnectionLost:
            call.lost = True
            return _cut(request)
        finally:
            if call.method.lower() != "getupdates":
                self.world.calls.append(call)
                await self.world.changed()
        return web.json_response({"ok": True, "result": call.result})

    async def _file(self, request: web.Request) -> web.StreamResponse:
        fault = self.faults.next("file", None)
        try:
            self._check_token(request.match_info["token"])
            if fault is not None:
                await fault.strike()
            file = self.world.files.at(request.match_info["path"])
        except ApiFailure as failure:
            return _refusal(failure)
        except ConnectionLost:
            return _cut(request)
        return ranged(request, file.data)

    def _named(self, name: str) -> Method:
        method = self._methods.get(name.lower())
        if method is None:
            raise ApiFailure(404, "Not Found: method not found")
        return method

    def _check_token(self, token: str) -> None:
        if not _TOKEN_FORM.fullmatch(token):
            raise ApiFailure(404, "Not Found")
        if token != self.token:
            raise ApiFailure(401, "Unauthorized")


def _bot(token: str, username: str) -> Json:
    return {
        "id": int(token.partition(":")[0]),
        "is_bot": True,
        "first_name": "Solemate",
        "username": username,
        "can_join_groups": True,
        "can_read_all_group_messages": False,
        "supports_inline_queries": True,
        "has_main_web_app": False,
    }


def _refusal(failure: ApiFailure) -> web.Response:
    body: dict[str, Any] = {
        "ok": False,
        "error_code": failure.code,
        "description": failure.description,
    }
    if failure.parameters:
        body["parameters"] = failure.parameters
    return web.json_response(body, status=failure.code)


def _cut(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()
