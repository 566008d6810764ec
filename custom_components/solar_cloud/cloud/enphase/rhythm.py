"""When to ask: not before a gateway can have told something new, and not in its sleep."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from ..clock import Clock
from ..model import Snapshot
from ..vendor import Feed
from .energy import Energy
from .listing import LAG, System

# The feed that tells of powers, and those that do not depend on a gateway's uploads.
LIVE, ENERGY = "live", "energy"
OTHERS = frozenset(("systems", "alarms", "settings"))

# A night is half of the day, and what failed is asked for again after so long.
DAYLIGHT = 0.5
OPEN_AGAIN = timedelta(minutes=10)
ASLEEP = timedelta(minutes=15)


class Rhythm:
    """Knows when each feed of each system was asked for last."""

    def __init__(
        self, clock: Clock, energy: Energy, snapshots: Mapping[str, Snapshot]
    ) -> None:
        """Take the snapshots as they are made."""
        self._clock = clock
        self._energy = energy
        self._snapshots = snapshots
        # When a feed of a system was asked for last, and whether it was dark there.
        self._asked_for: dict[tuple[str, str], datetime] = {}
        self._in_dark: dict[tuple[str, str], bool] = {}

    def asked(self, feed: str, system: System, dark: Collection[str]) -> None:
        """Note that a feed of a system was asked for."""
        self._asked_for[feed, system.id] = self._clock.now()
        self._in_dark[feed, system.id] = system.id in dark

    def due(
        self,
        row: Feed,
        systems: Sequence[System],
        stretch: float,
        dark: Collection[str],
    ) -> datetime:
        """Return when a feed should be polled next: not before there can be news."""
        feed = row.key
        if (last := self._snapshots.get(feed)) is None:
            return self._clock.now()
        planned = last.at + timedelta(seconds=row.interval * stretch)
        if feed in OTHERS:
            return planned
        if feed == ENERGY and self._energy.is_open:
            return min(planned, last.at + OPEN_AGAIN)
        if all(system.only_produces for system in systems):
            # What the night does not take is there for the day.
            planned = last.at + timedelta(
                seconds=row.interval * max(1.0, stretch * DAYLIGHT)
            )
        news = min(
            (self._news(system, feed, dark) for system in systems), default=planned
        )
        if stretch > 1.0:
            return max(planned, news)
        if last.at < news:
            return max(news, last.at + LAG)
        # What did not come when it was expected is looked for less and less often.
        return min(planned, last.at + max(LAG, last.at - news))

    def _news(self, system: System, feed: str, dark: Collection[str]) -> datetime:
        """Return when a system can have something new to tell."""
        now = self._clock.now()
        if system.id in dark and self._sleeps(system, feed):
            return now + ASLEEP
        asked_at = self._asked_at(feed, system)
        if system.reported is None or asked_at < system.reported:
            return now
        return system.reported + system.upload + LAG

    def _asked_at(self, feed: str, system: System) -> datetime:
        """Return when a feed of a system was asked for last, not only looked at."""
        return self._asked_for.get((feed, system.id), self._snapshots[feed].at)

    def _sleeps(self, system: System, feed: str) -> bool:
        """Return whether a system has told that it does nothing until the sun rises."""
        told = self._snapshots.get(LIVE)
        power = told.readings.get(system.id, {}).get("pv_power") if told else None
        return (
            system.only_produces
            and self._in_dark.get((feed, system.id), False)
            and power is not None
            and power.value == 0
            and self._asked_at(feed, system) >= power.at
        )

    def is_over(self, system: System, feed: str, dark: Collection[str]) -> bool:
        """Return whether a feed has all that a system has told."""
        known = self._snapshots.get(feed)
        if feed in OTHERS or known is None or self._energy.is_open:
            return False
        return self._news(system, feed, dark) > self._clock.now()
