"""The price as a person sees it, for pages whose structured data lack it.

Every text that reads as a price is weighed by what stands around it: words of its own and its
parents' classes, the distance to the title and to the buy button, being struck out, standing among
recommended goods. It is used only where nothing better is stated.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any

from etl.adapters.buying import ADD, says_buy
from etl.adapters.page import Page, is_aside, is_struck, marks, short_text
from etl.adapters.vocabulary import pattern
from etl.money import CURRENCY_SIGN, amount, currency_in
from etl.text import words

_BUY = re.compile(
    r"add[\s_-]?to[\s_-]?(?:cart|bag|basket|trolley)|addtocart|add2cart|buy[\s_-]?now|"
    r"buy[\s_-]?box|purchase|warenkorb|acheter|añadir|comprar|aggiungi|acquista|carrello|"
    r"in\swinkel|bestellen|adicionar|купить|добавить\sв|dodaj|kosár|(?<!bac)(?<!pic)kup\s|"
    r"přidat|ostukorvi|grozā|adaug|köp\b|kjøp|køb|구매|" + ADD.pattern,
    re.IGNORECASE,
)
_PRICE_WORD = re.compile(
    r"price|prc|preis|prix|precio|prezzo|prijs|cena|цена|fiyat|amount|cost", re.IGNORECASE
)
_PRICE_LABEL = pattern("", "price_label")
_NOW_WORD = re.compile(
    r"current|sale|special|now|final|our|actual|selling|deal|discounted|promo|buybox|primary|"
    r"main|value|today|new",
    re.IGNORECASE,
)
_NOT_PRICE = re.compile(
    r"shipping|delivery|versand|envio|envío|livraison|spedizione|save|saving|saved|spar|instal|"
    r"monthly|"
    r"per-?month|finance|financ|credit|bonus|coupon|voucher|cart|basket|total|unit-?price|"
    r"price-?per|per-?unit|"
    r"no-?tax|price-?tax|ex-?tax|excl(?:uding)?-?(?:tax|vat)|deposit|points|loyalty|warranty|"
    r"insurance|garant|threshold|cashback|trade-?in|filter|facet|"
    r"rating|review|swatch|rrp|msrp|uvp",
    re.IGNORECASE,
)
_NOT_PRICE_TEXT = re.compile(
    r"save|saving|shipping|delivery|versand|envío|livraison|spedizione|verzend|monat|/mo\b|"
    r"month|mois|mese|mes\b|"
    r"you\ssave|off\b|over\s|above|ab\s|orders|free|from\s\d+\sper|statt|was\b|rrp|uvp|"
    r"list\sprice|before|"
    r"old\sprice|старая|доставка|бонус|экономия|в\sмес|per\s(?:kg|100|l|unit|month|item)|"
    r"/\s?(?:kg|l|100|ml|stk)\b|trade-in",
    re.IGNORECASE,
)
_OTHERS = re.compile(r"\bolp|offer-?listing|other-?(?:sellers|offers)|\bmbc|\bused-", re.IGNORECASE)
_FROM = re.compile(
    r"(?:\b(?:desde|from|ab|da|dès|partir de|partire da|vanaf|fra|från|od)|от)\s*:?$", re.IGNORECASE
)
_NUMERIC = re.compile(r"^\D{0,12}\d[\d\s\u00a0\u202f.,'’]*(?:-|–|,-)?\D{0,12}$")
_MAX_TEXT = 60
_SURE, _LIKELY, _AHEAD = 2.0, 1.5, 1.2
"""Score from which a text is the price; a lower one does where it is far ahead of the others."""
_SKIPPED = frozenset(
    {"script", "style", "noscript", "template", "svg", "option", "head", "title", "textarea"}
)


_WHOLE = frozenset({"html", "body", "main", "article", "section", "form"})


@dataclass(frozen=True, slots=True)
class SeenPrice:
    """A price read from the page's text; ``score`` orders readings, higher is surer."""

    price: Decimal
    list_price: Decimal | None
    currency: str | None
    score: float


@dataclass(slots=True)
class _Found:
    order: int
    value: Decimal
    currency: str | None
    struck: bool
    score: float


