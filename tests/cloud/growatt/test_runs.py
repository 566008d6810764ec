"""Forced runs, judged by what the battery was told and by what the machine holds."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
import json
from typing import Any

import pytest

from custom_components.solar_cloud.cloud.control import (
    Evidence,
    Forced,
    Progress,
    Run,
    RunRange,
)
from custom_components.solar_cloud.cloud.errors import (
    AnswerLost,
    CloudError,
    DeviceGone,
    NotSupported,
    PermissionDenied,
    Refused,
)
from custom_components.solar_cloud.cloud.growatt.runs import _together

from .conftest import Steer
from .steered import NOON, Steered

CHARGE, DISCHARGE, HOLD = Forced.CHARGE, Forced.DISCHARGE, Forced.HOLD
LIMIT = Forced.LIMIT_EXPORT
TOLD = {CHARGE: "force_charge", DISCHARGE: "force_discharge", HOLD: "charge_priority"}
# An SPH is forced by the remote call, unless the account may not use it.
MACHINES = ("storage", "min", "sph", "spa", "sph_windows")


def opened(steer: Steer, name: str) -> Steered:
    """Return a machine, steered."""
    world = steer(name.removesuffix("_windows"))
    if name.endswith("_windows"):
        world.account.remote = False
    return world


async def prepared(
    world: Steered, kind: Forced, minutes: float = 30, **asked: Any
) -> Any:
    """Return a run and what is to be put back, as JSON carries it."""
    run = world.run(kind, minutes, **asked)
    before = await world.steering.runs.prepare(run)
    return run, json.loads(json.dumps(before))


async def started(
    world: Steered, kind: Forced, minutes: float = 30, **asked: Any
) -> Any:
    """Return a run that has been started, as far as that can be read back."""
    run, before = await prepared(world, kind, minutes, **asked)
    await world.steering.runs.start(run, before)
    progress = await world.steering.runs.started(run, before)
    assert progress.done is (None if world.device.remote else True)
    assert (await world.steering.runs.stopped(run, before)).done is (
        None if world.device.remote else False
    )
    return run, before


async def stopped(world: Steered, run: Run, before: Any) -> Progress:
    """Stop a run, and wait until it is gone."""
    runs = world.steering.runs
    await runs.stop(run, before)
    progress = await runs.stopped(run, before)
    if progress.done is None:
        assert progress.again_at
        world.sim.clock.set(progress.again_at)
        await runs.stop(run, before)
        progress = await runs.stopped(run, before)
    assert progress
    assert not await runs.started(run, before)
    return progress


def alone(world: Steered) -> None:
    """Put the owner's windows to sleep that the run would meet."""
    if "forcedChargeStopSwitch1" in world.device.settings:
        world.hold(forcedChargeStopSwitch1="0")


def settings(world: Steered) -> dict[str, Any]:
    """Return what the machine holds of what an owner could set."""
    return dict(world.device.settings)


@pytest.mark.parametrize("kind", [CHARGE, DISCHARGE])
@pytest.mark.parametrize("name", MACHINES)
async def test_a_run_begins_and_ends(steer: Steer, name: str, kind: Forced) -> None:
    """The battery does what was asked, as long as was asked; then all is as it was."""
    world = opened(steer, name)
    owner, since = settings(world), world.clock.now()
    run, before = await started(world, kind)
    assert (world.device.remote is not None) == (name == "sph")
    world.sim.clock.set(run.end)
    progress = await stopped(world, run, before)
    assert progress.evidence is (Evidence.TASK if name == "sph" else Evidence.READ_BACK)
    assert settings(world) == owner
    assert world.told(since)[TOLD[kind]] == pytest.approx(1800, abs=95)
    assert all(call.code == 10011 for call in world.refused)


