"""What is true of plants and devices: the integration's keys, W, kWh, %, unrounded."""

from typing import TYPE_CHECKING, Any

from ..home import State
from ..weather import elevation, smooth
from . import devices as kinds

if TYPE_CHECKING:
    from .plant import Device, HuaweiPlant

type Values = dict[str, Any]

PHASES = (0.45, 0.33, 0.22)
VOLTS = 360.0
FAULTY_LEVEL = 2


def noise(seed: int, n: int, at: float) -> float:
    """Return slow noise between -1 and 1."""
    return 2 * smooth(seed + n, at / 900) - 1


def _mains(plant: HuaweiPlant, at: float) -> Values:
    """Return the voltages and the frequency of the grid."""
    volts = [233 + 5 * noise(plant.seed, 40 + n, at) for n in range(3)]
    pairs = (("ab", 0, 1), ("bc", 1, 2), ("ca", 2, 0))
    return {
        "grid_frequency": 50 + 0.03 * noise(plant.seed, 44, at),
        **{f"grid_voltage_{n}": v for n, v in enumerate(volts, start=1)},
        **{
            f"line_voltage_{pair}": (volts[one] + volts[two]) / 2 * 3**0.5
            for pair, one, two in pairs
        },
    }


def _temperature(plant: HuaweiPlant, at: float) -> float:
    """Return the air's temperature in °C."""
    spec = plant.home.spec
    sun = max(0.0, elevation(spec.latitude, spec.longitude, at))
    return 11 + sun / 5 + 3 * noise(plant.seed, 60, at / 8)


def inverter(plant: HuaweiPlant, device: Device, state: State) -> Values:
    """Return the true values of an inverter."""
    at, share = state.at, device.share
    power = state.flow.inverter * share
    today = plant.today(at)
    mains = _mains(plant, at)
    values: Values = {
        "pv_power": state.flow.pv * share,
        "inverter_power": power,
        "reactive_power": 0.0,
        "power_factor": 1.0,
        "efficiency": 97.4 if power > 0 else 0.0,
        "pv_energy": state.totals["pv_energy"] * share,
        "inverter_energy": state.totals["inverter_energy"] * share,
        "inverter_energy_today": today["inverter_energy"] * share,
        "inverter_temperature": _temperature(plant, at)
        + 9
        + 15 * abs(state.flow.inverter) / (plant.home.spec.rated * plant.scale),
        **mains,
    }
    for n in (1, 2, 3):
        values[f"grid_current_{n}"] = abs(power) / 3 / mains[f"grid_voltage_{n}"]
    for n, part in enumerate(device.strings, start=1):
        watts = values["pv_power"] * part
        volts = VOLTS - 20 * n + 9 * noise(device.seed, n, at) if watts > 0 else 2.1
        values[f"string_voltage_{n}"] = volts
        values[f"string_current_{n}"] = watts / volts
    alarms = [a for a in plant.problems(at) if a.device is device]
    faulty = any(alarm.level <= FAULTY_LEVEL for alarm in alarms)
    values["problem"] = bool(alarms)
    values["inverter_state"] = inverter_state(plant, values, faulty=faulty)
    return values


def inverter_state(plant: HuaweiPlant, values: Values, *, faulty: bool) -> str:
    """Return the state of an inverter in the integration's words."""
    if faulty:
        return "fault"
    working = plant.batteries or values["pv_power"] > 0
    return "producing" if working else "standby"


def battery(plant: HuaweiPlant, device: Device, state: State) -> Values:
    """Return the true values of a battery."""
    power = state.flow.battery * device.share
    today = plant.today(state.at)
    spread = min(0.7, state.soc, 100 - state.soc) if len(plant.batteries) > 1 else 0.0
    charging = "charging" if power < 0 else "discharging"
    values: Values = {
        "battery_power": power,
        "battery_soc": state.soc + spread * (1 if device.number == 1 else -1),
        "battery_voltage": 345 + 0.4 * state.soc,
        "battery_state": charging if abs(power) >= 1 else "idle",
        "battery_charging": power <= -1,
    }
    for key in ("battery_charge_energy", "battery_discharge_energy"):
        values[f"{key}_today"] = today[key] * device.share
        if plant.facts.newer:
            values[key] = state.totals[key] * device.share
    if device.lg or device.type_id == kinds.ESS or plant.facts.newer:
        values["battery_soh"] = plant.home.spec.soh * 100
    if plant.facts.newer:
        values["battery_capacity"] = device.capacity
    return values


