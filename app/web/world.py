"""What the local server knows: users, chats, messages, files, updates not fetched yet."""

from __future__ import annotations

import asyncio
import copy
import secrets
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Final

from app.web.events import EventLog
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
    user_id: int = 0
    chat_id: int = 0
    at: float = field(default_factory=time.monotonic)
    answered: bool = False
    text: str | None = None
    alert: bool = False
    url: str | None = None


@dataclass(slots=True)
class InlineQuestion:
    """An inline query and the results the bot offers; ``results`` None while it has not answered.

    ``ready`` holds, by result id, the message each result becomes.
    """

    query_id: str
    user: Json
    query: str
    offset: str
    at: float = field(default_factory=time.monotonic)
    results: list[Json] | None = None
    ready: dict[str, Json] = field(default_factory=dict)
    next_offset: str = ""
    button: Json | None = None


@dataclass(slots=True)
class ChatState:
    """A chat: its public description and all its messages by id."""

    json: Json
    messages: dict[int, Json] = field(default_factory=dict)
    blocked: bool = False
    action: str | None = None
    between_people: bool = False
    """The bot is not in it; only inline queries reach it from there."""

    @property
    def id(self) -> int:
        """The chat's id."""
        return int(self.json["id"])


@dataclass(slots=True)
class Webhook:
    """Where updates are posted instead of being fetched."""

    url: str
    secret: str | None
    max_connections: int = 40
    error: str | None = None
    error_at: int = 0


class World:
    """State and the few rules every method shares. Lives on one event loop."""

    def __init__(self, bot: Json, keep: int) -> None:
        self.bot = bot
        self.files = Files()
        self.chats: dict[int, ChatState] = {}
        self.presses: dict[str, Press] = {}
        self.questions: dict[str, InlineQuestion] = {}
        self.inline: dict[str, tuple[ChatState, Json]] = {}
        self.log = EventLog()
        self.about: dict[tuple[str, str], str] = {}
        self.polled_at: float | None = None
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
        if state is None or state.between_people:
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
        self.log.add("message", message, chat_id=chat.id)
        return message

    def edited(self, message: Json) -> None:
        """Notes that a message has changed."""
        message["edit_date"] = int(time.time())
        self.log.add("edited", message, chat_id=message["chat"]["id"])

    def remove(self, chat: ChatState, message_id: int) -> None:
        """Takes a message away."""
        del chat.messages[message_id]
        self.log.add("deleted", {"message_id": message_id}, chat_id=chat.id)

    def clear(self, chat: ChatState) -> None:
        """Takes all messages of a chat away."""
        chat.messages.clear()
        self.log.add("cleared", {}, chat_id=chat.id)

    def act(self, chat: ChatState, action: str) -> None:
        """Shows what the bot is doing."""
        chat.action = action
        self.log.add("action", {"action": action}, chat_id=chat.id)

    def block(self, chat: ChatState, user: Json, blocked: bool) -> None:
        """A user blocks the bot in their private chat, or lets it in again."""
        if chat.blocked == blocked:
            return
        chat.blocked = blocked
        before, after = ("member", "kicked") if blocked else ("kicked", "member")
        self.push(
            "my_chat_member",
            {
                "chat": chat.json,
                "from": user,
                "date": int(time.time()),
                "old_chat_member": _membership(self.bot, before),
                "new_chat_member": _membership(self.bot, after),
            },
        )
        self.log.add("chat", {"blocked": blocked}, chat_id=chat.id)

    def push(self, kind: str, content: Json) -> Json | None:
        """Queues an update for the bot; None when it did not ask for such."""
        if self.allowed is not None and kind not in self.allowed:
            return None
        self._last_update += 1
        # As it is now: what happens to a message later must not change what was reported of it.
        update: Json = {"update_id": self._last_update, kind: copy.deepcopy(content)}
        self.updates.append(update)
        return update

    def press(self, chat: ChatState, user: Json, message: Json | None, data: str) -> Press:
        """Queues the press of a button under ``message``."""
        old = time.monotonic() - _QUERY_LIFE_S
        while self.presses and next(iter(self.presses.values())).at < old:
            self.presses.pop(next(iter(self.presses)))
        press = Press(str(secrets.randbits(63)), data, int(user["id"]), chat.id)
        self.presses[press.query_id] = press
        query: Json = {
            "id": press.query_id,
            "from": user,
            "chat_instance": str(chat.id),
            "data": data,
        }
        if message is not None and "inline_message_id" in message:
            query["inline_message_id"] = message["inline_message_id"]
        elif message is not None:
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

    def answer(self, press: Press, text: str | None, *, alert: bool, url: str | None) -> None:
        """Keeps and shows the bot's answer to a press."""
        press.answered, press.text, press.alert, press.url = True, text, alert, url
        content = {"query_id": press.query_id, "text": text, "alert": alert, "url": url}
        self.log.add("answered", content, chat_id=press.chat_id, user_id=press.user_id)


def _membership(bot: Json, status: str) -> Json:
    user = {key: bot[key] for key in ("id", "is_bot", "first_name", "username")}
    return {"user": user, "status": status, **({"until_date": 0} if status == "kicked" else {})}
