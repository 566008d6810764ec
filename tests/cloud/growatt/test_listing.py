"""What an account holds: plants, inverters, loggers, meters and sensors."""

from typing import Any

import pytest

from custom_components.solar_cloud.cloud.errors import (
    Busy,
    CloudUnavailable,
    DeviceGone,
)
from custom_components.solar_cloud.cloud.model import DeviceKind

from .conftest import Open
from .stub import Error, Later, Page, Stub
from .world import World

INVERTER = {
    "device_sn": "BNE1",
    "device_id": 12,
    "datalogger_sn": "LOG1",
    "type": 7,
    "model": "S25",
    "lost": False,
}
LOGGER = {"sn": "LOG1", "model": "ShineWifi", "lost": False}


def answers(**more: Any) -> dict[str, Any]:
    """Return the lists of a plant with one inverter behind a logger."""
    return {
        "plant/list": {"count": 1, "plants": [{"plant_id": 7, "name": "Roof"}]},
        "plant/details": {"timezone": "GMT+1", "country": "Poland"},
        "device/list": {"count": 1, "devices": [INVERTER]},
        "datalogger/list": {"count": 1, "dataloggers": [LOGGER]},
        "tlx_data_info": {"pmax": 5000, "fwVersion": "AL1.0", "alias": "East"},
        "meter_list": {"count": 0, "meters": []},
        "env_list": {"count": 0, "envs": []},
    } | {key.replace("__", "/"): row for key, row in more.items()}


async def test_everything_is_listed(any_world: World) -> None:
    """Each device is there, as the simulator lists it."""
    snapshot = await any_world.poll("devices")
    plants = {plant.id: plant for plant in any_world.account.plants}
    assert set(snapshot.plants) == set(plants)
    wanted = {
        row["id"]: (row["kind"], plant.id)
        for plant in plants.values()
        for row in plant.listed()
        if row["kind"] != "battery"
    }
    assert {
        sn: (row.kind.value, row.plant) for sn, row in snapshot.devices.items()
    } == wanted
    for plant in plants.values():
        shown = snapshot.plants[plant.id]
        spec = plant.home.spec
        assert (shown.latitude, shown.longitude) == (spec.latitude, spec.longitude)
        assert shown.peak_power_kw == spec.peak / 1000
        assert shown.created == f"{plant.local(plant.home.created):%Y-%m-%d}"
    for device in any_world.account.devices:
        listed = snapshot.devices[device.sn]
        assert listed.rated_power_w == device.model.rated
        assert listed.software
        assert snapshot.readings[device.sn]["online"].value is True
    assert not any_world.refused


async def test_a_storage_machine_is_called_after_its_type(open_world: Open) -> None:
    """Its list has only a code for the model."""
    world = open_world("old")
    snapshot = await world.poll("devices")
    assert snapshot.devices[world.device("storage").sn].model == "SP3000"


async def test_time_zones_know_summer_time_by_the_country(open_world: Open) -> None:
    """The service knows only an offset."""
    snapshot = await open_world("old").poll("devices")
    assert {row.time_zone for row in snapshot.plants.values()} == {"Europe/Berlin"}


async def test_a_plant_whose_clocks_do_not_change(open_world: Open) -> None:
    """In Phoenix it is never summer time; its stamps tell."""
    world = open_world("sph")
    snapshot = await world.poll("devices")
    assert snapshot.plants[world.plant.id].time_zone == "America/Denver"
    await world.poll("realtime")
    assert world.vendor.due("devices", 1.0) <= world.clock.now()
    calls = len(world.sim.calls)
    snapshot = await world.poll("devices")
    assert snapshot.plants[world.plant.id].time_zone == "Etc/GMT+7"
    assert len(world.sim.calls) == calls
    world.begin()
    await world.vendor.restore("devices", snapshot)
    world.advance(hours=2)
    snapshot = await world.poll("devices")
    assert snapshot.plants[world.plant.id].time_zone == "Etc/GMT+7"


async def test_details_are_asked_once_a_day(open_world: Open) -> None:
    """What hardly changes is remembered, also over restarts."""
    world = open_world("min")
    await world.poll("devices")
    calls = len(world.sim.calls)
    world.advance(hours=1)
    world.begin()
    await world.poll("devices")
    paths = world.paths(calls)
    assert "/v1/plant/details" not in paths
    assert "/v1/device/tlx/tlx_data_info" not in paths
    world.advance(hours=24)
    await world.poll("devices")
    assert "/v1/plant/details" in world.paths(calls)


async def test_only_chosen_plants_cost_calls(open_world: Open) -> None:
    """A plant that nobody wants to see is not asked about."""
    world = open_world("min")
    wanted, other = world.account.plants
    world.plants = frozenset({wanted.id})
    world.begin()
    snapshot = await world.poll("devices")
    assert set(snapshot.plants) == {wanted.id}
    asked = [row.params.get("plant_id") for row in world.sim.calls]
    assert other.id not in asked


