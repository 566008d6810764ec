"""The energy of the past: by hours from what devices uploaded, else by days."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from custom_components.solar_cloud.cloud.errors import Busy, QuotaExceeded
from custom_components.solar_cloud.cloud.model import Energies

from .conftest import Open
from .stub import Error, Stub
from .test_listing import answers
from .test_overview import STRANGE
from .world import World

HOUR = timedelta(hours=1)


async def _energy(world: World, plant: Any, first: date, last: date) -> Energies:
    return await world.vendor.energy([plant.id], first, last)


def _zone(plant: Any) -> ZoneInfo:
    return ZoneInfo(plant.home.spec.zone)


async def _ready(world: World) -> date:
    """Learn what the account holds; return yesterday."""
    await world.poll("devices", "realtime", "devices")
    return (world.clock.now() - timedelta(days=1)).date()


@pytest.mark.parametrize(
    ("name", "plant", "keys"),
    [
        ("old", 1, {"pv_energy", "inverter_energy"}),
        (
            "min",
            0,
            {"pv_energy", "load_energy", "grid_import_energy", "battery_charge_energy"},
        ),
        ("sph", 0, {"pv_energy", "grid_export_energy", "battery_discharge_energy"}),
    ],
)
async def test_the_hours_of_a_day(
    open_world: Open, name: str, plant: int, keys: set[str]
) -> None:
    """Each hour is what the plant's counters grew by; all make the day."""
    world = open_world(name)
    yesterday = await _ready(world)
    of = world.account.plants[plant]
    found = await _energy(world, of, yesterday, yesterday)
    assert found.first == yesterday
    sn = of.devices[0].sn
    rows = [row for row in found.rows if row.subject == sn]
    assert keys <= {row.key for row in rows}
    midnight = datetime.combine(yesterday, datetime.min.time(), _zone(of))
    start, end = midnight.timestamp(), (midnight + timedelta(days=1)).timestamp()
    truth = of.home.energy(start, end)
    if of.devices[0].family.type == 1:
        # Of the past of a type 1 inverter only its production is told.
        truth["pv_energy"] = truth["inverter_energy"]
    for key in keys:
        told = {row.start: row.kwh for row in rows if row.key == key}
        assert len(told) == 24
        assert all(row.span == HOUR for row in rows)
        true = {datetime.fromtimestamp(at, UTC): kwh for at, kwh in truth[key]}
        assert set(told) == set(true)
        for hour, kwh in true.items():
            # Counters are told to 0.1 kWh.
            assert told[hour] == pytest.approx(kwh, abs=0.12), (key, hour)
        assert sum(told.values()) == pytest.approx(sum(true.values()), abs=0.15)
    assert not world.refused


async def test_several_days_in_one_batch(open_world: Open) -> None:
    """A call reaches seven days; six of them are told, the others are around them."""
    world = open_world("sph")
    yesterday = await _ready(world)
    calls = len(world.sim.calls)
    found = await _energy(world, world.plant, yesterday - timedelta(days=30), yesterday)
    assert found.first == yesterday - timedelta(days=5)
    assert not found.beginning or found.first.isoformat() <= (
        world.vendor.snapshots["devices"].plants[world.plant.id].created or ""
    )
    spans = {
        (row.params["start_date"], row.params["end_date"], row.params["timezone_id"])
        for row in world.sim.calls[calls:]
    }
    first = (found.first - timedelta(days=1)).isoformat()
    last = (yesterday + timedelta(days=1)).isoformat()
    assert spans == {(first, last, "UTC")}
    assert not world.refused


async def test_the_beginning_of_a_plant(open_world: Open) -> None:
    """Before it was made there is nothing."""
    world = open_world("sph")
    await _ready(world)
    made = datetime.fromtimestamp(world.plant.home.created, UTC).date()
    found = await _energy(world, world.plant, made - timedelta(days=9), made)
    assert found.beginning


async def test_of_the_present_day_the_hours_that_are_over(open_world: Open) -> None:
    """An hour that is not over is not told."""
    world = open_world("min")
    await _ready(world)
    world.advance(minutes=41)
    await world.poll("realtime")
    today = world.clock.now().date()
    found = await _energy(world, world.plant, today, today)
    sn = world.device("tlx").sn
    hours = sorted(row.start for row in found.rows if row.subject == sn)
    assert hours[-1] + HOUR <= world.clock.now()
    assert world.clock.now() - hours[-1] < timedelta(hours=2)


