"""Tolerant reading of JSON-LD: what shops write, not what the standard says."""

from __future__ import annotations

import html
import json
import re
from decimal import Decimal
from typing import Any

from etl.adapters.nodes import Node, short_type

_WRAPPING = re.compile(
    r"^\s*(?://\s*)?(?:<!--|<!\[CDATA\[|/\*\s*<!\[CDATA\[\s*\*/)|"
    r"(?://\s*)?(?:-->|\]\]>|/\*\s*\]\]>\s*\*/)\s*;?\s*$"
)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_TOKENS = re.compile(r'"(?:[^"\\]|\\.)*"|//[^\n]*|/\*.*?\*/|,(?=\s*[}\]])', re.DOTALL)
_BAD_ESCAPE = re.compile(r'\\(?!["\\/bfnrtu])')
_MAX_DEPTH = 40


def read_script(text: str) -> list[Node]:
    """Items of one script; raises ``ValueError`` when nothing can be read from it."""
    return [node for value in _load_all(text) for node in _top(value, 0)]


def _load_all(text: str) -> list[Any]:
    """JSON values of the script, repaired step by step; most scripts need no repair."""
    body = _CONTROL.sub(" ", _WRAPPING.sub("", _WRAPPING.sub("", text)).strip()).strip()
    if not body:
        return []
    repairs = (
        lambda s: s,
        lambda s: s.rstrip("; \n"),
        _without_comments,
        lambda s: _without_comments(_escaped_lines(s)),
        lambda s: _without_comments(_escaped_lines(html.unescape(s))),
        lambda s: _missing_commas(_without_comments(_escaped_lines(s))),
    )
    last: ValueError | None = None
    for repair in repairs:
        try:
            return _decode_many(repair(body))
        except ValueError as error:
            last = error
    raise last if last is not None else ValueError("empty")


def _decode_many(text: str) -> list[Any]:
    """One or several JSON values in a row; stray closing brackets after a value are ignored."""
    decoder = json.JSONDecoder(parse_float=_number, parse_constant=lambda _name: None, strict=False)
    values: list[Any] = []
    position = 0
    while position < len(text):
        rest = (
            re.compile(r"[\s;,}\]]*").match(text, position)
            if values
            else re.compile(r"\s*").match(text, position)
        )
        position = rest.end() if rest else position
        if position >= len(text):
            break
        try:
            value, position = decoder.raw_decode(text, position)
        except ValueError:
            if not values:
                raise
            break
        except RecursionError:
            raise ValueError("nested too deeply") from None
        values.append(value)
    return values


def _number(text: str) -> str:
    # Kept as written: a float would turn 23.450 into 23.45 and 0.1 into a long tail.
    value = Decimal(text)
    return text if "e" not in text.lower() else f"{value:f}"


def _without_comments(text: str) -> str:
    def drop(match: re.Match[str]) -> str:
        return match.group(0) if match.group(0).startswith('"') else ""

    # Twice: a comment may stand between a trailing comma and its bracket.
    return _TOKENS.sub(drop, _TOKENS.sub(drop, text))


def _escaped_lines(text: str) -> str:
    def fix(match: re.Match[str]) -> str:
        inner = match.group(0)
        inner = inner.replace("\n", "\\n").replace("\r", "").replace("\t", " ")
        return _BAD_ESCAPE.sub(r"\\\\", inner)

    return _STRING.sub(fix, text)


def _missing_commas(text: str) -> str:
    return re.sub(r'(["\]}0-9]|true|false|null)(\s*\n\s*)(?="[^"\n]*"\s*:)', r"\1,\2", text)


def _top(value: Any, depth: int) -> list[Node]:
    """Items of a value, with those of any ``@graph`` beside them; main order kept."""
    if depth > _MAX_DEPTH:
        return []
    if isinstance(value, list):
        return [node for part in value for node in _top(part, depth + 1)]
    if not isinstance(value, dict):
        return []
    found: list[Node] = []
    node = _node(value, depth)
    if node.types or node.props:
        found.append(node)
    graph = value.get("@graph")
    if graph is not None:
        found.extend(_top(graph, depth + 1))
    return found


def _node(value: dict[str, Any], depth: int) -> Node:
    kinds = value.get("@type", value.get("type"))
    names = kinds if isinstance(kinds, list) else [kinds]
    node = Node(frozenset(short_type(n) for n in names if isinstance(n, str) and n.strip()))
    if depth > _MAX_DEPTH:
        return node
    for key, raw in value.items():
        name = key.rsplit("/", 1)[-1].removeprefix("schema:").lower()
        if name in ("@type", "@graph", "@context"):
            continue
        for part in raw if isinstance(raw, list) else [raw]:
            if isinstance(part, dict):
                node.add(name, _node(part, depth + 1))
            elif isinstance(part, list):
                for inner in part:
                    if isinstance(inner, dict):
                        node.add(name, _node(inner, depth + 1))
                    elif isinstance(inner, str | int | float | bool):
                        node.add(name, inner)
            elif isinstance(part, str | int | float | bool):
                node.add(name, part)
    return node
