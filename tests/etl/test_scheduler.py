"""The scheduler: what is due, what is caught up, and a real run of a real shop on loopback."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import tomli_w

from app.db.pool import Database
from app.db.queries import query
from app.demo.shops import SampleShops
from app.errors import BadInput
from app.settings import Settings
from app.sketch.catalogue import catalogue
from etl.scheduler import build, cron, missed, refresh, trigger_of
from etl.shop_spec import ShopSpec

NOON = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)


def spec(schedule: str | None = "0 6 * * *", *, enabled: bool = True) -> ShopSpec:
    return ShopSpec(
        "s", "S", "schema_org", ("https://s.example/",), schedule=schedule, enabled=enabled
    )


@pytest.mark.parametrize(
    ("last", "due"),
    [
        (None, True),
        (NOON - timedelta(hours=5), False),  # ran at 7, next at 6 tomorrow
        (NOON - timedelta(hours=7), True),  # ran at 5, 6 was missed
        (NOON - timedelta(days=9), True),
        (NOON - timedelta(hours=6), False),  # ran at 6 sharp
    ],
)
def test_what_fell_due_while_nothing_ran_is_caught_up(last: datetime | None, due: bool) -> None:
    assert missed(spec(), last, NOON) is due


@pytest.mark.parametrize(
    ("expression", "days"),
    [
        ("0 6 * * 0", [6]),
        ("0 6 * * 7", [6]),
        ("0 6 * * 1-5", [0, 1, 2, 3, 4]),
        ("0 6 * * 0-2", [0, 1, 6]),
        ("0 6 * * 1,sat", [0, 5]),
        ("0 6 * * 1-6/2", [0, 2, 4]),
        ("0 6 * * *", [0, 1, 2, 3, 4, 5, 6]),
    ],
)
def test_days_of_the_week_are_crons(expression: str, days: list[int]) -> None:
    fires, now = set(), NOON
    for _ in range(14):
        fire = cron(expression).get_next_fire_time(None, now)
        fires.add(fire.weekday())
        now = fire + timedelta(hours=1)
    assert sorted(fires) == days


@pytest.mark.parametrize("words", ["every day", "61 * * * *", "* * *", "0 6 * * 8", "0 6 * * 5-1"])
def test_a_schedule_cron_would_not_take_is_refused(words: str) -> None:
    with pytest.raises(BadInput, match="shop s: schedule"):
        trigger_of(spec(words))


def test_what_another_process_has_just_read_is_not_read_again(
    db: Database, settings: Settings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Two schedulers fire seconds apart: the second finds the work done, however short it was."""
    caplog.set_level("INFO")
    mine = settings.model_copy(update={"fetch_allow_hosts": ("127.0.0.1",)})
    with SampleShops(catalogue(7, 12), tmp_path / "pictures") as shops:
        shop = ShopSpec(
            "s", "S", "schema_org", (f"{shops.schema_org_url}sneakers/",), schedule="0 6 * * *",
            delay_s=0.0,
        )  # fmt: skip
        for _ in range(2):
            refresh(db, mine, shop, None)
    with db.connection() as conn:
        runs = conn.execute("SELECT kind, state FROM etl_run ORDER BY id").fetchall()
    assert runs == [("shop", "done"), ("match", "done")]
    assert "has just been read by another process" in caplog.text


def test_only_enabled_shops_with_a_schedule_get_a_job(db: Database, settings: Settings) -> None:
    shops = [spec(), spec(None), spec(enabled=False)]
    scheduler = build(db, settings, shops, None)
    jobs = {job.id: job for job in scheduler.get_jobs()}
    assert set(jobs) == {"shop:s", "forget-searches", "rates"}
    scheduler.start(paused=True)
    try:
        job = scheduler.get_job("shop:s")
        assert (job.misfire_grace_time, job.coalesce, job.max_instances) == (3600, True, 1)
        assert job.next_run_time <= datetime.now(UTC), "never run: due at once"
    finally:
        scheduler.shutdown(wait=False)


def test_the_schedule_command_catches_up_and_stops_when_asked(
    db: Database, settings: Settings, tmp_path: Path
) -> None:
    folder = tmp_path / "shops"
    folder.mkdir()
    with SampleShops(catalogue(7, 12), tmp_path / "pictures") as shops:
        shop = {
            "name": "Harbour Kicks",
            "adapter": "schema_org",
            "start_urls": [f"{shops.schema_org_url}sneakers/"],
            "schedule": "0 6 * * *",
            "delay_s": 0.0,
        }
        (folder / "harbour.toml").write_text(tomli_w.dumps(shop))
        process = subprocess.Popen(
            [sys.executable, "-c", "from app.cli import main; main()", "etl", "schedule",
             "--shops", str(folder)],
            env={
                "PATH": "/usr/bin:/bin", "SOLEMATE_HOME": str(settings.home),
                "SOLEMATE_DATABASE": settings.database,
                "SOLEMATE_IMAGE_STORE": str(settings.images_dir),
                "SOLEMATE_FETCH_ALLOW_HOSTS": '["127.0.0.1"]',
                "SOLEMATE_FX_SOURCES": "{}",
            },
            stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        try:
            deadline = time.monotonic() + 90
            counts = (0, 0)
            while counts[1] == 0 and time.monotonic() < deadline:
                time.sleep(0.3)
                with db.connection() as conn:
                    row = query("catalog_counts").execute(conn).fetchone()
                assert row is not None
                counts = (row[2], row[5])
            assert counts[0] == len(shops.harbour)
            assert counts[1] > 0, "new pictures are embedded after the run"
        finally:
            process.send_signal(signal.SIGTERM)
            _, log = process.communicate(timeout=60)
    assert process.returncode == 0, log
    assert "Traceback" not in log
