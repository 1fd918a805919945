"""What a person sees, as server-sent events: the whole state first, then what changes."""

from __future__ import annotations

import json
import secrets
from typing import Any, Final

from aiohttp import web

from app.web.about import commands_for
from app.web.events import Event
from app.web.people import Person, Seat
from app.web.world import Json, World

HISTORY: Final = 300
"""Messages of a chat that a page shows."""
_PULSE_S: Final = 15.0

LIFE: Final = secrets.token_hex(4)
"""Names this process: event numbers of an earlier one mean nothing."""


def chat_json(seat: Seat) -> Json:
    """A chat with its last messages."""
    state = seat.state
    messages = list(state.messages.values())[-HISTORY:]
    return {
        **state.json,
        "blocked": state.blocked,
        "bot_here": not state.between_people,
        "messages": messages,
    }


def snapshot(world: World, person: Person, people: list[Json], extra: Json) -> Json:
    """All that a page shows to a person."""
    return {
        "kind": "state",
        "me": person.user,
        "people": people,
        "bot": world.bot,
        "chats": [chat_json(seat) for seat in person.seats.values()],
        "commands": menus(world, person),
        **extra,
    }


def menus(world: World, person: Person) -> Json:
    """The command menus of a person's private chat and of their groups."""
    language = person.user.get("language_code")
    return {
        "private": commands_for(world, language),
        "group": commands_for(world, language, group=True),
    }


class Stream:
    """One page's connection."""

    def __init__(self, world: World, person: Person, response: web.StreamResponse) -> None:
        self._world = world
        self._person = person
        self._response = response

    async def run(self, last_id: str | None, state: Any) -> None:
        """Sends until the page goes away; ``state()`` makes the snapshot."""
        log = self._world.log
        life, _, number = (last_id or "").partition("-")
        seen = int(number) if life == LIFE and number.isascii() and number.isdigit() else -1
        while True:
            missed = log.since(seen) if seen >= 0 else None
            now = log.last
            if missed is None:
                await self._send(now, state())
            else:
                for event in missed:
                    if self._concerns(event):
                        await self._send(event.number, self._json(event))
            seen = now
            if not await self._world.until(lambda at=now: log.last > at, _PULSE_S):
                await self._response.write(b": still here\n\n")

    def _concerns(self, event: Event) -> bool:
        mine = event.user_id in (None, self._person.id)
        return mine and (event.chat_id is None or event.chat_id in self._person.seats)

    def _json(self, event: Event) -> Json:
        content = event.content
        if event.kind == "commands":
            content = menus(self._world, self._person)
        return {"kind": event.kind, "chat_id": event.chat_id, "content": content}

    async def _send(self, number: int, content: Json) -> None:
        data = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
        await self._response.write(f"id: {LIFE}-{number}\ndata: {data}\n\n".encode())
