"""What holds for a whole account at one instant, and is costly to find for each entity."""

from collections import Counter
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from astral import Observer
from astral.sun import elevation

from .cloud.control import RunRange
from .cloud.model import Device, Snapshot
from .cloud.quota import Demand, Left
from .cloud.vendor import Vendor

if TYPE_CHECKING:
    from .account import Account

HORIZON = -0.833


def stretch_of(vendor: Vendor, holder: str) -> float:
    """Return by how much a vendor's intervals grow so that the quota lasts."""
    demands = (
        Demand(call=call, interval=feed.interval / count)
        for feed in vendor.feeds
        for call, count in Counter(vendor.calls(feed.key)).items()
    )
    return vendor.ledger.stretch(demands, holder)


class Moment:
    """Each thing is found when it is first asked for, and stays until the next moment."""

    def __init__(
        self, account: Account, coming: Mapping[str, Snapshot] | None = None
    ) -> None:
        """Begin now; `coming` are snapshots that nobody has seen yet."""
        self._account = account
        self._coming = coming or {}
        self._now = account.clock.now()
        self._ranges: dict[str, RunRange | None] = {}

    @cached_property
    def stretch(self) -> float:
        """Return by how much all intervals grow so that the quota lasts."""
        return stretch_of(self._account.vendor, self._account.entry.entry_id)

    def run_range(self, device: Device) -> RunRange | None:
        """Return what a run may ask of a device, None where it cannot be forced."""
        if device.id not in self._ranges:
            self._ranges[device.id] = self._account.vendor.run_range(device)
        return self._ranges[device.id]

    @cached_property
    def left(self) -> Left | None:
        """Return the tightest window of the vendor's allowances."""
        return self._account.vendor.ledger.left()

    @cached_property
    def dark(self) -> frozenset[str]:
        """Return the plants at which the sun is below the horizon."""
        config = self._account.hass.config
        plants = [
            plant
            for row in {**self._account.snapshots(), **self._coming}.values()
            for plant in row.plants.values()
        ]
        places = {
            plant.id: (
                config.latitude if plant.latitude is None else plant.latitude,
                config.longitude if plant.longitude is None else plant.longitude,
            )
            for plant in plants
        }
        dark = {
            place: elevation(Observer(*place), self._now) < HORIZON
            for place in set(places.values())
        }
        return frozenset(plant for plant, place in places.items() if dark[place])
