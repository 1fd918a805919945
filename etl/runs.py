"""The record of a run: one at a time for each source, counts as they grow, errors by item."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime

from app.db.pool import Connection, Database, connect
from app.db.queries import query
from app.errors import SolemateError

_LOCK_PATIENCE_S = 2.0
"""The server lets go of a dead or closing connection's lock a moment after the connection."""


RESUMED_FOR_S = 6 * 3600.0
"""How old a pass may be that the next run takes up: what was read before is that old at most."""


class AlreadyRunning(SolemateError):
    """Another process runs this source now."""

    exit_code = 4


class Stopped(SolemateError):
    """The run was asked to stop; the next one goes on where it stopped."""

    exit_code = 6


@dataclass(slots=True)
class Counts:
    """What a run did; ``failed`` counts rows, pages and pictures named in ``etl_error``."""

    rows_seen: int = 0
    offers_new: int = 0
    offers_changed: int = 0
    offers_unchanged: int = 0
    offers_gone: int = 0
    images_new: int = 0
    failed: int = 0

    @property
    def news(self) -> int:
        """What a later step has to look at: offers new or changed, and pictures."""
        return self.offers_new + self.offers_changed + self.images_new


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that went wrong: the row, page or picture, a short code, and words."""

    item: str
    code: str
    message: str


@dataclass
class Run:
    """A run in progress; its faults are written with the chunk they belong to.

    ``complete`` says whether the run, once done, has seen everything there is. ``pass_started_at``
    is older than ``started_at`` where the run takes up what an interrupted one began.
    """

    id: int
    started_at: datetime
    pass_started_at: datetime
    complete: bool = True
    counts: Counts = field(default_factory=Counts)
    faults: list[Fault] = field(default_factory=list)
    _pending: list[Fault] = field(default_factory=list)

    def fault(self, item: str, code: str, message: str) -> None:
        """Note a failure that does not stop the run."""
        found = Fault(item, code, message.replace("\x00", ""))
        self.counts.failed += 1
        self.faults.append(found)
        self._pending.append(found)

    def save(self, conn: Connection) -> None:
        """Write counts and new faults in the caller's transaction."""
        if self._pending:
            rows = json.dumps([asdict(f) for f in self._pending], ensure_ascii=False)
            query("etl_insert_errors").execute(conn, {"run_id": self.id, "rows": rows})
            self._pending.clear()
        query("etl_count_run").execute(conn, {"run_id": self.id, **asdict(self.counts)})


def _try_lock(conn: Connection, source: str) -> bool:
    row = query("etl_try_lock").execute(conn, {"source": source}).fetchone()
    return bool(row and row[0])


@contextmanager
def source_lock(
    db: Database, source: str, patience_s: float = _LOCK_PATIENCE_S, *, again: bool = False
) -> Iterator[None]:
    """Hold the source for this process; the lock dies with it.

    Args:
        patience_s: how long to wait for another process, seconds.
        again: go on also when the process waited for has just done the work.

    Raises:
        AlreadyRunning: another process holds it, or held it and has done the work meanwhile.
    """
    # A connection of its own, outside any transaction: a run may last for hours.
    conn = connect(db.url, db.timeout_s)
    try:
        conn.autocommit = True
        asked = query("etl_clock").execute(conn).fetchone()
        waited = False
        deadline = time.monotonic() + patience_s
        while not _try_lock(conn, source):
            if time.monotonic() > deadline:
                raise AlreadyRunning(f"{source} is being read by another process")
            waited = True
            time.sleep(0.1)
        if waited and asked and not again:
            done = {"source": source, "since": asked[0]}
            if query("etl_done_since").execute(conn, done).fetchone():
                raise AlreadyRunning(f"{source} was being read by another process, which is done")
        yield
    finally:
        conn.close()


@contextmanager
def running(db: Database, *, kind: str, source: str, shop_id: int | None = None) -> Iterator[Run]:
    """A run's record around the work; the caller holds :func:`source_lock`.

    The run ends as ``done`` when the block ends, as ``failed`` with the error's words otherwise.
    """
    with db.connection() as conn:
        query("etl_interrupt_runs").execute(conn, {"source": source})
        begun = (
            query("etl_open_pass")
            .execute(conn, {"source": source, "longest_s": RESUMED_FOR_S})
            .fetchone()
        )
        row = (
            query("etl_start_run")
            .execute(
                conn,
                {
                    "kind": kind,
                    "source": source,
                    "shop_id": shop_id,
                    "pass_started_at": begun[0] if begun else None,
                },
            )
            .fetchone()
        )
    if row is None:
        raise RuntimeError("etl_start_run returned no row")
    run = Run(*row)
    try:
        yield run
    except BaseException as error:
        words = (
            str(error) if isinstance(error, SolemateError) else f"{type(error).__name__}: {error}"
        )
        stopped = isinstance(error, Stopped | KeyboardInterrupt)
        _finish(db, run, "interrupted" if stopped else "failed", words or type(error).__name__)
        raise
    _finish(db, run, "done", None)


def _finish(db: Database, run: Run, state: str, message: str | None) -> None:
    with db.connection() as conn:
        run.save(conn)
        query("etl_finish_run").execute(
            conn,
            {
                "run_id": run.id,
                "state": state,
                "complete": state == "done" and run.complete,
                "message": message,
            },
        )
