"""The energy of past days: by hours from the counters of devices, else by days.

Devices keep what they uploaded for some 95 days, in calls of at most seven; before that,
only what a plant yielded on a day is told.
"""

import asyncio
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from itertools import pairwise
from typing import Any

from ..hours import HOUR, MISSING
from ..model import DeviceKind, Energies, EnergyRow
from ..quantity import Kind, quantity
from ..quota import Purpose
from ..values import number
from . import endpoints as on
from .client import GrowattClient
from .inventory import Inventory
from .overview import UTC_ZONE, Overview
from .readings import read, read_meter
from .samples import Samples
from .stamps import naive
from .tolerant import PARTIAL

DAY = timedelta(days=1)
# With a day around them on each side, that makes a span of seven.
DAYS = 6
# Days of a plant, which are told as they are; devices forget theirs after so many.
DAYS_ALONE = 7
KEPT = timedelta(days=95)
ROWS_AT_ONCE = 50
# As far back as years are told in one call.
YEARS = 19
DATE = len("2026-06-17")
STEP_HOURS = 5 / 60
KILO = 1000.0
PV = "pv_energy"
DATAS, METER_DATAS, ENERGIES = "datas", "meter_data", "energys"
# Section 4.3.5 names the counters of a type 1 inverter in its own way.
OLD_NAMES = {"total_energy": ("inverter_energy", PV)}

type Counter = dict[datetime, float]
type Series = dict[str, Counter]


class Span:
    """Days of a plant, of which all or the first hours are over."""

    def __init__(self, first: date, last: date, zone: tzinfo, now: datetime) -> None:
        """Begin at midnight by the plant's clock."""
        self.first, self.last, self.zone = first, last, zone
        self.start = _midnight(first, zone)
        self.end = min(_midnight(last + DAY, zone), now)

    @property
    def dates(self) -> dict[str, str]:
        """Return the days and one around them on each side: theirs in any time zone."""
        return {
            "start_date": (self.first - DAY).isoformat(),
            "end_date": (self.last + DAY).isoformat(),
        }

    def days(self) -> Iterator[date]:
        """Return each day."""
        for n in range((self.last - self.first).days + 1):
            yield self.first + n * DAY


