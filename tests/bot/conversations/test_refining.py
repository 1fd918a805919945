"""Refining by buttons, cards, pages, sessions."""

from __future__ import annotations

from app.bot.callbacks import MoreLike, Place, ShowPage, encode
from app.web.faults import Fault
from tests.bot.conversations.talk import Person, Talk, scenario


@scenario("ru", "en")
async def test_pages(talk: Talk, me: Person) -> None:
    """To the end and back."""
    await me.photo("am90-white")
    await me.press("button.next")
    await me.press("button.next")
    await me.press("button.previous")


@scenario("ru", "en")
async def test_cheaper_and_cheaper(talk: Talk, me: Person) -> None:
    """Each time below what was found first; then back."""
    await me.photo("aj1-tan")
    await me.press("button.cheaper")
    await me.press("button.cheaper")
    await me.press("button.back")


@scenario("ru", "en")
async def test_another_colour(talk: Talk, me: Person) -> None:
    """The palette, and one colour of it."""
    await me.photo("am90-olive")
    await me.press("button.colour")
    await me.press("colour.black")


@scenario("ru")
async def test_any_other_colour(talk: Talk, me: Person) -> None:
    """Whatever it is, not this one."""
    await me.photo("samba-mint")
    await me.press("button.colour")
    await me.press("button.other_colour")


@scenario("ru", "en")
async def test_a_price_range(talk: Talk, me: Person) -> None:
    """Ranges in the reader's currency."""
    await me.photo("dunk-grey")
    await me.press("button.filters")
    await me.press("button.price")
    await me.press(me.last.rows[2][0].text)


@scenario("en")
async def test_dearer(talk: Talk, me: Person) -> None:
    """More than what was found first."""
    await me.photo("vans-white")
    await me.press("button.filters")
    await me.press("button.price")
    await me.press("button.dearer")


@scenario("ru", "en")
async def test_a_size(talk: Talk, me: Person) -> None:
    """Sizes that are on sale, in the reader's system."""
    await me.photo("am90-white")
    await me.press("button.filters")
    await me.press("button.size")
    await me.press("43")


@scenario("ru", "en")
async def test_for_whom(talk: Talk, me: Person) -> None:
    """What is for everybody is for women too."""
    await me.photo("nb-white")
    await me.press("button.filters")
    await me.press("button.gender")
    await me.press("Женские" if me.language == "ru" else "Women's")


@scenario("ru", "en")
async def test_same_brand_other_brands(talk: Talk, me: Person) -> None:
    """Only this maker; then anybody but this maker."""
    await me.photo("am90-green")
    listing = me.last
    await me.press("button.filters")
    await me.press("button.brand")
    await me.press("button.same_brand")
    await me.press("button.other_brand", listing)


@scenario("ru")
async def test_a_brand_of_the_page(talk: Talk, me: Person) -> None:
    """One of those that were found."""
    await me.photo("am90-green")
    await me.press("button.filters")
    await me.press("button.brand")
    await me.press("adidas")


@scenario("ru", "en")
async def test_shape_or_colour_first(talk: Talk, me: Person) -> None:
    """What counts more; then the weight is taken off."""
    await me.photo("am90-olive")
    await me.press("button.filters")
    await me.press("button.shape")
    await me.press("button.filters")
    await me.press("button.hue")
    await me.press("button.filters")
    await me.press("✕")


@scenario("ru")
async def test_sold_out_too(talk: Talk, me: Person) -> None:
    """Only what is in stock is shown unless told otherwise."""
    await talk.sql("UPDATE offer SET availability = 'out_of_stock' WHERE external_id = 'vans-blue'")
    await me.photo("vans-blue")
    await me.press("button.nearest")
    await me.press("button.filters")
    await me.press("button.in_stock")
    await me.press("button.filters")
    await me.press("button.sold_out_too")


@scenario("ru", "en")
async def test_limits_stay_for_the_session(talk: Talk, me: Person) -> None:
    """A size set by a button goes on to the next question; a brand does not. Then both go."""
    await me.photo("am90-white")
    await me.press("button.filters")
    await me.press("button.size")
    await me.press("42")
    await me.press("button.filters")
    await me.press("button.brand")
    await me.press("button.same_brand")
    await me.photo("samba-sky")
    await me.press("button.filters")
    await me.press("✕")
    await me.photo("nb-white")


@scenario("ru")
async def test_all_limits_off(talk: Talk, me: Person) -> None:
    """At once."""
    await me.say("белые найк до 12000")
    await me.press("button.filters")
    await me.press("button.drop_all")


