"""Size labels: what shops write, as (system, label)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import cast

from app.domain import Size, SizeSystem

_SYSTEMS = {
    "eu": "EU",
    "eur": "EU",
    "euro": "EU",
    "it": "EU",
    "fr": "EU",
    "de": "EU",
    "us": "US",
    "usa": "US",
    "uk": "UK",
    "gb": "UK",
    "cm": "CM",
    "jp": "CM",
    "см": "CM",
    "ru": "RU",
    "rus": "RU",
    "rf": "RU",
    "рф": "RU",
    "россия": "RU",
}
_PREFIX = re.compile(
    r"^(?:size|taille|talla|größe|groesse|размер|koko|numero|розмір|beden|maat|taglia)\s*:?\s*",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"^(\d{1,3})(?:[.,](\d{1,2}))?(?:\s*([½⅓⅔¼¾]|1/2|1/3|2/3))?$")
_FRACTIONS = {
    "½": ".5",
    "1/2": ".5",
    "⅓": " 1/3",
    "1/3": " 1/3",
    "⅔": " 2/3",
    "2/3": " 2/3",
    "¼": ".25",
    "¾": ".75",
}
_WITH_SYSTEM = re.compile(
    r"^(?:(?P<who>m|w|men'?s|women'?s|kids|gs|y|td|ps)\s+)?(?P<a>[a-zа-я]{2,6})?\.?\s*[-:]?\s*"
    r"(?P<n>\d{1,3}(?:[.,]\d{1,2})?(?:\s*(?:[½⅓⅔]|1/2|1/3|2/3))?)\s*(?P<tail>[cywmкд]|eur?|us|"
    r"uk|cm|см|ru|rus)?$",
    re.IGNORECASE,
)
_EU_ONLY = Decimal(34)
_LETTERS = re.compile(
    r"^(?:\d?x{0,4}[sml]|m|one\s?size|os|onesize|tu|universal|\d{1,2}y)$", re.IGNORECASE
)


def parse_size(
    label: str | None, system: str | None = None, available: bool | None = None
) -> Size | None:
    """One size as (system, label); None for an empty label.

    The label keeps the shop's number ("42.5", "42 2/3", "9.5", "XL"); a system is set where it is
    written beside the number, stated by the shop, or where the number fits no other (34 and up:
    EU).
    """
    if label is None:
        return None
    text = _PREFIX.sub("", re.sub(r"\s+", " ", label).strip())
    if not text or len(text) > 40:
        return None
    stated = _system(system)
    match = _WITH_SYSTEM.match(text)
    if match and (match["a"] is None or _system(match["a"])):
        number = _number(match["n"])
        tail = (match["tail"] or "").lower()
        found = _system(match["a"]) or _system(tail)
        suffix = tail.upper() if tail in ("c", "y", "w") else ""
        if number is not None:
            if found is None and stated is None and suffix:
                found = "US"
            chosen = found or stated or _fitting(number)
            return Size(number + suffix, chosen, available)
    return Size(text, stated, available)


def settle_systems(sizes: Sequence[Size]) -> tuple[Size, ...]:
    """Give bare numbers the system of their neighbours: 31 beside 38 is EU as well."""
    systems = {s.system for s in sizes if s.system is not None}
    unique: dict[tuple[str | None, str], Size] = {}
    only = systems.pop() if len(systems) == 1 else None
    for size in sizes:
        number = _leading(size.label)
        if size.system is None and only == "EU" and number is not None and number >= 15:
            size = replace(size, system="EU")
        key = (size.system, size.label)
        before = unique.get(key)
        if before is None:
            unique[key] = size
        elif size.available and not before.available:
            unique[key] = size  # one label under several offers is on sale when any of them is
    return tuple(unique.values())


def looks_like_size(text: str) -> bool:
    """Whether a short text is a shoe or clothing size."""
    stripped = text.strip()
    if _LETTERS.match(stripped):
        return True
    size = parse_size(stripped)
    number = _leading(size.label) if size else None
    match = _WITH_SYSTEM.match(_PREFIX.sub("", stripped))
    return (
        bool(match)
        and (match is None or match["a"] is None or _system(match["a"]) is not None)
        and (number is not None and Decimal(1) <= number <= Decimal(60))
    )


def sizes_from_skus(skus: Sequence[str], base: str | None) -> dict[str, str]:
    """Size labels hidden in the tails of the SKUs of one product; {} when the tails are no sizes.

    ``X-036`` and ``X-037`` give 36 and 37; codes with a fixed decimal ("065" is 6.5, "0400000" is
    40.0) are recognised by the range that all tails share.
    """
    distinct = list(dict.fromkeys(skus))
    if len(distinct) < 2:
        return {}
    prefix = _common_prefix(distinct)
    if base and all(s.startswith(base) and len(s) > len(base) for s in distinct):
        prefix = base
    else:
        prefix = (
            re.sub(r"[\d.,½]+$", "", prefix)
            if re.search(r"[-_/ :.]\d*$", prefix)
            else prefix.rstrip("0123456789")
        )
    if len(prefix) < 3 and prefix != base:
        return {}
    tails = [s[len(prefix) :].lstrip("-_/ :.") for s in distinct]
    if all(re.fullmatch(r"\d{2,9}", t) for t in tails):
        return _coded(distinct, tails)
    if all(t and looks_like_size(t.replace("_", ".")) for t in tails):
        labels = [parse_size(t.replace("_", ".")) for t in tails]
        return {sku: size.label for sku, size in zip(distinct, labels, strict=True) if size}
    return {}


def _coded(skus: Sequence[str], tails: Sequence[str]) -> dict[str, str]:
    if len({len(t) for t in tails}) > 1 and any(t.startswith("0") for t in tails):
        return {}
    shorter = list(tails)
    while all(len(t) > 3 and t.endswith("0") for t in shorter):
        shorter = [t[:-1] for t in shorter]
    numbers = [int(t) for t in shorter]
    for divisor in (1, 10, 100):
        values = [Decimal(n) / divisor for n in numbers]
        halves = all(v * 2 == (v * 2).to_integral_value() for v in values)
        low, high = min(values), max(values)
        adult = Decimal(3) <= low and high <= Decimal(15) and (divisor > 1 or high - low <= 12)
        european = Decimal(15) <= low and high <= Decimal(52)
        if halves and (adult or european):
            return {sku: _plain(value) for sku, value in zip(skus, values, strict=True)}
    return {}


def _plain(value: Decimal) -> str:
    return f"{value.normalize():f}"


def _common_prefix(texts: Sequence[str]) -> str:
    first, last = min(texts), max(texts)
    length = next(
        (i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b),
        min(len(first), len(last)),
    )
    return first[:length]


def _number(text: str) -> str | None:
    match = _NUMBER.match(text.strip())
    if match is None:
        return None
    whole, fraction, part = match.groups()
    label = whole.lstrip("0") or "0"
    if fraction and fraction.rstrip("0"):
        label += "." + fraction.rstrip("0")
    return label + (_FRACTIONS[part] if part else "")


def _leading(label: str) -> Decimal | None:
    match = re.match(r"\d+(?:\.\d+)?", label)
    return Decimal(match.group(0)) if match else None


def _system(text: str | None) -> SizeSystem | None:
    if not text:
        return None
    tail = re.sub(r"^.*wearablesizesystem", "", text.strip().lower())
    return cast("SizeSystem | None", _SYSTEMS.get(tail))


def _fitting(label: str) -> SizeSystem | None:
    number = _leading(label)
    return "EU" if number is not None and _EU_ONLY <= number <= 52 else None
