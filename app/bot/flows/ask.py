"""Asking: photographs, files, albums, words, links, and answers to results. Takes every message
that no other flow took; what cannot be asked with is refused kindly."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Final

from telegram import Message, Update
from telegram.ext import ContextTypes, MessageHandler, filters

from app.bot.albums import Albums
from app.bot.asker import Asker, Asking
from app.bot.delivery import looking
from app.bot.desk import BotApplication, Desk
from app.bot.flow import Flow
from app.bot.flows.addressed import is_addressed
from app.bot.questions import Question, question
from app.bot.sources import refusal
from app.bot.spot import Spot, say
from app.words import read

_REMEMBERED: Final = 4096


class Asks(Flow):
    """Every message that is no command."""

    def __init__(self, desk: Desk, asker: Asker, albums: Albums) -> None:
        self._desk = desk
        self._asker = asker
        self._albums = albums
        self._asked: OrderedDict[tuple[int, int], tuple[object, str]] = OrderedDict()

    def add_to(self, application: BotApplication) -> None:
        """Registers the handlers."""
        # What a user posted out of an inline answer of ours asks nothing.
        content = ~filters.StatusUpdate.ALL & ~filters.VIA_BOT
        new = filters.UpdateType.MESSAGE & content
        edited = filters.UpdateType.EDITED_MESSAGE & content & ~filters.COMMAND
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
        """An edited message is another question when its picture or its words are others."""
        message = update.edited_message
        if message is None:
            return
        before = self._asked.get((message.chat_id, message.message_id))
        if before is not None and _content(question([message], context.bot)) != before:
            await self._answer([message], update, context)

    async def _answer(
        self, messages: Sequence[Message], update: Update, context: ContextTypes.DEFAULT_TYPE
    ) -> None:
        words = await self._desk.languages.of(update.effective_user)
        spot = Spot.answering(messages[0])
        asked = question(messages, context.bot)
        self._remember(messages[0], asked)
        if not asked.sources and not asked.words and asked.link is None:
            await say(context.bot, spot, words.html(refusal(messages[0])))
            return
        user = update.effective_user
        user_id = user.id if user else messages[0].chat_id
        async with looking(context.bot, spot):
            standing = await self._desk.sessions.of(spot.chat_id, user_id, words.language)
            asking = Asking(context.bot, spot, words, standing, user_id)
            if asked.sources:
                await self._asker.photographs(asking, asked.sources, asked.words)
            elif asked.link is not None:
                await self._asker.link(asking, asked.link, asked.words)
            else:
                await self._words(asking, asked)

    async def _words(self, asking: Asking, asked: Question) -> None:
        """Words alone: about a result they answer, the search looked at, or a new question."""
        reading = read(asked.words)
        shown = None
        if asked.about is not None:
            shown = await self._desk.sessions.shown(asking.spot.chat_id, asked.about)
        if shown is not None:
            await self._asker.change(asking, shown, reading)
        elif self._asker.goes_on(asked.words, reading):
            await self._asker.change_last(asking, reading)
        else:
            await self._asker.words(asking, asked.words, reading)

    def _remember(self, message: Message, asked: Question) -> None:
        self._asked[message.chat_id, message.message_id] = _content(asked)
        if len(self._asked) > _REMEMBERED:
            self._asked.popitem(last=False)


def _content(asked: Question) -> tuple[object, str]:
    pictures = tuple(source.unique_id for source in asked.sources)
    return pictures, f"{asked.link or ''} {asked.words}"
