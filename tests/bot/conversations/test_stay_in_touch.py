"""Saved shoes, alerts, history, forgetting, feedback."""

from __future__ import annotations

from app.bot.callbacks import encode
from app.bot.flows.feedback import Judge
from app.web.faults import Fault
from tests.bot.conversations.keeping import always, image_of, outbox, price, run_ends, save
from tests.bot.conversations.talk import Person, Talk, scenario


@scenario("ru", "en")
async def test_nothing_kept_yet(talk: Talk, me: Person) -> None:
    """Lists of somebody who has nothing in them."""
    for command in ("/saved", "/alerts", "/history"):
        await me.say(command)


@scenario("ru", "en")
async def test_save_and_list(talk: Talk, me: Person) -> None:
    """Save two pairs, one of them twice, look at the list, remove one."""
    await me.say("/start")
    await save(talk, me, "am90-white", "vans-blue", "am90-white")
    await me.say("/saved")
    await me.press("🗑 1")


@scenario("ru")
async def test_saved_list_has_pages(talk: Talk, me: Person) -> None:
    """Seven saved pairs are two pages; the last one removed leaves the page before."""
    await me.say("/start")
    await save(talk, me, "am90-white", "vans-blue", "dunk-red", "nb-cream", "aj1-tan", "dunk-grey")
    await me.say("/saved")
    await me.press("saved.next")
    await me.press("🗑 6")


@scenario("ru", "en")
async def test_a_drop_is_told_once(talk: Talk, me: Person) -> None:
    """A price falls, stays, falls further: two messages."""
    await me.say("/start")
    await save(talk, me, "am90-white")
    await always(talk)
    await run_ends(talk)
    await price(talk, "am90-white", 8490)
    await run_ends(talk)
    await run_ends(talk)
    await price(talk, "am90-white", 7990)
    await run_ends(talk)


@scenario("ru")
async def test_back_in_my_size(talk: Talk, me: Person) -> None:
    """Size 43 is sold out when the pair is saved, then it is there."""
    await me.say("/start")
    await talk.sql("UPDATE bot_user SET size = '43', size_system = 'EU'")
    await talk.sql("UPDATE offer SET availability = 'out_of_stock' FROM shop"
                   " WHERE shop.id = offer.shop_id AND shop.name <> 'Alpha'")  # fmt: skip
    await save(talk, me, "am90-white")
    await always(talk)
    await me.say("/alerts")
    await run_ends(talk)
    await talk.sql("UPDATE offer_size SET available = true WHERE label = '43'")
    talk.note("Alpha has size 43 again")
    await run_ends(talk)
    await run_ends(talk)


@scenario("en")
async def test_back_in_stock_in_any_size(talk: Talk, me: Person) -> None:
    """No size is set, the pair is sold out everywhere, then it is back."""
    await me.say("/start")
    await talk.sql("UPDATE offer SET availability = 'out_of_stock'")
    await save(talk, me, "vans-white")
    await always(talk)
    await run_ends(talk)
    await talk.sql("UPDATE offer SET availability = 'in_stock'")
    await run_ends(talk)


@scenario("ru", "en")
async def test_new_pairs_like_a_saved_one(talk: Talk, me: Person) -> None:
    """The news are switched on in /saved; then the catalogue gets two pairs like it."""
    await me.say("/start")
    await save(talk, me, "dunk-red")
    await always(talk)
    await me.say("/saved")
    await me.press("saved.start_news", number=1)
    await talk.sql("UPDATE product SET created_at = now() WHERE model = 'Dunk Low'")
    talk.note("the Dunks are new in the catalogue")
    await run_ends(talk)
    await run_ends(talk)
    await me.press("saved.stop_news", number=1)


@scenario("ru", "en")
async def test_an_alert_is_stopped_from_its_message(talk: Talk, me: Person) -> None:
    """The button under an alert; a second press finds it gone... and no more is told."""
    await me.say("/start")
    await save(talk, me, "am90-white")
    await always(talk)
    await price(talk, "am90-white", 8490)
    await run_ends(talk)
    await me.press("alert.stop")
    await price(talk, "am90-white", 6490)
    await run_ends(talk)


@scenario("ru", "en")
async def test_alerts_are_listed_and_stopped(talk: Talk, me: Person) -> None:
    """One is stopped, then all."""
    await me.say("/start")
    await save(talk, me, "am90-white", "vans-blue")
    await me.say("/alerts")
    await me.press("🔕 2")
    await me.press("alert.stop_all")


@scenario("ru", "en")
async def test_quiet_hours(talk: Talk, me: Person) -> None:
    """Hours and zone are chosen; then none at all."""
    await me.say("/alerts")
    await me.press("alert.hours")
    await me.press("23–10")
    await me.press("zone.vladivostok")
    await me.press("alert.always")
    await me.press("alert.back_to_list")


