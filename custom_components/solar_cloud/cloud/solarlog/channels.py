"""Channels as quantities: those that the vendor documents, and the rule for all others.

A name that is not in these tables becomes a quantity of its own: its key is the name in
snake case, its unit decides the kind. Wh channels count from local midnight.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
import re

from ..model import DeviceKind
from ..quantity import CATALOGUE, Kind, Quantity, Unit, name_quantity, quantity
from ..values import text

# What is asked of a plant as a whole; Basic and Advanced hold these.
PLANT: dict[str, str] = {
    "ProdPac": "pv_power",
    "ProdEtotal": "pv_energy_today",
    "ConsPac": "load_power",
    "ConsEtotal": "load_energy_today",
    "ProdEtotalFeed": "grid_export_energy_today",
}
PLANT_NAMES = (*PLANT, "ProdPacFeed", "ConsEtotalCov", "ProdPacNorm")

# Key figures, which only Advanced holds.
FIGURES = (
    "TechAv",
    "ProdEtotalFinancialYield",
    "ProdEtotalFeedFinancialYield",
    "ConsEtotalCovFinancialYield",
)

INVERTER: dict[str, str] = {
    "ProdPac": "inverter_power",
    "ProdEtotal": "inverter_energy_today",
    "ProdPdc": "pv_power",
    "ProdUac": "grid_voltage_1",
    "ProdIac": "grid_current_1",
    "Temp": "inverter_temperature",
}
METER: dict[str, str] = {
    "ConsPac": "load_power",
    "ConsEtotal": "load_energy_today",
    "ConsUacPhaseOne": "grid_voltage_1",
    "ConsUacPhaseTwo": "grid_voltage_2",
    "ConsUacPhaseThree": "grid_voltage_3",
}
SENSOR: dict[str, str] = {
    "Irradiation": "irradiance",
    "Insolation": "irradiation_today",
    "TempModule": "module_temperature",
    "TempAmbient": "ambient_temperature",
    "WindVelocity": "wind_speed",
}
TRACKER: dict[str, str] = {
    "ProdPdc": "string_power",
    "ProdUdc": "string_voltage",
    "ProdIdc": "string_current",
}
OF_KIND: dict[DeviceKind, Mapping[str, str]] = {
    DeviceKind.INVERTER: INVERTER,
    DeviceKind.METER: METER,
    DeviceKind.SENSOR: SENSOR,
}

# The counters of the day that add up to lifetime counters: channels, with their signs.
ENERGIES: dict[str, Mapping[str, int]] = {
    "pv_energy": {"ProdEtotal": 1},
    "load_energy": {"ConsEtotal": 1},
    "grid_export_energy": {"ProdEtotalFeed": 1},
    "grid_import_energy": {"ConsEtotal": 1, "ConsEtotalCov": -1},
}
WH_PER_KWH = 1000.0


@dataclass(frozen=True, slots=True)
class Measure:
    """What a unit of the vendor's means: kind, our unit, and the factor to it."""

    kind: Kind
    unit: str
    factor: float = 1.0