class History:
    """Fetches the energy of days that are over."""

    def __init__(
        self,
        client: GrowattClient,
        inventory: Inventory,
        samples: Samples,
        overview: Overview,
    ) -> None:
        """Take from the samples which parts each inverter has."""
        self._client = client
        self._inventory = inventory
        self._samples = samples
        self._overview = overview
        self._begun: dict[str, date | None] = {}
        self._forgotten: set[str] = set()

    async def energy(
        self, plant: str, first: date, last: date, now: datetime, purpose: Purpose
    ) -> Energies:
        """Return the energy of up to six days, by hours as far as devices tell them.

        Once they have told nothing of days that are long over, whole days are asked for.
        """
        zone = self._inventory.zone(plant)
        old = now - _midnight(last + DAY, zone) > KEPT
        alone = old and plant in self._forgotten
        first = max(first, last - ((DAYS_ALONE if alone else DAYS) - 1) * DAY)
        span = Span(first, last, zone, now)
        rows = [] if alone else await self._by_devices(plant, span, purpose)
        if not rows:
            rows = await self._of_days(plant, span, purpose, around=not alone)
            if old and rows:
                self._forgotten.add(plant)
        return Energies(
            first=first,
            rows=tuple(rows),
            beginning=await self._is_beginning(plant, first, rows, purpose),
        )

    async def _by_devices(
        self, plant: str, span: Span, purpose: Purpose
    ) -> list[EnergyRow]:
        """Return what devices uploaded, else the power that the plant had."""
        rows: list[EnergyRow] = []
        for sn in self._inventory.inverters(plant):
            rows += await _hours(sn, await self._inverter(sn, span, purpose), span)
        for sn in self._meters(plant):
            rows += await _hours(sn, await self._meter(sn, span, purpose), span)
        if not self._inventory.inverters(plant):
            rows += await self._from_powers(plant, span, purpose)
        return rows

    async def _is_beginning(
        self, plant: str, first: date, rows: list[EnergyRow], purpose: Purpose
    ) -> bool:
        """Return whether there is nothing before a day; asks where days were empty."""
        created = self._inventory.plants[plant].created
        if created is not None and created >= first.isoformat():
            return True
        if any(row.kwh for row in rows):
            return False
        if plant not in self._begun:
            try:
                self._begun[plant] = await self._first_month(plant, first, purpose)
            except PARTIAL:
                return False
        begun = self._begun[plant]
        return begun is None or begun >= first

    async def _first_month(
        self, plant: str, day: date, purpose: Purpose
    ) -> date | None:
        """Return when a plant first yielded anything: its year, then the month (4.2.6)."""
        since = day.replace(year=day.year - YEARS, month=1, day=1)
        years = await self._yields(plant, "year", since, day, purpose)
        year = min((at.year for at, kwh in years.items() if kwh), default=None)
        if year is None:
            return None
        first, last = date(year, 1, 1), date(year, 12, 31)
        months = await self._yields(plant, "month", first, last, purpose)
        return min((at for at, kwh in months.items() if kwh), default=first)

    async def _yields(
        self, plant: str, unit: str, first: date, last: date, purpose: Purpose
    ) -> dict[date, float]:
        """Return what a plant yielded in each day, month or year, in kWh."""
        params = {
            "plant_id": plant,
            "time_unit": unit,
            "start_date": first.isoformat(),
            "end_date": last.isoformat(),
        }
        found: dict[date, float] = {}
        for row in await self._client.pages(on.PLANT_ENERGY, params, ENERGIES, purpose):
            # Months and years may be told by their names alone.
            written = naive(f"{row.get('date')}-01-01"[:DATE] + " 00:00:00")
            kwh = number(row.get("energy"))
            if written is not None and kwh is not None:
                found[written.date()] = max(0.0, kwh)
        return found

    def _meters(self, plant: str) -> list[str]:
        devices = self._inventory.devices
        meters = self._inventory.behind_loggers(DeviceKind.METER)
        return [sn for sn in meters if devices[sn].plant == plant]

    # --- what devices uploaded ---------------------------------------------------------

    async def _inverter(self, sn: str, span: Span, purpose: Purpose) -> Series:
        """Return the counters of an inverter (4.3.5, 4.3.14)."""
        family = self._inventory.family(sn)
        params = {
            family.argument: sn,
            **self._inventory.also(sn),
            **span.dates,
            **UTC_ZONE,
        }
        rows = await self._client.pages(family.history, params, DATAS, purpose)
        parts = set(self._samples.has_parts(sn))
        series: Series = {}
        for n, row in enumerate(rows):
            if not n % ROWS_AT_ONCE:
                await asyncio.sleep(0)
            if (written := naive(row.get("time"))) is not None:
                values = _old(row) or read(family.kind, row, parts).device
                _add(series, written.replace(tzinfo=UTC), values)
        return series

    async def _meter(self, sn: str, span: Span, purpose: Purpose) -> Series:
        """Return the counters of a meter, whose times are the plant's."""
        logger, address = self._inventory.behind_loggers(DeviceKind.METER)[sn]
        params = {"datalog_sn": logger, "address": address, **span.dates}
        rows = await self._client.pages(on.METER_HISTORY, params, METER_DATAS, purpose)
        parts = set(self._samples.has_parts(sn))
        series: Series = {}
        for n, row in enumerate(rows):
            if not n % ROWS_AT_ONCE:
                await asyncio.sleep(0)
            if (written := naive(row.get("timeText") or row.get("time"))) is not None:
                at = written.replace(tzinfo=span.zone).astimezone(UTC)
                _add(series, at, read_meter(row, parts))
        return series

    # --- what plants know --------------------------------------------------------------

    async def _from_powers(
        self, plant: str, span: Span, purpose: Purpose
    ) -> list[EnergyRow]:
        """Return the yield by hours from the power of each day (4.2.7)."""
        powers: dict[datetime, float] = {}
        for day in (span.first - DAY, *span.days(), span.last + DAY):
            noon = datetime.combine(day, time(12), UTC)
            if span.start - noon < DAY / 2 and noon - span.end < DAY / 2:
                powers |= await self._overview.powers(plant, noon, purpose)
        sums: dict[datetime, float] = {}
        for at, power in powers.items():
            hour = span.start + (at - span.start) // HOUR * HOUR
            if span.start <= at and hour + HOUR <= span.end:
                sums[hour] = sums.get(hour, 0.0) + power / KILO * STEP_HOURS
        return [_row(plant, PV, hour, kwh) for hour, kwh in sorted(sums.items())]

    async def _of_days(
        self, plant: str, span: Span, purpose: Purpose, *, around: bool
    ) -> list[EnergyRow]:
        """Return what a plant yielded on each day (4.2.6); ten calls a day are allowed."""
        more = DAY if around else timedelta()
        days = await self._yields(
            plant, "day", span.first - more, span.last + more, purpose
        )
        found: list[EnergyRow] = []
        for day, kwh in sorted(days.items()):
            start, end = _midnight(day, span.zone), _midnight(day + DAY, span.zone)
            if span.start <= start and end <= span.end:
                found.append(_row(plant, PV, start, kwh, end - start))
        return found


def _midnight(day: date, zone: tzinfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)


def _row(
    subject: str, key: str, start: datetime, kwh: float, span: timedelta = HOUR
) -> EnergyRow:
    return EnergyRow(
        subject=subject, key=key, start=start, kwh=round(kwh, 4), span=span
    )


def _old(row: Mapping[str, Any]) -> dict[str, float]:
    """Return the counters of a type 1 inverter's history."""
    return {
        key: kwh
        for name, keys in OLD_NAMES.items()
        if (kwh := number(row.get(name))) is not None
        for key in keys
    }


def _add(series: Series, at: datetime, values: Mapping[str, Any]) -> None:
    for key, value in values.items():
        if isinstance(value, float) and quantity(key).kind is Kind.COUNTER:
            series.setdefault(key, {})[at] = value


async def _hours(subject: str, series: Series, span: Span) -> list[EnergyRow]:
    """Return what counters grew by in each hour of a span that samples cover."""
    rows: list[EnergyRow] = []
    for key, counter in series.items():
        await asyncio.sleep(0)
        grown: dict[int, float] = {}
        covered: dict[int, timedelta] = {}
        for (first, low), (last, high) in pairwise(_rising(counter)):
            at, until = max(first, span.start), min(last, span.end)
            while at < until:
                hour = (at - span.start) // HOUR
                end = min(span.start + (hour + 1) * HOUR, until)
                part = (end - at) / (last - first)
                grown[hour] = grown.get(hour, 0.0) + (high - low) * part
                covered[hour] = covered.get(hour, timedelta()) + (end - at)
                at = end
        rows += [
            _row(subject, key, span.start + hour * HOUR, kwh)
            for hour, kwh in sorted(grown.items())
            if covered[hour] >= HOUR - MISSING
        ]
    return rows


def _rising(counter: Counter) -> list[tuple[datetime, float]]:
    """Return a counter in the order of time; it is never lower than it was before."""
    found: list[tuple[datetime, float]] = []
    for at, value in sorted(counter.items()):
        found.append((at, max(value, found[-1][1]) if found else value))
    return found
