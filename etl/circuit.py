"""A breaker for each shop: one in trouble is left alone, then tried by one run before the rest.

The state is a row (``shop_circuit``), so a cron job knows what the scheduler found out. Closed:
runs as usual. Open: runs end at once, without a request, until the row's time. Half open: one run
goes, and its first document decides.
"""

from __future__ import annotations

from typing import Final

from app.db.pool import Database
from app.db.queries import query
from app.errors import SolemateError
from etl.adapters.base import Blocked
from etl.fetch import BadStatus, RobotsUnreadable, Unreachable

TRIP_AFTER: Final = 5
"""Documents in a row that the shop fails to give before a run stops asking."""
LONGEST_WAIT_S: Final = 86_400.0


class CircuitOpen(SolemateError):
    """The shop failed lately and is left alone for now; nothing was asked of it."""

    exit_code = 5


class ShopUnwell(SolemateError):
    """The shop fails one document after another: the run stops asking, nothing is lost."""


def is_trouble(error: BaseException) -> bool:
    """Whether an error is the shop's own state rather than one document's.

    A missing page or an odd one says nothing of the shop; refusal, overload and silence do.
    """
    if isinstance(error, BadStatus):
        return error.status in (401, 403, 429) or error.status >= 500
    return isinstance(error, Blocked | Unreachable | RobotsUnreadable | ShopUnwell)


class Circuit:
    """The breaker of one shop during one run; the caller holds the shop's lock."""

    def __init__(self, db: Database, shop_id: int, wait_s: float) -> None:
        """``wait_s``: how long a shop is left alone after its first failure, seconds."""
        self._db, self._shop_id, self._wait_s = db, shop_id, wait_s
        self._in_a_row = 0
        self._probing = False

    def enter(self) -> None:
        """Begin a run.

        Raises:
            CircuitOpen: the shop is being left alone; says why and how long still.
        """
        key = {"shop_id": self._shop_id}
        with self._db.connection() as conn:
            row = query("etl_circuit").execute(conn, key).fetchone()
            if row is None or row[0] == "closed":
                return
            self._probing = query("etl_probe_circuit").execute(conn, key).fetchone() is not None
        if not self._probing:
            raise CircuitOpen(f"left alone for another {float(row[2]):.0f} s: {row[3]}")

    def success(self) -> None:
        """A document came; the first of a probing run closes the circuit."""
        self._in_a_row = 0
        if self._probing:
            self.close()

    def failure(self, error: SolemateError) -> None:
        """A document did not come.

        Raises:
            ShopUnwell: too many in a row, or any in a probing run.
        """
        if not is_trouble(error):
            return
        self._in_a_row += 1
        if self._probing or self._in_a_row >= TRIP_AFTER:
            raise ShopUnwell(f"{self._in_a_row} documents in a row failed, last {error}") from error

    def close(self) -> None:
        """The shop answers."""
        self._probing = False
        with self._db.connection() as conn:
            query("etl_close_circuit").execute(conn, {"shop_id": self._shop_id})

    def trip(self, error: BaseException) -> None:
        """The run ends with ``error``: trouble of the shop's opens the circuit."""
        if not is_trouble(error):
            return
        with self._db.connection() as conn:
            query("etl_open_circuit").execute(
                conn,
                {
                    "shop_id": self._shop_id,
                    "wait_s": self._wait_s,
                    "longest_s": LONGEST_WAIT_S,
                    "reason": str(error)[:500],
                },
            )
