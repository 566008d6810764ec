"""A Growatt account of the simulated cloud, and our client on the same clock."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import ClientSession

from custom_components.solar_cloud.cloud.clock import Clock
from custom_components.solar_cloud.cloud.growatt.client import GrowattClient
from custom_components.solar_cloud.cloud.growatt.cloud import FEEDS, GrowattCloud
from custom_components.solar_cloud.cloud.growatt.limits import allowances
from custom_components.solar_cloud.cloud.quota import Ledger
from custom_components.solar_cloud.cloud.vendor import Connection

from tests.simulator import Simulator

NOON = datetime(2026, 6, 17, 10, 0, 30, tzinfo=UTC)


@dataclass
class World:
    """An account of the simulator, with a vendor that lives on the simulator's clock."""

    sim: Simulator
    session: ClientSession
    name: str
    memory: dict[str, Any] = field(default_factory=dict)
    plants: frozenset[str] | None = None
    saves: int = 0
    ledger: Ledger = field(init=False)

    def __post_init__(self) -> None:
        """Sign in."""
        self.clock = Clock(
            now=self.sim.clock.now,
            monotonic=self.sim.clock.seconds,
            sleep=self._sleep,
        )
        server = self.sim.vendors["growatt"]
        accounts = {**server.accounts, **server.others}
        self.account = accounts[self.name]
        self.begin()

    def begin(self, **credentials: str) -> None:
        """Start the vendor, as after a restart: with the same memory and books."""
        stored = self.ledger.as_dict() if hasattr(self, "ledger") else None
        fields = {**self.account.fields, **credentials}
        self.ledger = Ledger(allowances(), self.clock, stored=stored)
        self.client = GrowattClient(
            self.session, fields["host"], fields["token"], self.ledger, self.memory
        )
        self.vendor = GrowattCloud(
            Connection(
                session=self.session,
                clock=self.clock,
                ledger=self.ledger,
                credentials=fields,
                memory=self.memory,
                plants=self.plants,
            )
        )
        self.vendor.remember(self._save)

    async def _sleep(self, seconds: float) -> None:
        self.sim.clock.advance(seconds + 0.01)

    async def _save(self) -> None:
        self.saves += 1

    @property
    def plant(self) -> Any:
        """Return the first plant."""
        return self.account.plants[0]

    def device(self, name: str) -> Any:
        """Return the first device of a family."""
        return next(row for row in self.account.devices if row.family.name == name)

    def advance(self, **span: float) -> None:
        """Let time pass."""
        self.sim.clock.advance(timedelta(**span).total_seconds())

    async def poll(self, *feeds: str, dark: Iterable[str] = ()) -> Any:
        """Poll feeds (all when none is named); returns the last snapshot."""
        for feed in feeds or [row.key for row in FEEDS]:
            snapshot = await self.vendor.poll(feed, dark=frozenset(dark))
        return snapshot

    async def readings(self, feed: str = "realtime") -> Mapping[str, Any]:
        """Poll a feed and return its values by subject and key."""
        snapshot = await self.poll(feed)
        return {
            subject: {key: row.value for key, row in rows.items()}
            for subject, rows in snapshot.readings.items()
        }

    def fault(self, kind: str, endpoint: str | None = None, **args: Any) -> Any:
        """Switch a fault of the cloud on; an endpoint may be told by its end."""
        if endpoint is not None:
            args["endpoint"] = f"*{endpoint}"
        return self.sim.fault(kind, vendor="growatt", **args)

    def paths(self, since: int = 0) -> list[str]:
        """Return the endpoints that were called."""
        return [row.endpoint for row in self.sim.calls[since:]]

    @property
    def refused(self) -> list[Any]:
        """Return the calls that the cloud turned away."""
        return [row for row in self.sim.calls if row.refused]