def read_price(page: Page, title: str | None) -> SeenPrice | None:
    """The price beside the title and the buy button; None when no text is surely the price."""
    elements = page.elements
    title_at = title_place(elements, title)
    buy_at = _buy_places(elements, title_at)
    if title_at is None and not buy_at:
        return None
    found = _prices(elements, title_at, buy_at)
    live = [f for f in found if not f.struck]
    if not live:
        return None
    counts = Counter(f.value for f in live)
    best = max(live, key=lambda f: (f.score + min(counts[f.value] - 1, 3) * 0.4, -f.order))
    rival = max((f.score for f in live if f.value != best.value), default=-9.0)
    if best.score < (_SURE if best.score - rival < _AHEAD else _LIKELY):
        return None
    listed = [
        f.value
        for f in found
        if f.struck
        and f.value > best.value
        and abs(f.order - best.order) < 80
        and f.value < best.value * 4
    ]
    currency = best.currency or next(
        (f.currency for f in live if f.value == best.value and f.currency), None
    )
    return SeenPrice(best.value, listed[0] if listed else None, currency, best.score)


def has_buy_button(page: Page) -> bool:
    """Whether something on the page offers to buy."""
    return bool(_buy_places(page.elements, None))


def currency_of(page: Page, price: Decimal) -> str | None:
    """Currency that the page's text writes beside this very amount; None when unclear."""
    found: set[str] = set()
    for element in page.elements:
        if element.tag in _SKIPPED:
            continue
        text = _short_text(element)
        if (
            text
            and CURRENCY_SIGN.search(text)
            and amount(text) == price
            and (code := currency_in(text))
        ):
            found.add(code)
    return found.pop() if len(found) == 1 else None


def _prices(elements: list[Any], title_at: int | None, buy_at: list[int]) -> list[_Found]:
    found: list[_Found] = []
    taken: set[Any] = set()
    for order, element in enumerate(elements):
        if element.tag in _WHOLE:
            continue
        if element.tag in _SKIPPED or element.getparent() in taken:
            if element.getparent() in taken:
                taken.add(element)
            continue
        text = _short_text(element)
        if not text or not any(c.isdigit() for c in text) or not _NUMERIC.match(text):
            continue
        own = marks(element)
        sign = None if CURRENCY_SIGN.search(text) else _sign_beside(element)
        signed = sign is not None or CURRENCY_SIGN.search(text) is not None
        if not signed and not _PRICE_WORD.search(own):
            continue
        value = amount(text, currency_in(sign))
        if value is None:
            continue
        taken.add(element)
        if is_aside(element, 10) or _in_grid(element):
            continue
        found.append(
            _Found(
                order,
                value,
                currency_in(text) or currency_in(sign),
                is_struck(element),
                _score(element, own, signed, order, title_at, buy_at),
            )
        )
    return found


def _sign_beside(element: Any) -> str | None:
    """The sign of money that stands just before or after a bare number, in a node of its own."""
    following, before = element.getnext(), element.getprevious()
    beside = [element.tail, before.tail if before is not None else None]
    parent = element.getparent()
    if before is None and parent is not None:
        beside.append(parent.text)
    if not (element.tail or "").strip() and following is not None:
        beside.append(short_text(following, 6) if isinstance(following.tag, str) else None)
    if before is not None and isinstance(before.tag, str) and not (before.tail or "").strip():
        beside.append(short_text(before, 6))
    for text in beside:
        stripped = (text or "").strip()
        if stripped and CURRENCY_SIGN.fullmatch(stripped):
            return stripped
    return None


def _in_grid(element: Any) -> bool:
    """Whether the element stands in one of several equal cards, each with its own link."""
    node = element
    for _ in range(8):
        parent = node.getparent()
        if parent is None or node.tag in ("body", "main"):
            return False
        if node.tag in ("li", "article", "div", "a", "section") and len(parent) >= 4:
            kind = node.get("class")
            alike = [c for c in parent if c.tag == node.tag and c.get("class") == kind]
            if len(alike) >= 4 and (kind or node.tag in ("li", "article")):
                linked = [c for c in alike if c.tag == "a" or next(c.iter("a"), None) is not None]
                if len(linked) >= 4 and sum(any(True for _ in c.iter("img")) for c in alike) >= 4:
                    return True
        node = parent
    return False


