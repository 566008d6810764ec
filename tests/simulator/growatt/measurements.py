"""What the devices measure: DESIGN §5's keys, W, kWh, %, unrounded: the truth."""

from typing import Any

from ..base import Truth
from ..home import State
from ..weather import elevation, smooth, sunlight
from . import orders
from .device import UPLOAD_EVERY, Datalogger, GrowattDevice, GrowattPlant
from .models import MIX, SPA, TLX

type Values = dict[str, Any]

PHASE_LOADS = (0.45, 0.33, 0.22)


def noise(plant: GrowattPlant, n: int, at: float) -> float:
    """Return slow noise between -1 and 1."""
    return 2 * smooth(plant.home.spec.seed + n, at / 900) - 1


def sun_shares(plant: GrowattPlant) -> dict[str, float]:
    """Return each device's part of the sun that is let in."""
    shares = {d.sn: d.share * orders.is_on(d) for d in plant.devices}
    total = sum(shares.values())
    return {sn: share / total if total else 0.0 for sn, share in shares.items()}


def _strings(device: GrowattDevice, at: float, power: float) -> Values:
    """Return the strings' values."""
    values: Values = {}
    for n, share in enumerate(device.model.strings, start=1):
        volts = 0.0
        if power > 0:
            volts = 352.0 - 35 * n + 11 * noise(device.plant, 30 + n, at)
        values[f"string_power_{n}"] = power * share
        values[f"string_voltage_{n}"] = volts
        values[f"string_current_{n}"] = power * share / volts if volts else 0.0
    return values


def _mains(device: GrowattDevice, at: float, output: float) -> Values:
    """Return the values of the phases."""
    plant = device.plant
    values: Values = {"grid_frequency": 50 + 0.04 * noise(plant, 40, at)}
    for n in range(1, device.model.phases + 1):
        volts = 235 + 6 * noise(plant, 41 + n, at)
        power = output / device.model.phases
        values[f"grid_voltage_{n}"] = volts
        values[f"grid_current_{n}"] = abs(power) / volts
        values[f"inverter_power_{n}"] = power
    return values


def batteries(device: GrowattDevice, state: State) -> list[Values]:
    """Return the values of each battery of a device."""
    spec = device.home.spec
    found: list[Values] = []
    for n, capacity in enumerate(spec.packs):
        share = capacity / spec.capacity
        volts = device.model.battery_volts * (0.96 + 0.0008 * state.soc)
        power = state.flow.battery * share
        charged = state.totals["battery_charge_energy"] * share
        discharged = state.totals["battery_discharge_energy"] * share
        today = device.home.today(state.at)
        found.append(
            {
                "battery_soc": state.soc,
                "battery_soh": spec.soh * 100,
                "battery_power": power,
                "battery_temperature": 24
                + 4 * noise(device.plant, 50 + n, state.at / 6),
                "battery_voltage": volts,
                "battery_current": power / volts,
                "battery_charge_energy": charged,
                "battery_discharge_energy": discharged,
                "battery_charge_energy_today": today["battery_charge_energy"] * share,
                "battery_discharge_energy_today": today["battery_discharge_energy"]
                * share,
                "battery_cycles": int(discharged / capacity),
            }
        )
    return found


def _counters(device: GrowattDevice, state: State) -> Values:
    """Return lifetime and today's energies in kWh, as far as the device has them."""
    spec = device.home.spec
    alone = len(device.plant.devices) == 1
    values: Values = {}
    for suffix, totals in (
        ("", state.totals),
        ("_today", device.home.today(state.at)),
    ):
        own = {"pv_energy": totals["pv_energy"] * device.share}
        if alone:
            own["inverter_energy"] = totals["inverter_energy"]
        elif not device.model.battery:
            own["inverter_energy"] = own["pv_energy"] * spec.efficiency
        if device.model.metered:
            for key in ("grid_import_energy", "grid_export_energy", "load_energy"):
                own[key] = totals[key]
        if device.model.battery:
            for key in ("battery_charge_energy", "battery_discharge_energy"):
                own[key] = totals[key]
        if not device.model.strings:
            del own["pv_energy"]
        values |= {f"{key}{suffix}": value for key, value in own.items()}
    return values


def _inverter_power(device: GrowattDevice, state: State, pv: float) -> float:
    """Return a device's part of the AC power; a battery device takes the rest."""
    if not device.model.battery:
        return pv * device.home.spec.efficiency
    shares = sun_shares(device.plant)
    others = sum(shares[d.sn] for d in device.plant.devices if d is not device)
    return state.flow.inverter - others * state.flow.pv * device.home.spec.efficiency


def measured(device: GrowattDevice, at: float) -> Values:
    """Return everything that is true of a device at an instant."""
    state = device.home.state(at)
    flow, spec = state.flow, device.home.spec
    pv = flow.pv * sun_shares(device.plant)[device.sn]
    output = _inverter_power(device, state, pv)
    heat = 18 * abs(output) / device.model.rated
    values: Values = {
        "pv_power": pv,
        "inverter_power": output,
        "inverter_temperature": 30 + heat + 2 * noise(device.plant, 60, at),
        "power_factor": 1.0,
        "inverter_state": inverter_state(device, at, pv),
        "problem": device.fault(at) is not None,
        "online": not device.lost(at),
    }
    if device.model.metered:
        values |= {"load_power": flow.load, "grid_power": flow.grid}
    if device.model.battery and not device.without_battery:
        values |= {"battery_power": flow.battery, "battery_soc": state.soc}
    if device.family is SPA:
        values["external_pv_power"] = (flow.pv - pv) * spec.efficiency
        del values["pv_power"]
    values |= _strings(device, at, pv) | _mains(device, at, output)
    return values | _counters(device, state)


