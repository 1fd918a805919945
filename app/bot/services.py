"""What the bot needs of the platform, as protocols: blocking calls, run in threads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from app.db.bot import BotStore
from app.domain import Filters, SearchResult


class SearchService(Protocol):
    """Search by pictures, by a catalogue image, and the further pages of either.

    :class:`app.search.Searcher` is the real one and says which errors each method raises.
    """

    def by_photo(
        self,
        pictures: Sequence[bytes],
        filters: Filters | None = None,
        *,
        page_size: int | None = None,
        user_key: str | None = None,
    ) -> SearchResult:
        """One query from one or several views of the same shoe."""

    def by_image(
        self,
        image_id: int,
        filters: Filters | None = None,
        *,
        page_size: int | None = None,
        user_key: str | None = None,
    ) -> SearchResult:
        """More like this catalogue image."""

    def page(self, search_id: int, page: int) -> SearchResult:
        """A page, from 0, of a stored search."""


class UserStore(Protocol):
    """Users' choices; raises :class:`app.errors.DatabaseUnavailable`."""

    def visit(self, user_id: int) -> str | None:
        """Notes the visit; returns the chosen language."""

    def set_language(self, user_id: int, language: str) -> None:
        """Remembers the chosen language."""


def _nothing() -> None:
    """Services that hold nothing have nothing to close."""


@dataclass(frozen=True, slots=True)
class Services:
    """Everything behind the bot; ``close`` is called once, after the last handler has ended."""

    search: SearchService
    users: UserStore
    close: Callable[[], None] = field(default=_nothing)
    store: BotStore | None = None
    """What the bot keeps in Postgres; without it nothing outlives the process: no saved shoes, no
    alerts, and an update in flight is lost with it."""
