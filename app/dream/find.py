"""From a dreamt shoe to the real ones nearest to it.

A drawing is no photograph: its vector alone finds what is drawn alike. What the design says is
looked for too, as measured (docs/dream.md): the direction from the middle of the catalogue to its
shoes of that form and colour, taken from the catalogue itself, whatever its encoder.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from app.db.pool import Database
from app.db.queries import query
from app.db.vectors import array
from app.domain import Filters, SearchResult
from app.dream.prompt import KINDS
from app.dream.shades import basic
from app.search import Searcher
from app.sketch.design import COLOUR_NAMES, Design

LOG = logging.getLogger(__name__)
Vector = npt.NDArray[np.float32]

_KEPT_S: Final = 1800.0
"""How long the catalogue's directions are kept: it changes slowly."""
LEAST: Final = 8
"""Shoes that a form's direction is made of at least."""
LEAST_COLOUR: Final = 1
"""The same of a colour: so few are rather found again than learnt from, which is what is wanted."""
EXAMPLES: Final = 6000
SHRINKAGE: Final = 0.03
"""Of the covariance towards a ball (measured, docs/dream.md)."""
ENOUGH: Final = 10
"""Products of a colour from which a search is limited to it."""
TYPES: Final[dict[str, tuple[str, ...]]] = {
    "low": ("low_top",),
    "mid": ("mid_top",),
    "high": ("high_top",),
    "runner": ("running",),
    "skate": ("skate",),
    "slip_on": ("slip_on",),
    "chunky": ("platform", "running"),
}
"""The catalogue's types that a silhouette is called by, the best one first."""


@dataclass(frozen=True, slots=True)
class Weights:
    """How much each direction, of unit length, counts in the query."""

    picture: float
    words: float
    colour: float
    form: float


LIMITED: Final = Weights(picture=0.05, words=0.2, colour=0.0, form=1.0)
"""Where the search is limited to colours: they need not be looked for (docs/dream.md)."""
OPEN: Final = Weights(picture=0.05, words=0.5, colour=0.65, form=1.0)
"""Where it is not."""


@dataclass(frozen=True, slots=True)
class Directions:
    """Unit vectors along which the catalogue's shoes of a colour or type part from the others."""

    colours: Mapping[str, Vector]
    types: Mapping[str, Vector]


class Compass:
    """The catalogue's directions under one encoder, kept for a while. Thread-safe."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._kept: tuple[float, int, Directions] | None = None
        self._lock = threading.Lock()

    def directions(self, encoder_id: int) -> Directions:
        """All of them, from one statement."""
        with self._lock:
            now = time.monotonic()
            if self._kept is None or self._kept[1] != encoder_id or now - self._kept[0] > _KEPT_S:
                self._kept = now, encoder_id, self._read(encoder_id)
            return self._kept[2]

    def has(self, colour: str, least: int) -> bool:
        """Whether at least ``least`` products have that main colour."""
        asked = {"colour": colour, "least": least}
        with self._database.connection() as conn:
            row = query("dream_shoes_of_colour").execute(conn, asked).fetchone()
        return row is not None and bool(row[0])

    def _read(self, encoder_id: int) -> Directions:
        asked = {"encoder_id": encoder_id, "limit": EXAMPLES}
        with self._database.connection() as conn:
            rows = query("dream_examples").execute(conn, asked).fetchall()
        if len(rows) < 2 * LEAST:
            return Directions({}, {})
        vectors = np.stack([array(vec) for _, _, vec in rows])
        return directions(vectors, [row[0] for row in rows], [row[1] for row in rows])


def directions(
    vectors: Vector, colours: Sequence[str | None], types: Sequence[Sequence[str]]
) -> Directions:
    """Fisher's linear discriminants (1936): from the middle of all to the middle of a group, by the
    inverse of the (n, dim) vectors' covariance, so that what varies anyway counts less."""
    middle = vectors.mean(axis=0)
    spread = np.cov((vectors - middle).T)
    spread += SHRINKAGE * float(np.trace(spread)) / len(spread) * np.eye(len(spread))
    inverse = np.linalg.inv(spread)

    def of(members: Mapping[str, list[int]], least: int) -> dict[str, Vector]:
        return {
            name: _unit(np.asarray(inverse @ (vectors[rows].mean(axis=0) - middle), np.float32))
            for name, rows in members.items()
            if len(rows) >= least
        }

    by_colour: dict[str, list[int]] = defaultdict(list)
    by_type: dict[str, list[int]] = defaultdict(list)
    for place, (colour, named) in enumerate(zip(colours, types, strict=True)):
        if colour:
            by_colour[colour].append(place)
        for name in named:
            by_type[name].append(place)
    return Directions(of(by_colour, LEAST_COLOUR), of(by_type, LEAST))


def search_words(design: Design) -> str:
    """A design as people search for it: main colour and kind."""
    return f"{COLOUR_NAMES[design.colours.upper][0].lower()} {KINDS[design.silhouette]}"


def aim(
    design: Design, picture: Vector, words: Vector | None, found: Directions, weights: Weights
) -> Vector:
    """The query's unit vector (dim,); what the catalogue or encoder lacks is left out, but for a
    colour that no shoe is known to have: words say it instead."""
    parts = [(weights.picture, _unit(picture))]
    colour = found.colours.get(basic(design.colours.upper))
    if colour is not None:
        parts.append((weights.colour, colour))
    by_words = weights.words + (weights.colour if colour is None else 0.0)
    if words is not None and by_words:
        parts.append((by_words, _unit(words)))
    form = next((found.types[t] for t in TYPES[design.silhouette] if t in found.types), None)
    if form is not None:
        parts.append((weights.form, form))
    if len(parts) == 1 or not any(weight for weight, _ in parts[1:]):
        return _unit(picture)
    total = np.sum([weight * vector for weight, vector in parts], axis=0)
    return _unit(np.asarray(total, np.float32))


class Finder:
    """Searches by a design and its picture."""

    def __init__(self, searcher: Searcher, database: Database) -> None:
        self._searcher = searcher
        self._compass = Compass(database)

    def query(self, design: Design, picture: bytes, weights: Weights) -> Vector:
        """The query's vector (dim,).

        Raises:
            ImageError: the picture cannot be read.
            DatabaseUnavailable: the database cannot be reached now.
        """
        row = self._searcher.encoder_row
        seen, _ = self._searcher.look([picture])
        words = self._searcher.words_vector(search_words(design))
        return aim(design, seen, words, self._compass.directions(row.id), weights)

    def find(
        self,
        design: Design,
        picture: bytes,
        filters: Filters | None = None,
        *,
        page_size: int | None = None,
        user_key: str | None = None,
    ) -> SearchResult:
        """A stored search: its pages, "more like this" and refinements work as any other's.

        Limited to the design's main colour, as a filter that can be taken off again, where the
        catalogue has enough of it.
        """
        wanted = filters or Filters()
        colour = basic(design.colours.upper)
        if not wanted.colours and self._compass.has(colour, ENOUGH):
            wanted = replace(wanted, colours=(colour,))
        vector = self.query(design, picture, LIMITED if wanted.colours else OPEN)
        return self._searcher.by_vector(vector, wanted, page_size=page_size, user_key=user_key)


def _unit(vector: Vector) -> Vector:
    length = float(np.linalg.norm(vector))
    return np.asarray(vector / length, np.float32) if length > 0 else vector
