"""Listing pages and sitemaps: which products they name and where they go on."""

from __future__ import annotations

import gzip
import io
import re
import zlib
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from lxml import etree

from etl.adapters.base import Links, NoOffer
from etl.adapters.nodes import Node
from etl.adapters.page import Page, marks, short_text
from etl.money import CURRENCY_SIGN
from etl.text import absolute, clean, words

MAX_SITEMAP_BYTES = 60_000_000
"""A sitemap may have 50 MB uncompressed (sitemaps.org); what is larger is not read."""

_NEXT = re.compile(
    r"\bnext\b|pagenext|page-next|siguiente|suivant|weiter|nächste|avanti|volgende|далее|"
    r"следующ|sonraki",
    re.IGNORECASE,
)
_PAGER = re.compile(r"pagin|pager|page-numbers|page-nav|pages?-list", re.IGNORECASE)
_PAGE_KEYS = frozenset(
    {"page", "p", "start", "offset", "pg", "paged", "pagenumber", "page_no", "pagen_1", "from"}
)
_CARD = re.compile(
    r"product|goods|\bcard\b|item[-_]?card|card[-_]?product|catalog[-_]?item",
    re.IGNORECASE,
)
_NOT_PRODUCT = re.compile(
    r"/(?:cart|basket|checkout|account|login|wishlist|compare|search|blog|news|help|contact|"
    r"about|policy|terms|"
    r"collections?|categor(?:y|ies)|tag|brands?)(?:/|$|\?)",
    re.IGNORECASE,
)


def is_sitemap(content: bytes) -> bool:
    """Whether the bytes are a sitemap or sitemap index, plain or gzipped."""
    if content[:2] == b"\x1f\x8b":
        return True
    head = content[:1000].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return b"<urlset" in head or b"<sitemapindex" in head


def read_sitemap(content: bytes, url: str) -> Links:
    """Addresses in a sitemap; those of further sitemaps are its pages.

    Raises:
        NoOffer: it is cut off, too large, no XML, or names no address.
    """
    data = _gunzip(content) if content[:2] == b"\x1f\x8b" else content
    products: list[str] = []
    pages: list[str] = []
    parser = etree.iterparse(
        io.BytesIO(data),
        events=("end",),
        resolve_entities=False,
        no_network=True,
        huge_tree=False,
        load_dtd=False,
    )
    try:
        for _, element in parser:
            if not isinstance(element.tag, str) or etree.QName(element).localname != "loc":
                continue
            parent = element.getparent()
            kind = etree.QName(parent).localname if parent is not None else ""
            link = absolute(url, (element.text or "").strip())
            if link and kind in ("url", "sitemap"):
                (pages if kind == "sitemap" else products).append(link)
            if parent is not None and kind in ("url", "sitemap"):
                element.clear()
    except etree.XMLSyntaxError as error:
        raise NoOffer(f"the sitemap breaks off or is no XML: {error.msg}") from error
    if not products and not pages:
        raise NoOffer("the sitemap names no address")
    return Links(tuple(dict.fromkeys(products)), tuple(dict.fromkeys(pages)))


