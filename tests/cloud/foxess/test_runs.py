"""Forced runs, judged by what the battery was told and by the schedule it holds."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
import json
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from custom_components.solar_cloud.cloud.control import Control, Forced, Run
from custom_components.solar_cloud.cloud.daily import span
from custom_components.solar_cloud.cloud.errors import (
    AnswerLost,
    Blocked,
    CloudError,
    DeviceOffline,
    Refused,
)
from custom_components.solar_cloud.cloud.foxess.groups import Group, Held
from custom_components.solar_cloud.cloud.foxess.runs import Before

from .stub import Error, Stub
from .test_scheduler import versions
from .world import World

WRITES = ("enable", "set/flag")


async def prepared(
    world: World, kind: Forced, minutes: float = 60, **asked: Any
) -> Any:
    """Return a run and what is to be put back, as JSON carries it."""
    run = world.run(kind, minutes, **asked)
    return run, json.loads(json.dumps(await world.vendor.prepare(run)))


async def started(world: World, kind: Forced, minutes: float = 60, **asked: Any) -> Any:
    """Return a run that has been started and is held."""
    run, before = await prepared(world, kind, minutes, **asked)
    await world.vendor.start(run, before)
    assert await world.vendor.started(run, before)
    assert not await world.vendor.stopped(run, before)
    return run, before


async def stopped(world: World, run: Any, before: Any) -> None:
    """Stop a run, and see that it is gone."""
    await world.vendor.stop(run, before)
    assert await world.vendor.stopped(run, before)
    assert not await world.vendor.started(run, before)


def forced(world: World, since: datetime) -> dict[str, float]:
    """Return for how long (s) the battery was told each thing since an instant."""
    spans: dict[str, float] = {}
    for begin, end, mode in world.told(since.timestamp(), world.sim.clock.seconds()):
        spans[mode] = spans.get(mode, 0) + end - begin
    return spans


KINDS = {
    Forced.CHARGE: "force_charge",
    Forced.DISCHARGE: "force_discharge",
}


@pytest.mark.parametrize("kind", list(KINDS))
async def test_a_run_begins_and_ends(any_home: World, kind: Forced) -> None:
    """The battery does what was asked, as long as was asked; then all is as it was."""
    await any_home.look()
    owner = any_home.device.held()
    since = any_home.clock.now()
    run, before = await started(any_home, kind, 30, power=1500, target_soc=None)
    order = any_home.device.home.state(any_home.sim.clock.seconds()).orders
    assert (order.mode.value, order.power) == (KINDS[kind], 1500)
    any_home.sim.clock.set(run.end)
    await stopped(any_home, run, before)
    assert any_home.device.held() == owner
    assert forced(any_home, since)[KINDS[kind]] == pytest.approx(1800, abs=75)
    assert not any_home.refused


async def test_a_run_ends_by_itself(any_home: World) -> None:
    """Nobody comes back: the device's window closes, within a minute of the end."""
    await any_home.look()
    since = any_home.clock.now()
    run, _ = await started(any_home, Forced.DISCHARGE, 30, power=1000)
    any_home.sim.clock.set(run.end + timedelta(hours=3))
    assert forced(any_home, since)["force_discharge"] == pytest.approx(1800, abs=95)


async def test_targets(any_home: World) -> None:
    """MinSocOnGrid <= fdSoc <= maxSoc, inside the device's ranges, whatever is asked."""
    await any_home.look()
    low = 5 if any_home.name == "evo" else 10
    reserve = float(any_home.device.settings["MinSocOnGrid"])
    rated = any_home.device.model.capacity * 1000
    for kind, asked, parameters in (
        (Forced.CHARGE, {"target_soc": 80, "power": 900.4}, (reserve, 80, 80, 900)),
        (Forced.CHARGE, {}, (reserve, 100, 100, rated)),
        (
            Forced.CHARGE,
            {"target_soc": 150, "power": 99999},
            (reserve, 100, 100, rated),
        ),
        (Forced.CHARGE, {"target_soc": 1}, (reserve, reserve, reserve, rated)),
        (Forced.DISCHARGE, {"target_soc": 30}, (reserve, 30, 100, rated)),
        (Forced.DISCHARGE, {}, (reserve, reserve, 100, rated)),
    ):
        _, before = await prepared(any_home, kind, **asked)
        (row,) = before[any_home.sn]["run"]
        names = ("minSocOnGrid", "fdSoc", "maxSoc", "fdPwr")
        assert tuple(row["parameters"][name] for name in names) == parameters
    assert reserve >= low


