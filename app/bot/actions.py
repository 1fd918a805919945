"""Actions of the buttons under results and in /settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from app.bot.callbacks import Action, Place, button

What: TypeAlias = Literal[
    "price", "size", "gender", "brand", "nobrand", "colour", "nocolour", "type", "notype", "shop",
    "stock", "weight", "wish", "all",
]  # fmt: skip
"""What of a search is changed; the same words name the chips that are taken off one by one."""
Menu: TypeAlias = Literal["main", "price", "size", "gender", "brand", "colour"]
Page: TypeAlias = Literal["main", "language", "currency", "system", "size", "shops"]


@button("h")
@dataclass(frozen=True)
class OpenHit(Action):
    """The card of a result: ``number`` on the page at ``place``, recognised by its image."""

    place: Place
    number: int
    image_id: int
    origin: Place | None = None


@button("b")
@dataclass(frozen=True)
class ShowList(Action):
    """From a card or a menu back to the list at ``place``, in the same message."""

    place: Place
    origin: Place | None = None


@button("o")
@dataclass(frozen=True)
class OtherShops(Action):
    """Everybody who sells the same shoe."""

    place: Place
    number: int
    image_id: int
    origin: Place | None = None


@button("f")
@dataclass(frozen=True)
class OpenMenu(Action):
    """A menu of ways to refine the search at ``place``, in the same message."""

    menu: Menu
    place: Place
    origin: Place | None = None


@button("c")
@dataclass(frozen=True)
class CloseMenu(Action):
    """The list's own buttons again, in the same message."""

    place: Place
    origin: Place | None = None


@button("r")
@dataclass(frozen=True)
class Refine(Action):
    """The stored search asked anew with one thing changed."""

    search_id: int
    what: What
    value: str


@button("x")
@dataclass(frozen=True)
class Drop(Action):
    """The stored search asked anew with one limit taken off."""

    search_id: int
    what: What


@button("k")
@dataclass(frozen=True)
class PickShoe(Action):
    """The shoe wanted of several in a picture; 0: the picture as a whole."""

    pick_id: int
    number: int


@button("sm")
@dataclass(frozen=True)
class OpenSettings(Action):
    """A page of /settings, in the same message."""

    page: Page


@button("ss")
@dataclass(frozen=True)
class Choose(Action):
    """A choice in /settings."""

    page: Page
    value: str
