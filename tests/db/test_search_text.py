"""Searching by words over a real Postgres: full text, vectors, their fusion, filters."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, cast

import numpy as np
import pytest

from app.db.pool import Database
from app.domain import Filters
from app.errors import BadInput
from app.search import Searcher
from app.settings import Settings
from app.vision.text import TextTower
from app.vision.tokenizer import Tokenizer
from app.words import read
from tests.db.builders import Encoder4, add_product

COLOURS = {"red": [1, 0, 0, 0], "green": [0, 1, 0, 0]}


class Pictures(Encoder4):
    def encode(self, images: Sequence[Any]) -> np.ndarray:
        return np.tile(np.array([[0, 1, 0, 0]], np.float32), (len(images), 1))


class ColourWords:
    """Four numbers a text, by its colour; the tokenizer is the real one."""

    tokenizer = Tokenizer(
        1000, (3, 5), 8, 40, {"красные": "red", "мейкер": "maker"}, frozenset({"red", "maker"})
    )

    def understands(self, text: str) -> bool:
        return bool(self.tokenizer.words(text))

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        rows = [
            next((v for w, v in COLOURS.items() if w in self.tokenizer.words(t)), [0, 0, 0, 1])
            for t in texts
        ]
        return np.asarray(rows, np.float32)


def fill(db: Database, settings: Settings, *, tower: bool) -> Searcher:
    words = cast(TextTower, ColourWords()) if tower else None
    searcher = Searcher(db, Pictures(), settings, tower=words)
    encoder_id = searcher.encoder_row.id
    with db.connection() as conn:
        add_product(conn, encoder_id, "Runner Red", [[1, 0, 0, 0], [0.9, 0.1, 0, 0]], price=100)
        add_product(conn, encoder_id, "Runner Red", [], price=80, shop="Cheap")
        add_product(conn, encoder_id, "Court", [0.8, 0.6, 0, 0], price=50, brand="Other")
        add_product(conn, encoder_id, "Green", [0, 1, 0, 0], price=70, brand="Other")
    return searcher


def models(searcher: Searcher, text: str, filters: Filters | None = None) -> list[str | None]:
    return [hit.model for hit in searcher.by_text(text, filters).hits]


def test_full_text_alone_finds_titles_and_says_when_nothing_fits(
    db: Database, settings: Settings
) -> None:
    searcher = fill(db, settings, tower=False)
    result = searcher.by_text("runners")  # the English stem of "Runner"
    assert [hit.model for hit in result.hits] == ["Runner Red"]
    assert result.verdict == "similar"
    assert [offer.price for offer in result.hits[0].offers] == [Decimal(80), Decimal(100)]
    nothing = searcher.by_text("красные")
    assert (nothing.hits, nothing.verdict) == ((), "none")


def test_all_words_come_before_some(db: Database, settings: Settings) -> None:
    searcher = fill(db, settings, tower=False)
    with db.connection() as conn:
        add_product(conn, searcher.encoder_row.id, "Runner Blue", [0, 0, 1, 0], price=10)
    assert models(searcher, "runner blue") == ["Runner Blue", "Runner Red"]


def test_vectors_and_words_are_fused_one_row_a_product(db: Database, settings: Settings) -> None:
    searcher = fill(db, settings, tower=True)
    assert models(searcher, "красные мейкер") == ["Runner Red", "Court", "Green"]
    hit = searcher.by_text("красные").hits[0]
    assert hit.score == pytest.approx(1, abs=1e-3)
    assert len(hit.offers) == 2


def test_filters_are_kept(db: Database, settings: Settings) -> None:
    searcher = fill(db, settings, tower=True)
    assert models(searcher, "красные", Filters(brands=("other",))) == ["Court", "Green"]
    assert models(searcher, "red", Filters(price_max=Decimal(60))) == ["Court"]
    assert models(searcher, "red", Filters(brands=("nobody",))) == []


@pytest.mark.parametrize("text", ["", "  ", "?!"])
def test_no_words_is_bad_input(db: Database, settings: Settings, text: str) -> None:
    with pytest.raises(BadInput):
        fill(db, settings, tower=True).by_text(text)


@pytest.mark.parametrize("text", ["' | & ! :*", "a:*b & (", "%s {dim} \\", "red -- x;"])
def test_odd_signs_are_only_words(db: Database, settings: Settings, text: str) -> None:
    searcher = fill(db, settings, tower=False)
    if any(char.isalnum() for char in text):
        assert len(searcher.by_text(text).hits) <= 3
    else:
        with pytest.raises(BadInput):
            searcher.by_text(text)


def test_words_pull_a_picture(db: Database, settings: Settings, tmp_path: Any) -> None:
    from PIL import Image

    path = tmp_path / "shoe.png"
    Image.new("RGB", (8, 8), "green").save(path)
    searcher = fill(db, settings, tower=True)
    assert searcher.by_photo([path]).hits[0].model == "Green"
    assert searcher.by_photo([path], text="red").hits[0].model == "Court"  # between both
    assert searcher.by_photo([path], text="red", text_weight=0.9).hits[0].model == "Runner Red"
    with pytest.raises(BadInput):
        Searcher(db, Pictures(), settings).by_photo([path], text="red")


NORRVALE = "Norrvale"


def with_norrvale(db: Database, settings: Settings, *, tower: bool) -> Searcher:
    """The catalogue with a brand that no vocabulary lists; its offers' titles do not say it."""
    searcher = fill(db, settings, tower=tower)
    with db.connection() as conn:
        encoder_id = searcher.encoder_row.id
        add_product(conn, encoder_id, "Fjell", [0, 0, 0, 1], price=90, brand=NORRVALE)
        add_product(conn, encoder_id, "Isbre", [0, 0.1, 0, 0.9], price=200, brand=NORRVALE)
        conn.execute("UPDATE offer SET title = NULL WHERE title LIKE %s", (f"{NORRVALE}%",))
        conn.execute("UPDATE brand SET aliases = '{Nordtal}' WHERE name = %s", (NORRVALE,))
    return searcher


