"""Home Assistant killed between every two steps of a lease, and started again.

Whatever a lease does that can be seen from outside, a request or a file written, it is
killed before that; so every state that a kill can leave behind comes up. The judges are
the simulator's record of what the battery was told, and what the device holds.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from custom_components.solar_cloud.cloud.control import Forced
from tests.driver import House, Killed
from tests.simulator.physics import Orders

MINUTES = 14
LEASE = timedelta(minutes=MINUTES)
POWER = 2100.0
# A window begins and ends with a minute of the device's clock, and takes two calls.
SLACK = 75.0
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One kill: of which lease, in which part of it, before which step, for how long."""

    account: str
    kind: Forced
    wait: Wait
    ending: bool
    step: int

    @property
    def name(self) -> str:
        """Return what a failure is told with."""
        part = "end" if self.ending else "start"
        return f"{self.account} {self.kind} {part} step {self.step} {self.wait.__name__}"


class Scene:
    """A home in which leases are started and killed, one after the other."""

    def __init__(self, world: House, account: str) -> None:
        """Remember what the owner has set."""
        self.world = world
        self.name = account
        self.plant = world.sim.plant(account)
        self.owners = self.held()
        self.failures: list[str] = []

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
        if killed:
            stored = self.stored()
            await world.kill()
            dead = case.wait(world, end)
            await world.run(seconds=dead.total_seconds())
            await world.start()
            until = max(end, world.now.timestamp()) - world.now.timestamp()
            await world.run(seconds=until + 90)
            if not case.ending:
                self._judge_run(case, began, end, stored=stored)
        await world.run(minutes=10, stop=self.gone)
        await world.run(minutes=1)
        self._judge(case, began, end, killed=killed)
        return killed

    async def _play_until_killed(self, case: Case, end: float) -> bool:
        world = self.world
        try:
            if not case.ending:
                with world.killing_after(case.step):
                    await world.do(self.start(case.kind))
                return False
            await world.do(self.start(case.kind))
            left = end - world.now.timestamp() - 0.5
            await world.run(seconds=left)
            with world.killing_after(case.step) as process:
                await world.run(
                    minutes=3, stop=lambda: process.dead or self.gone()
                )
                await world.run(seconds=8, stop=lambda: process.dead)
        except Killed:
            return True
        return world.process.dead

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

    def _owners_floors(self) -> set[float]:
        floors = {float(g["minSocOnGrid"]) for g in self.owners["groups"]}
        settings = self.owners["settings"]
        return floors | {
            max(float(settings["MinSoc"]), float(settings["MinSocOnGrid"])),
            *(max(float(settings["MinSoc"]), floor) for floor in floors),
        }

    def _judge_run(
        self, case: Case, began: float, end: float, *, stored: bool
    ) -> None:
        """A run that was stored is carried out to its end, one that was not never."""
        total = sum(b - a for a, b in self.forced(case, began, end + 3600))
        if not stored and total:
            self.fail(case, f"not stored, but forced for {total:.0f} s")
        if stored and case.wait is at_once and abs(total - MINUTES * 60) > SLACK:
            self.fail(case, f"stored, and forced for {total:.0f} s")

    def _judge(
        self, case: Case, began: float, end: float, *, killed: bool
    ) -> None:
        now = self.world.now.timestamp()
        runs = self.forced(case, began, now)
        bounded = case.kind is not Forced.LIMIT_EXPORT
        for first, last in runs:
            day = (first - began + 3600) // DAY * DAY
            early, late = began + day - first, last - end - day
            if bounded and (early > SLACK or late > SLACK):
                self.fail(case, f"forced outside the window by {max(early, late):.0f} s")
        days = {(first - began + 3600) // DAY for first, _ in runs}
        if bounded and len(runs) > len(days):
            self.fail(case, f"{len(runs)} runs on {len(days)} days")
        if len(days) > 1 and case.wait is not after_two_days:
            self.fail(case, f"forced on {len(days)} days")
        total = sum(b - a for a, b in runs)
        if not killed and abs(total - MINUTES * 60) > SLACK:
            self.fail(case, f"undisturbed, forced for {total:.0f} s")
        if not self.gone():
            self.fail(case, "the lease is still there")
        if (held := self.held()) != self.owners:
            changed = {k: (self.owners[k], v) for k, v in held.items() if v != self.owners[k]}
            self.fail(case, f"the owner's settings have changed: {changed}")
            self._put_right()

    def _put_right(self) -> None:
        """Let the next case begin with the owner's settings."""
        device = self.plant.device
        device.flag = self.owners["flag"]
        device.groups = [dict(group) for group in self.owners["groups"]]
        device.settings = dict(self.owners["settings"])
        device.home.change(self.world.now.timestamp(), device.changed)


async def test_try(socket_enabled: None) -> None:
    import time
    from tests.driver import real_seconds
    async with House() as world:
        await world.setup("kh")
        scene = Scene(world, "kh")
        for kind in (Forced.CHARGE, Forced.HOLD, Forced.LIMIT_EXPORT):
            for wait in (at_once, after_the_end):
              for ending in (False, True):
                for step in range(40):
                    t0=real_seconds()
                    case=Case(account="kh",kind=kind,wait=wait,ending=ending,step=step)
                    killed = await scene.play(case)
                    print(case.name, killed, round(real_seconds()-t0,2), world.now, scene.failures)
                    scene.failures.clear()
                    if not killed:
                        break
