"""What a button carries: a codec between typed actions and Telegram's 64 bytes.

The text is ``<version><kind>[:<field>...]`` with numbers in base 36, ASCII only, so its length in
bytes is its length. Buttons live as long as the chat: a text of another version, or one that does
not read, is :class:`OutdatedButton` and never an accident. Change the meaning of a field and the
version must change with it; a flow with buttons of its own registers them with :func:`button` under
a kind that was never used before.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, fields
from types import NoneType
from typing import Any, Final, Literal, TypeVar, get_args, get_origin, get_type_hints

from app.i18n import Language

VERSION: Final = "1"
MAX_BYTES: Final = 64
_DIGITS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"
_NUMBER: Final = re.compile(r"[0-9a-z]{1,13}")
_WORD: Final = re.compile(r"[A-Za-z0-9.,_-]{0,24}")
_KIND: Final = re.compile(r"[a-z]{1,3}")
_LARGEST: Final = 2**63 - 1


class OutdatedButton(ValueError):
    """Callback data of another version, or none of ours."""


class Action:
    """What a button does; its subclasses are frozen dataclasses registered by :func:`button`."""

    __slots__ = ()


A = TypeVar("A", bound=type[Action])


@dataclass(frozen=True, slots=True)
class _Field:
    """How one field is written: as how many texts, and there and back."""

    width: int
    optional: bool
    write: Callable[[Any], list[str]]
    read: Callable[[list[str]], Any]


_KINDS: Final[dict[str, type[Action]]] = {}
_FIELDS: Final[dict[type[Action], tuple[str, list[_Field]]]] = {}


def button(kind: str) -> Callable[[A], A]:
    """Registers a frozen dataclass as the action of buttons of ``kind``, one to three letters.

    Its fields may be ``int`` (0 to 2**63-1), ``bool``, ``str`` (ASCII letters, digits, ``.,_-``),
    a ``Literal`` of such strings, :class:`Place`, and, at the end, ``Place | None``.
    """

    def register(made: A) -> A:
        if not _KIND.fullmatch(kind) or kind in _KINDS:
            raise ValueError(f"{kind!r} is no kind, or is taken")
        hints = get_type_hints(made)
        codecs = [_field(hints[item.name]) for item in fields(made)]  # type: ignore[arg-type]
        if any(codec.optional for codec in codecs[:-1]):
            raise TypeError("only the last field may be absent")
        _KINDS[kind] = made
        _FIELDS[made] = (kind, codecs)
        return made

    return register


@dataclass(frozen=True, slots=True)
class Place:
    """A page, from 0, of a stored search."""

    search_id: int
    page: int


def encode(action: Action) -> str:
    """The text a button carries for ``action``; at most 64 bytes."""
    kind, codecs = _FIELDS[type(action)]
    parts = [VERSION + kind]
    for item, codec in zip(fields(action), codecs, strict=True):  # type: ignore[arg-type]
        parts += codec.write(getattr(action, item.name))
    data = ":".join(parts)
    if len(data) > MAX_BYTES:
        raise ValueError(f"{data}: more than {MAX_BYTES} bytes")
    return data


def decode(data: str) -> Action:
    """The action behind a button's text; :class:`OutdatedButton` when there is none."""
    head, *texts = data.split(":")
    made = _KINDS.get(head[1:]) if head[:1] == VERSION else None
    if made is None:
        raise OutdatedButton(data[:MAX_BYTES])
    values = []
    for codec in _FIELDS[made][1]:
        taken, texts = texts[: codec.width], texts[codec.width :]
        if len(taken) < codec.width and not (codec.optional and not taken):
            raise OutdatedButton(data[:MAX_BYTES])
        values.append(codec.read(taken))
    if texts:
        raise OutdatedButton(data[:MAX_BYTES])
    return made(*values)


def _field(hint: Any) -> _Field:
    if get_origin(hint) is Literal:
        allowed = get_args(hint)
        return _Field(1, False, lambda value: [_allowed(value, allowed)],
                      lambda texts: _known(texts[0], allowed))  # fmt: skip
    if hint is int:
        return _Field(1, False, lambda value: [_write(value)], lambda texts: _read(texts[0]))
    if hint is bool:
        return _Field(1, False, lambda value: ["1" if value else "0"],
                      lambda texts: _known(texts[0], ("0", "1")) == "1")  # fmt: skip
    if hint is str:
        return _Field(1, False, lambda value: [_word(value, ValueError)],
                      lambda texts: _word(texts[0], OutdatedButton))  # fmt: skip
    if hint is Place:
        return _Field(2, False, _write_place, _read_place)
    if set(get_args(hint)) == {Place, NoneType}:
        return _Field(2, True, lambda value: _write_place(value) if value else [],
                      lambda texts: _read_place(texts) if texts else None)  # fmt: skip
    raise TypeError(f"a button cannot carry {hint}")


def _write_place(place: Place) -> list[str]:
    return [_write(place.search_id), _write(place.page)]


def _read_place(texts: list[str]) -> Place:
    return Place(_read(texts[0]), _read(texts[1]))


def _word(text: str, error: type[ValueError]) -> str:
    if not _WORD.fullmatch(text):
        raise error(f"{text[:MAX_BYTES]!r}: not a short ASCII word")
    return text


def _allowed(text: str, allowed: tuple[str, ...]) -> str:
    if text not in allowed:
        raise ValueError(f"{text!r}: not one of {allowed}")
    return text


def _known(text: str, allowed: tuple[str, ...]) -> str:
    if text not in allowed:
        raise OutdatedButton(text[:MAX_BYTES])
    return text


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
        raise OutdatedButton(text[:MAX_BYTES])
    number = int(text, 36)
    if number > _LARGEST:
        raise OutdatedButton(text[:MAX_BYTES])
    return number


@button("p")
@dataclass(frozen=True)
class ShowPage(Action):
    """Show ``place``; ``origin``: where "more like this" was pressed, None for a photo."""

    place: Place
    origin: Place | None = None


@button("m")
@dataclass(frozen=True)
class MoreLike(Action):
    """Search by the catalogue image that was number ``number`` of the results at ``origin``."""

    image_id: int
    number: int
    origin: Place | None = None


@button("l")
@dataclass(frozen=True)
class ChooseLanguage(Action):
    """Speak ``language`` from now on."""

    language: Language
