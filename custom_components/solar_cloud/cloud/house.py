"""The house as it stands now: all feeds put together, aged, guarded, and summed up.

Plant-level values come from the vendor where it has them, else from the devices: powers
and energies are summed, the state of charge is weighted by capacity, and what no meter
has follows from the balance of the others.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from functools import cached_property
from types import MappingProxyType
from zoneinfo import ZoneInfo

from .control import Absent, Control
from .counters import Counters
from .model import Controls, Device, DeviceKind, Plant, Reading, Snapshot, Value
from .quantity import TODAY, Kind, quantity
from .vendor import Feed

SHORTEST_AGE = timedelta(minutes=20)
PUBLICATIONS = 3

SUMMED = (
    "pv_power",
    "inverter_power",
    "battery_power",
    "backup_power",
    "external_pv_power",
    "generator_power",
    "pv_energy",
    "inverter_energy",
    "battery_charge_energy",
    "battery_discharge_energy",
    "pv_energy_today",
    "inverter_energy_today",
    "battery_charge_energy_today",
    "battery_discharge_energy_today",
    "battery_capacity",
    "battery_remaining_energy",
    "grid_power",
    "grid_import_energy",
    "grid_export_energy",
    "grid_import_energy_today",
    "grid_export_energy_today",
)
SUMMED_KEYS = frozenset(SUMMED)
LOAD = ("load_power", "load_energy", "load_energy_today")
SWAPPED = {
    "grid_import_energy": "grid_export_energy",
    "grid_export_energy": "grid_import_energy",
    "grid_import_energy_today": "grid_export_energy_today",
    "grid_export_energy_today": "grid_import_energy_today",
}
NEGATED = "grid_power"
SCHEDULE, MODE = "schedule_enabled", "battery_mode"
SCHEDULED, OTHER = "schedule", "other"
PRODUCED, PASSED_ON = "pv_power", "inverter_power"
ASLEEP = frozenset(("standby", "waiting"))
GRID = "grid_"
OTHER_PV = "external_pv_power"


@dataclass(frozen=True, kw_only=True)
class House:
    """What is known at one instant, keyed by subject (plant or device id)."""

    plants: Mapping[str, Plant] = field(default_factory=dict)
    devices: Mapping[str, Device] = field(default_factory=dict)
    readings: Mapping[str, Mapping[str, Reading]] = field(default_factory=dict)
    controls: Controls = field(default_factory=dict)

    def has(self, subject: str) -> bool:
        """Return whether a plant or device is there and shown."""
        return subject in self.plants or subject in self.devices

    def value(self, subject: str, key: str) -> Value:
        """Return the value of a quantity now, None when it is not known."""
        found = self.readings.get(subject, {}).get(key)
        return None if found is None else found.value

    def at(self, subject: str) -> datetime | None:
        """Return the instant of a subject's newest power reading."""
        return max(
            (
                row.at
                for key, row in self.readings.get(subject, {}).items()
                if quantity(key).kind is Kind.POWER
            ),
            default=None,
        )

    def newest(self, plant: str) -> datetime | None:
        """Return the instant of the newest power reading of a plant or its devices."""
        subjects = (plant, *(device.id for device in self.of_plant(plant)))
        stamps = [stamp for subject in subjects if (stamp := self.at(subject))]
        return max(stamps, default=None)

    def of_plant(self, plant: str) -> Sequence[Device]:
        """Return the devices of a plant."""
        return self._by_plant.get(plant, ())

    @cached_property
    def _by_plant(self) -> Mapping[str, Sequence[Device]]:
        return by_plant(self.devices)


