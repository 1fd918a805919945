"""What a person decides of two offers: done at once, kept for good, above every rule."""

from __future__ import annotations

import json

from psycopg.rows import dict_row

from app.db.pool import Connection, Database
from app.db.queries import query
from app.errors import BadInput
from etl.match.groups import Edge


def decide_join(db: Database, one: int, other: int, note: str | None = None) -> None:
    """A person says that two offers are of one product; done at once and for good.

    Raises:
        BadInput: no such offer, or the same one twice.
    """
    with db.connection() as conn:
        query("match_lock").execute(conn)
        a, b = _product_of(conn, one), _product_of(conn, other)
        if one == other:
            raise BadInput("two offers are needed")
        _decide(conn, one, other, "same", note)
        if a != b:
            into, gone = min(a, b), max(a, b)
            write_join(conn, into, gone, one if a == into else other, Edge(one, other, "person"))


def decide_split(db: Database, offer: int, note: str | None = None) -> int:
    """A person says that an offer is not of its product; it gets one of its own.

    Returns:
        The new product's id.

    Raises:
        BadInput: no such offer, or it stands alone already.
    """
    with db.connection() as conn:
        query("match_lock").execute(conn)
        _product_of(conn, offer)
        others = [r[0] for r in query("match_siblings").execute(conn, {"offer": offer}).fetchall()]
        if not others:
            raise BadInput(f"offer {offer} is the only one of its product")
        for other in others:
            _decide(conn, offer, other, "different", note)
        row = query("match_split_product").execute(conn, {"offer": offer}).fetchone()
        if row is None:
            raise RuntimeError("match_split_product returned no row")
        query("match_split_offer").execute(conn, {"offer": offer, "product": row[0]})
        return int(row[0])


def write_join(conn: Connection, into: int, gone: int, witness: int, edge: Edge) -> None:
    """Move a product's offers to another, with the evidence: ``witness`` is an offer there."""
    both = {"into": into, "product": gone}
    query("match_put_evidence").execute(
        conn,
        {
            "product": gone,
            "with_offer": witness,
            "method": edge.method,
            "score": edge.score,
            "detail": json.dumps(edge.detail, ensure_ascii=False),
        },
    )
    query("match_move_offers").execute(conn, both)
    query("match_move_aliases").execute(conn, both)
    query("match_move_shown").execute(conn, both)
    known = (
        query("match_take_product")
        .execute(conn, {"product": gone}, row_factory=dict_row)
        .fetchone()
    )
    if known is not None:
        query("match_fill_product").execute(conn, {**known, "into": into})
        query("match_put_alias").execute(conn, {"origin": known["origin"], "into": into})


def _product_of(conn: Connection, offer: int) -> int:
    row = query("match_offer").execute(conn, {"offer": offer}).fetchone()
    if row is None:
        raise BadInput(f"there is no offer {offer}")
    return int(row[0])


def _decide(conn: Connection, one: int, other: int, verdict: str, note: str | None) -> None:
    params = {"one": one, "other": other, "verdict": verdict, "note": note}
    query("match_decide").execute(conn, params)
