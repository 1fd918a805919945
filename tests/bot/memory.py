"""Services in memory, for tests of the conversation alone; the real ones are tested end to end."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from app.db.dialogue import ShownMessage, StoredPick, StoredSession, UserSettings
from app.domain import Emphasis, Filters, Hit, OfferHit, SearchResult, SizeSystem, Verdict
from app.errors import DatabaseUnavailable
from app.search import NotEmbedded, SearchExpired
from app.vision.image import decode
from app.words import Reading
from tests.bot.pictures import jpeg

COLOURS = ("red", "green", "blue", "orange", "purple", "teal", "navy", "olive", "maroon", "gray")


def offer(shop: str, price: str | None, number: int = 1, **changes: object) -> OfferHit:
    made = OfferHit(
        offer_id=number,
        shop=shop,
        url=f"https://{shop.lower()}.example/p/{number}?a=1&b=2",
        title=f"Кроссовки {number}",
        price=None if price is None else Decimal(price),
        list_price=None,
        currency="RUB",
        availability="in_stock",
        sizes=(),
        seen_at=datetime.now(UTC) - timedelta(hours=2, minutes=5),
    )
    return replace(made, **changes)


class MemorySearch:
    """Answers every readable picture with the same products, page by page."""

    def __init__(self, folder: Path, products: int = 20) -> None:
        self.hits = [self._hit(folder, number) for number in range(products)]
        self.verdict: Verdict = "similar"
        self.asked: list[tuple[bytes, ...]] = []
        self.said: list[str] = []
        self.before: Callable[[str | None], None] = lambda user_key: None
        self._searches: dict[int, tuple[list[Hit], int]] = {}
        self._lock = threading.Lock()

    def _hit(self, folder: Path, number: int) -> Hit:
        path = folder / f"{number}.jpg"
        if not path.exists():
            path.write_bytes(jpeg(COLOURS[number % len(COLOURS)], (160 + number, 120)))
        offers = tuple(offer(shop, str(8990 + 100 * at), number) for at, shop in
                       enumerate(("Alpha", "Beta", "Gamma")[: number % 3 + 1]))  # fmt: skip
        return Hit(
            product_id=number,
            brand="Nike",
            model=f"Air <Max> {number}",
            colourway="White & Grey",
            gender=None,
            score=0.9 - number / 100,
            verdict="similar",
            image_id=1000 + number,
            image_path=str(path),
            offers=offers,
        )

    def by_photo(
        self,
        pictures: Sequence[bytes],
        filters: Filters | None = None,
        *,
        page_size: int | None = None,
        user_key: str | None = None,
        reading: Reading | None = None,
    ) -> SearchResult:
        self.before(user_key)
        for picture in pictures:
            decode(picture, max_bytes=25_000_000, max_pixels=50_000_000)
        self.asked.append(tuple(pictures))
        return self._store(self.hits, page_size or 8)

    def by_image(
        self,
        image_id: int,
        filters: Filters | None = None,
        *,
        page_size: int | None = None,
        user_key: str | None = None,
        reading: Reading | None = None,
    ) -> SearchResult:
        self.before(user_key)
        others = [hit for hit in self.hits if hit.image_id != image_id]
        if len(others) == len(self.hits):
            raise NotEmbedded("no such picture")
        return self._store(others[::-1], page_size or 8)

    def by_text(
        self,
        text: str,
        filters: Filters | None = None,
        *,
        page_size: int | None = None,
        user_key: str | None = None,
        reading: Reading | None = None,
    ) -> SearchResult:
        self.before(user_key)
        self.said.append(text)
        return self._store(self.hits, page_size or 8)

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
        self.before(user_key)
        self.page(search_id, 0)
        return self._store(self.hits[1:], page_size or 8)

    def stored(self, search_id: int) -> tuple[Filters, Emphasis]:
        self.page(search_id, 0)
        return Filters(), Emphasis()

    def page(self, search_id: int, page: int) -> SearchResult:
        self.before(None)
        if search_id not in self._searches:
            raise SearchExpired("gone")
        hits, size = self._searches[search_id]
        shown = tuple(hits[page * size : (page + 1) * size])
        return SearchResult(
            search_id, "memory", self.verdict, shown, page, len(hits) > (page + 1) * size, "exact"
        )

    def _store(self, hits: Sequence[Hit], page_size: int) -> SearchResult:
        with self._lock:
            search_id = 5_000_000 + len(self._searches)
            self._searches[search_id] = (list(hits), page_size)
        return self.page(search_id, 0)


class MemoryUsers:
    """Language choices; ``away`` plays a database that cannot be reached."""

    def __init__(self) -> None:
        self.languages: dict[int, str | None] = {}
        self.visits = 0
        self.away = False

    def visit(self, user_id: int) -> str | None:
        self.visits += 1
        if self.away:
            raise DatabaseUnavailable("away")
        return self.languages.setdefault(user_id, None)

    def set_language(self, user_id: int, language: str) -> None:
        if self.away:
            raise DatabaseUnavailable("away")
        self.languages[user_id] = language


class MemoryDialogues:
    """Settings, sessions and what messages show."""

    def __init__(self) -> None:
        self.chosen: dict[int, UserSettings] = {}
        self.sessions: dict[tuple[int, int], StoredSession] = {}
        self.messages: dict[tuple[int, int], ShownMessage] = {}
        self.picks: list[tuple[int, StoredPick]] = []

    def settings(self, user_id: int) -> UserSettings:
        return self.chosen.get(user_id, UserSettings())

    def set_settings(self, user_id: int, chosen: UserSettings) -> None:
        self.chosen[user_id] = chosen

    def session(self, chat_id: int, user_id: int) -> StoredSession | None:
        return self.sessions.get((chat_id, user_id))

    def keep_session(self, chat_id: int, user_id: int, session: StoredSession) -> None:
        self.sessions[chat_id, user_id] = session

    def show(
        self, chat_id: int, messages: Sequence[tuple[int, int | None]], search_id: int, page: int
    ) -> None:
        for message_id, image_id in messages:
            self.messages[chat_id, message_id] = ShownMessage(search_id, page, image_id)

    def shown(self, chat_id: int, message_id: int) -> ShownMessage | None:
        return self.messages.get((chat_id, message_id))

    def offer_pick(self, user_id: int, pick: StoredPick) -> int:
        self.picks.append((user_id, pick))
        return len(self.picks)

    def pick(self, user_id: int, pick_id: int) -> StoredPick | None:
        owner, pick = self.picks[pick_id - 1]
        return pick if owner == user_id else None

    def shops(self, limit: int) -> list[str]:
        return ["Alpha", "Beta", "Gamma"][:limit]

    def sizes(self, system: SizeSystem, limit: int) -> list[str]:
        return ["41", "42", "43"][:limit]

    def rates(self, currency: str) -> dict[str, tuple[Decimal, date]]:
        return {}

    def picture_sources(self, image_ids: Sequence[int]) -> dict[int, str]:
        return {}
