"""A small market lived through: what the tables hold is what the market knows."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from app.db.pool import Database
from app.settings import Settings
from tests.etl.conftest import rows
from tests.etl.marketplace.harness import live, serving, shop_file, tables, told
from tests.etl.marketplace.market import Market

PRODUCTS, DAYS = 90, 5


@pytest.mark.timeout(600)
def test_five_days_of_a_market(db: Database, settings: Settings, tmp_path: Path) -> None:
    market = Market(PRODUCTS, DAYS)
    ends: Counter[str] = Counter()
    with serving(PRODUCTS, DAYS) as base:
        file = shop_file(tmp_path, base)
        for day in range(DAYS):
            ends += live(settings, market, base, file, day, kill=0.6)
        faults = told(base)["faults"]
    truth = market.truth(DAYS - 1)
    found = tables(db)
    wrong = {sku: (found.get(sku), truth[sku]) for sku in truth if found.get(sku) != truth[sku]}
    assert not wrong, (ends, next(iter(wrong.items())))
    assert found.keys() == truth.keys()
    assert ends["exit 0"] == DAYS
    assert {"challenge", "burst", "robots", "shrunk", "torn", "reset", "429"} <= faults.keys()
    states = dict(rows(db, "SELECT state, count(*)::int FROM etl_run GROUP BY 1"))
    assert states["failed"] >= 1, "a challenge page or a shrunken listing stops its run"
    assert states["interrupted"] >= 1, "the kills came too late to mean anything"
