"""The commands of ``solemate etl``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.errors import BadInput
from etl.cli import etl_app
from etl.shop_spec import list_shops

KEYS = [
    "external_id", "url", "title", "brand", "price", "list_price", "currency", "availability",
    "images", "sku", "style_code", "gtin", "sizes", "description",
]  # fmt: skip
OFFER = """{"price": "59.90", "priceCurrency": "EUR", "size": "EU 41", "availability": "InStock"}"""
PAGE = (
    '<html><body><script type="application/ld+json">'
    '{"@type": "Product", "name": "Süß 1", "offers": [' + OFFER + "]}</script></body></html>"
)


def test_parse_prints_the_contract(tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    file.write_text(PAGE)
    result = CliRunner().invoke(
        etl_app, ["parse", str(file), "--adapter", "schema_org", "--url", "https://x.example/p"]
    )
    assert result.exit_code == 0
    [offer] = json.loads(result.stdout)
    assert list(offer) == KEYS
    assert (offer["price"], offer["currency"], offer["brand"]) == (59.9, "EUR", None)
    assert offer["sizes"] == [{"system": "EU", "label": "41", "available": True}]
    assert "Süß" in result.stdout


@pytest.mark.parametrize("content", ["", "<html><title>Just a moment...</title></html>", "{}"])
def test_parse_without_an_offer_is_bad_input(tmp_path: Path, content: str) -> None:
    file = tmp_path / "page.html"
    file.write_text(content)
    for adapter in ("schema_org", "shopify"):
        result = CliRunner().invoke(etl_app, ["parse", str(file), "--adapter", adapter])
        assert isinstance(result.exception, BadInput)
        assert result.exception.exit_code == 2
        assert result.stdout == ""


def test_parse_of_nothing_and_by_nobody(tmp_path: Path) -> None:
    (tmp_path / "a").write_text(PAGE)
    for arguments in (["absent", "--adapter", "shopify"], ["a", "--adapter", "fax"]):
        result = CliRunner().invoke(
            etl_app, ["parse", str(tmp_path / arguments[0]), *arguments[1:]]
        )
        assert isinstance(result.exception, BadInput)


def test_the_examples_are_valid_and_disabled() -> None:
    shops = list_shops()
    assert {s.adapter for s in shops} >= {"schema_org", "shopify"}
    assert not any(s.enabled for s in shops if s.key.startswith("example"))
    listed = CliRunner().invoke(etl_app, ["shops"])
    assert listed.exit_code == 0
    assert "example-shopify" in listed.stdout
