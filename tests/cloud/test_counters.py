"""Counters never lie: they do not fall, and yesterday's value is not today's."""

from datetime import datetime, timedelta
import json
from zoneinfo import ZoneInfo

import pytest

from custom_components.solar_cloud.cloud.counters import Counters
from custom_components.solar_cloud.cloud.quantity import quantity

BERLIN = ZoneInfo("Europe/Berlin")
NOON = datetime(2026, 6, 17, 12, tzinfo=BERLIN)
HOUR = timedelta(hours=1)


class Plant:
    """A plant whose counters are shown."""

    def __init__(self) -> None:
        """Start with nothing known."""
        self.counters = Counters()

    def lifetime(self, value: float, at: datetime) -> float:
        """Return what a lifetime counter shows."""
        row = quantity("pv_energy")
        return self.counters.accept("p", row, row.key, value, at, at)

    def today(self, value: float, now: datetime, at: datetime | None = None) -> float:
        """Return what a counter of the day shows."""
        row = quantity("pv_energy_today")
        return self.counters.accept("p", row, row.key, value, at or now, now)

    def kill(self) -> None:
        """Start again with what was stored."""
        self.counters = Counters(json.loads(json.dumps(self.counters.as_dict())))


def test_a_dip_is_not_shown() -> None:
    """However deep, across a kill, until the counter is back."""
    plant = Plant()
    assert plant.lifetime(1000, NOON) == 1000
    assert plant.lifetime(0, NOON + HOUR) == 1000
    plant.kill()
    assert plant.lifetime(999.9, NOON + 2 * HOUR) == 1000
    assert plant.lifetime(1001, NOON + 3 * HOUR) == 1001
    assert plant.lifetime(5, NOON + 8 * HOUR) == 1001


def test_a_reset_is_believed_after_hours() -> None:
    """A replaced inverter starts anew."""
    plant = Plant()
    plant.lifetime(1000, NOON)
    plant.lifetime(1, NOON + HOUR)
    assert plant.lifetime(2, NOON + 6 * HOUR) == 1000
    plant.kill()
    assert plant.lifetime(3, NOON + 7 * HOUR) == 3
    assert plant.lifetime(4, NOON + 8 * HOUR) == 4


def test_an_answer_seen_again_does_not_prove_a_reset() -> None:
    """The hours are those of the measurements."""
    plant = Plant()
    plant.lifetime(1000, NOON)
    for _ in range(500):
        assert plant.lifetime(1, NOON + HOUR) == 1000


def test_a_day_counter_is_zero_from_midnight() -> None:
    """Until the vendor has a value of the new day."""
    plant = Plant()
    evening = datetime(2026, 6, 17, 23, 55, tzinfo=BERLIN)
    assert plant.today(30, evening) == 30
    midnight = datetime(2026, 6, 18, tzinfo=BERLIN)
    assert plant.today(30, midnight, at=evening) == 0
    assert plant.today(30, midnight + 8 * HOUR, at=evening) == 0
    assert plant.today(0.1, midnight + 9 * HOUR) == 0.1


def test_yesterdays_value_with_todays_date_is_not_todays() -> None:
    """Clouds reset late; a battery that charges at night still counts."""
    plant = Plant()
    plant.today(30, datetime(2026, 6, 17, 23, 55, tzinfo=BERLIN))
    night = datetime(2026, 6, 18, 0, 5, tzinfo=BERLIN)
    assert plant.today(30.2, night) == 0
    assert plant.today(30.2, night + HOUR) == 0
    assert plant.today(0.4, night + 2 * HOUR) == 0.4
    assert plant.today(30.2, night + 2.5 * HOUR) == 0.4
    assert plant.today(16, night + 2.6 * HOUR) == 16
    assert plant.today(29.9, night + 2.8 * HOUR) == 29.9


def test_the_doubt_about_yesterdays_value_ends() -> None:
    """A cloud that was silent all morning may tell as much as yesterday's."""
    plant = Plant()
    plant.today(5, NOON)
    assert plant.today(5, NOON + 24 * HOUR) == 5


def test_a_small_yesterday_is_not_doubted() -> None:
    """A value below doubt's worth is taken as it comes."""
    plant = Plant()
    plant.today(0.2, NOON)
    assert plant.today(0.2, NOON + 13 * HOUR) == 0.2


