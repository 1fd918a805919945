"""Which of a page's products is its own, and what belongs to it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import unquote, urlsplit

from etl.adapters.candidate import Candidate
from etl.adapters.page import Page
from etl.text import words

_WEIGHTS_URL, _WEIGHTS_HEADING, _WEIGHTS_NAME = 6.0, 4.0, 4.0
_SIZE_WORD = re.compile(
    r"^(?:\d{1,3}(?:[.,]\d)?|[xsml]{1,4}|eu|us|uk|size|gr|taglia|talla|размер|cm)$"
)


def page_path(url: str | None) -> str:
    """A URL's path for comparing: decoded, lower case, without query and closing slash."""
    return unquote(urlsplit(url).path).rstrip("/").casefold() if url else ""


def main_product(
    candidates: Sequence[Candidate], page: Page, title: str | None
) -> Candidate | None:
    """The page's own product; None on a page of several equal products, or of none."""
    if not candidates:
        return None
    # One priced JSON-LD product is the page's word; microdata beside it may be a leftover.
    spoken = [c for c in candidates if c.source == "jsonld" and c.priced and not c.aside]
    if spoken and all(_same_product(c, spoken[0]) for c in spoken):
        candidates = spoken
    scored = sorted(
        ((_score(c, page, title, index), -index, c) for index, c in enumerate(candidates)),
        key=lambda entry: (entry[0], entry[1]),
        reverse=True,
    )
    best_score, _, best = scored[0]
    if best.aside and best_score < _WEIGHTS_URL and not _named(best, page, title):
        return None
    others = [
        c
        for c in candidates
        if not _same_product(c, best) and not c.aside and c.source == best.source
    ]
    # Many goods side by side: a listing, unless one of them is clearly the page's.
    several = len({n for c in others if (n := _plain_name(c))}) >= 3
    own = _named(best, page, title) or best.has_heading or _is_page(best, page)
    return None if several and not own else best


def mates(best: Candidate, candidates: Sequence[Candidate]) -> list[Candidate]:
    """Other items of the same source that state the same product (one for each size)."""
    return [
        c
        for c in candidates
        if c is not best
        and c.source == best.source
        and not (c.aside and not best.aside)
        and _same_product(c, best)
    ]


def agrees(other: Candidate, best: Candidate) -> bool:
    """Whether another source's product is the same, so that it may fill what is missing."""
    if best.gtin and other.gtin:
        return best.gtin == other.gtin
    if best.sku and other.sku and best.sku == other.sku:
        return True
    a, b = words(best.name), words(other.name)
    if not a or not b:
        return not other.aside
    return len(a & b) / min(len(a), len(b)) >= 0.5


def _score(candidate: Candidate, page: Page, title: str | None, index: int) -> float:
    score = -0.01 * index
    if _is_page(candidate, page):
        score += _WEIGHTS_URL
    if candidate.has_heading:
        score += _WEIGHTS_HEADING
    named = words(candidate.name)
    if named:
        score += _WEIGHTS_NAME * max(
            (len(named & words(t)) / len(named) for t in _titles(page, title)), default=0.0
        )
        score += 0.5
    if candidate.priced:
        score += 3
    score += (bool(candidate.images) + bool(candidate.description)) * 0.5
    if (
        candidate.sku
        and len(candidate.sku) > 3
        and candidate.sku.casefold() in (page.url or "").casefold()
    ):
        score += 2
    if candidate.source == "jsonld":
        score += 1.5
    if candidate.aside:
        score -= 6
    return score


def _titles(page: Page, title: str | None) -> list[str]:
    return [t for t in (title, page.title, *page.headings) if t]


def _named(candidate: Candidate, page: Page, title: str | None) -> bool:
    named = words(candidate.name)
    return bool(named) and any(
        len(named & words(t)) / len(named) >= 0.75 for t in _titles(page, title)
    )


def _is_page(candidate: Candidate, page: Page) -> bool:
    path = page_path(candidate.url)
    return bool(path) and path in {page_path(page.url), page_path(page.canonical)} - {""}


def _plain_name(candidate: Candidate) -> str:
    return " ".join(
        w for w in re.findall(r"\w+", (candidate.name or "").casefold()) if not _SIZE_WORD.match(w)
    )


def _same_product(one: Candidate, other: Candidate) -> bool:
    if one.group and other.group:
        return one.group == other.group
    if one.brand and other.brand and one.brand.casefold() != other.brand.casefold():
        return False
    name = _plain_name(one)
    return bool(name) and name == _plain_name(other)
