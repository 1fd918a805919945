"""Floods, repetitions, restarts in mid-dialogue, Telegram's limits, people who may not ask."""

from __future__ import annotations

from app.bot.callbacks import encode
from app.bot.flows.admin import ShowAdmin
from app.web.faults import Fault
from tests.bot.conversations.talk import Person, Talk, scenario


@scenario("ru", "en")
async def test_a_flood_is_told_once(talk: Talk, me: Person) -> None:
    """Five may come at once; of the other three the user hears once, another user is answered."""
    await talk.restart(bot_user_burst=5, bot_user_every_s=600.0)
    for _ in range(8):
        await me.say("/start")
    await talk.person("en" if me.language == "ru" else "ru", 2, "Bob").say("/start")


@scenario("ru")
async def test_a_flood_of_presses(talk: Talk, me: Person) -> None:
    """A press too many is acknowledged with the words."""
    await talk.restart(bot_user_burst=2, bot_user_every_s=600.0)
    await me.say("/language")
    await me.press("English")
    await me.press_data("1l:en")


@scenario("en")
async def test_an_update_that_comes_twice(talk: Talk, me: Person) -> None:
    """The same update again, then again after a restart: one answer."""
    await me.say("/start")
    update = {"update_id": talk.api.world._last_update, "message": me.chat._state.messages[1]}
    talk.note("the same update comes again")
    await me.chat.redeliver(update)
    await talk.settle()
    await talk.restart()
    await me.chat.redeliver(update)
    await talk.settle()


@scenario("ru", "en")
async def test_what_came_while_the_bot_was_away(talk: Talk, me: Person) -> None:
    """Asked while it is down, answered when it is up, in order."""
    await me.say("/start")
    await talk.stop()
    talk.note("the bot is down")
    await me.photo("am90-white")
    await me.say("/help")
    await talk.start()
    await talk.settle()


@scenario("en")
async def test_a_429_storm(talk: Talk, me: Person) -> None:
    """Three refusals in a row, then the answer, once."""
    talk.api.faults.add(Fault("sendMessage", retry_after=1, times=3))
    await me.say("/help")


@scenario("ru", "en")
async def test_admin_is_for_the_operator(talk: Talk, me: Person) -> None:
    """To everybody else the command is unknown, and so is its button."""
    await talk.restart(bot_admins=(999,))
    await me.say("/admin")
    await me.press_data(encode(ShowAdmin("e")))
