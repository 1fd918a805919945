"""Saved shoes, the alerts computed from prices, sizes and vectors, and what is forgotten."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest

from app.db import vectors
from app.db.bot import BotStore
from app.db.bot_inbox import Attempt, Incoming
from app.db.bot_saved import Contact
from app.db.pool import Database
from app.db.queries import query
from tests.db.builders import Encoder4, add_product, one

USER, OTHER = 7001, 7002
ALWAYS = Contact(None, False, None, None)


@pytest.fixture
def store(db: Database) -> BotStore:
    """The stores of a database with an active encoder."""
    with db.connection() as conn:
        vectors.register(conn, Encoder4())
        query("bot_user_set_language").execute(conn, {"user_id": USER, "language": "en"})
    made = BotStore.of(db)
    made.saved.set_contact(USER, ALWAYS)
    return made


def product(db: Database, model: str, vector: list[float], **facts: object) -> tuple[int, int]:
    """(product, picture) of a new product."""
    with db.connection() as conn:
        encoder = one(conn, "SELECT id FROM encoder")
        made = add_product(conn, encoder, model, vector, **facts)  # type: ignore[arg-type]
        image = one(
            conn,
            "SELECT oi.image_id FROM offer_image AS oi JOIN offer AS o ON o.id = oi.offer_id"
            " WHERE o.product_id = %s LIMIT 1",
            made,
        )
    return made, image


def price(db: Database, product_id: int, value: float, **more: object) -> None:
    with db.connection() as conn:
        conn.execute("UPDATE offer SET price = %s WHERE product_id = %s", [value, product_id])
        for name, what in more.items():
            conn.execute(f"UPDATE offer SET {name} = %s WHERE product_id = %s", [what, product_id])


def save(store: BotStore, image: int, *kinds: str, user: int = USER) -> dict[str, int]:
    kept = store.saved.save_shoe(user, image)
    assert kept is not None
    made = {}
    for kind in kinds:
        put = store.saved.put_alert(user, kept.id, kind, "en")  # type: ignore[arg-type]
        assert put is not None
        made[kind] = put.id
    return made


def pending(db: Database) -> list[dict[str, object]]:
    with db.connection() as conn:
        rows = conn.execute(
            "SELECT payload FROM bot_outbox WHERE state = 'pending' ORDER BY id"
        ).fetchall()
    return [row[0] for row in rows]


def test_one_message_a_drop_and_a_further_drop_tells_again(db: Database, store: BotStore) -> None:
    shoe, image = product(db, "Runner", [1, 0, 0, 0], price=100)
    save(store, image, "drop")
    assert store.outbox.compute() == 0  # nothing fell yet
    price(db, shoe, 90)
    assert store.outbox.compute() == 1
    assert store.outbox.compute() == 0
    assert [(item["was"], item["price"]) for item in pending(db)] == [("100.00", "90.00")]
    price(db, shoe, 95)
    assert store.outbox.compute() == 0
    price(db, shoe, 90)
    assert store.outbox.compute() == 0, "the same price is told once"
    price(db, shoe, 80)
    assert store.outbox.compute() == 1
    # The first drop was not sent yet: one message tells of both.
    assert [(item["was"], item["price"]) for item in pending(db)] == [("100.00", "80.00")]


@pytest.mark.parametrize(
    "change", [{"availability": "out_of_stock"}, {"currency": "USD"}, {"price": None}]
)
def test_no_drop_where_nothing_got_cheaper(
    db: Database, store: BotStore, change: dict[str, object]
) -> None:
    shoe, image = product(db, "Runner", [1, 0, 0, 0], price=100)
    save(store, image, "drop")
    price(db, shoe, 50, **change)
    assert store.outbox.compute() == 0


def test_a_drop_in_another_shop_counts(db: Database, store: BotStore) -> None:
    _, image = product(db, "Runner", [1, 0, 0, 0], price=100)
    save(store, image, "drop")
    product(db, "Runner", [1, 0, 0, 0], price=70, shop="Elsewhere")
    assert store.outbox.compute() == 1
    assert pending(db)[0]["price"] == "70.00"


def test_other_currencies_count_by_official_rates_and_not_for_their_moves(
    db: Database, store: BotStore
) -> None:
    _, image = product(db, "Runner", [1, 0, 0, 0], price=100, currency="EUR")
    with db.connection() as conn:
        conn.execute(
            "INSERT INTO fx_rate (source, day, currency, base, rate) VALUES"
            " ('cbr', '2025-11-21', 'EUR', 'RUB', 90), ('cbr', '2025-11-21', 'RUB', 'RUB', 1)"
        )
    save(store, image, "drop")
    product(db, "Runner", [1, 0, 0, 0], price=8900, currency="RUB", shop="Here")  # 98.89 EUR
    assert store.outbox.compute() == 0
    with db.connection() as conn:
        conn.execute("UPDATE offer SET price = 8100 WHERE currency = 'RUB'")
    assert store.outbox.compute() == 1
    told = pending(db)[0]
    assert (told["price"], told["currency"]) == ("90.00", "EUR")
    assert (told["offer_price"], told["offer_currency"]) == ("8100.00", "RUB")


def test_a_stopped_alert_tells_nothing(db: Database, store: BotStore) -> None:
    shoe, image = product(db, "Runner", [1, 0, 0, 0], price=100)
    alert = save(store, image, "drop")["drop"]
    price(db, shoe, 90)
    assert store.outbox.compute() == 1
    assert len(store.outbox.due()) == 1
    assert not store.saved.stop_alert(OTHER, alert), "another's alert is nobody else's to stop"
    assert store.saved.stop_alert(USER, alert)
    assert store.outbox.due() == []
    price(db, shoe, 50)
    assert store.outbox.compute() == 0


def test_switched_on_again_it_begins_from_the_price_of_today(db: Database, store: BotStore) -> None:
    shoe, image = product(db, "Runner", [1, 0, 0, 0], price=100)
    alert = save(store, image, "drop")["drop"]
    store.saved.stop_alert(USER, alert)
    price(db, shoe, 60)
    save(store, image, "drop")
    assert store.outbox.compute() == 0
    price(db, shoe, 59)
    assert store.outbox.compute() == 1


def test_back_in_the_users_size(db: Database, store: BotStore) -> None:
    shoe, image = product(
        db, "Runner", [1, 0, 0, 0], price=100, sizes=[("42", "EU", True), ("43", "EU", False)]
    )
    with db.connection() as conn:
        conn.execute("UPDATE bot_user SET size = '43', size_system = 'EU'")
    save(store, image, "back")
    assert store.outbox.compute() == 0

    def available(there: bool) -> None:
        with db.connection() as conn:
            conn.execute(
                "UPDATE offer_size SET available = %s WHERE label = '43' AND offer_id IN"
                " (SELECT id FROM offer WHERE product_id = %s)",
                [there, shoe],
            )

    available(True)
    assert store.outbox.compute() == 1
    assert store.outbox.compute() == 0
    assert pending(db) == [{"kind": "back", "size": "43"}]
    available(False)
    store.outbox.compute()
    assert pending(db) == [], "gone before it was told: nothing to tell"
    available(True)
    assert store.outbox.compute() == 1


def test_new_shoes_close_to_a_saved_one(db: Database, store: BotStore) -> None:
    product(db, "Old twin", [0.99, 0.05, 0, 0], price=80)
    _, image = product(db, "Runner", [1, 0, 0, 0], price=100)
    save(store, image, "new")
    assert store.outbox.compute() == 0, "what was there before is not new"
    product(db, "Far", [0, 1, 0, 0], price=50)
    assert store.outbox.compute() == 0
    product(db, "Twin A", [0.98, 0.1, 0, 0], price=50)
    _, nearest = product(db, "Twin B", [1, 0.01, 0, 0], price=60)
    product(db, "Sold out", [1, 0.02, 0, 0], price=60, availability="out_of_stock")
    assert store.outbox.compute() == 1
    assert store.outbox.compute() == 0
    told = pending(db)[0]
    assert told["count"] == 2
    assert told["image_ids"][0] == nearest  # type: ignore[index]
    shoes = store.outbox.shoes(told["image_ids"])  # type: ignore[arg-type]
    assert [shoe.model for shoe in shoes] == ["Twin B", "Twin A"]


def test_a_saved_shoe_follows_its_offer_into_another_product(db: Database, store: BotStore) -> None:
    into, _ = product(db, "Kept", [1, 0, 0, 0], price=100)
    shoe, image = product(db, "Joined", [1, 0, 0, 0], price=100, shop="Elsewhere")
    save(store, image, "drop")
    with db.connection() as conn:
        params = {"product": shoe, "into": into}
        for name in ("match_move_offers", "match_move_aliases", "match_take_product"):
            query(name).execute(conn, params)
    assert store.saved.saved(USER, 5)[0].model == "Kept"
    price(db, into, 90)
    assert store.outbox.compute() == 1


def test_nothing_is_saved_twice_and_removing_takes_alerts_along(
    db: Database, store: BotStore
) -> None:
    _, image = product(db, "Runner", [1, 0, 0, 0], price=100)
    product(db, "Runner", [1, 0, 0, 0], price=90, shop="Elsewhere")
    save(store, image, "drop", "back")
    again = store.saved.save_shoe(USER, image)
    assert again is not None
    assert not again.added
    assert store.saved.count(USER) == 1
    assert not store.saved.remove(OTHER, again.id)
    assert store.saved.remove(USER, again.id)
    assert store.saved.alerts(USER) == []


@pytest.mark.parametrize(
    ("quiet_from", "quiet_to", "due"),
    [(-1, 1, False), (1, 2, True), (-2, -1, True), (1, -1, True), (-1, 12, False)],
    ids=["now", "later", "over", "all but now", "long"],
)
def test_quiet_hours_are_the_users(
    db: Database, store: BotStore, quiet_from: int, quiet_to: int, due: bool
) -> None:
    shoe, image = product(db, "Runner", [1, 0, 0, 0], price=100)
    save(store, image, "drop")
    price(db, shoe, 90)
    store.outbox.compute()
    # Kamchatka has no summer time: twelve hours before UTC's clock or after it.
    local = datetime.now(UTC) + timedelta(hours=12)

    def clock(hours: int) -> time:
        moved = local + timedelta(hours=hours)
        return time(moved.hour, moved.minute)

    store.saved.set_contact(
        USER, Contact("Asia/Kamchatka", True, clock(quiet_from), clock(quiet_to))
    )
    assert bool(store.outbox.due()) is due


def test_one_row_a_user_is_due_and_an_open_one_holds_the_rest(
    db: Database, store: BotStore
) -> None:
    for number in range(2):
        shoe, image = product(db, f"Runner {number}", [1, 0, 0, 0], price=100)
        save(store, image, "drop")
        price(db, shoe, 90)
    assert store.outbox.compute() == 2
    [(row, user)] = store.outbox.due()
    assert user == USER
    claimed = store.outbox.claim(row, 17, {"inline_keyboard": []})
    assert claimed is not None
    assert claimed.mark == 17
    assert store.outbox.claim(row, 17, {}) is None, "a row is claimed once"
    assert store.outbox.due() == []
    assert [item.id for item in store.outbox.open_attempts()] == [row]
    store.outbox.sent(row, 18)
    assert store.outbox.open_attempts() == []
    [(second, _)] = store.outbox.due()
    assert second != row
    again = store.outbox.claim(second, 3, {})
    assert again is not None
    assert again.mark == 18, "the mark is above all that is known, whatever the process knows"


def test_a_blocked_user_is_left_alone(db: Database, store: BotStore) -> None:
    shoe, image = product(db, "Runner", [1, 0, 0, 0], price=100)
    save(store, image, "drop")
    price(db, shoe, 90)
    store.outbox.compute()
    store.saved.block(USER, True)
    assert store.outbox.due() == []
    store.saved.block(USER, False)
    assert len(store.outbox.due()) == 1


def test_an_update_is_kept_once_and_loses_its_content(db: Database, store: BotStore) -> None:
    update = Incoming(50, USER, {"update_id": 50, "message": {"text": "secret wish"}})
    assert store.inbox.keep([update]) == {50}
    assert store.inbox.keep([update]) == set()
    assert store.inbox.unfinished() == [update.payload]
    assert store.inbox.begin(50) == Attempt(1, [])
    store.inbox.say(50, {"mark": "a", "result": {"message_id": 7}})
    store.inbox.say(50, {"mark": "b", "result": [{"message_id": 8}]})
    assert store.inbox.begin(50) == Attempt(
        2,
        [{"mark": "a", "result": {"message_id": 7}}, {"mark": "b", "result": [{"message_id": 8}]}],
    )
    store.inbox.finish([50], "done", USER, 900)
    assert store.inbox.unfinished() == []
    assert store.inbox.begin(50) is None
    with db.connection() as conn:
        assert one(conn, "SELECT payload FROM bot_update") is None
        assert one(conn, "SELECT said FROM bot_update") is None
        assert one(conn, "SELECT last_message_id FROM bot_contact") == 900


def test_feedback_keeps_query_rank_and_encoder(db: Database, store: BotStore) -> None:
    _, image = product(db, "Runner", [1, 0, 0, 0], price=100)
    with db.connection() as conn:
        search = one(
            conn,
            "INSERT INTO search_event (user_key, kind, encoder_id, query, page_size, method,"
            " verdict, hits, took_ms) SELECT %s, 'photo', id, '[1,0,0,0]', 8, 'exact', 'same', 1, 1"
            " FROM encoder RETURNING id",
            f"tg:{USER}",
        )
    assert store.privacy.feedback(USER, search, image, 3, "wrong")
    assert store.privacy.feedback(USER, search, image, 3, "right")  # the last word counts
    assert not store.privacy.feedback(USER, search + 1, image, 1, "right")
    with db.connection() as conn:
        conn.execute("DELETE FROM search_event")  # as the scheduler does after 30 days
        rows = conn.execute(
            "SELECT encoder, search_kind, rank, verdict, model, query::text FROM search_feedback"
        ).fetchall()
    assert rows == [("tiny", "photo", 3, "right", "Runner", "[1,0,0,0]")]


def test_forget_leaves_no_row_of_the_users_anywhere(db: Database, store: BotStore) -> None:
    """Every column of the schema that names a user is looked at, also those of later tables."""
    for user in (USER, OTHER):
        shoe, image = product(db, f"Runner {user}", [1, 0, 0, 0], price=100)
        save(store, image, "drop", "back", "new", user=user)
        price(db, shoe, 90)
        store.outbox.compute()
        store.inbox.keep([Incoming(user, user, {"message": {"from": {"id": user}}})])
        with db.connection() as conn:
            search = one(
                conn,
                "INSERT INTO search_event (user_key, kind, encoder_id, query, page_size, method,"
                " verdict, hits, took_ms) SELECT %s, 'photo', id, '[1,0,0,0]', 8, 'exact', 'same',"
                " 1, 1 FROM encoder RETURNING id",
                f"tg:{user}",
            )
            conn.execute(
                "INSERT INTO bot_session (chat_id, user_id, search_id) VALUES (%s, %s, %s)",
                [user, user, search],
            )
        store.privacy.feedback(user, search, image, 1, "right")
    before = holdings(db, OTHER)
    gone = store.privacy.forget(USER)
    assert (gone.searches, gone.saved, gone.alerts, gone.feedback) == (1, 1, 3, 1)
    assert not any(holdings(db, USER).values())
    assert holdings(db, OTHER) == before
    assert all(before[table] for table in ("bot_saved", "bot_alert", "bot_outbox", "bot_feedback"))
    assert store.inbox.keep([Incoming(USER, USER, {})]) == set(), "a repetition is still known"


def holdings(db: Database, user: int) -> dict[str, int]:
    """Rows that name a user, by table: any column called so, as a number, a key or in JSON."""
    found = {}
    with db.connection() as conn:
        columns = conn.execute(
            "SELECT c.table_name, c.column_name FROM information_schema.columns AS c"
            " JOIN information_schema.tables AS t USING (table_schema, table_name)"
            " WHERE c.table_schema = 'public' AND t.table_type = 'BASE TABLE' AND (c.column_name"
            " IN ('user_id', 'user_key', 'chat_id', 'owner_id') OR c.data_type = 'jsonb')"
        ).fetchall()
        for table, column in columns:
            count = one(
                conn, f'SELECT count(*) FROM "{table}" WHERE "{column}"::text LIKE %s', f"%{user}%"
            )
            found[table] = found.get(table, 0) + count
    return found
