"""What can be steered, in which range, and why not; and what became of a command."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum, auto
from typing import Any

from .errors import CloudError
from .quantity import BATTERY_MODES, Unit

type Setting = float | str | bool


class Platform(StrEnum):
    """The kinds of controls."""

    SELECT = auto()
    NUMBER = auto()
    SWITCH = auto()
    BUTTON = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlKey:
    """One row of the catalogue of controls."""

    key: str
    platform: Platform
    unit: Unit = Unit.NONE
    options: tuple[str, ...] = ()
    rare: bool = False


def _numbers(unit: Unit, *keys: str) -> tuple[ControlKey, ...]:
    return tuple(
        ControlKey(key=key, platform=Platform.NUMBER, unit=unit) for key in keys
    )


def _switches(*keys: str, rare: bool = False) -> tuple[ControlKey, ...]:
    return tuple(
        ControlKey(key=key, platform=Platform.SWITCH, rare=rare) for key in keys
    )


CONTROLS: dict[str, ControlKey] = {
    row.key: row
    for row in (
        ControlKey(key="battery_mode", platform=Platform.SELECT, options=BATTERY_MODES),
        ControlKey(
            key="surplus_priority",
            platform=Platform.SELECT,
            options=("battery", "grid"),
        ),
        ControlKey(
            key="storage_mode", platform=Platform.SELECT, options=("free", "standard")
        ),
        ControlKey(
            key="export_limit_scope",
            platform=Platform.SELECT,
            options=("total", "per_phase"),
        ),
        *_numbers(
            Unit.PERCENT,
            "min_soc",
            "backup_reserve",
            "max_soc",
            "grid_charge_soc_limit",
            "peak_shaving_soc",
            "active_power_rate",
            "charge_power_rate",
            "discharge_power_rate",
        ),
        *_numbers(
            Unit.WATT,
            "charge_power_limit",
            "discharge_power_limit",
            "grid_charge_power_limit",
            "export_limit",
            "import_limit",
        ),
        *_numbers(Unit.AMPERE, "charge_current_limit", "discharge_current_limit"),
        *_switches(
            "charge_from_grid",
            "export_limit_enabled",
            "schedule_enabled",
            "storm_guard",
            "energy_independence",
            "inverter_on",
            *(f"load_control_{number}" for number in range(1, 5)),
        ),
        *_switches(
            "backup_output",
            "eco_mode",
            "low_power_mode",
            "meter_enabled",
            "second_meter_enabled",
            rare=True,
        ),
        ControlKey(key="sync_clock", platform=Platform.BUTTON),
    )
}


class Reason(StrEnum):
    """Why a control or a reading is absent."""

    UNSUPPORTED = auto()
    NOT_IN_PLAN = auto()
    NO_PERMISSION = auto()
    NO_METER = auto()
    READ_ONLY = auto()
    UNKNOWN = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Absent:
    """A control that the device, plan or account does not offer."""

    reason: Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """A control that a device offers, as it last answered.

    Numbers are in the unit of the catalogue; `options` are our words. `assumed` is what
    was last confirmed where the device cannot be asked.
    """

    value: Setting | None
    at: datetime
    minimum: float | None = None
    maximum: float | None = None
    step: float | None = None
    options: tuple[str, ...] = ()
    assumed: bool = False


class Forced(StrEnum):
    """What a forced run makes the battery do."""

    CHARGE = auto()
    DISCHARGE = auto()
    HOLD = auto()
    LIMIT_EXPORT = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A forced run, hold or temporary export limit of one plant, from start to end.

    `power` is the plant's, in W; `target_soc` in %. Both may be left to the device.
    """

    id: str
    plant: str
    kind: Forced
    start: datetime
    end: datetime
    devices: tuple[str, ...]
    power: float | None = None
    target_soc: float | None = None

    @property
    def share(self) -> float | None:
        """Return the power of each device that carries the run out, in W."""
        return None if self.power is None else self.power / len(self.devices)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRange:
    """What a device lets a forced run ask for; W and %.

    A device that is not `powered` forces with a power of its own.
    """

    kinds: frozenset[Forced]
    max_power: float | None = None
    min_soc: float = 0
    max_soc: float = 100
    powered: bool = True


class State(StrEnum):
    """The life of a command."""

    QUEUED = auto()
    ACCEPTED = auto()
    CONFIRMED = auto()
    REFUSED = auto()
    FAILED = auto()
    UNCONFIRMED = auto()
    SUPERSEDED = auto()


class Evidence(StrEnum):
    """What proves that a command was carried out."""

    TASK = auto()
    READ_BACK = auto()
    TELEMETRY = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far something that was sent has come, by an answer of the vendor.

    `done` is None while that is open: to be asked again at `again_at`, or never to be
    known where there is none. `error` tells why it was not done; `found` are settings as
    they are now; `ended` tells that a run is over by itself. At `send_at` a run is to be
    sent again, where a device holds one part of it at a time. True once it is done.
    """

    done: bool | None
    evidence: Evidence = Evidence.READ_BACK
    again_at: datetime | None = None
    send_at: datetime | None = None
    error: CloudError | None = None
    found: Mapping[str, Control | Absent] = field(default_factory=dict)
    ended: bool = False

    def __bool__(self) -> bool:
        """Return whether it is done."""
        return self.done is True


FINAL = frozenset(State) - {State.QUEUED, State.ACCEPTED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a command, as far as is known."""

    plant: str
    device: str
    control: str
    value: Setting | None
    state: State
    at: datetime
    evidence: Evidence | None = None
    code: str | None = None
    message: str | None = None
    writes_today: int = 0
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """One window of a schedule; minutes of the plant's day, the end exclusive.

    `mode` is charge, discharge, hold or one of the battery modes; `days` are 1 (Monday)
    to 7; power in W, target in %.
    """

    start: int
    end: int
    mode: str
    days: tuple[int, ...] = (1, 2, 3, 4, 5, 6, 7)
    power: float | None = None
    target_soc: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """The schedule that a device holds."""

    enabled: bool
    windows: tuple[Window, ...]