@pytest.mark.parametrize("day", [datetime(2026, 3, 29), datetime(2026, 10, 25)])
def test_a_day_counter_follows_a_day_of_another_length(day: datetime) -> None:
    """On the days on which the clocks change."""
    plant = Plant()
    midnight = day.replace(tzinfo=BERLIN)
    hours = [
        (midnight.astimezone(ZoneInfo("UTC")) + n * HOUR).astimezone(BERLIN)
        for n in range(-2, 27)
    ]
    shown = [
        plant.today((at - at.replace(hour=0)).total_seconds() / 3600, at)
        for at in hours
    ]
    first, last = (
        next(n for n, at in enumerate(hours) if at.date() == today)
        for today in (midnight.date(), (midnight + timedelta(days=1)).date())
    )
    assert shown[first] == 0 and shown[last] == 0
    assert shown[first:last] == sorted(shown[first:last])


def test_a_day_counter_does_not_dip_but_is_corrected_after_hours() -> None:
    """A spike of the vendor's is not kept till midnight."""
    plant = Plant()
    morning = datetime(2026, 6, 17, 6, tzinfo=BERLIN)
    assert plant.today(900, morning) == 900
    assert plant.today(2, morning + HOUR) == 900
    assert plant.today(8, morning + 7 * HOUR) == 8


def test_lower_values_before_midnight_prove_nothing_after_it() -> None:
    """Each day starts with a clean slate."""
    plant = Plant()
    plant.today(20, NOON)
    plant.today(19, NOON + 8 * HOUR)
    assert plant.today(1, NOON + 20 * HOUR) == 1
    assert plant.today(0.5, NOON + 21 * HOUR) == 1


def test_the_last_values_are_known() -> None:
    """With their instants, by subject."""
    plant = Plant()
    plant.lifetime(7, NOON)
    plant.kill()
    assert plant.counters.known("p") == {"pv_energy": (7, NOON)}
    assert plant.counters.known("q") == {}


def test_yesterdays_value_stands_until_the_inverter_wakes() -> None:
    """What has not moved since midnight is not today's; what has is."""
    plant = Plant()
    plant.today(12.4, NOON)
    wakes = NOON + timedelta(hours=18.5)
    assert plant.today(12.4, wakes) == 0.0
    assert plant.today(0.1, wakes + HOUR) == 0.1
    assert plant.today(12.4, wakes + 9 * HOUR) == 12.4


# --- lifetime counters made of those of the day ------------------------------------------


@pytest.mark.parametrize(
    ("samples", "total"),
    [
        pytest.param(
            [(1, 8, 2.0), (1, 20, 5.0), (2, 0.1, 0.0), (2, 9, 1.5)], 6.5, id="day"
        ),
        pytest.param(
            [(1, 23.9, 5.0), (2, 0.5, 5.0), (2, 2, 0.1), (2, 9, 1.0)], 6.0, id="late"
        ),
        pytest.param(
            [
                (1, 18.9, 5.0),
                (1, 19.1, 0.1),
                (1, 23.9, 1.1),
                (2, 0.1, 1.2),
                (2, 3, 1.7),
                (2, 5, 2.0),
            ],
            7.0,
            id="early",
        ),
        pytest.param(
            [(1, 8, 5.0), (1, 9, 4.8), (1, 10, 5.0), (1, 11, 5.5)], 5.5, id="dip"
        ),
        pytest.param(
            [(1, 23.9, 5.0), (2, 0.1, 4.9), (2, 0.2, 5.0), (2, 1, 0.0)],
            5.0,
            id="dip at night",
        ),
        pytest.param([(1, 20, 2.0), (2, 9, 3.0), (2, 10, 3.5)], 5.5, id="reset unseen"),
        pytest.param(
            [(1, 20, 3.0), (2, 9, 2.5), (2, 10, 2.6)], 5.6, id="reset unseen, lower"
        ),
        pytest.param(
            [(1, 20, 3.0), (2, 7, 3.0), (2, 9, 0.2)], 3.2, id="held until it wakes"
        ),
        pytest.param([(1, 12, 0.0), (2, 12, 0.0), (3, 12, 1.0)], 1.0, id="unused"),
    ],
)
def test_days_add_up_to_a_lifetime(
    samples: list[tuple[int, float, float]], total: float
) -> None:
    """However a device resets its counter of the day, each kWh counts once."""
    counters = Counters()
    shown = [0.0]
    for day, hour, value in samples:
        at = datetime(2026, 3, day, tzinfo=BERLIN) + timedelta(hours=hour)
        shown.append(counters.accumulate("B1", "battery_charge_energy", value, at))
        counters = Counters(counters.as_dict())
    assert shown[-1] == pytest.approx(total)
    assert shown == sorted(shown)
