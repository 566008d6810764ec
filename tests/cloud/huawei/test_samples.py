"""Real-time data: every unit, every sign, and what is no value."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from custom_components.solar_cloud.cloud.errors import (
    CloudUnavailable,
    PermissionDenied,
    QuotaExceeded,
)
from custom_components.solar_cloud.cloud.huawei.codes import SessionLost

from .conftest import Open
from .stub import Error, Later, Stub, device, plants, row
from .world import World, values


async def begin(stub: Stub, *devices: dict[str, Any], **answers: Any) -> None:
    """Sign in to a plant with devices."""
    stub.answers |= {
        "stations": plants(),
        "getDevList": list(devices),
        "getStationRealKpi": [],
        "getDevRealKpi": [],
        **answers,
    }
    await stub.vendor.identify()
    await stub.vendor.poll("devices")


def plant_values(code: str = "NE=1", **items: Any) -> dict[str, Any]:
    """Return a row of real-time plant data."""
    return {"stationCode": code, "dataItemMap": items}


def real(**by_kind: Any) -> Any:
    """Return what answers by the type that is asked for (`k38=[rows]`)."""
    return lambda body: by_kind.get(f"k{body['devTypeId']}", [])


@pytest.mark.parametrize("name", ["home", "emma", "owner", "commercial", "site"])
async def test_every_reading_is_what_the_cloud_has(open_world: Open, name: str) -> None:
    """All values of all devices agree with what is true of the sample that is shown."""
    world = await open_world(name)
    await world.vendor.identify()
    await world.poll("devices")
    found = await world.readings()
    compared = 0
    for plant in world.account.plants:
        truth = plant.truth(plant.published(world.sim.clock.seconds()))
        for subject, rows in found.items():
            if subject != plant.id and subject not in truth:
                continue
            known = truth["" if subject == plant.id else subject]
            for key in rows.keys() & known.keys():
                if isinstance(value := rows[key], float):
                    near = pytest.approx(known[key], rel=0.01, abs=1.1)
                    assert value == near, (subject, key)
                    compared += 1
                elif value is not None and key != "online":
                    assert value == known[key], (subject, key)
    assert compared >= 9
    assert not world.refused


async def test_yield_of_the_panels_and_of_the_inverter_differ(home: World) -> None:
    """What a hybrid gives out holds the battery's; the plant tells what the panels gave."""
    await home.vendor.identify()
    await home.poll("devices")
    found = await home.readings()
    plant, inverter = found[home.plant.id], found[home.of(38).sn]
    assert plant["pv_energy"] != inverter["inverter_energy"]
    assert inverter["pv_power"] - inverter["inverter_power"] > 1000


async def test_registers_that_are_always_null_are_never_made(home: World) -> None:
    """The tariffs of a power sensor among them."""
    await home.vendor.identify()
    await home.poll("devices")
    found = await home.readings()
    for rows in found.values():
        assert None not in [value for key, value in rows.items() if key != "fault_code"]
    raw = home.vendor.raw["/thirdData/getDevRealKpi type 47 1/47"]
    assert "positive_active_peak" in raw[0]["dataItemMap"]


# --- who is there -----------------------------------------------------------------------


async def test_a_device_that_is_disconnected_keeps_what_it_had(stub: Stub) -> None:
    """What it sends then are no values, zeros least of all."""
    kpi = Later(
        [
            [row(1, run_state=1, total_cap=812.5, mppt_power=2.0)],
            [row(1, run_state=0, total_cap=0, mppt_power=0, inverter_state=0)],
        ]
    )
    await begin(stub, device(1, 38, "S1"), getDevRealKpi=kpi)
    first = await stub.vendor.poll("realtime")
    stub.advance(minutes=5, seconds=3)
    second = await stub.vendor.poll("realtime")
    rows = second.readings["S1"]
    assert rows["online"].value is False
    assert rows["inverter_energy"] == first.readings["S1"]["inverter_energy"]
    assert rows["pv_power"] == first.readings["S1"]["pv_power"]
    assert "inverter_state" not in rows


