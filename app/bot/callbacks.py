"""What a button carries: a codec between typed actions and Telegram's 64 bytes.

The text is ``<version><kind>[:<field>...]`` with numbers in base 36, ASCII only, so its length in
bytes is its length. Buttons live as long as the chat: a text of another version, or one that does
not read, is :class:`OutdatedButton` and never an accident. Change the meaning of a field and the
version must change with it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, TypeAlias

from app.i18n import Language, known_language

VERSION: Final = "1"
MAX_BYTES: Final = 64
_DIGITS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"
_NUMBER: Final = re.compile(r"[0-9a-z]{1,13}")
_LARGEST: Final = 2**63 - 1


class OutdatedButton(ValueError):
    """Callback data of another version, or none of ours."""


@dataclass(frozen=True, slots=True)
class Place:
    """A page, from 0, of a stored search."""

    search_id: int
    page: int


@dataclass(frozen=True, slots=True)
class ShowPage:
    """Show ``place``; ``origin``: where "more like this" was pressed, None for a photo."""

    place: Place
    origin: Place | None = None


@dataclass(frozen=True, slots=True)
class MoreLike:
    """Search by the catalogue image that was number ``number`` of the results at ``origin``."""

    image_id: int
    number: int
    origin: Place | None = None


@dataclass(frozen=True, slots=True)
class ChooseLanguage:
    """Speak ``language`` from now on."""

    language: Language


Action: TypeAlias = ShowPage | MoreLike | ChooseLanguage


def encode(action: Action) -> str:
    """The text a button carries for ``action``; at most 64 bytes."""
    match action:
        case ShowPage(place, origin):
            return _pack("p", place.search_id, place.page, *_numbers(origin))
        case MoreLike(image_id, number, origin):
            return _pack("m", image_id, number, *_numbers(origin))
        case ChooseLanguage(language):
            return f"{VERSION}l:{language}"


def decode(data: str) -> Action:
    """The action behind a button's text; :class:`OutdatedButton` when there is none."""
    head, *fields = data.split(":")
    match head, fields:
        case ("1l", [code]):
            language = known_language(code)
            if language is not None:
                return ChooseLanguage(language)
        case ("1p", [search_id, page, *rest]):
            place = Place(_read(search_id), _read(page))
            return ShowPage(place, _origin(rest))
        case ("1m", [image_id, number, *rest]):
            return MoreLike(_read(image_id), _read(number), _origin(rest))
    raise OutdatedButton(data[:MAX_BYTES])


def _numbers(origin: Place | None) -> tuple[int, ...]:
    return (origin.search_id, origin.page) if origin else ()


def _origin(fields: list[str]) -> Place | None:
    match fields:
        case []:
            return None
        case [search_id, page]:
            return Place(_read(search_id), _read(page))
    raise OutdatedButton(":".join(fields))


def _pack(kind: str, *numbers: int) -> str:
    data = ":".join((VERSION + kind, *(_write(number) for number in numbers)))
    if len(data) > MAX_BYTES:
        raise ValueError(f"{data}: more than {MAX_BYTES} bytes")
    return data


def _write(number: int) -> str:
    if not 0 <= number <= _LARGEST:
        raise ValueError(f"{number}: not a non-negative 64-bit number")
    digits = ""
    while True:
        number, rest = divmod(number, 36)
        digits = _DIGITS[rest] + digits
        if not number:
            return digits


def _read(text: str) -> int:
    if not _NUMBER.fullmatch(text) or (text[0] == "0" and text != "0"):
        raise OutdatedButton(text)
    number = int(text, 36)
    if number > _LARGEST:
        raise OutdatedButton(text)
    return number
