"""Energy by the hour: spans as vendors tell them, put into the hours that are recorded.

A recorded hour holds the lifetime counter at its end (`state`) and what the series has
counted since it began (`sum`); the first hour's sum is its own energy. All hours are UTC.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from itertools import pairwise

from .model import EnergyRow

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

# An hour counts as told when less than this is missing of it.
MISSING = timedelta(seconds=30)
NOON = 12

# Vendors' hours and their counters are rounded and stamped differently. What differs
# more is told of something else, and nothing is made of it.
ALIKE = 0.2
ALWAYS_ALIKE = 0.3
LEFT = 0.02
# What rounded hours add up to differently, while none of them is seen to change.
ROUNDED = 0.005
# Below this (kWh) an hour stays as it is.
SAME = 0.0005

type Hours = dict[datetime, float]


@dataclass(frozen=True, slots=True)
class Hour:
    """A recorded hour, in kWh."""

    state: float
    sum: float


NOTHING = Hour(0.0, 0.0)

type Recorded = Mapping[datetime, Hour]

LOST = Hour(0.0, float("inf"))


def hour_of(at: datetime) -> datetime:
    """Return the beginning of an instant's hour."""
    return at.replace(minute=0, second=0, microsecond=0)


def by_hour(rows: Iterable[EnergyRow], zone: tzinfo) -> Hours:
    """Return the energy (kWh) of each hour that the rows tell whole.

    A day of which only the whole is known is put into the middle of it, so that days,
    months and years are right wherever they are looked at.
    """
    energy: Hours = {}
    told: dict[datetime, timedelta] = {}
    for row in rows:
        for hour, length, kwh in _parts(row, zone):
            energy[hour] = energy.get(hour, 0.0) + kwh
            told[hour] = told.get(hour, timedelta()) + length
    return {
        hour: kwh
        for hour, kwh in sorted(energy.items())
        if told[hour] >= HOUR - MISSING
    }


def _parts(row: EnergyRow, zone: tzinfo) -> Iterator[tuple[datetime, timedelta, float]]:
    """Yield a row's part of each hour: the hour, how much of it, and the energy."""
    start, end = row.start, row.start + row.span
    whole_day = _is_day(row)
    hour = hour_of(start)
    middle = hour_of(start + row.span / 2)
    if whole_day:
        noon = start.astimezone(zone).replace(hour=NOON, minute=0)
        middle = hour_of(noon.astimezone(start.tzinfo))
    while hour < end:
        length = min(end, hour + HOUR) - max(start, hour)
        share = float(hour == middle) if whole_day else length / row.span
        yield hour, length, row.kwh * share
        hour += HOUR


def _is_day(row: EnergyRow) -> bool:
    return row.span >= DAY - HOUR


def days_of(rows: Iterable[EnergyRow]) -> set[tuple[datetime, datetime]]:
    """Return start and end of each day of which a row tells only the whole."""
    return {(hour_of(row.start), row.start + row.span) for row in rows if _is_day(row)}


