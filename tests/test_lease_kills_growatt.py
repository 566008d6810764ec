"""Home Assistant killed between every two steps of a lease of a Growatt machine.

As in `test_lease_kills`, for what is different here: windows with values of their own, a
machine that holds one part of a run at a time, and a remote call that ends by itself.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, override

import pytest

from custom_components.solar_cloud.cloud.control import Forced

from tests.driver import START, House
from tests.simulator.growatt.orders import minute
from tests.simulator.physics import Orders
from tests.test_lease_kills import (
    FEWEST_STEPS,
    MINUTES,
    POWER,
    Case,
    Part,
    Scene,
    Wait,
    after_the_end,
    after_two_days,
    at_once,
)

GAP = 75.0
ALL_PARTS = (Part.START, Part.MIDDLE, Part.END)


@pytest.fixture(autouse=True)
def custom_integrations() -> None:
    """Leave it to the driver to make a Home Assistant."""


class GrowattScene(Scene):
    """A home whose battery is behind a Growatt machine."""

    @property
    def device(self) -> Any:
        """Return the machine with the battery."""
        return self.plant.battery

    @override
    def held(self) -> dict[str, Any]:
        """Return what the machine holds; its windows have no main switch."""
        return {"flag": True, "settings": dict(self.device.settings)}

    @override
    def start(self, kind: Forced) -> Any:
        """Return the work that starts a lease; a storage machine takes no power."""
        leases = self.world.account(self.name).leases
        powered = kind is not Forced.HOLD and self.name != "old"
        return leases.async_start(
            kind, self.plant.id, minutes=MINUTES, power=POWER if powered else None
        )

    @override
    def _ours(self, case: Case, orders: Orders) -> bool:
        """Return whether the battery was told what the lease asks for, and nobody else."""
        match case.kind:
            case Forced.LIMIT_EXPORT:
                return orders.export_limit == POWER
            case Forced.HOLD:
                return orders.mode == "charge_priority"
            case Forced.CHARGE:
                limit = orders.charge_limit
            case _:
                limit = min(orders.discharge_limit, orders.power)
        mine = self.name == "old" or limit == pytest.approx(POWER)
        return mine and orders.mode == f"force_{case.kind}"

    @override
    def forced(self, case: Case, start: float, end: float) -> list[tuple[float, float]]:
        """Return when the battery was told to do what the lease asked for.

        Power and mains are for all windows of a kind, so the owner's own window has those
        of the lease as long as Home Assistant is away.
        """
        found: list[tuple[float, float]] = []
        for first, last in super().forced(case, start, end):
            if self._is_owners(first):
                continue
            # Where a part is sent at midnight, all is read before by who was just started.
            if self.name == "old" and found and first - found[-1][1] < GAP:
                first = found.pop()[0]
            found.append((first, last))
        return found

    def _is_owners(self, at: float) -> bool:
        """Return whether an instant is in the owner's window."""
        held, now = self.owners["settings"], self.device.local_minute(at)
        for name in ("forcedTime", "forcedChargeTime"):
            switch = name.replace("Time", "StopSwitch") + "1"
            if held.get(switch) == "1":
                first, last = (minute(held[f"{name}{x}1"]) for x in ("Start", "Stop"))
                return bool(first - 1 <= now < last)
        return False

    @override
    def _put_right(self) -> None:
        """Let the next case begin with the owner's settings."""
        self.device.settings = dict(self.owners["settings"])
        self.device.home.change(self.world.now.timestamp(), lambda: None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Which kills are played: of every `stride`-th step of the parts of a lease.

    With `at` each case begins at that hour of a day.
    """

    account: str
    kind: Forced
    wait: Wait
    parts: tuple[Part, ...] = ALL_PARTS
    stride: int = 1
    at: tuple[int, int] | None = None

    @property
    def name(self) -> str:
        """Return what the test is called."""
        return f"{self.account}-{self.kind}-{self.wait.__name__}"


# Midnight at the plant comes while the lease runs.
MIDNIGHT = (21, 54)
PLANS = (
    Plan(account="min", kind=Forced.CHARGE, wait=at_once),
    Plan(account="min", kind=Forced.CHARGE, wait=after_two_days, stride=4),
    Plan(account="min", kind=Forced.DISCHARGE, wait=after_the_end, stride=2),
    Plan(account="min", kind=Forced.HOLD, wait=at_once, stride=3),
    Plan(account="min", kind=Forced.LIMIT_EXPORT, wait=at_once),
    Plan(account="min", kind=Forced.LIMIT_EXPORT, wait=after_two_days, stride=4),
    Plan(account="sph", kind=Forced.CHARGE, wait=at_once),
    Plan(account="sph", kind=Forced.DISCHARGE, wait=after_the_end),
    Plan(account="sph", kind=Forced.HOLD, wait=after_two_days, stride=4),
    Plan(account="spa", kind=Forced.CHARGE, wait=at_once, stride=2),
    Plan(account="spa", kind=Forced.HOLD, wait=after_the_end, stride=2),
    Plan(
        account="old",
        kind=Forced.CHARGE,
        wait=at_once,
        parts=(Part.START, Part.MIDDLE),
        stride=20,
        at=MIDNIGHT,
    ),
    Plan(account="old", kind=Forced.DISCHARGE, wait=after_the_end, stride=3),
)


@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: plan.name)
async def test_killed_between_every_two_steps(socket_enabled: None, plan: Plan) -> None:
    """A lease keeps its word wherever Home Assistant dies in it."""
    # At eight in London it is night in Phoenix, and the owner's window is open.
    start = START.replace(hour=15) if plan.account == "sph" else START
    async with House(start=start, vendors=("growatt",)) as world:
        await world.setup(plan.account)
        await world.run(minutes=10)
        scene = GrowattScene(world, plan.account)
        for part in plan.parts:
            killed = await _play_part(scene, plan, part)
            assert killed >= (1 if part is Part.MIDDLE else FEWEST_STEPS)
        assert not scene.failures, "\n".join(scene.failures)
        refused = [call for call in world.sim.calls if call.refused]
        assert all(call.endpoint.endswith("vppRemoteSetNew") for call in refused)


async def _play_part(scene: GrowattScene, plan: Plan, part: Part) -> int:
    """Kill before each step until there is none left; returns how many there were."""
    step = 0
    while True:
        if plan.at:
            await scene.world.run(until=_next(scene.world.now, *plan.at))
        case = Case(
            account=plan.account, kind=plan.kind, wait=plan.wait, part=part, step=step
        )
        if not await scene.play(case):
            return step
        step += plan.stride
        if part is Part.MIDDLE:
            return step


def _next(now: datetime, hour: int, minute: int) -> datetime:
    """Return the next time that it is so late."""
    at = now.replace(hour=hour, minute=minute, second=0, microsecond=0)
    return at if at > now else at + timedelta(days=1)
