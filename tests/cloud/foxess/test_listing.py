"""Plants, inverters, batteries, loggers and meters."""

from typing import Any

import pytest

from custom_components.solar_cloud.cloud.errors import (
    AuthenticationFailed,
    NoPlants,
    UnexpectedAnswer,
)
from custom_components.solar_cloud.cloud.foxess.cloud import FOXESS
from custom_components.solar_cloud.cloud.model import DeviceKind

from .stub import Error, Stub
from .world import World

PLANTS = {"data": [{"stationID": "P", "name": "Home", "ianaTimezone": "Europe/Rome"}]}
ROW = {"deviceSN": "SN1", "stationID": "P", "deviceType": "H9", "status": 1}


def home(stub: Stub, detail: Any = None, **row: Any) -> None:
    """Let a server have one inverter."""
    stub.answers |= {
        "plant/list": PLANTS,
        "plant/detail": {"capacity": 7.2, "timezone": "Europe/Oslo"},
        "device/list": {"data": [ROW | row]},
        "device/detail": detail or {},
    }


async def test_everything_is_listed(any_home: World) -> None:
    """Each device under its serial number, with what the service tells of it."""
    snapshot = await any_home.poll("devices")
    listed = {
        row["id"]: row["kind"]
        for plant in any_home.account.plants
        for row in plant.listed()
    }
    assert {key: row.kind.value for key, row in snapshot.devices.items()} == listed
    for plant in any_home.account.plants:
        spec = plant.home.spec
        found = snapshot.plants[plant.id]
        assert (found.name, found.time_zone) == (plant.name, spec.zone)
        assert found.peak_power_kw == spec.peak / 1000
        device = plant.device
        inverter = snapshot.devices[device.sn]
        assert inverter.model == device.model.device_type
        assert inverter.software == "1.34 / 1.01 / 1.28"
        assert inverter.hardware is None
        assert inverter.rated_power_w == device.model.capacity * 1000
        assert inverter.has_battery is bool(device.batteries)
        assert snapshot.readings[device.sn]["online"].value is True
        logger = snapshot.devices[device.module_sn]
        assert logger.software == "2.0.1"
        assert snapshot.readings[logger.id]["signal_quality"].value >= 60
        for battery in device.batteries:
            found_battery = snapshot.devices[battery.serials[0]]
            assert found_battery.parent == device.sn
            assert found_battery.model == device.model.battery_model
    assert not any_home.refused


async def test_who_signed_in(kh: World) -> None:
    """Without an account's identity the smallest plant id stands for it."""
    identity = await kh.vendor.identify()
    plants = [row.id for row in kh.account.plants]
    assert set(identity.plants) == set(plants)
    assert identity.account is None
    assert identity.unique_id == min(plants)


async def test_no_plants(stub: Stub) -> None:
    """An account may be empty."""
    stub.answers["plant/list"] = {"data": [{"name": "without an id"}], "total": 1}
    with pytest.raises(NoPlants):
        await stub.vendor.identify()


async def test_another_server(stub: Stub) -> None:
    """A server that knows no plant list is none of FoxESS's."""
    stub.answers["plant/list"] = Error(42015)
    with pytest.raises(UnexpectedAnswer):
        await stub.vendor.identify()


async def test_a_revoked_key(kh: World) -> None:
    """A new key ends the old one."""
    assert await kh.vendor.identify()
    kh.account.revoke()
    with pytest.raises(AuthenticationFailed):
        await kh.poll("realtime", "devices")
    kh.account.renew("another-key")
    kh.begin()
    assert await kh.vendor.identify()


@pytest.mark.parametrize("server", ["v0", "v1"])
@pytest.mark.parametrize("refusal", [404, 41200, 40257])
async def test_detail_of_both_ages(kh: World, server: str, refusal: int) -> None:
    """The new path or the documented one, whichever the server has."""
    kh.account.detail = {server: refusal}
    snapshot = await kh.poll("devices")
    assert snapshot.devices[kh.sn].rated_power_w == 8000


