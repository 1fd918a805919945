"""Asking with pictures."""

from __future__ import annotations

from tests.bot.conversations.talk import Person, Talk, scenario


@scenario("ru", "en")
async def test_photo_of_a_pair_on_sale(talk: Talk, me: Person) -> None:
    """A clean photograph of a pair that three shops sell."""
    await me.photo("am90-white")


@scenario("ru", "en")
async def test_photo_without_a_shoe(talk: Talk, me: Person) -> None:
    """A cat."""
    await me.photo("cat")


@scenario("ru", "en")
async def test_photo_of_nothing_on_sale(talk: Talk, me: Person) -> None:
    """A shoe far from everything in the catalogue."""
    await me.photo("strange-shoe")


@scenario("ru")
async def test_an_album_is_one_question(talk: Talk, me: Person) -> None:
    """Two sides of one pair in one message."""
    await me.album(["am90-black", "am90-black:medial"], "эти")
