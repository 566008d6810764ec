"""Energy of past hours: the home's, with the hour that autumn leaves out interpolated."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

from aiohttp import ClientSession
import pytest

from custom_components.solar_cloud.cloud.solarlog.hours import hours, told as rows_of
from custom_components.solar_cloud.cloud.solarlog.slots import series

from .stub import PLANT, Stub, slots, told
from .world import World

from tests.simulator import Simulator

KEYS = {"pv_energy", "load_energy", "grid_export_energy", "grid_import_energy"}


@pytest.fixture
async def past(
    socket_enabled: None, session: ClientSession, request: pytest.FixtureRequest
) -> AsyncIterator[World]:
    """Return an account at an instant."""
    start = request.param
    async with Simulator(
        now=lambda: start, vendors=("solarlog",), seed=1, history_days=12
    ) as sim:
        world = World(sim, session, "basic_battery")
        await world.vendor.identify()
        await world.poll()
        yield world


def by_key(rows: Any, key: str) -> dict[datetime, float]:
    """Return the hours of a counter."""
    return {row.start: row.kwh for row in rows if row.key == key}


@pytest.mark.parametrize(
    ("past", "day", "number"),
    [
        (datetime(2026, 3, 30, 12, tzinfo=UTC), date(2026, 3, 29), 23),
        (datetime(2026, 10, 26, 12, tzinfo=UTC), date(2026, 10, 25), 25),
        (datetime(2026, 6, 17, 12, tzinfo=UTC), date(2026, 6, 16), 24),
    ],
    indirect=["past"],
)
async def test_a_day_has_the_homes_hours(past: World, day: date, number: int) -> None:
    """As many as it has on the clock, none twice, and their sum is the day's."""
    plant = past.plant
    (group,) = past.vendor.together([plant.id])
    found = await past.vendor.energy(list(group), day, day)
    assert found.first == day
    assert not found.beginning
    assert {row.key for row in found.rows} == KEYS
    start = plant.midnight(day)
    end = plant.midnight(day + timedelta(days=1))
    truth = plant.home.energy(start, end)
    for key in KEYS:
        told_hours = by_key(found.rows, key)
        assert len(told_hours) == number
        factor = plant.home.spec.efficiency if key == "pv_energy" else 1
        right = sum(kwh for _, kwh in truth[key]) * factor
        assert sum(told_hours.values()) == pytest.approx(right, abs=0.02)
        for at, kwh in truth[key]:
            room = 1.5 if number == 25 else 0.02
            assert told_hours[datetime.fromtimestamp(at, UTC)] == pytest.approx(
                kwh * factor, abs=room
            )


@pytest.mark.parametrize("past", [datetime(2026, 6, 17, 12, tzinfo=UTC)], indirect=True)
async def test_the_past_is_read_in_fortnights(past: World) -> None:
    """One call for the slots and one for each month; the plant's first day ends it."""
    plant = past.plant.id
    made = len(past.sim.calls)
    found = await past.vendor.energy([plant], date(2020, 1, 1), date(2026, 6, 16))
    assert found.first == date(2026, 6, 3)
    assert found.beginning
    assert len({row.start.date() for row in found.rows}) >= 11
    paths = [path for path in past.paths(made) if "visualization" in path]
    assert len(paths) == 2
    times = [row.at for row in past.sim.calls[made:] if "visualization" in row.endpoint]
    assert times[1] - times[0] >= 10
    again = await past.vendor.energy([plant], date(2026, 5, 1), date(2026, 5, 9))
    assert again.beginning
    assert again.rows == ()
    assert again.first == date(2026, 5, 1)


@pytest.mark.parametrize(
    "past", [datetime(2026, 6, 17, 12, 1, tzinfo=UTC)], indirect=True
)
async def test_of_today_the_hours_that_are_over(past: World) -> None:
    """No hour is told that is not full."""
    day = date(2026, 6, 17)
    found = await past.vendor.energy([past.plant.id], day, day)
    told_hours = by_key(found.rows, "load_energy")
    newest = past.plant.published(past.sim.clock.seconds())
    assert max(told_hours) + timedelta(hours=1) <= datetime.fromtimestamp(newest, UTC)


async def test_a_channel_that_is_missing_has_no_hours(stub: Stub) -> None:
    """Sums that are missing leave the last slot as the end; other days are left out."""
    stub.answers[f"/{PLANT}/channels"] = [
        told("ProdEtotal", slots(at1000=0, at1100=700, at2355=900), "Wh"),
        told("ProdEtotal", {"2026-06-18T10:00:00+02:00": 3}, "Wh", date="2026-06-18"),
    ]
    stub.answers["/month/06"] = []
    stub.now += timedelta(days=5)
    day = date(2026, 6, 17)
    found = await stub.vendor.energy([PLANT], day, day)
    rows = by_key(found.rows, "pv_energy")
    assert rows[datetime(2026, 6, 17, 8, tzinfo=UTC)] == 0.7
    assert len(rows) == 13
    assert {row.key for row in found.rows} == {"pv_energy"}


async def test_a_poll_tells_of_the_hours_before_it(single: World) -> None:
    """Yesterday whole, once the vendor's sums are there; today up to its newest value."""
    plant = single.plant
    await single.vendor.identify()
    await single.live(hours=24)
    single.advance(minutes=16)
    found = (await single.poll("realtime")).energy
    newest = single.vendor.snapshots["realtime"].readings[plant.id]["load_energy"].at
    rows = {row.start: row for row in found if row.key == "load_energy"}
    last = max(rows)
    assert last + rows[last].span == newest
    assert rows[last].span <= timedelta(hours=1)
    for start, row in rows.items():
        begin = start.timestamp()
        end = begin + row.span.total_seconds()
        used = plant.energies(begin, end)["load_energy"]
        assert row.kwh == pytest.approx(used, abs=0.003)
    assert len(rows) >= 24


def test_hours_of_a_counter() -> None:
    """Interpolated at the full hours; a counter that dips stays where it was."""
    at = datetime(2026, 6, 17, 10, 30, tzinfo=UTC)
    line = [
        (at, 1.0),
        (at + timedelta(hours=1), 3.0),
        (at + timedelta(hours=1, minutes=5), 2.0),
        (at + timedelta(hours=2, minutes=30), 4.0),
    ]
    found = list(hours(line, None).values())
    assert found == [1.0, pytest.approx(1.294118), pytest.approx(0.705882)]
    assert sum(found) == pytest.approx(3.0)
    assert list(hours(line[:1], None).values()) == []
    assert list(hours(line[:1], 5.0).values()) == [4.0]


def test_a_poll_at_a_full_hour() -> None:
    """Has no part of an hour; a channel that is missing has no hours."""
    rows = [told("ProdEtotal", slots(at1000=100, at1100=600), "Wh")]
    now = datetime(2026, 6, 17, 9, 20, tzinfo=UTC)
    found = list(rows_of(PLANT, series(rows, now), date(2026, 6, 17), {}))
    assert [(row.key, row.kwh) for row in found] == [("pv_energy", 0.5)]
