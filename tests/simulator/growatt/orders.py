"""Settings of each family, and what they tell the battery at an instant."""

from dataclasses import replace
from math import inf
from typing import TYPE_CHECKING, Any

from ..physics import Mode, Orders
from .models import MIX, SPA, STORAGE, TLX, Model

if TYPE_CHECKING:
    from .device import GrowattDevice

LOAD_FIRST, BATTERY_FIRST, GRID_FIRST = "0", "1", "2"
LAST_MINUTE = 23 * 60 + 59
DAY_MINUTES = 1440
CHARGE_AC = "storage_ac_charge_enable_disenable"


def _tlx() -> dict[str, Any]:
    """Return the settings of a MIN as its owner left them."""
    settings: dict[str, Any] = {
        "onOff": "1", "activeRate": "100", "acChargeEnable": "0",
        "chargePowerCommand": "100", "wchargeSOCLowLimit": "95",
        "disChargePowerCommand": "100", "wdisChargeSOCLowLimit": "15",
        "onGridDischargeStopSOC": "12", "ubAcChargingStopSOC": "90",
        "exportLimit": "0", "exportLimitPowerRate": "100",
    }  # fmt: skip
    for n in range(1, 10):
        settings |= {
            f"time{n}Mode": LOAD_FIRST,
            f"forcedTimeStart{n}": "0:0",
            f"forcedTimeStop{n}": "0:0",
            f"forcedStopSwitch{n}": "0",
        }
    return settings


def _mix() -> dict[str, Any]:
    """Return the settings of an SPH or SPA."""
    settings: dict[str, Any] = {
        "onOff": "1", "activeRate": "100", "acChargeEnable": "0",
        "chargePowerCommand": "80", "disChargePowerCommand": "90",
        "wchargeSOCLowLimit1": "100", "wchargeSOCLowLimit2": "88",
        "wdisChargeSOCLowLimit1": "14", "wdisChargeSOCLowLimit2": "24",
        "exportLimit": "0", "exportLimitPowerRate": "100",
        "mix_single_export": "0", "mix_off_grid_enable": "0",
    }  # fmt: skip
    for n in (1, 2, 3):
        for what in ("Charge", "Discharge"):
            settings |= {
                f"forced{what}TimeStart{n}": "0:0",
                f"forced{what}TimeStop{n}": "0:0",
                f"forced{what}StopSwitch{n}": "0",
            }
    return settings


def _storage() -> dict[str, Any]:
    """Return the settings of a storage machine, by the ids that set them."""
    return {
        "storage_cmd_on_off": "0001", "storage_cmd_mode": "0",
        "storage_cmd_forced_discharge_enable": "1", "storage_lithium_battery": "6",
        "storage_fdt_open_voltage": "380,0.75",
        "storage_cmd_forced_discharge_time1": "18,0,20,30",
        CHARGE_AC: "0", "storage_ac_charge_hour_start": "1,0,4,30",
        "storage_ac_charge_soc_limit": "70",
    }  # fmt: skip


def defaults(model: Model) -> dict[str, Any]:
    """Return the settings of a new device of a model."""
    if model.family is STORAGE:
        return _storage()
    if model.family is TLX:
        return _tlx()
    if model.family in (MIX, SPA):
        return _mix()
    return {"onOff": "1", "activeRate": "100", "pv_pf_cmd_memory_state": "1"}


def is_on(device: GrowattDevice) -> bool:
    """Say whether a device is switched on."""
    if device.family is STORAGE:
        return bool(device.settings["storage_cmd_on_off"] != "0000")
    return bool(device.settings["onOff"] == "1")


def rate(device: GrowattDevice) -> float:
    """Return the active power rate in %."""
    return float(device.settings.get("activeRate", "100"))


def minute(text: str) -> int:
    """Return the minute of the day of a time such as 6:0."""
    hours, _, minutes = text.partition(":")
    return int(hours) * 60 + int(minutes)


def within(now: int, start: int, stop: int) -> bool:
    """Say whether a minute lies in a window; 23:59 reaches midnight."""
    return start <= now < (DAY_MINUTES if stop == LAST_MINUTE else stop)


def segments(device: GrowattDevice) -> list[tuple[str, int, int, bool]]:
    """Return mode, start, stop and whether it counts, of each time segment."""
    held = device.settings
    found: list[tuple[str, int, int, bool]] = []
    if device.family is TLX:
        for n in range(1, 10):
            start, stop = held[f"forcedTimeStart{n}"], held[f"forcedTimeStop{n}"]
            on = held[f"forcedStopSwitch{n}"] == "1"
            found.append((held[f"time{n}Mode"], minute(start), minute(stop), on))
    elif device.family in (MIX, SPA):
        for what, mode in (("Charge", BATTERY_FIRST), ("Discharge", GRID_FIRST)):
            for n in (1, 2, 3):
                start = held[f"forced{what}TimeStart{n}"]
                stop = held[f"forced{what}TimeStop{n}"]
                on = held[f"forced{what}StopSwitch{n}"] == "1"
                found.append((mode, minute(start), minute(stop), on))
    return found


