"""Growatt: a day of four accounts: restarts, a kill, an hour without the cloud, commands."""

from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, override

import pytest

from . import judges
from .conftest import Report
from .scene import SLACK, Happening, Scene, play

from tests.driver import House
from tests.simulator.growatt.server import TEN_A_DAY
from tests.simulator.physics import Mode, Orders

DAY = datetime(2026, 5, 12, tzinfo=UTC)
LONGEST = 420.0
# The lists of plants are read once a day; the past has ten calls of its own.
LISTS = TEN_A_DAY - {"/v1/plant/energy"}
MOST_LISTS = 1


class Day(Scene):
    """A day of four accounts with restarts, an outage and commands."""

    vendor = "growatt"
    accounts = ("old", "min", "sph", "spa")
    zone = "Europe/Berlin"
    begin = DAY - timedelta(hours=3, minutes=30)
    first = DAY
    last = DAY + timedelta(days=1)

    def __init__(self, world: House) -> None:
        """Name the plants that are steered, and their machines."""
        super().__init__(world)
        self.old, self.min, self.sph, self.spa = (
            world.sim.plant(name) for name in self.accounts
        )
        self.before = {plant.id: plant.schedule() for plant in self.plants}

    @override
    def happenings(self) -> tuple[Happening, ...]:
        """Return the day's events."""
        number = self.world.set_number
        machines = {
            plant.id: plant.battery.sn for plant in self.plants if plant.battery
        }
        storage, tlx, mix, spa = (
            machines[plant.id] for plant in (self.old, self.min, self.sph, self.spa)
        )
        events: tuple[tuple[int, int, Callable[[], Awaitable[None]]], ...] = (
            (0, 40, lambda: number(tlx, "backup_reserve", 18)),
            (2, 10, self.restart),
            (6, 0, lambda: number(mix, "charge_power_rate", 55)),
            (7, 30, lambda: self.select(spa, "battery_mode", "charge_priority")),
            (8, 5, lambda: number(storage, "grid_charge_soc_limit", 60)),
            (9, 0, self.cloud_down),
            (10, 0, self.cloud_up),
            (10, 30, lambda: self.select(spa, "battery_mode", "self_consumption")),
            (
                11,
                0,
                lambda: self.act("force_charge", self.spa, power=1500, duration=30),
            ),
            (12, 0, lambda: self.act("force_discharge", self.min, duration=40)),
            (12, 17, self.kill),
            (14, 0, lambda: number(mix, "active_power_rate", 90)),
            (15, 0, lambda: self.act("hold", self.min, duration=120)),
            (15, 50, lambda: self.act("stop_forced", self.min)),
            (17, 3, self.restart),
            (18, 0, lambda: self.act("force_discharge", self.sph, duration=25)),
            (20, 0, lambda: self.act("force_charge", self.old, duration=35)),
        )
        return tuple(
            (DAY.replace(hour=hour, minute=minute), event)
            for hour, minute, event in events
        )

    @override
    def judge_commands(self) -> None:
        """Check what the devices hold at the end of the day, and what they did."""
        wanted = {
            self.old.id: {"storage_ac_charge_soc_limit": "60"},
            self.min.id: {"onGridDischargeStopSOC": "18"},
            self.sph.id: {"chargePowerCommand": "55", "activeRate": "90"},
        }
        for plant in self.plants:
            for sn, held in plant.schedule().items():
                before = dict(self.before[plant.id][sn]["settings"])
                if plant.battery and sn == plant.battery.sn:
                    before |= wanted.get(plant.id, {})
                self.hold(
                    {
                        f"{plant.name} {key}": (value, before[key])
                        for key, value in held["settings"].items()
                    }
                )
        self._ran(self.spa, Mode.FORCE_CHARGE, 11, 30)
        self._ran(self.min, Mode.FORCE_DISCHARGE, 12, 40)
        self._ran(self.sph, Mode.FORCE_DISCHARGE, 18, 25)
        self._ran(self.old, Mode.FORCE_CHARGE, 20, 35)
        self._spent()

    def _ran(self, plant: Any, mode: Mode, hour: int, minutes: float) -> None:
        """Check for how long a battery was forced from some hour on."""

        def fits(orders: Orders) -> bool:
            return orders.mode is mode

        since = DAY.replace(hour=hour)
        span = judges.told(plant, since, since + timedelta(hours=2), fits)
        if abs(span - timedelta(minutes=minutes)) > SLACK:
            self.fail(f"{plant.name}: {mode} for {span}, not {minutes} min")

    def _spent(self) -> None:
        """Check that restarts spend none of the calls of which there are ten a day."""
        spent = Counter(
            (call.account, call.endpoint)
            for call in self.world.sim.calls
            if call.endpoint in LISTS and call.at >= self.first.timestamp()
        )
        for (account, endpoint), count in spent.items():
            if count > MOST_LISTS:
                self.fail(f"{account}: {endpoint} was asked {count} times in a day")


@pytest.mark.timeout(LONGEST)
async def test_day(socket_enabled: None, tmp_path: Path, report: Report) -> None:
    """A day with restarts, an outage and commands loses nothing and claims nothing."""
    await play(Day, tmp_path, report)
