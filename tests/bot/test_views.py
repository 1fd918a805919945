"""Texts and keyboards of results, as people see them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.bot import keyboards, views
from app.bot.actions import OpenHit, OpenMenu, Refine
from app.bot.callbacks import Place, ShowPage, decode
from app.bot.views import Asked
from app.domain import Availability, Hit, OfferHit, SearchResult, Size, Verdict
from app.i18n import LANGUAGES, Catalogue, Language, catalogue
from app.web.entities import parse_html, utf16_length
from tests.bot.memory import offer

NOW = datetime(2026, 5, 20, 12, 0, tzinfo=UTC)
SEEN = NOW - timedelta(hours=2)
RU, EN = catalogue("ru"), catalogue("en")


def hit(number: int = 1, verdict: Verdict = "similar", **changes: object) -> Hit:
    made = Hit(
        product_id=number,
        brand="Nike",
        model="Air Max 90",
        colourway="White/Grey",
        gender="men",
        score=0.8,
        verdict=verdict,
        image_id=100 + number,
        image_path="/nowhere.jpg",
        offers=(offer("Lamoda", "8990", seen_at=SEEN),),
    )
    return replace(made, **changes)


def result(*hits: Hit, page: int = 0, has_next: bool = False) -> SearchResult:
    verdict = hits[0].verdict if hits else "none"
    return SearchResult(77, "test", verdict, hits, page, has_next, "exact")


def plain(text: str) -> str:
    return parse_html(text)[0].replace("\N{NO-BREAK SPACE}", " ")


def test_caption_russian() -> None:
    shown = hit(verdict="same", offers=(
        offer("Lamoda", "8990", seen_at=SEEN, list_price=Decimal(12990), sizes=(
            Size("42", "EU"), Size("43", "EU", True), Size("44", "EU", False))),
    ))  # fmt: skip
    assert plain(views.caption(RU, shown, 1, NOW)) == (
        "1. Nike Air Max 90, White/Grey\n"
        "8 990 ₽ 12 990 ₽ · Lamoda\n"
        "видели 2 ч назад\n"
        "Размеры EU: 42, 43\n"
        "✅ Та же пара"
    )


def test_caption_english() -> None:
    shown = hit(offers=(offer("Zalando", "120", currency="USD", seen_at=SEEN),))
    assert plain(views.caption(EN, shown, 3, NOW)) == (
        "3. Nike Air Max 90, White/Grey\n$120 · Zalando\nseen 2 h ago\nSimilar"
    )


def test_listing_russian() -> None:
    cheap = hit(verdict="same", offers=(
        offer("Lamoda", "8990", seen_at=SEEN),
        offer("Lamoda", "9100", seen_at=SEEN),
        offer("Sneakerhead", "9990", seen_at=SEEN),
        offer("Street Beat", None, seen_at=SEEN),
    ))  # fmt: skip
    text = views.listing(RU, result(cheap, hit(2, offers=())), Asked(), NOW)
    assert plain(text) == (
        "1. Nike Air Max 90, White/Grey · ✅ Та же пара\n"
        "8 990 ₽ · Lamoda · видели 2 ч назад\n"
        "ещё в Sneakerhead 9 990 ₽, Street Beat цена не указана\n\n"
        "2. Nike Air Max 90, White/Grey\n"
        "сейчас нет в продаже\n\n"
        "Номер откроет пару: похожие, магазины."
    )


def test_listing_names_a_few_shops_and_counts_the_rest() -> None:
    many = hit(offers=tuple(offer(f"Shop {n}", "100", seen_at=SEEN) for n in range(6)))
    text = plain(views.listing(EN, result(many), Asked(), NOW))
    assert "also at Shop 1 RUB 100, Shop 2 RUB 100, Shop 3 RUB 100, and 2 more" in text


@pytest.mark.parametrize(
    ("words", "shown", "expected"),
    [
        (RU, result(hit(verdict="none")), "Ничего близкого не нашлось"),
        (EN, result(hit(verdict="none")), "I found nothing close"),
        (RU, result(hit()), "Не берусь утверждать, что здесь есть та самая пара."),
        (EN, result(hit()), "I cannot say for sure that the very same pair"),
        (EN, result(hit(verdict="same")), "Found the same pair in 1 shop, RUB 8,990:"),
        (EN, result(hit(verdict="same", offers=())), "Found the same pair."),
    ],
)
def test_summaries(words: Catalogue, shown: SearchResult, expected: str) -> None:
    assert plain(views.summary(words, shown)).startswith(expected)


@pytest.mark.parametrize(
    ("words", "shown", "asked", "expected"),
    [
        (EN, result(hit(), page=1), Asked(), "More results, page 2:"),
        (RU, result(hit(), page=1), Asked(), "Ещё результаты, страница 2:"),
        (EN, result(hit()), Asked(number=4, origin=Place(1, 0)), "Similar to number 4:"),
        (EN, result(hit()), Asked(origin=Place(1, 0)), "Similar pairs, page 1:"),
        (EN, result(hit(), page=2), Asked(origin=Place(1, 0)), "Similar pairs, page 3:"),
        (EN, result(hit()), Asked(kind="words"), "Here is what I found:"),
        (RU, result(hit()), Asked(origin=Place(1, 0), kind="refined"), "Уточнил:"),
    ],
)
def test_headers(words: Catalogue, shown: SearchResult, asked: Asked, expected: str) -> None:
    assert plain(views.header(words, shown, asked)).startswith(expected)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "Nike Air Max 90, White/Grey"),
        ({"model": "Nike Air Max"}, "Nike Air Max, White/Grey"),
        ({"brand": None, "colourway": None}, "Air Max 90"),
        ({"model": None, "colourway": None}, "Nike Кроссовки 1"),
        ({"colourway": "air max"}, "Nike Air Max 90"),
        ({"brand": None, "model": None, "colourway": None}, "Кроссовки 1"),
        ({"brand": None, "model": None, "colourway": None, "offers": ()}, "Sneakers"),
        ({"model": "x" * 300}, "Nike " + "x" * 84 + "…"),
    ],
)
def test_names(changes: dict[str, object], expected: str) -> None:
    assert views.name(EN, hit(**changes)) == expected


@pytest.mark.parametrize(
    "url",
    [
        None,
        "",
        "javascript:alert(1)",
        "ftp://a.example/x",
        "//a.example",
        "https://",
        "http://[bad",
        "https://a.example/" + "x" * 2000,
    ],
)
def test_an_address_that_is_no_web_page_is_no_link(url: str | None) -> None:
    text = views.caption(EN, hit(offers=(offer("Shop", "1", url=url),)), 1, NOW)
    assert not any("url" in entity for entity in parse_html(text)[1])
    assert "Shop" in plain(text)


def test_unavailable_offers_say_so() -> None:
    sold = hit(offers=(offer("Shop", "1", availability="out_of_stock"),))
    coming = hit(offers=(offer("Shop", "1", availability="preorder"),))
    assert "(sold out)" in plain(views.caption(EN, sold, 1, NOW))
    assert "(предзаказ)" in plain(views.caption(RU, coming, 1, NOW))


def test_keyboard_of_a_first_page() -> None:
    shown = result(*(hit(number) for number in range(1, 6)), has_next=True)
    keyboard = keyboards.results_keyboard(EN, shown, Asked())
    assert keyboard is not None
    rows = keyboard.inline_keyboard
    assert [[button.text for button in row] for row in rows] == [
        ["1", "2", "3"],
        ["4", "5"],
        ["Cheaper", "🎨 Colour", "⚙ Filters"],
        ["More →"],
    ]
    assert decode(str(rows[0][1].callback_data)) == OpenHit(Place(77, 0), 2, 102)
    assert decode(str(rows[2][0].callback_data)) == Refine(77, "wish", "cheaper")
    assert decode(str(rows[3][0].callback_data)) == ShowPage(Place(77, 1))


def test_keyboard_inside_more_like_this() -> None:
    origin = Place(5, 2)
    asked = Asked(None, origin)
    keyboard = keyboards.results_keyboard(EN, result(hit(), page=1, has_next=True), asked)
    assert keyboard is not None
    here = Place(77, 1)
    actions = [[decode(str(b.callback_data)) for b in row] for row in keyboard.inline_keyboard]
    assert actions == [
        [OpenHit(here, 1, 101, origin)],
        [Refine(77, "wish", "cheaper"), OpenMenu("colour", here, origin),
         OpenMenu("main", here, origin)],
        [ShowPage(Place(77, 0), origin), ShowPage(Place(77, 2), origin)],
        [ShowPage(origin)],
    ]  # fmt: skip


def test_a_search_that_was_not_stored_has_no_buttons() -> None:
    shown = replace(result(hit(), has_next=True), search_id=None)
    assert keyboards.results_keyboard(EN, shown, Asked()) is None


nasty = st.text(st.characters(codec="utf-8"), max_size=400) | st.just("😀" * 400) | st.just("<b>&")
offers = st.builds(
    OfferHit,
    offer_id=st.integers(1),
    shop=nasty,
    url=st.none() | nasty | nasty.map(lambda tail: f"https://a.example/{tail}"),
    title=st.none() | nasty,
    price=st.none() | st.decimals(0, 10**10, places=2),
    list_price=st.none() | st.decimals(0, 10**10, places=2),
    currency=st.sampled_from([None, "RUB", "USD", "ZZZ"]),
    availability=st.sampled_from(get_args(Availability)),
    sizes=st.lists(st.builds(Size, nasty), max_size=20).map(tuple),
    seen_at=st.just(SEEN),
)
hits = st.builds(
    Hit,
    product_id=st.integers(1),
    brand=st.none() | nasty,
    model=st.none() | nasty,
    colourway=st.none() | nasty,
    gender=st.none(),
    score=st.floats(-1, 1),
    verdict=st.sampled_from(get_args(Verdict)),
    image_id=st.integers(1, 2**63 - 1),
    image_path=st.just("x"),
    offers=st.lists(offers, max_size=6).map(tuple),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(hits, min_size=1, max_size=10), st.sampled_from(LANGUAGES))
def test_whatever_shops_write_telegram_takes_it(found: list[Hit], language: Language) -> None:
    words = catalogue(language)
    shown = result(*found, has_next=True)
    text, _ = parse_html(views.listing(words, shown, Asked(), NOW))
    assert 0 < utf16_length(text) <= views.TEXT_LIMIT
    for number, item in enumerate(found, start=1):
        caption, _ = parse_html(views.caption(words, item, number, NOW))
        assert 0 < utf16_length(caption) <= views.CAPTION_LIMIT
    keyboard = keyboards.results_keyboard(words, shown, Asked(3, Place(2**63 - 1, 100)))
    assert keyboard is not None
    for row in keyboard.inline_keyboard:
        for button in row:
            assert 1 <= len(str(button.callback_data).encode()) <= 64


def test_a_page_of_giants_drops_the_further_shops() -> None:
    giant = hit(
        model="W" * 200,
        offers=tuple(offer("S" * 40 + str(n), "123456789.99", seen_at=SEEN) for n in range(5)),
    )
    text = views.listing(RU, result(*[giant] * 10), Asked(), NOW)
    assert utf16_length(plain(text)) <= views.TEXT_LIMIT


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_language_keyboard_names_languages_in_themselves(language: Language) -> None:
    labels = [
        button.text for row in keyboards.language_keyboard().inline_keyboard for button in row
    ]
    assert catalogue(language).text("language.name") in labels