def by_plant(devices: Mapping[str, Device]) -> dict[str, list[Device]]:
    """Return devices by their plant."""
    found: dict[str, list[Device]] = {}
    for row in devices.values():
        found.setdefault(row.plant, []).append(row)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What the user chose: plants (None for all), and whose meter is inverted."""

    plants: frozenset[str] | None = None
    inverted: frozenset[str] = frozenset()

    def has(self, plant: str) -> bool:
        """Return whether a plant is shown."""
        return self.plants is None or plant in self.plants


def oldest(
    feed: Feed, now: datetime, stretch: float = 1.0, uploads: float | None = None
) -> datetime:
    """Return the instant before which a measurement of a feed is no longer current.

    A plant that `uploads` more seldom (s) than the feed is polled has nothing newer.
    """
    rhythm = max(feed.interval * stretch, uploads or 0.0)
    return now - max(timedelta(seconds=PUBLICATIONS * rhythm), SHORTEST_AGE)


def build(
    feeds: Iterable[Feed],
    snapshots: Mapping[str, Snapshot],
    counters: Counters,
    now: datetime,
    choices: Choices,
    *,
    zone: Mapping[str, ZoneInfo],
    default_zone: ZoneInfo,
    stretch: float = 1.0,
    dark: Collection[str] = (),
) -> House:
    """Put the feeds together, guard what counts, and sum the plants up."""
    plants, devices, readings = _merged(feeds, snapshots, now, stretch, dark)
    plants = {key: row for key, row in plants.items() if choices.has(key)}
    devices = {key: row for key, row in devices.items() if row.plant in plants}
    members = by_plant(devices)
    daily = frozenset[str]().union(*(feed.accumulates for feed in feeds))
    controls = _controls(feeds, snapshots, plants.keys() | devices.keys())
    found: dict[str, dict[str, Reading]] = {}
    for device in devices.values():
        local = now.astimezone(zone.get(device.plant, default_zone))
        rows = _as_mounted(readings.get(device.id, {}), device.plant, choices)
        name = _mark_of(device.id, device.plant, choices)
        rows = {**_mode(controls.get(device.id, {})), **rows}
        rows |= _accumulated(name, rows, counters, local.tzinfo, daily)
        found[device.id] = _guarded(name, rows, counters, local)
    for plant in plants:
        local = now.astimezone(zone.get(plant, default_zone))
        parts = members.get(plant, [])
        told = _as_mounted(readings.get(plant, {}), plant, choices)
        rows = {
            **_mode(controls.get(plant, {})),
            **summed_up(parts, found, told),
            **told,
        }
        name = _mark_of(plant, plant, choices)
        sums = SUMMED_KEYS - told.keys()
        found[plant] = _guarded(name, rows, counters, local, sums)
    return House(
        plants=plants,
        devices=devices,
        readings=found,
        controls=controls,
    )


def _merged(
    feeds: Iterable[Feed],
    snapshots: Mapping[str, Snapshot],
    now: datetime,
    stretch: float,
    dark: Collection[str],
) -> tuple[dict[str, Plant], dict[str, Device], dict[str, dict[str, Reading]]]:
    """Put the feeds together; a later feed has the last word, unless its counter is older."""
    plants: dict[str, Plant] = {}
    devices: dict[str, Device] = {}
    readings: dict[str, dict[str, Reading]] = {}
    for feed in feeds:
        if (snapshot := snapshots.get(feed.key)) is None:
            continue
        plants |= snapshot.plants
        devices |= snapshot.devices
        usual = oldest(feed, now, stretch)
        limits = {
            plant.id: oldest(feed, now, stretch, plant.uploads)
            for plant in plants.values()
            if plant.uploads
        }
        for subject, rows in snapshot.readings.items():
            own = readings.setdefault(subject, {})
            device = devices.get(subject)
            limit = limits.get(device.plant if device else subject, usual)
            for key, row in rows.items():
                aged = _aged(key, row, limit, snapshot.at)
                if aged.value is None and _rests(key, row, subject, device, dark):
                    aged = row
                if key not in own or not _is_ahead(key, own[key], aged):
                    own[key] = aged
    return plants, devices, readings


def _mode(controls: Mapping[str, Control | Absent]) -> dict[str, Reading]:
    """Return what steers a battery: the device's schedule while it is on, else the mode."""
    schedule, mode = controls.get(SCHEDULE), controls.get(MODE)
    if isinstance(schedule, Control) and schedule.value is True:
        return {"active_mode": Reading(value=SCHEDULED, at=schedule.at)}
    if isinstance(mode, Control):
        value = OTHER if mode.value is None else str(mode.value)
        return {"active_mode": Reading(value=value, at=mode.at)}
    return {}


def _controls(
    feeds: Iterable[Feed],
    snapshots: Mapping[str, Snapshot],
    subjects: Collection[str],
) -> Controls:
    """Return what can be steered, of devices and of plants as a whole."""
    found: dict[str, dict[str, Control | Absent]] = {}
    for feed in feeds:
        if feed.key in snapshots:
            for subject, rows in snapshots[feed.key].controls.items():
                if subject in subjects:
                    found.setdefault(subject, {}).update(rows)
    return found


