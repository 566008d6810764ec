"""Each family's newest data as the wire names them, laid over the vendor's shapes."""

from collections.abc import Callable
from typing import Any

from . import measurements, orders, shapes
from .device import GrowattDevice
from .models import INVERTER, MAX, MIX, SPA, STORAGE, TLX
from .wire import calendar, garbage, noisy, shaped, stamp

type Sample = dict[str, Any]
type Values = dict[str, Any]

MAD_TOTALS = {"eToGridTotal": 5_912_446.4, "eToUserTotal": 19_387_220.1}


def _two(total: float, share: float) -> tuple[float, float]:
    """Return two parts of a counter that are exactly the whole, to 0.1."""
    first = round(round(total, 1) * share, 1)
    return first, round(round(total, 1) - first, 1)


def _positive(value: float) -> float:
    """Return a power in its own direction, else 0."""
    return round(max(0.0, value), 1)


def _strings(device: GrowattDevice, values: Values, power: str = "ppv") -> Sample:
    """Return voltage, current, power and energy of each string."""
    sample: Sample = {}
    left = {s: round(values[f"pv_energy{s}"], 1) for s in ("", "_today")}
    count = len(device.model.strings)
    for n, share in enumerate(device.model.strings, start=1):
        sample[f"vpv{n}"] = noisy(values[f"string_voltage_{n}"])
        sample[f"ipv{n}"] = noisy(values[f"string_current_{n}"])
        sample[f"{power}{n}"] = round(values[f"string_power_{n}"], 1)
        for suffix, word in (("", "Total"), ("_today", "Today")):
            part = round(values[f"pv_energy{suffix}"] * share, 1)
            part = left[suffix] if n == count else part
            left[suffix] = round(left[suffix] - part, 1)
            sample[f"epv{n}{word}"] = noisy(part) if word == "Today" else part
    return sample


def _phases(device: GrowattDevice, values: Values, names: str, own: str) -> Sample:
    """Return voltage, current and power of each phase under a family's names."""
    sample: Sample = {"fac": noisy(values["grid_frequency"], 2)}
    for n, name in zip(range(1, device.model.phases + 1), names, strict=False):
        sample[f"vac{name}"] = noisy(values[f"grid_voltage_{n}"])
        sample[f"iac{name}"] = noisy(values[f"grid_current_{n}"])
        sample[f"{own}{name}"] = noisy(values[f"inverter_power_{n}"])
    return sample


def _string_inverter(device: GrowattDevice, values: Values, at: float) -> Sample:
    """Return the data of a type 1 inverter, or of a MAX."""
    sample = _strings(device, values) | _phases(device, values, "rst", "pac")
    heat = noisy(values["inverter_temperature"])
    fault = device.fault(at)
    code = fault.args.get("code", 0) if fault else 0
    state = values["inverter_state"]
    sample |= {
        "ppv": round(values["pv_power"], 1),
        "pac": round(values["inverter_power"], 1),
        "powerToday": noisy(values["inverter_energy_today"]),
        "powerTotal": round(values["inverter_energy"], 1),
        "epvTotal": round(values["pv_energy"], 1),
        "temperature": heat,
        "temperature2": noisy(values["inverter_temperature"] + 2),
        "ipmTemperature": noisy(values["inverter_temperature"] + 4),
        "pf": 1.0,
        "pBusVoltage": noisy(362.4 if values["pv_power"] else 0),
        "faultType": code,
        "faultCode1": code,
        "warnCode": 0,
        "status": {"fault": 3, "waiting": 0, "standby": 0}.get(state, 1),
        "statusText": {"fault": "Fault", "producing": "Normal"}.get(state, "Waiting"),
        "time": stamp(device.plant, at),
    }
    if device.family is INVERTER:
        hours = (at - device.home.created) / 7200
        sample |= {
            "inverterId": device.sn,
            "timeTotal": hours,
            "timeTotalText": f"{hours:.1f}",
            "timeCalendar": calendar(at),
        }
        for n in range(1, len(device.model.strings) + 1):
            sample[f"vString{n}"] = sample[f"vpv{n}"]
            sample[f"currentString{n}"] = sample[f"ipv{n}"]
    else:
        sample |= {
            "eacToday": sample["powerToday"],
            "eacTotal": sample["powerTotal"],
            "serialNum": device.sn,
            "lost": True,
            "calendar": calendar(at),
        }
    return sample


def _grid(values: Values) -> tuple[float, float]:
    """Return import and export power."""
    grid = values["grid_power"]
    return _positive(grid), _positive(-grid)


def _battery(values: Values) -> tuple[float, float]:
    """Return charging and discharging power."""
    power = values.get("battery_power", 0.0)
    return _positive(-power), _positive(power)


