"""Which statement answers a search: exact under a selective filter or without an index, HNSW
otherwise, exact again where HNSW's candidates did not fill the page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from pgvector import HalfVector
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from app.db import vectors
from app.db.pool import Connection
from app.db.queries import query
from app.domain import Filters, OfferHit, SearchResult, Size
from app.search.ask import Ask, Method, filter_params, filters_to_json
from app.search.moves import weighted
from app.vision.manifest import Parts

EF_SEARCH = 400
"""Neighbours HNSW keeps in view: recall@10 above 0.99 (measured, docs/benchmarks.md)."""
CANDIDATES_A_PRODUCT = 12
"""Pictures asked for each wanted product: products have several, and filters take some away."""
MAX_CANDIDATES = 1000
"""Pictures of the second try, and pgvector's upper bound of ef_search."""
_FULL_TEXT_DEPTH = 10
"""Products a list for each wanted one, before the lists of words and vectors are fused."""

Rows = list[dict[str, Any]]


class Engine:
    """Runs searches under one encoder's row."""

    def __init__(self, row: vectors.EncoderRow, parts: Parts | None, exact_limit: int) -> None:
        self.row = row
        self._parts = parts
        self._exact_limit = exact_limit

    def choose(self, conn: Connection, ask: Ask) -> tuple[Rows, Method]:
        """The page's rows and one more where there is a next page."""
        if ask.words is not None:
            return self.by_words(conn, ask), "exact"
        indexed = vectors.has_index(conn, self.row.id)
        if indexed and ask.filters.selective:
            products = self.matching(conn, ask.filters, self._exact_limit)
            if len(products) <= self._exact_limit:
                return self.exact(conn, ask, products), "exact"
        wanted = (ask.page + 1) * ask.page_size + 1
        few = min(CANDIDATES_A_PRODUCT * wanted, MAX_CANDIDATES)
        for candidates in dict.fromkeys((few, MAX_CANDIDATES)) if indexed else ():
            rows = self.hnsw(conn, ask, candidates)
            if len(rows) > ask.page_size:
                return rows, "hnsw"
        # No index yet, or the filters let too few of the near pictures through, or the last page.
        return self.exact(conn, ask, self.matching(conn, ask.filters, None)), "exact"

    def matching(self, conn: Connection, filters: Filters, up_to: int | None) -> list[int]:
        """Products that pass the filters, no more than one past ``up_to``."""
        # Unprepared: the planner sees the filters' values and folds those that do not limit.
        found = query("search_matching").execute(
            conn, {**filter_params(filters), "up_to": up_to}, prepare=False
        )
        row = found.fetchone()
        return list(row[0]) if row else []

    def exact(self, conn: Connection, ask: Ask, products: list[int]) -> Rows:
        """The given products by every picture of theirs."""
        params = {**self._params(ask), "products": products}
        return (
            query("search_exact")
            .execute(conn, params, dim=self.row.dim, prepare=False, row_factory=dict_row)
            .fetchall()
        )

    def hnsw(self, conn: Connection, ask: Ask, candidates: int) -> Rows:
        """The nearest ``candidates`` pictures by the index, then the filters."""
        query("search_tune").execute(conn, {"ef_search": str(max(EF_SEARCH, candidates))})
        params = {**self._params(ask), "candidates": candidates}
        return (
            query("search_hnsw")
            .execute(conn, params, dim=self.row.dim, prepare=False, row_factory=dict_row)
            .fetchall()
        )

    def by_words(self, conn: Connection, ask: Ask) -> Rows:
        """By vector and full text, fused; a distance of 1 where no vector was compared."""
        reach = (ask.page + 1) * ask.page_size
        params = {
            "text": ask.words,
            "exact": ask.exact,
            "query": self._vector(ask),
            "products": self.matching(conn, ask.filters, None),
            "encoder_id": self.row.id,
            "depth": max(_FULL_TEXT_DEPTH * reach, 100),
            "limit": ask.page_size + 1,
            "offset": ask.page * ask.page_size,
        }
        rows = (
            query("search_by_words")
            .execute(conn, params, dim=self.row.dim, prepare=False, row_factory=dict_row)
            .fetchall()
        )
        return [{**r, "distance": 1.0 if r["distance"] is None else r["distance"]} for r in rows]

    def offers(
        self, conn: Connection, product_ids: list[int], filters: Filters
    ) -> dict[int, tuple[OfferHit, ...]]:
        """Offers of products, buyable first and then cheapest first."""
        grouped: dict[int, list[OfferHit]] = {product_id: [] for product_id in product_ids}
        if product_ids:
            params = {
                "product_ids": product_ids,
                "currency": filters.currency,
                "in_stock": filters.in_stock,
            }
            cursor = query("search_offers").execute(conn, params, row_factory=dict_row)
            for row in cursor:
                grouped[row["product_id"]].append(_offer(row))
        return {product_id: tuple(offers) for product_id, offers in grouped.items()}

    def store(self, conn: Connection, ask: Ask, result: SearchResult, user_key: str | None) -> int:
        """Remembers a search; returns its id."""
        stored = (
            query("search_store")
            .execute(
                conn,
                {
                    "user_key": user_key,
                    "kind": ask.kind,
                    "encoder_id": self.row.id,
                    "query": _halved(ask.vector),
                    "elsewhere": _halved(ask.elsewhere),
                    "not_image": ask.not_image,
                    "filters": Jsonb(filters_to_json(ask.filters)),
                    "page_size": ask.page_size,
                    "method": result.method,
                    "verdict": result.verdict,
                    "hits": len(result.hits),
                    "took_ms": result.timings.total,
                    "words": ask.words,
                    "shape_weight": ask.emphasis.shape,
                    "colour_weight": ask.emphasis.colour,
                    "moved": ask.moved,
                },
            )
            .fetchone()
        )
        assert stored is not None
        return int(stored[0])

    def colour_centre(
        self, conn: Connection, colours: Sequence[str], *, alone: bool, limit: int
    ) -> tuple[np.ndarray, int] | None:
        """The mean vector (dim,) of the catalogue's shoes of the colours (``alone``: of exactly
        these, else those of the first as main colour) and of how many; None without any."""
        found = (
            query("search_colour_centre")
            .execute(
                conn,
                {
                    "encoder_id": self.row.id,
                    "colours": list(colours),
                    "alone": alone,
                    "limit": limit,
                },
            )
            .fetchone()
        )
        if not found or found[0] is None:
            return None
        return vectors.array(found[0]), int(found[1])

    def _vector(self, ask: Ask) -> HalfVector | None:
        if ask.vector is None:
            return None
        return HalfVector(weighted(ask.vector, ask.emphasis, self._parts))

    def _params(self, ask: Ask) -> dict[str, Any]:
        return {
            **filter_params(ask.filters),
            "encoder_id": self.row.id,
            "query": self._vector(ask),
            # Weighed parts are one question: no length is known that another would have.
            "elsewhere": None if ask.altered else _halved(ask.elsewhere),
            "not_image": ask.not_image,
            "limit": ask.page_size + 1,  # one more tells whether there is a next page
            "offset": ask.page * ask.page_size,
        }


def _halved(vector: np.ndarray | None) -> HalfVector | None:
    return None if vector is None else HalfVector(vector)


def _offer(row: dict[str, Any]) -> OfferHit:
    return OfferHit(
        offer_id=row["offer_id"],
        shop=row["shop"],
        url=row["url"],
        title=row["title"],
        price=row["price"],
        list_price=row["list_price"],
        currency=row["currency"],
        availability=row["availability"],
        sizes=tuple(Size(label, system, available) for label, system, available in row["sizes"]),
        seen_at=row["last_seen_at"],
        converted=row["converted"],
        rate_day=row["rate_day"],
    )
