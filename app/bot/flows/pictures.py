"""A photograph, a picture sent as a file, or an album: the question the bot is for."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Final

from telegram import Message, Update
from telegram.ext import ContextTypes, MessageHandler, filters

from app.bot.albums import Albums
from app.bot.delivery import Delivery, looking
from app.bot.desk import BotApplication, Desk
from app.bot.flow import Flow
from app.bot.flows.addressed import is_addressed
from app.bot.services import SearchService
from app.bot.sources import VIEWS, Source, download, refusal, source
from app.bot.spot import Spot, say
from app.bot.views import Asked
from app.domain import SearchResult
from app.errors import ImageError
from app.vision.image import decode

_REMEMBERED: Final = 4096


class Pictures(Flow):
    """Every message that is no command: searched by if it holds a picture, else refused kindly."""

    def __init__(self, desk: Desk, delivery: Delivery, albums: Albums) -> None:
        self._desk = desk
        self._delivery = delivery
        self._albums = albums
        self._searched: OrderedDict[tuple[int, int], str] = OrderedDict()

    def add_to(self, application: BotApplication) -> None:
        """Registers the handlers."""
        content = ~filters.StatusUpdate.ALL
        new = filters.UpdateType.MESSAGE & content
        edited = filters.UpdateType.EDITED_MESSAGE & content
        application.add_handler(MessageHandler(new, self.asked))
        application.add_handler(MessageHandler(edited, self.edited))

    async def asked(self, update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        """A new message, or the first of an album."""
        if update.message is None:
            return
        messages = await self._albums.gather(update.message)
        if any(is_addressed(message, context.bot) for message in messages):
            await self._answer(messages, update, context)

    async def edited(self, update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        """An edited message: only another picture is another question, not another caption."""
        message = update.edited_message
        if message is None:
            return
        found = source(message)
        before = self._searched.get((message.chat_id, message.message_id))
        if found is not None and before is not None and found.unique_id != before:
            await self._answer([message], update, context)

    async def _answer(
        self, messages: Sequence[Message], update: Update, context: ContextTypes.DEFAULT_TYPE
    ) -> None:
        words = await self._desk.languages.of(update.effective_user)
        spot = Spot.answering(messages[0])
        sources = self._sources(messages)
        if not sources:
            await say(context.bot, spot, words.html(refusal(messages[0])))
            return
        user = update.effective_user
        async with looking(context.bot, spot):
            async with self._desk.downloads:
                pictures = await download(context.bot, sources)
                result, unread = await self._search(pictures, f"tg:{user.id}" if user else None)
            if unread:
                await say(context.bot, spot, words.html("result.unread", count=unread))
            await self._delivery.show(context.bot, spot, words, result, Asked())

    async def _search(
        self, pictures: Sequence[bytes], user_key: str | None
    ) -> tuple[SearchResult, int]:
        """The result, and how many pictures of an album had to be left out."""

        def search(service: SearchService, views: Sequence[bytes]) -> SearchResult:
            size = self._desk.page_size
            return service.by_photo(views, page_size=size, user_key=user_key)

        try:
            return await self._desk.search(lambda service: search(service, pictures)), 0
        except ImageError:
            # One damaged picture should not spoil an album.
            usable = await self._desk.prepare(lambda: self._readable(pictures))
            if not usable:
                raise
        result = await self._desk.search(lambda service: search(service, usable))
        return result, len(pictures) - len(usable)

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

    def _sources(self, messages: Sequence[Message]) -> list[Source]:
        found = []
        for message in messages:
            picture = source(message)
            # A mention in answer to somebody's picture asks about that picture.
            if picture is None and message.text and message.reply_to_message is not None:
                picture = source(message.reply_to_message)
            if picture is not None:
                self._remember(message, picture)
                found.append(picture)
        return found[:VIEWS]

    def _remember(self, message: Message, picture: Source) -> None:
        self._searched[message.chat_id, message.message_id] = picture.unique_id
        if len(self._searched) > _REMEMBERED:
            self._searched.popitem(last=False)
