"""The kinds of devices, and what each answers: tables from sections 5.1.2.2 and 5.1.1.2."""

from typing import NamedTuple

STRING, SMARTLOGGER, EMI, GRID_METER, RESIDENTIAL, BATTERY = 1, 2, 10, 17, 38, 39
ESS, SENSOR, DONGLE, EMMA = 41, 47, 62, 23070
MAINS, GENSET, SSU_GROUP, SSU = 60001, 60003, 60043, 60044
CONVERTER, RACK, OUTPUT = 60092, 60014, 60010
UNKNOWN = 60081

INVERTERS = (STRING, RESIDENTIAL)
BATTERIES = (BATTERY, ESS)
METERS = (SENSOR, GRID_METER, EMMA)

KINDS = {
    STRING: "inverter",
    RESIDENTIAL: "inverter",
    BATTERY: "battery",
    ESS: "battery",
    SENSOR: "meter",
    GRID_METER: "meter",
    EMMA: "meter",
    EMI: "sensor",
    DONGLE: "logger",
    SMARTLOGGER: "logger",
}

REALTIME = frozenset(
    (
        STRING, EMI, GRID_METER, RESIDENTIAL, BATTERY, ESS, SENSOR, EMMA,
        MAINS, GENSET, SSU_GROUP, SSU, CONVERTER, RACK, OUTPUT,
    )
)  # fmt: skip
HISTORY = REALTIME - {SSU, CONVERTER}
REPORTED = frozenset((STRING, RESIDENTIAL, BATTERY, ESS))


class Item(NamedTuple):
    """How a true value is told: its key there, its key in the truth, unit, digits."""

    key: str
    truth: str
    factor: float = 1.0
    digits: int = 2


_INVERTER = (
    Item("active_power", "inverter_power", 0.001, 3),
    Item("reactive_power", "reactive_power", 0.001, 3),
    Item("mppt_power", "pv_power", 0.001, 3),
    Item("day_cap", "inverter_energy_today"),
    Item("total_cap", "inverter_energy"),
    Item("efficiency", "efficiency"),
    Item("temperature", "inverter_temperature", 1.0, 1),
    Item("power_factor", "power_factor", 1.0, 3),
    Item("elec_freq", "grid_frequency"),
)
_PHASES = tuple(
    Item(key, truth, 1.0, digits)
    for n, phase in enumerate("abc", start=1)
    for key, truth, digits in (
        (f"{phase}_u", f"grid_voltage_{n}", 1),
        (f"{phase}_i", f"grid_current_{n}", 3),
    )
)
_LINES = tuple(Item(f"{pair}_u", f"line_voltage_{pair}", 1.0, 1) for pair in
               ("ab", "bc", "ca"))  # fmt: skip
_METER_ENERGY = (
    Item("active_cap", "grid_export_energy"),
    Item("reverse_active_cap", "grid_import_energy"),
)

