"""The same product across shops: which offers stand under one product, and why.

Rules from the surest to the weakest: GTIN, maker's style code, brand with model and colourway in
words, pictures. Each joining leaves its evidence (``offer_match``). What a person decided goes
before every rule and outlives every run. Two colourways are never joined: differing style codes,
colours, or two products that one shop itself tells apart forbid it.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from psycopg.rows import dict_row

from app.db import vectors
from app.db.pool import Connection, Database
from app.db.queries import query
from app.errors import BadInput
from app.settings import Settings
from etl import normalise

Method = Literal["person", "gtin", "style_code", "words", "pictures"]
_BLOCK = 1024  # rows of similarities held at once
_NEAR = 8  # candidates of a picture that are looked at


class Verifier(Protocol):
    """Tells whether two pictures show one product; vectors are L2-normalised float32."""

    def probability(self, query: np.ndarray, others: np.ndarray) -> np.ndarray:
        """(D,) against (n, D): n probabilities."""
        ...


@dataclass(frozen=True, slots=True)
class Rules:
    """``match.toml``."""

    pictures: int
    probability: float
    margin: float
    cosine: dict[str, float]


@dataclass(frozen=True, slots=True)
class Edge:
    """Two offers that a rule calls the same; ``score`` None where the rule has none."""

    one: int
    other: int
    method: Method
    score: float | None = None
    detail: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class MatchReport:
    """Joinings by method, and how many a guard forbade."""

    joined: dict[str, int] = field(default_factory=dict)
    forbidden: int = 0


@dataclass(slots=True)
class _Group:
    """A product with its offers and all that must not be mixed."""

    id: int
    offers: set[int] = field(default_factory=set)
    listed: dict[int, set[str]] = field(default_factory=dict)  # shop: its own products
    brands: set[int] = field(default_factory=set)
    styles: set[str] = field(default_factory=set)
    colours: set[str] = field(default_factory=set)
    kids: set[bool] = field(default_factory=set)


def load_rules(path: Path | None = None) -> Rules:
    """The thresholds as shipped, or of another file."""
    shipped = Path(__file__).with_suffix(".toml")
    return Rules(**tomllib.loads((path or shipped).read_text(encoding="utf-8")))


def match(db: Database, settings: Settings, *, pictures: bool = True) -> MatchReport:
    """Join offers of one product; a second run without news changes nothing.

    Args:
        pictures: also by pictures, where an encoder is active.
    """
    rules = load_rules()
    report = MatchReport()
    with db.connection() as conn:
        query("match_lock").execute(conn)
        rows = query("match_offers").execute(conn, row_factory=dict_row).fetchall()
        decisions = query("match_decisions").execute(conn).fetchall()
        groups = _Groups(rows, {(a, b) for a, b, verdict in decisions if verdict == "different"})
        people = [Edge(a, b, "person") for a, b, verdict in decisions if verdict == "same"]
        edges = [*people, *_by_key(rows, "gtin"), *_by_key(rows, "style_code"), *_by_words(rows)]
        _apply(conn, groups, edges, report)
        encoder = vectors.active(conn) if pictures else None
        if encoder is not None:
            found = query("match_vectors").execute(
                conn, {"encoder_id": encoder.id, "pictures": rules.pictures}
            )
            pairs = [(row[0], row[1].to_numpy()) for row in found]
            verifier = open_verifier(encoder.name, settings)
            _apply(conn, groups, by_pictures(groups, pairs, encoder.name, verifier, rules), report)
    return report


def open_verifier(encoder: str, settings: Settings) -> Verifier | None:
    """The encoder's own pair verifier; None: it has none, and cosine decides."""
    from app.vision import verify  # here: onnxruntime is needed only for pictures

    return verify.open_verifier(encoder, settings)