@pytest.mark.parametrize("kind", [CHARGE, DISCHARGE])
@pytest.mark.parametrize("name", MACHINES)
async def test_a_run_is_ended_before_its_time(
    steer: Steer, name: str, kind: Forced
) -> None:
    """A stop ends it, within a minute where the remote call has to end by itself."""
    world = opened(steer, name)
    alone(world)
    owner, since = settings(world), world.clock.now()
    run, before = await started(world, kind)
    world.advance(minutes=10)
    run = replace(run, end=world.clock.now())
    await stopped(world, run, before)
    world.advance(hours=1)
    assert settings(world) == owner
    assert world.told(since)[TOLD[kind]] == pytest.approx(620, abs=65)


@pytest.mark.parametrize("kind", [CHARGE, DISCHARGE])
@pytest.mark.parametrize("name", MACHINES)
async def test_a_run_ends_by_itself(steer: Steer, name: str, kind: Forced) -> None:
    """Nobody comes back: within a minute of the end the machine stops."""
    world = opened(steer, name)
    since = world.clock.now()
    run, _ = await started(world, kind)
    world.sim.clock.set(run.end + timedelta(hours=3))
    assert world.told(since)[TOLD[kind]] == pytest.approx(1800, abs=95)


@pytest.mark.parametrize("name", ["min", "sph", "spa"])
async def test_hold(steer: Steer, name: str) -> None:
    """Battery first without the grid: no discharge; the sun may charge."""
    world = opened(steer, name)
    owner, since = settings(world), world.clock.now()
    run, before = await started(world, HOLD)
    assert world.device.settings["acChargeEnable"] == "0"
    world.sim.clock.set(run.end)
    await stopped(world, run, before)
    assert settings(world) == owner
    assert world.told(since)["charge_priority"] == pytest.approx(1800, abs=95)


# --- power and target ----------------------------------------------------------------


@pytest.mark.parametrize("name", ["min", "sph_windows", "spa"])
async def test_power_and_target(steer: Steer, name: str) -> None:
    """They are set for the run, and put back; what is not asked for is not touched."""
    world = opened(steer, name)
    rated = world.machine.rated or 0
    stop = "wchargeSOCLowLimit" + ("" if name == "min" else "2")
    floor = "onGridDischargeStopSOC" if name == "min" else "wdisChargeSOCLowLimit2"
    owner = settings(world)
    for kind, asked, changed in (
        (CHARGE, {"power": rated / 2, "target_soc": 91}, ("50", "91")),
        (CHARGE, {}, (owner["chargePowerCommand"], owner[stop])),
        (CHARGE, {"power": 1, "target_soc": 200}, ("1", "100")),
        (DISCHARGE, {"power": rated * 2, "target_soc": 61.4}, ("100", "61")),
        (DISCHARGE, {"target_soc": 1}, (owner["disChargePowerCommand"], owner[floor])),
    ):
        run, before = await started(world, kind, **asked)
        power = "chargePowerCommand" if kind is CHARGE else "disChargePowerCommand"
        held = settings(world)
        assert (held[power], held[stop if kind is CHARGE else floor]) == changed
        other = "disChargePowerCommand" if kind is CHARGE else "chargePowerCommand"
        assert held[other] == owner[other]
        await stopped(world, run, before)
        assert settings(world) == owner


async def test_power_of_the_remote_call(steer: Steer) -> None:
    """The share of the rated power, + to charge; all of it where none is asked for."""
    sph = opened(steer, "sph")
    for kind, power, percent in (
        (CHARGE, 1500, 25),
        (DISCHARGE, 3000, -50),
        (CHARGE, None, 100),
        (DISCHARGE, 1, -1),
    ):
        run, before = await started(sph, kind, power=power)
        assert sph.device.remote
        assert sph.device.remote.percentage == percent
        await stopped(sph, run, before)


async def test_a_storage_machine_has_no_power(steer: Steer) -> None:
    """It charges with a power of its own, up to 10 to 80 %."""
    world = opened(steer, "storage")
    with pytest.raises(Refused, match="no setting for the power"):
        await prepared(world, CHARGE, power=1000)
    owner = settings(world)
    run, before = await started(world, CHARGE, target_soc=95)
    assert world.device.settings["storage_ac_charge_soc_limit"] == "80"
    await stopped(world, run, before)
    assert settings(world) == owner


