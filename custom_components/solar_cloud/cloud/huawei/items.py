"""What can be set at a Huawei plant: our keys, the fields of its tasks, and their ranges.

Limits of power are those of each battery; on the wire feed-in and grid charge are in kW.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ..control import Control, Setting
from ..values import number, text
from .sites import LEAST_FEED_IN, SOME_POWER, Site
from .tasks import Kind

MODE, SURPLUS, GRID_CHARGE = (
    "battery_mode",
    "surplus_priority",
    "grid_charge_power_limit",
)
MIN_SOC, MAX_SOC = "min_soc", "max_soc"
CHARGE_LIMIT, DISCHARGE_LIMIT = "charge_power_limit", "discharge_power_limit"
# Whether a task can set what is there, so that it could be put back.
EXACT = "exact"
LIMIT, LIMITED, SCOPE = "export_limit", "export_limit_enabled", "export_limit_scope"

SELF, TOU = "self_consumption", "time_of_use"
MODES: dict[str, str] = {"maximumSelfConsumption": SELF, "TOU": TOU}
# What newer servers also tell, which the tasks cannot set.
OTHER_MODES: dict[str, str] = {
    "fullyFidToGrid": "feed_in_priority",
    "fullyFedToGrid": "feed_in_priority",
}
SURPLUS_NAMES = {"battery": "chargePreference", "grid": "fedToGridPreference"}
SCOPE_NAMES = {"total": "0", "per_phase": "1"}
SCOPES = {
    "0": "total",
    "1": "per_phase",
    "totalPower": "total",
    "singlePhasePower": "per_phase",
}
UNLIMITED, LIMITED_KW = "0", "6"

KIND_OF: dict[str, Kind] = {
    **dict.fromkeys((MODE, SURPLUS, GRID_CHARGE), Kind.MODE),
    **dict.fromkeys((MIN_SOC, MAX_SOC, CHARGE_LIMIT, DISCHARGE_LIMIT), Kind.BATTERY),
    **dict.fromkeys((LIMIT, LIMITED, SCOPE), Kind.POWER),
}
KEYS: tuple[str, ...] = tuple(KIND_OF)

# The fields of "battery configuration" (5.2.5): whole watts, and %.
BATTERY_FIELDS: dict[str, tuple[str, Callable[[float], float]]] = {
    MAX_SOC: ("endOfChargeSoc", lambda value: round(value, 1)),
    MIN_SOC: ("endOfDischargeSoc", lambda value: round(value, 1)),
    CHARGE_LIMIT: ("maximumChargePower", round),
    DISCHARGE_LIMIT: ("maximumDischargePower", round),
}


@dataclass(frozen=True, slots=True)
class Range:
    """The range and step of a number; % or W."""

    low: float
    high: float
    step: float


def range_of(key: str, site: Site) -> Range | None:
    """Return what a plant takes for a number, None for what is none."""
    match key:
        case "max_soc":
            return Range(90, 100, 0.1)
        case "min_soc":
            return Range(0, 20, 0.1)
        case "charge_power_limit":
            return Range(0, site.max_charge or site.rated or SOME_POWER, 1)
        case "discharge_power_limit":
            return Range(0, site.max_discharge or site.rated or SOME_POWER, 1)
        case "grid_charge_power_limit":
            return Range(0, site.grid_charge, 1)
        case "export_limit":
            return Range(LEAST_FEED_IN, site.feed_in, 1)
        case _:
            return None


def options_of(key: str, *, has_windows: bool) -> tuple[str, ...]:
    """Return what a plant offers for a choice; time of use needs its windows."""
    match key:
        case "battery_mode":
            return (SELF, TOU) if has_windows else (SELF,)
        case "surplus_priority":
            return tuple(SURPLUS_NAMES)
        case "export_limit_scope":
            return tuple(SCOPE_NAMES)
        case _:
            return ()


def control_of(
    key: str,
    site: Site,
    value: Setting | None,
    at: datetime,
    *,
    has_windows: bool,
    assumed: bool,
) -> Control:
    """Return a control with its range, as the plant takes it."""
    row = range_of(key, site)
    return Control(
        value=value,
        at=at,
        minimum=row.low if row else None,
        maximum=row.high if row else None,
        step=row.step if row else None,
        options=options_of(key, has_windows=has_windows),
        assumed=assumed,
    )


def kilowatts(watts: Setting) -> float:
    """Return kW, in whole watts, as the wire takes them."""
    return round(float(watts) / 1000, 3)


def watts(kilowatt: Any) -> float | None:
    """Return W of what the wire tells in kW."""
    found = number(kilowatt)
    return None if found is None else round(found * 1000, 1)


# --- what servers tell of the settings ------------------------------------------------


def mode_told(data: Mapping[str, Any]) -> dict[str, Setting | None]:
    """Return what "configuration/battery-mode" tells."""
    name = str(data.get("operationMode"))
    detail = data.get("touOperationModeParamDetail")
    told: dict[str, Setting | None] = {MODE: MODES.get(name) or OTHER_MODES.get(name)}
    if isinstance(detail, Mapping):
        names = {theirs: ours for ours, theirs in SURPLUS_NAMES.items()}
        told[SURPLUS] = names.get(str(detail.get("redundantPVEnergyPriority")))
        told[GRID_CHARGE] = watts(detail.get("allowedAcChargePower"))
    return {key: row for key, row in told.items() if row is not None or key == MODE}


def power_told(data: Mapping[str, Any]) -> dict[str, Setting | None]:
    """Return what "configuration/active-power-control-mode" tells, as far as it is ours."""
    zero = data.get("zeroExportLimitationParam")
    limit = data.get("limitedPowerGridValueParam")
    match data.get("controlMode"):
        case "noLimit":
            return {LIMITED: False, EXACT: True}
        case "zeroExportLimitation":
            told = _scope_told(zero)
            return {LIMITED: True, LIMIT: 0.0, EXACT: False, **told}
        case "limitedPowerGridKW":
            found = limit if isinstance(limit, Mapping) else {}
            power = watts(found.get("maxGridFeedInPowerValue"))
            known = {} if power is None else {LIMIT: power}
            return {LIMITED: True, EXACT: bool(known), **known, **_scope_told(found)}
        case _:
            return {LIMITED: None, LIMIT: None, EXACT: False}


def _scope_told(row: Any) -> dict[str, Setting | None]:
    scope = (
        SCOPES.get(text(row.get("limitationMode")) or "")
        if isinstance(row, Mapping)
        else None
    )
    return {SCOPE: scope} if scope else {}


def task_told(kind: Kind, row: Mapping[str, Any]) -> dict[str, Setting]:
    """Return the numbers that a finished task tells: the plant may have cut them."""
    found: dict[str, float | None] = {}
    if kind is Kind.BATTERY:
        info = row.get("batteryConfigurationInfo")
        if isinstance(info, Mapping):
            by_name = {str(name).lower(): value for name, value in info.items()}
            found = {
                key: number(by_name.get(name.lower()))
                for key, (name, _) in BATTERY_FIELDS.items()
            }
    if kind is Kind.MODE:
        found = {GRID_CHARGE: watts(row.get("allowedAcChargePower"))}
    if kind is Kind.POWER and isinstance(info := row.get("controlInfo"), Mapping):
        found = {LIMIT: watts(info.get("maxGridFeedInPower"))}
    return {key: value for key, value in found.items() if value is not None}
