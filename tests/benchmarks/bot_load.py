"""Load on the real bot process: many users at once, and kill -9 while they write.

    python -m tests.benchmarks.bot_load [--users 200] [--minutes 5] [--rate 1.5] [--kills 20]

Fills a scratch database with drawn sneakers, starts the local Bot API server here and the command
``solemate bot`` as a process of its own, and lets users send photos, words, albums, commands and
presses, at ``rate`` actions a second together, each user one at a time. Prices fall all the while,
so alerts are told. With ``--kills`` the bot is killed that often, at moments when it works, for as
long as that takes. Everything is measured at the server, from the action to the bot's request.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import re
import shutil
import signal
import statistics
import sys
import tempfile
import time
from collections import Counter, defaultdict, deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import psycopg

from app.db import embedded
from app.db.bot import BotStore
from app.db.pool import Database, open_database
from app.demo.folder import write_folder
from app.settings import ROOT, Settings, get_settings
from app.sketch.catalogue import catalogue
from app.vision.registry import open_encoder
from app.web.botapi import BotApi
from app.web.client import BotMessage, Chat
from app.web.world import Call
from etl.embed import embed_backlog
from etl.jobs import import_folder

ALERT = "📉"
SILENT = {"sendchataction", "getfile", "getme", "setmycommands", "deletewebhook", "getupdates"}
MIX = {"photo": 35, "words": 20, "more": 15, "command": 15, "saved": 10, "album": 5}
WORDS = ("белые кеды", "чёрные кроссовки", "white sneakers", "running shoes", "красные nike")
COMMANDS = ("/start", "/help", "/alerts", "/privacy", "/history")
TIMES = re.compile(r"decode ([\d.]+) encode ([\d.]+) sql ([\d.]+) render ([\d.]+) send ([\d.]+)")
FIRST_USER = 10_000


@dataclass
class Action:
    """Something a user did, and what the bot did about it."""

    kind: str
    at: float
    message_ids: set[int] = field(default_factory=set)
    calls: list[Call] = field(default_factory=list)
    wrong: str = ""

    @property
    def first(self) -> float | None:
        """Seconds to the first answer."""
        return self.calls[0].at - self.at if self.calls else None


@dataclass
class User:
    """A simulated person."""

    chat: Chat
    saved: str
    language: str
    actions: list[Action] = field(default_factory=list)
    alerts: list[str] = field(default_factory=list)
    current: Action | None = None
    news: asyncio.Event = field(default_factory=asyncio.Event)


class Tap(deque[Call]):
    """The server's transcript, which also tells each user of the calls into their chat."""

    def __init__(self, load: Load) -> None:
        super().__init__(maxlen=10_000)
        self._load = load

    def append(self, call: Call) -> None:
        super().append(call)
        self._load.heard(call)


