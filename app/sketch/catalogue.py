"""A made-up market: brands, models, colourways, sizes and prices, all from one seed.

Pure data; ``CatalogueItem.picture`` draws a view when it is asked for.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from PIL import Image

from app.sketch.design import (
    COLOUR_NAMES,
    Colours,
    Design,
    random_colours,
    random_shape,
    usual_values,
)
from app.sketch.render import render
from app.sketch.scene import Background


@dataclass(frozen=True, slots=True)
class Brand:
    """An invented maker: its motif, its favourite colours, what it makes and at what level."""

    name: str
    code: str
    motif: str
    palette: tuple[str, ...]
    silhouettes: tuple[str, ...]
    words: tuple[str, ...]
    level: float


BRANDS: Final = (
    Brand(
        "Norrvale",
        "NV",
        "peaks",
        ("navy", "forest", "grey", "sand", "orange", "teal"),
        ("runner", "high", "chunky", "mid"),
        ("Fjell", "Skarv", "Tundra", "Isbre", "Varde"),
        1.15,
    ),
    Brand(
        "Tidewarp",
        "TW",
        "wave",
        ("sky", "navy", "white", "coral", "mint", "yellow"),
        ("skate", "low", "slip_on"),
        ("Breaker", "Longshore", "Riptide", "Pier", "Lagoon"),
        0.85,
    ),
    Brand(
        "Quillon",
        "QN",
        "bolt",
        ("black", "red", "white", "yellow", "purple"),
        ("high", "mid", "low", "runner"),
        ("Parry", "Riposte", "Salle", "Foil", "Vanguard"),
        1.2,
    ),
    Brand(
        "Brackenfoot",
        "BF",
        "leaf",
        ("olive", "brown", "tan", "forest", "mustard", "cream"),
        ("low", "chunky", "slip_on", "runner"),
        ("Hollow", "Thicket", "Moss", "Copse", "Fern"),
        1.0,
    ),
    Brand(
        "Zephyrine",
        "ZP",
        "comet",
        ("lilac", "pink", "sky", "white", "lime", "magenta"),
        ("runner", "chunky", "runner"),
        ("Aero", "Sirocco", "Drift", "Gale", "Cirrus"),
        1.1,
    ),
    Brand(
        "Ondolo",
        "OD",
        "orbit",
        ("white", "cream", "tan", "burgundy", "navy", "green"),
        ("low", "low", "mid"),
        ("Corte", "Piazza", "Loggia", "Vela", "Arco"),
        1.45,
    ),
    Brand(
        "Pikehurst",
        "PK",
        "lattice",
        ("black", "grey", "red", "gum", "blue", "off_white"),
        ("skate", "skate", "slip_on", "high"),
        ("Ledge", "Kerb", "Manual", "Banks", "Nollie"),
        0.8,
    ),
    Brand(
        "Solvane",
        "SV",
        "chevrons",
        ("orange", "blue", "lime", "black", "white", "red"),
        ("runner", "runner", "mid", "chunky"),
        ("Tempo", "Cadence", "Pacer", "Stride", "Kinetic"),
        1.1,
    ),
    Brand(
        "Umbra Nine",
        "UN",
        "fin",
        ("black", "dark_grey", "purple", "burgundy", "white", "teal"),
        ("chunky", "high", "low"),
        ("Eclipse", "Penumbra", "Null", "Obsidian", "Vantage"),
        1.6,
    ),
    Brand(
        "Kitsuro",
        "KT",
        "ring",
        ("red", "white", "navy", "mustard", "mint", "black"),
        ("low", "high", "runner", "skate"),
        ("Hane", "Kaze", "Mori", "Tsubame", "Raku"),
        1.0,
    ),
)

_SUFFIXES: Final = {
    "low": ("Low", "Court", "Classic", "77", "OG"),
    "mid": ("Mid", "Mid 88", "Hoop"),
    "high": ("High", "Hi", "Tower", "85"),
    "runner": ("Run", "Racer", "Flow", "RX", "Trainer"),
    "skate": ("Pro", "SK", "Vulc", "Deck"),
    "slip_on": ("Slip", "Slip-On", "Easy"),
    "chunky": ("Max Stack", "XT", "Heavy", "2000"),
}
_BASE_PRICE: Final = {
    "low": 85, "mid": 100, "high": 110, "runner": 120, "skate": 75, "slip_on": 60, "chunky": 135,
}  # fmt: skip
CATEGORIES: Final = {
    "low": "sneaker/lifestyle",
    "mid": "sneaker/basketball",
    "high": "sneaker/basketball",
    "runner": "sneaker/running",
    "skate": "sneaker/skate",
    "slip_on": "sneaker/slip-on",
    "chunky": "sneaker/lifestyle",
}
_KIND: Final = {
    "low": ("low-top sneaker", "низкие кеды"),
    "mid": ("mid-top sneaker", "кроссовки средней высоты"),
    "high": ("high-top sneaker", "высокие кеды"),
    "runner": ("running shoe", "беговые кроссовки"),
    "skate": ("skate shoe", "скейтерские кеды"),
    "slip_on": ("slip-on", "слипоны"),
    "chunky": ("chunky sneaker", "массивные кроссовки"),
}
_CLOTH: Final = {
    "leather": ("smooth leather", "гладкой кожи"),
    "suede": ("soft suede", "мягкой замши"),
    "mesh": ("open mesh", "дышащей сетки"),
    "canvas": ("sturdy canvas", "плотной парусины"),
    "knit": ("stretch knit", "эластичного трикотажа"),
}
_GROUND: Final = {
    "cup": ("a stitched cup sole", "прошитая подошва"),
    "vulcanised": ("a vulcanised sole", "вулканизированная подошва"),
    "foam": ("a light foam midsole", "лёгкая вспененная подошва"),
    "chunky": ("a stacked, layered sole", "многослойная высокая подошва"),
    "air": ("a cushioned sole with visible air", "подошва с видимой воздушной подушкой"),
    "gum": ("a gum rubber sole", "подошва из натурального каучука"),
}
_TIE: Final = {
    "flat": ("flat laces", "плоские шнурки"),
    "crossed": ("round laces", "круглые шнурки"),
    "tied": ("round laces", "круглые шнурки"),
    "straps": ("three hook-and-loop straps", "три липучки"),
    "none": ("no laces", "без шнурков"),
}
_NICKNAMES: Final = (
    "Harbour Fog", "First Light", "Night Market", "Paper Lantern", "Old Town", "Low Tide",
    "Corner Shop", "Wet Asphalt", "Second Summer", "Lemon Ice",
)  # fmt: skip
GENDERS: Final = ("men", "women", "unisex", "kids")
_SIZES: Final = {"men": (40, 47), "women": (36, 41), "unisex": (36, 46), "kids": (28, 36)}


@dataclass(frozen=True, slots=True)
class Size:
    """One EU size and how many pairs a shop has of it."""

    eu: str
    stock: int


@dataclass(frozen=True, slots=True)
class CatalogueItem:
    """A product: one model in one colourway. Prices are in EUR; list_price is None when the
    product is not reduced; views are the pictures worth drawing of it."""

    style_code: str
    brand: str
    model: str
    model_id: str
    colourway: str
    colours: tuple[str, ...]
    gender: str
    category: str
    price: Decimal
    list_price: Decimal | None
    sizes: tuple[Size, ...]
    description_en: str
    description_ru: str
    design: Design
    views: tuple[str, ...]
    seed: int

    @property
    def title(self) -> str:
        return f"{self.brand} {self.model} {self.colourway}"

    @property
    def handle(self) -> str:
        """A name for addresses and files: lower-case letters, digits and hyphens."""
        words = f"{self.brand} {self.model} {self.style_code}".lower()
        return re.sub(r"[^a-z0-9]+", "-", words).strip("-")

    def picture(
        self,
        view: str = "side",
        size: tuple[int, int] = (480, 360),
        background: Background | str = "white",
    ) -> Image.Image:
        """The shoe from one side, RGB; ValueError as in ``render``."""
        return render(self.design, view, size, background, self.seed)


def catalogue(seed: int, n: int = 300) -> list[CatalogueItem]:
    """n products in families of two to five colourways, the same for the same seed; style codes,
    handles and (brand, model, colourway) are unique. Raises ValueError for n below 1."""
    if n < 1:
        raise ValueError(f"n: {n!r} is not at least 1")
    rng = random.Random(f"catalogue:{seed}")
    items: list[CatalogueItem] = []
    taken: set[str] = set()
    family = 0
    while len(items) < n:
        brand = BRANDS[family % len(BRANDS)]
        items += _family(rng, brand, family, taken)
        family += 1
    return items[:n]


def _family(rng: random.Random, brand: Brand, number: int, taken: set[str]) -> list[CatalogueItem]:
    """One model in its colourways: the same shape, other colours."""
    kind = rng.choice(brand.silhouettes)
    model = _model_name(rng, brand, kind, taken)
    material, sole, panels, toe, laces = (
        rng.choice(usual_values(kind, name))
        for name in ("material", "sole", "panels", "toe", "laces")
    )
    patterns = usual_values(kind, "pattern")
    base = Design(
        silhouette=kind,
        motif=brand.motif if rng.random() < 0.85 else "none",
        text=brand.name.upper()[:10] if rng.random() < 0.35 else "",
        material=material,
        sole=sole,
        panels=panels,
        toe=toe,
        laces=laces,
        shape=random_shape(rng),
    )
    gender = rng.choice(("men", "men", "women", "women", "unisex", "unisex", "kids"))
    full = Decimal(round(_BASE_PRICE[kind] * brand.level * rng.uniform(0.85, 1.2) / 5) * 5)
    if gender == "kids":
        full = Decimal(round(int(full) * 0.6 / 5) * 5)
    items: list[CatalogueItem] = []
    seen: set[tuple[str, ...]] = set()
    names: set[str] = set()
    wanted = rng.randint(2, 5)
    while len(items) < wanted:
        colours = random_colours(rng, brand.palette)
        look = (colours.upper, colours.eyestay, colours.midsole)
        name = _colourway(rng, colours)
        if look in seen or name in names:
            continue
        seen.add(look)
        names.add(name)
        pattern = rng.choice(patterns) if rng.random() < 0.45 else "plain"
        design = replace(base, colours=colours, pattern=pattern)
        code = f"{brand.code}{1000 + number * 7 % 9000:04d}-{100 + len(items) * 10 + number % 10}"
        reduced = rng.random() < 0.3
        share = Decimal(rng.choice(("0.9", "0.8", "0.7", "0.6")))
        price = (full * share).quantize(Decimal(1)) if reduced else full
        english, russian = _describe(rng, brand, model, design, code)
        extra = rng.sample(("medial", "top", "back"), int(rng.random() < 0.25))
        items.append(
            CatalogueItem(
                style_code=code,
                brand=brand.name,
                model=model,
                model_id=f"{brand.code.lower()}-{number:04d}",
                colourway=name,
                colours=_main_colours(colours),
                gender=gender,
                category=CATEGORIES[kind],
                price=price - Decimal("0.05"),
                list_price=full - Decimal("0.05") if reduced else None,
                sizes=_sizes(rng, gender),
                description_en=english,
                description_ru=russian if rng.random() < 0.4 else "",
                design=design,
                views=("side", "three_quarter", *extra),
                seed=rng.randrange(1 << 30),
            )
        )
    return items


def _model_name(rng: random.Random, brand: Brand, kind: str, taken: set[str]) -> str:
    """A name no other model of the brand has; numbered once the words run out."""
    for turn in range(1, 10_000):
        name = f"{rng.choice(brand.words)} {rng.choice(_SUFFIXES[kind])}"
        name = name if turn < 12 else f"{name} v{turn // 12 + 1}"
        if f"{brand.name} {name}" not in taken:
            taken.add(f"{brand.name} {name}")
            return name
    raise RuntimeError(f"{brand.name} ran out of names")


def _main_colours(colours: Colours) -> tuple[str, ...]:
    """Up to three colour ids, the largest areas first, without repeats."""
    order = (colours.upper, colours.eyestay, colours.midsole, colours.logo)
    return tuple(dict.fromkeys(order))[:3]


def _colourway(rng: random.Random, colours: Colours) -> str:
    names = "/".join(COLOUR_NAMES[name][0] for name in _main_colours(colours))
    return f'{names} "{rng.choice(_NICKNAMES)}"' if rng.random() < 0.12 else names


def _sizes(rng: random.Random, gender: str) -> tuple[Size, ...]:
    first, last = _SIZES[gender]
    step = 0.5 if rng.random() < 0.4 else 1.0
    steps = [first + k * step for k in range(int((last - first) / step) + 1)]
    left = rng.choice((0.25, 0.55, 0.8, 0.95))
    return tuple(
        Size(f"{size:g}", rng.randint(1, 12) if rng.random() < left else 0) for size in steps
    )


def _describe(
    rng: random.Random, brand: Brand, model: str, design: Design, code: str
) -> tuple[str, str]:
    kind, cloth = _KIND[design.silhouette], _CLOTH[design.material]
    ground, tie = _GROUND[design.sole], _TIE[design.laces]
    upper = COLOUR_NAMES[design.colours.upper]
    sole = COLOUR_NAMES["gum" if design.sole == "gum" else design.colours.midsole]
    opening = rng.choice(
        (
            f"The {brand.name} {model} is a {kind[0]} in {cloth[0]}.",
            f"A {kind[0]} made of {cloth[0]}: the {model} by {brand.name}.",
            f"{brand.name} returns to the {model}, a {kind[0]} cut from {cloth[0]}.",
        )
    )
    english = (
        f"{opening} {upper[0]} upper, {sole[0].lower()} sole, {tie[0]}; it stands on {ground[0]}. "
        f"Style code {code}."
    )
    russian = (
        f"{brand.name} {model}: {kind[1]} из {cloth[1]}. Цвет верха: {upper[1]}, цвет подошвы: "
        f"{sole[1]}. Особенности: {ground[1]}, {tie[1]}. Артикул {code}."
    )
    return english, russian
