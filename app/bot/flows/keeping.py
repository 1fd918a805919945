"""What flows of commands share."""

from __future__ import annotations

from telegram import Message, Update


def asked(update: Update) -> tuple[Message, int]:
    """The message of a command and who wrote it."""
    if update.message is None or update.message.from_user is None:
        raise ValueError("the filters let only new messages of people through")
    return update.message, update.message.from_user.id