class _Groups:
    """Products as they stand during a run."""

    def __init__(self, rows: Sequence[dict[str, Any]], apart: set[tuple[int, int]]) -> None:
        self.of: dict[int, _Group] = {}
        self.shop: dict[int, int] = {row["id"]: row["shop_id"] for row in rows}
        self._apart: dict[int, set[int]] = {}
        for one, other in apart:
            self._apart.setdefault(one, set()).add(other)
            self._apart.setdefault(other, set()).add(one)
        by_product: dict[int, _Group] = {}
        for row in rows:
            group = by_product.setdefault(row["product_id"], _Group(row["product_id"]))
            group.offers.add(row["id"])
            group.listed.setdefault(row["shop_id"], set()).add(row["origin"])
            if row["brand_id"]:
                group.brands.add(row["brand_id"])
            if row["style_code"]:
                group.styles.add(row["style_code"])
            if row["colourway"]:
                group.colours.add(_colour_key(row["colourway"]))
            if row["gender"]:
                group.kids.add(row["gender"] == "kids")
            self.of[row["id"]] = group

    def forbidden(self, a: _Group, b: _Group, method: Method) -> bool:
        """Whether joining two products would mix what is known to differ."""
        if any(not self._apart.get(o, set()).isdisjoint(b.offers) for o in a.offers):
            return True
        if method == "person":
            return False
        if (a.styles and b.styles and a.styles != b.styles) or _differ(a.brands, b.brands):
            return True
        if method in ("gtin", "style_code"):
            return False
        # A shop that lists two products means two products.
        return (
            not a.listed.keys().isdisjoint(b.listed)
            or _differ(a.colours, b.colours)
            or _differ(a.kids, b.kids)
        )

    def join(self, into: _Group, gone: _Group) -> None:
        """Take over what the gone product holds."""
        for shop, origins in gone.listed.items():
            into.listed.setdefault(shop, set()).update(origins)
        for name in ("offers", "brands", "styles", "colours", "kids"):
            getattr(into, name).update(getattr(gone, name))
        for offer in gone.offers:
            self.of[offer] = into


def _differ(a: set[Any], b: set[Any]) -> bool:
    return bool(a and b and a.isdisjoint(b))


def _apply(conn: Connection, groups: _Groups, edges: Sequence[Edge], report: MatchReport) -> None:
    for edge in edges:
        if edge.one not in groups.of or edge.other not in groups.of:
            continue
        a, b = groups.of[edge.one], groups.of[edge.other]
        if a is b:
            continue
        if groups.forbidden(a, b, edge.method):
            report.forbidden += 1
            continue
        into, gone = (a, b) if a.id < b.id else (b, a)
        witness = edge.one if groups.of[edge.one] is into else edge.other
        _write_join(conn, into.id, gone.id, witness, edge)
        groups.join(into, gone)
        report.joined[edge.method] = report.joined.get(edge.method, 0) + 1


def _write_join(conn: Connection, into: int, gone: int, witness: int, edge: Edge) -> None:
    both = {"into": into, "product": gone}
    query("match_put_evidence").execute(
        conn,
        {
            "product": gone,
            "with_offer": witness,
            "method": edge.method,
            "score": edge.score,
            "detail": json.dumps(edge.detail),
        },
    )
    query("match_move_offers").execute(conn, both)
    query("match_move_aliases").execute(conn, both)
    known = (
        query("match_take_product")
        .execute(conn, {"product": gone}, row_factory=dict_row)
        .fetchone()
    )
    if known is not None:
        query("match_fill_product").execute(conn, {**known, "into": into})
        query("match_put_alias").execute(conn, {"origin": known["origin"], "into": into})


def _by_key(rows: Sequence[dict[str, Any]], key: Method) -> Iterator[Edge]:
    """Offers of one GTIN, or of one style code: style codes are a brand's own."""
    first: dict[Any, int] = {}
    for row in rows:
        value = row[key]
        if not value or (key == "style_code" and row["brand_id"] is None):
            continue
        code = value.strip().upper()
        found = (row["brand_id"], code) if key == "style_code" else code.zfill(14)  # GTIN-14
        if first.setdefault(found, row["id"]) != row["id"]:
            yield Edge(first[found], row["id"], key, None, {key: value})


