"""Which language to speak with whom."""

from __future__ import annotations

import logging
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Final

from telegram import User

from app.bot.services import UserStore
from app.errors import DatabaseUnavailable
from app.i18n import Catalogue, Language, catalogue, known_language, language_of

LOG = logging.getLogger(__name__)
_REMEMBERED: Final = 20_000
_FRESH_S: Final = 600.0
_PAUSE_S: Final = 5.0


class Languages:
    """The choice made with /language, else the operator's setting, else the client's language.

    Choices are remembered for a while, so that most messages need no query and an outage of the
    database can be told of in the right language. While it is away it is asked only now and then:
    nobody should wait twice for a connection timeout to hear that there is no connection.
    """

    def __init__(
        self,
        users: UserStore,
        in_thread: Callable[[Callable[[], str | None]], Awaitable[str | None]],
        default: Language | None,
    ) -> None:
        self._users = users
        self._in_thread = in_thread
        self._default = default
        self._chosen: OrderedDict[int, tuple[Language | None, float]] = OrderedDict()
        self._away_until = 0.0

    async def of(self, user: User | None) -> Catalogue:
        """The catalogue for a user; never fails."""
        chosen = None if user is None else await self._choice(user.id)
        return catalogue(
            chosen or self._default or language_of(user.language_code if user else None)
        )

    async def choose(self, user_id: int, language: Language) -> None:
        """Remembers the choice; :class:`DatabaseUnavailable` when it cannot be kept."""

        def keep() -> None:
            self._users.set_language(user_id, language)

        await self._in_thread(keep)
        self._remember(user_id, language)

    def forget(self, user_id: int) -> None:
        """Drops what is remembered of a user."""
        self._chosen.pop(user_id, None)

    async def _choice(self, user_id: int) -> Language | None:
        known, asked_at = self._chosen.get(user_id, (None, -_FRESH_S))
        now = time.monotonic()
        if now - asked_at < _FRESH_S or now < self._away_until:
            return known
        try:
            known = known_language(await self._in_thread(lambda: self._users.visit(user_id)))
        except DatabaseUnavailable as error:
            self._away_until = time.monotonic() + _PAUSE_S
            LOG.warning("language choices cannot be read: %s", error)
            return known
        self._remember(user_id, known)
        return known

    def _remember(self, user_id: int, language: Language | None) -> None:
        self._chosen[user_id] = (language, time.monotonic())
        self._chosen.move_to_end(user_id)
        if len(self._chosen) > _REMEMBERED:
            self._chosen.popitem(last=False)
