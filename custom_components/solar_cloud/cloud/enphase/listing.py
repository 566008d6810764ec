"""What an owner has: systems, gateways, meters, microinverters, batteries."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from ..clock import Clock
from ..errors import CloudError, NoPlants
from ..model import Device, DeviceKind, Plant, Reading, Snapshot
from ..values import day_of, number, text, truth
from . import endpoints as on
from .client import EnphaseClient

PAGE = 100
MOST_PAGES = 50
WH = 1000
DEVICES_FOR = timedelta(days=7)

# `connection_type` -> how often a gateway uploads.
UPLOADS = {"cellular": timedelta(hours=6)}
UPLOAD = timedelta(minutes=15)
# From an upload until the cloud shows it.
LAG = timedelta(seconds=60)

# Status of a system -> its health; what is not here is faulty.
HEALTHY = frozenset(("normal", "storage_idle", "on_grid", "data_upload"))
DISCONNECTED = frozenset(("comm", "no_data", "off_grid", "grid_unknown"))
UNKNOWN = frozenset(("retired", "any", ""))

# Group of devices in version 4 -> kind of device.
KINDS: dict[str, DeviceKind] = {
    "micros": DeviceKind.MICROINVERTER,
    "meters": DeviceKind.METER,
    "gateways": DeviceKind.LOGGER,
    "encharges": DeviceKind.BATTERY,
    "acbs": DeviceKind.BATTERY,
    "enpowers": DeviceKind.CONTROLLER,
    "iq_collars": DeviceKind.CONTROLLER,
}


@dataclass(slots=True)
class System:
    """What is known of a system beside its values.

    `reported` is when its gateway last told something; `batteries` has serial numbers by
    the ids under which powers are told.
    """

    id: str
    connection: str = ""
    reported: datetime | None = None
    has_micros: bool = True
    has_production_meter: bool = False
    has_consumption_meter: bool = False
    consumption_is_net: bool = True
    batteries: dict[str, str] = field(default_factory=dict)
    capacity_kwh: float | None = None

    @property
    def only_produces(self) -> bool:
        """Return whether nothing happens while it is dark."""
        return not self.batteries and not self.has_consumption_meter

    @property
    def upload(self) -> timedelta:
        """Return how often the gateway uploads."""
        return UPLOADS.get(self.connection, UPLOAD)


class Listing:
    """Lists systems each time, their devices once a week."""

    def __init__(
        self, client: EnphaseClient, clock: Clock, memory: dict[str, Any]
    ) -> None:
        """Keep devices in `memory`, by version."""
        self._client = client
        self._clock = clock
        # Version 2 lists less, so that after a move all is asked for anew.
        name = "old_devices" if client.is_old else "devices"
        self._kept: dict[str, dict[str, Any]] = memory.setdefault(name, {})
        self.systems: dict[str, System] = {}

    async def plants(self) -> dict[str, Plant]:
        """Return the systems of the owner; raises NoPlants where there is none."""
        rows = await (self._old_rows() if self._client.is_old else self._rows())
        plants: dict[str, Plant] = {}
        for row in rows:
            if (found := text(row.get("system_id"))) is None:
                continue
            self._note(found, row)
            plants[found] = Plant(
                id=found,
                name=text(row.get("name", row.get("system_name"))) or found,
                time_zone=text(row.get("timezone")),
                created=day_of((number(_meta(row).get("operational_at")) or 0) * 1000),
                uploads=self.systems[found].upload.total_seconds(),
            )
        if not plants:
            raise NoPlants
        return plants

    def _note(self, system: str, row: Mapping[str, Any]) -> None:
        known = self.systems.setdefault(system, System(system))
        known.connection = text(row.get("connection_type")) or known.connection
        self.heard(system, _meta(row))

    def heard(self, system: str, meta: Mapping[str, Any]) -> None:
        """Take over when a gateway last reported."""
        if stamp := number(meta.get("last_report_at")):
            at = datetime.fromtimestamp(stamp, UTC)
            known = self.systems[system]
            known.reported = max(at, known.reported or at)

    async def _rows(self) -> list[Mapping[str, Any]]:
        found: list[Mapping[str, Any]] = []
        for page in range(1, MOST_PAGES + 1):
            asked = {"page": str(page), "size": str(PAGE)}
            body = _fields(await self._client.call(on.SYSTEMS, params=asked))
            rows = _list(body.get("systems"))
            found += rows
            if not rows or len(found) >= (number(body.get("total")) or 0):
                break
        return found

    async def _old_rows(self) -> list[Mapping[str, Any]]:
        found: list[Mapping[str, Any]] = []
        asked = {"limit": str(PAGE)}
        for _ in range(MOST_PAGES):
            body = _fields(await self._client.call(on.OLD_SYSTEMS, params=asked))
            found += _list(body.get("systems"))
            if (token := text(body.get("next"))) is None:
                break
            asked["next"] = token
        return found

    async def poll(self, wanted: Iterable[str] | None) -> Snapshot:
        """List everything; only systems that are wanted cost a call of their own."""
        plants = await self.plants()
        chosen = [row for row in plants if wanted is None or row in wanted]
        devices: dict[str, Device] = {}
        readings: dict[str, Mapping[str, Reading]] = {}
        rows = self._client.raw
        for system in chosen:
            await self._look_at(system)
            size = number(self._kept[system].get("size"))
            if size:
                plants[system] = replace(plants[system], peak_power_kw=size / WH)
            for device in self._devices(system):
                devices[device.id] = device
        now = self._clock.now()
        for system, state in _states(rows).items():
            if system in plants and (found := _health(state)):
                readings[system] = {
                    key: Reading(value=value, at=now) for key, value in found.items()
                }
        return Snapshot(at=now, plants=plants, devices=devices, readings=readings)

    async def _look_at(self, system: str) -> None:
        """Ask for the devices of a system where it is time to; else use what is kept."""
        kept = self._kept.get(system, {})
        now = self._clock.now()
        if not kept or now - datetime.fromisoformat(kept["at"]) >= DEVICES_FOR:
            try:
                groups = await self._groups(system)
                kept = {"at": now.isoformat(), "groups": groups}
                kept |= await self._sizes(system)
                self._kept[system] = kept
            except CloudError:
                if not kept:
                    raise
        self.take_over(system)

    async def _groups(self, system: str) -> dict[str, list[Any]]:
        """Return the devices by group, in version 4's shape."""
        if not self._client.is_old:
            body = _fields(await self._client.call(on.DEVICES, system=system))
            groups = _fields(body.get("devices"))
            return {name: _list(groups.get(name)) for name in KINDS}
        body = _fields(await self._client.call(on.OLD_INVENTORY, system=system))
        envoys = _fields(await self._client.call(on.OLD_ENVOYS, system=system))
        return {
            "micros": [_renamed(row) for row in _list(body.get("inverters"))],
            "meters": [_renamed(row) for row in _list(body.get("meters"))],
            "gateways": _list(envoys.get("envoys")),
        }

    async def _sizes(self, system: str) -> dict[str, float | None]:
        """Return the ratings of a system: W of the modules, Wh of the batteries."""
        endpoint = on.OLD_SUMMARY if self._client.is_old else on.SUMMARY
        body = _fields(await self._client.call(endpoint, system=system))
        return {
            "size": number(body.get("size_w")),
            "capacity": number(body.get("battery_capacity_wh")),
        }

    def take_over(self, system: str) -> None:
        """Make of the kept devices what the other feeds need to know."""
        known = self.systems.setdefault(system, System(system))
        kept = self._kept.get(system, {})
        groups: Mapping[str, list[Any]] = kept.get("groups", {})
        meters = [row for row in groups.get("meters", ()) if _is_enabled(row)]
        types = {str(row.get("config_type", "")).lower() for row in meters}
        old_meters = bool(meters) and types == {""}
        known.has_production_meter = "production" in types or old_meters
        known.has_consumption_meter = bool(types & {"net", "total"}) or old_meters
        known.consumption_is_net = "total" not in types
        known.has_micros = bool(groups.get("micros"))
        known.batteries = {
            str(row.get("id")): serial
            for row in groups.get("encharges", ())
            if (serial := text(row.get("serial_number"))) and _is_active(row)
        }
        capacity = number(kept.get("capacity"))
        known.capacity_kwh = capacity / WH if capacity and known.batteries else None

    def _devices(self, system: str) -> Iterable[Device]:
        groups: Mapping[str, list[Any]] = self._kept.get(system, {}).get("groups", {})
        numbers: dict[DeviceKind, int] = {}
        for group, rows in groups.items():
            for row in rows:
                serial = text(row.get("serial_number"))
                if serial is None or not _is_active(row) or not _is_enabled(row):
                    continue
                if group == "gateways" and not number(row.get("last_report_at")):
                    continue
                kind = KINDS[group]
                numbers[kind] = numbers.get(kind, 0) + 1
                yield Device(
                    id=serial,
                    plant=system,
                    kind=kind,
                    serial=serial,
                    model=text(row.get("product_name")) or text(row.get("model")),
                    software=text(row.get("emu_sw_version")),
                    hardware=text(row.get("part_number")),
                    number=numbers[kind],
                )


