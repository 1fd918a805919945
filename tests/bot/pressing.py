"""Buttons that tests press without opening what they stand on."""

from __future__ import annotations

from app.bot.actions import OpenHit
from app.bot.callbacks import MoreLike, decode, encode
from app.web.client import BotMessage, Chat


async def press_like(chat: Chat, listing: BotMessage, number: int) -> None:
    """Presses "more like this" of a result, as its card has it."""
    action = decode(listing.button(str(number)).data or "")
    assert isinstance(action, OpenHit)
    origin = action.origin or action.place
    await chat.press_data(listing, encode(MoreLike(action.image_id, number, origin)))
