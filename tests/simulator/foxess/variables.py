"""The variables of the document's table, and a sample of them as it is uploaded."""

from collections.abc import Iterator
from math import isclose
from typing import Any, NamedTuple

from ..weather import smooth
from . import measurements
from .device import FoxDevice

type Sample = list[dict[str, Any]]


class Row(NamedTuple):
    """A variable: name in English, unit of the table, true key, factor, decimals."""

    variable: str
    name: str
    unit: str | None
    key: str = ""
    factor: float = 1.0
    decimals: int = 3
    storage_only: bool = False


_KW = 0.001


def _phases() -> Iterator[Row]:
    """Yield the variables of the phases."""
    for n, p in enumerate("RST", start=1):
        yield Row(f"{p}Current", f"{p}Current", "A", f"grid_current_{n}", 1, 1)
        yield Row(f"{p}Volt", f"{p}Volt", "V", f"grid_voltage_{n}", 1, 1)
        yield Row(f"{p}Freq", f"{p}Freq", "Hz", f"frequency_{n}", 1, 2)
        yield Row(f"{p}Power", f"{p}Power", "kW", f"inverter_power_{n}", _KW)


def _strings() -> Iterator[Row]:
    """Yield the variables of the strings; the newer document knows 24."""
    for n in range(1, 25):
        yield Row(f"pv{n}Volt", f"PV{n}Volt", "V", f"string_voltage_{n}", 1, 1)
        yield Row(f"pv{n}Current", f"PV{n}Current", "A", f"string_current_{n}", 1, 1)
        yield Row(f"pv{n}Power", f"PV{n}Power", "kW", f"string_power_{n}", _KW)


def _backup() -> Iterator[Row]:
    """Yield the variables of the emergency supply."""
    yield Row("epsPower", "EPSPower", "kW", "backup_power", _KW, 3, True)
    for n, p in enumerate("RST", start=1):
        current, volts, power = (f"backup_{what}_{n}" for what in ("a", "v", "w"))
        yield Row(f"epsCurrent{p}", f"EPS-{p}Current", "A", current, 1, 1, True)
        yield Row(f"epsVolt{p}", f"EPS-{p}Volt", "V", volts, 1, 1, True)
        yield Row(f"epsPower{p}", f"EPS-{p}Power", "kW", power, _KW, 3, True)


def _loads() -> Iterator[Row]:
    """Yield the variables of house and grid."""
    yield Row("loadsPower", "Load Power", "kW", "load_power", _KW)
    for n, p in enumerate("RST", start=1):
        yield Row(f"loadsPower{p}", f"Loads{p}Power", "kW", f"load_power_{n}", _KW)
    yield Row("generationPower", "Output Power", "kW", "inverter_power", _KW)
    yield Row("feedinPower", "Feed-in Power", "kW", "feed_in", _KW)
    yield Row("gridConsumptionPower", "GridConsumption Power", "kW", "import", _KW)
    yield Row("meterPower", "MeterPower", "kW", "grid_power", _KW)
    yield Row("meterPower2", "Meter2Power", "kW", "zero", _KW)
    for n, p in enumerate("RST", start=1):
        yield Row(f"meterPower{p}", f"Meter{p}Power", "kW", f"grid_power_{n}", _KW)


