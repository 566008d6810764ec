"""Plants with their details, inverters, data loggers, meters and sensors of an account."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from ..clock import Clock
from ..model import Device, DeviceKind, Plant, Reading, Snapshot
from ..values import number, text, truth
from . import endpoints as on
from .accounts import Accounts, coordinate
from .client import GrowattClient
from .readings import lowered
from .stamps import naive, zone_name
from .tolerant import PARTIAL, Gathering, mapping

DETAILS_FOR = timedelta(hours=24)
KEPT_OF_PLANT = (
    "timezone",
    "country",
    "latitude",
    "longitude",
    "peak_power",
    "create_date",
)
# The rated power in W, under the names of the families.
RATED = ("pmax", "nominalpower", "normalpower", "ratewatt")
# 4.3.13: what the models of storage machines are called after.
STORAGES = {0: ("SP2000", 2000.0), 1: ("SP3000", 3000.0)}
STORAGE_TYPE = "devicetype"
KEPT_OF_DEVICE = (
    *RATED,
    STORAGE_TYPE,
    "alias",
    "fwversion",
    "innerversion",
    "communicationversion",
)
OTHER = 3
FIXED = "fixed"
METER_NAMES, SENSOR_NAMES = ("meter",), ("env",)
KINDS = {
    DeviceKind.METER: (on.METERS, "meters", METER_NAMES),
    DeviceKind.SENSOR: (on.SENSORS, "envs", SENSOR_NAMES),
}
BEHIND = (DeviceKind.LOGGER, DeviceKind.METER, DeviceKind.SENSOR)

type Rows = dict[str, dict[str, Reading]]


@dataclass(slots=True, kw_only=True)
class Found:
    """What the lists told; `kinds` and `addresses` as the inventory takes them."""

    plants: dict[str, Plant] = field(default_factory=dict)
    devices: dict[str, Device] = field(default_factory=dict)
    readings: Rows = field(default_factory=dict)
    kinds: dict[str, int] = field(default_factory=dict)
    addresses: dict[str, tuple[str, str]] = field(default_factory=dict)


class Listing:
    """Lists what an account holds; details are asked once a day, else remembered."""

    def __init__(
        self,
        client: GrowattClient,
        clock: Clock,
        memory: dict[str, Any],
        accounts: Accounts,
        *,
        firmware: Callable[[str, str], None],
        chosen: Collection[str] | None,
    ) -> None:
        """Keep details in `memory`; tell each `firmware`; only `chosen` plants cost calls."""
        self._client = client
        self._clock = clock
        self._accounts = accounts
        self._firmware = firmware
        self._chosen = chosen
        self._details: dict[str, Any] = memory.setdefault("details", {})
        self._no_summer: list[str] = memory.setdefault("no_summer_time", [])
        self._previous: Mapping[str, Device] = {}
        self._parts: dict[str, list[str]] = memory.setdefault("parts", {})
        self._kinds: dict[str, int] = memory.setdefault("kinds", {})
        self.numbers: dict[str, str] = memory.setdefault("device_ids", {})
        self._addresses: dict[str, list[str]] = memory.setdefault("addresses", {})

    async def identify(self) -> dict[str, Plant]:
        """Sign in and return the plants."""
        return {
            plant.id: plant
            for row in await self._accounts.sign_in()
            if (plant := _plant(row, {}))
        }

    def restore(self, snapshot: Snapshot) -> None:
        """Take over what was listed before a restart."""
        self._previous = snapshot.devices

    async def poll(self) -> Snapshot:
        """Return everything the account holds, and what is online.

        What is on a list that did not come stays as it was; raises when none came.
        """
        found = Found()
        gathering = Gathering()
        for row in await self._accounts.plants():
            if (plant := _plant(row, {})) and self._is_chosen(plant.id):
                detail = await self._detail(
                    plant.id, partial(self._plant_detail, plant.id)
                )
                detail = {**detail, FIXED: plant.id in self._no_summer}
                found.plants[plant.id] = _plant(row, detail) or plant
                listed = await gathering.add(self._add_plant(plant.id, found))
                if listed is None:
                    self._keep(plant.id, DeviceKind, found)
        gathering.require()
        self._kinds.clear()
        self._kinds.update(found.kinds)
        self._addresses.clear()
        self._addresses.update({sn: list(row) for sn, row in found.addresses.items()})
        self._previous = found.devices
        return Snapshot(
            at=self._clock.now(),
            plants=found.plants,
            devices=found.devices,
            readings=found.readings,
        )

    @property
    def kinds(self) -> Mapping[str, int]:
        """Return the families of the inverters, as they were last listed."""
        return self._kinds

    @property
    def addresses(self) -> Mapping[str, tuple[str, str]]:
        """Return the logger and the address of meters and sensors."""
        return {sn: (row[0], row[1]) for sn, row in self._addresses.items()}

    def _is_chosen(self, plant: str) -> bool:
        return self._chosen is None or plant in self._chosen

    # --- devices of a plant ------------------------------------------------------------

    async def _add_plant(self, plant: str, found: Found) -> bool:
        rows = await self._client.pages(on.DEVICES, {"plant_id": plant}, "devices")
        others: list[str] = []
        for row in rows:
            kind, sn = number(row.get("type")), text(row.get("device_sn"))
            if kind == OTHER:
                others.append(f"{sn} {row.get('model')}".lower())
            elif sn and kind is not None and int(kind) in on.FAMILIES:
                found.kinds[sn] = int(kind)
                self.numbers[sn] = text(row.get("device_id")) or ""
                await self._add_inverter(plant, sn, row, found)
        for logger in await self._add_loggers(plant, found):
            await self._add_behind(plant, logger, others, found)
        return True

    def _keep(self, plant: str, kinds: Collection[DeviceKind], found: Found) -> None:
        """Keep the devices of a plant whose list did not come."""
        for device in self._previous.values():
            sn = device.id
            if device.plant != plant or device.kind not in kinds:
                continue
            found.devices.setdefault(sn, device)
            if sn in self._kinds:
                found.kinds.setdefault(sn, self._kinds[sn])
            if sn in self._addresses:
                found.addresses.setdefault(sn, self.addresses[sn])

    async def _add_inverter(
        self, plant: str, sn: str, row: Mapping[str, Any], found: Found
    ) -> None:
        family = on.FAMILIES[found.kinds[sn]]
        detail = await self._detail(sn, partial(self._device_detail, sn, family))
        versions = [text(detail.get(name)) for name in ("fwversion", "innerversion")]
        software = " / ".join(version for version in versions if version)
        self._firmware(sn, software)
        alias = text(detail.get("alias"))
        model, rated = text(row.get("model")), _rated(detail)
        if (
            family is on.STORAGE
            and (told := number(detail.get(STORAGE_TYPE))) in STORAGES
        ):
            model, power = STORAGES[int(told)]
            rated = rated or power
        found.devices[sn] = Device(
            id=sn,
            plant=plant,
            kind=DeviceKind.INVERTER,
            name=None if alias == sn else alias,
            serial=sn,
            model=model,
            software=software or None,
            has_battery=any(
                name.startswith("battery_") for name in self._parts.get(sn, ())
            ),
            rated_power_w=rated,
        )
        if (lost := truth(row.get("lost"))) is not None:
            found.readings[sn] = {
                "online": Reading(value=not lost, at=self._clock.now())
            }

    async def _add_loggers(self, plant: str, found: Found) -> list[str]:
        try:
            rows = await self._client.pages(
                on.LOGGERS, {"plant_id": plant}, "dataloggers"
            )
        except PARTIAL:
            self._keep(plant, BEHIND, found)
            return []
        serials: list[str] = []
        for row in rows:
            if not (sn := text(row.get("sn"))) or sn in found.devices:
                continue
            serials.append(sn)
            found.devices[sn] = Device(
                id=sn,
                plant=plant,
                kind=DeviceKind.LOGGER,
                serial=sn,
                model=text(row.get("model")),
            )
            if (lost := truth(row.get("lost"))) is not None:
                found.readings[sn] = {
                    "online": Reading(value=not lost, at=self._clock.now())
                }
        return serials

    async def _add_behind(
        self, plant: str, logger: str, others: list[str], found: Found
    ) -> None:
        """Add the meters and sensors behind a data logger, where the list has some."""
        for kind, (endpoint, name, words) in KINDS.items():
            if not any(word in other for other in others for word in words):
                continue
            try:
                rows = await self._client.pages(endpoint, {"datalog_sn": logger}, name)
            except PARTIAL:
                self._keep(plant, (kind,), found)
                continue
            for row in rows:
                if (address := text(row.get("address"))) is None:
                    continue
                device = f"{logger}_{address}"
                found.addresses[device] = (logger, address)
                found.devices[device] = Device(
                    id=device,
                    plant=plant,
                    kind=kind,
                    model=text(row.get("device_name")),
                    parent=logger,
                )
                if (lost := truth(row.get("lost"))) is not None:
                    found.readings[device] = {
                        "online": Reading(value=not lost, at=self._clock.now())
                    }

    # --- details -----------------------------------------------------------------------

    async def _plant_detail(self, plant: str) -> dict[str, Any]:
        """Return a plant's time zone and place (4.2.4)."""
        data = await self._client.ask(on.PLANT_DETAILS, {"plant_id": plant})
        return {key: row for key, row in mapping(data).items() if key in KEPT_OF_PLANT}

    async def _device_detail(self, sn: str, family: on.Family) -> dict[str, Any]:
        """Return an inverter's versions and rated power (4.3.15)."""
        data = await self._client.ask(family.info, {"device_sn": sn})
        told = lowered(mapping(data))
        return {
            # What the examples spell with underscores is the same field.
            name.replace("_", ""): row
            for name, row in told.items()
            if name.replace("_", "") in KEPT_OF_DEVICE
        }

    async def _detail(
        self, subject: str, fetch: Callable[[], Awaitable[dict[str, Any]]]
    ) -> Mapping[str, Any]:
        """Return a detail that hardly changes."""
        known = self._details.get(subject)
        now = self._clock.now()
        if known and now - datetime.fromisoformat(known["at"]) < DETAILS_FOR:
            return mapping(known["detail"])
        try:
            detail = await fetch()
        except PARTIAL:
            return mapping(known["detail"]) if known else {}
        self._details[subject] = {"at": now.isoformat(), "detail": detail}
        return detail


def _rated(detail: Mapping[str, Any]) -> float | None:
    """Return the rated power in W; 0 stands for not told."""
    return next((rated for name in RATED if (rated := number(detail.get(name)))), None)


def _plant(row: Mapping[str, Any], detail: Mapping[str, Any]) -> Plant | None:
    """Return a plant of the list, with what its details tell."""
    if (plant := text(row.get("plant_id"))) is None:
        return None
    told = {**row, **{key: value for key, value in detail.items() if text(value)}}
    created = naive(f"{told.get('create_date')} 00:00:00")
    return Plant(
        id=plant,
        name=text(row.get("name")) or plant,
        time_zone=zone_name(
            told.get("timezone"), None if told.get(FIXED) else told.get("country")
        ),
        latitude=coordinate(told.get("latitude")),
        longitude=coordinate(told.get("longitude")),
        created=None if created is None else created.date().isoformat(),
        peak_power_kw=number(told.get("peak_power")) or None,
    )
