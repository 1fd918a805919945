"""Pages of "Harbour Kicks", a shop that marks its pages up with schema.org.

Like real shops it does so in several ways, one per product: JSON-LD with an offer per size,
JSON-LD in a @graph, JSON-LD with a struck-through price specification, microdata only, and
microdata beside JSON-LD that speaks of the page alone.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from html import escape
from typing import Any, Final

from app.demo.goods import Listing

NAME: Final = "Harbour Kicks"
PER_PAGE: Final = 24
SITEMAP_SIZE: Final = 100
STYLES: Final = ("offer_per_size", "graph", "microdata", "strikethrough", "microdata_and_site")

_CSS = (
    "body{font:15px/1.5 sans-serif;max-width:960px;margin:auto;color:#223}"
    ".grid{display:flex;flex-wrap:wrap;gap:16px}.card{width:200px}.card img{width:100%}"
    "s{color:#999}.sale{color:#b22}.off{color:#aaa;text-decoration:line-through}"
)
_RU_CATEGORIES: Final = {
    "sneaker/lifestyle": "Повседневные",
    "sneaker/basketball": "Баскетбольные",
    "sneaker/running": "Беговые",
    "sneaker/skate": "Скейтерские",
    "sneaker/slip-on": "Слипоны",
}


def style_of(listing: Listing) -> str:
    """How the page of a product is marked up, one of STYLES."""
    return STYLES[listing.number % len(STYLES)]


def is_russian(listing: Listing) -> bool:
    """Whether a product's page is in Russian."""
    return bool(listing.item.description_ru) and listing.number % 2 == 0


def product_url(base: str, listing: Listing) -> str:
    return f"{base}product/{listing.item.handle}"


def image_url(base: str, listing: Listing, number: int) -> str:
    return f"{base}img/{listing.item.handle}-{number}.jpg"


def changed_on(listing: Listing) -> date:
    """The day the product was last changed, for the sitemap and Last-Modified."""
    return date(2026, 1, 5) + timedelta(days=listing.number % 90)


def _money(price: Decimal, russian: bool) -> str:
    return f"{price:.2f} €".replace(".", ",") if russian else f"€{price:.2f}"


def _page(title: str, body: str, head: str = "", lang: str = "en") -> str:
    return (
        f'<!doctype html>\n<html lang="{lang}"><head><meta charset="utf-8">'
        f"<title>{escape(title)} | {NAME}</title>{head}<style>{_CSS}</style></head>\n"
        f'<body><header><a href="/">{NAME}</a> <a href="/sneakers/">Sneakers</a> '
        f'<a href="/cart">Cart (0)</a></header>\n{body}\n'
        f"<footer>{NAME}, Quay 7. Free delivery over €100.00.</footer></body></html>\n"
    )


def robots(base: str) -> str:
    return (
        "User-agent: *\nDisallow: /cart\nDisallow: /search\nDisallow: /*?sort=\n\n"
        f"Sitemap: {base}sitemap.xml\n"
    )