async def test_the_owners_ceiling(kh: World) -> None:
    """Without a target a forced charge stops at the owner's maximum."""
    await kh.look()
    await kh.vendor.write(kh.sn, {"max_soc": 85})
    await kh.control("max_soc")
    _, before = await prepared(kh, Forced.CHARGE)
    assert before[kh.sn]["run"][0]["parameters"]["fdSoc"] == 85


async def test_no_power(kh: World, stub: Stub) -> None:
    """Nothing is no power; where none is known one must be given."""
    await kh.look()
    with pytest.raises(Refused, match="above 0"):
        await prepared(kh, Forced.CHARGE, power=0)
    stub.answers["/op/v0/device/scheduler/get"] = {"enable": 0, "groups": [], "x": 1}
    stub.answers["time/get"] = Error(41200)
    run = replace(kh.run(Forced.CHARGE), devices=("SN1",))
    with pytest.raises(Refused, match="give one"):
        await stub.vendor.prepare(run)
    before = await stub.vendor.prepare(replace(run, power=3000))
    assert before["SN1"]["run"][0]["parameters"]["fdPwr"] == 3000


async def test_hold(any_home: World) -> None:
    """No discharge below the present state of charge; the sun may charge."""
    await any_home.look()
    soc = any_home.device.home.state(any_home.sim.clock.seconds()).soc
    run, before = await started(any_home, Forced.HOLD, 600)
    group = before[any_home.sn]["run"][0]
    assert group["mode"] == "SelfUse"
    assert group["parameters"]["minSocOnGrid"] == pytest.approx(soc, abs=1.6)
    any_home.advance(hours=8)
    assert any_home.device.home.state(any_home.sim.clock.seconds()).soc >= soc - 1.6
    await stopped(any_home, run, before)


async def test_hold_without_a_state_of_charge(kh: World) -> None:
    """An old value is none."""
    await kh.look()
    kh.advance(minutes=40)
    with pytest.raises(Refused, match="not known"):
        await prepared(kh, Forced.HOLD)
    await kh.poll("realtime")
    await prepared(kh, Forced.HOLD)


async def test_what_a_device_offers(any_home: World) -> None:
    """Ranges come from its own answer."""
    snapshot = await any_home.poll("devices")
    device = snapshot.devices[any_home.sn]
    assert any_home.vendor.run_range(device) is None
    await any_home.look()
    offered = any_home.vendor.run_range(device)
    assert offered
    assert offered.kinds == {Forced.CHARGE, Forced.DISCHARGE, Forced.HOLD}
    assert offered.max_power == any_home.device.model.capacity * 1000
    assert offered.min_soc == (5 if any_home.name == "evo" else 10)
    assert offered.max_soc == 100
    for other in snapshot.devices.values():
        if other.id != any_home.sn:
            assert any_home.vendor.run_range(other) is None


async def test_modes_of_the_batterys_side(h3: World) -> None:
    """Where a device knows only one of the variants, that one is used."""
    device = h3.device
    modes = device.model.properties["workMode"]
    options = ("SelfUse", "Backup", "ForceDischarge", "ForceCharge(BAT)")
    device.model = replace(
        device.model,
        properties=device.model.properties
        | {"workMode": replace(modes, options=options)},
    )
    await h3.look()
    _, before = await prepared(h3, Forced.CHARGE)
    assert before[h3.sn]["run"][0]["mode"] == "ForceCharge(BAT)"
    device.model = replace(
        device.model,
        properties=device.model.properties
        | {"workMode": replace(modes, options=("SelfUse",))},
    )
    await h3.vendor.get_schedule(h3.sn)
    offered = h3.vendor.run_range(h3.vendor._inventory.devices[h3.sn])  # noqa: SLF001
    assert offered and offered.kinds == {Forced.HOLD}
    with pytest.raises(Refused, match="does not offer"):
        await prepared(h3, Forced.DISCHARGE)


# --- the owner's schedule --------------------------------------------------------------


