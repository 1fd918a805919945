"""Offers into the catalogue, a chunk in a transaction, the same end whatever interrupts it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from app.db.pool import Connection, Database
from app.db.queries import query
from app.domain import ParsedOffer
from etl import normalise, traits
from etl.images import Reading
from etl.runs import Counts


@dataclass(frozen=True, slots=True)
class Shop:
    """The shop that offers are loaded for."""

    id: int
    name: str


@dataclass(frozen=True, slots=True)
class Item:
    """An offer to load and the page it was read from (None: a table or folder)."""

    offer: ParsedOffer
    page_url: str | None = None


@dataclass(frozen=True, slots=True)
class KnownSource:
    """What the catalogue knows of a picture's source."""

    image_id: int | None
    size_bytes: int | None
    mtime_ns: int | None
    error: str | None
    due: bool = True
    """Whether a broken one may be tried again now."""


@dataclass(slots=True)
class Chunk:
    """Offers with their pictures: sources known before, and readings made for this chunk.

    ``touched`` are external ids seen in the input though nothing of them could be read.
    """

    items: list[Item] = field(default_factory=list)
    known: dict[str, KnownSource] = field(default_factory=dict)
    readings: dict[str, Reading] = field(default_factory=dict)
    touched: list[str] = field(default_factory=list)


def open_shop(conn: Connection, name: str, adapter: str, home_url: str | None = None) -> Shop:
    """The shop's row, made where it is missing, written only where it changed."""
    params = {"name": name, "adapter": adapter, "home_url": home_url}
    row = query("etl_shop").execute(conn, params).fetchone()
    row = row or query("etl_upsert_shop").execute(conn, params).fetchone()
    if row is None:
        raise RuntimeError("etl_upsert_shop returned no row")
    return Shop(int(row[0]), name)


def known_sources(db: Database, sources: Sequence[str]) -> dict[str, KnownSource]:
    """What the catalogue knows of picture sources (URLs or absolute file paths)."""
    if not sources:
        return {}
    with db.connection() as conn:
        rows = query("etl_known_sources").execute(conn, {"sources": list(sources)}).fetchall()
    return {row[0]: KnownSource(*row[1:]) for row in rows}


def write_chunk(conn: Connection, shop: Shop, chunk: Chunk, counts: Counts) -> None:
    """Load a chunk in the caller's transaction and add to ``counts``.

    Two chunks of any runs exclude each other until their transactions end.
    """
    query("etl_load_lock").execute(conn)
    image_ids = _write_pictures(conn, chunk, counts)
    items = _last_of_each(chunk.items)
    if items:
        offer_ids = _write_offers(conn, shop, items, counts)
        _write_offer_images(conn, items, offer_ids, image_ids)
        traits.derive(conn)
    if chunk.touched:
        query("etl_touch_external").execute(
            conn, {"shop_id": shop.id, "external_ids": chunk.touched}
        )


def _last_of_each(items: Iterable[Item]) -> list[Item]:
    """One item an external id: a shop that states an offer twice means the first."""
    found: dict[str, Item] = {}
    for item in items:
        found.setdefault(item.offer.external_id, item)
    return list(found.values())


def _write_pictures(conn: Connection, chunk: Chunk, counts: Counts) -> dict[str, int]:
    """Image ids by source, the chunk's new pictures written."""
    found = {s: k.image_id for s, k in chunk.known.items() if k.image_id is not None}
    pictures = {r.picture.sha256: r.picture for r in chunk.readings.values() if r.picture}
    ids: dict[str, int] = {}
    if pictures:
        rows = [
            {
                "sha256": p.sha256,
                "phash": str(p.phash),
                "width": p.width,
                "height": p.height,
                "size_bytes": p.size_bytes,
                "format": p.format,
                "path": p.path,
            }
            for p in pictures.values()
        ]
        cursor = query("etl_insert_images").execute(conn, {"rows": _json(rows)})
        counts.images_new += max(cursor.rowcount, 0)
        digests = [bytes.fromhex(sha) for sha in pictures]
        ids = dict(query("etl_image_ids").execute(conn, {"digests": digests}).fetchall())
    if chunk.readings:
        rows = [
            {
                "source": r.source,
                "image_id": ids.get(r.picture.sha256) if r.picture else None,
                "etag": r.etag,
                "last_modified": r.last_modified,
                "size_bytes": r.size_bytes,
                "mtime_ns": r.mtime_ns,
                "error": f"{r.code}: {r.error}" if r.code else None,
            }
            for r in chunk.readings.values()
        ]
        query("etl_put_sources").execute(conn, {"rows": _json(rows)})
    for source, reading in chunk.readings.items():
        if reading.picture:
            found[source] = ids[reading.picture.sha256]
    return found


