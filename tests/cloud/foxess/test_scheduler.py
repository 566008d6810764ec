"""The scheduler in its four versions, by probing, and the schedule in our words."""

from dataclasses import replace
from typing import Any

import pytest

from custom_components.solar_cloud.cloud.control import Control, Window
from custom_components.solar_cloud.cloud.errors import (
    DeviceOffline,
    NotSupported,
    Refused,
    UnexpectedAnswer,
)
from custom_components.solar_cloud.cloud.foxess.errnos import QueryFailed
from custom_components.solar_cloud.cloud.foxess.groups import (
    Group,
    Held,
    cut,
    decode,
    encode,
    overlap,
    windows,
)
from custom_components.solar_cloud.cloud.quota import Purpose

from .stub import Error, Stub
from .world import World

HOUR = 60


def versions(world: World, *answering: int, errno: int = 41200) -> None:
    """Let a device speak these versions of the scheduler only."""
    device = world.device
    device.model = replace(
        device.model,
        scheduler={f"v{n}": 0 if n in answering else errno for n in range(4)},
        flag={f"v{n}": 0 if n in answering or n == 0 else errno for n in range(2)},
    )


# --- groups --------------------------------------------------------------------------


def group(start: int, end: int, mode: str = "SelfUse", **given: Any) -> Group:
    """Return a group, in hours."""
    return Group(start=start * HOUR, end=end * HOUR - 1, mode=mode, **given)


def held(version: int = 3, *, rated: float = 8000, **properties: Any) -> Held:
    """Return a scheduler with these ranges."""
    ranges = {
        key.lower(): {"range": {"min": low, "max": high}}
        for key, (low, high) in properties.items()
    }
    return Held(version=version, enabled=True, groups=(), properties=ranges)


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (0, 60, [(0, 59)]),
        (1380, 1440, [(1380, 1439)]),
        (1380, 1500, [(1380, 1439), (0, 59)]),
        (-30, 30, [(1410, 1439), (0, 29)]),
        (1380, 300, [(1380, 1439), (0, 299)]),
        (1380, 0, [(1380, 1439)]),
        (600, 2040, [(0, 1439)]),
        (600, 9000, [(0, 1439)]),
        (1439, 1440, [(1439, 1439)]),
    ],
)
def test_windows(start: int, end: int, expected: list[tuple[int, int]]) -> None:
    """No window crosses midnight; ends are inclusive on the wire."""
    assert list(windows(start, end)) == expected


def test_overlap() -> None:
    """Two windows must not share a minute."""
    assert not overlap([(60, 119), (0, 59), (120, 1439)])
    assert overlap([(0, 60), (60, 120)])
    assert not overlap([])


def test_cut() -> None:
    """The minutes of a run are taken out of the owner's groups."""
    owner = [group(0, 6), group(10, 20), group(22, 24)]
    pieces = cut(owner, [(12 * HOUR, 13 * HOUR - 1)], 2)
    assert pieces == [group(0, 6), group(10, 12), group(13, 20), group(22, 24)]
    assert cut(owner, [(0, 1439)], 2) == []
    assert cut([group(1, 2)], [(90, 1439), (0, 30)], 2) == [
        Group(start=60, end=89, mode="SelfUse")
    ]
    rest = group(0, 24, remainder=True)
    assert cut([rest], [(0, 59)], 3) == [rest]
    assert cut([rest], [(0, 59)], 2) == [replace(rest, start=60)]


def test_decode() -> None:
    """Unused slots are passed over, in either of their forms; strings are numbers."""
    frame = {"startHour": 0, "startMinute": 0, "endHour": 0, "endMinute": 0}
    assert decode(
        [
            {**frame, "workMode": "Invalid", "enable": 0},
            {**frame, "workMode": "SelfUse", "enable": 1},
            {**frame, "endHour": 5, "workMode": None},
            None,
            {
                "startHour": "2",
                "startMinute": "30",
                "endHour": "4.0E0",
                "endMinute": 29,
                "workMode": "ForceCharge",
                "enable": "0",
                "fdPwr": "3000",
                "maxSoc": None,
            },
            {
                "endHour": 23,
                "endMinute": 59,
                "workMode": "Feedin",
                "extraParam": {"fdSoc": 10.0, "pvLimit": "x"},
                "isRemainMode": True,
            },
            {"endHour": 1, "workMode": "Backup", "extraParam": "x"},
        ]
    ) == (
        Group(
            start=150,
            end=269,
            mode="ForceCharge",
            enabled=False,
            parameters={"fdPwr": 3000},
        ),
        Group(
            start=0, end=1439, mode="Feedin", parameters={"fdSoc": 10}, remainder=True
        ),
        Group(start=0, end=60, mode="Backup"),
    )
    assert decode(None) == decode({"0": {}}) == decode("x") == ()


