"""One shape for structured data, whether it came as JSON-LD, microdata or RDFa."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

Value: TypeAlias = "str | int | float | bool | Node"
"""A property's value; a JSON number keeps its written digits (``Decimal`` reads it from str)."""


@dataclass(slots=True)
class Node:
    """A typed item; ``types`` and property names are lower case, values keep document order.

    ``order`` is the item's place in the document, ``aside`` tells that it stands in a block of
    recommended goods.
    """

    types: frozenset[str]
    props: dict[str, list[Value]] = field(default_factory=dict)
    source: str = "jsonld"
    order: int = 0
    aside: bool = False
    has_heading: bool = False

    def add(self, name: str, value: Value) -> None:
        """Append a value of a property."""
        self.props.setdefault(name, []).append(value)

    def values(self, *names: str) -> list[Value]:
        """Values of the first of the named properties that has any."""
        for name in names:
            if found := self.props.get(name):
                return found
        return []

    def text(self, *names: str) -> str | None:
        """First usable text of the named properties; a node gives its name, value or id."""
        for name in names:
            for value in self.props.get(name, []):
                text = value_text(value)
                if text is not None and text.strip():
                    return text
        return None

    def nodes(self, *names: str) -> list[Node]:
        """Values of the named properties that are items themselves."""
        return [v for name in names for v in self.props.get(name, []) if isinstance(v, Node)]

    def children(self) -> Iterator[tuple[str, Node]]:
        """Every directly nested item with the property it stands under."""
        for name, values in self.props.items():
            for value in values:
                if isinstance(value, Node):
                    yield name, value

    def is_a(self, *types: str) -> bool:
        """Whether the item has one of the (lower-case) types."""
        return not self.types.isdisjoint(types)


def value_text(value: Value) -> str | None:
    """Text of a value; of an item, what stands for it."""
    if isinstance(value, Node):
        return value.text("name", "@value", "value", "url", "@id")
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def short_type(value: str) -> str:
    """``https://schema.org/Product`` and ``schema:Product`` as ``product``."""
    return value.strip().rstrip("/").replace("#", "/").rsplit("/", 1)[-1].rsplit(":", 1)[-1].lower()
