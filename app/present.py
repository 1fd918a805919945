"""Search results for people at a terminal, for programs, and as a page of pictures."""

from __future__ import annotations

import base64
import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from app.domain import Attributes, Hit, OfferHit, SearchResult
from app.errors import BadInput
from app.i18n import Catalogue, Language, known_language, language_of
from app.vision.caption import caption
from app.words import Reading

THUMBNAIL = 360
"""Longest side of a contact sheet's pictures, pixels."""


def terminal_language(asked: str | None) -> Language:
    """The asked language, else the terminal's by its locale variables.

    Raises:
        BadInput: another language than ru or en was asked for.
    """
    if asked is not None:
        known = known_language(asked)
        if known is None:
            raise BadInput(f"--language is ru or en, not {asked!r}")
        return known
    names = (os.environ.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    return language_of(next((name for name in names if name), None))


def as_json(result: SearchResult) -> str:
    """The command contract's JSON; prices are numbers in major units, times ISO 8601 with zone."""
    return json.dumps(
        {
            "took_ms": round(result.timings.total, 2),
            "timings_ms": {
                "decode": round(result.timings.decode, 2),
                "encode": round(result.timings.encode, 2),
                "sql": round(result.timings.sql, 2),
            },
            "method": result.method,
            "encoder": result.encoder,
            "verdict": result.verdict,
            "search_id": result.search_id,
            "has_next": result.has_next,
            **({"undone": list(result.undone)} if result.undone else {}),
            **({"attributes": _attributes_json(result.attributes)} if result.attributes else {}),
            "hits": [_hit_json(hit) for hit in result.hits],
        },
        ensure_ascii=False,
        indent=2,
    )


def _attributes_json(seen: Attributes) -> dict[str, Any]:
    return {
        "is_shoe": round(seen.is_shoe, 4),
        "is_sneaker": round(seen.is_sneaker, 4),
        "shoe": seen.shoe,
        "sneaker": seen.sneaker,
        "brand": seen.brand,
        "silhouette": seen.silhouette,
        "colours": list(seen.colours),
        "category": seen.category,
        "gender": seen.gender,
        "quality": round(seen.quality, 4),
    }


def _hit_json(hit: Hit) -> dict[str, Any]:
    return {
        "product_id": hit.product_id,
        "brand": hit.brand,
        "model": hit.model,
        "colourway": hit.colourway,
        "score": round(hit.score, 4),
        "verdict": hit.verdict,
        "offers": [
            {
                "shop": offer.shop,
                "title": offer.title,
                "price": None if offer.price is None else float(offer.price),
                "list_price": None if offer.list_price is None else float(offer.list_price),
                "currency": offer.currency,
                "url": offer.url,
                "availability": offer.availability,
                "sizes": [
                    {"system": size.system, "label": size.label, "available": size.available}
                    for size in offer.sizes
                ],
                "seen_at": offer.seen_at.isoformat(),
                **_converted_json(offer),
            }
            for offer in hit.offers
        ],
        "image_id": hit.image_id,
        "image": hit.image_path,
    }


def _converted_json(offer: OfferHit) -> dict[str, Any]:
    if offer.converted is None or offer.rate_day is None:
        return {}
    return {"converted": float(offer.converted), "rate_day": offer.rate_day.isoformat()}


_SECTIONS = {
    "colours": "colour", "colours_out": "colour", "types": "kind", "types_out": "kind",
    "materials": "material", "materials_out": "material", "genders": "gender",
}  # fmt: skip
"""Where the messages name a field's values."""


def _called(section: str | None, value: str, words: Catalogue) -> str:
    key = f"{section}.{value}"
    return words.text(key) if key in words.messages else value


def understood(reading: Reading, words: Catalogue) -> list[str]:
    """What was understood of a query's words, and which words were not placed."""
    facts: list[str] = []
    for name in (
        "brands", "brands_out", "models", "colours", "colours_out", "types", "types_out",
        "materials", "materials_out", "genders", "changes",
    ):  # fmt: skip
        if values := getattr(reading, name):
            named = [_called(_SECTIONS.get(name), value, words) for value in values]
            facts.append(words.text(f"understood.{name}", what=", ".join(named)))
    if reading.size is not None:
        label = f"{reading.size_system} {reading.size}" if reading.size_system else reading.size
        facts.append(words.text("understood.size", what=label))
    for name in ("price_min", "price_max"):
        if (price := getattr(reading, name)) is not None:
            what = words.price(price, reading.currency)
            facts.append(words.text(f"understood.{name}", what=what))
    lines = [words.text("understood.all", what="; ".join(facts))] if facts else []
    if reading.rest:
        lines.append(words.text("understood.rest", what=reading.rest))
    return lines


def product_name(hit: Hit, words: Catalogue) -> str:
    """Brand, model and colourway in one line, as far as known; the leading offer's title stands
    for a missing model. What a model or title says already is not said again."""
    titles = (offer.title for offer in hit.offers if offer.title)
    name = hit.model or next(titles, "")
    if hit.brand and hit.brand.casefold() not in name.casefold():
        name = f"{hit.brand} {name}".rstrip()
    name = name or words.text("hit.unnamed")
    if hit.colourway and hit.colourway.casefold() not in name.casefold():
        name = f"{name}, {hit.colourway}"
    return name


def price_text(offer: OfferHit, words: Catalogue) -> str:
    """The price as the language writes it, or that none is stated."""
    if offer.price is None:
        return words.text("sheet.no_price")
    return words.price(offer.price, offer.currency)


def print_table(result: SearchResult, words: Catalogue) -> None:
    """The results as a table on standard output, with where the time went below."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    if result.attributes is not None:
        console.print(Text(f"{caption(result.attributes, words)}.", style="bold"))
    if result.undone:
        console.print(Text(words.text("understood.undone", what=", ".join(result.undone))))
    if not result.hits:
        console.print(words.text("sheet.nothing"))
    else:
        if result.verdict == "none":
            console.print(words.text("sheet.nothing_close"))
        table = Table(box=None, pad_edge=False, header_style="bold")
        table.add_column("", justify="right")
        for name in ("product", "score", "verdict", "price", "shop"):
            table.add_column(
                words.text(f"sheet.column.{name}"),
                overflow="fold",
                justify="right" if name in ("score", "price") else "left",
            )
        links = []
        for number, hit in enumerate(result.hits, 1):
            first = hit.offers[0] if hit.offers else None
            others = ", ".join(
                dict.fromkeys(o.shop for o in hit.offers[1:] if first and o.shop != first.shop)
            )
            shop = first.shop if first else words.text("sheet.no_offer")
            # Text, not markup: a title may hold square brackets.
            table.add_row(
                str(number),
                Text(product_name(hit, words)),
                f"{hit.score:.2f}",
                words.text(f"sheet.verdict.{hit.verdict}"),
                Text(price_text(first, words) if first else ""),
                Text(f"{shop}; {words.text('sheet.also_at')} {others}" if others else shop),
            )
            if first and first.url:
                links.append(f"{number:2} {first.url}")
        console.print(table)
        # Below, whole: an address broken over a column's lines cannot be copied or clicked.
        for link in links:
            console.print(Text(link, style="dim"), soft_wrap=True)
    timings = result.timings
    console.print(
        words.text(
            "sheet.took",
            total=f"{timings.total:.0f}",
            decode=f"{timings.decode:.0f}",
            encode=f"{timings.encode:.0f}",
            sql=f"{timings.sql:.0f}",
            method=result.method,
            encoder=result.encoder,
        ),
        style="dim",
    )


@dataclass(frozen=True, slots=True)
class _Line:
    """One offer on a card."""

    shop: str
    url: str | None
    price: str
    was: str | None
    note: str
    sizes: str


def write_contact_sheet(
    path: Path, result: SearchResult, queries: list[Path], words: Catalogue
) -> None:
    """Writes one self-contained HTML page: the query's pictures and a card a product.

    Raises:
        BadInput: the page cannot be written there.
    """
    from jinja2 import Environment, PackageLoader

    environment = Environment(loader=PackageLoader("app"), autoescape=True, trim_blocks=True,
                              lstrip_blocks=True)  # fmt: skip
    cards = [
        {
            "name": product_name(hit, words),
            "score": f"{hit.score:.2f}",
            "verdict": hit.verdict,
            "verdict_text": words.text(f"sheet.verdict.{hit.verdict}"),
            "picture": _data_uri(_small(Path(hit.image_path))),
            "lines": [_line(offer, words) for offer in hit.offers],
        }
        for hit in result.hits
    ]
    page = environment.get_template("contact_sheet.html").render(
        words=words,
        result=result,
        cards=cards,
        queries=[_data_uri(query) for query in queries],
    )
    try:
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        raise BadInput(f"cannot write {path}: {error.strerror}") from error


def _line(offer: OfferHit, words: Catalogue) -> _Line:
    notes = [words.text("sheet.seen", ago=words.ago(offer.seen_at, datetime.now(UTC)))]
    if offer.availability in ("preorder", "out_of_stock"):
        key = "preorder" if offer.availability == "preorder" else "sold_out"
        notes.insert(0, words.text(f"sheet.{key}"))
    cheaper = (
        offer.price is not None and offer.list_price is not None and offer.list_price > offer.price
    )
    was = None
    if cheaper and offer.list_price is not None:
        was = words.price(offer.list_price, offer.currency)
    sizes = [size.label for size in offer.sizes if size.available is not False]
    # A link in a page runs what it names: only the web's own schemes.
    url = offer.url if offer.url and offer.url.startswith(("https://", "http://")) else None
    return _Line(offer.shop, url, price_text(offer, words), was, ", ".join(notes), ", ".join(sizes))


def _small(path: Path) -> Path:
    """A catalogue picture's thumbnail, where it has one: ``ab/sha256.jpg`` in the image store."""
    from app.vision.thumbs import smallest_file

    return smallest_file(path.parent.parent, f"{path.parent.name}/{path.name}")


def _data_uri(path: Path) -> str | None:
    from app.settings import get_settings
    from app.vision.image import decode, thumbnail

    settings = get_settings()
    try:
        image = decode(
            path, max_bytes=settings.max_image_bytes, max_pixels=settings.max_image_pixels
        ).image
    except BadInput:
        return None  # the card says what is known of the shoe without its picture
    return "data:image/jpeg;base64," + base64.b64encode(thumbnail(image, THUMBNAIL)).decode()
