"""What the bot needs of the platform, as protocols: blocking calls, run in threads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Protocol

from app.db.bot import BotStore
from app.db.dialogue import ShownMessage, StoredPick, StoredSession, UserSettings
from app.domain import Emphasis, Filters, SearchResult, SizeSystem
from app.dream.dream import Dream
from app.errors import SolemateError
from app.words import Reading


class SearchService(Protocol):
    """Search by pictures, by words, by a catalogue image, and everything that follows of it.

    :class:`app.search.Searcher` is the real one and says which errors each method raises.
    """

    def by_photo(
        self,
        pictures: Sequence[bytes],
        filters: Filters | None = None,
        *,
        page_size: int | None = None,
        user_key: str | None = None,
        reading: Reading | None = None,
    ) -> SearchResult:
        """One query from one or several views of the same shoe, changed by words."""

    def by_text(
        self,
        text: str,
        filters: Filters | None = None,
        *,
        page_size: int | None = None,
        user_key: str | None = None,
        reading: Reading | None = None,
    ) -> SearchResult:
        """Shoes that fit words."""

    def by_image(
        self,
        image_id: int,
        filters: Filters | None = None,
        *,
        page_size: int | None = None,
        user_key: str | None = None,
        reading: Reading | None = None,
    ) -> SearchResult:
        """More like this catalogue image."""

    def page(self, search_id: int, page: int) -> SearchResult:
        """A page, from 0, of a stored search."""

    def again(
        self,
        search_id: int,
        filters: Filters | None = None,
        *,
        emphasis: Emphasis | None = None,
        reading: Reading | None = None,
        page_size: int | None = None,
        user_key: str | None = None,
    ) -> SearchResult:
        """A stored search asked anew with something changed."""

    def stored(self, search_id: int) -> tuple[Filters, Emphasis]:
        """Filters and emphasis of a stored search."""


class UserStore(Protocol):
    """Users' languages; raises :class:`app.errors.DatabaseUnavailable`."""

    def visit(self, user_id: int) -> str | None:
        """Notes the visit; returns the chosen language."""

    def set_language(self, user_id: int, language: str) -> None:
        """Remembers the chosen language."""


class DialogueStore(Protocol):
    """Where users stand; raises :class:`app.errors.DatabaseUnavailable`.

    :class:`app.db.dialogue.Dialogues` is the real one.
    """

    def settings(self, user_id: int) -> UserSettings:
        """What the user chose in /settings."""

    def set_settings(self, user_id: int, chosen: UserSettings) -> None:
        """Keeps the choices."""

    def session(self, chat_id: int, user_id: int) -> StoredSession | None:
        """The session while it lasts."""

    def keep_session(self, chat_id: int, user_id: int, session: StoredSession) -> None:
        """Keeps the session."""

    def show(
        self, chat_id: int, messages: Sequence[tuple[int, int | None]], search_id: int, page: int
    ) -> None:
        """Notes what messages show."""

    def shown(self, chat_id: int, message_id: int) -> ShownMessage | None:
        """What a message shows."""

    def offer_pick(self, user_id: int, pick: StoredPick) -> int:
        """Keeps a picture to pick a shoe from."""

    def pick(self, user_id: int, pick_id: int) -> StoredPick | None:
        """The picture to pick from."""

    def shops(self, limit: int) -> list[str]:
        """Shops with something to sell."""

    def sizes(self, system: SizeSystem, limit: int) -> list[str]:
        """Usual sizes in a system."""

    def rates(self, currency: str) -> dict[str, tuple[Decimal, date]]:
        """What a unit of each currency costs in ``currency``."""

    def picture_sources(self, image_ids: Sequence[int]) -> dict[int, str]:
        """Web addresses of catalogue pictures."""


@dataclass(frozen=True, slots=True)
class LinkedPicture:
    """A picture found behind a link, and what its page calls the product."""

    data: bytes
    title: str | None = None


class LinkRefused(SolemateError):
    """A link that leads to no picture; ``code`` names the message ``link.CODE``: ``address``,
    ``robots``, ``unreachable``, ``status``, ``too_large``, ``challenge``, ``no_product``,
    ``no_picture``."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


LinkReader = Callable[[str], LinkedPicture]
"""Reads a product page's picture; raises :class:`LinkRefused`."""
Corners = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels of the upright picture, right and bottom exclusive."""
ShoeFinder = Callable[[bytes], Sequence[Corners]]
"""Where the different shoes of a picture are, largest first; one or none: nothing to pick."""


def _nothing() -> None:
    """Services that hold nothing have nothing to close."""


@dataclass(frozen=True, slots=True)
class Services:
    """Everything behind the bot; ``close`` is called once, after the last handler has ended.

    Without ``links`` pages are not read, without ``shoes`` every picture is one question.
    """

    search: SearchService
    users: UserStore
    dialogues: DialogueStore
    close: Callable[[], None] = field(default=_nothing)
    store: BotStore | None = None
    """What the bot keeps in Postgres; without it nothing outlives the process: no saved shoes, no
    alerts, and an update in flight is lost with it."""
    links: LinkReader | None = None
    shoes: ShoeFinder | None = None
    dream: Dream | None = None
    """The dream; without it there is no /dream."""
