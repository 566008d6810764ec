"""What an account holds: its plants, their devices and time zones."""

from collections.abc import Mapping
from datetime import UTC, tzinfo

from ..model import Device, DeviceKind, Plant
from ..values import time_zone


class Inventory:
    """The plants and devices of an account, as they were last listed."""

    def __init__(self) -> None:
        """Start empty."""
        self.plants: dict[str, Plant] = {}
        self.devices: dict[str, Device] = {}
        self._zones: dict[str, tzinfo] = {}

    async def take_over(
        self, plants: Mapping[str, Plant], devices: Mapping[str, Device]
    ) -> None:
        """Hold what a list told."""
        self.plants, self.devices = dict(plants), dict(devices)
        for plant in plants.values():
            if plant.id not in self._zones:
                self._zones[plant.id] = await time_zone(plant.time_zone) or UTC

    def inverters(self, plant: str | None = None) -> list[str]:
        """Return the inverters of a plant, or of all."""
        return [
            device.id
            for device in self.devices.values()
            if device.kind is DeviceKind.INVERTER and plant in (None, device.plant)
        ]

    def batteries(self, inverter: str) -> list[Device]:
        """Return the batteries of an inverter."""
        return [
            device
            for device in self.devices.values()
            if device.kind is DeviceKind.BATTERY and device.parent == inverter
        ]

    def meters(self) -> frozenset[str]:
        """Return the meters."""
        return frozenset(
            device.id
            for device in self.devices.values()
            if device.kind is DeviceKind.METER
        )

    def zone(self, device: str) -> tzinfo:
        """Return the time zone of a device's plant, by which the service counts days."""
        found = self.devices.get(device)
        return self._zones.get(found.plant, UTC) if found else UTC

    def rated(self, device: str) -> float | None:
        """Return the rated power of a device in W."""
        found = self.devices.get(device)
        return found.rated_power_w if found else None
