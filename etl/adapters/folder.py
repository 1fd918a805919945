"""Photographs in a folder or listed in a table, with what is known of them."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from app.domain import ParsedOffer
from app.errors import BadInput
from etl import normalise
from etl.money import amount, currency_code
from etl.text import clean

IMAGE_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".heic", ".heif", ".avif"}
)
_FILE_COLUMNS = ("file", "image", "path", "filename")


@dataclass(frozen=True, slots=True)
class RowFault:
    """A row or cell that could not be used; ``item`` names it."""

    item: str
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class FolderOffer:
    """An offer read from a folder or table, and the shop its source stands for."""

    shop: str
    offer: ParsedOffer


@dataclass(slots=True)
class FolderListing:
    """Everything a folder or table holds, in its own order; ``rows`` counts its rows or files."""

    offers: list[FolderOffer] = field(default_factory=list)
    faults: list[RowFault] = field(default_factory=list)
    rows: int = 0


def read_listing(path: Path, labels: Path | None = None, shop: str | None = None) -> FolderListing:
    """Read what a folder or table lists; pictures are not opened.

    Args:
        path: a folder of pictures, or a CSV table whose files lie relative to it.
        labels: a CSV table for the folder's files, relative to the folder.
        shop: name for the shop; None: the table's ``source``, else the folder's name.

    Raises:
        BadInput: nothing there, or a table without a file column.
    """
    if path.is_dir():
        if labels is None:
            return _plain_folder(path, shop or path.resolve().name)
        table = labels if labels.is_absolute() or labels.is_file() else path / labels
        return _table(table, path, shop)
    if path.suffix.lower() in IMAGE_SUFFIXES:
        raise BadInput(f"{path} is a picture; give the folder or a table that lists it")
    if not path.exists():
        raise BadInput(f"there is no {path}")
    return _table(labels or path, path.parent, shop)


def _table(table: Path, base: Path, shop: str | None) -> FolderListing:
    listing = FolderListing()
    groups: dict[tuple[str, str], list[dict[str, str]]] = {}
    for number, row in enumerate(_rows(table), start=2):
        listing.rows += 1
        name = next((row[c] for c in _FILE_COLUMNS if row.get(c)), None)
        if name is None:
            listing.faults.append(
                RowFault(f"{table.name}:{number}", "bad_row", "the row names no file")
            )
            continue
        row["file"] = name
        source = row.get("source") or shop or base.resolve().name
        owner = shop or source
        identifier = row.get("product_id") or name
        if shop and row.get("source") and row["source"] != shop:
            identifier = f"{row['source']}:{identifier}"
        groups.setdefault((owner, identifier), []).append(row)
    for (owner, identifier), rows in groups.items():
        listing.offers.append(FolderOffer(owner, _offer(identifier, rows, base, listing.faults)))
    return listing


def _rows(table: Path) -> Iterator[dict[str, str]]:
    try:
        text = table.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise BadInput(f"there is no table {table}") from None
    except UnicodeDecodeError:
        text = table.read_text(encoding="cp1251")
    except OSError as error:
        raise BadInput(f"{table} cannot be read: {error.strerror}") from error
    header = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=header.count)
    reader = csv.DictReader(text.replace("\x00", "").splitlines(keepends=True), delimiter=delimiter)
    names = {(n or "").strip().lower() for n in reader.fieldnames or ()}
    if names.isdisjoint(_FILE_COLUMNS):
        raise BadInput(f"{table} has no column {' or '.join(_FILE_COLUMNS)}")
    try:
        for row in reader:
            yield {
                key.strip().lower(): value.strip()
                for key, value in row.items()
                if isinstance(key, str) and isinstance(value, str)
            }
    except csv.Error as error:
        raise BadInput(f"{table} is no CSV table: {error}") from error


def _offer(
    identifier: str, rows: list[dict[str, str]], base: Path, faults: list[RowFault]
) -> ParsedOffer:
    """One product from its rows: each fact from the first row that states it."""

    def first(column: str) -> str | None:
        return next((text for row in rows if (text := clean(row.get(column)))), None)

    price = None
    price_text, currency_text = first("price"), first("currency")
    currency = currency_code(currency_text)
    if price_text is not None:
        price = amount(price_text, currency)
        if price is None:
            faults.append(
                RowFault(rows[0]["file"], "bad_price", f"cannot read the price {price_text[:60]!r}")
            )
    if currency_text is not None and currency is None:
        faults.append(
            RowFault(rows[0]["file"], "bad_currency", f"unknown currency {currency_text[:20]!r}")
        )
    return ParsedOffer(
        external_id=identifier,
        url=first("url"),
        title=first("text") or first("title"),
        brand=first("brand"),
        model=first("model"),
        colourway=first("colour") or first("color"),
        price=price,
        currency=currency,
        images=tuple(str(_absolute(base, row["file"])) for row in rows),
        views=tuple(row.get("view") or None for row in rows),
        setting=first("setting"),
        sku=first("sku"),
        style_code=first("style_code"),
        gtin=first("gtin"),
        description=first("description"),
        category=first("category"),
        gender=normalise.gender(first("gender")),
        product_key=identifier,
        model_key=first("model_id"),
    )


def _absolute(base: Path, name: str) -> Path:
    return Path(os.path.abspath(base / name))  # noqa: PTH100 - resolve() would follow links


def _plain_folder(folder: Path, shop: str) -> FolderListing:
    """Each file one product, each folder below with pictures one product with several views."""
    listing = FolderListing()
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(f for f in folders if not f.startswith("."))
        files = [
            Path(parent) / n
            for n in sorted(names)
            if not n.startswith(".") and Path(n).suffix.lower() in IMAGE_SUFFIXES
        ]
        listing.rows += len(files)
        groups = [[f] for f in files] if Path(parent) == folder else [files] if files else []
        for group in groups:
            named = group[0] if Path(parent) == folder else Path(parent)
            identifier = named.relative_to(folder).as_posix()
            listing.offers.append(
                FolderOffer(
                    shop,
                    ParsedOffer(
                        external_id=identifier,
                        title=clean(named.stem.replace("_", " ").replace("-", " ")),
                        images=tuple(str(_absolute(Path(), str(f))) for f in group),
                        product_key=identifier,
                    ),
                )
            )
    if not listing.rows:
        raise BadInput(f"{folder} holds no pictures")
    return listing
