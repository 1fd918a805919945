"""Refreshing a shop: documents in, offers and pictures into the catalogue, nothing lost."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from urllib.parse import urlsplit, urlunsplit

from app.db.pool import Connection, Database
from app.db.queries import query
from app.domain import ParsedOffer
from app.errors import ImageError, SolemateError
from app.settings import Settings
from etl.adapters import Adapter, Blocked, NoOffer, get_adapter, parse_document
from etl.adapters.base import EmptyList
from etl.adapters.shopify import shop_currency
from etl.circuit import Circuit
from etl.crawl import find_products
from etl.fetch import BadStatus, Document, Fetcher, FetchError, Limits, Validators
from etl.images import ImageStore, Reading
from etl.jobs import RunReport
from etl.load import Chunk, Item, Shop, known_sources, open_shop, write_chunk
from etl.polite import SharedTurns
from etl.progress import Report, silent
from etl.runs import AlreadyRunning, Run, Stopped, running, source_lock
from etl.shop_spec import ShopSpec, is_wanted

_PAGES_A_CHUNK = 32
_FEW = 10  # a shop this small may lose everything without being suspected


class CatalogueShrank(SolemateError):
    """Too many offers vanished at once: more likely a fault of the pages than of the shop."""


@dataclass(slots=True)
class _Page:
    """A document that was read: its offers (empty: unchanged) and what to remember of it."""

    url: str
    offers: list[ParsedOffer]
    validators: Validators
    unchanged: bool = False
    failed: bool = False


@dataclass(slots=True)
class _Work:
    db: Database
    settings: Settings
    spec: ShopSpec
    shop: Shop
    run: Run
    fetcher: Fetcher
    store: ImageStore
    adapter: Adapter
    circuit: Circuit
    stop: threading.Event
    validators: dict[str, Validators] = field(default_factory=dict)
    same_as: dict[str, str] = field(default_factory=dict)
    """Second addresses of a product: the page that its offers are read from."""
    seen: set[str] = field(default_factory=set)
    """Pages that this pass has read, or knows to be unchanged."""
    pages: list[_Page] = field(default_factory=list)
    incomplete: bool = False


def run_shop(
    db: Database,
    settings: Settings,
    spec: ShopSpec,
    *,
    limit: int | None = None,
    limits: Limits | None = None,
    progress: Report = silent,
    stop: threading.Event | None = None,
    due: Callable[[datetime | None], bool] | None = None,
) -> RunReport:
    """Read the shop and bring the catalogue up to date.

    Offers that a complete run did not see are marked sold out. A run is complete when every listing
    could be read and no limit was set; a product page that fails is tried once more at the end and
    then leaves its offers as they are. A run after an interrupted one leaves out the pages that the
    interrupted one had read.

    Args:
        limit: read at most so many product documents.
        limits: patience and care; default from the shop's file.
        progress: called with documents done and in all.
        stop: set from another thread, it ends the run after the document in hand.
        due: asked, once nobody else can run the shop, with the time at which the last complete run
            began: whether there is anything to do still.

    Raises:
        AlreadyRunning: another process reads this shop, or has just done so.
        CircuitOpen: the shop failed lately and is left alone; nothing was asked of it.
        ShopUnwell: the shop fails one document after another.
        Stopped: ``stop`` was set; the next run goes on from there.
        Blocked: the shop answers with a challenge page; nothing is marked sold out.
        CatalogueShrank: more than ``max_drop`` of the offers would vanish; nothing is marked.
        SolemateError: no listing could be read.
    """
    source = f"shop:{spec.name}"
    fetcher = Fetcher(settings, limits or limits_of(spec), turns=SharedTurns(db))
    with source_lock(db, source), fetcher:
        with db.connection() as conn:
            last = query("etl_last_success").execute(conn, {"source": source}).fetchone()
            if due is not None and not due(last[0] if last else None):
                raise AlreadyRunning(f"{source} has just been read by another process")
            shop = open_shop(conn, spec.name, spec.adapter, spec.home_url or _home(spec))
        circuit = Circuit(db, shop.id, settings.circuit_wait_s)
        circuit.enter()
        with _watched(circuit), running(db, kind="shop", source=source, shop_id=shop.id) as run:
            work = _Work(
                db,
                settings,
                spec,
                shop,
                run,
                fetcher,
                ImageStore(settings),
                get_adapter(spec.adapter, spec.selectors),
                circuit,
                stop or threading.Event(),
            )
            _recall_pages(work)
            pages = (
                _listed_pages(work, limit)
                if work.adapter.list_url(spec.start_urls[0], 1)
                else _product_pages(work, limit)
            )
            for done, (page, total) in enumerate(pages, start=1):
                work.pages.append(page)
                if len(work.pages) >= _PAGES_A_CHUNK:
                    _write(work)
                progress(done, total)
            _write(work)
            run.complete = not work.incomplete and limit is None
            if run.complete:
                _mark_gone(work)
    return RunReport(run.id, source, run.counts, tuple(run.faults), run.complete)


def limits_of(spec: ShopSpec) -> Limits:
    """Patience and care as the shop's file asks for them."""
    return Limits(delay_s=spec.delay_s, backoff_s=spec.backoff_s, timeout_s=spec.timeout_s)