@pytest.mark.parametrize("version", [3, 2, 1, 0])
@pytest.mark.parametrize("on", [True, False])
async def test_by_every_version(h3: World, version: int, on: bool) -> None:
    """The owner's groups and switch are as they were, whatever version there is."""
    versions(h3, version)
    h3.change(flag=on)
    await h3.look()
    owner = h3.device.held()
    run, before = await started(h3, Forced.CHARGE, 30, power=2000)
    h3.advance(minutes=10)
    await stopped(h3, run, before)
    assert h3.device.flag is on
    shown = ("enable", "startHour", "endHour", "workMode", "fdSoc", "minSocOnGrid")
    kept = shown if version < 2 else tuple(owner["groups"][0])
    for now, then in zip(h3.device.held()["groups"], owner["groups"], strict=True):
        assert {key: now[key] for key in kept} == {key: then[key] for key in kept}
    assert not h3.refused


@pytest.mark.parametrize("answering", [(3, 2, 1, 0), (3, 1)])
async def test_groups_that_sleep_are_not_woken(
    h3: World, answering: tuple[int, ...]
) -> None:
    """Version 3 does not tell which those are: an older one is asked, and written."""
    versions(h3, *answering)
    groups = [dict(row) for row in h3.device.groups]
    groups[1]["enable"] = 0
    h3.change(flag=True, groups=groups)
    await h3.look()
    owner = h3.device.held()
    since = h3.clock.now()
    run, before = await started(h3, Forced.CHARGE, 30, power=2000)
    assert before[h3.sn]["version"] == (2 if 2 in answering else 1)
    await stopped(h3, run, before)
    assert [row["enable"] for row in h3.device.groups] == [1, 0]
    if 2 in answering:
        assert h3.device.held() == owner
    h3.advance(hours=12)
    assert "force_discharge" not in forced(h3, since)


async def test_all_awake_stays_with_the_newest(h3: World) -> None:
    """An older version would lose parameters that only the newest knows."""
    versions(h3, 3, 1)
    groups = [dict(row) | {"exportLimit": 3000} for row in h3.device.groups]
    h3.change(flag=True, groups=groups)
    await h3.look()
    owner = h3.device.held()
    run, before = await started(h3, Forced.CHARGE, 30, power=2000)
    assert before[h3.sn]["version"] == 3
    assert h3.device.groups[0]["exportLimit"] == 100_000
    await stopped(h3, run, before)
    assert h3.device.held() == owner


async def test_hidden_groups(h3: World) -> None:
    """A version 3 that leaves out what sleeps would lose it."""
    groups = [dict(row) for row in h3.device.groups]
    groups[0]["enable"] = 0
    h3.change(flag=True, groups=groups, hide_idle_in_v3=True)
    await h3.look()
    owner = h3.device.held()
    run, before = await started(h3, Forced.CHARGE, 30, power=2000)
    await stopped(h3, run, before)
    assert h3.device.held() == owner


async def test_the_owners_groups_go_on_around_a_run(kh: World) -> None:
    """Only the minutes of the run are taken from them."""
    kh.sim.clock.set(datetime(2026, 6, 17, 16, 10, 30, tzinfo=UTC))
    await kh.look()
    since = kh.clock.now()
    run, before = await started(kh, Forced.DISCHARGE, 20, power=1000)
    spans = [
        (row["startHour"], row["startMinute"], row["endHour"], row["endMinute"])
        for row in kh.device.groups
        if row["workMode"] == "SelfUse"
    ]
    start = run.start.astimezone(ZoneInfo("Europe/London"))
    assert spans[0][:2] == (16, 30)
    assert spans[0][2:] == (start.hour, start.minute)
    assert spans[1][2:] == (18, 59)
    kh.sim.clock.set(run.end)
    await stopped(kh, run, before)
    assert forced(kh, since)["force_discharge"] == pytest.approx(1200, abs=75)


