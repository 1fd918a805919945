"""Brand, availability, sizes and the struck-out price as the page shows them.

Only what the page says in so many words: a labelled brand, a stock line, a list of sizes, a price
crossed out beside the price.
"""

from __future__ import annotations

import re
from collections import Counter
from decimal import Decimal
from typing import Any

from app.domain import Availability, Size
from etl.adapters.page import Page, is_aside, is_struck, marks, visible_text
from etl.money import CURRENCY_SIGN, amount
from etl.sizes import looks_like_size, parse_size, settle_systems
from etl.text import clean, words

_BRAND_LABEL = re.compile(
    r"^(?:brand|brand name|make ?/ ?manufacturer|manufacturer|hersteller|fabricante?|produttore|"
    r"fabrikant|производитель|výrobc[ea]|producent|gyártó|proizvođač|tootja|ražotājs|merkki|marke|"
    r"marque|marca|merk|бренд|торговая марка|marka|značka|znacka|"
    r"márka|brändi|varumärke|"
    r"zīmols|blagovna znamka|mærke)\s*:?$",
    re.IGNORECASE,
)
_NUMBER_SHAPE = r"[A-Z0-9][A-Z0-9./_-]{3,24}"
_ARTICLE_WORD = (
    r"(?:sku|артикул|код(?: товара)?|art(?:ikel)?\.?[- ]?(?:nr|no)\.?|artikelnummer|"
    r"item\s?(?:#|no\.?)|"
    r"style(?: code| ?#| no\.?)|product code|référence|réf\.?|codice(?: articolo)?|mpn)"
)
_ARTICLE = re.compile(rf"^{_ARTICLE_WORD}\s*[:#№]?\s*({_NUMBER_SHAPE})$", re.IGNORECASE)
_ARTICLE_LABEL = re.compile(rf"^{_ARTICLE_WORD}\s*[:#№]?$", re.IGNORECASE)
_BRAND_PLACE = re.compile(
    r"bylineinfo|(?:product|pdp|item|detail)s?[-_]{0,2}brand|brand[-_]?name|brandlink|"
    r"brand[-_]?link|(?<![a-z])brand(?![a-z])|(?<![a-z])manufacturer(?![a-z])",
    re.IGNORECASE,
)
_BRAND_ADDRESS = re.compile(
    r"(?<![a-z])(?:brands?|marques?|marcas?|marken?|merken|merk|marchi[oe]?|manufacturers?|"
    r"hersteller|producent|vyrobc[ei]|znack[ay]|marka|proizvodac|vendor|brend)(?![a-z])",
    re.IGNORECASE,
)
_BYLINE = re.compile(
    r"^(?:visit the|brand:|marca:|marke:|marque\s*:|merk:|von|by|di|de|da|visita lo|visita la|"
    r"besuche? den|visite[rz] la boutique)\s+|\s+(?:store|shop|boutique)$",
    re.IGNORECASE,
)
_BRAND_SCRIPT = re.compile(
    r"""["']?(?:brand|productBrand|brandName|product_brand|"
    r"manufacturer)["']?\s*[:=]\s*(?:\{[^{}]{0,200}?["']name["']\s*:\s*)?["']([^"'\\]{2,40})["']"""
)
_STOCK_PLACE = re.compile(
    r"availab|stock|disponib|lager|verf[uü]g|наличи|voorraad|bestand|delivery-?status|lieferbar|"
    r"dostup|skladem|zaloga|razpolo",
    re.IGNORECASE,
)
_OUT = re.compile(
    r"out\s?of\s?stock|sold\s?out|not available|unavailable|currently unavailable|"
    r"no longer available|nicht (?:verfügbar|lieferbar|auf lager|vorrätig)|"
    r"ausverkauft|épuisé|rupture de stock|indisponible|non disponibile|esaurito|agotado|"
    r"sin stock|no disponible|"
    r"niet (?:leverbar|op voorraad|beschikbaar)|uitverkocht|esgotado|indisponível|tükendi|"
    r"stokta yok|нет в наличии|распродан|закончил|"
    r"vypredané|vyprodáno|nie je skladom|wyprzedan|brak w magazynie|ni na zalogi|nincs raktáron|"
    r"indisponibil|stoc epuizat",
    re.IGNORECASE,
)
_IN = re.compile(
    r"in\s?stock|available(?: now| online| for delivery)?\b|auf lager|sofort (?:lieferbar|"
    r"verfügbar)|lieferbar|vorrätig|verfügbar|en stock|disponible|"
    r"disponibile|disponibilit[aà] immediata|op voorraad|leverbaar|em stock|disponível|stokta|"
    r"в наличии|есть на складе|skladem|skladom|na sklade|"
    r"na zalogi|raktáron|în stoc|in stoc|dostępny|laos olemas|noliktavā|na stanju|dostupno|"
    r"available",
    re.IGNORECASE,
)
_LEFT = re.compile(
    r"only \d+ left|noch \d+|nur noch \d+|plus que \d+|solo \d+|nog \d+|осталось \d+", re.IGNORECASE
)
_SIZE_PLACE = re.compile(
    r"\bsizes?\b|size[-_]?(?:list|select|picker|grid|option|chooser|swatch)|(?:select|attribute|"
    r"option)[-_]?size|taille|talla|taglia|größe|groesse|maat|размер",
    re.IGNORECASE,
)
_NOT_STOCK = re.compile(r"variation|swatch|image|filter|notify|alert", re.IGNORECASE)
_HIDDEN = re.compile(r"(?:^|\s)(?:aok-hidden|hidden|hide|d-none|is-hidden)(?:\s|$)")
_SIZE_GUIDE = re.compile(r"guide|chart|table|finder|help", re.IGNORECASE)
_SOLD = re.compile(
    r"disabled|sold-?out|out-?of-?stock|unavailable|not-available|\boff\b|inactive|empty|"
    r"crossed|no-?stock|oos\b",
    re.IGNORECASE,
)


