"""Steering, where no simulated home answers so: odd answers, ranges, windows."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from custom_components.solar_cloud.cloud.control import Forced, Run, Setting, Window
from custom_components.solar_cloud.cloud.errors import (
    AnswerLost,
    Busy,
    Occupied,
    PermissionDenied,
    Refused,
)
from custom_components.solar_cloud.cloud.huawei.items import (
    power_told,
    range_of,
    task_told,
)
from custom_components.solar_cloud.cloud.huawei.sites import Battery, Controller, Site
from custom_components.solar_cloud.cloud.huawei.tasks import FORGOTTEN_AFTER, Kind
from custom_components.solar_cloud.cloud.huawei.windows import from_wire, shown, to_wire

from .conftest import Open
from .steer import Steer
from .stub import Error, Later, Page, Stub, plants

PLANT = "NE=1"


def device(kind: int, name: str, **more: Any) -> dict[str, Any]:
    """Return a row of the list of devices."""
    row = {"id": kind, "devDn": name, "esnCode": name, "devName": name}
    return {**row, "stationCode": PLANT, "devTypeId": kind, **more}


@pytest.fixture
async def steered(stub: Stub) -> Stub:
    """Return a plant with a battery and a meter, on a server that takes tasks."""
    stub.answers |= {
        "login": None,
        "stations": plants(PLANT),
        "getDevList": [device(39, "B1"), device(47, "M1"), device(62, "D1")],
        "task-info": Error(20620),
        "battery-mode": Error(404),
        "active-power-control-mode": Error(404),
    }
    await stub.vendor.poll("devices")
    await stub.vendor.poll("settings")
    stub.advance(minutes=2)
    return stub


async def end(stub: Stub, key: str) -> Any:
    """Follow a task to its end."""
    while True:
        progress = await stub.vendor.follow(PLANT, [key])
        if progress.done is not None or progress.again_at is None:
            return progress
        stub.advance(minutes=1, seconds=1)


def taken(**more: Any) -> dict[str, Any]:
    """Return the answer to a task that was taken on."""
    return {"taskId": "1234567890123456", "result": [], **more}


def told(status: str, **more: Any) -> dict[str, Any]:
    """Return what a task tells of the plant."""
    row = {"plantCode": PLANT, "status": status, "message": None, **more}
    return {"dispatchResult": [row], "startTime": None, "endTime": None}


def run(kind: Forced, stub: Stub, **more: Any) -> Run:
    """Return a run of an hour."""
    end_ = stub.now + timedelta(hours=1)
    return Run(
        id="run",
        plant=PLANT,
        kind=kind,
        start=stub.now,
        end=end_,
        devices=("B1",),
        **more,
    )


# --- tasks ----------------------------------------------------------------------------


async def test_a_task_without_a_result_is_taken_on(steered: Stub) -> None:
    """As an example of the document shows."""
    steered.answers["async-task"] = taken()
    assert await steered.vendor.write(PLANT, {"min_soc": 12}) == {}
    steered.answers["task-info"] = Later([told("RUNNING"), told("SUCCESS")])
    assert (await end(steered, "min_soc")).done


@pytest.mark.parametrize("data", [None, {}, {"taskId": None, "result": None}, "?"])
async def test_a_task_without_an_id_may_have_arrived(steered: Stub, data: Any) -> None:
    """Nobody knows what became of it."""
    steered.answers["async-task"] = data
    with pytest.raises(AnswerLost):
        await steered.vendor.write(PLANT, {"min_soc": 12})
    assert steered.vendor.unfinished() == [(PLANT, {"min_soc": 12})]
    with pytest.raises(AnswerLost):
        await steered.vendor.write(PLANT, {"min_soc": 12})
    assert (await end(steered, "min_soc")).done is None
    assert steered.vendor.unfinished() == []
    assert (await steered.vendor.follow(PLANT, ["min_soc"])).done is None


async def test_a_delivery_that_finds_the_device_busy(steered: Stub) -> None:
    """It is worth another try."""
    row = {"plantCode": PLANT, "status": "FAIL", "message": "BUSY"}
    steered.answers["async-task"] = taken(result=[row])
    with pytest.raises(Busy, match="BUSY: The device is busy"):
        await steered.vendor.write(PLANT, {"min_soc": 12})


@pytest.mark.parametrize("answer", [None, {}, {"dispatchResult": "?"}, told("?")])
async def test_an_answer_that_tells_nothing_of_a_task(
    steered: Stub, answer: Any
) -> None:
    """It is asked for again."""
    steered.answers["async-task"] = taken()
    await steered.vendor.write(PLANT, {"min_soc": 12})
    steered.answers["task-info"] = Later([answer, told("SUCCESS")])
    assert (await end(steered, "min_soc")).done


async def test_a_task_of_yesterday_holds_up_nothing(steered: Stub) -> None:
    """A newer one may be given."""
    steered.answers |= {"async-task": taken(), "task-info": told("RUNNING")}
    await steered.vendor.write(PLANT, {"min_soc": 12})
    steered.advance(minutes=2)
    with pytest.raises(Occupied):
        await steered.vendor.write(PLANT, {"min_soc": 13})
    steered.advance(seconds=FORGOTTEN_AFTER)
    assert await steered.vendor.write(PLANT, {"min_soc": 13}) == {}


async def test_a_lost_task_is_still_lost_when_the_next_is_refused(
    steered: Stub,
) -> None:
    """What may have arrived is not forgotten."""
    steered.answers["async-task"] = Page("?")
    with pytest.raises(AnswerLost):
        await steered.vendor.write(PLANT, {"min_soc": 12})
    steered.advance(minutes=2)
    steered.answers["async-task"] = Error(20615)
    with pytest.raises(Occupied):
        await steered.vendor.write(PLANT, {"min_soc": 14})
    assert steered.vendor.unfinished() == [(PLANT, {"min_soc": 12})]


async def test_a_charge_task_that_others_hold_up_by_words(steered: Stub) -> None:
    """A server may say so in a result."""
    row = {"dispatchResult": 1, "description": "The same task is being executed."}
    steered.answers["async-task"] = {"requestID": None, "result": [row]}
    asked = run(Forced.CHARGE, steered)
    with pytest.raises(Occupied):
        await steered.vendor.start(asked, {})
    steered.advance(minutes=2)
    steered.answers["async-task"] = {"requestID": None, "result": []}
    with pytest.raises(AnswerLost):
        await steered.vendor.start(asked, {})
    steered.advance(minutes=2)
    steered.answers["async-task"] = {"requestID": "77", "result": []}
    await steered.vendor.start(asked, {})
    assert steered.asked[-1][1]["tasks"][0]["dispatchTime"] == 56


# --- permission, reading ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Error(404), "unsupported"),
        (Error(20609), None),
        (told("SUCCESS"), None),
        (Error(401), "no_permission"),
    ],
)
async def test_what_a_question_about_nobodys_task_tells(
    steered: Stub, answer: Any, reason: str | None
) -> None:
    """A server without these interfaces steers nothing."""
    steered.memory.clear()
    steered.begin()
    steered.answers["task-info"] = answer
    await steered.vendor.poll("devices")
    found = (await steered.vendor.poll("settings")).controls[PLANT]["min_soc"]
    assert getattr(found, "reason", None) == reason


async def test_a_right_that_comes_back(steered: Stub) -> None:
    """A task that is taken on shows it."""
    steered.answers["async-task"] = Error(20622)
    with pytest.raises(PermissionDenied):
        await steered.vendor.write(PLANT, {"min_soc": 12})
    assert PLANT in steered.memory["no_permission"]
    steered.advance(minutes=2)
    steered.answers["async-task"] = Error(20611)
    with pytest.raises(Refused):
        await steered.vendor.write(PLANT, {"min_soc": 12})
    steered.advance(minutes=2)
    steered.answers["async-task"] = taken()
    await steered.vendor.write(PLANT, {"min_soc": 12})
    assert steered.memory["no_permission"] == {}


@pytest.mark.parametrize("answer", [None, [], "?"])
async def test_settings_that_are_told_without_a_word(
    steered: Stub, answer: Any
) -> None:
    """It is as if they were not offered."""
    steered.memory["reads"].clear()
    steered.answers |= {"battery-mode": answer, "active-power-control-mode": answer}
    found = await steered.vendor.read(PLANT, ["battery_mode", "export_limit", "?"])
    assert found.keys() == {"battery_mode", "export_limit"}
    assert found["battery_mode"].value is None
    assert await steered.vendor.read(PLANT, []) == {}


@pytest.mark.parametrize(("answer", "days"), [(Error(20056), 1), (Error(20609), 7)])
async def test_settings_that_are_not_told_are_asked_for_again(
    steered: Stub, answer: Any, days: int
) -> None:
    """A right sooner than an interface that the server does not know."""
    steered.memory["reads"].clear()
    steered.answers["battery-mode"] = answer
    for advance, count in ((0, 1), (days - 0.1, 1), (0.2, 2)):
        steered.advance(days=advance)
        await steered.vendor.read(PLANT, ["battery_mode"])
        assert steered.paths().count("battery-mode") == 1 + count


@pytest.mark.parametrize(
    ("answer", "mode", "surplus", "windows"),
    [
        ({"operationMode": "fullyFidToGrid"}, "feed_in_priority", None, 0),
        ({"operationMode": "thirdPartyDispatch"}, None, None, 0),
        (
            {"operationMode": "TOU", "touOperationModeParamDetail": {
                "redundantPVEnergyPriority": "chargePreference",
                "allowedAcChargePower": "2.5",
                "chargingAndDischargingTimeWindow": [],
            }},
            "time_of_use", "battery", 0,
        ),
    ],
)  # fmt: skip
async def test_modes_that_only_newer_servers_know(
    steered: Stub, answer: Any, mode: str | None, surplus: str | None, windows: int
) -> None:
    """They are shown as far as there is a word for them."""
    steered.memory["reads"].clear()
    steered.answers["battery-mode"] = answer
    found = await steered.vendor.read(PLANT, ["battery_mode"])
    assert found["battery_mode"].value == mode
    assert (
        steered.memory["settings"][PLANT].get("surplus_priority", [None])[0] == surplus
    )
    assert len(steered.memory["windows"].get(PLANT, [])) == windows


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"controlMode": "noLimit"}, {"export_limit_enabled": False, "exact": True}),
        (
            {
                "controlMode": "zeroExportLimitation",
                "zeroExportLimitationParam": {"limitationMode": "totalPower"},
            },
            {
                "export_limit_enabled": True,
                "export_limit": 0.0,
                "exact": False,
                "export_limit_scope": "total",
            },
        ),
        (
            {
                "controlMode": "limitedPowerGridKW",
                "limitedPowerGridValueParam": {
                    "limitationMode": "singlePhasePower",
                    "maxGridFeedInPowerValue": 5.25,
                },
            },
            {
                "export_limit_enabled": True,
                "export_limit": 5250.0,
                "exact": True,
                "export_limit_scope": "per_phase",
            },
        ),
        (
            {"controlMode": "limitedPowerGridKW", "limitedPowerGridValueParam": None},
            {"export_limit_enabled": True, "exact": False},
        ),
        (
            {"controlMode": "limitedPowerGridPercent"},
            {"export_limit_enabled": None, "export_limit": None, "exact": False},
        ),
    ],
)
def test_limits_of_the_feed_in_that_newer_servers_tell(
    data: Mapping[str, Any], expected: Mapping[str, Setting | None]
) -> None:
    """What no task can set could not be put back."""
    assert power_told(data) == expected


def test_what_finished_tasks_tell() -> None:
    """Names differ between delivery and answer; what is no number is left out."""
    info = {"endOfDischargeSOC": "12", "maximumChargePower": None}
    assert task_told(Kind.BATTERY, {"batteryConfigurationInfo": info}) == {
        "min_soc": 12
    }
    assert task_told(Kind.BATTERY, {}) == {}
    assert task_told(Kind.POWER, {"controlInfo": None}) == {}
    row = {"controlInfo": {"maxGridFeedInPower": 1.5}}
    assert task_told(Kind.POWER, row) == {"export_limit": 1500.0}
    row = {"allowedAcChargePower": 4}
    assert task_told(Kind.MODE, row) == {"grid_charge_power_limit": 4000.0}


# --- what there is ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("controller", "grid_charge", "feed_in"),
    [
        (Controller.DONGLE, 30e3, 5e6),
        (Controller.EMMA, 50e3, 10e3),
        (Controller.SMARTLOGGER, 50e6, 5e6),
        (Controller.DISTRIBUTED, 50e6, 50e6),
        (Controller.INVERTER, 4e3, 5e6),
    ],
)
def test_ranges_are_the_controllers(
    controller: Controller, grid_charge: float, feed_in: float
) -> None:
    """As 5.2.3 and 5.2.7 tell them, in W."""
    battery = Battery(id="B", max_charge=4e3, max_discharge=5e3)
    site = Site(plant=PLANT, controller=controller, batteries=(battery,), rated=10e3)
    found = range_of("grid_charge_power_limit", site)
    assert found and (found.low, found.high) == (0, grid_charge)
    found = range_of("export_limit", site)
    assert found and (found.low, found.high) == (-1e6, feed_in)
    found = range_of("charge_power_limit", site)
    assert found and found.high == 4e3
    assert range_of("battery_mode", site) is None


def test_ranges_of_a_plant_that_tells_nothing() -> None:
    """There is always a bound."""
    site = Site(plant=PLANT, controller=Controller.EMMA)
    assert site.feed_in == 5e6
    assert Site(plant=PLANT).grid_charge == 30e3


async def test_other_batteries_than_a_homes_cannot_be_forced(open_world: Open) -> None:
    """They take settings."""
    site = await open_world("site")
    site.account.control = True
    steer = Steer(site)
    await steer.look()
    assert steer.batteries(Forced.CHARGE) == []
    found = await steer.control("min_soc")
    assert found.maximum == 20
    inverter = next(
        row
        for row in site.vendor.snapshots["devices"].devices.values()
        if row.kind != "battery"
    )
    assert site.vendor.run_range(inverter) is None


# --- windows ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("windows", "words"),
    [
        ([], "at least one"),
        ([Window(start=n, end=n + 1, mode="charge") for n in range(15)], "at most 14"),
        ([Window(start=0, end=60, mode="hold")], "no hold"),
        ([Window(start=0, end=60, mode="charge", power=1000)], "no power"),
        ([Window(start=0, end=60, mode="charge", target_soc=50)], "no power"),
        ([Window(start=60, end=60, mode="charge")], "must end after"),
        ([Window(start=60, end=1441, mode="charge")], "must end after"),
        ([Window(start=0, end=60, mode="charge", days=())], "Monday"),
        ([Window(start=0, end=60, mode="charge", days=(8,))], "Monday"),
        (
            [
                Window(start=0, end=60, mode="charge", days=(1, 2)),
                Window(start=30, end=90, mode="discharge", days=(2, 3)),
            ],
            "overlap",
        ),
    ],
)
def test_windows_that_no_plant_can_hold(windows: list[Window], words: str) -> None:
    """They are refused before anything is sent."""
    with pytest.raises(Refused, match=words):
        to_wire(windows)


def test_windows_of_different_days_may_share_hours() -> None:
    """And come back as they went."""
    windows = (
        Window(start=0, end=60, mode="charge", days=(1, 2)),
        Window(start=30, end=90, mode="discharge", days=(3, 7)),
        Window(start=90, end=1440, mode="charge"),
    )
    assert shown(to_wire(windows)) == windows


@pytest.mark.parametrize(
    "row",
    [
        None,
        {"startTime": "25:00", "endTime": "26:00"},
        {"startTime": "01:xx", "endTime": "02:00"},
        {"startTime": "01:00", "endTime": None},
        {"startTime": "01:00", "endTime": "02:61"},
        {"startTime": "01:00", "endTime": "02:00", "chargeOrDischarge": "rest"},
        {"startTime": "01:00", "endTime": "02:00", "repeat": None},
        {"startTime": "01:00", "endTime": "02:00", "repeat": ["x", 9]},
    ],
)
def test_windows_that_nobody_understands_are_left_out(row: Any) -> None:
    """The others stand."""
    good = {"chargeOrDischarge": "Charge", "repeat": ["1", 7.0]}
    rows = [row and {**good, **row}, {"startTime": "1:00", "endTime": "24:00", **good}]
    assert from_wire(rows) == [
        {
            "startTime": "01:00",
            "endTime": "23:59",
            "chargeOrDischarge": "charge",
            "repeat": [1, 7],
        }
    ]
    assert from_wire(None) == []
