"""Enphase: a month of the free plan, with restarts, kills, outages and the past."""

from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar, override

import pytest

from . import judges
from .conftest import Report
from .month import LONGEST, NIGHT, Month, at
from .scene import Happening, play

# What the free plan allows in a month.
HITS = 1000
# A gateway on a mobile network uploads every six hours.
LATEST = timedelta(hours=12)
# An interval that is told short at noon, where a meter counts.
METERED = "watt"
NOON = at(24, 11)
LACKING = 0.08
PRODUCED = "pv_energy"


class EnphaseMonth(Month):
    """A month of the free plan."""

    vendor = "enphase"
    accounts = (METERED, "cellular")
    zone = "Europe/Amsterdam"
    begin = at(1, 0) - timedelta(hours=5)
    first = at(1, 0)
    last = at(31, 0) + timedelta(days=1)
    night = LATEST + NIGHT
    # Intervals are told in whole Wh, four an hour; microinverters' in twelve.
    step = 0.01
    # A few values of power a day, of what comes every quarter of an hour.
    oldest = 20.0
    recorder: ClassVar[dict[str, Any]] = {
        "commit_interval": 60,
        "include": {"entity_globs": ["sensor.*_energy*"]},
    }

    @override
    def happenings(self) -> tuple[Happening, ...]:
        """Return more of them: hits are counted as carefully after each start."""
        rows = [row for row in super().happenings() if row[1] != self._correct]
        more = (
            (at(2, 11, 7), self.restart),
            (at(4, 13, 59), self.kill),
            (at(6, 13, 7), self._travel),
            (at(13, 21, 7), self.kill),
            (at(22, 7, 7), self.cloud_down),
            (at(22, 8, 7), self.cloud_up),
            (NOON + timedelta(minutes=30), self._short),
            (at(24, 23), self._correct),
            (at(28, 12, 31), self.kill),
        )
        return tuple(sorted((*rows, *more), key=lambda row: row[0]))

    async def _travel(self) -> None:
        """Have Home Assistant switched off for a day and a half."""
        since = self.world.now
        await self.world.stop()
        await self._pass(since + timedelta(hours=36))
        await self.world.start()
        self.ages.away.append((since.timestamp(), self.world.now.timestamp()))

    async def _short(self) -> None:
        """Have an interval told short, which grows once all devices have told it.

        Microinverters that are late ("devices_reporting") do so each day.
        """
        self.world.sim.fault(
            "vendor_correction",
            account=METERED,
            variable=PRODUCED,
            delta=-LACKING,
            hour=NOON.timestamp(),
        )

    @override
    def correct(self) -> None:
        """Have the interval told whole."""
        start = NOON.timestamp()
        (plant,) = self.world.sim.account(METERED).plants
        entity = self.world.entity_id(plant.id, PRODUCED)
        kwh = self.told(str(entity)).get(start)
        truth = self._truth(plant, PRODUCED, start, start + 3600)
        if kwh is None or kwh > truth - LACKING + self.step:
            self.fail(f"the short hour is {kwh}/{truth:.3f}")
        self.world.sim.clear_faults(kind="vendor_correction")

    @override
    async def live(self) -> None:
        """Listen to the age of what is shown."""
        self.ages.listen()
        await super().live()

    @override
    def judge(self) -> list[str]:
        """Check the month's hits too, that no counter falls, and how old values are."""
        lines = super().judge()
        database = self.world.place.database
        assert database
        self.failures += judges.falls(self.world, database)
        for name in self.accounts:
            account: Any = self.world.sim.account(name)
            hits = account.app.hits(self.last.timestamp())
            lines.append(f"hits of {name}: {hits}")
            if hits > HITS:
                self.fail(f"{name}: {hits} hits in a month")
        return [*lines, *self._age()]


@pytest.mark.timeout(LONGEST)
async def test_month(socket_enabled: None, tmp_path: Path, report: Report) -> None:
    """A thousand hits tell every hour of energy, and none is refused."""
    await play(EnphaseMonth, tmp_path, report)