TABLE: tuple[Row, ...] = (
    Row("todayYield", "Today’s power generation", "kW", "yield_today", 1, 1),
    Row("pvPower", "PVPower", "kW", "pv_power", _KW),
    *_strings(),
    *_backup(),
    *_phases(),
    Row("ambientTemperation", "AmbientTemperature", "℃", "ambient_temperature", 1, 1),
    Row("boostTemperation", "BoostTemperature", "℃"),
    Row("invTemperation", "InvTemperation", "℃", "inverter_temperature", 1, 1),
    Row("chargeTemperature", "ChargeTemperature", "℃"),
    Row("batTemperature", "batTemperature", "℃", "battery_temperature", 1, 1, True),
    Row("dspTemperature", "DSPTemperature", "℃"),
    *_loads(),
    Row("invBatVolt", "InvBatVolt", "V", "battery_voltage", 1, 1),
    Row("invBatCurrent", "InvBatCurrent", "A", "battery_current", 1, 1, True),
    Row("invBatPower", "invBatPower", "kW", "battery_power", _KW, 3, True),
    Row("batChargePower", "Charge Power", "kW", "charging", _KW, 3, True),
    Row("batDischargePower", "Discharge Power", "kW", "discharging", _KW, 3, True),
    Row("batVolt", "BatVolt", "V", "battery_voltage", 1, 1, True),
    Row("batCurrent", "BatCurrent", "A", "battery_current", 1, 1, True),
    Row("SoC", "SoC", "%", "battery_soc", 1, 0, True),
    Row("ReactivePower", "ReactivePower", "kVar", "reactive_power", _KW),
    Row("PowerFactor", "PowerFactor", None, "power_factor"),
    Row("generation", "Cumulative power generation", "kWh", "inverter_energy", 1, 1),
    Row("ResidualEnergy", "Battery Residual Energy", "kWh", "residual", 1, 2, True),
    Row("runningState", "Running State", None, "running_state"),
    Row("batStatus", "Battery Status", None, "battery_status", storage_only=True),
    Row("batStatusV2", "Battery Status Name", None, "battery_name", storage_only=True),
    Row("currentFault", "The current error code is reported", None, "fault_code"),
    Row("currentFaultCount", "The number of errors", None, "fault_count"),
    Row(
        "energyThroughput", "Battery throughput", "Wh", "battery_throughput", 1, 3, True
    ),
    Row("SOH", "SOH", "%", "battery_soh", 1, 0, True),
    Row(
        "gridConsumption",
        "Total grid electricity consumption",
        "kWh",
        "grid_import_energy",
        1,
        1,
    ),
    Row("loads", "Load power consumption", "kWh", "load_energy", 1, 1),
    Row("feedin", "The total energy of the feeder", "kWh", "grid_export_energy", 1, 1),
    Row(
        "chargeEnergyToTal",
        "Total charge energy",
        "kWh",
        "battery_charge_energy",
        1,
        1,
        True,
    ),
    Row(
        "dischargeEnergyToTal",
        "Total discharge energy",
        "kWh",
        "battery_discharge_energy",
        1,
        1,
        True,
    ),
    Row("PVEnergyTotal", "Photovoltaic power generation", "kWh", "pv_total", 1, 1),
    Row("batCycleCount", "Battery cycle count", None, "battery_cycles", 1, 0, True),
    Row("maxChargeCurrent", "Max Charge Current", "A", "max_current", 1, 1, True),
    Row("maxDischargeCurrent", "Max Discharge Current", "A", "max_current", 1, 1, True),
)

# Only what the model says it has beyond the ordinary.
RARE = ("batCycleCount", "maxChargeCurrent", "maxDischargeCurrent")
# What an H3 answers with a number behind the name, whatever was asked.
SUFFIXED = ("SoC", "batVolt", "batCurrent", "batTemperature", "invBatPower")
PACK_KEYS = {
    "SoC": "battery_soc",
    "batVolt": "battery_voltage",
    "batCurrent": "battery_current",
    "batTemperature": "battery_temperature",
    "invBatPower": "battery_power",
}
COUNTERS = {
    "generation": "inverter_energy",
    "feedin": "grid_export_energy",
    "gridConsumption": "grid_import_energy",
    "chargeEnergyToTal": "battery_charge_energy",
    "dischargeEnergyToTal": "battery_discharge_energy",
    "PVEnergyTotal": "pv_energy",
    "loads": "load_energy",
}
ON_GRID, WAITING, FAULT = "163", "161", "165"


def _derived(device: FoxDevice, at: float, values: dict[str, Any]) -> dict[str, Any]:
    """Return what FoxESS tells besides the quantities of DESIGN §5."""
    grid = values.get("grid_power")
    fault = device.fault(at)
    derived: dict[str, Any] = {
        "yield_today": values["inverter_energy_today"],
        "pv_total": values["pv_energy"] if device.batteries else 0.0,
        "running_state": {"waiting": WAITING, "fault": FAULT}.get(
            values["inverter_state"], ON_GRID
        ),
        "fault_code": str(fault.args.get("code", "")) if fault else "",
        "fault_count": "1" if fault else "0",
    }
    if grid is not None:
        derived |= {"feed_in": max(0.0, -grid), "import": max(0.0, grid), "zero": 0.0}
    if device.batteries:
        derived |= _battery(device, values)
    for n in range(1, device.model.phases + 1):
        derived[f"backup_v_{n}"] = values[f"grid_voltage_{n}"] - 1
        derived |= {f"backup_a_{n}": 0.0, f"backup_w_{n}": 0.0}
        derived[f"frequency_{n}"] = values["grid_frequency"]
    return derived