def sitemap_index(base: str, goods: Sequence[Listing]) -> str:
    parts = range(1, -(-len(goods) // SITEMAP_SIZE) + 1)
    rows = "".join(f"<sitemap><loc>{base}sitemap-{k}.xml</loc></sitemap>" for k in parts)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{rows}</sitemapindex>\n'
    )


def sitemap(base: str, goods: Sequence[Listing], part: int) -> str | None:
    """Sitemap number part, from 1; None past the last."""
    chosen = goods[(part - 1) * SITEMAP_SIZE : part * SITEMAP_SIZE]
    if part < 1 or not chosen:
        return None
    rows = "\n".join(
        f"<url><loc>{product_url(base, one)}</loc><lastmod>{changed_on(one)}</lastmod></url>"
        for one in chosen
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n{rows}\n</urlset>\n'
    )


def index(goods: Sequence[Listing]) -> str:
    cards = "".join(_card(one) for one in goods[:8])
    body = (
        f"<h1>{NAME}</h1><p>Sneakers by the water since last Tuesday.</p>"
        f'<div class="grid">{cards}</div><p><a href="/sneakers/">All {len(goods)} sneakers</a></p>'
    )
    return _page("Sneakers by the water", body)


def listing_page(base: str, goods: Sequence[Listing], number: int) -> str | None:
    """Listing page number, from 1; None past the last."""
    last = max(1, -(-len(goods) // PER_PAGE))
    if not 1 <= number <= last:
        return None

    def address(page: int) -> str:
        return "/sneakers/" if page == 1 else f"/sneakers/?page={page}"

    head = f'<link rel="canonical" href="{base}{address(number)[1:]}">'
    if number > 1:
        head += f'<link rel="prev" href="{address(number - 1)}">'
    if number < last:
        head += f'<link rel="next" href="{address(number + 1)}">'
    links = " ".join(
        f"<b>{page}</b>" if page == number else f'<a href="{address(page)}">{page}</a>'
        for page in range(1, last + 1)
    )
    shown = goods[(number - 1) * PER_PAGE : number * PER_PAGE]
    cards = "".join(_card(one) for one in shown)
    body = f'<h1>Sneakers</h1><div class="grid">{cards}</div><nav class="pagination">{links}</nav>'
    return _page(f"Sneakers, page {number}", body, head)


def _card(listing: Listing) -> str:
    item = listing.item
    was = f" <s>€{listing.list_price:.2f}</s>" if listing.list_price else ""
    return (
        f'<div class="card"><a href="/product/{item.handle}">'
        f'<img src="/img/{item.handle}-0.jpg" alt="{escape(item.title)}" loading="lazy">'
        f"{escape(item.brand)} {escape(item.model)}</a>"
        f'<div class="price">€{listing.price:.2f}{was}</div></div>'
    )


def _availability(stock: int) -> str:
    return "https://schema.org/InStock" if stock else "https://schema.org/OutOfStock"


def product_page(base: str, listing: Listing, goods: Sequence[Listing]) -> str:
    """The page of one product, in its style of markup."""
    style = style_of(listing)
    russian = is_russian(listing)
    item = listing.item
    data: list[dict[str, Any]] = []
    if style == "offer_per_size":
        data = [_product(base, listing, _offers_per_size(base, listing)), _crumbs(base, listing)]
    elif style == "graph":
        product = _product(base, listing, [_offer(base, listing)])
        product["isSimilarTo"] = [_related(base, one) for one in _also(listing, goods)]
        site = {"@type": "WebPage", "@id": f"{product_url(base, listing)}#page", "name": item.title}
        graph = [site, _crumbs(base, listing), product]
        data = [{"@context": "https://schema.org", "@graph": graph}]
    elif style == "strikethrough":
        offer = _offer(base, listing)
        if listing.list_price:
            offer["priceSpecification"] = {
                "@type": "UnitPriceSpecification",
                "priceType": "https://schema.org/StrikethroughPrice",
                "price": f"{listing.list_price:.2f}",
                "priceCurrency": listing.currency,
            }
        data = [_product(base, listing, offer)]
    elif style == "microdata_and_site":
        data = [
            {"@context": "https://schema.org", "@type": "Organization", "name": NAME, "url": base},
            _crumbs(base, listing),
        ]
    scripts = "".join(f'<script type="application/ld+json">{_script(one)}</script>' for one in data)
    head = (
        f'<link rel="canonical" href="{product_url(base, listing)}">'
        f'<meta property="og:type" content="product">'
        f'<meta property="og:title" content="{escape(item.title)}">'
        f'<meta property="og:image" content="{image_url(base, listing, 0)}">{scripts}'
    )
    micro = style.startswith("microdata")
    body = _product_body(base, listing, goods, micro, russian)
    return _page(item.title, body, head, "ru" if russian else "en")


def _script(data: dict[str, Any]) -> str:
    # "</" inside a script element would end it.
    return json.dumps(data, ensure_ascii=False).replace("</", "<\\/")


def _product(
    base: str, listing: Listing, offers: dict[str, Any] | list[dict[str, Any]]
) -> dict[str, Any]:
    item = listing.item
    text = item.description_ru if is_russian(listing) else item.description_en
    return {
        "@context": "https://schema.org",
        "@type": "Product",
        "@id": product_url(base, listing),
        "name": item.title,
        "brand": {"@type": "Brand", "name": item.brand},
        "model": item.model,
        "color": item.colourway,
        "sku": item.style_code,
        "mpn": item.style_code,
        "category": item.category,
        "audience": {"@type": "PeopleAudience", "suggestedGender": item.gender},
        "description": text,
        "image": [image_url(base, listing, k) for k in range(len(listing.shots))],
        "url": product_url(base, listing),
        "offers": offers,
    }


def _offer(base: str, listing: Listing) -> dict[str, Any]:
    return {
        "@type": "Offer",
        "url": product_url(base, listing),
        "price": f"{listing.price:.2f}",
        "priceCurrency": listing.currency,
        "availability": _availability(int(listing.available)),
        "itemCondition": "https://schema.org/NewCondition",
    }


def _offers_per_size(base: str, listing: Listing) -> list[dict[str, Any]]:
    return [
        {
            **_offer(base, listing),
            "sku": f"{listing.item.style_code}-{size.eu}",
            "name": f"{listing.item.title} EU {size.eu}",
            "size": f"EU {size.eu}",
            "availability": _availability(size.stock),
        }
        for size in listing.sizes
    ]


def _related(base: str, listing: Listing) -> dict[str, Any]:
    return {
        "@type": "Product",
        "name": listing.item.title,
        "url": product_url(base, listing),
        "offers": {"@type": "Offer", "price": f"{listing.price:.2f}", "priceCurrency": "EUR"},
    }


def _trail(base: str, listing: Listing) -> list[tuple[str, str]]:
    category = listing.item.category
    last = category.split("/")[-1].capitalize()
    if is_russian(listing):
        last = _RU_CATEGORIES[category]
    return [(NAME, base), ("Sneakers", f"{base}sneakers/"), (last, f"{base}sneakers/")]


def _crumbs(base: str, listing: Listing) -> dict[str, Any]:
    return {
        "@context": "https://schema.org",
        "@type": "BreadcrumbList",
        "itemListElement": [
            {"@type": "ListItem", "position": k, "name": name, "item": url}
            for k, (name, url) in enumerate(_trail(base, listing), 1)
        ],
    }


def _also(listing: Listing, goods: Sequence[Listing]) -> list[Listing]:
    """Four other products, recommended."""
    count = len(goods)
    steps = (1, 5, 11, 17)
    picked = {(listing.number + step) % count for step in steps} - {listing.number}
    return [goods[k] for k in sorted(picked)]


def _product_body(
    base: str, listing: Listing, goods: Sequence[Listing], micro: bool, russian: bool
) -> str:
    item = listing.item

    def tag(prop: str) -> str:
        return f' itemprop="{prop}"' if micro else ""

    crumbs = " / ".join(
        f'<a href="{escape(url)}">{escape(name)}</a>' for name, url in _trail(base, listing)
    )
    pictures = "".join(
        f'<img{tag("image")} src="/img/{item.handle}-{k}.jpg" alt="{escape(item.title)}" '
        f'width="{shot.size[0]}" height="{shot.size[1]}">'
        for k, shot in enumerate(listing.shots)
    )
    scope = ' itemscope itemtype="https://schema.org/Product"' if micro else ""
    offer = ' itemprop="offers" itemscope itemtype="https://schema.org/Offer"' if micro else ""
    state = (
        f'<link itemprop="availability" href="{_availability(int(listing.available))}">'
        f'<meta itemprop="priceCurrency" content="{listing.currency}">'
        if micro
        else ""
    )
    value = f' itemprop="price" content="{listing.price:.2f}"' if micro else ""
    was = f'<s class="was">{_money(listing.list_price, russian)}</s> ' if listing.list_price else ""
    sale = " sale" if listing.list_price else ""
    sizes = "".join(
        f'<li class="{"on" if size.stock else "off"}">EU {size.eu}</li>' for size in listing.sizes
    )
    text = item.description_ru if russian else item.description_en
    ids = f'<meta itemprop="sku" content="{item.style_code}">' if micro else ""
    buy, gone, size_word, also_word = (
        ("В корзину", "Нет в наличии", "Размеры", "Вам может понравиться")
        if russian
        else ("Add to cart", "Sold out", "Sizes", "You may also like")
    )
    button = f"<button>{buy}</button>" if listing.available else f"<button disabled>{gone}</button>"
    return (
        f'<nav class="breadcrumbs">{crumbs}</nav>\n<main class="product"{scope}>{ids}'
        f"<h1{tag('name')}>{escape(item.title)}</h1>"
        f"<p>{'Бренд' if russian else 'Brand'}: <span{tag('brand')}>{escape(item.brand)}</span>, "
        f'{"артикул" if russian else "style"} <span class="code">{item.style_code}</span>, '
        f'<span{tag("color")}>{escape(item.colourway)}</span></p>\n<div class="pictures">{pictures}'
        f'</div>\n<div class="buy"{offer}>{state}<p>{was}<span class="price{sale}"{value}>'
        f"{_money(listing.price, russian)}</span></p>{button}</div>\n"
        f'<h2>{size_word}</h2><ul class="sizes">{sizes}</ul>\n'
        f'<div class="text"{tag("description")}>{escape(text)}</div>\n</main>\n'
        f'<aside class="also"><h2>{also_word}</h2>'
        f"{_also_cards(listing, goods, micro, russian)}</aside>"
    )


def _also_cards(listing: Listing, goods: Sequence[Listing], micro: bool, russian: bool) -> str:
    """Recommended goods with prices of their own; on microdata pages they are products too."""
    cards = []
    for one in _also(listing, goods):
        name, price = escape(one.item.title), _money(one.price, russian)
        link = f'<a href="/product/{one.item.handle}">'
        if micro:
            cards.append(
                '<div class="card" itemscope itemtype="https://schema.org/Product">'
                f'{link}<span itemprop="name">{name}</span></a>'
                '<div itemprop="offers" itemscope itemtype="https://schema.org/Offer">'
                f'<meta itemprop="priceCurrency" content="{one.currency}">'
                f'<span itemprop="price" content="{one.price:.2f}">{price}</span></div></div>'
            )
        else:
            tail = f'<span class="price">{price}</span></div>'
            cards.append(f'<div class="card">{link}{name}</a>{tail}')
    return f'<div class="grid">{"".join(cards)}</div>'
