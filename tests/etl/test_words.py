"""Prices, currencies, sizes, brands, genders, colours, style codes; text decoding."""
# ruff: noqa: E501 - pages, tables and statements read better in one line

from __future__ import annotations

from decimal import Decimal

import pytest

from etl import normalise
from etl.money import amount, currency_code, currency_in, stated_amount
from etl.sizes import parse_size, settle_systems, sizes_from_skus
from etl.text import absolute, clean, decode


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("129.90", "129.90"), ("1 299,00 €", "1299.00"), ("1.299,00", "1299.00"),
        ("$1,299.50", "1299.50"), ("12 990 ₽", "12990"), ("12\u00a0990 руб.", "12990"),
        ("CHF 1'299.-", "1299"), ("49,- Kč", "49"), ("Rp 31.500", "31500"), ("1,990 Ft", "1990"),
        (".75 €", "0.75"), ("from 89.00 to 99.00", "89.00"), ("-20% 79,99 €", "79.99"),
        ("119. 95", "119.95"), ("59,90 € 79,90 €", "59.90"), ("KD 4.250", "4250"),
        ("", None), ("price on request", None), ("0.00", None), ("{{ price }}", None),
        ("${product.price}", None), ("100% leather", None),
    ],
)  # fmt: skip
def test_amounts_as_people_write_them(text: str, expected: str | None) -> None:
    assert amount(text) == (Decimal(expected) if expected else None)


@pytest.mark.parametrize(
    ("value", "currency", "expected"),
    [
        (129.9, "EUR", "129.9"), (2190, "ARS", "2190"), ("49.5", "USD", "49.5"),
        ("3.499", "ARS", "3499"), ("1.299", "EUR", "1299"), ("4.250", "KWD", "4.250"),
        ("71.910401", "EUR", "71.91"), ("From19.99", "GBP", "19.99"), ("", None, None),
        ("{{price}}", "EUR", None), (True, "EUR", None), (None, None, None), (-5, "EUR", None),
    ],
)  # fmt: skip
def test_machine_readable_amounts(
    value: object, currency: str | None, expected: str | None
) -> None:
    assert stated_amount(value, currency) == (Decimal(expected) if expected else None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("EUR", "EUR"), ("rur", "RUB"), ("€", "EUR"), ("руб.", "RUB"), ("TL", "TRY"), ("тг.", "KZT"),
        ("US $", "USD"), ("http://schema.org/GBP", "GBP"), ("$", None), ("kr", None), ("Rs", None),
        ("XYZ", None), ("", None), ("{{currency}}", None),
    ],
)  # fmt: skip
def test_currencies_are_stated_or_none(text: str, expected: str | None) -> None:
    assert currency_code(text) == expected


def test_a_text_with_two_currencies_has_none() -> None:
    assert currency_in("10 € (11 USD)") is None
    assert currency_in("118 TL") == "TRY"


@pytest.mark.parametrize(
    ("label", "system", "expected"),
    [
        ("EU 42.5", None, ("EU", "42.5")), ("42,5", None, ("EU", "42.5")), ("US 9", None, ("US", "9")),
        ("9.5", "UK", ("UK", "9.5")), ("9", None, (None, "9")), ("42 2/3", None, ("EU", "42 2/3")),
        ("5Y", None, ("US", "5Y")), ("26.5 cm", None, ("CM", "26.5")), ("36 RU", None, ("RU", "36")),
        ("XL", None, (None, "XL")), ("M 9", None, (None, "9")), ("Размер: 41", None, ("EU", "41")),
    ],
)  # fmt: skip
def test_size_labels(label: str, system: str | None, expected: tuple[str | None, str]) -> None:
    size = parse_size(label, system)
    assert size is not None
    assert (size.system, size.label) == expected


def test_neighbours_settle_a_size_system() -> None:
    found = settle_systems([s for n in ("31", "33", "38") if (s := parse_size(n))])
    assert [(s.system, s.label) for s in found] == [("EU", "31"), ("EU", "33"), ("EU", "38")]


@pytest.mark.parametrize(
    ("skus", "base", "expected"),
    [
        (["AB1-X0036000", "AB1-X0037000"], "AB1-X", ["36", "37"]),
        (["Q9-0060000", "Q9-0065000", "Q9-0120000"], "Q9-", ["6", "6.5", "12"]),
        (["Q9-0400000", "Q9-0415000"], "Q9-", ["40", "41.5"]),
        (["DD1391-100-42", "DD1391-100-42.5"], None, ["42", "42.5"]),
        (["SKU_S", "SKU_XL"], None, ["S", "XL"]),
        (["100001", "100002"], None, []),
        (["RED-1000", "BLUE-1000"], None, []),
    ],
)
def test_sizes_in_sku_tails(skus: list[str], base: str | None, expected: list[str]) -> None:
    assert list(sizes_from_skus(skus, base).values()) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("найк", "Nike"), ("АДИДАС", "adidas"), ("Adidas Originals", "adidas"), ("Конверс", "Converse"),
        ("нью баланс", "New Balance"), ("NEW BALANCE", "New Balance"), ("Norrvale", "Norrvale"),
        ("  ", None), (None, None),
    ],
)  # fmt: skip
def test_brands(name: str | None, expected: str | None) -> None:
    assert normalise.brand(name) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Men's", "men"), ("mens", "men"), ("hombre", "men"), ("Women", "women"), ("mujer", "women"),
        ("женские кроссовки", "women"), ("ninos", "kids"), ("Boys' Grade School", "kids"),
        ("baby toddler", "kids"), ("Men Women", "unisex"), ("Unisex", "unisex"), ("M", "men"),
        ("Shoe size M", None), ("All products", None), ("", None), (None, None),
    ],
)  # fmt: skip
def test_genders(text: str | None, expected: str | None) -> None:
    assert normalise.gender(text) == expected


def test_colours_and_style_codes() -> None:
    assert normalise.colours("Core Black / белые / Volt") == ("black", "white", "yellow")
    assert normalise.colours("Panda") == ()
    assert normalise.style_code("Nike Dunk Low DD1391-100 white") == "DD1391-100"
    assert normalise.style_code("adidas Samba ib7746") == "IB7746"
    assert normalise.style_code("DD1391-100 or CW2288-111") is None
    assert normalise.style_code("Air Max 90") is None


def test_bytes_become_text_whatever_the_header_says() -> None:
    assert decode("Кроссовки".encode(), "text/html; charset=iso-8859-1") == "Кроссовки"
    assert decode("Кроссовки".encode("cp1251"), "text/html; charset=windows-1251") == "Кроссовки"
    page = '<meta charset="windows-1251">Обувь'.encode("cp1251")
    assert decode(page).endswith("Обувь")
    assert decode(b"\xef\xbb\xbfabc") == "abc"
    assert decode("Größe".encode("latin-1")) == "Größe"


def test_text_is_cleaned() -> None:
    assert clean(" Jack &amp;amp; Jones <b>x</b>\u00a0 y\x07 ") == "Jack & Jones x y"
    assert clean("{{ title }}") is None
    assert clean("  ") is None


def test_links_become_absolute() -> None:
    base = "https://shop.example/a/b"
    assert absolute(base, "//cdn.example/x.jpg") == "https://cdn.example/x.jpg"
    assert absolute(base, "../c d.jpg#top") == "https://shop.example/c%20d.jpg"
    assert absolute(base, "https:/shop.example/x") == "https://shop.example/x"
    assert absolute(base, "javascript:void(0)") is None
    assert absolute(base, "http://[bad") is None
