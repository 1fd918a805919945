"""What the local server knows: users, chats, messages, files, updates not fetched yet."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Final

from app.web.failure import ApiFailure, bad_request
from app.web.files import Files

Json = dict[str, Any]

_QUERY_LIFE_S: Final = 15 * 60


@dataclass(slots=True)
class Call:
    """One request of the bot, as it came and as it was answered."""

    method: str
    params: Json
    files: dict[str, bytes]
    result: Any = None
    failure: ApiFailure | None = None
    lost: bool = False
    at: float = field(default_factory=time.monotonic)


@dataclass(slots=True)
class Press:
    """A pressed button and what the bot said to it."""

    query_id: str
    data: str
    at: float = field(default_factory=time.monotonic)
    answered: bool = False
    text: str | None = None
    alert: bool = False


@dataclass(slots=True)
class ChatState:
    """A chat: its public description and all its messages by id."""

    json: Json
    messages: dict[int, Json] = field(default_factory=dict)
    blocked: bool = False
    action: str | None = None

    @property
    def id(self) -> int:
        """The chat's id."""
        return int(self.json["id"])


@dataclass(slots=True)
class Webhook:
    """Where updates are posted instead of being fetched."""

    url: str
    secret: str | None


class World:
    """State and the few rules every method shares. Lives on one event loop."""

    def __init__(self, bot: Json, keep: int) -> None:
        self.bot = bot
        self.files = Files()
        self.chats: dict[int, ChatState] = {}
        self.presses: dict[str, Press] = {}
        self.commands: dict[tuple[str, str], list[Json]] = {}
        self.webhook: Webhook | None = None
        self.calls: deque[Call] = deque(maxlen=keep)
        self.updates: deque[Json] = deque()
        self.allowed: frozenset[str] | None = None
        self._keep = keep
        self._last_message = 0
        self._last_update = secrets.randbelow(1_000_000) + 1
        self._changed = asyncio.Condition()

    async def changed(self) -> None:
        """Wakes everybody who waits for news."""
        async with self._changed:
            self._changed.notify_all()

    async def until(self, check: Any, timeout_s: float) -> bool:
        """Waits until ``check()`` is true; False when the time is over first."""
        try:
            async with asyncio.timeout(timeout_s), self._changed:
                await self._changed.wait_for(check)
        except TimeoutError:
            return bool(check())
        return True

    def chat(self, chat_id: object) -> ChatState:
        """The chat to send to.

        Raises:
            ApiFailure: 400 there is none, 403 its user has blocked the bot.
        """
        try:
            state = self.chats.get(int(str(chat_id)))
        except ValueError:
            state = None
        if state is None:
            raise bad_request("chat not found")
        if state.blocked:
            raise ApiFailure(403, "Forbidden: bot was blocked by the user")
        return state

    def message(self, chat: ChatState, sender: Json, **content: Any) -> Json:
        """Puts a new message into a chat."""
        self._last_message += 1
        message: Json = {
            "message_id": self._last_message,
            "date": int(time.time()),
            "chat": chat.json,
            "from": sender,
            **content,
        }
        chat.messages[self._last_message] = message
        if len(chat.messages) > self._keep:
            del chat.messages[next(iter(chat.messages))]
        return message

    def push(self, kind: str, content: Json) -> Json | None:
        """Queues an update for the bot; None when it did not ask for such."""
        if self.allowed is not None and kind not in self.allowed:
            return None
        self._last_update += 1
        update: Json = {"update_id": self._last_update, kind: content}
        self.updates.append(update)
        return update

    def press(self, chat: ChatState, user: Json, message: Json | None, data: str) -> Press:
        """Queues the press of a button under ``message``."""
        press = Press(str(secrets.randbits(63)), data)
        self.presses[press.query_id] = press
        query: Json = {
            "id": press.query_id,
            "from": user,
            "chat_instance": str(chat.id),
            "data": data,
        }
        if message is not None:
            query["message"] = message
        self.push("callback_query", query)
        return press

    def pressed(self, query_id: str | None) -> Press:
        """The press to acknowledge.

        Raises:
            ApiFailure: 400, unknown or too old.
        """
        press = self.presses.get(query_id or "")
        if press is None or time.monotonic() - press.at > _QUERY_LIFE_S:
            raise bad_request(
                "query is too old and response timeout expired or query ID is invalid"
            )
        return press
