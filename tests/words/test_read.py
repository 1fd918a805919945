"""Understanding of words: the table of queries, properties of any text, the vocabulary itself."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain import Emphasis, Filters
from app.words import read, vocabulary, wish
from app.words.tokens import fold, other_layout
from tests.words.table import LISTS, Case, cases, differences

TABLE = cases()
ORDINARY = Path(__file__).with_name("ordinary.txt")
_SCHEMES = """
    passport e zh i kh ts ch sh shch iu ia -
    bgn yo zh y kh ts ch sh shch yu ya '
    chat e j i h c ch sh sch u ya -
    keyboard jo zh j x c ch sh shh ju ja -
"""
_PLAIN = dict(zip("абвгдезиклмнопрстуфыъэ", [*"abvgdeziklmnoprstufy", "", "e"], strict=True))
SCHEMES = {
    name: _PLAIN | dict(zip("ёжйхцчшщюяь", (s.strip("-") for s in signs), strict=True))
    for name, *signs in map(str.split, _SCHEMES.strip().splitlines())
}


@pytest.mark.parametrize("case", TABLE, ids=lambda case: case.query)
def test_query_is_read_as_the_table_says(case: Case) -> None:
    assert differences(case, read(case.query)) == {}


def test_the_table_is_large_and_in_both_languages() -> None:
    assert len({case.query for case in TABLE}) == len(TABLE) >= 250
    russian = sum(read(case.query).language == "ru" for case in TABLE)
    assert 100 < russian < len(TABLE) - 100
    used = {name for case in TABLE for name in case.expected}
    assert used >= {"brands", "brands_out", "colours_out", "size_system", "currency", "changes"}


@given(st.text(max_size=60))
def test_any_text_is_read_and_what_is_read_is_known(text: str) -> None:
    reading = read(text)
    names = {"brands": "brands", "colours": "colours", "types": "types", "materials": "materials"}
    for name, section in names.items():
        assert set(getattr(reading, name)) <= set(vocabulary().names(section))
    if reading.price_min is not None and reading.price_max is not None:
        assert reading.price_min <= reading.price_max


@given(st.sampled_from(TABLE))
def test_case_and_spaces_do_not_matter(case: Case) -> None:
    assert differences(case, read(f"  {case.query.upper().replace(' ', '  ')} ")) == {}


def test_every_spelling_of_a_model_is_its_model() -> None:
    for brand, models in vocabulary().table["models"].items():
        for model, spellings in models.items():
            for spelling in map(str.strip, spellings.split(",")):
                found = read(f"{brand} {spelling}") if spelling.isdigit() else read(spelling)
                assert found.model is not None, (brand, spelling)
                assert brand in found.brands, (brand, spelling, found.brands)
                exact = model.casefold() in found.model.casefold()
                assert exact or found.model.casefold() in model.casefold(), (spelling, found.model)


@pytest.mark.parametrize("section", ["brands", "colours", "types", "materials", "changes"])
def test_every_spelling_is_found(section: str) -> None:
    for value, spellings in vocabulary().table[section].items():
        for spelling in map(str.strip, spellings.split(",")):
            found = getattr(read(spelling), section)
            assert found, (value, spelling)


def test_ordinary_sentences_name_nothing_of_the_trade() -> None:
    lines = ORDINARY.read_text(encoding="utf-8").splitlines()
    queries = [line for line in lines if line and not line.startswith("#")]
    assert len(queries) >= 20
    fields = ("brands", "model", "colours", "types", "materials", "size", "price_min", "price_max")
    read_as = {query: [n for n in fields if getattr(read(query), n)] for query in queries}
    assert {query: found for query, found in read_as.items() if found} == {}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_russian_words_are_read_in_latin_letters(scheme: str) -> None:
    """Every Russian word of the vocabulary, by a whole scheme: names of the trade are lists, their
    Latin spellings are not."""
    letters = str.maketrans(SCHEMES[scheme])
    right = asked = 0
    for section in ("brands", "colours", "types", "materials", "changes"):
        for spellings in vocabulary().table[section].values():
            for word in map(str.strip, spellings.casefold().split(",")):
                if len(word) < 5 or not all("а" <= char <= "я" or char == "ё" for char in word):
                    continue
                asked += 1
                latin = word.translate(letters)
                right += getattr(read(latin), section) == getattr(read(word), section)
    assert asked > 500
    assert right / asked >= 0.97


def test_ordinary_words_are_nobodys_misspelling() -> None:
    text = "стол окно погода дождь машина телефон window table weather history picture letter"
    reading = read(text)
    assert all(not getattr(reading, name) for name in LISTS), reading
    assert reading.rest == text


def test_a_reading_narrows_what_was_asked_before() -> None:
    base = Filters(brands=("Nike",), size="42", size_system="EU", currency="RUB")
    found = read("чёрные адидас до 8к").filters(base)
    assert found == Filters(
        brands=("adidas",), size="42", size_system="EU", currency="RUB",
        colours=("black",), price_max=Decimal(8000),
    )  # fmt: skip
    assert read("не найк").filters(base) == Filters(
        brands_out=("Nike",), size="42", size_system="EU", currency="RUB"
    )
    assert read("до 50").filters(currency="EUR").currency == "EUR"
    assert read("мужские").filters().genders == ("men", "unisex")


def test_changes_weigh_shape_and_colour() -> None:
    assert read("такой же формы").emphasis == Emphasis(2.0, 0.5)
    assert wish("other_colour").emphasis == Emphasis(1.0, 0.0)
    assert read("белые").emphasis is None
    assert not read("абракадабра").understood
    assert read("белые").understood


def test_layouts_are_each_others_inverse_on_letters() -> None:
    assert other_layout(other_layout("кроссовки")) == "кроссовки"
    assert other_layout(fold("Ghbdtn")) == "привет"
