"""Scripted conversations with the real bot over HTTP, written down and compared.

A scenario is an asynchronous function decorated with :func:`scenario`. It is given a :class:`Talk`
and a :class:`Person`, and only says and presses things; everything said on either side becomes a
transcript, which must equal the one in ``approved/``. ``SOLEMATE_APPROVE=1`` writes those files.
"""

from __future__ import annotations

import asyncio
import difflib
import json
import os
import re
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from app.bot.courier import Courier
from app.bot.desk import BotApplication, Options
from app.bot.main import build_application, serving
from app.bot.services import Services
from app.i18n import Language, catalogue
from app.settings import Settings
from app.web.botapi import BotApi
from app.web.client import BotMessage, Chat
from app.web.inline import ask as ask_inline
from app.web.inline import choose as choose_inline
from app.web.world import Call, InlineQuestion, Json
from tests.bot.conftest import bot_settings
from tests.bot.conversations.market import picture

APPROVED = Path(__file__).with_name("approved")
_HIDDEN = re.compile(r"(?<=код )[0-9a-f]{6}|(?<=code )[0-9a-f]{6}")
_UNSEEN = {"sendchataction", "getfile", "getme", "setmycommands", "deletewebhook", "setwebhook",
           "getwebhookinfo", "getmycommands"}  # fmt: skip
_PATIENCE_S = 20.0


