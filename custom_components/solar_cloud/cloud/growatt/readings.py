"""An answer of Growatt read by the table of its family: numbers as they are sent.

Numbers come as strings, as "", "null" or null, and with the noise of short floats.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..quantity import quantity
from ..values import number
from .endpoints import STORAGE
from .fields import METER, SENSOR_ROWS, TABLES, How, Part, Row, Table

type Fields = Mapping[str, Any]
type Values = dict[str, float | str | bool | None]

PERCENTAGES = frozenset(("battery_soc", "battery_soh"))
FULL = 100.0
DIGITS = 3
# kWh that no home's counter reaches: garbage of a register.
MOST_ENERGY = 2_000_000.0
# Volts under which no battery is connected: some fields hold garbage all the same.
LEAST_VOLTAGE = 10.0
# What a power factor without a value holds.
NOTHING = -1.0
TODAY = "_today"
OWN_YIELD, PRODUCTION = "pv_energy", "inverter_energy"
CHARGED, DISCHARGED = "battery_charge_energy", "battery_discharge_energy"
FAULT = "fault"
BATTERY = "battery_"
FACTOR = "power_factor"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What one sample of a device says, of itself and of each battery by number."""

    device: Values
    batteries: dict[int, Values]


def lowered(fields: Fields) -> dict[str, Any]:
    """Return fields by their names in lower case: the service is not consistent."""
    return {str(name).lower(): value for name, value in fields.items()}


def read(kind: int, fields: Fields, known: set[str]) -> Sample:
    """Return the quantities of a device's last data; `kind` is its number in the list.

    `known` holds which strings, phases, batteries and meters were seen before, and takes
    up new ones: at night, or while it is idle, a part that is there tells only zeros.
    """
    table, told = TABLES[kind], lowered(fields)
    _learn(table, told, known)
    values = _there(table, told, known)
    _settle_yield(table, told, values, known)
    _settle_state(table, told, values)
    batteries = {
        n: _battery(part, told, values, known)
        for n, part in enumerate(table.batteries, start=1)
        if part.name in known
    }
    if kind == STORAGE.kind:
        _derive_output(values)
    if not batteries:
        values = {
            key: row for key, row in values.items() if not key.startswith(BATTERY)
        }
    return Sample(device=values, batteries=batteries)


def read_meter(fields: Fields, known: set[str]) -> Values:
    """Return what a smart meter measures: + is bought; `known` as in `read`."""
    told = lowered(fields)
    _learn(METER, told, known)
    return _there(METER, told, known)


def read_sensor(fields: Fields, known: set[str]) -> Values:
    """Return what an environment sensor measures; all that is `known` of it is told."""
    return _rows(SENSOR_ROWS, lowered(fields))


def _there(table: Table, told: Fields, known: Collection[str]) -> Values:
    """Return what the parts that are there tell."""
    values = _rows(table.rows, told)
    for part in (*table.parts, table.grid):
        if part.name in known:
            values |= _rows(part.rows, told)
    return values


def _learn(table: Table, told: Fields, known: set[str]) -> None:
    for part in (*table.parts, *table.batteries, table.grid):
        if part.name not in known and _is_there(part, told):
            known.add(part.name)


def _is_there(part: Part, told: Fields) -> bool:
    """Return whether a part shows itself; a battery by a voltage that it must have."""
    for name in part.proofs:
        least = LEAST_VOLTAGE if name.endswith("vbat") else 0.0
        if (number(told.get(name)) or 0.0) > least:
            return True
    return False


def _rows(rows: Iterable[Row], told: Fields) -> Values:
    values: Values = {}
    for row in rows:
        found = _value(row, told)
        if found is not None and _is_plausible(row, found):
            found = round(found, DIGITS)
            kind = quantity(row.key)
            values[row.key] = max(0.0, found) if kind.never_negative else found
    return values


def _value(row: Row, told: Fields) -> float | None:
    plus, minus = _joined(row, row.plus, told), _joined(row, row.minus, told)
    if plus is None and minus is None:
        return None
    return (plus or 0.0) - (minus or 0.0)


def _joined(row: Row, names: Iterable[str], told: Fields) -> float | None:
    """Return what fields say together."""
    found = [value for name in names if (value := number(told.get(name))) is not None]
    if not found:
        return None
    if row.how is How.SUM:
        return sum(found)
    if row.how is How.LARGEST:
        return next((value for value in found if value), 0.0)
    return found[0]


def _is_plausible(row: Row, value: float) -> bool:
    if row.hollow and not value:
        return False
    if row.key in PERCENTAGES:
        return 0 <= value <= FULL
    if row.key == FACTOR:
        return value != NOTHING
    kind = quantity(row.key)
    return not kind.is_counter or 0 <= value <= MOST_ENERGY


def _settle_yield(table: Table, told: Fields, values: Values, known: set[str]) -> None:
    """Keep one source of the yield: the strings' once it was seen, else production."""
    if PRODUCTION not in values or table.own_yield not in told:
        return
    if values.get(OWN_YIELD):
        known.add(OWN_YIELD)
    if OWN_YIELD in known:
        return
    for suffix in ("", TODAY):
        values.pop(f"{OWN_YIELD}{suffix}", None)
        if f"{PRODUCTION}{suffix}" in values:
            values[f"{OWN_YIELD}{suffix}"] = values[f"{PRODUCTION}{suffix}"]


def _derive_output(values: Values) -> None:
    """Tell what a storage machine has put out, where it does not count that itself."""
    for suffix in ("", TODAY):
        parts = [
            values.get(f"{key}{suffix}") for key in (OWN_YIELD, CHARGED, DISCHARGED)
        ]
        if f"{PRODUCTION}{suffix}" in values or None in parts:
            continue
        made, charged, discharged = (float(part or 0.0) for part in parts)
        output = max(0.0, made - charged + discharged)
        values[f"{PRODUCTION}{suffix}"] = round(output, DIGITS)


def _settle_state(table: Table, told: Fields, values: Values) -> None:
    status = number(told.get("status"))
    state = None if status is None else table.states.get(int(status))
    values["inverter_state"] = state
    codes = _codes(told, table.faults)
    values["problem"] = state == FAULT or bool(codes)
    shown = codes or _codes(told, table.warnings)
    values["fault_code"] = ", ".join(shown) or None


def _codes(told: Fields, names: Collection[str]) -> list[str]:
    """Return the codes that are told; -1 stands for none."""
    found = [int(code) for name in names if (code := number(told.get(name)))]
    return list(dict.fromkeys(str(code) for code in found if code > 0))


def _battery(part: Part, told: Fields, device: Values, known: set[str]) -> Values:
    values = _rows(part.rows, told)
    power, current = values.get("battery_power"), values.get("battery_current")
    measured = f"{part.name}_current"
    if current:
        known.add(measured)
    elif measured not in known:
        # What never is anything else than 0 is not measured.
        values.pop("battery_current", None)
    if isinstance(power, float):
        values["battery_charging"] = power < 0
        values["battery_state"] = _battery_state(power, device)
        if current and isinstance(current, float):
            # Families differ in its sign; the power's is certain.
            values["battery_current"] = abs(current) * (-1 if power < 0 else 1)
    return values


def _battery_state(power: float, device: Values) -> str:
    if device["inverter_state"] == FAULT:
        return FAULT
    if power == 0:
        return "idle"
    return "discharging" if power > 0 else "charging"
