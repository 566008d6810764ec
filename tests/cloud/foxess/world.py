"""A FoxESS account of the simulated cloud, and our client on the same clock."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import ClientSession

from custom_components.solar_cloud.cloud.clock import Clock
from custom_components.solar_cloud.cloud.control import Control, Forced, Run
from custom_components.solar_cloud.cloud.foxess.client import FoxessClient
from custom_components.solar_cloud.cloud.foxess.cloud import FEEDS, FoxessCloud
from custom_components.solar_cloud.cloud.foxess.limits import allowances
from custom_components.solar_cloud.cloud.quota import Ledger
from custom_components.solar_cloud.cloud.vendor import Connection

from tests.simulator import Simulator

NOON = datetime(2026, 6, 17, 10, 0, 30, tzinfo=UTC)
AGENT = "Mozilla/5.0"


@dataclass
class World:
    """An account of the simulator, with a vendor that lives on the simulator's clock."""

    sim: Simulator
    session: ClientSession
    name: str
    memory: dict[str, Any] = field(default_factory=dict)
    saves: int = 0

    def __post_init__(self) -> None:
        """Sign in."""
        self.clock = Clock(
            now=self.sim.clock.now,
            monotonic=self.sim.clock.seconds,
            sleep=self._sleep,
        )
        self.account = self.sim.account(self.name)
        self.plant = self.account.plants[0]
        self.device = self.plant.device
        self.sn: str = self.device.sn
        self.begin()

    def begin(self, **credentials: str) -> None:
        """Start the vendor, as after a restart: with the same memory and books."""
        stored = self.ledger.as_dict() if hasattr(self, "ledger") else None
        fields = {**self.account.fields, **credentials}
        self.ledger = Ledger(allowances(), self.clock, stored=stored)
        self.client = FoxessClient(
            self.session, fields["host"], fields["api_key"], self.ledger
        )
        self.vendor = FoxessCloud(
            Connection(
                session=self.session,
                clock=self.clock,
                ledger=self.ledger,
                credentials=fields,
                memory=self.memory,
            )
        )
        self.vendor.remember(self._save)

    async def _sleep(self, seconds: float) -> None:
        self.sim.clock.advance(seconds + 0.01)

    async def _save(self) -> None:
        self.saves += 1

    def advance(self, **span: float) -> None:
        """Let time pass."""
        self.sim.clock.advance(timedelta(**span).total_seconds())

    async def poll(self, *feeds: str, dark: Iterable[str] = ()) -> Any:
        """Poll feeds (all when none is named); returns the last snapshot."""
        for feed in feeds or [row.key for row in FEEDS]:
            snapshot = await self.vendor.poll(feed, dark=frozenset(dark))
        return snapshot

    async def look(self) -> None:
        """Learn what is needed to steer."""
        await self.poll("devices", "realtime", "settings")

    async def readings(self, feed: str = "realtime") -> Mapping[str, Any]:
        """Poll a feed and return its values by subject and key."""
        snapshot = await self.poll(feed)
        return {
            subject: {key: row.value for key, row in rows.items()}
            for subject, rows in snapshot.readings.items()
        }

    async def control(self, key: str, sn: str | None = None) -> Control:
        """Read a setting afresh."""
        found = (await self.vendor.read(sn or self.sn, [key]))[key]
        assert isinstance(found, Control), found
        return found

    def run(self, kind: Forced, minutes: float = 60, **asked: Any) -> Run:
        """Return a run of this plant, from now."""
        now = self.clock.now()
        return Run(
            id="run",
            plant=self.plant.id,
            kind=kind,
            start=now,
            end=now + timedelta(minutes=minutes),
            devices=asked.pop("devices", (self.sn,)),
            **asked,
        )

    def fault(self, kind: str, endpoint: str | None = None, **args: Any) -> Any:
        """Switch a fault of the cloud on; an endpoint may be told by its end."""
        if endpoint is not None:
            args["endpoint"] = f"*{endpoint}"
        return self.sim.fault(kind, vendor="foxess", **args)

    def commands(self, since: int = 0) -> list[tuple[str, Any]]:
        """Return what the devices have carried out, as told and with which value."""
        return [(row.what, row.value) for row in self.sim.commands[since:]]

    def paths(self, since: int = 0) -> list[str]:
        """Return the interfaces that were called."""
        return [row.endpoint for row in self.sim.calls[since:]]

    @property
    def refused(self) -> list[Any]:
        """Return the calls that the cloud turned away."""
        return [row for row in self.sim.calls if row.refused]

    def change(self, **settings: Any) -> None:
        """Change the device as its owner would, in the vendor's app."""
        device = self.device

        def apply() -> None:
            for name, value in settings.items():
                setattr(device, name, value)
            device.changed()

        device.home.change(self.sim.clock.seconds(), apply)

    def told(self, start: float, end: float) -> list[tuple[float, float, str]]:
        """Return what the battery was told, second by second."""
        return [
            (begin, until, order.mode.value)
            for begin, until, order in self.device.home.told(start, end)
        ]