async def test_at_night_an_inverter_sleeps(stub: Stub) -> None:
    """Without a battery it is off in the dark, and nothing is wrong with the plant."""
    sleeping = [row(1, run_state=0)]
    await begin(
        stub,
        device(1, 38, "S1"),
        device(2, 47),
        getStationRealKpi=[plant_values(real_health_state=1, total_power=5)],
        getDevRealKpi=Later(
            [
                [row(1, run_state=1, mppt_power=0.1, active_power=0.1, temperature=30, total_cap=9)],
                [],
                sleeping,
            ]
        ),
    )  # fmt: skip
    await stub.vendor.poll("realtime")
    stub.advance(minutes=6)
    snapshot = await stub.vendor.poll("realtime", dark={"NE=1"})
    rows = {key: item.value for key, item in snapshot.readings["S1"].items()}
    assert rows == {
        "online": False,
        "pv_power": 0.0,
        "inverter_power": 0.0,
        "inverter_temperature": None,
        "inverter_energy": 9.0,
        "inverter_state": "standby",
    }
    assert "plant_health" not in snapshot.readings["NE=1"]
    stub.advance(minutes=6)
    snapshot = await stub.vendor.poll("realtime")
    assert snapshot.readings["NE=1"]["plant_health"].value == "disconnected"
    stub.answers["getStationRealKpi"] = [plant_values(real_health_state=3)]
    stub.advance(minutes=6)
    snapshot = await stub.vendor.poll("realtime", dark={"NE=1"})
    assert snapshot.readings["NE=1"]["plant_health"].value == "healthy"


async def test_a_plant_with_a_battery_does_not_sleep(stub: Stub) -> None:
    """There, who is off in the dark is missing."""
    await begin(
        stub,
        device(1, 38, "S1"),
        device(2, 39),
        getStationRealKpi=[plant_values(real_health_state=1)],
        getDevRealKpi=[row(1, run_state=0)],
    )
    snapshot = await stub.vendor.poll("realtime", dark={"NE=1"})
    assert snapshot.readings["NE=1"]["plant_health"].value == "disconnected"
    assert values(snapshot)["S1"] == {"online": False}


async def test_rows_of_nobody(stub: Stub) -> None:
    """Unknown ids, a serial number for an id, no items, no objects."""
    await begin(
        stub,
        device(1, 38, "S1"),
        device(2, 38, "S2"),
        getStationRealKpi=[
            plant_values("NE=9", total_power=1),
            {"stationCode": None},
            3,
        ],
        getDevRealKpi=[
            row(99, mppt_power=1),
            row(None, mppt_power=1),
            {"devId": None, "sn": "S2", "dataItemMap": {"mppt_power": 1.5}},
            {"devId": 1, "dataItemMap": None},
            "text",
        ],
    )
    assert values(await stub.vendor.poll("realtime")) == {
        "S2": {"pv_power": 1500},
        "NE=1": {},
    }


async def test_no_data_is_no_zero(stub: Stub) -> None:
    """`success` with null leaves everything as it was."""
    await begin(
        stub,
        device(1, 38, "S1"),
        getStationRealKpi=Later([[plant_values(total_power=7)], None]),
        getDevRealKpi=Later([[row(1, mppt_power=1)], None]),
    )
    first = values(await stub.vendor.poll("realtime"))
    stub.advance(minutes=6)
    assert values(await stub.vendor.poll("realtime")) == first


# --- failures ---------------------------------------------------------------------------


async def test_one_type_that_fails_leaves_the_others(stub: Stub) -> None:
    """A poll of which something came is a poll."""
    await begin(
        stub,
        device(1, 38, "S1"),
        device(2, 47),
        getStationRealKpi=Error(20009),
        getDevRealKpi=lambda body: Error(20008) if body["devTypeId"] == 47 else [row(1, mppt_power=1)],
    )  # fmt: skip
    found = values(await stub.vendor.poll("realtime"))
    assert found["S1"] == {"pv_power": 1000}


@pytest.mark.parametrize(
    ("code", "kind"), [(407, QuotaExceeded), (401, PermissionDenied)]
)
async def test_a_poll_of_which_nothing_came_fails(
    stub: Stub, code: int, kind: type[Exception]
) -> None:
    """With what went wrong first."""
    await begin(stub, getStationRealKpi=Error(code))
    with pytest.raises(kind):
        await stub.vendor.poll("realtime")


async def test_a_cloud_that_is_down_is_asked_once(stub: Stub) -> None:
    """What concerns the account concerns every call."""
    await begin(
        stub, device(1, 38, "S1"), device(2, 47), getStationRealKpi=Error(20004)
    )
    before = len(stub.asked)
    with pytest.raises(CloudUnavailable):
        await stub.vendor.poll("realtime")
    assert len(stub.asked) == before + 1


async def test_a_session_that_is_lost_for_good_ends_the_poll(stub: Stub) -> None:
    """Each further call would only be turned away."""
    await begin(stub, device(1, 38, "S1"), getStationRealKpi=Error(305))
    with pytest.raises(SessionLost):
        await stub.vendor.poll("realtime")


