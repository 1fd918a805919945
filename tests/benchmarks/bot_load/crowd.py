"""Simulated users: each does something, and looks no further until the bot has finished with it.

So whatever the bot says in a user's chat between an action and its end in the bot's inbox is the
answer to that action and to no other; only alerts, which are known by their first sign, come
between.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app.bot.callbacks import OutdatedButton, Place, ShowPage, decode
from app.db.bot import BotStore
from app.db.pool import Database
from app.demo.folder import write_folder
from app.settings import Settings
from app.sketch.catalogue import catalogue
from app.vision.registry import open_encoder
from app.web.botapi import BotApi
from app.web.client import BotMessage, Chat
from app.web.world import Call, Json
from etl.embed import embed_backlog
from etl.jobs import import_folder

ALERT = "📉"
SILENT = {"sendchataction", "getfile", "getme", "setmycommands", "deletewebhook", "getupdates"}
MIX = {"photo": 35, "words": 20, "more": 15, "command": 15, "saved": 10, "album": 5}
WORDS = ("белые кеды", "чёрные кроссовки", "white sneakers", "running shoes", "красные nike")
COMMANDS = ("start", "help", "alerts", "privacy", "history")
FIRST_USER = 10_000
_LOOKS_EVERY_S = 0.1


@dataclass
class Action:
    """Something a user did, and what the bot did about it; ``subject`` is what a right answer is
    known by: a model, a command, the place of a page."""

    kind: str
    subject: str = ""
    at: float = 0.0
    message_ids: set[int] = field(default_factory=set)
    open: set[int] = field(default_factory=set)
    calls: list[Call] = field(default_factory=list)
    ended: bool = False

    @property
    def messages(self) -> list[Call]:
        """What it was told, without acknowledgements of presses."""
        return [call for call in self.calls if call.method.lower().startswith("send")]


@dataclass
class User:
    """A simulated person."""

    chat: Chat
    saved: str
    language: str
    actions: list[Action] = field(default_factory=list)
    alerts: list[str] = field(default_factory=list)
    current: Action | None = None
    over: asyncio.Event = field(default_factory=asyncio.Event)


class Tap(deque[Any]):
    """One of the server's queues, which also tells what is put into it."""

    def __init__(self, tell: Any, maxlen: int | None = None) -> None:
        super().__init__(maxlen=maxlen)
        self._tell = tell

    def append(self, item: Any) -> None:
        super().append(item)
        self._tell(item)


