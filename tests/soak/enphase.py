"""Enphase: a month of the free plan, with restarts, kills and outages."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, override
from zoneinfo import ZoneInfo

import pytest

from . import judges
from .conftest import Report
from .scene import Happening, Scene, play

ZONE = ZoneInfo("Europe/Amsterdam")
FIRST = datetime(2026, 5, 1, tzinfo=UTC)
LAST = datetime(2026, 6, 1, tzinfo=UTC)
LONGEST = 1500.0
# What the free plan allows in a month.
HITS = 1000
# What was counted in the last hours before the end may not have been told yet.
LATEST = timedelta(hours=12)
# Intervals are told in whole Wh, four an hour; microinverters' in twelve.
STEP = 0.01
SHARE = 0.01
COUNTED = (
    "pv_energy",
    "load_energy",
    "grid_import_energy",
    "grid_export_energy",
    "battery_charge_energy",
    "battery_discharge_energy",
)


class Month(Scene):
    """A month of the free plan."""

    vendor = "enphase"
    accounts = ("watt", "cellular")
    zone = "Europe/Amsterdam"
    begin = FIRST - timedelta(hours=5)
    first = FIRST
    last = LAST - LATEST
    # A few values of power a day, of what comes every quarter of an hour.
    oldest = 20.0
    share = SHARE

    @override
    def happenings(self) -> tuple[Happening, ...]:
        """Return restarts and kills, hours without the cloud, and a slow device."""

        def at(day: int, hour: int, minute: int = 7) -> datetime:
            return datetime(2026, 5, day, hour, minute, tzinfo=UTC)

        return (
            (at(2, 10), self.restart),
            (at(4, 13, 59), self.kill),
            (at(7, 0, 2), self.restart),
            (at(9, 9), self.cloud_down),
            (at(9, 14), self.cloud_up),
            (at(13, 20), self.kill),
            (at(16, 12), self._away),
            (at(21, 22, 1), self.restart),
            (at(24, 6), self.cloud_down),
            (at(24, 7), self.cloud_up),
            (at(28, 11, 31), self.kill),
        )

    async def _away(self) -> None:
        """Have Home Assistant switched off for a day and a half."""
        since = self.world.now.timestamp()
        await self.world.stop()
        await self.world.run(hours=36)
        await self.world.start()
        self.ages.away.append((since, self.world.now.timestamp()))

    @override
    async def live(self) -> None:
        """Live on until what was counted last has been told."""
        await super().live()
        await self.world.run(until=self.last + LATEST)

    @override
    def judge_commands(self) -> None:
        """Check the month's hits, and each hour's energy."""
        for name in self.accounts:
            account: Any = self.world.sim.account(name)
            hits = account.app.hits(self.last.timestamp())
            if hits > HITS:
                self.fail(f"{name}: {hits} hits in a month")
        for plant in self.plants:
            for key in COUNTED:
                self._judge_hours(plant, key)

    def _judge_hours(self, plant: Any, key: str) -> None:
        """Check that each hour has its own energy."""
        database = self.world.place.database
        entity = self.world.entity_id(plant.id, key)
        if database is None or entity is None:
            return
        start, end = self.first.timestamp(), self.last.timestamp()
        sums = dict(
            judges.rows(database, judges.STATISTICS, entity, start - judges.HOUR, end)
        )
        wrong = []
        for at, kwh in plant.home.energy(start, end)[key]:
            told = sums.get(at, 0.0) - sums.get(at - judges.HOUR, 0.0)
            if abs(told - kwh) > max(SHARE * kwh, STEP) + 1e-6:
                wrong.append(
                    f"{datetime.fromtimestamp(at, ZONE):%d %H:%M} {told:.3f}/{kwh:.3f}"
                )
        if wrong:
            self.fail(f"{plant.name} {key}: {len(wrong)} hours: {', '.join(wrong[:8])}")


@pytest.mark.timeout(LONGEST)
async def test_month(socket_enabled: None, tmp_path: Path, report: Report) -> None:
    """A thousand hits tell every hour of energy, and none is refused."""
    await play(Month, tmp_path, report)
