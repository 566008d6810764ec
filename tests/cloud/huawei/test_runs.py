"""Forced runs at simulated plants: given once, followed, ended by the plant or by us."""

from datetime import timedelta
from typing import Any

import pytest

from custom_components.solar_cloud.cloud.control import Evidence, Forced, Run
from custom_components.solar_cloud.cloud.errors import (
    AnswerLost,
    Occupied,
    PartlyDone,
    QuotaExceeded,
    Refused,
)
from custom_components.solar_cloud.cloud.huawei.endpoints import CHARGE

from .steer import Steer
from .world import World

CHARGE_TASK = "charge-and-discharge/async-task"


@pytest.fixture
async def pair(owner: World) -> Steer:
    """Return a plant with two batteries, on a server that tells its settings."""
    steer = Steer(owner)
    await steer.look()
    return steer


@pytest.fixture
async def one(emma: World) -> Steer:
    """Return a plant with one battery, on a server that tells no settings."""
    steer = Steer(emma)
    await steer.look()
    return steer


def given(world: World) -> int:
    """Return how many charge tasks have been given."""
    return sum(row.endpoint.endswith(CHARGE_TASK) for row in world.sim.calls)


def forced(steer: Steer) -> list[tuple[str, float | None]]:
    """Return what the batteries were told, in order: what, and with which power."""
    return [
        (what, value.get("power") if isinstance(value, dict) else None)
        for what, value in steer.commands()
    ]


async def begin(steer: Steer, run: Run) -> dict[str, Any]:
    """Prepare and start a run; returns what has to be put back."""
    vendor = steer.world.vendor
    before: dict[str, Any] = await vendor.prepare(run)
    await vendor.start(run, before)
    return before


async def ended(steer: Steer, run: Run, before: dict[str, Any]) -> Any:
    """End a run, and wait until it is known to be over."""
    vendor = steer.world.vendor

    async def step() -> Any:
        await vendor.stop(run, before)
        return await vendor.stopped(run, before)

    return await steer.wait(step)


# --- forced charge and discharge ----------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "what", "power"),
    [
        (Forced.CHARGE, "forced charge", 1500.0),
        (Forced.DISCHARGE, "forced discharge", -1500.0),
    ],
)
async def test_a_run_is_one_task_for_all_batteries(
    pair: Steer, kind: Forced, what: str, power: float
) -> None:
    """The power is the plant's, its sign the vendor's; it ends by itself."""
    run = pair.run(kind, 30, power=3000.0)
    assert len(run.devices) == 2
    before = await begin(pair, run)
    assert before == {}
    progress = await pair.world.vendor.started(run, before)
    assert (progress.done, progress.again_at is not None) == (None, True)
    assert given(pair.world) == 1
    pair.world.advance(minutes=30)
    progress = await ended(pair, run, before)
    assert (progress.done, progress.evidence) == (True, Evidence.TASK)
    assert given(pair.world) == 1
    assert forced(pair)[:2] == [(what, power)] * 2
    assert [row for row, _ in forced(pair)[2:]] == ["forced end"] * 2
    assert pair.world.memory["runs"] == {}
    assert not pair.world.refused


async def test_a_run_without_a_power_takes_the_plants_own(one: Steer) -> None:
    """None is sent."""
    run = one.run(Forced.CHARGE, 20)
    await begin(one, run)
    call = next(r for r in one.world.sim.calls if r.endpoint.endswith(CHARGE_TASK))
    (task,) = call.params["tasks"]
    assert task == {
        "plantCode": one.plant.id,
        "dispatchSwitch": 1,
        "controlType": 2,
        "dispatchTime": 20,
    }


async def test_a_run_is_stopped_sooner(one: Steer) -> None:
    """As soon as one delivery a minute allows; a task proves it."""
    run = one.run(Forced.CHARGE, 60, power=2000.0)
    before = await begin(one, run)
    with pytest.raises(QuotaExceeded) as raised:
        await one.world.vendor.stop(run, before)
    assert raised.value.retry_at
    one.world.advance(seconds=61)
    progress = await ended(one, run, before)
    assert (progress.done, progress.evidence) == (True, Evidence.TASK)
    assert given(one.world) == 2
    assert forced(one)[0] == ("forced charge", 2000.0)
    assert ("stop forced", None) in forced(one)
    assert not one.world.refused


