"""Lifetime counters out of intervals: a total at an instant, and what came after it.

The instant stays some hours behind, as the newest intervals may still grow.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from .series import WH, Interval

SETTLED_AFTER = timedelta(hours=16)


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

    def reaches(self, now: datetime, reach: timedelta) -> bool:
        """Return whether the intervals since the total can still be had in one call."""
        return self.at is not None and now - self.at <= reach

    @property
    def open_since(self) -> datetime | None:
        """Return since when intervals may have grown or come since they were told."""
        found = self._kept.get("told")
        return datetime.fromisoformat(found) - SETTLED_AFTER if found else None

    def follow(self, found: Sequence[Interval]) -> float:
        """Return the counter in kWh after intervals, and let the instant follow them."""
        wh, at = float(self._kept["wh"]), datetime.fromisoformat(self._kept["at"])
        later = [row for row in found if row.start >= at]
        total = wh + sum(row.wh for row in later)
        self._kept["told"] = max(row.end for row in found).isoformat()
        self._settle(wh, later)
        return total / WH

    def _settle(self, wh: float, later: Sequence[Interval]) -> None:
        for row in later:
            if row.end > later[-1].end - SETTLED_AFTER:
                break
            wh += row.wh
            self.anchor(row.end, wh)
