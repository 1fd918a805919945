"""Answers of "Boxfresh Lane", a shop on a Shopify-like platform."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import date, timedelta
from html import escape
from typing import Any, Final

from app.demo.goods import Listing

NAME: Final = "Boxfresh Lane"
DEFAULT_LIMIT: Final = 30
MAX_LIMIT: Final = 250

COLLECTIONS: Final = {
    "all": ("All sneakers", ""),
    "running": ("Running", "sneaker/running"),
    "lifestyle": ("Lifestyle", "sneaker/lifestyle"),
    "basketball": ("Basketball", "sneaker/basketball"),
    "skate": ("Skate", "sneaker/skate"),
    "slip-ons": ("Slip-ons", "sneaker/slip-on"),
}


def _id(*words: object) -> int:
    """A stable number of 13 digits, as the platform's ids look."""
    digest = hashlib.sha256("|".join(map(str, words)).encode()).digest()
    return 10**12 + int.from_bytes(digest[:6], "big") % (9 * 10**12)


def changed_on(listing: Listing) -> date:
    """The day the product was last changed."""
    return date(2026, 2, 1) + timedelta(days=listing.number % 60)


def image_path(listing: Listing, number: int) -> str:
    return f"cdn/shop/files/{listing.item.handle}_{number}.jpg"


def product(base: str, listing: Listing) -> dict[str, Any]:
    """One product as products.json gives it."""
    item = listing.item
    key = _id("product", item.style_code)
    stamp = f"{changed_on(listing)}T09:30:00-05:00"
    variants = [
        {
            "id": _id("variant", item.style_code, size.eu),
            "title": f"EU {size.eu}",
            "option1": f"EU {size.eu}",
            "option2": None,
            "option3": None,
            "sku": f"{item.style_code}-{size.eu}",
            "requires_shipping": True,
            "taxable": True,
            "featured_image": None,
            "available": size.stock > 0,
            "price": f"{listing.price:.2f}",
            "grams": 900,
            "compare_at_price": f"{listing.list_price:.2f}" if listing.list_price else None,
            "position": position,
            "product_id": key,
            "created_at": stamp,
            "updated_at": stamp,
        }
        for position, size in enumerate(listing.sizes, 1)
    ]
    images = [
        {
            "id": _id("image", item.style_code, k),
            "created_at": stamp,
            "position": k + 1,
            "updated_at": stamp,
            "product_id": key,
            "variant_ids": [],
            "src": f"{base}{image_path(listing, k)}?v={_id('v', item.style_code) % 10**9}",
            "width": shot.size[0],
            "height": shot.size[1],
        }
        for k, shot in enumerate(listing.shots)
    ]
    return {
        "id": key,
        "title": f"{item.model} {item.colourway}",
        "handle": item.handle,
        "body_html": f"<p>{escape(item.description_en)}</p>",
        "published_at": stamp,
        "created_at": stamp,
        "updated_at": stamp,
        "vendor": item.brand,
        "product_type": "Sneakers",
        "tags": [item.category.split("/")[-1], f"gender:{item.gender}", f"style:{item.style_code}"],
        "variants": variants,
        "images": images,
        "options": [
            {"name": "Size", "position": 1, "values": [f"EU {size.eu}" for size in listing.sizes]}
        ],
    }


def in_collection(goods: Sequence[Listing], handle: str) -> list[Listing] | None:
    """What a collection holds; None for an unknown one."""
    if handle not in COLLECTIONS:
        return None
    category = COLLECTIONS[handle][1]
    return [one for one in goods if not category or one.item.category == category]


def products_json(base: str, goods: Sequence[Listing], limit: int, page: int) -> str:
    """A page of products, empty past the last."""
    limit = min(max(1, limit), MAX_LIMIT)
    chosen = goods[(page - 1) * limit : page * limit]
    return json.dumps({"products": [product(base, one) for one in chosen]}, ensure_ascii=False)