def _meta(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return version 2's `meta`, which version 4 has in the row itself."""
    found = row.get("meta")
    return found if isinstance(found, Mapping) else row


def _states(raw: Mapping[str, Any]) -> dict[str, str]:
    """Return the status of each system in the lists that were fetched last."""
    found: dict[str, str] = {}
    for endpoint in (on.SYSTEMS, on.OLD_SYSTEMS):
        for row in _list(_fields(raw.get(endpoint.path)).get("systems")):
            if (system := text(row.get("system_id"))) is not None:
                state = row.get("status", _meta(row).get("status"))
                found[system] = text(state) or ""
    return found


def _health(state: str) -> dict[str, str | bool]:
    """Return health and problem of a status; one that is unknown says nothing."""
    if state in UNKNOWN:
        return {}
    if state in HEALTHY:
        return {"plant_health": "healthy", "problem": False}
    health = "disconnected" if state in DISCONNECTED else "faulty"
    return {"plant_health": health, "problem": True}


def _renamed(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row of version 2's inventory under version 4's names."""
    return {**row, "serial_number": row.get("sn")}


def _is_enabled(row: Mapping[str, Any]) -> bool:
    return text(row.get("state")) in (None, "enabled")


def _is_active(row: Mapping[str, Any]) -> bool:
    """Return whether a device is in use; `active` may be a word."""
    return (
        truth(row.get("active", True)) is not False and row.get("status") != "retired"
    )


def _fields(body: Any) -> Mapping[str, Any]:
    return body if isinstance(body, Mapping) else {}


def _list(body: Any) -> list[Mapping[str, Any]]:
    rows = body if isinstance(body, list) else []
    return [row for row in rows if isinstance(row, Mapping)]
