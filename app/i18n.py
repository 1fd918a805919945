"""Messages, plurals, prices and times in Russian and English.

Each language is one TOML file under ``app/locales``: a message is a string with named
``{placeholders}``, or a table of strings by CLDR plural category chosen by the placeholder
``count``. Plain files rather than compiled gettext catalogues: a fresh clone has nothing to build,
and a missing key is an error in both languages instead of a silent fall back to the source text.
"""

from __future__ import annotations

import html
import tomllib
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Final, Literal, TypeAlias

from babel import Locale
from babel.dates import format_date
from babel.numbers import format_currency, format_decimal, get_currency_symbol

Language: TypeAlias = Literal["ru", "en"]
LANGUAGES: Final[tuple[Language, ...]] = ("ru", "en")
Message: TypeAlias = str | Mapping[str, str]

_LOCALES: Final = Path(__file__).resolve().parent / "locales"
_PLURAL_CATEGORIES: Final = frozenset({"zero", "one", "two", "few", "many", "other"})
# Client languages whose speakers mostly read Russian better than English.
_READS_RUSSIAN: Final = frozenset({"ru", "be", "kk", "ky", "tg", "tt", "ba"})


class Html(str):
    """Text that is markup already and is put into a message unescaped."""

    __slots__ = ()


def language_of(code: str | None) -> Language:
    """The language to speak with a client whose IETF tag is ``code`` (``ru-RU``, ``pt-br``)."""
    primary = (code or "").replace("_", "-").split("-")[0].lower()
    return "ru" if primary in _READS_RUSSIAN else "en"


def known_language(code: str | None) -> Language | None:
    """``code`` when it is one of ours, else None."""
    return code if code in LANGUAGES else None


def load_messages(language: Language) -> dict[str, Message]:
    """The messages of a language by dotted key."""
    with (_LOCALES / language / "messages.toml").open("rb") as file:
        tree = tomllib.load(file)
    found: dict[str, Message] = {}
    _flatten(tree, "", found)
    return found


def _flatten(tree: Mapping[str, object], prefix: str, found: dict[str, Message]) -> None:
    for name, value in tree.items():
        key = f"{prefix}{name}"
        if isinstance(value, str):
            found[key] = value
        elif isinstance(value, dict):
            if value.keys() <= _PLURAL_CATEGORIES:
                found[key] = {category: str(form) for category, form in value.items()}
            else:
                _flatten(value, f"{key}.", found)
        else:
            raise TypeError(f"{key}: a message is a string, not {type(value).__name__}")


class Catalogue:
    """One language: its messages and its ways to write numbers, prices and times."""

    def __init__(self, language: Language) -> None:
        self.language: Final = language
        self.locale: Final = Locale.parse(language)
        self.messages: Final = load_messages(language)

    def text(self, key: str, /, **values: object) -> str:
        """The message with ``values`` put in as they are: for buttons and plain answers."""
        return self._form(key, values).format(**self._shown(values))

    def html(self, key: str, /, **values: object) -> Html:
        """The message as Telegram HTML; values are escaped unless they are :class:`Html`."""
        shown = {
            name: value if isinstance(value, Html) else html.escape(str(value))
            for name, value in self._shown(values).items()
        }
        return Html(self._form(key, values).format(**shown))

    def _form(self, key: str, values: Mapping[str, object]) -> str:
        message = self.messages[key]
        if isinstance(message, str):
            return message
        count = values["count"]
        if not isinstance(count, int | float | Decimal):
            raise TypeError(f"{key}: count must be a number")
        return message.get(self.locale.plural_form(count), message["other"])

    def _shown(self, values: Mapping[str, object]) -> dict[str, object]:
        return {
            name: self.number(value)
            if isinstance(value, int | Decimal) and not isinstance(value, bool)
            else value
            for name, value in values.items()
        }

    def number(self, value: int | Decimal) -> str:
        """A number with the language's separators."""
        return format_decimal(value, locale=self.locale)

    def price(self, amount: Decimal, currency: str | None) -> str:
        """A price as people write it: no kopecks when there are none, ``8 990 ₽``, ``$120``."""
        whole = amount == amount.to_integral_value()
        if currency is None:
            return format_decimal(amount, "#,##0" if whole else "#,##0.00", locale=self.locale)
        pattern = "#,##0" if whole else "#,##0.00"
        symbol_first = self.locale.currency_formats["standard"].pattern.startswith("¤")
        if not symbol_first:
            pattern += "\N{NO-BREAK SPACE}¤"
        elif get_currency_symbol(currency, locale=self.locale) == currency:
            # Letters glued to digits read badly: "RUB 8,990", not "RUB8,990".
            pattern = "¤\N{NO-BREAK SPACE}" + pattern
        else:
            pattern = "¤" + pattern
        return format_currency(amount, currency, pattern, locale=self.locale, currency_digits=False)

    def ago(self, then: datetime, now: datetime | None = None) -> str:
        """How long ago, coarsely: ``2 h ago``; beyond a month the date."""
        past = (now or datetime.now(UTC)) - then
        if past < timedelta(minutes=1):
            return self.text("ago.now")
        if past < timedelta(hours=1):
            return self.text("ago.minutes", count=past // timedelta(minutes=1))
        if past < timedelta(days=1):
            return self.text("ago.hours", count=past // timedelta(hours=1))
        if past < timedelta(days=31):
            return self.text("ago.days", count=past.days)
        return self.day(then)

    def day(self, when: date) -> str:
        """A date, short: ``Nov 21, 2025``."""
        return format_date(when, format="medium", locale=self.locale)


@cache
def catalogue(language: Language) -> Catalogue:
    """The catalogue of a language, read once."""
    return Catalogue(language)
