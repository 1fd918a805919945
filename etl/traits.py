"""A product's colours and types: from its shops' words at load time, else from what the heads saw.

``product.colours`` is NULL until it was derived: the table is the queue, and a product whose words
change goes back into it (a trigger). Stated words win; where they name no colour, the sight of the
first picture, stored by the embed worker, stands in and ``colours_seen`` says so.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

from app.db.pool import Connection
from app.db.queries import query
from app.domain import Attributes
from app.words import traits_of

_BATCH: Final = 2000
_SEEN_TYPES: Final = {
    "sneaker": ("sneaker",), "sports": ("sneaker",), "heels": ("heels",), "sandals": ("sandals",),
    "flip flops": ("slides",), "boots": ("boots",), "formal": ("formal",), "flats": ("flats",),
    "cleats": ("football",),
}  # fmt: skip
"""The heads' categories as the vocabulary's types."""


def derive(conn: Connection, *, everywhere: bool = False) -> int:
    """Derive what is due, in the caller's transaction; returns the products written.

    Sights stand in where words name no colour: of the products just derived, with ``everywhere``
    of all that lack one.

    The caller holds the catalogue's load lock (``etl_load_lock``): two writers of products in
    different order would deadlock.
    """
    derived: list[int] = []
    while rows := query("traits_missing").execute(conn, {"limit": _BATCH}).fetchall():
        found = []
        for product_id, colourway, model, category, title in rows:
            traits = traits_of(colourway, title, model, category)
            found.append(
                {"id": product_id, "colours": list(traits.colours), "types": list(traits.types)}
            )
        query("traits_put").execute(conn, {"rows": json.dumps(found)})
        derived += [row[0] for row in rows]
    if derived or everywhere:
        query("traits_see").execute(conn, {"products": None if everywhere else derived})
    return len(derived)


def put_sights(
    conn: Connection, encoder_id: int, image_ids: Sequence[int], seen: Sequence[Attributes]
) -> None:
    """Remember what the heads saw on pictures, in the transaction that writes their vectors."""
    rows: list[dict[str, Any]] = [
        {
            "image_id": image_id,
            "colours": list(one.colours) if one.shoe else [],
            "types": list(_SEEN_TYPES.get(one.category or "", ())),
        }
        for image_id, one in zip(image_ids, seen, strict=True)
    ]
    query("traits_put_sights").execute(conn, {"encoder_id": encoder_id, "rows": json.dumps(rows)})