def _is_ahead(key: str, known: Reading, other: Reading) -> bool:
    """Return whether a counter is already known from a newer reading."""
    return quantity(key).is_counter and known.at > other.at


def _mark_of(subject: str, plant: str, choices: Choices) -> str:
    """Return under which name counters are guarded: another once the meter is turned."""
    return f"{subject}~inverted" if plant in choices.inverted else subject


def _aged(key: str, row: Reading, limit: datetime, polled: datetime) -> Reading:
    """Return a reading, unknown when it is too old; none is newer than its poll."""
    at = min(row.at, polled)
    if at >= limit or quantity(key).stays:
        return row if at is row.at else Reading(value=row.value, at=at)
    return Reading(value=None, at=at)


def _rests(
    key: str,
    row: Reading,
    subject: str,
    device: Device | None,
    dark: Collection[str],
) -> bool:
    """Return whether nothing was produced when it was told, and nothing is in the dark."""
    micro = device is not None and device.kind is DeviceKind.MICROINVERTER
    return (
        row.value == 0
        and (key == PRODUCED or (micro and key == PASSED_ON))
        and (device.plant if device else subject) in dark
    )


def _as_mounted(
    rows: Mapping[str, Reading], plant: str, choices: Choices
) -> Mapping[str, Reading]:
    """Return readings as they are when the meter is mounted the other way round."""
    if plant not in choices.inverted:
        return rows
    found = {SWAPPED.get(key, key): row for key, row in rows.items()}
    for key, row in rows.items():
        if key.startswith(NEGATED) and isinstance(row.value, (int, float)):
            found[key] = Reading(value=-row.value, at=row.at)
    return found


def _accumulated(
    subject: str,
    rows: Mapping[str, Reading],
    counters: Counters,
    zone: tzinfo | None,
    keys: frozenset[str],
) -> dict[str, Reading]:
    """Return the lifetime counters of a device that only counts by the day."""
    found: dict[str, Reading] = {}
    for key in keys - rows.keys():
        today = rows.get(f"{key}{TODAY}")
        if today and isinstance(today.value, (int, float)):
            at = today.at.astimezone(zone)
            value = counters.accumulate(subject, key, float(today.value), at)
            found[key] = Reading(value=value, at=today.at)
    return found


def _guarded(
    subject: str,
    rows: Mapping[str, Reading],
    counters: Counters,
    now: datetime,
    trusted: Collection[str] = (),
) -> dict[str, Reading]:
    """Return readings with counters that do not fall; those not told stay as they were."""
    found = dict(rows)
    for key, row in rows.items():
        kind = quantity(key)
        if kind.is_counter and isinstance(row.value, (int, float)):
            at = row.at.astimezone(now.tzinfo)
            value = counters.accept(
                subject, kind, key, float(row.value), at, now, trusted=key in trusted
            )
            if value is not row.value:
                found[key] = Reading(value=value, at=row.at)
    for key, (high, at) in counters.known(subject).items():
        known = found.get(key)
        if (known is None or known.value is None) and not _is_daily(key):
            found[key] = Reading(value=high, at=at)
    return found


def _is_daily(key: str) -> bool:
    return quantity(key).kind is Kind.DAY_COUNTER


def summed_up(
    devices: list[Device],
    readings: Mapping[str, Mapping[str, Reading]],
    told: Mapping[str, Reading] = MappingProxyType({}),
) -> dict[str, Reading]:
    """Return what the devices of a plant say together, beside what is told of it whole."""
    found: dict[str, Reading] = {}
    silent = {row.kind for row in devices if not _told(readings.get(row.id, {}))}
    for key in SUMMED:
        having = [row for row in devices if key in readings.get(row.id, {})]
        if not having:
            continue
        if key.startswith(GRID):
            meters = [row for row in having if row.kind is DeviceKind.METER]
            having = meters or having
        complete = silent.isdisjoint(row.kind for row in having)
        found[key] = _sum(key, _all(having, readings, key), complete=complete)
    found |= _battery(devices, readings)
    found |= _load(devices, readings, {**found, **told})
    found |= _health(devices, readings)
    modes = _all(devices, readings, "active_mode")
    if modes:
        same = {row.value for row in modes}
        mixed = None if None in same else "other"
        found["active_mode"] = Reading(
            value=same.pop() if len(same) == 1 else mixed,
            at=min(row.at for row in modes),
        )
    return found


