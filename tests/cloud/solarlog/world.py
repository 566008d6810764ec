"""A Solar-Log account of the simulated cloud, and our vendor on the same clock."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import ClientSession

from custom_components.solar_cloud.cloud.clock import Clock
from custom_components.solar_cloud.cloud.model import Snapshot
from custom_components.solar_cloud.cloud.quota import Ledger
from custom_components.solar_cloud.cloud.solarlog.cloud import FEEDS, SolarlogCloud
from custom_components.solar_cloud.cloud.solarlog.limits import allowances
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

    def __post_init__(self) -> None:
        """Sign in."""
        self.clock = Clock(
            now=self.sim.clock.now,
            monotonic=self.sim.clock.seconds,
            sleep=self._sleep,
        )
        self.account = self.sim.account(self.name)
        self.plant = self.account.plants[0]
        self.begin()

    def begin(self, **credentials: str) -> None:
        """Start the vendor, as after a restart: with the same memory and books."""
        stored = self.ledger.as_dict() if hasattr(self, "ledger") else None
        self.ledger = Ledger(allowances(), self.clock, stored=stored)
        self.vendor = SolarlogCloud(
            Connection(
                session=self.session,
                clock=self.clock,
                ledger=self.ledger,
                credentials={**self.account.fields, **credentials},
                memory=self.memory,
                plants=self.plants,
            )
        )

    async def _sleep(self, seconds: float) -> None:
        self.sim.clock.advance(seconds + 0.01)

    @property
    def now(self) -> datetime:
        """Return the present."""
        return self.sim.clock.now()

    def advance(self, **span: float) -> None:
        """Let time pass."""
        self.sim.clock.advance(timedelta(**span).total_seconds())

    async def poll(self, *feeds: str) -> Snapshot:
        """Poll feeds (all when none is named); returns the last snapshot."""
        for feed in feeds or [row.key for row in FEEDS]:
            snapshot = await self.vendor.poll(feed)
        return snapshot

    async def live(self, **span: float) -> None:
        """Poll each feed when it is due, for some time."""
        end = self.now + timedelta(**span)
        while (due := min(self.vendor.due(row.key, 1.0) for row in FEEDS)) <= end:
            if due > self.now:
                self.sim.clock.set(due)
            for row in FEEDS:
                if self.vendor.due(row.key, 1.0) <= self.now:
                    await self.vendor.poll(row.key)
        self.sim.clock.set(end)

    def values(self, subject: str | None = None) -> dict[str, Any]:
        """Return the values that were last told of a plant or component."""
        subject = subject or self.plant.id
        found: dict[str, Any] = {}
        for snapshot in self.vendor.snapshots.values():
            rows = snapshot.readings.get(subject, {})
            found |= {key: row.value for key, row in rows.items()}
        return found

    def truth(self, subject: str = "", at: float | None = None) -> Mapping[str, Any]:
        """Return what is true at the newest sample that the cloud shows."""
        when = self.sim.clock.seconds() if at is None else at
        found: Mapping[str, Any] = self.plant.truth(self.plant.published(when))[subject]
        return found

    def fault(self, kind: str, endpoint: str | None = None, **args: Any) -> Any:
        """Switch a fault of the cloud on; an endpoint may be told by its end."""
        if endpoint is not None:
            args["endpoint"] = f"*{endpoint}"
        return self.sim.fault(kind, vendor="solarlog", **args)

    def paths(self, since: int = 0) -> list[str]:
        """Return the calls that were made, without portal and plant."""
        base = f"/api/v1/{self.account.portal}"
        ids = [plant.id for plant in self.account.plants]
        paths = [row.endpoint.removeprefix(base) for row in self.sim.calls[since:]]
        for own in ids:
            paths = [path.replace(own, "*") for path in paths]
        return paths

    @property
    def refused(self) -> list[Any]:
        """Return the calls that the cloud turned away."""
        return [row for row in self.sim.calls if row.refused]
