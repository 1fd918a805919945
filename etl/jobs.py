"""What runs: importing a folder or table. Shops run in :mod:`etl.shop_run`."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from app.db.pool import Database
from app.settings import Settings
from etl.adapters.folder import FolderListing, FolderOffer, read_listing
from etl.images import ImageStore, Reading
from etl.load import Chunk, Item, KnownSource, Shop, known_sources, open_shop, write_chunk
from etl.progress import Report, silent
from etl.runs import Counts, Fault, Run, running, source_lock

CHUNK = 256
"""Offers in one transaction: about a second of work that a kill can lose."""
_AHEAD = 3  # chunks whose pictures are read while an earlier one is written


@dataclass(frozen=True, slots=True)
class RunReport:
    """What a run did, as stored in ``etl_run`` and ``etl_error``."""

    run_id: int
    source: str
    counts: Counts
    faults: tuple[Fault, ...]
    complete: bool = True


@dataclass(slots=True)
class _Reading:
    """A chunk whose pictures are being read."""

    shop: str
    offers: list[FolderOffer]
    known: dict[str, KnownSource]
    readings: list[Future[Reading]]


def import_folder(
    db: Database,
    settings: Settings,
    path: Path,
    *,
    labels: Path | None = None,
    shop: str | None = None,
    progress: Report = silent,
) -> RunReport:
    """Load a folder or table of photographs; running it again changes only what changed.

    Rows that cannot be used are named in the report and in ``etl_error`` and stop nothing.

    Args:
        path: a folder, or a CSV table.
        labels: a CSV table about the folder's files.
        shop: name for the shop instead of the table's ``source``.
        progress: called with offers done and in all.

    Raises:
        BadInput: nothing there, or a table without a file column.
        AlreadyRunning: another process imports the same source.
    """
    listing = read_listing(path, labels, shop)
    source = f"import:{os.path.abspath(path)}"  # noqa: PTH100 - a link is a name of its own
    with source_lock(db, source), running(db, kind="import", source=source) as run:
        run.counts.rows_seen = listing.rows
        for fault in listing.faults:
            run.fault(fault.item, fault.code, fault.message)
        _load_listing(db, settings, listing, run, progress)
    return RunReport(run.id, source, run.counts, tuple(run.faults))


def _load_listing(
    db: Database, settings: Settings, listing: FolderListing, run: Run, progress: Report
) -> None:
    store = ImageStore(settings)
    shops: dict[str, Shop] = {}
    done = 0
    total = len(listing.offers)
    with ThreadPoolExecutor(
        max_workers=max(2, os.cpu_count() or 2), thread_name_prefix="read"
    ) as pool:
        waiting: deque[_Reading] = deque()

        def write_oldest() -> None:
            nonlocal done
            reading = waiting.popleft()
            _write(db, reading, shops, run)
            done += len(reading.offers)
            progress(done, total)

        try:
            for name, offers in _chunks(listing.offers):
                waiting.append(_start_reading(db, store, pool, name, offers))
                if len(waiting) > _AHEAD:
                    write_oldest()
            while waiting:
                write_oldest()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _chunks(offers: Sequence[FolderOffer]) -> Iterator[tuple[str, list[FolderOffer]]]:
    """Runs of offers of one shop, at most CHUNK long, input order kept."""
    chunk: list[FolderOffer] = []
    for offer in offers:
        if chunk and (len(chunk) >= CHUNK or chunk[0].shop != offer.shop):
            yield chunk[0].shop, chunk
            chunk = []
        chunk.append(offer)
    if chunk:
        yield chunk[0].shop, chunk


def _start_reading(
    db: Database, store: ImageStore, pool: ThreadPoolExecutor, shop: str, offers: list[FolderOffer]
) -> _Reading:
    sources = list(dict.fromkeys(source for o in offers for source in o.offer.images))
    known = known_sources(db, sources)
    unread = [source for source in sources if not _unchanged(source, known.get(source))]
    return _Reading(
        shop, offers, known, [pool.submit(store.read_file, Path(source)) for source in unread]
    )


def _unchanged(source: str, known: KnownSource | None) -> bool:
    """Whether a file is the one that was read before, by size and time of change."""
    if known is None or known.mtime_ns is None:
        return False
    try:
        stat = os.stat(source)  # noqa: PTH116 - thousands of files; a Path for each costs more
    except OSError:
        return False
    return stat.st_size == known.size_bytes and stat.st_mtime_ns == known.mtime_ns


def _write(db: Database, reading: _Reading, shops: dict[str, Shop], run: Run) -> None:
    chunk = Chunk(known=dict(reading.known))
    for future in reading.readings:
        result = future.result()
        chunk.readings[result.source] = result
    for found in reading.offers:
        # A file that no longer reads is no picture of the offer, whatever it was before.
        usable = 0
        for source in found.offer.images:
            code, words = _failure(source, chunk)
            if code:
                run.fault(source, code, words)
                chunk.known.pop(source, None)
            else:
                usable += 1
        if usable:
            chunk.items.append(Item(found.offer))
        else:
            chunk.touched.append(found.offer.external_id)
    with db.connection() as conn:
        if reading.shop not in shops:
            shops[reading.shop] = open_shop(conn, reading.shop, "folder")
        write_chunk(conn, shops[reading.shop], chunk, run.counts)
        run.save(conn)


def _failure(source: str, chunk: Chunk) -> tuple[str, str]:
    reading = chunk.readings.get(source)
    if reading is not None:
        return (reading.code or "", reading.error or "")
    known = chunk.known.get(source)
    if known is not None and known.error:
        code, _, words = known.error.partition(": ")
        return code, words
    return "", ""
