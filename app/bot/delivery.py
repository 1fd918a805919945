"""Sends a page of results: an album of pictures, then the numbered list with the buttons."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from telegram import Bot, InputMediaPhoto, Message
from telegram.constants import ChatAction
from telegram.error import BadRequest, TelegramError

from app.bot import keyboards, views
from app.bot.chips import chips
from app.bot.desk import Desk
from app.bot.flow import ResultAction
from app.bot.money import Money
from app.bot.sessions import Standing
from app.bot.spot import Spot, say
from app.bot.uploads import FileIds, Uploads
from app.bot.views import Asked
from app.domain import Hit, SearchResult
from app.i18n import Catalogue, Html

LOG = logging.getLogger(__name__)
_ACTION_EVERY_S: Final = 4.5  # Telegram shows an action for five seconds


@dataclass(frozen=True, slots=True)
class _Picture:
    hit: Hit
    caption: Html
    file_id: str | None
    data: bytes | None


class Delivery:
    """Shows results in a chat."""

    def __init__(self, desk: Desk, uploads: Uploads) -> None:
        self._desk = desk
        self._uploads = uploads
        self._file_ids = FileIds()
        self.result_actions: Sequence[ResultAction] = ()
        """What the flows offer on the card of a result, in their order."""

    async def answer(
        self,
        bot: Bot,
        spot: Spot,
        words: Catalogue,
        result: SearchResult,
        standing: Standing,
        *,
        asked: Asked | None = None,
        note: Html | None = None,
        changed: bool = False,
    ) -> None:
        """Answers a question: what is seen and found in one message, then the results; where
        nothing is close, only that, and the nearest on request.

        Args:
            asked: None: by a picture, whose summary comes first.
            note: what was not understood or not done.
            changed: words asked for another shoe than the picture's.
        """
        extra = note or Html()
        if not result.hits or (result.verdict == "none" and asked is None):
            await self._nothing(bot, spot, words, result, extra)
            return
        if asked is not None:
            await self.show(bot, spot, words, result, asked, standing.money, extra)
            return
        text = views.summary(words, result, standing.money, changed=changed)
        await say(bot, spot, Html("\n".join(part for part in (text, extra) if part)))
        below = Spot(spot.chat_id, spot.thread_id)
        await self.show(bot, below, words, result, Asked(), standing.money)

    async def _nothing(
        self, bot: Bot, spot: Spot, words: Catalogue, result: SearchResult, note: Html
    ) -> None:
        limited = bool(chips(words, result.filters))
        if result.hits:
            text = views.summary(words, result)
        elif limited:
            text = words.html("result.limited")
            if result.attributes is not None and result.attributes.shoe:
                text = Html(f"{views.seen(words, result.attributes)}\n{text}")
        else:
            text = words.html("result.empty")
        lines = (text, views.limits(words, result) if limited else "", note)
        keyboard = keyboards.nearest_keyboard(words, result) if limited or result.hits else None
        message = await say(bot, spot, Html("\n".join(line for line in lines if line)), keyboard)
        await self._desk.sessions.show(spot.chat_id, [(message.message_id, None)], result)

    async def show(
        self,
        bot: Bot,
        spot: Spot,
        words: Catalogue,
        result: SearchResult,
        asked: Asked,
        money: Money | None = None,
        note: Html | None = None,
    ) -> None:
        """Sends the page's album and the list below it, or says that there is nothing on it."""
        if not result.hits:
            photo = result.page == 0 and asked.origin is None
            await say(bot, spot, words.html("result.empty" if photo else "result.no_more"))
            return
        start = time.perf_counter()
        now = datetime.now(UTC)
        captions = [
            (hit, views.caption(words, hit, number, now, money))
            for number, hit in enumerate(result.hits, start=1)
        ][: views.ALBUM_LIMIT]
        text = views.listing(words, result, asked, now, money, note or Html())
        keyboard = keyboards.results_keyboard(words, result, asked)
        pictures = await self._pictures(captions, uploads=False)
        rendered = time.perf_counter()
        sent = await self._send_album(bot, spot, captions, pictures)
        listed = await bot.send_message(
            spot.chat_id,
            text,
            reply_markup=keyboard,
            message_thread_id=spot.thread_id,
            reply_parameters=None if sent else spot.reply,
        )
        _log_times(result, rendered - start, time.perf_counter() - rendered)
        await self._desk.sessions.show(spot.chat_id, [*sent, (listed.message_id, None)], result)

    async def _send_album(
        self,
        bot: Bot,
        spot: Spot,
        captions: Sequence[tuple[Hit, Html]],
        pictures: Sequence[_Picture],
    ) -> list[tuple[int, int]]:
        """(message id, image id) of each picture that was sent."""
        if not pictures:
            return []
        try:
            return await self._send_pictures(bot, spot, pictures)
        except BadRequest as error:
            if all(picture.file_id is None for picture in pictures):
                # The list below still names and links everything.
                LOG.warning("Telegram refused the album: %s", error.message)
                return []
            LOG.info("Telegram forgot a picture it had (%s), uploading anew", error.message)
            for picture in pictures:
                self._file_ids.forget(picture.hit.image_id)
            anew = await self._pictures(captions, uploads=True)
            return await self._send_album(bot, spot, captions, anew)

    async def _pictures(
        self, captions: Sequence[tuple[Hit, Html]], *, uploads: bool
    ) -> list[_Picture]:
        pictures = []
        for hit, caption in captions:
            file_id = None if uploads else self._file_ids.get(hit.image_id)
            pictures.append(_Picture(hit, caption, file_id, None))
        paths = [picture.hit.image_path for picture in pictures if picture.file_id is None]
        if not paths:
            return pictures
        data = await self._desk.prepare(lambda: {path: self._uploads.read(path) for path in paths})
        loaded = [
            _Picture(p.hit, p.caption, p.file_id, None if p.file_id else data[p.hit.image_path])
            for p in pictures
        ]
        return [picture for picture in loaded if picture.file_id or picture.data]

    async def _send_pictures(
        self, bot: Bot, spot: Spot, pictures: Sequence[_Picture]
    ) -> list[tuple[int, int]]:
        media = [picture.file_id or picture.data or b"" for picture in pictures]
        if len(media) == 1:
            message = await bot.send_photo(
                spot.chat_id,
                media[0],
                caption=pictures[0].caption,
                message_thread_id=spot.thread_id,
                reply_parameters=spot.reply,
            )
            sent: Sequence[Message] = [message]
        else:
            sent = await bot.send_media_group(
                spot.chat_id,
                [
                    InputMediaPhoto(item, caption=picture.caption)
                    for item, picture in zip(media, pictures, strict=True)
                ],
                message_thread_id=spot.thread_id,
                reply_parameters=spot.reply,
            )
        for picture, message in zip(pictures, sent, strict=False):
            if message.photo:
                self._file_ids.remember(picture.hit.image_id, message.photo[-1].file_id)
        return [
            (message.message_id, picture.hit.image_id)
            for picture, message in zip(pictures, sent, strict=False)
        ]


def _log_times(result: SearchResult, render_s: float, send_s: float) -> None:
    times = result.timings
    LOG.info(
        "%d products, page %d, %s: decode %.1f encode %.1f sql %.1f render %.1f send %.1f ms",
        len(result.hits),
        result.page,
        result.method,
        times.decode,
        times.encode,
        times.sql,
        render_s * 1000,
        send_s * 1000,
    )


@asynccontextmanager
async def looking(bot: Bot, spot: Spot) -> AsyncIterator[None]:
    """Shows "sending a photo..." in the chat while the body runs."""
    task = asyncio.create_task(_keep_looking(bot, spot))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _keep_looking(bot: Bot, spot: Spot) -> None:
    while True:
        try:
            await bot.send_chat_action(
                spot.chat_id, ChatAction.UPLOAD_PHOTO, message_thread_id=spot.thread_id
            )
        except TelegramError as error:
            # Only an ornament: whatever is wrong, the answer itself will meet it too.
            LOG.debug("chat action not shown: %s", error)
            return
        await asyncio.sleep(_ACTION_EVERY_S)
