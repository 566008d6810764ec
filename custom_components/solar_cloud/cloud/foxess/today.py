"""Today's energy between two reports: it grows as the lifetime counters do."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from ..quantity import TODAY

DAY, MIDNIGHT = "day", "midnight"


class Today:
    """Keeps what each lifetime counter stood at when the day began."""

    def __init__(self, memory: dict[str, Any]) -> None:
        """Keep in `memory`, by inverter, the day and its counters at midnight in kWh."""
        self._known: dict[str, dict[str, Any]] = memory.setdefault("today", {})

    def anchor(
        self,
        sn: str,
        day: date,
        lifetimes: Mapping[str, object],
        today: Mapping[str, float],
    ) -> None:
        """Learn from a report; of several the one that leaves today the least counts."""
        known = self._known.get(sn)
        if known is None or known[DAY] != day.isoformat():
            known = self._known[sn] = {DAY: day.isoformat(), MIDNIGHT: {}}
        midnight = known[MIDNIGHT]
        for key, kwh in today.items():
            if isinstance(lifetime := lifetimes.get(key), (int, float)):
                midnight[key] = max(midnight.get(key, 0.0), lifetime - kwh)

    def energies(
        self, sn: str, day: date, lifetimes: Mapping[str, object]
    ) -> dict[str, float]:
        """Return today's energies, once a report has told how the day began."""
        known = self._known.get(sn)
        if known is None or known[DAY] != day.isoformat():
            return {}
        return {
            f"{key}{TODAY}": max(0.0, round(lifetime - midnight, 3))
            for key, midnight in known[MIDNIGHT].items()
            if isinstance(lifetime := lifetimes.get(key), (int, float))
        }
