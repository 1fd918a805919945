"""A parsed HTML page: the tree, its meta tags, links and the blocks that are not the product's."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import lxml.html
from lxml import etree

from etl.text import absolute, clean, decode

_ASIDE = re.compile(
    r"recommend|related|similar|upsell|up-sell|cross-?sell|crosssell|also-?(?:bought|like|view)|"
    r"recently|lastseen|last-seen|you-?may|accessor(?:y|ies)|bundle|wishlist|minicart|mini-cart|"
    r"cart-?(?:summary|items|drawer|popup|overlay|preview|content)|complete-the-look|"
    r"shop-the-look|sponsored|reviews?\b|comments?\b|carousel-products|"
    r"product-?(?:list|grid|slider|carousel)|products-?(?:list|grid|slider|carousel)|footer|"
    r"megamenu|navigation|navbar|compare",
    re.IGNORECASE,
)
_STRUCK = re.compile(
    r"\bold\b|old-?price|price-?old|was-?price|price-?was|regular-?price-?old|list-?price|strike|"
    r"strikethrough|crossed|price--?old|prc-?org|rrp\b|msrp|uvp\b|compare-?at|before-?price|"
    r"original-?price|price-?original|price-?before|prezzo-?barrato|precio-?anterior|ancien|"
    r"line-?through|previous-?price|price-?previous|discount-?from",
    re.IGNORECASE,
)
_UNSEEN = re.compile(
    r"\b(?:sr-only|visually-hidden|screen-?reader(?:-text|-only)?|g-hdn|hidden-visually|clipped)\b",
    re.IGNORECASE,
)
BEFORE_END = "before its end"
"""Why a page is cut off, where every script in it is whole."""
_SKIPPED = frozenset({"script", "style", "noscript", "template", "svg", "select", "option", "head"})


@dataclass
class Page:
    """One HTML document; ``url`` is where it came from (None: unknown)."""

    text: str
    url: str | None
    root: Any
    truncated: str | None = None
    scripts: list[str] = field(default_factory=list)

    @cached_property
    def base(self) -> str | None:
        """Base for relative links."""
        href = next(iter(self.root.xpath("//base/@href")), None)
        return absolute(self.url, href) or self.url

    @cached_property
    def meta(self) -> dict[str, list[str]]:
        """Contents of meta tags by lower-case property or name."""
        found: dict[str, list[str]] = {}
        for element in self.root.iter("meta"):
            content = element.get("content")
            if content is None:
                continue
            for attribute in ("property", "name", "itemprop"):
                name = element.get(attribute)
                if name and (attribute != "itemprop" or not element.get("property")):
                    found.setdefault(name.strip().lower(), []).append(content.strip())
        return found

    def first_meta(self, *names: str) -> str | None:
        """First non-empty meta content among the names, in their order."""
        for name in names:
            for content in self.meta.get(name, []):
                if content:
                    return content
        return None

    @cached_property
    def canonical(self) -> str | None:
        """The page's canonical URL, absolute; None when it states none of its own site."""
        for element in self.root.iter("link"):
            if "canonical" in (element.get("rel") or "").lower().split():
                found = absolute(self.base, element.get("href"))
                if found:
                    return found
        return absolute(self.base, self.first_meta("og:url"))

    @cached_property
    def title(self) -> str | None:
        """Text of the title element."""
        element = next(iter(self.root.xpath("//title[not(ancestor::*[local-name()='svg'])]")), None)
        return clean(element.text_content()) if element is not None else None

    @cached_property
    def headings(self) -> list[str]:
        """Texts of the h1 elements."""
        texts = (clean(visible_text(e)) for e in self.root.iter("h1"))
        return [text for text in texts if text]


def read_page(content: bytes, url: str | None, content_type: str | None = None) -> Page | None:
    """Parse a page; None when the document has no markup at all."""
    text = decode(content, content_type).replace("\x00", "")
    if "<" not in text:
        return None
    parser = lxml.html.HTMLParser(encoding="utf-8", huge_tree=True)
    try:
        root = lxml.html.document_fromstring(text.encode("utf-8", "replace"), parser=parser)
    except (etree.ParserError, etree.XMLSyntaxError):
        return None
    page = Page(text, url, root, truncated=_truncated(text))
    page.scripts = [
        element.text or ""
        for element in root.iter("script")
        if "ld+json" in (element.get("type") or "").lower().replace("&#x2b;", "+")
    ]
    return page


def _truncated(text: str) -> str | None:
    """Why the document looks cut off, or None."""
    lower = text.lower()
    if lower.rfind("<script") > lower.rfind("</script"):
        return "inside a script"
    opened = "<html" in lower or "<body" in lower
    if opened and "</html" not in lower and "</body" not in lower:
        return BEFORE_END
    return None


def marks(element: Any) -> str:
    """Class, id and similar attributes of an element, for matching words."""
    return " ".join(
        value
        for name in (
            "class",
            "id",
            "data-role",
            "data-testid",
            "data-test",
            "data-qa",
            "aria-label",
        )
        if (value := element.get(name))
    )


def is_aside(element: Any, limit: int = 12) -> bool:
    """Whether an element stands among recommended goods, reviews, menus or the cart."""
    node: Any = element
    for _ in range(limit):
        if node is None or node.tag in ("body", "html", "main"):
            return False
        if node.tag in ("aside", "footer", "nav") or _ASIDE.search(marks(node)):
            return True
        node = node.getparent()
    return False


def is_struck(element: Any, limit: int = 4) -> bool:
    """Whether an element's text is a price that no longer holds."""
    node: Any = element
    for _ in range(limit):
        if node is None or not isinstance(node.tag, str) or node.tag in ("body", "main"):
            return False
        if node.tag in ("del", "s", "strike") or _STRUCK.search(marks(node)):
            return True
        if "line-through" in (node.get("style") or "").replace(" ", ""):
            return True
        node = node.getparent()
    return False


def visible_text(element: Any) -> str:
    """Text of an element without scripts, styles and struck-out prices."""
    parts: list[str] = []

    def walk(node: Any, depth: int) -> None:
        if depth > 200 or not isinstance(node.tag, str) or node.tag in _SKIPPED:
            return
        if node is not element and _UNSEEN.search(node.get("class") or ""):
            return
        if node is not element and (
            node.tag in ("del", "s", "strike") or _STRUCK.search(marks(node))
        ):
            return
        if node.text:
            parts.append(node.text)
        for child in node:
            walk(child, depth + 1)
            if child.tail:
                parts.append(child.tail)
            elif isinstance(child.tag, str) and child.tag not in (
                "b",
                "i",
                "em",
                "strong",
                "span",
                "a",
                "sup",
                "sub",
                "font",
            ):
                parts.append(" ")

    walk(element, 0)
    return re.sub(r"\s+", " ", "".join(parts)).strip()
