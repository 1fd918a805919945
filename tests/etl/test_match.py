"""Joining offers of one product: rules, guards, people's decisions, evidence."""

from __future__ import annotations

import numpy as np
import pytest

from app.db import vectors
from app.db.pool import Database
from app.errors import BadInput
from app.settings import Settings
from etl.match import decide_join, decide_split, match
from tests.db.builders import Encoder4, add_product, one
from tests.etl.conftest import rows


def add(db: Database, key: str, shop: str, *, vector=(), **facts: str) -> int:
    """An offer with a product of its own and these facts; returns the offer's id."""
    with db.connection() as conn:
        encoder = vectors.register(conn, Encoder4())
        unit = list(np.asarray(vector) / np.linalg.norm(vector)) if vector else []
        product = add_product(conn, encoder.id, key, unit, price=10, shop=shop)
        for name, value in facts.items():
            table = "offer" if name in ("gtin",) else "product"
            where = "product_id" if table == "offer" else "id"
            conn.execute(f"UPDATE {table} SET {name} = %s WHERE {where} = %s", (value, product))
        return int(one(conn, "SELECT id FROM offer WHERE product_id = %s", product))


def product_of(db: Database, offer: int) -> int:
    return rows(db, f"SELECT product_id FROM offer WHERE id = {offer}")[0][0]


def test_gtin_joins_and_leaves_its_evidence(db: Database, settings: Settings) -> None:
    a = add(db, "A", "North", gtin="0194955873019")
    b = add(db, "B", "South", gtin="194955873019")
    c = add(db, "C", "East", gtin="194955873026")
    assert match(db, settings).joined == {"gtin": 1}
    assert product_of(db, a) == product_of(db, b) != product_of(db, c)
    assert rows(db, "SELECT offer_id, with_offer_id, method FROM offer_match") == [(b, a, "gtin")]
    assert rows(db, "SELECT count(*) FROM product") == [(2,)]
    assert match(db, settings).joined == {}, "a second run has nothing to do"


@pytest.mark.parametrize(
    ("first", "second", "joined"),
    [
        (("Dunk Low", "White/Black"), ("DUNK  low", "white / black"), True),
        (("Dunk Low", "White/Black"), ("Dunk Low", "Black/White"), False),
        (("Dunk Low", "чёрный"), ("Dunk Low", "black"), True),
        (("Dunk Low", "Black"), ("Dunk High", "Black"), False),
        (("Dunk Low", ""), ("Dunk Low", ""), False),
    ],
)
def test_words_join_the_same_colourway_only(
    db: Database, settings: Settings, first: tuple, second: tuple, joined: bool
) -> None:
    a = add(db, "A", "North", model=first[0], colourway=first[1])
    b = add(db, "B", "South", model=second[0], colourway=second[1])
    match(db, settings)
    assert (product_of(db, a) == product_of(db, b)) is joined


def test_two_products_of_one_shop_stay_two(db: Database, settings: Settings) -> None:
    words = {"model": "Dunk", "colourway": "Black"}
    a, b = add(db, "A", "North", **words), add(db, "B", "North", **words)
    report = match(db, settings)
    assert product_of(db, a) != product_of(db, b)
    assert report.forbidden == 1


def test_style_codes_that_differ_keep_apart(db: Database, settings: Settings) -> None:
    words = {"model": "Dunk", "colourway": "Black"}
    a = add(db, "A", "North", style_code="DD1391-100", vector=[1, 0, 0, 0], **words)
    b = add(db, "B", "South", style_code="DD1391-101", vector=[1, 0, 0, 0], **words)
    match(db, settings)
    assert product_of(db, a) != product_of(db, b)


def test_pictures_join_mutual_best_beyond_doubt(db: Database, settings: Settings) -> None:
    a = add(db, "A", "North", vector=[1, 0, 0, 0])
    b = add(db, "B", "South", vector=[1, 0.05, 0, 0])
    other = add(db, "C", "South", vector=[0, 1, 0, 0])
    assert match(db, settings).joined == {"pictures": 1}
    assert product_of(db, a) == product_of(db, b) != product_of(db, other)
    [(method, score)] = rows(db, "SELECT method, score FROM offer_match")
    assert method == "pictures"
    assert score > 0.99


def test_pictures_do_not_choose_between_twins(db: Database, settings: Settings) -> None:
    add(db, "A", "North", vector=[1, 0, 0, 0])
    add(db, "B", "South", vector=[1, 0.05, 0, 0])
    add(db, "C", "South", vector=[1, 0, 0.05, 0])
    assert match(db, settings).joined == {}


def test_colours_forbid_what_pictures_say(db: Database, settings: Settings) -> None:
    a = add(db, "A", "North", vector=[1, 0, 0, 0], colourway="White/Black")
    b = add(db, "B", "South", vector=[1, 0, 0, 0], colourway="Red/Black")
    match(db, settings)
    assert product_of(db, a) != product_of(db, b)


def test_a_split_survives_the_next_run(db: Database, settings: Settings) -> None:
    a = add(db, "A", "North", gtin="194955873019")
    b = add(db, "B", "South", gtin="194955873019")
    match(db, settings)
    decide_split(db, b, "another sole")
    assert product_of(db, a) != product_of(db, b)
    assert match(db, settings).forbidden == 1
    assert product_of(db, a) != product_of(db, b)
    with pytest.raises(BadInput, match="only one"):
        decide_split(db, b)


def test_a_join_survives_the_next_run(db: Database, settings: Settings) -> None:
    a, b = add(db, "A", "North", model="X"), add(db, "B", "South", model="Y")
    decide_join(db, a, b)
    assert product_of(db, a) == product_of(db, b)
    match(db, settings)
    assert product_of(db, a) == product_of(db, b)
    # The last word counts: taken apart again, they stay apart.
    decide_split(db, a)
    match(db, settings)
    assert product_of(db, a) != product_of(db, b)
    for pair in ((a, a), (a, 10**9)):
        with pytest.raises(BadInput):
            decide_join(db, *pair)