async def test_a_plant_is_closed_while_we_read(stub: Stub) -> None:
    """The only plant of a call is left out for a day; of several the list finds it."""
    await begin(stub, device(1, 38, "S1"), getStationRealKpi=Error(20056))
    await stub.vendor.poll("realtime")
    assert stub.vendor.warnings == {"api_access_off"}
    stub.begin()
    stub.memory.clear()
    stub.begin()
    await begin(
        stub,
        device(1, 38, "S1"),
        getStationRealKpi=Error(20056),
        stations=plants("NE=1", "NE=2"),
    )
    stub.advance(minutes=10)
    await stub.vendor.poll("realtime")
    assert stub.vendor.warnings == frozenset()


# --- the grid ---------------------------------------------------------------------------


async def test_of_several_meters_one_type_tells_of_the_grid(stub: Stub) -> None:
    """EMMA before a grid meter, that before power sensors; two of a type are added."""
    await begin(
        stub,
        device(1, 47, "M1"),
        device(2, 47, "M2"),
        device(3, 23070, "E1"),
        getDevRealKpi=real(
            k47=[row(1, active_power=500, active_cap=5), row(2, active_power=700)],
            k23070=[row(3, active_power=-1.5, active_cap=8, reverse_active_cap=9)],
        ),
    )
    found = values(await stub.vendor.poll("realtime"))
    assert found["NE=1"] == {
        "grid_power": -1500,
        "grid_import_energy": 8,
        "grid_export_energy": 9,
    }
    assert found["M1"]["grid_power"] == -500


async def test_a_leading_meter_that_is_silent_leaves_a_gap(stub: Stub) -> None:
    """Another type's values are no substitute: they may be of something else."""
    await begin(
        stub,
        device(1, 47, "M1"),
        device(3, 23070, "E1"),
        getDevRealKpi=real(
            k47=[row(1, active_power=500)], k23070=[row(3, run_state=0)]
        ),
    )
    assert values(await stub.vendor.poll("realtime"))["NE=1"] == {}


async def test_meters_of_one_type_are_added_above(stub: Stub) -> None:
    """The plant's sum is made where all devices' are."""
    await begin(
        stub,
        device(1, 47, "M1"),
        device(2, 47, "M2"),
        getDevRealKpi=real(k47=[row(1, active_power=500), row(2, active_power=700)]),
    )
    assert values(await stub.vendor.poll("realtime"))["NE=1"] == {}


# --- today ------------------------------------------------------------------------------


def report(stub: Stub, begun: datetime, **items: Any) -> list[dict[str, Any]]:
    """Return the daily report's row of a day."""
    return [
        {
            "stationCode": "NE=1",
            "collectTime": round(begun.timestamp() * 1000),
            "dataItemMap": items,
        }
    ]


async def test_todays_import_grows_with_each_sample(stub: Stub) -> None:
    """The report tells how the day began; at the next midnight we see it ourselves."""
    midnight = datetime(2026, 6, 16, 22, tzinfo=UTC)
    counted = {"active_cap": 100.0, "reverse_active_cap": 50.0}
    await begin(
        stub,
        device(1, 38, "S1"),
        device(2, 47, "M1"),
        getDevRealKpi=lambda body: (
            [row(2, **counted)] if body["devTypeId"] == 47 else []
        ),
        getKpiStationDay=lambda body: report(
            stub, midnight, buyPower=4.0, ongrid_power=11.5, use_power=9.0
        ),
    )
    await stub.vendor.poll("realtime")
    assert values(await stub.vendor.poll("totals")) == {"NE=1": {}}

    stub.advance(minutes=6)
    counted |= {"active_cap": 101.0, "reverse_active_cap": 50.25}
    own = values(await stub.vendor.poll("realtime"))["NE=1"]
    assert own == {"grid_export_energy_today": 12.5, "grid_import_energy_today": 4.25}

    # A report that lags takes nothing back.
    await stub.vendor.poll("totals")
    stub.advance(minutes=6)
    own = values(await stub.vendor.poll("realtime"))["NE=1"]
    assert own == {"grid_export_energy_today": 12.5, "grid_import_energy_today": 4.25}

    # The last sample before midnight is where the next day begins.
    stub.now = midnight + timedelta(hours=23, minutes=55)
    counted |= {"active_cap": 120.0, "reverse_active_cap": 51.0}
    await stub.vendor.poll("realtime")
    kept = stub.vendor.snapshots
    stub.begin()
    for feed, snapshot in kept.items():
        await stub.vendor.restore(feed, snapshot)
    stub.now = midnight + timedelta(hours=24, minutes=5)
    counted |= {"active_cap": 120.0, "reverse_active_cap": 51.5}
    own = values(await stub.vendor.poll("realtime"))["NE=1"]
    assert own == {"grid_export_energy_today": 0.0, "grid_import_energy_today": 0.5}

    # A report of the same day does not move what was seen.
    midnight += timedelta(days=1)
    await stub.vendor.poll("totals")
    stub.advance(minutes=6)
    own = values(await stub.vendor.poll("realtime"))["NE=1"]
    assert own["grid_import_energy_today"] == 0.5


