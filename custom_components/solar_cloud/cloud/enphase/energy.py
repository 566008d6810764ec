"""Energies of the last day in intervals, and the lifetime counters they lead to."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from ..clock import Clock
from ..errors import CloudError, DeviceGone, NotSupported, PermissionDenied
from ..model import Energies, EnergyRow, Reading
from ..quantity import TODAY
from ..quota import Purpose
from . import series as s
from .client import EnphaseClient, NotInPlan
from .counters import Total
from .listing import Listing, System
from .series import Interval, Series, Source

ONE_DAY = timedelta(days=1)
WEEK = timedelta(days=7)
SOC = "soc.percent"

# What a system or a plan does not have is asked for again after so long.
AGAIN_AFTER = timedelta(days=7)
LACKING = (NotInPlan, PermissionDenied, NotSupported, DeviceGone)

# Version 4 goes back two years, a week a call; version 2 a year, a day a call.
FAR = timedelta(days=728)
OLD_FAR = timedelta(days=364)


class Told:
    """What a poll of a system's energies told."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.readings: dict[str, Reading] = {}
        self.rows: list[EnergyRow] = []


class Energy:
    """Fetches intervals; keeps totals and what is lacking in memory."""

    def __init__(
        self,
        client: EnphaseClient,
        clock: Clock,
        listing: Listing,
        memory: dict[str, Any],
    ) -> None:
        """Keep under `totals` and `lacking`."""
        self._client = client
        self._clock = clock
        self._listing = listing
        self._totals: dict[str, dict[str, Any]] = memory.setdefault("totals", {})
        self._lacking: dict[str, str] = memory.setdefault("lacking", {})

    def sources(self, system: System) -> tuple[Source, ...]:
        """Return the calls that a system's energies take."""
        old = self._client.is_old
        found: list[Source] = []
        if system.has_production_meter:
            found.append(s.OLD_METER if old else s.METER)
        elif system.has_micros:
            found.append(s.OLD_MICROS if old else s.MICROS)
        if system.has_consumption_meter:
            found += [s.OLD_LOAD] if old else [s.LOAD, s.IMPORT, s.EXPORT]
        if system.batteries:
            found.append(s.STORAGE)
        return tuple(row for row in found if not self._is_lacking(system.id, row))

    def _name(self, system: str, source: Source) -> str:
        return f"{system} {source.endpoint.path}"

    def _is_lacking(self, system: str, source: Source) -> bool:
        since = self._lacking.get(self._name(system, source))
        if since is None:
            return False
        return self._clock.now() - datetime.fromisoformat(since) < AGAIN_AFTER

    def lacks(self, system: System) -> dict[str, str]:
        """Return the keys that the plan or the owner keeps from us."""
        every = (s.METER, s.MICROS, s.LOAD, s.IMPORT, s.EXPORT, s.STORAGE)
        return {
            row.key: "not_in_plan"
            for source in every
            if self._is_lacking(system.id, source)
            for row in source.series
        }

    async def poll(self, system: System, zone: ZoneInfo) -> Told:
        """Fetch all energies of a system; one that it lacks is left out for a week."""
        told = Told()
        failure: CloudError | None = None
        sources = self.sources(system)
        for source in sources:
            try:
                await self._source(system, source, zone, told)
            except LACKING:
                now = self._clock.now().isoformat()
                self._lacking[self._name(system.id, source)] = now
            except CloudError as err:
                failure = err
                break
        if failure and not told.readings:
            raise failure
        return told

    async def _source(
        self, system: System, source: Source, zone: ZoneInfo, told: Told
    ) -> None:
        """Fetch one call's intervals since the totals and the midnight before."""
        now = self._clock.now()
        midnight = _midnight(now.astimezone(zone).date(), zone)
        for row in source.series:
            await self._anchor(system, row, now, midnight)
        totals = [self._total(system.id, row) for row in source.series]
        start = min([midnight, *(total.at for total in totals if total.at)])
        body = await self._client.call(
            source.endpoint, system=system.id, params=self._asked(start)
        )
        if isinstance(meta := body.get("meta") if body else None, Mapping):
            self._listing.heard(system.id, meta)
        for row, total in zip(source.series, totals, strict=True):
            found = self._intervals(system, body, row)
            if found:
                self._tell(system, row, total, found, midnight, told)
        self._tell_soc(system, source, body, told)

    def _asked(self, start: datetime) -> dict[str, str]:
        asked = {"start_at": str(int(start.timestamp()))}
        return asked if self._client.is_old else asked | {"granularity": "week"}

    def _intervals(self, system: System, body: Any, row: Series) -> list[Interval]:
        """Return intervals, with those of the dark up to what was reported."""
        found = s.intervals(body, row)
        reported = self._listing.systems[system.id].reported
        return s.lit(found, row, reported or self._clock.now())

    def _total(self, system: str, row: Series) -> Total:
        kept: dict[str, Any] = self._totals.setdefault(system, {})
        return Total(kept.setdefault(row.key, {}))

    async def _anchor(
        self, system: System, row: Series, now: datetime, midnight: datetime
    ) -> None:
        """Ask for the energy of all days where there is no total to go on from."""
        total = self._total(system.id, row)
        if total.reaches(now):
            return
        same = [
            other
            for source in self.sources(system)
            for other in source.series
            if other.days is row.days
        ]
        body = await self._client.call(row.days, system=system.id)
        if body is None:
            raise NotSupported
        for other in same:
            whole = sum(s.days_of(body, other.daily))
            self._total(system.id, other).anchor(midnight, whole)

    def _tell(
        self,
        system: System,
        row: Series,
        total: Total,
        found: list[Interval],
        midnight: datetime,
        told: Told,
    ) -> None:
        at = found[-1].end
        today = sum(part.wh for part in found if part.start >= midnight) / s.WH
        told.readings[row.key] = Reading(value=round(total.follow(found), 3), at=at)
        told.readings[f"{row.key}{TODAY}"] = Reading(value=round(today, 3), at=at)
        told.rows += s.rows(system.id, row, found)

    def _tell_soc(self, system: System, source: Source, body: Any, told: Told) -> None:
        """Tell the batteries' state of charge at the end of the last interval."""
        if source is not s.STORAGE:
            return
        soc = Series(
            key="battery_soc", field=SOC, step=s.QUARTER, days=s.STORAGE.series[0].days,
            daily="",
        )  # fmt: skip
        found = s.intervals(body, soc)
        if not found:
            return
        at, percent = found[-1].end, found[-1].wh
        told.readings["battery_soc"] = Reading(value=percent, at=at)
        if (capacity := system.capacity_kwh) is not None:
            told.readings["battery_capacity"] = Reading(value=capacity, at=at)
            told.readings["battery_remaining_energy"] = Reading(
                value=round(capacity * percent / 100, 3), at=at
            )

    # --- the past ------------------------------------------------------------------------

    async def past(
        self,
        system: System,
        zone: ZoneInfo,
        first: date,
        last: date,
        purpose: Purpose,
    ) -> Energies:
        """Return a week of intervals, a day in version 2; before that, whole days."""
        today = self._clock.now().astimezone(zone).date()
        old = self._client.is_old
        if today - last > (OLD_FAR if old else FAR):
            return await self._days(system, zone, first, last, purpose)
        span = ONE_DAY if old else WEEK
        begin = max(first, last - span + ONE_DAY)
        rows: list[EnergyRow] = []
        start, end = _midnight(begin, zone), _midnight(last + ONE_DAY, zone)
        for source in self.sources(system):
            asked = self._asked(start) | {"end_at": str(int(end.timestamp()))}
            try:
                body = await self._client.call(
                    source.endpoint, system=system.id, params=asked, purpose=purpose,
                    about="history",
                )  # fmt: skip
            except LACKING:
                continue
            for row in source.series:
                found = s.lit(s.intervals(body, row), row, end)
                rows += s.rows(system.id, row, _within(found, start, end))
        return Energies(first=begin, rows=tuple(rows))

    async def _days(
        self,
        system: System,
        zone: ZoneInfo,
        first: date,
        last: date,
        purpose: Purpose,
    ) -> Energies:
        """Return all days that are too far back for intervals, in one call a series."""
        rows: list[EnergyRow] = []
        begin = last
        bodies: dict[str, Any] = {}
        for row in (row for source in self.sources(system) for row in source.series):
            if row.days.path not in bodies:
                bodies[row.days.path] = await self._client.call(
                    row.days,
                    system=system.id,
                    params={"start_date": first.isoformat(), "end_date": last.isoformat()},
                    purpose=purpose,
                    about="history",
                )  # fmt: skip
            body = bodies[row.days.path]
            start = _start_date(body) or first
            begin = min(begin, start)
            for index, wh in enumerate(s.days_of(body, row.daily)):
                day = start + index * ONE_DAY
                if day <= last:
                    rows.append(_day_row(system.id, row.key, day, wh, zone))
        return Energies(first=min(begin, first), rows=tuple(rows), beginning=True)


def _day_row(system: str, key: str, day: date, wh: float, zone: ZoneInfo) -> EnergyRow:
    start, end = _midnight(day, zone), _midnight(day + ONE_DAY, zone)
    return EnergyRow(
        subject=system, key=key, start=start, kwh=wh / s.WH, span=end - start
    )


def _start_date(body: Any) -> date | None:
    try:
        return date.fromisoformat(str(body["start_date"]))
    except LookupError, TypeError, ValueError:
        return None


def _within(
    found: Iterable[Interval], start: datetime, end: datetime
) -> list[Interval]:
    return [row for row in found if start <= row.start and row.end <= end]


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)
