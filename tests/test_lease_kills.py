"""Home Assistant killed between every two steps of a lease, and started again.

Whatever a lease does that can be seen from outside, a request or a file written, it is
killed before that; so every state that a kill can leave behind comes up. The judges are
the simulator's record of what the battery was told, and what the device holds.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum, auto
from typing import Any

import pytest

from custom_components.solar_cloud.cloud.control import Forced

from tests.driver import START, House, Killed
from tests.simulator.physics import Mode, Orders

MINUTES = 14
# A lease that is seen from outside less often than this was not there.
FEWEST_STEPS = 4
LEASE = timedelta(minutes=MINUTES)
POWER = 2100.0
# A window begins and ends with a minute of the device's clock, and takes two calls.
SLACK = 75.0
TWO_CALLS = 3.0
DAY = 86_400.0


@pytest.fixture(autouse=True)
def custom_integrations() -> None:
    """Leave it to the driver to make a Home Assistant."""


def at_once(world: House, end: float) -> timedelta:
    """Start again as soon as it was killed."""
    return timedelta(seconds=1)


def after_the_end(world: House, end: float) -> timedelta:
    """Start again when the lease's time is over."""
    return timedelta(seconds=max(1.0, end + 200 - world.now.timestamp()))


def after_two_days(world: House, end: float) -> timedelta:
    """Start again when everybody thought it would never come back."""
    return timedelta(days=2)


type Wait = Callable[[House, float], timedelta]


