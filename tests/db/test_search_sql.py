"""Search over a real Postgres: grouping, filters, pages, verdicts, the plans meant."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pytest
from pgvector import HalfVector
from PIL import Image

from app.db import vectors
from app.db.pool import Database
from app.db.queries import query
from app.domain import Filters
from app.errors import BadInput, ImageError
from app.search import NotEmbedded, Searcher, SearchExpired
from app.settings import Settings
from tests.db.builders import Encoder4, add_product, one


@dataclass(frozen=True)
class ColourEncoder(Encoder4):
    """Encodes a picture as its mean red, green, blue and a constant."""

    thresholds: tuple[float | None, float | None] = (0.995, 0.8)
    seen: list[int] = field(default_factory=list, compare=False)

    def encode(self, images: Sequence[Any]) -> np.ndarray:
        self.seen.append(len(images))
        rows = [[*np.asarray(image).reshape(-1, 3).mean(axis=0), 1.0] for image in images]
        matrix = np.asarray(rows, dtype=np.float32)
        return matrix / np.linalg.norm(matrix, axis=1, keepdims=True)


def picture(path: Path, colour: tuple[int, int, int]) -> Path:
    Image.new("RGB", (16, 16), colour).save(path)
    return path


@pytest.fixture
def searcher(db: Database, settings: Settings) -> Searcher:
    found = Searcher(db, ColourEncoder(), settings)
    encoder_id = found.encoder_row.id
    with db.connection() as conn:
        red, green, blue = [1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]
        add_product(conn, encoder_id, "Red", [red, [0.9, 0.1, 0, 0]], price=100, gender="men",
                    sizes=[("42", "EU", True), ("43", "EU", False)])  # fmt: skip
        add_product(conn, encoder_id, "Red", [], price=80, shop="Cheap",
                    sizes=[("9", "US", None)])  # fmt: skip
        add_product(conn, encoder_id, "Red", [], price=60, shop="Gone",
                    availability="out_of_stock")  # fmt: skip
        add_product(conn, encoder_id, "Rose", [0.8, 0.3, 0.3, 0], price=50, brand="Other",
                    gender="women", currency="USD", sizes=[("43", "EU", True)])  # fmt: skip
        add_product(conn, encoder_id, "Green", green, price=70, brand="Other")
        add_product(conn, encoder_id, "Blue", blue, price=None)
        add_product(conn, encoder_id, "Sold out", [0.95, 0, 0, 0.05], price=10,
                    availability="out_of_stock")  # fmt: skip
    return found


def models(searcher: Searcher, path: Path, filters: Filters | None = None) -> list[str | None]:
    return [hit.model for hit in searcher.by_photo([path], filters, page_size=10).hits]


@pytest.fixture
def red_photo(tmp_path: Path) -> Path:
    return picture(tmp_path / "red.png", (250, 5, 5))


@pytest.fixture(params=["exact", "hnsw"])
def either(request: pytest.FixtureRequest, db: Database, searcher: Searcher) -> str:
    """The same tests without and with an HNSW index."""
    if request.param == "hnsw":
        with db.connection() as conn:
            vectors.ensure_index(conn, searcher.encoder_row.id)
    return str(request.param)


@pytest.mark.usefixtures("either")
class TestResults:
    def test_one_result_a_product_nearest_first(self, searcher: Searcher, red_photo: Path) -> None:
        assert models(searcher, red_photo) == ["Red", "Rose", "Blue", "Green"] or models(
            searcher, red_photo
        ) == ["Red", "Rose", "Green", "Blue"]

    def test_offers_cheapest_first_and_sold_out_left_out(
        self, searcher: Searcher, red_photo: Path
    ) -> None:
        hit = searcher.by_photo([red_photo]).hits[0]
        assert [(offer.shop, offer.price) for offer in hit.offers] == [
            ("Cheap", Decimal(80)),
            ("Shop", Decimal(100)),
        ]
        everything = searcher.by_photo([red_photo], Filters(in_stock=False)).hits
        assert [hit.model for hit in everything[:2]] == ["Red", "Sold out"]
        assert [offer.shop for offer in everything[0].offers] == ["Cheap", "Shop", "Gone"]

    @pytest.mark.parametrize(
        ("filters", "expected"),
        [
            (Filters(price_max=Decimal(75)), {"Rose", "Green"}),
            (Filters(price_min=Decimal(75)), {"Red"}),
            (Filters(price_max=Decimal(75), currency="EUR"), {"Green"}),
            (Filters(brands=("other",)), {"Rose", "Green"}),
            (Filters(brands_out=("OTHER",)), {"Red", "Blue"}),
            (Filters(genders=("women",)), {"Rose"}),
            (Filters(genders=("women", "men")), {"Rose", "Red"}),
            (Filters(shops=("cheap",)), {"Red"}),
            (Filters(size="43"), {"Rose"}),
            (Filters(size="43", size_system="US"), set()),
            (Filters(size="9"), {"Red"}),
            (Filters(size="42", price_max=Decimal(90)), set()),
            (Filters(brands=("nobody",)), set()),
        ],
    )
    def test_filters(
        self, searcher: Searcher, red_photo: Path, filters: Filters, expected: set[str]
    ) -> None:
        assert set(models(searcher, red_photo, filters)) == expected

    def test_verdicts_follow_the_encoders_thresholds(
        self, searcher: Searcher, red_photo: Path
    ) -> None:
        result = searcher.by_photo([red_photo])
        verdicts = {hit.model: hit.verdict for hit in result.hits}
        assert verdicts == {"Red": "same", "Rose": "similar", "Green": "none", "Blue": "none"}
        assert result.verdict == "same"

    def test_pages_hold_everything_once_and_survive_a_new_searcher(
        self, searcher: Searcher, red_photo: Path, db: Database, settings: Settings
    ) -> None:
        first = searcher.by_photo([red_photo], page_size=3)
        assert first.has_next
        assert first.search_id is not None
        restarted = Searcher(db, ColourEncoder(), settings)
        second = restarted.page(first.search_id, 1)
        assert not second.has_next
        assert second.page == 1
        ids = [hit.product_id for hit in first.hits + second.hits]
        assert len(ids) == len(set(ids)) == 4
        again = restarted.page(first.search_id, 0)
        assert [hit.product_id for hit in again.hits] == [hit.product_id for hit in first.hits]

    def test_filters_hold_on_the_next_page(self, searcher: Searcher, red_photo: Path) -> None:
        first = searcher.by_photo([red_photo], Filters(brands=("Other",)), page_size=1)
        assert first.search_id is not None
        second = searcher.page(first.search_id, 1)
        assert [first.hits[0].brand, second.hits[0].brand] == ["Other", "Other"]

    def test_more_like_this_leaves_the_picture_itself_out(
        self, searcher: Searcher, red_photo: Path
    ) -> None:
        hit = searcher.by_photo([red_photo]).hits[0]
        result = searcher.by_image(hit.image_id)
        assert hit.image_id not in [found.image_id for found in result.hits]
        assert result.hits[0].model == "Red", "its other picture is still the nearest"

    def test_several_views_are_one_query(self, searcher: Searcher, tmp_path: Path) -> None:
        views = [
            picture(tmp_path / f"{i}.png", c) for i, c in enumerate([(250, 0, 0), (0, 0, 250)])
        ]
        result = searcher.by_photo(views)
        assert {hit.model for hit in result.hits[:3]} == {"Red", "Rose", "Blue"}


def test_errors_say_what_is_wrong(searcher: Searcher, tmp_path: Path) -> None:
    with pytest.raises(NotEmbedded, match="picture 987654"):
        searcher.by_image(987654)
    with pytest.raises(SearchExpired):
        searcher.page(987654, 0)
    with pytest.raises(BadInput):
        searcher.by_photo([])
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"")
    with pytest.raises(ImageError) as caught:
        searcher.by_photo([broken])
    assert caught.value.code == "empty"


def test_an_empty_catalogue_gives_an_empty_result(
    db: Database, settings: Settings, red_photo: Path
) -> None:
    result = Searcher(db, ColourEncoder(), settings).by_photo([red_photo])
    assert (result.hits, result.verdict, result.has_next) == ((), "none", False)


# plans

DIM = 32
PRODUCTS = 6000


@pytest.fixture
def large(db: Database) -> Iterator[tuple[psycopg.Connection[Any], vectors.EncoderRow]]:
    """6,000 products with a picture each, indexed and analysed, in one connection."""
    with db.connection() as conn:
        encoder = vectors.register(conn, Encoder4(dim=DIM))
        one(conn, "INSERT INTO brand (name) VALUES ('Common') RETURNING id")
        one(conn, "INSERT INTO brand (name) VALUES ('Rare') RETURNING id")
        one(conn, "INSERT INTO shop (name, adapter) VALUES ('Shop', 'folder') RETURNING id")
        conn.execute(
            """
            WITH p AS (
                INSERT INTO product (brand_id, origin)
                SELECT CASE WHEN n %% 100 = 0 THEN 2 ELSE 1 END, n::text
                FROM generate_series(1, %(n)s) AS n RETURNING id
            ), o AS (
                INSERT INTO offer (shop_id, external_id, product_id, price, currency, content_hash)
                SELECT 1, id::text, id, id %% 300, 'EUR', '\\x00' FROM p RETURNING id
            ), i AS (
                INSERT INTO image (sha256, phash, width, height, size_bytes, format, path)
                SELECT sha256(n::text::bytea), 0::bit(64), 8, 8, 1, 'JPEG', n::text
                FROM generate_series(1, %(n)s) AS n RETURNING id
            )
            INSERT INTO offer_image (offer_id, image_id, position)
            SELECT o.id, i.id, 0
            FROM (SELECT id, row_number() OVER (ORDER BY id) AS r FROM o) AS o
            JOIN (SELECT id, row_number() OVER (ORDER BY id) AS r FROM i) AS i USING (r)
            """,
            {"n": PRODUCTS},
        )
        draw = np.random.default_rng(0)
        image_ids = [row[0] for row in conn.execute("SELECT id FROM image").fetchall()]
        with (
            conn.cursor() as cursor,
            cursor.copy("COPY embedding (encoder_id, image_id, vec) FROM STDIN") as copy,
        ):
            for image_id in image_ids:
                copy.write_row((encoder.id, image_id, HalfVector(draw.normal(size=DIM)).to_text()))
        vectors.ensure_index(conn, encoder.id)
        conn.commit()
        conn.execute("ANALYZE")
        conn.commit()
        yield conn, encoder


PLAIN = {
    "price_min": None, "price_max": None, "currency": None, "brands": None, "brands_out": None,
    "genders": None, "shops": None, "size": None, "size_system": None, "in_stock": True,
    "colours": None, "colours_out": None, "colours_all": False, "types": None, "types_out": None,
    "not_image": None, "elsewhere": None, "limit": 9, "offset": 0, "candidates": 200,
}  # fmt: skip


def plan(
    conn: psycopg.Connection[Any], name: str, encoder: vectors.EncoderRow, **changes: Any
) -> str:
    vector = HalfVector(np.random.default_rng(1).normal(size=DIM))
    params = {**PLAIN, "encoder_id": encoder.id, "query": vector, **changes}
    statement = query(name).composed(encoder.dim if query(name).needs_dim else None)
    explained = psycopg.sql.SQL("EXPLAIN (ANALYZE, TIMING OFF) ") + statement
    conn.execute("SELECT set_config('hnsw.ef_search', '200', true)")
    return "\n".join(row[0] for row in conn.execute(explained, params, prepare=False))


def test_hnsw_search_walks_the_encoders_own_index(large: Any) -> None:
    conn, encoder = large
    text = plan(conn, "search_hnsw", encoder)
    assert f"Index Scan using embedding_e{encoder.id}_hnsw" in text
    assert "Sort Key: ((e.vec" not in text, "the distance is not sorted by hand"


def test_a_picture_that_asks_twice_walks_the_index_twice(large: Any) -> None:
    conn, encoder = large
    walked = f"Index Scan using embedding_e{encoder.id}_hnsw"
    assert plan(conn, "search_hnsw", encoder).count(walked) == 1, "one question, one walk"
    other = HalfVector(np.random.default_rng(2).normal(size=DIM))
    text = plan(conn, "search_hnsw", encoder, elsewhere=other)
    assert text.count(walked) == 2
    assert "Sort Key: ((e.vec" not in text


@pytest.mark.parametrize("louder", [0.4, 1.0])
def test_the_nearer_of_two_questions_counts_by_index_and_exactly(
    large: Any, db: Database, settings: Settings, louder: float
) -> None:
    conn, _ = large
    draw = np.random.default_rng(3)
    first, second = draw.normal(size=(2, DIM)).astype(np.float32)
    first /= np.linalg.norm(first)
    second *= louder / np.linalg.norm(second)
    stored = conn.execute("SELECT image_id, vec FROM embedding").fetchall()
    kept = np.stack([vec.to_numpy() for _, vec in stored]).astype(np.float32)
    kept /= np.linalg.norm(kept, axis=1, keepdims=True)
    # The column holds vectors of any length here, so lengths are put right for the inner product.
    conn.execute(f"UPDATE embedding SET vec = l2_normalize(vec::halfvec({DIM}))")
    conn.commit()
    near = np.maximum(kept @ first, kept @ second)
    wanted = [stored[at][0] for at in np.argsort(-near)[:10]]
    searcher = Searcher(db, Encoder4(dim=DIM), settings)  # type: ignore[arg-type]
    for method in ("exact", "hnsw"):
        found = searcher.nearest(first, Filters(), 10, method, second)  # type: ignore[arg-type]
        assert [image for _, image, _ in found] == wanted, method
        assert np.allclose([1 - d for *_, d in found], np.sort(near)[:-11:-1], atol=2e-3)
    if louder > 0.5:
        alone = [image for _, image, _ in searcher.nearest(first, Filters(), 10, "exact")]
        assert alone != wanted, "the second question finds something of its own"


def test_hnsw_search_with_filters_keeps_the_index(large: Any) -> None:
    conn, encoder = large
    text = plan(conn, "search_hnsw", encoder, brands=["common"], price_max=200)
    assert f"embedding_e{encoder.id}_hnsw" in text


def test_exact_search_under_a_filter_reads_only_candidates(large: Any) -> None:
    conn, encoder = large
    found = query("search_matching").execute(conn, {**PLAIN, "brands": ["rare"], "up_to": 4000})
    products = found.fetchone()[0]
    assert len(products) == PRODUCTS // 100
    text = plan(conn, "search_exact", encoder, products=products)
    assert "hnsw" not in text
    assert f"embedding_e{encoder.id}_pkey" in text, "vectors are looked up by key"
    assert f"Seq Scan on embedding_e{encoder.id}" not in text


def test_other_encoders_partitions_are_pruned(large: Any) -> None:
    conn, encoder = large
    other = vectors.register(conn, Encoder4(name="wide", dim=8))
    vectors.ensure_index(conn, other.id)
    for name in ("search_hnsw", "search_exact"):
        assert f"embedding_e{other.id}" not in plan(conn, name, encoder, products=[1, 2])
    conn.rollback()


def test_hnsw_survives_a_generic_plan(large: Any) -> None:
    """A prepared statement's generic plan does not know the encoder: it must keep the index."""
    conn, encoder = large
    conn.execute("SET LOCAL plan_cache_mode = force_generic_plan")
    conn.execute(
        psycopg.sql.SQL(
            "PREPARE near(smallint, halfvec) AS SELECT image_id FROM embedding AS e"
            " WHERE encoder_id = $1 ORDER BY e.vec::halfvec({dim}) <=> $2::halfvec({dim}) LIMIT 5"
        ).format(dim=psycopg.sql.Literal(DIM))
    )
    vector = HalfVector(np.ones(DIM)).to_text()
    rows = conn.execute(f"EXPLAIN EXECUTE near({encoder.id}, '{vector}')").fetchall()
    assert f"embedding_e{encoder.id}_hnsw" in "\n".join(row[0] for row in rows)
    conn.rollback()


@pytest.mark.parametrize(
    ("filters", "method"),
    [
        (Filters(), "hnsw"),
        (Filters(brands=("Rare",)), "exact"),  # 60 products
        (Filters(price_min=Decimal(1)), "hnsw"),  # 5,980 of 6,000
        (Filters(brands=("nobody",)), "exact"),
    ],
)
def test_the_method_follows_the_filters_selectivity(
    large: Any, db: Database, settings: Settings, tmp_path: Path, filters: Filters, method: str
) -> None:
    _, encoder = large

    class Fixed(Encoder4):
        def encode(self, images: Sequence[Any]) -> np.ndarray:
            return np.random.default_rng(1).normal(size=(len(images), DIM)).astype(np.float32)

    searcher = Searcher(db, Fixed(dim=DIM), settings)
    assert searcher.encoder_row.id == encoder.id
    result = searcher.by_photo([picture(tmp_path / "x.png", (1, 2, 3))], filters)
    assert result.method == method
    truth = searcher.nearest(Fixed(dim=DIM).encode([0])[0], filters, 8, "exact")
    assert [hit.product_id for hit in result.hits] == [row[0] for row in truth]
