"""Whether a page's product is on sale, as the page shows it.

Four witnesses, in the order of how plainly they speak: a stock line ("In stock", "Нет в наличии"),
the page's scripts, a button that says it is sold out, and a button that can be pressed to buy.
"""

from __future__ import annotations

import re
from functools import lru_cache

from app.domain import Availability
from etl.adapters import buying, scripts
from etl.adapters.page import Page, is_aside, is_hidden, marks, short_text, visible_text
from etl.adapters.vocabulary import any_of, pattern
from etl.text import clean

_PLACE = re.compile(
    r"availab|stock|disponib|lager|verf[uü]g|наличи|voorraad|bestand|delivery-?status|lieferbar|"
    r"dostup|skladem|zaloga|razpolo|nalichie|stok(?![a-z])|saatavuus|tillganglig",
    re.IGNORECASE,
)
_NOT_PLACE = re.compile(r"variation|swatch|image|filter|notify|alert", re.IGNORECASE)
_HIDDEN = re.compile(r"(?:^|\s)(?:aok-hidden|hidden|hide|d-none|is-hidden)(?:\s|$)")
_LABEL = pattern("^", "stock_label", r"\b\s*[:：]?\s*")
OUT = pattern("", "sold_out")
"""Words that something is sold out, in the languages of shops."""
_IN = pattern("", "in_stock")
_LEFT = pattern("", "few_left")
_PREORDER = pattern("", "preorder")
_TELL_ME = pattern("^", "tell_me_when")
_GONE = re.compile(
    rf"^(?:sorry[,!]?\s*)?(?:{any_of('this_product')}\s+(?:\w+\s+){{0,4}}?)?{any_of('sold_out')}[.!]?",
    re.IGNORECASE,
)


def availability(page: Page, product: scripts.Named) -> Availability | None:
    """What lines and scripts say, before any button is asked; None where they say nothing."""
    lines = stock_lines(page)
    return lines[0] if lines else scripts.stock(page, product)


def is_contradicted(page: Page, product: scripts.Named) -> bool:
    """Whether the page sells what its structured data call sold out.

    Two witnesses are needed: a button that can be pressed, which alone may be left over, and stock
    lines or scripts that all say "in stock".
    """
    if not buying.can_be_bought(page):
        return False
    lines = stock_lines(page)
    if lines:
        return set(lines) == {"in_stock"}
    return scripts.stock(page, product) == "in_stock"


def stock_lines(page: Page) -> list[Availability]:
    """States that the page's stock lines name, in the order of the page."""
    return page.once("stock_lines", lambda: _read_lines(page))


def _read_lines(page: Page) -> list[Availability]:
    found: list[Availability] = []
    for element, text in zip(page.elements, page.texts, strict=True):
        own = marks(element)
        placed = bool(own) and _is_place(own)
        said: str | None = None
        if placed and element.tag not in ("body", "html", "form", "option"):
            long = text or short_text(element, 400)
            said = visible_text(element) if long else None
        elif text and element.tag not in ("option", "a", "button") and _LABEL.match(text):
            said = _behind_label(element, text)
        if not said or len(said) > 120 or is_aside(element) or is_hidden(element, 4):
            continue
        if _HIDDEN.search(element.get("class") or ""):
            continue
        state = state_of(said)
        if state is not None:
            found.append(state)
    return found


def state_of(text: str) -> Availability | None:
    """The state that a stock line names; negations are looked for first."""
    if OUT.search(text):
        return "out_of_stock"
    if _PREORDER.search(text):
        return "preorder"
    return "in_stock" if _IN.search(text) or _LEFT.search(text) else None


def says_sold_out(page: Page) -> bool:
    """Whether a button or a sentence says that the product is sold out, and none sells it."""
    told = False
    for element, text in zip(page.elements, page.texts, strict=True):
        if not text or element.tag not in (
            "button", "a", "input", "p", "span", "div", "strong", "b", "h2", "h3", "h4",
        ):  # fmt: skip
            continue
        if element.tag in ("button", "input"):
            match = _TELL_ME.match(text) or _GONE.match(text)
        else:
            match = _GONE.match(text)
            match = match if match and match.end() >= len(text.rstrip(" .!")) else None
        if match and not is_aside(element) and not is_hidden(element):
            told = True
            break
    return told and not buying.can_be_bought(page)


@lru_cache(maxsize=20_000)
def _is_place(own: str) -> bool:
    return _PLACE.search(own) is not None and not _NOT_PLACE.search(own)


def _behind_label(element: object, text: str) -> str | None:
    rest = _LABEL.sub("", text, count=1).strip()
    if rest:
        return rest if len(rest) <= 50 else None
    tail = clean(getattr(element, "tail", None))
    if tail:
        return tail[:60]
    following = element.getnext()  # type: ignore[attr-defined]
    if following is None or not isinstance(following.tag, str):
        return None
    return visible_text(following) if short_text(following, 60) else None
