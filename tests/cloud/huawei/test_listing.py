"""What an account holds: all pages, devices in batches, and ids that stay."""

from typing import Any

import pytest

from custom_components.solar_cloud.cloud.errors import (
    CloudUnavailable,
    PermissionDenied,
)
from custom_components.solar_cloud.cloud.model import DeviceKind

from .conftest import Open
from .stub import Error, Later, Stub, device, plant_row, plants
from .world import World


async def test_a_home(home: World) -> None:
    """A plant with its inverter, a battery without a serial number, a meter, a dongle."""
    identity = await home.vendor.identify()
    assert identity.account is None
    assert identity.unique_id == home.plant.id
    snapshot = await home.poll("devices")
    plant = snapshot.plants[home.plant.id]
    assert plant.name == home.plant.name
    assert plant.peak_power_kw == home.plant.facts.capacity
    connected = home.plant.local(home.plant.facts.connected)
    assert plant.created == connected.date().isoformat()
    assert plant.latitude == pytest.approx(home.plant.home.spec.latitude)
    inverter, battery = home.of(38), home.of(39)
    found = snapshot.devices
    assert found[inverter.sn].kind is DeviceKind.INVERTER
    assert found[inverter.sn].has_battery
    assert found[inverter.sn].model == inverter.model
    assert found[inverter.sn].software
    name = f"{inverter.sn}_battery_1"
    assert (found[name].kind, found[name].parent) == (DeviceKind.BATTERY, inverter.sn)
    assert found[str(home.of(47).id)].kind is DeviceKind.METER
    assert found[home.of(62).sn].kind is DeviceKind.LOGGER
    assert battery.sn is None
    assert home.of(47).id < 0


async def test_ids_stay_when_the_list_is_told_in_another_order(home: World) -> None:
    """The list's order changes each hour."""
    await home.vendor.identify()
    before = set((await home.poll("devices")).devices)
    for _ in range(4):
        home.advance(hours=1)
        assert set((await home.poll("devices")).devices) == before
    await home.begin()
    await home.vendor.identify()
    assert set((await home.poll("devices")).devices) == before


async def test_a_device_of_an_unknown_type_is_left_alone(emma: World) -> None:
    """It is neither shown nor polled, and disturbs nothing."""
    await emma.vendor.identify()
    snapshot = await emma.poll("devices")
    assert {row.kind for row in snapshot.devices.values()} == {
        DeviceKind.INVERTER,
        DeviceKind.BATTERY,
        DeviceKind.METER,
        DeviceKind.CONTROLLER,
        DeviceKind.LOGGER,
    }
    await emma.poll("realtime")
    asked = [row.params.get("devTypeId") for row in emma.sim.calls]
    assert 60081 not in asked
    assert not emma.refused


async def test_all_pages_and_batches_of_a_hundred(open_world: Open) -> None:
    """300 plants: three pages, three calls for devices, as many as are necessary."""
    world = await open_world("installer")
    identity = await world.vendor.identify()
    assert len(identity.plants) == 300
    assert world.paths().count("stations") == 3
    snapshot = await world.poll("devices")
    assert {row.plant for row in snapshot.devices.values()} == set(identity.plants)
    assert world.paths().count("getDevList") == 3
    before = len(world.sim.calls)
    await world.poll("realtime")
    assert sorted(world.paths(before)) == sorted(
        ["getStationRealKpi"] * 3 + ["getDevRealKpi"] * (3 + 3 + 1)
    )
    assert not world.refused


async def test_only_chosen_plants_cost_calls(open_world: Open) -> None:
    """Two of 300: one call where 300 take three."""
    world = await open_world("installer")
    chosen = frozenset(row.id for row in world.account.plants[:2])
    world = await open_world("installer", plants=chosen, memory=world.memory)
    await world.vendor.identify()
    before = len(world.sim.calls)
    snapshot = await world.poll("devices")
    assert len(snapshot.plants) == 300
    assert {row.plant for row in snapshot.devices.values()} == chosen
    found = await world.readings()
    assert chosen <= found.keys()
    await world.poll("alarms", "totals")
    assert sorted(set(world.paths(before))) == sorted(
        {
            "stations",
            "getDevList",
            "getStationRealKpi",
            "getDevRealKpi",
            "getAlarmList",
            "getKpiStationDay",
        }
    )
    assert world.paths(before).count("getDevList") == 1
    assert len(world.vendor.calls("realtime")) <= 4
    assert not world.refused