def _write_offers(
    conn: Connection, shop: Shop, items: Sequence[Item], counts: Counts
) -> dict[str, int]:
    """Offer ids by external id; unchanged offers are only touched."""
    rows = [_row(shop, item, position) for position, item in enumerate(items)]
    known = {
        external_id: (offer_id, bytes(content_hash).hex())
        for external_id, offer_id, content_hash in query("etl_known_offers").execute(
            conn, {"shop_id": shop.id, "external_ids": [row["external_id"] for row in rows]}
        )
    }
    offer_ids = {external_id: found[0] for external_id, found in known.items()}
    changed = [r for r in rows if known.get(r["external_id"], (0, ""))[1] != r["content_hash"]]
    same = [
        known[r["external_id"]][0]
        for r in rows
        if known.get(r["external_id"], (0, ""))[1] == r["content_hash"]
    ]
    counts.offers_unchanged += len(same)
    if same:
        query("etl_touch_offers").execute(conn, {"ids": same})
    if not changed:
        return offer_ids
    written = _write_changed(conn, shop, changed)
    for offer_id, external_id, is_new in written:
        offer_ids[external_id] = offer_id
        counts.offers_new += is_new
        counts.offers_changed += not is_new
    ids = [offer_id for offer_id, _, _ in written]
    query("etl_delete_sizes").execute(conn, {"ids": ids})
    by_external = {item.offer.external_id: item for item in items}
    sizes = [
        {
            "offer_id": offer_id,
            "position": position,
            "label": _clean(size.label),
            "system": size.system,
            "available": size.available,
        }
        for offer_id, external_id, _ in written
        for position, size in enumerate(by_external[external_id].offer.sizes)
    ]
    if sizes:
        query("etl_insert_sizes").execute(conn, {"rows": _json(sizes)})
    query("etl_insert_price_points").execute(conn, {"ids": ids})
    return offer_ids


def _write_changed(
    conn: Connection, shop: Shop, changed: Sequence[Mapping[str, Any]]
) -> list[tuple[int, str, bool]]:
    brands = [row["brand"] for row in changed if row["brand"]]
    if brands:
        query("etl_insert_brands").execute(conn, {"names": brands})
    query("etl_make_stage").execute(conn)
    query("etl_stage_offers").execute(conn, {"rows": _json(changed)})
    query("etl_stage_known_products").execute(conn, {"shop_id": shop.id})
    query("etl_insert_products").execute(conn)
    query("etl_stage_products").execute(conn)
    query("etl_fill_products").execute(conn)
    rows = query("etl_write_offers").execute(conn, {"shop_id": shop.id}).fetchall()
    query("etl_clear_stage").execute(conn)
    return [(int(offer_id), str(external_id), bool(new)) for offer_id, external_id, new in rows]


def _write_offer_images(
    conn: Connection,
    items: Sequence[Item],
    offer_ids: Mapping[str, int],
    image_ids: Mapping[str, int],
) -> None:
    """Pictures of offers; an offer of which no picture could be read keeps those it has."""
    rows: list[dict[str, Any]] = []
    shown: list[int] = []
    for item in items:
        offer = item.offer
        offer_id = offer_ids[offer.external_id]
        used: set[int] = set()
        for position, source in enumerate(offer.images):
            image_id = image_ids.get(source)
            if image_id is None or image_id in used:
                continue
            used.add(image_id)
            view = offer.views[position] if position < len(offer.views) else None
            rows.append(
                {
                    "offer_id": offer_id,
                    "image_id": image_id,
                    "position": position,
                    "view": _clean(view),
                    "setting": _clean(offer.setting),
                }
            )
        if used:
            shown.append(offer_id)
    if rows:
        text = _json(rows)
        query("etl_drop_images").execute(conn, {"offer_ids": shown, "rows": text})
        query("etl_put_images").execute(conn, {"rows": text})


def _row(shop: Shop, item: Item, position: int) -> dict[str, Any]:
    """An offer as staged: the catalogue's words where known, and the hash of what was read."""
    offer = item.offer
    brand = normalise.brand(offer.brand)
    row: dict[str, Any] = {
        "external_id": offer.external_id,
        "url": _clean(offer.url),
        "page_url": _clean(item.page_url),
        "title": _clean(offer.title),
        "description": _clean(offer.description),
        "brand": _clean(brand),
        "model": _clean(offer.model),
        "colourway": _clean(offer.colourway),
        "price": _money(offer.price),
        "list_price": _money(offer.list_price),
        "currency": offer.currency,
        "availability": offer.availability,
        "sku": _clean(offer.sku),
        "style_code": _clean(offer.style_code),
        "gtin": _clean(offer.gtin),
        "category": _clean(offer.category),
        "gender": offer.gender,
        "confidence": offer.confidence,
        "origin": f"{shop.name}:{offer.product_key or offer.external_id}",
        "model_key": f"{shop.name}:{offer.model_key}" if offer.model_key else None,
    }
    sizes = [[s.label, s.system, s.available] for s in offer.sizes]
    stated = {
        **row,
        "sizes": sizes,
        "images": offer.images,
        "views": offer.views,
        "setting": offer.setting,
    }
    row["content_hash"] = hashlib.sha256(_json(stated, sort_keys=True).encode()).hexdigest()
    row["ord"] = position
    return row


def _money(value: Decimal | None) -> str | None:
    return None if value is None else str(value.quantize(Decimal("0.01")))


def _clean(text: str | None) -> str | None:
    # Postgres has no NUL in text.
    return text.replace("\x00", "") if text else None


def _json(value: Any, *, sort_keys: bool = False) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=sort_keys)
