"""Series as readings: the newest value of each channel, and counters of the day."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta

from ..model import DeviceKind, Reading
from ..quantity import TODAY, quantity
from .channels import ENERGIES, OF_KIND, PLANT, TRACKER, WH_PER_KWH, measure, resolve
from .slots import Point, Series

GRID = "grid_power"
# The vendor counts in steps of up to 0.1 kWh.
ROUNDING = 0.25
FED_IN, PRODUCED, USED = "ProdPacFeed", "ProdPac", "ConsPac"

type Values = dict[str, Reading]


def newest(found: Iterable[Series]) -> datetime | None:
    """Return the instant of the newest point of all series."""
    points = [point for one in found if (point := one.last())]
    return max((at for at, _ in points), default=None)


def _read(one: Series, key: str | None, day: date, number: int | None) -> Values:
    """Return a series' newest value; a counter's must be the day's own."""
    scale = resolve(key, one.name, one.unit, number)
    row = quantity(scale.key)
    point = one.last(day if row.is_counter else None)
    if point is None:
        return {}
    at, told = point
    value = told * scale.factor
    if row.never_negative:
        value = max(0.0, value)
    return {scale.key: Reading(value=round(value, 6), at=at)}


def plant_readings(found: Iterable[Series], day: date, *, storage: bool) -> Values:
    """Return a plant's values on its local day; `storage`: it has a battery."""
    series = {one.name: one for one in found}
    values: Values = {}
    for name, one in series.items():
        values |= _read(one, PLANT.get(name), day, None)
    values |= _imported(series, day)
    if not storage:
        values |= _grid(series)
    return values


def _grid(series: Mapping[str, Series]) -> Values:
    """Return the power at the grid: fed in, or what the production does not cover.

    With a battery the second cannot be known, so this is for plants without one.
    """
    points = [
        series[name].last() for name in (FED_IN, PRODUCED, USED) if name in series
    ]
    known = [point for point in points if point]
    if len(known) < 3 or len({at for at, _ in known}) > 1:
        return {}
    fed_in, produced, used = (
        told * measure(series[name].unit).factor
        for name, (_, told) in zip((FED_IN, PRODUCED, USED), known, strict=True)
    )
    value = -fed_in if fed_in > 0 else max(0.0, used - produced)
    return {GRID: Reading(value=round(value, 6), at=known[0][0])}


def counted_points(series: Mapping[str, Series], key: str, day: date) -> list[Point]:
    """Return a counter of a day in kWh, where all channels that it is made of told it."""
    parts: list[dict[datetime, float]] = []
    for name, sign in ENERGIES[key].items():
        points = series[name].days.get(day, []) if name in series else []
        factor = sign * measure(series[name].unit).factor if points else 0.0
        parts.append({at: told * factor for at, told in points})
    common = [at for at in parts[0] if all(at in part for part in parts)]
    return [(at, round(sum(part[at] for part in parts), 6)) for at in common]


def counted(series: Mapping[str, Series], key: str, day: date) -> Point | None:
    """Return a counter of a day in kWh as it stood last."""
    points = counted_points(series, key, day)
    return points[-1] if points else None


def _imported(series: Mapping[str, Series], day: date) -> Values:
    """Return what the grid delivered today: consumption that is not covered."""
    point = counted(series, "grid_import_energy", day)
    if point is None:
        return {}
    at, value = point
    return {f"grid_import_energy{TODAY}": Reading(value=max(0.0, value), at=at)}


def component_readings(
    found: Iterable[Series], kind: DeviceKind | None, day: date
) -> Values:
    """Return a component's values."""
    table = OF_KIND.get(kind, {}) if kind else {}
    values: Values = {}
    for one in found:
        values |= _read(one, table.get(one.name), day, None)
    return values


def tracker_readings(found: Iterable[Series], number: int, day: date) -> Values:
    """Return a tracker's values, as an inverter's strings."""
    values: Values = {}
    for one in found:
        values |= _read(one, TRACKER.get(one.name), day, number)
    return values


def lifetimes(
    found: Iterable[Series],
    day: date,
    anchored: date,
    before: Mapping[str, float],
) -> Values:
    """Return lifetime counters: what was before the anchored day, and what came since.

    Known on that day, and on the next one while the vendor's sums are not there yet.
    """
    series = {one.name: one for one in found}
    values: Values = {}
    days = [anchored + timedelta(days=n) for n in range((day - anchored).days + 1)]
    if not 1 <= len(days) <= 2:
        return {}
    for key, kwh in before.items():
        points = [counted(series, key, one) for one in days]
        known = [point for point in points if point]
        if len(known) == len(points):
            total = kwh + sum(value for _, value in known)
            values[key] = Reading(value=round(total, 3), at=known[-1][0])
    return values


def unfallen(values: Values, before: Mapping[str, Reading]) -> Values:
    """Return counters that do not fall by what rounding makes of their parts."""
    found: Values = {}
    for key, row in values.items():
        last = before[key].value if key in before else None
        high = last if isinstance(last, float) else 0.0
        assert isinstance(row.value, float)
        fell = 0 < high - row.value <= ROUNDING
        found[key] = Reading(value=high, at=row.at) if fell else row
    return found


def kwh(value: float, unit: str) -> float:
    """Return an energy in kWh."""
    return value * measure(unit).factor if unit else value / WH_PER_KWH
