"""Active alarms: in which language, how far back, and when they are gone."""

from datetime import timedelta
from typing import Any

import pytest

from custom_components.solar_cloud.cloud.errors import CloudUnavailable, QuotaExceeded
from custom_components.solar_cloud.cloud.huawei.alarms import LANGUAGES

from .conftest import Open
from .stub import Error, Stub, device, plants
from .world import World


def alarm(stub: Stub, days: float, **more: Any) -> dict[str, Any]:
    """Return an alarm that was raised some days ago."""
    raised = stub.now - timedelta(days=days)
    return {
        "stationCode": "NE=1",
        "alarmId": 2032,
        "alarmName": "Grid loss",
        "alarmCause": "The grid is down.",
        "causeId": 1,
        "devName": "Device 1",
        "esnCode": "S1",
        "devTypeId": 38,
        "lev": 2,
        "raiseTime": round(raised.timestamp() * 1000),
        "repairSuggestion": "Check the breaker.",
        "status": 1,
        **more,
    }


async def begin(stub: Stub, active: list[dict[str, Any]]) -> None:
    """Answer with what is active in the span that is asked."""
    stub.answers |= {
        "stations": plants(),
        "getDevList": [device(1, 38, "S1"), device(2, 47)],
        "getAlarmList": lambda body: [
            row
            for row in active
            if body["beginTime"]
            <= (row["raiseTime"] or body["endTime"])
            <= body["endTime"]
        ],
    }
    await stub.vendor.identify()
    await stub.vendor.poll("devices")


def spans(stub: Stub) -> list[tuple[int, int]]:
    """Return from how many to how many days ago was asked."""
    now = stub.now.timestamp() * 1000
    return [
        tuple(round((now - body[key]) / 86.4e6) for key in ("beginTime", "endTime"))
        for path, body in stub.asked
        if path.endswith("getAlarmList")
    ]


@pytest.mark.parametrize(
    ("language", "asked"), [*LANGUAGES.items(), ("sv", "en_US"), ("", "en_US")]
)
async def test_one_of_ten_languages(stub: Stub, language: str, asked: str) -> None:
    """Home Assistant's where the API has it, else English."""
    stub.language = language
    stub.begin()
    await begin(stub, [])
    await stub.vendor.poll("alarms")
    assert stub.asked[-1][1]["language"] == asked


async def test_an_alarm_is_told_whole(stub: Stub) -> None:
    """Name and cause, how bad it is, what to do, and since when."""
    await begin(stub, [alarm(stub, 1)])
    snapshot = await stub.vendor.poll("alarms")
    (found,) = snapshot.alarms
    assert snapshot.alarms_told
    assert (found.device, found.code, found.severity) == ("S1", "2032", "major")
    assert found.text == "Grid loss: The grid is down."
    assert found.advice == "Check the breaker."
    assert found.at
    assert abs(stub.now - timedelta(days=1) - found.at) < timedelta(minutes=1)
    assert snapshot.readings["NE=1"]["problem"].value is True


@pytest.mark.parametrize(
    ("more", "subject", "text", "severity"),
    [
        ({"esnCode": None}, "S1", "Grid loss: The grid is down.", "major"),
        ({"esnCode": None, "devName": "Device 2"}, "2", "Grid loss: The grid is down.", "major"),
        ({"esnCode": "Z", "devName": None}, "NE=1", "Grid loss: The grid is down.", "major"),
        ({"alarmCause": None, "lev": "4"}, "S1", "Grid loss", "warning"),
        ({"alarmName": None, "alarmCause": "", "lev": None}, "S1", "2032", None),
        ({"raiseTime": None}, "S1", "Grid loss: The grid is down.", "major"),
    ],
)  # fmt: skip
async def test_an_alarm_that_lacks_something(
    stub: Stub, more: dict[str, Any], subject: str, text: str, severity: str | None
) -> None:
    """It is the device's by serial number or name, else the plant's."""
    await begin(stub, [alarm(stub, 1, **more)])
    (found,) = (await stub.vendor.poll("alarms")).alarms
    assert (found.device, found.text, found.severity) == (subject, text, severity)


@pytest.mark.parametrize("more", [{"alarmId": None}, {"stationCode": "NE=9"}])
async def test_an_alarm_of_nothing(stub: Stub, more: dict[str, Any]) -> None:
    """Without a code, or of a plant that is not there."""
    await begin(stub, [alarm(stub, 1, **more)])
    assert not (await stub.vendor.poll("alarms")).alarms


