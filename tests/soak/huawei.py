"""FusionSolar, a day by each way in: restarts, a kill, an hour without the cloud, commands."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, override

import pytest

from .conftest import Report
from .scene import Happening, Scene, play

from tests.driver import House
from tests.simulator.huawei.devices import REALTIME
from tests.simulator.physics import Mode

DAY = datetime(2026, 5, 12, tzinfo=UTC)
# Of a slider that is dragged: the first value, one that was waiting, the last.
MOST_WRITES = 3
LONGEST = 420.0
# What an owner's authorisation allows, and how often it may be asked at night.
A_DAY = 1000
NIGHT = 900.0
BASIC = "/thirdData/"

type Event = tuple[int, int, Callable[[], Awaitable[None]]]


class _Day(Scene):
    """A day of FusionSolar."""

    vendor = "huawei"
    begin = DAY - timedelta(hours=3, minutes=30)
    first = DAY
    last = DAY + timedelta(days=1)

    def events(self) -> tuple[Event, ...]:
        """Return what happens, with the hour and the minute of it."""
        return ()

    @override
    def happenings(self) -> tuple[Happening, ...]:
        return tuple(
            (DAY.replace(hour=hour, minute=minute), event)
            for hour, minute, event in self.events()
        )

    def number(
        self, plant: Any, key: str, value: float
    ) -> Callable[[], Awaitable[None]]:
        """Return what sets a number of a plant."""
        return lambda: self.world.set_number(plant.id, key, value)

    def action(
        self, action: str, plant: Any, **data: float
    ) -> Callable[[], Awaitable[None]]:
        """Return what calls an action for a plant."""
        return lambda: self.act(action, plant, **data)

    def mode(self, plant: Any, mode: str) -> Callable[[], Awaitable[None]]:
        """Return what chooses a working mode."""
        return lambda: self.select(plant.id, "battery_mode", mode)


class AccountDay(_Day):
    """A day of an API account, with a restart, a kill, an outage and commands."""

    accounts = ("home",)
    zone = "Europe/Madrid"

    def __init__(self, world: House) -> None:
        """Grant the account what it needs to steer."""
        super().__init__(world)
        world.sim.account("home").control = True
        self.home = world.sim.plant("home")

    @override
    def events(self) -> tuple[Event, ...]:
        home = self.home
        return (
            (0, 40, self.number(home, "min_soc", 12)),
            (2, 10, self.restart),
            (4, 0, self.action("force_charge", home, power=2600, duration=30)),
            (6, 0, self._drag),
            (8, 5, self.number(home, "export_limit", 3000)),
            (9, 0, self.cloud_down),
            (10, 0, self.cloud_up),
            (12, 0, self.action("force_discharge", home, power=1700, duration=40)),
            (12, 17, self.kill),
            (14, 0, self.number(home, "charge_power_limit", 3000)),
            # What is not known cannot be put back, so that a hold is not offered before.
            (14, 30, self.number(home, "discharge_power_limit", 4800)),
            (15, 0, self.action("hold", home, duration=120)),
            (15, 50, self.action("stop_forced", home)),
            (17, 3, self.restart),
        )

    async def _drag(self) -> None:
        """Drag a slider: ten values within three seconds."""

        async def drag() -> None:
            sent = []
            for value in range(10, 20):
                work = self.world.service(
                    "number.set_value", self.home.id, "min_soc", value=value
                )
                sent.append(asyncio.create_task(work))
                await asyncio.sleep(0.3)
            await asyncio.gather(*sent)

        await self.world.do(drag())

    @override
    def judge_commands(self) -> None:
        """Check what the plant holds at the end of the day, and what it did."""
        held = self.home.settings
        self.hold(
            {
                "min_soc": (held.end_of_discharge, 19.0),
                "export limit": ((held.export_mode, held.export_kw), ("6", 3.0)),
                "charge limit": (held.charge_w, 3000),
                "discharge limit": (held.discharge_w, 4800),
                "runs": (self.home.runs, {}),
            }
        )
        dragged = [
            command
            for command in self.world.sim.commands
            if command.what == "task limits" and command.at >= DAY.timestamp() + 6 * 3600
            and "endOfDischargeSoc" in command.value["batteryConfigurationInfo"]
        ]  # fmt: skip
        if len(dragged) > MOST_WRITES:
            self.fail(f"a slider dragged over ten values wrote {len(dragged)} of them")
        self.forced(self.home, Mode.FORCE_CHARGE, 2600, 30)
        self.forced(self.home, Mode.FORCE_DISCHARGE, 1700, 40)


class OwnersDay(_Day):
    """A day of two owners by OAuth, with a restart, a kill, an outage and commands."""

    accounts = ("emma", "owner")
    zone = "Europe/Zurich"
    gap = NIGHT

    def __init__(self, world: House) -> None:
        """Name the plants."""
        super().__init__(world)
        self.emma, self.owner = (world.sim.plant(name) for name in self.accounts)

    @override
    def events(self) -> tuple[Event, ...]:
        emma, owner = self.emma, self.owner
        return (
            (0, 40, self.number(emma, "min_soc", 12)),
            (2, 10, self.restart),
            (4, 0, self.action("force_charge", emma, power=2600, duration=30)),
            (6, 30, self.number(owner, "export_limit", 4000)),
            (7, 30, self.mode(owner, "self_consumption")),
            (9, 0, self.cloud_down),
            (10, 0, self.cloud_up),
            (10, 30, self.mode(owner, "time_of_use")),
            (12, 0, self.action("force_discharge", owner, power=3400, duration=40)),
            (12, 17, self.kill),
            (14, 0, self.number(emma, "max_soc", 96)),
            (14, 30, self.number(emma, "discharge_power_limit", 6500)),
            (15, 0, self.action("hold", emma, duration=120)),
            (15, 50, self.action("stop_forced", emma)),
            (17, 3, self.restart),
        )

    @override
    def possible(self, plant: Any, least: float) -> float:
        """Return what a thousand calls allow, seldom at night and evenly by day."""
        span = [c for c in self.world.sim.calls if c.account == plant.account]
        span = [
            c for c in span if self.first.timestamp() <= c.at < self.last.timestamp()
        ]
        account = self.world.sim.account(plant.account)
        kinds = {d.type_id for p in account.plants for d in p.devices} & REALTIME
        others = sum(
            c.endpoint.startswith(BASIC) and "Real" not in c.endpoint for c in span
        )
        polls = (A_DAY - others) / (1 + len(kinds))
        dark = sum(
            plant.home.state(self.first.timestamp() + at).flow.pv <= 0
            for at in range(0, 86_400, 300)
        )
        night = dark * 300.0
        by_day = max(300.0, (86_400 - night) / (polls - night / NIGHT))
        mean = (night * NIGHT + (86_400 - night) * by_day) / 86_400
        return float(least + (mean - 300) / 2)

    @override
    def judge_commands(self) -> None:
        """Check what the plants hold at the end of the day, and what they did."""
        emma, owner = self.emma.settings, self.owner.settings
        self.hold(
            {
                "emma min_soc": (emma.end_of_discharge, 12.0),
                "emma max_soc": (emma.end_of_charge, 96.0),
                "emma discharge limit": (emma.discharge_w, 6500),
                "emma runs": (self.emma.runs, {}),
                "owner mode": (owner.mode, "TOU"),
                "owner windows": (len(owner.windows), 2),
                "owner export": ((owner.export_mode, owner.export_kw), ("6", 4.0)),
                "owner runs": (self.owner.runs, {}),
            }
        )
        self.forced(self.emma, Mode.FORCE_CHARGE, 2600, 30)
        self.forced(self.owner, Mode.FORCE_DISCHARGE, 3400, 40)


@pytest.mark.timeout(LONGEST)
@pytest.mark.parametrize("day", [AccountDay, OwnersDay])
async def test_day(
    socket_enabled: None, tmp_path: Path, report: Report, day: type[_Day]
) -> None:
    """A day with restarts, an outage and commands loses nothing and claims nothing."""
    await play(day, tmp_path, report)
