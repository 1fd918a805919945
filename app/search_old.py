"""Similarity search: a query vector and filters in, products with their offers out.

All SQL is in ``sql/queries/search.sql``; here is decided which statement runs: exact under a
selective filter or without an index, HNSW otherwise, exact again where HNSW's candidates did not
fill the page.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, cast

import numpy as np
from pgvector import HalfVector
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from app.db import vectors
from app.db.pool import Connection, Database
from app.db.queries import query
from app.domain import (
    Attributes,
    Filters,
    Hit,
    OfferHit,
    SearchResult,
    Size,
    Timings,
    Verdict,
)
from app.errors import BadInput, EncoderError, SolemateError
from app.settings import Settings
from app.vision.image import decode

if TYPE_CHECKING:
    from app.vision.heads import Heads
    from app.vision.text import TextTower
    from app.vision.verify import Verifier

Method = Literal["exact", "hnsw"]

EF_SEARCH = 400
"""Neighbours HNSW keeps in view: recall@10 above 0.99 (measured, docs/benchmarks.md)."""
CANDIDATES_A_PRODUCT = 12
"""Pictures asked for each wanted product: products have several, and filters take some away."""
MAX_CANDIDATES = 1000
"""Pictures of the second try, and pgvector's upper bound of ef_search."""


class SearchExpired(SolemateError):
    """The stored search is gone; the user has to ask anew."""


class NotEmbedded(BadInput):
    """The catalogue picture asked for does not exist or has no embedding yet."""


class ImageEncoder(vectors.EncoderFacts, Protocol):
    """What search wants of an encoder: pictures to L2-normalised rows of float32."""

    def encode(self, images: Sequence[Any]) -> np.ndarray: ...


class FeatureEncoder(ImageEncoder, Protocol):
    """What heads want besides: the features of the same run."""

    def encode_features(self, images: Sequence[Any]) -> tuple[np.ndarray, np.ndarray]: ...


@dataclass(frozen=True, slots=True)
class _Ask:
    """One search, ready to run."""

    vector: np.ndarray
    filters: Filters
    page: int
    page_size: int
    not_image: int | None = None
    attributes: Attributes | None = None


@dataclass(frozen=True, slots=True)
class _Found:
    rows: list[dict[str, Any]]
    offers: dict[int, tuple[OfferHit, ...]]
    method: Method
    same: dict[int, float]
    """By image: the verifier's probability of the same product; empty without a verifier."""


