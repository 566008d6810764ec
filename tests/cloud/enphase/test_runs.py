"""Forced charge and hold: what is sent, what is put back, and what stays."""

from datetime import timedelta
from typing import Any

import pytest

from custom_components.solar_cloud.cloud.control import Forced, Run
from custom_components.solar_cloud.cloud.enphase.client import NotInPlan
from custom_components.solar_cloud.cloud.errors import (
    CloudError,
    CloudUnavailable,
    Refused,
)

from .conftest import Open
from .world import World


def run_of(world: World, kind: Forced) -> Run:
    """Return a run of an hour."""
    return Run(
        id="run",
        plant=world.system.id,
        kind=kind,
        start=world.now,
        end=world.now + timedelta(hours=1),
        devices=tuple(world.system.batteries),
    )


def held(world: World) -> tuple[str, int, str]:
    """Return mode, reserve and energy independence of the system."""
    row = world.system.settings
    return row.battery_mode, row.reserve_soc, row.energy_independence


def sent(world: World) -> int:
    """Return how many writes arrived."""
    return len(world.sim.world.commands)


@pytest.fixture
async def ready(mega: World) -> World:
    """Return a system of which everything is known."""
    await mega.poll()
    return mega


async def begin(world: World, run: Run) -> dict[str, Any]:
    """Start a run; returns what was there before."""
    before: dict[str, Any] = await world.vendor.prepare(run)
    await world.vendor.start(run, before)
    assert await world.vendor.started(run, before)
    return before


async def end(world: World, run: Run, before: dict[str, Any]) -> Any:
    """End a run; returns how far that has come."""
    await world.vendor.stop(run, before)
    return await world.vendor.stopped(run, before)


async def test_a_forced_charge_is_full_backup_and_back(ready: World) -> None:
    """Mode and reserve are as they were; what was read is shown."""
    run = run_of(ready, Forced.CHARGE)
    first = held(ready)
    before = await begin(ready, run)
    assert held(ready) == ("Full Backup", 100, "disabled")
    ready.advance(minutes=10)
    assert ready.system.flow(ready.now.timestamp()).battery < -1000
    progress = await end(ready, run, before)
    assert progress.done
    assert held(ready) == first == ("Self-consumption", 15, "disabled")
    shown = {key: row.value for key, row in progress.found.items()}
    assert shown == {"battery_mode": "self_consumption", "backup_reserve": 15}
    assert sent(ready) == 2


async def test_a_hold_is_a_reserve_and_back(ready: World) -> None:
    """At the state of charge of the moment, rounded up; the mode stays."""
    run = run_of(ready, Forced.HOLD)
    soc = ready.values()["battery_soc"]
    before = await begin(ready, run)
    mode, reserve, _ = held(ready)
    assert mode == "Self-consumption"
    assert soc <= reserve < soc + 1
    ready.advance(minutes=30)
    assert ready.system.flow(ready.now.timestamp()).battery <= 0
    assert (await end(ready, run, before)).done
    assert held(ready)[1] == 15


async def test_a_reserve_that_is_higher_holds_already(ready: World) -> None:
    """Nothing is sent, and nothing put back."""
    ready.system.settings.reserve_soc = 100
    run = run_of(ready, Forced.HOLD)
    before = await begin(ready, run)
    assert (await end(ready, run, before)).done
    assert sent(ready) == 0


async def test_a_run_is_sent_once(ready: World) -> None:
    """What the system holds already is not sent again, nor put back twice."""
    run = run_of(ready, Forced.CHARGE)
    before = await begin(ready, run)
    await ready.vendor.start(run, before)
    assert sent(ready) == 1
    await end(ready, run, before)
    await end(ready, run, before)
    assert sent(ready) == 2


@pytest.mark.parametrize(
    ("changed", "left"),
    [
        ({"battery_mode": "Savings Mode"}, ("Savings Mode", 15)),
        ({"battery_mode": "Savings Mode", "reserve_soc": 60}, ("Savings Mode", 60)),
        ({"reserve_soc": 60}, ("Self-consumption", 60)),
    ],
)
async def test_what_somebody_changed_stays(
    ready: World, changed: dict[str, Any], left: tuple[str, int]
) -> None:
    """But the reserve of Full Backup, which it set by itself, goes with it."""
    run = run_of(ready, Forced.CHARGE)
    before = await begin(ready, run)
    ready.system.change(ready.now.timestamp(), changed)
    assert not await ready.vendor.started(run, before) or "battery_mode" not in changed
    assert (await end(ready, run, before)).done
    assert held(ready)[:2] == left


async def test_a_hold_that_somebody_changed_stays(ready: World) -> None:
    """Their reserve is theirs."""
    run = run_of(ready, Forced.HOLD)
    before = await begin(ready, run)
    ready.system.settings.reserve_soc = 22
    assert (await end(ready, run, before)).done
    assert held(ready)[1] == 22


async def test_who_is_in_full_backup_stays_there(ready: World) -> None:
    """A forced charge changes nothing then."""
    ready.system.change(ready.now.timestamp(), {"battery_mode": "Full Backup"})
    run = run_of(ready, Forced.CHARGE)
    before = await begin(ready, run)
    assert (await end(ready, run, before)).done
    assert held(ready)[:2] == ("Full Backup", 100)
    assert sent(ready) == 0