class Part(StrEnum):
    """When a lease is killed: while it starts, runs, or ends."""

    START = auto()
    MIDDLE = auto()
    END = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One kill: of which lease, in which part of it, before which step, for how long."""

    account: str
    kind: Forced
    wait: Wait
    part: Part
    step: int

    @property
    def name(self) -> str:
        """Return what a failure is told with."""
        words = (self.account, self.kind, self.part, self.step, self.wait.__name__)
        return " ".join(map(str, words))


class Scene:
    """A home in which leases are started and killed, one after the other."""

    def __init__(self, world: House, account: str) -> None:
        """Remember what the owner has set."""
        self.world = world
        self.name = account
        self.plant = world.sim.plant(account)
        self.owners = self.held()
        self.failures: list[str] = []
        self._between_calls = False

    def held(self) -> dict[str, Any]:
        """Return what the device holds, its clock aside."""
        held: dict[str, Any] = self.plant.device.held()
        return held

    def stored(self) -> bool:
        """Return whether a lease is in the files."""
        return any(
            row["data"].get("leases")
            for key, row in self.world.files.data.items()
            if key.startswith("solar_cloud.") and "ledger" not in key
        )

    def start(self, kind: Forced) -> Any:
        """Return the work that starts a lease."""
        leases = self.world.account(self.name).leases
        power = None if kind is Forced.HOLD else POWER
        return leases.async_start(kind, self.plant.id, minutes=MINUTES, power=power)

    def gone(self) -> bool:
        """Return whether no lease is left."""
        return not self.world.account(self.name).store.kept.leases

    async def play(self, case: Case) -> bool:
        """Start a lease and kill it; returns whether the step was there to kill."""
        world = self.world
        began = world.now.timestamp()
        end = began + LEASE.total_seconds()
        killed = await self._play_until_killed(case, end)
        # Groups cannot be put back without turning the scheduler on: whoever dies before
        # the next call, which turns it off, leaves it on.
        held = self.held()
        self._between_calls = killed and held == self.owners | {"flag": True}
        if killed:
            stored = self.stored()
            await world.kill()
            dead = case.wait(world, end)
            await world.run(seconds=dead.total_seconds())
            await world.start()
            until = max(end, world.now.timestamp()) - world.now.timestamp()
            await world.run(seconds=until + 90)
            if case.part is Part.START:
                self._judge_run(case, began, stored=stored)
        else:
            await world.run(seconds=max(0, end - world.now.timestamp()))
        await world.run(minutes=10, stop=self.gone)
        await world.run(minutes=1)
        self._judge(case, began, end, killed=killed)
        return killed

    async def _play_until_killed(self, case: Case, end: float) -> bool:
        world = self.world
        if case.part is Part.START:
            try:
                with world.killing_after(case.step):
                    await world.do(self.start(case.kind))
            except Killed:
                return True
            return False
        await world.do(self.start(case.kind))
        left = end - world.now.timestamp() - 0.5
        if case.part is Part.MIDDLE:
            await world.run(seconds=left / 2)
            return True
        await world.run(seconds=left)
        with world.killing_after(case.step) as process:
            await world.run(minutes=3, stop=lambda: process.dead or self.gone())
            await world.run(seconds=8, stop=lambda: process.dead)
        return process.dead

    # --- the judges -------------------------------------------------------------------

    def fail(self, case: Case, words: str) -> None:
        """Take a failure down."""
        self.failures.append(f"{case.name}: {words}")

    def forced(self, case: Case, start: float, end: float) -> list[tuple[float, float]]:
        """Return when the battery was told to do what the lease asked for."""
        found: list[tuple[float, float]] = []
        for first, last, orders in self.plant.home.told(start, end):
            if not self._ours(case, orders):
                continue
            if found and first - found[-1][1] < 5:
                first = found.pop()[0]
            found.append((first, last))
        return found

    def _ours(self, case: Case, orders: Orders) -> bool:
        match case.kind:
            case Forced.CHARGE | Forced.DISCHARGE:
                mode = f"force_{case.kind.removeprefix('force_')}"
                return orders.mode == mode and orders.power == POWER
            case Forced.LIMIT_EXPORT:
                return orders.export_limit == POWER
            case _:
                return orders.floor not in self._owners_floors()

    def _woken(self, case: Case, start: float, end: float) -> float:
        """Return for how long (s) the battery followed a schedule that is off."""
        return sum(
            float(last - first)
            for first, last, orders in self.plant.home.told(start, end)
            if orders.mode != Mode.SELF_CONSUMPTION and not self._ours(case, orders)
        )

    def _owners_floors(self) -> set[float]:
        floors = {float(g["minSocOnGrid"]) for g in self.owners["groups"]}
        settings = self.owners["settings"]
        return floors | {
            max(float(settings["MinSoc"]), float(settings["MinSocOnGrid"])),
            *(max(float(settings["MinSoc"]), floor) for floor in floors),
        }

    def _judge_run(self, case: Case, began: float, *, stored: bool) -> None:
        """Check that a stored run went on to its end, and another never began."""
        now = self.world.now.timestamp()
        total = sum(b - a for a, b in self.forced(case, began, now))
        if not stored and total:
            self.fail(case, f"not stored, but forced for {total:.0f} s")
        if stored and case.wait is at_once and abs(total - MINUTES * 60) > SLACK:
            self.fail(case, f"stored, and forced for {total:.0f} s")

    def _judge(self, case: Case, began: float, end: float, *, killed: bool) -> None:
        """Check that only the lease was forced, and that all is as the owner had it."""
        now = self.world.now.timestamp()
        runs = self.forced(case, began, now)
        bounded = case.kind is not Forced.LIMIT_EXPORT
        for first, last in runs:
            day = (first - began + 3600) // DAY * DAY
            early, late = began + day - first, last - end - day
            if bounded and (early > SLACK or late > SLACK):
                self.fail(
                    case, f"forced outside the window by {max(early, late):.0f} s"
                )
        days = {(first - began + 3600) // DAY for first, _ in runs}
        if bounded and len(runs) > len(days):
            self.fail(case, f"{len(runs)} runs on {len(days)} days")
        woken = 0.0 if self.owners["flag"] else self._woken(case, began, now)
        if woken > TWO_CALLS and not self._between_calls:
            self.fail(case, f"the owner's sleeping groups were awake for {woken:.0f} s")
        if len(days) > 1 and case.wait is not after_two_days:
            self.fail(case, f"forced on {len(days)} days")
        total = sum(b - a for a, b in runs)
        if not killed and abs(total - MINUTES * 60) > SLACK:
            self.fail(case, f"undisturbed, forced for {total:.0f} s")
        if not self.gone():
            self.fail(case, "the lease is still there")
        if (held := self.held()) != self.owners:
            changed = {
                k: (self.owners[k], v) for k, v in held.items() if v != self.owners[k]
            }
            self.fail(case, f"the owner's settings have changed: {changed}")
            self._put_right()

    def _put_right(self) -> None:
        """Let the next case begin with the owner's settings."""
        device = self.plant.device
        device.flag = self.owners["flag"]
        device.groups = [dict(group) for group in self.owners["groups"]]
        device.settings = dict(self.owners["settings"])
        device.home.change(self.world.now.timestamp(), device.changed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Which kills are played: of every `stride`-th step of the parts of a lease."""

    account: str
    kind: Forced
    wait: Wait
    parts: tuple[Part, ...] = (Part.START, Part.MIDDLE, Part.END)
    stride: int = 1

    @property
    def name(self) -> str:
        """Return what the test is called."""
        return f"{self.account}-{self.kind}-{self.wait.__name__}"


# In the evening the owner's windows begin, asleep or not, and midnight comes.
STARTS = {
    "kh": START,
    "h3": START.replace(hour=14),
    "evo": START.replace(hour=20),
}
BOTH_ENDS = (Part.START, Part.END)
PLANS = (
    *(
        Plan(account="kh", kind=kind, wait=wait)
        for kind in Forced
        for wait in (at_once, after_the_end)
    ),
    Plan(account="kh", kind=Forced.CHARGE, wait=after_two_days),
    Plan(account="kh", kind=Forced.DISCHARGE, wait=after_two_days, stride=4),
    Plan(account="kh", kind=Forced.HOLD, wait=after_two_days, stride=3),
    Plan(account="kh", kind=Forced.LIMIT_EXPORT, wait=after_two_days, stride=3),
    *(
        Plan(account=account, kind=kind, wait=wait, parts=BOTH_ENDS, stride=stride)
        for account in ("h3", "evo")
        for kind, wait, stride in (
            (Forced.CHARGE, at_once, 1),
            (Forced.DISCHARGE, after_the_end, 2),
            (Forced.HOLD, at_once, 3),
            (Forced.HOLD, after_two_days, 4),
        )
    ),
)


@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: plan.name)
async def test_killed_between_every_two_steps(socket_enabled: None, plan: Plan) -> None:
    """A lease keeps its word wherever Home Assistant dies in it."""
    async with House(start=STARTS[plan.account]) as world:
        await world.setup(plan.account)
        scene = Scene(world, plan.account)
        for part in plan.parts:
            killed = await _play_part(scene, plan, part)
            assert killed >= (1 if part is Part.MIDDLE else FEWEST_STEPS)
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
    return step