async def test_a_closed_plant_is_found_by_halving(stub: Stub) -> None:
    """One plant of eight whose owner has not switched on API access hides no other."""
    codes = [f"NE={n}" for n in range(8)]

    def answer(body: dict[str, Any]) -> Any:
        asked = body["stationCodes"].split(",")
        if "NE=5" in asked:
            return Error(20056)
        return [device(code[3:], 38, f"S{code}", stationCode=code) for code in asked]

    stub.answers |= {"stations": plants(*codes), "getDevList": answer}
    await stub.vendor.identify()
    snapshot = await stub.vendor.poll("devices")
    assert {row.plant for row in snapshot.devices.values()} == set(codes) - {"NE=5"}
    assert stub.vendor.warnings == {"api_access_off"}
    asked = stub.paths().count("getDevList")
    stub.advance(hours=4)
    await stub.vendor.poll("devices")
    assert stub.paths().count("getDevList") == asked + 1
    stub.advance(hours=21)
    stub.answers["getDevList"] = []
    await stub.vendor.poll("devices")
    assert stub.vendor.warnings == frozenset()


async def test_a_plant_of_an_owner_who_has_closed_it(open_world: Open) -> None:
    """It is listed, and nothing more is asked about it."""
    world = await open_world("closed")
    await world.vendor.identify()
    await world.poll("devices")
    before = len(world.sim.calls)
    await world.poll("realtime", "totals", "alarms")
    assert world.paths(before) == []
    assert world.vendor.warnings == {"api_access_off"}


async def test_a_plant_that_is_gone_disturbs_no_other(stub: Stub) -> None:
    """30029 of one plant, or 20007: the others are still told."""
    stub.answers |= {
        "stations": plants("NE=1", "NE=2"),
        "getDevList": lambda body: (
            Error(30029) if "NE=2" in body["stationCodes"] else [device(1, 38, "S1")]
        ),
    }
    await stub.vendor.identify()
    snapshot = await stub.vendor.poll("devices")
    assert list(snapshot.devices) == ["S1"]
    assert stub.vendor.warnings == frozenset()


async def test_an_empty_answer_empties_nothing(stub: Stub) -> None:
    """`success` with nothing is no plant without devices."""
    stub.answers |= {
        "stations": Later([plants(), plants(), None]),
        "getDevList": Later([[device(1, 38, "S1")], None]),
    }
    await stub.vendor.identify()
    for _ in range(3):
        snapshot = await stub.vendor.poll("devices")
        assert (list(snapshot.plants), list(snapshot.devices)) == (["NE=1"], ["S1"])
        stub.advance(hours=4)


async def test_a_list_that_is_refused_is_no_empty_list(stub: Stub) -> None:
    """What was there stays, as the poll fails."""
    stub.answers |= {"stations": plants(), "getDevList": Error(20004)}
    await stub.vendor.identify()
    with pytest.raises(CloudUnavailable):
        await stub.vendor.poll("devices")
    stub.answers["stations"] = Error(401)
    with pytest.raises(PermissionDenied):
        await stub.vendor.poll("devices")


async def test_rows_that_are_odd(stub: Stub) -> None:
    """Ids as numbers, floats, texts; types as texts; plants and places missing."""
    rows = [
        device(-214543629611879, "38", "S1"),
        device(2.0, 39.0, None),
        device("3", "39", " "),
        device(4, 47, None, devName=None),
        device(None, 47),
        device(5, None),
        device(6, 38, "S6", stationCode="NE=9"),
        device(7, 1, "S7", devName="S7"),
        device("", 1),
    ]
    listed = plants()
    listed["list"] = [
        plant_row(
            latitude="40.5", longitude=None, capacity="7.5", gridConnectionDate=None
        ),
        plant_row(None),
        {},
    ]
    stub.answers |= {"stations": listed, "getDevList": rows}
    await stub.vendor.identify()
    snapshot = await stub.vendor.poll("devices")
    plant = snapshot.plants["NE=1"]
    assert (plant.latitude, plant.longitude, plant.peak_power_kw) == (40.5, None, 7.5)
    assert set(snapshot.devices) == {"S1", "2", "3", "4", "S7"}
    assert snapshot.devices["S1"].kind is DeviceKind.INVERTER
    assert snapshot.devices["S7"].name is None
    assert snapshot.devices["4"].name is None
    assert snapshot.devices["2"].parent is None


async def test_batteries_of_an_only_inverter_keep_their_names(stub: Stub) -> None:
    """The second one gets the next number; one that is gone leaves its own free."""
    one = [device(1, 38, "S1"), device(8, 39), device(9, 39)]
    stub.answers |= {
        "stations": plants(),
        "getDevList": Later([one, one[::-1], one[:2], [*one[:2], device(7, 39)]]),
    }
    await stub.vendor.identify()
    expected = [
        {"S1", "S1_battery_1", "S1_battery_2"},
        {"S1", "S1_battery_1", "S1_battery_2"},
        {"S1", "S1_battery_1"},
        {"S1", "S1_battery_1", "S1_battery_2"},
    ]
    for names in expected:
        snapshot = await stub.vendor.poll("devices")
        assert set(snapshot.devices) == names
        stub.advance(hours=4)
