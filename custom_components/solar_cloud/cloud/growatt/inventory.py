"""What an account holds: its plants, their devices and time zones."""

from collections.abc import Collection, Mapping
from datetime import UTC, tzinfo

from ..model import Device, DeviceKind, Plant
from ..values import time_zone
from .endpoints import FAMILIES, INVERTER, SPA, Family
from .machines import Machine


class Inventory:
    """The plants and devices of an account, as they were last listed."""

    def __init__(self) -> None:
        """Start empty."""
        self.plants: dict[str, Plant] = {}
        self.devices: dict[str, Device] = {}
        self._families: dict[str, Family] = {}
        self._addresses: dict[str, tuple[str, str]] = {}
        self.online: dict[str, bool] = {}
        self.numbers: Mapping[str, str] = {}
        self._zones: dict[str, tuple[str | None, tzinfo]] = {}

    async def take_over(
        self,
        plants: Mapping[str, Plant],
        devices: Mapping[str, Device],
        kinds: Mapping[str, int],
        addresses: Mapping[str, tuple[str, str]],
        online: Mapping[str, bool],
    ) -> None:
        """Hold what the lists told.

        `kinds` are the families of devices, `addresses` the logger and the address of
        what is behind it.
        """
        self.online = dict(online)
        self.plants, self.devices = dict(plants), dict(devices)
        self._families = {
            sn: FAMILIES[kind] for sn, kind in kinds.items() if sn in devices
        }
        self._addresses = {sn: row for sn, row in addresses.items() if sn in devices}
        for plant in plants.values():
            known = self._zones.get(plant.id)
            if known is None or known[0] != plant.time_zone:
                zone = await time_zone(plant.time_zone) or UTC
                self._zones[plant.id] = (plant.time_zone, zone)

    def inverters(self, plant: str | None = None) -> list[str]:
        """Return the inverters and storage machines of a plant, or of all."""
        return [sn for sn in self._families if plant in (None, self.devices[sn].plant)]

    def by_family(self, plants: Collection[str]) -> dict[int, list[str]]:
        """Return the inverters of some plants by the number of their family."""
        found: dict[int, list[str]] = {}
        for sn, family in self._families.items():
            if self.devices[sn].plant in plants:
                found.setdefault(family.kind, []).append(sn)
        return found

    def behind_loggers(self, kind: DeviceKind) -> dict[str, tuple[str, str]]:
        """Return meters or sensors, with the logger and the address of each."""
        return {
            sn: row
            for sn, row in self._addresses.items()
            if self.devices[sn].kind is kind
        }

    def family(self, sn: str) -> Family:
        """Return the family of an inverter."""
        return self._families[sn]

    def also(self, sn: str) -> dict[str, str]:
        """Return what else an inverter is called: the document asks some of type 1 so."""
        found = self.numbers.get(sn)
        return {"device_id": found} if found and self._families[sn] is INVERTER else {}

    def zone(self, subject: str) -> tzinfo:
        """Return the time zone of a plant, or of a device's plant."""
        device = self.devices.get(subject)
        plant = device.plant if device else subject
        return self._zones.get(plant, (None, UTC))[1]

    def has_own_sun(self, plant: str) -> bool:
        """Return whether an inverter of a plant tells what its strings yield."""
        return any(self._families[sn] is not SPA for sn in self.inverters(plant))

    def machine(self, sn: str, *, sees_grid: bool | None) -> Machine:
        """Return what steering has to know of an inverter."""
        device = self.devices[sn]
        meters = self.behind_loggers(DeviceKind.METER)
        has_meter = any(self.devices[row].plant == device.plant for row in meters)
        return Machine(
            sn=sn,
            family=self._families[sn],
            zone=self.zone(sn),
            rated=device.rated_power_w,
            has_battery=device.has_battery,
            has_meter=True if has_meter else sees_grid,
        )