def priority(device: GrowattDevice, at: float) -> str:
    """Return which priority is in force: 0 load, 1 battery, 2 grid."""
    now = device.local_minute(at)
    for mode, start, stop, on in segments(device):
        if on and within(now, start, stop):
            return mode
    return LOAD_FIRST


WORDS = {
    LOAD_FIRST: "self_consumption",
    BATTERY_FIRST: "charge_priority",
    GRID_FIRST: "feed_in_priority",
}


def label(device: GrowattDevice) -> str:
    """Return the mode: of the whole day, or of windows."""
    used = [row for row in segments(device) if row[3] and row[1] != row[2]]
    if not used:
        return WORDS[LOAD_FIRST]
    if len(used) == 1 and (used[0][1], used[0][2]) == (0, LAST_MINUTE):
        return WORDS[used[0][0]]
    return "time_of_use"


def orders(device: GrowattDevice, at: float) -> Orders:
    """Return what the battery of a device is told at an instant."""
    if not is_on(device) or device.without_battery:
        off = "standby" if not is_on(device) else "self_consumption"
        return Orders(mode=Mode.HOLD, label=off, charge_limit=0, discharge_limit=0)
    if device.family is STORAGE:
        return _of_storage(device, at)
    base = _base(device)
    rated = device.model.rated
    remote = device.remote
    if remote is not None and at < remote.until:
        return _remote(device, base, remote.percentage)
    held = device.settings
    match priority(device, at):
        case "1":
            charge = float(held["chargePowerCommand"]) / 100 * rated
            mode = Mode.CHARGE_PRIORITY
            stop = _charge_stop(device)
            if held["acChargeEnable"] == "1":
                mode = Mode.FORCE_CHARGE
            return replace(
                base, mode=mode, target=stop, ceiling=stop, charge_limit=charge
            )
        case "2":
            power = float(held["disChargePowerCommand"]) / 100 * rated
            return replace(
                base,
                mode=Mode.FORCE_DISCHARGE,
                floor=_discharge_stop(device),
                discharge_limit=power,
            )
    return base


def _base(device: GrowattDevice) -> Orders:
    """Return the orders of load first."""
    held = device.settings
    tlx = device.family is TLX
    floor = "onGridDischargeStopSOC" if tlx else "wdisChargeSOCLowLimit1"
    ceiling = 100.0 if tlx else float(held["wchargeSOCLowLimit1"])
    limit = inf
    alone = len(device.plant.devices) == 1
    most = rate(device) / 100 * device.model.rated
    if held["exportLimit"] != "0" and device.plant.metered:
        limit = float(held["exportLimitPowerRate"]) / 100 * device.model.rated
    return Orders(
        mode=Mode.SELF_CONSUMPTION,
        label=label(device),
        floor=float(held[floor]),
        ceiling=ceiling,
        export_limit=limit,
        active_limit=most if alone else inf,
        discharge_limit=inf if alone else most,
    )


def _charge_stop(device: GrowattDevice) -> float:
    """Return the state of charge at which battery first stops to charge."""
    tlx = device.family is TLX
    key = "wchargeSOCLowLimit" if tlx else "wchargeSOCLowLimit2"
    return float(device.settings[key])


def _discharge_stop(device: GrowattDevice) -> float:
    """Return the state of charge at which grid first stops to discharge."""
    tlx = device.family is TLX
    key = "onGridDischargeStopSOC" if tlx else "wdisChargeSOCLowLimit2"
    return float(device.settings[key])


def _remote(device: GrowattDevice, base: Orders, percentage: float) -> Orders:
    """Return the orders of a remote command."""
    power = abs(percentage) / 100 * device.model.rated
    if percentage > 0:
        return replace(base, mode=Mode.FORCE_CHARGE, charge_limit=power)
    if percentage < 0:
        return replace(base, mode=Mode.FORCE_DISCHARGE, discharge_limit=power)
    return replace(base, mode=Mode.HOLD, charge_limit=0, discharge_limit=0)


def _of_storage(device: GrowattDevice, at: float) -> Orders:
    """Return what a storage machine is told."""
    held = device.settings
    now = device.local_minute(at)
    base = Orders(
        label="self_consumption",
        floor=float(held["storage_lithium_battery"]),
    )
    if held[CHARGE_AC] == "1" and _open(held["storage_ac_charge_hour_start"], now):
        stop = float(held["storage_ac_charge_soc_limit"])
        return replace(base, mode=Mode.FORCE_CHARGE, target=stop)
    forced = held["storage_cmd_forced_discharge_enable"] == "0"
    if forced and _open(held["storage_cmd_forced_discharge_time1"], now):
        return replace(base, mode=Mode.FORCE_DISCHARGE)
    return base


def _open(window: str, now: int) -> bool:
    """Say whether a minute lies in a window such as 18,0,20,30."""
    start_hour, start_minute, stop_hour, stop_minute = map(int, window.split(","))
    start = start_hour * 60 + start_minute
    return within(now, start, stop_hour * 60 + stop_minute)