def test_encode() -> None:
    """Each version takes its own shape, and only what the device knows."""
    parameters = {"minSocOnGrid": 10.0, "fdSoc": 20.5, "fdPwr": 5000.0, "pvLimit": 1.0}
    row = replace(group(1, 2), parameters=parameters)
    frame = {
        "startHour": 1,
        "startMinute": 0,
        "endHour": 1,
        "endMinute": 59,
        "workMode": "SelfUse",
    }
    flat = {"minSocOnGrid": 10, "fdSoc": 20.5, "fdPwr": 5000}
    assert (
        encode([row], held(0))
        == encode([row], held(1))
        == [frame | {"enable": 1} | flat]
    )
    assert encode([row], held(2)) == [frame | {"enable": 1, "extraParam": flat}]
    ranges = {"fdPwr": (0, 9000), "pvLimit": (0, 9000)}
    asleep = replace(row, enabled=False, start=0)
    rest = replace(row, remainder=True)
    (told,) = encode([asleep, rest], held(3, **ranges))
    extra = {"fdPwr": 5000, "pvLimit": 1}
    assert told == frame | {"isRemainMode": True, "extraParam": extra}
    assert encode([row] * 12, held(2)) == encode([row] * 8, held(2))


@pytest.mark.parametrize(
    ("high", "rated", "most"),
    [
        (32000, 8000, 8000),
        (10500, 10000, 10500),
        (3680, 3000, 3680),
        (None, 5000, 5000),
        (6000, None, 6000),
        (None, None, None),
        (0, 5000, 5000),
    ],
)
def test_most_power(high: Any, rated: Any, most: Any) -> None:
    """A range may be bogus, and a rating may be cut off."""
    found = held(fdPwr=(0, high)) if high is not None else held()
    assert found.most_power(rated) == most


def test_ranges_that_are_none() -> None:
    """Properties need not have a range."""
    found = Held(
        version=3, enabled=True, groups=(), properties={"fdsoc": {"range": [1]}}
    )
    assert found.range("fdSoc") == (None, None)
    assert (found.lowest_soc, found.highest_soc) == (10, 100)
    assert found.offers("Whatever")


# --- which version -----------------------------------------------------------------------


@pytest.mark.parametrize("version", [3, 2, 1, 0])
@pytest.mark.parametrize("errno", [41200, 40257, 404])
async def test_the_newest_that_answers(h3: World, version: int, errno: int) -> None:
    """Found by asking, and asked alone from then on."""
    versions(h3, version, errno=errno)
    await h3.poll("devices")
    await h3.vendor.get_schedule(h3.sn)
    calls = len(h3.sim.calls)
    schedule = await h3.vendor.get_schedule(h3.sn)
    assert h3.paths(calls) == [f"/op/v{version}/device/scheduler/get"]
    assert [row.mode for row in schedule.windows] == ["backup", "discharge"]
    assert not schedule.enabled


async def test_each_home_has_its_own(kh: World, h3: World, evo: World) -> None:
    """Version 1, version 3, and an EVO that never knew version 1."""
    for world, version, flag in ((kh, 1, 1), (h3, 3, 1), (evo, 3, 0)):
        await world.look()
        assert world.memory["scheduler"] == {world.sn: version}
        changes = {"schedule_enabled": True}
        assert await world.vendor.write(world.sn, changes) == {}
        assert world.memory["scheduler_flag"] == {world.sn: flag}
        assert world.device.flag is True