def _score(
    element: Any, own: str, signed: bool, order: int, title_at: int | None, buy_at: list[int]
) -> float:
    score = 1.0 if signed else 0.0
    around = own
    parent = element.getparent()
    for _ in range(3):
        if parent is None:
            break
        around += " " + marks(parent)
        parent = parent.getparent()
    score += 3.0 * bool(_PRICE_WORD.search(around)) + 1.5 * bool(_NOW_WORD.search(around))
    score -= 4.0 * bool(_NOT_PRICE.search(around))
    score -= 2.0 * bool(_OTHERS.search(around))
    before = _before_text(element)
    if _FROM.search(before):
        score -= 1.5
    elif not _PRICE_WORD.search(around) and _PRICE_LABEL.search(
        f"{_parent_text(element)} {before}"
    ):
        score += 2.0
    if _NOT_PRICE_TEXT.search(_near_text(element)):
        score -= 2.5
    if title_at is not None:
        distance = order - title_at
        score -= min(4.0, abs(distance) / 120)
        score += 0.5 if distance > 0 else -1.0
    if buy_at:
        score -= min(3.0, min(abs(order - place) for place in buy_at) / 100)
    if element.tag in ("h1", "h2", "strong", "b"):
        score += 0.3
    if "display:none" in (element.get("style") or "").replace(" ", ""):
        score -= 2
    return score


def _parent_text(element: Any) -> str:
    """What the row or box of an element begins with."""
    parent = element.getparent()
    return (short_text(parent, 80) or "")[:40] if parent is not None else ""


def _before_text(element: Any) -> str:
    """The few words before the element within its parent."""
    parent, before = element.getparent(), element.getprevious()
    if before is not None:
        inside = "".join(before.itertext()) if isinstance(before.tag, str) else ""
        return ((before.tail or "").strip() or inside.strip())[-40:]
    return (parent.text or "").strip()[-40:] if parent is not None else ""


def _near_text(element: Any) -> str:
    """The element's text with what stands just before and just after it."""
    after = (element.tail or "").strip()[:20]
    return f"{_before_text(element)} {_short_text(element) or ''} {after}"


def _short_text(element: Any) -> str | None:
    return short_text(element, _MAX_TEXT)


def title_place(elements: list[Any], title: str | None) -> int | None:
    """Number of the element that shows the title; None where the page shows none."""
    wanted = words(title)
    best: tuple[float, int] | None = None
    for order, element in enumerate(elements):
        if element.tag in _SKIPPED or element.tag not in (
            "h1",
            "h2",
            "h3",
            "span",
            "div",
            "p",
            "strong",
            "b",
            "a",
            "td",
        ):
            continue
        if element.tag != "h1" and not (wanted and len(element) <= 3):
            continue
        text = short_text(element, 400) or ""
        have = words(text)
        likeness = len(wanted & have) / len(wanted | have) if wanted and have else 0.0
        weight = likeness + (0.5 if element.tag == "h1" else 0.0)
        if (
            (likeness >= 0.6 or element.tag == "h1")
            and not is_aside(element)
            and (best is None or weight > best[0])
        ):
            best = (weight, order)
    return best[1] if best else None


@lru_cache(maxsize=20_000)
def _names_buying(label: str) -> bool:
    return _BUY.search(label) is not None


def _buy_places(elements: list[Any], title_at: int | None) -> list[int]:
    places = []
    for order, element in enumerate(elements):
        if element.tag not in ("button", "input", "a", "form", "div", "span"):
            continue
        if element.tag in ("div", "span"):
            if len(element) > 2:
                continue
            text = (element.text or "").strip()
            label = text if len(text) <= 30 else ""
        else:
            label = " ".join(
                filter(
                    None,
                    (
                        element.get("value"),
                        element.get("id"),
                        element.get("name"),
                        element.get("class"),
                        element.get("title"),
                        element.get("aria-label"),
                        element.get("action"),
                    ),
                )
            )
            if element.tag != "form":
                text = _short_text(element) or ""
                label = text if says_buy(text) else f"{label} {text}"
        if label and _names_buying(label) and not is_aside(element, 6):
            places.append(order)
    after = [p for p in places if title_at is None or p > title_at - 200]
    return (after or places)[:5]