async def test_all_pages_of_devices_are_read(stub: Stub) -> None:
    """An installer's plant may have more than a page of inverters."""

    def devices(params: dict[str, str]) -> dict[str, Any]:
        first = (int(params["page"]) - 1) * 100
        rows = [
            INVERTER | {"device_sn": f"BNE{n}"}
            for n in range(first, min(first + 100, 130))
        ]
        return {"count": 130, "devices": rows}

    stub.answers |= answers(device__list=devices)
    snapshot = await stub.vendor.poll("devices")
    inverters = [
        row for row in snapshot.devices.values() if row.kind is DeviceKind.INVERTER
    ]
    assert len(inverters) == 130
    assert (inverters[0].name, inverters[0].rated_power_w) == ("East", 5000)


@pytest.mark.parametrize("endpoint", ["/device/list", "/datalogger/list", "meter_list"])
async def test_a_list_that_does_not_come_keeps_what_was_on_it(
    open_world: Open, endpoint: str
) -> None:
    """No device is taken for gone because of a failure, also after a restart."""
    world = open_world("spa")
    before = await world.poll("devices")
    world.advance(hours=1)
    world.begin()
    await world.vendor.restore("devices", before)
    world.fault("errno", endpoint, errno=10001)
    if endpoint == "/device/list":
        with pytest.raises(Busy):
            await world.poll("devices")
        return
    snapshot = await world.poll("devices")
    assert set(snapshot.devices) == set(before.devices)


async def test_one_plant_of_two_does_not_answer(stub: Stub) -> None:
    """It keeps its devices while the other one is listed."""
    plants = [{"plant_id": 7, "name": "Roof"}, {"plant_id": 8, "name": "Barn"}]

    def devices(params: dict[str, str]) -> Any:
        if params["plant_id"] == "8" and stub.now.hour > 10:
            return Error(10001)
        return {"devices": [INVERTER | {"device_sn": f"BNE{params['plant_id']}"}]}

    stub.answers |= answers(
        plant__list={"count": 2, "plants": plants},
        device__list=devices,
        datalogger__list=lambda params: {
            "dataloggers": [LOGGER | {"sn": f"LOG{params['plant_id']}"}]
        },
    )
    before = await stub.vendor.poll("devices")
    stub.advance(hours=1)
    after = await stub.vendor.poll("devices")
    assert set(after.devices) == set(before.devices) == {"BNE7", "BNE8", "LOG7", "LOG8"}
    assert set(stub.memory["kinds"]) == {"BNE7", "BNE8"}


async def test_a_device_that_is_gone_is_no_longer_listed(open_world: Open) -> None:
    """What a list that came does not hold is gone."""
    world = open_world("min")
    await world.poll("devices")
    gone = world.device("tlx").sn
    world.fault("device_gone", device=gone)
    world.advance(hours=1)
    snapshot = await world.poll("devices")
    assert gone not in snapshot.devices


async def test_odd_rows_are_passed_over(stub: Stub) -> None:
    """Without a serial or a family that we know, a row is no device."""
    odd: list[dict[str, Any]] = [
        {"type": 7, "device_sn": ""},
        {"type": 9, "device_sn": "HPS1"},
        {"type": "null", "device_sn": "X"},
        {"type": "7", "device_sn": "BNE2"},
        {"device_sn": "Y"},
        {"type": 3, "device_sn": "AMMETER", "model": ""},
        {"type": 3, "device_sn": "ENV_DEVICE", "model": None},
    ]
    meters = [{"address": ""}, {"address": 1, "device_name": "Meter", "lost": True}]
    stub.answers |= answers(
        device__list={"devices": [INVERTER, *odd]},
        datalogger__list={
            "dataloggers": [LOGGER, LOGGER, {"sn": None}, {"sn": "LOG2"}]
        },
        tlx_data_info=Error(10002),
        meter_list={"meters": meters},
        env_list={"envs": [{"address": 2}]},
    )
    snapshot = await stub.vendor.poll("devices")
    assert set(snapshot.devices) == {
        "BNE1",
        "BNE2",
        "LOG1",
        "LOG2",
        "LOG1_1",
        "LOG1_2",
        "LOG2_1",
        "LOG2_2",
    }
    assert "LOG2" not in snapshot.readings
    assert snapshot.devices["LOG1_1"].kind is DeviceKind.METER
    assert snapshot.readings["LOG1_1"]["online"].value is False
    assert "LOG1_2" not in snapshot.readings
    assert "BNE2" not in snapshot.readings
    assert snapshot.devices["BNE1"].rated_power_w is None


async def test_a_detail_that_fails_later_stays(stub: Stub) -> None:
    """The zone of a plant is not lost with one answer."""
    stub.answers |= answers(
        plant__details=Later([{"timezone": "8", "latitude": "31.2"}, Error(10001)])
    )
    before = await stub.vendor.poll("devices")
    stub.advance(hours=25)
    after = await stub.vendor.poll("devices")
    assert before.plants["7"] == after.plants["7"]
    assert after.plants["7"].time_zone == "Etc/GMT-8"


async def test_a_first_list_that_fails_is_an_error(stub: Stub) -> None:
    """Nothing is known yet."""
    stub.answers |= answers(device__list=Error(10003))
    with pytest.raises(DeviceGone):
        await stub.vendor.poll("devices")
    stub.answers |= answers(plant__list=Page("", 503))
    stub.begin()
    stub.memory.clear()
    stub.advance(hours=1)
    stub.begin()
    with pytest.raises(CloudUnavailable):
        await stub.vendor.poll("devices")
