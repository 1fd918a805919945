"""Pages of results and "more like this"."""

from __future__ import annotations

from collections.abc import Mapping

from app.bot.callbacks import Action, MoreLike, ShowPage
from app.bot.delivery import Delivery, looking
from app.bot.desk import Desk
from app.bot.flow import Flow, Press, PressHandler
from app.bot.views import Asked


class Results(Flow):
    """Shows what was asked for by the buttons under a list of results."""

    def __init__(self, desk: Desk, delivery: Delivery) -> None:
        self._desk = desk
        self._delivery = delivery

    def presses(self) -> Mapping[type[Action], PressHandler]:
        """Pages, and the neighbours of a result."""
        return {ShowPage: self.page, MoreLike: self.more_like}

    async def page(self, press: Press, action: ShowPage) -> None:
        """A page of a stored search."""
        place = action.place
        async with looking(press.bot, press.spot):
            result = await self._desk.search(
                lambda service: service.page(place.search_id, place.page)
            )
            asked = Asked(origin=action.origin)
            await self._delivery.show(press.bot, press.spot, press.words, result, asked)

    async def more_like(self, press: Press, action: MoreLike) -> None:
        """A search by a catalogue picture."""
        async with looking(press.bot, press.spot):
            result = await self._desk.search(
                lambda service: service.by_image(
                    action.image_id, page_size=self._desk.page_size, user_key=press.user_key
                )
            )
            asked = Asked(number=action.number, origin=action.origin)
            await self._delivery.show(press.bot, press.spot, press.words, result, asked)
