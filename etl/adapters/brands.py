"""The brand as the page shows it, for pages whose structured data lack it.

Readers in the order of how plainly they speak: a labelled row, a place marked as the brand's, an
analytics object that also holds the product's name, and names that the title repeats.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from etl import normalise
from etl.adapters import scripts
from etl.adapters.page import Page, is_aside, marks, short_text, visible_text
from etl.adapters.product_nodes import is_brand
from etl.adapters.visible import title_place
from etl.adapters.vocabulary import pattern
from etl.text import clean, words

_LABEL_ONLY = pattern("^", "brand_label", r"\s*[:：]?$")
_LABELLED = pattern("^", "brand_label", r"\s*[:：]\s*(\S.{0,39})$")
_PLACE = re.compile(
    r"bylineinfo|(?:product|pdp|item|detail)s?[-_]{0,2}brand|brand[-_]?name|brandlink|"
    r"brand[-_]?link|(?<![a-z])brand(?![a-z])|(?<![a-z])manufacturer(?![a-z])|"
    r"(?<![a-z])vendor(?![a-z])",
    re.IGNORECASE,
)
_ADDRESS = re.compile(
    r"(?<![a-z])(?:brands?|marques?|marcas?|marken?|merken|merk|marchi[oe]?|manufacturers?|"
    r"hersteller|producent|vyrobc[ei]|znack[ay]|marka|proizvodac|vendors?|brend|brendy|"
    r"designers?)(?![a-z])",
    re.IGNORECASE,
)
_BYLINE = re.compile(
    r"^(?:visit the|brand:|marca:|marke:|marque\s*:|merk:|von|by|di|de|da|visita lo|visita la|"
    r"besuche? den|visite[rz] la boutique)\s+|\s+(?:store|shop|boutique)$",
    re.IGNORECASE,
)
_LOGO = re.compile(r"^(?:logo|brand|marke|marque|marca)\b[\s:–-]*|[\s:–-]*\blogo$", re.IGNORECASE)
_ELSEWHERE = re.compile(
    r"^(?:all|more|see|view|shop|show|alle|mehr|voir|tous|toutes|ver|vedi|tutti|bekijk|meer|все|"
    r"ещё|еще|другие)\b",
    re.IGNORECASE,
)
_FAMILIAR = tuple(name for name in normalise.BRANDS if len(name) >= 4)
_RETAILERS = frozenset({"Decathlon"})
_GOODS = re.compile(r"(?:product|item|card|tile)s?[-_]{0,2}(?:title|name)", re.IGNORECASE)
_FAMILY = 2
"""Other goods that must begin with a word before it is a brand."""
_NEAR = 40
"""Elements between the title and what stands beside it."""


def brand(page: Page, title: str | None, product: scripts.Named) -> str | None:
    """The brand that the page names; None without one or with several."""
    return (
        _labelled(page)
        or _placed(page, title)
        or scripts.brand(page, product, title)
        or _linked(page, title)
        or _own_name(page, title)
        or _familiar(title)
        or _shared(page, title)
    )


def is_marked(page: Page, title: str | None) -> bool:
    """Whether a labelled row or a place of its own names a brand."""
    return (_labelled(page) or _placed(page, title)) is not None


def _labelled(page: Page) -> str | None:
    for element, text in zip(page.elements, page.texts, strict=True):
        if not text or len(element) > 4 or element.tag in ("a", "button", "option", "h1"):
            continue
        own = (element.text or "").strip()
        if own and len(own) <= 25 and _LABEL_ONLY.match(own):
            value = next((v for v in _values(element) if _is_name(v)), None)
        elif len(element) == 0 and (match := _LABELLED.match(text)):
            value = clean(match[1])
        else:
            continue
        if _is_name(value) and not is_aside(element):
            return value
    return None


def _values(element: Any) -> Iterator[str | None]:
    """What stands behind a label: inside it, right after it, or in the next cell."""
    inner = next((c for c in element if isinstance(c.tag, str)), None)
    if inner is not None:
        yield clean(visible_text(inner))
    tail = clean(element.tail)
    if tail:
        yield tail.lstrip(":： ")
    following = element.getnext()
    if following is not None and isinstance(following.tag, str):
        if short_text(following, 60):
            yield clean(visible_text(following))
        return
    parent = element.getparent()
    if parent is not None and len(parent) == 1 and not tail and parent.getnext() is not None:
        yield clean(visible_text(parent.getnext())) if short_text(parent.getnext(), 60) else None


def _is_name(text: str | None) -> bool:
    return (
        is_brand(text)
        and 1 < len(text) <= 40
        and not _LABEL_ONLY.match(text)
        and not _ELSEWHERE.match(text)
        and any(c.isalpha() for c in text)
    )


def _placed(page: Page, title: str | None) -> str | None:
    """A text whose class says that it is the brand's: named by the title, or beside it."""
    heading = title_place(page.elements, title)
    beside: dict[str, int] = {}
    for order, element in enumerate(page.elements):
        if element.tag not in ("a", "span", "div", "h2", "h3", "h4", "p", "strong", "b"):
            continue
        own = marks(element) + " " + (element.get("itemprop") or "")
        if not _PLACE.search(own) or is_aside(element):
            continue
        text = clean(visible_text(element)) if short_text(element, 300) else None
        byline = "bylineinfo" in own.lower()
        if not text or len(text) > (200 if byline else 60):
            continue
        name = _BYLINE.sub("", _BYLINE.sub("", text)).strip()
        if byline and len(name) > 1:
            return name
        if not _is_name(name):
            continue
        if words(name) <= words(title) or element.get("itemprop") == "brand":
            return name
        if heading is not None and abs(order - heading) <= _NEAR:
            beside.setdefault(name, abs(order - heading))
    return min(beside, key=lambda n: beside[n]) if len(beside) == 1 else None


