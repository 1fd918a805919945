"""The bot's first line: what the picture shows, and that it shows no shoe."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.bot import views
from app.domain import SearchResult, Verdict
from app.i18n import Language, catalogue
from app.web.entities import parse_html
from tests.unit.test_caption import SEEN


def shown(verdict: Verdict = "similar", **changes: object) -> SearchResult:
    return SearchResult(
        search_id=1, encoder="tiny", verdict=verdict, hits=(), page=0, has_next=False,
        method="exact", attributes=replace(SEEN, **changes),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("en", "Looks like Nike Air Max 90, white/grey.\nI cannot say for sure"),
        ("ru", "Похоже на Nike Air Max 90, белый/серый.\nНе берусь утверждать"),
    ],
)
def test_the_first_line_says_what_is_seen(language: Language, expected: str) -> None:
    assert str(views.summary(catalogue(language), shown())).startswith(expected)


@pytest.mark.parametrize(
    ("language", "expected"),
    [("en", "I see no shoe in this picture."), ("ru", "На этой картинке я не вижу обуви.")],
)
def test_no_shoe(language: Language, expected: str) -> None:
    text = views.summary(catalogue(language), shown("none", shoe=False))
    assert expected in text
    assert "Looks like" not in text


def test_a_brand_from_the_catalogue_is_escaped() -> None:
    text = views.summary(catalogue("en"), shown(silhouette=None, brand="A<b>&C"))
    assert parse_html(text)[0].startswith("Looks like A<b>&C sneakers")
