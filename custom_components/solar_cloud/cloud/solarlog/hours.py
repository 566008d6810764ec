"""The energy of hours: differences of a day's counters, at the full hours.

A counter between two slots is interpolated: the autumn day leaves an hour out, and a
logger may have been silent. What the last slot of a day lacks, the day's sum has.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta

from ..model import EnergyRow
from .channels import ENERGIES
from .readings import counted_points
from .slots import Point, Series

HOUR = timedelta(hours=1)


def hours(points: list[Point], total: float | None) -> dict[datetime, float]:
    """Return the energy by hour (UTC) of a counter's points in kWh; `total` at its end."""
    line = [(at.astimezone(UTC), value) for at, value in points]
    for n in range(1, len(line)):
        line[n] = (line[n][0], max(line[n][1], line[n - 1][1]))
    start = line[0][0].replace(minute=0, second=0, microsecond=0)
    last, value = line[-1]
    end = last.replace(minute=0, second=0, microsecond=0)
    if total is not None and end < last:
        end += HOUR
        line.append((end, max(total, value)))
    found: dict[datetime, float] = {}
    while start < end:
        found[start] = round(_at(line, start + HOUR) - _at(line, start), 6)
        start += HOUR
    return found


def _at(line: list[Point], at: datetime) -> float:
    """Return a counter at an instant, interpolated between its points."""
    place = bisect_left(line, at, key=lambda point: point[0])
    if place == 0:
        return line[0][1]
    (before, low), (after, high) = line[place - 1], line[place]
    return low + (high - low) * ((at - before) / (after - before))


def told(
    plant: str, found: Iterable[Series], day: date, closed: Mapping[str, float]
) -> Iterator[EnergyRow]:
    """Yield what a poll tells of the hours before it, up to its newest value.

    `closed` has the energy of the day before, by the vendor's sums.
    """
    series = {one.name: one for one in found}
    for key in ENERGIES:
        yesterday = counted_points(series, key, day - timedelta(days=1))
        today = counted_points(series, key, day)
        rows = hours(yesterday, closed.get(key)) if yesterday else {}
        rows |= hours(today, None) if today else {}
        for start, value in rows.items():
            yield EnergyRow(subject=plant, key=key, start=start, kwh=value)
        if not today:
            continue
        last, value = today[-1][0].astimezone(UTC), today[-1][1]
        full = last.replace(minute=0, second=0, microsecond=0)
        line = [(at.astimezone(UTC), counter) for at, counter in today]
        if full < last:
            kwh = round(max(0.0, value - _at(line, full)), 6)
            span = last - full
            yield EnergyRow(subject=plant, key=key, start=full, kwh=kwh, span=span)
