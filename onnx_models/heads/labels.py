"""labels.csv to targets: brand, silhouette, colours, category, gender, is it a sneaker.

What a photograph's labels do not say is -1 and trains nothing.
"""

from __future__ import annotations

import re
import tomllib
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from app.vision.colours import COLOURS, parse_colours
from onnx_models.dataset import F32, I64, Row
from onnx_models.told import read_table, told

LEAST_PRODUCTS: Final = 20
"""Training products from which a brand or silhouette becomes a class."""
LEAST_NAMED: Final = 5
"""Pictures that a name has to be given to, for buyers to know it."""
UNKNOWN: Final = -1
OUTLIER: Final = -2
"""A brand (or silhouette) that is known but no class: the open set."""

CATEGORIES: Final = (
    "sneaker", "sports", "heels", "sandals", "flip flops", "boots", "formal", "flats", "cleats",
)  # fmt: skip
GENDERS: Final = ("men", "women", "kids")
_CATEGORY_OF: Final = {
    "sneaker/casual": "sneaker", "sneaker/sports": "sports", "heels": "heels", "heel": "heels",
    "sandals": "sandals", "sports sandals": "sandals", "slide/sandal": "flip flops",
    "flip flops": "flip flops", "boot": "boots", "formal shoes": "formal", "flats": "flats",
    "cleat/spike/golf": "cleats",
}  # fmt: skip
_ALIASES: Final = {
    "adidas originals": "adidas", "redtape": "red tape", "air jordan": "jordan",
    "nike x off-white": "nike", "stens by enroute": "enroute",
}  # fmt: skip
_OTHER: Final = "(another)"
_RUNNING: Final = re.compile(
    r"\b(?:running|run|runner|rn|training|trainer|sports?|basketball|tennis|gym|zoom|pegasus|"
    r"lunar\w*|hyperdunk|kyrie|lebron|kobe|kd|free|winflo|boost|streak|rival)\b"
)


@dataclass(frozen=True)
class Labels:
    """Targets of n photographs, parallel to the rows.

    brand, silhouette (n,): class, ``UNKNOWN`` or ``OUTLIER``; category, gender (n,): class or
    ``UNKNOWN``; sneaker (n,): 1, 0 or ``UNKNOWN``; colours (n, 12): shares that sum to 1, or 0.
    """

    brands: tuple[str, ...]
    silhouettes: tuple[str, ...]
    brand: I64
    silhouette: I64
    category: I64
    gender: I64
    sneaker: I64
    colours: F32


def clean_brand(name: str) -> str:
    """A brand's one spelling in lower case; empty when unknown."""
    name = re.sub(r"\s+", " ", name.strip().casefold())
    return _ALIASES.get(name, name)


@dataclass(frozen=True)
class _Rule:
    name: str
    brand: str
    pattern: re.Pattern[str]
    one: bool


def _rules() -> list[_Rule]:
    with Path(__file__).with_name("silhouettes.toml").open("rb") as file:
        table = tomllib.load(file)
    return [
        _Rule(r["name"], r["brand"], re.compile(r["pattern"]), r.get("one", False))
        for r in table["rule"]
    ]


def shapes(rows: list[Row]) -> list[str]:
    """The family of one shape that each row's name tells, or ""."""
    rules = _rules()
    one = {rule.name for rule in rules if rule.one}
    found = [silhouette_of(row.name, clean_brand(row.brand), rules) for row in rows]
    return [name if name in one else "" for name in found]


def silhouette_of(text: str, brand: str, rules: list[_Rule]) -> str:
    """The family named in a model or title, or "". Only rules of the brand itself count, Nike's
    also for Jordan and the other way about: shops file both under either."""
    low = re.sub(r"[^\w-]+", " ", text.casefold())
    kin = {"nike", "jordan"}
    for rule in rules:
        owner = rule.brand.casefold()
        if (owner == brand or {owner, brand} == kin) and rule.pattern.search(low):
            return rule.name
    return ""


def _seen_rules(least: int) -> list[_Rule]:
    """Rules for models that those who looked named on ``least`` pictures, whoever states them."""
    counts = Counter((what.model, what.brand) for what in told().values() if what.model)
    often = [named for named, count in counts.items() if count >= least]
    often.sort(key=lambda named: (-len(named[0]), named))  # of names that begin alike the longer
    rules = []
    for name, brand in often:
        words = re.sub(rf"^{re.escape(brand)}\s+", "", name, flags=re.IGNORECASE).casefold()
        words = re.sub(r"[^\w-]+", " ", words).strip()
        rules.append(_Rule(name, brand, re.compile(rf"\b{re.escape(words)}\b"), False))
    return rules


