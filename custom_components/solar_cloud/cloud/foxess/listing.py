"""Plants, inverters with their batteries, data loggers and meters of an account."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from ..clock import Clock
from ..errors import Busy, Refused
from ..model import Device, DeviceKind, Plant, Reading, Snapshot
from ..values import day_of, number, text, truth
from .client import FoxessClient
from .tolerant import PARTIAL, mapping, optional

DETAILS_FOR = timedelta(hours=24)
FIRMWARE = ("masterVersion", "slaveVersion", "managerVersion")
KEPT_OF_PLANT = ("capacity", "createDate", "timezone")
KEPT_OF_DEVICE = (
    "capacity",
    "batteryList",
    "hardwareVersion",
    "thirdPartyGen",
    *FIRMWARE,
)
ONLINE, FAULT, OFFLINE = 1, 2, 3
WATTS_PER_KW = 1000.0
WH_PER_KWH = 1000.0
CONTROL_UNIT, MODULE = "bcu", "bmu"

type Found = dict[str, dict[str, Reading]]


class Listing:
    """Lists what an account holds; details are asked once a day, else remembered."""

    def __init__(
        self,
        client: FoxessClient,
        clock: Clock,
        memory: dict[str, Any],
        *,
        firmware: Callable[[str, str], None],
    ) -> None:
        """Keep details and the ids of batteries in `memory`; tell each `firmware`."""
        self._client = client
        self._clock = clock
        self._firmware = firmware
        self._details: dict[str, Any] = memory.setdefault("details", {})
        self._batteries: dict[str, dict[str, Any]] = memory.setdefault("batteries", {})

    async def plants(self) -> dict[str, Plant]:
        """Return the plants of the account."""
        plants: dict[str, Plant] = {}
        for row in await self._client.plants():
            if plant := text(row.get("stationID")):
                plants[plant] = Plant(
                    id=plant,
                    name=text(row.get("name")) or plant,
                    time_zone=text(row.get("ianaTimezone")),
                )
        return plants

    async def poll(self) -> Snapshot:
        """Return everything the account holds, and what is online."""
        plants = {
            plant.id: await self._with_detail(plant)
            for plant in (await self.plants()).values()
        }
        devices: dict[str, Device] = {}
        readings: Found = {}
        await self._add_inverters(devices, readings)
        await self._add_loggers(devices, readings)
        await self._add_meters(devices, readings)
        return Snapshot(
            at=self._clock.now(),
            plants=plants,
            devices={key: row for key, row in devices.items() if row.plant in plants},
            readings=readings,
        )

    def battery(self, inverter: Device, number: int) -> Device:
        """Return a battery, which keeps the id under which it was first seen."""
        known = self._batteries.setdefault(inverter.id, {}).setdefault(str(number), {})
        return Device(
            id=known.setdefault("id", f"{inverter.id}_battery_{number}"),
            plant=inverter.plant,
            kind=DeviceKind.BATTERY,
            model=known.get("model"),
            software=known.get("software"),
            parent=inverter.id,
            number=number,
        )

    def capacities(self, inverter: Device) -> dict[int, float | None]:
        """Return the batteries of an inverter by number, with kWh where known."""
        if not inverter.has_battery:
            return {}
        return {
            int(n): known.get("capacity") or None
            for n, known in self._batteries.get(inverter.id, {}).items()
        }

    def has_third_party(self, sn: str) -> bool:
        """Return whether the second meter measures another maker's generator."""
        detail = mapping(self._details.get(sn, {}).get("detail"))
        return bool(truth(detail.get("thirdPartyGen")))

    async def _with_detail(self, plant: Plant) -> Plant:
        detail = await self._detail(
            plant.id, lambda: self._client.plant(plant.id), KEPT_OF_PLANT
        )
        return replace(
            plant,
            peak_power_kw=number(detail.get("capacity")),
            created=day_of(number(detail.get("createDate"))),
            time_zone=plant.time_zone or text(detail.get("timezone")),
        )

    async def _detail(
        self,
        subject: str,
        fetch: Callable[[], Awaitable[Mapping[str, Any]]],
        keep: Collection[str],
    ) -> Mapping[str, Any]:
        """Return a detail that hardly changes."""
        known = self._details.get(subject)
        now = self._clock.now()
        if known and now - datetime.fromisoformat(known["at"]) < DETAILS_FOR:
            return mapping(known["detail"])
        try:
            found = await fetch()
        except PARTIAL:
            return mapping(known["detail"]) if known else {}
        detail = {key: found[key] for key in keep if key in found}
        self._details[subject] = {"at": now.isoformat(), "detail": detail}
        return detail

    async def _add_inverters(self, devices: dict[str, Device], readings: Found) -> None:
        now = self._clock.now()
        for row in await self._client.devices():
            sn, plant = text(row.get("deviceSN")), text(row.get("stationID"))
            if not sn or not plant:
                continue
            for device in await self._inverter(sn, plant, row):
                devices[device.id] = device
            if (status := number(row.get("status"))) is not None:
                readings[sn] = {"online": Reading(value=status != OFFLINE, at=now)}

    async def _inverter(
        self, sn: str, plant: str, row: Mapping[str, Any]
    ) -> list[Device]:
        """Return an inverter and its batteries."""
        detail = await self._detail(sn, lambda: self._device_detail(sn), KEPT_OF_DEVICE)
        versions = [text(detail.get(name)) for name in FIRMWARE]
        software = " / ".join(version for version in versions if version)
        self._firmware(sn, software)
        rows = detail.get("batteryList")
        packs = [mapping(row) for row in rows] if isinstance(rows, list) else []
        has_battery = truth(row.get("hasBattery"))
        rated = number(detail.get("capacity"))
        inverter = Device(
            id=sn,
            plant=plant,
            kind=DeviceKind.INVERTER,
            serial=sn,
            model=text(row.get("deviceType")),
            software=software or None,
            hardware=text(detail.get("hardwareVersion")),
            has_battery=bool(packs) if has_battery is None else has_battery,
            rated_power_w=None if rated is None else rated * WATTS_PER_KW,
        )
        if not inverter.has_battery:
            return [inverter]
        self._learn_batteries(sn, packs)
        return [
            inverter,
            *(self.battery(inverter, int(n)) for n in self._batteries[sn]),
        ]

    async def _device_detail(self, sn: str) -> dict[str, Any]:
        """Return an inverter's detail, by the documented path where that is all there is."""
        try:
            return await self._client.device(sn)
        except Refused, Busy:
            return await self._client.device(sn, v0=True)

    def _learn_batteries(self, sn: str, rows: list[Mapping[str, Any]]) -> None:
        """Learn the batteries of an inverter: each control unit opens one."""
        known = self._batteries.setdefault(sn, {"1": {}})
        for n, parts in enumerate(_split(rows), start=1):
            battery = known.setdefault(str(n), {})
            head = parts[0]
            if (serial := text(head.get("batterySN"))) and _is_own(serial, rows):
                battery.setdefault("id", serial)
            battery["model"] = text(head.get("model"))
            battery["software"] = text(head.get("version"))
            battery["capacity"] = _capacity(parts)

    async def _add_loggers(self, devices: dict[str, Device], readings: Found) -> None:
        now = self._clock.now()
        for row in await optional(self._client.loggers):
            sn, plant = text(row.get("moduleSN")), text(row.get("stationID"))
            if not sn or not plant or sn in devices:
                continue
            devices[sn] = Device(
                id=sn,
                plant=plant,
                kind=DeviceKind.LOGGER,
                serial=sn,
                software=text(row.get("softVersion")),
            )
            readings[sn] = {
                "online": Reading(value=number(row.get("status")) == ONLINE, at=now)
            }
            if (signal := number(row.get("signal"))) is not None:
                readings[sn]["signal_quality"] = Reading(value=signal, at=now)

    async def _add_meters(self, devices: dict[str, Device], readings: Found) -> None:
        now = self._clock.now()
        for row in await optional(self._client.meters):
            sn, plant = text(row.get("sn")), text(row.get("stationID"))
            if not sn or not plant or sn in devices:
                continue
            devices[sn] = Device(id=sn, plant=plant, kind=DeviceKind.METER, serial=sn)
            status = number(row.get("status"))
            readings[sn] = {
                "online": Reading(value=status != OFFLINE, at=now),
                "problem": Reading(value=status == FAULT, at=now),
            }


def _split(rows: list[Mapping[str, Any]]) -> list[list[Mapping[str, Any]]]:
    """Return the parts of each battery, its control unit first."""
    found: list[list[Mapping[str, Any]]] = []
    for row in rows:
        if row.get("type") == CONTROL_UNIT or not found:
            found.append([])
        found[-1].append(row)
    return found


def _capacity(parts: list[Mapping[str, Any]]) -> float:
    """Return kWh: the sum of the modules, which tell Wh; the document's name is a slip."""
    sizes = [
        (row.get("type"), number(row.get("capacity", row.get("capicty"))) or 0.0)
        for row in parts
    ]
    modules = sum(size for kind, size in sizes if kind == MODULE)
    return (modules or sum(size for _, size in sizes)) / WH_PER_KWH


def _is_own(serial: str, rows: list[Mapping[str, Any]]) -> bool:
    """Return whether a serial number tells a battery from the others."""
    heads = [parts[0].get("batterySN") for parts in _split(rows)]
    return heads.count(serial) == 1
