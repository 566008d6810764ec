"""Times without a zone: by which clock they are written is found out."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from custom_components.solar_cloud.cloud.growatt.stamps import (
    COUNTRIES,
    UNEVEN,
    Stamps,
    epoch,
    naive,
    zone_name,
)

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 6, 17, 10, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("told", "country", "name"),
    [
        ("GMT+1", "Germany", "Europe/Berlin"),
        ("GMT+1", None, "Etc/GMT-1"),
        ("GMT+1", "Atlantis", "Etc/GMT-1"),
        ("GMT-7", "", "Etc/GMT+7"),
        ("UTC+2", "Finland", "Europe/Helsinki"),
        ("8", "China", "Asia/Shanghai"),
        ("1.0", "Spain", "Europe/Madrid"),
        (0, "Spain", "Atlantic/Canary"),
        (10.0, "Australia", "Australia/Sydney"),
        ("GMT+5:30", None, "Asia/Kolkata"),
        ("GMT+9.5", None, None),
        ("GMT+5:15", None, None),
        ("GMT+0", None, "UTC"),
        ("Europe/Rome", None, "Europe/Rome"),
        ("CET", None, None),
        ("", "Germany", None),
        (None, "Germany", None),
    ],
)
def test_the_zone_of_a_plant(told: Any, country: str | None, name: str | None) -> None:
    """The service knows an offset; the country adds summer time."""
    assert zone_name(told, country) == name


def test_zones_have_the_offset_under_which_they_are_listed() -> None:
    """All names exist, and mean what the table says at standard time."""
    for offset, name in (
        *UNEVEN.items(),
        *(row for zones in COUNTRIES.values() for row in zones.items()),
    ):
        winters = [datetime(2026, month, 15, tzinfo=ZoneInfo(name)) for month in (1, 7)]
        assert min(row.utcoffset() or timedelta() for row in winters) == timedelta(
            minutes=offset
        ), name


@pytest.mark.parametrize(
    ("stamp", "read"),
    [
        ("2026-06-17 12:00:05", datetime(2026, 6, 17, 12, 0, 5)),
        ("2026-06-17 12:00:05.0", datetime(2026, 6, 17, 12, 0, 5)),
        ("2026-6-7 9:05", datetime(2026, 6, 7, 9, 5)),
        ("2026-06-17T12:00:05", datetime(2026, 6, 17, 12, 0, 5)),
        ("2026-13-17 12:00:05", None),
        ("2026-06-17 25:61:00", None),
        ("", None),
        (None, None),
        (1781690405, None),
    ],
)
def test_a_stamp(stamp: Any, read: datetime | None) -> None:
    """Stamps come with and without seconds."""
    assert naive(stamp) == read


@pytest.mark.parametrize(
    ("fields", "at"),
    [
        ({"calendar": {"timeInMillis": 1781690400000}}, NOW),
        ({"timeCalendar": {"timeInMillis": "1781690400000"}}, NOW),
        ({"calendar": None}, None),
        ({"calendar": {"timeInMillis": 10**20}}, None),
        ({"calendar": {"timeInMillis": 0}}, None),
        ({}, None),
    ],
)
def test_a_calendar(fields: dict[str, Any], at: datetime | None) -> None:
    """Some answers hold the instant beside the stamp."""
    assert epoch(fields) == at


def _told(
    stamps: Stamps,
    written: datetime,
    *,
    fresh: bool = True,
    now: datetime = NOW,
    calendar: datetime | None = None,
) -> datetime | None:
    stamp = f"{written:%Y-%m-%d %H:%M:%S}"
    return stamps.instant("SN", stamp, BERLIN, now, fresh=fresh, calendar=calendar)


@pytest.mark.parametrize(
    "ahead",
    [2, 1, 8, 0],
    ids=["summer time", "no summer time", "the server's", "UTC"],
)
def test_the_clock_is_learned_from_what_is_new(ahead: int) -> None:
    """A sample that has just come is minutes old, whichever clock wrote it."""
    memory: dict[str, Any] = {}
    measured = NOW - timedelta(minutes=4)
    written = measured.replace(tzinfo=None) + timedelta(hours=ahead)
    assert _told(Stamps(memory), written) == measured
    later = Stamps(memory)
    assert later.learned("SN") == timedelta(hours=ahead)
    assert later.offset("SN", BERLIN, NOW) == timedelta(hours=ahead)


def test_what_is_old_teaches_nothing() -> None:
    """A device that is lost, or repeats itself, may tell any time."""
    stamps = Stamps({})
    written = NOW.replace(tzinfo=None) - timedelta(minutes=4)
    assert _told(stamps, written, fresh=False) == NOW - timedelta(hours=2, minutes=4)
    assert stamps.learned("SN") is None
    assert stamps.offset("SN", BERLIN, NOW) == timedelta(hours=2)
    assert _told(stamps, written) == NOW - timedelta(hours=2, minutes=4)
    old = NOW.replace(tzinfo=None) - timedelta(days=3)
    assert _told(stamps, old) == NOW - timedelta(days=3, hours=2)


def test_the_end_of_summer_time_is_noticed() -> None:
    """A clock that is put back an hour is learned anew, and no sample is in the future."""
    stamps = Stamps({})
    _told(stamps, NOW.replace(tzinfo=None) + timedelta(hours=2, minutes=-3))
    now = NOW + timedelta(hours=1)
    written = now.replace(tzinfo=None) + timedelta(hours=1, minutes=-2)
    assert _told(stamps, written, now=now) == now - timedelta(minutes=2)
    ahead = now.replace(tzinfo=None) + timedelta(hours=5)
    assert _told(stamps, ahead, now=now) == now


def test_a_calendar_stands_in_for_a_stamp() -> None:
    """Where there is no stamp, the instant beside it is taken; else none."""
    stamps = Stamps({})
    at = NOW - timedelta(minutes=3)
    assert stamps.instant("SN", "", BERLIN, NOW, fresh=True, calendar=at) == at
    assert stamps.instant("SN", None, BERLIN, NOW, fresh=True) is None
    odd = at.replace(tzinfo=None) + timedelta(hours=3, minutes=30)
    assert _told(stamps, odd, calendar=at) == at