async def test_the_rest_of_the_day(stub: Stub) -> None:
    """A group for the rest of the day lies under the run, and is kept by version 3."""
    rest = {
        "startHour": 0,
        "startMinute": 0,
        "endHour": 23,
        "endMinute": 59,
        "workMode": "Feedin",
        "isRemainMode": True,
        "extraParam": {"fdSoc": 20},
    }
    answer = {"enable": 1, "groups": [rest], "properties": {}, "maxGroupCount": 24}
    stub.answers["/op/v3/device/scheduler/get"] = answer
    stub.answers["/op/v3/device/scheduler/enable"] = lambda params: answer.update(
        groups=params["groups"]
    )
    run = _run(stub, Forced.CHARGE, power=1000)
    before = await stub.vendor.prepare(run)
    await stub.vendor.start(run, before)
    assert await stub.vendor.started(run, before)
    assert [row["workMode"] for row in answer["groups"]] == ["ForceCharge", "Feedin"]
    await stub.vendor.stop(run, before)
    assert answer["groups"] == [rest]
    assert await stub.vendor.stopped(run, before)


def _run(stub: Stub, kind: Forced, **asked: Any) -> Any:
    return Run(
        id="r",
        plant="P",
        kind=kind,
        start=stub.now,
        end=stub.now + timedelta(hours=1),
        devices=("SN1",),
        **asked,
    )


async def test_a_device_that_puts_groups_to_sleep(kh: World) -> None:
    """When their window is over: the run is still found, and taken out."""
    await kh.look()
    owner = kh.device.held()
    run, before = await started(kh, Forced.CHARGE, 30, power=2000)
    kh.sim.clock.set(run.end + timedelta(hours=1))
    groups = [dict(row) for row in kh.device.groups]
    groups[0]["enable"] = 0
    kh.change(groups=groups)
    assert not await kh.vendor.stopped(run, before)
    await stopped(kh, run, before)
    assert kh.device.held() == owner


async def test_the_owner_changes_the_schedule_meanwhile(kh: World) -> None:
    """What the owner has done stays; only the run is taken out."""
    await kh.look()
    run, before = await started(kh, Forced.CHARGE, 30, power=2000)
    groups = [dict(row) for row in kh.device.groups]
    groups[1]["fdPwr"] = 1234
    kh.change(groups=groups)
    await stopped(kh, run, before)
    assert [row["fdPwr"] for row in kh.device.groups] == [
        row["fdPwr"] for row in groups[1:]
    ]
    assert kh.device.flag is True


async def test_the_owner_adds_a_group_meanwhile(h3: World) -> None:
    """To a scheduler that was off before the run: it stays on, as the owner sees it."""
    await h3.look()
    run, before = await started(h3, Forced.CHARGE, 30, power=2000)
    own = dict(
        h3.device.groups[0], startHour=20, startMinute=0, endHour=21, endMinute=0
    )
    h3.change(groups=[*h3.device.groups, own])
    await stopped(h3, run, before)
    assert h3.device.groups == [own]
    assert h3.device.flag is True


async def test_the_owner_replaces_the_schedule_meanwhile(h3: World) -> None:
    """The run is gone already: nothing is written."""
    await h3.look()
    run, before = await started(h3, Forced.CHARGE, 30, power=2000)
    own = [dict(h3.device.groups[0], startHour=1, endHour=2, workMode="Feedin")]
    h3.change(groups=own)
    since = len(h3.sim.commands)
    await h3.vendor.stop(run, before)
    assert await h3.vendor.stopped(run, before)
    assert h3.commands(since) == []
    assert (h3.device.groups, h3.device.flag) == (own, True)


async def test_a_version_taken_away_meanwhile(h3: World) -> None:
    """The run is ended by what there is; sleeping groups are never woken."""
    groups = [dict(row) for row in h3.device.groups]
    groups[1]["enable"] = 0
    h3.change(flag=True, groups=groups)
    await h3.look()
    run, before = await started(h3, Forced.CHARGE, 30, power=2000)
    assert before[h3.sn]["version"] == 2
    versions(h3, 3, errno=404)
    await h3.vendor.stop(run, before)
    assert [row["workMode"] for row in h3.device.groups if row["enable"]] == ["Backup"]


# --- when ------------------------------------------------------------------------------