class Load:
    """The simulation."""

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
        self.heard_at = 0.0
        api.world.calls = Tap(self)

    def heard(self, call: Call) -> None:
        """A request of the bot."""
        method = call.method.lower()
        if method in SILENT:
            return
        self.heard_at = call.at
        if method == "answercallbackquery":
            user_id = self.queries.get(str(call.params.get("callback_query_id")), 0)
        else:
            user_id = int(call.params.get("chat_id") or 0)
        user = self.users.get(user_id)
        if user is None or call.failure is not None:
            if call.failure is not None and "not found" not in str(call.failure):
                self.strange.append(f"{call.method}: {call.failure}")
            return
        text = str(call.params.get("caption") or call.params.get("text") or "")
        if text.startswith(ALERT):
            user.alerts.append(text)
        elif method == "editmessagereplymarkup":
            return  # an open alert is settled
        elif user.actions:
            user.current = self._meant(user, call)
            user.current.calls.append(call)
            if user.current is user.actions[-1]:
                user.news.set()
        else:
            self.strange.append(f"{call.method} to {user_id}, who asked for nothing")

    def _meant(self, user: User, call: Call) -> Action:
        """Which action a call belongs to: the one it replies to, else as the call before."""
        question = json.loads(call.params.get("reply_parameters") or "{}").get("message_id")
        for action in reversed(user.actions):
            if question in action.message_ids:
                return action
        last = user.actions[-1]
        current = user.current
        if current is None or call.method.lower() == "answercallbackquery":
            return last
        # Of an answer only the first message replies; the album and the list follow it.
        begun = current.kind.startswith(("photo", "album"))
        listed = any("inline_keyboard" in str(item.params) for item in current.calls)
        return current if begun and not listed else last

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
            conn.execute("UPDATE bot_contact SET quiet = false")

    async def live(self, user: User) -> None:
        """One user until the end: think, act, wait for the answer."""
        chance = random.Random(user.chat.user["id"])
        think = self.asked.users / self.asked.rate
        await asyncio.sleep(chance.uniform(0, think))
        while not self.over.is_set():
            kind = chance.choices(list(MIX), list(MIX.values()))[0]
            user.news.clear()
            action = await self._act(user, kind, chance)
            try:
                async with asyncio.timeout(self.asked.patience):
                    await user.news.wait()
            except TimeoutError:
                action.wrong = "no answer"
            # An answer may be several messages: the next wish comes when it has been read.
            await asyncio.sleep(max(6.0, chance.expovariate(1 / think)))
            action.wrong = action.wrong or self._check(user, action)

    async def _act(self, user: User, kind: str, chance: random.Random) -> Action:
        chat = user.chat
        listing = next(
            (m for m in reversed(chat.messages) if any("1p" in (b.data or "") for b in m.buttons)),
            None,
        )
        if kind == "more" and listing is None:
            kind = "photo"
        sent: list[dict[str, Any]] = []
        action = Action(kind, time.monotonic())
        user.actions.append(action)
        if kind in ("photo", "album"):
            picture, model = chance.choice(self.pictures)
            action.kind = f"{kind}:{model}"
            if kind == "photo":
                sent = [await chat.send_photo(picture)]
            else:
                sent = await chat.send_album([picture, picture])
        elif kind == "words":
            sent = [await chat.send_text(chance.choice(WORDS))]
        elif kind == "command":
            sent = [await chat.send_text(chance.choice(COMMANDS))]
        elif kind == "saved":
            sent = [await chat.send_text("/saved")]
        elif listing is not None:
            await self._press(user, listing)
        action.message_ids = {message["message_id"] for message in sent}
        action.at = time.monotonic()
        return action

    async def _press(self, user: User, listing: BotMessage) -> None:
        data = next(b.data for b in listing.buttons if "1p" in (b.data or ""))
        state = self.api.world.chats[user.chat.user["id"]]
        press = self.api.world.press(state, user.chat.user, listing.json, data or "")
        self.queries[press.query_id] = user.chat.user["id"]
        await self.api.world.changed()

    def _check(self, user: User, action: Action) -> str:
        """What is wrong with an answer, if anything."""
        kinds = Counter(call.method.lower() for call in action.calls)
        texts = " ".join(
            str(call.params.get("text") or call.params.get("media") or "") for call in action.calls
        )
        kind, _, model = action.kind.partition(":")
        said = Counter(
            (call.method.lower(), str(call.params.get("text") or call.params.get("media")))
            for call in action.calls
            if call.method.lower() != "answercallbackquery"
        )
        if kinds["sendmediagroup"] > 1 or max(said.values(), default=0) > 1:
            return "answered twice"
        if kind in ("photo", "album") and model not in texts and "sendmediagroup" in kinds:
            return "another shoe than the one asked for"
        if kind == "saved" and user.saved not in texts:
            return "another user's list"
        if kind == "more" and not (kinds["sendmediagroup"] or kinds["sendmessage"]):
            return "no further page"
        if any(word in texts for word in ("error.", "Что-то сломалось", "Something broke")):
            return "an internal error"
        speaks_russian = any("а" <= letter <= "я" for letter in texts.lower())
        if kinds["sendmessage"] and speaks_russian is not (user.language == "ru"):
            return "the wrong language"
        return ""

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


