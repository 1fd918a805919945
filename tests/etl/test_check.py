"""``solemate etl check``: a shop on loopback is tried, and a person reads what was found."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.errors import SolemateError
from app.settings import get_settings
from etl.cli import etl_app
from tests.etl.conftest import Site

PAGE = """<html><head><title>Runner</title></head><body><h1>Runner {n}</h1>
<script type="application/ld+json">{{"@type": "Product", "name": "Runner {n}", "brand": "Nike",
"sku": "CW2288-111", "image": "/{n}.jpg", "category": "{kind}", "offers": [
{{"price": "{n}9.90", "priceCurrency": "EUR", "size": "EU 42", "availability": "InStock"}},
{{"price": "{n}9.90", "priceCurrency": "EUR", "size": "EU 43", "availability": "OutOfStock"}}]}}
</script></body></html>"""


@pytest.fixture
def shop(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("SOLEMATE_FETCH_ALLOW_HOSTS", '["127.0.0.1"]')
    get_settings.cache_clear()
    cards = "".join(
        f'<div class="card"><a href="/p/{n}"><img src="/{n}.jpg">Runner {n}</a> <b>€9.00</b></div>'
        for n in (1, 2, 3)
    )
    site.put("/list", f"<html><body>{cards}</body></html>")
    site.put("/p/1", PAGE.format(n=1, kind="Sneakers"))
    site.put("/p/2", PAGE.format(n=2, kind="Socks"))
    site.put("/p/3", "<html><title>Just a moment...</title><div class=cf-turnstile></div></html>")
    file = tmp_path / "loop.toml"
    file.write_text(
        f'name = "Loop"\nadapter = "schema_org"\nstart_urls = ["{site.base}/list"]\n'
        'product_pattern = "/p/"\ncategory_pattern = "sneaker"\ndelay_s = 0\n'
    )
    yield file
    get_settings.cache_clear()


def test_a_person_reads_what_was_found_and_what_was_not(shop: Path) -> None:
    result = CliRunner().invoke(etl_app, ["check", str(shop)])
    assert result.exit_code == 0, result.output
    lines = [line.strip() for line in result.stdout.splitlines()]
    for wanted in (
        "title     Runner 1",
        "brand     Nike",
        "price     19.90 EUR",
        "stock     in_stock",
        "sizes     EU 42, EU 43 (sold out)",
        "codes     sku CW2288-111, style CW2288-111",
        "not found: gender",
        "left out by category_pattern",
    ):
        assert wanted in lines
    assert any(line.startswith("could not be read: a challenge page") for line in lines)
    assert lines[-1].startswith("2 offers: title 2/2, brand 2/2, price 2/2")
    assert lines[-1].endswith("1 documents could not be read")


def test_programs_read_one_offer_a_line(shop: Path) -> None:
    result = CliRunner().invoke(etl_app, ["check", str(shop), "--json"])
    offers = [json.loads(line) for line in result.stdout.splitlines()]
    assert [o["title"] for o in offers] == ["Runner 1", "Runner 2"]


def test_a_shop_that_gives_nothing_is_an_error(shop: Path, site: Site) -> None:
    site.put("/list", "<html><body>nothing here</body></html>")
    result = CliRunner().invoke(etl_app, ["check", str(shop)])
    assert isinstance(result.exception, SolemateError)
    assert f"no product links that match product_pattern '/p/' on {site.base}/list" in str(
        result.exception
    )
