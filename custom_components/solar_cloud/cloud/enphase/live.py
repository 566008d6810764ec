"""Powers as gateways last told them."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from ..model import Reading
from ..values import number, text
from . import endpoints as on
from .client import EnphaseClient
from .listing import System

# `operational_mode` of a battery -> our words, and which way its power goes.
STATES: dict[str, tuple[str, int]] = {
    "idle": ("idle", 0),
    "charging": ("charging", -1),
    "discharging": ("discharging", 1),
}

type Found = dict[str, dict[str, Reading]]


async def fetch(client: EnphaseClient, system: System, *, covered: bool) -> Found:
    """Return a system's powers: by meter where it has meters, else from the summary.

    Raises NotInPlan where the plan has no consumption.
    """
    if covered and not client.is_old and system.has_production_meter:
        return latest(await client.call(on.LATEST, system=system.id), system)
    endpoint = on.OLD_SUMMARY if client.is_old else on.SUMMARY
    return summary(await client.call(endpoint, system=system.id), system)


def summary(body: Any, system: System) -> Found:
    """Return the production of the last interval ("summary").

    Its battery_charge_w and battery_discharge_w are ratings, no powers.
    """
    row = body if isinstance(body, Mapping) else {}
    power, at = (
        number(row.get("current_power")),
        _instant(row.get("last_interval_end_at")),
    )
    if power is None or at is None:
        return {}
    return {system.id: {"pv_power": Reading(value=power, at=at)}}


def latest(body: Any, system: System) -> Found:
    """Return powers by meter and battery ("latest_telemetry").

    A net meter's consumption is production plus grid: what the batteries take is in it.
    """
    devices = body.get("devices") if isinstance(body, Mapping) else None
    groups = devices if isinstance(devices, Mapping) else {}
    meters = list(_told(groups.get("meters")))
    found = _batteries(groups.get("encharges"), system)
    powers: dict[str, float] = {}
    stamps: list[datetime] = []
    for row, power, at in meters:
        name = str(row.get("name"))
        powers[name] = powers.get(name, 0.0) + power
        stamps.append(at)
    if not stamps:
        return found
    battery = sum(float(rows["battery_power"].value or 0.0) for rows in found.values())
    at = min(stamps)
    own = _plant(powers, battery, system)
    if found:
        own["battery_power"] = battery
    found[system.id] = {key: Reading(value=value, at=at) for key, value in own.items()}
    return found


def _plant(
    powers: Mapping[str, float], battery: float, system: System
) -> dict[str, float]:
    """Return what a system's meters say, in our signs."""
    own: dict[str, float] = {}
    if (produced := powers.get("production")) is not None:
        own["pv_power"] = produced
    if (used := powers.get("consumption")) is None:
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
        readings = {"battery_power": own}
        found[serial] = {
            key: Reading(value=value, at=at) for key, value in readings.items()
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
