"""Prices and currencies as shops write them.

Amounts are ``Decimal`` in major units. A currency is reported only where it is stated without
doubt: ``€`` is EUR, but ``$``, ``kr``, ``Rs``, ``元`` and ``¥`` belong to several countries and
give None.
"""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from functools import lru_cache

from babel.core import get_global
from babel.numbers import get_currency_precision

from etl.text import is_template

_SYMBOLS = {
    "€": "EUR",
    "£": "GBP",
    "₽": "RUB",
    "₹": "INR",
    "₺": "TRY",
    "₸": "KZT",
    "₴": "UAH",
    "₪": "ILS",
    "₩": "KRW",
    "₫": "VND",
    "฿": "THB",
    "₱": "PHP",
    "₦": "NGN",
    "₾": "GEL",
    "֏": "AMD",
    "₼": "AZN",
    "zł": "PLN",
    "zl": "PLN",
    "kč": "CZK",
    "ft": "HUF",
    "lei": "RON",
    "лв": "BGN",
    "лв.": "BGN",
    "грн": "UAH",
    "грн.": "UAH",
    "тг": "KZT",
    "тг.": "KZT",
    "тенге": "KZT",
    "руб": "RUB",
    "руб.": "RUB",
    "рублей": "RUB",
    "рубля": "RUB",
    "р.": "RUB",
    "сум": "UZS",
    "so'm": "UZS",
    "tl": "TRY",
    "euro": "EUR",
    "euros": "EUR",
    "eur": "EUR",
    "us$": "USD",
    "u$s": "USD",
    "us $": "USD",
    "a$": "AUD",
    "au$": "AUD",
    "au $": "AUD",
    "c$": "CAD",
    "ca$": "CAD",
    "c $": "CAD",
    "nz$": "NZD",
    "hk$": "HKD",
    "s$": "SGD",
    "nt$": "TWD",
    "mx$": "MXN",
    "r$": "BRL",
    "s/": "PEN",
    "s/.": "PEN",
    "rp": "IDR",
    "rm": "MYR",
    "fr.": "CHF",
    "sfr.": "CHF",
    "kn": "HRK",
    "бел. руб.": "BYN",
    "br": "BYN",
    "円": "JPY",
    "원": "KRW",
}
_ALIASES = {"RUR": "RUB", "EURO": "EUR", "TL": "TRY", "YTL": "TRY", "BYR": "BYN", "LEI": "RON"}
"""Codes shops still send in place of the ISO 4217 one; RUR was replaced by RUB in 1998."""

_THOUSANDS = frozenset(
    [
        "CLP",
        "COP",
        "ARS",
        "IDR",
        "VND",
        "KRW",
        "JPY",
        "HUF",
        "PKR",
        "PYG",
        "ISK",
        "RUB",
        "KZT",
        "UZS",
        "LKR",
        "INR",
        "CRC",
        "NGN",
        "PHP",
        "TWD",
        "UAH",
    ]
)
"""Currencies with large numbers, where three digits after a point are thousands."""

_NUMBER = re.compile(r"\d[\d  \u00a0\u202f\u2009.,'’٬]*\d|\d|[.,]\d+")
_PLAIN = re.compile(r"^[+]?\d+(?:\.\d+)?$")
_CURRENCY_AFTER = re.compile(
    r"(?<![^\W\d_])(eur|euros?|usd|gbp|rub|rur|руб(?:лей|ля)?\.?|р\.|тг\.?|тенге|грн\.?|лв\.?|"
    r"zł|kč|ft|"
    r"lei|ron|tl|try|kzt|pln|czk|sek|nok|dkk|chf|huf|uah|byn|aud|cad|nzd|inr|jpy|cny|brl|kn|"
    r"us\s?\$|u\$s|au?\s?\$|ca?\s?\$|nz\$|hk\$|s\$|nt\$|mx\$|r\$|s/\.?|rp|rm)(?![^\W\d_])"
    r"|[€£₽₹₺₸₴₪₩₫฿₱₦₾֏₼円원]",
    re.IGNORECASE,
)
CURRENCY_SIGN = re.compile(
    _CURRENCY_AFTER.pattern + r"|[$¥元]|(?<![^\W\d_])(?:kr|rs|lei)\.?(?![^\W\d_])", re.IGNORECASE
)
"""A sign or word of money, also the ambiguous ones."""


@lru_cache(maxsize=1)
def _codes() -> frozenset[str]:
    return frozenset(get_global("all_currencies"))


