"""Adapters by platform."""

from __future__ import annotations

from collections.abc import Mapping

from app.errors import BadInput
from etl.adapters.base import Adapter, Blocked, Links, NoOffer, parse_document

__all__ = ["ADAPTERS", "Adapter", "Blocked", "Links", "NoOffer", "get_adapter", "parse_document"]

ADAPTERS = (
    "schema_org",
    "shopify",
    "woocommerce",
    "yml_feed",
    "google_feed",
    "wildberries",
    "marketplace",
)


def get_adapter(name: str, selectors: Mapping[str, str] | None = None) -> Adapter:
    """The adapter of a platform; ``selectors`` correct what it reads from pages.

    Raises:
        BadInput: there is none of that name.
    """
    # Imported here: the HTML parsers would slow down every command that needs none.
    if name == "schema_org":
        from etl.adapters.schema_org import SchemaOrg

        return SchemaOrg(selectors)
    if name == "shopify":
        from etl.adapters.shopify import Shopify

        return Shopify()
    if name == "woocommerce":
        from etl.adapters.woocommerce import WooCommerce

        return WooCommerce(selectors)
    if name == "yml_feed":
        from etl.adapters.yml_feed import YmlFeed

        return YmlFeed()
    if name == "google_feed":
        from etl.adapters.google_feed import GoogleFeed

        return GoogleFeed()
    if name == "wildberries":
        from etl.adapters.wildberries import Wildberries

        return Wildberries(selectors)
    if name == "marketplace":
        from etl.adapters.marketplace import Marketplace

        return Marketplace()
    raise BadInput(f"there is no adapter {name!r}; known: {', '.join(ADAPTERS)}")