async def test_detail_of_neither_age(kh: World) -> None:
    """The list alone must do; ids stay as they were first seen."""
    kh.account.detail = {"v0": 404, "v1": 404}
    kh.fault("errno", "plant/detail", errno=41930)
    snapshot = await kh.poll("devices")
    assert snapshot.devices[kh.sn].rated_power_w is None
    alias = f"{kh.sn}_battery_1"
    assert snapshot.devices[alias].kind is DeviceKind.BATTERY
    kh.sim.clear_faults()
    kh.account.detail = {}
    snapshot = await kh.poll("devices")
    assert snapshot.devices[kh.sn].rated_power_w == 8000
    assert alias in snapshot.devices
    assert kh.device.batteries[0].serials[0] not in snapshot.devices


async def test_details_are_asked_once_a_day(kh: World) -> None:
    """And kept when they cannot be had."""
    await kh.poll("devices")
    calls = len(kh.sim.calls)
    kh.advance(hours=1)
    before = await kh.poll("devices")
    assert not [path for path in kh.paths(calls) if "detail" in path]
    kh.advance(hours=24)
    kh.account.detail = {"v0": 404, "v1": 404}
    kh.fault("errno", "plant/detail", errno=41200)
    after = await kh.poll("devices")
    assert after.devices == before.devices
    assert after.plants == before.plants


async def test_lists_that_are_not_there(h3: World) -> None:
    """Loggers and meters are not known to every server."""
    h3.fault("errno", "module/list", errno=41200)
    h3.fault("status", "gw/list", status=404)
    snapshot = await h3.poll("devices")
    kinds = {row.kind for row in snapshot.devices.values()}
    assert kinds == {DeviceKind.INVERTER, DeviceKind.BATTERY}


async def test_offline(kh: World) -> None:
    """As the list tells, for the inverter and its logger."""
    kh.fault("logger_offline", device=kh.sn)
    kh.advance(minutes=30)
    snapshot = await kh.poll("devices")
    assert snapshot.readings[kh.sn]["online"].value is False
    assert snapshot.readings[kh.device.module_sn]["online"].value is False


async def test_a_meter_with_a_fault(stub: Stub) -> None:
    """Meters have a state of their own; rows that say nothing are passed over."""
    home(stub)
    stub.answers["gw/list"] = {
        "total": 4,
        "data": [
            {"sn": "M1", "stationID": "P", "status": "2"},
            {"sn": "SN1", "stationID": "P", "status": 1},
            {"sn": "M2", "status": 1},
            {"stationID": "P"},
        ],
    }
    stub.answers["module/list"] = {
        "total": 4,
        "data": [
            {"moduleSN": "L1", "stationID": "P", "status": 2},
            {"moduleSN": "SN1", "stationID": "P", "status": 1, "signal": 50},
            {"moduleSN": "L2"},
            {"stationID": "P"},
        ],
    }
    snapshot = await stub.vendor.poll("devices")
    assert set(snapshot.devices) == {"SN1", "L1", "M1"}
    assert snapshot.readings["M1"]["problem"].value is True
    assert snapshot.readings["M1"]["online"].value is True
    assert {key: row.value for key, row in snapshot.readings["L1"].items()} == {
        "online": False
    }


async def test_rows_that_say_little(stub: Stub) -> None:
    """Devices without an id or a plant of ours are left out."""
    home(stub)
    stub.answers["plant/list"] = {"data": [{"stationID": 17}], "total": 1}
    stub.answers["plant/detail"] = {}
    stub.answers["device/list"] = {
        "total": 4,
        "data": [
            {"deviceSN": "A", "stationID": 17},
            {"deviceSN": "B", "stationID": "elsewhere"},
            {"deviceSN": "C"},
            {"stationID": 17},
        ],
    }
    snapshot = await stub.vendor.poll("devices")
    assert set(snapshot.devices) == {"A"}
    assert snapshot.plants["17"].name == "17"
    assert snapshot.plants["17"].time_zone is None
    assert "A" not in snapshot.readings


