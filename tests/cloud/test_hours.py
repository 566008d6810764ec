"""Energy by the hour: spans put into hours, hours put right, the past joined on."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from custom_components.solar_cloud.cloud.hours import (
    HOUR,
    Hour,
    before,
    by_hour,
    ended,
    followed,
    runs,
    seam,
    settled,
    unbroken,
)
from custom_components.solar_cloud.cloud.model import EnergyRow

BERLIN = ZoneInfo("Europe/Berlin")
START = datetime(2026, 5, 4, 6, tzinfo=UTC)


def row(start: datetime, kwh: float, span: timedelta = HOUR) -> EnergyRow:
    """Return a row of energy."""
    return EnergyRow(subject="P", key="pv_energy", start=start, kwh=kwh, span=span)


def hours(*states: float, sums: float = 0.0) -> dict[datetime, Hour]:
    """Return recorded hours with these counters; `sums` is the first one's sum."""
    return {
        START + n * HOUR: Hour(state, state - states[0] + sums)
        for n, state in enumerate(states)
    }


def known(*energies: float, start: datetime = START) -> dict[datetime, float]:
    """Return what a vendor tells of hours."""
    return {start + n * HOUR: kwh for n, kwh in enumerate(energies)}


def test_hours_stay_as_they_are() -> None:
    """A vendor's hour is an hour."""
    rows = [row(START, 1.5), row(START + HOUR, 0.5)]
    assert by_hour(rows, UTC) == known(1.5, 0.5)


def test_half_hours_are_divided() -> None:
    """Where clocks are half an hour off, an hour is parted; what is not whole is left."""
    half = timedelta(minutes=30)
    rows = [row(START + half, 1.0), row(START + HOUR + half, 3.0)]
    assert by_hour(rows, UTC) == known(2.0, start=START + HOUR)


def test_quarters_add_up() -> None:
    """Four quarters are an hour, three are not known to be one."""
    quarter = timedelta(minutes=15)
    rows = [row(START + n * quarter, 0.25, quarter) for n in range(7)]
    assert by_hour(rows, UTC) == known(1.0)


@pytest.mark.parametrize(("day", "length"), [(4, 24), (29, 23), (25, 25)])
def test_a_whole_day_stands_at_noon(day: int, length: int) -> None:
    """Also on days when the clocks change; its other hours are known to be empty."""
    month = {4: 5, 29: 3, 25: 10}[day]
    start = datetime(2026, month, day, tzinfo=BERLIN).astimezone(UTC)
    found = by_hour([row(start, 24.0, timedelta(hours=length))], BERLIN)
    assert len(found) == length
    noon = next(hour for hour, kwh in found.items() if kwh)
    assert noon.astimezone(BERLIN).hour == 12
    assert sum(found.values()) == 24.0


def test_runs_are_hours_that_follow_each_other() -> None:
    """A missing hour parts them."""
    found = list(runs([START, START + HOUR, START + 3 * HOUR]))
    assert [len(run) for run in found] == [2, 1]
    assert list(runs([])) == []


def test_the_last_hours_without_a_hole() -> None:
    """What lies before a hole does not reach what comes after it."""
    known = {START + n * HOUR: float(n) for n in (0, 1, 3, 4)}
    assert unbroken(known) == {START + n * HOUR: float(n) for n in (3, 4)}


def test_a_gap_is_filled() -> None:
    """The hour in which the data came back loses the sum of the gap."""
    recorded = hours(10.0, 11.0)
    recorded[START + 5 * HOUR] = Hour(19.0, 9.0)
    found = settled(known(1, 1, 2, 2, 1, 3), recorded)
    assert found.fits
    assert found.hours == {
        START + 2 * HOUR: Hour(13.0, 3.0),
        START + 3 * HOUR: Hour(15.0, 5.0),
        START + 4 * HOUR: Hour(16.0, 6.0),
    }


def test_the_hour_of_the_beginning_takes_what_it_lacked() -> None:
    """What a counter told late when it was joined belongs to no hour after that."""
    recorded = {START: Hour(100.2, 0.2), START + 3 * HOUR: Hour(103.3, 3.3)}
    known = {START + n * HOUR: 1.0 for n in (1, 2, 3)}
    right = settled(known, recorded, START)
    assert right.fits
    assert [row.sum for _, row in sorted(right.hours.items())] == pytest.approx(
        [0.3, 1.3, 2.3]
    )
    late = settled(known, recorded)
    assert START not in late.hours
    assert late.hours[START + 2 * HOUR].sum == pytest.approx(2.2)
    # Less than was told is no matter of the beginning.
    recorded[START + 3 * HOUR] = Hour(103.1, 3.1)
    assert START not in settled(known, recorded, START).hours


def test_nothing_changes_twice() -> None:
    """What is recorded as the vendor tells it stays."""
    recorded = hours(10.0, 11.0, 13.0, 14.0)
    assert settled(known(2, 1, start=START + HOUR), recorded).hours == {
        START + HOUR: Hour(12.0, 2.0)
    }
    recorded[START + HOUR] = Hour(12.0, 2.0)
    assert settled(known(2, 1, start=START + HOUR), recorded).hours == {}


