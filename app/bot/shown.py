"""A result as it stands in a chat."""

from __future__ import annotations

from dataclasses import dataclass

from app.bot.callbacks import Place
from app.domain import Hit


@dataclass(frozen=True, slots=True)
class Shown:
    """One result as it stands in the chat: ``number`` counts from 1 on the page at ``place``."""

    place: Place
    number: int
    hit: Hit