async def test_an_alarm_that_is_gone_is_cleared(home: World) -> None:
    """The list holds active ones only."""
    await home.vendor.identify()
    await home.poll("devices")
    home.fault("device_fault", device=home.of(38).sn, code=2001, level=1)
    home.advance(minutes=6)
    snapshot = await home.poll("alarms")
    (found,) = snapshot.alarms
    assert (found.code, found.severity) == ("2001", "critical")
    assert found.device == home.of(38).sn
    assert found.advice
    home.sim.clear_faults()
    home.advance(minutes=31)
    snapshot = await home.poll("alarms")
    assert snapshot.alarms == ()
    assert snapshot.readings[home.plant.id]["problem"].value is False
    assert not home.refused


async def test_long_standing_alarms_are_found_in_spans_the_api_allows(
    stub: Stub,
) -> None:
    """A year back, 31 days at a time, each span once; then only those with an alarm."""
    active = [alarm(stub, 3), alarm(stub, 200, alarmId=9), alarm(stub, 201, alarmId=8)]
    await begin(stub, active)
    for _ in range(12):
        snapshot = await stub.vendor.poll("alarms")
        stub.advance(minutes=31)
    assert {row.code for row in snapshot.alarms} == {"2032", "9", "8"}
    asked = spans(stub)
    assert max(begin for begin, _ in asked) in (365, 366)
    assert all(begin - end <= 31 for begin, end in asked)
    before = len(asked)
    for _ in range(4):
        await stub.vendor.poll("alarms")
        stub.advance(minutes=31)
    assert {begin for begin, _ in spans(stub)[before:]} <= {31, 32, 201, 202}
    del active[1:]
    for _ in range(3):
        snapshot = await stub.vendor.poll("alarms")
        stub.advance(minutes=31)
    assert {row.code for row in snapshot.alarms} == {"2032"}
    before = len(spans(stub))
    await stub.vendor.poll("alarms")
    assert len(spans(stub)) == before + 1


async def test_an_alarm_grows_old_in_the_list(stub: Stub) -> None:
    """After a month it is in no recent span any more, and still there."""
    active = [alarm(stub, 30.5)]
    await begin(stub, active)
    for _ in range(60):
        snapshot = await stub.vendor.poll("alarms")
        assert len(snapshot.alarms) == 1
        stub.advance(minutes=31)
    active.clear()
    for _ in range(4):
        snapshot = await stub.vendor.poll("alarms")
        stub.advance(minutes=31)
    assert not snapshot.alarms


async def test_spans_take_turns_where_one_call_is_allowed(stub: Stub) -> None:
    """A plant with one type of device has one call in half an hour."""
    stub.answers |= {
        "stations": plants(),
        "getDevList": [device(1, 38, "S1")],
        "getAlarmList": [],
    }
    await stub.vendor.identify()
    await stub.vendor.poll("devices")
    for _ in range(6):
        await stub.vendor.poll("alarms")
        stub.advance(minutes=31)
    asked = spans(stub)
    assert len(asked) == 6
    assert sum(end <= 1 for _, end in asked) >= 3
    assert sum(end > 1 for _, end in asked) >= 2


async def test_alarms_survive_a_restart(open_world: Open) -> None:
    """What was known stays, until it is asked again."""
    world = await open_world("home")
    await world.vendor.identify()
    devices = await world.poll("devices")
    world.fault("device_fault", device=world.of(38).sn, code=2001, level=1)
    world.advance(minutes=6)
    snapshot = await world.poll("alarms")
    await world.begin()
    await world.vendor.restore("devices", devices)
    await world.vendor.restore("alarms", snapshot)
    world.advance(minutes=31)
    again = await world.poll("alarms")
    assert [row.id for row in again.alarms] == [row.id for row in snapshot.alarms]


async def test_a_refusal_clears_nothing(stub: Stub) -> None:
    """The poll fails, and what was known stays."""
    await begin(stub, [alarm(stub, 1)])
    await stub.vendor.poll("alarms")
    for code, kind in ((20004, CloudUnavailable), (407, QuotaExceeded)):
        stub.answers["getAlarmList"] = Error(code)
        stub.advance(minutes=31)
        with pytest.raises(kind):
            await stub.vendor.poll("alarms")
    assert len(stub.vendor.snapshots["alarms"].alarms) == 1