async def test_a_day_that_began_unseen_waits_for_a_report(stub: Stub) -> None:
    """After two days of silence nothing is known of today."""
    midnight = datetime(2026, 6, 16, 22, tzinfo=UTC)
    await begin(
        stub,
        device(2, 47, "M1"),
        getDevRealKpi=[row(2, active_cap=100.0, reverse_active_cap=50.0)],
        getKpiStationDay=lambda body: report(stub, midnight, buyPower=1.0),
    )
    await stub.vendor.poll("realtime")
    await stub.vendor.poll("totals")
    stub.advance(days=2, hours=3)
    own = (await stub.vendor.poll("realtime")).readings["NE=1"]
    assert "grid_import_energy_today" not in own


# --- when -------------------------------------------------------------------------------


async def test_polls_come_soon_after_each_full_five_minutes(home: World) -> None:
    """Whenever the first one was; each in the five minutes after the one before."""
    await home.vendor.identify()
    await home.poll("devices")
    await home.poll("realtime")
    phases = []
    for _ in range(40):
        due = home.vendor.due("realtime", 1.0)
        wait = (due - home.clock.now()).total_seconds()
        assert wait <= 600
        home.advance(seconds=max(wait, 0) + 0.4)
        phases.append(home.sim.clock.seconds() % 300)
        await home.poll("realtime")
    assert all(59 < phase < 92 for phase in phases[1:])
    assert not home.refused


async def test_a_rationed_account_saves_calls_at_night(owner: World) -> None:
    """15 minutes in the dark, to have each sample by day."""
    await owner.vendor.identify()
    await owner.poll("devices", "realtime")
    now = owner.clock.now()

    def minutes(stretch: float = 1.0, *, dark: bool = False) -> float:
        plants = {plant.id for plant in owner.account.plants} if dark else set()
        due = owner.vendor.due("realtime", stretch, plants)
        return float((due - now).total_seconds() / 60)

    assert 0 < minutes() <= 5.1
    assert 10 <= minutes(dark=True) <= 15.1


async def test_a_rationed_account_spends_what_it_has(owner: World) -> None:
    """By day polls come as calls are earned, or with each sample while a run is watched."""
    await owner.vendor.identify()
    await owner.poll("devices", "realtime")
    stretch = 1.4

    async def gaps(stretch: float) -> list[float]:
        found = []
        for _ in range(24):
            before = owner.clock.now()
            due = owner.vendor.due("realtime", stretch)
            owner.advance(seconds=(due - before).total_seconds())
            await owner.poll("realtime")
            found.append((due - before).total_seconds())
        return found

    earned = await gaps(stretch)
    assert 330 < sum(earned[6:]) / len(earned[6:]) < 500
    watched = await gaps(1.0)
    assert max(watched[1:]) < 310
    assert not owner.refused


async def test_who_has_no_battery_is_polled_rarely_at_night(stub: Stub) -> None:
    """Nothing happens there in the dark."""
    await begin(stub, device(1, 38, "S1"))
    await stub.vendor.poll("realtime")
    due = stub.vendor.due("realtime", 1.0, {"NE=1"})
    assert due - stub.clock.now() > timedelta(minutes=14)


async def test_a_large_plant_costs_what_its_size_makes_necessary(
    open_world: Open,
) -> None:
    """120 inverters are two calls, a grid meter and an environmental monitor one each."""
    world = await open_world("commercial")
    await world.vendor.identify()
    await world.poll("devices")
    before = len(world.sim.calls)
    snapshot = await world.poll("realtime")
    assert sorted(world.paths(before)) == ["getDevRealKpi"] * 4 + ["getStationRealKpi"]
    assert (
        len([key for key, rows in snapshot.readings.items() if "pv_power" in rows])
        == 120
    )
    assert len(world.vendor.raw["/thirdData/getDevRealKpi type 1 2/1"]) == 20
    for _ in range(12):
        due = world.vendor.due("realtime", 1.0)
        world.advance(seconds=(due - world.clock.now()).total_seconds())
        await world.poll("realtime")
    assert not world.refused
