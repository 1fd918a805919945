"""Asking with pictures."""

from __future__ import annotations

from tests.bot.conversations.market import picture
from tests.bot.conversations.talk import Person, Talk, scenario
from tests.bot.pictures import PDF, huge_png, truncated_jpeg


@scenario("ru", "en")
async def test_photo_of_a_pair_on_sale(talk: Talk, me: Person) -> None:
    """A clean photograph of a pair that three shops sell."""
    await me.photo("am90-white")


@scenario("ru", "en")
async def test_photo_without_a_shoe(talk: Talk, me: Person) -> None:
    """A cat; then the nearest shoes after all."""
    await me.photo("cat")
    await me.press("button.nearest")


@scenario("ru", "en")
async def test_photo_of_nothing_on_sale(talk: Talk, me: Person) -> None:
    """A shoe far from everything in the catalogue; the nearest only on request."""
    await me.photo("strange-shoe")
    await me.press("button.nearest")


@scenario("ru")
async def test_an_album_is_one_question(talk: Talk, me: Person) -> None:
    """Two sides of one pair in one message."""
    await me.album(["am90-black", "am90-black:medial"], "эти")


@scenario("ru")
async def test_a_picture_as_a_file(talk: Talk, me: Person) -> None:
    """Uncompressed, as a document."""
    await me.file("samba-sky")


@scenario("en")
async def test_a_forwarded_picture(talk: Talk, me: Person) -> None:
    """Out of some channel."""
    await me.forward("vans-blue")


@scenario("ru", "en")
async def test_caption_another_colour(talk: Talk, me: Person) -> None:
    """The same model in another colour."""
    await me.photo("am90-olive", ru="такие же, но чёрные", en="the same but black")


@scenario("ru", "en")
async def test_caption_cheaper(talk: Talk, me: Person) -> None:
    """Cheaper than what is found first."""
    await me.photo("dunk-red", ru="дешевле", en="cheaper")


@scenario("ru", "en")
async def test_caption_without_a_logo(talk: Talk, me: Person) -> None:
    """A wish that search cannot fulfil is said to be left out."""
    await me.photo("samba-coral", ru="без логотипа", en="no logo")


@scenario("ru", "en")
async def test_caption_with_limits(talk: Talk, me: Person) -> None:
    """Brand, price and size beside a picture."""
    await me.photo("am90-green", ru="найк до 10 тысяч, 42 размер", en="nike under 130 euros, EU 42")


@scenario("ru", "en")
async def test_caption_not_understood(talk: Talk, me: Person) -> None:
    """Words that mean nothing here are said not to count."""
    await me.photo("vans-white", ru="фывапролдж", en="qwrtzpsdf")


@scenario("ru", "en")
async def test_caption_that_only_asks(talk: Talk, me: Person) -> None:
    """ "What is this?" pulls the search nowhere."""
    await me.photo("nb-lilac", ru="что это?", en="what is this?")


@scenario("ru", "en")
async def test_two_shoes_to_pick_from(talk: Talk, me: Person) -> None:
    """The bot numbers them; the second is picked, then the first."""
    await me.photo("two-shoes")
    await me.press("2")
    under = next(m for m in me.chat.messages if len(m.buttons) == 3)
    await me.press("1", under)


@scenario("ru")
async def test_three_shoes_searched_as_a_whole(talk: Talk, me: Person) -> None:
    """Nobody has to pick."""
    await me.photo("three-shoes")
    await me.press("button.whole")


@scenario("ru")
async def test_picking_after_a_restart(talk: Talk, me: Person) -> None:
    """The picture is kept by Telegram, where its shoes are by the database; the caption too."""
    await me.photo("two-shoes", "до 8000")
    await talk.restart()
    await me.press("2")


@scenario("ru", "en")
async def test_a_pick_no_longer_kept(talk: Talk, me: Person) -> None:
    """After a month."""
    await me.photo("two-shoes")
    await talk.sql("DELETE FROM bot_pick")
    talk.note("a month passes")
    await me.press("1")


@scenario("ru", "en")
async def test_a_damaged_picture_in_an_album(talk: Talk, me: Person) -> None:
    """The others are searched by."""
    me.talk.said(f"{me.name}: [album samba-mint, damaged]\n")
    await me.chat.send_album([picture("samba-mint"), truncated_jpeg()])
    await talk.settle()


@scenario("ru", "en")
async def test_files_that_cannot_be_searched_by(talk: Talk, me: Person) -> None:
    """A PDF, an archive, an empty file, a broken one, sixty megapixels, too many megabytes."""
    await me.file("price-list.pdf", PDF, "application/pdf")
    await me.file("photos.zip", b"PK", "application/zip")
    await me.file("empty.jpg", b"")
    await me.file("half.jpg", truncated_jpeg())
    await me.file("words.jpg", b"no picture at all")
    await me.file("huge.png", huge_png(), "image/png")
    await me.file("heavy.png", b"x", "image/png", size=21 * 2**20)


@scenario("ru", "en")
async def test_things_that_are_no_question(talk: Talk, me: Person) -> None:
    """A sticker, a voice message, a video, a place, a contact, a die, a smile."""
    file = {"file_id": "f", "file_unique_id": "f"}
    await me.send("sticker", sticker={**file, "type": "regular", "width": 512, "height": 512,
                                      "is_animated": False, "is_video": False})  # fmt: skip
    await me.send("voice", voice={**file, "duration": 3})
    await me.send("video", video={**file, "duration": 3, "width": 1, "height": 1})
    await me.send("location", location={"latitude": 55.7, "longitude": 37.6})
    await me.send("contact", contact={"phone_number": "1", "first_name": "A"})
    await me.send("dice", dice={"emoji": "🎲", "value": 3})
    await me.say("🔥")


@scenario("en")
async def test_an_edited_photo_is_another_question(talk: Talk, me: Person) -> None:
    """The picture of a message is replaced."""
    message = await me.photo("samba-coral")
    await me.edit_photo(message, "vans-blue")


@scenario("ru")
async def test_an_edited_caption_is_another_question(talk: Talk, me: Person) -> None:
    """Other words beside the same picture; the same words again are not."""
    message = await me.photo("am90-black", "43 размер")
    await me.edit(message, "42 размер")
    await me.edit(message, "42 размер")
