"""A vendor whose plants keep the ids under which they were first seen."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

from custom_components.solar_cloud.cloud.model import (
    Device,
    DeviceKind,
    Plant,
    Reading,
    Snapshot,
)
from custom_components.solar_cloud.cloud.renamed import renamed
from custom_components.solar_cloud.cloud.vendor import Vendor

NOW = datetime(2026, 6, 17, 10, tzinfo=UTC)


@dataclass
class Cloud:
    """A vendor that knows a plant as "wire"."""

    memory: dict[str, Any] = field(default_factory=lambda: {"plant": "wire"})
    asked: list[Any] = field(default_factory=list)

    @property
    def snapshots(self) -> dict[str, Snapshot]:
        """Return what was fetched."""
        return {"devices": self._snapshot()}

    def _snapshot(self) -> Snapshot:
        device = Device(id="sn", plant="wire", kind=DeviceKind.INVERTER)
        return Snapshot(
            at=NOW,
            plants={"wire": Plant(id="wire", name="Roof")},
            devices={"sn": device},
            readings={"wire": {"pv_power": Reading(value=1.0, at=NOW)}},
        )

    async def poll(self, feed: str, *, dark: Any = ()) -> Snapshot:
        """Fetch."""
        self.asked.append((feed, dark))
        return self._snapshot()

    def scheduled(self, plant: str) -> tuple[str, ...]:
        """Return the plant itself."""
        self.asked.append(plant)
        return (plant,)


async def test_ids_are_exchanged_both_ways() -> None:
    """In answers, arguments and properties; what is the wire's alone stays."""
    cloud = Cloud()
    vendor = renamed(cast(Vendor, cloud), {"wire": "first"})
    snapshot = await vendor.poll("devices", dark=frozenset(("first", "other")))
    assert cloud.asked == [("devices", frozenset(("wire", "other")))]
    assert snapshot.plants == {"first": Plant(id="first", name="Roof")}
    assert snapshot.devices["sn"].plant == "first"
    assert snapshot.readings == {"first": {"pv_power": Reading(value=1.0, at=NOW)}}
    assert snapshot.at == NOW
    assert vendor.scheduled("first") == ("first",)
    assert cloud.asked[-1] == "wire"
    assert vendor.snapshots == {"devices": snapshot}
    assert vendor.memory is cloud.memory


def test_nothing_is_in_between_where_nothing_is_renamed() -> None:
    """The vendor itself is used."""
    cloud = cast(Vendor, Cloud())
    assert renamed(cloud, {}) is cloud