async def test_a_run_that_the_owner_ended_is_over(pair: Steer) -> None:
    """The task tells so with a message, which is no success."""
    run = pair.run(Forced.CHARGE, 120, power=2000.0)
    before = await begin(pair, run)
    pair.world.advance(minutes=4)
    await pair.world.vendor.started(run, before)
    await pair.world.vendor.client.call(
        CHARGE, {"tasks": [{"plantCode": pair.plant.id, "dispatchSwitch": 0}]}
    )
    pair.world.advance(minutes=40)
    progress = await pair.world.vendor.started(run, before)
    assert progress.done is False
    assert progress.error and progress.error.words
    count = given(pair.world)
    assert await ended(pair, run, before)
    assert given(pair.world) == count


async def test_a_run_that_is_over_early_is_confirmed(pair: Steer) -> None:
    """Finished without a word: what was asked for has been done."""
    run = pair.run(Forced.CHARGE, 60, power=2000.0)
    before = await begin(pair, run)
    for task in pair.world.cloud.tasks.tasks.values():
        for part in task.parts:
            part.seconds = 60.0
    pair.world.advance(minutes=10)
    progress = await pair.world.vendor.started(run, before)
    if progress.done:
        assert progress.ended
        assert (await pair.world.vendor.started(run, before)).ended


async def test_a_run_that_fails_later(pair: Steer) -> None:
    """With the vendor's words; nothing is left to stop."""
    pair.world.fault("task_fails", message="TIMEOUT", seconds=5)
    run = pair.run(Forced.CHARGE, 60, power=2000.0)
    before = await begin(pair, run)
    progress = await pair.wait(lambda: pair.world.vendor.started(run, before))
    assert progress.done is False
    assert isinstance(progress.error, Refused)
    assert progress.error.words == "TIMEOUT"
    pair.world.sim.clear_faults()
    assert await ended(pair, run, before)
    assert given(pair.world) == 1


async def test_a_run_that_fails_at_one_of_two_batteries(pair: Steer) -> None:
    """It is one outcome, and the other battery is stopped."""
    battery = pair.plant.batteries[0]
    inverter = battery.inverter.sn
    pair.world.fault("task_fails", device=inverter, message="FAILURE", seconds=5)
    run = pair.run(Forced.CHARGE, 60, power=2000.0)
    before = await begin(pair, run)
    progress = await pair.wait(lambda: pair.world.vendor.started(run, before))
    assert progress.done is False
    assert isinstance(progress.error, PartlyDone)
    assert progress.error.words == "1 of 2 batteries: FAILURE"
    pair.world.sim.clear_faults()
    assert await ended(pair, run, before)
    assert given(pair.world) == 2


async def test_a_run_that_one_of_two_batteries_refuses(pair: Steer) -> None:
    """What the other has taken on can be stopped."""
    inverter = pair.plant.batteries[0].inverter.sn
    pair.world.fault("task_refused", device=inverter, message="Battery fault.")
    run = pair.run(Forced.DISCHARGE, 60, power=2000.0)
    before = await pair.world.vendor.prepare(run)
    with pytest.raises(PartlyDone, match="1 of 2 batteries refused: Battery fault"):
        await pair.world.vendor.start(run, before)
    pair.world.sim.clear_faults()
    pair.world.advance(seconds=61)
    assert await ended(pair, run, before)
    assert ("stop forced", None) in forced(pair)


async def test_a_run_that_all_batteries_refuse(pair: Steer) -> None:
    """Nothing was done, and nothing is to be stopped."""
    pair.world.fault("task_refused", message="Battery fault.")
    run = pair.run(Forced.DISCHARGE, 60, power=2000.0)
    before = await pair.world.vendor.prepare(run)
    with pytest.raises(Refused, match="Battery fault"):
        await pair.world.vendor.start(run, before)
    assert (await pair.world.vendor.started(run, before)).done is False
    assert await ended(pair, run, before)
    assert given(pair.world) == 1


@pytest.mark.parametrize("kind", ["drop_after", "drop_before"])
async def test_a_lost_start_is_given_once(pair: Steer, kind: str) -> None:
    """The vendor refuses a second one while the first is carried out."""
    pair.world.fault(kind, endpoint="async-task", count=1)
    run = pair.run(Forced.CHARGE, 30, power=2000.0)
    before = await pair.world.vendor.prepare(run)
    with pytest.raises(AnswerLost):
        await pair.world.vendor.start(run, before)
    assert (await pair.world.vendor.started(run, before)).done is False
    await pair.restart()
    pair.world.advance(seconds=61)
    await pair.world.vendor.start(run, before)
    assert (await pair.world.vendor.started(run, before)).done is None
    await pair.world.vendor.start(run, before)
    pair.world.advance(minutes=31)
    assert await ended(pair, run, before)
    begun = [row for row in forced(pair) if row[0] == "forced charge"]
    assert len(begun) == 2
    assert pair.world.memory["runs"] == {}


