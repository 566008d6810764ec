"""Energies in intervals: what each call tells, in which steps, for both versions.

All intervals are stamped with their end, and have grown once more when microinverters or
gateways were late ("devices_reporting").
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from ..model import EnergyRow
from ..values import number
from . import endpoints as on
from .endpoints import Endpoint

QUARTER = timedelta(minutes=15)
FIVE = timedelta(minutes=5)
DAY = timedelta(days=1)
WEEK = timedelta(days=7)
WH = 1000
PRODUCED, INVERTED = "pv_energy", "inverter_energy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One energy: the field of its intervals, and the call of its days.

    `field` and `days` are paths in the answer, parted by dots. `dark` intervals are left
    out by the vendor while nothing is produced.
    """

    key: str
    field: str
    step: timedelta
    days: Endpoint
    daily: str
    dark: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A call that tells intervals of one or more energies, for so long a span at most."""

    endpoint: Endpoint
    series: tuple[Series, ...]
    reach: timedelta = WEEK

    def step_of(self, at: datetime) -> datetime:
        """Return the beginning of the interval that an instant is in."""
        step = self.series[0].step.total_seconds()
        return datetime.fromtimestamp(at.timestamp() // step * step, UTC)


def _source(
    endpoint: Endpoint,
    key: str,
    field: str,
    days: Endpoint,
    daily: str,
    step: timedelta = QUARTER,
    *,
    dark: bool = False,
    reach: timedelta = WEEK,
) -> Source:
    row = Series(key=key, field=field, step=step, days=days, daily=daily, dark=dark)
    return Source(endpoint=endpoint, series=(row,), reach=reach)


# Version 4.
MICROS = _source(
    on.PRODUCTION_MICRO, "pv_energy", "enwh", on.ENERGY_LIFETIME, "production", FIVE,
    dark=True,
)  # fmt: skip
METER = _source(
    on.PRODUCTION_METER, "pv_energy", "wh_del", on.ENERGY_LIFETIME, "production"
)
LOAD = _source(
    on.CONSUMPTION_METER, "load_energy", "enwh", on.CONSUMPTION_LIFETIME, "consumption"
)
IMPORT = _source(
    on.IMPORT, "grid_import_energy", "wh_imported", on.IMPORT_LIFETIME, "import"
)
EXPORT = _source(
    on.EXPORT, "grid_export_energy", "wh_exported", on.EXPORT_LIFETIME, "export"
)
STORAGE = Source(
    endpoint=on.BATTERY,
    series=(
        Series(
            key="battery_charge_energy",
            field="charge.enwh",
            step=QUARTER,
            days=on.BATTERY_LIFETIME,
            daily="charge",
        ),
        Series(
            key="battery_discharge_energy",
            field="discharge.enwh",
            step=QUARTER,
            days=on.BATTERY_LIFETIME,
            daily="discharge",
        ),
    ),
)

# Version 2 knows no import, export or battery.
OLD_MICROS = _source(
    on.OLD_STATS, "pv_energy", "enwh", on.OLD_ENERGY_LIFETIME, "production", FIVE,
    dark=True, reach=DAY,
)  # fmt: skip
OLD_METER = _source(
    on.OLD_RGM_STATS, "pv_energy", "wh_del", on.OLD_ENERGY_LIFETIME, "production"
)
OLD_LOAD = _source(
    on.OLD_CONSUMPTION_STATS,
    "load_energy",
    "enwh",
    on.OLD_CONSUMPTION_LIFETIME,
    "consumption",
)


@dataclass(frozen=True, slots=True)
class Interval:
    """What happened in a span, in Wh."""

    start: datetime
    end: datetime
    wh: float


def intervals(answer: Any, series: Series) -> list[Interval]:
    """Return the intervals of a series, in order; rows without an end or value are none.

    Import and export come as a list in a list, others plain.
    """
    found = [
        Interval(end - series.step, end, wh)
        for row in _rows(answer)
        if (stamp := number(row.get("end_at"))) is not None
        and (wh := number(_at(row, series.field))) is not None
        for end in (datetime.fromtimestamp(stamp, UTC),)
    ]
    return sorted(found, key=lambda row: row.start)


def complete(answer: Any, found: list[Interval], since: datetime) -> list[Interval]:
    """Return intervals without the newest ones of which some devices have yet to tell.

    One that has not told for longer than `since` is not waited for.
    """
    whole = number(answer.get("total_devices")) if isinstance(answer, Mapping) else None
    late = {
        number(row.get("end_at"))
        for row in _rows(answer)
        if (many := number(row.get("devices_reporting"))) and many < (whole or 0)
    }
    rows = list(found)
    while rows and rows[-1].end > since and rows[-1].end.timestamp() in late:
        rows.pop()
    return rows


def _rows(answer: Any) -> Iterator[Mapping[str, Any]]:
    rows = answer.get("intervals") if isinstance(answer, Mapping) else None
    for row in rows if isinstance(rows, list) else ():
        if isinstance(row, Mapping):
            yield row
        elif isinstance(row, list):
            yield from (part for part in row if isinstance(part, Mapping))


def _at(row: Mapping[str, Any], path: str) -> Any:
    found: Any = row
    for name in path.split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def lit(
    found: list[Interval], series: Series, start: datetime, end: datetime
) -> list[Interval]:
    """Return intervals with those that are left out in the dark, between two instants."""
    if not series.dark:
        return found
    whole: list[Interval] = []
    for row in found:
        whole += _dark(whole[-1].end if whole else start, row.start, series.step)
        whole.append(row)
    return whole + _dark(whole[-1].end if whole else start, end, series.step)


def _dark(start: datetime, end: datetime, step: timedelta) -> list[Interval]:
    many = int((end - start) / step)
    return [
        Interval(start + n * step, start + (n + 1) * step, 0.0) for n in range(many)
    ]


def names(series: Series) -> tuple[str, ...]:
    """Return our keys of a series: microinverters make AC where the sun is."""
    return (series.key, INVERTED) if series.key == PRODUCED else (series.key,)


def rows(system: str, series: Series, found: list[Interval]) -> tuple[EnergyRow, ...]:
    """Return intervals as rows of energy in kWh."""
    return tuple(
        EnergyRow(
            subject=system,
            key=key,
            start=row.start,
            kwh=row.wh / WH,
            span=series.step,
        )
        for key in names(series)
        for row in found
    )


def days_of(answer: Any, daily: str) -> list[float]:
    """Return the Wh of each day of a lifetime call; no content has none."""
    values = answer.get(daily) if isinstance(answer, Mapping) else None
    rows = values if isinstance(values, list) else []
    return [max(0.0, number(value) or 0.0) for value in rows]


def first_day(answer: Any) -> date | None:
    """Return the day with which a lifetime call begins."""
    try:
        return date.fromisoformat(str(answer["start_date"]))
    except LookupError, TypeError, ValueError:
        return None