def _linked(page: Page, title: str | None) -> str | None:
    """A brand that the title names and a logo, hidden field or brand page's link names too."""
    wanted = words(title)
    for element in page.root.iter("img", "input", "a"):
        if element.tag == "img":
            place, text = f"{element.get('src') or ''} {marks(element)}", element.get("alt")
            text = _LOGO.sub("", text).strip() if text else text
        elif element.tag == "input":
            place, text = f"{marks(element)} {element.get('name') or ''}", element.get("value")
            place = re.sub(r"([a-z])([A-Z])", r"\1-\2", place)
        else:
            place, text = element.get("href") or "", short_text(element, 60)
        name = clean(text)
        if not name or not 1 < len(name) <= 40 or not _ADDRESS.search(place):
            continue
        named = words(name)
        if named and named < wanted and not name.isdigit() and not is_aside(element):
            return name
    return None


def _own_name(page: Page, title: str | None) -> str | None:
    """The shop's own name where it is a maker that sells its own goods.

    It is one where the title begins with the name, or where our vocabulary knows it as one.
    """
    site = clean(page.first_meta("og:site_name", "application-name"))
    name = re.sub(r"\s*[(\[|].*$", "", site).strip() if site else ""
    start = (title or "").casefold().split()
    named = name.casefold().split()
    if named and start[: len(named)] == named and len(start) > len(named) and _is_name(name):
        return name
    host = (urlsplit(page.url or page.canonical or "").hostname or "").split(".")
    for known in (name, host[-2] if len(host) > 1 else ""):
        maker = normalise.brand(known)
        if maker in _FAMILIAR and maker not in _RETAILERS:
            return maker
    return None


def _familiar(title: str | None) -> str | None:
    """The one sneaker maker of our vocabulary that the title names as a whole word."""
    if not title:
        return None
    found = {
        name
        for name in _FAMILIAR
        if re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", title, re.IGNORECASE)
    }
    return found.pop() if len(found) == 1 else None


def _shared(page: Page, title: str | None) -> str | None:
    """The title's first word, where other goods on the page begin with it too ("Parkside Battery"
    beside "Parkside Drill") and the page uses it as nothing but a name: never in small letters,
    never as a link of its own, as kinds and departments are."""
    first, _, rest = (title or "").partition(" ")
    if not re.fullmatch(r"[^\W\d_]{4,}", first) or not first[0].isupper() or not rest:
        return None
    if normalise.colours(first) or normalise.gender(first):
        return None
    begins = re.compile(rf"{re.escape(first)}\s+(\S+)", re.IGNORECASE)
    following: set[str] = set()
    for element, text in zip(page.elements, page.texts, strict=True):
        if text and text.casefold() == first.casefold():
            return None
        named = element.tag in ("h2", "h3", "h4") or _GOODS.search(marks(element))
        if text and named and text != title and (match := begins.match(text)):
            following.add(match[1].casefold())
    following.discard(rest.split()[0].casefold())
    if len(following) < _FAMILY:
        return None
    small = re.compile(rf"(?<![\w./-]){re.escape(first.lower())}(?![\w/-])")
    return None if small.search(visible_text(page.root)) else first
