"""Joining offers of one product: rules, guards, people's decisions, evidence."""
# ruff: noqa: E501 - titles and tables read better in one line

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageOps

from app.db import vectors
from app.db.pool import Database
from app.errors import BadInput
from app.settings import Settings
from app.sketch.catalogue import catalogue
from etl.images import ImageStore
from etl.match import decide_join, decide_split, match
from etl.match.groups import Groups
from etl.match.keys import gtin14
from etl.match.rules import Verified
from etl.match.vectors import by_vectors
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
    a = add(db, "A", "North", gtin="0194955873014")
    b = add(db, "B", "South", gtin="194955873014")
    c = add(db, "C", "East", gtin="194955873021")
    assert match(db, settings).joined == {"gtin": 1}
    assert product_of(db, a) == product_of(db, b) != product_of(db, c)
    assert rows(db, "SELECT offer_id, with_offer_id, method FROM offer_match") == [(b, a, "gtin")]
    assert rows(db, "SELECT count(*) FROM product") == [(2,)]
    assert match(db, settings).joined == {}, "a second run has nothing to do"
    ended = rows(db, "SELECT state, rows_seen, offers_changed FROM etl_run WHERE kind = 'match'")
    assert ended == [("done", 3, 1), ("done", 3, 0)]


@pytest.mark.parametrize(
    "number", ["0194955873019", "2000000000008", "00000000000000", "0400000000008", "SKU-1", ""]
)
def test_a_number_that_is_no_gtin_joins_nothing(number: str) -> None:
    """A wrong check digit; numbers that every shop gives out for itself; no number at all."""
    assert gtin14(number) is None


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
    assert match(db, settings).joined == {}
    assert product_of(db, a) != product_of(db, b)


def test_style_codes_that_differ_keep_apart(db: Database, settings: Settings) -> None:
    words = {"model": "Dunk", "colourway": "Black"}
    a = add(db, "A", "North", style_code="DD1391-100", vector=[1, 0, 0, 0], **words)
    b = add(db, "B", "South", style_code="DD1391-101", vector=[1, 0, 0, 0], **words)
    match(db, settings)
    assert product_of(db, a) != product_of(db, b)


@pytest.mark.parametrize(
    ("first", "second", "joined"),
    [
        ("Nike Air Force 1 Low - Men's - White / Navy", "Кроссовки Найк Air Force 1 Low мужские white/navy", True),
        ("Nike Air Force 1 Low - Men's - White / Red", "Кроссовки Найк Air Force 1 Low белые/красные", True),
        ("Nike Air Force 1 Low - Men's - White / Red", "White / Red AIR FORCE 1 LOW by Nike", True),
        ("Nike Air Force 1 Low - Men's - White / Red", "Nike Air Force 1 Low - Women's - White / Red", False),
        ("Nike Air Force 1 Low - Men's - White / Red", "Nike Air Force 1 Low - White / Maroon", False),
        ("Nike Air Force 1 Low - Men's - White / Red", "Nike Air Force 1 Low - Red / White", False),
        ("Nike Air Max 90 Black", "Nike Air Max 95 Black", False),
        ("Nike Air Max 90", "Nike Air Max 90", False),  # in which colours, neither says
        ("Nike Dunk Low Kids Black", "Nike Dunk Low Toddler Black", False),
        ("adidas Samba OG white", "Адидас Самба белые", True),
    ],
)  # fmt: skip
def test_titles_join_where_they_say_the_same(
    db: Database, settings: Settings, first: str, second: str, joined: bool
) -> None:
    a, b = add(db, "A", "North"), add(db, "B", "South")
    with db.connection() as conn:
        conn.execute("UPDATE product SET model = NULL, brand_id = NULL")
        for offer, title in ((a, first), (b, second)):
            conn.execute("UPDATE offer SET title = %s WHERE id = %s", (title, offer))
    match(db, settings)
    assert (product_of(db, a) == product_of(db, b)) is joined


def show(
    db: Database, settings: Settings, offer: int, *pictures: Image.Image, quality: int = 95
) -> None:
    """Stores the pictures as the offer's own."""
    store = ImageStore(settings)
    with db.connection() as conn:
        for position, picture in enumerate(pictures):
            data = io.BytesIO()
            picture.save(data, "JPEG", quality=quality)
            put = store.put(data.getvalue())
            image = one(
                conn,
                "INSERT INTO image (sha256, phash, width, height, size_bytes, format, path)"
                " VALUES (decode(%s, 'hex'), 0::bit(64), %s, %s, %s, %s, %s)"
                " ON CONFLICT (sha256) DO UPDATE SET path = excluded.path RETURNING id",
                put.sha256,
                put.width,
                put.height,
                put.size_bytes,
                put.format,
                put.path,
            )
            conn.execute(
                "INSERT INTO offer_image (offer_id, image_id, position) VALUES (%s, %s, %s)",
                (offer, image, position),
            )  # fmt: skip


