"""Inline queries: «@bot белые кеды» in any chat, answered with results anyone there can open."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from telegram import (
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InlineQuery,
    InlineQueryResultArticle,
    InlineQueryResultsButton,
    InputTextMessageContent,
    LinkPreviewOptions,
    Update,
)
from telegram.error import BadRequest
from telegram.ext import ContextTypes, InlineQueryHandler

from app.bot import views
from app.bot.desk import BotApplication, Desk, SearchTooSlow
from app.bot.flow import Flow
from app.bot.money import Money
from app.bot.sessions import Standing
from app.domain import Hit, SearchResult
from app.errors import BadInput, DatabaseUnavailable
from app.i18n import Catalogue
from app.search import SearchExpired
from app.words import read

LOG = logging.getLogger(__name__)
_PAGE: Final = 10
_CACHE_S: Final = 300
_NOTHING_S: Final = 10
_OFFSET: Final = re.compile(r"(\d{1,18}):(\d{1,4})")
START: Final = "inline"
"""What /start gets from the button above the answers."""


class Inline(Flow):
    """Words only: Telegram sends no pictures in inline queries."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def add_to(self, application: BotApplication) -> None:
        """Registers the handler."""
        application.add_handler(InlineQueryHandler(self.asked))

    async def asked(self, update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        """Answers every query, with nothing where nothing can be found now."""
        query = update.inline_query
        if query is None:
            return
        words = await self._desk.languages.of(query.from_user)
        asked = " ".join(query.query.split())
        if not any(char.isalnum() for char in asked):
            await self._answer(query, (), words.text("inline.hint"), _NOTHING_S)
            return
        try:
            standing = await self._desk.sessions.of(
                query.from_user.id, query.from_user.id, words.language
            )
            result = await self._search(query, asked, standing)
        except (SearchExpired, BadInput):
            await self._answer(query, (), words.text("inline.nothing"), _NOTHING_S)
            return
        except (DatabaseUnavailable, SearchTooSlow) as error:
            LOG.info("inline query not answered with results: %s", error)
            await self._answer(query, (), words.text("inline.later"), 0)
            return
        images = [hit.image_id for hit in result.hits]
        dialogues = self._desk.services.dialogues
        sources = await self._desk.quickly(lambda: dialogues.picture_sources(images))
        now = datetime.now(UTC)
        name = context.bot.username
        results = [
            article(words, hit, sources.get(hit.image_id), name, now, standing.money)
            for hit in result.hits
        ]
        following = f"{result.search_id}:{result.page + 1}" if result.has_next else ""
        label = words.text("inline.open" if results else "inline.nothing")
        await self._answer(query, results, label, _CACHE_S, following)

    async def _search(self, query: InlineQuery, asked: str, standing: Standing) -> SearchResult:
        further = _OFFSET.fullmatch(query.offset)
        if further:
            search_id, page = map(int, further.groups())
            return await self._desk.search(lambda service: service.page(search_id, page))
        return await self._desk.search(
            lambda service: service.by_text(
                asked,
                standing.filters,
                reading=read(asked),
                page_size=_PAGE,
                user_key=f"tg:{query.from_user.id}",
            )
        )

    async def _answer(
        self,
        query: InlineQuery,
        results: Sequence[InlineQueryResultArticle],
        label: str,
        cache_s: int,
        next_offset: str = "",
    ) -> None:
        try:
            await query.answer(
                results,
                cache_time=cache_s,
                is_personal=True,  # language, currency and settings are the user's own
                next_offset=next_offset or None,
                button=InlineQueryResultsButton(label, start_parameter=START),
            )
        except BadRequest as error:
            # Typed on: Telegram has forgotten the query, its user the wish.
            LOG.info("inline query not answered: %s", error.message)


def article(
    words: Catalogue,
    hit: Hit,
    picture: str | None,
    bot_name: str,
    now: datetime,
    money: Money | None,
) -> InlineQueryResultArticle:
    """A result as Telegram lists it, and the message it becomes in the chat."""
    lead = hit.offers[0] if hit.offers else None
    said = [words.text("hit.no_offers")] if lead is None else [views.amount(words, lead, money)]
    if lead is not None:
        said += [lead.shop, words.text("hit.seen", ago=words.ago(lead.seen_at, now))]
    keys = []
    if lead is not None and lead.url and views.linkable(lead.url):
        keys.append(InlineKeyboardButton(words.text("inline.shop"), url=lead.url))
    like = f"https://t.me/{bot_name}?start=like_{hit.image_id}"
    keys.append(InlineKeyboardButton(words.text("inline.more"), url=like))
    return InlineQueryResultArticle(
        id=f"{hit.product_id}-{hit.image_id}",
        title=views.name(words, hit),
        description=" · ".join(said),
        thumbnail_url=picture,
        input_message_content=InputTextMessageContent(
            views.posted(words, hit, now, money),
            # The picture of the shoe above the words, where it is on the web.
            link_preview_options=LinkPreviewOptions(url=picture, show_above_text=True)
            if picture
            else LinkPreviewOptions(is_disabled=True),
        ),
        reply_markup=InlineKeyboardMarkup([keys]),
    )
