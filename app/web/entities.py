"""Telegram's HTML: text with markup to plain text and entities.

Strict where Telegram is strict: an unknown tag, a tag that is not closed or closed out of turn is
an error. Offsets and lengths are in UTF-16 code units, as in the Bot API.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html import unescape
from typing import Any, Final

from app.web.failure import ApiFailure, bad_request

Entity = dict[str, Any]

_TYPES: Final = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "underline",
    "ins": "underline",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "tg-spoiler": "spoiler",
    "span": "spoiler",
    "code": "code",
    "pre": "pre",
    "blockquote": "blockquote",
    "a": "text_link",
}
_TOKEN: Final = re.compile(r"<(?P<tag>[^>]*)>|(?P<open><)|&(?P<entity>#?[0-9A-Za-z]{1,10});")
_TAG: Final = re.compile(r"(?P<end>/?)\s*(?P<name>[A-Za-z-]*)\s*(?P<rest>.*)", re.DOTALL)
_ATTRIBUTE: Final = re.compile(r"""([a-z-]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+)))?""")
_NAMED: Final = frozenset({"lt", "gt", "amp", "quot"})
_SCHEMES: Final = ("http://", "https://", "tg://", "mailto:", "tel:")


def utf16_length(text: str) -> int:
    """Length in UTF-16 code units."""
    return len(text.encode("utf-16-le")) // 2


@dataclass(slots=True)
class _Open:
    name: str
    offset: int
    attributes: dict[str, str]


@dataclass(slots=True)
class _Reader:
    text: str = ""
    offset: int = 0
    stack: list[_Open] = field(default_factory=list)
    entities: list[Entity] = field(default_factory=list)

    def write(self, piece: str) -> None:
        self.text += piece
        self.offset += utf16_length(piece)


def parse_html(source: str) -> tuple[str, list[Entity]]:
    """Plain text and entities of Telegram HTML, trimmed as Telegram trims it.

    Raises:
        ApiFailure: 400 "can't parse entities", with Telegram's reason.
    """
    reader = _Reader()
    at = 0
    for token in _TOKEN.finditer(source):
        reader.write(source[at : token.start()])
        at = token.end()
        place = len(source[: token.start()].encode())
        if token["open"]:
            raise _cannot(f"Unclosed start tag at byte offset {place}")
        if token["entity"] is not None:
            reader.write(_character(token[0], token["entity"]))
        else:
            _tag(reader, token["tag"], place)
    reader.write(source[at:])
    if reader.stack:
        raise _cannot(f'Can\'t find end tag corresponding to start tag "{reader.stack[-1].name}"')
    return trim(reader.text, reader.entities)


def trim(text: str, entities: list[Entity]) -> tuple[str, list[Entity]]:
    """Text without white space around it, entities moved along."""
    shift = utf16_length(text) - utf16_length(text.lstrip())
    text = text.strip()
    end = utf16_length(text)
    kept = []
    for entity in entities:
        start = max(0, entity["offset"] - shift)
        stop = min(end, entity["offset"] - shift + entity["length"])
        if stop > start:
            kept.append({**entity, "offset": start, "length": stop - start})
    return text, sorted(kept, key=lambda entity: (entity["offset"], -entity["length"]))


def _character(whole: str, name: str) -> str:
    return unescape(whole) if name in _NAMED or name.startswith("#") else whole


def _tag(reader: _Reader, content: str, place: int) -> None:
    parts = _TAG.fullmatch(content)
    name = parts["name"].lower() if parts else ""
    if parts is None or not name:
        raise _cannot(f'Unsupported start tag "{content.split(" ")[0]}" at byte offset {place}')
    if parts["end"]:
        _close(reader, name, place)
        return
    attributes = {
        found[1]: unescape(next((value for value in found.groups()[1:] if value), ""))
        for found in _ATTRIBUTE.finditer(parts["rest"])
    }
    spoiler = name != "span" or attributes.get("class") == "tg-spoiler"
    if name not in _TYPES or not spoiler:
        raise _cannot(f'Unsupported start tag "{name}" at byte offset {place}')
    reader.stack.append(_Open(name, reader.offset, attributes))


def _close(reader: _Reader, name: str, place: int) -> None:
    if not reader.stack:
        raise _cannot(f"Unexpected end tag at byte offset {place}")
    opened = reader.stack.pop()
    if opened.name != name:
        raise _cannot(
            f'Unmatched end tag at byte offset {place}, expected "</{opened.name}>",'
            f' found "</{name}>"'
        )
    length = reader.offset - opened.offset
    if not length:
        return
    entity: Entity = {"type": _TYPES[name], "offset": opened.offset, "length": length}
    if name == "blockquote" and "expandable" in opened.attributes:
        entity["type"] = "expandable_blockquote"
    if name == "a":
        url = opened.attributes.get("href", "")
        if not url.startswith(_SCHEMES):
            return  # Telegram keeps the words and drops the link
        entity["url"] = url
    reader.entities.append(entity)


def _cannot(reason: str) -> ApiFailure:
    return bad_request(f"can't parse entities: {reason}")
