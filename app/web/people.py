"""The people who use the browser chat, and the chats each of them sees."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from app.web.botapi import BotApi
from app.web.client import Chat
from app.web.failure import bad_request
from app.web.world import ChatState, Json, World

CLUB: Final = -1001000000001
"""A group that the bot is in."""
FRIENDS: Final = -1001000000002
"""A group of people only: inline queries work there, the bot sees nothing else."""

_FIRST_ID: Final = 1001
_PEOPLE_LIMIT: Final = 50
_NAME_CHARS: Final = 40


class Seat(Chat):
    """A person's place in a chat; in a group the bot hears what privacy mode lets it hear."""

    @property
    def state(self) -> ChatState:
        """The chat."""
        return self._state

    async def send(self, **content: Any) -> Json:
        """Sends a message; the bot gets it where it may see it."""
        message = self._world.message(self._state, self.user, **content)
        if hears(self._world, self._state, message):
            self._world.push("message", message)
        await self._world.changed()
        return message

    async def edit(self, message: Json, **content: Any) -> Json:
        """Edits an own message."""
        message.update(content)
        self._world.edited(message)
        if hears(self._world, self._state, message):
            self._world.push("edited_message", message)
        await self._world.changed()
        return message


def hears(world: World, chat: ChatState, message: Json) -> bool:
    """Whether a message reaches the bot."""
    if chat.between_people or chat.blocked:
        return False
    if chat.json["type"] == "private" or "via_bot" in message:
        return True
    answered = message.get("reply_to_message", {})
    if answered.get("from", {}).get("id") == world.bot["id"]:
        return True
    own = f"@{world.bot['username']}".casefold()
    text = message.get("text") or message.get("caption") or ""
    units = text.encode("utf-16-le")
    for entity in (*message.get("entities", ()), *message.get("caption_entities", ())):
        start = 2 * entity["offset"]
        word = units[start : start + 2 * entity["length"]].decode("utf-16-le").casefold()
        if entity["type"] == "mention" and word == own:
            return True
        if entity["type"] == "bot_command" and ("@" not in word or word.endswith(own)):
            return True
    return False


@dataclass(frozen=True, slots=True)
class Person:
    """A user and their seats by chat id."""

    user: Json
    seats: dict[int, Seat]

    @property
    def id(self) -> int:
        """The user's id."""
        return int(self.user["id"])

    def seat(self, chat_id: object) -> Seat:
        """The seat in a chat.

        Raises:
            ApiFailure: 400, the person is in no such chat.
        """
        found = self.seats.get(chat_id) if isinstance(chat_id, int) else None
        if found is None:
            raise bad_request("chat not found")
        return found


class People:
    """Everybody who uses the page; starts with one person a language."""

    def __init__(self, api: BotApi) -> None:
        self._world = api.world
        self._club = self._group(CLUB, "Sneaker club")
        self._friends = self._group(FRIENDS, "Friends")
        self._friends.between_people = True
        self._people: dict[int, Person] = {}
        self.add("Аня", "ru")
        self.add("Sam", "en")

    def _group(self, chat_id: int, title: str) -> ChatState:
        state = ChatState({"id": chat_id, "type": "supergroup", "title": title})
        return self._world.chats.setdefault(chat_id, state)

    def add(self, name: str, language: str) -> Person:
        """Another person.

        Raises:
            ApiFailure: 400, no name, or too many people already.
        """
        name = " ".join(name.split())[:_NAME_CHARS]
        if not name:
            raise bad_request("a person needs a name")
        if len(self._people) >= _PEOPLE_LIMIT:
            raise bad_request("too many people")
        user_id = _FIRST_ID + len(self._people)
        user: Json = {
            "id": user_id,
            "is_bot": False,
            "first_name": name,
            "language_code": language,
        }
        own = ChatState({"id": user_id, "type": "private", "first_name": name})
        self._world.chats[user_id] = own
        seats = {
            chat.id: Seat(self._world, chat, user) for chat in (own, self._club, self._friends)
        }
        person = self._people[user_id] = Person(user, seats)
        self._world.log.add("people", {"people": self.json})
        return person

    def speak(self, person: Person, language: str) -> None:
        """Changes the language of a person's client."""
        person.user["language_code"] = language
        self._world.log.add("people", {"people": self.json})

    @property
    def json(self) -> list[Json]:
        """All users."""
        return [dict(person.user) for person in self._people.values()]

    def get(self, user_id: object) -> Person:
        """A person by id, given as a number or its digits.

        Raises:
            ApiFailure: 400, there is none.
        """
        text = str(user_id)
        person = self._people.get(int(text)) if text.isascii() and text.isdigit() else None
        if person is None:
            raise bad_request("user not found")
        return person
