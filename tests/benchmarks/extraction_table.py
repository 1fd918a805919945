"""How right the adapters read the recorded pages, by kind and field.

    python -m tests.benchmarks.extraction_table [DATA] [--misses]

DATA is the data folder (default: SOLEMATE_DATA or ../shared/data). Each cell is right / stated,
and, where ``expected`` says null, how often something was invented.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from app.domain import ParsedOffer
from app.errors import BadInput
from etl.adapters import get_adapter, parse_document
from etl.money import amount, currency_code, stated_amount
from etl.text import clean, words

FIELDS = ("title", "price", "currency", "availability", "brand")


def data_folder(named: str | None = None) -> Path | None:
    """The folder with recorded pages, or None where there is none."""
    root = Path(__file__).resolve().parents[2]
    folder = Path(named or os.environ.get("SOLEMATE_DATA") or root.parent / "shared" / "data")
    return folder if (folder / "pages").is_dir() else None


@dataclass(frozen=True)
class Case:
    """One recorded document and what it states; a field absent from ``expected`` is not judged."""

    kind: str
    name: str
    content: bytes = field(repr=False)
    url: str | None = None
    expected: dict[str, Any] = field(default_factory=dict)


def cases(data: Path) -> Iterator[Case]:
    """Every product page case, in a fixed order."""
    pages = data / "pages"
    for folder in sorted((pages / "html_product").iterdir()):
        meta = json.loads((folder / "meta.json").read_text())
        yield Case(
            "html_product",
            folder.name,
            (folder / meta["file"]).read_bytes(),
            meta["url"],
            _own(meta["expected"]),
        )
    for name, stated in json.loads((pages / "inprice" / "expected.json").read_text()).items():
        file = pages / "inprice" / "html" / (name.replace("/", "__") + ".gz")
        yield Case("inprice", name, gzip.decompress(file.read_bytes()), None, _inprice(stated))
    for name, stated in json.loads(
        (pages / "zyte_benchmark" / "expected.json").read_text()
    ).items():
        file = next((pages / "zyte_benchmark" / "html").glob(f"{name}*.gz"))
        yield Case(
            "zyte", name[:12], gzip.decompress(file.read_bytes()), stated.get("url"), _zyte(stated)
        )


def _own(stated: dict[str, Any]) -> dict[str, Any]:
    wanted = {name: stated[name] for name in FIELDS if name in stated}
    for name in ("old_price", "sku", "image_urls", "sizes_uk", "sizes_eu", "mpn"):
        if name in stated:
            wanted[name] = stated[name]
    return wanted


def _inprice(stated: dict[str, Any]) -> dict[str, Any]:
    price = amount(stated.get("price"))
    wanted: dict[str, Any] = {"title": stated["name"]}
    if price is not None:
        wanted["price"] = price
    # Two words for three states: what can only be ordered ahead is not available.
    wanted["availability"] = {
        "AVAILABLE": "in_stock",
        "NOT_AVAILABLE": ["out_of_stock", "preorder"],
    }[stated["status"]]
    wanted["brand"] = stated["brand"]
    return wanted


def _zyte(stated: dict[str, Any]) -> dict[str, Any]:
    wanted: dict[str, Any] = {}
    if stated.get("price"):
        # Annotated as displayed: three digits after a point are thousands.
        wanted["price"] = [amount(text) for text in stated["price"]]
    if stated.get("currency") and (code := currency_code(stated["currency"][0])):
        wanted["currency"] = code
    if stated.get("InStock"):
        wanted["availability"] = "in_stock"
    if stated.get("brand"):
        wanted["brand"] = stated["brand"][0]
    return wanted


def read(case: Case) -> ParsedOffer | BadInput:
    """What the adapter makes of a case."""
    try:
        return parse_document(get_adapter("schema_org"), case.content, case.url)[0]
    except BadInput as error:
        return error


def right(name: str, wanted: Any, offer: ParsedOffer | BadInput) -> bool:
    """Whether a field of the offer is what the page states."""
    if isinstance(offer, BadInput):
        return wanted is None
    if name == "price":
        options = wanted if isinstance(wanted, list) else [stated_amount(wanted)]
        return offer.price in options if wanted is not None else offer.price is None
    if name == "old_price":
        return offer.list_price == Decimal(str(wanted))
    if name == "availability":
        states = wanted if isinstance(wanted, list) else [wanted or "unknown"]
        return offer.availability in states
    got = getattr(offer, name)
    if wanted is None:
        return got is None
    if name == "title":
        return _same_title(str(wanted), got)
    if name == "brand":
        return _folded(got) == _folded(wanted)
    return bool(got == wanted)


def _folded(text: str | None) -> str:
    return re.sub(r"\W", "", (clean(text) or "").casefold())


def _same_title(wanted: str, got: str | None) -> bool:
    """The page's title, however the shop puts the brand before or a colour after it."""
    a, b = words(clean(wanted)), words(clean(got))
    return (
        bool(a)
        and bool(b)
        and (
            _folded(wanted) == _folded(got)
            or (len(a & b) / len(a | b) >= 0.6)
            or a <= b
            or (b <= a and len(b) >= 2)
        )
    )


def half(case: Case) -> str:
    """A or B by a hash of the shop, so that no shop's pages stand in both halves."""
    shop = (
        case.name.rsplit("_", 1)[0] if case.kind == "inprice" else urlsplit(case.url or "").netloc
    )
    digest = hashlib.sha256((shop or case.name).encode()).digest()
    return "AB"[digest[0] % 2]


@dataclass
class Cell:
    """How often a field was right, and how often one that is not stated was invented."""

    right: int = 0
    stated: int = 0
    invented: int = 0
    unstated: int = 0

    def count(self, *, good: bool, stated: bool) -> None:
        """One case more."""
        if stated:
            self.right += good
            self.stated += 1
        else:
            self.invented += not good
            self.unstated += 1

    def __str__(self) -> str:
        if not self.stated:
            return "-"
        share = f"{self.right}/{self.stated} {100 * self.right / self.stated:.1f}%"
        return share + (f" ({self.invented}/{self.unstated} inv.)" if self.unstated else "")


def main(arguments: list[str]) -> int:
    """Print the table: a row for each kind, for all pages, and for each half of the shops."""
    named = next((a for a in arguments if not a.startswith("-")), None)
    data = data_folder(named)
    if data is None:
        print("no data", file=sys.stderr)
        return 2
    table: dict[str, dict[str, Cell]] = {}
    for case in cases(data):
        offer = read(case)
        for name in FIELDS:
            if name not in case.expected:
                continue
            wanted = case.expected[name]
            good = right(name, wanted, offer)
            for row in (case.kind, f"{case.kind} {half(case)}", "all", f"all {half(case)}"):
                cell = table.setdefault(row, {}).setdefault(name, Cell())
                cell.count(good=good, stated=wanted is not None)
            if not good and "--misses" in arguments:
                got = str(offer) if isinstance(offer, BadInput) else getattr(offer, name)
                stated = f"wanted {str(wanted)[:60]!r}, got {str(got)[:60]!r}"
                print(f"{half(case)} {case.kind} {case.name} {name}: {stated}")
    print(f"{'':14}" + "".join(f"{name:>26}" for name in FIELDS))
    for row in sorted(table):
        cells = (table[row].get(name, Cell()) for name in FIELDS)
        print(f"{row:14}" + "".join(f"{cell!s:>26}" for cell in cells))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