def test_a_little_too_much_is_the_last_hours() -> None:
    """The counter had not told all of it; it is never less than nothing."""
    recorded = hours(10.0, 11.0, 12.0, 12.1)
    found = settled(known(1.0, 1.2, 0.0, start=START + HOUR), recorded)
    assert found.fits
    assert found.hours[START + 2 * HOUR].state == pytest.approx(12.1)


def test_rounding_is_nobodys_alone() -> None:
    """Hours that were rounded share what they lack; the night had nothing of it."""
    recorded = hours(0.0, *[0.0] * 10, 20.02, 20.02)
    found = settled(known(*[2.0] * 10, 0.0, 0.0, start=START + HOUR), recorded)
    assert found.fits
    assert found.hours[START + HOUR].sum == pytest.approx(2.002)
    assert found.hours[START + 10 * HOUR].sum == pytest.approx(20.02)


def test_a_counter_of_days_follows_what_is_told() -> None:
    """Midnight took something of it; what comes after has to move."""
    recorded = hours(0.0, 1.0, 1.9, 2.9)
    told = known(1.0, 1.0, start=START + HOUR)
    right = settled(told, recorded)
    assert followed(told, recorded, right.hours) == (
        {START + 2 * HOUR: Hour(1.9, 2.0)},
        START + 3 * HOUR,
    )
    again = recorded | {START + 2 * HOUR: Hour(1.9, 2.0)}
    assert followed(told, again, {})[0] == {}
    apart = told | known(1.0, start=START + 9 * HOUR)
    assert followed(apart, recorded, right.hours) == (right.hours, None)


def test_another_scale_is_followed() -> None:
    """A vendor's hours that are a tenth too large are divided as they are."""
    recorded = hours(0.0, *[50.0] * 11, 240.0)
    found = settled(known(*[22.0] * 12, start=START + HOUR), recorded)
    assert found.fits
    assert found.hours[START + 2 * HOUR] == Hour(40.0, 40.0)


@pytest.mark.parametrize("told", [(0.0, 0.0), (30.0, 30.0)])
def test_what_is_told_of_something_else_is_left(told: tuple[float, float]) -> None:
    """Hours that do not fit the counter at all change nothing, and say so."""
    recorded = hours(0.0, 5.0, 20.0)
    found = settled(known(*told, start=START + HOUR), recorded)
    assert found.hours == {}
    assert not found.fits


def test_a_counter_that_began_anew_is_left() -> None:
    """Where sums and counters do not go together nobody can say what is right."""
    recorded = hours(10.0, 11.0, 12.0)
    recorded[START + 2 * HOUR] = Hour(12.0, 9.0)
    assert not settled(known(1, 1, start=START + HOUR), recorded).fits
    recorded[START + 2 * HOUR] = Hour(3.0, -2.0)
    assert not settled(known(1, 1, start=START + HOUR), recorded).fits


def test_hours_without_an_anchor_are_left() -> None:
    """Before the first recorded hour, and after the last, nothing can be divided."""
    recorded = hours(10.0)
    assert settled(known(1, start=START - 3 * HOUR), recorded).hours == {}
    assert settled(known(1, 1, start=START + HOUR), recorded).hours == {}


def test_the_past_is_joined_on() -> None:
    """The counter goes back from the first hour, the sums begin at nothing."""
    found = before(
        known(2, 3, 1, start=START - 2 * HOUR), START, Hour(state=100.0, sum=0.4)
    )
    assert found == {
        START - 2 * HOUR: Hour(96.0, 2.0),
        START - HOUR: Hour(99.0, 5.0),
    }
    shift = seam({**found, START: Hour(100.0, 0.4)}, START)
    # The first hour then has the whole of its energy, also what came before us.
    assert shift == pytest.approx(5.0 + 1.0 - 0.4)
    assert seam({**found, START: Hour(100.0, 0.4 + shift)}, START) == 0


def test_the_past_of_an_hour_that_is_not_told() -> None:
    """Then the first hour keeps what it counted itself."""
    found = before(known(2, start=START - HOUR), START, Hour(state=100.0, sum=0.4))
    assert found == {START - HOUR: Hour(99.6, 2.0)}
    assert seam({**found, START: Hour(100.0, 0.4)}, START) == pytest.approx(2.0)


def test_the_past_ends_with_the_vendor_s_counter() -> None:
    """Where it is known, so that the first hour has what came before us in it."""
    found = before(known(2, start=START - HOUR), START, Hour(100.0, 0.4), 99.1)
    assert found == {START - HOUR: Hour(99.1, 2.0)}
    shift = seam({**found, START: Hour(100.0, 0.4)}, START)
    assert shift == pytest.approx(2.0 + 0.9 - 0.4)


def test_a_seam_needs_both_sides() -> None:
    """Without an hour before, or the hour itself, there is none."""
    recorded = hours(10.0)
    assert seam(recorded, START) == 0
    assert seam(recorded, START + HOUR) == 0


def test_the_true_end_of_an_hour() -> None:
    """Where the recorder knew an old counter only, the vendor's is taken."""
    recorded = hours(10.0, 10.0, 10.0)
    energies = known(1, 2, start=START + HOUR)
    true = ended(energies, recorded, START + 2 * HOUR, 13.0)
    assert true[START + 2 * HOUR] == Hour(13.0, 3.0)
    assert settled(energies, true).hours == {START + HOUR: Hour(11.0, 1.0)}
    assert ended(energies, {}, START + 2 * HOUR, 13.0) == {}
