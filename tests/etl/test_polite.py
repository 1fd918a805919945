"""Turns among processes, the circuit breaker, runs taken up again, one run among many starters."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import tomli_w

from app.db.pool import Database
from app.settings import ROOT, Settings
from etl.circuit import CircuitOpen, ShopUnwell
from etl.fetch import Fetcher, Limits
from etl.polite import SharedTurns
from etl.runs import Stopped
from etl.shop_run import run_shop
from tests.etl.conftest import Answer, Site, rows
from tests.etl.test_shop_run import QUICK, put_listing, put_product, spec_of

TAKE = """
import sys
from app.db.pool import open_database
from app.settings import Settings
from etl.polite import SharedTurns
settings = Settings(home=sys.argv[1], database=sys.argv[2], database_url=None)
with open_database(settings) as db:
    turns = SharedTurns(db)
    for _ in range(20):
        turns.take("shop.example", 10)
"""


@pytest.fixture
def market(site: Site, settings: Settings) -> Settings:
    for number in range(24):
        put_product(site, number)
    put_listing(site, range(24))
    return settings.model_copy(update={"fetch_allow_hosts": ("127.0.0.1",), "circuit_wait_s": 0.3})


def test_no_two_processes_get_one_turn(db: Database, settings: Settings) -> None:
    with ThreadPoolExecutor(3) as pool:
        command = [sys.executable, "-c", TAKE, str(settings.home), settings.database]
        done = list(pool.map(lambda _: subprocess.run(command, cwd=ROOT, check=True), range(3)))
    assert len(done) == 3
    with db.connection() as conn:
        row = conn.execute(
            "SELECT extract(epoch FROM next_at - clock_timestamp()) FROM host_turn"
        ).fetchone()
    assert row is not None
    # 60 turns of 10 seconds, less what has passed since the first.
    assert 500 < row[0] <= 600


def test_a_host_that_asks_for_a_pause_gets_it_from_all(
    db: Database, settings: Settings, site: Site
) -> None:
    site.answers["/a"] = [Answer(b"", 429, {"Retry-After": "30"}), Answer(b"fine")]
    mine = settings.model_copy(update={"fetch_allow_hosts": ("127.0.0.1",)})
    limits = Limits(delay_s=0.01, robots=False)
    with Fetcher(mine, limits, turns=SharedTurns(db), sleep=lambda _s: None) as fetcher:
        assert fetcher.fetch(f"{site.base}/a").content == b"fine"
    assert SharedTurns(db).take("127.0.0.1", 1) > 25


def test_the_agent_names_its_contact(settings: Settings, site: Site) -> None:
    site.put("/a", "x")
    mine = settings.model_copy(
        update={"fetch_allow_hosts": ("127.0.0.1",), "contact": "https://who.example/bot"}
    )
    with Fetcher(mine, Limits(delay_s=0, robots=False)) as fetcher:
        fetcher.fetch(f"{site.base}/a")
    assert site.requests[0][1]["user-agent"] == "SolemateBot/0.1 (+https://who.example/bot)"


def test_a_shop_in_trouble_is_left_alone_and_tried_again(
    db: Database, market: Settings, site: Site
) -> None:
    spec = spec_of(f"{site.base}/shoes")
    pages = {path: answer for path, answer in site.answers.items() if path.startswith("/p/")}
    for path in pages:
        site.put(path, "oops", 500)
    with pytest.raises(ShopUnwell, match="5 documents in a row"):
        run_shop(db, market, spec, limits=QUICK)
    asked = len(site.requests)
    with pytest.raises(CircuitOpen, match="left alone"):
        run_shop(db, market, spec, limits=QUICK)
    assert len(site.requests) == asked, "an open circuit asks nothing"
    time.sleep(0.4)
    with pytest.raises(ShopUnwell, match="1 documents"):
        run_shop(db, market, spec, limits=QUICK)
    assert rows(db, "SELECT state, failures FROM shop_circuit") == [("open", 2)]
    site.answers.update(pages)
    time.sleep(0.7)
    assert run_shop(db, market, spec, limits=QUICK).counts.offers_new == 24
    assert rows(db, "SELECT state, failures FROM shop_circuit") == [("closed", 0)]


def test_a_stopped_run_is_taken_up_where_it_stopped(
    db: Database, market: Settings, site: Site
) -> None:
    spec = spec_of(f"{site.base}/shoes")
    stop = threading.Event()

    def halfway(done: int, _total: int | None) -> None:
        if done == 10:
            stop.set()

    with pytest.raises(Stopped):
        run_shop(db, market, spec, limits=QUICK, progress=halfway, stop=stop)
    assert rows(db, "SELECT count(*) FROM offer") == [(10,)]
    site.requests.clear()
    report = run_shop(db, market, spec, limits=QUICK)
    assert (report.counts.offers_new, report.complete) == (14, True)
    assert sum(1 for path, _ in site.requests if path.startswith("/p/")) == 14
    assert rows(db, "SELECT state FROM etl_run ORDER BY id") == [("interrupted",), ("done",)]
    assert rows(db, "SELECT count(*) FROM offer WHERE availability <> 'in_stock'") == [(0,)]


def test_a_picture_that_stays_broken_is_asked_for_ever_more_rarely(
    db: Database, market: Settings, site: Site
) -> None:
    site.put("/i/5.png", "not a picture")
    spec = spec_of(f"{site.base}/shoes")
    for _ in range(4):
        run_shop(db, market, spec, limits=QUICK)
    assert site.count("/i/5.png") == 2, "again at once, then not before an hour"
    with db.connection() as conn:
        conn.execute("UPDATE image_source SET retry_at = now() WHERE tries = 2")
    run_shop(db, market, spec, limits=QUICK)
    assert site.count("/i/5.png") == 3


def test_two_schedulers_and_a_cron_job_run_a_shop_once(
    db: Database, market: Settings, site: Site, tmp_path: Path
) -> None:
    def slow(handler) -> None:
        time.sleep(10)
        body = site.answers["/slow-body"].body
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    site.answers["/slow-body"] = site.answers["/p/0"]
    site.put("/p/0", slow)
    folder = tmp_path / "shops"
    folder.mkdir()
    shop = {
        "name": "Once", "adapter": "schema_org", "start_urls": [f"{site.base}/shoes"],
        "schedule": "0 6 * * *", "delay_s": 0.0,
    }  # fmt: skip
    (folder / "once.toml").write_text(tomli_w.dumps(shop))
    environment = {
        "PATH": "/usr/bin:/bin", "SOLEMATE_HOME": str(market.home), "PYTHONPATH": str(ROOT),
        "SOLEMATE_DATABASE": market.database, "SOLEMATE_IMAGE_STORE": str(market.images_dir),
        "SOLEMATE_FETCH_ALLOW_HOSTS": '["127.0.0.1"]', "SOLEMATE_FX_SOURCES": "{}",
        "SOLEMATE_LOG_LEVEL": "INFO",
    }  # fmt: skip
    command = [sys.executable, "-c", "from app.cli import main; main()", "etl"]
    schedule = [*command, "schedule", "--shops", str(folder), "--no-embed"]
    cron = [*command, "run", "--shop", str(folder / "once.toml")]
    started = [
        subprocess.Popen(each, env=environment, stderr=subprocess.PIPE, text=True)
        for each in (schedule, schedule, cron)
    ]
    try:
        started[2].wait(timeout=120)
        deadline = time.monotonic() + 60
        while rows(db, "SELECT 1 FROM etl_run WHERE state = 'running'") or not rows(
            db, "SELECT 1 FROM etl_run WHERE state = 'done'"
        ):
            assert time.monotonic() < deadline
            time.sleep(0.2)
    finally:
        for process in started[:2]:
            process.terminate()
        logs = [process.communicate(timeout=60)[1] for process in started]
    assert rows(db, "SELECT state, offers_new FROM etl_run WHERE kind = 'shop'") == [("done", 24)]
    assert site.count("/p/1") == 1
    assert started[2].returncode in (0, 4), logs
    assert sum("is being read by another process" in log for log in logs) == 2, logs
