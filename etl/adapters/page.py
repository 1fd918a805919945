"""A parsed HTML page: the tree, its meta tags, links and the blocks that are not the product's."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any, TypeVar, cast

import lxml.html
from lxml import etree

from etl.text import absolute, clean, decode

T = TypeVar("T")
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
    r"strikethrough|strk-?thr|crossed|price--?old|prc-?org|rrp\b|msrp|uvp\b|compare-?at|before-?price|"
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
SHORT = 60
"""Characters of a text that may be a price, a label or a stock line."""
_MAX_SCRIPT = 3_000_000
_TEMPLATE_KINDS = ("template", "tmpl", "handlebars", "mustache", "text/html", "text/ng")
_UNREAD = frozenset({"script", "style", "noscript", "template", "svg", "head", "textarea"})
_INLINE = frozenset({"b", "i", "em", "strong", "span", "a", "sup", "sub", "font"})
_MARKS = ("class", "id", "data-role", "data-testid", "data-test", "data-qa", "aria-label")
_SKIPPED = frozenset({"script", "style", "noscript", "template", "svg", "select", "option", "head"})


@dataclass
class Page:
    """One HTML document; ``url`` is where it came from (None: unknown)."""

    text: str
    url: str | None
    root: Any
    truncated: str | None = None
    scripts: list[str] = field(default_factory=list)
    _answers: dict[str, Any] = field(default_factory=dict)

    def once(self, name: str, answer: Callable[[], T]) -> T:
        """A reader's answer for this page, worked out the first time that it is asked for."""
        if name not in self._answers:
            self._answers[name] = answer()
        return cast("T", self._answers[name])

    @cached_property
    def elements(self) -> list[Any]:
        """Every element in document order, walked once for all readers."""
        return [e for e in self.root.iter("*") if isinstance(e.tag, str)]

    @cached_property
    def texts(self) -> list[str | None]:
        """Beside ``elements``: each one's text where it has at most :data:`SHORT` characters."""
        return [None if e.tag in _UNREAD else short_text(e, SHORT) for e in self.elements]

    @cached_property
    def inline_scripts(self) -> list[str]:
        """Texts of scripts that are neither JSON-LD nor templates, with quotes unescaped."""
        found = []
        for element in self.root.iter("script"):
            kind = (element.get("type") or "").lower()
            text = element.text
            if not text or len(text) > _MAX_SCRIPT or "ld+json" in kind:
                continue
            if any(word in kind for word in _TEMPLATE_KINDS):
                continue
            text = text.replace('\\"', '"') if '\\"' in text else text
            found.append(html.unescape(text) if "&quot;" in text else text)
        return found

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
        texts = (clean(heading_text(e)) for e in self.root.iter("h1"))
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
    attributes = element.attrib
    if not attributes:
        return ""
    return " ".join([value for name in _MARKS if (value := attributes.get(name))])


def is_aside(element: Any, limit: int = 12) -> bool:
    """Whether an element stands among recommended goods, reviews, menus or the cart."""
    node: Any = element
    for _ in range(limit):
        if node is None or node.tag in ("body", "html", "main"):
            return False
        if node.tag in ("aside", "footer", "nav") or _aside_words(marks(node)):
            return True
        node = node.getparent()
    return False


def is_struck(element: Any, limit: int = 4) -> bool:
    """Whether an element's text is a price that no longer holds."""
    node: Any = element
    for _ in range(limit):
        if node is None or not isinstance(node.tag, str) or node.tag in ("body", "main"):
            return False
        if node.tag in ("del", "s", "strike") or struck_words(marks(node)):
            return True
        if "line-through" in (node.get("style") or "").replace(" ", ""):
            return True
        node = node.getparent()
    return False


def is_hidden(element: Any, limit: int = 5) -> bool:
    """Whether an element, or one that holds it, is not shown."""
    node: Any = element
    for _ in range(limit):
        if node is None:
            return False
        style = (node.get("style") or "").replace(" ", "").lower()
        if "display:none" in style or node.get("hidden") is not None:
            return True
        node = node.getparent()
    return False


# A shop's pages repeat a few hundred class names, so each is looked at once.
@lru_cache(maxsize=20_000)
def _aside_words(text: str) -> bool:
    return _ASIDE.search(text) is not None


@lru_cache(maxsize=20_000)
def struck_words(text: str) -> bool:
    """Whether class names say that a price no longer holds."""
    return _STRUCK.search(text) is not None


def short_text(element: Any, limit: int) -> str | None:
    """An element's text when it has at most ``limit`` characters, with scripts and all; else None.

    It stops at the limit, so that asking every element of a page stays cheap.
    """
    length = 0
    parts: list[str] = []
    for piece in element.itertext():
        length += len(piece.strip())
        if length > limit:
            return None
        parts.append(piece)
    return " ".join("".join(parts).split()) or None


def visible_text(element: Any) -> str:
    """Text of an element without scripts, styles and struck-out prices."""
    parts: list[str] = []

    def walk(node: Any, depth: int) -> None:
        if depth > 200 or not isinstance(node.tag, str) or node.tag in _SKIPPED:
            return
        if node is not element and (
            node.tag in ("del", "s", "strike")
            or struck_words(marks(node))
            or _UNSEEN.search(node.get("class") or "")
        ):
            return
        if node.text:
            parts.append(node.text)
        for child in node:
            walk(child, depth + 1)
            if child.tail:
                parts.append(child.tail)
            elif isinstance(child.tag, str) and child.tag not in _INLINE:
                parts.append(" ")

    walk(element, 0)
    return " ".join("".join(parts).split())


def heading_text(element: Any) -> str:
    """Visible text of a heading without a footnote's mark at its end ("Battery<sup>1</sup>")."""
    text = visible_text(element)
    note = next((e for e in element.iter("sup") if not (e.tail or "").strip()), None)
    mark = (short_text(note, 4) or "") if note is not None else ""
    if not re.fullmatch(r"\d{1,2}\)?|[*†‡]+", mark) or not text.endswith(mark):
        return text
    plain = text.removesuffix(mark).rstrip()
    # After a unit it is an exponent: "400 m<sup>2</sup>".
    return plain if re.search(r"[^\W\d_]{3}$", plain) else text
