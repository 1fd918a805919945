"""Currency rates: the banks' documents over HTTP, conversion in SQL, filters across currencies."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import numpy as np
import pytest

from app.db import vectors
from app.db.pool import Database
from app.domain import Filters
from app.search import Searcher
from app.settings import Settings
from etl.fetch import Limits
from etl.fx import BadRates, Rates, parse_cbr, parse_ecb, refresh_rates, store
from tests.db.builders import Encoder4, add_product
from tests.etl.conftest import Site, rows

QUICK = Limits(delay_s=0, timeout_s=5, tries=1, robots=False)
CBR_VALUES = {"USD": (1, "80,0000"), "EUR": (1, "90,0000"), "JPY": (100, "52,0000"),
              "CNY": (1, "11,1000"), "GBP": (1, "105,5000"), "KZT": (100, "15,0000")}  # fmt: skip
ECB_VALUES = {"USD": "1.2000", "JPY": "170.00", "GBP": "0.8500", "SEK": "11.0", "CHF": "0.95"}


def cbr(day: str = "24.11.2026") -> bytes:
    nodes = "".join(
        f'<Valute ID="R0"><NumCode>1</NumCode><CharCode>{code}</CharCode><Nominal>{n}</Nominal>'
        f"<Name>Валюта</Name><Value>{value}</Value></Valute>"
        for code, (n, value) in CBR_VALUES.items()
    )
    head = '<?xml version="1.0" encoding="windows-1251"?>'
    return f'{head}<ValCurs Date="{day}" name="Foreign Currency Market">{nodes}</ValCurs>'.encode(
        "cp1251"
    )


def ecb(day: str = "2026-11-23") -> bytes:
    nodes = "".join(f'<Cube currency="{c}" rate="{r}"/>' for c, r in ECB_VALUES.items())
    return (
        '<?xml version="1.0" encoding="UTF-8"?><gesmes:Envelope'
        ' xmlns:gesmes="http://www.gesmes.org/xml/2002-08-01"'
        ' xmlns="http://www.ecb.int/vocabulary/2002-08-01/eurofxref">'
        f'<Cube><Cube time="{day}">{nodes}</Cube></Cube></gesmes:Envelope>'
    ).encode()


def test_both_banks_over_http(db: Database, settings: Settings, site: Site) -> None:
    site.put("/cbr", cbr())
    site.put("/ecb", ecb())
    mine = settings.model_copy(
        update={
            "fetch_allow_hosts": ("127.0.0.1",),
            "fx_sources": {"cbr": f"{site.base}/cbr", "ecb": f"{site.base}/ecb"},
        }
    )
    found = refresh_rates(db, mine, QUICK)
    assert all(isinstance(result, Rates) for result in found.values())
    refresh_rates(db, mine, QUICK)
    assert rows(db, "SELECT round(rate, 4), day FROM fx_to('RUB') WHERE currency = 'JPY'") == [
        (Decimal("0.5200"), date(2026, 11, 24))
    ]
    # The newer day wins for a pair that both know; only the ECB knows kronor.
    assert rows(db, "SELECT round(rate, 4), source FROM fx_to('EUR') WHERE currency = 'USD'") == [
        (Decimal("0.8889"), "cbr")
    ]
    assert rows(db, "SELECT source FROM fx_to('EUR') WHERE currency = 'SEK'") == [("ecb",)]
    assert rows(db, "SELECT count(*) FROM fx_rate") == [(7 + 6,)]


@pytest.mark.parametrize(
    ("parse", "content"),
    [
        (parse_cbr, cbr()[:-40]),
        (parse_cbr, cbr("yesterday")),
        (parse_cbr, cbr().replace(b"80,0000", b"0")),
        (parse_cbr, cbr().replace(b"USD", b"US$")),
        (parse_cbr, ecb()),
        (parse_cbr, b""),
        (parse_cbr, b"<ValCurs Date='24.11.2026'/>"),
        (parse_ecb, cbr()),
        (parse_ecb, ecb("")),
        (parse_ecb, b"<html>busy</html>"),
        (parse_ecb, ecb().replace(b"1.2000", b"NaN")),
    ],
)
def test_what_is_no_day_of_rates_is_refused(parse, content: bytes) -> None:
    with pytest.raises(BadRates):
        parse(content)


def test_a_bank_that_fails_keeps_the_old_rates(
    db: Database, settings: Settings, site: Site
) -> None:
    store(db, parse_cbr(cbr()))
    mine = settings.model_copy(
        update={
            "fetch_allow_hosts": ("127.0.0.1",),
            "fx_sources": {"cbr": f"{site.base}/none"},
        }
    )
    assert "404" in str(refresh_rates(db, mine, QUICK)["cbr"])
    assert rows(db, "SELECT count(*) FROM fx_rate") == [(7,)]


class _Eye(Encoder4):
    def encode(self, images) -> np.ndarray:
        return np.array([[1, 0, 0, 0]] * len(images), np.float32)


def test_searching_across_currencies(db: Database, settings: Settings) -> None:
    with db.connection() as conn:
        encoder = vectors.register(conn, _Eye())
        for model, price, currency in (
            ("Roubles", 9000, "RUB"), ("Euros", 99, "EUR"), ("Dear", 200, "USD"),
            ("Unknown", 5, "XAU"),
        ):  # fmt: skip
            add_product(conn, encoder.id, model, [1, 0, 0, 0], price=price, currency=currency)
    asked = Filters(price_max=Decimal(120), currency="EUR")
    searcher = Searcher(db, _Eye(), settings)

    def found() -> dict:
        hits = searcher.nearest(np.array([1, 0, 0, 0], np.float32), asked, 10)
        return {product for product, _, _ in hits}

    assert len(found()) == 1, "without rates only the currency itself"
    store(db, parse_cbr(cbr()))
    assert len(found()) == 2, "9000 roubles are 100 euros; 200 dollars are 178"
    image = rows(db, "SELECT image_id FROM offer_image ORDER BY 1 DESC LIMIT 1")[0][0]
    hits = searcher.by_image(image, asked).hits
    offers = {hit.model: hit.offers[0] for hit in hits}
    assert (offers["Roubles"].converted, offers["Roubles"].rate_day) == (
        Decimal("100.00"),
        date(2026, 11, 24),
    )
    assert (offers["Euros"].converted, offers["Euros"].rate_day) == (None, None)
