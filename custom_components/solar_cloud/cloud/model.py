"""What a cloud tells: plants, devices, readings, alarms; plain, immutable, storable."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime, timedelta
from enum import StrEnum, auto
from typing import Any, Self

from .control import Absent, Control, Reason

type Value = float | str | bool | None
type Readings = Mapping[str, Mapping[str, Reading]]
type Controls = Mapping[str, Mapping[str, Control | Absent]]


class DeviceKind(StrEnum):
    """The parts of a plant."""

    INVERTER = auto()
    BATTERY = auto()
    METER = auto()
    LOGGER = auto()
    SENSOR = auto()
    CONTROLLER = auto()
    MICROINVERTER = auto()
    OPTIMIZER = auto()
    GENERATOR = auto()
    BACKUP = auto()
    CONVERTER = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Plant:
    """A plant: one roof, one grid connection; it `uploads` what it measures each so many s."""

    id: str
    name: str
    time_zone: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    created: str | None = None
    peak_power_kw: float | None = None
    uploads: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A device of a plant; `id` is its serial number, else the vendor's id.

    `name` is the one that the owner gave it; others are named by kind and `number`.
    """

    id: str
    plant: str
    kind: DeviceKind
    name: str | None = None
    model: str | None = None
    serial: str | None = None
    software: str | None = None
    hardware: str | None = None
    parent: str | None = None
    number: int | None = None
    rated_power_w: float | None = None
    has_battery: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One value of a quantity and the instant at which the device measured it."""

    value: Value
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """An alarm of a device, in the vendor's words."""

    id: str
    device: str
    code: str
    text: str
    at: datetime | None = None
    severity: str | None = None
    advice: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What one poll of a feed delivered, keyed by subject (plant or device id).

    `energy` is what it told of the hours before it, up to the instant of the counters;
    it is not kept.
    """

    at: datetime
    plants: Mapping[str, Plant] = field(default_factory=dict)
    devices: Mapping[str, Device] = field(default_factory=dict)
    readings: Readings = field(default_factory=dict)
    controls: Controls = field(default_factory=dict)
    alarms: tuple[Alarm, ...] = ()
    alarms_told: bool = False
    absent_readings: Mapping[str, Mapping[str, Reason]] = field(default_factory=dict)
    energy: tuple[EnergyRow, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return a form that JSON can hold; what was told of earlier hours is not kept."""
        return asdict(replace(self, energy=()))

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Return the snapshot that `as_dict` wrote and JSON carried."""
        return cls(
            at=datetime.fromisoformat(data["at"]),
            plants={key: Plant(**row) for key, row in data["plants"].items()},
            devices={
                key: Device(**row | {"kind": DeviceKind(row["kind"])})
                for key, row in data["devices"].items()
            },
            readings={
                subject: {key: _reading(row) for key, row in rows.items()}
                for subject, rows in data["readings"].items()
            },
            controls={
                device: {key: _control(row) for key, row in rows.items()}
                for device, rows in data["controls"].items()
            },
            alarms=tuple(
                Alarm(**row | {"at": _instant(row["at"])}) for row in data["alarms"]
            ),
            alarms_told=data["alarms_told"],
            absent_readings={
                subject: {key: Reason(reason) for key, reason in rows.items()}
                for subject, rows in data.get("absent_readings", {}).items()
            },
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class EnergyRow:
    """Energy of one quantity in one span: `kwh` from `start` on, in UTC.

    A span of a day is one of which the vendor knows only the whole.
    """

    subject: str
    key: str
    start: datetime
    kwh: float
    span: timedelta = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Energies:
    """What one batch of calls told of the past: all days from `first` on.

    With `beginning` the vendor has nothing from before.
    """

    first: date
    rows: tuple[EnergyRow, ...] = ()
    beginning: bool = False


def _instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _reading(row: Mapping[str, Any]) -> Reading:
    return Reading(value=row["value"], at=datetime.fromisoformat(row["at"]))


def _control(row: Mapping[str, Any]) -> Control | Absent:
    if "reason" in row:
        return Absent(reason=Reason(row["reason"]))
    return Control(
        **{**row, "options": tuple(row["options"]), "at": _instant(row["at"])}
    )
