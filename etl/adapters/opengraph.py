"""What a page's meta tags state: Open Graph, the product: vocabulary, Twitter cards."""

from __future__ import annotations

import re
from decimal import Decimal

from etl.adapters.candidate import Candidate, Terms
from etl.adapters.offer_nodes import availability
from etl.adapters.page import Page
from etl.money import currency_code, currency_in, stated_amount
from etl.text import absolute, clean, words

_PRICE_LABEL = re.compile(
    r"price|prix|preis|precio|prezzo|prijs|preço|preco|fiyat|цена|cena|pris\b|hinta|ár\b",
    re.IGNORECASE,
)
_LIST_LABEL = re.compile(
    r"old|list|was|regular|piyasa|uvp|rrp|original|statt|barré|старая", re.IGNORECASE
)


def read_meta(page: Page) -> Candidate:
    """The page's product as its meta tags state it; most of it may be absent."""
    candidate = Candidate(
        source="meta",
        name=_title(page),
        brand=clean(page.first_meta("product:brand", "og:brand", "brand")),
        sku=clean(page.first_meta("product:retailer_item_id", "product:sku", "og:sku")),
        mpn=clean(page.first_meta("product:mfr_part_no", "product:mpn")),
        url=page.canonical,
        colour=clean(page.first_meta("product:color", "og:color")),
        description=clean(page.first_meta("og:description", "description")),
        category=clean(page.first_meta("product:category")),
        images=_images(page),
    )
    gtin = re.sub(r"\D", "", page.first_meta("product:ean", "product:gtin", "product:upc") or "")
    candidate.gtin = gtin if len(gtin) in (8, 12, 13, 14) else None
    terms = _terms(page)
    if terms is not None:
        candidate.terms.append(terms)
    return candidate


def says_product(page: Page) -> bool:
    """Whether the meta tags say that the page is a product's."""
    kind = (page.first_meta("og:type") or "").lower()
    return kind.rsplit(":", 1)[-1] in ("product", "product.item", "item") or any(
        name in page.meta
        for name in ("product:price:amount", "og:price:amount", "product:sale_price:amount")
    )


def _terms(page: Page) -> Terms | None:
    terms = Terms(
        currency=currency_code(
            page.first_meta(
                "product:price:currency",
                "og:price:currency",
                "product:sale_price:currency",
                "product:currency",
                "pricecurrency",
            )
            or ""
        ),
        availability=availability(
            page.first_meta("product:availability", "og:availability", "availability")
        ),
    )
    sale = _amount(page, terms, "product:sale_price:amount", "og:sale_price:amount")
    plain = _amount(
        page, terms, "product:price:amount", "og:price:amount", "product:price", "og:price"
    )
    listed = _amount(page, terms, "product:original_price:amount", "og:price:standard_amount")
    terms.price = sale or plain
    terms.list_price = listed if listed is not None else (plain if sale is not None else None)
    if terms.price is None:
        _twitter(page, terms)
    if terms.price is None and terms.availability is None:
        return None
    return terms


def _amount(page: Page, terms: Terms, *names: str) -> Decimal | None:
    raw = page.first_meta(*names)
    if raw is None:
        return None
    terms.currency = terms.currency or currency_in(raw)
    return stated_amount(raw, terms.currency)


def _twitter(page: Page, terms: Terms) -> None:
    """Prices in label/data pairs of a Twitter product card."""
    for number in ("1", "2", "3"):
        label = page.first_meta(f"twitter:label{number}") or ""
        data = page.first_meta(f"twitter:data{number}") or ""
        currency = currency_in(data)
        if not (_PRICE_LABEL.search(label) or (currency and len(data) <= 20)):
            continue
        value = stated_amount(data, currency or terms.currency)
        if value is None:
            continue
        terms.currency = terms.currency or currency
        if terms.price is None and not _LIST_LABEL.search(label):
            terms.price = value
        elif _LIST_LABEL.search(label) and terms.list_price is None:
            terms.list_price = value
    if terms.price is None:
        terms.list_price = None


def _title(page: Page) -> str | None:
    """og:title without the shop's name at its end."""
    title = clean(page.first_meta("og:title", "twitter:title"))
    site = clean(page.first_meta("og:site_name", "application-name"))
    if title is None:
        return None
    if site and words(title) <= words(site):
        return None  # the shop's name, not the product's
    return strip_site(title, site, page.url)


def strip_site(title: str, site: str | None, url: str | None) -> str:
    """A title without a shop's name that follows a separator."""
    parts = re.split(r"\s+[|–—·»•:]\s+|\s+-\s+", title)
    if len(parts) < 2:
        return title
    tail = re.sub(r"\W", "", parts[-1].casefold())
    host = re.sub(
        r"\W", "", re.sub(r"^https?://(?:www\.)?", "", url or "").split("/")[0].casefold()
    )
    named = re.sub(r"\W", "", (site or "").casefold())
    if tail and (
        tail == named
        or (len(tail) >= 3 and (tail in host or (host and host.split("com")[0] == tail)))
    ):
        end = title.rfind(parts[-1])
        return re.sub(r"\s*[|–—·»•:-]\s*$", "", title[:end]).strip() or title
    return title


def _images(page: Page) -> list[str]:
    found: list[str] = []
    for name in (
        "og:image:secure_url",
        "og:image",
        "og:image:url",
        "twitter:image",
        "twitter:image:src",
    ):
        for raw in page.meta.get(name, []):
            link = absolute(page.base, raw)
            if link and link not in found:
                found.append(link)
    return found
