"""Lifetime counters out of intervals: a total at an instant, and what came after it.

The instant stays some hours behind, as the newest intervals may still grow.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from .series import WH, Interval

SETTLED_AFTER = timedelta(hours=16)
LATEST_ANCHOR = timedelta(hours=22)


class Total:
    """One counter of a system, kept as JSON: `at` (ISO 8601) and `wh` at that instant."""

    def __init__(self, kept: dict[str, Any]) -> None:
        """Take up what was stored; empty where there is nothing yet."""
        self._kept = kept

    @property
    def at(self) -> datetime | None:
        """Return the instant of the total, None while there is none."""
        found = self._kept.get("at")
        return datetime.fromisoformat(found) if found else None

    def anchor(self, at: datetime, wh: float) -> None:
        """Take over a total that the vendor tells of an instant."""
        self._kept |= {"at": at.isoformat(), "wh": wh}

    def reaches(self, now: datetime) -> bool:
        """Return whether intervals since the total can still be had in one call."""
        return self.at is not None and now - self.at <= LATEST_ANCHOR

    def follow(self, found: Iterable[Interval]) -> float:
        """Return the counter in kWh after intervals, and let the instant follow them."""
        at, wh = self.at, float(self._kept["wh"])
        later = [row for row in found if at is not None and row.start >= at]
        total = wh + sum(row.wh for row in later)
        settled = max((row.end for row in later), default=None)
        for row in later:
            if settled and row.end <= settled - SETTLED_AFTER:
                wh += row.wh
                self._kept |= {"at": row.end.isoformat(), "wh": wh}
        return total / WH
