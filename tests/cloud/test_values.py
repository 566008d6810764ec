"""Values as clouds send them."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from custom_components.solar_cloud.cloud.values import (
    day_of,
    instant,
    number,
    text,
    time_zone,
    truth,
)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1, 1.0),
        ("1.5", 1.5),
        (" 2 ", 2.0),
        ("1.2E-4", 0.00012),
        (0.1 + 0.2, 0.3),
        (True, None),
        (None, None),
        ("", None),
        ("--", None),
        ([], None),
        ("nan", None),
        ("inf", None),
        (10**400, None),
    ],
)
def test_a_number_is_finite_or_unknown(value: Any, expected: float | None) -> None:
    """Whatever it is wrapped in."""
    assert number(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (True, True),
        (1, True),
        (1.0, True),
        ("ON", True),
        (" true ", True),
        (0, False),
        ("off", False),
        (False, False),
        ("maybe", None),
        (None, None),
        (2, None),
        (0.5, None),
        (float("nan"), None),
    ],
)
def test_a_flag_is_known_or_unknown(value: Any, expected: bool | None) -> None:
    """By its name or number."""
    assert truth(value) is expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (" a ", "a"),
        (7, "7"),
        (0, "0"),
        (None, None),
        ("", None),
        ("--", None),
        ("null", None),
        ("None", None),
    ],
)
def test_a_text_says_something_or_is_unknown(value: Any, expected: str | None) -> None:
    """What stands for nothing is nothing."""
    assert text(value) == expected


BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-06-17 12:00:00 CEST+0200", datetime(2026, 6, 17, 10, tzinfo=UTC)),
        ("2026-06-17 12:00:00 BST+0100", datetime(2026, 6, 17, 11, tzinfo=UTC)),
        ("2026-06-17T12:00:00-03:30", datetime(2026, 6, 17, 15, 30, tzinfo=UTC)),
        ("2026-06-17 12:00:00", datetime(2026, 6, 17, 10, tzinfo=UTC)),
        ("2026-06-17 12:00:00 MEZ", datetime(2026, 6, 17, 10, tzinfo=UTC)),
        ("2026-06-17T12:00:00Z", datetime(2026, 6, 17, 12, tzinfo=UTC)),
        ("2026-06-17T12:00:00.000Z", datetime(2026, 6, 17, 12, tzinfo=UTC)),
        ("2026-13-17 12:00:00", None),
        ("2026-06-17 25:00:00+0200", None),
        ("yesterday", None),
        (None, None),
        ("", None),
    ],
)
def test_an_instant_has_its_own_offset_else_the_plants_zone(
    value: Any, expected: datetime | None
) -> None:
    """The name of a zone tells nothing."""
    assert instant(value, BERLIN) == expected


async def test_a_time_zone_is_known_or_unknown() -> None:
    """Vendors invent names."""
    assert await time_zone("Europe/Berlin") == BERLIN
    for name in (None, "", "Mars/Olympus", "../../etc/passwd", "Europe"):
        assert await time_zone(name) is None


@pytest.mark.parametrize(
    ("milliseconds", "day"),
    [
        (1_781_694_000_000, "2026-06-17"),
        (None, None),
        (0, None),
        (1e30, None),
        (-1e30, None),
    ],
)
def test_days_of_milliseconds(milliseconds: float | None, day: str | None) -> None:
    """A Unix time in ms is a day; what is none is nothing."""
    assert day_of(milliseconds) == day
