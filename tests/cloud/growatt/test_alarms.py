"""Alarms: told while they are reported, once when they were shorter, never twice."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from custom_components.solar_cloud.cloud.errors import Busy
from custom_components.solar_cloud.cloud.model import Alarm

from .conftest import Open
from .stub import Error, Stub
from .test_listing import answers
from .world import World


async def _alarms(world: World) -> list[Alarm]:
    snapshot = await world.poll("alarms")
    assert snapshot.alarms_told
    return list(snapshot.alarms)


async def test_all_is_well(any_world: World) -> None:
    """Without faults there is no alarm, and each inverter is asked once."""
    await any_world.poll("devices", "realtime")
    assert await _alarms(any_world) == []
    asked = [path for path in any_world.paths() if "alarm" in path]
    assert len(asked) == len(any_world.account.devices)
    planned = any_world.vendor.calls("alarms")
    assert planned
    assert {row.endpoint for row in planned} <= set(asked)
    assert not any_world.refused


@pytest.mark.parametrize(
    ("name", "family"),
    [("old", "inverter"), ("old", "storage"), ("min", "tlx"), ("sph", "mix")],
)
async def test_a_fault_is_told_and_goes(
    open_world: Open, name: str, family: str
) -> None:
    """It is looked for as soon as the device reports it, with the vendor's words."""
    world = open_world(name)
    await world.poll("devices", "realtime", "alarms")
    device = world.device(family)
    began = world.clock.now()
    world.fault("device_fault", device=device.sn, code=407, message="PV isolation low")
    world.advance(minutes=11)
    await world.poll("realtime")
    assert world.vendor.due("alarms", 1.0) <= world.clock.now()
    (alarm,) = await _alarms(world)
    assert (alarm.device, alarm.code, alarm.text) == (
        device.sn,
        "407",
        "PV isolation low",
    )
    assert alarm.at
    assert abs(alarm.at - began) < timedelta(seconds=2)
    shown = world.vendor.snapshots["realtime"].readings[device.sn]
    assert shown["problem"].value is True
    assert shown["fault_code"].value == "407"

    world.sim.clear_faults()
    world.advance(minutes=11)
    await world.poll("realtime")
    assert await _alarms(world) == []


def _row(code: int, start: datetime, **more: Any) -> dict[str, Any]:
    return {
        "alarm_code": code,
        "start_time": f"{start + timedelta(hours=2):%Y-%m-%d %H:%M:%S}.0",
        "alarm_message": f"words of {code}",
        **more,
    }


def _sample(stub: Stub, **values: Any) -> Any:
    written = f"{stub.now + timedelta(hours=2):%Y-%m-%d %H:%M:%S}"
    return {"time": written, "status": 1, "pac": 5.0, **values}


async def _open(stub: Stub, **values: Any) -> None:
    stub.answers |= answers(tlx_last_data=lambda _: _sample(stub, **values))
    stub.answers |= {"alarm_data": {"count": 0, "alarms": []}}
    await stub.vendor.poll("devices")
    await stub.vendor.poll("realtime")
    await stub.vendor.poll("alarms")


async def test_an_alarm_that_was_short_is_told_once(stub: Stub) -> None:
    """What came and went between two polls is told; what was before is no news."""
    old = _row(11, stub.now - timedelta(hours=2))
    await _open(stub)
    new = _row(12, stub.now + timedelta(minutes=3))
    stub.answers["alarm_data"] = {
        "alarms": [old, new, _row(13, stub.now) | {"start_time": ""}]
    }
    stub.advance(minutes=31)
    snapshot = await stub.vendor.poll("alarms")
    assert [row.code for row in snapshot.alarms] == ["12"]
    told = new["start_time"].removesuffix(".0")
    assert snapshot.alarms[0].at
    assert f"{snapshot.alarms[0].at + timedelta(hours=2):%Y-%m-%d %H:%M:%S}" == told
    stub.advance(minutes=10)
    assert not (await stub.vendor.poll("alarms")).alarms


async def test_a_fault_without_a_code_is_the_last_of_the_day(stub: Stub) -> None:
    """Some report only that there is one."""
    await _open(stub, status=3)
    rows = [_row(21, stub.now - timedelta(hours=1)), _row(22, stub.now)]
    stub.answers["alarm_data"] = {"alarms": rows}
    stub.advance(minutes=10)
    snapshot = await stub.vendor.poll("alarms")
    assert [row.text for row in snapshot.alarms] == ["words of 22"]


async def test_a_code_that_the_list_does_not_know(stub: Stub) -> None:
    """It is told with its number."""
    await _open(stub, status=3, faultType=31)
    stub.advance(minutes=10)
    snapshot = await stub.vendor.poll("alarms")
    assert [(row.code, row.text, row.at) for row in snapshot.alarms] == [
        ("31", "31", None)
    ]


async def test_a_list_of_alarms_that_does_not_come(stub: Stub) -> None:
    """A failed call is no end of an alarm."""
    await _open(stub, status=3, faultType=31)
    stub.answers["alarm_data"] = Error(10001)
    stub.advance(minutes=10)
    with pytest.raises(Busy):
        await stub.vendor.poll("alarms")


async def test_the_day_is_the_plant_s(stub: Stub) -> None:
    """The alarms of the day are asked for by the clock of the stamps."""
    stub.now = datetime(2026, 6, 17, 23, 30, tzinfo=UTC)
    await _open(stub)
    asked = next(params for path, params in stub.asked if "alarm_data" in path)
    assert asked["date"] == "2026-06-18"
    assert asked["tlx_sn"] == "BNE1"


async def test_type_1_is_asked_by_both_its_names(open_world: Open) -> None:
    """The document asks for the device's id, today's service for its serial."""
    world = open_world("old")
    await world.poll("devices", "realtime", "alarms")
    asked = [row.params for row in world.sim.calls if "inverter/alarm" in row.endpoint]
    numbers = {str(row.number) for row in world.account.devices if row.family.type == 1}
    assert {row["device_id"] for row in asked} == numbers
    assert {row["device_sn"] for row in asked} == {
        row.sn for row in world.account.devices if row.family.type == 1
    }