@contextmanager
def _watched(circuit: Circuit) -> Iterator[None]:
    """Opens the circuit when the run ends in trouble of the shop's."""
    try:
        yield
    except SolemateError as error:
        circuit.trip(error)
        raise


def try_shop(
    settings: Settings, spec: ShopSpec, pages: int
) -> Iterator[tuple[str, list[ParsedOffer] | SolemateError]]:
    """Read a few pages of a shop without storing anything; errors come as results."""
    adapter = get_adapter(spec.adapter, spec.selectors)
    with Fetcher(settings, limits_of(spec)) as fetcher:
        lists = [url for start in spec.start_urls if (url := adapter.list_url(start, 1))]
        if lists:
            urls = lists
            ready: dict[str, Document] = {}
        else:
            found = find_products(adapter, fetcher, spec, enough=pages)
            yield from found.problems
            urls, ready = found.products[:pages], found.ready
        for url in urls:
            try:
                document = ready.get(url) or fetcher.fetch(url)
                offers = parse_document(
                    adapter, document.content, document.url, document.content_type
                )
                yield url, offers[:pages]
            except SolemateError as error:
                yield url, error


def _product_pages(work: _Work, limit: int | None) -> Iterator[tuple[_Page, int | None]]:
    found = find_products(work.adapter, work.fetcher, work.spec, enough=limit)
    for url, error in found.problems:
        work.run.fault(url, "listing", str(error))
        work.incomplete = True
    if not found.products:
        raise found.problems[0][1] if found.problems else NoOffer("no product could be found")
    with work.db.connection() as conn:
        rows = query("etl_offer_pages").execute(conn, {"shop_id": work.shop.id}).fetchall()
    known: dict[str, bool] = dict(rows)
    if limit is None and not work.incomplete and not set(found.products) <= set(found.ready):
        _check_listing(work, found.products, {url for url, on_sale in rows if on_sale})
    done = _done_before(work)
    work.seen |= done
    total = len(found.products)
    failed: list[_Page] = []
    # Pages that offers were read from come first: a product's second address is then known as one,
    # whatever the order in which the shop lists them today.
    for url in sorted(found.products, key=lambda page: page not in known):
        if url in done:
            continue
        if work.stop.is_set():
            _write(work)
            raise Stopped("stopped as asked; the next run goes on from here")
        page = _product_page(work, url, found.ready.get(url))
        if page is not None and page.failed and set(found.products) <= set(found.ready):
            raise NoOffer(f"{url} is neither a listing nor a product's page")
        if page is not None and page.failed:
            failed.append(page)
        elif page is not None:
            yield page, total
    for page in failed:
        again = _product_page(work, page.url, None, again=True)
        if again is not None:
            yield again, total


def _check_listing(work: _Work, products: list[str], known: set[str]) -> None:
    """Before anything is written: a listing that lost too much of ``known`` is not believed."""
    lost = len(known - set(products))
    if len(known) >= _FEW and lost > len(known) * work.spec.max_drop:
        raise CatalogueShrank(
            f"{lost} of {len(known)} product pages are not listed any more; "
            f"more than {work.spec.max_drop:.0%}, so nothing is changed"
        )


def _done_before(work: _Work) -> set[str]:
    """Pages that the interrupted run this one takes up has read."""
    if work.run.pass_started_at >= work.run.started_at:
        return set()
    since = {"shop_id": work.shop.id, "started_at": work.run.pass_started_at}
    with work.db.connection() as conn:
        return {row[0] for row in query("etl_pages_done").execute(conn, since)}