UNITS: dict[str, Measure] = {
    "W": Measure(Kind.POWER, Unit.WATT),
    "kW": Measure(Kind.POWER, Unit.WATT, 1000.0),
    "MW": Measure(Kind.POWER, Unit.WATT, 1_000_000.0),
    "Wh": Measure(Kind.DAY_COUNTER, Unit.KILOWATT_HOUR, 0.001),
    "kWh": Measure(Kind.DAY_COUNTER, Unit.KILOWATT_HOUR),
    "MWh": Measure(Kind.DAY_COUNTER, Unit.KILOWATT_HOUR, 1000.0),
    "Wh/m²": Measure(Kind.DAY_COUNTER, Unit.IRRADIATION, 0.001),
    "kWh/m²": Measure(Kind.DAY_COUNTER, Unit.IRRADIATION),
    "W/m²": Measure(Kind.MEASUREMENT, Unit.IRRADIANCE),
    "V": Measure(Kind.MEASUREMENT, Unit.VOLT),
    "kV": Measure(Kind.MEASUREMENT, Unit.VOLT, 1000.0),
    "A": Measure(Kind.MEASUREMENT, Unit.AMPERE),
    "mA": Measure(Kind.MEASUREMENT, Unit.AMPERE, 0.001),
    "Hz": Measure(Kind.MEASUREMENT, Unit.HERTZ),
    "var": Measure(Kind.MEASUREMENT, Unit.VAR),
    "kvar": Measure(Kind.MEASUREMENT, Unit.VAR, 1000.0),
    "%": Measure(Kind.MEASUREMENT, Unit.PERCENT),
    "°C": Measure(Kind.MEASUREMENT, Unit.CELSIUS),
    "m/s": Measure(Kind.MEASUREMENT, Unit.SPEED),
    "kg": Measure(Kind.MEASUREMENT, Unit.MASS),
}
_SPELLINGS = {
    "c": "°C",
    "w/m2": "W/m²",
    "wh/m2": "Wh/m²",
    "kwh/m2": "kWh/m²",
} | {unit.lower(): unit for unit in UNITS}
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
OWN = "channel"


@lru_cache(maxsize=4096)
def words_of(name: str) -> tuple[str, ...]:
    """Return the words of a channel's name."""
    return tuple(_WORD.findall(name)) or (name,)


def snake(name: str) -> str:
    """Return a channel's name in snake case; never a key that means something else."""
    key = "_".join(word.lower() for word in words_of(name))
    return f"{OWN}_{key}" if key in CATALOGUE else key


def measure(unit: str) -> Measure:
    """Return what a unit means; one that nobody knows is kept as it is."""
    known = _SPELLINGS.get(unit.lower())
    return UNITS[known] if known else Measure(Kind.MEASUREMENT, unit)


@dataclass(frozen=True, slots=True)
class Scale:
    """A key, and the factor from the vendor's unit to the key's."""

    key: str
    factor: float


@lru_cache(maxsize=4096)
def resolve(key: str | None, name: str, unit: str, number: int | None) -> Scale:
    """Return under which key a channel is shown, and the factor to that key's unit.

    A documented channel whose unit is not the one of its key is taken by the rule.
    """
    told = measure(unit)
    end = "" if number is None else f"_{number}"
    if key and quantity(f"{key}{end}").unit == told.unit:
        return Scale(f"{key}{end}", told.factor)
    own = f"{snake(name)}{end}"
    label = " ".join((*words_of(name), *([str(number)] if number else [])))
    name_quantity(Quantity(key=own, kind=told.kind, unit=told.unit, label=label))
    return Scale(own, told.factor)


KINDS: tuple[tuple[str, DeviceKind], ...] = (
    ("inverter", DeviceKind.INVERTER),
    ("batter", DeviceKind.BATTERY),
    ("storage", DeviceKind.BATTERY),
    ("sensor", DeviceKind.SENSOR),
    ("meter", DeviceKind.METER),
    ("consumption", DeviceKind.METER),
    ("production", DeviceKind.INVERTER),
)


def kind_of(component: Mapping[str, object]) -> DeviceKind | None:
    """Return what a component is, by its type, else its classes; None where it is hidden."""
    told = component.get("classes")
    classes = [str(row) for row in told] if isinstance(told, list) else [str(told)]
    lowered = [row.lower() for row in classes]
    if "hidden" in lowered or "intern" in lowered:
        return None
    for row in ((text(component.get("type")) or "").lower(), *lowered):
        for part, kind in KINDS:
            if part in row:
                return kind
    return DeviceKind.CONTROLLER


def named(key: str) -> dict[str, str] | None:
    """Return, as JSON, how a key that the rule made is shown; None for the others."""
    row = quantity(key)
    if row.label is None:
        return None
    return {"kind": row.kind, "unit": row.unit, "label": row.label}


def rename(key: str, stored: Mapping[str, str]) -> None:
    """Name again what was named before a restart."""
    kind, unit, label = (stored[name] for name in ("kind", "unit", "label"))
    name_quantity(Quantity(key=key, kind=Kind(kind), unit=unit, label=label))