@pytest.mark.parametrize("tower", [False, True])
@pytest.mark.parametrize(
    "text",
    ["Norrvale", "NORRVALE", "норрвале", "norvale", "norrvalle", "nordtal", "norrvale sneakers"],
)
def test_a_brand_of_the_catalogue_is_understood(
    db: Database, settings: Settings, text: str, tower: bool
) -> None:
    result = with_norrvale(db, settings, tower=tower).by_text(text, reading=read(text))
    assert result.filters.brands == (NORRVALE,)
    assert result.strange == ()
    assert [hit.brand for hit in result.hits] == [NORRVALE, NORRVALE]


def test_a_brand_of_the_catalogue_with_limits(db: Database, settings: Settings) -> None:
    searcher = with_norrvale(db, settings, tower=True)
    cheap = searcher.by_text("Norrvale up to €100", reading=read("Norrvale up to €100"))
    assert [hit.model for hit in cheap.hits] == ["Fjell"]
    other = searcher.by_text("red, not norrvale", reading=read("red, not norrvale"))
    assert other.filters.brands_out == (NORRVALE,)
    again = searcher.again(cast(int, searcher.by_text("red").search_id), reading=read("norrvale"))
    assert {hit.brand for hit in again.hits} == {NORRVALE}


def test_a_new_brand_is_known_once_the_list_is_old(
    db: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    searcher = fill(db, settings, tower=True)
    assert searcher.placed(read("norrvale")).rest == "norrvale"
    with db.connection() as conn:
        add_product(conn, searcher.encoder_row.id, "Fjell", [0, 0, 0, 1], brand=NORRVALE)
    monkeypatch.setattr("app.search.catalogue._FRESH_S", 0.0)
    assert searcher.placed(read("norrvale")).brands == (NORRVALE,)


def test_words_the_tower_does_not_know_are_full_texts_alone(
    db: Database, settings: Settings
) -> None:
    searcher = with_norrvale(db, settings, tower=True)
    found = searcher.by_text("fjell", reading=read("fjell"))
    assert [hit.model for hit in found.hits] == ["Fjell"]
    assert found.strange == ()
    assert [hit.model for hit in searcher.page(cast(int, found.search_id), 0).hits] == ["Fjell"]


def test_exact_words_come_before_what_only_resembles(db: Database, settings: Settings) -> None:
    searcher = with_norrvale(db, settings, tower=True)
    with db.connection() as conn:
        for number in range(80):
            add_product(conn, searcher.encoder_row.id, f"Scarlet {number}", [1, 0, 0, 0])
    assert models(searcher, "red isbre")[0] == "Isbre"  # the least red of all
    found = searcher.by_text("red isbre")
    assert searcher.page(cast(int, found.search_id), 0).hits[0].model == "Isbre"


def test_unknown_words_are_looked_for_by_similarity_and_named(
    db: Database, settings: Settings
) -> None:
    searcher = fill(db, settings, tower=True)
    assert searcher.by_text("red flumpax", reading=read("red flumpax")).strange == ("flumpax",)
    alone = searcher.by_text("flumpax", reading=read("flumpax"))
    assert (alone.strange, len(alone.hits)) == (("flumpax",), 3)
    bare = Searcher(db, Pictures(), settings)
    assert bare.by_text("flumpax", reading=read("flumpax")).hits == ()
