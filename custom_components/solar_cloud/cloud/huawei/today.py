"""Today's energy of a plant's meter, which only counts for ever.

It is what the counter has grown by since midnight: seen by ourselves, else reckoned from
the plant's report, which lags.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

DAY = timedelta(days=1)
SEEN_WITHIN = timedelta(minutes=20)
BEGUN, SEEN, AT_MIDNIGHT = "begun", "seen", "midnight"


class Today:
    """Keeps what each counter of a plant stood at when its day began."""

    def __init__(self, memory: dict[str, Any]) -> None:
        """Keep in `memory`, by plant, when the day began and its counters then (kWh)."""
        self._known: dict[str, dict[str, Any]] = memory.setdefault("today", {})

    def report(
        self,
        plant: str,
        begun: datetime,
        today: Mapping[str, float],
        lifetimes: Mapping[str, float],
    ) -> None:
        """Learn from a report of the day that began at `begun`."""
        known = self._known.get(plant)
        if known is None or known[BEGUN] != begun.isoformat():
            known = self._known[plant] = _day(begun)
        if known[SEEN]:
            return
        midnight = known[AT_MIDNIGHT]
        for key in today.keys() & lifetimes.keys():
            then = lifetimes[key] - today[key]
            midnight[key] = min(midnight.get(key, then), then)

    def turn(
        self, plant: str, now: datetime, before: Mapping[str, tuple[float, datetime]]
    ) -> None:
        """Begin the next day, with what the counters were last seen at `before` it."""
        if (known := self._known.get(plant)) is None:
            return
        begun = datetime.fromisoformat(known[BEGUN]) + DAY
        if now < begun:
            return
        while now >= begun + DAY:
            begun += DAY
        known = self._known[plant] = _day(begun)
        fresh = {
            key: kwh
            for key, (kwh, at) in before.items()
            if begun - SEEN_WITHIN <= at <= now
        }
        known[AT_MIDNIGHT], known[SEEN] = fresh, bool(fresh)

    def energies(
        self, plant: str, lifetimes: Mapping[str, float]
    ) -> Mapping[str, float]:
        """Return what has been counted today."""
        midnight = self._known.get(plant, {}).get(AT_MIDNIGHT, {})
        return {
            key: max(0.0, round(lifetimes[key] - midnight[key], 3))
            for key in midnight.keys() & lifetimes.keys()
        }


def _day(begun: datetime) -> dict[str, Any]:
    return {BEGUN: begun.isoformat(), SEEN: False, AT_MIDNIGHT: {}}
