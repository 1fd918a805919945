"""What a page's scripts say of its product: analytics objects, application states, data layers.

No script is run and no site's format is known here. A statement (``"brand": "Nike"``,
``isBuyable: true``) counts when the object that holds it also holds the product's name or number;
few keys are plain enough to count on their own, and then only where nothing contradicts them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from app.domain import Availability
from etl.adapters.offer_nodes import availability
from etl.adapters.page import Page
from etl.adapters.product_nodes import is_brand
from etl.text import clean, words

_SELLING = (
    "isBuyable|buyable|canBeBought|canBuy|canAddToCart|addToCartEnabled|isPurchasable|"
    "is_purchasable|purchasable|isSellable|sellable|isSaleable|is_salable|isSalable|isOrderable|"
    "orderable|availableForSale|available_for_sale|availableToSell|isInStock|is_in_stock|inStock|"
    "in_stock|hasStock|has_stock|product_in_stock|productInStock"
)
_SOLD_OUT = (
    "isSoldOut|is_sold_out|soldOut|sold_out|isOutOfStock|is_out_of_stock|outOfStock|out_of_stock"
)
_WORDED = (
    "availability|availabilityStatus|availability_status|availabilityType|productAvailability|"
    "product_availability|stockStatus|stock_status|stockLevelStatus|stockState|stock_state|"
    "inventoryStatus|inventory_status|stockAvailability|productStock|product_stock|stock|"
    "stockLevel|stock_level|stockQuantity|stock_quantity|inventoryQuantity|inventory_quantity|"
    "availableQuantity|available_quantity|available|isAvailable|is_available"
)
_NUMBERS = re.compile(r"stock|quantity|inventory", re.IGNORECASE)
_VALUE = (
    r"""\b["']?\s*[:=]\s*\[?\s*"""
    r"""(?:"([^"\\]{1,60})"|'([^'\\]{1,60})'|(true|false|-?\d+(?:\.\d+)?)\b)"""
)
_STOCK = re.compile(
    rf"\b(?:(?P<sells>{_SELLING})|(?P<sold>{_SOLD_OUT})|(?P<worded>{_WORDED})){_VALUE}"
)
_STOCK_CORES = (
    "uyable", "canB", "canAdd", "ddToCartEnabled", "urchasable", "ellable", "aleable", "alable",
    "rderable", "vailab", "tock", "oldOut", "old_out", "nventory",
)  # fmt: skip
_BRAND = re.compile(
    r"\b(?:brand|brandName|brand_name|productBrand|product_brand|item_brand|itemBrand|prodBrand|"
    r"manufacturer|manufacturerName|manufacturer_name|product_manufacturer|vendor|productVendor|"
    r"marque|marca)"
    r"""\b["']?\s*[:=]\s*\[?\s*(?:\{[^{}]{0,200}?["'](?:name|label|title|value|text)["']\s*:\s*)?"""
    r"""(?:"([^"\\]{2,60})"|'([^'\\]{2,60})')"""
)
_BRAND_CORES = ("rand", "anufacturer", "endor", "arque", "arca")
_MAX_OBJECT = 6_000
_MAX_FOUND = 400
_BRACES = re.compile(r"[{}]")


@dataclass(frozen=True, slots=True)
class Named:
    """By what a product is known on its page: folded names and numbers."""

    names: tuple[str, ...]
    numbers: tuple[str, ...]

    @classmethod
    def of(
        cls, names: Sequence[str | None], numbers: Sequence[str | None], url: str | None
    ) -> Named:
        """Names of six letters and more, numbers of four characters and more; shorter say nothing.

        Numbers of five digits and more in the page's address are the product's too.
        """
        folded = dict.fromkeys(_folded(n) for n in names if n)
        known = [n for n in numbers if n and len(n) >= 4]
        known += re.findall(r"(?<!\d)\d{5,}(?!\d)", urlsplit(url or "").path)
        return cls(tuple(n for n in folded if len(n) >= 6), tuple(dict.fromkeys(known)))

    def within(self, text: str) -> bool:
        """Whether a piece of script speaks of this product."""
        if any(re.search(rf"(?<!\w){re.escape(n)}(?!\w)", text) for n in self.numbers):
            return True
        if not self.names:
            return False
        folded = _folded(text)
        return any(n in folded for n in self.names)