async def test_somebody_elses_run_is_waited_for(pair: Steer) -> None:
    """It is neither taken for ours nor stopped."""
    other = pair.run(Forced.CHARGE, 30, id="other")
    await begin(pair, other)
    pair.world.memory["runs"].clear()
    pair.world.advance(seconds=61)
    run = pair.run(Forced.CHARGE, 30)
    before = await pair.world.vendor.prepare(run)
    with pytest.raises(Occupied) as raised:
        await pair.world.vendor.start(run, before)
    assert raised.value.retry_at
    assert pair.world.memory["runs"] == {}


async def test_a_stop_that_is_lost_is_given_again(one: Steer) -> None:
    """A stop does no harm twice."""
    run = one.run(Forced.CHARGE, 60, power=2000.0)
    before = await begin(one, run)
    one.world.advance(seconds=61)
    one.world.fault("drop_after", endpoint="async-task", count=1)
    with pytest.raises(AnswerLost):
        await one.world.vendor.stop(run, before)
    await one.restart()
    one.world.advance(seconds=61)
    assert await ended(one, run, before)
    assert given(one.world) == 3


async def test_a_stop_that_fails_is_given_again(one: Steer) -> None:
    """Until the run's own end."""
    run = one.run(Forced.CHARGE, 60, power=2000.0)
    before = await begin(one, run)
    one.world.advance(seconds=61)
    one.world.fault("task_fails", message="FAILURE", seconds=5, count=1)
    await one.world.vendor.stop(run, before)
    progress = await one.wait(lambda: one.world.vendor.stopped(run, before))
    assert progress.done is False
    assert await ended(one, run, before)
    assert given(one.world) == 3


async def test_a_stop_never_ends_the_run_that_came_after(one: Steer) -> None:
    """Of two runs of a plant only the newer one goes on."""
    first = one.run(Forced.CHARGE, 60, id="first")
    before = await begin(one, first)
    one.world.advance(seconds=61)
    second = one.run(Forced.DISCHARGE, 60, id="second")
    await begin(one, second)
    count = given(one.world)
    assert await ended(one, first, before)
    assert given(one.world) == count
    assert "second" in one.world.memory["runs"]


async def test_a_run_that_never_arrived_is_over_at_its_end(one: Steer) -> None:
    """It is stopped all the same, to be sure; a vendor that knows of none is believed."""
    one.world.fault("drop_before", endpoint="async-task", count=1)
    run = one.run(Forced.CHARGE, 10)
    before = await one.world.vendor.prepare(run)
    with pytest.raises(AnswerLost):
        await one.world.vendor.start(run, before)
    one.world.fault("errno", endpoint="async-task", errno=20049, count=2)
    one.world.advance(seconds=61)
    with pytest.raises(Refused):
        await one.world.vendor.stop(run, before)
    one.world.advance(minutes=12)
    assert await ended(one, run, before)


async def test_a_task_that_the_vendor_no_longer_knows(one: Steer) -> None:
    """Of a run nothing more is known until its end."""
    run = one.run(Forced.CHARGE, 30)
    before = await begin(one, run)
    one.world.fault("errno", endpoint="chargeAndDischargeStatus", errno=20050)
    one.world.advance(minutes=8)
    assert (await one.world.vendor.started(run, before)).done is None
    one.world.advance(minutes=24)
    assert await ended(one, run, before)
    again = one.run(Forced.CHARGE, 30, id="again")
    before = await begin(one, again)
    one.world.advance(minutes=8)
    one.world.sim.clear_faults()
    one.world.fault("errno", endpoint="chargeAndDischargeStatus", errno=20611)
    with pytest.raises(Refused):
        await one.world.vendor.started(again, before)


async def test_a_run_that_goes_on_beyond_its_end_is_stopped(one: Steer) -> None:
    """After a quarter of an hour."""
    one.world.fault("task_hangs", count=1)
    run = one.run(Forced.CHARGE, 10)
    before = await begin(one, run)
    one.world.advance(minutes=10)
    progress = await ended(one, run, before)
    assert progress.done
    assert given(one.world) == 2