class Searcher:
    """Searches one database with one encoder. Thread-safe; calls block."""

    def __init__(
        self,
        db: Database,
        encoder: ImageEncoder,
        settings: Settings,
        *,
        heads: Heads | None = None,
        verifier: Verifier | None = None,
        tower: TextTower | None = None,
    ) -> None:
        """Heads, verifier and tower are the encoder's own; heads need a :class:`FeatureEncoder`."""
        self._heads = heads
        self._verifier = verifier
        self._tower = tower
        self._db = db
        self._encoder = encoder
        self._settings = settings
        self._registered: vectors.EncoderRow | None = None
        self._lock = threading.Lock()

    @property
    def encoder_row(self) -> vectors.EncoderRow:
        """The encoder as the database knows it; registered on first use."""
        with self._lock:
            if self._registered is None:
                with self._db.connection() as conn:
                    self._registered = vectors.register(conn, self._encoder)
            return self._registered

    def by_photo(
        self,
        pictures: Sequence[bytes | Path],
        filters: Filters | None = None,
        *,
        page_size: int | None = None,
        user_key: str | None = None,
        text: str | None = None,
        text_weight: float = 0.5,
    ) -> SearchResult:
        """Products that look like the shoe in ``pictures``: several views make one query.

        ``text`` pulls it towards words («but black»): ``text_weight`` of 0 to 1 is theirs.

        Raises:
            ImageError: a picture cannot be read.
            BadInput: a text without words, or for an encoder without a text tower.
            DatabaseUnavailable: the database cannot be reached now.
        """
        if not pictures:
            raise BadInput("no picture was given")
        start = time.perf_counter()
        images = [
            decode(
                picture,
                max_bytes=self._settings.max_image_bytes,
                max_pixels=self._settings.max_image_pixels,
            ).image
            for picture in pictures
        ]
        decoded = time.perf_counter()
        mean, attributes = self._look(images)
        if text is not None:
            if self._tower is None or not self._tower.understands(text):
                raise BadInput("words beside a picture need words and an encoder that reads them")
            words = self._tower.encode([text])[0]
            mean = (1 - text_weight) * _unit(mean) + text_weight * words
        encoded = time.perf_counter()
        ask = _Ask(
            _unit(mean),
            filters or Filters(),
            0,
            page_size or self._settings.results,
            attributes=attributes,
        )
        timings = Timings((decoded - start) * 1000, (encoded - decoded) * 1000)
        return self._first_page("photo", ask, user_key, timings)

    def by_text(
        self, text: str, filters: Filters | None = None, *, page_size: int | None = None
    ) -> SearchResult:
        """Products that fit words in Russian or English: by vector and by full text, fused.

        Without a text tower full text alone answers. One page; it is not stored for paging. Words
        never make a pair "the same": hits are similar, their score 0 where no vector was compared.

        Raises:
            BadInput: no word in the text.
            DatabaseUnavailable: the database cannot be reached now.
        """
        if not any(char.isalnum() for char in text):
            raise BadInput("no words were given")
        row, filters, size = self.encoder_row, filters or Filters(), page_size or 0
        size = size or self._settings.results
        start = time.perf_counter()
        vector, understood = None, text
        if self._tower is not None and self._tower.understands(text):
            vector = HalfVector(self._tower.encode([text])[0])
            understood = " ".join(self._tower.tokenizer.words(text))
        encoded = time.perf_counter()
        with self._db.connection() as conn:
            params = {
                "text": understood,
                "query": vector,
                "products": self._matching(conn, filters, None),
                "encoder_id": row.id,
                "depth": max(10 * size, 100),
                "limit": size + 1,
            }
            rows = (
                query("search_by_words")
                .execute(conn, params, dim=row.dim, prepare=False, row_factory=dict_row)
                .fetchall()
            )
            offers = self._offers(conn, [item["product_id"] for item in rows], filters)
        done = time.perf_counter()
        hits = tuple(
            replace(
                self._hit(
                    row,
                    {**item, "distance": 1.0 if item["distance"] is None else item["distance"]},
                    offers[item["product_id"]],
                    {},
                ),
                verdict="similar",
            )
            for item in rows[:size]
        )
        return SearchResult(
            search_id=None,
            encoder=row.name,
            verdict="similar" if hits else "none",
            hits=hits,
            page=0,
            has_next=False,
            method="exact",
            timings=Timings(0.0, (encoded - start) * 1000, (done - encoded) * 1000),
        )

    def by_image(
        self,
        image_id: int,
        filters: Filters | None = None,
        *,
        page_size: int | None = None,
        user_key: str | None = None,
    ) -> SearchResult:
        """Products that look like a picture of the catalogue, without that picture itself.

        Raises:
            NotEmbedded: there is no such picture, or it has no embedding yet.
            DatabaseUnavailable: the database cannot be reached now.
        """
        row = self.encoder_row
        with self._db.connection() as conn:
            found = (
                query("search_vector_of_image")
                .execute(conn, {"encoder_id": row.id, "image_id": image_id})
                .fetchone()
            )
        if found is None:
            raise NotEmbedded(f"picture {image_id} is not in the catalogue or not embedded yet")
        ask = _Ask(
            found[0].to_numpy().astype(np.float32),
            filters or Filters(),
            0,
            page_size or self._settings.results,
            image_id,
        )
        return self._first_page("image", ask, user_key, Timings())

    def _look(self, images: Sequence[Any]) -> tuple[np.ndarray, Attributes | None]:
        """The mean vector of the views and, where the encoder has heads, what they show."""
        if self._heads is None:
            return self._encoder.encode(images).mean(axis=0), None
        vectors_, features = cast("FeatureEncoder", self._encoder).encode_features(images)
        return vectors_.mean(axis=0), self._heads.predict(features.mean(axis=0)[None])[0]

    def page(self, search_id: int, page: int) -> SearchResult:
        """Page ``page`` (from 0) of a stored search; the catalogue is read as it is now.

        Raises:
            SearchExpired: the search is not stored any more, or its encoder is not in use.
            DatabaseUnavailable: the database cannot be reached now.
        """
        if page < 0:
            raise BadInput("pages count from 0")
        row = self.encoder_row
        with self._db.connection() as conn:
            stored = (
                query("search_recall")
                .execute(conn, {"search_id": search_id}, row_factory=dict_row)
                .fetchone()
            )
        if stored is None or stored["encoder_id"] != row.id:
            raise SearchExpired("this search has expired: send the picture again")
        ask = _Ask(
            stored["query"].to_numpy().astype(np.float32),
            filters_from_json(stored["filters"]),
            page,
            stored["page_size"],
            stored["not_image_id"],
        )
        start = time.perf_counter()
        with self._db.connection() as conn:
            found = self._run(conn, row, ask)
        timings = Timings(sql=(time.perf_counter() - start) * 1000)
        return self._result(row, ask, found, search_id, timings)

    def nearest(
        self, vector: np.ndarray, filters: Filters, limit: int, method: Method | None = None
    ) -> list[tuple[int, int, float]]:
        """(product id, image id, distance) rows, nearest first; ``method`` None: as users get it.

        For measuring recall: nothing is stored.
        """
        ask = _Ask(_unit(vector), filters, 0, limit)
        with self._db.connection() as conn:
            if method is None:
                rows, _ = self._choose(conn, self.encoder_row, ask)
            else:
                rows = (
                    self._hnsw(conn, self.encoder_row, ask, MAX_CANDIDATES)
                    if method == "hnsw"
                    else self._exact(
                        conn, self.encoder_row, ask, self._matching(conn, filters, None)
                    )
                )
        return [(row["product_id"], row["image_id"], row["distance"]) for row in rows[:limit]]

    def _first_page(
        self, kind: str, ask: _Ask, user_key: str | None, timings: Timings
    ) -> SearchResult:
        row = self.encoder_row
        start = time.perf_counter()
        with self._db.connection() as conn:
            found = self._run(conn, row, ask)
            timings = replace(timings, sql=(time.perf_counter() - start) * 1000)
            result = self._result(row, ask, found, None, timings)
            stored = (
                query("search_store")
                .execute(
                    conn,
                    {
                        "user_key": user_key,
                        "kind": kind,
                        "encoder_id": row.id,
                        "query": HalfVector(ask.vector),
                        "not_image": ask.not_image,
                        "filters": Jsonb(filters_to_json(ask.filters)),
                        "page_size": ask.page_size,
                        "method": found.method,
                        "verdict": result.verdict,
                        "hits": len(result.hits),
                        "took_ms": timings.total,
                    },
                )
                .fetchone()
            )
        assert stored is not None
        return replace(result, search_id=stored[0])

    def _run(self, conn: Connection, row: vectors.EncoderRow, ask: _Ask) -> _Found:
        rows, method = self._choose(conn, row, ask)
        offers = self._offers(conn, [found["product_id"] for found in rows], ask.filters)
        return _Found(rows, offers, method, self._same(conn, row, ask, rows))

    def _same(
        self,
        conn: Connection,
        row: vectors.EncoderRow,
        ask: _Ask,
        rows: list[dict[str, Any]],
    ) -> dict[int, float]:
        if self._verifier is None or not rows:
            return {}
        wanted = [item["image_id"] for item in rows]
        found = (
            query("search_vectors_of_images")
            .execute(conn, {"encoder_id": row.id, "image_ids": wanted})
            .fetchall()
        )
        others = np.stack([vec.to_numpy().astype(np.float32) for _, vec in found])
        probabilities = self._verifier.probability(ask.vector, others)
        return {image: float(p) for (image, _), p in zip(found, probabilities, strict=True)}

    def _attributes(self, ask: _Ask, found: _Found, verdict: Verdict) -> Attributes | None:
        """What the picture shows, with the nearest products' vote; a pair that the verifier knows
        again is a shoe, whatever it looked like."""
        attributes = ask.attributes
        if attributes is None or self._heads is None:
            return attributes
        from app.vision.knn import Neighbour, blend

        if verdict == "same":
            attributes = replace(attributes, shoe=True)
        if ask.filters.selective:
            return attributes  # neighbours chosen by the user's filters tell nothing
        near = [
            Neighbour(item["brand"], item["model"], 1.0 - float(item["distance"]))
            for item in found.rows
        ]
        return blend(attributes, near, self._heads.facts)

    def _choose(
        self, conn: Connection, row: vectors.EncoderRow, ask: _Ask
    ) -> tuple[list[dict[str, Any]], Method]:
        indexed = vectors.has_index(conn, row.id)
        if indexed and ask.filters.selective:
            products = self._matching(conn, ask.filters, self._settings.exact_limit)
            if len(products) <= self._settings.exact_limit:
                return self._exact(conn, row, ask, products), "exact"
        wanted = (ask.page + 1) * ask.page_size + 1
        few = min(CANDIDATES_A_PRODUCT * wanted, MAX_CANDIDATES)
        for candidates in dict.fromkeys((few, MAX_CANDIDATES)) if indexed else ():
            rows = self._hnsw(conn, row, ask, candidates)
            if len(rows) > ask.page_size:
                return rows, "hnsw"
        # No index yet, or the filters let too few of the near pictures through, or the last page.
        return self._exact(conn, row, ask, self._matching(conn, ask.filters, None)), "exact"

    def _matching(self, conn: Connection, filters: Filters, up_to: int | None) -> list[int]:
        # Unprepared: the planner sees the filters' values and folds those that do not limit.
        found = query("search_matching").execute(
            conn, {**_filter_params(filters), "up_to": up_to}, prepare=False
        )
        row = found.fetchone()
        return list(row[0]) if row else []

    def _exact(
        self, conn: Connection, row: vectors.EncoderRow, ask: _Ask, products: list[int]
    ) -> list[dict[str, Any]]:
        params = {**_search_params(row, ask), "products": products}
        return (
            query("search_exact")
            .execute(conn, params, dim=row.dim, prepare=False, row_factory=dict_row)
            .fetchall()
        )

    def _hnsw(
        self, conn: Connection, row: vectors.EncoderRow, ask: _Ask, candidates: int
    ) -> list[dict[str, Any]]:
        query("search_tune").execute(conn, {"ef_search": str(max(EF_SEARCH, candidates))})
        params = {**_search_params(row, ask), "candidates": candidates}
        return (
            query("search_hnsw")
            .execute(conn, params, dim=row.dim, prepare=False, row_factory=dict_row)
            .fetchall()
        )

    def _offers(
        self, conn: Connection, product_ids: list[int], filters: Filters
    ) -> dict[int, tuple[OfferHit, ...]]:
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

    def _result(
        self,
        row: vectors.EncoderRow,
        ask: _Ask,
        found: _Found,
        search_id: int | None,
        timings: Timings,
    ) -> SearchResult:
        hits = tuple(
            self._hit(row, item, found.offers[item["product_id"]], found.same)
            for item in found.rows[: ask.page_size]
        )
        verdict: Verdict = hits[0].verdict if hits else "none"
        attributes = self._attributes(ask, found, verdict)
        if attributes is not None and not attributes.shoe:
            verdict = "none"
            hits = tuple(replace(hit, verdict="none") for hit in hits)
        return SearchResult(
            search_id=search_id,
            encoder=row.name,
            verdict=verdict,
            hits=hits,
            page=ask.page,
            has_next=len(found.rows) > ask.page_size,
            method=found.method,
            timings=timings,
            attributes=attributes,
        )

    def _hit(
        self,
        row: vectors.EncoderRow,
        item: dict[str, Any],
        offers: tuple[OfferHit, ...],
        same: dict[int, float],
    ) -> Hit:
        score = 1.0 - float(item["distance"])
        return Hit(
            product_id=item["product_id"],
            brand=item["brand"],
            model=item["model"],
            colourway=item["colourway"],
            gender=item["gender"],
            score=score,
            verdict=self._verdict(score, row, same.get(item["image_id"])),
            image_id=item["image_id"],
            image_path=str(self._settings.images_dir / item["path"]),
            offers=offers,
        )

    def _verdict(self, score: float, row: vectors.EncoderRow, same: float | None) -> Verdict:
        """The verifier decides on "the same" where there is one, the cosine elsewhere."""
        if self._verifier is None or same is None:
            return verdict_of(score, row)
        if same >= self._verifier.same:
            return "same"
        return verdict_of(score, replace(row, same_threshold=None))


