"""Intervals and daily series, as both versions serve them."""

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

from .system import QUARTER, System

FIVE = 300.0


def meta(system: System, at: float) -> dict[str, Any]:
    """Return the `meta` of an answer."""
    reported = system.reported(at)
    return {
        "status": system.status,
        "last_report_at": int(reported),
        "last_energy_at": int(reported // FIVE * FIVE),
        "operational_at": int(system.created),
    }


def ends(
    system: System, start: float, end: float, at: float, step: float
) -> Iterator[float]:
    """Yield the ends of the intervals that the cloud shows between two instants."""
    first = max(start, system.created) // step * step + step
    last = min(end, system.complete(at, step))
    while first <= last:
        yield first
        first += step


def micro(system: System, start: float, end: float, at: float) -> list[dict[str, Any]]:
    """Return what the microinverters produced in five minutes each; nights are gaps."""
    found = []
    for stop in ends(system, start, end, at, FIVE):
        produced = system.between("pv_energy", stop - FIVE, stop)
        if produced <= 0:
            continue
        produced = max(0, produced + system.corrected("pv_energy", stop - FIVE, at))
        reporting = len(system.micros) - system.late(stop, at)
        produced = round(produced * reporting / len(system.micros))
        found.append(
            {
                "end_at": int(stop),
                "devices_reporting": reporting,
                "powr": produced * 12,
                "enwh": produced,
            }
        )
    return found


def metered(
    system: System, key: str, field: str, start: float, end: float, at: float
) -> list[dict[str, Any]]:
    """Return what a meter counted in quarters of an hour."""
    return [
        {
            "end_at": int(stop),
            "devices_reporting": 1,
            field: system.between(key, stop - QUARTER, stop)
            + system.corrected(key, stop - QUARTER, at),
        }
        for stop in ends(system, start, end, at, QUARTER)
    ]


def battery(
    system: System, start: float, end: float, at: float
) -> list[dict[str, Any]]:
    """Return what the batteries did in quarters of an hour."""
    many = len(system.batteries)
    rows = []
    for stop in ends(system, start, end, at, QUARTER):
        charged = system.between("battery_charge_energy", stop - QUARTER, stop)
        spent = system.between("battery_discharge_energy", stop - QUARTER, stop)
        rows.append(
            {
                "end_at": int(stop),
                "charge": {"enwh": charged, "devices_reporting": many},
                "discharge": {"enwh": spent, "devices_reporting": many},
                "soc": {
                    "percent": round(system.home.state(stop).soc),
                    "devices_reporting": many,
                },
            }
        )
    return rows


def daily(system: System, key: str, first: date, last: date, at: float) -> list[int]:
    """Return a counter's growth in Wh of each day; what was not told of is 0."""
    known = system.complete(at)
    edges = [
        system.midnight(first + timedelta(days=n))
        for n in range((last - first).days + 2)
    ]
    counts = [system.watt_hours(key, min(edge, known)) for edge in edges]
    return [after - before for before, after in pairwise(counts)]


def energy_today(system: System, at: float) -> int:
    """Return the Wh produced since the local midnight, as far as it was told."""
    midnight = system.midnight(system.day(at))
    known = max(midnight, system.complete(at, FIVE))
    return system.between("pv_energy", midnight, known)


def summary(system: System, day: date, at: float) -> dict[str, Any]:
    """Return the summary of a day; of past days it knows only the energy."""
    midnight, now = system.midnight(day), day == system.day(at)
    known = system.complete(at, FIVE)
    following = system.midnight(day + timedelta(days=1))
    recent = system.between("pv_energy", known - FIVE, known) * 12
    return {
        "system_id": int(system.id),
        "current_power": recent if now else 0,
        "energy_lifetime": system.watt_hours("pv_energy", min(midnight, known)),
        "energy_today": energy_today(system, at)
        if now
        else system.between("pv_energy", midnight, min(following, known)),
        "last_interval_end_at": int(known),
        "last_report_at": int(system.reported(at)),
        "modules": len(system.micros) if now else 0,
        "operational_at": int(system.created),
        "size_w": int(system.home.spec.peak) if now else 0,
        "source": "meter" if system.production_meter else "microinverters",
        "status": system.status,
        "summary_date": day.isoformat(),
    }


def micros(
    system: System, at: float, chosen: Callable[[int], bool] = lambda _: True
) -> list[dict[str, Any]]:
    """Return the microinverters with power and lifetime energy."""
    known = system.complete(at, FIVE)
    power = system.between("pv_energy", known - FIVE, known) * 12
    total = system.watt_hours("pv_energy", known)
    rows = []
    for index, row in enumerate(system.micros):
        if not chosen(index):
            continue
        watts = round(power * row.share)
        shown = {"value": watts, "units": "W", "precision": 0}
        rows.append(
            {
                "id": row.id,
                "serial_number": row.serial,
                "model": "IQ7+",
                "part_number": "800-01127-r02",
                "sku": "IQ7PLUS-72-M-INT",
                "status": "normal",
                "power_produced": shown if system.object_power else watts,
                "proc_load": "520-00082-r01-v04.27.04",
                "param_table": "540-00135-r01-v04.22.09",
                "envoy_serial_number": system.gateway,
                "energy": {
                    "value": round(total * row.share),
                    "units": "Wh",
                    "precision": 0,
                },
                "grid_profile": "elm:grid:profile",
                "last_report_date": int(system.reported(at)),
            }
        )
    return rows


def odometer(system: System, until: float, at: float) -> list[dict[str, Any]]:
    """Return the readings of the production meters, a retired one included."""
    if system.production_meter is None:
        return []
    read = min(until, system.complete(at))
    return [
        {
            "serial_number": system.production_meter,
            "value": system.watt_hours("pv_energy", read),
            "read_at": int(read),
        },
        {
            "serial_number": str(system.retired_meter),
            "value": 48_211,
            "read_at": int(system.created),
        },
    ]
