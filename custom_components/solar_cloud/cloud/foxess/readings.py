"""The variables of FoxESS as quantities: which, in which unit, with which sign.

Variable table of the document, and what newer firmware adds. A row's variable may end in
`#`, which stands for a string's number; batteries' variables may carry `_1`, `_2`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
import re
from typing import Any

from ..quantity import Unit, quantity
from ..values import number, text

KILO = 1000.0
PHASES = {"R": 1, "S": 2, "T": 3}


@dataclass(frozen=True, slots=True)
class Row:
    """One variable: its key in the catalogue and the factor to the catalogue's unit."""

    variable: str
    key: str
    factor: float = 1.0


def _phases(pattern: str, key: str, factor: float = 1.0) -> tuple[Row, ...]:
    return tuple(
        Row(pattern.format(phase), f"{key}_{number}", factor)
        for phase, number in PHASES.items()
    )


INVERTER_ROWS: tuple[Row, ...] = (
    Row("pvPower", "pv_power", KILO),
    Row("pv#Power", "string_power_#", KILO),
    Row("pv#Volt", "string_voltage_#"),
    Row("pv#Current", "string_current_#"),
    Row("generationPower", "inverter_power", KILO),
    Row("loadsPower", "load_power", KILO),
    Row("meterPower", "grid_power", KILO),
    Row("epsPower", "backup_power", KILO),
    *_phases("loadsPower{}", "load_power", KILO),
    *_phases("meterPower{}", "grid_power", KILO),
    *_phases("epsPower{}", "backup_power", KILO),
    *_phases("epsVolt{}", "backup_voltage"),
    *_phases("epsCurrent{}", "backup_current"),
    *_phases("{}Power", "inverter_power", KILO),
    *_phases("{}Volt", "grid_voltage"),
    *_phases("{}Current", "grid_current"),
    Row("RFreq", "grid_frequency"),
    Row("PowerFactor", "power_factor"),
    Row("ReactivePower", "reactive_power", KILO),
    Row("invTemperation", "inverter_temperature"),
    Row("boostTemperation", "boost_temperature"),
    Row("chargeTemperature", "charger_temperature"),
    Row("dspTemperature", "processor_temperature"),
    Row("ambientTemperation", "ambient_temperature"),
    # The document's unit for todayYield, kW, is a slip: it is an energy.
    Row("todayYield", "inverter_energy_today"),
    Row("PVEnergyTotal", "pv_energy"),
    Row("generation", "inverter_energy"),
    Row("gridConsumption", "grid_import_energy"),
    Row("feedin", "grid_export_energy"),
    Row("loads", "load_energy"),
    Row("chargeEnergyToTal", "battery_charge_energy"),
    Row("dischargeEnergyToTal", "battery_discharge_energy"),
)

BATTERY_ROWS: tuple[Row, ...] = (
    Row("SoC", "battery_soc"),
    Row("SOH", "battery_soh"),
    Row("invBatPower", "battery_power", KILO),
    Row("batPower", "battery_power", KILO),
    Row("batVolt", "battery_voltage"),
    Row("batCurrent", "battery_current"),
    Row("batTemperature", "battery_temperature"),
    Row("batCycleCount", "battery_cycles"),
)

# Read as a whole, because one value alone does not tell what it means.
COMPOSED = (
    "ResidualEnergy",
    "energyThroughput",
    "batChargePower",
    "batDischargePower",
    "feedinPower",
    "gridConsumptionPower",
    "runningState",
    "currentFault",
    "currentFaultCount",
    "meterPower2",
)

FAULT_VARIABLES = {"currentFault", "currentFaultCount", "runningState"}

REPORT_ROWS: dict[str, str] = {
    "PVEnergyTotal": "pv_energy",
    "generation": "inverter_energy",
    "gridConsumption": "grid_import_energy",
    "feedin": "grid_export_energy",
    "loads": "load_energy",
    "chargeEnergyToTal": "battery_charge_energy",
    "dischargeEnergyToTal": "battery_discharge_energy",
}

RUNNING_STATES: dict[str, str] = {
    "160": "checking",
    "161": "waiting",
    "162": "checking",
    "163": "producing",
    "164": "off_grid",
    "165": "fault",
    "166": "fault",
    "167": "standby",
    "168": "upgrading",
    "169": "checking",
    "170": "fault",
}
ON_GRID = {"163": True, "164": False}