def open_searcher(settings: Settings, db: Database, encoder: str | None = None) -> Searcher:
    """A searcher with the named encoder; without a name the database's active one, and in a new
    database the settings' one.

    Raises:
        EncoderError: no such encoder, or the active one's folder is missing or another revision.
    """
    from app.vision.heads import open_heads
    from app.vision.registry import open_encoder
    from app.vision.text import open_text_tower
    from app.vision.verify import open_verifier

    with db.connection() as conn:
        active = vectors.active(conn)
    name = encoder or (active.name if active else settings.encoder)
    opened = open_encoder(name, settings)
    if encoder is None and active is not None and bytes.fromhex(opened.sha256) != active.sha256:
        raise EncoderError(
            f"the active encoder {active.name} {active.revision} is another file than the one on"
            f" disk: run `solemate etl embed --encoder {active.name}` and"
            f" `solemate models activate {active.name}`, or put the old file back"
        )
    return Searcher(
        db,
        opened,
        settings,
        heads=open_heads(name, settings),
        verifier=open_verifier(name, settings),
        tower=open_text_tower(name, settings),
    )


def verdict_of(score: float, row: vectors.EncoderRow) -> Verdict:
    """The encoder's own calibrated thresholds; uncalibrated, every hit is called similar."""
    if row.same_threshold is not None and score >= row.same_threshold:
        return "same"
    if row.similar_threshold is None or score >= row.similar_threshold:
        return "similar"
    return "none"


