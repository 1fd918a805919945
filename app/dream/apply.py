"""Changes made to a design: what was done, what was so already, what could not be done and why."""

from __future__ import annotations

import random
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

from app.dream.changes import PARTS, Change
from app.dream.shades import basic
from app.sketch.design import COLOURS, MOTIFS, Design, Shape, random_design, usual_values

State: TypeAlias = Literal["done", "already", "impossible"]
TEXT_LIMIT: Final = 10
_FORMS: Final = Path(__file__).with_name("forms.toml")
_STEP: Final = 0.6
_FIELDS: Final = {
    "silhouette": "silhouette", "material": "material", "pattern": "pattern", "logo": "motif",
    "laces": "laces", "sole_style": "sole", "toe_style": "toe", "panels": "panels",
}  # fmt: skip
_TALLER: Final = {
    "low": "mid", "mid": "high", "skate": "mid", "slip_on": "mid", "runner": "mid", "chunky": "mid",
}  # fmt: skip
# From dark to light, a family each.
_LADDERS: Final = (
    ("black", "dark_grey", "grey", "light_grey", "off_white", "white"),
    ("burgundy", "red", "coral"),
    ("brown", "gum", "tan", "sand", "cream"),
    ("orange", "yellow"),
    ("mustard", "yellow"),
    ("forest", "green", "mint"),
    ("olive", "lime"),
    ("navy", "blue", "sky"),
    ("navy", "teal", "mint"),
    ("purple", "lilac"),
    ("magenta", "pink"),
)
_BRIGHTER: Final = {
    "burgundy": "red", "red": "orange", "coral": "orange", "pink": "magenta", "lilac": "purple",
    "forest": "green", "green": "lime", "olive": "lime", "mint": "teal", "navy": "blue",
    "sky": "blue", "teal": "blue", "mustard": "yellow", "cream": "yellow", "sand": "mustard",
    "brown": "orange", "tan": "orange", "gum": "orange", "orange": "yellow", "purple": "magenta",
}  # fmt: skip
_CALMER: Final = {
    "red": "burgundy", "coral": "sand", "magenta": "pink", "pink": "sand", "purple": "lilac",
    "lilac": "light_grey", "lime": "olive", "green": "forest", "mint": "light_grey",
    "teal": "navy", "blue": "navy", "sky": "light_grey", "yellow": "cream", "mustard": "sand",
    "orange": "tan", "gum": "tan", "tan": "sand", "olive": "grey", "navy": "dark_grey",
    "forest": "dark_grey", "burgundy": "dark_grey", "sand": "cream", "cream": "off_white",
}  # fmt: skip
_LOWER: Final = {"high": "mid", "mid": "low"}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one change. ``reason`` of an impossible one is a message key under
    ``dream.why``; ``also`` names what had to change with it, keys under ``dream.also``."""

    change: Change
    state: State
    reason: str = ""
    also: tuple[str, ...] = ()


def apply(design: Design, changes: Iterable[Change], seed: int) -> tuple[Design, list[Outcome]]:
    """The design with the changes made in order; ``seed`` decides what they leave open."""
    outcomes = []
    for change in _in_order(changes):
        made = _Change(design, change, random.Random(f"change:{seed}:{change}"))
        design, outcome = made.make()
        outcomes.append(outcome)
    return design, outcomes


def surprise(design: Design, seed: int) -> Design:
    """Another design that keeps about half of this one: silhouette or colours, never both."""
    rng = random.Random(f"surprise:{seed}")
    fresh = random_design(rng.randrange(2**31))
    if rng.random() < 0.5:
        other = random_design(rng.randrange(2**31), design.silhouette)
        return replace(other, colours=fresh.colours, text=design.text)
    return replace(fresh, colours=design.colours, text=design.text)


@cache
def forms() -> dict[str, dict[str, dict[str, Any]]]:
    """Models and styles by name, each with the fields it stands for."""
    with _FORMS.open("rb") as file:
        return tomllib.load(file)


def _in_order(changes: Iterable[Change]) -> list[Change]:
    """Whole forms first, so that what was said besides stays: "red, like an Air Max"."""
    whole = {"model": 0, "style": 1, "silhouette": 2}
    listed = [change for change in changes if change.kind != "command"]
    return sorted(
        listed,
        key=lambda c: (
            whole.get(c.target, 3) if c.kind == "set" else 3,
            not (c.kind == "colour" and c.target == "all"),
        ),
    )


class _Change:
    def __init__(self, design: Design, change: Change, rng: random.Random) -> None:
        self.before = design
        self.design = design
        self.change = change
        self.rng = rng
        self.also: list[str] = []
        self.reason = ""

    def make(self) -> tuple[Design, Outcome]:
        getattr(self, f"_{self.change.kind}")()
        if self.reason:
            return self.before, Outcome(self.change, "impossible", self.reason)
        state: State = "already" if self.design == self.before else "done"
        return self.design, Outcome(self.change, state, "", tuple(self.also))

    def _recolour_parts(self, names: Iterable[str], colour: str) -> None:
        self.design = self.design.recolour(**dict.fromkeys(names, colour))

    def _colour(self) -> None:
        part, colour = self.change.target, self.change.value
        if part == "logo" and self.design.motif == "none":
            self._some_logo()
        if part == "laces":
            self._need_laces()
        soles = set(PARTS[part]) & {"midsole", "outsole"}
        if soles and self.design.sole == "gum" and colour != "gum":
            # A gum sole is drawn in gum, whatever its colours say.
            self.design = replace(self.design, sole="cup")
            if part in ("midsole", "outsole"):
                rest = "outsole" if part == "midsole" else "midsole"
                self._recolour_parts((rest,), "gum")
        self._recolour_parts(PARTS[part], colour)
        if part == "all" and self.design.motif != "none":
            self.also.append("logo_blends")

    def _match(self) -> None:
        source = getattr(self.design.colours, PARTS[self.change.value][0])
        if self.change.value in ("sole", "midsole", "outsole") and self.design.sole == "gum":
            source = "gum"
        self.change = Change("colour", self.change.target, source)
        self._colour()

    def _shade(self) -> None:
        names = PARTS[self.change.target]
        colours = self.design.colours
        shown = {name: getattr(colours, name) for name in names}
        made = {name: shaded(colour, self.change.value) for name, colour in shown.items()}
        if all(made[name] == shown[name] for name in names):
            self.reason = "no_such_shade"
            return
        self.design = self.design.recolour(**made)

    def _holding(self, colour: str) -> list[str]:
        """Parts in exactly this colour, else in a shade of it."""
        colours = self.design.colours
        names = PARTS["all"]
        exact = [name for name in names if getattr(colours, name) == colour]
        family = basic(colour)
        return exact or [name for name in names if basic(getattr(colours, name)) == family]

    def _recolour(self) -> None:
        names = self._holding(self.change.target)
        if not names:
            self.reason = "colour_absent"
            return
        self._recolour_parts(names, self.change.value)

    def _without(self) -> None:
        names = self._holding(self.change.target)
        if not names:
            self.reason = "colour_absent"
            return
        main = self.design.colours.upper
        stand_in = next(
            name
            for name in ("white", "black", "grey")
            if basic(name) != basic(self.change.target) and ("upper" in names or name != main)
        )
        self._recolour_parts(names, stand_in)

    def _swap(self) -> None:
        first, second = self.change.target, self.change.value
        if first in COLOURS:
            one, two = self._holding(first), self._holding(second)
            if not one or not two:
                self.reason = "colour_absent"
                return
            self._recolour_parts(one, second)
            self._recolour_parts([name for name in two if name not in one], first)
            return
        colours = self.design.colours
        a, b = (getattr(colours, PARTS[part][0]) for part in (first, second))
        if self.design.sole == "gum" and {first, second} & {"sole", "midsole", "outsole"}:
            a, b = ("gum" if part in ("sole", "midsole", "outsole") else ink
                    for part, ink in ((first, a), (second, b)))  # fmt: skip
            self.design = replace(self.design, sole="cup")
        self._recolour_parts(PARTS[first], b)
        self._recolour_parts(PARTS[second], a)

    def _more(self) -> None:
        step = _STEP if self.change.value == "more" else -_STEP
        match self.change.target:
            case "height":
                self._height(step > 0)
            case "thickness":
                self._thickness(step)
            case "bulk":
                self._slimmer()
            case "toe_shape":
                self._shape("toe", step)

    def _shape(self, name: str, step: float) -> None:
        now = getattr(self.design.shape, name)
        wanted = max(-1.0, min(1.0, now + step))
        if wanted == now:
            self.reason = "at_limit"
            return
        shape: Shape = replace(self.design.shape, **{name: round(wanted, 3)})
        self.design = replace(self.design, shape=shape)

    def _height(self, up: bool) -> None:
        other = (_TALLER if up else _LOWER).get(self.design.silhouette)
        if other is None:
            self._shape("height", _STEP if up else -_STEP)
        else:
            self._silhouette(other)

    def _thickness(self, step: float) -> None:
        thin, thick = ("vulcanised", "cup", "gum"), ("foam", "air", "chunky")
        if step > 0 and self.design.shape.sole >= 0.9 and self.design.sole in thin:
            self.design = replace(
                self.design, sole="chunky", shape=replace(self.design.shape, sole=0.0)
            )
        elif step < 0 and self.design.shape.sole <= -0.9 and self.design.sole in thick:
            self.design = replace(
                self.design, sole="cup", shape=replace(self.design.shape, sole=0.0)
            )
        else:
            self._shape("sole", step)

    def _slimmer(self) -> None:
        if self.design.silhouette == "chunky":
            self._silhouette("runner")
        if self.design.sole == "chunky":
            self.design = replace(self.design, sole="foam")
        if self.design == self.before:
            self._shape("sole", -_STEP)

    def _set(self) -> None:
        target, value = self.change.target, self.change.value
        if target in ("model", "style"):
            self._form(forms()[target][value])
        elif target == "silhouette":
            self._silhouette(value)
        elif target == "logo" and value == "any":
            self._some_logo()
        elif target == "laces" and value != "none":
            self._need_laces()
            self.design = replace(self.design, laces=value)
        else:
            field: dict[str, Any] = {_FIELDS[target]: value}
            self.design = replace(self.design, **field)

    def _form(self, values: dict[str, Any]) -> None:
        fields = dict(values)
        colours = fields.pop("colours", {})
        self.design = replace(self.design, **fields, shape=Shape()).recolour(**colours)
        if self.design.silhouette != "slip_on" and self.design.laces == "none":
            self.design = replace(self.design, laces="flat")

    def _silhouette(self, wanted: str) -> None:
        """Another form; the sole and panels follow only where they would not go with it."""
        if wanted == self.design.silhouette:
            return
        fields: dict[str, Any] = {"silhouette": wanted}
        for name in ("sole", "panels"):
            usual = usual_values(wanted, name)
            if getattr(self.design, name) not in usual:
                fields[name] = usual[0]
        if wanted == "slip_on":
            fields["laces"] = "none"
        elif self.before.silhouette == "slip_on":
            fields["laces"] = "flat"
        self.design = replace(self.design, **fields)

    def _need_laces(self) -> None:
        if self.design.silhouette == "slip_on":
            self._silhouette("low")
            self.also.append("no_longer_slip_on")
        if self.design.laces == "none":
            self.design = replace(self.design, laces="flat")

    def _some_logo(self) -> None:
        if self.design.motif == "none":
            named = [name for name in MOTIFS if name != "none"]
            self.design = replace(self.design, motif=self.rng.choice(named))
            self.also.append("some_logo")

    def _text(self) -> None:
        text = self.change.value
        if len(text) > TEXT_LIMIT:
            self.reason = "text_too_long"
        elif not text.isprintable():
            self.reason = "text_unprintable"
        else:
            self.design = replace(self.design, text=text)


def shaded(colour: str, way: str) -> str:
    """The palette's next colour that is darker, lighter, brighter or calmer; itself if none is."""
    if way in ("brighter", "calmer"):
        table = _BRIGHTER if way == "brighter" else _CALMER
        return table.get(colour, colour)
    step = 1 if way == "lighter" else -1
    for ladder in _LADDERS:
        if colour in ladder:
            return ladder[max(0, min(len(ladder) - 1, ladder.index(colour) + step))]
    return colour
