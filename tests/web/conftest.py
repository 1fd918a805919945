"""The local Bot API server and the page's server, asked over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from app.web.botapi import BotApi
from app.web.page import ChatPage


@pytest.fixture
async def api() -> AsyncIterator[BotApi]:
    async with BotApi(username="solemate_bot") as server:
        yield server


class Caller:
    """Calls methods as a bot does."""

    def __init__(self, api: BotApi, client: httpx.AsyncClient) -> None:
        self.api = api
        self.client = client

    async def __call__(self, method: str, **params: Any) -> Any:
        answer = await self.answer(method, **params)
        assert answer["ok"], answer
        return answer["result"]

    async def answer(self, method: str, **params: Any) -> dict[str, Any]:
        url = f"{self.api.url}/bot{self.api.token}/{method}"
        return (await self.client.post(url, json=params)).json()

    async def refused(self, method: str, **params: Any) -> str:
        answer = await self.answer(method, **params)
        assert not answer["ok"], answer
        return answer["description"]

    async def updates(self, offset: int = 0, **params: Any) -> list[dict[str, Any]]:
        return await self("getUpdates", offset=offset, timeout=0, **params)


@pytest.fixture
async def call(api: BotApi) -> AsyncIterator[Caller]:
    api.user(7, "en", "Ann")
    async with httpx.AsyncClient(trust_env=False) as client:
        yield Caller(api, client)


@dataclass
class Browser:
    """Asks the page's server as the page does."""

    page: ChatPage
    client: httpx.AsyncClient
    person: int = 1001

    @property
    def origin(self) -> str:
        return self.page.url.rstrip("/")

    async def do(self, deed: str, **wish: Any) -> httpx.Response:
        body = {"person": self.person, "chat": self.person, **wish}
        return await self.client.post(
            f"{self.origin}/do/{deed}", json=body, headers={"Origin": self.origin}
        )

    async def done(self, deed: str, **wish: Any) -> dict[str, Any]:
        answer = await self.do(deed, **wish)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def upload(self, files: list[tuple[str, bytes, str]], **fields: str) -> httpx.Response:
        data = {"person": str(self.person), "chat": str(self.person), **fields}
        return await self.client.post(
            f"{self.origin}/do/upload",
            data=data,
            files=[("file", one) for one in files],
            headers={"Origin": self.origin},
        )


@pytest.fixture
async def browser(api: BotApi) -> AsyncIterator[Browser]:
    page = ChatPage(api)
    await page.start()
    async with httpx.AsyncClient(trust_env=False) as client:
        yield Browser(page, client)
    await page.stop()
