"""A shop's own corrections: CSS selectors from its TOML file, read with BeautifulSoup."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bs4 import BeautifulSoup
from soupsieve import SelectorSyntaxError

from app.domain import ParsedOffer, Size
from app.errors import BadInput
from etl.adapters.offer_nodes import availability
from etl.adapters.pictures import best_pictures
from etl.money import amount, currency_code, currency_in
from etl.sizes import parse_size, settle_systems
from etl.text import absolute, clean

FIELDS = (
    "title", "brand", "model", "colourway", "price", "list_price", "currency", "availability",
    "sku", "style_code", "description", "category", "images", "sizes", "sizes_sold_out",
)  # fmt: skip
"""What a selector can name. ``CSS @attribute`` reads an attribute in place of the text."""

_ATTRIBUTE = re.compile(r"^(?P<css>.*?)(?:\s+@(?P<name>[\w:-]+))?\s*$", re.DOTALL)


def check_selectors(selectors: Mapping[str, Any]) -> dict[str, str]:
    """The selectors, each tried on an empty page.

    Raises:
        BadInput: an unknown field or a selector that CSS does not know; says which.
    """
    empty = BeautifulSoup("<p></p>", "lxml")
    for name, text in selectors.items():
        if name not in FIELDS:
            raise BadInput(f"selectors: unknown field {name!r}; known: {', '.join(FIELDS)}")
        if not isinstance(text, str) or not text.strip():
            raise BadInput(f"selectors: {name} must be a CSS selector")
        try:
            empty.select(_split(text)[0])
        except SelectorSyntaxError as error:
            words = str(error).splitlines()[0]
            raise BadInput(f"selectors: {name} is no CSS selector: {words}") from error
    return {name: str(text) for name, text in selectors.items()}


def corrected(
    offer: ParsedOffer, markup: str, url: str | None, selectors: Mapping[str, str]
) -> ParsedOffer:
    """The offer with what the selectors find; what they do not find stays as it was read."""
    soup = BeautifulSoup(markup, "lxml")
    found = {name: _values(soup, text) for name, text in selectors.items()}
    changes: dict[str, Any] = {}
    for name in ("title", "brand", "model", "colourway", "sku", "style_code", "description",
                 "category"):  # fmt: skip
        if found.get(name):
            changes[name] = found[name][0]
    currency = next((currency_code(v) or currency_in(v) for v in found.get("currency", [])), None)
    for name in ("price", "list_price"):
        for value in found.get(name, []):
            number = amount(value, currency or offer.currency)
            if number is not None:
                changes[name] = number
                currency = currency or currency_in(value)
                break
    if "price" in changes:
        changes["confidence"] = "stated"
    if currency:
        changes["currency"] = currency
    state = next((a for v in found.get("availability", []) if (a := availability(v))), None)
    if state:
        changes["availability"] = state
    links = [link for v in found.get("images", []) if (link := absolute(url, v))]
    if links:
        changes["images"] = best_pictures(links)
    sold = set(found.get("sizes_sold_out", []))
    labels = [*found.get("sizes", []), *sold]
    sizes: list[Size | None] = [parse_size(v, None, v not in sold) for v in dict.fromkeys(labels)]
    if any(sizes):
        changes["sizes"] = settle_systems([s for s in sizes if s is not None])
    result = replace(offer, **changes)
    if result.list_price is not None and (
        result.price is None or result.list_price <= result.price
    ):
        result = replace(result, list_price=None)
    return result


def _split(text: str) -> tuple[str, str | None]:
    match = _ATTRIBUTE.match(text.strip())
    return (match["css"], match["name"]) if match else (text, None)


def _values(soup: BeautifulSoup, text: str) -> list[str]:
    css, attribute = _split(text)
    found: list[str] = []
    for element in soup.select(css):
        raw: Any = element.get(attribute) if attribute else element.get_text(" ")
        value = clean(" ".join(raw) if isinstance(raw, list) else raw)
        if value:
            found.append(value)
    return found
