"""The table of queries: ``queries.txt`` as data, and how a reading compares with it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from app.words import Reading

FILE = Path(__file__).with_name("queries.txt")
LISTS = (
    "brands", "brands_out", "colours", "colours_out", "types", "types_out", "materials",
    "materials_out", "genders", "changes",
)  # fmt: skip
SINGLE = ("model", "size", "size_system", "price_min", "price_max", "currency", "rest")
_HELD_OUT = "# == held out =="


@dataclass(frozen=True)
class Case:
    """One line: the query, the fields it should be read as, whether it was held out."""

    query: str
    expected: dict[str, tuple[str, ...]]
    held_out: bool


def cases() -> list[Case]:
    """Every line of the table."""
    found: list[Case] = []
    held_out = False
    for line in FILE.read_text(encoding="utf-8").splitlines():
        held_out = held_out or line == _HELD_OUT
        if not line.strip() or line.startswith("#"):
            continue
        query, _, fields = line.rpartition(" => ")
        expected = {}
        for field in fields.split(";"):
            name, _, values = field.partition("=")
            if name.strip() not in (*LISTS, *SINGLE):
                raise ValueError(f"unknown field in {line!r}")
            expected[name.strip()] = tuple(v.strip() for v in values.split(","))
        found.append(Case(query, expected, held_out))
    return found


def differences(case: Case, reading: Reading) -> dict[str, tuple[object, object]]:
    """Fields read otherwise than expected: (expected, read). Lists compare without order."""
    wrong: dict[str, tuple[object, object]] = {}
    for name in LISTS:
        expected, found = case.expected.get(name, ()), getattr(reading, name)
        if sorted(expected) != sorted(found):
            wrong[name] = expected, found
    for name in SINGLE:
        wanted = case.expected.get(name, ("",))[0]
        value = getattr(reading, name)
        if name.startswith("price"):
            same = value == (Decimal(wanted) if wanted else None)
        else:
            same = (value or "") == wanted
        if not same:
            wrong[name] = wanted, value
    return wrong
