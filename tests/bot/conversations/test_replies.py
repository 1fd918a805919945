"""Answering results with words."""

from __future__ import annotations

from app.web.client import BotMessage
from tests.bot.conversations.talk import Person, Talk, scenario


def _album(me: Person, number: int) -> BotMessage:
    """Picture ``number`` of the last album."""
    last = [message for message in me.chat.messages if message.album][-1].album
    return [message for message in me.chat.messages if message.album == last][number - 1]


@scenario("ru", "en")
async def test_reply_to_the_list(talk: Talk, me: Person) -> None:
    """Cheaper than the first of these."""
    await me.photo("aj1-burgundy")
    await me.say(ru="подешевле", en="cheaper please", to=me.last)


@scenario("ru", "en")
async def test_reply_to_one_picture(talk: Talk, me: Person) -> None:
    """The shoe in that very picture, in another colour."""
    await me.photo("am90-olive")
    await me.say(ru="а чёрные?", en="in black?", to=_album(me, 2))


@scenario("ru", "en")
async def test_reply_cheaper_than_this_one(talk: Talk, me: Person) -> None:
    """Compared with the price of the shoe that is answered."""
    await me.photo("dunk-white")
    await me.say(ru="дешевле", en="cheaper", to=_album(me, 3))


@scenario("ru", "en")
async def test_reply_another_brand(talk: Talk, me: Person) -> None:
    """Like this one, not by its maker."""
    await me.photo("am90-black")
    await me.say(ru="другой бренд", en="other brand", to=_album(me, 1))


@scenario("ru", "en")
async def test_reply_not_understood(talk: Talk, me: Person) -> None:
    """Thanks change nothing."""
    await me.photo("vans-white")
    await me.say(ru="спасибо", en="thanks", to=me.last)


@scenario("ru", "en")
async def test_reply_to_results_no_longer_kept(talk: Talk, me: Person) -> None:
    """Old results are forgotten; words in answer to them are a question of their own."""
    await me.photo("vans-white")
    listing = me.last
    await talk.sql("DELETE FROM search_event")
    talk.note("a month passes")
    await me.say(ru="белые кеды", en="white sneakers", to=listing)


@scenario("ru")
async def test_reply_after_a_restart(talk: Talk, me: Person) -> None:
    """Which message showed what is in the database."""
    await me.photo("nb-cream")
    await talk.restart()
    await me.say("а белые?", to=_album(me, 1))
    await me.say("38 размер", to=me.last)
