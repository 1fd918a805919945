"""«То, что искал» and «мимо» under a result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from app.bot.callbacks import Action, button
from app.bot.desk import Desk
from app.bot.flow import Flow, Key, Press, ResultAction, Shown, Toast, ToastHandler
from app.db.bot import BotStore
from app.i18n import Catalogue


@button("fb")
@dataclass(frozen=True)
class Judge(Action):
    """Says that a result is what was looked for (``r``), or is not (``w``)."""

    verdict: Literal["r", "w"]
    search_id: int
    image_id: int
    rank: int


class Feedback(Flow):
    """The flow."""

    def __init__(self, desk: Desk, store: BotStore) -> None:
        self._desk = desk
        self._store = store.privacy

    def toasts(self) -> Mapping[type[Action], ToastHandler]:
        """The two buttons."""
        return {Judge: self.judge}

    def result_actions(self) -> Sequence[ResultAction]:
        """Right and wrong."""
        return [self._key("r"), self._key("w")]

    def _key(self, verdict: Literal["r", "w"]) -> ResultAction:
        def make(words: Catalogue, shown: Shown) -> Key:
            rank = shown.place.page * self._desk.page_size + shown.number
            label = words.text("feedback.right" if verdict == "r" else "feedback.wrong")
            return label, Judge(verdict, shown.place.search_id, shown.hit.image_id, rank)

        return make

    async def judge(self, press: Press, action: Judge) -> Toast:
        """Notes it; a second word on the same result replaces the first."""
        user_id = press.user_id
        verdict: Literal["right", "wrong"] = "right" if action.verdict == "r" else "wrong"
        noted = await self._desk.quickly(
            lambda: self._store.feedback(
                user_id, action.search_id, action.image_id, max(1, action.rank), verdict
            )
        )
        if not noted:
            return Toast(press.words.text("button.expired"), alert=True)
        return Toast(press.words.text(f"feedback.noted_{verdict}"))
