"""Home Assistant killed between every two steps of a lease at a FusionSolar plant.

As in `test_lease_kills`, for what is different here: tasks that take minutes, a run that
the plant ends by itself, and settings of which nobody can tell whether they arrived.
"""

from datetime import timedelta
from typing import Any, override

import pytest

from custom_components.solar_cloud.cloud.control import Forced

from tests.driver import START, House, Killed
from tests.simulator.physics import Orders
from tests.test_lease_kills import (
    MINUTES,
    POWER,
    Case,
    Part,
    Plan,
    Scene,
    after_the_end,
    after_two_days,
    at_once,
)

# An owner's consent has a hundred calls a day to steer; an API account one a minute.
CONSENT, API = "owner", "home"
LIMIT = 4000.0
# A delivery a minute, and an inverter that takes it up within half a minute.
SLACK = 150.0
LATE = 75.0
FEWEST_STEPS = {Part.START: 4, Part.MIDDLE: 1, Part.END: 3}
# What the plant itself does not end.
UNBOUNDED = (Forced.HOLD, Forced.LIMIT_EXPORT)
UNLIMITED = "0"
SAME_TASK = 20615


@pytest.fixture(autouse=True)
def custom_integrations() -> None:
    """Leave it to the driver to make a Home Assistant."""


class HuaweiScene(Scene):
    """A plant with two batteries, whose owner consented."""

    @override
    def held(self) -> dict[str, Any]:
        """Return what the plant holds, runs that go on included."""
        held: dict[str, Any] = dict(self.plant.schedule()[self.plant.id])
        if held["controlMode"] == UNLIMITED:
            # What the limit was is not in force.
            del held["maxGridFeedInPower"]
        return held

    @override
    def _ours(self, case: Case, orders: Orders) -> bool:
        """Return whether the batteries were told what the lease asks for."""
        match case.kind:
            case Forced.CHARGE | Forced.DISCHARGE:
                return orders.mode == f"force_{case.kind}" and orders.power == POWER
            case Forced.LIMIT_EXPORT:
                return orders.export_limit == POWER
            case _:
                return orders.discharge_limit == 0

    @override
    async def _play_until_killed(self, case: Case, end: float) -> bool:
        """Kill a lease in one of its parts; its end takes minutes."""
        world = self.world
        if case.part is not Part.END:
            return await super()._play_until_killed(case, end)
        await world.do(self.start(case.kind))
        await world.run(seconds=end - world.now.timestamp() - 0.5)
        try:
            with world.killing_after(case.step) as process:
                await world.run(minutes=9, stop=lambda: process.dead or self.gone())
                await world.run(seconds=8, stop=lambda: process.dead)
        except Killed:
            return True
        return process.dead

    @override
    def _judge_run(self, case: Case, began: float, *, stored: bool) -> None:
        """Check that a run that is stored goes on, and another never begins."""
        now = self.world.now.timestamp()
        total = sum(b - a for a, b in self.forced(case, began, now))
        if not stored and total:
            self.fail(case, f"not stored, but forced for {total:.0f} s")
        lasts = case.wait is at_once and case.kind not in UNBOUNDED
        if stored and lasts and abs(total - MINUTES * 60) > SLACK:
            self.fail(case, f"stored, and forced for {total:.0f} s")

    @override
    def _judge(self, case: Case, began: float, end: float, *, killed: bool) -> None:
        """Check that nothing but the lease was forced, and that all is as it was."""
        now = self.world.now.timestamp()
        runs = self.forced(case, began, now)
        late = max((last - end for _, last in runs), default=0.0)
        if case.kind not in UNBOUNDED and late > LATE:
            self.fail(case, f"forced for {late:.0f} s beyond its end")
        if len(runs) > 1:
            self.fail(case, f"{len(runs)} runs")
        total = sum(last - first for first, last in runs)
        slow = 300 if case.kind in UNBOUNDED else SLACK
        if not killed and abs(total - MINUTES * 60) > slow:
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
        Plan(account=CONSENT, kind=Forced.CHARGE, wait=wait)
        for wait in (at_once, after_the_end, after_two_days)
    ),
    Plan(account=API, kind=Forced.DISCHARGE, wait=at_once, stride=2),
    Plan(account=API, kind=Forced.HOLD, wait=at_once),
    Plan(account=API, kind=Forced.HOLD, wait=after_two_days, stride=2),
    Plan(account=API, kind=Forced.LIMIT_EXPORT, wait=at_once),
    Plan(account=API, kind=Forced.LIMIT_EXPORT, wait=after_the_end, stride=2),
)


@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: plan.name)
async def test_killed_between_every_two_steps(socket_enabled: None, plan: Plan) -> None:
    """A lease keeps its word wherever Home Assistant dies in it."""
    async with House(
        start=START + timedelta(hours=1), vendors=("huawei",), zone="Europe/Berlin"
    ) as world:
        plant = world.sim.plant(plan.account)
        world.sim.account(plan.account).control = True
        plant.facts.newer = True
        await world.setup(plan.account)
        await world.set_number(plant.id, "discharge_power_limit", LIMIT)
        await world.run(minutes=4)
        scene = HuaweiScene(world, plan.account)
        for part in plan.parts:
            killed = await _play_part(scene, plan, part)
            assert killed >= FEWEST_STEPS[part]
        assert not scene.failures, "\n".join(scene.failures)
        refused = [call for call in world.sim.calls if call.refused]
        assert {call.code for call in refused} <= {SAME_TASK}


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
