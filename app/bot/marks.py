"""The newest message ids the bot knows: what an interrupted send is settled by.

In private chats Telegram counts all messages of a bot, sent and received, with one counter, so an
id above every id known before a send is that send's or younger.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, Final

from telegram import Update

_REMEMBERED: Final = 50_000


class Marks:
    """Newest ids by private chat, and over all of them; chats where a send ended in the dark."""

    def __init__(self) -> None:
        self.newest = 0
        """The newest id seen in any private chat by this process."""
        self._by_chat: OrderedDict[int, int] = OrderedDict()
        self._doubtful: set[int] = set()

    def of(self, chat_id: int) -> int | None:
        """The newest id of a chat; None where none was seen, or a send ended in the dark."""
        return None if chat_id in self._doubtful else self._by_chat.get(chat_id)

    def is_doubtful(self, chat_id: int) -> bool:
        """Whether a message of the bot's with an unknown id may be in the chat."""
        return chat_id in self._doubtful

    def doubt(self, chat_id: int) -> None:
        """A message may have been delivered whose id is not known; the next one clears it up."""
        if chat_id > 0:
            self._doubtful.add(chat_id)

    def sent(self, chat_id: int, result: Any) -> None:
        """Notes what a send returned: a message or the messages of an album, as JSON."""
        if self.recalled(chat_id, result):
            self._doubtful.discard(chat_id)

    def recalled(self, chat_id: int, result: Any) -> bool:
        """Notes what a send of an earlier process returned: others may have followed it.

        Returns whether it holds a message at all."""
        found = False
        for message in result if isinstance(result, list) else [result]:
            if isinstance(message, dict) and isinstance(message.get("message_id"), int):
                self._note(chat_id, message["message_id"])
                found = True
        return found

    def received(self, update: Update) -> None:
        """Notes the message of an update."""
        message = update.message
        if message is not None:
            self._note(message.chat_id, message.message_id)

    def _note(self, chat_id: int, message_id: int) -> None:
        if chat_id <= 0:
            return  # groups count for themselves
        self.newest = max(self.newest, message_id)
        self._by_chat[chat_id] = max(self._by_chat.get(chat_id, 0), message_id)
        self._by_chat.move_to_end(chat_id)
        if len(self._by_chat) > _REMEMBERED:
            self._by_chat.popitem(last=False)
