"""Puts questions to the search and their answers into the chat."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from telegram import Bot, InputFile

from app.bot import keyboards, views
from app.bot.actions import PickShoe
from app.bot.callbacks import Place
from app.bot.crops import cut, numbered
from app.bot.delivery import Delivery
from app.bot.desk import Desk
from app.bot.relative import relative_to
from app.bot.services import LinkRefused, SearchService
from app.bot.sessions import Standing
from app.bot.sources import Source, download
from app.bot.spot import Spot, say
from app.bot.views import Asked
from app.db.dialogue import ShownMessage, StoredPick
from app.domain import Filters, SearchResult
from app.errors import ImageError
from app.i18n import Catalogue, Html
from app.search import SearchExpired
from app.vision.image import decode
from app.words import Reading, read

MOST_SHOES: Final = 6
_AND_WHAT_OF: Final = re.compile(r"(а|и|and|what about|how about|or)\b.*\?", re.IGNORECASE)
_NEVER_ALONE: Final = frozenset({"same", "in_stock", "discounted", "newer"})
"""Changes that may also be said of what is asked for: they refer back only with others."""


@dataclass(frozen=True, slots=True)
class Asking:
    """Who asks, where, and where they stand."""

    bot: Bot
    spot: Spot
    words: Catalogue
    standing: Standing
    user_id: int

    @property
    def user_key(self) -> str:
        """The user as stored with searches."""
        return f"tg:{self.user_id}"


class Asker:
    """Every way of asking ends here."""

    def __init__(self, desk: Desk, delivery: Delivery) -> None:
        self._desk = desk
        self._delivery = delivery

    async def photographs(self, asking: Asking, sources: Sequence[Source], caption: str) -> None:
        """A photograph or an album of one shoe; words beside it change what is looked for."""
        async with self._desk.downloads:
            pictures = await download(asking.bot, sources)
            if len(pictures) == 1 and await self._offers_pick(asking, sources[0], pictures[0],
                                                              caption):  # fmt: skip
                return
            result, unread = await self._by_photo(asking, pictures, caption)
        if unread:
            await say(asking.bot, asking.spot, asking.words.html("result.unread", count=unread))
        await self._seen(asking, result, caption)

    async def link(self, asking: Asking, url: str, words: str) -> None:
        """A product page: its picture is the question."""
        reader = self._desk.services.links
        if reader is None:
            await say(asking.bot, asking.spot, asking.words.html("link.off"))
            return
        try:
            found = await self._desk.fetch(lambda: reader(url))
        except LinkRefused as refused:
            key = f"link.{refused.code}"
            known = key if key in asking.words.messages else "link.unreachable"
            await say(asking.bot, asking.spot, asking.words.html(known))
            return
        try:
            result, _ = await self._by_photo(asking, [found.data], words)
        except ImageError:
            await say(asking.bot, asking.spot, asking.words.html("link.no_picture"))
            return
        title = views.shortened(found.title) if found.title else ""
        note = asking.words.html("link.title", title=title) if title else Html()
        await self._seen(asking, result, words, note)

    async def words(self, asking: Asking, text: str, reading: Reading) -> None:
        """Words alone."""
        if not reading.understood and not reading.rest:
            await say(asking.bot, asking.spot, asking.words.html("ask.hello"))
            return
        result = await self._search(
            lambda service, options: service.by_text(
                text, _limits(asking, reading), reading=reading, **options
            ),
            asking,
        )
        note = views.notes(asking.words, result, " ".join(result.strange))
        asked = Asked(kind="words")
        await self._answer(asking, result, asked=asked, note=note)

    async def like(self, asking: Asking, image_id: int) -> None:
        """More like a result that was posted somewhere."""
        result = await self._search(
            lambda service, options: service.by_image(image_id, asking.standing.filters, **options),
            asking,
        )
        await self._answer(asking, result, asked=Asked(kind="alike"))

    async def picked(self, asking: Asking, pick: StoredPick, number: int) -> None:
        """The shoe the user picked of several in a picture; 0: the picture as it is."""
        source = Source(pick.file_id, pick.file_id, 0)
        async with self._desk.downloads:
            (picture,) = await download(asking.bot, [source])
            if number:
                box = pick.boxes[number - 1]
                picture = await self._desk.prepare(lambda: cut(picture, box, self._desk.settings))
            result, _ = await self._by_photo(asking, [picture], pick.words or "")
        await self._seen(asking, result, pick.words or "")

    async def change(self, asking: Asking, shown: ShownMessage, reading: Reading) -> None:
        """Words in answer to results, or to one of them, change that search."""
        if not reading.understood and not reading.rest:
            await say(asking.bot, asking.spot, asking.words.html("ask.change_what"))
            return
        image_id = shown.image_id

        def ask(service: SearchService, options: Any) -> SearchResult:
            if image_id is None:
                return service.again(
                    shown.search_id, _counted(service, shown.search_id, asking, reading),
                    reading=reading, **options,
                )  # fmt: skip
            page = service.page(shown.search_id, shown.page)
            hit = next((hit for hit in page.hits if hit.image_id == image_id), None)
            if hit is None:
                raise SearchExpired("the result is not among these any more")
            filters, rest = relative_to(hit, reading, asking.standing)
            return service.by_image(image_id, filters, reading=rest, **options)

        result = await self._search(ask, asking)
        place = Place(shown.search_id, shown.page)
        note = views.notes(asking.words, result, _unknown(reading, result))
        asked = Asked(origin=place, kind="refined")
        await self._answer(asking, result, asked=asked, note=note)

    async def change_last(self, asking: Asking, reading: Reading) -> None:
        """Words that only make sense about something: about the search the user looks at."""
        search_id = asking.standing.search_id
        if search_id is None:
            await say(asking.bot, asking.spot, asking.words.html("ask.of_what"))
            return
        await self.change(asking, ShownMessage(search_id, 0, None), reading)

    def goes_on(self, text: str, reading: Reading) -> bool:
        """Whether words refer to what was found before («дешевле», «а чёрные?»)."""
        if _AND_WHAT_OF.fullmatch(text.strip()):
            return True
        relative = set(reading.changes) - _NEVER_ALONE
        named = (reading.brands, reading.models, reading.types, reading.rest)
        return bool(relative or "same" in reading.changes) and not any(named)

    async def _offers_pick(
        self, asking: Asking, source: Source, picture: bytes, caption: str
    ) -> bool:
        """Asks which shoe is meant where a picture shows several; False where it does not."""
        finder = self._desk.services.shoes
        if finder is None:
            return False
        try:
            boxes = list(await self._desk.prepare(lambda: finder(picture)))[:MOST_SHOES]
        except ImageError:
            return False  # the search will say what is wrong with it
        if len(boxes) < 2:
            return False
        pick = StoredPick(source.file_id, tuple(boxes), caption or None)
        dialogues = self._desk.services.dialogues
        pick_id = await self._desk.quickly(lambda: dialogues.offer_pick(asking.user_id, pick))
        marked = await self._desk.prepare(lambda: numbered(picture, boxes, self._desk.settings))
        numbers = [
            keyboards.key(str(number), PickShoe(pick_id, number))
            for number in range(1, len(boxes) + 1)
        ]
        whole = keyboards.key(asking.words.text("button.whole"), PickShoe(pick_id, 0))
        await asking.bot.send_photo(
            asking.spot.chat_id,
            InputFile(marked, "shoes.jpg", attach=False),
            caption=asking.words.html("pick.ask", count=len(boxes)),
            reply_markup=keyboards.markup([*keyboards.even_rows(numbers, 6), [whole]]),
            message_thread_id=asking.spot.thread_id,
            reply_parameters=asking.spot.reply,
        )
        return True

    async def _by_photo(
        self, asking: Asking, pictures: Sequence[bytes], caption: str
    ) -> tuple[SearchResult, int]:
        """The result, and how many pictures of an album had to be left out."""
        reading = read(caption) if caption else None
        if reading is not None and not reading.understood:
            reading = None  # "what is this?" must not pull the search anywhere
        filters = asking.standing.filters if reading is None else _limits(asking, reading)

        def ask(views_: Sequence[bytes]) -> Callable[[SearchService, Any], SearchResult]:
            return lambda service, options: service.by_photo(
                views_, filters, reading=reading, **options
            )

        try:
            return await self._search(ask(pictures), asking), 0
        except ImageError:
            # One damaged picture should not spoil an album.
            usable = await self._desk.prepare(lambda: self._readable(pictures))
            if not usable:
                raise
        return await self._search(ask(usable), asking), len(pictures) - len(usable)

    async def _seen(
        self, asking: Asking, result: SearchResult, caption: str, note: Html | None = None
    ) -> None:
        """Answers a picture and what was said beside it."""
        reading = read(caption) if caption else None
        notes = [note] if note else []
        changed = False
        if reading is not None:
            changed = reading.understood
            if reading.understood:
                notes.append(views.notes(asking.words, result, _unknown(reading, result)))
            elif reading.rest:
                said = views.shortened(caption)
                notes.append(asking.words.html("undone.caption", what=said))
        text = Html("\n".join(line for line in notes if line))
        await self._answer(asking, result, note=text, changed=changed)

    async def _answer(self, asking: Asking, result: SearchResult, **how: Any) -> None:
        await self._delivery.answer(
            asking.bot, asking.spot, asking.words, result, asking.standing, **how
        )
        await self._desk.sessions.looked_at(asking.spot.chat_id, asking.user_id, result)

    async def _search(
        self, ask: Callable[[SearchService, Any], SearchResult], asking: Asking
    ) -> SearchResult:
        options = {"page_size": self._desk.page_size, "user_key": asking.user_key}
        return await self._desk.search(lambda service: ask(service, options))

    def _readable(self, pictures: Sequence[bytes]) -> list[bytes]:
        if len(pictures) == 1:
            return []
        return [picture for picture in pictures if self._is_readable(picture)]

    def _is_readable(self, picture: bytes) -> bool:
        limits = self._desk.settings
        try:
            decode(picture, max_bytes=limits.max_image_bytes, max_pixels=limits.max_image_pixels)
        except ImageError:
            return False
        return True


def _limits(asking: Asking, reading: Reading) -> Filters:
    """The session's filters; a price without a currency is meant in the reader's."""
    filters = asking.standing.filters
    priced = reading.price_min is not None or reading.price_max is not None
    relative = {"cheaper", "dearer"} & set(reading.changes)
    money = asking.standing.money
    if filters.currency is None and money is not None and (priced or (relative and money.rates)):
        filters = replace(filters, currency=money.currency)
    return filters


def _counted(
    service: SearchService, search_id: int, asking: Asking, reading: Reading
) -> Filters | None:
    """The stored search's filters, in whose currency what is read is reckoned."""
    filters, _ = service.stored(search_id)
    own = _limits(replace(asking, standing=replace(asking.standing, filters=filters)), reading)
    return own if own != filters else None


def _unknown(reading: Reading, result: SearchResult) -> str:
    """The words that nothing knows, where others were understood or found."""
    strange = " ".join(result.strange)
    return strange if reading.understood or strange != reading.rest else ""