def _product_page(
    work: _Work, url: str, ready: Document | None, *, again: bool = False
) -> _Page | None:
    """The page of a product; None when it is no longer there. Only the last try is a fault."""
    if not again:
        work.run.counts.rows_seen += 1
    try:
        document = ready or work.fetcher.fetch(url, _asked_with(work, url))
        work.circuit.success()
        if document.unchanged:
            work.seen.add(url)
            return _Page(url, [], document.validators, unchanged=True)
        offers = parse_document(work.adapter, document.content, document.url, document.content_type)
    except Blocked:
        raise
    except BadStatus as error:
        if error.gone or again:
            work.run.fault(url, f"http_{error.status}", str(error))
        work.circuit.failure(error)
        return None if error.gone else _Page(url, [], Validators(), failed=True)
    except FetchError as error:
        if again:
            work.run.fault(url, "fetch", str(error))
        work.circuit.failure(error)
        return _Page(url, [], Validators(), failed=True)
    except NoOffer as error:
        if again or ready is not None:
            work.run.fault(url, "no_offer", str(error))
        if ready is not None:
            # A start page that is neither a listing nor a product: who knows what is missing.
            work.incomplete = True
        return _Page(url, [], Validators(), failed=True)
    work.seen.add(url)
    return _Page(url, _wanted(work, offers), document.validators)


def _asked_with(work: _Work, url: str) -> Validators | None:
    """Validators for a page; none for a second address whose product this pass has not seen at its
    first: "unchanged" would then vouch for nothing."""
    first = work.same_as.get(url)
    return work.validators.get(url) if first is None or first in work.seen else None


def _listed_pages(work: _Work, limit: int | None) -> Iterator[tuple[_Page, int | None]]:
    currency = work.spec.currency
    if currency is None and work.spec.adapter == "shopify":
        currency = _shopify_currency(work)
    left = limit
    listed: set[str] = set()
    for start in work.spec.start_urls:
        for number in range(1, work.spec.max_listing_pages + 1):
            if left is not None and left <= 0:
                return
            url = work.adapter.list_url(start, number)
            if url is None:
                break
            try:
                document = work.fetcher.fetch(url, _asked_with(work, url))
                work.circuit.success()
                if document.unchanged:
                    work.seen.add(url)
                    yield _Page(url, [], document.validators, unchanged=True), None
                    continue
                offers = parse_document(
                    work.adapter, document.content, document.url, document.content_type
                )
            except Blocked:
                raise
            except (NoOffer, FetchError) as error:
                if number == 1:
                    raise
                gone = isinstance(error, BadStatus) and error.gone
                if not (gone or isinstance(error, EmptyList)):
                    # Without a page, or with half of one, the end of the list is unknown.
                    code = "fetch" if isinstance(error, FetchError) else "no_offer"
                    work.run.fault(url, code, str(error))
                    work.incomplete = True
                break
            ids = {o.external_id for o in offers}
            if number > 1 and ids <= listed:
                break  # a shop that shows its last page, or its first, for ever
            listed |= ids
            offers = [replace(o, currency=o.currency or currency) for o in offers]
            work.run.counts.rows_seen += len(offers)
            work.seen.add(url)
            left = None if left is None else left - len(offers)
            yield _Page(url, _wanted(work, offers), document.validators), None
        else:
            work.run.fault(start, "listing", "more listing pages than max_listing_pages")
            work.incomplete = True


def _shopify_currency(work: _Work) -> str | None:
    """The currency that the shop states beside its product list."""
    parts = urlsplit(work.spec.start_urls[0])
    try:
        document = work.fetcher.fetch(
            urlunsplit((parts.scheme, parts.netloc, "/meta.json", "", ""))
        )
    except FetchError:
        return None
    return shop_currency(document.content)


def _wanted(work: _Work, offers: list[ParsedOffer]) -> list[ParsedOffer]:
    """Offers of the categories asked for, with the shop's currency where the page states none."""
    return [
        replace(o, currency=o.currency or (work.spec.currency if o.price is not None else None))
        for o in offers
        if is_wanted(work.spec, o)
    ]


def _recall_pages(work: _Work) -> None:
    """What to ask the shop's pages with, read once a run."""
    with work.db.connection() as conn:
        rows = query("etl_page_validators").execute(conn, {"shop_id": work.shop.id}).fetchall()
    for url, etag, modified, same_as in rows:
        work.validators[url] = Validators(etag, modified)
        if same_as:
            work.same_as[url] = same_as


