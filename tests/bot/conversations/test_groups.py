"""Groups: the bot answers only when it is spoken to, each member by themselves."""

from __future__ import annotations

from tests.bot.conversations.talk import Person, Talk, scenario


@scenario("ru", "en")
async def test_a_group_is_left_in_peace(talk: Talk, me: Person) -> None:
    """Nothing is said to what is not for the bot."""
    group = talk.group(me)
    await group.photo("am90-white")
    await group.say(ru="кто знает, что это?", en="who knows these?")
    await group.say("/sell")
    await group.say("/start@another_bot")
    await group.album(["samba-sky", "samba-mint"])


@scenario("ru", "en")
async def test_a_group_asks(talk: Talk, me: Person) -> None:
    """By a mention beside a picture, in answer to somebody's picture, with words alone."""
    bot = f"@{talk.api.world.bot['username']}"
    group = talk.group(me)
    await group.photo("vans-white", f"{bot}")
    theirs = await group.photo("vans-blue")
    await group.say(ru=f"{bot} что это?", en=f"{bot} what is it?", to=theirs)
    await group.say(ru=f"{bot} белые кеды ванс", en=f"{bot} white vans")


@scenario("ru")
async def test_two_members_do_not_mix(talk: Talk, me: Person) -> None:
    """ "Cheaper" is about the results of who says it."""
    bot = f"@{talk.api.world.bot['username']}"
    other = talk.person("ru", 2, "Боря")
    group, theirs = talk.group(me), talk.group(other)
    await group.photo("dunk-red", bot)
    await theirs.photo("vans-white", bot)
    await group.say(f"{bot} дешевле")


@scenario("ru")
async def test_somebody_elses_pick(talk: Talk, me: Person) -> None:
    """The shoe to pick is the asker's."""
    bot = f"@{talk.api.world.bot['username']}"
    other = talk.person("ru", 2, "Боря")
    group, theirs = talk.group(me), talk.group(other)
    await group.photo("two-shoes", bot)
    await theirs.press("1")
    await group.press("1")


@scenario("ru", "en")
async def test_settings_are_private(talk: Talk, me: Person) -> None:
    """In a group the bot says where."""
    group = talk.group(me)
    await group.say(f"/settings@{talk.api.world.bot['username']}")