@scenario("ru")
async def test_quiet_hours_hold_an_alert_back(talk: Talk, me: Person) -> None:
    """Quiet all day: the alert waits; hours off: it comes."""
    await me.say("/start")
    await save(talk, me, "am90-white")
    await talk.sql(
        "UPDATE bot_contact SET quiet = true, quiet_from = '00:00', quiet_to = '23:59:59.999999'"
    )
    await price(talk, "am90-white", 8490)
    await run_ends(talk)
    assert await outbox(talk) == [("pending", "drop")]
    await always(talk)
    await run_ends(talk)
    assert await outbox(talk) == [("sent", "drop")]


@scenario("ru")
async def test_a_drop_that_is_over_is_not_told(talk: Talk, me: Person) -> None:
    """The price rises again during the quiet hours."""
    await me.say("/start")
    await save(talk, me, "am90-white")
    await talk.sql(
        "UPDATE bot_contact SET quiet = true, quiet_from = '00:00', quiet_to = '23:59:59.999999'"
    )
    await price(talk, "am90-white", 8490)
    await run_ends(talk)
    await price(talk, "am90-white", 9990)
    await always(talk)
    await run_ends(talk)
    assert await outbox(talk) == [("dropped", "drop")]


@scenario("ru", "en")
async def test_history(talk: Talk, me: Person) -> None:
    """Two searches; one is shown again, the other's photo is watched for new pairs."""
    await me.photo("am90-white")
    await me.photo("strange-shoe")
    await me.say("/history")
    await me.press("✨ 2")
    await me.press("🔎 1")
    await me.say("/saved")


@scenario("ru", "en")
async def test_privacy(talk: Talk, me: Person) -> None:
    """What is kept."""
    await me.say("/privacy")


@scenario("ru", "en")
async def test_forget(talk: Talk, me: Person) -> None:
    """Not yet; then everything goes, old buttons expire, lists are empty."""
    await me.photo("am90-white")
    listing = me.last
    await save(talk, me, "vans-blue")
    await me.say("/forget")
    await me.press("forget.no")
    await me.say("/forget")
    await me.press("forget.yes")
    await me.press("button.next", listing)
    await me.say("/saved")


@scenario("ru", "en")
async def test_feedback(talk: Talk, me: Person) -> None:
    """A result is what was looked for, then it is not after all; a search that is gone."""
    await me.photo("am90-white")
    [(search,)] = await talk.sql("SELECT max(id) FROM search_event")
    image = await image_of(talk, "am90-white")
    await me.press_data(encode(Judge("r", search, image, 1)))
    await me.press_data(encode(Judge("w", search, image, 1)))
    await me.press_data(encode(Judge("r", search + 1, image, 1)))
    rows = await talk.sql("SELECT encoder, search_kind, rank, verdict FROM search_feedback")
    assert rows == [("conversation-eye", "photo", 1, "wrong")]


@scenario("ru")
async def test_a_blocked_user_is_not_told(talk: Talk, me: Person) -> None:
    """Blocked while an alert is on its way, let in again: told then."""
    await me.say("/start")
    await save(talk, me, "am90-white", "vans-white")
    await always(talk)
    me.chat.block()
    await price(talk, "am90-white", 8490)
    await run_ends(talk)
    await price(talk, "vans-white", 5990)
    await run_ends(talk)
    assert await outbox(talk) == [("dropped", "drop"), ("pending", "drop")]
    me.chat.block(False)
    person = me.chat.user
    member = {"user": {**talk.api.world.bot}, "status": "member"}
    await me.chat.deliver(
        "my_chat_member",
        {
            "chat": {"id": person["id"], "type": "private", "first_name": person["first_name"]},
            "from": person,
            "date": 1,
            "old_chat_member": {"user": {**talk.api.world.bot}, "status": "kicked",
                                "until_date": 0},
            "new_chat_member": member,
        },
    )  # fmt: skip
    await talk.settle()
    talk.note("the bot is let in again")
    await run_ends(talk)


@scenario("en")
async def test_an_alert_waits_for_telegrams_leave(talk: Talk, me: Person) -> None:
    """429 on the alert: it comes when the time is over, once."""
    await me.say("/start")
    await save(talk, me, "am90-white")
    await always(talk)
    await price(talk, "am90-white", 8490)
    talk.api.faults.add(Fault("sendPhoto", retry_after=1))
    await run_ends(talk)
    assert await outbox(talk) == [("pending", "drop")]
    await talk.sql("UPDATE bot_outbox SET not_before = now()")
    await run_ends(talk)
    assert await outbox(talk) == [("sent", "drop")]


@scenario("ru", "en")
async def test_kept_things_survive_a_restart(talk: Talk, me: Person) -> None:
    """The list's buttons answer after it."""
    await me.say("/start")
    await save(talk, me, "am90-white")
    await me.say("/saved")
    await talk.restart()
    await me.press("saved.start_news", number=1)
    await me.press("🗑 1")