@pytest.mark.parametrize("errno", [40257, 42015, 404])
async def test_a_version_that_is_taken_away(h3: World, errno: int) -> None:
    """The next one is found at once when the server says so."""
    await h3.look()
    versions(h3, 2, 1, 0, errno=errno)
    assert len((await h3.vendor.get_schedule(h3.sn)).windows) == 2
    assert h3.memory["scheduler"] == {h3.sn: 2}


async def test_a_version_that_goes_silent(h3: World) -> None:
    """A failing query proves nothing until the third time."""
    await h3.look()
    versions(h3, 1, 0)
    for _ in range(2):
        with pytest.raises(QueryFailed):
            await h3.vendor.get_schedule(h3.sn)
    assert len((await h3.vendor.get_schedule(h3.sn)).windows) == 2
    assert h3.memory["scheduler"] == {h3.sn: 1}


async def test_a_version_that_fails_for_a_moment(h3: World) -> None:
    """It stays the one that is asked."""
    await h3.look()
    for _ in range(4):
        h3.fault("errno", "scheduler/get", errno=41200, count=3)
        with pytest.raises(QueryFailed):
            await h3.vendor.get_schedule(h3.sn)
        await h3.vendor.get_schedule(h3.sn)
    assert h3.memory["scheduler"] == {h3.sn: 3}


async def test_no_version_for_a_moment(kh: World) -> None:
    """That is no verdict: a battery without a scheduler is told by its refusals."""
    await kh.poll("devices")
    kh.fault("errno", "scheduler/get", errno=41200)
    for _ in range(3):
        with pytest.raises(QueryFailed):
            await kh.vendor.get_schedule(kh.sn)
    kh.sim.clear_faults()
    assert (await kh.vendor.get_schedule(kh.sn)).windows
    kh.fault("logger_offline", device=kh.sn)
    with pytest.raises(DeviceOffline):
        await kh.vendor.get_schedule(kh.sn)


async def test_the_mode_was_set_in_the_app(h3: World) -> None:
    """The service then answers null: there are no groups, and one may be written."""
    h3.change(schedule_null=True)
    await h3.look()
    schedule = await h3.vendor.get_schedule(h3.sn)
    assert (schedule.enabled, schedule.windows) == (False, ())
    window = Window(start=60, end=120, mode="charge", power=2000, target_soc=80)
    await h3.vendor.set_schedule(h3.sn, [window])
    assert (await h3.vendor.get_schedule(h3.sn)).windows == (window,)
    h3.change(schedule_null=True)
    assert (await h3.vendor.get_schedule(h3.sn)).windows == ()
    assert h3.vendor._scheduler.last(h3.sn).modes  # noqa: SLF001


async def test_an_answer_without_the_switch(stub: Stub) -> None:
    """The main switch is then asked by itself; one of its versions must answer."""
    stub.answers["/op/v3/device/scheduler/get"] = {"groups": [], "properties": [1]}
    stub.answers["/op/v1/device/scheduler/get/flag"] = Error(41200)
    stub.answers["/op/v0/device/scheduler/get/flag"] = {"enable": 1, "support": 1}
    assert (await stub.vendor.get_schedule("SN1")).enabled
    stub.answers["/op/v0/device/scheduler/get/flag"] = Error(42015)
    stub.answers["/op/v1/device/scheduler/get/flag"] = {"enable": False}
    assert not (await stub.vendor.get_schedule("SN1")).enabled
    stub.answers["/op/v1/device/scheduler/get/flag"] = Error(42015)
    with pytest.raises(NotSupported):
        await stub.vendor._scheduler.flag("SN1", Purpose.COMMAND)  # noqa: SLF001


async def test_html_is_no_schedule(kh: World) -> None:
    """Nor is any other answer that cannot be understood."""
    await kh.look()
    for kind in ("html", "empty", "garbage"):
        kh.fault(kind, "scheduler/get", count=1)
        with pytest.raises(UnexpectedAnswer):
            await kh.vendor.get_schedule(kh.sn)


# --- the schedule in our words -----------------------------------------------------------


async def test_the_owners_schedule(kh: World, h3: World) -> None:
    """Groups that are asleep are not part of it; ends are exclusive."""
    await kh.look()
    schedule = await kh.vendor.get_schedule(kh.sn)
    assert schedule.enabled
    assert schedule.windows == (
        Window(start=120, end=270, mode="charge", power=3000, target_soc=60),
        Window(start=990, end=1140, mode="self_consumption"),
    )
    await h3.look()
    assert not (await h3.vendor.get_schedule(h3.sn)).enabled


