"""Joining by what is written: GTIN, maker's style code, brand with model and colourway in words."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from etl.match.groups import Edge, Groups, style_key
from etl.match.wording import Wording, same_audience


def by_gtin(rows: Sequence[Mapping[str, Any]]) -> Iterator[Edge]:
    """Offers of one GTIN: a trade item's number, the same in every shop."""
    first: dict[str, int] = {}
    for row in rows:
        number = gtin14(row["gtin"])
        if number and first.setdefault(number, row["id"]) != row["id"]:
            yield Edge(first[number], row["id"], "gtin", None, {"gtin": number})


def gtin14(text: str | None) -> str | None:
    """A GTIN in fourteen digits; None where the check digit is wrong (GS1 General Specifications,
    7.9) or the number is one that every shop gives out for itself (prefixes 2, 02 and 04)."""
    digits = "".join(c for c in text or "" if not c.isspace() and c != "-")
    if not digits.isdigit() or not digits.isascii() or len(digits) not in (8, 12, 13, 14):
        return None
    padded = digits.zfill(14)
    total = sum(int(d) * (3 if i % 2 == 0 else 1) for i, d in enumerate(padded[:13]))
    if (10 - total % 10) % 10 != int(padded[13]) or not padded.strip("0"):
        return None
    if len(digits) > 8 and (padded[1] == "2" or padded[1:3] in ("02", "04")):
        return None
    return padded


def by_style(rows: Sequence[Mapping[str, Any]], groups: Groups) -> Iterator[Edge]:
    """Offers of one brand and style code: the code is the brand's own."""
    first: dict[tuple[str, str], int] = {}
    for row in rows:
        brand = groups.wording[row["id"]].brand
        if not row["style_code"] or brand is None:
            continue
        code = style_key(row["style_code"])
        known = first.setdefault((brand, code), row["id"])
        if code and known != row["id"]:
            yield Edge(known, row["id"], "style_code", None, {"style_code": row["style_code"]})


def by_words(groups: Groups) -> Iterator[Edge]:
    """Offers of one brand, model and colourway, each as the shops put it into words.

    Where a shop has two products of the same words, words do not tell which of them is meant: such
    are left to stronger evidence.
    """
    alike: dict[tuple[Any, ...], list[int]] = defaultdict(list)
    for offer, wording in groups.wording.items():
        if wording.brand and wording.name:
            alike[wording.brand, wording.name, wording.shades].append(offer)
    for offers in alike.values():
        # One shop's word that these are a colourway's name is enough: the words are the same.
        full = any(groups.wording[o].full for o in offers)
        if full and len({groups.shop[o] for o in offers}) > 1:
            for chosen in _told_apart(groups, offers):
                first, *others = sorted(chosen)
                words = groups.wording[first]
                detail = {"name": sorted(words.name), "colours": words.shades}
                for other in others:
                    yield Edge(first, other, "words", None, detail)


def _told_apart(groups: Groups, offers: list[int]) -> Iterator[list[int]]:
    """Sets of offers of one wording in which every shop has one product: all of them, where their
    audiences agree, else those of one audience."""
    if _unambiguous(groups, offers) and _agree([groups.wording[o] for o in offers]):
        yield offers
        return
    by_audience: dict[Any, list[int]] = defaultdict(list)
    for offer in offers:
        by_audience[groups.wording[offer].audience].append(offer)
    for audience, chosen in by_audience.items():
        if audience is not None and len(chosen) > 1 and _unambiguous(groups, chosen):
            yield chosen


def _unambiguous(groups: Groups, offers: list[int]) -> bool:
    products: dict[int, set[int]] = defaultdict(set)
    for offer in offers:
        products[groups.shop[offer]].add(groups.of[offer].id)
    return all(len(found) == 1 for found in products.values())


def _agree(wordings: Sequence[Wording]) -> bool:
    audiences = {w.audience for w in wordings}
    # "Kids" of one shop and "toddlers" of another may be two sizes of shoe with two style codes.
    exact = len(audiences & {"kids", "school", "preschool", "toddler"}) <= 1
    return exact and all(same_audience(a, b) for a in audiences for b in audiences)
