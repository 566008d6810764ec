"""What an account holds: its plants, and devices by the ids that the wire knows."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import tzinfo
from itertools import batched
from typing import Any

from ..model import Device, DeviceKind, Plant
from . import types as of
from .limits import PER_CALL, Census

BATCH = PER_CALL


class Inventory:
    """The plants and devices that are shown, as they were last listed."""

    def __init__(self, memory: dict[str, Any], chosen: Collection[str] | None) -> None:
        """Keep the wire's ids and types in `memory`; only `chosen` plants cost calls."""
        self._memory = memory
        self._chosen = chosen
        self.wire: dict[str, list[Any]] = memory.setdefault("wire", {})
        self.zones: dict[str, tzinfo] = {}
        self.plants: dict[str, Plant] = {}
        self.devices: dict[str, Device] = {}
        self._by_wire: dict[str, str] = {}
        self._by_plant: dict[str, list[Device]] = {}

    def take_over(
        self, plants: Mapping[str, Plant], devices: Mapping[str, Device]
    ) -> None:
        """Hold what a list told."""
        self.plants = dict(plants)
        self.devices = {key: row for key, row in devices.items() if key in self.wire}
        self._by_wire = {str(self.wire[key][0]): key for key in self.devices}
        self._by_plant = {}
        for row in self.devices.values():
            self._by_plant.setdefault(row.plant, []).append(row)

    def is_chosen(self, plant: str) -> bool:
        """Return whether a plant is to cost calls."""
        return self._chosen is None or plant in self._chosen

    @property
    def chosen(self) -> list[str]:
        """Return the plants that are shown."""
        return [plant for plant in self.plants if self.is_chosen(plant)]

    def batches(self, excluded: Collection[str] = ()) -> Iterable[tuple[str, ...]]:
        """Return the plants that are shown, a hundred at a time."""
        rows = [plant for plant in self.chosen if plant not in excluded]
        return batched(rows, BATCH, strict=False)

    def type_of(self, device: str) -> int:
        """Return the type of a device."""
        return int(self.wire[device][1])

    def id_of(self, device: str) -> str:
        """Return the id by which the wire knows a device."""
        return str(self.wire[device][0])

    def by_wire(self, wire_id: str) -> Device | None:
        """Return the device that the wire knows by an id."""
        found = self._by_wire.get(wire_id)
        return self.devices.get(found) if found else None

    def by_serial(self, serial: str, plant: str) -> Device | None:
        """Return the device of a plant that has a serial number."""
        found = self.devices.get(serial)
        return found if found and found.plant == plant else None

    def by_name(self, name: str, plant: str) -> Device | None:
        """Return the device of a plant that its owner calls so."""
        return next((row for row in self.of_plant(plant) if row.name == name), None)

    def of_plant(self, plant: str) -> Sequence[Device]:
        """Return the devices of a plant."""
        return self._by_plant.get(plant, ())

    def of_type(self, kind: int, plant: str | None = None) -> list[Device]:
        """Return the devices of a type, of a plant or of all that are shown."""
        plants = self.chosen if plant is None else (plant,)
        return [
            row
            for name in plants
            for row in self.of_plant(name)
            if self.type_of(row.id) == kind
        ]

    def types(self) -> list[int]:
        """Return the types with real-time data that there are."""
        there = {self.type_of(row.id) for row in self.devices.values()}
        return [kind for kind in of.REAL_TIME if kind in there]

    def has_battery(self, plant: str) -> bool:
        """Return whether a plant has a battery."""
        return any(row.kind is DeviceKind.BATTERY for row in self.of_plant(plant))

    def census(self) -> Census:
        """Return what the allowances are reckoned from; plants that are not shown count."""
        counts = Counter(self.type_of(row.id) for row in self.devices.values())
        return Census(
            plants=max(1, len(self.plants)),
            devices={kind: counts[kind] for kind in of.REAL_TIME if counts[kind]},
        )
