"""When the next poll of a rationed account is due: saved at night, spent by day."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from .limits import BASIC_PER_DAY, BASIC_RESERVE

DAY = 86_400.0
PERIOD = 300.0
# Calls of a day that polls leave for the past.
FOR_HISTORY = 25
# Polls that may be saved, and with how many a new account begins.
SAVED = 60.0
AT_FIRST = 6.0


class Ration:
    """Polls earned and not made yet, kept in `memory`."""

    def __init__(
        self,
        memory: dict[str, Any],
        cost: Callable[[], int],
        others: Callable[[], float],
    ) -> None:
        """Take the calls of a poll, and those that other feeds make a day."""
        self._memory = memory
        self._cost = cost
        self._others = others

    def interval(self, stretch: float) -> float:
        """Return after how many seconds one more poll is earned.

        The ledger stretches what polls of every sample would cost; only what it stretches
        beyond that, as others have spent of the calls, slows down further.
        """
        polls, others = max(1, self._cost()), self._others()
        most = BASIC_PER_DAY - BASIC_RESERVE
        usual = max(1.0, (polls * DAY / PERIOD + others) / most)
        calls = max(1.0, most - FOR_HISTORY - others)
        return polls * DAY / calls * max(1.0, stretch / usual)

    def spend(self, at: datetime, stretch: float) -> None:
        """Take note of a poll."""
        now = at.timestamp()
        earned = self._earned(now, stretch)
        self._memory["ration"] = {"at": now, "polls": max(-1.0, earned - 1)}

    def wait(self, at: datetime, stretch: float) -> float:
        """Return the seconds after an instant until a poll has been earned."""
        missing = 1 - self._earned(at.timestamp(), stretch)
        return max(0.0, missing * self.interval(stretch))

    def _earned(self, now: float, stretch: float) -> float:
        known = self._memory.setdefault("ration", {"at": now, "polls": AT_FIRST})
        since: float = max(0.0, now - known["at"])
        return min(SAVED, float(known["polls"]) + since / self.interval(stretch))
