"""A machine of the simulated Growatt cloud, and what steers it, on the same clock."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
import json
from typing import Any
from zoneinfo import ZoneInfo

from aiohttp import ClientSession

from custom_components.solar_cloud.cloud.clock import Clock
from custom_components.solar_cloud.cloud.control import Absent, Control, Forced, Run
from custom_components.solar_cloud.cloud.growatt.client import GrowattClient
from custom_components.solar_cloud.cloud.growatt.controls import Steering
from custom_components.solar_cloud.cloud.growatt.endpoints import FAMILIES
from custom_components.solar_cloud.cloud.growatt.limits import allowances
from custom_components.solar_cloud.cloud.growatt.machines import Machine
from custom_components.solar_cloud.cloud.quota import Ledger

from tests.simulator import Simulator

NOON = datetime(2026, 6, 17, 10, 0, 30, tzinfo=UTC)
# The inverter that each name stands for: account, plant, place in the plant.
PLACES = {
    "inverter": ("old", 0, 0),
    "storage": ("old", 0, 1),
    "alone": ("old", 1, 0),
    "min": ("min", 0, 0),
    "min_pv": ("min", 1, 0),
    "sph": ("sph", 0, 0),
    "spa": ("spa", 0, 0),
    "max": ("spa", 0, 1),
}


@dataclass
class Steered:
    """A machine of the simulator, steered on the simulator's clock."""

    sim: Simulator
    session: ClientSession
    name: str
    memory: dict[str, Any] = field(default_factory=dict)
    saves: int = 0

    def __post_init__(self) -> None:
        """Find the machine."""
        account, plant, place = PLACES[self.name]
        self.account = self.sim.account(account)
        self.plant = self.account.plants[plant]
        self.device = self.plant.devices[place]
        self.sn: str = self.device.sn
        self.clock = Clock(
            now=self.sim.clock.now, monotonic=self.sim.clock.seconds, sleep=self._sleep
        )
        model = self.device.model
        self.machine = Machine(
            sn=self.sn,
            family=FAMILIES[model.family.type],
            zone=ZoneInfo(self.plant.home.spec.zone),
            rated=model.rated,
            has_battery=model.battery,
            has_meter=self.plant.metered,
        )
        self.begin()

    def begin(self) -> None:
        """Start to steer, as after a restart: with what was stored."""
        self.memory = json.loads(json.dumps(self.memory))
        self.ledger = Ledger(allowances(), self.clock)
        self.client = GrowattClient(
            self.session,
            self.account.fields["host"],
            self.account.fields["token"],
            self.ledger,
            self.memory,
        )
        self.steering = Steering(
            self.client, self.clock, self.memory, machine=lambda sn: self.machine
        )
        self.steering.remember = self._save

    async def _sleep(self, seconds: float) -> None:
        self.sim.clock.advance(seconds + 0.01)

    async def _save(self) -> None:
        self.saves += 1

    def advance(self, **span: float) -> None:
        """Let time pass."""
        self.sim.clock.advance(timedelta(**span).total_seconds())

    async def poll(self) -> dict[str, Any]:
        """Poll all settings; returns values, and reasons of what is absent."""
        found = await self.steering.poll(self.sn)
        return {
            key: row.reason if isinstance(row, Absent) else row.value
            for key, row in found.items()
        }

    async def control(self, key: str) -> Control:
        """Read a setting afresh."""
        found = (await self.steering.read(self.sn, [key]))[key]
        assert isinstance(found, Control), found
        return found

    async def set(self, **changes: Any) -> dict[str, Any]:
        """Write settings; returns what was refused."""
        refused = await self.steering.write(self.sn, changes)
        return {key: str(err) for key, err in refused.items()}

    def hold(self, **settings: str) -> None:
        """Let the machine hold settings that somebody else has made."""
        self.device.settings |= settings
        self.device.home.change(self.sim.clock.seconds(), lambda: None)

    def written(self, since: int = 0) -> list[tuple[str, Any]]:
        """Return what the machine has carried out."""
        return [
            (row.what, row.value)
            for row in self.sim.commands[since:]
            if row.device == self.sn
        ]

    @property
    def refused(self) -> list[Any]:
        """Return the calls that the service refused."""
        return [call for call in self.sim.calls if call.refused]

    def run(self, kind: Forced, minutes: float = 60, **asked: Any) -> Run:
        """Return a run of this machine, from now."""
        now = self.clock.now()
        return Run(
            id=asked.pop("id", "run"),
            plant=self.plant.id,
            kind=kind,
            start=now,
            end=now + timedelta(minutes=minutes),
            devices=(self.sn,),
            **asked,
        )

    def told(self, since: datetime) -> dict[str, float]:
        """Return for how long (s) the battery was told each thing since an instant."""
        spans: dict[str, float] = {}
        now = self.sim.clock.seconds()
        for begin, end, orders in self.plant.home.told(since.timestamp(), now):
            mode = orders.mode.value
            spans[mode] = spans.get(mode, 0) + end - begin
        return spans
