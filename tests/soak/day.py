"""A day of three accounts: three restarts, an hour without the cloud, ten commands.

One clock drives Home Assistant with its recorder, the ledgers and the clouds. The file has
a name that pytest does not look for: scripts/soak runs it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from . import judges
from .conftest import Report

from tests.driver import House, real_seconds
from tests.simulator.physics import Mode

ACCOUNTS = ("kh", "h3", "evo")
EVE = datetime(2026, 5, 11, 20, 30, tzinfo=UTC)
DAY = datetime(2026, 5, 12, tzinfo=UTC)
NEXT_DAY = DAY + timedelta(days=1)
OUTAGE = (DAY.replace(hour=9), DAY.replace(hour=10))

OLDEST = 1.3
# Of a slider that is dragged: the first value, one in between, the last.
MOST_WRITES = 3
SLACK = timedelta(seconds=75)
LONGEST = 300.0


class SimulatedDay:
    """The day's events, and what they must have led to."""

    def __init__(self, world: House) -> None:
        """Begin in the evening before."""
        self.world = world
        self.ages = judges.Ages(world)
        self.failures: list[str] = []
        self.kh, self.h3, self.evo = (world.sim.plant(name) for name in ACCOUNTS)

    async def live(self) -> None:
        """Live through the day."""
        self.ages.listen()
        for account in ACCOUNTS:
            await self.world.setup(account)
        for hour, minute, event in self._events():
            await self.world.run(until=DAY.replace(hour=hour, minute=minute))
            await event()
        # The hour before midnight is compiled a few minutes after it.
        await self.world.run(until=NEXT_DAY + timedelta(minutes=20))

    def _events(self) -> tuple[tuple[int, int, Callable[[], Awaitable[None]]], ...]:
        number = self.world.set_number
        kh, h3, evo = (plant.device.sn for plant in (self.kh, self.h3, self.evo))
        return (
            (0, 40, lambda: number(h3, "min_soc", 12)),
            (2, 10, self._restart),
            (6, 0, self._drag),
            (7, 30, lambda: self._mode(h3, "feed_in_priority")),
            (8, 5, lambda: number(kh, "export_limit", 4000)),
            (9, 0, self._cloud_down),
            (10, 0, self._cloud_up),
            (10, 30, lambda: self._mode(h3, "self_consumption")),
            (11, 0, self._force_charge),
            (12, 0, self._force_discharge),
            (12, 17, self._kill),
            (14, 0, lambda: number(evo, "backup_reserve", 15)),
            (15, 0, lambda: self._action("hold", self.kh, duration=120)),
            (15, 50, lambda: self._action("stop_forced", self.kh)),
            (17, 3, self._restart),
        )

    async def _restart(self) -> None:
        since = self.world.now.timestamp()
        await self.world.stop()
        await self.world.start()
        self.ages.away.append((since, self.world.now.timestamp()))

    async def _kill(self) -> None:
        """Kill Home Assistant in the middle of a lease, and leave it for ten minutes."""
        since = self.world.now.timestamp()
        await self.world.kill()
        await self.world.run(minutes=10)
        await self.world.start()
        self.ages.away.append((since, self.world.now.timestamp()))

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

    def _mode(self, device: str, option: str) -> Awaitable[None]:
        return self.world.call(
            "select.select_option", device, "battery_mode", option=option
        )

    async def _action(self, action: str, plant: Any, **data: float) -> None:
        await self.world.action(action, plant.id, **data)

    async def _cloud_down(self) -> None:
        """Have half an hour of errors and broken connections, then no answers at all."""
        self.world.sim.fault("status", status=503, count=40)
        self.world.sim.fault("drop_before", count=40, skip=0)
        await self.world.run(minutes=30)
        self.world.sim.clear_faults()
        self.world.sim.fault("timeout")

    async def _cloud_up(self) -> None:
        self.world.sim.clear_faults()
        self.ages.away.append((OUTAGE[0].timestamp(), OUTAGE[1].timestamp()))

    async def _force_charge(self) -> None:
        await self._action("force_charge", self.h3, power=2600, duration=30)

    async def _force_discharge(self) -> None:
        await self._action("force_discharge", self.evo, power=1700, duration=40)

    # --- the judges -------------------------------------------------------------------

    def fail(self, words: str) -> None:
        """Take a failure down."""
        self.failures.append(words)

    def judge(self) -> list[str]:
        """Return the figures; what is wrong is taken down."""
        database = self.world.place.database
        assert database
        self.failures += judges.refused(self.world)
        self.failures += judges.falls(self.world, database)
        self._judge_commands()
        return [*self._energy(database), *self._age(), *self._counts()]

    def _judge_commands(self) -> None:
        """Check what the devices hold at the end of the day, and what they did."""
        held = {
            "kh min_soc": (self.kh.device.settings["MinSoc"], "20"),
            "kh export_limit": (self.kh.device.settings["ExportLimit"], "4000"),
            "kh schedule": (self.kh.device.flag, True),
            "kh groups": (len(self.kh.device.groups), 3),
            "h3 min_soc": (self.h3.device.settings["MinSoc"], "12"),
            "h3 mode": (self.h3.device.settings["WorkMode"], "SelfUse"),
            "h3 schedule": (self.h3.device.flag, False),
            "h3 groups": (len(self.h3.device.groups), 2),
            "evo reserve": (self.evo.device.settings["MinSocOnGrid"], "15"),
            "evo schedule": (self.evo.device.flag, False),
        }
        for what, (found, wanted) in held.items():
            if found != wanted:
                self.fail(f"{what} is {found}, not {wanted}")
        dragged = [
            command
            for command in self.world.sim.commands
            if (command.device, command.what) == (self.kh.device.sn, "setting MinSoc")
        ]
        if len(dragged) > MOST_WRITES:
            self.fail(f"a slider dragged over ten values wrote {len(dragged)} of them")
        for plant, mode, power, minutes in (
            (self.h3, Mode.FORCE_CHARGE, 2600, 30),
            (self.evo, Mode.FORCE_DISCHARGE, 1700, 40),
        ):
            span = judges.told(
                plant,
                DAY,
                NEXT_DAY,
                lambda orders, mode=mode, power=power: (
                    (orders.mode, orders.power) == (mode, power)
                ),
            )
            if abs(span - timedelta(minutes=minutes)) > SLACK:
                self.fail(f"{plant.name}: {mode} for {span}, not {minutes} min")

    def _energy(self, database: Path) -> list[str]:
        start, end = DAY.timestamp(), NEXT_DAY.timestamp()
        lines = ["energy of the day, kWh:  recorded     truth    off  allowed"]
        for row in judges.energies(self.world, database, start, end):
            name = self.world.sim.plants[row.plant].name
            figures = f"{row.recorded:9.2f} {row.truth:9.2f} {row.error:6.3f} {row.allowed:6.3f}"
            lines.append(f"  {name:12} {row.key:25} {figures}")
            if row.error > row.allowed:
                self.fail(f"{name} {row.key}: {figures}")
            if row.hours < 24:
                self.fail(f"{name} {row.key}: only {row.hours} hours recorded")
        return lines

    def _age(self) -> list[str]:
        lines = ["age of power data, s:    shown  possible  ratio"]
        for plant in self.world.sim.plants.values():
            mean, least = self.ages.mean(plant, DAY.timestamp(), NEXT_DAY.timestamp())
            ratio = mean / least if least else 0.0
            lines.append(f"  {plant.name:20} {mean:9.1f} {least:9.1f} {ratio:6.3f}")
            if not 0 < ratio <= OLDEST:
                self.fail(f"{plant.name}: data is {ratio:.2f} times as old as possible")
        return lines

    def _counts(self) -> list[str]:
        made = judges.calls(self.world, DAY.timestamp(), NEXT_DAY.timestamp())
        writes = sum(
            count
            for name, count in self.world.files.writes.items()
            if name.startswith("solar_cloud")
        )
        return [
            f"calls a day: {made}",
            f"state writes (27 h 50 min): {sum(self.world.states.values())}",
            f"files written (27 h 50 min): {writes}",
            f"refused calls: {len(judges.refused(self.world))}",
        ]


@pytest.mark.timeout(LONGEST)
async def test_day(socket_enabled: None, tmp_path: Path, report: Report) -> None:
    """A day with restarts, an outage and commands loses nothing and claims nothing."""
    began = real_seconds()
    async with House(start=EVE, folder=tmp_path) as world:
        day = SimulatedDay(world)
        await day.live()
        lines = day.judge()
        await world.stop()
    wrong = [f"WRONG: {failure}" for failure in day.failures] or ["nothing is wrong"]
    report([*lines, f"took {real_seconds() - began:.0f} s", *wrong])
    assert not day.failures, f"{len(day.failures)} things are wrong"
