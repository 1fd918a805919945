"""Links to product pages, read by the catalogue's own careful fetcher."""

from __future__ import annotations

from tests.bot.conversations.shop import shop
from tests.bot.conversations.talk import Person, Talk, scenario


async def _open(talk: Talk, address: str) -> None:
    """Restarts the bot with the shop's address allowed."""
    await talk.restart(fetch_allow_hosts=(address.removeprefix("http://"),))


@scenario("ru", "en")
async def test_a_link_to_a_product(talk: Talk, me: Person) -> None:
    """Its picture is the question."""
    with shop(talk) as address:
        await _open(talk, address)
        await me.say(f"{address}/samba")


@scenario("ru", "en")
async def test_a_link_with_words(talk: Talk, me: Person) -> None:
    """Words beside a link change what is looked for."""
    with shop(talk) as address:
        await _open(talk, address)
        await me.say(ru=f"такие, но синие {address}/samba", en=f"{address}/samba but blue")


@scenario("ru")
async def test_a_link_to_a_picture(talk: Talk, me: Person) -> None:
    """The picture's own address, behind a redirect to its page the first time."""
    with shop(talk) as address:
        await _open(talk, address)
        await me.say(f"{address}/samba.jpg")
        await me.say(f"{address}/moved")


@scenario("ru", "en")
async def test_links_that_lead_nowhere(talk: Talk, me: Person) -> None:
    """Each refusal says why."""
    with shop(talk) as address:
        await _open(talk, address)
        for path in ("gone", "about", "lost-picture", "guarded", "members/samba", "inside"):
            await me.say(f"{address}/{path}")
    await me.say(f"{address}/samba")


@scenario("ru", "en")
async def test_private_addresses_are_refused(talk: Talk, me: Person) -> None:
    """What is not on the public internet is not opened for anybody."""
    await me.say("http://127.0.0.1:5432/")
    await me.say("http://169.254.169.254/latest/meta-data/")
    await me.say("http://user:secret@shop.example/shoe")
