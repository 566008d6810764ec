"""Powers as gateways last told them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ..model import Reading
from ..values import number, text
from .listing import System

WH = 1000

# `operational_mode` of a battery -> our words, and which way its power goes.
STATES: dict[str, tuple[str, int]] = {
    "idle": ("idle", 0),
    "charging": ("charging", -1),
    "discharging": ("discharging", 1),
}

type Found = dict[str, dict[str, Reading]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What a summary tells: the production, and the Wh until the last midnight."""

    readings: dict[str, Reading]
    before: float | None = None


def summary(body: Any) -> Summary:
    """Return the production of the last interval, of the day and until today ("summary").

    Its battery_charge_w and battery_discharge_w are ratings, no powers.
    """
    row = body if isinstance(body, Mapping) else {}
    at = _instant(row.get("last_interval_end_at"))
    if at is None:
        return Summary(readings={})
    found: dict[str, float] = {}
    if (power := number(row.get("current_power"))) is not None:
        found |= {"pv_power": max(0.0, power), "inverter_power": power}
    before, today = number(row.get("energy_lifetime")), number(row.get("energy_today"))
    if today is not None and today >= 0:
        found |= _both("_energy_today", today)
        if before is not None and before >= 0:
            found |= _both("_energy", before + today)
    return Summary(
        readings={key: Reading(value=value, at=at) for key, value in found.items()},
        before=before if "pv_energy" in found else None,
    )


def _both(key: str, wh: float) -> dict[str, float]:
    """Return a production under both its names: microinverters make AC where the sun is."""
    return {f"{what}{key}": round(wh / WH, 3) for what in ("pv", "inverter")}


def latest(body: Any, system: System) -> Found:
    """Return powers by meter and battery ("latest_telemetry").

    A net meter's consumption is production plus grid: what the batteries take is in it.
    """
    devices = body.get("devices") if isinstance(body, Mapping) else None
    groups = devices if isinstance(devices, Mapping) else {}
    found = _batteries(groups.get("encharges"), system)
    powers: dict[str, float] = {}
    stamps = [rows["battery_power"].at for rows in found.values()]
    for row, power, at in _told(groups.get("meters")):
        name = str(row.get("name"))
        powers[name] = powers.get(name, 0.0) + power
        stamps.append(at)
    # A part of the batteries is not what all of them do.
    battery: float | None = None
    if len(found) == len(system.batteries):
        battery = sum(float(row["battery_power"].value or 0) for row in found.values())
    if own := _plant(powers, battery, system):
        at = min(stamps)
        found[system.id] = {
            key: Reading(value=value, at=at) for key, value in own.items()
        }
    return found


def _plant(
    powers: Mapping[str, float], battery: float | None, system: System
) -> dict[str, float | bool]:
    """Return what a system's meters say, in our signs."""
    own: dict[str, float | bool] = {}
    if battery is not None and system.batteries:
        own |= {"battery_power": battery, "battery_charging": battery < 0}
    if (produced := powers.get("production")) is not None:
        own |= {"pv_power": max(0.0, produced), "inverter_power": produced}
    if (used := powers.get("consumption")) is None or battery is None:
        return own
    load = used + battery if system.consumption_is_net else used
    own["load_power"] = max(0.0, load)
    if produced is not None:
        own["grid_power"] = load - produced - battery
    return own


def _batteries(rows: Any, system: System) -> Found:
    """Return power and state of each battery; theirs is + while they charge.

    No document tells the sign for sure: where mode and sign disagree, the mode is right.
    """
    found: Found = {}
    for row, power, at in _told(rows):
        serial = system.batteries.get(str(row.get("id")))
        mode = STATES.get((text(row.get("operational_mode")) or "").lower())
        if serial is None:
            continue
        own = abs(power) * mode[1] if mode and mode[1] else -power
        found[serial] = {
            "battery_power": Reading(value=own, at=at),
            "battery_charging": Reading(value=own < 0, at=at),
        }
        if mode:
            found[serial]["battery_state"] = Reading(value=mode[0], at=at)
    return found


def _told(
    rows: Any,
) -> Iterable[tuple[Mapping[str, Any], float, datetime]]:
    """Yield the rows that tell a power, with it and its instant."""
    for row in rows if isinstance(rows, list) else ():
        if not isinstance(row, Mapping):
            continue
        power, at = number(row.get("power")), _instant(row.get("last_report_at"))
        if power is not None and at is not None:
            yield row, power, at


def _instant(stamp: Any) -> datetime | None:
    found = number(stamp)
    return datetime.fromtimestamp(found, UTC) if found else None
