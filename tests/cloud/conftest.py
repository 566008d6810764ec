"""Fixtures of the tests without Home Assistant: a clock that moves when somebody waits."""

import custom_components.solar_cloud  # noqa: F401, I001  (before the harness's own package)

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from custom_components.solar_cloud.cloud.clock import Clock

NOON = datetime(2026, 6, 17, 12, tzinfo=UTC)


class Time:
    """The true time, the local clock, which may be wrong, and a monotonic one."""

    def __init__(self, start: datetime = NOON) -> None:
        """Start with a local clock that is right."""
        self.true = start.timestamp()
        self.local_offset = 0.0
        self.process_offset = 0.0
        self._sleepers: set[tuple[float, int]] = set()
        self._count = count()
        self.clock = Clock(now=self.now, monotonic=self.monotonic, sleep=self.sleep)

    def now(self) -> datetime:
        """Return the local time."""
        return datetime.fromtimestamp(self.true + self.local_offset, UTC)

    def monotonic(self) -> float:
        """Return the time since some instant."""
        return self.true - self.process_offset

    async def sleep(self, seconds: float) -> None:
        """Let time pass; who sleeps shortest wakes first."""
        mine = (self.true + seconds, next(self._count))
        self._sleepers.add(mine)
        try:
            while True:
                await asyncio.sleep(0)
                if mine == min(self._sleepers):
                    break
        finally:
            self._sleepers.remove(mine)
        self.true = max(self.true, mine[0])

    def advance(self, **span: float) -> None:
        """Let time pass."""
        self.true += timedelta(**span).total_seconds()

    @property
    def vendor(self) -> datetime:
        """Return the true time as the vendor's answers show it, in whole seconds."""
        return datetime.fromtimestamp(int(self.true), UTC)


@pytest.fixture(autouse=True)
def custom_integrations() -> None:
    """Do without Home Assistant, which the fixture of this name otherwise starts."""


@pytest.fixture
def time() -> Time:
    """Return a clock that starts at noon."""
    return Time()