async def test_a_power_that_is_none(steer: Steer) -> None:
    """A power of nothing is refused, and a share of an unknown rating."""
    world = opened(steer, "min")
    with pytest.raises(Refused, match="above 0"):
        await prepared(world, CHARGE, power=0)
    world.machine = replace(world.machine, rated=None)
    with pytest.raises(Refused, match="rated power"):
        await prepared(world, CHARGE, power=100)


# --- the owner's windows -------------------------------------------------------------


@pytest.mark.parametrize("kind", [CHARGE, DISCHARGE, HOLD])
@pytest.mark.parametrize("name", ["min", "sph_windows", "spa"])
async def test_in_the_owners_window(steer: Steer, name: str, kind: Forced) -> None:
    """A run within a window of the owner's cuts it, and puts it back exactly."""
    world = opened(steer, name)
    alone(world)
    hour = world.clock.now().astimezone(world.machine.zone).hour
    window = {"Start": f"{hour - 1}:0", "Stop": f"{hour + 3}:0"}
    if name == "min":
        world.hold(
            forcedTimeStart5=window["Start"],
            forcedTimeStop5=window["Stop"],
            time5Mode="2",
            forcedStopSwitch5="1",
            forcedStopSwitch2="0",
        )
    else:
        world.hold(
            forcedDischargeTimeStart2=window["Start"],
            forcedDischargeTimeStop2=window["Stop"],
            forcedDischargeStopSwitch2="1",
        )
    owner, since = settings(world), world.clock.now()
    run, before = await started(world, kind)
    world.sim.clock.set(run.end)
    await stopped(world, run, before)
    assert settings(world) == owner
    told = world.told(since)
    if kind is not DISCHARGE:
        assert told[TOLD[kind]] == pytest.approx(1800, abs=95)
    assert told.keys() <= {TOLD[kind], "force_discharge", "self_consumption"}


@pytest.mark.parametrize("name", ["min", "sph_windows", "spa", "storage"])
async def test_what_somebody_changes_is_kept(steer: Steer, name: str) -> None:
    """A window that was changed in the app meanwhile stays; only the run is taken out."""
    world = opened(steer, name)
    owner = settings(world)
    run, before = await started(world, CHARGE)
    changed = {
        "min": {"forcedTimeStart2": "20:0"},
        "storage": {"storage_cmd_forced_discharge_time1": "19,0,20,0"},
    }.get(name, {"forcedDischargeTimeStart3": "5:0", "forcedDischargeTimeStop3": "6:0"})
    world.hold(**changed)
    await stopped(world, run, before)
    assert settings(world) == owner | changed


async def test_a_window_that_is_no_time(steer: Steer) -> None:
    """A time that is none is an empty window, and a run goes on all the same."""
    world = opened(steer, "min")
    world.device.settings |= {"forcedTimeStart7": "11:187", "forcedTimeStop7": "null"}
    run, before = await prepared(world, CHARGE)
    row = before[world.sn]["owner"]["slots"][6]
    assert (row["start"], row["end"], row["on"]) == (0, 0, False)
    assert run


# --- midnight, and the machine's clock -----------------------------------------------


def before_midnight(world: Steered, minutes: float) -> None:
    """Let it be some minutes before the plant's midnight."""
    local = world.clock.now().astimezone(world.machine.zone)
    midnight = local.replace(hour=0, minute=0, second=0) + timedelta(days=1)
    world.sim.clock.set(midnight.astimezone(UTC) - timedelta(minutes=minutes))


@pytest.mark.parametrize("name", ["min", "sph_windows", "spa"])
async def test_over_midnight(steer: Steer, name: str) -> None:
    """A run over midnight is two windows, and lasts as long as it was asked to."""
    world = opened(steer, name)
    before_midnight(world, 20)
    owner, since = settings(world), world.clock.now()
    run, before = await started(world, DISCHARGE, 45)
    world.sim.clock.set(run.end)
    await stopped(world, run, before)
    assert settings(world) == owner
    assert world.told(since)["force_discharge"] == pytest.approx(2700, abs=95)


