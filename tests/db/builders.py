"""Rows for tests of the database and of search."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from pgvector import HalfVector


@dataclass(frozen=True)
class Encoder4:
    """Facts of an encoder of four dimensions."""

    name: str = "tiny"
    revision: str = "1"
    dim: int = 4
    sha256: str = "ab" * 32
    thresholds: tuple[float | None, float | None] = (0.95, 0.5)


def one(conn: psycopg.Connection[Any], statement: str, *values: Any) -> Any:
    row = conn.execute(statement, values).fetchone()
    assert row is not None
    return row[0]


def add_product(
    conn: psycopg.Connection[Any],
    encoder_id: int,
    model: str,
    vector: Sequence[float] | Sequence[Sequence[float]],
    *,
    price: float | None = None,
    currency: str = "EUR",
    brand: str = "Maker",
    shop: str = "Shop",
    gender: str | None = None,
    availability: str = "in_stock",
    sizes: Sequence[tuple[str, str | None, bool | None]] = (),
) -> int:
    """A product with one offer and a picture for each vector; returns the product's id.

    Calling it again for the same model adds another shop's offer to the product.
    """
    many = not vector or isinstance(vector[0], Sequence)
    pictures: Sequence[Any] = vector if many else [vector]
    brand_id = one(
        conn,
        "INSERT INTO brand (name) VALUES (%s) ON CONFLICT (lower(name))"
        " DO UPDATE SET name = excluded.name RETURNING id",
        brand,
    )
    shop_id = one(
        conn,
        "INSERT INTO shop (name, adapter) VALUES (%s, 'folder') ON CONFLICT (lower(name))"
        " DO UPDATE SET name = excluded.name RETURNING id",
        shop,
    )
    product_id = one(
        conn,
        "INSERT INTO product (brand_id, model, gender, origin) VALUES (%s, %s, %s, %s)"
        " ON CONFLICT (origin) DO UPDATE SET model = excluded.model RETURNING id",
        brand_id,
        model,
        gender,
        model,
    )
    offer_id = one(
        conn,
        "INSERT INTO offer (shop_id, external_id, product_id, title, url, price, currency,"
        " availability, content_hash) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, '\\x00')"
        " RETURNING id",
        shop_id,
        model,
        product_id,
        f"{brand} {model}",
        f"https://{shop.lower()}.example/{product_id}",
        price,
        currency if price is not None else None,
        availability,
    )
    for position, (label, system, available) in enumerate(sizes):
        conn.execute(
            "INSERT INTO offer_size (offer_id, position, label, system, available)"
            " VALUES (%s, %s, %s, %s, %s)",
            (offer_id, position, label, system, available),
        )
    for position, values in enumerate(pictures):
        digest = hashlib.sha256(f"{model}/{position}".encode()).digest()
        image_id = one(
            conn,
            "INSERT INTO image (sha256, phash, width, height, size_bytes, format, path)"
            " VALUES (%s, %s, 8, 8, 1, 'JPEG', %s)"
            " ON CONFLICT (sha256) DO UPDATE SET path = excluded.path RETURNING id",
            digest,
            "0" * 64,
            f"{digest.hex()[:2]}/{digest.hex()}.jpg",
        )
        conn.execute(
            "INSERT INTO offer_image (offer_id, image_id, position) VALUES (%s, %s, %s)",
            (offer_id, image_id, position),
        )
        conn.execute(
            "INSERT INTO embedding (encoder_id, image_id, vec) VALUES (%s, %s, %s)"
            " ON CONFLICT DO NOTHING",
            (encoder_id, image_id, HalfVector(list(values))),
        )
    return int(product_id)
