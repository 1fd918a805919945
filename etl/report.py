"""Run reports and offers as text and JSON."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import typer

from app.domain import ParsedOffer

if TYPE_CHECKING:
    from etl.jobs import RunReport


def offer_json(offer: ParsedOffer) -> dict[str, Any]:
    """An offer in the command contract's shape: absent facts null, prices as numbers."""
    return {
        "external_id": offer.external_id,
        "url": offer.url,
        "title": offer.title,
        "brand": offer.brand,
        "price": _number(offer.price),
        "list_price": _number(offer.list_price),
        "currency": offer.currency,
        "availability": offer.availability,
        "images": list(offer.images),
        "sku": offer.sku,
        "style_code": offer.style_code,
        "gtin": offer.gtin,
        "sizes": [
            {"system": s.system, "label": s.label, "available": s.available} for s in offer.sizes
        ],
        "description": offer.description,
    }


CHECKED = ("title", "brand", "price", "currency", "availability", "images", "sizes", "style_code")
"""Facts that the check of a shop counts."""


def check_lines(offer: ParsedOffer) -> list[str]:
    """An offer for a person: a line for each fact, then what was not found."""
    money = f"{offer.price or '-'} {offer.currency or '(currency not stated)'}"
    if offer.list_price is not None:
        money += f", was {offer.list_price}"
    if offer.confidence == "visible":
        money += ", read from the page's text"
    named = " / ".join(t for t in (offer.brand, offer.model, offer.colourway) if t)
    codes = (("sku", offer.sku), ("style", offer.style_code), ("gtin", offer.gtin))
    sizes = [f"{s.system or ''} {s.label}".strip() + _mark(s.available) for s in offer.sizes]
    found = {
        "title": offer.title,
        "brand": named or None,
        "price": money if offer.price is not None else None,
        "stock": offer.availability if offer.availability != "unknown" else None,
        "sizes": ", ".join(sizes) or None,
        "codes": ", ".join(f"{name} {value}" for name, value in codes if value) or None,
        "category": offer.category,
        "gender": offer.gender,
        "pictures": f"{len(offer.images)}, first {offer.images[0]}" if offer.images else None,
        "address": offer.url,
    }
    lines = [f"{name:9} {value}" for name, value in found.items() if value]
    missing = [name for name, value in found.items() if not value]
    return [*lines, f"not found: {', '.join(missing) or 'nothing'}"]


def check_summary(offers: Sequence[ParsedOffer], errors: int) -> str:
    """How many offers state each fact, and how many documents could not be read."""
    counts = []
    for name in CHECKED:
        values = (getattr(o, name) for o in offers)
        count = sum(v not in (None, (), "unknown") for v in values)
        counts.append(f"{name} {count}/{len(offers)}")
    failed = f"; {errors} documents could not be read" if errors else ""
    return f"{len(offers)} offers: {', '.join(counts)}{failed}"


def _mark(available: bool | None) -> str:
    return {True: "", False: " (sold out)", None: " (stock not stated)"}[available]


def _number(value: Decimal | None) -> int | float | None:
    if value is None:
        return None
    return int(value) if value == value.to_integral_value() else float(value)


def print_report(report: RunReport, *, as_json: bool) -> None:
    """A run's counts, and what failed: all of it as JSON, the first twenty for a person."""
    counts = asdict(report.counts)
    if as_json:
        faults = [asdict(fault) for fault in report.faults]
        typer.echo(
            json.dumps({"run": report.run_id, **counts, "errors": faults}, ensure_ascii=False)
        )
        return
    typer.echo(
        f"run {report.run_id}: {counts['rows_seen']} rows; offers: {counts['offers_new']} new, "
        f"{counts['offers_changed']} changed, {counts['offers_unchanged']} unchanged, "
        f"{counts['offers_gone']} gone; {counts['images_new']} new pictures; "
        f"{counts['failed']} failed"
    )
    kinds = Counter(fault.code for fault in report.faults)
    if kinds:
        typer.echo(
            "failed: " + ", ".join(f"{n} {code}" for code, n in kinds.most_common()), err=True
        )
    for fault in report.faults[:20]:
        typer.echo(f"  {fault.item}: {fault.message}", err=True)
    if len(report.faults) > 20:
        typer.echo(f"  ... and {len(report.faults) - 20} more in etl_error", err=True)
