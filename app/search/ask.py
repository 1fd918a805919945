"""A search as data: what is asked, its parameters, its stored form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from typing import Any, Literal

import numpy as np

from app.db import vectors
from app.domain import Attributes, Emphasis, Filters, OfferHit, Verdict
from app.errors import BadInput, EncoderError, SolemateError

Method = Literal["exact", "hnsw"]
Kind = Literal["photo", "image", "text"]
_TUPLES = (
    "brands", "brands_out", "genders", "shops", "colours", "colours_out", "types", "types_out",
)  # fmt: skip
SAME_QUESTION = 1e-3
"""Difference of a component below which two vectors ask the same: then the index is walked once."""


class SearchExpired(SolemateError):
    """The stored search is gone; the user has to ask anew."""


class NotEmbedded(BadInput):
    """The catalogue picture asked for does not exist or has no embedding yet."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One search, ready to run.

    ``vector`` (dim,) float32, unit length, before ``emphasis``; None: full text alone.
    ``elsewhere`` (dim,): a picture that asks other shops by another vector, of the length at which
    products with the two are comparable; None once words have moved what is asked. ``words`` is the
    text that full text looks for, None in searches without words; ``exact`` those of it that the
    text tower does not know, which full text alone can find. ``moved``: words changed the vector,
    so that no verdict of "the same" can come of it. ``strange``: words that nothing knows.
    """

    kind: Kind
    vector: np.ndarray | None
    filters: Filters
    page: int
    page_size: int
    not_image: int | None = None
    words: str | None = None
    exact: str = ""
    emphasis: Emphasis = field(default_factory=Emphasis)
    moved: bool = False
    attributes: Attributes | None = None
    undone: tuple[str, ...] = ()
    strange: tuple[str, ...] = ()
    elsewhere: np.ndarray | None = None

    def __post_init__(self) -> None:
        """Words move one question, and then there is no other."""
        if self.moved:
            object.__setattr__(self, "elsewhere", None)

    @property
    def altered(self) -> bool:
        """Whether words moved what is asked, or its parts are weighed: then it is compared with
        nothing that was calibrated."""
        return self.moved or self.emphasis != Emphasis()


@dataclass(frozen=True, slots=True)
class Found:
    """Rows of a statement, their products' offers, and how they were found."""

    rows: list[dict[str, Any]]
    offers: dict[int, tuple[OfferHit, ...]]
    method: Method
    same: dict[int, float]
    """By image: the verifier's probability of the same product; empty without a verifier."""


def verdict_of(score: float, row: vectors.EncoderRow) -> Verdict:
    """The encoder's own calibrated thresholds; uncalibrated, every hit is called similar."""
    if row.same_threshold is not None and score >= row.same_threshold:
        return "same"
    if row.similar_threshold is None or score >= row.similar_threshold:
        return "similar"
    return "none"


def unit(vector: np.ndarray) -> np.ndarray:
    """The vector at length 1.

    Raises:
        EncoderError: it is zero or not finite.
    """
    norm = float(np.linalg.norm(vector))
    if not np.isfinite(norm) or norm == 0.0:
        raise EncoderError("the encoder gave no usable embedding for this picture")
    return (vector / norm).astype(np.float32)


def other_question(ways: np.ndarray) -> np.ndarray | None:
    """What asks other shops (dim,), of views that ask by ``ways`` (n, ways, dim); None where they
    ask by one vector, or the same by both.

    Raises:
        EncoderError: the views' vectors have no mean.
    """
    if ways.shape[1] == 1:
        return None
    others = ways[:, 1]
    # Views that differ have a short mean: its length says nothing of the question's.
    other = unit(others.mean(axis=0)) * np.linalg.norm(others, axis=1).mean()
    same = np.abs(other - unit(ways[:, 0].mean(axis=0))).max() < SAME_QUESTION
    return None if same else other


def filter_params(filters: Filters) -> dict[str, Any]:
    """Parameters of ``products_matching``; NULL where nothing limits."""

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
        "colours": list(filters.colours) or None,
        "colours_out": list(filters.colours_out) or None,
        "colours_all": filters.colours_all,
        "types": list(filters.types) or None,
        "types_out": list(filters.types_out) or None,
    }


def filters_to_json(filters: Filters) -> dict[str, Any]:
    """A JSON form of the filters that keeps only what limits."""
    values = asdict(filters).items()
    plain = {key: value for key, value in values if value not in (None, ())}
    if not filters.colours_all:
        del plain["colours_all"]
    return {
        key: str(value) if isinstance(value, Decimal) else value for key, value in plain.items()
    }


def filters_from_json(stored: dict[str, Any]) -> Filters:
    """The filters that :func:`filters_to_json` wrote."""
    values = dict(stored)
    for key in ("price_min", "price_max"):
        if key in values:
            values[key] = Decimal(values[key])
    for key in _TUPLES:
        if key in values:
            values[key] = tuple(values[key])
    return Filters(**values)
