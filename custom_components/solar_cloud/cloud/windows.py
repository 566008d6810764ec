"""The windows over which vendors count: rolling, or opened by their calendar.

Calls are booked in slots, and a slot counts until its last call has expired for sure:
`SKEW` covers how far our idea of the vendor's time may be off within one process.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

SLOTS_PER_WINDOW = 240
SHORTEST_PLAN = 1 / 24
SKEW = 6.0
BOUNDARY = 60.0


class Window(Protocol):
    """A span over which the vendor counts."""

    def slots(self, at: float) -> frozenset[int]:
        """Return the slots in which a call made at `at` is booked."""
        ...

    def first(self, at: float) -> int:
        """Return the oldest slot that still counts at `at`."""
        ...

    def sure(self, at: float) -> int:
        """Return the oldest slot that counts at `at` for the vendor, too."""
        ...

    def expires(self, slot: int) -> float:
        """Return when calls booked in a slot no longer count."""
        ...

    def horizons(self, at: float) -> tuple[float, float]:
        """Return the shortest and longest span (s) over which a plan must hold."""
        ...

    def began(self, at: float) -> float:
        """Return when the window that counts at an instant began."""
        ...


@dataclass(frozen=True, slots=True)
class Rolling:
    """A window that slides: the last `seconds` count."""

    seconds: float

    @property
    def _slot(self) -> float:
        return self.seconds / SLOTS_PER_WINDOW

    def slots(self, at: float) -> frozenset[int]:
        """Return the slot of an instant."""
        return frozenset({int(at // self._slot)})

    def first(self, at: float) -> int:
        """Return the slot that holds the start of the window."""
        return int((at - self.seconds - SKEW) // self._slot)

    def sure(self, at: float) -> int:
        """Return the first slot that lies in the window as a whole."""
        return int((at - self.seconds + SKEW) // self._slot) + 1

    def expires(self, slot: int) -> float:
        """Return the end of the slot plus the window: never early."""
        return (slot + 1) * self._slot + self.seconds + SKEW

    def horizons(self, at: float) -> tuple[float, float]:
        """Return a part of the window, and all of it."""
        return self.seconds * SHORTEST_PLAN, self.seconds + self._slot + SKEW

    def began(self, at: float) -> float:
        """Return the start of the window."""
        return at - self.seconds


@dataclass(frozen=True, slots=True)
class Calendar:
    """A window that the vendor's calendar opens: each day, or each month.

    Within a minute of a boundary a call counts on both sides, as the clocks may differ.
    """

    zone: ZoneInfo
    monthly: bool = False

    def _period(self, at: float) -> int:
        day = datetime.fromtimestamp(at, self.zone).date()
        return (day.replace(day=1) if self.monthly else day).toordinal()

    def slots(self, at: float) -> frozenset[int]:
        """Return the period; near a boundary both."""
        return frozenset({self._period(at - BOUNDARY), self._period(at + BOUNDARY)})

    def first(self, at: float) -> int:
        """Return the period, until a minute after its end."""
        return self._period(at - BOUNDARY)

    def sure(self, at: float) -> int:
        """Return the period, from a minute before its start."""
        return self._period(at + BOUNDARY)

    def expires(self, slot: int) -> float:
        """Return the start of the next period, and a minute."""
        first = datetime.fromordinal(slot)
        after = (
            (first.replace(day=28) + timedelta(days=4)).replace(day=1)
            if self.monthly
            else first + timedelta(days=1)
        )
        return after.replace(tzinfo=self.zone).timestamp() + BOUNDARY

    def horizons(self, at: float) -> tuple[float, float]:
        """Return the time left in the period."""
        left = self.expires(self._period(at)) - at
        return left, left

    def began(self, at: float) -> float:
        """Return the start of the period."""
        first = datetime.fromordinal(self._period(at))
        return first.replace(tzinfo=self.zone).timestamp()
