"""Plants and devices of an account (5.1.1)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Any

from ..clock import Clock
from ..errors import DeviceGone
from ..model import Device, DeviceKind, Plant, Snapshot
from ..values import number, text
from . import types as of
from .client import HuaweiClient
from .codes import NotAuthorised
from .inventory import Inventory

CLOSED_FOR = timedelta(hours=24)


class Listing:
    """Lists what an account holds."""

    def __init__(
        self,
        client: HuaweiClient,
        clock: Clock,
        memory: dict[str, Any],
        inventory: Inventory,
    ) -> None:
        """Keep in `memory` how batteries are called, and which plants are closed to us."""
        self._client = client
        self._clock = clock
        self._inventory = inventory
        self._named: dict[str, str] = memory.setdefault("named", {})
        self._closed: dict[str, str] = memory.setdefault("closed", {})
        self._memory = memory

    @property
    def closed(self) -> frozenset[str]:
        """Return the plants whose owner has not switched "API Access" on."""
        since = (self._clock.now() - CLOSED_FOR).isoformat()
        return frozenset(plant for plant, at in self._closed.items() if at > since)

    @property
    def is_complete(self) -> bool:
        """Return whether the devices of all plants that are shown have been asked for."""
        return set(self._inventory.chosen) <= set(self._memory.get("listed", ()))

    def close(self, plants: Iterable[str]) -> None:
        """Leave plants out for a day, as each call that names them is refused."""
        now = self._clock.now().isoformat()
        self._closed |= dict.fromkeys(plants, now)

    async def plants(self) -> dict[str, Plant]:
        """Return the plants of the account, of all pages."""
        found: dict[str, Plant] = {}
        for row in await self._client.plants():
            if code := text(row.get("plantCode")):
                connected = _stamp(row.get("gridConnectionDate"))
                found[code] = Plant(
                    id=code,
                    name=text(row.get("plantName")) or code,
                    latitude=number(row.get("latitude")),
                    longitude=number(row.get("longitude")),
                    created=connected.date().isoformat() if connected else None,
                    peak_power_kw=number(row.get("capacity")),
                )
                self._inventory.zones[code] = _zone(connected)
        return found

    async def poll(self) -> Snapshot:
        """Return everything the account holds; devices of the plants that are shown.

        A plant of which nothing is told keeps the devices that it had.
        """
        plants = await self.plants() or dict(self._inventory.plants)
        before = self._inventory.devices
        self._inventory.take_over(plants, before)
        rows: list[dict[str, Any]] = []
        for batch in self._inventory.batches(self.closed):
            rows += await self._devices(batch)
        self._memory["listed"] = self._inventory.chosen
        devices = self._build(rows, plants)
        told = {device.plant for device in devices.values()}
        kept = {
            key: row
            for key, row in before.items()
            if row.plant not in told and row.plant in plants
        }
        return Snapshot(at=self._clock.now(), plants=plants, devices=kept | devices)

    async def _devices(self, plants: Sequence[str]) -> list[dict[str, Any]]:
        """Return the devices of plants; one that is closed to us is found by halving."""
        try:
            return await self._client.devices(plants)
        except (NotAuthorised, DeviceGone) as err:
            if len(plants) == 1:
                if isinstance(err, NotAuthorised):
                    self.close(plants)
                return []
            half = len(plants) // 2
            return [
                *await self._devices(plants[:half]),
                *await self._devices(plants[half:]),
            ]

    def _build(
        self, rows: list[dict[str, Any]], plants: Mapping[str, Plant]
    ) -> dict[str, Device]:
        """Return the devices that we know what to do with, inverters first."""
        known = [
            (row, wire_id, kind)
            for row in rows
            if text(row.get("stationCode")) in plants
            and (wire_id := _id(row.get("id")))
            and (kind := int(number(row.get("devTypeId")) or 0)) in of.KINDS
        ]
        # The order of the list is not stable; the ids are.
        known.sort(key=lambda item: (item[2] not in of.INVERTERS, item[1]))
        there = {wire_id for _, wire_id, _ in known}
        for wire_id in self._named.keys() - there:
            del self._named[wire_id]
        inverters: dict[str, list[str]] = {}
        found: dict[str, Device] = {}
        for row, wire_id, kind in known:
            device = self._device(row, wire_id, kind, inverters)
            found[device.id] = device
            self._inventory.wire[device.id] = [wire_id, kind]
            if kind in of.INVERTERS:
                inverters.setdefault(device.plant, []).append(device.id)
        return _with_batteries(found)

    def _device(
        self,
        row: Mapping[str, Any],
        wire_id: str,
        kind: int,
        inverters: Mapping[str, list[str]],
    ) -> Device:
        plant, serial = str(row["stationCode"]).strip(), text(row.get("esnCode"))
        above = inverters.get(plant, [])
        battery = of.KINDS[kind] is DeviceKind.BATTERY
        parent = above[0] if battery and len(above) == 1 else None
        name = text(row.get("devName"))
        return Device(
            id=serial or self._name(wire_id, parent),
            plant=plant,
            kind=of.KINDS[kind],
            name=None if name == serial else name,
            model=text(row.get("invType")),
            serial=serial,
            software=text(row.get("softwareVersion")),
            parent=parent,
        )

    def _name(self, wire_id: str, inverter: str | None) -> str:
        """Return the id of a device without a serial number.

        A battery is named after the only inverter of its plant, and keeps that id.
        """
        if known := self._named.get(wire_id):
            return known
        if inverter is None:
            return wire_id
        taken = set(self._named.values())
        n = 1
        while (name := f"{inverter}_battery_{n}") in taken:
            n += 1
        self._named[wire_id] = name
        return name


def _with_batteries(devices: dict[str, Device]) -> dict[str, Device]:
    """Return the devices, with the inverters marked that a battery hangs on."""
    plants = {row.plant for row in devices.values() if row.kind is DeviceKind.BATTERY}
    return {
        key: replace(row, has_battery=True)
        if row.kind is DeviceKind.INVERTER and row.plant in plants
        else row
        for key, row in devices.items()
    }


def _id(value: Any) -> str | None:
    """Return the wire's id of a device, a whole number that may be negative."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return text(value)


def _stamp(told: Any) -> datetime | None:
    """Return when a plant was connected, in its own time."""
    try:
        return datetime.fromisoformat(str(told))
    except ValueError:
        return None


def _zone(connected: datetime | None) -> tzinfo:
    """Return the offset to UTC in which a plant tells when it was connected."""
    offset = connected.utcoffset() if connected else None
    return UTC if offset is None else timezone(offset)