def brand(page: Page, title: str | None) -> str | None:
    """The brand that the page names; None without one or with several."""
    return _labelled(page) or _placed(page, title) or _scripted(page, title) or _linked(page, title)


def article_number(page: Page) -> str | None:
    """The shop's or maker's number that stands behind a label ("SKU: ", "Артикул: ")."""
    for element in page.root.iter("span", "div", "p", "li", "td", "dd", "b", "strong", "h1"):
        text = clean(visible_text(element)) if len(element) <= 3 else None
        if not text or len(text) > 60 or is_aside(element):
            continue
        match = _ARTICLE.match(text)
        if match and any(c.isdigit() for c in match[1]):
            return match[1]
    for element in page.root.iter("th", "td", "dt", "span", "div"):
        text = (element.text or "").strip()
        if text and len(text) <= 25 and _ARTICLE_LABEL.match(text) and not is_aside(element):
            for other in _after(element):
                value = clean(visible_text(other)) or ""
                if re.fullmatch(_NUMBER_SHAPE, value, re.IGNORECASE) and re.search(r"\d", value):
                    return value
    return None


def availability(page: Page) -> Availability | None:
    """What the page's stock line says; None without one."""
    found: list[Availability] = []
    for element in page.root.iter("*"):
        if not isinstance(element.tag, str) or element.tag in (
            "script",
            "style",
            "body",
            "html",
            "head",
            "form",
            "option",
        ):
            continue
        own = marks(element)
        if not own or not _STOCK_PLACE.search(own) or is_aside(element) or _hidden(element):
            continue
        if _NOT_STOCK.search(own):
            continue
        text = visible_text(element)
        if not text or len(text) > 120:
            continue
        if _OUT.search(text):
            found.append("out_of_stock")
        elif _IN.search(text) or _LEFT.search(text):
            found.append("in_stock")
    return found[0] if found else None