async def test_a_smart_meter_s_hours(open_world: Open) -> None:
    """What a meter counts is the plant's import and export."""
    world = open_world("spa")
    yesterday = await _ready(world)
    found = await _energy(world, world.plant, yesterday, yesterday)
    meter = f"{world.plant.loggers[0].sn}_1"
    told = sum(
        row.kwh
        for row in found.rows
        if (row.subject, row.key) == (meter, "grid_import_energy")
    )
    midnight = datetime.combine(yesterday, datetime.min.time(), _zone(world.plant))
    start, end = midnight.timestamp(), (midnight + timedelta(days=1)).timestamp()
    true = sum(
        kwh for _, kwh in world.plant.home.energy(start, end)["grid_import_energy"]
    )
    assert told == pytest.approx(true, abs=0.15)


async def test_plants_are_asked_each_by_itself(open_world: Open) -> None:
    """The past is of a device."""
    assert list(open_world("old").vendor.together(["1", "2"])) == [("1",), ("2",)]


# --- when devices have nothing --------------------------------------------------------


def _days(params: dict[str, str]) -> dict[str, Any]:
    first = date.fromisoformat(params["start_date"])
    rows = [
        {"date": (first + timedelta(days=n)).isoformat(), "energy": f"{n}.5"}
        for n in range(8)
    ]
    odd = [{"date": "?", "energy": 1}, {"date": first.isoformat(), "energy": None}]
    return {"count": 10, "time_unit": "day", "energys": [*rows, *odd]}


async def test_before_95_days_only_the_days_are_known(stub: Stub) -> None:
    """What a plant yielded comes from the plant, and is asked ten times a day at most."""
    stub.answers |= answers(tlx_data={"count": 0, "datas": []}, plant__energy=_days)
    await stub.vendor.poll("devices")
    found = await stub.vendor.energy(["7"], date(2025, 1, 1), date(2025, 6, 6))
    assert found.first == date(2025, 6, 1)
    assert [(row.subject, row.key, row.kwh) for row in found.rows] == [
        ("7", "pv_energy", n + 0.5) for n in range(1, 7)
    ]
    assert {row.span for row in found.rows} == {timedelta(days=1)}
    # Midnight in Warsaw, in summer.
    assert found.rows[0].start == datetime(2025, 5, 31, 22, tzinfo=UTC)
    asked = next(params for path, params in stub.asked if "plant/energy" in path)
    assert asked["start_date"] == "2025-05-31"
    assert asked["time_unit"] == "day"
    for n in range(9):
        await stub.vendor.energy(["7"], date(2025, 1, 1), date(2025, 5, 1 + n))
    with pytest.raises(QuotaExceeded):
        await stub.vendor.energy(["7"], date(2025, 1, 1), date(2025, 4, 1))
    # What devices do not have any more is not asked for again, and days are a week.
    paths = [path for path, _ in stub.asked]
    assert sum(path.endswith("tlx_data") for path in paths) == 1
    asked = [params for path, params in stub.asked if "plant/energy" in path][1]
    assert (asked["start_date"], asked["end_date"]) == ("2025-04-25", "2025-05-01")


def _yields(params: dict[str, str]) -> Any:
    """Return the yields of a plant that has worked since March 2024."""
    unit = params["time_unit"]
    rows = {
        "day": [{"date": params["start_date"], "energy": "0.0"}],
        "month": [{"date": f"2024-{n:02}", "energy": n - 2.0} for n in (2, 3, 4)],
        "year": [{"date": f"{year}", "energy": year - 2023.0} for year in (2023, 2024)],
    }
    return {"count": 3, "time_unit": unit, "energys": rows[unit]}


@pytest.mark.parametrize(
    ("last", "beginning"), [(date(2025, 6, 6), False), (date(2024, 3, 3), True)]
)
async def test_years_and_months_tell_where_the_past_begins(
    stub: Stub, last: date, beginning: bool
) -> None:
    """Where days are empty, it is asked once whether anything comes before them."""
    stub.answers |= answers(tlx_data=None, plant__energy=_yields)
    await stub.vendor.poll("devices")
    for _ in range(2):
        found = await stub.vendor.energy(["7"], date(2010, 1, 1), last)
        assert found.beginning is beginning
        stub.advance(minutes=6)
    units = [row["time_unit"] for path, row in stub.asked if "energy" in path]
    assert units == ["day", "year", "month", "day"]