def _unit(vector: np.ndarray) -> np.ndarray:
    norm = float(np.linalg.norm(vector))
    if not np.isfinite(norm) or norm == 0.0:
        raise EncoderError("the encoder gave no usable embedding for this picture")
    return (vector / norm).astype(np.float32)


def _filter_params(filters: Filters) -> dict[str, Any]:
    def lowered(names: Sequence[str]) -> list[str] | None:
        return [name.strip().lower() for name in names] or None

    return {
        "price_min": filters.price_min,
        "price_max": filters.price_max,
        "currency": filters.currency,
        "brands": lowered(filters.brands),
        "brands_out": lowered(filters.brands_out),
        "genders": list(filters.genders) or None,
        "shops": lowered(filters.shops),
        "size": filters.size,
        "size_system": filters.size_system,
        "in_stock": filters.in_stock,
    }


def _search_params(row: vectors.EncoderRow, ask: _Ask) -> dict[str, Any]:
    return {
        **_filter_params(ask.filters),
        "encoder_id": row.id,
        "query": HalfVector(ask.vector),
        "not_image": ask.not_image,
        "limit": ask.page_size + 1,  # one more tells whether there is a next page
        "offset": ask.page * ask.page_size,
    }


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


def filters_to_json(filters: Filters) -> dict[str, Any]:
    """A JSON form of the filters that keeps only what limits."""
    plain = {key: value for key, value in asdict(filters).items() if value not in (None, ())}
    return {
        key: str(value) if isinstance(value, Decimal) else value for key, value in plain.items()
    }


def filters_from_json(stored: dict[str, Any]) -> Filters:
    """The filters that :func:`filters_to_json` wrote."""
    values = dict(stored)
    for key in ("price_min", "price_max"):
        if key in values:
            values[key] = Decimal(values[key])
    for key in ("brands", "brands_out", "genders", "shops"):
        if key in values:
            values[key] = tuple(values[key])
    return Filters(**values)