WINDOWS = (
    Window(start=0, end=120, mode="charge", power=2500, target_soc=90),
    Window(start=600, end=660, mode="self_consumption"),
    Window(start=660, end=720, mode="feed_in_priority"),
    Window(start=720, end=780, mode="hold"),
    Window(start=1080, end=1440, mode="discharge", power=1500, target_soc=30),
)


@pytest.mark.parametrize("version", [3, 2, 1])
async def test_set_and_get(h3: World, version: int) -> None:
    """What was set is what is read, by any version, and the scheduler is on."""
    versions(h3, version)
    await h3.look()
    h3.change(enabling_turns_on=False)
    await h3.vendor.set_schedule(h3.sn, WINDOWS)
    schedule = await h3.vendor.get_schedule(h3.sn)
    assert schedule.enabled
    assert schedule.windows == WINDOWS
    assert h3.device.flag is True
    assert (await h3.control("schedule_enabled")).value is True
    assert not h3.refused


async def test_defaults(any_home: World) -> None:
    """Power and target may be left to the device; it is then all it can."""
    await any_home.look()
    wanted = [
        Window(start=0, end=60, mode="charge"),
        Window(start=60, end=120, mode="discharge"),
        Window(start=1380, end=30 + 1440 - 30, mode="hold"),
    ]
    await any_home.vendor.set_schedule(any_home.sn, wanted)
    windows_ = (await any_home.vendor.get_schedule(any_home.sn)).windows
    rated = any_home.device.model.capacity * 1000
    low = 5 if any_home.name == "evo" else 10
    assert [(row.power, row.target_soc) for row in windows_] == [
        (rated, 100),
        (rated, low),
        (None, None),
    ]


async def test_over_midnight(kh: World) -> None:
    """A window that crosses midnight is two groups on the device."""
    await kh.look()
    await kh.vendor.set_schedule(
        kh.sn, [Window(start=1380, end=300, mode="charge", power=1000, target_soc=50)]
    )
    spans = [(row.start, row.end) for row in (await _get(kh))]
    assert spans == [(1380, 1440), (0, 300)]


async def _get(world: World) -> tuple[Window, ...]:
    return (await world.vendor.get_schedule(world.sn)).windows


async def test_an_empty_schedule(kh: World, stub: Stub) -> None:
    """All groups go; a service that refuses an empty list gets one that does nothing."""
    await kh.look()
    await kh.vendor.set_schedule(kh.sn, [])
    assert await _get(kh) == ()
    assert kh.device.groups == []
    stub.answers["/op/v1/device/scheduler/get"] = {"enable": 1, "groups": [{}]}
    stub.answers["/op/v1/device/scheduler/enable"] = lambda params: (
        None if params["groups"] else Error(40257)
    )
    await stub.vendor.set_schedule("SN1", [])
    sent = [row for path, row in stub.asked if path.endswith("enable")]
    assert sent[0]["groups"] == []
    assert sent[1]["groups"] == [
        {
            "enable": 0,
            "startHour": 0,
            "startMinute": 0,
            "endHour": 23,
            "endMinute": 59,
            "workMode": "SelfUse",
            "minSocOnGrid": 10,
            "fdSoc": 100,
            "fdPwr": 0,
            "maxSoc": 100,
        }
    ]


@pytest.mark.parametrize(
    ("window", "words"),
    [
        ({"days": (1, 2)}, "every day"),
        ({"end": 60}, "must not end"),
        ({"mode": "savings"}, "does not offer"),
        ({"mode": "backup"}, "does not offer"),
        ({"target_soc": 5}, "between 10 and 100"),
        ({"target_soc": 150}, "between 10 and 100"),
        ({"power": 9000}, "at most 8000"),
        ({"power": 0}, "above 0"),
        ({"start": 30, "end": 90, "mode": "discharge"}, "overlap"),
    ],
)
async def test_what_cannot_be(kh: World, window: dict[str, Any], words: str) -> None:
    """It is refused before anything is sent."""
    await kh.look()
    given: dict[str, Any] = {"start": 60, "end": 120, "mode": "charge"} | window
    wanted = [Window(**given)]
    if words == "overlap":
        wanted.append(Window(start=60, end=120, mode="charge"))
    with pytest.raises(Refused, match=words):
        await kh.vendor.set_schedule(kh.sn, wanted)
    assert not kh.commands()


