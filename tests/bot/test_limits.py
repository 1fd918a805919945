"""The limiter: one chat's 429 stops that chat, several chats' or nobody's stop all."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from telegram.error import NetworkError, RetryAfter

from app.bot.flood import Flood
from app.bot.limits import TURN_TAKEN, ChatLimiter, Limits, Pace
from app.bot.marks import Marks

WIDE = Limits(overall=Pace(1000, 1000), private=Pace(1000, 1000), group=Pace(1000, 1000))


class Telegram:
    """Answers requests; ``refusals`` says how often a chat is refused, and for how long."""

    def __init__(self) -> None:
        self.refusals: dict[int | None, list[float]] = {}
        self.done: list[tuple[int | None, float]] = []
        self.next_id = 100

    async def call(self, chat: int | None) -> dict[str, Any]:
        waits = self.refusals.get(chat)
        if waits:
            raise RetryAfter(waits.pop(0))  # type: ignore[arg-type]
        self.done.append((chat, time.monotonic()))
        self.next_id += 1
        return {"message_id": self.next_id}

    def send(
        self, limiter: ChatLimiter, chat: int | None, args: int | None = None,
        endpoint: str = "sendMessage",
    ) -> asyncio.Task[Any]:  # fmt: skip
        data = {} if chat is None else {"chat_id": chat}
        return asyncio.create_task(
            limiter.process_request(self.call, (chat,), {}, endpoint, data, args)
        )


async def test_a_refused_chat_waits_and_the_others_do_not() -> None:
    telegram, limiter = Telegram(), ChatLimiter(Marks(), WIDE)
    telegram.refusals[1] = [1]
    refused = telegram.send(limiter, 1)
    await asyncio.sleep(0.05)
    behind = telegram.send(limiter, 1)
    other = telegram.send(limiter, 2)
    await asyncio.wait_for(other, 0.5)
    assert [chat for chat, _ in telegram.done] == [2]
    assert limiter.held[0] == 1
    await asyncio.wait_for(asyncio.gather(refused, behind), 5)
    assert sorted(chat or 0 for chat, _ in telegram.done) == [1, 1, 2]


async def test_refused_without_a_chat_all_wait() -> None:
    telegram, limiter = Telegram(), ChatLimiter(Marks(), WIDE)
    telegram.refusals[None] = [1]
    nobody = telegram.send(limiter, None, endpoint="setMyCommands")
    await asyncio.sleep(0.05)
    other = telegram.send(limiter, 2)
    await asyncio.sleep(0.3)
    assert telegram.done == []
    await asyncio.wait_for(asyncio.gather(nobody, other), 5)


async def test_several_chats_refused_at_once_stop_all() -> None:
    telegram, limiter = Telegram(), ChatLimiter(Marks(), WIDE)
    for chat in (1, 2, 3):
        telegram.refusals[chat] = [1]
    refused = [telegram.send(limiter, chat) for chat in (1, 2, 3)]
    await asyncio.sleep(0.05)
    other = telegram.send(limiter, 4)
    await asyncio.sleep(0.3)
    assert telegram.done == []
    await asyncio.wait_for(asyncio.gather(*refused, other), 5)
    assert len(telegram.done) == 4


async def test_a_refusal_is_handed_on_after_the_last_try_or_when_it_is_long() -> None:
    telegram, limiter = Telegram(), ChatLimiter(Marks(), WIDE)
    telegram.refusals[1] = [0.01] * 9
    with pytest.raises(RetryAfter):
        await telegram.send(limiter, 1, 1)
    assert len(telegram.refusals[1]) == 7
    telegram.refusals[2] = [600]
    with pytest.raises(RetryAfter):
        await telegram.send(limiter, 2)
    with pytest.raises(RetryAfter):
        await telegram.send(limiter, 2, endpoint="sendChatAction")


async def test_the_pace_of_a_chat() -> None:
    limits = Limits(overall=Pace(1000, 1000), private=Pace(10, 2), group=Pace(1000, 1000))
    telegram, limiter = Telegram(), ChatLimiter(Marks(), limits)
    began = time.monotonic()
    await asyncio.gather(*(telegram.send(limiter, 1) for _ in range(5)))
    times = sorted(at - began for _, at in telegram.done)
    assert times[1] < 0.1, "a burst goes at once"
    assert times[4] >= 0.29, "then ten a second"


async def test_marks_follow_what_is_sent_and_doubt_what_got_lost() -> None:
    marks = Marks()
    telegram, limiter = Telegram(), ChatLimiter(marks, WIDE)
    await telegram.send(limiter, 1)
    assert (marks.of(1), marks.newest) == (101, 101)
    await telegram.send(limiter, -5)
    assert marks.newest == 101, "groups count for themselves"

    async def lost() -> None:
        raise NetworkError("cut")

    with pytest.raises(NetworkError):
        await limiter.process_request(lost, (), {}, "sendMessage", {"chat_id": 1}, TURN_TAKEN)
    assert marks.is_doubtful(1)
    assert marks.of(1) is None
    await telegram.send(limiter, 1)
    assert marks.of(1) == telegram.next_id
    assert not marks.is_doubtful(1)


def test_flood_tells_once_and_forgives() -> None:
    now = 0.0
    flood = Flood(4, 10.0, lambda: now)
    assert [flood.refuse(1) for _ in range(4)] == [None] * 4
    first = flood.refuse(1)
    assert first is not None
    assert first.tell
    second = flood.refuse(1)
    assert second is not None
    assert not second.tell
    assert flood.refuse(2) is None, "others are not refused"
    now += first.wait_s
    assert flood.refuse(1) is None
