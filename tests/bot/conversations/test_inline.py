"""Inline queries, and what is posted out of them."""

from __future__ import annotations

from tests.bot.conversations.talk import Person, Talk, scenario


@scenario("ru", "en")
async def test_inline_words(talk: Talk, me: Person) -> None:
    """Results anyone can open; the button above them leads to the bot."""
    await me.inline(ru="белые найки", en="white nikes")


@scenario("ru")
async def test_inline_pages(talk: Talk, me: Person) -> None:
    """Scrolling on asks for the next page of the same search; an unknown one finds nothing."""
    first = await me.inline("кроссовки")
    if first.next_offset:
        await me.inline("кроссовки", first.next_offset)
    await me.inline("кроссовки", "999999:1")


@scenario("ru", "en")
async def test_inline_with_nothing_to_find(talk: Talk, me: Person) -> None:
    """An empty query is told what to type; a price that nothing has, that there is nothing."""
    await me.inline("")
    await me.inline(ru="найки до 100 рублей", en="nikes under $1")


@scenario("ru", "en")
async def test_a_posted_result(talk: Talk, me: Person) -> None:
    """Posted into the chat with the bot it asks nothing; its link leads to similar ones."""
    question = await me.inline(ru="синие ванс", en="blue vans")
    await me.choose(question, 1)
    image_id = (await talk.sql("SELECT min(image_id) FROM embedding"))[0][0]
    await me.say(f"/start like_{image_id}")
    await me.say("/start inline")
