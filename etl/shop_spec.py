"""A shop as data: one TOML file in ``etl/shops``."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from app.domain import ParsedOffer
from app.errors import BadInput
from etl.adapters import ADAPTERS
from etl.money import currency_code

SHOPS_DIR = Path(__file__).resolve().parent / "shops"


@dataclass(frozen=True, slots=True)
class ShopSpec:
    """How to read a shop.

    ``start_urls`` are listing pages, sitemaps or product pages (schema_org) or the shop's address
    (shopify). ``currency`` counts only where the documents state none. ``product_pattern`` and
    ``category_pattern`` are regular expressions that a product's address, and its category or
    title, must contain. ``delay_s`` is the pause between requests to one host, in seconds,
    ``backoff_s`` the first wait before a failed request is tried again, ``timeout_s`` how long an
    answer may be silent;
    ``selectors`` are CSS selectors by field that correct what a page's reading gave;
    ``max_drop`` the share of offers that may vanish in one run before it counts as a fault.
    """

    key: str
    name: str
    adapter: str
    start_urls: tuple[str, ...]
    home_url: str | None = None
    currency: str | None = None
    enabled: bool = True
    schedule: str | None = None
    note: str | None = None
    product_pattern: str | None = None
    category_pattern: str | None = None
    delay_s: float = 1.0
    backoff_s: float = 1.0
    timeout_s: float = 20.0
    max_listing_pages: int = 1000
    max_products: int = 50_000
    max_images: int = 8
    max_drop: float = 0.5
    selectors: Mapping[str, str] = field(default_factory=dict)


def load_shop(name: str) -> ShopSpec:
    """A shop by its file's name in ``etl/shops``, or by the path of a TOML file.

    Raises:
        BadInput: no such file, or the file is not a shop.
    """
    path = Path(name)
    if path.suffix != ".toml":
        path = SHOPS_DIR / f"{name}.toml"
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        known = ", ".join(p.stem for p in sorted(SHOPS_DIR.glob("*.toml"))) or "none"
        raise BadInput(f"there is no shop {name!r}; known: {known}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadInput(f"{path.name}: {error}") from error
    return shop_from(path.stem, data)


def list_shops(folder: Path = SHOPS_DIR) -> list[ShopSpec]:
    """Every shop configured in a folder, by file name.

    Raises:
        BadInput: there is no such folder, or a file in it is not a shop.
    """
    if not folder.is_dir():
        raise BadInput(f"there is no folder {folder}")
    return [load_shop(str(path)) for path in sorted(folder.glob("*.toml"))]


def shop_from(key: str, data: dict[str, Any]) -> ShopSpec:
    """A shop from a table of settings, checked.

    Raises:
        BadInput: a setting is missing, unknown or wrong; says which.
    """
    polite = data.pop("politeness", {})
    merged = {**data, **polite} if isinstance(polite, dict) else data
    known = set(ShopSpec.__dataclass_fields__) - {"key"}
    unknown = sorted(set(merged) - known)
    if unknown:
        raise BadInput(f"shop {key}: unknown setting {unknown[0]!r}")
    for needed in ("name", "adapter", "start_urls"):
        if not merged.get(needed):
            raise BadInput(f"shop {key}: {needed} is missing")
    if merged["adapter"] not in ADAPTERS:
        raise BadInput(
            f"shop {key}: unknown adapter {merged['adapter']!r}; known: {', '.join(ADAPTERS)}"
        )
    urls = merged["start_urls"]
    if not isinstance(urls, list) or not all(_is_web(u) for u in urls):
        raise BadInput(f"shop {key}: start_urls must be a list of web addresses")
    if merged.get("currency") and currency_code(merged["currency"]) != merged["currency"]:
        raise BadInput(f"shop {key}: currency must be an ISO 4217 code")
    for pattern in ("product_pattern", "category_pattern"):
        try:
            re.compile(merged.get(pattern) or "")
        except (re.error, TypeError) as error:
            raise BadInput(f"shop {key}: {pattern} is no regular expression: {error}") from error
    chosen = merged.get("selectors") or {}
    if not isinstance(chosen, dict):
        raise BadInput(f"shop {key}: selectors must be a table")
    if chosen:
        from etl.adapters.selectors import check_selectors

        try:
            merged["selectors"] = check_selectors(chosen)
        except BadInput as error:
            raise BadInput(f"shop {key}: {error}") from error
    try:
        numbers = {n: type(getattr(_DEFAULTS, n))(merged[n]) for n in _NUMBERS if n in merged}
    except (TypeError, ValueError) as error:
        raise BadInput(f"shop {key}: {error}") from error
    return ShopSpec(**{**merged, **numbers, "key": key, "start_urls": tuple(urls)})


def is_wanted(spec: ShopSpec, offer: ParsedOffer) -> bool:
    """Whether an offer is of the categories asked for, by its category or title."""
    words = f"{offer.category or ''} {offer.title or ''}"
    pattern = spec.category_pattern
    return pattern is None or re.search(pattern, words, re.IGNORECASE) is not None


def _is_web(url: object) -> bool:
    return isinstance(url, str) and urlsplit(url).scheme in ("http", "https")


_DEFAULTS = ShopSpec("", "", "", ())
_NUMBERS = (
    "delay_s", "backoff_s", "timeout_s", "max_listing_pages", "max_products", "max_images",
    "max_drop",
)  # fmt: skip
