"""What a user does on the page: each deed is a JSON object in and one out."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

import aiohttp

from app.i18n import known_language
from app.web import inline
from app.web.client import marks
from app.web.entities import utf16_length
from app.web.failure import bad_request
from app.web.incoming import Form, send_files
from app.web.outgoing import CAPTION_LIMIT, TEXT_LIMIT
from app.web.people import People, Person, Seat, hears
from app.web.sending import forwarded
from app.web.world import Json, World

Deed = Callable[[Json], Awaitable[Json]]

_INLINE_PATIENCE_S: Final = 10.0
_REMOTE_LIMIT: Final = 5 * 1024 * 1024
_REMOTE_PATIENCE: Final = aiohttp.ClientTimeout(total=10)


class Deeds:
    """Carries out what the page asks for."""

    def __init__(self, world: World, people: People) -> None:
        self._world = world
        self._people = people

    def named(self, name: str) -> Deed | None:
        """The deed of a name."""
        deeds: dict[str, Deed] = {
            "text": self.text,
            "press": self.press,
            "edit": self.edit,
            "delete": self.delete,
            "forward": self.forward,
            "inline": self.inline,
            "choose": self.choose,
            "language": self.language,
            "person": self.person,
            "block": self.block,
            "reset": self.reset,
        }
        return deeds.get(name)

    def _seat(self, wish: Json) -> tuple[Person, Seat]:
        person = self._people.get(wish.get("person"))
        return person, person.seat(wish.get("chat"))

    async def text(self, wish: Json) -> Json:
        """Sends words."""
        _, seat = self._seat(wish)
        text = _words(wish.get("text"), TEXT_LIMIT)
        if not text:
            raise bad_request("message text is empty")
        message = await seat.send_text(text, _answered(seat, wish.get("reply_to")))
        return {"message_id": message["message_id"]}

    async def upload(self, form: Form) -> Json:
        """Sends files, with a caption."""
        fields = form.fields
        person = self._people.get(fields.get("person", ""))
        seat = person.seat(_number(fields.get("chat")))
        caption = _words(fields.get("caption"), CAPTION_LIMIT)
        answered = _answered(seat, _number(fields.get("reply_to")))
        await send_files(
            seat, form.files, caption, answered, as_files=fields.get("as_files") == "1"
        )
        return {}

    async def press(self, wish: Json) -> Json:
        """Presses the button in a row and column of a message; its answer comes as an event."""
        person, seat = self._seat(wish)
        message = _message(seat, wish.get("message_id"))
        rows = message.get("reply_markup", {}).get("inline_keyboard", [])
        row, column = wish.get("row"), wish.get("column")
        if not (isinstance(row, int) and isinstance(column, int) and min(row, column) >= 0):
            raise bad_request("button not found")
        if row >= len(rows) or column >= len(rows[row]) or "callback_data" not in rows[row][column]:
            raise bad_request("button not found")
        press = self._world.press(
            seat.state, person.user, message, rows[row][column]["callback_data"]
        )
        await self._world.changed()
        return {"query_id": press.query_id}

    async def edit(self, wish: Json) -> Json:
        """Changes the words of an own message."""
        person, seat = self._seat(wish)
        message = _own(person, _message(seat, wish.get("message_id")))
        words, limit = ("text", TEXT_LIMIT) if "text" in message else ("caption", CAPTION_LIMIT)
        text = _words(wish.get("text"), limit)
        if words == "text" and not text:
            raise bad_request("message text is empty")
        entities = "entities" if words == "text" else "caption_entities"
        message.pop(entities, None)
        await seat.edit(message, **{words: text}, **marks(text, entities))
        return {}

    async def delete(self, wish: Json) -> Json:
        """Takes a message away; bots are not told of it."""
        _, seat = self._seat(wish)
        message = _message(seat, wish.get("message_id"))
        self._world.remove(seat.state, message["message_id"])
        await self._world.changed()
        return {}

    async def forward(self, wish: Json) -> Json:
        """Forwards a message, or the album it is part of, to another chat of the person."""
        person, seat = self._seat(wish)
        message = _message(seat, wish.get("message_id"))
        target = person.seat(wish.get("to"))
        group = message.get("media_group_id")
        several = [
            one
            for one in list(seat.state.messages.values())
            if one is message or (group is not None and one.get("media_group_id") == group)
        ]
        extra: Json = {}
        if len(several) > 1:
            extra = {"media_group_id": f"{group}-{target.state.id}-{self._world.log.last}"}
        for one in several:
            await target.send(**forwarded(one), **extra)
        return {}

    async def inline(self, wish: Json) -> Json:
        """Asks the bot inline and waits for its results."""
        person, seat = self._seat(wish)
        query, offset = str(wish.get("query", "")), str(wish.get("offset", ""))
        question = inline.ask(self._world, person.user, seat.state, query, offset)
        await self._world.changed()
        await self._world.until(lambda: question.results is not None, _INLINE_PATIENCE_S)
        if question.results is None:
            return {"query_id": question.query_id, "results": None}
        return {
            "query_id": question.query_id,
            "results": [_shown(result) for result in question.results],
            "next_offset": question.next_offset,
            "button": question.button,
        }

    async def choose(self, wish: Json) -> Json:
        """Posts a result of an inline query."""
        person, seat = self._seat(wish)
        question = self._world.questions.get(str(wish.get("query_id")))
        if question is None or question.user["id"] != person.id:
            raise bad_request("query not found")
        result = str(wish.get("result_id"))
        url = question.ready.get(result, {}).get("photo_url")
        photo = await self._fetched(str(url)) if url is not None else None
        message = inline.choose(self._world, question, result, seat.state, photo)
        await self._world.changed()
        return {"message_id": message["message_id"], "heard": hears(
            self._world, seat.state, message
        )}  # fmt: skip

    async def _fetched(self, url: str) -> list[Json]:
        """PhotoSizes of a picture the bot named by its address, fetched as Telegram would."""
        try:
            async with (
                aiohttp.ClientSession(timeout=_REMOTE_PATIENCE) as session,
                session.get(url) as response,
            ):
                response.raise_for_status()
                data = await response.content.read(_REMOTE_LIMIT + 1)
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise bad_request("failed to get HTTP URL content") from error
        if len(data) > _REMOTE_LIMIT:
            raise bad_request("file is too big")
        return await asyncio.to_thread(self._world.files.photo_of_bot, data)

    async def language(self, wish: Json) -> Json:
        """Changes the language of the person's client."""
        person = self._people.get(wish.get("person"))
        self._people.speak(person, _language(wish))
        self._world.log.add("commands", {}, user_id=person.id)
        await self._world.changed()
        return {}

    async def person(self, wish: Json) -> Json:
        """Adds a person."""
        person = self._people.add(str(wish.get("name", "")), _language(wish))
        await self._world.changed()
        return {"id": person.id}

    async def block(self, wish: Json) -> Json:
        """Blocks the bot in the person's private chat, or lets it in again."""
        person = self._people.get(wish.get("person"))
        blocked = wish.get("blocked") is True
        self._world.block(person.seat(person.id).state, person.user, blocked)
        await self._world.changed()
        return {}

    async def reset(self, wish: Json) -> Json:
        """Empties a chat; what the bot remembers is the bot's."""
        _, seat = self._seat(wish)
        self._world.clear(seat.state)
        await self._world.changed()
        return {}


def _language(wish: Json) -> str:
    language = known_language(str(wish.get("language")))
    if language is None:
        raise bad_request("unknown language")
    return language


def _words(text: Any, limit: int) -> str:
    words = text.strip() if isinstance(text, str) else ""
    if utf16_length(words) > limit:
        raise bad_request("message is too long")
    return words


def _number(text: str | None) -> int | None:
    digits = (text or "").removeprefix("-")
    return int(text or "") if digits.isascii() and digits.isdigit() and len(digits) < 20 else None


def _message(seat: Seat, message_id: Any) -> Json:
    message = seat.state.messages.get(message_id) if isinstance(message_id, int) else None
    if message is None:
        raise bad_request("message not found")
    return message


def _answered(seat: Seat, message_id: Any) -> Json | None:
    return seat.state.messages.get(message_id) if isinstance(message_id, int) else None


def _own(person: Person, message: Json) -> Json:
    if message["from"]["id"] != person.id or "via_bot" in message or "forward_origin" in message:
        raise bad_request("message can't be edited")
    return message


def _shown(result: Json) -> Json:
    """What a page needs of an inline result."""
    kept = ("id", "type", "title", "description", "thumbnail_url", "photo_file_id", "caption")
    return {name: result[name] for name in kept if name in result}
