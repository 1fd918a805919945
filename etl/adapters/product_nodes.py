"""Structured product items (JSON-LD, microdata) to candidates."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TypeGuard

from etl.adapters.candidate import Candidate
from etl.adapters.nodes import Node, value_text
from etl.adapters.offer_nodes import gtin, read_offers, size_of
from etl.text import absolute, clean

PRODUCT = frozenset(
    {
        "product",
        "productgroup",
        "individualproduct",
        "productmodel",
        "somproducts",
        "vehicle",
        "car",
        "book",
    }
)
_ELSEWHERE = frozenset(
    {
        "isrelatedto",
        "issimilarto",
        "isaccessoryorsparepartfor",
        "isconsumablefor",
        "itemreviewed",
        "hasvariant",
        "itemoffered",
        "isvariantof",
        "review",
        "reviews",
        "potentialaction",
        "model",
        "addon",
        "includesobject",
        "subjectof",
        "mentions",
        "about_other",
        "containsplace",
    }
)
"""Properties whose product is another one, or a part of the one that holds it."""
_LISTS = frozenset({"itemlist", "offercatalog", "searchresultspage", "collectionpage"})
_NO_BRAND = frozenset(
    {
        "unbranded",
        "no brand",
        "nobrand",
        "no-brand",
        "n/a",
        "na",
        "none",
        "null",
        "undefined",
        "-",
        "generic",
        "без бренда",
        "нет бренда",
        "brand",
        "default",
        "markenlos",
        "sin marca",
        "unknown",
        "false",
        "true",
    }
)


def candidates(roots: list[Node], base: str | None) -> list[Candidate]:
    """Every product that could be the page's own, in document order."""
    found: list[Candidate] = []
    for index, root in enumerate(roots):
        for node, listed in _products(root, listed=False, depth=0):
            candidate = read_product(node, base)
            candidate.order = node.order or index
            candidate.aside = candidate.aside or listed
            found.append(candidate)
    return found


def _products(node: Node, *, listed: bool, depth: int) -> Iterator[tuple[Node, bool]]:
    if depth > 12:
        return
    if _is_product(node):
        yield node, listed
        return
    inside = listed or node.is_a(*_LISTS)
    for name, child in node.children():
        if name in _ELSEWHERE:
            continue
        yield from _products(child, listed=inside or name == "itemlistelement", depth=depth + 1)


def _is_product(node: Node) -> bool:
    if node.is_a("book", "vehicle", "car"):
        return bool(node.nodes("offers"))
    return not node.types.isdisjoint(PRODUCT)


def read_product(node: Node, base: str | None) -> Candidate:
    """A product item, with its variants' and offers' terms."""
    group = node.text("productgroupid", "inproductgroupwithid")
    parent = next(iter(node.nodes("isvariantof")), None)
    if group is None and parent is not None:
        group = parent.text("productgroupid", "@id", "name")
    candidate = Candidate(
        source=node.source,
        aside=node.aside,
        has_heading=node.has_heading,
        group=clean(group),
        name=clean(node.text("name", "title")),
        brand=brand_name(node),
        model=_model(node),
        sku=clean(node.text("sku", "productid")),
        mpn=clean(node.text("mpn")),
        gtin=gtin(node),
        url=absolute(base, node.text("url")) or _web_id(node, base),
        colour=clean(node.text("color", "colour")),
        description=clean(node.text("description")),
        category=_category(node),
        gender=clean(_audience(node)),
        images=_images(node, base),
    )
    size, system = size_of(node)
    for terms in read_offers(node):
        terms.size = terms.size or size
        terms.size_system = terms.size_system or system
        candidate.terms.append(terms)
    for variant in node.nodes("hasvariant", "model"):
        if not _is_product(variant):
            continue
        child = read_product(variant, base)
        for terms in child.terms:
            terms.colour = terms.colour or child.colour
            terms.sku = terms.sku or child.sku
            terms.gtin = terms.gtin or child.gtin
            candidate.terms.append(terms)
        candidate.images.extend(i for i in child.images if i not in candidate.images)
        candidate.brand = candidate.brand or child.brand
        candidate.name = candidate.name or child.name
    for terms in candidate.terms:
        terms.colour = terms.colour or candidate.colour
        if not node.nodes("hasvariant"):
            terms.sku = terms.sku or candidate.sku
            terms.gtin = terms.gtin or candidate.gtin
    return candidate


def brand_name(node: Node) -> str | None:
    """The stated brand; None for an empty one and for words that mean there is none."""
    for name in ("brand", "manufacturer"):
        for value in node.values(name):
            text = (
                value_text(value)
                if not isinstance(value, Node)
                else value.text("name", "@value", "brand", "logo_alt")
            )
            cleaned = clean(text)
            if is_brand(cleaned):
                return cleaned
    return None


def is_brand(name: str | None) -> TypeGuard[str]:
    """Whether a text can be a brand: not empty, no address, no word that means there is none."""
    return bool(name and name.casefold() not in _NO_BRAND and not re.match(r"https?:|/|//", name))


def _model(node: Node) -> str | None:
    value = next(iter(node.values("model")), None)
    if isinstance(value, Node):
        return clean(value.text("name")) if not _is_product(value) or value.text("name") else None
    return clean(str(value)) if value is not None else None


def _web_id(node: Node, base: str | None) -> str | None:
    identifier = node.text("@id")
    return (
        absolute(base, identifier) if identifier and identifier.startswith(("http", "/")) else None
    )


def _category(node: Node) -> str | None:
    value = next(iter(node.values("category")), None)
    if isinstance(value, Node):
        return clean(value.text("name", "codevalue"))
    text = clean(str(value)) if value is not None else None
    return None if text is None or text.startswith("http") else text


def _audience(node: Node) -> str | None:
    for audience in node.nodes("audience"):
        text = audience.text("suggestedgender", "audiencetype", "name")
        if text:
            return text.rsplit("/", 1)[-1]
    return node.text("gender", "suggestedgender")


def _images(node: Node, base: str | None) -> list[str]:
    found: list[str] = []
    for name in ("image", "images", "photo", "primaryimageofpage", "associatedmedia", "thumbnail"):
        if name == "thumbnail" and found:
            break
        for value in node.values(name):
            if isinstance(value, Node):
                raw: str | None = value.text("contenturl", "url", "@id", "src", "image")
            else:
                raw = str(value)
            for part in re.split(r"\s*[|,]\s*(?=https?://|//)|\s+(?=https?://)", raw or ""):
                link = absolute(base, part)
                if link and link not in found:
                    found.append(link)
    return found
