"""Shoe sizes from one system to another, by the maker's own chart and by nothing else."""

from __future__ import annotations

import tomllib
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from pathlib import Path
from typing import Any

from app.domain import Gender, SizeSystem
from etl.normalise.words import brand as brand_name

_FILE = Path(__file__).with_name("size_charts.toml")
_COLUMNS: dict[str, int] = {"US": 0, "UK": 1, "EU": 2, "CM": 3}
_THIRDS = {"1/3": Decimal(1) / 3, "2/3": Decimal(2) / 3, "1/2": Decimal("0.5")}


@lru_cache(maxsize=1)
def _charts() -> dict[str, Any]:
    charts = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    charts["Jordan"] = charts["Nike"]  # made and sized by Nike
    return charts


def converted(
    label: str,
    system: SizeSystem,
    to: SizeSystem,
    brand: str | None,
    gender: Gender | None = None,
) -> str | None:
    """A size of a brand's shoe in another system; None where the brand's chart does not say.

    US sizes of women's shoes are women's US sizes; those of kids' shoes are not in the charts.
    """
    chart = _charts().get(brand_name(brand) or "")
    value = _number(label)
    if chart is None or value is None or gender == "kids":
        return None
    shift = Decimal(str(chart["women_us"])) if gender == "women" else Decimal(0)
    wanted = value - shift if system == "US" else value + 1 if system == "RU" else value
    column = _COLUMNS["EU" if system == "RU" else system]
    rows = [r for r in chart["rows"] if (n := _number(r[column])) is not None and _near(n, wanted)]
    if len(rows) != 1:
        return None  # Nike's UK 6 is two EU sizes: not known which
    found: str = rows[0][_COLUMNS["EU" if to == "RU" else to]]
    if to == "US" and shift:
        return _plain((_number(found) or Decimal(0)) + shift)
    if to == "RU":
        whole, _, part = found.partition(" ")
        return f"{_plain(Decimal(whole) - 1)} {part}".strip()
    return found


def same_size(
    one: tuple[str, SizeSystem],
    other: tuple[str, SizeSystem],
    brand: str | None,
    gender: Gender | None = None,
) -> bool:
    """Whether two labels are one size of a brand's shoe."""
    if one[1] == other[1]:
        a, b = _number(one[0]), _number(other[0])
        return a is not None and b is not None and _near(a, b)
    found = converted(one[0], one[1], other[1], brand, gender)
    return found is not None and same_size((found, other[1]), other, brand, gender)


def _number(label: str) -> Decimal | None:
    whole, _, part = label.strip().replace(",", ".").partition(" ")
    try:
        value = Decimal(whole)
    except InvalidOperation:
        return None
    if part and part not in _THIRDS:
        return None
    return value + _THIRDS.get(part, Decimal(0)) if value.is_finite() else None


def _near(a: Decimal, b: Decimal) -> bool:
    return abs(a - b) < Decimal("0.05")


def _plain(value: Decimal) -> str:
    return f"{value.normalize():f}"
