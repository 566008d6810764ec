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
INSTANTS = ("measured", "base", "seen")


@dataclass(slots=True, kw_only=True)
class Publication:
    """The upload rhythm of one device: its period, and the lag until a sample shows (s).

    The period is never taken for longer than `longest`, the documented one; by `decay` (s)
    the lag is tried shorter after each sample that was there in time.
    """

    period: float
    longest: float = 0.0
    lag: float = 15.0
    decay: float = LAG_DECAY
    measured: datetime | None = None
    base: datetime | None = None
    seen: datetime | None = None
    missed: int = 0

    def __post_init__(self) -> None:
        """Start with the documented period."""
        self.longest = self.longest or self.period

    def observe(self, measured: datetime | None, now: datetime) -> None:
        """Learn from a poll at `now` whose newest sample was measured at `measured`."""
        expected = None if self.base is None else self._expected(self.base)
        early = expected is not None and now < expected
        self.seen = now
        if measured is None or (self.measured and measured <= self.measured):
            if not early:
                self._miss()
            return
        if self.measured:
            self._learn_period((measured - self.measured).total_seconds())
        self._learn_lag((now - measured).total_seconds(), now, expected)
        self.measured = measured
        # A device whose clock runs ahead tells no instant to count from.
        self.base = min(measured, now - timedelta(seconds=self.lag))
        self.missed = 0

    def _learn_lag(self, age: float, now: datetime, expected: datetime | None) -> None:
        """Look for samples later where the next should have been there, else sooner.

        A poll that came late by itself tells nothing of a shorter lag.
        """
        if self.period + self.lag <= age < 2 * self.period:
            self.lag = min(self.lag + LAG_STEP, LAG_RANGE[1])
        elif expected is None or now <= expected + timedelta(seconds=LAG_STEP):
            self.lag = max(self.lag - self.decay, LAG_RANGE[0])

    def _miss(self) -> None:
        self.missed += 1
        if self.missed == 1:
            self.lag = min(self.lag + LAG_STEP, LAG_RANGE[1])

    def _learn_period(self, step: float) -> None:
        """Follow shorter steps, and longer ones where polls in between found nothing."""
        if step < self.period or self.missed:
            step = min((self.period + step) / 2, self.longest)
            self.period = max(step, SHORTEST_PERIOD)

    def _expected(self, base: datetime) -> datetime:
        return base + timedelta(seconds=self.period + self.lag)

    def due(self, now: datetime, stretch: float = 1.0) -> datetime:
        """Return when the next sample should be there."""
        if self.seen is None:
            return now
        stale = timedelta(seconds=STALE_PERIODS * self.period)
        if self.base is None or now - self.base > stale:
            return self.seen + timedelta(seconds=self.period * stretch)
        steps = max(1, ceil(stretch - 0.25))
        due = self._expected(self.base + timedelta(seconds=(steps - 1) * self.period))
        if self.missed:
            due = max(due, self.seen + timedelta(seconds=MISS_RETRY * self.missed))
        return due

    def as_dict(self) -> dict[str, Any]:
        """Return a form that JSON can hold."""
        return {
            key: row.isoformat() if isinstance(row, datetime) else row
            for key, row in asdict(self).items()
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Return what `as_dict` wrote."""
        found: dict[str, Any] = {
            key: datetime.fromisoformat(row) if key in INSTANTS and row else row
            for key, row in data.items()
        }
        return cls(**found)