def _storage(device: GrowattDevice, values: Values, at: float) -> Sample:
    """Return the data of a storage machine; the second channel is the SP3000's."""
    imported, exported = _grid(values)
    own = device.plant.home
    packs = measurements.batteries(device, own.state(at))
    share = packs[0]["battery_charge_energy"] / (values["battery_charge_energy"] or 1.0)
    state = 0 if values["inverter_state"] != "fault" else 3
    sample: Sample = {
        "serialNum": device.sn,
        "deviceType": 1 if device.model.second_battery else 0,
        "lost": True,
        "calendar": calendar(at),
        "time": stamp(device.plant, at),
        "ppv": round(values["string_power_1"], 1),
        "ppv2": round(values["string_power_2"], 1),
        "vpv": noisy(values["string_voltage_1"]),
        "vpv2": noisy(values["string_voltage_2"]),
        "ipv": noisy(values["string_current_1"]),
        "vBuck": noisy(values["string_voltage_1"]),
        "vBuck2": noisy(values["string_voltage_2"]),
        "vac": noisy(values["grid_voltage_1"]),
        "freqGrid": noisy(values["grid_frequency"], 2),
        "pacToUser": imported,
        "pacToGrid": exported,
        "iacToUser": noisy(imported / values["grid_voltage_1"]),
        "iacToGrid": noisy(exported / values["grid_voltage_1"]),
        "pacToUserText": f"{imported} W",
        "pacToGridText": f"{exported} W",
        "temperature": noisy(values["inverter_temperature"]),
        "ipmTemperature": noisy(values["inverter_temperature"] + 3),
        "normalPower": round(values["inverter_power"]),
        "sysOut": values["inverter_power"],
        "faultCode": _code(device, at),
        "errorCode": _code(device, at),
    }
    for key, name in (("grid_import_energy", "User"), ("grid_export_energy", "Grid")):
        sample[f"eTo{name}Today"] = round(values[f"{key}_today"], 1)
        sample[f"eTo{name}Total"] = round(values[key], 1)
    if device.plant.mad_totals:
        sample |= MAD_TOTALS
    for word, suffix in (("Total", ""), ("Today", "_today")):
        first, second = _two(values[f"pv_energy{suffix}"], device.model.strings[0])
        sample |= {f"epv{word}": first, f"epv{word}2": second}
    if not device.without_battery:
        charging, discharging = _battery(values)
        state = state or (1 if charging > 0 else 2 if discharging > 0 else 0)
        soc = round(values["battery_soc"])
        sample |= _storage_packs(device, values, packs, share)
        sample |= {"capacity": float(soc), "capacityText": f"{soc} %"}
    sample["status"] = state
    sample["statusText"] = ("Operating", "Charge", "Discharge", "Fault", "Flash")[state]
    return sample


def _storage_packs(
    device: GrowattDevice, values: Values, packs: list[Values], share: float
) -> Sample:
    """Return what a storage machine says of its batteries."""
    charging, discharging = _battery(values)
    sample: Sample = {
        "vBat": noisy(packs[0]["battery_voltage"]),
        "batTemp": noisy(packs[0]["battery_temperature"]),
        "soh": round(packs[0]["battery_soh"], 1),
        "pCharge": round(charging * share, 1),
        "pDischarge": round(discharging * share, 1),
        "iCharge": noisy(charging * share / packs[0]["battery_voltage"]),
        "iDischarge": noisy(discharging * share / packs[0]["battery_voltage"]),
        "cycleCount": packs[0]["battery_cycles"],
    }
    sample["pChargeText"] = f"{sample['pCharge']} W"
    sample["pDischargeText"] = f"{sample['pDischarge']} W"
    if device.model.second_battery:
        sample |= {
            "pCharge2": round(charging - sample["pCharge"], 1),
            "pDischarge2": round(discharging - sample["pDischarge"], 1),
            "soh2": round(packs[1]["battery_soh"], 1),
            "cycleCount2": packs[1]["battery_cycles"],
        }
    for key, name in (
        ("battery_charge_energy", "eCharge"),
        ("battery_discharge_energy", "eDischarge"),
    ):
        for word, suffix in (("Total", ""), ("Today", "_today")):
            first, second = _two(values[f"{key}{suffix}"], share)
            sample |= {f"{name}{word}": first, f"{name}{word}2": second}
    return sample


def _code(device: GrowattDevice, at: float) -> int:
    """Return the code of the fault that a device reports, 0 without any."""
    fault = device.fault(at)
    return int(fault.args.get("code", 0)) if fault else 0


