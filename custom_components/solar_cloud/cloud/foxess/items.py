"""What can be set on a FoxESS inverter: the document's items as rows, and their answers.

Never offered: GridCode, SysSwitch, GroundProtection.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ..control import Absent, Control, Reason, Setting
from ..errors import Refused
from ..values import number, truth
from .tolerant import mapping

MODES: dict[str, str] = {
    "SelfUse": "self_consumption",
    "Feedin": "feed_in_priority",
    "Backup": "backup",
    "PeakShaving": "peak_shaving",
}
MODE_NAMES: dict[str, str] = {ours: theirs for theirs, ours in MODES.items()}
MODE = "battery_mode"

# The vendor's units, in lower case, with the factor to ours.
WATTS = {"w": 1.0, "kw": 1000.0, "": 1.0}
KILOWATTS = {"w": 1.0, "kw": 1000.0, "": 1000.0}
PERCENT = {"%": 1.0}
PLAIN = {"%": 1.0, "": 1.0}
AMPERES = {"a": 1.0, "": 1.0}
TOLERANCE = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One item of "Get the device settings item": its name and what it is to us.

    Newer inverters may know it by one of the `others`; a unit that is not among `units`
    makes it something else; `guarded` items are refused while the scheduler is on.
    """

    key: str
    item: str
    others: tuple[str, ...] = ()
    units: Mapping[str, float] = field(default_factory=dict)
    guarded: bool = False


SELECT_ROWS = (Row(key=MODE, item="WorkMode", guarded=True),)

NUMBER_ROWS = (
    Row(key="min_soc", item="MinSoc", units=PLAIN, guarded=True),
    Row(key="backup_reserve", item="MinSocOnGrid", units=PLAIN, guarded=True),
    Row(key="max_soc", item="MaxSoc", units=PLAIN, guarded=True),
    Row(
        key="export_limit",
        item="ExportLimit",
        others=("ExportLimitPower",),
        units=WATTS,
    ),
    Row(key="active_power_rate", item="ActivePowerLimit", units=PERCENT),
    Row(key="charge_current_limit", item="MaxSetChargeCurrent", units=AMPERES),
    Row(key="discharge_current_limit", item="MaxSetDischargeCurrent", units=AMPERES),
)

SWITCH_ROWS = (
    Row(key="backup_output", item="EpsOutPut"),
    Row(key="eco_mode", item="ECOMode"),
    Row(key="low_power_mode", item="LowPowerMode"),
    Row(key="meter_enabled", item="Meter1Enable"),
    Row(key="second_meter_enabled", item="Meter2Enable"),
)

ITEMS: dict[str, Row] = {
    row.key: row for row in (*SELECT_ROWS, *NUMBER_ROWS, *SWITCH_ROWS)
}
SWITCHES = frozenset(row.key for row in SWITCH_ROWS)
GUARDED = frozenset(row.key for row in ITEMS.values() if row.guarded)

# "Get the device peakshaving settings": always written together.
PEAK_SHAVING: dict[str, tuple[str, Mapping[str, float]]] = {
    "import_limit": ("importLimit", KILOWATTS),
    "peak_shaving_soc": ("soc", PLAIN),
}
# "Get the minimum soc settings for the battery of device": both at once, 10 to 100.
BATTERY_SOC: dict[str, str] = {"min_soc": "minSoc", "backup_reserve": "minSocOnGrid"}
SOC_RANGE = (10.0, 100.0)

METER_KEYS = ("export_limit",)
SCHEDULE_ENABLED = "schedule_enabled"
SYNC_CLOCK = "sync_clock"
BATTERY_ONLY = frozenset(
    (
        MODE,
        "min_soc",
        "backup_reserve",
        "max_soc",
        "charge_current_limit",
        "discharge_current_limit",
        "backup_output",
        "eco_mode",
        "low_power_mode",
        SCHEDULE_ENABLED,
        *PEAK_SHAVING,
    )
)
KEYS: tuple[str, ...] = (*ITEMS, *PEAK_SHAVING, SCHEDULE_ENABLED, SYNC_CLOCK)


def is_empty(answer: Mapping[str, Any]) -> bool:
    """Return whether an answer without an error says nothing all the same."""
    return answer.get("value") in (None, "")


def control_of(row: Row, answer: Mapping[str, Any], now: datetime) -> Control | Absent:
    """Return an item as the device answered it."""
    if row.key == MODE:
        names = answer.get("enumList") or MODES
        return Control(
            value=MODES.get(str(answer["value"])),
            at=now,
            options=tuple(MODES[name] for name in names if name in MODES),
        )
    if row.key in SWITCHES:
        value = truth(answer["value"])
        if value is None:
            return Absent(reason=Reason.UNKNOWN)
        return Control(value=value, at=now)
    return number_of(answer, row.units, now)


def number_of(
    answer: Mapping[str, Any], units: Mapping[str, float], now: datetime
) -> Control | Absent:
    """Return a number with its range and step; absent in a unit that is not ours."""
    if (value := number(answer.get("value"))) is None:
        raise Refused("the setting has no value")
    if (factor := factor_of(answer, units)) is None:
        return Absent(reason=Reason.UNKNOWN)
    limits = mapping(answer.get("range"))
    return Control(
        value=round(value * factor, 3),
        at=now,
        minimum=_scaled(limits.get("min"), factor),
        maximum=_scaled(limits.get("max"), factor),
        step=_scaled(answer.get("precision"), factor),
    )


def factor_of(answer: Mapping[str, Any], units: Mapping[str, float]) -> float | None:
    """Return the factor from the unit of an answer to ours."""
    return units.get(str(answer.get("unit") or "").lower())


def _scaled(value: Any, factor: float) -> float | None:
    found = number(value)
    return None if found is None else round(found * factor, 6)


def wire(row: Row, value: Setting, factor: float, step: float | None) -> str:
    """Return a value as "Set the device settings item" takes it, a string."""
    if row.key == MODE:
        if (name := MODE_NAMES.get(str(value))) is None:
            raise Refused(f"the inverter has no mode {value}")
        return name
    if isinstance(value, bool):
        return str(int(value))
    return plain(float(value), factor, step)


def plain(value: float, factor: float, step: float | None) -> str:
    """Return a number in the vendor's unit and resolution, never in exponents."""
    if step:
        value = round(value / step) * step
    return f"{value / factor:.6f}".rstrip("0").rstrip(".")


def shows(control: Control, value: float) -> bool:
    """Return whether a device shows a number, within its resolution."""
    near = max((control.step or 0.0) / 2, TOLERANCE)
    return (
        isinstance(control.value, (int, float)) and abs(control.value - value) <= near
    )


def fields_of_clock(at: datetime) -> dict[str, str]:
    """Return the fields of "Set the device time": local time, the year of two digits."""
    return {
        "year": f"{at.year % 100}",
        "month": f"{at.month}",
        "day": f"{at.day}",
        "hour": f"{at.hour}",
        "minute": f"{at.minute}",
        "second": f"{at.second}",
    }


def clock_of(answer: Mapping[str, Any]) -> datetime | None:
    """Return the local time that "Get the device time" tells, or None."""
    found = [
        number(answer.get(name))
        for name in ("year", "month", "day", "hour", "minute", "second")
    ]
    year, month, day, hour, minute, second = (
        -1 if value is None else int(value) for value in found
    )
    try:
        return datetime(
            year + 2000 if 0 <= year < 100 else year, month, day, hour, minute, second
        )
    except ValueError, OverflowError:
        return None
