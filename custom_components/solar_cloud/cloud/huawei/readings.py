"""The data items of SmartPVMS as quantities: which, in which unit, with which sign.

Real-time data (5.1.2.1, 5.1.2.2), units and signs as living servers send them. A row's
item may have `#` for a string's number. Items that the document calls invalid, "always
null", have no row.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
import re
from typing import Any

from ..model import Value
from ..quantity import quantity
from ..values import number
from . import types as of

KILO = 1000.0
FULL = 100.0
MJ_PER_KWH = 3.6
PHASES = ("a", "b", "c")

type Values = dict[str, Value]


@dataclass(frozen=True, slots=True)
class Row:
    """One data item: its key in the catalogue, and the factor to the catalogue's unit."""

    item: str
    key: str
    factor: float = 1.0


def _phases(pattern: str, key: str, factor: float = 1.0) -> tuple[Row, ...]:
    return tuple(
        Row(pattern.format(phase), f"{key}_{n}", factor)
        for n, phase in enumerate(PHASES, start=1)
    )


_INVERTER = (
    Row("active_power", "inverter_power", KILO),
    Row("reactive_power", "reactive_power", KILO),
    Row("mppt_power", "pv_power", KILO),
    # What leaves the inverter towards the house, with what its battery gives.
    Row("day_cap", "inverter_energy_today"),
    Row("total_cap", "inverter_energy"),
    Row("mppt_total_cap", "pv_energy"),
    Row("temperature", "inverter_temperature"),
    Row("power_factor", "power_factor"),
    Row("elec_freq", "grid_frequency"),
    *_phases("{}_u", "grid_voltage"),
    *_phases("{}_i", "grid_current"),
    Row("pv#_u", "string_voltage_#"),
    Row("pv#_i", "string_current_#"),
)
_STORAGE = (
    # Charging is positive on the wire.
    Row("ch_discharge_power", "battery_power", -1.0),
    Row("battery_soc", "battery_soc"),
    Row("battery_soh", "battery_soh"),
    Row("charge_cap", "battery_charge_energy_today"),
    Row("discharge_cap", "battery_discharge_energy_today"),
    # Only newer servers tell these.
    Row("total_charged_energy", "battery_charge_energy"),
    Row("total_discharged_energy", "battery_discharge_energy"),
    Row("rated_capacity", "battery_capacity"),
)

