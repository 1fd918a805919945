"""Product pages of any shop that marks them up: JSON-LD, microdata, meta tags, then the text."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import urlsplit

from app.domain import ParsedOffer
from etl import normalise
from etl.adapters import brands, jsonld, listing, microdata, scripts, visible_facts
from etl.adapters.base import Blocked, Links, NoOffer
from etl.adapters.candidate import Candidate
from etl.adapters.choose import agrees, main_product, mates
from etl.adapters.complete import complete, is_offer, may_be_product
from etl.adapters.merge import joined_terms, with_mates
from etl.adapters.nodes import Node
from etl.adapters.opengraph import read_meta, says_product, strip_site
from etl.adapters.page import BEFORE_END, Page, read_page
from etl.adapters.pictures import best_pictures
from etl.adapters.product_nodes import candidates
from etl.adapters.selectors import corrected
from etl.adapters.settle import Settled, settle
from etl.text import clean, is_template, words

_CHALLENGE = re.compile(
    r"just a moment|attention required|access denied|pardon our interruption|are you a (?:human|"
    r"robot)|"
    r"robot check|security check|ddos-guard|checking your browser|verify you are human|"
    r"human verification|"
    r"request unsuccessful|unusual traffic|too many requests|"
    r"доступ (?:ограничен|запрещ[её]н)|проверка браузера|вы не робот|подтвердите, что",
    re.IGNORECASE,
)
_CHALLENGE_MARKUP = re.compile(
    r"cf-chl|cf-turnstile|challenge-platform|__cf_chl|g-recaptcha|h-captcha|px-captcha|"
    r"captcha-delivery|"
    r"_incapsula_|distil_r_captcha|aws-waf-token|smartcaptcha",
    re.IGNORECASE,
)

_TEMPLATE_PRICE = re.compile(
    r"""["']?(?:low|high)?price["']?\s*[:=]\s*["']?\s*(?:\{\{|\$\{|\[\[|<%|\{%|#\{)""",
    re.IGNORECASE,
)


class SchemaOrg:
    """Reader of product pages and listing pages."""

    name = "schema_org"

    def __init__(self, selectors: Mapping[str, str] | None = None) -> None:
        """``selectors`` are the shop's own corrections, CSS by field."""
        self._selectors = dict(selectors or {})

    def parse(
        self, content: bytes, url: str | None, content_type: str | None = None
    ) -> list[ParsedOffer]:
        """The page's own product as one offer.

        Raises:
            NoOffer: no product, a listing, a challenge page, or a page that breaks off.
        """
        page = read_page(content, url, content_type)
        if page is None:
            raise NoOffer("the document is not a web page")
        roots, broken = structured_data(page)
        meta = read_meta(page)
        title = meta.name or _own_title(page)
        found = candidates(roots, page.base)
        best = main_product(found, page, title)
        if best is None or not (best.priced or best.terms or says_product(page)):
            self._refuse_challenge(page)
        whole = best is not None and best.source == "jsonld" and best.priced
        if page.truncated and not (whole and page.truncated == BEFORE_END):
            raise NoOffer(f"the page breaks off {page.truncated}")
        if best is None and len(found) >= 3 and not says_product(page):
            raise NoOffer("a page of several products, not one product's page")
        offer = _offer(page, found, best, meta, title, roots)
        if (offer is None or offer.price is None) and _TEMPLATE_PRICE.search(page.text):
            raise NoOffer("the page is a template that was not filled in")
        if offer is None:
            if broken:
                raise NoOffer("no product on the page, and its JSON-LD cannot be read")
            raise NoOffer("no product on the page")
        if self._selectors:
            offer = corrected(offer, page.text, page.base, self._selectors)
        return [offer]

    def links(self, content: bytes, url: str, content_type: str | None = None) -> Links:
        """Product links and further pages of a listing page or sitemap.

        Raises:
            NoOffer: a challenge page, a page that breaks off, or nothing to follow.
        """
        if listing.is_sitemap(content):
            return listing.read_sitemap(content, url)
        page = read_page(content, url, content_type)
        if page is None:
            raise NoOffer("the document is neither a web page nor a sitemap")
        if page.truncated:
            raise NoOffer(f"the page breaks off {page.truncated}")
        roots, _ = structured_data(page)
        links = listing.read_listing(page, roots)
        if not links.products:
            self._refuse_challenge(page)
        return links

    def list_url(self, start: str, number: int) -> str | None:  # noqa: ARG002 - the protocol's
        """None: listing pages and sitemaps only name the pages that hold the offers."""
        return None

    @staticmethod
    def _refuse_challenge(page: Page) -> None:
        said = " ".join(filter(None, (page.title, *page.headings[:2])))
        small = len(page.text) < 60_000
        if _CHALLENGE.search(said) or (small and _CHALLENGE_MARKUP.search(page.text)):
            name = (page.title or "no title")[:60]
            raise Blocked(f"a challenge page stands in place of the product ({name})")


def structured_data(page: Page) -> tuple[list[Node], bool]:
    """Items of all JSON-LD scripts and of the microdata; and whether a script could not be read."""
    roots: list[Node] = []
    broken = False
    for script in page.scripts:
        try:
            roots.extend(jsonld.read_script(script))
        except ValueError:
            broken = True
    roots.extend(microdata.read_items(page.root))
    return roots, broken


def _own_title(page: Page) -> str | None:
    if page.headings:
        return page.headings[0]
    if page.title:
        return strip_site(page.title, clean(page.first_meta("og:site_name")), page.url)
    return None


def _offer(
    page: Page,
    found: list[Candidate],
    best: Candidate | None,
    meta: Candidate,
    title: str | None,
    roots: list[Node],
) -> ParsedOffer | None:
    others: list[Candidate] = []
    if best is not None:
        best = with_mates(best, mates(best, found))
        for source in ("jsonld", "microdata"):
            same = [
                c
                for c in found
                if c.source == source != best.source and not c.aside and agrees(c, best)
            ]
            others.extend(same[:1])
    elif not (says_product(page) or meta.priced or may_be_product(page)):
        return None
    others.append(meta)
    base = best or meta
    if best is None:
        others = []
    terms = joined_terms(base, others)
    settled = settle(terms, page.url, base.sku)
    stated = settled.price is not None
    name = _name(page, base.name, title)
    product = scripts.Named.of(
        [base.name, title, *page.headings[:1]],
        [c.sku or c.gtin for c in (base, *others)],
        page.url or page.canonical,
    )
    settled = complete(
        page,
        settled,
        name,
        product,
        offered=best is not None and best.priced,
        aggregate=any(t.aggregate for t in terms),
    )
    if name is None or is_template(name):
        return None
    if not is_offer(page, best, settled, name):
        return None
    category = (
        listing.breadcrumb(roots, name) or base.category or listing.seen_breadcrumb(page, name)
    )
    offer = _build(page, base, others, settled, name, category, product)
    read_off = not stated and settled.price is not None
    return replace(offer, confidence="visible") if read_off else offer


def _name(page: Page, stated: str | None, title: str | None) -> str | None:
    """The stated name; the heading where that is a sentence that the title does not know."""
    said, head = words(stated), words(page.title)
    if len(said) >= 10 and page.headings and len(said & head) / len(said) < 0.5:
        heading = words(page.headings[0])
        if heading and heading <= head:
            return page.headings[0]
    return stated or title


def _build(
    page: Page,
    base: Candidate,
    others: list[Candidate],
    settled: Settled,
    name: str,
    category: str | None,
    product: scripts.Named,
) -> ParsedOffer:
    def first(attribute: str) -> str | None:
        for candidate in (base, *others):
            value = getattr(candidate, attribute)
            if value:
                return str(value)
        return None

    url = page.canonical if _own_site(page) else None
    url = url or base.url or page.url
    images = list(base.images)
    for other in others:
        images.extend(other.images if other.source != "meta" or not images else [])
    sku, gtin = first("sku"), first("gtin")
    article = visible_facts.article_number(page) if sku is None or base.mpn is None else None
    named = (normalise.style_code(text) for text in (sku, article, name))
    code = _part_number(base.mpn) or next((c for c in named if c), None)
    group = base.group or sku or gtin
    return ParsedOffer(
        external_id=group or _address_id(url or page.url, name),
        url=url,
        title=name,
        brand=first("brand") or brands.brand(page, name, product),
        model=base.model,
        colourway=base.colour,
        price=settled.price,
        list_price=settled.list_price,
        currency=settled.currency,
        availability=settled.availability,
        images=best_pictures(images),
        sku=sku or article,
        style_code=code,
        gtin=gtin,
        sizes=settled.sizes,
        description=first("description"),
        category=category,
        gender=normalise.gender(base.gender) or normalise.gender(name),
    )


def _part_number(mpn: str | None) -> str | None:
    """A maker's part number that can be a style code: letters or groups, not a bare number."""
    if mpn is None:
        return None
    known = normalise.style_code(mpn)
    if known:
        return known
    return (
        mpn
        if re.fullmatch(
            r"(?=.*[A-Za-z-])(?=(?:.*\d){3})[A-Za-z0-9]{2,}(?:[-_/ ]?[A-Za-z0-9]+)*", mpn
        )
        and 5 <= len(mpn) <= 20
        else None
    )


def _own_site(page: Page) -> bool:
    """A canonical address of another site is a mirror's mistake, and a bare host is no product."""
    if page.canonical is None:
        return False
    if page.url is None:
        return True
    here, there = urlsplit(page.url), urlsplit(page.canonical)
    same = (here.hostname or "").removeprefix("www.") == (there.hostname or "").removeprefix("www.")
    return same and (len(there.path) > 1 or bool(there.query) or len(here.path) <= 1)


def _address_id(url: str | None, name: str) -> str:
    if url:
        parts = urlsplit(url)
        return (
            f"{parts.path}?{parts.query}"
            if parts.query and parts.path.endswith(".php")
            else parts.path
        )
    return hashlib.sha256(name.encode()).hexdigest()[:16]
