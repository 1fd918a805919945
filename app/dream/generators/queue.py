"""One job at a time, fair between users: whoever was served longest ago is next."""

from __future__ import annotations

import itertools
import threading
from collections import OrderedDict, deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from app.dream.generators.base import GeneratorFault, Progress, Watch

_LOOK_S: Final = 0.2
_REMEMBERED: Final = 4096


class Turns:
    """Hands out turns. A user's own jobs run in the order they came; between users turns alternate,
    so that ten wishes of one do not stand before the first of another."""

    def __init__(self, waiting: int = 60, waiting_per_user: int = 3) -> None:
        self._changed = threading.Condition()
        self._lines: dict[str, deque[int]] = {}
        self._served: OrderedDict[str, int] = OrderedDict()
        self._tickets = itertools.count(1)
        self._turn = itertools.count(1)
        self._running: int | None = None
        self._waiting = waiting
        self._waiting_per_user = waiting_per_user

    @contextmanager
    def turn(self, watch: Watch) -> Iterator[None]:
        """Waits for a turn, telling the place in line; the body has it alone.

        Raises:
            GeneratorFault: ``busy`` when the line is full, ``cancelled`` when the user left it.
        """
        ticket = self._join(watch.user_key)
        try:
            self._await(ticket, watch)
        except BaseException:
            self._leave(ticket, watch.user_key)
            raise
        try:
            yield
        finally:
            with self._changed:
                self._running = None
                self._changed.notify_all()

    def _join(self, user: str) -> int:
        with self._changed:
            mine = self._lines.get(user, ())
            if len(mine) >= self._waiting_per_user:
                raise GeneratorFault("busy", f"{user} has {len(mine)} pictures in line already")
            if sum(map(len, self._lines.values())) >= self._waiting:
                raise GeneratorFault("busy", "the line is full")
            ticket = next(self._tickets)
            self._lines.setdefault(user, deque()).append(ticket)
            return ticket

    def _leave(self, ticket: int, user: str) -> None:
        with self._changed:
            line = self._lines.get(user)
            if line is not None and ticket in line:
                line.remove(ticket)
                if not line:
                    del self._lines[user]
            self._changed.notify_all()

    def _await(self, ticket: int, watch: Watch) -> None:
        told = 0
        while True:
            with self._changed:
                order = self._order()
                if self._running is None and order and order[0] == ticket:
                    self._start(ticket, watch.user_key)
                    return
                place = order.index(ticket) + 1
                if place == told:
                    self._changed.wait(_LOOK_S)
            # Outside of the lock: what the watch does is its own affair.
            if watch.cancelled():
                raise GeneratorFault("cancelled")
            if place != told:
                told = place
                watch.progress(Progress(place=place))

    def _start(self, ticket: int, user: str) -> None:
        line = self._lines[user]
        line.remove(ticket)
        if not line:
            del self._lines[user]
        self._running = ticket
        self._served.pop(user, None)
        self._served[user] = next(self._turn)
        if len(self._served) > _REMEMBERED:
            self._served.popitem(last=False)

    def _order(self) -> list[int]:
        """All tickets in the order they will run, were nobody else to come."""
        lines = {user: deque(line) for user, line in self._lines.items()}
        served = {user: self._served.get(user, 0) for user in lines}
        after = max(self._served.values(), default=0)
        order = []
        while lines:
            user = min(lines, key=lambda name: (served[name], lines[name][0]))
            order.append(lines[user].popleft())
            after += 1
            served[user] = after
            if not lines[user]:
                del lines[user]
        return order