async def test_without_the_grid_there_is_no_forced_charge(ready: World) -> None:
    """It is offered only while the owner lets the grid charge; a hold always is."""
    system = ready.system
    device = ready.vendor.snapshots["systems"].devices[system.batteries[0]]
    offered = ready.vendor.run_range(device)
    assert set(offered.kinds) == {Forced.CHARGE, Forced.HOLD}
    assert not offered.powered
    system.settings.charge_from_grid = "disabled"
    with pytest.raises(Refused, match="charging from the grid"):
        await ready.vendor.prepare(run_of(ready, Forced.CHARGE))
    assert ready.vendor.run_range(device).kinds == {Forced.HOLD}
    gateway = ready.vendor.snapshots["systems"].devices[system.gateway]
    assert ready.vendor.run_range(gateway) is None
    assert sent(ready) == 0


async def test_a_plan_without_settings_has_no_runs(watt: World) -> None:
    """Nothing can be forced."""
    await watt.poll()
    device = watt.vendor.snapshots["systems"].devices[watt.system.batteries[0]]
    assert watt.vendor.run_range(device) is None
    with pytest.raises(CloudError):
        await watt.vendor.prepare(run_of(watt, Forced.HOLD))


async def test_nothing_is_forced_while_somebody_else_steers(ready: World) -> None:
    """What could not be put back is not changed."""
    ready.system.settings.battery_mode = "DR Event Active"
    for kind in (Forced.CHARGE, Forced.HOLD):
        with pytest.raises(Refused, match="somebody else"):
            await ready.vendor.prepare(run_of(ready, kind))


async def test_an_old_state_of_charge_holds_nothing(open_world: Open) -> None:
    """A reserve is set only at what the batteries hold at present."""
    world = await open_world("mega")
    await world.poll("systems", "settings")
    run = run_of(world, Forced.HOLD)
    with pytest.raises(Refused, match="state of charge"):
        await world.vendor.prepare(run)
    await world.poll("energy")
    await world.vendor.prepare(run)
    world.advance(hours=2)
    with pytest.raises(Refused, match="state of charge"):
        await world.vendor.prepare(run)


async def test_what_is_accepted_and_not_done(ready: World) -> None:
    """The read-back tells, at the start and at the end."""
    run = run_of(ready, Forced.CHARGE)
    before = await ready.vendor.prepare(run)
    fault = ready.fault("accepted_not_done")
    await ready.vendor.start(run, before)
    assert not await ready.vendor.started(run, before)
    fault.until = ready.now.timestamp()
    await ready.vendor.start(run, before)
    ready.fault("accepted_not_done")
    assert not await end(ready, run, before)


async def test_a_run_that_is_refused(ready: World) -> None:
    """The vendor's words are told."""
    run = run_of(ready, Forced.CHARGE)
    before = await ready.vendor.prepare(run)
    broken = before | {"wanted": {"backup_reserve": 3.0}}
    with pytest.raises(Refused, match="between"):
        await ready.vendor.start(run, broken)
    ready.fault("status", "battery_settings", status=503)
    with pytest.raises(CloudUnavailable):
        await ready.vendor.start(run, before)


async def test_news_is_looked_for_as_soon_as_there_can_be_any(mega: World) -> None:
    """While a run waits for its proof; a gateway that is silent is asked less and less."""
    await mega.poll()
    mega.advance(minutes=5)
    await mega.poll("energy", "live")
    due = mega.vendor.due("live", 1.0)
    reported = mega.vendor._listing.systems[mega.system.id].reported  # noqa: SLF001
    assert due == reported + timedelta(minutes=16)
    mega.sim.clock.set(due)
    before = mega.readings()["battery_power"].at
    await mega.vendor.poll("live")
    assert mega.readings()["battery_power"].at > before
    mega.fault("logger_offline")
    gaps = []
    for _ in range(12):
        due = mega.vendor.due("live", 1.0)
        gaps.append((due - mega.now) / timedelta(minutes=1))
        mega.sim.clock.set(max(due, mega.now))
        await mega.vendor.poll("live")
    assert gaps[1:] == sorted(gaps[1:])
    assert gaps[1] <= 2
    assert gaps[-1] == 15


async def test_a_run_is_ended_although_an_answer_was_wrong_once(ready: World) -> None:
    """What is left alone for a week is asked all the same where a battery is forced."""
    run = run_of(ready, Forced.CHARGE)
    before = await begin(ready, run)
    fault = ready.fault("status", "battery_settings", status=401, body={"code": 401})
    with pytest.raises(NotInPlan):
        await ready.vendor.stop(run, before)
    ready.sim.clear_faults(id=fault.id)
    await ready.poll("settings")
    device = ready.vendor.snapshots["systems"].devices[ready.system.batteries[0]]
    assert ready.vendor.run_range(device) is None
    assert (await end(ready, run, before)).done
    assert held(ready)[:2] == ("Self-consumption", 15)
    await ready.poll("settings")
    assert ready.vendor.run_range(device) is not None
