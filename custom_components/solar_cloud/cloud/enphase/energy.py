"""Energies of the last day in intervals, and the lifetime counters they lead to."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from ..clock import Clock
from ..control import Reason
from ..errors import (
    AuthenticationFailed,
    CloudError,
    DeviceGone,
    NotSupported,
    PermissionDenied,
    QuotaExceeded,
)
from ..model import EnergyRow, Reading
from ..quantity import TODAY
from . import series as s
from .client import EnphaseClient, NotInPlan
from .counters import Total
from .lacking import Lacking
from .listing import Listing, System
from .series import Interval, Series, Source

# An answer is not asked for so far back that it might leave the newest intervals out.
MARGIN = timedelta(hours=2)

# What a system has not got: nothing is told, and the rest is asked for.
LACKING = (NotInPlan, PermissionDenied, NotSupported, DeviceGone)
ENDING = (AuthenticationFailed, QuotaExceeded)

SOC = Series(
    key="battery_soc",
    field="soc.percent",
    step=s.QUARTER,
    days=s.STORAGE.series[0].days,
    daily="",
)


class Told:
    """What a poll of a system's energies told."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.readings: dict[str, Reading] = {}
        self.rows: list[EnergyRow] = []


class Energy:
    """Fetches intervals; keeps totals in memory."""

    def __init__(
        self,
        client: EnphaseClient,
        clock: Clock,
        listing: Listing,
        lacking: Lacking,
        memory: dict[str, Any],
    ) -> None:
        """Keep under `totals`."""
        self._client = client
        self._clock = clock
        self._listing = listing
        self._lacking = lacking
        self._totals: dict[str, dict[str, Any]] = memory.setdefault("totals", {})
        # The calls that failed when a system was asked last.
        self._open: dict[str, list[Source]] = {}

    @property
    def is_open(self) -> bool:
        """Return whether something that failed is still to be asked for."""
        return any(self._open.values())

    def sources(self, system: System) -> tuple[Source, ...]:
        """Return the calls that a system's energies take."""
        return tuple(
            row
            for row in self._all(system)
            if self._lacking.why(row.endpoint, system.id) is None
        )

    def _all(self, system: System) -> Iterable[Source]:
        old = self._client.is_old
        if system.has_production_meter:
            yield s.OLD_METER if old else s.METER
        elif system.has_micros:
            yield s.OLD_MICROS if old else s.MICROS
        if system.has_consumption_meter:
            yield from (s.OLD_LOAD,) if old else (s.LOAD, s.IMPORT, s.EXPORT)
        if system.batteries:
            yield s.STORAGE

    def lacks(self, system: System) -> dict[str, Reason]:
        """Return the keys that the plan or the owner keeps from us, and why."""
        return {
            row.key: reason
            for source in self._all(system)
            if (reason := self._lacking.why(source.endpoint, system.id))
            for row in source.series
        }

    async def poll(self, system: System, zone: ZoneInfo) -> Told:
        """Fetch all energies of a system, or those that failed the last time."""
        told = Told()
        failure: CloudError | None = None
        failed: list[Source] = []
        for source in self._open.get(system.id) or self.sources(system):
            try:
                if failure is None or not isinstance(failure, ENDING):
                    await self._source(system, source, zone, told)
                    continue
            except LACKING:
                continue
            except CloudError as err:
                failure = err
            failed.append(source)
        self._open[system.id] = failed
        if failure and not told.readings:
            raise failure
        return told

    async def _source(
        self, system: System, source: Source, zone: ZoneInfo, told: Told
    ) -> None:
        """Fetch one call's intervals since the totals, and all of yesterday's."""
        now = self._clock.now()
        today = now.astimezone(zone).date()
        midnight = midnight_of(today, zone)
        for row in source.series:
            await self._anchor(system, source, row, midnight, zone)
        totals = [self._total(system.id, row) for row in source.series]
        yesterday = midnight_of(today - s.DAY, zone)
        since = (total.open_since for total in totals)
        begin = min([yesterday, *(at for at in since if at)])
        begin = max(begin, source.step_of(now - source.reach + MARGIN))
        start = min([begin, *(total.at for total in totals if total.at)])
        body = await self._client.call(
            source.endpoint, system=system.id, params=self.asked(start)
        )
        meta = body.get("meta") if isinstance(body, Mapping) else None
        if isinstance(meta, Mapping):
            self._listing.heard(system.id, meta)
        for row, total in zip(source.series, totals, strict=True):
            found = self._intervals(system, body, row, start)
            if found:
                _tell(system, row, total, found, midnight, told)
        if source is s.STORAGE:
            _tell_soc(system, body, told)

    def asked(self, start: datetime) -> dict[str, str]:
        """Return how intervals from an instant on are asked for."""
        asked = {"start_at": str(int(start.timestamp()))}
        return asked if self._client.is_old else asked | {"granularity": "week"}

    def _intervals(
        self, system: System, body: Any, row: Series, start: datetime
    ) -> list[Interval]:
        """Return intervals, with those of the dark up to what was reported."""
        reported = self._listing.systems[system.id].reported or start
        found = s.intervals(body, row)
        whole = s.complete(body, found, reported - system.upload - s.QUARTER)
        if len(whole) < len(found):
            return s.lit(whole, row, start, start)
        return s.lit(whole, row, start, reported)

    def _total(self, system: str, row: Series) -> Total:
        kept: dict[str, Any] = self._totals.setdefault(system, {})
        return Total(kept.setdefault(row.key, {}))

    def produced(self, system: System, midnight: datetime, wh: float) -> None:
        """Take over what a system of microinverters had produced at a midnight."""
        for source in self._all(system):
            for row in source.series:
                if row.dark:
                    self._total(system.id, row).anchor(midnight, wh)

    async def _anchor(
        self,
        system: System,
        source: Source,
        row: Series,
        midnight: datetime,
        zone: ZoneInfo,
    ) -> None:
        """Ask for the energy of all days where there is no total to go on from."""
        reach = source.reach - MARGIN
        now = self._clock.now()
        if self._total(system.id, row).reaches(now, reach):
            return
        body = await self._client.call(row.days, system=system.id)
        for other in (other for other in source.series if other.days is row.days):
            days = s.days_of(body, other.daily)
            at = _end_of(body, len(days), midnight, zone)
            # Days that were not reported yet come last, as zeroes.
            while days and not days[-1]:
                earlier = midnight_of(
                    at.astimezone(zone).date() - timedelta(days=1), zone
                )
                if now - earlier > reach:
                    break
                days, at = days[:-1], earlier
            self._total(system.id, other).anchor(at, sum(days))


