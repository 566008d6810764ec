"""The past of a system: intervals as far back as hits last, before that whole days."""

import asyncio
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from ..clock import Clock
from ..errors import DeviceGone, NotSupported, PermissionDenied
from ..model import Energies, EnergyRow
from ..quota import Purpose
from . import series as s
from .client import EnphaseClient, NotInPlan
from .energy import Energy, midnight_of
from .listing import System
from .series import Interval, Series, Source

LACKING = (NotInPlan, PermissionDenied, NotSupported, DeviceGone)
ABOUT = "history"

# How far back intervals go: two years, in version 2 one; on a small plan, what it allows.
FAR = timedelta(days=728)
OLD_FAR = timedelta(days=364)
RATIONED_FAR = timedelta(days=28)
OLD_RATIONED_FAR = timedelta(days=56)


class Past:
    """Fetches what was before today."""

    def __init__(self, client: EnphaseClient, clock: Clock, energy: Energy) -> None:
        """Ask the same calls as the present does."""
        self._client = client
        self._clock = clock
        self._energy = energy

    def _far(self) -> timedelta:
        if self._client.rationed:
            return OLD_RATIONED_FAR if self._client.is_old else RATIONED_FAR
        return OLD_FAR if self._client.is_old else FAR

    async def fetch(
        self, system: System, zone: ZoneInfo, first: date, last: date, purpose: Purpose
    ) -> Energies:
        """Return as many days of intervals as a call tells, or all whole days."""
        sources = self._energy.sources(system)
        today = self._clock.now().astimezone(zone).date()
        if not sources:
            return Energies(first=first, beginning=True)
        if today - last > self._far():
            return await self._days(system, sources, zone, first, last, purpose)
        reach = min(source.reach for source in sources)
        begin = max(first, last - reach + s.DAY)
        start, end = midnight_of(begin, zone), midnight_of(last + s.DAY, zone)
        if begin < last and end - start > reach:
            # A week in which the clocks go back is an hour too long.
            begin += s.DAY
            start = midnight_of(begin, zone)
        rows: list[EnergyRow] = []
        for source in sources:
            rows += await self._source(system, source, start, end, purpose)
        return Energies(first=begin, rows=tuple(rows))

    async def _source(
        self,
        system: System,
        source: Source,
        start: datetime,
        end: datetime,
        purpose: Purpose,
    ) -> list[EnergyRow]:
        """Return the intervals of a call; nothing where the system has none."""
        now = self._clock.now()
        asked = self._energy.asked(start) | {"end_at": str(int(end.timestamp()))}
        try:
            body = await self._client.call(
                source.endpoint,
                system=system.id,
                params=asked,
                purpose=purpose,
                about=ABOUT,
            )
        except LACKING:
            return []
        known = min(end, system.reported or now)
        rows: list[EnergyRow] = []
        for row in source.series:
            found = s.lit(s.intervals(body, row), row, start, known)
            rows += s.rows(system.id, row, _within(found, start, end))
        return rows

    async def _days(
        self,
        system: System,
        sources: Iterable[Source],
        zone: ZoneInfo,
        first: date,
        last: date,
        purpose: Purpose,
    ) -> Energies:
        """Return all days that are too far back for intervals, in one call a series."""
        rows: list[EnergyRow] = []
        span = {"end_date": last.isoformat()}
        if first > date.min:
            span["start_date"] = first.isoformat()
        bodies: dict[str, Any] = {}
        for row in (row for source in sources for row in source.series):
            path = row.days.path
            try:
                if path not in bodies:
                    bodies[path] = await self._client.call(
                        row.days,
                        system=system.id,
                        params=span,
                        purpose=purpose,
                        about=ABOUT,
                    )
            except LACKING:
                bodies[path] = None
            rows += _day_rows(system, row, bodies[path], first, last, zone)
            await asyncio.sleep(0)
        begin = min((row.start for row in rows), default=None)
        found = begin.astimezone(zone).date() if begin else last
        return Energies(first=min(found, last), rows=tuple(rows), beginning=True)


def _day_rows(
    system: System, row: Series, body: Any, first: date, last: date, zone: ZoneInfo
) -> list[EnergyRow]:
    """Return the days of a lifetime call."""
    begin = s.first_day(body) or first
    days = s.days_of(body, row.daily)
    return [
        EnergyRow(
            subject=system.id,
            key=key,
            start=start,
            kwh=wh / s.WH,
            span=midnight_of(day + s.DAY, zone) - start,
        )
        for key in s.names(row)
        for index, wh in enumerate(days)
        if (day := begin + index * s.DAY) <= last
        for start in (midnight_of(day, zone),)
    ]


def _within(
    found: Iterable[Interval], start: datetime, end: datetime
) -> list[Interval]:
    return [row for row in found if start <= row.start and row.end <= end]