async def test_questions_are_few_under_oauth_and_quicker_for_an_account(
    one: Steer, home: World
) -> None:
    """A start is proved by the telemetry first."""
    run = one.run(Forced.CHARGE, 600)
    before = await begin(one, run)
    progress = await one.world.vendor.started(run, before)
    assert progress.again_at - one.world.clock.now() > timedelta(minutes=6)
    home.account.control = True
    steer = Steer(home)
    await steer.look()
    run = steer.run(Forced.CHARGE, 600)
    before = await begin(steer, run)
    progress = await home.vendor.started(run, before)
    assert progress.again_at - home.clock.now() < timedelta(minutes=4)


# --- hold ------------------------------------------------------------------------------


async def test_a_hold_needs_to_know_what_to_put_back(one: Steer) -> None:
    """It is offered once the limit has been set from here."""
    assert one.batteries(Forced.HOLD) == []
    run = one.run(Forced.HOLD)
    with pytest.raises(Refused):
        await one.world.vendor.prepare(run)
    await one.set("discharge_power_limit", 3000)
    assert len(one.batteries(Forced.HOLD)) == 1


async def test_a_hold_is_set_and_put_back(one: Steer) -> None:
    """By tasks, both followed to their end."""
    await one.set("discharge_power_limit", 3000)
    run = one.run(Forced.HOLD, 30)
    before = await begin(one, run)
    assert before == {"discharge_power_limit": 3000}
    await one.world.vendor.start(run, before)
    progress = await one.wait(lambda: one.world.vendor.started(run, before))
    assert (progress.done, progress.evidence) == (True, Evidence.TASK)
    assert one.plant.settings.discharge_w == 0
    assert (await one.world.vendor.started(run, before)).done
    one.world.advance(minutes=30)
    progress = await ended(one, run, before)
    assert (progress.done, progress.evidence) == (True, Evidence.TASK)
    assert progress.found["discharge_power_limit"].value == 3000
    assert one.plant.settings.discharge_w == 3000
    assert one.world.memory["runs"] == {}
    assert one.world.memory["tasks"] == {}


async def test_a_hold_that_somebody_changed_is_left_so(one: Steer) -> None:
    """The newer setting counts."""
    await one.set("discharge_power_limit", 3000)
    run = one.run(Forced.HOLD, 30)
    before = await begin(one, run)
    await one.wait(lambda: one.world.vendor.started(run, before))
    await one.set("discharge_power_limit", 1200)
    assert await ended(one, run, before)
    assert one.plant.settings.discharge_w == 1200


async def test_a_hold_that_fails_is_put_back_all_the_same(one: Steer) -> None:
    """A task that timed out may have been carried out."""
    await one.set("discharge_power_limit", 3000)
    one.world.fault("task_fails", message="TIMEOUT", seconds=20, count=1)
    run = one.run(Forced.HOLD, 30)
    before = await begin(one, run)
    progress = await one.wait(lambda: one.world.vendor.started(run, before))
    assert progress.done is False
    one.world.advance(seconds=61)
    assert await ended(one, run, before)
    assert one.plant.settings.discharge_w == 3000


async def test_a_hold_that_is_refused_leaves_nothing(one: Steer) -> None:
    """There is nothing to put back."""
    await one.set("discharge_power_limit", 3000)
    one.world.fault("task_refused", message="No.", count=1)
    run = one.run(Forced.HOLD, 30)
    before = await one.world.vendor.prepare(run)
    one.world.advance(seconds=61)
    with pytest.raises(Refused):
        await one.world.vendor.start(run, before)
    assert await ended(one, run, before)
    assert one.plant.settings.discharge_w == 3000


async def test_a_lost_hold_is_not_given_again_but_put_back(one: Steer) -> None:
    """Nobody can tell whether it is there."""
    await one.set("discharge_power_limit", 3000)
    one.world.advance(seconds=61)
    one.world.fault("drop_after", endpoint="configuration/async-task", count=1)
    run = one.run(Forced.HOLD, 30)
    before = await one.world.vendor.prepare(run)
    with pytest.raises(AnswerLost):
        await one.world.vendor.start(run, before)
    progress = await one.world.vendor.started(run, before)
    assert (progress.done, progress.again_at) == (None, None)
    await one.restart()
    one.world.advance(minutes=3)
    one.world.fault("drop_after", endpoint="configuration/async-task", count=1)
    with pytest.raises(AnswerLost):
        await one.world.vendor.stop(run, before)
    assert (await one.world.vendor.stopped(run, before)).done is False
    one.world.advance(minutes=3)
    assert await ended(one, run, before)
    assert one.plant.settings.discharge_w == 3000


