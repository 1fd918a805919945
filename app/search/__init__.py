"""Similarity search: a query vector, words and filters in, products with their offers out.

All SQL is in ``sql/queries/search.sql``. ``engine`` decides which statement runs, ``moves`` what
words do to a vector, ``searcher`` is what everybody asks.
"""

from app.search.ask import (
    Method,
    NotEmbedded,
    SearchExpired,
    filters_from_json,
    filters_to_json,
    verdict_of,
)
from app.search.engine import CANDIDATES_A_PRODUCT, EF_SEARCH, MAX_CANDIDATES
from app.search.searcher import FeatureEncoder, ImageEncoder, Searcher, open_searcher

__all__ = [
    "CANDIDATES_A_PRODUCT",
    "EF_SEARCH",
    "MAX_CANDIDATES",
    "FeatureEncoder",
    "ImageEncoder",
    "Method",
    "NotEmbedded",
    "SearchExpired",
    "Searcher",
    "filters_from_json",
    "filters_to_json",
    "open_searcher",
    "verdict_of",
]
