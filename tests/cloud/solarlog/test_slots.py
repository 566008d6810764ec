"""Slots by the wall clock become instants: odd days, odd shapes, odd numbers."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from custom_components.solar_cloud.cloud.solarlog.slots import series, spans

from .stub import NOON, slots, told

DAY = date(2026, 6, 17)
LATER = datetime(2027, 1, 1, tzinfo=UTC)


def instants(row: dict[str, Any], now: datetime = LATER) -> dict[str, float]:
    """Return the points of a single object, by UTC."""
    (one,) = series([row], now)
    return {
        at.astimezone(UTC).strftime("%H:%M"): value
        for points in one.days.values()
        for at, value in points
    }


def test_what_is_not_known_and_what_is_to_come_is_left_out() -> None:
    """Null, empty, no number, no stamp, and the future: none of it is a value."""
    points = slots(at1100=1, at1105=None, at1300=9) | {
        "2026-06-17T11:10:00+02:00": "2.5",
        "2026-06-17T11:15:00+02:00": "NaN",
        "2026-06-17T11:20:00+02:00": "",
        "2026-06-17T11:25:00": 7,
        "soon": 8,
    }
    assert instants(told("ProdPac", points), NOON) == {"09:00": 1, "09:10": 2.5}


def test_days_are_put_together_and_each_channel_stands_alone() -> None:
    """The newest day comes first in an answer; several channels and devices are mixed."""
    rows = [
        told("A", slots(at0000=0)),
        told("B", slots(at0000=1), unit="V"),
        told("A", {"2026-06-16T23:55:00+02:00": 5}, date="2026-06-16"),
        told("A", slots(at0000=7), device="other"),
        told("", slots(at0000=7)),
    ]
    found = series(rows, NOON)
    assert [(one.device, one.name, one.unit) for one in found] == [
        ("d5", "A", "W"),
        ("d5", "B", "V"),
        ("other", "A", "W"),
    ]
    assert sorted(found[0].days) == [date(2026, 6, 16), DAY]
    assert found[0].last() == (datetime.fromisoformat("2026-06-17T00:00:00+02:00"), 0)
    assert found[0].last(date(2026, 6, 16)) is not None
    assert found[0].last(date(2026, 6, 15)) is None


def test_a_day_in_spring_has_an_hour_that_falls_on_the_next() -> None:
    """The hour that does not exist is empty; what is known wins, whichever comes first."""
    points = {
        "2026-03-29T01:55:00+01:00": 1,
        "2026-03-29T02:00:00+01:00": None,
        "2026-03-29T02:05:00+01:00": 3,
        "2026-03-29T03:00:00+02:00": 2,
        "2026-03-29T03:05:00+02:00": None,
    }
    row = told("A", points, date="2026-03-29")
    assert instants(row) == {"00:55": 1, "01:00": 2, "01:05": 3}


def test_a_day_in_autumn_leaves_an_hour_out() -> None:
    """The hour that comes twice is told once, as it comes the second time."""
    points = {
        "2026-10-25T01:55:00+02:00": 1,
        "2026-10-25T02:00:00+01:00": 2,
        "2026-10-25T03:00:00+01:00": 3,
    }
    row = told("A", points, date="2026-10-25")
    assert instants(row) == {"23:55": 1, "01:00": 2, "02:00": 3}


def test_a_day_with_two_offsets_and_401_keys() -> None:
    """On the day a plant is set up two offsets are interleaved, and nothing is known."""
    stamps = [
        f"2026-06-17T{n // 12:02}:{n % 12 * 5:02}:00{offset}"
        for n in range(288)
        for offset in ("+02:00", "+00:00")
        if offset == "+02:00" or n < 113
    ]
    assert len(stamps) == 401
    assert instants(told("A", dict.fromkeys(stamps))) == {}
    values = {stamp: float(n) for n, stamp in enumerate(stamps)}
    found = series([told("A", values)], LATER)[0].days[DAY]
    assert [at for at, _ in found] == sorted({at for at, _ in found})


@pytest.mark.parametrize(
    "points",
    [
        [["2026-06-17T09:00:00+00:00", 4]],
        [{"timestamp": "2026-06-17T09:00:00+00:00", "value": 4}],
        [{"value": 4, "time": "2026-06-17T09:00:00+00:00"}, {"value": 3}, 5, []],
    ],
)
def test_points_may_be_a_list(points: list[Any]) -> None:
    """Of pairs, or of objects."""
    assert instants(told("A", points)) == {"09:00": 4}


@pytest.mark.parametrize("points", [None, 5, "x", {}, []])
def test_points_may_be_missing(points: Any) -> None:
    """Then there is a series without any."""
    assert instants(told("A", points)) == {}


def test_the_day_may_be_missing() -> None:
    """Then the newest stamp tells it."""
    (one,) = series([told("A", slots(at0005=1), date=None)], NOON)
    assert list(one.days) == [DAY]


@pytest.mark.parametrize(
    ("depth", "stamps", "wanted"),
    [
        (1, ("2025", "2026-01-01T00:00:00+01:00"), [(2025,), (2026,)]),
        (2, ("2025-02", "2026-03-01"), [(2025, 2), (2026, 3)]),
        (3, ("2025-02-03", "2026-03-01T00:00:00+01:00"), [(2025, 2, 3), (2026, 3, 1)]),
    ],
)
def test_sums_are_told_by_year_month_or_day(
    depth: int, stamps: tuple[str, ...], wanted: list[tuple[int, ...]]
) -> None:
    """As long or as short as the vendor writes them; what is too short is no sum."""
    points = dict.fromkeys((*stamps, "x", "20"), 5) | {"2024-01-01": None}
    found = spans([told("A", points), told("", {})], depth)
    assert found == {"A": dict.fromkeys(wanted, 5)}
    assert spans([told("A", {"2026": 5})], 2) == {"A": {}}