# --- the feed-in -----------------------------------------------------------------------


async def test_a_limit_is_temporary(pair: Steer) -> None:
    """What was read before is put back."""
    await pair.set("export_limit", 6000)
    pair.world.advance(minutes=2)
    run = pair.run(Forced.LIMIT_EXPORT, 15, power=500.0)
    before = await begin(pair, run)
    assert before == {"export_limit": 6000.0, "export_limit_scope": "total"}
    assert await pair.wait(lambda: pair.world.vendor.started(run, before))
    assert pair.plant.settings.export_kw == 0.5
    pair.world.advance(minutes=15)
    assert await ended(pair, run, before)
    assert pair.plant.settings.export_kw == 6.0


async def test_a_limit_where_there_was_none(pair: Steer) -> None:
    """It is unlimited again, and the number is what it was."""
    await pair.set("export_limit", 6000)
    await pair.set("export_limit_enabled", False)
    pair.world.advance(minutes=2)
    run = pair.run(Forced.LIMIT_EXPORT, 15, power=500.0)
    before = await begin(pair, run)
    assert await pair.wait(lambda: pair.world.vendor.started(run, before))
    progress = await ended(pair, run, before)
    assert progress.found["export_limit_enabled"].value is False
    assert progress.found["export_limit"].value == 6000.0
    assert pair.plant.settings.export_mode == "0"


async def test_a_limit_that_is_not_known_is_not_touched(one: Steer) -> None:
    """It could not be put back."""
    run = one.run(Forced.LIMIT_EXPORT, 15, power=500.0)
    with pytest.raises(Refused, match="not known"):
        await one.world.vendor.prepare(run)


async def test_a_limit_is_not_read_while_another_is_put_back(pair: Steer) -> None:
    """It would be taken for the owner's."""
    first = pair.run(Forced.LIMIT_EXPORT, 15, power=500.0, id="first")
    before = await begin(pair, first)
    assert await pair.wait(lambda: pair.world.vendor.started(first, before))
    pair.world.advance(minutes=2)
    await pair.world.vendor.stop(first, before)
    with pytest.raises(Occupied) as raised:
        await pair.world.vendor.prepare(pair.run(Forced.LIMIT_EXPORT, id="second"))
    assert raised.value.retry_at


async def test_a_lost_limit_that_is_refused_later(pair: Steer) -> None:
    """It may have been carried out all the same, and is put back."""
    run = pair.run(Forced.LIMIT_EXPORT, 60, power=500.0)
    before = await pair.world.vendor.prepare(run)
    pair.world.fault("drop_before", endpoint="active-power-control/async-task", count=1)
    with pytest.raises(AnswerLost):
        await pair.world.vendor.start(run, before)
    pair.world.advance(minutes=2)
    pair.world.fault("task_refused", message="No.", count=1)
    with pytest.raises(Refused):
        await pair.world.vendor.start(run, before)
    pair.world.advance(minutes=2)
    assert await ended(pair, run, before)
    assert pair.plant.settings.export_mode == "0"


async def test_a_limit_beside_a_setting(pair: Steer) -> None:
    """What was set before it and has not been followed to its end holds nothing up."""
    await pair.world.vendor.write(pair.plant.id, {"export_limit": 6000})
    pair.world.advance(minutes=3)
    run = pair.run(Forced.LIMIT_EXPORT, 60, power=500.0)
    before = await begin(pair, run)
    assert before["export_limit"] == 6000
    assert await pair.wait(lambda: pair.world.vendor.started(run, before))


@pytest.mark.parametrize("kind", ["drop_after", "drop_before"])
async def test_a_lost_limit_is_looked_for(pair: Steer, kind: str) -> None:
    """The plant shows whether it holds it; given again when it does not."""
    pair.world.fault(kind, endpoint="active-power-control/async-task", count=1)
    run = pair.run(Forced.LIMIT_EXPORT, 60, power=500.0)
    before = await pair.world.vendor.prepare(run)
    with pytest.raises(AnswerLost):
        await pair.world.vendor.start(run, before)
    progress = await pair.wait(lambda: pair.world.vendor.started(run, before))
    if kind == "drop_after":
        assert (progress.done, progress.evidence) == (True, Evidence.READ_BACK)
    else:
        assert progress.done is False
        await pair.world.vendor.start(run, before)
        assert await pair.wait(lambda: pair.world.vendor.started(run, before))
    assert await ended(pair, run, before)
    assert pair.plant.settings.export_mode == "0"
