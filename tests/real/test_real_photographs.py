"""The whole way on real photographs: import, embed, search, beside a plain colour histogram."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import pytest

from app.db import vectors
from app.db.pool import Database
from app.db.queries import query
from app.domain import Filters
from app.search import Searcher
from app.settings import Settings
from app.vision.image import decode
from app.vision.registry import open_encoder
from etl.embed import embed_backlog
from etl.jobs import import_folder
from onnx_models.reshoot import reshoot

pytestmark = pytest.mark.data

SOURCES = ("bazaizai_multiview", "projeto_nike_multiview")
OTHERS = ("footlocker_2018", 400)


@pytest.fixture
def table(real_data: Path, tmp_path: Path) -> tuple[Path, list[dict[str, str]]]:
    """labels.csv cut down to the sources never trained on and some of a large one."""
    with (real_data / "shoes" / "labels.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    kept = [row for row in rows if row["source"] in SOURCES]
    kept += [row for row in rows if row["source"] == OTHERS[0]][: OTHERS[1]]
    path = tmp_path / "labels.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(kept)
    return path, kept


@pytest.fixture
def imported(
    db: Database, settings: Settings, real_data: Path, table: tuple[Path, list[dict[str, str]]]
) -> list[dict[str, str]]:
    path, rows = table
    report = import_folder(db, settings, real_data / "shoes", labels=path)
    assert report.counts.rows_seen == len(rows)
    assert report.counts.failed == 0
    return rows


def test_what_the_table_says_is_in_the_catalogue_and_blank_stays_null(
    db: Database, imported: list[dict[str, str]]
) -> None:
    products = {(row["source"], row["product_id"]) for row in imported}
    with db.connection() as conn:
        counts = query("catalog_counts").execute(conn).fetchone()
        assert counts is not None
        assert counts[1] == counts[2] == len(products)
        priced = conn.execute(
            "SELECT count(*) FILTER (WHERE price IS NOT NULL), count(*) FILTER (WHERE currency ="
            " 'USD'), count(*) FILTER (WHERE price IS NULL AND currency IS NULL) FROM offer"
        ).fetchone()
        assert priced == (OTHERS[1], OTHERS[1], len(products) - OTHERS[1])
        one = next(row for row in imported if row["source"] == OTHERS[0] and row["price"])
        stored = conn.execute(
            "SELECT o.price::text, o.currency, p.model, p.colourway, b.name, p.gender"
            " FROM offer AS o JOIN product AS p ON p.id = o.product_id"
            " JOIN brand AS b ON b.id = p.brand_id WHERE o.external_id = %s",
            [one["product_id"]],
        ).fetchone()
        assert stored == (one["price"], one["currency"], one["model"], one["colour"],
                          one["brand"], "men")  # fmt: skip


def test_reshot_photographs_find_their_product_far_more_often_than_by_colours(
    db: Database,
    settings: Settings,
    imported: list[dict[str, str]],
    real_data: Path,
    tmp_path: Path,
) -> None:
    """Each query is left out by asking for another of its product's pictures: the catalogue keeps
    one view, the camera simulation shows another."""
    views: dict[str, list[dict[str, str]]] = {}
    for row in imported:
        if row["source"] in SOURCES:
            views.setdefault(row["product_id"], []).append(row)
    asked = {key: rows[0] for key, rows in views.items() if len(rows) > 1}
    queries: dict[str, bytes] = {}
    hashes: list[bytes] = []
    for key, row in asked.items():
        opened = decode(
            real_data / "shoes" / row["file"],
            max_bytes=settings.max_image_bytes,
            max_pixels=settings.max_image_pixels,
        )
        hashes.append(bytes.fromhex(opened.sha256))
        path = tmp_path / "query.jpg"
        reshoot(opened.image, opened.sha256, 0).save(path, quality=88)
        queries[key] = path.read_bytes()
    with db.connection() as conn:  # the very pictures asked with are not in the catalogue
        conn.execute(
            "DELETE FROM offer_image USING image WHERE image.id = image_id AND sha256 = ANY (%s)",
            [hashes],
        )

    def first_ten(search: Callable[[bytes], list[str]]) -> float:
        return sum(key in search(picture) for key, picture in queries.items()) / len(queries)

    found = {}
    for name in ("solemate-s19", "hsv-histogram"):
        encoder = open_encoder(name, settings)
        embed_backlog(db, encoder, settings)
        searcher = Searcher(db, encoder, settings)

        def names(picture: bytes, searcher: Searcher = searcher) -> list[str]:
            hits = searcher.by_photo([picture], Filters(), page_size=10).hits
            with db.connection() as conn:
                rows = conn.execute(
                    "SELECT external_id FROM offer WHERE product_id = ANY (%s)",
                    [[hit.product_id for hit in hits]],
                ).fetchall()
            return [row[0] for row in rows]

        found[name] = first_ten(names)
    with db.connection() as conn:
        active = vectors.active(conn)
    assert active is not None
    assert active.name == "solemate-s19", "the first encoder stays active"
    assert found["solemate-s19"] > 2 * found["hsv-histogram"], found
    assert found["solemate-s19"] > 0.3, found
