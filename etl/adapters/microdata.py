"""Microdata and RDFa items of a page, read after the W3C algorithm, with shops' habits added.

Own reading instead of a library: the price of a node that holds both the new and the struck-out
price needs the elements, and whether an item stands among recommended goods needs its parents.
"""

from __future__ import annotations

import re
from typing import Any, cast

from etl.adapters.nodes import Node, short_type
from etl.adapters.page import heading_text, is_aside, visible_text

_URL_ATTRIBUTES = {
    "a": "href",
    "area": "href",
    "link": "href",
    "img": "src",
    "audio": "src",
    "embed": "src",
    "iframe": "src",
    "source": "src",
    "track": "src",
    "video": "src",
    "object": "data",
    "data": "value",
    "meter": "value",
    "time": "datetime",
}
_PRICE_PROPERTIES = frozenset({"price", "lowprice", "highprice"})
_MAX_DEPTH = 30


def read_items(root: Any) -> list[Node]:
    """Top-level microdata items in document order: those that are no property of another."""
    elements = list(root.iter("*"))
    places = {element: index for index, element in enumerate(elements)}
    by_id = {e.get("id"): e for e in elements if e.get("id")}
    return [
        _item(e, by_id, places, set(), 0)
        for e in elements
        if e.get("itemscope") is not None and (e.get("itemprop") is None or _orphan(e))
    ]


def _orphan(element: Any) -> bool:
    """Whether an item claims to be a property (``itemprop=mainEntityOfPage``) of nothing."""
    return all(parent.get("itemscope") is None for parent in element.iterancestors())


def _item(
    element: Any, by_id: dict[str, Any], places: dict[Any, int], seen: set[Any], depth: int
) -> Node:
    kinds = (element.get("itemtype") or "").split()
    node = Node(
        frozenset(short_type(kind) for kind in kinds),
        source="microdata",
        order=places.get(element, 0),
        aside=is_aside(element),
    )
    identifier = element.get("itemid")
    if identifier:
        node.add("@id", identifier.strip())
    if depth > _MAX_DEPTH or element in seen:
        return node
    seen = seen | {element}
    starts = [element]
    for reference in (element.get("itemref") or "").split():
        if reference in by_id:
            starts.append(by_id[reference])
    for start in starts:
        _collect(start, node, by_id, places, seen, depth, own=start is element)
    return node


def _collect(
    start: Any,
    node: Node,
    by_id: dict[str, Any],
    places: dict[Any, int],
    seen: set[Any],
    depth: int,
    *,
    own: bool,
) -> None:
    stack: list[tuple[Any, bool]] = [(start, own)]
    while stack:
        element, is_root = stack.pop()
        descend = True
        if not is_root:
            names = (element.get("itemprop") or "").split()
            scoped = element.get("itemscope") is not None
            if names and scoped:
                child = _item(element, by_id, places, seen, depth + 1)
                # A scope may carry its value itself: <div itemprop=brand itemscope content="X">.
                if not child.props and element.get("content"):
                    child.add("name", element.get("content"))
                for name in names:
                    node.add(short_type(name), child)
            elif names:
                for name in names:
                    text = _value(element, short_type(name))
                    if text:
                        node.add(short_type(name), text)
            descend = not scoped
            if element.tag == "h1" and not scoped:
                node.has_heading = True
        if descend:
            stack.extend(
                (child, False) for child in reversed(element) if isinstance(child.tag, str)
            )


def _value(element: Any, name: str) -> str | None:
    content = element.get("content")
    if content is not None and (content.strip() or element.tag == "meta"):
        return str(content).strip()
    attribute = _URL_ATTRIBUTES.get(element.tag)
    if element.tag == "img":
        for lazy in ("data-zoom-image", "data-large", "data-src", "data-original", "src"):
            found = element.get(lazy)
            if found and not found.startswith("data:"):
                return str(found).strip()
        return None
    if (
        attribute
        and element.get(attribute)
        and not (
            element.tag == "a"
            and name not in ("url", "@id", "image", "availability", "itemcondition", "sameas")
        )
    ):
        return str(element.get(attribute)).strip()
    text = heading_text(element) if name == "name" else visible_text(element)
    if not text and name in _PRICE_PROPERTIES:
        return cast("str | None", element.get("data-price") or element.get("data-price-amount"))
    return re.sub(r"\s+", " ", text).strip() or None
