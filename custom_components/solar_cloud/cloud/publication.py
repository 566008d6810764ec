"""When a device's next sample will be there: learned from the samples seen so far."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Any, Self

MISS_RETRY = 20.0
LAG_STEP = 8.0
LAG_DECAY = 0.5
LAG_RANGE = (2.0, 120.0)
SHORTEST_PERIOD = 60.0
STALE_PERIODS = 3


@dataclass(slots=True, kw_only=True)
class Publication:
    """The upload rhythm of one device: its period, and the lag until a sample shows (s)."""

    period: float
    lag: float = 15.0
    measured: datetime | None = None
    seen: datetime | None = None
    missed: int = 0

    def observe(self, measured: datetime | None, now: datetime) -> None:
        """Learn from a poll at `now` whose newest sample was measured at `measured`."""
        self.seen = now
        if measured is None or (self.measured and measured <= self.measured):
            self.missed += 1
            if self.missed == 1:
                self.lag = min(self.lag + LAG_STEP, LAG_RANGE[1])
            return
        if self.measured:
            step = (measured - self.measured).total_seconds()
            if step < self.period:
                self.period = max((self.period + step) / 2, SHORTEST_PERIOD)
        self.lag = max(self.lag - LAG_DECAY, LAG_RANGE[0])
        self.measured = measured
        self.missed = 0

    def due(self, now: datetime, stretch: float = 1.0) -> datetime:
        """Return when the next sample should be there."""
        if self.seen is None:
            return now
        if self.measured is None or self._stale(now):
            return self.seen + timedelta(seconds=self.period * stretch)
        steps = max(1, ceil(stretch - 0.25))
        due = self.measured + timedelta(seconds=steps * self.period + self.lag)
        if self.missed:
            due = max(due, self.seen + timedelta(seconds=MISS_RETRY * self.missed))
        return due

    def _stale(self, now: datetime) -> bool:
        assert self.measured
        return now - self.measured > timedelta(seconds=STALE_PERIODS * self.period)

    def as_dict(self) -> dict[str, Any]:
        """Return a form that JSON can hold."""
        return asdict(self) | {
            "measured": self.measured and self.measured.isoformat(),
            "seen": self.seen and self.seen.isoformat(),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Return what `as_dict` wrote."""
        return cls(
            **{
                **data,
                "measured": data["measured"]
                and datetime.fromisoformat(data["measured"]),
                "seen": data["seen"] and datetime.fromisoformat(data["seen"]),
            }
        )
