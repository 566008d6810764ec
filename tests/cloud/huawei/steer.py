"""Who steers a plant of the simulated cloud: a dispatcher, and what it was told."""

import asyncio
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from custom_components.solar_cloud.cloud.control import (
    Absent,
    Control,
    Forced,
    Outcome,
    Progress,
    Run,
    Setting,
)
from custom_components.solar_cloud.cloud.dispatch import Dispatcher, House, Pending

from .world import World


@dataclass
class Steer:
    """A dispatcher for an account of the simulated cloud; it keeps what it learns."""

    world: World
    plant: Any = None
    told: list[Outcome] = field(default_factory=list)
    known: dict[tuple[str, str], Control | Absent] = field(default_factory=dict)
    work: list[asyncio.Task[None]] = field(default_factory=list)
    saves: int = 0
    # What a crash would leave: the memory as it was last stored.
    crash_after: int | None = None

    def __post_init__(self) -> None:
        """Take the first plant."""
        self.plant = self.plant or self.world.plant

    async def look(self) -> None:
        """Learn what is needed to steer."""
        await self.world.poll("devices", "realtime", "settings")
        self.begin()

    async def restart(self) -> None:
        """Start the vendor again, from its memory."""
        snapshots = dict(self.world.vendor.snapshots)
        await self.world.begin()
        for feed, snapshot in snapshots.items():
            await self.world.vendor.restore(feed, snapshot)
        self.begin()

    def begin(self) -> None:
        """Build the dispatcher."""
        self.world.vendor.remember(self._save)
        self.dispatcher = Dispatcher(
            self.world.vendor,
            self.world.clock,
            House(
                plant_of=lambda device: device,
                known=lambda device, key: self.known.get((device, key)),
                learned=self.learned,
                report=self.told.append,
                spawn=self.spawn,
                today=lambda: self.world.clock.now().date(),
                writes_per_day=lambda: None,
            ),
        )

    async def _save(self) -> None:
        self.saves += 1

    def learned(self, device: str, found: Mapping[str, Control | Absent]) -> None:
        """Remember what a task has set."""
        self.known |= {(device, key): row for key, row in found.items()}

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run work in the background."""
        self.work.append(asyncio.ensure_future(work))

    def submit(self, key: str, value: Setting) -> Pending:
        """Give a command."""
        return self.dispatcher.submit(self.plant.id, key, value)

    async def set(self, key: str, value: Setting) -> Outcome:
        """Give a command, and wait for its end."""
        return await self.submit(key, value).outcome

    async def set_all(self, **changes: Setting) -> list[Outcome]:
        """Give commands at once, and wait for all of them."""
        rows = [self.submit(key, value) for key, value in changes.items()]
        return [await row.outcome for row in rows]

    def states(self, key: str) -> list[str]:
        """Return what was told of a control, in order."""
        return [row.state.value for row in self.told if row.control == key]

    async def controls(self) -> Mapping[str, Control | Absent]:
        """Poll the settings, and return those of the plant."""
        snapshot = await self.world.poll("settings")
        found: Mapping[str, Control | Absent] = snapshot.controls[self.plant.id]
        return found

    async def control(self, key: str) -> Control:
        """Return a control that is there."""
        found = (await self.controls())[key]
        assert isinstance(found, Control), found
        return found

    async def value(self, key: str) -> Setting | None:
        """Return the value of a control."""
        return (await self.control(key)).value

    # --- runs --------------------------------------------------------------------------

    def run(self, kind: Forced, minutes: float = 60, **asked: Any) -> Run:
        """Return a run of this plant, from now."""
        now = self.world.clock.now()
        if kind is Forced.LIMIT_EXPORT:
            devices: tuple[str, ...] = (self.plant.id,)
        else:
            devices = tuple(self.batteries(kind))
        return Run(
            id=asked.pop("id", "run"),
            plant=self.plant.id,
            kind=kind,
            start=now,
            end=now + timedelta(minutes=minutes),
            devices=devices,
            **asked,
        )

    def batteries(self, kind: Forced) -> list[str]:
        """Return the batteries that can be forced."""
        vendor = self.world.vendor
        devices = vendor.snapshots["devices"].devices.values()
        return [
            row.id
            for row in devices
            if row.plant == self.plant.id
            and (found := vendor.run_range(row))
            and kind in found.kinds
        ]

    async def wait(self, step: Any) -> Progress:
        """Ask as often as the vendor wants until the end is known."""
        while True:
            progress: Progress = await step()
            if progress.done is not None or progress.again_at is None:
                return progress
            left = (progress.again_at - self.world.clock.now()).total_seconds()
            self.world.advance(seconds=max(left, 1.0))

    def commands(self, since: int = 0) -> list[tuple[str, Any]]:
        """Return what plants have carried out."""
        return [(row.what, row.value) for row in self.world.sim.commands[since:]]