class BotProcess:
    """``solemate bot`` as a process; its log is kept."""

    def __init__(self, api: BotApi, settings: Settings, log: Path) -> None:
        self._log = log
        self._environment = {
            **os.environ,
            "SOLEMATE_HOME": str(settings.home),
            "SOLEMATE_DATABASE": settings.database,
            "SOLEMATE_IMAGE_STORE": str(settings.images_dir),
            "SOLEMATE_BOT_TOKEN": api.token,
            "SOLEMATE_BOT_API_URL": api.url,
            "SOLEMATE_LOG_LEVEL": "INFO",
        }
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-c", "from app.cli import main; main()", "bot",
                cwd=ROOT, env=self._environment, stdout=log, stderr=log,
            )  # fmt: skip

    @property
    def resident(self) -> float:
        """MiB of memory."""
        assert self._process is not None
        return psutil.Process(self._process.pid).memory_info().rss / 2**20

    async def end(self, number: signal.Signals) -> int:
        assert self._process is not None
        self._process.send_signal(number)
        return await self._process.wait()


async def kill_again_and_again(load: Load, bot: BotProcess, kills: int) -> None:
    """Kills the bot while it works, half of the time while alerts are going out."""
    for number in range(kills):
        await asyncio.sleep(load.chance.uniform(2.0, 6.0))
        if number % 2:
            await asyncio.to_thread(load.fall)
            await asyncio.sleep(load.chance.uniform(0.0, 0.6))
        await bot.end(signal.SIGKILL)
        started = time.monotonic()
        await bot.start()
        while load.heard_at < started:
            await asyncio.sleep(0.05)
            if time.monotonic() - started > load.asked.patience:
                sys.exit("the bot does not come back")
        print(f"  kill {number + 1}: heard again after {time.monotonic() - started:.1f} s")
    load.over.set()


async def quiet_end(load: Load) -> None:
    """Waits until everything that was asked and everything to be told has been dealt with."""
    async with asyncio.timeout(180):
        while True:
            with load.db.connection() as conn:
                row = conn.execute(
                    "SELECT (SELECT count(*) FROM bot_outbox WHERE state IN ('pending', 'sending'))"
                    " + (SELECT count(*) FROM bot_update WHERE finished_at IS NULL)"
                ).fetchone()
            if row is not None and not row[0] and not load.api.world.updates:
                return
            await asyncio.sleep(0.5)


def spread(values: list[float], unit: float = 1.0) -> str:
    """Median, 95th percentile, largest."""
    if not values:
        return "none"
    ordered = sorted(values)
    p95 = ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]
    return (
        f"median {statistics.median(ordered) * unit:.0f}, p95 {p95 * unit:.0f},"
        f" max {ordered[-1] * unit:.0f} (n = {len(ordered)})"
    )


def report(load: Load, log: Path, took: float) -> bool:
    """Prints what happened; whether all of it is as it should be."""
    actions = [action for user in load.users.values() for action in user.actions]
    by_kind: dict[str, list[float]] = defaultdict(list)
    for action in actions:
        if action.first is not None:
            by_kind[action.kind.partition(":")[0]].append(action.first)
    print(f"\n{len(load.users)} users, {len(actions)} actions in {took:.0f} s:"
          f" {len(actions) / took:.2f} a second")  # fmt: skip
    print("update to first answer, ms:", spread([t for ts in by_kind.values() for t in ts], 1000))
    for kind, times in sorted(by_kind.items()):
        print(f"  {kind:8}", spread(times, 1000))
    parts = [TIMES.search(line) for line in log.read_text(errors="replace").splitlines()]
    found = [[float(part) for part in match.groups()] for match in parts if match]
    for place, name in enumerate(("decode", "encode", "SQL", "render", "send")):
        print(f"  of a page of results, {name}, ms:", spread([times[place] for times in found]))
    wrong = Counter(action.wrong for action in actions if action.wrong)
    print("lost updates:", sum(not action.calls for action in actions))
    print("wrong or double answers:", dict(wrong) or 0)
    for action in [item for item in actions if item.wrong][:5]:
        said = [f"{c.method} {c.at - action.at:.1f} {str(c.params)[:120]}" for c in action.calls]
        print(f"  {action.kind}: {action.wrong}: {said}")
    if load.asked.kills:
        # An answer that a kill cut off before its end was written down is given again.
        del wrong["answered twice"]
    return alerts_are_right(load) and not +wrong


