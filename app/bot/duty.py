"""Everything that keeps a running bot standing, in one place for its start and its end."""

from __future__ import annotations

from dataclasses import dataclass

from app.bot.courier import Courier
from app.bot.desk import Desk
from app.bot.intake import Intake, Reception
from app.bot.lanes import Lanes
from app.bot.ledger import Ledger


@dataclass(frozen=True, slots=True)
class Duty:
    """What :func:`app.bot.main.serving` starts and stops."""

    desk: Desk
    lanes: Lanes
    ledger: Ledger | None
    reception: Reception
    intake: Intake
    courier: Courier | None

    def close(self) -> None:
        """Waits for threads, then closes the services; blocks."""
        if self.ledger is not None:
            self.ledger.close()
        self.desk.close()
