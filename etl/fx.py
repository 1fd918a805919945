"""Official currency rates: the Bank of Russia's daily XML and the European Central Bank's.

Formats: https://www.cbr.ru/development/SXML/ (``ValCurs``/``Valute``: Nominal units of CharCode
cost Value roubles, decimal comma, windows-1251) and
https://www.ecb.europa.eu/stats/policy_and_exchange_rates/ (``Cube time`` holding ``Cube currency
rate``: units of the currency for one euro).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation

from lxml import etree

from app.db.pool import Database
from app.db.queries import query
from app.errors import BadInput, SolemateError
from app.settings import Settings
from etl.fetch import Fetcher, Limits
from etl.polite import SharedTurns

_LEAST = 5
"""Currencies below which a document is a fragment, not a day's rates."""
_CODE = re.compile(r"[A-Z]{3}")


class BadRates(BadInput):
    """A document that is no whole set of rates."""


@dataclass(frozen=True, slots=True)
class Rates:
    """One source's rates of one day: what one unit of each currency costs in ``base``."""

    source: str
    day: date
    base: str
    rates: dict[str, Decimal]


def parse_cbr(content: bytes) -> Rates:
    """The Bank of Russia's ``XML_daily.asp``; base RUB.

    Raises:
        BadRates: no such document, cut off, or without its date.
    """
    root = _root(content, "ValCurs")
    try:
        day = datetime.strptime(root.get("Date") or "", "%d.%m.%Y").date()  # noqa: DTZ007 - a day
    except ValueError as error:
        raise BadRates(f"the Bank of Russia's rates have no date: {error}") from error
    rates = {"RUB": Decimal(1)}
    for node in root.iter("Valute"):
        code = (node.findtext("CharCode") or "").strip()
        nominal = _number(node.findtext("Nominal"), code)
        rates[_code(code)] = _number(node.findtext("Value"), code) / nominal
    return _whole(Rates("cbr", day, "RUB", rates))


def parse_ecb(content: bytes) -> Rates:
    """The European Central Bank's ``eurofxref-daily.xml``, or the newest day of its history; base
    EUR.

    Raises:
        BadRates: no such document, cut off, or without its date.
    """
    root = _root(content, "Envelope")
    days = [n for n in root.iter("{*}Cube") if n.get("time")]
    try:
        newest = max(days, key=lambda n: n.get("time") or "")
        day = date.fromisoformat(newest.get("time") or "")
    except ValueError as error:
        raise BadRates(f"the ECB's rates have no date: {error}") from error
    rates = {"EUR": Decimal(1)}
    for node in newest:
        code = node.get("currency") or ""
        rates[_code(code)] = 1 / _number(node.get("rate"), code)
    return _whole(Rates("ecb", day, "EUR", rates))


PARSERS = {"cbr": parse_cbr, "ecb": parse_ecb}


def refresh_rates(
    db: Database, settings: Settings, limits: Limits | None = None
) -> dict[str, Rates | SolemateError]:
    """Read each configured source and store its rates; an error is that source's result.

    Raises:
        BadInput: a source is configured that we do not read.
    """
    unknown = sorted(set(settings.fx_sources) - set(PARSERS))
    if unknown:
        raise BadInput(f"unknown source of rates {unknown[0]!r}; known: {', '.join(PARSERS)}")
    results: dict[str, Rates | SolemateError] = {}
    with Fetcher(settings, limits or Limits(max_bytes=5_000_000), turns=SharedTurns(db)) as fetcher:
        for name, url in settings.fx_sources.items():
            try:
                found = PARSERS[name](fetcher.fetch(url).content)
                store(db, found)
                results[name] = found
            except SolemateError as error:
                results[name] = error
    return results


def store(db: Database, found: Rates) -> None:
    """Write a day's rates; the same again changes nothing."""
    rows = [{"currency": code, "rate": f"{rate:.12f}"} for code, rate in found.rates.items()]
    with db.connection() as conn:
        query("fx_put_rates").execute(
            conn,
            {
                "source": found.source,
                "day": found.day,
                "base": found.base,
                "rows": json.dumps(rows),
            },
        )


def _root(content: bytes, name: str) -> etree._Element:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        root = etree.fromstring(content, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise BadRates(f"the rates are no whole XML document: {error}") from error
    if etree.QName(root).localname != name:
        raise BadRates(f"a document of {etree.QName(root).localname!r} is no {name!r}")
    return root


def _code(code: str) -> str:
    if not _CODE.fullmatch(code):
        raise BadRates(f"{code!r} is no currency code")
    return code


def _number(text: str | None, code: str) -> Decimal:
    try:
        value = Decimal((text or "").strip().replace(",", "."))
    except InvalidOperation:
        raise BadRates(f"the rate of {code} is {text!r}") from None
    if not value.is_finite() or value <= 0:
        raise BadRates(f"the rate of {code} is {text!r}")
    return value


def _whole(found: Rates) -> Rates:
    if len(found.rates) <= _LEAST:
        raise BadRates(f"only {len(found.rates) - 1} rates: a fragment")
    return found