RESIDUAL_UNITS: dict[str, float] = {
    "10wh": 0.01,
    "0.01kwh": 0.01,
    "0.1kwh": 0.1,
    "1.0kwh": 1.0,
    "kwh": 1.0,
    "wh": 0.001,
}
AGREES = 0.15
# kWh below which no home battery's content is told: the unit is a lie.
LEAST_REMAINING = 0.15
FULL = 100.0

# What a register without a value shows, scaled or not.
NO_VALUE = frozenset((6553.5, 65535.0, 3276.7, 32767.0, -3276.8, -32768.0))
# How many names of variables are kept taken apart; a sample has some hundred.
NAMES = 1000
PERCENTAGES = ("battery_soc", "battery_soh")

_STRING = re.compile(r"^pv(\d+)(Power|Volt|Current)$")
_SUFFIX = re.compile(r"^(.+)_(\d+)$")
_INVERTER = {row.variable: row for row in INVERTER_ROWS}
_BATTERY = {row.variable: row for row in BATTERY_ROWS}

type Values = dict[str, float | str | bool | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What one sample of an inverter says, of itself and of each battery by number."""

    inverter: Values
    batteries: dict[int, Values]


def read(
    datas: Iterable[Mapping[str, Any]], capacities: Mapping[int, float | None]
) -> Sample:
    """Return the quantities of a sample; `capacities` in kWh, by battery number."""
    inverter: Values = {}
    batteries: dict[int, Values] = {}
    composed: dict[str, tuple[Any, str]] = {}
    for data in datas:
        variable, value = str(data.get("variable", "")), data.get("value")
        name, battery = _fold(variable)
        if row := _inverter_row(variable):
            _set(inverter, row, value)
        elif row := _BATTERY.get(name):
            _set(batteries.setdefault(battery, {}), row, value)
        elif name in COMPOSED:
            composed.setdefault(name, (value, str(data.get("unit") or "")))
    _compose_inverter(inverter, composed)
    if not (capacities or _has_battery(batteries)):
        batteries = {}
    _share(inverter, batteries, composed)
    for battery in batteries:
        _compose_battery(
            batteries[battery],
            composed if len(batteries) == 1 else {},
            capacities.get(battery),
            inverter,
        )
    return Sample(inverter=inverter, batteries=batteries)


def _share(
    inverter: Values,
    batteries: Mapping[int, Values],
    composed: Mapping[str, tuple[Any, str]],
) -> None:
    """Share out what several batteries are told of together."""
    if len(batteries) < 2:
        return
    health = batteries.get(1, {}).get("battery_soh")
    for values in batteries.values():
        if health is not None:
            values.setdefault("battery_soh", health)
    throughput = _throughput(composed, inverter)
    if throughput is not None:
        inverter["battery_throughput"] = throughput


@lru_cache(NAMES)
def _fold(variable: str) -> tuple[str, int]:
    """Return a variable without its battery's number, and the number (1 by default)."""
    if match := _SUFFIX.match(variable):
        return match[1], int(match[2])
    return variable, 1


@lru_cache(NAMES)
def _inverter_row(variable: str) -> Row | None:
    if match := _STRING.match(variable):
        row = _INVERTER[f"pv#{match[2]}"]
        return Row(variable, row.key.replace("#", match[1]), row.factor)
    return _INVERTER.get(variable)


def _set(values: Values, row: Row, value: Any) -> None:
    if (found := number(value)) is None or not _is_plausible(row.key, found):
        return
    found = round(found * row.factor, 3)
    values[row.key] = max(0.0, found) if quantity(row.key).never_negative else found


def _is_plausible(key: str, value: float) -> bool:
    if key in PERCENTAGES:
        return 0 <= value <= FULL
    return value not in NO_VALUE or quantity(key).is_counter


def _has_battery(batteries: Mapping[int, Values]) -> bool:
    return any(
        values.get("battery_soc") or values.get("battery_voltage")
        for values in batteries.values()
    )


def _number(composed: Mapping[str, tuple[Any, str]], name: str) -> float | None:
    return number(composed[name][0]) if name in composed else None


def _difference(
    composed: Mapping[str, tuple[Any, str]], plus: str, minus: str
) -> float | None:
    """Return the signed power, in W, of what is sent as two positive ones, in kW."""
    first, second = _number(composed, plus), _number(composed, minus)
    if first is None and second is None:
        return None
    return round(((first or 0.0) - (second or 0.0)) * KILO, 3)


def _compose_inverter(values: Values, composed: Mapping[str, tuple[Any, str]]) -> None:
    if "grid_power" not in values:
        grid = _difference(composed, "gridConsumptionPower", "feedinPower")
        if grid is not None:
            values["grid_power"] = grid
    second = _number(composed, "meterPower2")
    if second is not None:
        values["external_pv_power"] = abs(round(second * KILO, 3))
    state = text(composed["runningState"][0]) if "runningState" in composed else None
    if state:
        code = state.split(".", 1)[0]
        values["inverter_state"] = RUNNING_STATES.get(code)
        values["grid_connected"] = ON_GRID.get(code)
    if FAULT_VARIABLES & composed.keys():
        fault = text(composed.get("currentFault", ("", ""))[0])
        count = _number(composed, "currentFaultCount") or 0
        values["fault_code"] = fault if fault and fault != "0" else None
        values["problem"] = bool(
            values["fault_code"] or count or values.get("inverter_state") == "fault"
        )


def _compose_battery(
    values: Values,
    composed: Mapping[str, tuple[Any, str]],
    capacity: float | None,
    inverter: Values,
) -> None:
    if "battery_power" not in values:
        power = _difference(composed, "batDischargePower", "batChargePower")
        if power is not None:
            values["battery_power"] = power
    if isinstance(flow := values.get("battery_power"), float):
        values["battery_charging"] = flow < 0
        values["battery_state"] = _battery_state(flow)
    if capacity is not None:
        values["battery_capacity"] = capacity
    remaining = _remaining(values, composed, capacity)
    if remaining is not None:
        values["battery_remaining_energy"] = remaining
    throughput = _throughput(composed, inverter)
    if throughput is not None:
        values["battery_throughput"] = throughput


def _battery_state(power: float) -> str:
    if power == 0:
        return "idle"
    return "discharging" if power > 0 else "charging"


def _remaining(
    values: Values,
    composed: Mapping[str, tuple[Any, str]],
    capacity: float | None,
) -> float | None:
    """Return kWh in the battery: by capacity, SoC and SoH; the vendor's if it agrees.

    The unit sent with ResidualEnergy may be wrong, and newer battery firmware sends the
    full capacity or that of one pack.
    """
    sent = _number(composed, "ResidualEnergy")
    soc = values.get("battery_soc")
    unit = composed.get("ResidualEnergy", ("", ""))[1].lower().replace(" ", "")
    factor = RESIDUAL_UNITS.get(unit, 1.0)
    if capacity is None or not isinstance(soc, float):
        if sent is None:
            return None
        return round(sent if sent * factor < LEAST_REMAINING else sent * factor, 3)
    soh = values.get("battery_soh")
    health = soh if isinstance(soh, float) and soh > 0 else FULL
    computed = capacity * soc / FULL * health / FULL
    for candidate in () if sent is None else (sent * factor, sent):
        if abs(candidate - computed) <= AGREES * computed:
            return round(candidate, 3)
    return round(computed, 3)


def _throughput(
    composed: Mapping[str, tuple[Any, str]], inverter: Values
) -> float | None:
    """Return the battery's throughput in kWh.

    The document says Wh, living services send kWh under either name: the one nearer to
    what the battery has charged and discharged is taken.
    """
    sent = _number(composed, "energyThroughput")
    if sent is None:
        return None
    moved = sum(
        float(inverter.get(key) or 0.0)
        for key in ("battery_charge_energy", "battery_discharge_energy")
    )
    if not moved:
        in_kwh = composed["energyThroughput"][1].lower() == Unit.KILOWATT_HOUR.lower()
        return round(sent if in_kwh else sent / KILO, 3)
    in_wh = abs(sent / KILO - moved) < abs(sent - moved)
    return round(sent / KILO if in_wh else sent, 3)
