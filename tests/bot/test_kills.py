"""kill -9 of the bot's process at the worst moments: nothing lost, alerts once."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.db import vectors
from app.db.bot import BotStore
from app.db.bot_saved import Contact
from app.db.pool import Database
from app.settings import ROOT, Settings
from app.web.botapi import BotApi
from app.web.client import Chat
from app.web.faults import Fault
from tests.bot.pictures import jpeg
from tests.bot.test_run import PROGRAM as MEMORY
from tests.db.builders import Encoder4, add_product, one

USER = 4242
PROGRAM = MEMORY.replace(
    "def services(settings):",
    """from app.db.bot import BotStore, BotUsers
from app.db.pool import open_database

def services(settings):
    db = open_database(settings)
    return Services(
        MemorySearch(Path(sys.argv[1])), BotUsers(db), MemoryDialogues(), db.close, BotStore.of(db)
    )

def in_memory(settings):""",
)


class Stand:
    """A database with an alert due, the server, and a bot process to be killed."""

    def __init__(self, api: BotApi, db: Database, settings: Settings, folder: Path) -> None:
        self.api, self.db, self.settings, self.folder = api, db, settings, folder
        self.chat: Chat = api.user(USER, "en")
        self.process: Process | None = None

    async def start(self) -> None:
        environment = {
            **os.environ,
            "SOLEMATE_HOME": str(self.settings.home),
            "SOLEMATE_DATABASE": self.settings.database,
            "SOLEMATE_BOT_TOKEN": self.api.token,
            "SOLEMATE_BOT_API_URL": self.api.url,
            "SOLEMATE_BOT_ATTEMPTS": "3",
            "PYTHONPATH": str(ROOT),
        }
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", PROGRAM, str(self.folder), cwd=ROOT, env=environment,
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip

    async def end(self, number: signal.Signals) -> None:
        assert self.process is not None
        if self.process.returncode is None:
            self.process.send_signal(number)
        await self.process.wait()

    async def until(self, check: Callable[[], bool], patience_s: float = 120.0) -> None:
        async with asyncio.timeout(patience_s):
            while not await asyncio.to_thread(check):
                await asyncio.sleep(0.05)

    def value(self, statement: str) -> Any:
        with self.db.connection() as conn:
            return one(conn, statement)

    def states(self) -> list[str]:
        with self.db.connection() as conn:
            return [row[0] for row in conn.execute("SELECT state FROM bot_outbox ORDER BY id")]

    def alert(self) -> None:
        """A shoe of the user's that got cheaper."""
        store = BotStore.of(self.db)
        with self.db.connection() as conn:
            encoder = vectors.register(conn, Encoder4())
            add_product(conn, encoder.id, "Runner", [1, 0, 0, 0], price=100)
            image = one(conn, "SELECT image_id FROM offer_image")
        kept = store.saved.save_shoe(USER, image)
        assert kept is not None
        store.saved.put_alert(USER, kept.id, "drop", "en")
        store.saved.set_contact(USER, Contact(None, False, None, None))
        with self.db.connection() as conn:
            conn.execute("UPDATE offer SET price = 90")
            # As after any answer: the newest message of the chat is known.
            conn.execute("UPDATE bot_contact SET last_message_id = 0")

    def told(self) -> int:
        return sum("📉" in message.text for message in self.chat.messages)


@pytest.fixture
async def stand(api: BotApi, db: Database, settings: Settings, tmp_path: Path) -> Any:
    made = Stand(api, db, settings, tmp_path)
    yield made
    if made.process is not None:
        await made.end(signal.SIGKILL)


@pytest.mark.parametrize("arrived", [False, True], ids=["before it arrived", "after it arrived"])
async def test_killed_between_the_claim_and_the_record(stand: Stand, arrived: bool) -> None:
    stand.alert()
    fault = stand.api.faults.add(Fault("sendMessage", delay_s=30, late=arrived))
    await stand.start()
    await stand.until(lambda: stand.states() == ["sending"] and not fault.times)
    assert stand.told() == arrived
    await stand.end(signal.SIGKILL)
    # The user writes meanwhile, and other chats move the counter of messages on.
    await stand.chat.send_text("/help")
    await stand.api.user(USER + 1, "en").send_text("/start")
    await stand.start()
    await stand.until(lambda: stand.states() == ["sent"])
    await stand.chat.wait_text("How to use me", 60)
    assert stand.told() == 1
    alert = next(message for message in stand.chat.messages if "📉" in message.text)
    assert stand.value("SELECT message_id FROM bot_outbox") == alert.message_id
    assert [key.text for key in alert.buttons][-1] == "🔕 Stop this"