def sizes(page: Page) -> tuple[Size, ...]:
    """Sizes that the page lists to choose from; those crossed out or disabled are not available."""
    best: list[Size] = []
    for element in page.root.iter("ul", "ol", "select", "div", "fieldset"):
        own = " ".join(
            filter(None, (marks(element), element.get("name"), element.get("data-attribute")))
        )
        if not own or not _SIZE_PLACE.search(own) or _SIZE_GUIDE.search(own) or is_aside(element):
            continue
        found = _listed_sizes(element)
        if len(found) > len(best):
            best = found
    return settle_systems(best) if len(best) >= 2 else ()


def list_price(page: Page, price: Decimal, currency: str | None) -> Decimal | None:
    """The crossed-out price that stands right beside ``price``; None without one."""
    elements = [e for e in page.root.iter("*") if isinstance(e.tag, str)]
    now: list[int] = []
    struck: list[tuple[int, Decimal]] = []
    for order, element in enumerate(elements):
        if len(element) > 3 or element.tag in ("script", "style", "option"):
            continue
        text = re.sub(r"\s+", " ", "".join(element.itertext())).strip()
        if not text or len(text) > 40 or not any(c.isdigit() for c in text):
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


def _labelled(page: Page) -> str | None:
    for element in page.root.iter(
        "th", "td", "dt", "span", "div", "b", "strong", "p", "li", "label"
    ):
        text = (element.text or "").strip()
        if not text or len(text) > 25 or not _BRAND_LABEL.match(text):
            continue
        for other in _after(element):
            value = clean(visible_text(other))
            if (
                value
                and 1 < len(value) <= 40
                and not _BRAND_LABEL.match(value)
                and not is_aside(element)
            ):
                return value
    return None


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


def _placed(page: Page, title: str | None) -> str | None:
    for element in page.root.iter("a", "span", "div", "h2", "h3", "p", "meta"):
        if element.tag == "meta":
            continue
        own = marks(element) + " " + (element.get("itemprop") or "")
        if not _BRAND_PLACE.search(own) or is_aside(element):
            continue
        text = clean(visible_text(element))
        if not text or len(text) > 60:
            continue
        name = _BYLINE.sub("", _BYLINE.sub("", text)).strip()
        byline = "bylineinfo" in own.lower()
        if 1 < len(name) <= 40 and (
            byline or words(name) <= words(title) or element.get("itemprop") == "brand"
        ):
            return name
    return None


def _linked(page: Page, title: str | None) -> str | None:
    """A brand that the title names and a logo, hidden field or brand page's link names too."""
    wanted = words(title)
    for element in page.root.iter("img", "input", "a"):
        if element.tag == "img":
            place, text = f"{element.get('src') or ''} {marks(element)}", element.get("alt")
        elif element.tag == "input":
            place, text = f"{marks(element)} {element.get('name') or ''}", element.get("value")
            place = re.sub(r"([a-z])([A-Z])", r"\1-\2", place)
        else:
            place, text = element.get("href") or "", "".join(element.itertext())
        name = clean(text)
        if not name or not 1 < len(name) <= 40 or not _BRAND_ADDRESS.search(place):
            continue
        named = words(name)
        if named and named < wanted and not name.isdigit() and not is_aside(element):
            return name
    return None


def _scripted(page: Page, title: str | None) -> str | None:
    """The brand that the page's scripts give: the only one, or the one that the title names."""
    counts: Counter[str] = Counter()
    for script in page.root.iter("script"):
        if script.text and len(script.text) < 2_000_000:
            counts.update(m.strip() for m in _BRAND_SCRIPT.findall(script.text))
    named = [n for n in counts if (found := words(n)) and found <= words(title) and not n.isdigit()]
    if named:
        return clean(max(named, key=lambda n: (counts[n], len(n))))
    return None


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
            or bool(_OUT.search(text))
        )
        size = parse_size(label, None, not sold)
        if size is not None:
            found.append(size)
    return found


def _hidden(element: Any) -> bool:
    node = element
    for _ in range(4):
        if node is None:
            return False
        if (
            "display:none" in (node.get("style") or "").replace(" ", "")
            or node.get("hidden") is not None
        ):
            return True
        node = node.getparent()
    return False