def _by_words(rows: Sequence[dict[str, Any]]) -> Iterator[Edge]:
    """Offers of one brand, model and colourway, each as the shops put it into words."""
    first: dict[tuple[int, str, str], dict[str, Any]] = {}
    for row in rows:
        if not (row["brand_id"] and row["model"] and row["colourway"]):
            continue
        key = (row["brand_id"], _model_key(row["model"]), _colour_key(row["colourway"]))
        if not all(key):
            continue
        known = first.setdefault(key, row)
        if known is not row:
            yield Edge(known["id"], row["id"], "words", None, {"model": key[1], "colours": key[2]})


def _model_key(text: str) -> str:
    words = re.findall(r"\w+", text.casefold())
    return " ".join(w for w in words if normalise.gender(w) is None or len(w) == 1)


def _colour_key(text: str) -> str:
    """The colourway's words in order: white and black is not black and white."""
    return " ".join(
        (normalise.colours(word) or (word,))[0] for word in re.findall(r"\w+", text.casefold())
    )


def by_pictures(
    groups: _Groups,
    pictures: Sequence[tuple[int, np.ndarray]],
    encoder: str,
    verifier: Verifier | None,
    rules: Rules,
) -> list[Edge]:
    """Pairs of products that are each other's best match in another shop, surest first.

    Args:
        pictures: (offer, L2-normalised vector) of each picture.
    """
    if not pictures:
        return []
    offers = np.array([offer for offer, _ in pictures])
    matrix = np.stack([vector for _, vector in pictures]).astype(np.float32)
    shops = np.array([groups.shop[int(offer)] for offer in offers])
    least = rules.probability if verifier else rules.cosine.get(encoder, rules.cosine["default"])
    best: dict[int, dict[int, tuple[float, int, int]]] = {}  # product: other product: score, offers
    for start in range(0, len(matrix), _BLOCK):
        near = matrix[start : start + _BLOCK] @ matrix.T
        near[shops[start : start + _BLOCK, None] == shops[None, :]] = -2.0
        count = min(_NEAR, near.shape[1])
        columns = np.argpartition(-near, count - 1, axis=1)[:, :count]
        for row, found in enumerate(columns):
            index = start + row
            found = found[near[row, found] > -1.5]
            if not len(found):
                continue
            scores = (
                verifier.probability(matrix[index], matrix[found]) if verifier else near[row, found]
            )
            mine = groups.of[int(offers[index])]
            for column, score in zip(found, scores, strict=True):
                other = groups.of[int(offers[column])]
                seen = best.setdefault(mine.id, {})
                if other is not mine and score > seen.get(other.id, (-2.0,))[0]:
                    seen[other.id] = (float(score), int(offers[index]), int(offers[column]))
    edges = []
    for product, others in best.items():
        ranked = sorted(((v, k) for k, v in others.items()), reverse=True)
        (score, one, two), rival = ranked[0]
        second = max((v[0] for v, k in ranked[1:] if _rivals(groups, two, v[2])), default=-2.0)
        back = best.get(rival, {})
        mutual = bool(back) and max(back, key=lambda k: back[k][0]) == product
        if score >= least and score - second >= rules.margin and mutual and product < rival:
            edges.append(Edge(one, two, "pictures", score, {"encoder": encoder, "second": second,
                              "by": "verifier" if verifier else "cosine"}))  # fmt: skip
    return sorted(edges, key=lambda edge: -(edge.score or 0.0))


def _rivals(groups: _Groups, one: int, other: int) -> bool:
    """Whether two candidates are products of one shop: only then one of them must be wrong."""
    return bool(groups.shop[one] == groups.shop[other])


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
            _write_join(conn, into, gone, one if a == into else other, Edge(one, other, "person"))


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


def _product_of(conn: Connection, offer: int) -> int:
    row = query("match_offer").execute(conn, {"offer": offer}).fetchone()
    if row is None:
        raise BadInput(f"there is no offer {offer}")
    return int(row[0])


def _decide(conn: Connection, one: int, other: int, verdict: str, note: str | None) -> None:
    params = {"one": one, "other": other, "verdict": verdict, "note": note}
    query("match_decide").execute(conn, params)
