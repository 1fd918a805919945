"""In groups the bot answers only when it is spoken to."""

from __future__ import annotations

from telegram import Bot, Message, MessageEntity
from telegram.constants import ChatType


def is_private(message: Message) -> bool:
    """Whether only one user and the bot are in the chat."""
    return message.chat.type == ChatType.PRIVATE


def is_addressed(message: Message, bot: Bot) -> bool:
    """Whether a message is meant for the bot: private, a mention of it, or a reply to it."""
    if is_private(message):
        return True
    answered = message.reply_to_message
    if answered is not None and answered.from_user is not None and answered.from_user.id == bot.id:
        return True
    mentions = {
        **message.parse_entities([MessageEntity.MENTION]),
        **message.parse_caption_entities([MessageEntity.MENTION]),
    }
    own = f"@{bot.username}".casefold()
    return any(mention.casefold() == own for mention in mentions.values())