@pytest.mark.parametrize("kind", [CHARGE, DISCHARGE])
@pytest.mark.parametrize("offset", [0.0, 300.0, -300.0])
async def test_a_storage_machine_over_midnight(
    steer: Steer, kind: Forced, offset: float
) -> None:
    """With one window only, the second part is sent after midnight."""
    world = opened(steer, "storage")
    before_midnight(world, 20)
    world.device.clock_offset = offset
    owner, since = settings(world), world.clock.now()
    run, before = await started(world, kind, 45)
    runs = world.steering.runs
    progress = await runs.started(run, before)
    assert progress.send_at
    midnight = since + timedelta(minutes=20, seconds=-offset)
    assert abs(progress.send_at - midnight) < timedelta(seconds=2)
    world.sim.clock.set(progress.send_at)
    again = await runs.started(run, before)
    assert again.send_at == world.clock.now() + timedelta(minutes=1)
    await runs.start(run, before)
    assert await runs.started(run, before) == Progress(done=True)
    world.sim.clock.set(run.end)
    await stopped(world, run, before)
    assert settings(world) == owner
    assert world.told(since)[TOLD[kind]] == pytest.approx(2700, abs=120)


async def test_a_second_part_that_was_never_sent(steer: Steer) -> None:
    """Whoever is away at midnight leaves nothing behind but the first window."""
    world = opened(steer, "storage")
    before_midnight(world, 20)
    owner, since = settings(world), world.clock.now()
    run, before = await started(world, DISCHARGE, 45)
    world.sim.clock.set(run.end + timedelta(hours=2))
    assert world.told(since)["force_discharge"] == pytest.approx(1200, abs=75)
    await stopped(world, run, before)
    assert settings(world) == owner


@pytest.mark.parametrize("name", ["min", "sph_windows", "spa", "storage"])
async def test_the_machines_clock(steer: Steer, name: str) -> None:
    """The window is in the machine's own time."""
    world = opened(steer, name)
    world.device.clock_offset = 2 * 3600.0
    since = world.clock.now()
    run, _ = await started(world, DISCHARGE)
    world.sim.clock.set(run.end + timedelta(hours=4))
    assert world.told(since)["force_discharge"] == pytest.approx(1800, abs=95)


async def test_a_clock_that_cannot_be_read(steer: Steer) -> None:
    """A machine that does not tell its time is taken to have the plant's."""
    world = opened(steer, "spa")
    world.device.unknown_types = {"pf_sys_year"}
    since = world.clock.now()
    run, before = await started(world, DISCHARGE)
    world.sim.clock.set(run.end)
    await stopped(world, run, before)
    assert world.told(since)["force_discharge"] == pytest.approx(1800, abs=95)


# --- the remote call -----------------------------------------------------------------


async def test_the_remote_call_is_not_allowed(steer: Steer) -> None:
    """Once an account may not use it, windows are used, and it is not asked again."""
    world = opened(steer, "spa")
    for _ in range(2):
        run, before = await started(world, CHARGE)
        await stopped(world, run, before)
    asked = [
        call for call in world.sim.calls if call.endpoint.endswith("vppRemoteSetNew")
    ]
    assert [call.code for call in asked] == [10011]
    world.steering.firmware(world.sn, "2")
    assert (await prepared(world, CHARGE))[1][world.sn]["remote"]


@pytest.mark.parametrize("code", [10005, 500])
async def test_the_remote_call_fails(steer: Steer, code: int) -> None:
    """A call that fails says so; one that fails again and again gives way to windows."""
    world = opened(steer, "sph")
    world.sim.fault("errno", endpoint="*RemoteSetNew", errno=code, msg="?")
    run, before = await prepared(world, CHARGE)
    with pytest.raises(CloudError):
        await world.steering.runs.start(run, before)
    assert not await world.steering.runs.started(run, before)
    if code == 500:
        await world.steering.runs.start(run, before)
        assert await world.steering.runs.started(run, before)
        await stopped(world, run, before)
    assert not world.device.remote


