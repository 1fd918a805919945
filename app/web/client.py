"""A person in a chat with the bot: sends what people send, presses buttons, reads answers."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Final

from app.web.entities import utf16_length
from app.web.world import ChatState, Json, Press, World

_SPECIAL: Final = re.compile(r"(?P<command>(?<!\S)/[A-Za-z0-9_]+(@\w+)?)|(?P<mention>@\w{3,})")
_PATIENCE_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class Button:
    """An inline button."""

    text: str
    data: str | None
    url: str | None


@dataclass(frozen=True, slots=True)
class BotMessage:
    """A message of the bot as it stands in the chat now, after edits."""

    world: World
    json: Json

    @property
    def message_id(self) -> int:
        """Its id."""
        return int(self.json["message_id"])

    @property
    def text(self) -> str:
        """Its words: the text, or the caption of a picture."""
        return str(self.json.get("text") or self.json.get("caption") or "")

    @property
    def links(self) -> list[str]:
        """Addresses behind its words."""
        entities = self.json.get("entities") or self.json.get("caption_entities") or []
        return [entity["url"] for entity in entities if "url" in entity]

    @property
    def album(self) -> str | None:
        """What the messages of one album have in common."""
        group: str | None = self.json.get("media_group_id")
        return group

    @property
    def picture(self) -> bytes | None:
        """The photo's bytes as the bot sent them."""
        sizes = self.json.get("photo")
        return self.world.files.get(sizes[-1]["file_id"]).data if sizes else None

    @property
    def answers(self) -> int | None:
        """The id of the message it replies to."""
        question: Json = self.json.get("reply_to_message", {})
        return question.get("message_id")

    @property
    def rows(self) -> list[list[Button]]:
        """Its inline keyboard."""
        rows = self.json.get("reply_markup", {}).get("inline_keyboard", [])
        return [
            [Button(key["text"], key.get("callback_data"), key.get("url")) for key in row]
            for row in rows
        ]

    @property
    def buttons(self) -> list[Button]:
        """Its buttons, row after row."""
        return [button for row in self.rows for button in row]

    def button(self, text: str) -> Button:
        """The button with ``text`` in its label."""
        for button in self.buttons:
            if text in button.text:
                return button
        raise LookupError(f"no button {text!r} among {[button.text for button in self.buttons]}")


