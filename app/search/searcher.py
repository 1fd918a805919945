"""The searcher: pictures, words, both, or a stored search asked again."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

import numpy as np
from psycopg.rows import dict_row

from app.db import vectors
from app.db.pool import Connection, Database
from app.db.queries import query
from app.domain import Attributes, Emphasis, Filters, Hit, OfferHit, SearchResult, Timings, Verdict
from app.errors import BadInput, EncoderError
from app.search.ask import (
    Ask,
    Found,
    Method,
    NotEmbedded,
    SearchExpired,
    filters_from_json,
    other_question,
    unit,
    verdict_of,
)
from app.search.catalogue import Catalogue
from app.search.engine import MAX_CANDIDATES, Engine
from app.search.moves import parts_of
from app.search.said import Said, exact_words, said_of
from app.search.wishes import Wishes
from app.settings import Settings
from app.vision.encoder import AsksInWays
from app.vision.image import decode

if TYPE_CHECKING:
    from app.vision.heads import Heads
    from app.vision.text import TextTower
    from app.vision.verify import Verifier
    from app.words import Reading


class ImageEncoder(vectors.EncoderFacts, Protocol):
    """What search wants of an encoder: pictures to L2-normalised rows of float32."""

    def encode(self, images: Sequence[Any]) -> np.ndarray: ...


class FeatureEncoder(ImageEncoder, Protocol):
    """What heads want besides: the features of the same run."""

    def encode_features(self, images: Sequence[Any]) -> tuple[np.ndarray, np.ndarray]: ...


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
        self._parts = parts_of(encoder)
        self._opened: tuple[Engine, Wishes] | None = None
        self._catalogue = Catalogue()
        self._lock = threading.Lock()

    @property
    def encoder_row(self) -> vectors.EncoderRow:
        """The encoder as the database knows it; registered on first use."""
        return self._engine.row

    @property
    def encoder(self) -> ImageEncoder:
        """The encoder it searches with."""
        return self._encoder

    @property
    def _engine(self) -> Engine:
        return self._open()[0]

    def _open(self) -> tuple[Engine, Wishes]:
        with self._lock:
            if self._opened is None:
                with self._db.connection() as conn:
                    row = vectors.register(conn, self._encoder)
                engine = Engine(row, self._parts, self._settings.exact_limit)
                self._opened = engine, Wishes(engine, self._parts, self._tower)
            return self._opened

    def by_photo(
        self,
        pictures: Sequence[bytes | Path],
        filters: Filters | None = None,
        *,
        page_size: int | None = None,
        user_key: str | None = None,
        text: str | None = None,
        text_weight: float = 0.5,
        reading: Reading | None = None,
        emphasis: Emphasis | None = None,
    ) -> SearchResult:
        """Products that look like the shoe in ``pictures``: several views make one query.

        ``reading`` changes what is looked for («такие же, но белые»): filters, colour, weights;
        what it asks and search cannot do is in the result's ``undone``. ``text`` only pulls the
        vector towards words: ``text_weight`` of 0 to 1 is theirs. ``emphasis`` wins over the
        reading's.

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
        mean, elsewhere, attributes = self._look(images)
        if text is not None:
            if self._tower is None or not self._tower.understands(text):
                raise BadInput("words beside a picture need words and an encoder that reads them")
            words = self._tower.encode([text])[0]
            mean = (1 - text_weight) * unit(mean) + text_weight * words
        encoded = time.perf_counter()
        ask = Ask(
            "photo",
            unit(mean),
            filters or Filters(),
            0,
            page_size or self._settings.results,
            attributes=attributes,
            moved=text is not None,
            elsewhere=elsewhere,
        )
        timings = Timings((decoded - start) * 1000, (encoded - decoded) * 1000)
        ask, reading = self._heard(ask, reading)
        return self._first_page(ask, user_key, timings, reading, emphasis)

    def by_text(
        self,
        text: str,
        filters: Filters | None = None,
        *,
        page_size: int | None = None,
        user_key: str | None = None,
        reading: Reading | None = None,
        emphasis: Emphasis | None = None,
    ) -> SearchResult:
        """Products that fit words in Russian or English: by vector and by full text, fused.

        With ``reading`` (of this text) what was understood limits the search, and only the rest of
        the words is compared. Words that the text tower does not know but the catalogue has are
        full text's alone and come first; without a tower it answers alone. Words never make a pair
        "the same": hits are similar, their score 0 where no vector was compared.

        Raises:
            BadInput: no word in the text.
            DatabaseUnavailable: the database cannot be reached now.
        """
        if not any(char.isalnum() for char in text):
            raise BadInput("no words were given")
        start = time.perf_counter()
        if reading is not None:
            reading = self.placed(reading)
        said = self._said(text, reading)
        vector = None
        if self._tower is not None and self._tower.understands(said.compared):
            vector = self._tower.encode([said.compared])[0]
        encoded = time.perf_counter()
        ask = Ask(
            "text",
            vector,
            filters or Filters(),
            0,
            page_size or self._settings.results,
            words=said.looked_for,
            exact=said.exact,
            moved=True,
            strange=said.strange,
        )
        timings = Timings(0.0, (encoded - start) * 1000)
        return self._first_page(ask, user_key, timings, reading, emphasis)

    def placed(self, reading: Reading) -> Reading:
        """The reading with brands of the catalogue that no vocabulary lists understood as well;
        every search does so by itself.

        Raises:
            DatabaseUnavailable: the database cannot be reached now.
        """
        if not reading.rest:
            return reading
        with self._db.connection() as conn:
            return self._catalogue.placed(conn, reading)

    def by_image(
        self,
        image_id: int,
        filters: Filters | None = None,
        *,
        page_size: int | None = None,
        user_key: str | None = None,
        reading: Reading | None = None,
        emphasis: Emphasis | None = None,
    ) -> SearchResult:
        """Products that look like a picture of the catalogue, without that picture itself.

        Raises:
            NotEmbedded: there is no such picture, or it has no embedding yet.
            DatabaseUnavailable: the database cannot be reached now.
        """
        row = self.encoder_row  # before the connection: its first use takes one of its own
        with self._db.connection() as conn:
            found = (
                query("search_vector_of_image")
                .execute(conn, {"encoder_id": row.id, "image_id": image_id})
                .fetchone()
            )
        if found is None:
            raise NotEmbedded(f"picture {image_id} is not in the catalogue or not embedded yet")
        ask = Ask(
            "image",
            vectors.array(found[0]),
            filters or Filters(),
            0,
            page_size or self._settings.results,
            image_id,
        )
        ask, reading = self._heard(ask, reading)
        return self._first_page(ask, user_key, Timings(), reading, emphasis)

    def by_vector(
        self,
        vector: np.ndarray,
        filters: Filters | None = None,
        *,
        page_size: int | None = None,
        user_key: str | None = None,
    ) -> SearchResult:
        """Products nearest to a vector (dim,) that was made, not seen: a dreamt shoe's. It is
        never "the same" as a photograph; stored and paged as any other search.

        Raises:
            DatabaseUnavailable: the database cannot be reached now.
        """
        size = page_size or self._settings.results
        ask = Ask("photo", unit(vector), filters or Filters(), 0, size, moved=True)
        return self._first_page(ask, user_key, Timings(), None, None)

    def look(self, pictures: Sequence[bytes | Path]) -> tuple[np.ndarray, Attributes | None]:
        """The mean unit vector (dim,) of pictures and, where the encoder has heads, what they show;
        nothing is searched.

        Raises:
            ImageError: a picture cannot be read.
        """
        limits = self._settings
        images = [
            decode(p, max_bytes=limits.max_image_bytes, max_pixels=limits.max_image_pixels).image
            for p in pictures
        ]
        mean, _, attributes = self._look(images)
        return unit(mean), attributes

    def words_vector(self, text: str) -> np.ndarray | None:
        """The unit vector (dim,) of words; None for an encoder that reads none of them."""
        if self._tower is None or not self._tower.understands(text):
            return None
        return np.asarray(self._tower.encode([text])[0])

    def page(self, search_id: int, page: int) -> SearchResult:
        """Page ``page`` (from 0) of a stored search; the catalogue is read as it is now.

        Raises:
            SearchExpired: the search is not stored any more, or its encoder is not in use.
            DatabaseUnavailable: the database cannot be reached now.
        """
        if page < 0:
            raise BadInput("pages count from 0")
        ask = replace(self._recall(search_id), page=page)
        start = time.perf_counter()
        with self._db.connection() as conn:
            found = self._run(conn, ask)
        timings = Timings(sql=(time.perf_counter() - start) * 1000)
        return self._result(ask, found, search_id, timings)

    def again(
        self,
        search_id: int,
        filters: Filters | None = None,
        *,
        emphasis: Emphasis | None = None,
        reading: Reading | None = None,
        page_size: int | None = None,
        user_key: str | None = None,
    ) -> SearchResult:
        """A stored search asked anew, as a search of its own: other ``filters`` (None: its own),
        another ``emphasis``, and what a ``reading`` changes: "cheaper" is cheaper than the first
        of its results, "other brand" another than that one's.

        Raises:
            SearchExpired: the search is not stored any more, or its encoder is not in use.
            DatabaseUnavailable: the database cannot be reached now.
        """
        ask = self._recall(search_id)
        ask = replace(
            ask,
            filters=ask.filters if filters is None else filters,
            page_size=page_size or ask.page_size,
        )
        ask, reading = self._heard(ask, reading)
        return self._first_page(ask, user_key, Timings(), reading, emphasis)

    def stored(self, search_id: int) -> tuple[Filters, Emphasis]:
        """Filters and emphasis of a stored search: what a button changes one thing of.

        Raises:
            SearchExpired: the search is not stored any more, or its encoder is not in use.
            DatabaseUnavailable: the database cannot be reached now.
        """
        ask = self._recall(search_id)
        return ask.filters, ask.emphasis

    def nearest(
        self,
        vector: np.ndarray,
        filters: Filters,
        limit: int,
        method: Method | None = None,
        elsewhere: np.ndarray | None = None,
    ) -> list[tuple[int, int, float]]:
        """(product id, image id, distance) rows, nearest first; ``method`` None: as users get it;
        ``elsewhere``: what asks other shops, as :class:`Ask` has it.

        For measuring recall: nothing is stored.
        """
        ask = Ask("image", unit(vector), filters, 0, limit, elsewhere=elsewhere)
        engine = self._engine
        with self._db.connection() as conn:
            if method is None:
                rows, _ = engine.choose(conn, ask)
            elif method == "hnsw":
                rows = engine.hnsw(conn, ask, MAX_CANDIDATES)
            else:
                rows = engine.exact(conn, ask, engine.matching(conn, filters, None))
        return [(row["product_id"], row["image_id"], row["distance"]) for row in rows[:limit]]

    def _heard(self, ask: Ask, reading: Reading | None) -> tuple[Ask, Reading | None]:
        """A search without words of its own, and what is asked of it: unplaced words can only pull
        its vector."""
        if reading is None:
            return ask, None
        reading = self.placed(reading)
        return replace(ask, strange=tuple(reading.rest.split())), reading

    def _said(self, text: str, reading: Reading | None) -> Said:
        tokenizer = None if self._tower is None else self._tower.tokenizer

        def known(words: Sequence[str]) -> frozenset[str]:
            with self._db.connection() as conn:
                return self._catalogue.known(conn, words)

        return said_of(text, reading, tokenizer, known)

    def _look(
        self, images: Sequence[Any]
    ) -> tuple[np.ndarray, np.ndarray | None, Attributes | None]:
        """The mean vector of the views, what asks other shops where the encoder asks them by
        another, and, where it has heads, what the views show."""
        encoder, features = self._encoder, None
        if isinstance(encoder, AsksInWays):
            ways, features = encoder.encode_asking(images)
        elif self._heads is None:
            ways = encoder.encode(images)[:, None]
        else:
            seen, features = cast("FeatureEncoder", encoder).encode_features(images)
            ways = seen[:, None]
        attributes = None
        if self._heads is not None and features is not None:
            attributes = self._heads.predict(features.mean(axis=0)[None])[0]
        return ways[:, 0].mean(axis=0), other_question(ways), attributes

    def _recall(self, search_id: int) -> Ask:
        row = self.encoder_row
        with self._db.connection() as conn:
            stored = (
                query("search_recall")
                .execute(conn, {"search_id": search_id}, row_factory=dict_row)
                .fetchone()
            )
        if stored is None or stored["encoder_id"] != row.id:
            raise SearchExpired("this search has expired: send the picture again")
        vector, elsewhere = (
            None if stored[name] is None else vectors.array(stored[name])
            for name in ("query", "elsewhere")
        )
        return Ask(
            stored["kind"],
            vector,
            filters_from_json(stored["filters"]),
            0,
            stored["page_size"],
            stored["not_image_id"],
            words=stored["words"],
            exact=self._exact(stored["words"]),
            emphasis=Emphasis(stored["shape_weight"], stored["colour_weight"]),
            moved=stored["moved"],
            elsewhere=elsewhere,
        )

    def _exact(self, words: str | None) -> str:
        return "" if self._tower is None else exact_words(words or "", self._tower.tokenizer)

    def _first_page(
        self,
        ask: Ask,
        user_key: str | None,
        timings: Timings,
        reading: Reading | None,
        emphasis: Emphasis | None,
    ) -> SearchResult:
        start = time.perf_counter()
        _, wishes = self._open()
        with self._db.connection() as conn:
            if reading is not None:
                ask = wishes.applied(conn, ask, reading)
            if emphasis is not None:
                ask = replace(ask, emphasis=emphasis)
            found = self._run(conn, ask)
            timings = replace(timings, sql=(time.perf_counter() - start) * 1000)
            result = self._result(ask, found, None, timings)
            return replace(result, search_id=self._engine.store(conn, ask, result, user_key))

    def _run(self, conn: Connection, ask: Ask) -> Found:
        rows, method = self._engine.choose(conn, ask)
        products = [found["product_id"] for found in rows]
        offers = self._engine.offers(conn, products, ask.filters)
        return Found(rows, offers, method, self._same(conn, ask, rows))

    def _same(self, conn: Connection, ask: Ask, rows: list[dict[str, Any]]) -> dict[int, float]:
        if self._verifier is None or not rows or ask.vector is None or ask.altered:
            return {}
        wanted = [item["image_id"] for item in rows]
        found = (
            query("search_vectors_of_images")
            .execute(conn, {"encoder_id": self.encoder_row.id, "image_ids": wanted})
            .fetchall()
        )
        others = np.stack([vectors.array(vec) for _, vec in found])
        probabilities = self._verifier.probability(ask.vector, others)
        return {image: float(p) for (image, _), p in zip(found, probabilities, strict=True)}

    def _attributes(self, ask: Ask, found: Found, verdict: Verdict) -> Attributes | None:
        """What the picture shows, with the nearest products' vote; a pair that the verifier knows
        again is a shoe, whatever it looked like."""
        attributes = ask.attributes
        if attributes is None or self._heads is None:
            return attributes
        from app.vision.knn import Neighbour, blend

        if verdict == "same":
            attributes = replace(attributes, shoe=True)
        if ask.filters.selective or ask.altered:
            return attributes  # neighbours chosen by the user's words tell nothing
        near = [
            Neighbour(item["brand"], item["model"], 1.0 - float(item["distance"]))
            for item in found.rows
        ]
        return blend(attributes, near, self._heads.facts)

    def _result(
        self, ask: Ask, found: Found, search_id: int | None, timings: Timings
    ) -> SearchResult:
        row = self.encoder_row
        hits = tuple(
            self._hit(ask, item, found.offers[item["product_id"]], found.same)
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
            filters=ask.filters,
            emphasis=ask.emphasis,
            undone=ask.undone,
            strange=ask.strange,
        )

    def _hit(
        self,
        ask: Ask,
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
            verdict=self._verdict(ask, score, same.get(item["image_id"])),
            image_id=item["image_id"],
            image_path=str(self._settings.images_dir / item["path"]),
            offers=offers,
        )

    def _verdict(self, ask: Ask, score: float, same: float | None) -> Verdict:
        """The verifier decides on "the same" where there is one, the cosine elsewhere; a vector
        that words or weights altered is compared with nothing that was calibrated."""
        if ask.altered:
            return "similar"
        row = self.encoder_row
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