async def test_the_answer_of_the_remote_call_is_lost(steer: Steer) -> None:
    """It is sent again, as it replaces itself; whatever it forced is ended."""
    world = opened(steer, "sph")
    world.sim.fault("drop_after", endpoint="*RemoteSetNew", count=1)
    run, before = await prepared(world, CHARGE)
    with pytest.raises(AnswerLost):
        await world.steering.runs.start(run, before)
    assert world.device.remote
    assert (await world.steering.runs.started(run, before)).done is False
    await stopped(world, run, before)
    assert world.device.remote.percentage == 0


async def test_a_remote_call_that_nobody_remembers(steer: Steer) -> None:
    """Killed between the call and its being stored: it is ended all the same."""
    world = opened(steer, "sph")
    stored = json.loads(json.dumps(world.memory))
    run, before = await started(world, CHARGE)
    world.memory = stored
    world.begin()
    assert (await world.steering.runs.started(run, before)).done is False
    world.advance(minutes=5)
    await stopped(world, run, before)
    assert world.device.remote
    assert world.device.remote.percentage == 0


async def test_the_end_of_a_remote_call_is_refused(steer: Steer) -> None:
    """What certainly runs cannot be called ended; what was never allowed never ran."""
    world = opened(steer, "sph")
    run, before = await started(world, CHARGE)
    world.account.remote = False
    with pytest.raises(PermissionDenied):
        await world.steering.runs.stop(run, before)
    world.memory["steering"]["remote"].clear()
    await world.steering.runs.stop(run, before)
    assert await world.steering.runs.stopped(run, before) == Progress(done=True)


async def test_a_remote_call_of_another_run(steer: Steer) -> None:
    """Each run is known by its name."""
    world = opened(steer, "sph")
    await started(world, CHARGE, id="one")
    run, before = await prepared(world, CHARGE, id="two")
    assert (await world.steering.runs.started(run, before)).done is False
    assert await world.steering.runs.stopped(run, before) == Progress(done=True)


# --- a temporary export limit --------------------------------------------------------


@pytest.mark.parametrize("name", ["min", "sph", "spa"])
async def test_a_temporary_export_limit(steer: Steer, name: str) -> None:
    """It is set and switched on, and what was there is put back."""
    world = opened(steer, name)
    world.hold(exportLimitPowerRate="70")
    owner = settings(world)
    run, before = await started(world, LIMIT, power=600)
    held = settings(world)
    rate = round(60_000 / (world.machine.rated or 1))
    assert (held["exportLimit"], held["exportLimitPowerRate"]) == ("1", str(rate))
    await stopped(world, run, before)
    assert settings(world) == owner
    writes = len(world.written())
    await world.steering.runs.stop(run, before)
    assert len(world.written()) == writes


async def test_an_export_limit_that_is_not_told(steer: Steer) -> None:
    """Without knowing what was there nothing is limited."""
    world = opened(steer, "storage")
    with pytest.raises(Refused, match="export limit"):
        await prepared(world, LIMIT, power=100)


# --- what can be asked ---------------------------------------------------------------


RANGES = {
    "inverter": None,
    "min_pv": None,
    "max": None,
    "storage": RunRange(
        kinds=frozenset((CHARGE, DISCHARGE)), min_soc=10, max_soc=80, powered=False
    ),
    "min": RunRange(kinds=frozenset((CHARGE, DISCHARGE, HOLD)), max_power=5000),
    "sph": RunRange(kinds=frozenset((CHARGE, DISCHARGE, HOLD)), max_power=6000),
    "spa": RunRange(kinds=frozenset((CHARGE, DISCHARGE, HOLD)), max_power=3000),
}