def _tlx(device: GrowattDevice, values: Values, at: float) -> Sample:
    """Return the data of a MIN."""
    state = values["inverter_state"]
    sample = _strings(device, values) | _phases(device, values, "123", "pac")
    sample |= {
        "ppv": round(values["pv_power"], 1),
        "pac": round(values["inverter_power"], 1),
        "eacToday": noisy(values["inverter_energy_today"]),
        "eacTotal": round(values["inverter_energy"], 1),
        "epvTotal": round(values["pv_energy"], 1),
        "temp1": noisy(values["inverter_temperature"]),
        "temp5": noisy(values["inverter_temperature"] + 4),
        "pf": 1.0,
        "timeTotal": round((at - device.home.created) * 2, 1),
        "time": stamp(device.plant, at),
        "calendar": calendar(at),
        "lost": True,
        "status": {"fault": 3, "producing": 1}.get(state, 0),
        "statusText": {"fault": "Fault", "producing": "Normal"}.get(state, "Waiting"),
        "faultType": _code(device, at),
        "errorText": "Unknown",
        "warnText": "Unknown",
        "epsPf": -1.0,
        **dict.fromkeys(
            ("eex1Today", "eex1Total", "eex2Today", "eex2Total", "pex1", "pex2"), -0.1
        ),
    }
    if device.model.metered:
        sample |= _tlx_grid(values)
    if device.model.battery and not device.without_battery:
        sample |= _tlx_battery(device, values, at)
    return sample


def _tlx_grid(values: Values) -> Sample:
    """Return what a MIN knows of house and grid."""
    imported, exported = _grid(values)
    return {
        "pacToLocalLoad": round(values["load_power"], 1),
        "pacToUserTotal": imported,
        "pacToGridTotal": exported,
        "elocalLoadToday": noisy(values["load_energy_today"]),
        "elocalLoadTotal": round(values["load_energy"], 1),
        "etoUserToday": noisy(values["grid_import_energy_today"]),
        "etoUserTotal": round(values["grid_import_energy"], 1),
        "etoGridToday": noisy(values["grid_export_energy_today"]),
        "etoGridTotal": round(values["grid_export_energy"], 1),
        "eselfToday": noisy(
            max(0.0, values["load_energy_today"] - values["grid_import_energy_today"])
        ),
        "eselfTotal": round(values["load_energy"] - values["grid_import_energy"], 1),
        "pself": round(max(0.0, values["load_power"] - imported), 1),
    }


def _tlx_battery(device: GrowattDevice, values: Values, at: float) -> Sample:
    """Return what a MIN says of its battery, and of one that it does not have."""
    pack = measurements.batteries(device, device.home.state(at))[0]
    charging, discharging = _battery(values)
    seed = device.home.spec.seed
    soc = round(values["battery_soc"])
    sample: Sample = {
        "batteryNo": 1,
        "batterySN": "\0" * 16,
        "bmsSoc": float(soc),
        "bdc1Soc": float(soc),
        "bmsSoh": float(round(pack["battery_soh"])),
        "bmsVbat": noisy(pack["battery_voltage"]),
        "bdc1Vbat": noisy(pack["battery_voltage"]),
        "bmsIbat": noisy(pack["battery_current"]),
        "bdc1Ibat": noisy(pack["battery_current"]),
        "bmsTemp1Bat": noisy(pack["battery_temperature"]),
        "bdc1ChargePower": charging,
        "bdc1DischargePower": discharging,
        "bdc1Status": 1,
        "bdc1Mode": 1 if charging else 2 if discharging else 0,
        "bmsStatus": 1,
        "bdc2Soc": 3.0,
        "bdc2ChargeTotal": garbage(seed, 1, 900),
        "bdc2DischargeTotal": garbage(seed, 2, 900),
        "bdc2FaultType": 7,
        "bdc2WarnCode": 1,
        "bdc2Temp1": garbage(seed, 3, 40),
        "uwSysWorkMode": 5,
    }
    for key, name in (("charge", "Charge"), ("discharge", "Discharge")):
        today = values[f"battery_{key}_energy_today"]
        total = round(values[f"battery_{key}_energy"], 1)
        sample |= {f"e{key}Today": noisy(today), f"e{key}Total": total}
        sample[f"bdc1{name}Total"] = total
    return sample


def _mix(device: GrowattDevice, values: Values, at: float) -> Sample:
    """Return the data of an SPH."""
    sample = _strings(device, values) | _hybrid(device, values, at)
    return sample | {
        "ppv": round(values["pv_power"], 1),
        "ppvText": f"{round(values['pv_power'], 1)} W",
        "epvTotal": round(values["pv_energy"], 1),
        "pac": round(max(0.0, values["inverter_power"]), 1),
        "eacToday": noisy(values["inverter_energy_today"]),
        "eacTotal": round(values["inverter_energy"], 1),
        "edischargeToday": round(values["battery_discharge_energy_today"], 1),
        "edischargeTotal": round(values["battery_discharge_energy"], 1),
        "status": 5,
        "statusText": "PV Bat Online",
        "uwSysWorkMode": 5,
    }


