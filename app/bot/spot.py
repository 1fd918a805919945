"""Where an answer goes."""

from __future__ import annotations

from dataclasses import dataclass

from telegram import Bot, InlineKeyboardMarkup, Message, ReplyParameters

from app.i18n import Html


@dataclass(frozen=True, slots=True)
class Spot:
    """Where an answer goes: the chat, its topic, and the message it answers."""

    chat_id: int
    thread_id: int | None = None
    reply_to: int | None = None

    @classmethod
    def answering(cls, message: Message) -> Spot:
        """The spot below ``message``."""
        return cls(message.chat_id, _thread(message), message.message_id)

    @classmethod
    def beside(cls, message: Message) -> Spot:
        """The chat and topic of ``message``, not answering it."""
        return cls(message.chat_id, _thread(message))

    @property
    def reply(self) -> ReplyParameters | None:
        """For Telegram; an answer arrives even if the question was deleted meanwhile."""
        if self.reply_to is None:
            return None
        return ReplyParameters(self.reply_to, allow_sending_without_reply=True)


def _thread(message: Message) -> int | None:
    return message.message_thread_id if message.is_topic_message else None


async def say(
    bot: Bot, spot: Spot, text: Html, keyboard: InlineKeyboardMarkup | None = None
) -> Message:
    """Sends one message of words."""
    return await bot.send_message(
        spot.chat_id,
        text,
        reply_markup=keyboard,
        message_thread_id=spot.thread_id,
        reply_parameters=spot.reply,
    )
