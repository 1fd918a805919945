"""Reading a feed's or an API's document: XML without its DTD, JSON with its digits kept."""

from __future__ import annotations

import gzip
import html
import io
import json
import re
import zlib
from decimal import Decimal
from typing import Any

from lxml import etree

from etl.adapters.base import Blocked, NoOffer
from etl.text import decode

MAX_FEED_BYTES = 500_000_000
"""What a gzipped feed may unpack to; a shop's feed has some ten megabytes."""

_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")
_DOCTYPE = re.compile(r"<!DOCTYPE\s+[^\[>]*(?:\[(?P<subset>.*?)\]\s*)?>", re.DOTALL | re.IGNORECASE)
_ENTITY = re.compile(r"&(?:(#x?[0-9a-fA-F]+|[A-Za-z][A-Za-z0-9]*);)?")
_XML_ENTITIES = frozenset({"amp", "lt", "gt", "quot", "apos"})
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_WEB_PAGE = re.compile(r"^\s*(?:<!doctype html|<html)", re.IGNORECASE)


def unzipped(content: bytes, limit: int = MAX_FEED_BYTES) -> bytes:
    """The document itself where it came gzipped.

    Raises:
        NoOffer: the data are damaged, break off, or unpack to more than ``limit`` bytes.
    """
    if content[:2] != b"\x1f\x8b":
        return content
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as handle:
            data = handle.read(limit + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise NoOffer("the feed's gzip data are damaged or break off") from error
    if len(data) > limit:
        raise NoOffer(f"the feed unpacks to more than {limit} bytes")
    return data


def read_xml(content: bytes, content_type: str | None = None) -> Any:
    """Root element of a feed; the DTD is not read and none of its entities are expanded.

    Raises:
        Blocked: a web page stands in place of the feed.
        NoOffer: the feed breaks off, is no XML, or defines entities of its own.
    """
    text = _CONTROL.sub("", decode(unzipped(content), content_type)).lstrip("\ufeff")
    if _WEB_PAGE.match(text):
        raise Blocked("a web page stands in place of the feed")
    text = _DECLARATION.sub("", text, count=1)
    head = _DOCTYPE.search(text[:1_000_000])
    if head is not None:
        if "<!ENTITY" in (head["subset"] or "").upper():
            raise NoOffer("the feed defines entities of its own, which are not expanded")
        text = text[: head.start()] + text[head.end() :]
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=True, encoding="utf-8"
    )
    try:
        return etree.fromstring(_known_entities(text).encode("utf-8", "replace"), parser)
    except etree.XMLSyntaxError as error:
        raise NoOffer(f"the feed breaks off or is no XML: {error.msg}") from error


def _known_entities(text: str) -> str:
    """HTML's entities as characters; a bare ampersand, which feeds write, as ``&amp;``."""

    def fix(match: re.Match[str]) -> str:
        name = match[1]
        if name is None:
            return "&amp;"
        if name in _XML_ENTITIES or name.startswith("#"):
            return match[0]
        character = html.unescape(match[0])
        return character if character != match[0] else f"&amp;{name};"

    # CDATA is taken as it stands: its ampersands are text.
    parts = re.split(r"(<!\[CDATA\[.*?\]\]>)", text, flags=re.DOTALL)
    return "".join(p if p.startswith("<![CDATA[") else _ENTITY.sub(fix, p) for p in parts)


def read_json(content: bytes, content_type: str | None = None) -> Any:
    """A JSON document; numbers with a point come as ``Decimal``.

    Raises:
        Blocked: a web page stands in place of the answer.
        NoOffer: it breaks off or is no JSON.
    """
    text = decode(unzipped(content), content_type).strip()
    try:
        return json.loads(text, parse_float=Decimal)
    except (ValueError, RecursionError):
        if text[:1] == "<":
            raise Blocked("a web page stands in place of the answer") from None
        raise NoOffer("the answer breaks off or is no JSON") from None


def error_words(body: Any) -> str:
    """What an API's error answer says, for one line."""
    if isinstance(body, dict):
        for key in ("errors", "error", "message", "detail"):
            if body.get(key):
                return f"the answer is an error: {str(body[key])[:80]}"
    return "the answer has no products"