ROWS: dict[int, tuple[Row, ...]] = {
    of.STRING_INVERTER: _INVERTER,
    of.RESIDENTIAL_INVERTER: _INVERTER,
    of.EMI: (
        Row("temperature", "ambient_temperature"),
        Row("pv_temperature", "module_temperature"),
        Row("wind_speed", "wind_speed"),
        Row("radiant_line", "irradiance"),
        Row("radiant_total", "irradiation_today", 1 / MJ_PER_KWH),
    ),
    # Export is positive on the wire, and in the energies too.
    of.GRID_METER: (
        Row("active_power", "grid_power", -KILO),
        *_phases("active_power_{}", "grid_power", -KILO),
        Row("active_cap", "grid_export_energy"),
        Row("reverse_active_cap", "grid_import_energy"),
        Row("reactive_power", "reactive_power", KILO),
        Row("power_factor", "power_factor"),
        *_phases("{}_u", "grid_voltage"),
        *_phases("{}_i", "grid_current"),
    ),
    # The document's unit for the phases, kW, is a slip: they are W as the sum is.
    of.POWER_SENSOR: (
        Row("active_power", "grid_power", -1.0),
        *_phases("active_power_{}", "grid_power", -1.0),
        Row("active_cap", "grid_export_energy"),
        Row("reverse_active_cap", "grid_import_energy"),
        Row("reactive_power", "reactive_power"),
        Row("power_factor", "power_factor"),
        Row("grid_frequency", "grid_frequency"),
        Row("meter_u", "grid_voltage_1"),
        Row("b_u", "grid_voltage_2"),
        Row("c_u", "grid_voltage_3"),
        Row("meter_i", "grid_current_1"),
        Row("b_i", "grid_current_2"),
        Row("c_i", "grid_current_3"),
    ),
    # Import is positive on the wire, and in the energies too.
    of.EMMA: (
        Row("active_power", "grid_power", KILO),
        *_phases("active_power_{}", "grid_power", KILO),
        Row("active_cap", "grid_import_energy"),
        Row("reverse_active_cap", "grid_export_energy"),
        Row("reactive_power", "reactive_power", KILO),
        Row("power_factor", "power_factor"),
        *_phases("{}_u", "grid_voltage"),
        *_phases("{}_i", "grid_current"),
    ),
    of.BATTERY: (*_STORAGE, Row("busbar_u", "battery_voltage")),
    of.ESS: _STORAGE,
    of.MAINS: (
        Row("active_power", "grid_power", KILO),
        Row("total_energy_consumption", "grid_import_energy"),
        Row("ac_voltage", "grid_voltage_1"),
        Row("ac_current", "grid_current_1"),
        Row("ac_frequency", "grid_frequency"),
    ),
    of.GENSET: (Row("output_power", "generator_power", KILO),),
    of.SSU_GROUP: (Row("total_output_power", "pv_power", KILO),),
    of.SSU: (Row("input_voltage", "string_voltage_1"),),
    of.CONVERTER: (
        Row("pv_input_power", "pv_power", KILO),
        Row("pv_input_voltage", "string_voltage_1"),
        Row("pv_input_current", "string_current_1"),
        Row("ac_output_voltage", "backup_voltage_1"),
        Row("ac_output_current", "backup_current_1"),
    ),
    of.RACK: (
        Row("charge_discharge_power", "battery_power", -KILO),
        Row("soc", "battery_soc"),
        Row("total_discharge", "battery_discharge_energy"),
        Row("voltage", "battery_voltage"),
        Row("current", "battery_current"),
        Row("total_discharge_times", "battery_cycles"),
        Row("total_capacity", "battery_capacity"),
    ),
    of.DISTRIBUTION: (
        Row("active_power", "load_power", KILO),
        Row("ac_voltage", "backup_voltage_1"),
        Row("ac_current", "backup_current_1"),
    ),
}
PLANT_ROWS = (
    Row("day_power", "pv_energy_today"),
    Row("total_power", "pv_energy"),
    Row("day_income", "revenue_today"),
    Row("total_income", "revenue"),
    # Only newer servers tell these.
    Row("day_on_grid_energy", "grid_export_energy_today"),
    Row("day_use_energy", "load_energy_today"),
)

# Table 5-1, and what each state is in the catalogue's words.
INVERTER_STATES: dict[int, str] = {
    0: "waiting",  # initializing
    1: "checking",  # insulation resistance
    2: "waiting",  # irradiation
    3: "checking",  # grid
    256: "checking",  # start
    512: "producing",
    513: "limited",  # power limited
    514: "limited",  # self-derating
    768: "fault",
    769: "standby",  # shut down on command
    770: "fault",  # OVGR
    771: "fault",  # communication interrupted
    772: "limited",  # shut down: power limited
    773: "fault",  # manual startup required
    774: "fault",  # DC switch disconnected
    1025: "producing",  # grid scheduling: cos phi-P
    1026: "producing",  # grid scheduling: Q-U
    1280: "checking",  # ready for terminal test
    1281: "checking",
    1536: "checking",  # inspection
    1792: "checking",  # AFCI self-check
    2048: "checking",  # I-V scan
    2304: "checking",  # DC input detection
    40960: "standby",  # no irradiation
    45056: "offline",  # communication interrupted, says the SmartLogger
    49152: "waiting",  # loading, says the SmartLogger
}
FAULTY = "fault"
BATTERY_STATES: dict[int, str] = {
    0: "offline",
    1: "standby",
    3: "fault",
    4: "hibernating",
}
RACK_STATES: dict[int, str] = {
    0: "standby",  # initial power-on
    1: "offline",  # power-off
    2: "charging",  # float charging
    3: "charging",  # boost charging
    4: "discharging",
    5: "charging",
    6: "standby",  # testing
    7: "hibernating",
    8: "standby",
}
# What steers the battery (ch_discharge_model); none (0) is no mode.
MODES: dict[int, str] = {
    1: "other",  # forced
    2: "time_of_use",
    3: "schedule",  # fixed
    4: "self_consumption",
    5: "feed_in_priority",
    6: "time_of_use",
    7: "self_consumption",
    8: "feed_in_priority",
    9: "time_of_use",
    10: "external",  # EMMA
    11: "external",  # remote
    12: "external",  # third-party dispatch
}
PLANT_HEALTH: dict[int, str] = {1: "disconnected", 2: "faulty", 3: "healthy"}

