"""When the next poll of a rationed account is due: saved at night, spent by day."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from .limits import BASIC_PER_DAY, BASIC_RESERVE

DAY = 86_400.0
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
        """Return after how many seconds one more poll is earned."""
        calls = BASIC_PER_DAY - BASIC_RESERVE - FOR_HISTORY - self._others()
        return max(1, self._cost()) * DAY / max(1.0, calls) * stretch

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