def product_json(base: str, listing: Listing) -> str:
    return json.dumps({"product": product(base, listing)}, ensure_ascii=False)


def collections_json(goods: Sequence[Listing]) -> str:
    rows = [
        {
            "id": _id("collection", handle),
            "title": title,
            "handle": handle,
            "description": "",
            "published_at": "2026-01-01T00:00:00-05:00",
            "updated_at": "2026-01-01T00:00:00-05:00",
            "image": None,
            "products_count": len(in_collection(goods, handle) or ()),
        }
        for handle, (title, _) in COLLECTIONS.items()
    ]
    return json.dumps({"collections": rows})


def meta_json(base: str, goods: Sequence[Listing]) -> str:
    host = base.split("//")[1].rstrip("/")
    return json.dumps(
        {
            "id": _id("shop"),
            "name": NAME,
            "city": "Portland",
            "province": "Oregon",
            "country": "US",
            "currency": "USD",
            "domain": host,
            "url": base.rstrip("/"),
            "myshopify_domain": host,
            "description": "Sneakers, straight from the box.",
            "ships_to_countries": ["US", "CA"],
            "money_format": "${{amount}}",
            "published_collections_count": len(COLLECTIONS),
            "published_products_count": len(goods),
        }
    )


def robots(base: str) -> str:
    return (
        "User-agent: *\nDisallow: /admin\nDisallow: /cart\nDisallow: /checkouts/\n"
        f"Sitemap: {base}sitemap.xml\n"
    )


def sitemap(base: str, goods: Sequence[Listing]) -> str:
    rows = "".join(
        f"<url><loc>{base}products/{one.item.handle}</loc>"
        f"<lastmod>{changed_on(one)}</lastmod></url>"
        for one in goods
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{rows}</urlset>\n'
    )


def _page(title: str, body: str) -> str:
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)} – '
        f"{NAME}</title></head><body>{body}</body></html>\n"
    )


def index(goods: Sequence[Listing]) -> str:
    links = "".join(
        f'<li><a href="/collections/{handle}">{title}</a></li>'
        for handle, (title, _) in COLLECTIONS.items()
    )
    return _page("Home", f"<h1>{NAME}</h1><p>{len(goods)} sneakers.</p><ul>{links}</ul>")


def collection_page(goods: Sequence[Listing], handle: str) -> str:
    links = "".join(
        f'<li><a href="/products/{one.item.handle}">{escape(one.item.title)}</a></li>'
        for one in goods
    )
    return _page(COLLECTIONS[handle][0], f"<h1>{COLLECTIONS[handle][0]}</h1><ul>{links}</ul>")


def product_page(base: str, listing: Listing) -> str:
    item = listing.item
    pictures = "".join(
        f'<img src="/{image_path(listing, k)}" alt="{escape(item.title)}">'
        for k in range(len(listing.shots))
    )
    was = f"<s>${listing.list_price:.2f}</s> " if listing.list_price else ""
    data = {
        "@context": "http://schema.org/",
        "@type": "Product",
        "name": f"{item.model} {item.colourway}",
        "url": f"{base}products/{item.handle}",
        "image": [f"{base}{image_path(listing, 0)}"],
        "description": item.description_en,
        "brand": {"@type": "Brand", "name": item.brand},
        "offers": [
            {
                "@type": "Offer",
                "sku": f"{item.style_code}-{size.eu}",
                "availability": f"http://schema.org/{'InStock' if size.stock else 'OutOfStock'}",
                "price": f"{listing.price:.2f}",
                "priceCurrency": "USD",
            }
            for size in listing.sizes
        ],
    }
    script = json.dumps(data).replace("</", "<\\/")
    return _page(
        item.title,
        f'<script type="application/ld+json">{script}</script><h1>{escape(item.title)}</h1>'
        f"<p>{was}${listing.price:.2f}</p>{pictures}<p>{escape(item.description_en)}</p>",
    )
