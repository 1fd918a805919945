"""Telegram in trouble, users who leave."""

from __future__ import annotations

from app.web.faults import Fault
from tests.bot.conversations.talk import Person, Talk, scenario


@scenario("ru")
async def test_a_user_who_blocked_the_bot(talk: Talk, me: Person) -> None:
    """Blocked while the bot works; it goes on when they are back."""
    me.chat.block()
    talk.note("the user blocks the bot")
    await me.photo("vans-white")
    me.chat.block(False)
    talk.note("the user lets it in again")
    await me.say("/start")


@scenario("en")
async def test_telegram_asks_to_wait(talk: Talk, me: Person) -> None:
    """429 on the album and on the list: both arrive, once each."""
    talk.api.faults.add(Fault("sendMediaGroup", retry_after=1))
    talk.api.faults.add(Fault("sendMessage", retry_after=1, times=2))
    await me.photo("samba-sky")


@scenario("ru")
async def test_telegram_stumbles(talk: Talk, me: Person) -> None:
    """A broken connection and a 502 are tried again."""
    talk.api.faults.add(Fault("sendMessage", reset=True))
    talk.api.faults.add(Fault("sendMediaGroup", status=502, description="Bad Gateway"))
    await me.photo("samba-sky")


@scenario("ru", "en")
async def test_telegram_does_not_hand_out_a_file(talk: Talk, me: Person) -> None:
    """The user hears of it and may send it again."""
    gone = "Bad Request: file is temporarily unavailable"
    talk.api.faults.add(Fault("getFile", status=400, description=gone))
    await me.photo("samba-sky")
    await me.photo("samba-sky")


@scenario("en")
async def test_an_album_telegram_refuses(talk: Talk, me: Person) -> None:
    """The list stands without its pictures."""
    refusal = "Bad Request: IMAGE_PROCESS_FAILED"
    talk.api.faults.add(Fault("sendMediaGroup", status=400, description=refusal))
    await me.photo("samba-sky")


@scenario("ru", "en")
async def test_a_defect(talk: Talk, me: Person) -> None:
    """Something broke on the bot's side: the user gets a code, the next question works."""
    await talk.sql("ALTER TABLE search_event RENAME TO search_event_away")
    await me.photo("samba-sky")
    await talk.sql("ALTER TABLE search_event_away RENAME TO search_event")
    await me.photo("samba-sky")