def _write(work: _Work) -> None:
    """One transaction: the pages' offers, their pictures and the validators that vouch."""
    first = _first_pages(work)
    chunk = Chunk(
        items=[
            Item(_trimmed(work, o), p.url)
            for p in work.pages
            for o in p.offers
            if first[o.external_id] == p.url
        ]
    )
    sources = list(dict.fromkeys(s for item in chunk.items for s in item.offer.images))
    chunk.known = known_sources(work.db, sources)
    for source in sources:
        known = chunk.known.get(source)
        if known is None or ((known.image_id is None or known.error) and known.due):
            chunk.readings[source] = _read_picture(work, source)
    with work.db.connection() as conn:
        write_chunk(conn, work.shop, chunk, work.run.counts)
        unchanged = {p.url for p in work.pages if p.unchanged}
        kept = [p.url for p in work.pages if p.unchanged or p.failed]
        if kept:
            key = {"shop_id": work.shop.id, "page_urls": kept}
            touched = query("etl_touch_pages").execute(conn, key).fetchall()
            work.run.counts.offers_unchanged += sum(1 for row in touched if row[0] in unchanged)
        for page in work.pages:
            if not (page.unchanged or page.failed):
                _settle_page(conn, work, page, first, chunk)
        work.run.save(conn)
    work.pages.clear()


def _first_pages(work: _Work) -> dict[str, str]:
    """The page that each offer in hand is read from: the first of this pass to show it."""
    ids = [o.external_id for p in work.pages for o in p.offers]
    if not ids:
        return {}
    params = {
        "shop_id": work.shop.id,
        "external_ids": ids,
        "started_at": work.run.pass_started_at,
        "unchanged": [p.url for p in work.pages if p.unchanged],
    }
    with work.db.connection() as conn:
        first: dict[str, str] = dict(query("etl_seen_elsewhere").execute(conn, params).fetchall())
    for page in work.pages:
        for offer in page.offers:
            first.setdefault(offer.external_id, page.url)
    return first


def _settle_page(
    conn: Connection, work: _Work, page: _Page, first: dict[str, str], chunk: Chunk
) -> None:
    """Keep a page's validators where "unchanged" will vouch for all of its offers at once: they are
    its own, or all another page's."""
    where = {"shop_id": work.shop.id, "url": page.url}
    whole = all(_is_read(s, chunk) for o in page.offers for s in o.images[: work.spec.max_images])
    owners = {first[o.external_id] for o in page.offers}
    if page.validators and len(owners) == 1 and (whole or owners != {page.url}):
        (owner,) = owners
        query("etl_put_page").execute(
            conn,
            {
                **where,
                "etag": page.validators.etag,
                "last_modified": page.validators.last_modified,
                "same_as": owner if owner != page.url else None,
            },
        )
    else:
        query("etl_forget_page").execute(conn, where)


def _is_read(source: str, chunk: Chunk) -> bool:
    """Whether a picture is at hand; a page with one missing is asked for in full next time."""
    if source in chunk.readings:
        return chunk.readings[source].picture is not None
    known = chunk.known.get(source)
    return known is not None and known.image_id is not None and not known.error


def _trimmed(work: _Work, offer: ParsedOffer) -> ParsedOffer:
    return replace(offer, images=offer.images[: work.spec.max_images])


def _read_picture(work: _Work, source: str) -> Reading:
    """A picture from its address; what goes wrong is in the result and in the run's record."""
    try:
        document = work.fetcher.fetch(source)
        picture = work.store.put(document.content)
    except ImageError as error:
        work.run.fault(source, error.code, str(error))
        return Reading(source, code=error.code, error=str(error))
    except FetchError as error:
        work.run.fault(source, "fetch", str(error))
        return Reading(source, code="fetch", error=str(error))
    return Reading(
        source,
        picture,
        size_bytes=picture.size_bytes,
        etag=document.validators.etag,
        last_modified=document.validators.last_modified,
    )


def _mark_gone(work: _Work) -> None:
    since = {"shop_id": work.shop.id, "started_at": work.run.pass_started_at}
    with work.db.connection() as conn:
        row = query("etl_shop_stock").execute(conn, since).fetchone()
        on_sale, unseen = (int(row[0]), int(row[1])) if row else (0, 0)
        if on_sale >= _FEW and unseen > on_sale * work.spec.max_drop:
            raise CatalogueShrank(
                f"{unseen} of {on_sale} offers were not found again; "
                f"more than {work.spec.max_drop:.0%}, so nothing is marked sold out"
            )
        query("etl_load_lock").execute(conn)
        query("etl_forget_gone_pages").execute(conn, since)
        work.run.counts.offers_gone = len(query("etl_mark_gone").execute(conn, since).fetchall())


def _home(spec: ShopSpec) -> str:
    parts = urlsplit(spec.start_urls[0])
    return f"{parts.scheme}://{parts.netloc}/"
