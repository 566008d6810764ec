"""Series of channels: 5-minute slots by the wall clock, made into instants.

The spring day's hour that does not exist falls on the one after it, and is empty; the
autumn day has the repeated hour once; a day may even have two offsets. So slots are read
with their offsets, put on one line of time, and what is known wins over what is not.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import lru_cache
import re
from typing import Any

from ..values import number, text

AHEAD = timedelta(minutes=1)

_DATE = re.compile(r"(\d{4})(?:-(\d\d))?(?:-(\d\d))?(?!\d)")

type Point = tuple[datetime, float]
type Span = tuple[int, ...]


@dataclass(slots=True, kw_only=True)
class Series:
    """What a channel of a device told: its unit, and its known points by local day."""

    device: str
    name: str
    unit: str
    days: dict[date, list[Point]] = field(default_factory=dict)

    def last(self, day: date | None = None) -> Point | None:
        """Return the newest point, or the newest of a day."""
        days = [day] if day else sorted(self.days, reverse=True)
        return next((self.days[row][-1] for row in days if self.days.get(row)), None)


@lru_cache(maxsize=8192)
def _instant(stamp: str) -> tuple[datetime, float] | None:
    """Return an instant with the plant's offset, and in s; None without an offset."""
    try:
        found = datetime.fromisoformat(stamp.strip())
    except ValueError:
        return None
    return (found, found.timestamp()) if found.tzinfo else None


def pairs(points: Any) -> Iterable[tuple[str, Any]]:
    """Yield stamps and values of an object, or of a list of pairs or of objects."""
    if isinstance(points, Mapping):
        yield from ((str(key), value) for key, value in points.items())
    for row in points if isinstance(points, list) else ():
        parts = list(row.values()) if isinstance(row, Mapping) else row
        if not isinstance(parts, list):
            continue
        stamps = [part for part in parts if isinstance(part, str) and _DATE.match(part)]
        values = [part for part in parts if part not in stamps]
        if stamps and values:
            yield stamps[0], values[-1]


def _day_of(row: Mapping[str, Any]) -> date | None:
    try:
        return date.fromisoformat(str(row.get("date"))[:10])
    except ValueError:
        return None


def series(rows: Iterable[Mapping[str, Any]], now: datetime) -> list[Series]:
    """Return the series of an answer, one a device and channel; nothing of the future."""
    found: dict[tuple[str, str], Series] = {}
    limit = (now + AHEAD).timestamp()
    for row in rows:
        name, device = text(row.get("name")), text(row.get("deviceId")) or ""
        if name is None:
            continue
        unit = text(row.get("unit")) or ""
        one = found.setdefault(
            (device, name), Series(device=device, name=name, unit=unit)
        )
        known: dict[float, Point] = {}
        for stamp, value in pairs(row.get("dataPoints")):
            told = None if value is None else number(value)
            if told is None or (found_at := _instant(stamp)) is None:
                continue
            at, seconds = found_at
            if seconds <= limit:
                known[seconds] = (at, told)
        points = [known[key] for key in sorted(known)]
        day = _day_of(row) or (points[-1][0].date() if points else None)
        if day and points:
            one.days[day] = points
    return list(found.values())


def spans(
    rows: Iterable[Mapping[str, Any]], depth: int
) -> dict[str, dict[Span, float]]:
    """Return the sums of years (`depth` 1), months (2) or days (3) by channel."""
    found: dict[str, dict[Span, float]] = {}
    for row in rows:
        if (name := text(row.get("name"))) is None:
            continue
        sums = found.setdefault(name, {})
        for stamp, value in pairs(row.get("dataPoints")):
            match, told = _DATE.match(stamp.strip()), number(value)
            parts = [int(part) for part in match.groups() if part] if match else []
            if told is not None and len(parts) >= depth:
                sums[tuple(parts[:depth])] = told
    return found