def _spa(device: GrowattDevice, values: Values, at: float) -> Sample:
    """Return the data of an SPA, which sees a PV inverter next to it."""
    others = measurements.whole(device.plant, at)
    today = round(others["pv_energy_today"], 1)
    return _hybrid(device, values, at) | {
        "ppvInverter": round(values["external_pv_power"], 1),
        "epvInverterToday": today,
        "epvInverterTotal": round(others["pv_energy"], 1),
        "pac": round(max(0.0, values["inverter_power"]), 1),
        "eacToday": noisy(values["battery_discharge_energy_today"]),
        "eacTotal": round(values["battery_discharge_energy"], 1),
        "edischarge1Today": round(values["battery_discharge_energy_today"], 1),
        "edischarge1Total": round(values["battery_discharge_energy"], 1),
        "status": 6,
        "statusText": "Bat Online",
        "uwSysWorkMode": 6,
        "errorCode": _code(device, at) or -1,
        "faultCode": _code(device, at) or -1,
        "faultBitCode": -1,
        "warnCode": -1,
        "timeTotal": -0.5,
    }


def _hybrid(device: GrowattDevice, values: Values, at: float) -> Sample:
    """Return what SPH and SPA have in common."""
    pack = measurements.batteries(device, device.home.state(at))[0]
    imported, exported = _grid(values)
    charging, discharging = _battery(values)
    soc = round(values.get("battery_soc", 0.0))
    sample: Sample = {
        "fac": noisy(values["grid_frequency"], 2),
        "vac1": noisy(values["grid_voltage_1"]),
        "pac1": noisy(max(0.0, values["inverter_power_1"])),
        "soc": float(soc),
        "socText": f"{soc}%",
        "bmsSOC": soc,
        "bmsSOH": round(pack["battery_soh"]),
        "bmsCycleCnt": pack["battery_cycles"],
        "bmsBatteryVolt": noisy(pack["battery_voltage"], 2),
        "bmsBatteryCurr": noisy(pack["battery_current"], 2),
        "bmsBatteryTemp": noisy(pack["battery_temperature"]),
        "vbat": noisy(pack["battery_voltage"]),
        "pcharge1": charging,
        "pdischarge1": discharging,
        "pacToUserR": imported,
        "pacToUserTotal": imported,
        "pacToGridR": exported,
        "pacToGridTotal": exported,
        "plocalLoadR": round(values["load_power"], 1),
        "plocalLoadTotal": round(values["load_power"], 1),
        "acChargePower": round(max(0.0, -values["inverter_power"]), 1),
        "echarge1Today": round(values["battery_charge_energy_today"], 1),
        "echarge1Total": round(values["battery_charge_energy"], 1),
        "etoUserToday": round(values["grid_import_energy_today"], 1),
        "etoUserTotal": round(values["grid_import_energy"], 1),
        "etoGridToday": round(values["grid_export_energy_today"], 1),
        "etogridTotal": round(values["grid_export_energy"], 1),
        "elocalLoadToday": round(values["load_energy_today"], 1),
        "elocalLoadTotal": round(values["load_energy"], 1),
        "priorityChoose": float(orders.priority(device, at)),
        "temp1": noisy(values["inverter_temperature"]),
        "temp2": noisy(values["inverter_temperature"] + 2),
        "upsPF": 1000.0,
        "errorCode": _code(device, at),
        "faultCode": _code(device, at),
        "errorText": "Unknown",
        "warnText": "Unknown",
        "sysFaultWord7": 256,
        "time": stamp(device.plant, at),
        "calendar": calendar(at),
        "lost": True,
        "serialNum": device.sn,
    }
    return sample


FAMILIES: dict[str, tuple[dict[str, str], Callable[..., Sample]]] = {
    INVERTER.name: (shapes.INVERTER, _string_inverter),
    STORAGE.name: (shapes.STORAGE, _storage),
    MAX.name: (shapes.MAX, _string_inverter),
    MIX.name: (shapes.SPH, _mix),
    SPA.name: (shapes.SPA, _spa),
    TLX.name: (shapes.MIN, _tlx),
}


def sample(device: GrowattDevice, at: float, measured: float | None = None) -> Sample:
    """Return a device's data as uploaded at an instant, measured then or before."""
    shape, fill = FAMILIES[device.family.name]
    when = at if measured is None else measured
    values = measurements.measured(device, when)
    found = shaped(shape) | fill(device, values, when)
    if measured is not None:
        found["time"] = stamp(device.plant, at)
        clock = "timeCalendar" if device.family is INVERTER else "calendar"
        found[clock] = calendar(at)
    return found
