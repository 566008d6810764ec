"""The catalogue of quantities: one row a key, with unit and kind.

Signs, always: grid + is import, battery + is discharge, inverter + is towards the house;
PV and load are never negative.
"""

from dataclasses import dataclass
from enum import StrEnum, auto
from functools import cache
import re


class Kind(StrEnum):
    """What a quantity is, which decides how it may be shown, summed and aged."""

    POWER = auto()
    COUNTER = auto()
    DAY_COUNTER = auto()
    MEASUREMENT = auto()
    ENUM = auto()
    TEXT = auto()
    FLAG = auto()
    MONEY = auto()


class Unit(StrEnum):
    """Units as Home Assistant writes them."""

    WATT = "W"
    KILOWATT_HOUR = "kWh"
    PERCENT = "%"
    CELSIUS = "°C"
    VOLT = "V"
    AMPERE = "A"
    HERTZ = "Hz"
    VAR = "var"
    MINUTE = "min"
    IRRADIANCE = "W/m²"
    IRRADIATION = "kWh/m²"
    SPEED = "m/s"
    MASS = "kg"
    CYCLES = "cycles"
    SIGNAL = "dBm"
    NONE = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """One row of the catalogue; an indexed key ends in `_N` (phases and strings).

    What a vendor names at run time has a `label`, its own words, and may have any unit.
    """

    key: str
    kind: Kind
    unit: str = Unit.NONE
    indexed: bool = False
    states: tuple[str, ...] = ()
    never_negative: bool = False
    rare: bool = False
    label: str | None = None

    @property
    def is_counter(self) -> bool:
        """Return whether the value only grows, for ever or until midnight."""
        return self.kind in (Kind.COUNTER, Kind.DAY_COUNTER)

    @property
    def stays(self) -> bool:
        """Return whether an old value is still true, as it counts what has been."""
        return self.is_counter or self.kind is Kind.MONEY


TODAY = "_today"

BATTERY_STATES = (
    "idle",
    "charging",
    "discharging",
    "standby",
    "hibernating",
    "fault",
    "offline",
)
INVERTER_STATES = (
    "waiting",
    "checking",
    "producing",
    "limited",
    "standby",
    "off_grid",
    "upgrading",
    "fault",
    "offline",
)
PLANT_HEALTH = ("healthy", "faulty", "disconnected")
BATTERY_MODES = (
    "self_consumption",
    "feed_in_priority",
    "charge_priority",
    "time_of_use",
    "backup",
    "savings",
    "peak_shaving",
)
ACTIVE_MODES = (*BATTERY_MODES, "schedule", "external", "other")


def _power(
    key: str,
    *,
    indexed: bool = False,
    never_negative: bool = False,
    rare: bool = False,
) -> Quantity:
    return Quantity(
        key=key,
        kind=Kind.POWER,
        unit=Unit.WATT,
        indexed=indexed,
        never_negative=never_negative,
        rare=rare,
    )


# The counters of a plant that the past is told of.
LIFETIME_ENERGIES = (
    "pv_energy",
    "inverter_energy",
    "grid_import_energy",
    "grid_export_energy",
    "battery_charge_energy",
    "battery_discharge_energy",
    "load_energy",
)


def _energy(key: str) -> tuple[Quantity, Quantity]:
    return (
        Quantity(key=key, kind=Kind.COUNTER, unit=Unit.KILOWATT_HOUR),
        Quantity(key=f"{key}{TODAY}", kind=Kind.DAY_COUNTER, unit=Unit.KILOWATT_HOUR),
    )


def _measure(
    key: str,
    unit: Unit = Unit.NONE,
    *,
    indexed: bool = False,
    rare: bool = False,
) -> Quantity:
    return Quantity(
        key=key, kind=Kind.MEASUREMENT, unit=unit, indexed=indexed, rare=rare
    )


def _enum(key: str, states: tuple[str, ...]) -> Quantity:
    return Quantity(key=key, kind=Kind.ENUM, states=states)


