"""What a page's structured data lack, taken from what the page shows."""

from __future__ import annotations

from dataclasses import replace

from app.domain import Availability
from etl.adapters import brands, buying, scripts, stock, visible, visible_facts
from etl.adapters.candidate import Candidate
from etl.adapters.opengraph import says_product
from etl.adapters.page import Page
from etl.adapters.settle import Settled


def is_offer(page: Page, best: Candidate | None, settled: Settled, name: str) -> bool:
    """Whether what was read is enough for a product's page."""
    if best is None and settled.price is None:
        # Sold-out pages often drop the price; they are products all the same where they say so,
        # and where more than a heading tells them from a page that is gone.
        return settled.availability == "out_of_stock" and _describes_product(page, name)
    return not (
        settled.price is None
        and settled.availability == "unknown"
        and not (best is not None and best.terms)
    )


def _describes_product(page: Page, name: str) -> bool:
    return (
        says_product(page)
        or brands.is_marked(page, name)
        or visible_facts.article_number(page) is not None
    )


def complete(
    page: Page,
    settled: Settled,
    title: str | None,
    product: scripts.Named,
    *,
    offered: bool,
    aggregate: bool,
) -> Settled:
    """What the structured data lack, from the page's text; ``offered``: they do state an offer."""
    if settled.price is None:
        seen = visible.read_price(page, title)
        if seen is not None:
            settled = replace(
                settled,
                price=seen.price,
                list_price=seen.list_price,
                currency=settled.currency or seen.currency,
            )
    elif settled.currency is None:
        settled = replace(settled, currency=visible.currency_of(page, settled.price))
    if settled.price is not None and settled.list_price is None:
        listed = visible_facts.list_price(page, settled.price, settled.currency)
        settled = replace(settled, list_price=listed)
    if settled.availability == "unknown":
        state = _seen_state(page, settled, product, offered=offered, aggregate=aggregate)
        settled = replace(settled, availability=state)
    elif settled.availability == "out_of_stock" and stock.is_contradicted(page, product):
        settled = replace(settled, availability="in_stock")
    if not settled.sizes:
        settled = replace(settled, sizes=visible_facts.sizes(page))
    return settled


def _seen_state(
    page: Page, settled: Settled, product: scripts.Named, *, offered: bool, aggregate: bool
) -> Availability:
    """What the page shows of the stock.

    Beside an aggregate of several sellers a button is one seller's, and says nothing of the
    lowest price.
    """
    stated = stock.availability(page, product)
    if stated is not None:
        return stated
    if stock.says_sold_out(page):
        return "out_of_stock"
    sells = buying.can_be_bought(page) or (not offered and visible.has_buy_button(page))
    if settled.price is not None and (not offered or not aggregate) and sells:
        return "in_stock"
    return "unknown"


def may_be_product(page: Page) -> bool:
    """Whether a page without mark-up sells something, or says that what it sold is gone."""
    if visible.has_buy_button(page) or buying.can_be_bought(page):
        return True
    # A listing has a line for each of its goods; a product's page has one or a few, all alike.
    lines = stock.stock_lines(page)
    return bool(page.headings) and 0 < len(lines) <= 3 and set(lines) == {"out_of_stock"}
