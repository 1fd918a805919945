"""Adapters by platform."""

from __future__ import annotations

from app.errors import BadInput
from etl.adapters.base import Adapter, Blocked, Links, NoOffer, parse_document

__all__ = ["ADAPTERS", "Adapter", "Blocked", "Links", "NoOffer", "get_adapter", "parse_document"]

ADAPTERS = ("schema_org", "shopify")


def get_adapter(name: str) -> Adapter:
    """The adapter of a platform.

    Raises:
        BadInput: there is none of that name.
    """
    # Imported here: the HTML parsers would slow down every command that needs none.
    if name == "schema_org":
        from etl.adapters.schema_org import SchemaOrg

        return SchemaOrg()
    if name == "shopify":
        from etl.adapters.shopify import Shopify

        return Shopify()
    raise BadInput(f"there is no adapter {name!r}; known: {', '.join(ADAPTERS)}")