def _families(table: list[dict[str, str]], rules: list[_Rule]) -> list[str]:
    return [
        silhouette_of(f"{line['model']} {line['text']}", clean_brand(line["brand"]), rules)
        for line in table
    ]


def called(table: list[dict[str, str]]) -> list[str]:
    """What buyers call the model of each row of labels.csv: its family, or a name that those who
    looked gave to LEAST_NAMED pictures; "" where there is none."""
    return _families(table, [*_rules(), *_seen_rules(LEAST_NAMED)])


def _gender(text: str) -> int:
    low = text.casefold()
    if re.search(r"kid|boy|girl|toddler|infant|ninos|preschool|grade", low):
        return GENDERS.index("kids")
    if re.search(r"women|mujer", low):
        return GENDERS.index("women")
    if re.search(r"\bmen|hombre", low):
        return GENDERS.index("men")
    return UNKNOWN


def _category(stated: str, text: str, source: str) -> int:
    name = _CATEGORY_OF.get(stated)
    if name is None and stated == "sneaker" and source == "footlocker_2018":
        # The one shop with full model names: those that name a sport are for sports.
        name = "sports" if _RUNNING.search(text.casefold()) else "sneaker"
    return CATEGORIES.index(name) if name else UNKNOWN


def _sneaker(stated: str) -> int:
    if stated.startswith("sneaker"):
        return 1
    # Cleats stand between: neither; "shoe" says nothing.
    return UNKNOWN if stated in ("", "shoe", "cleat/spike/golf") else 0


def _classes(values: list[str], rows: list[Row]) -> tuple[str, ...]:
    products: dict[str, set[str]] = defaultdict(set)
    for value, row in zip(values, rows, strict=True):
        if value and value != _OTHER and row.split == "train":
            products[value].add(row.product)
    ordered = sorted(products, key=lambda value: -len(products[value]))
    return tuple(value for value in ordered if len(products[value]) >= LEAST_PRODUCTS)


def _codes(values: list[str], classes: tuple[str, ...]) -> I64:
    place = {value: index for index, value in enumerate(classes)}
    return np.array([place.get(value, OUTLIER) if value else UNKNOWN for value in values])


def read_labels(folder: Path, rows: list[Row]) -> tuple[Labels, npt.NDArray[np.bool_]]:
    """Targets of ``rows`` (read from the same folder), and which rows may be learned from or tuned
    on at all: none of the test split."""
    table = read_table(folder)
    rules = [*_rules(), *_seen_rules(LEAST_PRODUCTS)]
    brands = [clean_brand(line["brand"]) for line in table]
    spelled: dict[str, str] = {}
    for line, brand in zip(table, brands, strict=True):
        if line["brand"].strip().casefold() == brand:
            spelled.setdefault(brand, line["brand"].strip())
    families = _families(table, rules)
    # Where the shop states full model names, a name that no rule knows is another family; and so is
    # whatever a brand makes that has none of them.
    named = {"footlocker_2018", "nike_com_2023", "restocks_nike_jordan"}
    owners = {rule.brand.casefold() for rule in rules}
    stated = [
        line["model"]
        if line["source"] in named or line["file"] in told()
        else brand not in owners and brand
        for line, brand in zip(table, brands, strict=True)
    ]
    families = [
        family or (_OTHER if other else "") for family, other in zip(families, stated, strict=True)
    ]
    colours = np.zeros((len(table), len(COLOURS)), np.float32)
    for index, line in enumerate(table):
        # First named is most of the shoe; titles only where the colour column is blank.
        for place, colour in enumerate(parse_colours(line["colour"] or line["text"])[:3]):
            colours[index, COLOURS.index(colour)] = 0.7**place
    total = colours.sum(axis=1, keepdims=True)
    colours = np.divide(colours, total, out=colours, where=total > 0)
    brand_classes, family_classes = _classes(brands, rows), _classes(families, rows)
    labels = Labels(
        brands=tuple(spelled.get(name, name) for name in brand_classes),
        silhouettes=family_classes,
        brand=_codes(brands, brand_classes),
        silhouette=_codes(families, family_classes),
        category=np.array([_category(r["category"], r["model"], r["source"]) for r in table]),
        gender=np.array([_gender(r["gender"]) for r in table]),
        sneaker=np.array([_sneaker(r["category"]) for r in table]),
        colours=colours,
    )
    return labels, np.array([row.split != "test" for row in rows])
