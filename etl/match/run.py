"""A run of the matcher: evidence is gathered while others write, products are joined at once."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from psycopg.rows import dict_row

from app.db import vectors
from app.db.pool import Connection, Database
from app.db.queries import query
from app.errors import ImageError
from app.settings import Settings
from app.vision.image import decode
from etl.match.decide import write_join
from etl.match.groups import Edge, Groups
from etl.match.keys import by_gtin, by_style, by_words
from etl.match.photographs import Looks, Shown, by_photographs
from etl.match.prints import VERSION, Prints, take_print
from etl.match.rules import Rules, load_rules
from etl.match.vectors import by_vectors, open_verifier
from etl.runs import running, source_lock

LOG = logging.getLogger(__name__)
_BATCH = 256  # pictures whose prints are written in one transaction
_PATIENCE_S = 900.0


@dataclass(slots=True)
class MatchReport:
    """Joinings by method, and how many a guard forbade."""

    joined: dict[str, int] = field(default_factory=dict)
    forbidden: int = 0

    @property
    def total(self) -> int:
        """All joinings."""
        return sum(self.joined.values())


def match(db: Database, settings: Settings, *, pictures: bool = True) -> MatchReport:
    """Join offers of one product; a second run without news changes nothing.

    Rules from the surest to the weakest: people's decisions, GTIN, style code, words, photographs,
    the encoder's pair verifier. Pictures are compared before the catalogue is locked, so that shops
    are loaded meanwhile; every joining is checked again under the lock.

    Args:
        pictures: also by pictures.

    Raises:
        AlreadyRunning: another matcher has been at work for a quarter of an hour.
    """
    report = MatchReport()
    with (
        source_lock(db, "match", _PATIENCE_S, again=True),
        running(db, kind="match", source="match") as run,
    ):
        run.counts.rows_seen = _offers(db)
        seen = _Seen()
        if pictures:
            _take_prints(db, settings)
            seen = _by_pictures(db, settings, load_rules())
        with db.connection() as conn:
            query("match_lock").execute(conn)
            groups, people, rows = _read(conn)
            keyed = [*people, *by_gtin(rows), *by_style(rows, groups)]
            _apply(conn, groups, keyed, report)
            _apply(conn, groups, seen.photographs, report)
            worded = [e for e in by_words(groups) if groups.apart(e)]
            _apply(conn, groups, [e for e in worded if not seen.speaks_against(e)], report)
            _apply(conn, groups, seen.vectors, report)
            if seen.compared:
                query("match_put_compared").execute(conn, {"images": seen.compared})
        run.counts.offers_changed = report.total
    return report


def _offers(db: Database) -> int:
    with db.connection() as conn:
        row = query("match_count").execute(conn).fetchone()
    return int(row[0]) if row else 0


def _read(conn: Connection) -> tuple[Groups, list[Edge], list[dict[str, Any]]]:
    """Products as they stand, what people say is the same, and the offers' rows."""
    rows = query("match_offers").execute(conn, row_factory=dict_row).fetchall()
    decisions = query("match_decisions").execute(conn).fetchall()
    groups = Groups(rows, {(a, b) for a, b, verdict in decisions if verdict == "different"})
    people = [Edge(a, b, "person") for a, b, verdict in decisions if verdict == "same"]
    return groups, people, rows


@dataclass(slots=True)
class _Seen:
    """What pictures say, and those whose prints need not be compared again."""

    photographs: list[Edge] = field(default_factory=list)
    vectors: list[Edge] = field(default_factory=list)
    looks: Looks | None = None
    compared: list[int] = field(default_factory=list)

    def speaks_against(self, edge: Edge) -> bool:
        return self.looks is not None and self.looks.apart(edge)


def _by_pictures(db: Database, settings: Settings, rules: Rules) -> _Seen:
    with db.connection() as conn:
        groups, people, rows = _read(conn)
        shown = query("match_shown").execute(conn, {"pictures": rules.pictures}).fetchall()
        prints = query("match_prints").execute(conn, {"version": VERSION}).fetchall()
        encoder = vectors.active(conn)
        verifier = open_verifier(encoder.name, settings) if encoder else None
        found = []
        if encoder and verifier:
            params = {"encoder_id": encoder.id, "pictures": rules.pictures}
            found = query("match_vectors").execute(conn, params).fetchall()
    seen = _Seen()
    if len(set(groups.shop.values())) < 2 or not prints:
        return seen
    groups.plan([*people, *by_gtin(rows), *by_style(rows, groups)])
    place = {image: number for number, (image, _, _) in enumerate(prints)}
    showing = [Shown(offer, place[image]) for offer, image in shown if image in place]
    taken = Prints([bytes(data) for _, data, _ in prints])
    seen.looks = Looks(showing, taken, rules)
    seen.compared = [image for image, _, compared in prints if not compared]
    if seen.compared:
        new = {place[image] for image in seen.compared}
        seen.photographs = by_photographs(groups, showing, taken, rules, new)
        groups.plan(seen.photographs)
    groups.plan(edge for edge in list(by_words(groups)) if not seen.speaks_against(edge))
    if encoder and verifier:
        pairs = [(offer, vector.to_numpy()) for offer, vector in found]
        seen.vectors = by_vectors(groups, pairs, verifier, rules.verified, encoder.name)
    return seen


def _apply(conn: Connection, groups: Groups, edges: Sequence[Edge], report: MatchReport) -> None:
    for edge in edges:
        if not groups.apart(edge):
            continue
        if groups.forbidden(groups.of[edge.one], groups.of[edge.other], edge.method):
            report.forbidden += 1
            continue
        standing = {edge.one: groups.of[edge.one], edge.other: groups.of[edge.other]}
        into, gone = groups.join(edge)
        witness = edge.one if standing[edge.one] is into else edge.other
        write_join(conn, into.id, gone.id, witness, edge)
        report.joined[edge.method] = report.joined.get(edge.method, 0) + 1


def _take_prints(db: Database, settings: Settings) -> None:
    """Prints of pictures that have none; a picture that cannot be read is named in the log."""

    def taken(path: str) -> bytes | None:
        try:
            picture = decode(
                Path(settings.images_dir) / path,
                max_bytes=settings.max_image_bytes,
                max_pixels=settings.max_image_pixels,
            )
        except ImageError as error:
            LOG.warning("%s has no print: %s", path, error)
            return None
        return take_print(picture.image)

    after = 0
    with ThreadPoolExecutor(os.cpu_count() or 2, thread_name_prefix="print") as pool:
        while True:
            params = {"version": VERSION, "after": after, "limit": _BATCH}
            with db.connection() as conn:
                rows = query("match_unprinted").execute(conn, params).fetchall()
            if not rows:
                return
            after = rows[-1][0]
            prints = list(pool.map(taken, [path for _, path in rows]))
            done = [(image, p) for (image, _), p in zip(rows, prints, strict=True) if p]
            with db.connection() as conn:
                query("match_put_prints").execute(
                    conn,
                    {
                        "images": [image for image, _ in done],
                        "prints": [p for _, p in done],
                        "version": VERSION,
                    },
                )