def _end_of(body: Any, many: int, midnight: datetime, zone: ZoneInfo) -> datetime:
    """Return the midnight with which the days of an answer end, this one at the latest."""
    if (first := s.first_day(body)) is None:
        return midnight
    return min(midnight, midnight_of(first + timedelta(days=many), zone))


def _tell(
    system: System,
    row: Series,
    total: Total,
    found: list[Interval],
    midnight: datetime,
    told: Told,
) -> None:
    at = found[-1].end
    today = sum(part.wh for part in found if part.start >= midnight) / s.WH
    whole = total.follow(found)
    for key in s.names(row):
        told.readings[key] = Reading(value=round(whole, 3), at=at)
        if not row.dark:
            # The summary has microinverters that have not told all intervals yet.
            told.readings[f"{key}{TODAY}"] = Reading(value=round(today, 3), at=at)
    told.rows += s.rows(system.id, row, found)


def _tell_soc(system: System, body: Any, told: Told) -> None:
    """Tell the batteries' state of charge at the end of the last interval."""
    found = s.intervals(body, SOC)
    if not found:
        return
    at, percent = found[-1].end, found[-1].wh
    told.readings["battery_soc"] = Reading(value=percent, at=at)
    if (capacity := system.capacity_kwh) is not None:
        told.readings["battery_capacity"] = Reading(value=capacity, at=at)
        told.readings["battery_remaining_energy"] = Reading(
            value=round(capacity * percent / 100, 3), at=at
        )


def midnight_of(day: date, zone: ZoneInfo) -> datetime:
    """Return when a day begins at a system."""
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)
