"""Whether a page offers its product for sale: an add-to-basket button that can be pressed."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from etl.adapters.page import Page, is_aside, is_hidden, marks, short_text
from etl.adapters.vocabulary import pattern
from etl.text import clean

ADD = pattern("", "buy")
"""What a button that buys says, in the languages of shops."""
_ADD_MARK = re.compile(
    r"\badd[-_]?to[-_]?(?:cart|bag|basket|trolley)\b|\badd2cart\b|\baddtocart\b|\badd-product\b",
    re.IGNORECASE,
)
_DEAD = re.compile(
    r"\b(?:is-)?disabled\b|sold-?out|out-?of-?stock|unavailable|notify|\bhidden\b|\bhide\b|d-none",
    re.IGNORECASE,
)
_NOT_ADDING = re.compile(
    r"wish|favou?rit|merk(?:zettel|liste)|warranty|garant|notify|sample|gift|guide|store",
    re.IGNORECASE,
)


# A shop's pages repeat the labels of their menus and buttons, so each is looked at once.
@lru_cache(maxsize=20_000)
def says_buy(text: str) -> bool:
    """Whether a button's text offers to buy."""
    return ADD.search(text) is not None


def can_be_bought(page: Page) -> bool:
    """Whether a button of the page's own product puts it into the basket."""
    return page.once("can_be_bought", lambda: any(_adds(e) for e in page.elements))


def _adds(element: Any) -> bool:
    if element.tag not in ("button", "input", "a"):
        # A script's button: it says so itself, or is pressed through a handler of its own.
        pressed = element.get("role") == "button" or element.get("onclick") is not None
        if element.tag not in ("div", "span") or not pressed:
            return False
    if element.tag == "input" and (element.get("type") or "").lower() not in (
        "submit",
        "button",
        "image",
    ):
        return False
    own = marks(element)
    if (
        element.get("disabled") is not None
        or element.get("aria-disabled") == "true"
        or _DEAD.search(own)
    ):
        return False
    texts = [short_text(element, 80)] if element.tag != "input" else []
    texts.extend(clean(element.get(name)) for name in ("value", "title", "aria-label", "alt"))
    said = [t for t in texts if t and len(t) <= 80]
    if not said or any(_NOT_ADDING.search(t) for t in said):
        return False
    if not (any(says_buy(t) for t in said) or _ADD_MARK.search(own)):
        return False
    return not is_hidden(element) and not is_aside(element)