async def test_over_midnight(any_home: World) -> None:
    """Two groups, one on each side; the whole time is kept."""
    any_home.sim.clock.set(datetime(2026, 6, 17, 21, 20, tzinfo=UTC))
    await any_home.look()
    owner = any_home.device.held()
    since = any_home.clock.now()
    run, before = await started(any_home, Forced.DISCHARGE, 120, power=400)
    assert len(before[any_home.sn]["run"]) == 2
    any_home.sim.clock.set(run.end)
    await stopped(any_home, run, before)
    assert forced(any_home, since)["force_discharge"] == pytest.approx(7200, abs=90)
    assert any_home.device.held() == owner


@pytest.mark.parametrize("offset", [-3600, -75, 37, 240, 7200])
async def test_a_device_clock_that_is_wrong(h3: World, offset: float) -> None:
    """Its offset is allowed for."""
    h3.change(clock_offset=float(offset))
    await h3.look()
    since = h3.clock.now()
    run, before = await started(h3, Forced.CHARGE, 20, power=1000)
    assert before[h3.sn]["offset"] == pytest.approx(offset, abs=2)
    h3.sim.clock.set(run.end)
    await stopped(h3, run, before)
    assert forced(h3, since)["force_charge"] == pytest.approx(1200, abs=75)


BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("start", "minutes", "expected"),
    [
        ("2026-06-17T10:00:00+00:00", 60, (720, 780)),
        ("2026-06-17T10:00:30+00:00", 1, (720, 722)),
        # The clocks go forward: the device's window must reach as far as they do.
        ("2026-03-29T00:30:00+00:00", 60, (90, 210)),
        # The clocks go back: never shorter than the run.
        ("2026-10-25T00:30:00+00:00", 60, (150, 210)),
    ],
)
def test_span(start: str, minutes: int, expected: tuple[int, int]) -> None:
    """Minutes by the plant's clock, begun ones included."""
    begin = datetime.fromisoformat(start)
    assert span(begin, begin + timedelta(minutes=minutes), BERLIN, 0) == expected


async def test_longer_than_a_day(kh: World) -> None:
    """A daily window is then the whole day."""
    await kh.look()
    _, before = await prepared(kh, Forced.HOLD, 3000)
    (row,) = before[kh.sn]["run"]
    assert (row["start"], row["end"]) == (0, 1439)


# --- what goes wrong ---------------------------------------------------------------------


async def _lease(world: World, run: Any, before: Any) -> None:
    """Start and stop as a lease does: again until it is done."""
    try:
        await world.vendor.start(run, before)
        held = await world.vendor.started(run, before)
    except AnswerLost:
        held = await world.vendor.started(run, before)
        if not held:
            await world.vendor.start(run, before)
            held = await world.vendor.started(run, before)
    assert held


async def _end(world: World, run: Any, before: Any) -> None:
    for _ in range(4):
        try:
            await world.vendor.stop(run, before)
            if await world.vendor.stopped(run, before):
                return
        except CloudError:
            pass
        world.advance(minutes=1)
    raise AssertionError


