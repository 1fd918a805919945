"""What a request asks for, as data: changes to a design, commands, and what was not understood."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

Kind: TypeAlias = Literal[
    "colour",  # target: a part; value: a colour id
    "match",  # target: a part; value: the part whose colour it takes
    "shade",  # target: a part; value: darker, lighter, brighter, calmer
    "recolour",  # target: a colour; value: the colour that takes its place everywhere
    "without",  # target: a colour that should go
    "swap",  # target, value: two parts, or two colours, that change places
    "more",  # target: height, thickness, bulk, toe_shape; value: more, less
    "set",  # target: silhouette, material, pattern, logo, laces, ...; value: what it becomes
    "text",  # value: what is written on the shoe, "" nothing
    "command",  # target: surprise, undo, done
]

PARTS: Final[dict[str, tuple[str, ...]]] = {
    "upper": ("upper", "toe_box", "toe_cap", "heel_counter", "heel_tab", "tongue", "eyestay"),
    "toe": ("toe_box", "toe_cap"),
    "heel": ("heel_counter", "heel_tab"),
    "tongue": ("tongue",),
    "laces": ("laces",),
    "lining": ("lining",),
    "logo": ("logo",),
    "sole": ("midsole", "outsole"),
    "midsole": ("midsole",),
    "outsole": ("outsole",),
    "accent": ("accent", "eyestay", "heel_tab"),
    "all": (
        "upper", "toe_box", "toe_cap", "heel_counter", "heel_tab", "tongue", "eyestay", "logo",
        "lining", "midsole", "outsole", "accent", "laces",
    ),
}  # fmt: skip
"""What a person calls a part, and the design's own parts it covers. ``upper`` is all but sole,
laces, lining and logo, as people mean it."""


@dataclass(frozen=True, slots=True)
class Change:
    """One edit. ``str()`` is its notation: ``sole=white``, ``red>green``, ``height=more``."""

    kind: Kind
    target: str
    value: str = ""

    def __str__(self) -> str:
        match self.kind:
            case "match":
                return f"{self.target}=@{self.value}"
            case "recolour":
                return f"{self.target}>{self.value}"
            case "without":
                return f"-{self.target}"
            case "swap":
                return f"{self.target}<>{self.value}"
            case "command":
                return self.target
        return f"{self.target}={self.value}"


@dataclass(frozen=True, slots=True)
class Reading:
    """A request read: ``unknown`` holds the pieces, as written, that no change was made of."""

    changes: tuple[Change, ...]
    unknown: tuple[str, ...] = ()

    @property
    def commands(self) -> tuple[str, ...]:
        """The commands among the changes: surprise, undo, done."""
        return tuple(change.target for change in self.changes if change.kind == "command")

    @property
    def edits(self) -> tuple[Change, ...]:
        """The changes that edit a design."""
        return tuple(change for change in self.changes if change.kind != "command")
