"""What a house used, at a plant whose storage machine does not count it.

A storage machine tells neither the load nor what it puts out, and what it takes from the
mains to charge is in no other counter: so the balance is made of its sun and its battery.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from ..model import Reading
from ..values import number
from . import endpoints as on
from .endpoints import Family

TODAY = "_today"
LOAD, PRODUCTION, YIELD = "load_energy", "inverter_energy", "pv_energy"
CHARGED, DISCHARGED = "battery_charge_energy", "battery_discharge_energy"
BOUGHT, SOLD = "grid_import_energy", "grid_export_energy"

type Rows = Mapping[str, Reading]
type Term = tuple[str, float]


def balanced(
    inverters: Sequence[tuple[Family, Rows]], meters: Sequence[Rows], now: datetime
) -> dict[str, Reading]:
    """Return the load's energies of a plant with a storage machine, none for others.

    `now` is the plant's local time: what was told of an earlier day is none of today's.
    """
    if not any(family is on.STORAGE for family, _ in inverters):
        return {}
    if any(LOAD in rows for _, rows in inverters):
        return {}
    sources = (*meters, *(rows for _, rows in inverters))
    grid = next((rows for rows in sources if BOUGHT in rows), None)
    if grid is None:
        return {}
    found: dict[str, Reading] = {}
    for suffix in ("", TODAY):
        parts = [_sum(rows, suffix, now, _terms(family)) for family, rows in inverters]
        parts.append(_sum(grid, suffix, now, ((BOUGHT, 1), (SOLD, -1))))
        known = [part for part in parts if part is not None]
        if len(known) == len(parts):
            at = max(
                row.at for rows in (grid, inverters[0][1]) for row in rows.values()
            )
            value = max(0.0, round(sum(known), 1))
            found[f"{LOAD}{suffix}"] = Reading(value=value, at=at)
    return found


def _terms(family: Family) -> tuple[Term, ...]:
    """Return what an inverter's output is made of."""
    if family is on.STORAGE:
        return (YIELD, 1), (DISCHARGED, 1), (CHARGED, -1)
    return ((PRODUCTION, 1),)


def _sum(rows: Rows, suffix: str, now: datetime, terms: Iterable[Term]) -> float | None:
    """Return counters together, None where one is not known."""
    total = 0.0
    for key, sign in terms:
        row = rows.get(f"{key}{suffix}")
        value = None if row is None else number(row.value)
        if row is None or value is None:
            return None
        if suffix and row.at.astimezone(now.tzinfo).date() < now.date():
            continue
        total += sign * value
    return total
