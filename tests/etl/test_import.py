"""Importing folders and tables into a real database."""

from __future__ import annotations

import csv
from decimal import Decimal
from pathlib import Path

import pytest

from app.db.pool import Database
from app.errors import BadInput
from app.settings import Settings
from etl.jobs import import_folder
from etl.runs import AlreadyRunning, source_lock
from tests.etl.conftest import checksum, picture, rows

COLUMNS = [
    "file",
    "source",
    "product_id",
    "brand",
    "model",
    "colour",
    "category",
    "view",
    "setting",
    "text",
    "price",
    "currency",
    "model_id",
    "gender",
    "orig_size",
]


def write_table(folder: Path, lines: list[dict[str, str]]) -> Path:
    table = folder / "labels.csv"
    with table.open("w", newline="") as handle:
        writer = csv.DictWriter(handle, COLUMNS)
        writer.writeheader()
        writer.writerows(lines)
    return table


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three products of two sources: one with two views, one without anything known, one priced."""
    made = tmp_path / "photos"
    made.mkdir()
    for number in range(5):
        (made / f"{number}.png").write_bytes(picture(number))
    write_table(
        made,
        [
            {
                "file": "0.png",
                "source": "north",
                "product_id": "a",
                "brand": "найк",
                "model": "Pegasus",
                "colour": "Black",
                "view": "side",
                "setting": "studio",
                "text": "Nike Pegasus",
                "price": "129.00",
                "currency": "USD",
                "gender": "Men's",
                "model_id": "m1",
            },
            {"file": "1.png", "source": "south", "product_id": "a"},
            {"file": "2.png", "source": "north", "product_id": "a", "view": "top"},
            {
                "file": "3.png",
                "source": "north",
                "product_id": "b",
                "price": "1.299,00",
                "currency": "RUR",
                "gender": "Boys' Grade School",
            },
        ],
    )
    return made


def test_rows_become_products_offers_pictures(
    db: Database, settings: Settings, folder: Path
) -> None:
    report = import_folder(db, settings, folder, labels=Path("labels.csv"))

    assert report.faults == ()
    assert (report.counts.rows_seen, report.counts.offers_new, report.counts.images_new) == (
        4,
        3,
        4,
    )
    found = rows(
        db,
        "SELECT s.name, o.external_id, b.name, p.model, p.colourway, p.gender, o.price, o.currency,"
        " p.model_key FROM offer o JOIN shop s ON s.id = o.shop_id JOIN product p ON p.id ="
        " o.product_id LEFT JOIN brand b ON b.id = p.brand_id ORDER BY 1, 2",
    )
    assert found == [
        ("north", "a", "Nike", "Pegasus", "Black", "men", Decimal("129.00"), "USD", "north:m1"),
        ("north", "b", None, None, None, "kids", Decimal("1299.00"), "RUB", None),
        ("south", "a", None, None, None, None, None, None, None),
    ]
    views = rows(
        db,
        "SELECT view, setting, position FROM offer_image oi JOIN offer o ON o.id = oi.offer_id"
        " JOIN shop s ON s.id = o.shop_id WHERE s.name = 'north' AND external_id = 'a' ORDER BY 3",
    )
    assert views == [("side", "studio", 0), ("top", "studio", 1)]


def test_a_second_run_changes_nothing(db: Database, settings: Settings, folder: Path) -> None:
    import_folder(db, settings, folder, labels=Path("labels.csv"))
    before = checksum(db)
    again = import_folder(db, settings, folder, labels=Path("labels.csv"))

    assert (again.counts.offers_new, again.counts.offers_changed, again.counts.images_new) == (
        0,
        0,
        0,
    )
    assert again.counts.offers_unchanged == 3
    assert checksum(db) == before


def test_only_a_changed_price_makes_history(db: Database, settings: Settings, folder: Path) -> None:
    import_folder(db, settings, folder, labels=Path("labels.csv"))
    table = folder / "labels.csv"
    table.write_text(table.read_text().replace("129.00", "99.00").replace("Pegasus", "Pegasus 41"))
    report = import_folder(db, settings, folder, labels=Path("labels.csv"))
    table.write_text(table.read_text().replace("Nike Pegasus", "Nike Air Pegasus"))
    import_folder(db, settings, folder, labels=Path("labels.csv"))

    assert (report.counts.offers_changed, report.counts.offers_unchanged) == (1, 2)
    points = rows(
        db,
        "SELECT pp.price FROM price_point pp JOIN offer o ON o.id = pp.offer_id"
        " WHERE o.currency = 'USD' ORDER BY pp.id",
    )
    assert points == [(Decimal("129.00"),), (Decimal("99.00"),)]


def test_bad_rows_are_named_and_stop_nothing(
    db: Database, settings: Settings, folder: Path
) -> None:
    (folder / "empty.jpg").write_bytes(b"")
    (folder / "cut.png").write_bytes(picture(9)[:80])
    (folder / "text.jpg").write_text("not a picture")
    write_table(
        folder,
        [
            {
                "file": "0.png",
                "source": "n",
                "product_id": "1",
                "price": "call us",
                "currency": "USD",
            },
            {"file": "1.png", "source": "n", "product_id": "2", "price": "5", "currency": "shells"},
            {"file": "gone.png", "source": "n", "product_id": "3"},
            {"file": "empty.jpg", "source": "n", "product_id": "4"},
            {"file": "cut.png", "source": "n", "product_id": "5"},
            {"file": "text.jpg", "source": "n", "product_id": "6"},
            {"file": "", "source": "n", "product_id": "7"},
            {"file": "2.png", "source": "n", "product_id": "8"},
        ],
    )
    report = import_folder(db, settings, folder / "labels.csv")

    assert [f.code for f in sorted(report.faults, key=lambda f: f.code)] == [
        "bad_currency", "bad_price", "bad_row", "empty", "missing", "not_an_image", "truncated",
    ]  # fmt: skip
    assert report.counts.offers_new == 3
    assert report.counts.failed == 7
    assert rows(db, "SELECT count(*) FROM etl_error") == [(7,)]
    again = import_folder(db, settings, folder / "labels.csv")
    assert sorted(again.faults, key=str) == sorted(report.faults, key=str)


def test_a_picture_that_breaks_later_leaves_the_offer_as_it_was(
    db: Database, settings: Settings, folder: Path
) -> None:
    import_folder(db, settings, folder, labels=Path("labels.csv"))
    before = checksum(db)
    (folder / "1.png").write_bytes(b"oops")
    report = import_folder(db, settings, folder, labels=Path("labels.csv"))

    assert [f.code for f in report.faults] == ["not_an_image"]
    assert checksum(db) == before


def test_one_broken_view_is_left_out_and_stays_out(
    db: Database, settings: Settings, folder: Path
) -> None:
    import_folder(db, settings, folder, labels=Path("labels.csv"))
    (folder / "2.png").write_bytes(b"oops")
    for _ in range(2):
        report = import_folder(db, settings, folder, labels=Path("labels.csv"))
        assert [f.code for f in report.faults] == ["not_an_image"]
        assert rows(db, "SELECT count(*) FROM offer_image") == [(3,)]


def test_a_replaced_file_replaces_the_picture(
    db: Database, settings: Settings, folder: Path
) -> None:
    import_folder(db, settings, folder, labels=Path("labels.csv"))
    (folder / "1.png").write_bytes(picture(77))
    report = import_folder(db, settings, folder, labels=Path("labels.csv"))

    assert report.counts.images_new == 1
    assert rows(db, "SELECT count(*) FROM offer_image") == [(4,)]


def test_the_same_bytes_are_stored_once(db: Database, settings: Settings, tmp_path: Path) -> None:
    made = tmp_path / "twins"
    made.mkdir()
    for name in ("a.png", "b.png"):
        (made / name).write_bytes(picture(1))
    import_folder(db, settings, made)

    assert rows(db, "SELECT count(*) FROM image") == [(1,)]
    assert rows(db, "SELECT count(*) FROM offer_image") == [(2,)]
    [(path,)] = rows(db, "SELECT path FROM image")
    assert (settings.images_dir / path).read_bytes() == picture(1)
    assert [p.name for p in settings.images_dir.rglob("*") if p.is_file()] == [Path(path).name]


def test_a_plain_folder(db: Database, settings: Settings, tmp_path: Path) -> None:
    made = tmp_path / "My shoes"
    (made / "runner").mkdir(parents=True)
    (made / "red_low.png").write_bytes(picture(1))
    (made / "runner" / "1.jpg").write_bytes(picture(2, kind="JPEG"))
    (made / "runner" / "2.webp").write_bytes(picture(3, kind="WEBP"))
    (made / "notes.txt").write_text("not a picture, not a row")
    report = import_folder(db, settings, made)

    assert report.counts.rows_seen == 3
    assert rows(db, "SELECT external_id, title, price, availability FROM offer ORDER BY 1") == [
        ("red_low.png", "red low", None, "unknown"),
        ("runner", "runner", None, "unknown"),
    ]
    assert rows(db, "SELECT name FROM shop") == [("My shoes",)]


def test_a_name_for_the_shop_keeps_sources_apart(
    db: Database, settings: Settings, folder: Path
) -> None:
    import_folder(db, settings, folder, labels=Path("labels.csv"), shop="Attic")

    assert rows(db, "SELECT external_id FROM offer ORDER BY 1") == [
        ("north:a",), ("north:b",), ("south:a",),
    ]  # fmt: skip


def test_nothing_to_import_is_bad_input(db: Database, settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "void").mkdir()
    (tmp_path / "odd.csv").write_text("name,price\nx,1\n")
    for path in ("void", "odd.csv", "absent"):
        with pytest.raises(BadInput):
            import_folder(db, settings, tmp_path / path)
    assert rows(db, "SELECT count(*) FROM etl_run") == [(0,)]


def test_one_import_of_a_source_at_a_time(db: Database, settings: Settings, folder: Path) -> None:
    with source_lock(db, f"import:{folder}"), pytest.raises(AlreadyRunning):
        import_folder(db, settings, folder, labels=Path("labels.csv"))
    import_folder(db, settings, folder, labels=Path("labels.csv"))


def test_offers_of_one_style_meet_in_one_product(
    db: Database, settings: Settings, tmp_path: Path
) -> None:
    made = tmp_path / "styles"
    made.mkdir()
    lines = ["file,source,product_id,brand,style_code,model,gender"]
    for number, (source, brand, model, gender) in enumerate(
        [
            ("one", "adidas", "", ""),
            ("two", "Adidas", "Samba", "men"),
            ("three", "адидас", "Other", "women"),
        ]
    ):
        (made / f"{number}.png").write_bytes(picture(number))
        lines.append(f"{number}.png,{source},p{number},{brand},IB7746,{model},{gender}")
    (made / "t.csv").write_text("\n".join(lines))
    import_folder(db, settings, made / "t.csv")

    assert rows(db, "SELECT model, gender, style_code, origin FROM product") == [
        ("Samba", "men", "IB7746", "one:p0")
    ]
    assert rows(db, "SELECT count(DISTINCT product_id), count(*) FROM offer") == [(1, 3)]
