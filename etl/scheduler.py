"""When shops are refreshed: APScheduler in one process, the shops' own cron expressions.

A misfire is run late rather than skipped (APScheduler 3 drops what is over a second late by
default), several missed times are one run, and what fell due while no scheduler ran is caught up at
the start. That two schedulers, or one and a cron job, never run a shop twice is the advisory lock's
business, in :func:`etl.shop_run.run_shop`.
"""

from __future__ import annotations

import logging
import re
import signal
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.cron import CronTrigger

from app.db.pool import Database
from app.db.queries import query
from app.errors import BadInput, SolemateError
from app.settings import Settings
from app.vision.encoder import ImageEncoder
from etl.circuit import CircuitOpen
from etl.embed import embed_backlog
from etl.fx import refresh_rates
from etl.match import match
from etl.runs import AlreadyRunning, Stopped
from etl.shop_run import run_shop
from etl.shop_spec import ShopSpec

LOG = logging.getLogger(__name__)

GRACE_S = 3600
JITTER_S = 120
KEEP_SEARCHES_DAYS = 30
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_LOOKS_S = 0.25  # seconds between looks at whether the scheduler was asked to stop
_AT_ONCE = 2  # shops; each waits on its own host most of the time


def trigger_of(spec: ShopSpec) -> CronTrigger:
    """The shop's schedule, five cron fields in UTC.

    Raises:
        BadInput: it has none, or one that cron would not take.
    """
    if spec.schedule is None:
        raise BadInput(f"shop {spec.key} has no schedule")
    try:
        trigger = cron(spec.schedule)
    except ValueError as error:
        raise BadInput(f"shop {spec.key}: schedule {spec.schedule!r}: {error}") from error
    trigger.jitter = JITTER_S
    return trigger


def cron(expression: str) -> CronTrigger:
    """A trigger of five cron fields in UTC, days of the week as cron numbers them.

    APScheduler calls Monday 0, cron calls Sunday 0 and 7: the days are passed by name.

    Raises:
        ValueError: no such expression.
    """
    *fields, days = expression.split() or [""]
    named = ",".join(_weekdays(part) for part in days.split(","))
    return CronTrigger.from_crontab(" ".join([*fields, named]), timezone=UTC)


def _weekdays(part: str) -> str:
    """One part of cron's fifth field, numbers made names; other forms are left to APScheduler."""
    found = re.fullmatch(r"([0-7])(?:-([0-7]))?(?:/([1-7]))?", part)
    if found is None:
        return part
    first = int(found[1])
    last = int(found[2]) if found[2] else 6 if found[3] else first
    if last < first:
        raise ValueError(f"days of the week {part!r} end before they begin")
    return ",".join(_DAYS[day % 7] for day in range(first, last + 1, int(found[3] or 1)))


def missed(spec: ShopSpec, last: datetime | None, now: datetime) -> bool:
    """Whether a run fell due between the last complete one and now; never run counts as due."""
    if last is None:
        return True
    exact = cron(spec.schedule or "")
    due = exact.get_next_fire_time(None, last + timedelta(seconds=1))
    return due is not None and due <= now


STOP = threading.Event()
"""Set when the scheduler is asked to stop: runs end after the document in hand."""


def refresh(db: Database, settings: Settings, spec: ShopSpec, encoder: ImageEncoder | None) -> None:
    """One scheduled run: the shop, then vectors for its new pictures, then joining its news to
    what other shops sell. Faults are logged, so that one shop's trouble is no other's."""
    try:
        report = run_shop(
            db, settings, spec, stop=STOP, due=lambda last: missed(spec, last, datetime.now(UTC))
        )
        LOG.info("%s: %s", spec.name, report.counts)
        if encoder is not None:
            embed_backlog(db, encoder, settings)
        if report.counts.news:
            LOG.info("joined across shops: %s", match(db, settings).joined or "nothing")
    except (AlreadyRunning, CircuitOpen, Stopped) as error:
        LOG.info("%s: %s", spec.name, error)
    except SolemateError as error:
        LOG.error("%s: %s", spec.name, error)  # noqa: TRY400 - the words say it all


def forget_searches(db: Database) -> None:
    """Deletes stored searches past their time."""
    with db.connection() as conn:
        cursor = query("schedule_forget_searches").execute(conn, {"days": KEEP_SEARCHES_DAYS})
        LOG.info("forgot %d old searches", cursor.rowcount)


def build(
    db: Database, settings: Settings, shops: Sequence[ShopSpec], encoder: ImageEncoder | None
) -> Any:
    """A scheduler with a job for each enabled shop that has a schedule; not yet started.

    Raises:
        BadInput: a schedule cron would not take.
    """
    scheduler = BackgroundScheduler(
        timezone=UTC,
        executors={"default": ThreadPoolExecutor(_AT_ONCE)},
        job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": GRACE_S},
    )
    with db.connection() as conn:
        last = dict(query("schedule_last_success").execute(conn).fetchall())
    now = datetime.now(UTC)
    for spec in shops:
        if not spec.enabled or spec.schedule is None:
            continue
        due = missed(spec, last.get(f"shop:{spec.name}"), now)
        scheduler.add_job(
            refresh,
            trigger_of(spec),
            args=[db, settings, spec, encoder],
            id=f"shop:{spec.key}",
            name=spec.name,
            **({"next_run_time": now} if due else {}),
        )
    scheduler.add_job(
        partial(forget_searches, db), CronTrigger.from_crontab("17 4 * * *", timezone=UTC),
        id="forget-searches", name="forget old searches", next_run_time=now,
    )  # fmt: skip
    if settings.fx_sources:
        scheduler.add_job(
            update_rates, CronTrigger.from_crontab("5 */6 * * *", timezone=UTC),
            args=[db, settings], id="rates", name="currency rates", next_run_time=now,
        )  # fmt: skip
    return scheduler


def update_rates(db: Database, settings: Settings) -> None:
    """The central banks' newest rates; a bank that does not answer is logged."""
    for name, result in refresh_rates(db, settings).items():
        if isinstance(result, SolemateError):
            LOG.error("%s: %s", name, result)
        else:
            LOG.info("%s: %d rates of %s", name, len(result.rates), result.day)


def serve(scheduler: Any) -> None:
    """Runs until SIGINT or SIGTERM, then lets what runs come to its end."""
    asked: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _: asked.append(number))
    for job in scheduler.get_jobs():
        LOG.info("%s: %s", job.name, job.trigger)
    scheduler.start()
    # No event to wait for: a signal that reaches the process in another thread would not end the
    # wait, and one that comes while the event's own lock is held would wait for itself.
    while not asked:
        time.sleep(_LOOKS_S)
    LOG.info("stopping: runs in progress end after the document in hand")
    STOP.set()
    scheduler.shutdown(wait=True)
