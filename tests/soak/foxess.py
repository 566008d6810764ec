"""FoxESS: a day of three accounts: restarts, a kill, an hour without the cloud, commands."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from .conftest import Report
from .scene import Happening, Scene, play

from tests.driver import House
from tests.simulator.physics import Mode

DAY = datetime(2026, 5, 12, tzinfo=UTC)
# Of a slider that is dragged: the first value, one in between, the last.
MOST_WRITES = 3
LONGEST = 300.0


class Day(Scene):
    """A day of three accounts with restarts, an outage and commands."""

    vendor = "foxess"
    accounts = ("kh", "h3", "evo")
    begin = DAY - timedelta(hours=3, minutes=30)
    first = DAY
    last = DAY + timedelta(days=1)

    def __init__(self, world: House) -> None:
        """Name the plants."""
        super().__init__(world)
        self.kh, self.h3, self.evo = (world.sim.plant(name) for name in self.accounts)

    def happenings(self) -> tuple[Happening, ...]:
        """Return the day's events."""
        number = self.world.set_number
        kh, h3, evo = (plant.device.sn for plant in (self.kh, self.h3, self.evo))
        events: tuple[tuple[int, int, Callable[[], Awaitable[None]]], ...] = (
            (0, 40, lambda: number(h3, "min_soc", 12)),
            (2, 10, self.restart),
            (6, 0, self._drag),
            (7, 30, lambda: self.select(h3, "battery_mode", "feed_in_priority")),
            (8, 5, lambda: number(kh, "export_limit", 4000)),
            (9, 0, self.cloud_down),
            (10, 0, self.cloud_up),
            (10, 30, lambda: self.select(h3, "battery_mode", "self_consumption")),
            (11, 0, lambda: self.act("force_charge", self.h3, power=2600, duration=30)),
            (
                12,
                0,
                lambda: self.act("force_discharge", self.evo, power=1700, duration=40),
            ),
            (12, 17, self.kill),
            (14, 0, lambda: number(evo, "backup_reserve", 15)),
            (15, 0, lambda: self.act("hold", self.kh, duration=120)),
            (15, 50, lambda: self.act("stop_forced", self.kh)),
            (17, 3, self.restart),
        )
        return tuple(
            (DAY.replace(hour=hour, minute=minute), event)
            for hour, minute, event in events
        )

    async def _drag(self) -> None:
        """Drag a slider: ten values within three seconds."""

        async def drag() -> None:
            sent = []
            for value in range(11, 21):
                work = self.world.service(
                    "number.set_value", self.kh.device.sn, "min_soc", value=value
                )
                sent.append(asyncio.create_task(work))
                await asyncio.sleep(0.3)
            await asyncio.gather(*sent)

        await self.world.do(drag())

    def judge_commands(self) -> None:
        """Check what the devices hold at the end of the day, and what they did."""
        kh, h3, evo = (plant.device for plant in (self.kh, self.h3, self.evo))
        self.hold(
            {
                "kh min_soc": (kh.settings["MinSoc"], "20"),
                "kh export_limit": (kh.settings["ExportLimit"], "4000"),
                "kh schedule": (kh.flag, True),
                "kh groups": (len(kh.groups), 3),
                "h3 min_soc": (h3.settings["MinSoc"], "12"),
                "h3 mode": (h3.settings["WorkMode"], "SelfUse"),
                "h3 schedule": (h3.flag, False),
                "h3 groups": (len(h3.groups), 2),
                "evo reserve": (evo.settings["MinSocOnGrid"], "15"),
                "evo schedule": (evo.flag, False),
            }
        )
        dragged = [
            command
            for command in self.world.sim.commands
            if (command.device, command.what) == (kh.sn, "setting MinSoc")
        ]
        if len(dragged) > MOST_WRITES:
            self.fail(f"a slider dragged over ten values wrote {len(dragged)} of them")
        self.forced(self.h3, Mode.FORCE_CHARGE, 2600, 30)
        self.forced(self.evo, Mode.FORCE_DISCHARGE, 1700, 40)


@pytest.mark.timeout(LONGEST)
async def test_day(socket_enabled: None, tmp_path: Path, report: Report) -> None:
    """A day with restarts, an outage and commands loses nothing and claims nothing."""
    await play(Day, tmp_path, report)