@pytest.mark.parametrize("kind", ["drop_after", "drop_before", "empty", "html"])
@pytest.mark.parametrize("call", range(3))
async def test_lost_answers(any_home: World, kind: str, call: int) -> None:
    """At each write of a run: it is found out what happened, and all ends well."""
    await any_home.look()
    owner = any_home.device.held()
    run, before = await prepared(any_home, Forced.CHARGE, 30, power=1000)
    for endpoint in WRITES:
        any_home.fault(kind, endpoint, count=1, skip=call // 2)
    await _lease(any_home, run, before)
    any_home.sim.clear_faults()
    for endpoint in WRITES:
        any_home.fault(kind, endpoint, count=1, skip=call // 2)
    await _end(any_home, run, before)
    assert any_home.device.held() == owner
    assert not any_home.refused


@pytest.mark.parametrize(("errno", "kind"), [(40257, Refused), (44096, Blocked)])
async def test_refusals(any_home: World, errno: int, kind: type[CloudError]) -> None:
    """They are raised with the vendor's words, and nothing is left behind."""
    await any_home.look()
    owner = any_home.device.held()
    run, before = await prepared(any_home, Forced.CHARGE, 30, power=1000)
    any_home.fault("errno", "enable", errno=errno, msg="no", count=1)
    with pytest.raises(kind, match="no"):
        await any_home.vendor.start(run, before)
    await any_home.vendor.stop(run, before)
    assert await any_home.vendor.stopped(run, before)
    assert any_home.device.held() == owner


async def test_a_switch_that_is_not_carried_out(h3: World) -> None:
    """The scheduler must be off again before a run counts as ended."""
    await h3.look()
    run, before = await started(h3, Forced.CHARGE, 30, power=1000)
    h3.fault("accepted_not_done", "set/flag", count=1)
    await h3.vendor.stop(run, before)
    assert not await h3.vendor.stopped(run, before)
    await stopped(h3, run, before)
    assert h3.device.flag is False


async def test_a_device_that_is_not_turned_on_by_a_write(h3: World) -> None:
    """The switch is then set by itself."""
    h3.change(enabling_turns_on=False)
    await h3.look()
    owner = h3.device.held()
    run, before = await started(h3, Forced.CHARGE, 30, power=1000)
    assert h3.device.flag is True
    await stopped(h3, run, before)
    assert h3.device.held() == owner


async def test_turned_off_by_the_owner_meanwhile(kh: World) -> None:
    """The schedule is put back as it was before the run."""
    await kh.look()
    owner = kh.device.held()
    run, before = await started(kh, Forced.CHARGE, 30, power=1000)
    kh.change(flag=False)
    await stopped(kh, run, before)
    assert kh.device.held() == owner
    kh.change(flag=False)
    await kh.vendor.stop(run, before)
    assert kh.device.flag is True


async def test_one_of_two_is_out_of_reach(kh: World) -> None:
    """The other is freed all the same; a run counts as ended when all are."""
    await kh.look()
    run, before = await started(kh, Forced.CHARGE, 30, power=1000)
    both = replace(run, devices=("60GONE", kh.sn))
    data = {"60GONE": before[kh.sn], kh.sn: before[kh.sn]}
    with pytest.raises(CloudError):
        await kh.vendor.stop(both, data)
    assert await kh.vendor.stopped(run, before)


async def test_out_of_reach(kh: World) -> None:
    """A run is not begun without knowing what it changes."""
    await kh.look()
    kh.fault("logger_offline", device=kh.sn)
    with pytest.raises(DeviceOffline):
        await prepared(kh, Forced.CHARGE)


async def test_a_scheduler_that_is_still_owed(kh: World) -> None:
    """It is turned on again first, so that the run puts back the owner's switch."""
    await kh.look()
    kh.memory["scheduler_owed"][kh.sn] = True
    kh.change(flag=False)
    _, before = await prepared(kh, Forced.CHARGE)
    assert before[kh.sn]["enabled"] is True


async def test_a_setting_during_a_run(kh: World) -> None:
    """The scheduler pauses, and the run goes on."""
    await kh.look()
    run, before = await started(kh, Forced.CHARGE, 30, power=1000)
    assert await kh.vendor.write(kh.sn, {"min_soc": 20}) == {}
    assert await kh.vendor.started(run, before)


# --- a temporary export limit ------------------------------------------------------------


async def test_a_temporary_export_limit(kh: World, h3: World) -> None:
    """Of the inverter or of the meter; the owner's is put back."""
    for world, sn in ((kh, kh.sn), (h3, h3.device.meter.sn)):
        await world.look()
        owner = world.device.held()
        run, before = await started(
            world, Forced.LIMIT_EXPORT, 30, devices=(sn,), power=1200
        )
        limit = (await world.vendor.read(sn, ["export_limit"]))["export_limit"]
        assert isinstance(limit, Control)
        assert limit.value == 1200
        await stopped(world, run, before)
        assert world.device.held() == owner


async def test_no_export_limit(h3: World) -> None:
    """An inverter without one cannot be asked."""
    await h3.look()
    with pytest.raises(Refused, match="no export limit"):
        await prepared(h3, Forced.LIMIT_EXPORT, power=100)


def test_slots_that_are_full() -> None:
    """The run comes first; what does not fit is put back afterwards."""
    own = tuple(Group(start=60 * n, end=60 * n + 29, mode="SelfUse") for n in range(8))
    run = (Group(start=1000, end=1099, mode="ForceCharge"),)
    before = Before(owner=Held(version=1, enabled=True, groups=own), run=run)
    there = before.during()[:8]
    now = Held(version=1, enabled=True, groups=tuple(there))
    assert before.is_held(now)
    assert before.after(now) == own