def alerts_are_right(load: Load) -> bool:
    """Every letter that the outbox calls sent is in its chat once, and no other."""
    with load.db.connection() as conn:
        rows = conn.execute(
            "SELECT user_id, state, count(*) FROM bot_outbox GROUP BY 1, 2"
        ).fetchall()
        attempts = conn.execute("SELECT count(*) FROM bot_outbox WHERE attempts > 1").fetchone()
    states = Counter(dict.fromkeys(("sent", "dropped", "unknown", "pending", "sending"), 0))
    sent: dict[int, int] = {}
    for user_id, state, count in rows:
        states[state] += count
        if state == "sent":
            sent[user_id] = count
    seen = {user_id: len(user.alerts) for user_id, user in load.users.items() if user.alerts}
    doubles = sum(len(user.alerts) - len(set(user.alerts)) for user in load.users.values())
    print(f"alerts: {dict(states)}, messages in chats {sum(seen.values())}, same twice {doubles},"
          f" rows sent at a further attempt {attempts[0] if attempts else 0}")  # fmt: skip
    exact = seen == sent and not doubles and not states["unknown"]
    print("alerts exactly once:", exact)
    return exact


async def measure(load: Load, bot: BotProcess, asked: argparse.Namespace, log: Path) -> bool:
    """The whole run."""
    started = time.monotonic()
    await bot.start()
    lives = [asyncio.create_task(load.live(user)) for user in load.users.values()]
    falling = asyncio.create_task(load.prices_fall())
    if asked.kills:
        await kill_again_and_again(load, bot, asked.kills)
    else:
        await asyncio.sleep(45)
        print(f"resident after 45 s: {bot.resident:.0f} MiB")
        await asyncio.sleep(max(0.0, asked.minutes * 60 - 45))
        load.over.set()
    took = time.monotonic() - started
    falling.cancel()
    for task in lives:
        task.cancel()
    await asyncio.gather(*lives, falling, return_exceptions=True)
    await quiet_end(load)
    print(f"resident at the end: {bot.resident:.0f} MiB")
    code = await bot.end(signal.SIGTERM)
    for user in load.users.values():
        for action in user.actions:
            action.wrong = action.wrong or load._check(user, action)
    print(f"the bot ended with {code}; refused requests: {Counter(load.strange).most_common(5)}")
    return report(load, log, took) and code == 0


async def run(asked: argparse.Namespace, settings: Settings, folder: Path) -> bool:
    log = folder / "bot.log"
    async with BotApi() as api:
        with open_database(settings, size=4) as db:
            load = Load(api, db, asked)
            print(f"filling: {asked.products} products, {asked.users} users with an alert each")
            await asyncio.to_thread(load.fill, folder / "photos", settings)
            print(f"load average before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
            right = await measure(load, BotProcess(api, settings, log), asked, log)
    if asked.log:
        shutil.copy(log, asked.log)
    return right


def main() -> None:
    """Exit code 1 where something was lost, doubled or wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=200)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--rate", type=float, default=1.5, help="actions a second, all users")
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--products", type=int, default=60)
    parser.add_argument("--fall-every", type=float, default=20.0)
    parser.add_argument("--patience", type=float, default=120.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--log", help="where to keep the bot's log")
    asked = parser.parse_args()
    base = get_settings()
    name = f"bench_bot_{os.getpid()}"
    folder = Path(tempfile.mkdtemp(prefix="bot-load-"))
    settings = base.model_copy(
        update={"database": name, "database_url": None, "image_store": folder / "images"}
    )
    try:
        right = asyncio.run(run(asked, settings, folder))
    finally:
        admin = embedded.url(settings.home, "postgres")
        if admin is not None:
            with psycopg.connect(admin, autocommit=True) as conn:
                conn.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        shutil.rmtree(folder, ignore_errors=True)
    sys.exit(0 if right else 1)


if __name__ == "__main__":
    main()
