"""Information and settings of a device, as the *_data_info endpoints show them."""

from collections.abc import Callable
from typing import Any

from . import measurements, orders, shapes
from .device import GrowattDevice
from .models import INVERTER, MAX, MIX, SPA, STORAGE, TLX
from .wire import server_stamp, server_time, shaped

type Info = dict[str, Any]

# The settings that are decimals in the answers; the rest are whole or words.
DECIMALS = ("exportLimitPowerRate", "activeRate", "wdisChargeSOCLowLimit")


def _number(key: str, value: str) -> Any:
    """Return a setting as the wire holds it: a number, or a time such as 6:0."""
    if ":" in value or not value.lstrip("-").replace(".", "").isdigit():
        return value
    return float(value) if key in DECIMALS else int(float(value))


def held(device: GrowattDevice) -> Info:
    """Return the settings as numbers."""
    return {key: _number(key, value) for key, value in device.settings.items()}


def _common(device: GrowattDevice, at: float) -> Info:
    """Return what every family tells."""
    newest = device.published(at)
    values = measurements.measured(device, newest)
    lost = device.lost(at)
    return {
        "alias": device.sn,
        "serialNum": device.sn,
        "dataLogSn": device.logger.sn,
        "fwVersion": "RA1.0",
        "innerVersion": "raaa040505",
        "communicationVersion": "ZAca-0017",
        "lastUpdateTime": server_time(newest),
        "lastUpdateTimeText": server_stamp(newest),
        "location": "",
        "lost": lost,
        "manufacturer": "Growatt",
        "modelText": device.model.text,
        "parentID": f"LIST_{device.logger.sn}_{device.family.type}",
        "plantId": 0,
        "power": round(max(0.0, values["inverter_power"]), 1),
        "status": -1 if lost else 1,
        "tcpServerIp": "192.0.2.7",
        "treeID": f"ST_{device.sn}",
        "treeName": device.sn,
        "timezone": device.plant.standard_offset(at) / 3600,
    }


def _clock(device: GrowattDevice, at: float) -> str:
    """Return what the device's own clock shows."""
    return f"{device.device_time(at):%Y-%m-%d %H:%M:%S}"


def _inverter(device: GrowattDevice, at: float) -> Info:
    """Return a type 1 inverter's basic information (4.3.15)."""
    values = measurements.measured(device, device.published(at))
    return (
        shaped(shapes.INVERTER_INFO)
        | _common(device, at)
        | {
            "nominalPower": int(device.model.rated),
            "eToday": round(values["inverter_energy_today"], 1),
            "eTotal": round(values["inverter_energy"], 1),
            "statusText": "inverter.status.normal",
        }
    )


def _max(device: GrowattDevice, at: float) -> Info:
    """Return a MAX's information."""
    values = measurements.measured(device, device.published(at))
    return (
        shaped(shapes.MAX_INFO)
        | _common(device, at)
        | {
            "normalPower": int(device.model.rated),
            "activeRate": float(device.settings["activeRate"]),
            "onOff": int(device.settings["onOff"]),
            "eToday": round(values["inverter_energy_today"], 1),
            "eTotal": round(values["inverter_energy"], 1),
            "sysTime": _clock(device, at),
        }
    )


def _storage(device: GrowattDevice, at: float) -> Info:
    """Return a storage machine's information; its settings are read one by one."""
    return (
        shaped(shapes.STORAGE_INFO)
        | _common(device, at)
        | {"deviceType": 1 if device.model.second_battery else 0, "level": 4}
    )


def _mix(device: GrowattDevice, at: float) -> Info:
    """Return an SPH's information and settings, flat."""
    switches = {
        f"{what}FirstSwitch{n}": 0 for what in ("bat", "grid") for n in (1, 2, 3)
    }
    return (
        shaped(shapes.SPH_INFO)
        | _common(device, at)
        | switches
        | held(device)
        | {"pmax": int(device.model.rated), "sysTime": _clock(device, at)}
        | {"priorityChoose": int(orders.priority(device, at)), "dtc": 3501}
    )


def _spa(device: GrowattDevice, at: float) -> Info:
    """Return an SPA's information and settings, under names of its own."""
    info = held(device)
    info["activePRate"] = info.pop("activeRate")
    for n in (1, 2, 3):
        info[f"batFirstSwitch{n}"] = info.pop(f"forcedChargeStopSwitch{n}")
        info[f"gridFirstSwitch{n}"] = info.pop(f"forcedDischargeStopSwitch{n}")
    return (
        shaped(shapes.SPA_INFO)
        | _common(device, at)
        | info
        | {"pmax": int(device.model.rated), "sysTime": _clock(device, at)}
        | {"priorityChoose": int(orders.priority(device, at)), "dtc": 3701}
    )


def tlx_settings(device: GrowattDevice, at: float) -> Info:
    """Return a MIN's settings, flat."""
    now = _clock(device, at)
    return (
        shaped(shapes.MIN_SETTINGS)
        | held(device)
        | {
            "serialNum": device.sn,
            "sysTime": now,
            "sysTimeText": now,
            "lastUpdateTime": server_time(at),
            "lastUpdateTimeText": server_stamp(at),
        }
    )


def _tlx(device: GrowattDevice, at: float) -> Info:
    """Return a MIN's information, with the settings nested in it."""
    return (
        shaped(shapes.MIN_INFO)
        | _common(device, at)
        | {
            "pmax": int(device.model.rated),
            "deviceType": 6,
            "dtc": 5300,
            "bdc1Sn": "XXXXXXXXXXXXXXXX" if device.model.battery else "",
            "priorityChoose": int(orders.priority(device, at)),
            "tlxSetbean": tlx_settings(device, at),
        }
    )


FAMILIES: dict[str, Callable[[GrowattDevice, float], Info]] = {
    INVERTER.name: _inverter,
    STORAGE.name: _storage,
    MAX.name: _max,
    MIX.name: _mix,
    SPA.name: _spa,
    TLX.name: _tlx,
}