def currency_code(value: object) -> str | None:
    """ISO 4217 code of a stated currency (code, symbol or word); None when unclear or unknown."""
    if not isinstance(value, str):
        return None
    text = value.strip()
    if not text or is_template(text):
        return None
    upper = text.upper()
    if upper in _ALIASES:
        return _ALIASES[upper]
    if len(upper) == 3 and upper in _codes():
        return upper
    symbol = _SYMBOLS.get(text.casefold())
    if symbol:
        return symbol
    tail = re.split(r"[/:#]", text)[-1].strip().upper()  # "https://schema.org/EUR", "iso4217:EUR"
    return tail if tail != upper and len(tail) == 3 and tail in _codes() else None


def currency_in(text: str | None) -> str | None:
    """The one unambiguous currency a price text names; None with none or with several."""
    if not text:
        return None
    found = {
        code
        for match in _CURRENCY_AFTER.finditer(text)
        if (code := currency_code(re.sub(r"\s", "", match.group(0))))
    }
    return found.pop() if len(found) == 1 else None


def stated_amount(value: object, currency: str | None = None) -> Decimal | None:
    """Amount of a machine-readable field (JSON number, ``content`` attribute).

    A point is the decimal separator there, except that three digits after it are thousands where
    the currency has no thousandths ("3.499" ARS). Zero, negative and template values give None.
    """
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float | Decimal):
        try:
            return _positive(Decimal(str(value)))
        except InvalidOperation:
            return None
    if not isinstance(value, str):
        return None
    text = value.strip()
    if _PLAIN.match(text):
        whole, _, fraction = text.partition(".")
        grouped = len(fraction) == 3 and 1 <= len(whole) <= 3 and not whole.startswith("0")
        if grouped and (
            currency in _THOUSANDS or (currency and get_currency_precision(currency) == 2)
        ):
            return _positive(Decimal(whole + fraction))
        return _positive(Decimal(text))
    return amount(text, currency)


def amount(text: str | None, currency: str | None = None) -> Decimal | None:
    """First amount in a price text as people write it; None without one.

    Raises nothing: what cannot be read is None. ``"2 285,81 грн."`` is 2285.81, ``"9.990,00 €"``
    is 9990, ``"Rp 31.500"`` is 31500, ``".75 €"`` is 0.75.
    """
    if not text or is_template(text):
        return None
    match = _NUMBER.search(text)
    if match is None:
        return None
    if text[match.end() :].lstrip()[:1] == "%":
        return amount(text[match.end() :].lstrip()[1:], currency)
    return _positive(_number(match.group(0), currency or currency_in(text)))


def amounts(text: str) -> list[Decimal]:
    """Every amount in a text, in order of writing; numbers before a percent sign are left out."""
    return [
        value
        for match in _NUMBER.finditer(text)
        if text[match.end() :].lstrip()[:1] != "%"
        and (value := _positive(_number(match.group(0), None)))
    ]


def _number(text: str, currency: str | None) -> Decimal | None:
    spaces = re.split(r"[\s\u00a0\u202f\u2009]+", text.strip())
    joined = spaces[0]
    for part in spaces[1:]:  # "1 298,00" is one number, "3,49 1,75" are two, "119. 95" is one
        if (
            re.match(r"^\d{3}(?:[.,]\d{1,2})?$", part) and not re.search(r"[.,]\d{1,2}$", joined)
        ) or (joined.endswith((".", ",")) and re.match(r"^\d{2}$", part)):
            joined += part
        else:
            break
    digits = (
        re.sub(r"['’٬]", "", joined).strip(".,")
        if not joined.startswith((".", ","))
        else "0" + joined
    )
    points, commas = digits.count("."), digits.count(",")
    if points and commas:
        decimal_sign = "." if digits.rfind(".") > digits.rfind(",") else ","
        other = "," if decimal_sign == "." else "."
        digits = digits.replace(other, "")
        if digits.count(decimal_sign) > 1:
            digits = digits.replace(decimal_sign, "")
        digits = digits.replace(decimal_sign, ".")
    elif points or commas:
        sign = "." if points else ","
        head, _, tail = digits.rpartition(sign)
        thousandths = currency is not None and get_currency_precision(currency) == 3
        if digits.count(sign) > 1 or (
            len(tail) == 3 and head != "0" and len(head) <= 3 and not thousandths
        ):
            digits = digits.replace(sign, "")
        else:
            digits = digits.replace(sign, ".")
    try:
        return Decimal(digits)
    except InvalidOperation:
        return None


def _positive(value: Decimal | None) -> Decimal | None:
    if value is None or not value.is_finite() or value <= 0 or value >= 10**10:
        return None
    if -int(value.as_tuple().exponent) > 3:  # 71.910401: the shop's own tax arithmetic
        return value.quantize(Decimal("0.01"))
    return value
