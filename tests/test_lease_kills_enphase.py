"""Home Assistant killed between every two steps of a lease at an Enphase system.

As in `test_lease_kills`; here nothing on the system ends a run, so that what a kill leaves
behind lasts until Home Assistant is back, and no longer.
"""

from datetime import timedelta
from typing import Any, override

import pytest

from custom_components.solar_cloud.cloud.control import Forced

from tests.driver import START, House
from tests.simulator.physics import Mode, Orders
from tests.test_lease_kills import (
    MINUTES,
    Case,
    Part,
    Plan,
    Scene,
    after_the_end,
    after_two_days,
    at_once,
)

# A gateway takes a setting up within half a minute.
SLACK = 75.0
FEWEST_STEPS = {Part.START: 4, Part.MIDDLE: 1, Part.END: 3}


@pytest.fixture(autouse=True)
def custom_integrations() -> None:
    """Leave it to the driver to make a Home Assistant."""


class EnphaseScene(Scene):
    """A system with two batteries, on a plan with settings."""

    @override
    def held(self) -> dict[str, Any]:
        """Return what is set."""
        held: dict[str, Any] = self.plant.schedule()[self.plant.gateway]
        return held

    @override
    def start(self, kind: Forced) -> Any:
        """Return the work that starts a lease, which takes no power."""
        leases = self.world.account(self.name).leases
        return leases.async_start(kind, self.plant.id, minutes=MINUTES)

    @override
    def _ours(self, case: Case, orders: Orders) -> bool:
        """Return whether the batteries were told what the lease asks for."""
        if case.kind is Forced.CHARGE:
            return orders.mode == Mode.FORCE_CHARGE
        return bool(orders.floor != self.owners["reserve_soc"])

    @override
    def _judge(self, case: Case, began: float, end: float, *, killed: bool) -> None:
        """Check that there was one run, with one end, and that all is as it was."""
        runs = self.forced(case, began, self.world.now.timestamp())
        if len(runs) > 1:
            self.fail(case, f"{len(runs)} runs")
        total = sum(last - first for first, last in runs)
        if not killed and abs(total - MINUTES * 60) > SLACK:
            self.fail(case, f"undisturbed, forced for {total:.0f} s")
        if not self.gone():
            self.fail(case, "the lease is still there")
        if (held := self.held()) != self.owners:
            changed = {
                k: (self.owners[k], v) for k, v in held.items() if v != self.owners[k]
            }
            self.fail(case, f"the owner's settings have changed: {changed}")


PLANS = (
    *(
        Plan(account="mega", kind=Forced.CHARGE, wait=wait)
        for wait in (at_once, after_the_end)
    ),
    Plan(account="mega", kind=Forced.HOLD, wait=at_once),
    Plan(account="mega", kind=Forced.HOLD, wait=after_two_days, stride=2),
)


@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: plan.name)
async def test_killed_between_every_two_steps(socket_enabled: None, plan: Plan) -> None:
    """A lease keeps its word wherever Home Assistant dies in it."""
    async with House(
        start=START + timedelta(hours=1), vendors=("enphase",), zone="Europe/Paris"
    ) as world:
        await world.setup(plan.account)
        await world.run(minutes=4)
        scene = EnphaseScene(world, plan.account)
        for part in plan.parts:
            killed = await _play_part(scene, plan, part)
            assert killed >= FEWEST_STEPS[part]
        assert not scene.failures, "\n".join(scene.failures)
        assert not [call for call in world.sim.calls if call.refused]


async def _play_part(scene: Scene, plan: Plan, part: Part) -> int:
    """Kill before each step until there is none left; returns how many there were."""
    step = 0
    while await scene.play(
        Case(account=plan.account, kind=plan.kind, wait=plan.wait, part=part, step=step)
    ):
        step += plan.stride
        if part is Part.MIDDLE:
            break
    return step + (part is Part.MIDDLE)