def meter(plant: HuaweiPlant, state: State) -> Values:
    """Return the true values at the connection to the grid."""
    at, flow = state.at, state.flow
    mains = _mains(plant, at)
    values: Values = {
        "grid_power": flow.grid,
        "reactive_power": 120 * noise(plant.seed, 47, at),
        "power_factor": 0.98,
        "grid_import_energy": state.totals["grid_import_energy"],
        "grid_export_energy": state.totals["grid_export_energy"],
        **mains,
    }
    for n, part in enumerate(PHASES, start=1):
        power = flow.load * part - flow.inverter / 3
        values[f"grid_power_{n}"] = power
        values[f"grid_current_{n}"] = abs(power) / mains[f"grid_voltage_{n}"]
    return values


def weather_station(plant: HuaweiPlant, state: State) -> Values:
    """Return what an environmental monitor measures."""
    air = _temperature(plant, state.at)
    light = state.flow.pv / (plant.home.spec.peak * plant.scale)
    today = plant.today(state.at)["pv_energy"] * 1000
    return {
        "ambient_temperature": air,
        "module_temperature": air + 24 * light,
        "wind_speed": 3 + 2 * noise(plant.seed, 61, state.at),
        "wind_direction": 180 + 90 * noise(plant.seed, 62, state.at),
        "irradiance": 1000 * light,
        "irradiation_today": today / (plant.home.spec.peak * plant.scale),
    }


def device_values(plant: HuaweiPlant, device: Device, at: float) -> Values:
    """Return the true values of a device."""
    state = plant.state(at)
    kind = device.type_id
    if kind in kinds.INVERTERS:
        return inverter(plant, device, state)
    if kind in kinds.BATTERIES:
        return battery(plant, device, state)
    if kind in kinds.METERS:
        values = meter(plant, state)
        if kind != kinds.SENSOR:
            del values["grid_frequency"]
        return values
    if kind == kinds.EMI:
        return weather_station(plant, state)
    return {}


def plant_values(plant: HuaweiPlant, at: float) -> Values:
    """Return the true values of a plant, as far as its devices can know them."""
    state = plant.state(at)
    flow, totals, today = state.flow, state.totals, plant.today(at)
    metered, stored = bool(plant.of(*kinds.METERS)), bool(plant.batteries)
    values: Values = {
        "pv_power": flow.pv,
        "inverter_power": flow.inverter,
        "pv_energy": totals["pv_energy"],
        "pv_energy_today": today["pv_energy"],
        "inverter_energy": totals["inverter_energy"],
        "inverter_energy_today": today["inverter_energy"],
    }
    if metered:
        values |= {"grid_power": flow.grid, "load_power": flow.load}
        for key in ("grid_import_energy", "grid_export_energy"):
            values |= {key: totals[key]}
    if stored:
        values |= {"battery_power": flow.battery, "battery_soc": state.soc}
        for key in ("battery_charge_energy", "battery_discharge_energy"):
            values[f"{key}_today"] = today[key]
            if plant.facts.newer:
                values[key] = totals[key]
        if plant.facts.newer:
            values["battery_capacity"] = sum(b.capacity for b in plant.batteries)
            values["battery_soh"] = plant.home.spec.soh * 100
    income, base = plant.tariff
    if income:
        values["revenue_today"] = today["pv_energy"] * income
        values["revenue"] = totals["pv_energy"] * income + base
    problems = plant.problems(at)
    values["problem"] = bool(problems)
    values["online"] = plant.connected(at)
    values["plant_health"] = health(plant, at)
    return values


def health(plant: HuaweiPlant, at: float) -> str:
    """Return how the cloud judges a plant."""
    if not plant.connected(at):
        return "disconnected"
    faulty = any(alarm.level <= FAULTY_LEVEL for alarm in plant.problems(at))
    return "faulty" if faulty else "healthy"
