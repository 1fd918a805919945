"""A stored search asked again: filters, wishes, weights, colours; words stored and paged."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import numpy as np
import psycopg
import pytest
from PIL import Image

from app.db.pool import Database, open_database
from app.domain import Emphasis, Filters
from app.search import Searcher, SearchExpired, filters_from_json, filters_to_json
from app.settings import Settings
from app.vision.manifest import Parts
from app.words import read, wish
from etl import traits
from tests.db.builders import Encoder4, add_product

# Shape in the first two numbers, colour in the others: a boot is (1, 0, ...), black (..., 1, 0).
LOW, HIGH, BLACK, WHITE = [1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [0.0, 1.0]


class Parted(Encoder4):
    manifest = SimpleNamespace(parts=Parts((0, 2), (2, 4)))

    def encode(self, images: Sequence[Any]) -> np.ndarray:
        return np.tile(np.array([*LOW, *BLACK], np.float32) / 2**0.5, (len(images), 1))


def add(conn: psycopg.Connection[Any], encoder: int, name: str, look: list[float],
        colourway: str, **more: Any) -> int:  # fmt: skip
    vector = (np.array(look) / np.linalg.norm(look)).tolist()
    product = add_product(conn, encoder, name, vector, **more)
    conn.execute("UPDATE product SET colourway = %s WHERE id = %s", (colourway, product))
    return product


@pytest.fixture
def searcher(db: Database, settings: Settings) -> Searcher:
    found = Searcher(db, Parted(), settings)
    encoder = found.encoder_row.id
    with db.connection() as conn:
        add(conn, encoder, "Runner Low", [*LOW, *BLACK], "Black / White", price=100)
        add(conn, encoder, "Runner Low W", [*LOW, *WHITE], "White / Black", price=90, brand="Two")
        add(conn, encoder, "Court High", [*HIGH, *BLACK], "Black", price=60, brand="Two")
        add(conn, encoder, "Court High W", [*HIGH, *WHITE], "All White / White", price=150)
        assert traits.derive(conn) == 4
    return found


@pytest.fixture
def photo(tmp_path: Any) -> Any:
    path = tmp_path / "shoe.png"
    Image.new("RGB", (8, 8), "black").save(path)
    return path


def models(result: Any) -> list[str]:
    return [hit.model for hit in result.hits]


def test_colours_are_derived_and_filter(searcher: Searcher, photo: Any) -> None:
    assert models(searcher.by_photo([photo], Filters(colours=("black",)))) == [
        "Runner Low", "Court High",
    ]  # fmt: skip
    both = Filters(colours=("black", "white"), colours_all=True)
    assert set(models(searcher.by_photo([photo], both))) == {"Runner Low", "Runner Low W"}
    rest = searcher.by_photo([photo], Filters(colours_out=("black",)))
    assert set(models(rest)) == {"Runner Low W", "Court High W"}
    assert models(searcher.by_photo([photo], Filters(types=("high_top",)))) == [
        "Court High", "Court High W",
    ]  # fmt: skip
    assert len(models(searcher.by_photo([photo], Filters(types=("sneaker",))))) == 4
    assert len(models(searcher.by_photo([photo], Filters(types_out=("high_top",))))) == 2


def test_a_changed_word_derives_anew(db: Database, searcher: Searcher) -> None:
    with db.connection() as conn:
        conn.execute("UPDATE product SET colourway = 'Red' WHERE model = 'Runner Low'")
        assert traits.derive(conn) == 1
        row = conn.execute("SELECT colours, types FROM product WHERE model = 'Runner Low'")
        assert row.fetchone() == (["red"], ["running", "low_top", "sneaker"])


def test_same_shape_in_another_colour(searcher: Searcher, photo: Any) -> None:
    found = searcher.by_photo([photo], reading=read("такие же, но белые"))
    assert models(found) == ["Runner Low W", "Court High W"]
    assert found.verdict == "similar"  # a moved vector knows no pair again
    assert found.filters.colours == ("white",)
    assert found.search_id is not None
    again = searcher.again(found.search_id, Filters())
    assert models(again)[0] == "Runner Low W"  # the moved vector is what was stored


def test_weights_choose_between_shape_and_colour(searcher: Searcher, photo: Any) -> None:
    first = searcher.by_photo([photo])
    assert first.search_id is not None
    shape = searcher.again(first.search_id, emphasis=Emphasis(shape=1, colour=0))
    assert set(models(shape)[:2]) == {"Runner Low", "Runner Low W"}
    colour = searcher.again(first.search_id, emphasis=Emphasis(shape=0, colour=1))
    assert set(models(colour)[:2]) == {"Runner Low", "Court High"}
    assert colour.search_id is not None
    assert models(searcher.page(colour.search_id, 0)) == models(colour)
    assert searcher.stored(colour.search_id) == (Filters(), Emphasis(0, 1))
    assert models(searcher.again(colour.search_id, emphasis=Emphasis())) == models(first)


def test_cheaper_and_other_brand_are_said_of_the_first_result(
    searcher: Searcher, photo: Any
) -> None:
    first = searcher.by_photo([photo])
    assert first.search_id is not None
    cheaper = searcher.again(first.search_id, reading=wish("cheaper"))
    assert set(models(cheaper)) == {"Runner Low W", "Court High"}
    assert cheaper.filters.price_max == Decimal("99.99")
    assert cheaper.filters.currency == "EUR"
    other = searcher.again(first.search_id, reading=read("другой бренд"))
    assert set(models(other)) == {"Runner Low W", "Court High"}
    assert other.filters.brands_out == ("Maker",)
    colour = searcher.again(first.search_id, reading=wish("other_colour"))
    assert models(colour)[0] == "Runner Low W"
    assert colour.filters.colours_out == ("black",)
    higher = searcher.again(first.search_id, reading=read("повыше"))
    assert set(models(higher)) == {"Court High", "Court High W"}


def test_what_cannot_be_done_is_said(searcher: Searcher, photo: Any) -> None:
    found = searcher.by_photo([photo], reading=read("white, no logo"))
    assert found.undone == ("no_logo",)
    assert models(found)[0] == "Runner Low W"


def test_words_are_stored_paged_and_asked_again(searcher: Searcher) -> None:
    first = searcher.by_text("runner court", page_size=3)
    assert first.search_id is not None
    assert first.has_next
    second = searcher.page(first.search_id, 1)
    assert len(second.hits) == 1
    assert not second.has_next
    assert {*models(first), *models(second)} == {
        "Runner Low", "Runner Low W", "Court High", "Court High W",
    }  # fmt: skip
    white = searcher.again(first.search_id, reading=read("белые"))
    assert set(models(white)) == {"Runner Low W", "Court High W"}


def test_a_reading_limits_a_search_by_words(searcher: Searcher) -> None:
    found = searcher.by_text("white runner", reading=read("white runner"))
    assert models(found) == ["Runner Low W"]


def test_a_foreign_or_old_search_has_expired(searcher: Searcher) -> None:
    with pytest.raises(SearchExpired):
        searcher.again(123456)


def test_filters_survive_json() -> None:
    filters = Filters(
        price_max=Decimal("9.50"), colours=("red",), colours_out=("blue",), colours_all=True,
        types=("running",), types_out=("boots",), brands=("Nike",),
    )  # fmt: skip
    assert filters_from_json(filters_to_json(filters)) == filters
    assert filters_to_json(Filters()) == {"in_stock": True}


def test_one_connection_is_enough(searcher: Searcher, settings: Settings, photo: Any) -> None:
    """The command line's pool holds one: a search that asked for a second inside would wait for
    itself."""
    first = searcher.by_photo([photo]).search_id
    assert first is not None
    for use in (
        lambda fresh: fresh.by_image(1, reading=wish("cheaper")),
        lambda fresh: fresh.by_photo([photo], reading=read("such but white")),
        lambda fresh: fresh.by_text("runner"),
        lambda fresh: fresh.again(first, reading=wish("other_colour")),
        lambda fresh: fresh.page(first, 0),
        lambda fresh: fresh.nearest(np.ones(4), Filters(), 2),
    ):
        with open_database(settings, size=1) as single:
            assert use(Searcher(single, Parted(), settings))