def unless_finer(
    known: Hours, days: Iterable[tuple[datetime, datetime]], recorded: Recorded
) -> Hours:
    """Return what is known without those days whose hours are recorded already.

    A vendor may tell hours of the last months only, and of older days the whole.
    """
    left = dict(known)
    for start, end in days:
        count = -((start - end) // HOUR)
        hours = [start + n * HOUR for n in range(count)]
        if all(hour in recorded for hour in hours):
            sums = [recorded.get(start - HOUR, NOTHING).sum]
            sums += [recorded[hour].sum for hour in hours]
            moved = sum(new - old > SAME for old, new in pairwise(sums))
            whole = sum(known.get(hour, 0.0) for hour in hours)
            apart = abs(sums[-1] - sums[0] - whole)
            if moved > 1 and apart <= max(ALIKE * whole, ALWAYS_ALIKE):
                for hour in hours:
                    left.pop(hour, None)
    return left


def runs(hours: Iterable[datetime]) -> Iterator[list[datetime]]:
    """Yield stretches of hours that follow each other."""
    run: list[datetime] = []
    for hour in sorted(hours):
        if run and hour - run[-1] != HOUR:
            yield run
            run = []
        run.append(hour)
    if run:
        yield run


def unbroken(known: Hours) -> Hours:
    """Return the last hours that follow each other."""
    *_, last = runs(known)
    return {hour: known[hour] for hour in last}


@dataclass(frozen=True, slots=True)
class Settled:
    """Hours put right; what does not `fit` is told of something else, or not yet."""

    hours: dict[datetime, Hour]
    fits: bool = True


def settled(known: Hours, recorded: Recorded, begun: datetime | None = None) -> Settled:
    """Return the hours that differ from what is recorded, put right.

    What lies between two recorded hours is divided as the vendor tells it; the ends stay,
    so that nothing after them has to move. Only the hour in which a series has `begun`,
    which is a part of one, takes what its counter had not yet told at its end.
    """
    found: dict[datetime, Hour] = {}
    fits = True
    for run in runs(known):
        if inner := _anchored(run, recorded):
            rows = recorded
            if inner[0] - HOUR == begun:
                rows = {**recorded, **_begun(begun, inner, known, recorded)}
                found |= {begun: rows[begun]} if rows[begun] != recorded[begun] else {}
            part = _divided(inner, known, rows)
            found |= part.hours
            fits = fits and part.fits
    return Settled(found, fits)


def _begun(
    begun: datetime, run: list[datetime], known: Hours, recorded: Recorded
) -> dict[datetime, Hour]:
    """Return the hour in which a series has begun, with what the hours after it lack."""
    held = recorded[begun]
    told = sum(known[hour] for hour in run)
    left = recorded[run[-1]].sum - held.sum - told
    if not SAME < left <= ALWAYS_ALIKE:
        return {}
    return {begun: Hour(held.state + left, held.sum + left)}


def _anchored(run: list[datetime], recorded: Recorded) -> list[datetime]:
    """Return the part of a run that begins after a recorded hour and ends with one."""
    first = next((n for n, hour in enumerate(run) if hour - HOUR in recorded), None)
    if first is None:
        return []
    last = max((n for n, hour in enumerate(run) if hour in recorded), default=-1)
    return run[first : last + 1]


def _divided(run: list[datetime], known: Hours, recorded: Recorded) -> Settled:
    """Return the hours of a run that change, as the vendor tells them."""
    start, end = recorded[run[0] - HOUR], recorded[run[-1]]
    shares = _shares([known[hour] for hour in run], end.sum - start.sum)
    if shares is None:
        return Settled({}, fits=False)
    counted = 0.0
    found: dict[datetime, Hour] = {}
    for hour, kwh in zip(run[:-1], shares, strict=False):
        counted += kwh
        row = Hour(start.state + counted, start.sum + counted)
        held = recorded.get(hour)
        if held is None or abs(held.sum - row.sum) > SAME:
            found[hour] = row
    return Settled(found)


def _shares(told: list[float], total: float) -> list[float] | None:
    """Return what each hour has of the whole; None where it is told of something else.

    What is left over belongs to the last hour, of which the counter had not yet told
    all; more than an hour's energy is a matter of scale, or of rounding.
    """
    whole, last = sum(told), told[-1]
    left = total - whole
    if total < -SAME or abs(left) > max(ALIKE * whole, ALWAYS_ALIKE):
        return None
    rounded = last < abs(left) <= ROUNDED * whole
    if rounded or abs(left) > max(LEFT * whole, ALWAYS_ALIKE, last):
        return [kwh * total / whole for kwh in told]
    shares = list(told)
    for index in reversed(range(len(shares))):
        kwh = shares[index] + left
        shares[index], left = max(0.0, kwh), min(0.0, kwh)
    return shares


def followed(
    known: Hours, recorded: Recorded, right: Recorded
) -> tuple[dict[datetime, Hour], datetime | None]:
    """Return hours whose sums follow what is told, and the first one after them.

    For a counter that loses something by the day: `right` has what is put right as if it
    did not. What comes after has to move with the sums. One stretch of hours alone can.
    """
    told = list(runs(known))
    inner = _anchored(told[0], recorded) if len(told) == 1 else []
    if not inner:
        return dict(right), None
    rows = {**recorded, **right}
    counted = recorded[inner[0] - HOUR].sum
    found: dict[datetime, Hour] = {}
    for hour in inner:
        counted += known[hour]
        if abs(recorded.get(hour, LOST).sum - counted) > SAME:
            found[hour] = Hour(rows[hour].state, counted)
    return found, inner[-1] + HOUR


def ended(known: Hours, recorded: Recorded, last: datetime, state: float) -> Recorded:
    """Return what is recorded, with the counter that an hour truly ended with."""
    run = next((row for row in runs(known) if last in row), [])
    start = next((hour - HOUR for hour in run if hour - HOUR in recorded), None)
    if start is None:
        return recorded
    held = recorded[start]
    return {**recorded, last: Hour(state, held.sum + state - held.state)}


def before(
    known: Hours, first: datetime, held: Hour, end: float | None = None
) -> dict[datetime, Hour]:
    """Return the hours that come before the first that is recorded.

    The counter is reckoned backwards from `end`, else from the recorded hour; the sums
    begin at 0.
    """
    past = [hour for hour in known if hour < first]
    state = held.state - known.get(first, held.sum) if end is None else end
    states = {}
    for hour in reversed(past):
        states[hour] = state
        state -= known[hour]
    counted = 0.0
    hours: dict[datetime, Hour] = {}
    for hour in past:
        counted += known[hour]
        hours[hour] = Hour(states[hour], counted)
    return hours


def retold(known: Hours, recorded: Recorded) -> dict[datetime, Hour]:
    """Return the hours that change, as they are told, where nothing else counts them.

    They follow the recorded hour before; one among them that is not told keeps its energy.
    """
    first, last = min(known), max(known)
    if earlier := [hour for hour in recorded if hour < first]:
        row = recorded[max(earlier)]
    else:
        begun = recorded.get(first, NOTHING)
        row = Hour(begun.state - begun.sum, 0.0)
    counted = row.sum
    found: dict[datetime, Hour] = {}
    for hour in sorted(
        known.keys() | {hour for hour in recorded if first < hour < last}
    ):
        kwh = known[hour] if hour in known else recorded[hour].sum - counted
        row = Hour(row.state + kwh, row.sum + kwh)
        held = recorded.get(hour)
        if held is None or abs(held.sum - row.sum) > SAME:
            found[hour] = row
        counted = held.sum if held else counted
    return found


def seam(recorded: Recorded, at: datetime) -> float:
    """Return by how much the sums from an hour on do not fit those before it."""
    earlier = [hour for hour in recorded if hour < at]
    if not earlier or at not in recorded:
        return 0.0
    old, new = recorded[max(earlier)], recorded[at]
    return (new.state - old.state) - (new.sum - old.sum)
