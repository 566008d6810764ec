"""Microinverters: power and lifetime energy of each ("inverters_summary")."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from ..model import Reading
from ..values import number, text
from . import endpoints as on
from .client import EnphaseClient
from .listing import System

PAGE = 100
MOST_PAGES = 20
STEP = 300

# Unit of an energy -> kWh.
UNITS = {"Wh": 1e-3, "kWh": 1.0, "kJ": 1 / 3600}

# Status of a microinverter -> ours.
STATES = {"normal": "producing", "comm": "offline", "power": "fault", "micro": "fault"}

type Found = dict[str, dict[str, Reading]]


async def fetch(client: EnphaseClient, system: System) -> Found:
    """Return the values of all microinverters of a system."""
    if client.is_old:
        body = await client.call(on.OLD_INVERTERS, params={"site_id": system.id})
        return _read(body)
    found: Found = {}
    for page in range(1, MOST_PAGES + 1):
        asked = {"site_id": system.id, "page": str(page), "size": str(PAGE)}
        part = _read(await client.call(on.INVERTERS, params=asked, about=system.id))
        found |= part
        if len(part) < PAGE:
            break
    return found


def _read(body: Any) -> Found:
    """Read the rows of all gateways; power is a number or an object with its unit."""
    found: Found = {}
    for gateway in body if isinstance(body, list) else ():
        rows = gateway.get("micro_inverters") if isinstance(gateway, Mapping) else None
        for row in rows if isinstance(rows, list) else ():
            if isinstance(row, Mapping) and (serial := text(row.get("serial_number"))):
                found[serial] = _values(row)
    return found


def _values(row: Mapping[str, Any]) -> dict[str, Reading]:
    stamp = number(row.get("last_report_date"))
    if not stamp:
        return {}
    # What is told is of the interval that had ended by the report.
    at = datetime.fromtimestamp(stamp // STEP * STEP, UTC)
    values: dict[str, float | str | bool] = {}
    if (power := _value(row.get("power_produced"))) is not None:
        values["inverter_power"] = power
    if (energy := _value(row.get("energy"))) is not None:
        factor = UNITS.get(_unit(row.get("energy")), 1e-3)
        values["inverter_energy"] = round(energy * factor, 3)
    if (state := STATES.get(text(row.get("status")) or "")) is not None:
        values["inverter_state"] = state
        values["problem"] = state == "fault"
    return {key: Reading(value=value, at=at) for key, value in values.items()}


def _value(found: Any) -> float | None:
    return number(found.get("value") if isinstance(found, Mapping) else found)


def _unit(found: Any) -> str:
    return str(found.get("units")) if isinstance(found, Mapping) else "Wh"