# A grid meter whose power is more than so many times what its voltages and currents can
# carry, or than the plant's panels give, tells W.
TOO_MUCH = 5.0
STRINGS = 28
TRACKERS = 10

_STRING = re.compile(r"^pv(\d+)_(u|i)$")
_BY_ITEM = {kind: {row.item: row for row in rows} for kind, rows in ROWS.items()}


def items(row: Any, name: str = "dataItemMap") -> Mapping[str, Any]:
    """Return the data items of a row; their name is once spelt in another case."""
    if not isinstance(row, Mapping):
        return {}
    found = next(
        (part for key, part in row.items() if key.lower() == name.lower()), None
    )
    return found if isinstance(found, Mapping) else {}


def read(kind: int, data: Mapping[str, Any], peak_kw: float | None = None) -> Values:
    """Return the quantities of a device; `peak_kw` are its plant's panels."""
    values: Values = {}
    for item, sent in data.items():
        if row := _row(kind, item):
            _set(values, row, sent)
    if kind in of.INVERTERS:
        _compose_inverter(values, data)
    elif kind in of.BATTERIES:
        _compose_battery(values, data)
    elif kind == of.RACK:
        _compose_rack(values, data)
    elif kind == of.GRID_METER and _tells_watts(values, data, peak_kw):
        _to_watts(values)
    elif kind == of.MAINS and (state := _code(data, "mains_state")) is not None:
        values["grid_connected"] = state == 1
    return values


def is_online(kind: int, data: Mapping[str, Any]) -> bool | None:
    """Return whether a device is connected, None where it does not tell."""
    known = {
        of.POWER_SENSOR: ("run_state", "meter_status"),
        of.GENSET: (),
        of.SSU: (),
    }.get(kind, ("run_state",))
    codes = [code for item in known if (code := _code(data, item)) is not None]
    return all(codes) if codes else None


def read_plant(data: Mapping[str, Any]) -> Values:
    """Return the quantities of a plant (5.1.2.1)."""
    values: Values = {}
    for row in PLANT_ROWS:
        _set(values, row, data.get(row.item))
    if health := PLANT_HEALTH.get(_code(data, "real_health_state") or 0):
        values["plant_health"] = health
    return values


@lru_cache(1000)
def _row(kind: int, item: str) -> Row | None:
    rows = _BY_ITEM[kind]
    if (match := _STRING.match(item)) and (row := rows.get(f"pv#_{match[2]}")):
        return Row(item, row.key.replace("#", match[1]), row.factor)
    return rows.get(item)


def _set(values: Values, row: Row, sent: Any) -> None:
    if (found := number(sent)) is None:
        return
    found = round(found * row.factor, 3) + 0.0
    values[row.key] = max(0.0, found) if quantity(row.key).never_negative else found


def _code(data: Mapping[str, Any], item: str) -> int | None:
    found = number(data.get(item))
    return None if found is None else int(found)


