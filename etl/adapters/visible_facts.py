"""Article number, sizes and the struck-out price as the page shows them.

Only what the page says in so many words: a labelled number, a list of sizes, a price crossed out
beside the price.
"""

from __future__ import annotations

import re
from decimal import Decimal
from functools import lru_cache
from typing import Any

from app.domain import Size
from etl.adapters.page import Page, is_aside, is_struck, marks, visible_text
from etl.adapters.stock import OUT
from etl.money import CURRENCY_SIGN, amount
from etl.sizes import looks_like_size, parse_size, settle_systems
from etl.text import clean

_NUMBER_SHAPE = r"[A-Z0-9][A-Z0-9./_-]{3,24}"
_ARTICLE_WORD = (
    r"(?:sku|артикул|код(?: товара)?|art(?:ikel)?\.?[- ]?(?:nr|no)\.?|artikelnummer|"
    r"item\s?(?:#|no\.?)|"
    r"style(?: code| ?#| no\.?)|product code|référence|réf\.?|codice(?: articolo)?|mpn)"
)
_ARTICLE = re.compile(rf"^{_ARTICLE_WORD}\s*[:#№]?\s*({_NUMBER_SHAPE})$", re.IGNORECASE)
_ARTICLE_LABEL = re.compile(rf"^{_ARTICLE_WORD}\s*[:#№]?$", re.IGNORECASE)
_SIZE_PLACE = re.compile(
    r"\bsizes?\b|size[-_]?(?:list|select|picker|grid|option|chooser|swatch)|(?:select|attribute|"
    r"option)[-_]?size|taille|talla|taglia|größe|groesse|maat|размер",
    re.IGNORECASE,
)
_DIGIT = re.compile(r"\d")
_TEXT_TAGS = frozenset({"span", "div", "p", "li", "td", "dd", "b", "strong", "h1"})
_SIZE_GUIDE = re.compile(r"guide|chart|table|finder|help", re.IGNORECASE)
_SOLD = re.compile(
    r"disabled|sold-?out|out-?of-?stock|unavailable|not-available|\boff\b|inactive|empty|"
    r"crossed|no-?stock|oos\b",
    re.IGNORECASE,
)


def article_number(page: Page) -> str | None:
    """The shop's or maker's number that stands behind a label ("SKU: ", "Артикул: ")."""
    for element, text in zip(page.elements, page.texts, strict=True):
        if not text or len(element) > 3 or element.tag not in _TEXT_TAGS:
            continue
        match = _ARTICLE.match(text)
        if match and any(c.isdigit() for c in match[1]) and not is_aside(element):
            return match[1]
    for element in page.root.iter("th", "td", "dt", "span", "div"):
        text = (element.text or "").strip()
        if text and len(text) <= 25 and _ARTICLE_LABEL.match(text) and not is_aside(element):
            for other in _after(element):
                value = clean(visible_text(other)) or ""
                if re.fullmatch(_NUMBER_SHAPE, value, re.IGNORECASE) and re.search(r"\d", value):
                    return value
    return None


@lru_cache(maxsize=20_000)
def _is_size_place(own: str) -> bool:
    return _SIZE_PLACE.search(own) is not None and not _SIZE_GUIDE.search(own)


def sizes(page: Page) -> tuple[Size, ...]:
    """Sizes that the page lists to choose from; those crossed out or disabled are not available."""
    best: list[Size] = []
    for element in page.root.iter("ul", "ol", "select", "div", "fieldset"):
        own = " ".join(
            filter(None, (marks(element), element.get("name"), element.get("data-attribute")))
        )
        if not own or not _is_size_place(own) or is_aside(element):
            continue
        found = _listed_sizes(element)
        if len(found) > len(best):
            best = found
    return settle_systems(best) if len(best) >= 2 else ()


def list_price(page: Page, price: Decimal, currency: str | None) -> Decimal | None:
    """The crossed-out price that stands right beside ``price``; None without one."""
    now: list[int] = []
    struck: list[tuple[int, Decimal]] = []
    for order, (element, text) in enumerate(zip(page.elements, page.texts, strict=True)):
        if not text or len(text) > 40 or len(element) > 3 or element.tag == "option":
            continue
        if not _DIGIT.search(text):
            continue
        struck_out = is_struck(element)
        value = amount(text if struck_out else visible_text(element), currency)
        if value is None or is_aside(element):
            continue
        if struck_out:
            if value > price and (
                CURRENCY_SIGN.search(text) or element.tag in ("s", "del", "strike")
            ):
                struck.append((order, value))
        elif value == price:
            now.append(order)
    near = [
        (min(abs(order - place) for place in now), value)
        for order, value in struck
        if now and value < price * 4
    ]
    distance, value = min(near, default=(999, None), key=lambda entry: entry[0])
    return value if distance <= 12 else None


def _after(element: Any) -> list[Any]:
    found = [c for c in element if isinstance(c.tag, str)][:1]
    following = element.getnext()
    if following is not None and isinstance(following.tag, str):
        found.append(following)
    parent = element.getparent()
    if (
        following is None
        and parent is not None
        and len(parent) == 1
        and parent.getnext() is not None
    ):
        found.append(parent.getnext())
    return found


def _listed_sizes(element: Any) -> list[Size]:
    found: list[Size] = []
    for item in element.iter("option", "li", "button", "label", "a"):
        if item is element or any(
            True for _ in item.iter("li", "button", "label") if _ is not item
        ):
            continue
        text = clean("".join(item.itertext())) or item.get("data-size") or ""
        label = re.split(r"\s+[-–(]\s*", text)[0].strip()
        if not label or len(label) > 12 or not looks_like_size(label):
            continue
        sold = (
            bool(_SOLD.search(marks(item)))
            or item.get("disabled") is not None
            or bool(OUT.search(text))
        )
        size = parse_size(label, None, not sold)
        if size is not None:
            found.append(size)
    return found