@pytest.fixture(scope="module")
def drawn() -> dict[str, Image.Image]:
    """A shoe, the same in another colour, another shoe, and the first as another shop shows it."""
    shoe, other = catalogue(5, 2)
    design = shoe.design
    colours = replace(design.colours, upper="red" if design.colours.upper != "red" else "navy")
    recoloured = replace(shoe, design=replace(design, colours=colours))
    sole = replace(colours, midsole="navy", heel_counter="navy")
    repainted = replace(shoe, design=replace(design, colours=sole))
    pictures = {
        "shoe": shoe.picture(size=(320, 240)),
        "recoloured": recoloured.picture(size=(320, 240)),
        "repainted": repainted.picture(size=(320, 240)),
        "other": other.picture(size=(320, 240)),
    }
    padded = ImageOps.expand(ImageOps.mirror(pictures["shoe"]), (40, 10, 5, 60), "white")
    return {**pictures, "republished": padded.resize((292, 248))}


def test_the_makers_photograph_joins_and_its_colourway_does_not(
    db: Database, settings: Settings, drawn: dict[str, Image.Image]
) -> None:
    a, b, c, d = (
        add(db, k, s) for k, s in (("A", "North"), ("B", "South"), ("C", "South"), ("D", "East"))
    )
    show(db, settings, a, drawn["shoe"])
    show(db, settings, b, drawn["republished"], quality=70)
    show(db, settings, c, drawn["other"])
    show(db, settings, d, drawn["recoloured"])
    assert match(db, settings).joined == {"pictures": 1}
    assert product_of(db, a) == product_of(db, b)
    assert len({product_of(db, o) for o in (a, c, d)}) == 3
    [(method, score, detail)] = rows(db, "SELECT method, score, detail FROM offer_match")
    assert (method, detail["photographs"]) == ("pictures", 1)
    assert score > 0.9
    assert rows(db, "SELECT count(*) FROM image_print WHERE NOT compared") == [(0,)]
    assert match(db, settings).joined == {}


def test_a_picture_shown_for_two_products_says_nothing(
    db: Database, settings: Settings, drawn: dict[str, Image.Image]
) -> None:
    for key, shop in (("A", "North"), ("B", "South"), ("C", "South")):
        show(db, settings, add(db, key, shop), drawn["shoe"])
    assert match(db, settings).joined == {}


def test_pictures_speak_against_words(
    db: Database, settings: Settings, drawn: dict[str, Image.Image]
) -> None:
    """Two shops call different colourways by the same words: the same view shows that they differ."""
    words = {"model": "Dunk", "colourway": "Black"}
    a, b = add(db, "A", "North", **words), add(db, "B", "South", **words)
    show(db, settings, a, drawn["shoe"])
    show(db, settings, b, drawn["repainted"])
    assert match(db, settings).joined == {}
    assert match(db, settings, pictures=False).joined == {"words": 1}


def test_colours_in_words_forbid_what_pictures_say(
    db: Database, settings: Settings, drawn: dict[str, Image.Image]
) -> None:
    a = add(db, "A", "North", colourway="White/Black")
    b = add(db, "B", "South", colourway="Red/Black")
    for offer in (a, b):
        show(db, settings, offer, drawn["shoe"])
    report = match(db, settings)
    assert (report.joined, report.forbidden) == ({}, 1)


class Cosine:
    """A pair verifier that takes the cosine for the probability."""

    def probability(self, query: np.ndarray, others: np.ndarray) -> np.ndarray:
        return others @ query


def by_cosine(*goods: tuple[str, list[float]]) -> list[tuple[int, int]]:
    """What the verifier's rule joins: offers 1, 2, ... each of a shop, with one vector."""
    blank = dict.fromkeys(("brand", "title", "model", "colourway", "gender", "style_code", "gtin"))
    found = [
        {**blank, "id": n, "product_id": n, "shop_id": ord(shop[0]), "origin": str(n)}
        for n, (shop, _) in enumerate(goods, start=1)
    ]
    pictures = [
        (n, np.asarray(vector, np.float32) / np.linalg.norm(vector))
        for n, (_, vector) in enumerate(goods, start=1)
    ]
    edges = by_vectors(Groups(found, set()), pictures, Cosine(), Verified(0.98, 0.02), "tiny")
    return [(edge.one, edge.other) for edge in edges]


def test_the_verifier_joins_mutual_best_beyond_doubt() -> None:
    assert by_cosine(("N", [1, 0, 0, 0]), ("S", [1, 0.05, 0, 0]), ("S", [0, 1, 0, 0])) == [(1, 2)]


def test_the_verifier_does_not_choose_between_twins() -> None:
    assert by_cosine(("N", [1, 0, 0, 0]), ("S", [1, 0.05, 0, 0]), ("S", [1, 0, 0.05, 0])) == []


def test_a_split_survives_the_next_run(db: Database, settings: Settings) -> None:
    a = add(db, "A", "North", gtin="194955873014")
    b = add(db, "B", "South", gtin="194955873014")
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