def _compose_inverter(values: Values, data: Mapping[str, Any]) -> None:
    for n in range(1, STRINGS + 1):
        volts, amperes = (
            values.get(f"string_voltage_{n}"),
            values.get(f"string_current_{n}"),
        )
        if not volts and not amperes:
            values.pop(f"string_voltage_{n}", None)
            values.pop(f"string_current_{n}", None)
        elif isinstance(volts, float) and isinstance(amperes, float):
            values[f"string_power_{n}"] = max(0.0, round(volts * amperes, 1))
    for n in range(1, len(PHASES) + 1):
        # A phase that is not connected.
        if not values.get(f"grid_voltage_{n}"):
            values.pop(f"grid_voltage_{n}", None)
            values.pop(f"grid_current_{n}", None)
    if "pv_energy" not in values:
        trackers = [number(data.get(f"mppt_{n}_cap")) for n in range(1, TRACKERS + 1)]
        known = [kwh for kwh in trackers if kwh is not None]
        if known:
            values["pv_energy"] = round(sum(known), 3)
    if (state := _code(data, "inverter_state")) is not None:
        word = INVERTER_STATES.get(state)
        values["inverter_state"] = word
        values["problem"] = word == FAULTY
        values["fault_code"] = str(state) if word == FAULTY else None


def _compose_battery(values: Values, data: Mapping[str, Any]) -> None:
    # Where it is not known, 0 is sent.
    if not values.get("battery_soh"):
        values.pop("battery_soh", None)
        _soh_of_units(values, data)
    capacity = values.get("battery_capacity")
    if isinstance(capacity, float):
        if capacity > KILO:
            values["battery_capacity"] = capacity / KILO
        if not capacity:
            del values["battery_capacity"]
    power = values.get("battery_power")
    if isinstance(power, float):
        values["battery_charging"] = power < 0
    status = _code(data, "battery_status")
    if status is not None or isinstance(power, float):
        values["battery_state"] = BATTERY_STATES.get(status or -1) or _flow(power)
        if status == 0:
            values["battery_state"] = BATTERY_STATES[0]
    if (model := _code(data, "ch_discharge_model")) is not None and model:
        values["active_mode"] = MODES.get(model, "other")


def _soh_of_units(values: Values, data: Mapping[str, Any]) -> None:
    """Take the worst health that a newer server tells of the battery's modules."""
    units = data.get("battery_unit_info")
    rows = units.values() if isinstance(units, Mapping) else ()
    known = [
        soh
        for unit in rows
        for pack in (unit if isinstance(unit, list) else [])
        if isinstance(pack, Mapping)
        and (soh := number(str(pack.get("soh")).rstrip("% ")))
    ]
    if known:
        values["battery_soh"] = min(known)


def _compose_rack(values: Values, data: Mapping[str, Any]) -> None:
    power = values.get("battery_power")
    if isinstance(power, float):
        values["battery_charging"] = power < 0
    if (state := _code(data, "battery_state")) is not None:
        values["battery_state"] = RACK_STATES.get(state)


def _flow(power: Value) -> str | None:
    """Return what a running battery does."""
    if not isinstance(power, float):
        return None
    if not power:
        return "idle"
    return "discharging" if power > 0 else "charging"


def _tells_watts(
    values: Values, data: Mapping[str, Any], peak_kw: float | None
) -> bool:
    """Return whether a grid meter tells W although the document says kW.

    What its voltages and currents carry decides, else the size of the plant.
    """
    sent = abs(number(data.get("active_power")) or 0.0)
    carried = sum(
        abs(volts * amperes)
        for n in range(1, len(PHASES) + 1)
        if isinstance(volts := values.get(f"grid_voltage_{n}"), float)
        and isinstance(amperes := values.get(f"grid_current_{n}"), float)
    )
    if carried:
        return sent * KILO > TOO_MUCH * carried
    return peak_kw is not None and sent > TOO_MUCH * peak_kw


def _to_watts(values: Values) -> None:
    for key in ("grid_power", "grid_power_1", "grid_power_2", "grid_power_3"):
        if isinstance(power := values.get(key), float):
            values[key] = power / KILO
    if isinstance(reactive := values.get("reactive_power"), float):
        values["reactive_power"] = reactive / KILO