def inverter_state(device: GrowattDevice, at: float, pv: float) -> str:
    """Return the state of a device in the words of DESIGN §5."""
    if device.fault(at) is not None:
        return "fault"
    if not orders.is_on(device):
        return "standby"
    return "producing" if device.model.battery or pv > 0 else "waiting"


HIDDEN = ("inverter_power_", "online")


def _shown(values: Values) -> Values:
    """Leave out what only the wire needs."""
    return {
        key: value
        for key, value in values.items()
        if not key.startswith(HIDDEN) and not key.startswith("_")
    }


# What nobody knows of an inverter that has shut down for the night.
UNKNOWN_ASLEEP = (
    "inverter_temperature", "inverter_state", "problem", "power_factor", "grid_",
    "string_voltage", "string_current",
)  # fmt: skip


def _awake_only(values: Values) -> Values:
    """Leave out what an inverter that sleeps does not tell."""
    return {k: v for k, v in values.items() if not k.startswith(UNKNOWN_ASLEEP)}


def metering(plant: GrowattPlant, at: float) -> Values:
    """Return what a smart meter measures."""
    state = plant.home.state(at)
    values: Values = {"grid_power": state.flow.grid}
    today = plant.home.today(at)
    for key in ("grid_import_energy", "grid_export_energy"):
        values[key] = state.totals[key]
        values[f"{key}_today"] = today[key]
    values["grid_frequency"] = 50 + 0.04 * noise(plant, 40, at)
    for n, share in enumerate(PHASE_LOADS, start=1):
        volts = 235 + 6 * noise(plant, 41 + n, at)
        values[f"grid_voltage_{n}"] = volts
        values[f"grid_power_{n}"] = state.flow.grid * share
        values[f"grid_current_{n}"] = abs(state.flow.grid) * share / volts
    return values


def environment(plant: GrowattPlant, at: float) -> Values:
    """Return what an environment sensor measures."""
    spec = plant.home.spec
    height = max(0.0, elevation(spec.latitude, spec.longitude, at))
    light = sunlight(spec.latitude, spec.longitude, spec.seed, at)
    ambient = 11 + height / 5 + 3 * noise(plant, 61, at / 8)
    return {
        "irradiance": 1000 * light,
        "ambient_temperature": ambient,
        "module_temperature": ambient + 24 * light,
        "wind_speed": 3.2 + 2.4 * noise(plant, 62, at),
    }


def whole(plant: GrowattPlant, at: float) -> Values:
    """Return what is true of a plant."""
    state = plant.home.state(at)
    flow = state.flow
    values: Values = {
        "pv_power": flow.pv,
        "inverter_power": flow.inverter,
        "load_power": flow.load,
        "grid_power": flow.grid,
        "battery_power": flow.battery,
        "battery_soc": state.soc,
        **state.totals,
        **{f"{key}_today": item for key, item in plant.home.today(at).items()},
    }
    values = {key: item for key, item in values.items() if key in plant.truth_keys}
    if plant.battery is not None and plant.battery.without_battery:
        values = {k: v for k, v in values.items() if not k.startswith("battery_")}
    faulty = any(device.fault(at) for device in plant.devices)
    values |= {
        "problem": faulty,
        "plant_health": "faulty" if faulty else "healthy",
        "online": not all(device.lost(at) for device in plant.devices),
    }
    if not plant.asleep(at) and not plant.asleep(at + UPLOAD_EVERY):
        values["data_timestamp"] = plant.local(plant.published(at)).isoformat()
    silent = [device for device in plant.devices if device.lost(at)]
    asleep = all(device.asleep(at) for device in silent)
    if values["online"] is False and not faulty and not asleep:
        values["plant_health"] = "disconnected"
    battery = plant.battery
    if battery is not None and battery.family in (TLX, MIX, SPA):
        values["active_mode"] = plant.home.state(at).orders.label
    return values


def _of_logger(plant: GrowattPlant, logger: Datalogger, at: float) -> Truth:
    """Return what is true behind a data logger."""
    found: Truth = {}
    if logger.meter is not None:
        found[f"{logger.sn}_{logger.meter}"] = metering(plant, at)
    if logger.environment is not None:
        found[f"{logger.sn}_{logger.environment}"] = environment(plant, at)
    return found


def truth(plant: GrowattPlant, at: float) -> Truth:
    """Return what is true of a plant and its devices."""
    found: Truth = {"": whole(plant, at)}
    for device in plant.devices:
        found[device.sn] = _shown(measured(device, at))
        if device.asleep(at):
            found[device.sn] = _awake_only(found[device.sn])
        if device.model.battery and not device.without_battery:
            packs = batteries(device, plant.home.state(at))
            for n, values in enumerate(packs, start=1):
                found[f"{device.sn}_battery_{n}"] = values
    for logger in plant.loggers:
        found |= _of_logger(plant, logger, at)
    return found
