"""What flows about kept things share: the message of a command, a list rewritten in place."""

from __future__ import annotations

import logging

from telegram import InlineKeyboardMarkup, Message, Update
from telegram.error import BadRequest

from app.bot.flow import Press
from app.bot.spot import say
from app.i18n import Html

LOG = logging.getLogger(__name__)


def asked(update: Update) -> tuple[Message, int]:
    """The message of a command and who wrote it."""
    if update.message is None or update.message.from_user is None:
        raise ValueError("the filters let only new messages of people through")
    return update.message, update.message.from_user.id


async def rewrite(press: Press, text: Html, keyboard: InlineKeyboardMarkup | None) -> None:
    """Puts ``text`` in place of the message the button stands under, or below it."""
    try:
        await press.query.edit_message_text(text, reply_markup=keyboard)
    except BadRequest as error:
        if "not modified" in error.message.lower():
            return
        LOG.info("a list is sent anew: %s", error.message)
        await say(press.bot, press.spot, text, keyboard)