class Chat:
    """One person's side of a chat.

    Reading goes forward: :meth:`wait_for` returns the next message of the bot that was not
    returned before and passes over those that do not fit.
    """

    def __init__(self, world: World, state: ChatState, user: Json) -> None:
        self._world = world
        self._state = state
        self._read = max(state.messages, default=0)
        self._albums = 0
        self.user = user

    @property
    def messages(self) -> list[BotMessage]:
        """All messages of the bot in the chat."""
        return [
            BotMessage(self._world, message)
            for message in self._state.messages.values()
            if message["from"]["id"] == self._world.bot["id"]
        ]

    @property
    def action(self) -> str | None:
        """The last chat action the bot showed."""
        return self._state.action

    def block(self, blocked: bool = True) -> None:
        """Blocks the bot, or lets it in again."""
        self._world.block(self._state, self.user, blocked)

    async def send(self, **content: Any) -> Json:
        """Sends a message of any content, in Bot API fields."""
        message = self._world.message(self._state, self.user, **content)
        await self.deliver("message", message)
        return message

    async def deliver(self, kind: str, content: Json) -> Json | None:
        """Queues an update as it is."""
        update = self._world.push(kind, content)
        await self._world.changed()
        return update

    async def redeliver(self, update: Json) -> None:
        """Sends the very same update again, as Telegram does when its confirmation got lost."""
        self._world.updates.append(update)
        await self._world.changed()

    async def send_text(self, text: str, answering: BotMessage | Json | None = None) -> Json:
        """Sends words; commands and mentions are marked as clients mark them."""
        return await self.send(text=text, **marks(text, "entities"), **_reply(answering))

    async def send_photo(
        self, data: bytes, caption: str = "", answering: BotMessage | Json | None = None
    ) -> Json:
        """Sends a photo, compressed as clients do it."""
        return await self.send(
            photo=await self._photo(data), **_caption(caption), **_reply(answering)
        )

    async def send_album(
        self,
        pictures: Sequence[bytes],
        caption: str = "",
        answering: BotMessage | Json | None = None,
    ) -> list[Json]:
        """Sends several photos at once: separate messages that share a group id."""
        self._albums += 1
        group = f"{self._state.id}-{self.user['id']}-{self._albums}"
        sizes = [await self._photo(data) for data in pictures]
        return [
            await self.send(
                photo=photo,
                media_group_id=group,
                **_caption(caption if number == 0 else ""),
                **_reply(answering),
            )
            for number, photo in enumerate(sizes)
        ]

    async def send_document(
        self,
        data: bytes,
        name: str,
        mime: str | None,
        *,
        size: int | None = None,
        album: str | None = None,
        caption: str = "",
        answering: BotMessage | Json | None = None,
    ) -> Json:
        """Sends a file as it is; ``size`` states another size than ``data`` has."""
        file = self._world.files.add(data, "documents", PurePath(name).suffix, size)
        document = self._world.files.keep_document(
            {**file.json, "file_name": name, **({"mime_type": mime} if mime else {})}
        )
        group = {"media_group_id": album} if album else {}
        return await self.send(document=document, **group, **_caption(caption), **_reply(answering))

    async def send_animation(self, data: bytes, mime: str, thumbnail: bytes | None = None) -> Json:
        """Sends a GIF, or the soundless video Telegram makes of one, with its first frame."""
        suffix = ".gif" if mime == "image/gif" else ".mp4"
        file = self._world.files.add(data, "animations", suffix)
        animation: Json = {
            **file.json, "width": 320, "height": 240, "duration": 1, "mime_type": mime,
            "file_name": f"animation{suffix}",
        }  # fmt: skip
        if thumbnail is not None:
            animation["thumbnail"] = (await self._photo(thumbnail))[-1]
        # The API repeats an animation as a document.
        document = {key: animation[key] for key in (*file.json, "file_name", "mime_type")}
        return await self.send(animation=animation, document=document)

    async def edit(self, message: Json, **content: Any) -> Json:
        """Edits a message sent before."""
        message.update(content)
        self._world.edited(message)
        await self.deliver("edited_message", message)
        return message

    async def edit_photo(self, message: Json, data: bytes) -> Json:
        """Replaces the photo of a message sent before."""
        return await self.edit(message, photo=await self._photo(data))

    async def press(self, message: BotMessage, button: Button | str) -> Press:
        """Presses a button, by itself, its label or its callback data."""
        if isinstance(button, str):
            known = next((b.data for b in message.buttons if b.data == button), None)
            data = known or message.button(button).data
        else:
            data = button.data
        return await self.press_data(message, data or "")

    async def press_data(self, message: BotMessage, data: str) -> Press:
        """Sends callback data that the message may not even have, and waits for the answer."""
        press = self._world.press(self._state, self.user, message.json, data)
        await self._world.changed()
        if not await self._world.until(lambda: press.answered, _PATIENCE_S):
            raise AssertionError(f"the press of {data} was not answered")
        return press

    async def wait_for(
        self,
        check: Callable[[BotMessage], bool] = lambda _: True,
        timeout_s: float = _PATIENCE_S,
    ) -> BotMessage:
        """The next message of the bot that fits; AssertionError when none comes in time."""

        def fitting() -> BotMessage | None:
            fresh = (message for message in self.messages if message.message_id > self._read)
            return next((message for message in fresh if check(message)), None)

        await self._world.until(fitting, timeout_s)
        found = fitting()
        if found is None:
            heard = [message.text[:80] for message in self.messages][-5:]
            raise AssertionError(f"no such message in {timeout_s} s; the last ones: {heard}")
        self._read = found.message_id
        return found

    async def wait_text(self, part: str, timeout_s: float = _PATIENCE_S) -> BotMessage:
        """The next message of the bot with ``part`` in it."""
        return await self.wait_for(lambda message: part in message.text, timeout_s)

    async def wait_album(self, timeout_s: float = _PATIENCE_S) -> list[BotMessage]:
        """The next album, whole."""
        first = await self.wait_for(lambda message: message.album is not None, timeout_s)
        album = [message for message in self.messages if message.album == first.album]
        self._read = album[-1].message_id
        return album

    async def quiet(self, seconds: float) -> None:
        """Fails if the bot says anything new within ``seconds``."""
        await asyncio.sleep(seconds)
        fresh = [message.text for message in self.messages if message.message_id > self._read]
        if fresh:
            raise AssertionError(f"unexpected: {fresh}")

    async def _photo(self, data: bytes) -> list[Json]:
        return await asyncio.to_thread(self._world.files.photo_of_user, data)


def _caption(caption: str) -> Json:
    return {"caption": caption, **marks(caption, "caption_entities")} if caption else {}


def _reply(message: BotMessage | Json | None) -> Json:
    if message is None:
        return {}
    question = message.json if isinstance(message, BotMessage) else message
    return {"reply_to_message": {k: v for k, v in question.items() if k != "reply_to_message"}}


def marks(text: str, field: str) -> Json:
    """``field`` with the commands and mentions in ``text``, as clients mark them."""
    entities = [
        {
            "type": "bot_command" if found["command"] else "mention",
            "offset": utf16_length(text[: found.start()]),
            "length": utf16_length(found[0]),
        }
        for found in _SPECIAL.finditer(text)
    ]
    return {field: entities} if entities else {}