def _gunzip(content: bytes) -> bytes:
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as handle:
            data = handle.read(MAX_SITEMAP_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise NoOffer("the sitemap's gzip data is damaged or breaks off") from error
    if len(data) > MAX_SITEMAP_BYTES:
        raise NoOffer(f"the sitemap unpacks to more than {MAX_SITEMAP_BYTES} bytes")
    return data


_CRUMBS = re.compile(r"bread-?crumb|crumbs\b", re.IGNORECASE)


def read_listing(page: Page, roots: list[Node]) -> Links:
    """Product links (structured first, then repeated cards) and the listing's other pages."""
    products = _structured_links(page, roots) or _card_links(page)
    return Links(tuple(dict.fromkeys(products)), tuple(dict.fromkeys(_page_links(page))))


def _structured_links(page: Page, roots: list[Node]) -> list[str]:
    found: list[str] = []

    def walk(node: Node, depth: int, listed: bool) -> None:
        if depth > 8 or node.is_a("breadcrumblist"):
            return
        inside = listed or node.is_a(
            "itemlist", "offercatalog", "collectionpage", "searchresultspage"
        )
        if node.is_a("product", "productgroup") or (listed and node.is_a("listitem")):
            link = absolute(page.base, node.text("url", "@id"))
            if link and (not node.is_a("listitem") or not node.nodes("item")):
                found.append(link)
        for _, child in node.children():
            walk(child, depth + 1, inside)

    for root in roots:
        walk(root, 0, False)
    links = [link for link in found if _same_site(page, link)]
    return links if len(set(links)) >= 2 else []


def _card_links(page: Page) -> list[str]:
    """Links of elements that repeat side by side and look like product cards."""
    links: dict[str, list[str]] = {}
    weights: dict[str, float] = {}
    here = (page.url or "").split("#")[0]
    for anchor in page.root.iter("a"):
        link = absolute(page.base, anchor.get("href"))
        if (
            not link
            or link == here
            or not _same_site(page, link)
            or _NOT_PRODUCT.search(urlsplit(link).path)
        ):
            continue
        card = _card(anchor)
        if card is None:
            continue
        kind, weight = card
        links.setdefault(kind, []).append(link)
        weights[kind] = max(weight, weights.get(kind, 0.0))
    best = max(links, key=lambda k: len(set(links[k])) * weights[k], default=None)
    if best is None or len(set(links[best])) < 2:
        return []
    return links[best]


def _card(anchor: Any) -> tuple[str, float] | None:
    """The repeated element around a link: its signature, and how much it is like a product card."""
    node = anchor
    for _ in range(7):
        parent = node.getparent()
        if parent is None or node.tag in ("body", "html", "nav", "header", "footer"):
            return None
        kind = " ".join((node.get("class") or "").split()[:1])
        alike = sum(
            1 for c in parent if c.tag == node.tag and (c.get("class") or "").startswith(kind)
        )
        named = bool(_CARD.search(marks(node)))
        if _PAGER.search(marks(parent)) or _PAGER.search(marks(node)):
            return None
        if alike >= 2 or (named and parent.tag not in ("nav", "header", "footer")):
            pictured = next(node.iter("img"), None) is not None
            text = re.sub(r"\s+", " ", "".join(node.itertext()))[:600]
            priced = any(c.isdigit() for c in text) and CURRENCY_SIGN.search(text) is not None
            if named or pictured or priced:
                weight = 1.0 + 2.0 * priced + 0.7 * pictured + 0.7 * named
                return f"{node.tag}.{kind}", weight
        node = parent
    return None


def _page_links(page: Page) -> list[str]:
    found: list[str] = []
    for element in page.root.iter("link", "a"):
        rel = (element.get("rel") or "").lower().split()
        link = absolute(page.base, element.get("href"))
        if not link or not _same_site(page, link) or link == page.url:
            continue
        if "next" in rel or (element.tag == "a" and _pages_on(element, link)):
            found.append(link)
    return found


def _pages_on(anchor: Any, link: str) -> bool:
    node, inside = anchor, False
    for _ in range(5):
        if node is None:
            break
        if _PAGER.search(marks(node)):
            inside = True
            break
        node = node.getparent()
    own = " ".join(
        filter(
            None,
            (
                marks(anchor),
                marks(anchor.getparent()) if anchor.getparent() is not None else "",
                anchor.get("title"),
            ),
        )
    )
    text = clean("".join(anchor.itertext())) or ""
    if (
        _NEXT.search(own)
        or _NEXT.fullmatch(text.strip("›»> "))
        or (inside and text in ("›", "»", ">"))
    ):
        return True
    if not inside or not re.fullmatch(r"\d{1,4}", text):
        return False
    keys = {k.lower() for k, _ in parse_qsl(urlsplit(link).query)}
    return bool(keys & _PAGE_KEYS) or re.search(r"page[-_/=]?\d+", link, re.IGNORECASE) is not None


def _same_site(page: Page, link: str) -> bool:
    if page.url is None:
        return True
    here, there = urlsplit(page.url), urlsplit(link)
    return (here.hostname or "").removeprefix("www.") == (there.hostname or "").removeprefix(
        "www."
    ) and here.port == there.port


def breadcrumb(roots: list[Node], title: str | None) -> str | None:
    """The category that marked-up breadcrumbs name: the last one but the product itself."""
    for root in roots:
        if root.is_a("breadcrumblist"):
            names = [
                clean(item.text("name") or next((n.text("name") for n in item.nodes("item")), None))
                for item in root.nodes("itemlistelement")
            ]
            if found := _last_category([n for n in names if n], title):
                return found
    return None


def seen_breadcrumb(page: Page, title: str | None) -> str | None:
    """The category that the links of a breadcrumb line name, where no data mark them up."""
    for element in page.elements:
        if element.tag in ("nav", "ul", "ol", "div") and _CRUMBS.search(marks(element)):
            links = (clean(short_text(a, 60)) for a in element.iter("a"))
            if found := _last_category([n for n in dict.fromkeys(links) if n], title):
                return found
    return None


def _last_category(names: list[str], title: str | None) -> str | None:
    kept = list(names)
    if kept and title:
        last, own = words(kept[-1]), words(title)
        if len(last & own) * 2 > len(last) or own <= last:
            kept.pop()
    return kept[-1] if len(kept) >= 2 else None
