"""Asking with words."""

from __future__ import annotations

from tests.bot.conversations.talk import Person, Talk, scenario


@scenario("ru", "en")
async def test_words_with_everything(talk: Talk, me: Person) -> None:
    """Colour, kind, price and size at once."""
    await me.say(ru="чёрные беговые до 10 тысяч, 43 размер", en="black running shoes, EU 43")


@scenario("ru", "en")
async def test_words_of_the_street(talk: Talk, me: Person) -> None:
    """Slang and short numbers."""
    await me.say(ru="найки до 10к", en="jordans under $190")


@scenario("ru", "en")
async def test_words_for_a_model(talk: Talk, me: Person) -> None:
    """A brand and a model by their names."""
    await me.say(ru="адидас самба", en="new balance 574")


@scenario("ru")
async def test_words_and_pages(talk: Talk, me: Person) -> None:
    """More of what words found, and back."""
    await me.say("кроссовки")
    await me.press("button.next")
    await me.press("button.previous")


@scenario("ru", "en")
async def test_words_that_nothing_passes(talk: Talk, me: Person) -> None:
    """The limits are named, and taken off one by one."""
    await me.say(ru="белые найки до 3000, 45 размер", en="white nikes under $20, EU 45")
    await me.press("✕ размер" if me.language == "ru" else "✕ size")
    await me.press("✕ до" if me.language == "ru" else "✕ up to")


@scenario("ru")
async def test_words_that_are_unknown(talk: Talk, me: Person) -> None:
    """What is not in the vocabulary is looked for as it stands, and that is said."""
    await me.say("белые кеды флюмпакс")


@scenario("ru", "en")
async def test_only_words_that_are_unknown(talk: Talk, me: Person) -> None:
    """Nothing of it is known: likeness alone answers, and that is said."""
    await me.say(ru="флюмпакс", en="flumpax")


@scenario("ru", "en")
async def test_a_greeting(talk: Talk, me: Person) -> None:
    """Nothing to look for: the bot says what to send."""
    await me.say(ru="привет", en="hello")


@scenario("ru", "en")
async def test_cheaper_than_what(talk: Talk, me: Person) -> None:
    """A comparison before there was anything to compare with."""
    await me.say(ru="дешевле", en="cheaper")


@scenario("ru", "en")
async def test_going_on_in_words(talk: Talk, me: Person) -> None:
    """Words that only make sense about what was found before."""
    await me.photo("dunk-red")
    await me.say(ru="дешевле", en="cheaper")
    await me.say(ru="а белые?", en="what about white?")
    await me.say(ru="другой бренд", en="another brand")


@scenario("en")
async def test_an_edited_question(talk: Talk, me: Person) -> None:
    """A mistake put right."""
    message = await me.say("blue vanz")
    await me.edit(message, "white vans")
