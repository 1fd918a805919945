"""Where a user stands: settings, the session's filters, the search looked at, the currency."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from app.bot.chips import lasting
from app.bot.money import Money
from app.db.dialogue import ShownMessage, StoredSession, UserSettings
from app.domain import Filters, SearchResult
from app.errors import DatabaseUnavailable
from app.i18n import Language
from app.search import filters_from_json, filters_to_json

if TYPE_CHECKING:
    from app.bot.desk import Desk

LOG = logging.getLogger(__name__)
_RATES_S: Final = 600.0
AS_STATED: Final = "XXX"
"""ISO 4217's code for no currency: prices stay as shops state them."""
_USUAL: Final[dict[Language, str]] = {"ru": "RUB"}
"""Currencies that readers of a language count in unless they say otherwise."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A user in a chat: ``filters`` go with the next question; ``search_id`` is the search they
    look at, None after a pause or none yet; without ``money`` prices stay as shops state them."""

    settings: UserSettings
    filters: Filters
    search_id: int | None
    money: Money | None


class Sessions:
    """Reads and keeps standings; every call is one short query or two."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._store = desk.services.dialogues
        self._rates: dict[str, tuple[Money, float]] = {}

    async def of(self, chat_id: int, user_id: int, language: Language) -> Standing:
        """The user's standing in a chat.

        Raises:
            DatabaseUnavailable: it cannot be read now.
        """

        def read() -> Standing:
            chosen = self._store.settings(user_id)
            session = self._store.session(chat_id, user_id)
            filters = defaults(chosen)
            if session is not None and session.filters is not None:
                filters = filters_from_json(session.filters)
            currency = currency_for(chosen, language)
            money = None if currency == AS_STATED else self._money(currency)
            return Standing(chosen, filters, session.search_id if session else None, money)

        return await self._desk.quickly(read)

    async def looked_at(
        self, chat_id: int, user_id: int, result: SearchResult, *, lasts: bool = False
    ) -> None:
        """The user looks at a search; with ``lasts`` its filters go on to the next question."""
        store = self._store

        def keep() -> None:
            before = store.session(chat_id, user_id)
            filters = before.filters if before else None
            if lasts:
                filters = filters_to_json(lasting(result.filters))
            store.keep_session(chat_id, user_id, StoredSession(filters, result.search_id))

        await self._noted(keep)

    async def reset(self, chat_id: int, user_id: int) -> None:
        """Settings were changed: the session's filters begin anew from them."""
        store = self._store

        def begin() -> None:
            before = store.session(chat_id, user_id)
            if before is not None:
                store.keep_session(chat_id, user_id, replace(before, filters=None))

        await self._desk.quickly(begin)

    async def shown(self, chat_id: int, message_id: int) -> ShownMessage | None:
        """What a message of the chat shows, None for no results."""
        return await self._desk.quickly(lambda: self._store.shown(chat_id, message_id))

    async def show(
        self, chat_id: int, messages: Sequence[tuple[int, int | None]], result: SearchResult
    ) -> None:
        """Notes which messages show which results."""
        search_id = result.search_id
        if search_id is not None and messages:
            await self._noted(lambda: self._store.show(chat_id, messages, search_id, result.page))

    async def _noted(self, keep: Callable[[], None]) -> None:
        try:
            await self._desk.quickly(keep)
        except DatabaseUnavailable as error:
            # The answer is in the chat already; only an answer to it will not be understood.
            LOG.warning("a dialogue could not be noted: %s", error)

    def _money(self, currency: str) -> Money:
        known, read_at = self._rates.get(currency, (None, 0.0))
        now = time.monotonic()
        if known is None or now - read_at > _RATES_S:
            known = Money(currency, self._store.rates(currency))
            self._rates[currency] = (known, now)
        return known


def currency_for(chosen: UserSettings, language: Language) -> str:
    """The currency that a user sees prices in."""
    return chosen.currency or _USUAL.get(language, AS_STATED)


def defaults(chosen: UserSettings) -> Filters:
    """The filters that a user's settings make."""
    return Filters(
        size=chosen.size,
        size_system=chosen.size_system if chosen.size else None,
        shops=chosen.shops,
    )
