"""Lifetime counters out of those of the day, anchored on what the vendor has summed up.

The vendor counts each day from zero. What was before today is the closed years of the
lifetime call, the closed months of the year call and the closed days of the month call,
so it makes no difference whether the vendor's sums already hold today.
"""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from ..errors import UnexpectedAnswer
from .channels import ENERGIES
from .client import SolarlogClient
from .readings import kwh
from .slots import Series, Span, spans

DAY, BEFORE, CLOSED = "day", "before", "closed"
ASKED, FAILED = "asked", "failed"
YEARS, MONTHS, DAYS = 1, 2, 3
AGAIN = timedelta(hours=6)
RETRY = timedelta(minutes=15)


class Lifetime:
    """The anchors of an account's plants."""

    def __init__(self, client: SolarlogClient, memory: dict[str, Any]) -> None:
        """Keep in `memory`, by plant, the day and the kWh of each counter before it."""
        self._client = client
        self._known: dict[str, dict[str, Any]] = memory.setdefault("lifetime", {})

    def anchor(self, plant: str) -> tuple[date, Mapping[str, float]] | None:
        """Return the day of a plant's anchor, and what was before."""
        known = self._known.get(plant, {})
        if DAY not in known:
            return None
        return date.fromisoformat(known[DAY]), known[BEFORE]

    def closed(self, plant: str, day: date) -> Mapping[str, float]:
        """Return the kWh of the day before one, as far as the vendor's sums tell."""
        known = self._known.get(plant, {})
        same = known.get(DAY) == day.isoformat()
        found: Mapping[str, float] = known[CLOSED] if same else {}
        return found

    def due(self, plant: str, day: date, now: datetime) -> datetime:
        """Return when a plant's sums should be asked for, `day` being its newest."""
        known = self._known.get(plant, {})
        if ASKED not in known:
            return now
        wait = AGAIN
        if known.get(DAY) != day.isoformat():
            wait = min(RETRY * 2 ** max(0, known[FAILED]), AGAIN)
        return datetime.fromisoformat(known[ASKED]) + wait

    async def ask(
        self, plant: str, found: Iterable[Series], day: date, now: datetime
    ) -> None:
        """Anchor a plant's counters on its newest day; raises any CloudError."""
        series = {one.name: one for one in found}
        keys = [key for key, row in ENERGIES.items() if row.keys() <= series.keys()]
        names = sorted({name for key in keys for name in ENERGIES[key]})
        known = self._known.setdefault(plant, {})
        known |= {ASKED: now.isoformat(), FAILED: known.get(FAILED, -1) + 1}
        if not names:
            return
        sums = await self._sums(plant, names, series, day)
        before: dict[str, float] = {}
        for key in keys:
            parts = [sign * sums[name] for name, sign in ENERGIES[key].items()]
            before[key] = round(max(0.0, sum(parts)), 6)
        yesterday = (day - timedelta(days=1)).isoformat()
        if known.get(DAY) == yesterday:
            known[CLOSED] = {
                key: round(kwh - known[BEFORE].get(key, kwh), 6)
                for key, kwh in before.items()
            }
        elif known.get(DAY) != day.isoformat():
            known[CLOSED] = {}
        known |= {DAY: day.isoformat(), BEFORE: before, FAILED: -1}

    async def _sums(
        self, plant: str, names: list[str], series: Mapping[str, Series], day: date
    ) -> dict[str, float]:
        """Return the kWh of each channel before a day."""
        first = day.replace(day=1)
        answers: list[tuple[list[dict[str, Any]], int, Span]] = []
        rows = await self._client.lifetime(plant, names)
        answers.append((rows, YEARS, (day.year,)))
        if day.month > 1:
            rows = await self._client.year(plant, names, day.year)
            answers.append((rows, MONTHS, (day.year, day.month)))
        if day.day > 1:
            rows = await self._client.month(plant, names, first)
            answers.append((rows, DAYS, (day.year, day.month, day.day)))
        totals: dict[str, float] = {}
        for rows, depth, until in answers:
            told = spans(rows, depth)
            units = {str(row.get("name")): str(row.get("unit") or "") for row in rows}
            for name in names:
                if name not in told:
                    raise UnexpectedAnswer(f"no sums of {name}")
                closed = _closed(told[name], until)
                if depth == DAYS:
                    _mend(closed, series[name], units[name], day)
                total = sum(kwh(value, units[name]) for value in closed.values())
                totals[name] = totals.get(name, 0.0) + total
        return totals


def _closed(sums: Mapping[Span, float], until: Span) -> dict[Span, float]:
    """Return the years, months or days that are over, of the same year and month."""
    return {
        span: value
        for span, value in sums.items()
        if span[:-1] == until[:-1] and span < until
    }


def _mend(closed: dict[Span, float], one: Series, unit: str, day: date) -> None:
    """Take yesterday's own last value where the vendor has not summed it up yet."""
    yesterday = day - timedelta(days=1)
    point = one.last(yesterday)
    span = (yesterday.year, yesterday.month, yesterday.day)
    if point and unit == one.unit and point[1] > closed.get(span, 0.0):
        closed[span] = point[1]
