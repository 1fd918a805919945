"""Finding a shop's product pages: listing pages, sitemaps, plain addresses."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from app.errors import SolemateError
from etl.adapters import Adapter, NoOffer
from etl.adapters.base import Blocked
from etl.fetch import BadStatus, Document, Fetcher, FetchError
from etl.shop_spec import ShopSpec

_STALE_PAGES = 3  # listing pages in a row without a new product: the pagination has no end


@dataclass(slots=True)
class Found:
    """What crawling the listings gave; ``problems`` make the run incomplete."""

    products: list[str] = field(default_factory=list)
    ready: dict[str, Document] = field(default_factory=dict)
    problems: list[tuple[str, SolemateError]] = field(default_factory=list)


def find_products(
    adapter: Adapter, fetcher: Fetcher, spec: ShopSpec, *, enough: int | None = None
) -> Found:
    """Product addresses in listing order, each once.

    Args:
        enough: stop when so many are found (a trial or a limited run).

    Raises:
        Blocked: a challenge page stands in place of a listing.
    """
    found = Found()
    wanted = re.compile(spec.product_pattern) if spec.product_pattern else None
    seen: set[str] = set()
    for products in _listings(adapter, fetcher, spec, found, seen):
        for link in products:
            if link not in seen and (wanted is None or wanted.search(link)):
                seen.add(link)
                found.products.append(link)
        limit = min(spec.max_products, enough or spec.max_products)
        if len(found.products) >= limit:
            if len(found.products) > spec.max_products:
                found.problems.append((spec.name, SolemateError("more products than max_products")))
            del found.products[limit:]
            break
    return found


def _listings(
    adapter: Adapter, fetcher: Fetcher, spec: ShopSpec, found: Found, seen: set[str]
) -> Iterator[tuple[str, ...]]:
    waiting = deque(spec.start_urls)
    asked = set(spec.start_urls)
    stale = 0
    for number in range(spec.max_listing_pages + 1):
        if not waiting:
            return
        if number == spec.max_listing_pages:
            found.problems.append(
                (waiting[0], SolemateError("more listing pages than max_listing_pages"))
            )
            return
        url = waiting.popleft()
        try:
            document = fetcher.fetch(url)
            links = adapter.links(document.content, document.url, document.content_type)
        except Blocked:
            raise
        except BadStatus as error:
            if not (error.gone and url not in spec.start_urls):
                found.problems.append((url, error))
            continue  # a page past the last one is no fault
        except (FetchError, NoOffer) as error:
            found.problems.append((url, error))
            continue
        if not links.products and not links.pages and url in spec.start_urls:
            # Perhaps a product page itself.
            found.ready[url] = document
            yield (url,)
            continue
        before = len(seen)
        yield links.products
        stale = 0 if len(seen) > before or not links.products else stale + 1
        if stale >= _STALE_PAGES:
            return
        for page in links.pages:
            if page not in asked:
                asked.add(page)
                waiting.append(page)