class Crowd:
    """All users."""

    def __init__(self, api: BotApi, db: Database, asked: argparse.Namespace) -> None:
        self.api = api
        self.db = db
        self.asked = asked
        self.chance = random.Random(asked.seed)
        self.users: dict[int, User] = {}
        self.queries: dict[str, int] = {}
        self.pictures: list[tuple[bytes, str]] = []
        self.over = asyncio.Event()
        self.strange: list[str] = []
        api.world.calls = Tap(self.heard, 10_000)
        api.world.updates = Tap(self.posted)

    def posted(self, update: Json) -> None:
        """An update for the bot: the action it is of ends when the bot has finished with it."""
        content = update.get("message") or update.get("callback_query") or {}
        user = self.users.get(content.get("from", {}).get("id"))
        if user is not None and user.current is not None:
            user.current.open.add(update["update_id"])

    def heard(self, call: Call) -> None:
        """A request of the bot."""
        method = call.method.lower()
        if method in SILENT or method == "editmessagereplymarkup":
            return  # the latter: whether a message is there
        if method == "answercallbackquery":
            user_id = self.queries.get(str(call.params.get("callback_query_id")), 0)
        else:
            user_id = int(call.params.get("chat_id") or 0)
        user = self.users.get(user_id)
        if user is None or call.failure is not None:
            self.strange.append(f"{call.method}: {call.failure or user_id}")
        elif words_of(call).startswith(ALERT):
            user.alerts.append(words_of(call))
        elif user.current is None:
            self.strange.append(f"{call.method} to {user_id}, who waited for nothing")
        else:
            user.current.calls.append(call)

    async def watch(self) -> None:
        """Ends actions whose updates the bot has finished with."""
        while True:
            await asyncio.sleep(_LOOKS_EVERY_S)
            waiting = {
                update_id: user
                for user in self.users.values()
                if user.current is not None
                for update_id in user.current.open
            }
            if not waiting:
                continue
            for update_id in await asyncio.to_thread(self._finished, list(waiting)):
                user = waiting[update_id]
                if user.current is None:
                    continue
                user.current.open.discard(update_id)
                if not user.current.open:
                    user.current.ended = True
                    user.current = None
                    user.over.set()

    def _finished(self, update_ids: list[int]) -> list[int]:
        with self.db.connection() as conn:
            rows = conn.execute(
                "SELECT update_id FROM bot_update"
                " WHERE finished_at IS NOT NULL AND update_id = ANY (%s)",
                (update_ids,),
            ).fetchall()
        return [row[0] for row in rows]

    def fill(self, folder: Path, settings: Settings) -> None:
        """Catalogue, users, saved shoes with alerts."""
        goods = catalogue(seed=7, n=self.asked.products)
        write_folder(goods, folder)
        import_folder(self.db, settings, folder, labels=folder / "labels.csv")
        embed_backlog(self.db, open_encoder(settings.encoder, settings), settings)
        store = BotStore.of(self.db)
        with self.db.connection() as conn:
            rows = conn.execute(
                "SELECT DISTINCT ON (p.id) p.id, p.model, oi.image_id, i.path FROM product AS p"
                " JOIN offer AS o ON o.product_id = p.id JOIN offer_image AS oi ON"
                " oi.offer_id = o.id JOIN image AS i ON i.id = oi.image_id"
                " ORDER BY p.id, oi.position"
            ).fetchall()
        self.pictures = [
            ((settings.images_dir / path).read_bytes(), model) for _, model, _, path in rows
        ]
        for number in range(self.asked.users):
            user_id = FIRST_USER + number
            _, model, image_id, _ = rows[number % len(rows)]
            language = ("ru", "en")[number % 2]
            kept = store.saved.save_shoe(user_id, image_id)
            assert kept is not None
            store.saved.put_alert(user_id, kept.id, "drop", language)
            chat = self.api.user(user_id, language, f"User {number}")
            self.users[user_id] = User(chat, model, language)
        with self.db.connection() as conn:
            # As after any answer: the newest message of the chat is known.
            conn.execute("UPDATE bot_contact SET quiet = false, last_message_id = 0")

    async def live(self, user: User) -> None:
        """One user until the end: think, act, wait until it is dealt with, read."""
        chance = random.Random(user.chat.user["id"])
        think = self.asked.users / self.asked.rate
        await asyncio.sleep(chance.uniform(0, think))
        while not self.over.is_set():
            kind = chance.choices(list(MIX), list(MIX.values()))[0]
            user.over.clear()
            await self._act(user, kind, chance)
            await user.over.wait()
            await asyncio.sleep(max(3.0, chance.expovariate(1 / think)))

    async def once_more(self) -> None:
        """Every user, whatever has happened to them, goes on with what they see, once."""

        async def go_on(user: User) -> None:
            await asyncio.sleep(self.chance.uniform(0, self.asked.users / self.asked.rate))
            while user.current is not None:
                await asyncio.sleep(_LOOKS_EVERY_S)
            user.over.clear()
            await self._act(user, "more", self.chance)
            await user.over.wait()

        await asyncio.gather(*(go_on(user) for user in self.users.values()))

    async def _act(self, user: User, kind: str, chance: random.Random) -> None:
        chat = user.chat
        found = next_page(user) if kind == "more" else None
        if kind == "more" and found is None:
            kind = "photo"
        sent: list[Json] = []
        action = Action(kind, at=time.monotonic())
        user.actions.append(action)
        user.current = action
        if kind in ("photo", "album"):
            picture, action.subject = chance.choice(self.pictures)
            if kind == "photo":
                sent = [await chat.send_photo(picture)]
            else:
                sent = await chat.send_album([picture, picture])
        elif kind == "words":
            sent = [await chat.send_text(chance.choice(WORDS))]
        elif kind in ("command", "saved"):
            action.subject = chance.choice(COMMANDS) if kind == "command" else "saved"
            sent = [await chat.send_text(f"/{action.subject}")]
        elif found is not None:
            listing, data, place = found
            action.subject = f"{place.search_id}.{place.page}"
            state = self.api.world.chats[chat.user["id"]]
            press = self.api.world.press(state, chat.user, listing.json, data)
            self.queries[press.query_id] = chat.user["id"]
            await self.api.world.changed()
        action.message_ids = {message["message_id"] for message in sent}

    async def prices_fall(self) -> None:
        """Every few seconds some shoes get cheaper and a run ends."""
        while not self.over.is_set():
            await asyncio.sleep(self.asked.fall_every)
            await asyncio.to_thread(self.fall)

    def fall(self) -> None:
        """A tenth of the catalogue gets three per cent cheaper."""
        with self.db.connection() as conn:
            conn.execute(
                "UPDATE offer SET price = round(price * 0.97, 2) WHERE id IN"
                " (SELECT id FROM offer ORDER BY random()"
                " LIMIT (SELECT 1 + count(*) / 10 FROM offer))"
            )
            conn.execute("SELECT pg_notify('solemate_run_finished', '0')")


def words_of(call: Call) -> str:
    """What a request says: text, caption, or the captions of an album as JSON."""
    params = call.params
    return str(params.get("text") or params.get("caption") or params.get("media") or "")


def next_page(user: User) -> tuple[BotMessage, str, Place] | None:
    """The newest list with a button for its next page, that button, and where it leads."""
    for message in reversed(user.chat.messages):
        for key in message.buttons:
            try:
                action = decode(key.data or "")
            except OutdatedButton:
                continue
            if isinstance(action, ShowPage) and action.place.page > 0:
                return message, key.data or "", action.place
    return None
