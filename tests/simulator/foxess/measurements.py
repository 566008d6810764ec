"""What an inverter measures: DESIGN §5's keys, W, kWh, %, unrounded: the truth."""

from typing import Any

from ..home import State
from ..weather import elevation, smooth
from .device import FoxDevice

type Values = dict[str, Any]

PHASE_LOADS = {1: (1.0,), 3: (0.45, 0.33, 0.22)}


def _noise(device: FoxDevice, n: int, at: float) -> float:
    """Return slow noise between -1 and 1."""
    return 2 * smooth(device.seed + n, at / 900) - 1


def _strings(device: FoxDevice, state: State) -> Values:
    """Return the strings' values."""
    values: Values = {}
    for n, share in enumerate(device.model.strings, start=1):
        power = state.flow.pv * share
        volts = 3.4
        if power > 0:
            volts = 372.0 - 40 * n + 12 * _noise(device, 30 + n, state.at)
        values[f"string_power_{n}"] = power
        values[f"string_voltage_{n}"] = volts
        values[f"string_current_{n}"] = power / volts
    return values


def _mains(device: FoxDevice, state: State) -> Values:
    """Return the values of the phases, on the grid's and the inverter's side."""
    phases = device.model.phases
    values: Values = {"grid_frequency": 50 + 0.04 * _noise(device, 40, state.at)}
    for n, share in enumerate(PHASE_LOADS[phases], start=1):
        volts = 238 + 6 * _noise(device, 41 + n, state.at)
        output = state.flow.inverter / phases
        values[f"grid_voltage_{n}"] = volts
        values[f"grid_current_{n}"] = abs(output) / volts
        values[f"inverter_power_{n}"] = output
        if device.model.metered:
            values[f"load_power_{n}"] = state.flow.load * share
            values[f"grid_power_{n}"] = state.flow.load * share - output
    return values


def batteries(device: FoxDevice, state: State) -> list[Values]:
    """Return the values of each battery; together they are the home's."""
    total = sum(battery.capacity for battery in device.batteries)
    spread = min(1.5, state.soc, 100 - state.soc) if len(device.batteries) > 1 else 0.0
    values: list[Values] = []
    for n, battery in enumerate(device.batteries):
        share = battery.capacity / total
        lean = spread * (1 - share) * (1 if n == 0 else -1)
        soc = state.soc + lean
        power = state.flow.battery * share
        volts = device.model.battery_volts - 15 + 0.3 * soc
        charged = state.totals["battery_charge_energy"] * share
        discharged = state.totals["battery_discharge_energy"] * share
        soh = device.home.spec.soh * 100
        values.append(
            {
                "battery_soc": soc,
                "battery_soh": soh,
                "battery_power": power,
                "battery_capacity": battery.capacity,
                "battery_remaining_energy": battery.capacity * soh * soc / 10_000,
                "battery_temperature": 24 + 4 * _noise(device, 50 + n, state.at / 6),
                "battery_voltage": volts,
                "battery_current": power / volts,
                "battery_charge_energy": charged,
                "battery_discharge_energy": discharged,
                "battery_throughput": charged + discharged,
                "battery_cycles": int(discharged / battery.capacity),
            }
        )
    return values


def _temperatures(device: FoxDevice, state: State) -> Values:
    """Return temperatures in °C."""
    spec = device.home.spec
    sun = max(0.0, elevation(spec.latitude, spec.longitude, state.at))
    ambient = 11 + sun / 5 + 3 * _noise(device, 60, state.at / 8)
    heat = 18 * abs(state.flow.inverter) / spec.rated
    return {"ambient_temperature": ambient, "inverter_temperature": ambient + 8 + heat}


def _counters(device: FoxDevice, state: State) -> Values:
    """Return lifetime and today's energies in kWh, as far as the device has them."""
    totals = dict(state.totals)
    today = device.home.today(state.at)
    if not device.batteries:
        # Without a battery the vendor counts the production alone.
        totals["pv_energy"] = totals["inverter_energy"]
        today["pv_energy"] = today["inverter_energy"]
    keys = [key for key in totals if _has(device, key)]
    return {key: totals[key] for key in keys} | {
        f"{key}_today": today[key] for key in keys
    }


def _has(device: FoxDevice, key: str) -> bool:
    """Say whether a device can know a counter."""
    if key.startswith("battery_"):
        return bool(device.batteries)
    if key.startswith(("grid_", "load_")):
        return device.model.metered
    return True


def inverter(device: FoxDevice, at: float) -> Values:
    """Return the true values of an inverter at an instant."""
    state = device.home.state(at)
    flow = state.flow
    values: Values = {"pv_power": flow.pv, "inverter_power": flow.inverter}
    if device.model.metered:
        values |= {"load_power": flow.load, "grid_power": flow.grid}
    packs = batteries(device, state)
    if packs:
        total = device.home.spec.capacity
        values |= {
            "battery_power": flow.battery,
            "battery_soc": state.soc,
            "battery_soh": packs[0]["battery_soh"],
            "battery_capacity": total,
            "battery_remaining_energy": sum(
                p["battery_remaining_energy"] for p in packs
            ),
            "battery_throughput": sum(p["battery_throughput"] for p in packs),
            "backup_power": 0.0,
        }
    values |= _strings(device, state) | _mains(device, state)
    values |= _temperatures(device, state) | _counters(device, state)
    values |= {"reactive_power": 0.0, "power_factor": 1.0}
    fault = device.fault(at)
    values["problem"] = fault is not None
    values["inverter_state"] = _inverter_state(flow.pv, packs, fault)
    if device.asleep(at) and fault is None:
        values["inverter_state"] = "standby"
    return values


def _inverter_state(pv: float, packs: list[Values], fault: Any) -> str:
    """Return the state of the inverter in the words of DESIGN §5."""
    if fault is not None:
        return "fault"
    return "producing" if packs or pv > 0 else "waiting"


PLANT_KEYS = (
    "pv_power",
    "load_power",
    "grid_power",
    "battery_power",
    "inverter_power",
    "backup_power",
    "battery_soc",
    "battery_soh",
    "battery_capacity",
    "battery_remaining_energy",
    "problem",
)


def plant(device: FoxDevice, at: float) -> Values:
    """Return the true values of the plant of an inverter."""
    whole = inverter(device, at)
    values = {key: whole[key] for key in PLANT_KEYS if key in whole}
    values |= {key: item for key, item in whole.items() if "_energy" in key}
    values["plant_health"] = "faulty" if whole["problem"] else "healthy"
    if device.batteries:
        values["active_mode"] = device.home.state(at).orders.label
    return values
