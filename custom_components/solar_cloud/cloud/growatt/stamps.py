"""Times of Growatt: stamps without a zone, by a clock that has to be found out.

Lists tell the plant's time, data the plant's or the server's, and a zone in the words of
the service ("GMT+1") knows no summer time.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta, tzinfo
import re
from typing import Any

from ..values import number, text

SERVER = timedelta(hours=8)
SUMMER = timedelta(hours=1)
# How old a sample is that has just come, in a service that is well.
FRESH = (timedelta(minutes=-2), timedelta(minutes=20))
MILLISECONDS = 1000

_STAMP = re.compile(r"(\d{4}-\d\d?-\d\d?)[ T](\d\d?:\d\d?(?::\d\d?)?)")
_GMT = re.compile(
    r"^(?:GMT|UTC)?\s*([+-]?)\s*(\d{1,2})(?:[:.](\d{1,2}))?$", re.IGNORECASE
)

# Zones of a fixed offset that has minutes, which have no name of their own.
UNEVEN = {
    -570: "Pacific/Marquesas",
    210: "Asia/Tehran",
    270: "Asia/Kabul",
    330: "Asia/Kolkata",
    345: "Asia/Kathmandu",
    390: "Asia/Yangon",
    525: "Australia/Eucla",
    570: "Australia/Darwin",
}

# Zones with the offset at standard time in minutes, by the name of the country.
COUNTRIES: dict[str, dict[int, str]] = {
    "Australia": {
        480: "Australia/Perth",
        570: "Australia/Adelaide",
        600: "Australia/Sydney",
    },
    "Austria": {60: "Europe/Vienna"},
    "Belgium": {60: "Europe/Brussels"},
    "Brazil": {-180: "America/Sao_Paulo", -240: "America/Manaus"},
    "Bulgaria": {120: "Europe/Sofia"},
    "China": {480: "Asia/Shanghai"},
    "Croatia": {60: "Europe/Zagreb"},
    "Czech Republic": {60: "Europe/Prague"},
    "Denmark": {60: "Europe/Copenhagen"},
    "Estonia": {120: "Europe/Tallinn"},
    "Finland": {120: "Europe/Helsinki"},
    "France": {60: "Europe/Paris"},
    "Germany": {60: "Europe/Berlin"},
    "Greece": {120: "Europe/Athens"},
    "Hungary": {60: "Europe/Budapest"},
    "India": {330: "Asia/Kolkata"},
    "Ireland": {0: "Europe/Dublin"},
    "Israel": {120: "Asia/Jerusalem"},
    "Italy": {60: "Europe/Rome"},
    "Latvia": {120: "Europe/Riga"},
    "Lithuania": {120: "Europe/Vilnius"},
    "Luxembourg": {60: "Europe/Luxembourg"},
    "Netherlands": {60: "Europe/Amsterdam"},
    "New Zealand": {720: "Pacific/Auckland"},
    "Norway": {60: "Europe/Oslo"},
    "Pakistan": {300: "Asia/Karachi"},
    "Poland": {60: "Europe/Warsaw"},
    "Portugal": {0: "Europe/Lisbon"},
    "Romania": {120: "Europe/Bucharest"},
    "Slovakia": {60: "Europe/Bratislava"},
    "Slovenia": {60: "Europe/Ljubljana"},
    "South Africa": {120: "Africa/Johannesburg"},
    "Spain": {60: "Europe/Madrid", 0: "Atlantic/Canary"},
    "Sweden": {60: "Europe/Stockholm"},
    "Switzerland": {60: "Europe/Zurich"},
    "Thailand": {420: "Asia/Bangkok"},
    "Turkey": {180: "Europe/Istanbul"},
    "Ukraine": {120: "Europe/Kyiv"},
    "United Kingdom": {0: "Europe/London"},
    "United States": {
        -300: "America/New_York",
        -360: "America/Chicago",
        -420: "America/Denver",
        -480: "America/Los_Angeles",
        -540: "America/Anchorage",
        -600: "Pacific/Honolulu",
    },
    "Vietnam": {420: "Asia/Ho_Chi_Minh"},
}


def zone_name(told: Any, country: Any = None) -> str | None:
    """Return a time zone by what a plant tells: "GMT+1", "8", or a name.

    With the country, summer time is known; without, the zone keeps its offset.
    """
    if (found := text(told)) is None:
        return None
    if not (match := _GMT.match(found.removesuffix(".0"))):
        return found if "/" in found else None
    sign, hours, minutes = match.groups()
    offset = (60 * int(hours) + int(minutes or 0)) * (-1 if sign == "-" else 1)
    if name := COUNTRIES.get(text(country) or "", {}).get(offset):
        return name
    if offset % 60:
        return UNEVEN.get(offset)
    # The names of these zones count the other way round.
    return f"Etc/GMT{-offset // 60:+d}" if offset else "UTC"


def naive(value: Any) -> datetime | None:
    """Return a stamp as it is written, without a zone."""
    if not (match := _STAMP.search(str(value or ""))):
        return None
    day, clock = match.groups()
    try:
        year, month, date = (int(part) for part in day.split("-"))
        hour, minute, second = (int(part) for part in f"{clock}:00".split(":")[:3])
        return datetime(year, month, date, hour, minute, second)
    except ValueError:
        return None


def epoch(fields: Mapping[str, Any]) -> datetime | None:
    """Return the instant in the calendar that goes with some stamps."""
    for name in ("calendar", "timeCalendar"):
        found = fields.get(name)
        told = number(found.get("timeInMillis")) if isinstance(found, Mapping) else None
        if told:
            try:
                return datetime.fromtimestamp(told / MILLISECONDS, UTC)
            except ValueError, OverflowError, OSError:
                continue
    return None


class Stamps:
    """Learns by which clock each device's stamps are written."""

    def __init__(self, memory: dict[str, Any]) -> None:
        """Keep in `memory` the offset of each device's stamps in s."""
        self._offsets: dict[str, float] = memory.setdefault("stamp_offsets", {})
        self._last: dict[str, datetime] = {}

    def instant(
        self,
        subject: str,
        stamp: Any,
        zone: tzinfo,
        now: datetime,
        *,
        fresh: bool,
        calendar: datetime | None = None,
    ) -> datetime | None:
        """Return when something was measured, None without a stamp; never after `now`.

        A stamp that is new, of a device that is online, can only be minutes old, which
        tells by which clock it is written.
        """
        if (written := naive(stamp)) is None:
            return None if calendar is None else min(calendar, now)
        changed = self._last.get(subject) != written
        self._last[subject] = written
        if fresh and changed:
            self._learn(subject, written, _offsets(written, zone, calendar), now)
        known = self.learned(subject)
        local = written.replace(tzinfo=zone)
        at = local if known is None else _at(written, known)
        return min(at.astimezone(UTC), now)

    def learned(self, subject: str) -> timedelta | None:
        """Return how far a device's stamps are ahead of UTC, as far as was learned."""
        known = self._offsets.get(subject)
        return None if known is None else timedelta(seconds=known)

    def offset(self, subject: str, zone: tzinfo, now: datetime) -> timedelta:
        """Return how far a device's stamps are ahead of UTC."""
        known = self.learned(subject)
        if known is None:
            return now.astimezone(zone).utcoffset() or timedelta()
        return known

    def _learn(
        self,
        subject: str,
        written: datetime,
        offsets: Iterable[timedelta],
        now: datetime,
    ) -> None:
        known = self.learned(subject)
        first = () if known is None else (known,)
        for offset in (*first, *offsets):
            if FRESH[0] <= now - _at(written, offset) <= FRESH[1]:
                self._offsets[subject] = offset.total_seconds()
                return


def _at(written: datetime, offset: timedelta) -> datetime:
    return (written - offset).replace(tzinfo=UTC)


def _offsets(
    written: datetime, zone: tzinfo, calendar: datetime | None
) -> list[timedelta]:
    """Return how far stamps may be ahead of UTC, the likeliest first."""
    local = written.replace(tzinfo=zone)
    here = local.utcoffset() or timedelta()
    standard = here - (local.dst() or timedelta())
    found = [here, standard, standard + SUMMER, SERVER, timedelta()]
    if calendar is not None:
        found.insert(0, written - calendar.replace(tzinfo=None, microsecond=0))
    return found
