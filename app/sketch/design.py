"""A sneaker as data: silhouette, parts and their colours, material, motif, laces, sole.

A ``Design`` is what the renderer draws, what the catalogue is made of and what a change request
edits. It is frozen, compares by value and makes a JSON round trip.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Final, Self

SILHOUETTES: Final = ("low", "mid", "high", "runner", "skate", "slip_on", "chunky")
MATERIALS: Final = ("leather", "suede", "mesh", "canvas", "knit")
PATTERNS: Final = (
    "plain",
    "perforated",
    "checker",
    "speckle",
    "camo",
    "pinstripe",
    "fade",
    "floral",
)
MOTIFS: Final = (
    "none",
    "wave",
    "bolt",
    "chevrons",
    "ring",
    "fin",
    "peaks",
    "comet",
    "lattice",
    "leaf",
    "orbit",
)
LACES: Final = ("flat", "crossed", "tied", "straps", "none")
SOLES: Final = ("cup", "vulcanised", "foam", "chunky", "air", "gum")
PANELS: Final = ("plain", "classic", "overlay", "saddle")
TOES: Final = ("none", "cap", "guard")

# Stable ids: they are stored in designs, so a name may be added but never renamed.
COLOURS: Final[dict[str, tuple[int, int, int]]] = {
    "white": (244, 244, 242),
    "off_white": (236, 230, 214),
    "cream": (226, 213, 184),
    "light_grey": (200, 201, 203),
    "grey": (143, 145, 149),
    "dark_grey": (78, 81, 86),
    "black": (30, 30, 33),
    "red": (196, 32, 40),
    "burgundy": (104, 24, 42),
    "orange": (232, 104, 32),
    "coral": (240, 124, 104),
    "yellow": (242, 200, 48),
    "mustard": (192, 146, 44),
    "lime": (180, 220, 60),
    "green": (42, 128, 74),
    "forest": (30, 74, 54),
    "olive": (104, 106, 62),
    "mint": (160, 214, 190),
    "teal": (24, 124, 130),
    "sky": (128, 184, 226),
    "blue": (36, 88, 186),
    "navy": (32, 44, 84),
    "purple": (98, 62, 150),
    "lilac": (182, 164, 214),
    "pink": (238, 166, 186),
    "magenta": (206, 44, 124),
    "brown": (104, 68, 46),
    "tan": (186, 146, 100),
    "sand": (212, 192, 158),
    "gum": (176, 116, 62),
}

# Words a shop or a person uses for the same ids.
COLOUR_NAMES: Final[dict[str, tuple[str, str]]] = {
    "white": ("White", "белый"),
    "off_white": ("Off White", "молочный"),
    "cream": ("Cream", "кремовый"),
    "light_grey": ("Light Grey", "светло-серый"),
    "grey": ("Grey", "серый"),
    "dark_grey": ("Dark Grey", "тёмно-серый"),
    "black": ("Black", "чёрный"),
    "red": ("Red", "красный"),
    "burgundy": ("Burgundy", "бордовый"),
    "orange": ("Orange", "оранжевый"),
    "coral": ("Coral", "коралловый"),
    "yellow": ("Yellow", "жёлтый"),
    "mustard": ("Mustard", "горчичный"),
    "lime": ("Lime", "лаймовый"),
    "green": ("Green", "зелёный"),
    "forest": ("Forest Green", "тёмно-зелёный"),
    "olive": ("Olive", "оливковый"),
    "mint": ("Mint", "мятный"),
    "teal": ("Teal", "бирюзовый"),
    "sky": ("Sky Blue", "голубой"),
    "blue": ("Blue", "синий"),
    "navy": ("Navy", "тёмно-синий"),
    "purple": ("Purple", "фиолетовый"),
    "lilac": ("Lilac", "сиреневый"),
    "pink": ("Pink", "розовый"),
    "magenta": ("Magenta", "малиновый"),
    "brown": ("Brown", "коричневый"),
    "tan": ("Tan", "рыжеватый"),
    "sand": ("Sand", "песочный"),
    "gum": ("Gum", "цвета натурального каучука"),
}

_TEXT_LIMIT = 10


def colour_rgb(name: str) -> tuple[int, int, int]:
    """sRGB 0..255 of a colour id; ValueError for an unknown one."""
    try:
        return COLOURS[name]
    except KeyError:
        raise ValueError(f"unknown colour {name!r}; known: {', '.join(COLOURS)}") from None


def _check(what: str, value: object, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ValueError(f"unknown {what} {value!r}; known: {', '.join(allowed)}")


@dataclass(frozen=True, slots=True)
class Colours:
    """A colour id for each part of the shoe. Raises ValueError on an unknown id."""

    upper: str = "white"
    toe_box: str = "white"
    toe_cap: str = "white"
    heel_counter: str = "white"
    heel_tab: str = "white"
    tongue: str = "white"
    eyestay: str = "white"
    logo: str = "black"
    lining: str = "light_grey"
    midsole: str = "white"
    outsole: str = "white"
    accent: str = "black"
    laces: str = "white"

    def __post_init__(self) -> None:
        for part in fields(self):
            name = getattr(self, part.name)
            if not isinstance(name, str) or name not in COLOURS:
                raise ValueError(f"{part.name}: unknown colour {name!r}")


PARTS: Final = tuple(part.name for part in fields(Colours))


@dataclass(frozen=True, slots=True)
class Shape:
    """How one model departs from its silhouette's usual form; each number is in -1..1.

    height: collar and throat; toe: fullness of the toe box; sole: thickness; heel: flare of the
    heel tab; throat: length of the lacing. Raises ValueError outside the range.
    """

    height: float = 0.0
    toe: float = 0.0
    sole: float = 0.0
    heel: float = 0.0
    throat: float = 0.0

    def __post_init__(self) -> None:
        for part in fields(self):
            value = getattr(self, part.name)
            number = isinstance(value, int | float) and not isinstance(value, bool)
            if not number or not -1.0 <= value <= 1.0:
                raise ValueError(f"shape.{part.name}: {value!r} is not a number in -1..1")


@dataclass(frozen=True, slots=True)
class Design:
    """Everything the renderer needs to draw one shoe. Raises ValueError on bad values."""

    silhouette: str = "low"
    colours: Colours = field(default_factory=Colours)
    material: str = "leather"
    pattern: str = "plain"
    motif: str = "none"
    laces: str = "flat"
    sole: str = "cup"
    panels: str = "classic"
    toe: str = "none"
    text: str = ""
    shape: Shape = field(default_factory=Shape)

    def __post_init__(self) -> None:
        _check("silhouette", self.silhouette, SILHOUETTES)
        _check("material", self.material, MATERIALS)
        _check("pattern", self.pattern, PATTERNS)
        _check("motif", self.motif, MOTIFS)
        _check("lace style", self.laces, LACES)
        _check("sole", self.sole, SOLES)
        _check("panel layout", self.panels, PANELS)
        _check("toe", self.toe, TOES)
        for name, kind in (("colours", Colours), ("shape", Shape)):
            value = getattr(self, name)
            if type(value) is not kind:
                raise ValueError(f"{name}: expected {kind.__name__}, got {type(value).__name__}")
        text = self.text
        if not isinstance(text, str) or len(text) > _TEXT_LIMIT or not text.isprintable():
            raise ValueError(f"text: {text!r} is not up to {_TEXT_LIMIT} printable characters")

    def recolour(self, **parts: str) -> Self:
        """The same shoe with some parts in other colours, e.g. ``recolour(laces="red")``."""
        unknown = sorted(set(parts) - set(PARTS))
        if unknown:
            raise ValueError(f"unknown part {unknown[0]!r}; known: {', '.join(PARTS)}")
        return replace(self, colours=replace(self.colours, **parts))

    def to_dict(self) -> dict[str, Any]:
        """Plain dictionaries, strings and numbers, ready for JSON."""
        return asdict(self)

    def to_json(self) -> str:
        """One line of JSON with sorted keys: equal designs give equal text."""
        return json.dumps(self.to_dict(), ensure_ascii=False, sort_keys=True)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The design ``to_dict`` wrote; absent fields take defaults. ValueError on bad ones."""
        values = _known_fields("design", data, {part.name for part in fields(cls)})
        if "colours" in values:
            colours = _known_fields("colours", values["colours"], set(PARTS))
            values["colours"] = Colours(**colours)
        if "shape" in values:
            names = {part.name for part in fields(Shape)}
            values["shape"] = Shape(**_known_fields("shape", values["shape"], names))
        return cls(**values)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The design ``to_json`` wrote; ValueError when it is not one."""
        data = json.loads(text)
        return cls.from_dict(data)


def _known_fields(what: str, data: object, names: set[str]) -> dict[str, Any]:
    if not isinstance(data, Mapping):  # it comes from JSON: a wrong type is a wrong value
        raise ValueError(  # noqa: TRY004
            f"{what}: expected an object, got {type(data).__name__}"
        )
    unknown = sorted(str(key) for key in data if key not in names)
    if unknown:
        raise ValueError(f"{what}: unknown field {unknown[0]!r}")
    return dict(data)


# What goes with what, so that a random shoe is one that could be on a shelf. A repeated name is
# a likelier one.
_USUAL: Final[dict[str, dict[str, tuple[str, ...]]]] = {
    "low": {
        "material": ("leather", "leather", "suede", "canvas"),
        "sole": ("cup", "cup", "gum", "air"),
        "panels": ("classic", "classic", "plain", "saddle"),
        "toe": ("none", "guard", "cap"),
        "laces": ("flat", "crossed", "tied", "straps"),
        "pattern": ("plain", "plain", "perforated", "perforated", "speckle", "floral"),
    },
    "mid": {
        "material": ("leather", "leather", "suede"),
        "sole": ("cup", "cup", "gum", "air"),
        "panels": ("classic", "classic", "saddle"),
        "toe": ("none", "guard", "guard"),
        "laces": ("flat", "crossed", "straps"),
        "pattern": ("plain", "plain", "perforated", "camo"),
    },
    "high": {
        "material": ("leather", "canvas", "suede"),
        "sole": ("cup", "vulcanised", "gum", "air"),
        "panels": ("classic", "classic", "plain", "saddle"),
        "toe": ("guard", "cap", "none"),
        "laces": ("flat", "crossed", "tied"),
        "pattern": ("plain", "plain", "perforated", "checker", "camo"),
    },
    "runner": {
        "material": ("mesh", "knit", "mesh", "suede"),
        "sole": ("foam", "foam", "air"),
        "panels": ("overlay", "overlay", "plain", "classic"),
        "toe": ("guard", "none"),
        "laces": ("crossed", "flat", "tied"),
        "pattern": ("plain", "plain", "fade", "speckle"),
    },
    "skate": {
        "material": ("suede", "canvas", "suede"),
        "sole": ("vulcanised", "vulcanised", "gum"),
        "panels": ("classic", "plain", "saddle"),
        "toe": ("none", "guard"),
        "laces": ("flat", "crossed", "tied"),
        "pattern": ("plain", "plain", "checker", "camo", "pinstripe"),
    },
    "slip_on": {
        "material": ("canvas", "knit", "suede"),
        "sole": ("vulcanised", "vulcanised", "foam", "gum"),
        "panels": ("plain",),
        "toe": ("none",),
        "laces": ("none",),
        "pattern": ("plain", "checker", "checker", "pinstripe", "floral", "camo"),
    },
    "chunky": {
        "material": ("leather", "mesh", "suede", "mesh"),
        "sole": ("chunky", "chunky", "air"),
        "panels": ("overlay", "overlay", "classic"),
        "toe": ("guard", "guard", "none"),
        "laces": ("crossed", "flat", "tied"),
        "pattern": ("plain", "plain", "speckle", "fade"),
    },
}

_NEUTRALS: Final = ("white", "off_white", "cream", "light_grey", "grey", "dark_grey", "black")
_LIGHT_SOLES: Final = ("white", "white", "off_white", "cream")


def usual_values(silhouette: str, name: str) -> tuple[str, ...]:
    """Values of a field (material, sole, ...) that suit a silhouette, likelier ones repeated."""
    _check("silhouette", silhouette, SILHOUETTES)
    return _USUAL[silhouette][name]


def random_colours(rng: random.Random, palette: tuple[str, ...]) -> Colours:
    """A colourway from a palette of colour ids: one main colour, one accent, neutrals around."""
    main = rng.choice(palette)
    accent = rng.choice([name for name in palette + _NEUTRALS if name != main])
    neutral = rng.choice([name for name in _NEUTRALS if name != main])
    scheme = rng.choice(("tonal", "blocked", "blocked", "neutral_base", "accented"))
    sole = rng.choice(_LIGHT_SOLES) if rng.random() < 0.75 else rng.choice((main, "black"))
    outsole = rng.choice((sole, "gum", main, accent, "black"))
    upper, overlay, detail = {
        "tonal": (main, main, neutral),
        "blocked": (neutral, main, accent),
        "neutral_base": (neutral, neutral, main),
        "accented": (main, neutral, accent),
    }[scheme]
    return Colours(
        upper=upper,
        toe_box=rng.choice((upper, upper, neutral)),
        toe_cap=overlay,
        heel_counter=overlay if scheme != "neutral_base" else detail,
        heel_tab=detail,
        tongue=rng.choice((upper, neutral, overlay)),
        eyestay=overlay,
        logo=detail if detail != upper else accent,
        lining=rng.choice((neutral, accent, main)),
        midsole=sole,
        outsole=outsole,
        accent=accent,
        laces=rng.choice((neutral, upper, accent, sole)),
    )


def random_design(seed: int, silhouette: str | None = None) -> Design:
    """A believable shoe from a seed, of a given silhouette or any; ValueError for an unknown."""
    rng = random.Random(f"design:{seed}")
    kind = rng.choice(SILHOUETTES)
    if silhouette is not None:
        _check("silhouette", silhouette, SILHOUETTES)
        kind = silhouette
    usual = _USUAL[kind]
    return Design(
        silhouette=kind,
        colours=random_colours(rng, tuple(COLOURS)),
        material=rng.choice(usual["material"]),
        pattern=rng.choice(usual["pattern"]),
        motif=rng.choice(MOTIFS),
        laces=rng.choice(usual["laces"]),
        sole=rng.choice(usual["sole"]),
        panels=rng.choice(usual["panels"]),
        toe=rng.choice(usual["toe"]),
        shape=random_shape(rng),
    )


def random_shape(rng: random.Random) -> Shape:
    """A form of its own for one model, from a random generator."""
    return Shape(*(round(rng.uniform(-1.0, 1.0), 3) for _ in fields(Shape)))