# What each type tells of what is true.
ITEMS: dict[int, tuple[Item, ...]] = {
    STRING: (*_INVERTER, *_PHASES, *_LINES, Item("mppt_total_cap", "pv_energy")),
    RESIDENTIAL: (*_INVERTER, *_PHASES, *_LINES),
    BATTERY: (
        Item("ch_discharge_power", "battery_power", -1.0, 0),
        Item("battery_soc", "battery_soc", 1.0, 1),
        Item("busbar_u", "battery_voltage", 1.0, 1),
        Item("charge_cap", "battery_charge_energy_today"),
        Item("discharge_cap", "battery_discharge_energy_today"),
    ),
    ESS: (
        Item("ch_discharge_power", "battery_power", -1.0, 0),
        Item("battery_soc", "battery_soc", 1.0, 1),
        Item("battery_soh", "battery_soh", 1.0, 1),
        Item("charge_cap", "battery_charge_energy_today"),
        Item("discharge_cap", "battery_discharge_energy_today"),
    ),
    # Against the document, the phases of a power sensor come in W.
    SENSOR: (
        Item("meter_u", "grid_voltage_1", 1.0, 1),
        Item("meter_i", "grid_current_1"),
        *_PHASES[2:],
        *_LINES,
        Item("active_power", "grid_power", -1.0, 0),
        Item("active_power_a", "grid_power_1", -1.0, 0),
        Item("active_power_b", "grid_power_2", -1.0, 0),
        Item("active_power_c", "grid_power_3", -1.0, 0),
        Item("reactive_power", "reactive_power", 1.0, 0),
        Item("power_factor", "power_factor", 1.0, 3),
        Item("grid_frequency", "grid_frequency"),
        *_METER_ENERGY,
    ),
    GRID_METER: (
        *_PHASES,
        *_LINES,
        Item("active_power", "grid_power", -0.001, 3),
        Item("active_power_a", "grid_power_1", -0.001, 3),
        Item("active_power_b", "grid_power_2", -0.001, 3),
        Item("active_power_c", "grid_power_3", -0.001, 3),
        Item("reactive_power", "reactive_power", 0.001, 3),
        Item("power_factor", "power_factor", 1.0, 3),
        *_METER_ENERGY,
    ),
    # The controller of a home counts the other way round: import is positive.
    EMMA: (
        *_PHASES,
        *_LINES,
        Item("active_power", "grid_power", 0.001, 3),
        Item("active_power_a", "grid_power_1", 0.001, 3),
        Item("active_power_b", "grid_power_2", 0.001, 3),
        Item("active_power_c", "grid_power_3", 0.001, 3),
        Item("reactive_power", "reactive_power", 0.001, 3),
        Item("power_factor", "power_factor", 1.0, 3),
        Item("active_cap", "grid_import_energy"),
        Item("reverse_active_cap", "grid_export_energy"),
    ),
    EMI: (
        Item("temperature", "ambient_temperature", 1.0, 1),
        Item("pv_temperature", "module_temperature", 1.0, 1),
        Item("wind_speed", "wind_speed", 1.0, 1),
        Item("wind_direction", "wind_direction", 1.0, 0),
        Item("radiant_line", "irradiance", 1.0, 1),
        Item("radiant_total", "irradiation_today", 3.6, 3),
    ),
}

# Numbered inputs: how many strings and trackers a type's answer has room for.
INPUTS = {STRING: (28, 10), RESIDENTIAL: (8, 4)}

_TARIFFS = tuple(
    f"{way}_{kind}_{name}"
    for way in ("reverse", "positive")
    for kind in ("active", "reactive")
    for name in ("peak", "power", "valley", "top")
)
_REACTIVE = tuple(f"reactive_power_{phase}" for phase in "abc")
# Documented as invalid: there, and never anything else than null.
NULLS: dict[int, tuple[str, ...]] = {
    SENSOR: (
        *_TARIFFS, *_REACTIVE,
        "forward_reactive_cap", "reverse_reactive_cap", "total_apparent_power",
    ),
    GRID_METER: (*_TARIFFS, *_REACTIVE, "grid_frequency"),
    EMI: ("horiz_radiant_line", "horiz_radiant_total"),
    EMMA: ("ex_active_power", "ex_active_cap", "ex_reverse_active_cap"),
}  # fmt: skip

# Small off-grid sites: what each of their devices tells, with a typical value.
POWER_M: dict[int, dict[str, float]] = {
    MAINS: {
        "mains_state": 1, "ac_voltage": 229.4, "ac_current": 4.1, "active_power": 0.93,
        "ac_frequency": 50.0, "grid_quality_grade": 2,
        "total_energy_consumption": 4120.5, "supply_duration_per_total": 8230.2,
    },
    GENSET: {"running_state": 1, "output_power": 0.0, "load_rate": 0.0},
    SSU_GROUP: {"total_output_current": 31.2, "total_output_power": 1.67},
    SSU: {
        "input_voltage": 228.1, "output_voltage": 53.5, "output_current": 15.6,
        "on_off_state": 0,
    },
    CONVERTER: {
        "total_runtime": 10_220.0, "pv_input_voltage": 131.0, "pv_input_current": 8.8,
        "pv_input_power": 1.15, "inverter_voltage": 230.1, "inverter_frequency": 50.0,
        "ac_output_voltage": 230.0, "ac_output_current": 3.2,
        "ac_output_frequency": 50.0, "ac_output_apparent_power": 0.74,
    },
    RACK: {
        "battery_state": 5, "soc": 71.0, "charge_discharge_power": 0.62,
        "total_discharge": 812.4, "voltage": 53.4, "current": 11.6,
        "remaining_backup_time": 9.4, "total_discharge_times": 214,
        "total_capacity": 15.0,
    },
    OUTPUT: {
        "ac_voltage": 229.8, "ac_current": 3.1, "ac_frequency": 50.0,
        "active_power": 0.71,
    },
}  # fmt: skip