def _battery(device: FoxDevice, values: dict[str, Any]) -> dict[str, Any]:
    """Return the battery's oddities."""
    power = values["battery_power"]
    remaining = values["battery_remaining_energy"]
    residual = {
        "kwh_as_10wh": remaining,
        "10wh": remaining * 100,
        "full_capacity": values["battery_capacity"] * values["battery_soh"] / 100,
    }[device.model.residual]
    soc = values["battery_soc"]
    volts = device.model.battery_volts - 15 + 0.3 * soc
    return {
        "charging": max(0.0, -power),
        "discharging": max(0.0, power),
        "residual": residual,
        "battery_voltage": volts,
        "battery_current": power / volts,
        "battery_temperature": 24
        + 4 * (2 * smooth(device.seed + 50, values["_at"] / 5400) - 1),
        "battery_cycles": int(
            values["battery_discharge_energy"] / values["battery_capacity"]
        ),
        # The captured KH8 says "Charge" while it discharges.
        "battery_status": "1",
        "battery_name": "Charge",
        "max_current": 26.0,
    }


def _rounded(value: Any, row: Row) -> Any:
    """Return a value in the variable's unit and resolution."""
    if not isinstance(value, int | float):
        return value
    scaled = round(value * row.factor, row.decimals)
    return 0.0 if isclose(scaled, 0.0, abs_tol=1e-9) else float(scaled)


def _unit(device: FoxDevice, row: Row) -> str | None:
    """Return the unit as the model tells it, true or not."""
    if row.variable == "ResidualEnergy":
        return {"full_capacity": "kWh"}.get(device.model.residual, "0.01kWh")
    if row.variable == "energyThroughput":
        return device.model.throughput_unit
    return row.unit


def _item(row: Row, unit: str | None, value: Any, suffix: str = "") -> dict[str, Any]:
    """Return one entry of `datas`."""
    item: dict[str, Any] = {} if unit is None else {"unit": unit}
    item |= {"name": row.name + suffix, "variable": row.variable + suffix}
    return item | {"value": value}


def _rows(device: FoxDevice) -> Iterator[Row]:
    """Yield the variables that a device may have."""
    model = device.model
    for row in TABLE:
        if row.variable in model.absent or (row.storage_only and not device.batteries):
            continue
        if row.variable in RARE and row.variable not in model.extra:
            continue
        if row.variable == "energyThroughput" and not model.throughput_unit:
            continue
        yield row


def _wants(row: Row, suffix: str, wanted: list[str] | None) -> bool:
    """Say whether a request asks for a variable; a suffix is not asked for."""
    return not wanted or row.variable in wanted or row.variable + suffix in wanted


def sample(
    device: FoxDevice,
    at: float,
    wanted: list[str] | None = None,
    measured: float | None = None,
) -> Sample:
    """Return the `datas` of an upload; `measured` is another instant when frozen."""
    when = at if measured is None else measured
    values = measurements.inverter(device, when) | {"_at": when}
    values |= _derived(device, when, values)
    packs = measurements.batteries(device, device.home.state(when))
    datas: Sample = []
    for row in _rows(device):
        if device.model.suffixed and row.variable in SUFFIXED and packs:
            for n, pack in enumerate(packs, start=1):
                if _wants(row, f"_{n}", wanted):
                    value = _rounded(pack[PACK_KEYS[row.variable]], row)
                    datas.append(_item(row, _unit(device, row), value, f"_{n}"))
        elif row.key in values and _wants(row, "", wanted):
            value = _rounded(values[row.key], row)
            datas.append(_item(row, _unit(device, row), value))
    return datas


def stamp(device: FoxDevice, at: float) -> str:
    """Return a time as `yyyy-MM-dd HH:mm:ss zZ` in the plant's zone."""
    return device.local(at).strftime("%Y-%m-%d %H:%M:%S %Z%z")