async def test_an_answer_that_got_lost_is_settled_without_a_restart(stand: Stand) -> None:
    stand.alert()
    stand.api.faults.add(Fault("sendMessage", reset=True, late=True))
    await stand.start()
    await stand.until(lambda: stand.states() == ["sent"])
    assert stand.told() == 1


async def test_killed_while_it_answers_and_after_it_answered(stand: Stand) -> None:
    fault = stand.api.faults.add(Fault("sendMessage", delay_s=30))
    question = await stand.chat.send_text("/help")
    update = {"update_id": stand.api.world.updates[-1]["update_id"], "message": question}
    await stand.start()
    await stand.until(lambda: not fault.times)
    await stand.end(signal.SIGKILL)
    assert not stand.chat.messages
    await stand.start()
    await stand.chat.wait_text("How to use me", 60)
    await stand.until(lambda: stand.value("SELECT finished_at IS NOT NULL FROM bot_update"))
    assert stand.value("SELECT attempts FROM bot_update") == 2
    await stand.end(signal.SIGKILL)
    await stand.chat.redeliver(update)
    await stand.chat.send_text("/start")
    await stand.start()
    await stand.chat.wait_text("Hi!", 60)
    assert sum("How to use me" in message.text for message in stand.chat.messages) == 1


async def test_killed_between_the_messages_of_an_answer(stand: Stand) -> None:
    """What was said stays said, and the answer goes on: nothing twice, nothing missing."""
    fault = stand.api.faults.add(Fault("sendMediaGroup", delay_s=30))
    await stand.chat.send_photo(jpeg())
    await stand.start()
    await stand.until(lambda: not fault.times)
    await stand.end(signal.SIGKILL)
    (first,) = stand.chat.messages
    fault = stand.api.faults.add(Fault("sendMessage", delay_s=30))
    await stand.start()
    await stand.until(lambda: not fault.times)
    await stand.end(signal.SIGKILL)
    pictures = [message.message_id for message in stand.chat.messages if message.album]
    await stand.start()
    await stand.until(lambda: stand.value("SELECT outcome FROM bot_update") == "done")
    told = stand.chat.messages
    assert [message.message_id for message in told] == [
        first.message_id,
        *pictures,
        told[-1].message_id,
    ]
    assert len(pictures) > 1
    assert told[-1].buttons
    assert not told[0].buttons


async def test_odd_text_is_kept_and_answered(stand: Stand) -> None:
    """NUL and half a surrogate pair are no JSON for Postgres."""
    await stand.start()
    await stand.chat.send_text("/help \0 \ud83d")
    await stand.chat.wait_text("How to use me", 90)


async def test_what_ends_the_bot_again_and_again_is_given_up(stand: Stand) -> None:
    await stand.chat.send_text("/help")
    for _ in range(3):
        fault = stand.api.faults.add(Fault("sendMessage", delay_s=30))
        await stand.start()
        await stand.until(lambda made=fault: not made.times)  # type: ignore[misc]
        await stand.end(signal.SIGKILL)
    await stand.start()
    await stand.chat.wait_text("I tried this several times", 60)
    await stand.until(lambda: stand.value("SELECT outcome FROM bot_update") == "given_up")


async def test_a_graceful_end_finishes_the_answer_and_leaves_the_rest(stand: Stand) -> None:
    fault = stand.api.faults.add(Fault("sendMessage", delay_s=2))
    await stand.chat.send_text("/help")
    await stand.chat.send_text("/start")
    await stand.start()
    await stand.until(lambda: not fault.times)
    await stand.end(signal.SIGTERM)
    assert [message.text.splitlines()[0] for message in stand.chat.messages] == ["How to use me"]
    await stand.start()
    await stand.chat.wait_text("Hi!", 60)
    assert len(stand.chat.messages) == 2
