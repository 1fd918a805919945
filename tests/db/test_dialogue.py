"""Settings, sessions, messages and picks in the database."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from app.db import vectors
from app.db.bot import BotUsers
from app.db.dialogue import Dialogues, ShownMessage, StoredPick, StoredSession, UserSettings
from app.db.pool import Database
from etl import fx
from tests.db.builders import Encoder4, add_product, one


def search(db: Database) -> int:
    with db.connection() as conn:
        row = vectors.register(conn, Encoder4())
        return int(
            one(
                conn,
                "INSERT INTO search_event (kind, encoder_id, query, page_size, method, verdict,"
                " hits, took_ms) VALUES ('photo', %s, '[1,0,0,0]', 8, 'exact', 'none', 0, 1)"
                " RETURNING id",
                row.id,
            )
        )


def test_a_dialogue_is_kept_and_forgotten_with_its_user(db: Database) -> None:
    store = Dialogues(db)
    assert store.settings(7) == UserSettings()
    chosen = UserSettings("EUR", "43", "EU", ("Alpha", "Магазин"))
    store.set_settings(7, chosen)
    BotUsers(db).set_language(7, "ru")
    assert store.settings(7) == chosen
    search_id = search(db)
    store.keep_session(-1, 7, StoredSession({"size": "43"}, search_id))
    assert store.session(-1, 7) == StoredSession({"size": "43"}, search_id)
    assert store.session(1, 7) is None
    store.keep_session(2, 7, StoredSession(None, search_id + 1))  # deleted while it was answered
    assert store.session(2, 7) == StoredSession(None, None)
    pick = StoredPick("file", ((0, 0, 10, 10), (5, 5, 20, 20)), "до 8000")
    pick_id = store.offer_pick(7, pick)
    assert store.pick(7, pick_id) == pick
    assert store.pick(8, pick_id) is None
    with db.connection() as conn:
        conn.execute("DELETE FROM bot_user WHERE user_id = 7")
    assert store.session(-1, 7) is None
    assert store.pick(7, pick_id) is None


def test_a_session_ends_after_a_while(db: Database) -> None:
    store = Dialogues(db)
    store.keep_session(1, 7, StoredSession(None, None))
    assert store.session(1, 7) == StoredSession(None, None)
    with db.connection() as conn:
        conn.execute("UPDATE bot_session SET used_at = now() - interval '7 hours'")
    assert store.session(1, 7) is None


def test_messages_show_results_as_long_as_these_are_kept(db: Database) -> None:
    store = Dialogues(db)
    search_id = search(db)
    store.show(1, [(10, None), (11, None)], search_id, 2)
    assert store.shown(1, 10) == ShownMessage(search_id, 2, None)
    assert store.shown(2, 10) is None
    store.show(1, [(12, None)], search_id + 1, 0)  # gone already: nothing to note
    assert store.shown(1, 12) is None
    with db.connection() as conn:
        conn.execute("DELETE FROM search_event")
    assert store.shown(1, 11) is None


def test_what_the_catalogue_offers_to_choose_from(db: Database) -> None:
    store = Dialogues(db)
    with db.connection() as conn:
        row = vectors.register(conn, Encoder4())
        sizes = [("43", "EU", True), ("9", "EU", True), ("41,5", "EU", False), ("XL", "EU", True)]
        add_product(conn, row.id, "a", [1, 0, 0, 0], price=10, shop="One", sizes=sizes)
        add_product(conn, row.id, "b", [0, 1, 0, 0], price=10, shop="Two", sizes=[])
        add_product(conn, row.id, "c", [0, 1, 1, 0], price=10, shop="Two", sizes=[])
    assert store.shops(5) == ["Two", "One"]
    assert store.sizes("EU", 10) == ["9", "43"]
    assert store.sizes("US", 10) == []
    fx.store(db, fx.Rates("cbr", date(2026, 5, 19), "RUB",
                          {"RUB": Decimal(1), "USD": Decimal(80)}))  # fmt: skip
    assert store.rates("RUB") == {"USD": (Decimal(80), date(2026, 5, 19))}
    assert store.picture_sources([1, 2]) == {}
