"""What every simulated span has: a start, events in order, figures, and the judges."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

from . import judges
from .conftest import Report

from tests.driver import House, real_seconds

# An instant, and what happens then.
type Happening = tuple[datetime, Callable[[], Awaitable[None]]]

SLACK = timedelta(seconds=75)


class Scene:
    """A span of simulated time, what happens in it, and what it must have led to.

    A vendor's scene says where it begins, what is judged, and what happens.
    """

    vendor: ClassVar[str]
    accounts: ClassVar[tuple[str, ...]]
    zone: ClassVar[str] = "Europe/London"
    # From when to when accounts are added, and the part of it that is judged.
    begin: ClassVar[datetime]
    first: ClassVar[datetime]
    last: ClassVar[datetime]
    # How old power data may be, as a multiple of what is possible.
    oldest: ClassVar[float] = 1.3
    # The part of the energy, and the step of the vendor's counters (kWh).
    share: ClassVar[float] = 0.005
    step: ClassVar[float] = 0.1
    # Seconds between two polls, at the longest, where calls are rationed.
    gap: ClassVar[float] = 0.0

    def __init__(self, world: House) -> None:
        """Begin before the span that is judged."""
        self.world = world
        self.ages = judges.Ages(world)
        self.failures: list[str] = []

    @classmethod
    def house(cls, folder: Path) -> House:
        """Return the home in which the scene takes place."""
        return House(
            start=cls.begin, zone=cls.zone, folder=folder, vendors=(cls.vendor,)
        )

    def happenings(self) -> tuple[Happening, ...]:
        """Return what happens, in order."""
        return ()

    def judge_commands(self) -> None:
        """Check what the devices hold at the end, and what they did."""

    async def live(self) -> None:
        """Live through the span."""
        self.ages.listen()
        for account in self.accounts:
            await self.world.setup(account)
        for at, happen in self.happenings():
            await self.world.run(until=at)
            await happen()
        # The hour before midnight is compiled a few minutes after it.
        await self.world.run(until=self.last + timedelta(minutes=20))

    # --- what happens ---------------------------------------------------------------

    async def restart(self) -> None:
        """Stop Home Assistant in order and start it again."""
        since = self.world.now.timestamp()
        await self.world.stop()
        await self.world.start()
        self.ages.away.append((since, self.world.now.timestamp()))

    async def kill(self) -> None:
        """Kill Home Assistant, and leave it for ten minutes."""
        since = self.world.now.timestamp()
        await self.world.kill()
        await self.world.run(minutes=10)
        await self.world.start()
        self.ages.away.append((since, self.world.now.timestamp()))

    async def cloud_down(self) -> None:
        """Have half an hour of errors and broken connections, then no answers at all."""
        self.ages.away.append((self.world.now.timestamp(), float("inf")))
        self.world.sim.fault("status", status=503, count=40)
        self.world.sim.fault("drop_before", count=40, skip=0)
        await self.world.run(minutes=30)
        self.world.sim.clear_faults()
        self.world.sim.fault("timeout")

    async def cloud_up(self) -> None:
        """Have the cloud back."""
        self.world.sim.clear_faults()
        since, _ = self.ages.away.pop()
        self.ages.away.append((since, self.world.now.timestamp()))

    async def act(self, action: str, plant: Any, **data: float) -> None:
        """Call an action for a plant."""
        await self.world.action(action, plant.id, **data)

    async def select(self, subject: str, key: str, option: str) -> None:
        """Choose an option."""
        await self.world.call("select.select_option", subject, key, option=option)

    # --- the judges -----------------------------------------------------------------

    def fail(self, words: str) -> None:
        """Take a failure down."""
        self.failures.append(words)

    def hold(self, held: dict[str, tuple[Any, Any]]) -> None:
        """Check what was found against what is wanted, by its name."""
        for what, (found, wanted) in held.items():
            if found != wanted:
                self.fail(f"{what} is {found}, not {wanted}")

    def forced(self, plant: Any, mode: Any, power: float, minutes: float) -> None:
        """Check for how long a battery was told to charge or discharge with a power."""
        span = judges.told(
            plant,
            self.first,
            self.last,
            lambda orders: (orders.mode, orders.power) == (mode, power),
        )
        if abs(span - timedelta(minutes=minutes)) > SLACK:
            self.fail(f"{plant.name}: {mode} for {span}, not {minutes} min")

    def judge(self) -> list[str]:
        """Return the figures; what is wrong is taken down."""
        database = self.world.place.database
        assert database
        self.failures += judges.refused(self.world)
        self.failures += judges.falls(self.world, database)
        self.judge_commands()
        return [*self._energy(database), *self._age(), *self._counts()]

    @property
    def plants(self) -> list[Any]:
        """Return the plants of the scene's accounts."""
        return [
            plant
            for name in self.accounts
            for plant in self.world.sim.account(name).plants
        ]

    def _energy(self, database: Path) -> list[str]:
        start, end = self.first.timestamp(), self.last.timestamp()
        hours = round((end - start) / judges.HOUR)
        lines = ["energy, kWh:              recorded     truth    off  allowed"]
        for plant in self.plants:
            found = judges.energies(self.world, plant, database, start, end, self.gap)
            for row in found:
                allowed = max(self.share * row.truth, self.step, row.step) + 1e-6
                allowed += row.unseen
                figures = f"{row.recorded:9.2f} {row.truth:9.2f} {row.error:6.3f} {allowed:6.3f}"
                lines.append(f"  {plant.name:12} {row.key:25} {figures}")
                if row.error > allowed:
                    self.fail(f"{plant.name} {row.key}: {figures}")
                if row.hours < hours:
                    self.fail(
                        f"{plant.name} {row.key}: only {row.hours} hours recorded"
                    )
        return lines

    def possible(self, plant: Any, least: float) -> float:
        """Return how old data had to be (s); `least` if every sample could be fetched."""
        return least

    def _age(self) -> list[str]:
        lines = ["age of power data, s:    shown  possible  ratio"]
        for plant in self.plants:
            mean, least = self.ages.mean(
                plant, self.first.timestamp(), self.last.timestamp()
            )
            least = self.possible(plant, least)
            ratio = mean / least if least else 0.0
            lines.append(f"  {plant.name:20} {mean:9.1f} {least:9.1f} {ratio:6.3f}")
            if not 0 < ratio <= self.oldest:
                self.fail(f"{plant.name}: data is {ratio:.2f} times as old as possible")
        return lines

    def _counts(self) -> list[str]:
        made = judges.calls(self.world, self.first.timestamp(), self.last.timestamp())
        writes = sum(
            count
            for name, count in self.world.files.writes.items()
            if name.startswith("solar_cloud")
        )
        return [
            f"calls from {self.first:%d %b} to {self.last:%d %b}: {made}",
            f"state writes: {sum(self.world.states.values())}",
            f"files written: {writes}",
            f"refused calls: {len(judges.refused(self.world))}",
        ]


async def play(scene: type[Scene], folder: Path, report: Report) -> None:
    """Live through a scene, show its figures, and fail where something is wrong."""
    began = real_seconds()
    async with scene.house(folder) as world:
        played = scene(world)
        await played.live()
        lines = played.judge()
        await world.stop()
    wrong = [f"WRONG: {row}" for row in played.failures] or ["nothing is wrong"]
    head = f"{scene.vendor}: {scene.__doc__}"
    report([head, *lines, f"took {real_seconds() - began:.0f} s", *wrong])
    assert not played.failures, f"{len(played.failures)} things are wrong"
