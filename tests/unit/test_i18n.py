"""Both languages say the same things, and numbers, prices and times read as people write them."""

from __future__ import annotations

import re
import string
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from app.i18n import (
    LANGUAGES,
    Html,
    Language,
    Message,
    catalogue,
    known_language,
    language_of,
    load_messages,
)
from app.web.entities import parse_html

MESSAGES = {language: load_messages(language) for language in LANGUAGES}
NOW = datetime(2026, 5, 20, 12, 0, tzinfo=UTC)


def forms(message: Message) -> list[str]:
    return [message] if isinstance(message, str) else list(message.values())


def placeholders(message: Message) -> set[str]:
    return {
        name for form in forms(message) for _, name, _, _ in string.Formatter().parse(form) if name
    }


def test_both_languages_hold_the_same_keys() -> None:
    assert MESSAGES["ru"].keys() == MESSAGES["en"].keys()


@pytest.mark.parametrize("key", sorted(MESSAGES["en"]))
def test_placeholders_and_plurality_agree(key: str) -> None:
    russian, english = MESSAGES["ru"][key], MESSAGES["en"][key]
    assert placeholders(russian) == placeholders(english)
    assert isinstance(russian, str) == isinstance(english, str)


@pytest.mark.parametrize("language", LANGUAGES)
def test_plural_messages_have_every_category_and_nothing_is_blank(language: Language) -> None:
    categories = {*catalogue(language).locale.plural_form.tags, "other"}
    for key, message in MESSAGES[language].items():
        assert all(form.strip() for form in forms(message)), key
        if not isinstance(message, str):
            assert message.keys() == categories, key
            assert "count" in placeholders(message), key


@pytest.mark.parametrize("language", LANGUAGES)
def test_markup_is_what_telegram_reads(language: Language) -> None:
    for message in MESSAGES[language].values():
        for form in forms(message):
            parse_html(form)


@pytest.mark.parametrize("language", LANGUAGES)
def test_messages_are_in_their_language(language: Language) -> None:
    for key, message in MESSAGES[language].items():
        text = " ".join(forms(message))
        if key in ("command.language", "help"):
            continue  # name the other language on purpose
        cyrillic = any("а" <= letter.lower() <= "я" for letter in text)
        letters = any(letter.isalpha() for letter in re.sub(r"\{\w+\}", "", text))
        assert cyrillic is (language == "ru" and letters), key


@pytest.mark.parametrize(
    ("language", "amount", "currency", "expected"),
    [
        ("ru", "8990", "RUB", "8 990 ₽"),
        ("ru", "8990.50", "RUB", "8 990,50 ₽"),
        ("ru", "120", "USD", "120 $"),
        ("ru", "8990", "KZT", "8 990 KZT"),
        ("ru", "8990", None, "8 990"),
        ("en", "120", "USD", "$120"),
        ("en", "119.99", "EUR", "€119.99"),
        ("en", "8990.00", "RUB", "RUB 8,990"),
        ("en", "1250", None, "1,250"),
        ("en", "5", "XYZ", "XYZ 5"),
    ],
)
def test_prices(language: Language, amount: str, currency: str | None, expected: str) -> None:
    price = catalogue(language).price(Decimal(amount), currency)
    assert price.replace("\N{NO-BREAK SPACE}", " ") == expected


@pytest.mark.parametrize(
    ("past", "russian", "english"),
    [
        (timedelta(seconds=-5), "только что", "just now"),
        (timedelta(seconds=59), "только что", "just now"),
        (timedelta(minutes=5), "5 мин назад", "5 min ago"),
        (timedelta(hours=2, minutes=50), "2 ч назад", "2 h ago"),
        (timedelta(hours=25), "1 день назад", "1 day ago"),
        (timedelta(days=3), "3 дня назад", "3 days ago"),
        (timedelta(days=5), "5 дней назад", "5 days ago"),
        (timedelta(days=21), "21 день назад", "21 days ago"),
    ],
)
def test_freshness(past: timedelta, russian: str, english: str) -> None:
    assert catalogue("ru").ago(NOW - past, NOW) == russian
    assert catalogue("en").ago(NOW - past, NOW) == english


def test_long_ago_is_a_date() -> None:
    assert catalogue("en").ago(NOW - timedelta(days=60), NOW) == "Mar 21, 2026"
    assert catalogue("ru").ago(NOW - timedelta(days=60), NOW).startswith("21 мар. 2026")


@pytest.mark.parametrize(
    ("count", "expected"),
    [(1, "в 1 магазине, 5"), (2, "в 2 магазинах от 5"), (5, "в 5 магазинах от 5")],
)
def test_russian_plurals(count: int, expected: str) -> None:
    assert expected in catalogue("ru").text("result.same", count=count, price="5")


def test_values_are_escaped_unless_they_are_markup() -> None:
    words = catalogue("en")
    assert words.html("hit.also", shops="<b>&") == "also at &lt;b&gt;&amp;"
    assert words.html("hit.also", shops=Html("<b>A</b>")) == "also at <b>A</b>"
    assert words.text("hit.also", shops="<b>&") == "also at <b>&"


def test_big_counts_are_grouped() -> None:
    assert "1,200 days" in catalogue("en").text("ago.days", count=1200)


def test_a_count_must_be_a_number() -> None:
    with pytest.raises(TypeError, match=r"ago\.days"):
        catalogue("en").text("ago.days", count="5")


@pytest.mark.parametrize(
    ("code", "language"),
    [
        ("ru", "ru"),
        ("ru-RU", "ru"),
        ("be", "ru"),
        ("kk_KZ", "ru"),
        ("en-GB", "en"),
        ("pt-br", "en"),
        ("rup", "en"),
        ("", "en"),
        (None, "en"),
    ],
)
def test_the_clients_language(code: str | None, language: Language) -> None:
    assert language_of(code) == language


def test_only_ours_are_known() -> None:
    assert known_language("ru") == "ru"
    assert known_language("de") is None
    assert known_language(None) is None