@scenario("ru")
async def test_a_session_ends(talk: Talk, me: Person) -> None:
    """After a night away nothing limits the next question, and "cheaper" asks cheaper than what."""
    await me.photo("am90-white")
    await me.press("button.filters")
    await me.press("button.size")
    await me.press("42")
    await talk.sql("UPDATE bot_session SET used_at = now() - interval '7 hours'")
    talk.note("a night passes")
    await me.say("дешевле")
    await me.photo("samba-sky")


@scenario("ru", "en")
async def test_the_card_of_a_result(talk: Talk, me: Person) -> None:
    """Opened in the list's place; its other shops; back to it and to the list."""
    await me.photo("am90-white")
    await me.press("1")
    await me.press("button.shops")
    await me.press("button.to_card")
    await me.press("button.to_list")


@scenario("ru", "en")
async def test_more_like_a_result(talk: Talk, me: Person) -> None:
    """From its card; further neighbours; back to the photo's results."""
    await me.photo("am90-white")
    await me.press("3")
    await me.press("button.like")
    await me.press("2")
    await me.press("button.like")
    await me.press("button.back")


@scenario("ru")
async def test_a_shoe_of_one_shop(talk: Talk, me: Person) -> None:
    """Nobody else sells it."""
    await me.photo("samba-mint")
    await me.press("1")
    await me.press("button.shops")


@scenario("ru", "en")
async def test_menus_lead_back(talk: Talk, me: Person) -> None:
    """From a menu to the first menu and to the list."""
    await me.photo("vans-white")
    await me.press("button.filters")
    await me.press("button.price")
    await me.press("button.to_filters")
    await me.press("button.to_list")


@scenario("ru", "en")
async def test_buttons_of_results_no_longer_kept(talk: Talk, me: Person) -> None:
    """Every one of them says so."""
    await me.photo("vans-white")
    listing = me.last
    await talk.sql("DELETE FROM search_event")
    talk.note("a month passes")
    for label in ("button.next", "1", "button.cheaper", "button.colour"):
        await me.press(label, listing)


@scenario("ru", "en")
async def test_a_result_gone_from_the_catalogue(talk: Talk, me: Person) -> None:
    """Its card and its neighbours."""
    await me.photo("vans-white")
    listing = me.last
    await talk.sql(
        "DELETE FROM embedding WHERE image_id IN (SELECT image_id FROM offer_image"
        " JOIN offer ON offer.id = offer_id WHERE external_id = 'vans-white')"
    )
    talk.note("the pair is taken out of the catalogue")
    await me.press("1", listing)
    await me.press_data(encode(MoreLike(999_999, 1)), listing)


@scenario("ru", "en")
async def test_buttons_of_another_version(talk: Talk, me: Person) -> None:
    """Old ones say that they are; those of this version go on working."""
    await me.photo("samba-sky")
    listing = me.last
    await me.press_data("0p:1:2", listing)
    await me.press_data("page_2", listing)
    await me.press_data("1r:1:wish:fly", listing)
    search_id = (await talk.sql("SELECT max(id) FROM search_event"))[0][0]
    image_id = (await talk.sql("SELECT min(image_id) FROM embedding"))[0][0]
    await me.press_data(encode(ShowPage(Place(search_id, 1))), listing)
    await me.press_data(encode(MoreLike(image_id, 1, Place(search_id, 0))), listing)


@scenario("ru")
async def test_a_restart_in_the_middle(talk: Talk, me: Person) -> None:
    """A menu opened before, chosen from after; the session goes on."""
    await me.photo("am90-white")
    await me.press("button.filters")
    await me.press("button.price")
    await talk.restart()
    await me.press("button.cheaper")
    await talk.restart()
    await me.say("а чёрные?")


@scenario("en")
async def test_a_list_that_cannot_be_edited(talk: Talk, me: Person) -> None:
    """Too old for Telegram: the card comes as a message of its own."""
    await me.photo("samba-sky")
    too_old = "Bad Request: message can't be edited"
    talk.api.faults.add(Fault("editMessageText", status=400, description=too_old))
    await me.press("2")
    talk.api.faults.add(Fault("editMessageReplyMarkup", status=400, description=too_old))
    await me.press("button.filters")


@scenario("ru")
async def test_one_button_pressed_twice(talk: Talk, me: Person) -> None:
    """The second tap means the same wish."""
    await me.photo("samba-sky")
    listing = me.last
    await me.press("button.next", listing)
    await me.press("button.next", listing)