async def test_too_many_windows(kh: World) -> None:
    """As many as the device has slots."""
    await kh.look()
    wanted = [
        Window(start=60 * n, end=60 * n + 30, mode="charge", power=500)
        for n in range(9)
    ]
    with pytest.raises(Refused, match="at most 8"):
        await kh.vendor.set_schedule(kh.sn, wanted)
    await kh.vendor.set_schedule(kh.sn, wanted[:8])
    assert len(await _get(kh)) == 8


# --- charge windows, on devices without a scheduler --------------------------------------


def without_scheduler(world: World, errno: int = 42015) -> None:
    """Take the scheduler from a device."""
    versions(world, errno=errno)
    world.change(flag=False, groups=[])


async def test_charge_windows(kh: World) -> None:
    """They are the schedule where there is no scheduler."""
    without_scheduler(kh)
    await kh.look()
    schedule = await kh.vendor.get_schedule(kh.sn)
    assert (schedule.enabled, schedule.windows) == (False, ())
    night = Window(start=1410, end=330, mode="charge")
    await kh.vendor.set_schedule(kh.sn, [night])
    assert kh.device.windows == {
        "enable1": True,
        "startTime1": {"hour": 23, "minute": 30},
        "endTime1": {"hour": 23, "minute": 59},
        "enable2": True,
        "startTime2": {"hour": 0, "minute": 0},
        "endTime2": {"hour": 5, "minute": 30},
    }
    schedule = await kh.vendor.get_schedule(kh.sn)
    assert schedule.enabled
    assert schedule.windows == (
        Window(start=1410, end=1440, mode="charge"),
        Window(start=0, end=330, mode="charge"),
    )
    one = Window(start=120, end=240, mode="charge")
    await kh.vendor.set_schedule(kh.sn, [one])
    assert (await kh.vendor.get_schedule(kh.sn)).windows == (one,)
    await kh.vendor.set_schedule(kh.sn, [])
    assert not (await kh.vendor.get_schedule(kh.sn)).enabled
    assert not kh.refused


async def test_what_charge_windows_cannot(kh: World) -> None:
    """Two windows, for charging, and nothing but their times."""
    without_scheduler(kh)
    await kh.look()
    three = [Window(start=n * 60, end=n * 60 + 30, mode="charge") for n in range(3)]
    for wanted, words in (
        ([Window(start=0, end=60, mode="discharge")], "charge windows only"),
        ([Window(start=0, end=60, mode="charge", power=500)], "no power"),
        ([Window(start=0, end=60, mode="charge", target_soc=50)], "no target"),
        (three, "at most 2"),
    ):
        with pytest.raises(Refused, match=words):
            await kh.vendor.set_schedule(kh.sn, wanted)
    assert not kh.commands()


async def test_a_scheduler_that_never_answered(kh: World) -> None:
    """After three polls without an answer the charge windows are what there is."""
    without_scheduler(kh, errno=41200)
    await kh.look()
    with pytest.raises(QueryFailed):
        await kh.vendor.set_schedule(kh.sn, [])
    for _ in range(2):
        kh.advance(hours=1)
        await kh.poll("settings")
    assert not (await kh.vendor.get_schedule(kh.sn)).enabled
    found = (await kh.vendor.read(kh.sn, ["schedule_enabled"]))["schedule_enabled"]
    assert not isinstance(found, Control)


async def test_charge_windows_in_other_forms(stub: Stub) -> None:
    """Flags and numbers may be strings; what is not there is closed."""
    for version in range(4):
        stub.answers[f"/op/v{version}/device/scheduler/get"] = Error(42015)
    stub.answers["forceChargeTime/get"] = {
        "enable1": "true",
        "startTime1": {"hour": "2", "minute": "15"},
        "endTime1": {"hour": "4"},
        "enable2": None,
    }
    assert (await stub.vendor.get_schedule("SN1")).windows == (
        Window(start=135, end=240, mode="charge"),
    )