class Talk:
    """A stage with one bot; what happens on it is written down."""

    def __init__(
        self, api: BotApi, settings: Settings, services: Callable[[Settings], Services]
    ) -> None:
        self.api = api
        self.settings = bot_settings(api, settings)
        self.options = Options(album_quiet_s=0.1)
        self.lines: list[str] = []
        self.masks: dict[str, str] = {}
        """What must not stand in a transcript, such as a port, and what stands there instead."""
        self._services = services
        self._stack = AsyncExitStack()
        self._application: BotApplication | None = None
        self._heard = 0
        self._last_id = 0

    async def start(self) -> None:
        """Starts the bot."""
        services = await asyncio.to_thread(self._services, self.settings)
        self._application = build_application(self.settings, services, self.options)
        await self._stack.enter_async_context(serving(self._application))

    async def stop(self) -> None:
        """Stops the bot in good order."""
        await self._stack.aclose()
        self._application = None

    async def restart(self, **changes: Any) -> None:
        """Stops the bot and starts it anew, with settings changed."""
        await self.stop()
        self.settings = self.settings.model_copy(update=changes)
        self.note("the bot is restarted")
        await self.start()

    def person(self, language: str | None, number: int = 1, name: str = "Аня") -> Person:
        """A person in a private chat with the bot."""
        return Person(self, self.api.user(number, language, name), language or "en", name)

    def group(self, member: Person, title: str = "Сникерхеды") -> Person:
        """The same person in a group that the bot is in."""
        chat = self.api.group(-100500, title, member.chat)
        return Person(self, chat, member.language, f"{member.name} in «{title}»")

    def note(self, text: str) -> None:
        """A remark in the transcript: what happened beside the conversation."""
        self.lines.append(f"-- {text} --\n")

    async def settle(self) -> None:
        """Waits until the bot has done all it was asked, then writes down what it did."""
        application = self._application
        if application is not None:
            calm = 0
            async with asyncio.timeout(_PATIENCE_S):
                while calm < 3:
                    busy = (
                        bool(self.api.world.updates)
                        or not application.update_queue.empty()
                        or application.update_processor.current_concurrent_updates > 0
                    )
                    calm = 0 if busy else calm + 1
                    await asyncio.sleep(0.01)
        calls = self.api.calls
        for call in calls[self._heard :]:
            self.lines += self._call(call)
        self._heard = len(calls)

    @property
    def courier(self) -> Courier:
        """What delivers alerts, of the bot that runs now."""
        assert self._application is not None, "no bot is running"
        courier: Courier | None = self._application.bot_data["duty"].courier
        assert courier is not None
        return courier

    async def sql(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Runs a statement in the bot's database, behind its back."""
        from app.db.pool import open_database

        def run() -> list[tuple[Any, ...]]:
            with open_database(self.settings, size=1) as db, db.connection() as conn:
                cursor = conn.execute(statement, values)
                return cursor.fetchall() if cursor.description else []

        return await asyncio.to_thread(run)

    def text(self) -> str:
        """The transcript."""
        text = "\n".join(self.lines).rstrip() + "\n"
        for real, shown in self.masks.items():
            text = text.replace(real, shown)
        return _HIDDEN.sub("******", text)

    def said(self, line: str) -> None:
        """Writes down what a person did."""
        self.lines.append(line)

    def _call(self, call: Call) -> list[str]:
        method = call.method.lower()
        if method in _UNSEEN:
            return []
        given = call.params
        head = _HEADS.get(method, call.method)
        if method == "answercallbackquery":
            if not given.get("text"):
                return []
            kind = "alert" if str(given.get("show_alert")).lower() == "true" else "toast"
            return [f"  bot, {kind}: {given['text']}{_trouble(call)}", ""]
        where = self._where(given)
        ids = _ids(call.result, given)
        answered = json.loads(given.get("reply_parameters") or "{}").get("message_id")
        lines = [
            f"  bot {head}{ids}{f' to #{answered}' if answered else ''}{where}{_trouble(call)}"
        ]
        if method == "sendmediagroup":
            for item in json.loads(given["media"]):
                lines += [*_quoted(item.get("caption", "")), "    ·"]
            lines.pop()
        elif method == "answerinlinequery":
            lines += _inline(given)
        else:
            lines += _quoted(given.get("text") or given.get("caption") or "")
        lines += _keyboard(given.get("reply_markup"))
        return [*lines, ""]

    def _where(self, given: Json) -> str:
        state = self.api.world.chats.get(int(given.get("chat_id") or 0))
        title = state.json.get("title") if state else None
        return f" in «{title}»" if title else ""


_HEADS = {
    "sendmessage": "says ",
    "sendphoto": "shows a picture ",
    "sendmediagroup": "shows an album ",
    "senddocument": "sends a file ",
    "editmessagetext": "rewrites ",
    "editmessagecaption": "rewrites the words of ",
    "editmessagereplymarkup": "changes the buttons of ",
    "editmessagemedia": "changes the picture of ",
    "deletemessage": "deletes ",
    "answerinlinequery": "answers inline",
}


def _ids(result: Any, given: Json) -> str:
    if isinstance(result, list) and result:
        return f"#{result[0]['message_id']}..#{result[-1]['message_id']}"
    if isinstance(result, dict) and "message_id" in result:
        return f"#{result['message_id']}"
    return f"#{given['message_id']}" if given.get("message_id") else ""


def _trouble(call: Call) -> str:
    if call.failure is not None:
        return f" ({call.failure.code} {call.failure.description})"
    return " (connection lost)" if call.lost else ""


def _quoted(text: str) -> list[str]:
    return [f"    | {line}" if line else "    |" for line in text.split("\n")] if text else []


def _keyboard(markup: str | None) -> list[str]:
    rows = json.loads(markup or "{}").get("inline_keyboard", [])
    return ["    " + " ".join(_key(key) for key in row) for row in rows]


def _key(key: Json) -> str:
    if "url" in key:
        return f"[{key['text']} → {key['url']}]"
    return f"[{key['text']}]"


def _inline(given: Json) -> list[str]:
    lines = [f"    cached {given.get('cache_time')} s, next offset {_offset(given)}"]
    if given.get("button"):
        lines.append(f"    button {json.loads(given['button'])['text']}")
    for item in json.loads(given["results"]):
        lines.append(f"    · {item.get('title') or item['type']}: {item.get('description', '')}")
        content = item.get("input_message_content") or {}
        lines += _quoted(content.get("message_text", ""))
        lines += _keyboard(json.dumps(item["reply_markup"]) if item.get("reply_markup") else None)
    return lines


def _offset(given: Json) -> str:
    # A search's number is of no interest, that there is a next page is.
    return re.sub(r"^\d+", "N", given.get("next_offset") or "") or "none"


class Person:
    """One side of a conversation. Every method waits for the bot to finish."""

    def __init__(self, talk: Talk, chat: Chat, language: str, name: str) -> None:
        self.talk = talk
        self.chat = chat
        self.name = name
        self.language: Language = "ru" if language.startswith("ru") else "en"

    @property
    def last(self) -> BotMessage:
        """The bot's last message."""
        return self.chat.messages[-1]

    def word(self, key: str, **values: Any) -> str:
        """The catalogue's message in the person's language."""
        return catalogue(self.language).text(key, **values)

    async def say(self, text: str = "", *, ru: str = "", en: str = "", to: Any = None) -> Json:
        """Says something, ``to`` a message when it answers one."""
        text = text or (ru if self.language == "ru" else en)
        return await self._did(text, lambda: self.chat.send_text(text, to), to)

    async def photo(self, name: str, caption: str = "", *, ru: str = "", en: str = "",
                    to: Any = None) -> Json:  # fmt: skip
        """Sends a picture of the market by its name."""
        caption = caption or (ru if self.language == "ru" else en)
        shown = f"[photo {name}] {caption}".rstrip()
        return await self._did(shown, lambda: self.chat.send_photo(picture(name), caption, to), to)

    async def album(self, names: Sequence[str], caption: str = "") -> list[Json]:
        """Sends several pictures at once."""
        pictures = [picture(name) for name in names]
        shown = f"[album {', '.join(names)}] {caption}".rstrip()
        return await self._did(shown, lambda: self.chat.send_album(pictures, caption))

    async def file(self, name: str, data: bytes | None = None, mime: str | None = "image/jpeg",
                   **more: Any) -> Json:  # fmt: skip
        """Sends a file: a picture of the market, or any bytes."""
        content = picture(name) if data is None else data
        filename = f"{name}.jpg" if data is None else name
        return await self._did(
            f"[file {filename}]", lambda: self.chat.send_document(content, filename, mime, **more)
        )

    async def forward(self, name: str, origin: str = "Sneaker channel") -> Json:
        """Forwards somebody's picture."""
        photo = await asyncio.to_thread(self.talk.api.world.files.photo_of_user, picture(name))
        source = {"type": "hidden_user", "sender_user_name": origin, "date": 1}
        return await self._did(
            f"[forwarded photo {name}]",
            lambda: self.chat.send(photo=photo, forward_origin=source),
        )

    async def send(self, shown: str, **content: Any) -> Json:
        """Sends a message of any content, in Bot API fields."""
        return await self._did(f"[{shown}]", lambda: self.chat.send(**content))

    async def inline(self, query: str = "", offset: str = "", *, ru: str = "",
                     en: str = "") -> InlineQuestion:  # fmt: skip
        """Types an inline query in a chat of people; waits for the bot's results."""
        query = query or (ru if self.language == "ru" else en)
        world = self.talk.api.world

        async def ask() -> InlineQuestion:
            state = world.chats[self.chat.user["id"]]
            question = ask_inline(world, self.chat.user, state, query, offset)
            await world.changed()
            return question

        shown = f"[types @bot {query}]" + (" [scrolls on]" if offset else "")
        done: InlineQuestion = await self._did(shown, ask)
        return done

    async def choose(self, question: InlineQuestion, number: int) -> None:
        """Posts result ``number`` of an inline query into the private chat with the bot."""
        world = self.talk.api.world
        results = question.results or []
        chosen = results[number - 1]

        async def post() -> None:
            choose_inline(world, question, chosen["id"], world.chats[self.chat.user["id"]])
            await world.changed()

        await self._did(f"[posts «{chosen['title']}»]", post)

    async def edit(self, message: Json, text: str) -> None:
        """Edits the words of a message sent before."""
        field = "text" if "text" in message else "caption"
        await self._did(
            f"[edits #{message['message_id']}] {text}",
            lambda: self.chat.edit(message, **{field: text}),
        )

    async def edit_photo(self, message: Json, name: str) -> None:
        """Replaces the picture of a message sent before."""
        await self._did(
            f"[edits #{message['message_id']}: photo {name}]",
            lambda: self.chat.edit_photo(message, picture(name)),
        )

    async def press(self, label: str, under: BotMessage | None = None, **values: Any) -> None:
        """Presses a button by a message key or (part of) its label, under the last message that
        has it."""
        if label in catalogue(self.language).messages:
            label = self.word(label, **values)
        message = under or self._with(label)
        button = next((key for key in message.buttons if key.text == label), None)
        button = button or message.button(label)
        await self._did(
            f"[presses «{button.text}» under #{message.message_id}]",
            lambda: self.chat.press(message, button),
        )

    async def press_data(self, data: str, under: BotMessage | None = None) -> None:
        """Presses a button with such callback data."""
        await self._did(
            f"[presses an old button «{data}»]",
            lambda: self.chat.press_data(under or self.last, data),
        )

    def _with(self, label: str) -> BotMessage:
        for exact in (True, False):
            for message in reversed(self.chat.messages):
                if any(key.text == label if exact else label in key.text
                       for key in message.buttons):  # fmt: skip
                    return message
        offered = [key.text for key in self.last.buttons]
        raise LookupError(f"no button {label!r} in the chat; under the last message: {offered}")

    async def _did(self, shown: str, act: Callable[[], Awaitable[Any]], to: Any = None) -> Any:
        number = _number(to)
        answered = f" (answering #{number})" if number else ""
        self.talk.said(f"{self.name}{answered}: {shown}\n")
        done = await act()
        await self.talk.settle()
        return done


def _number(message: Any) -> int | None:
    if message is None:
        return None
    return message.message_id if isinstance(message, BotMessage) else message["message_id"]


Scenario = Callable[[Talk, Person], Awaitable[None]]


def scenario(*languages: Language) -> Callable[[Scenario], Any]:
    """Makes a test of a scenario, once for each language that its person speaks."""

    def make(body: Scenario) -> Any:
        @pytest.mark.parametrize("language", languages)
        async def run(talk: Talk, language: Language) -> None:
            await talk.start()
            await body(talk, talk.person(language))
            await talk.stop()
            await talk.settle()
            title = body.__name__.removeprefix("test_")
            about = " ".join((body.__doc__ or "").split())
            compare(f"{title}.{language}", f"{about}\n\n{talk.text()}")

        run.__name__ = run.__qualname__ = body.__name__
        run.__doc__ = body.__doc__
        run.__module__ = body.__module__
        run.scenario = [f"{body.__name__.removeprefix('test_')}.{code}" for code in languages]  # type: ignore[attr-defined]
        return run

    return make


def compare(name: str, transcript: str) -> None:
    """Fails where the transcript is not the approved one; approves it when asked to."""
    path = APPROVED / f"{name}.txt"
    if os.environ.get("SOLEMATE_APPROVE") == "1":
        path.write_text(transcript, encoding="utf-8")
        return
    approved = path.read_text(encoding="utf-8") if path.is_file() else ""
    if transcript != approved:
        lines = difflib.unified_diff(
            approved.splitlines(), transcript.splitlines(), "approved", "now", lineterm="", n=4
        )
        pytest.fail(
            f"{path.name} differs; SOLEMATE_APPROVE=1 approves what is said now\n"
            + "\n".join(lines),
            pytrace=False,
        )