@pytest.mark.parametrize("name", list(RANGES))
async def test_the_range_of_a_run(steer: Steer, name: str) -> None:
    """What can be forced is known after the settings were read, and stays known."""
    world = steer(name)
    first = RANGES[name] if name == "storage" else None
    assert world.steering.runs.range(world.sn) == first
    await world.poll()
    assert world.steering.runs.range(world.sn) == RANGES[name]
    world.begin()
    assert world.steering.runs.range(world.sn) == RANGES[name]


async def test_windows_that_are_not_told(steer: Steer) -> None:
    """What cannot be put back is not begun."""
    world = steer("storage")
    await world.poll()
    world.device.unknown_types = {"storage_ac_charge_hour_start"}
    with pytest.raises(NotSupported):
        await prepared(world, CHARGE)
    await world.poll()
    assert world.steering.runs.range(world.sn) is None
    world = steer("storage")
    world.device.unknown_types = {"storage_cmd_forced_discharge_enable"}
    with pytest.raises(NotSupported):
        await prepared(world, CHARGE)


async def test_learning_while_the_machine_is_away(steer: Steer) -> None:
    """What could be forced stays known while it cannot be asked."""
    world = steer("storage")
    await world.poll()
    world.sim.fault("errno", endpoint="*Param", errno=10001, msg="?", skip=8)
    await world.poll()
    assert world.steering.runs.range(world.sn) == RANGES["storage"]


# --- several machines ----------------------------------------------------------------


async def test_one_of_two_cannot_be_reached(steer: Steer) -> None:
    """A machine that cannot be reached does not keep the others from being freed."""
    world = opened(steer, "min")
    owner = settings(world)
    run, before = await started(world, CHARGE)
    both = replace(run, devices=("GONE", world.sn))
    with pytest.raises(DeviceGone):
        await world.steering.runs.stop(both, {"GONE": before[world.sn], **before})
    assert settings(world) == owner


def test_how_far_several_have_come() -> None:
    """The one that is behind tells; the earliest next part is for all."""
    early, late = NOON, NOON + timedelta(hours=1)
    yes = Progress(done=True)
    open_ = Progress(done=None, again_at=early)
    no = Progress(done=False)
    assert _together([yes, no, open_]) == no
    assert _together([yes, open_, replace(open_, again_at=late)]).again_at == late
    assert _together([yes, Progress(done=None)]) == Progress(done=None)
    parts = [replace(yes, send_at=late), replace(yes, send_at=early), yes]
    assert _together(parts).send_at == early


async def test_nothing_is_sent_twice(steer: Steer) -> None:
    """A start that is repeated finds what is there, and sends nothing."""
    world = opened(steer, "min")
    run, before = await started(world, CHARGE, power=1000)
    writes = len(world.written())
    await world.steering.runs.start(run, before)
    assert len(world.written()) == writes
    assert datetime.fromisoformat(before[world.sn]["end"]) == run.end


async def test_a_setting_that_changes_before_the_start(steer: Steer) -> None:
    """What was set between reading and sending is not set back."""
    world = opened(steer, "sph_windows")
    run, before = await prepared(world, HOLD)
    assert await world.set(charge_power_rate=33) == {}
    await world.steering.runs.start(run, before)
    assert world.device.settings["chargePowerCommand"] == "33"
    assert world.device.settings["acChargeEnable"] == "0"


async def test_the_windows_of_a_run(steer: Steer) -> None:
    """While they are a run's, there is no other schedule and no other mode."""
    world = opened(steer, "min")
    run, before = await started(world, CHARGE)
    told = await world.set(battery_mode="self_consumption")
    assert "stop it first" in told["battery_mode"]
    with pytest.raises(Refused, match="stop it first"):
        await world.steering.schedules.set(world.sn, [])
    await stopped(world, run, before)
    assert await world.set(battery_mode="self_consumption") == {}
    run, _ = await started(world, CHARGE)
    world.sim.clock.set(run.end)
    assert await world.set(battery_mode="self_consumption") == {}
