"""Picking one shoe of several in a picture."""

from __future__ import annotations

from collections.abc import Mapping

from app.bot.actions import PickShoe
from app.bot.asker import Asker, Asking
from app.bot.callbacks import Action
from app.bot.delivery import looking
from app.bot.desk import Desk
from app.bot.flow import Flow, Press, PressHandler
from app.search import SearchExpired


class Picking(Flow):
    """The numbers under a picture with several shoes; each may be pressed, in any order."""

    def __init__(self, desk: Desk, asker: Asker) -> None:
        self._desk = desk
        self._asker = asker

    def presses(self) -> Mapping[type[Action], PressHandler]:
        """The numbers."""
        return {PickShoe: self.pick}

    async def pick(self, press: Press, action: PickShoe) -> None:
        """The picture is kept by Telegram, where its shoes are by us: a restart loses neither."""
        spot, words = press.spot, press.words
        dialogues = self._desk.services.dialogues
        stored = await self._desk.quickly(lambda: dialogues.pick(press.user_id, action.pick_id))
        if stored is None or action.number > len(stored.boxes):
            raise SearchExpired("the picture to pick from is no longer kept")
        async with looking(press.bot, spot):
            standing = await self._desk.sessions.of(spot.chat_id, press.user_id, words.language)
            asking = Asking(press.bot, spot, words, standing, press.user_id)
            await self._asker.picked(asking, stored, action.number)