def _all(
    devices: Iterable[Device],
    readings: Mapping[str, Mapping[str, Reading]],
    key: str,
) -> list[Reading]:
    return [
        readings[device.id][key]
        for device in devices
        if key in readings.get(device.id, {})
    ]


def _numbers(rows: Iterable[Reading]) -> list[float] | None:
    """Return the values, None when one is not known: a part is not a sum."""
    values = [row.value for row in rows]
    known = [float(value) for value in values if isinstance(value, (int, float))]
    return known if known and len(known) == len(values) else None


def _told(rows: Mapping[str, Reading]) -> bool:
    """Return whether a device has told anything that a plant's sums are made of."""
    return any(key in SUMMED or quantity(key).kind is Kind.POWER for key in rows)


def _sum(key: str, rows: list[Reading], *, complete: bool) -> Reading:
    """Return a sum, as old as its oldest part; a counter's idle parts do not age it."""
    known = _numbers(rows) if complete else None
    stamps = [row.at for row in rows]
    return Reading(
        value=None if known is None else round(sum(known), 3),
        at=max(stamps) if quantity(key).is_counter else min(stamps),
    )


def _battery(
    devices: list[Device], readings: Mapping[str, Mapping[str, Reading]]
) -> dict[str, Reading]:
    """Return the state of charge of all batteries, weighted by what they hold."""
    batteries = [row for row in devices if row.kind is DeviceKind.BATTERY]
    levels = _all(batteries, readings, "battery_soc")
    known = _numbers(levels)
    if not levels:
        return {}
    at = min(row.at for row in levels)
    if known is None:
        return {"battery_soc": Reading(value=None, at=at)}
    weights = _numbers(_all(batteries, readings, "battery_capacity"))
    if weights is None or len(weights) != len(known) or not sum(weights):
        weights = [1.0] * len(known)
    total = sum(w * v for w, v in zip(weights, known, strict=True)) / sum(weights)
    return {"battery_soc": Reading(value=round(total, 2), at=at)}


def _load(
    devices: list[Device],
    readings: Mapping[str, Mapping[str, Reading]],
    plant: Mapping[str, Reading],
) -> dict[str, Reading]:
    """Return the house's load: a device's word, with several inverters the balance."""
    found: dict[str, Reading] = {}
    for key in LOAD:
        told = _all(devices, readings, key)
        if len(told) == 1:
            found[key] = told[0]
    parts = [plant.get(key) for key in ("grid_power", "inverter_power")]
    rows = [row for row in (*parts, plant.get(OTHER_PV)) if row]
    if "load_power" not in found and None not in parts:
        balance = _numbers(rows)
        value = None if balance is None else max(0.0, round(sum(balance), 3))
        found["load_power"] = Reading(value=value, at=min(row.at for row in rows))
    return found if OTHER_PV in plant else found | _load_energy(plant, found)


def _load_energy(
    plant: Mapping[str, Reading], found: Mapping[str, Reading]
) -> dict[str, Reading]:
    """Return the load's energy from the balance of inverters and grid."""
    derived: dict[str, Reading] = {}
    for suffix in ("", "_today"):
        parts = [
            plant.get(f"{key}{suffix}")
            for key in ("inverter_energy", "grid_import_energy", "grid_export_energy")
        ]
        rows = [row for row in parts if row]
        known = _numbers(rows)
        if f"load_energy{suffix}" in found or len(rows) < len(parts) or known is None:
            continue
        made, bought, sold = known
        derived[f"load_energy{suffix}"] = Reading(
            value=max(0.0, round(made + bought - sold, 3)),
            at=max(row.at for row in rows),
        )
    return derived


def _health(
    devices: list[Device], readings: Mapping[str, Mapping[str, Reading]]
) -> dict[str, Reading]:
    inverters = [row for row in devices if row.kind is DeviceKind.INVERTER]
    online = _all(inverters, readings, "online")
    if not online:
        return {}
    problems = _all(devices, readings, "problem")
    at = min(row.at for row in online)
    faulty = any(row.value is True for row in problems)
    connected = any(row.value is True for row in online)
    states = {row.value for row in _all(inverters, readings, "inverter_state")}
    asleep = bool(states) and states <= ASLEEP
    health = "healthy" if connected or asleep else "disconnected"
    if faulty:
        health = "faulty"
    return {
        "online": Reading(value=connected, at=at),
        "problem": Reading(value=faulty, at=at),
        "plant_health": Reading(value=health, at=at),
    }