async def test_a_plant_that_never_yielded(stub: Stub) -> None:
    """It has no past; a call that is refused tells nothing."""

    def empty(params: dict[str, str]) -> Any:
        if params["time_unit"] == "year" and len(stub.asked) < 9:
            return Error(10012, "error_frequently_access")
        return {"count": 0, "energys": []}

    stub.answers |= answers(tlx_data=None, plant__energy=empty)
    await stub.vendor.poll("devices")
    found = await stub.vendor.energy(["7"], date(2010, 1, 1), date(2020, 1, 1))
    assert not found.beginning
    stub.advance(hours=3)
    found = await stub.vendor.energy(["7"], date(2010, 1, 1), date(2020, 1, 1))
    assert found.beginning


async def test_the_day_that_is_not_over_is_no_whole_day(stub: Stub) -> None:
    """Only whole days are told as such."""
    stub.answers |= answers(tlx_data=None, plant__energy=_days)
    await stub.vendor.poll("devices")
    found = await stub.vendor.energy(["7"], date(2026, 6, 15), date(2026, 6, 17))
    assert len(found.rows) == 2


async def test_a_failure_is_no_empty_past(stub: Stub) -> None:
    """What could not be read is not skipped."""
    stub.answers |= answers(tlx_data=Error(10001))
    await stub.vendor.poll("devices")
    with pytest.raises(Busy):
        await stub.vendor.energy(["7"], date(2026, 6, 15), date(2026, 6, 16))


async def test_unknown_inverters_have_a_curve(stub: Stub) -> None:
    """The power of each day makes the hours of the plant's yield."""

    def powers(params: dict[str, str]) -> dict[str, Any]:
        noon = datetime.fromisoformat(f"{params['date']}T12:00:00")
        rows = [
            {"time": f"{noon + n * timedelta(minutes=5)}", "power": 1200}
            for n in range(24)
        ]
        return {"count": 24, "powers": rows}

    stub.answers |= answers(device__list={"devices": [STRANGE]}, plant__power=powers)
    await stub.vendor.poll("devices")
    found = await stub.vendor.energy(["7"], date(2026, 6, 15), date(2026, 6, 15))
    assert [(row.start.hour, row.kwh) for row in found.rows] == [(12, 1.2), (13, 1.2)]
    assert {row.key for row in found.rows} == {"pv_energy"}


async def test_odd_rows_of_the_past(stub: Stub) -> None:
    """Rows without a time are passed over; a counter that dips does not count twice."""

    def row(hour: int, total: Any) -> dict[str, Any]:
        return {"time": f"2026-06-16 {hour:02}:00:00", "eacTotal": total}

    rows = [row(4, 10.5), row(5, 11.5), row(6, 2.0), row(7, 11.5), row(8, 12.5)]
    stub.answers |= answers(
        tlx_data={
            "count": 7,
            "datas": [*rows, {"time": None, "eacTotal": 99}, row(9, "")],
        }
    )
    await stub.vendor.poll("devices")
    found = await stub.vendor.energy(["7"], date(2026, 6, 16), date(2026, 6, 16))
    told = {
        row.start.hour: row.kwh for row in found.rows if row.key == "inverter_energy"
    }
    assert told == {4: 1.0, 5: 0.0, 6: 0.0, 7: 1.0}


async def test_odd_rows_of_a_meter(open_world: Open, stub: Stub) -> None:
    """They are passed over, too."""
    stub.answers |= answers(
        device__list={
            "devices": [{"type": 3, "device_sn": "AMMETER", "datalogger_sn": "LOG1"}]
        },
        meter_list={"meters": [{"address": 4}]},
        plant__power={"powers": []},
        plant__energy={"energys": []},
        meter_data={
            "meter_data": [
                {"timeText": "2026-06-16 08:00:00", "positiveActiveTotalEnergy": 4.0},
                {"timeText": "2026-06-16 09:00:00", "positiveActiveTotalEnergy": 5.5},
                {"timeText": ""},
            ]
        },
    )
    await stub.vendor.poll("devices")
    found = await stub.vendor.energy(["7"], date(2026, 6, 16), date(2026, 6, 16))
    assert [(row.subject, row.start.hour, row.kwh) for row in found.rows] == [
        ("LOG1_4", 6, 1.5)
    ]
