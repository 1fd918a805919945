"""Pictures that ask twice: their own shop by one vector, others by another."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from app.db import vectors
from app.db.bot import BotStore
from app.db.bot_saved import Contact
from app.db.pool import Database
from app.db.queries import query
from app.domain import Emphasis, Filters
from app.search import Searcher
from app.settings import Settings
from app.vision.manifest import Parts
from tests.db.builders import Encoder4, add_product, one

USER = 7003
LOUDER = 0.9


class Twice(Encoder4):
    """A picture's blue asks other shops, its red its own; a dark one asks both the same."""

    manifest = SimpleNamespace(parts=Parts((0, 2), (2, 4)))
    ways = 2

    def encode(self, images: Sequence[Any]) -> np.ndarray:
        return self.encode_asking(images)[0][:, 0]

    def asking_batch(self, pixels: np.ndarray) -> np.ndarray:
        rows = []
        for red, _, blue in pixels.reshape(len(pixels), -1, 3).mean(axis=1):
            own = np.array([1, 0, 0, red / 255])
            other = np.array([0, 1, 0, blue / 255]) if blue else own
            own, other = (one / np.linalg.norm(one) for one in (own, other))
            rows.append([own, other * (LOUDER if blue else 1)])
        return np.array(rows, np.float32)

    def encode_asking(self, images: Sequence[Any]) -> tuple[np.ndarray, np.ndarray]:
        ways = self.asking_batch(np.stack([np.asarray(image) for image in images]))
        return ways, ways[:, 0]


@pytest.fixture
def searcher(db: Database, settings: Settings) -> Searcher:
    found = Searcher(db, Twice(), settings)
    with db.connection() as conn:
        encoder = found.encoder_row.id
        add_product(conn, encoder, "Own", [1, 0, 0, 0], price=90)
        add_product(conn, encoder, "Beyond", [0, 1, 0, 0], price=80, shop="Other")
        add_product(conn, encoder, "Neither", [0, 0, 1, 0], price=70)
        add_product(conn, encoder, "Half", [0.8, 0, 0.6, 0], price=60)
    return found


@pytest.fixture(params=["exact", "hnsw"])
def either(request: pytest.FixtureRequest, db: Database, searcher: Searcher) -> str:
    """The same without and with an HNSW index."""
    if request.param == "hnsw":
        with db.connection() as conn:
            vectors.ensure_index(conn, searcher.encoder_row.id)
    return str(request.param)


def shot(folder: Path, name: str, colour: tuple[int, int, int]) -> Path:
    path = folder / f"{name}.png"
    Image.new("RGB", (8, 8), colour).save(path)
    return path


@pytest.fixture
def studio(tmp_path: Path) -> Path:
    return shot(tmp_path, "studio", (0, 0, 1))


def models(result: Any) -> list[str | None]:
    return [hit.model for hit in result.hits]


@pytest.mark.usefixtures("either")
class TestTwoQuestions:
    def test_what_either_finds_is_found(self, searcher: Searcher, studio: Path) -> None:
        result = searcher.by_photo([studio], page_size=4)
        assert models(result) == ["Own", "Beyond", "Half", "Neither"]
        assert [round(hit.score, 2) for hit in result.hits] == [1.0, LOUDER, 0.8, 0.0]
        assert [hit.verdict for hit in result.hits] == ["same", "similar", "similar", "none"]

    def test_one_that_asks_the_same_twice_finds_what_it_did(
        self, searcher: Searcher, tmp_path: Path, db: Database
    ) -> None:
        result = searcher.by_photo([shot(tmp_path, "phone", (0, 0, 0))], page_size=4)
        assert models(result)[:2] == ["Own", "Half"]
        assert result.hits[2].score == pytest.approx(0, abs=1e-3)
        with db.connection() as conn:
            stored = conn.execute("SELECT elsewhere FROM search_event").fetchall()
        assert stored == [(None,)], "the index is walked once"

    def test_filters_narrow_both(self, searcher: Searcher, studio: Path) -> None:
        found = searcher.by_photo([studio], Filters(shops=("other",)))
        assert models(found) == ["Beyond"]
        assert found.hits[0].score == pytest.approx(LOUDER, abs=2e-3)

    def test_the_next_page_asks_both_again(
        self, searcher: Searcher, studio: Path, db: Database, settings: Settings
    ) -> None:
        first = searcher.by_photo([studio], page_size=1)
        assert first.search_id is not None
        restarted = Searcher(db, Twice(), settings)
        assert models(restarted.page(first.search_id, 1)) == ["Beyond"]
        narrowed = restarted.again(first.search_id, Filters(price_max=None, brands=("Maker",)))
        assert models(narrowed)[:1] == ["Own"]
        assert models(restarted.page(narrowed.search_id or 0, 1)) == ["Beyond"]

    def test_weighed_parts_ask_once_and_even_ones_twice_again(
        self, searcher: Searcher, studio: Path
    ) -> None:
        first = searcher.by_photo([studio], page_size=4)
        shape = searcher.again(first.search_id or 0, emphasis=Emphasis(2.0, 0.5))
        assert models(shape)[:2] == ["Own", "Half"]
        even = searcher.again(shape.search_id or 0, emphasis=Emphasis())
        assert models(even) == models(first)

    def test_several_views_keep_the_length_of_the_second_question(
        self, searcher: Searcher, studio: Path, tmp_path: Path
    ) -> None:
        views = [studio, shot(tmp_path, "other", (255, 0, 1))]
        found = {hit.model: hit.score for hit in searcher.by_photo(views, page_size=4).hits}
        assert found["Beyond"] == pytest.approx(LOUDER, abs=2e-3)


def test_of_a_catalogue_picture_there_is_one_question(
    searcher: Searcher, studio: Path, db: Database
) -> None:
    hit = searcher.by_photo([studio]).hits[0]
    assert models(searcher.by_image(hit.image_id))[0] == "Half"
    with db.connection() as conn:
        stored = conn.execute("SELECT kind, elsewhere IS NULL FROM search_event ORDER BY id")
        assert stored.fetchall() == [("photo", False), ("image", True)]


def test_a_saved_picture_is_told_of_what_either_finds(
    searcher: Searcher, studio: Path, db: Database
) -> None:
    """New shoes that came after the alert, each near by another of the two questions."""
    store = BotStore.of(db)
    with db.connection() as conn:
        query("bot_user_set_language").execute(conn, {"user_id": USER, "language": "en"})
        one(conn, "UPDATE encoder SET status = 'active' RETURNING id")
    store.saved.set_contact(USER, Contact(None, False, None, None))
    asked = searcher.by_photo([studio], user_key=f"tg:{USER}")
    kept = store.saved.save_picture(USER, asked.search_id or 0)
    assert kept is not None
    assert store.saved.put_alert(USER, kept.id, "new", "en") is not None
    with db.connection() as conn:
        encoder = searcher.encoder_row.id
        add_product(conn, encoder, "New here", [0.9, 0, 0.436, 0], price=1)
        add_product(conn, encoder, "New there", [0, 0.9, 0.436, 0], price=1)
        add_product(conn, encoder, "New nowhere", [0, 0, 1, 0], price=1)
    assert store.outbox.compute() == 1
    with db.connection() as conn:
        (count,) = conn.execute("SELECT payload -> 'count' FROM bot_outbox").fetchone() or (0,)
    assert count == 2