async def test_the_time_zone_of_the_detail(stub: Stub) -> None:
    """It stands in where the list has none; an unknown one is passed over."""
    home(stub)
    stub.answers["plant/list"] = {"data": [{"stationID": "P"}]}
    assert (await stub.vendor.poll("devices")).plants["P"].time_zone == "Europe/Oslo"
    stub.answers["plant/list"] = {"data": [{"stationID": "Q", "ianaTimezone": "Mars"}]}
    assert (await stub.vendor.poll("devices")).plants["Q"].time_zone == "Mars"


@pytest.mark.parametrize(
    ("told", "packs", "has"),
    [
        (True, [], True),
        ("true", [], True),
        ("false", [{"type": "bcu"}], False),
        (0, [], False),
        (None, [{"type": "bcu"}], True),
        (None, [], False),
    ],
)
async def test_has_a_battery(stub: Stub, told: Any, packs: Any, has: bool) -> None:
    """By the list's word in any form, else by the detail."""
    home(stub, {"capacity": 5, "batteryList": packs}, hasBattery=told)
    snapshot = await stub.vendor.poll("devices")
    assert snapshot.devices["SN1"].has_battery is has
    assert ("SN1_battery_1" in snapshot.devices) is has


@pytest.mark.parametrize(
    ("packs", "batteries"),
    [
        # As captured, with the same (redacted) serial number everywhere.
        (
            [
                {"batterySN": "B", "type": "bcu", "model": "EP5", "version": "1.1"},
                {"batterySN": "B", "type": "bmu", "capacity": 5180},
                {"batterySN": "B", "type": "ivu", "version": "0.00"},
            ],
            {"B": 5.18},
        ),
        # Two stacks; the document's name of the capacity, as a string.
        (
            [
                {"batterySN": "B1", "type": "bcu"},
                {"batterySN": "m", "type": "bmu", "capicty": "2600"},
                {"batterySN": "m", "type": "bmu", "capicty": "2600"},
                {"batterySN": "B2", "type": "bcu"},
                {"batterySN": "m", "type": "bmu", "capacity": 2880},
            ],
            {"B1": 5.2, "B2": 2.88},
        ),
        # Two control units under one serial number are told apart by their number.
        (
            [{"batterySN": "B", "type": "bcu"}, {"batterySN": "B", "type": "bcu"}],
            {"SN1_battery_1": None, "SN1_battery_2": None},
        ),
        # Types that nobody documents, and rows that are none.
        (
            [{"batterySN": "--", "type": "Master", "capacity": 4000}],
            {"SN1_battery_1": 4},
        ),
        ([None, "x"], {"SN1_battery_1": None}),
        ("none", {"SN1_battery_1": None}),
    ],
)
async def test_batteries(
    stub: Stub, packs: Any, batteries: dict[str, float | None]
) -> None:
    """Each control unit opens a battery, and the modules tell the capacity."""
    home(stub, {"capacity": 5, "batteryList": packs}, hasBattery=True)
    snapshot = await stub.vendor.poll("devices")
    found = [
        row.id for row in snapshot.devices.values() if row.kind is DeviceKind.BATTERY
    ]
    assert found == list(batteries)
    stub.answers["/op/v1/device/real/query"] = [
        {
            "deviceSN": "SN1",
            "time": "2026-06-17 10:00:00 GMT+0000",
            "datas": [
                {"variable": f"SoC_{n}", "value": 50}
                for n in range(1, len(batteries) + 1)
            ],
        }
    ]
    readings = (await stub.vendor.poll("realtime")).readings
    told = {
        key: readings[key]["battery_capacity"].value
        if "battery_capacity" in readings[key]
        else None
        for key in batteries
    }
    assert told == batteries


async def test_limits_follow_the_inverters(kh: World) -> None:
    """1,440 calls a day for each of them."""
    await kh.poll("devices")
    left = kh.ledger.left()
    assert left
    assert left.limit in (1440, 2880)
    for row in kh.vendor.feeds:
        planned = kh.vendor.calls(row.key)
        assert planned
        assert kh.vendor.calls(row.key) is planned


def test_what_is_private() -> None:
    """Diagnostics must not tell who the owner is."""
    assert {"user", "installer", "address", "stationName"} <= FOXESS.private_fields
    assert FOXESS.way("foxess_key").secrets[0].key == "api_key"
