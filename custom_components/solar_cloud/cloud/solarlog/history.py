"""The energy of past days: their slots, and the sums of their months."""

import asyncio
from collections.abc import Iterator, Mapping
from datetime import date, timedelta

from ..clock import Clock
from ..model import Energies, EnergyRow
from ..quota import Purpose
from .channels import ENERGIES
from .client import SolarlogClient
from .hours import hours
from .readings import counted_points, kwh
from .slots import Series, Span, series, spans

# What one call fetches of the past.
DAYS = 14

type Sums = Mapping[str, Mapping[Span, float]]


class History:
    """Fetches the energies of days."""

    def __init__(self, client: SolarlogClient, clock: Clock) -> None:
        """Keep the sums of the month that was asked for last."""
        self._client = client
        self._clock = clock
        self._month: tuple[str, date, Sums] | None = None

    async def energy(
        self, plant: str, names: list[str], first: date, last: date, purpose: Purpose
    ) -> Energies:
        """Return the energy of the hours of a fortnight; `names` are the channels.

        Days before the plant's first values are left out by the vendor.
        """
        begin = max(first, last - timedelta(days=DAYS - 1))
        rows = await self._client.channels(
            plant,
            names,
            begin.isoformat(),
            last.isoformat(),
            about="history",
            purpose=purpose,
        )
        found: dict[str, Series] = {}
        for name in names:
            own = [row for row in rows if row.get("name") == name]
            found |= {one.name: one for one in series(own, self._clock.now())}
            await asyncio.sleep(0)
        told = {day for one in found.values() for day in one.days}
        result: list[EnergyRow] = []
        for day in sorted(told, reverse=True):
            # Where a month has no such day, the vendor tells of the next month's.
            if begin <= day <= last:
                sums = await self._sums(plant, day, names, purpose)
                result += self._of_day(plant, day, found, sums)
                await asyncio.sleep(0)
        beginning = not told or min(told) > begin
        return Energies(first=begin, rows=tuple(result), beginning=beginning)

    def _of_day(
        self, plant: str, day: date, found: Mapping[str, Series], sums: Sums
    ) -> Iterator[EnergyRow]:
        """Yield the energy of each hour of a day."""
        span = (day.year, day.month, day.day)
        for key, parts in ENERGIES.items():
            points = counted_points(found, key, day)
            if not points:
                continue
            told = [
                sign * total
                for name, sign in parts.items()
                if (total := sums.get(name, {}).get(span)) is not None
            ]
            over = self._clock.now().astimezone(points[-1][0].tzinfo).date() > day
            total = sum(told) if over and len(told) == len(parts) else None
            for start, value in hours(points, total).items():
                yield EnergyRow(subject=plant, key=key, start=start, kwh=value)

    async def _sums(
        self, plant: str, day: date, names: list[str], purpose: Purpose
    ) -> Sums:
        """Return the kWh of the days of a month."""
        first = day.replace(day=1)
        if self._month is None or self._month[:2] != (plant, first):
            rows = await self._client.month(plant, names, first, purpose)
            units = {str(row.get("name")): str(row.get("unit") or "") for row in rows}
            sums = {
                name: {span: kwh(value, units[name]) for span, value in told.items()}
                for name, told in spans(rows, 3).items()
            }
            self._month = (plant, first, sums)
        return self._month[2]