def stock(page: Page, product: Named) -> Availability | None:
    """Whether the scripts say that the product is on sale; None without or with unclear words."""
    own: Counter[Availability] = Counter()
    loose: Counter[Availability] = Counter()
    for text, match in _found(page, _STOCK, _STOCK_CORES):
        state = _state(match)
        if state is None:
            continue
        if any(product.within(piece) for piece in _objects(text, match.start())):
            own[state] += 1
        elif match["worded"] is None:
            loose[state] += 1
    if own:
        return next(s for s in ("in_stock", "preorder", "out_of_stock") if own[s])
    return next(iter(loose)) if len(loose) == 1 else None


def brand(page: Page, product: Named, title: str | None) -> str | None:
    """The brand given beside the product's name or number, else the one that titles name.

    The shop's own name counts only where the title holds it.
    """
    beside: Counter[str] = Counter()
    named: Counter[str] = Counter()
    in_title = words(title)
    in_head = words(page.title) - words(page.first_meta("og:site_name"))
    for text, match in _found(page, _BRAND, _BRAND_CORES):
        name = clean(match[1] or match[2])
        if not is_brand(name) or name.isdigit():
            continue
        spoken = words(name)
        if spoken and (spoken <= in_title or (spoken <= in_head and not _is_host(name, page.url))):
            named[name] += 1
        elif any(product.within(piece) for piece in _objects(text, match.start())):
            beside[name] += 1
    if named:
        return max(named, key=lambda n: (named[n], len(n)))
    return beside.most_common(1)[0][0] if beside else None


def _is_host(name: str, url: str | None) -> bool:
    return bool(url) and _folded(name) in _folded(urlsplit(url or "").hostname or "")


def _found(
    page: Page, pattern: re.Pattern[str], cores: tuple[str, ...]
) -> Iterator[tuple[str, re.Match[str]]]:
    """Matches in all scripts. The cores are looked for first: plain search is many times faster."""
    number = 0
    for text in page.inline_scripts:
        taken: set[int] = set()
        for core in cores:
            at = text.find(core)
            while at >= 0:
                start = max(0, at - 24)
                for match in pattern.finditer(text, start, at + 320):
                    if match.start() <= at + len(core) and match.start() not in taken:
                        taken.add(match.start())
                        yield text, match
                        number += 1
                        if number >= _MAX_FOUND:
                            return
                    break
                at = text.find(core, at + len(core))


def _state(match: re.Match[str]) -> Availability | None:
    value = (match[4] or match[5] or match[6]).strip()
    truth = {"true": True, "yes": True, "y": True, "1": True, "false": False, "no": False,
             "n": False, "0": False}.get(value.lower())  # fmt: skip
    if match["sells"]:
        return None if truth is None else "in_stock" if truth else "out_of_stock"
    if match["sold"]:
        return None if truth is None else "out_of_stock" if truth else "in_stock"
    if re.fullmatch(r"-?\d+(?:\.\d+)?", value):
        # A bare number is a quantity where the key says so, and a code of the shop elsewhere.
        if not _NUMBERS.search(match["worded"]):
            return None
        return "in_stock" if float(value) > 0 else "out_of_stock"
    return availability(value)


def _objects(text: str, at: int) -> Iterator[str]:
    """The object literal around a place and the one around that, where they are not too long."""
    start = at
    for _ in range(2):
        opened = _opening(text, start)
        if opened is None:
            return
        closed = _closing(text, at)
        if closed is None or closed - opened > _MAX_OBJECT:
            return
        # A cache names its objects by number: ``"Product:4711": {...}``.
        key = (
            text[max(0, opened - 80) : opened]
            if text[opened - 4 : opened].rstrip().endswith(":")
            else ""
        )
        yield key + text[opened:closed]
        start, at = opened, closed


def _opening(text: str, at: int) -> int | None:
    depth = 0
    for index in range(at - 1, max(-1, at - _MAX_OBJECT), -1):
        character = text[index]
        if character == "}":
            depth += 1
        elif character == "{":
            if depth == 0:
                return index
            depth -= 1
    return None


def _closing(text: str, at: int) -> int | None:
    depth = 0
    for match in _BRACES.finditer(text, at, at + _MAX_OBJECT):
        if match[0] == "{":
            depth += 1
        elif depth == 0:
            return match.end()
        else:
            depth -= 1
    return None


def _folded(text: str) -> str:
    if "\\u" in text:
        text = re.sub(r"\\u([0-9a-fA-F]{4})", lambda m: chr(int(m[1], 16)), text)
    return re.sub(r"[\W_]+", "", text.casefold())
