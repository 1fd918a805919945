"""``solemate search``."""

from __future__ import annotations

import time
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

if TYPE_CHECKING:
    from app.domain import Filters, Gender, SizeSystem
    from app.words import Reading


def search(
    photo: Annotated[
        list[Path] | None, typer.Option("--photo", help="picture; repeat for several views of one")
    ] = None,
    text: Annotated[
        str | None, typer.Option("--text", help="words, alone or beside --photo")
    ] = None,
    image: Annotated[int | None, typer.Option("--image", help="id of a catalogue picture")] = None,
    min_price: Annotated[str | None, typer.Option(help="price from")] = None,
    max_price: Annotated[str | None, typer.Option(help="price up to")] = None,
    currency: Annotated[str | None, typer.Option(help="ISO 4217 code, such as EUR")] = None,
    brand: Annotated[list[str] | None, typer.Option(help="only this brand; repeatable")] = None,
    not_brand: Annotated[list[str] | None, typer.Option(help="not this brand; repeatable")] = None,
    size: Annotated[str | None, typer.Option(help="43, 'EU 43', 'US 9.5'")] = None,
    gender: Annotated[
        list[str] | None, typer.Option(help="men, women, unisex or kids; repeatable")
    ] = None,
    shop: Annotated[list[str] | None, typer.Option(help="only this shop; repeatable")] = None,
    sold_out: Annotated[bool, typer.Option("--sold-out", help="sold-out offers too")] = False,
    limit: Annotated[int, typer.Option(min=1, max=100, help="products")] = 8,
    page: Annotated[int, typer.Option(min=1, help="page of the results, from 1")] = 1,
    json_out: Annotated[bool, typer.Option("--json", help="JSON on standard output")] = False,
    html: Annotated[Path | None, typer.Option(help="write an HTML contact sheet")] = None,
    encoder: Annotated[str | None, typer.Option(help="encoder's name; default: the active")] = None,
    language: Annotated[str | None, typer.Option(help="ru or en; default: the terminal's")] = None,
) -> None:
    """Find the products that look like a photograph or fit words, cheapest offer first.

    Words limit and change the search: brand, model, colour, type, size, price, "same but white",
    "cheaper". Options win over words.
    """
    from app import present
    from app.db.pool import open_database
    from app.errors import BadInput
    from app.i18n import catalogue
    from app.search import open_searcher
    from app.settings import get_settings

    if bool(photo or text is not None) == (image is not None):
        raise BadInput("give --photo FILE, --text WORDS or both, or else --image ID")
    filters = read_filters(
        min_price, max_price, currency, brand, not_brand, size, gender, shop, in_stock=not sold_out
    )
    words = catalogue(present.terminal_language(language))
    settings = get_settings()
    reading = read_words(text, filters) if text is not None else None
    with open_database(settings, size=1) as db:
        searcher = open_searcher(settings, db, encoder)
        if reading is not None:
            reading = searcher.placed(reading)
            if not json_out:
                for line in present.understood(reading, words):
                    typer.echo(line)
        if photo:
            result = searcher.by_photo(list(photo), filters, page_size=limit, reading=reading)
        elif text is not None:
            result = searcher.by_text(text, filters, page_size=limit, reading=reading)
        else:
            assert image is not None
            result = searcher.by_image(image, filters, page_size=limit)
        if page > 1:
            assert result.search_id is not None
            result = replace(searcher.page(result.search_id, page - 1), undone=result.undone)
    if html is not None:
        start = time.perf_counter()
        present.write_contact_sheet(html, result, list(photo or []), words)
        render_ms = (time.perf_counter() - start) * 1000
        if not json_out:
            typer.echo(words.text("sheet.written", path=str(html), ms=f"{render_ms:.0f}"))
    if json_out:
        typer.echo(present.as_json(result))
    else:
        present.print_table(result, words)


def read_words(text: str, filters: Filters) -> Reading:
    """The words' reading without what the options say already; a Russian price without a currency
    is meant in roubles.

    Raises:
        BadInput: no word in the text.
    """
    from app.errors import BadInput
    from app.words import read

    if not any(char.isalnum() for char in text):
        raise BadInput("--text has no words")
    reading = read(text)
    if filters.price_min is not None or filters.price_max is not None:
        reading = replace(reading, price_min=None, price_max=None, currency=None)
    elif reading.price_min is not None or reading.price_max is not None:
        roubles = "RUB" if reading.language == "ru" else None
        reading = replace(reading, currency=filters.currency or reading.currency or roubles)
    if filters.size is not None:
        reading = replace(reading, size=None, size_system=None)
    if filters.brands:
        reading = replace(reading, brands=())
    if filters.genders:
        reading = replace(reading, genders=())
    return reading


def read_filters(
    min_price: str | None,
    max_price: str | None,
    currency: str | None,
    brand: list[str] | None,
    not_brand: list[str] | None,
    size: str | None,
    gender: list[str] | None,
    shop: list[str] | None,
    *,
    in_stock: bool,
) -> Filters:
    """The options as filters.

    Raises:
        BadInput: a price that is no number or below 0, an unknown gender, a malformed currency.
    """
    from app.domain import Filters
    from app.errors import BadInput

    genders = [name.lower() for name in gender or []]
    for name in genders:
        if name not in ("men", "women", "unisex", "kids"):
            raise BadInput(f"--gender is men, women, unisex or kids, not {name!r}")
    if currency is not None and not (len(currency) == 3 and currency.isalpha()):
        raise BadInput(f"--currency is a three-letter code such as EUR, not {currency!r}")
    low, high = _price("--min-price", min_price), _price("--max-price", max_price)
    if low is not None and high is not None and low > high:
        raise BadInput(f"--min-price {low} is above --max-price {high}")
    system, label = _size(size)
    return Filters(
        price_min=low,
        price_max=high,
        currency=currency.upper() if currency else None,
        brands=tuple(brand or ()),
        brands_out=tuple(not_brand or ()),
        genders=tuple(cast("Gender", name) for name in genders),
        shops=tuple(shop or ()),
        size=label,
        size_system=system,
        in_stock=in_stock,
    )


def _price(option: str, text: str | None) -> Decimal | None:
    from app.errors import BadInput

    if text is None:
        return None
    try:
        value = Decimal(text.replace(",", ".").replace(" ", ""))
    except InvalidOperation:
        raise BadInput(f"{option} is a number, not {text!r}") from None
    if not value.is_finite() or value < 0:
        raise BadInput(f"{option} is a price of 0 or more, not {text!r}")
    return value


def _size(text: str | None) -> tuple[SizeSystem | None, str | None]:
    """``EU 43`` or ``43`` as (system, label)."""
    from app.errors import BadInput

    if text is None:
        return None, None
    words = text.split()
    if len(words) == 1:
        return None, words[0]
    system = words[0].upper()
    if len(words) == 2 and system in ("EU", "US", "UK", "CM", "RU"):
        return cast("SizeSystem", system), words[1]
    raise BadInput(f"--size is a label with or without its system, such as 'EU 43', not {text!r}")