QUANTITIES: tuple[Quantity, ...] = (
    _power("pv_power", never_negative=True),
    _power("load_power", never_negative=True),
    _power("grid_power"),
    _power("battery_power"),
    _power("inverter_power"),
    _power("backup_power", rare=True),
    _power("external_pv_power", never_negative=True),
    _power("generator_power", never_negative=True),
    _power("string_power_N", indexed=True, never_negative=True),
    _power("grid_power_N", indexed=True, rare=True),
    _power("load_power_N", indexed=True, never_negative=True, rare=True),
    _power("inverter_power_N", indexed=True, rare=True),
    _power("backup_power_N", indexed=True, rare=True),
    *(row for key in LIFETIME_ENERGIES for row in _energy(key)),
    _measure("battery_soc", Unit.PERCENT),
    _measure("battery_soh", Unit.PERCENT),
    _measure("battery_capacity", Unit.KILOWATT_HOUR),
    _measure("battery_remaining_energy", Unit.KILOWATT_HOUR),
    _measure("battery_temperature", Unit.CELSIUS),
    _measure("battery_voltage", Unit.VOLT, rare=True),
    _measure("battery_current", Unit.AMPERE, rare=True),
    _measure("battery_cycles", Unit.CYCLES, rare=True),
    Quantity(
        key="battery_throughput",
        kind=Kind.COUNTER,
        unit=Unit.KILOWATT_HOUR,
        rare=True,
    ),
    _enum("battery_state", BATTERY_STATES),
    Quantity(key="battery_charging", kind=Kind.FLAG),
    _measure("grid_voltage_N", Unit.VOLT, indexed=True, rare=True),
    _measure("grid_current_N", Unit.AMPERE, indexed=True, rare=True),
    _measure("grid_frequency", Unit.HERTZ, rare=True),
    _measure("power_factor", rare=True),
    _measure("reactive_power", Unit.VAR, rare=True),
    _measure("string_voltage_N", Unit.VOLT, indexed=True, rare=True),
    _measure("string_current_N", Unit.AMPERE, indexed=True, rare=True),
    _measure("backup_voltage_N", Unit.VOLT, indexed=True, rare=True),
    _measure("backup_current_N", Unit.AMPERE, indexed=True, rare=True),
    _measure("inverter_temperature", Unit.CELSIUS),
    _measure("boost_temperature", Unit.CELSIUS, rare=True),
    _measure("charger_temperature", Unit.CELSIUS, rare=True),
    _measure("processor_temperature", Unit.CELSIUS, rare=True),
    _measure("irradiance", Unit.IRRADIANCE),
    Quantity(key="irradiation_today", kind=Kind.DAY_COUNTER, unit=Unit.IRRADIATION),
    _measure("module_temperature", Unit.CELSIUS),
    _measure("ambient_temperature", Unit.CELSIUS, rare=True),
    _measure("wind_speed", Unit.SPEED),
    _enum("inverter_state", INVERTER_STATES),
    _enum("plant_health", PLANT_HEALTH),
    _enum("active_mode", ACTIVE_MODES),
    Quantity(key="fault_code", kind=Kind.TEXT),
    Quantity(key="problem", kind=Kind.FLAG),
    Quantity(key="online", kind=Kind.FLAG),
    Quantity(key="grid_connected", kind=Kind.FLAG),
    Quantity(key="revenue_today", kind=Kind.MONEY),
    Quantity(key="revenue", kind=Kind.MONEY),
    _measure("self_consumption_ratio", Unit.PERCENT),
    _measure("performance_ratio", Unit.PERCENT),
    _measure("co2_saved", Unit.MASS),
    _measure("signal_strength", Unit.SIGNAL, rare=True),
    _measure("signal_quality", Unit.PERCENT, rare=True),
)

CATALOGUE: dict[str, Quantity] = {row.key: row for row in QUANTITIES}

_INDEX = re.compile(r"_(\d+)$")
_NAMED: dict[str, Quantity] = {}


def name_quantity(row: Quantity) -> None:
    """Add what a vendor names at run time; a key of the catalogue stays as it is."""
    if row.key not in CATALOGUE and _NAMED.get(row.key) != row:
        _NAMED[row.key] = row
        quantity.cache_clear()


@cache
def quantity(key: str) -> Quantity:
    """Return the row of a key; `string_power_3` finds `string_power_N`.

    What nobody has named (any more) is a measurement without a unit.
    """
    found = CATALOGUE.get(key) or CATALOGUE.get(_INDEX.sub("_N", key))
    return found or _NAMED.get(key) or _unnamed(key)


def _unnamed(key: str) -> Quantity:
    words = key.replace("_", " ").capitalize()
    return Quantity(key=key, kind=Kind.MEASUREMENT, label=words)


def index_of(key: str) -> int | None:
    """Return the phase or string number of a key, or None."""
    if key in CATALOGUE or not (match := _INDEX.search(key)):
        return None
    return int(match[1])
