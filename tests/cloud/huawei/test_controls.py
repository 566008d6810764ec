"""Settings of simulated plants: given as tasks, followed to their end, shown as they are."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from custom_components.solar_cloud.cloud.control import (
    Absent,
    Control,
    Evidence,
    Forced,
    Reason,
    Setting,
    State,
    Window,
)
from custom_components.solar_cloud.cloud.errors import AnswerLost, Occupied, Refused
from custom_components.solar_cloud.cloud.huawei.endpoints import CONTROL
from custom_components.solar_cloud.cloud.huawei.items import KEYS

from .conftest import Open
from .steer import Steer
from .world import World

MODE_TASK = "*battery/mode/async-task"
POWER_TASK = "*active-power-control/async-task"
BATTERY_TASK = "*battery/configuration/async-task"
CONTROL_PATHS = [row.path for row in CONTROL]
WINDOWS = (
    Window(start=0, end=300, mode="charge", days=(1, 2, 3)),
    Window(start=17 * 60, end=24 * 60, mode="discharge"),
)


@pytest.fixture
async def newer(owner: World) -> Steer:
    """Return a plant on a server that tells its settings: two batteries, a dongle."""
    steer = Steer(owner)
    await steer.look()
    return steer


@pytest.fixture
async def older(emma: World) -> Steer:
    """Return a plant on a server that tells no settings: one battery, an EMMA."""
    steer = Steer(emma)
    await steer.look()
    return steer


def deliveries(world: World, since: int = 0) -> int:
    """Return how many tasks have been given."""
    return world.paths(since).count("async-task")


# --- what is offered ------------------------------------------------------------------


async def test_what_a_newer_server_tells(newer: Steer) -> None:
    """Mode, windows and feed-in are read; the limits of the batteries nobody tells."""
    found = await newer.controls()
    # A hold would change a limit that nobody could put back.
    assert found.keys() == {*KEYS, "hold"}
    assert found["hold"] == Absent(reason=Reason.UNKNOWN)
    mode = await newer.control("battery_mode")
    assert (mode.value, mode.assumed) == ("time_of_use", False)
    assert mode.options == ("self_consumption", "time_of_use")
    assert await newer.value("surplus_priority") == "battery"
    assert await newer.value("grid_charge_power_limit") == 4000.0
    assert await newer.value("export_limit_enabled") is False
    limit = await newer.control("min_soc")
    assert (limit.value, limit.assumed) == (None, True)
    assert (limit.minimum, limit.maximum) == (0, 20)


async def test_an_older_server_tells_nothing(older: Steer) -> None:
    """Time of use is not offered without windows, nor is what goes with them."""
    mode = await older.control("battery_mode")
    assert (mode.value, mode.options) == (None, ("self_consumption",))
    for _ in range(2):
        older.world.advance(minutes=2)
        found = await older.controls()
    for key in ("surplus_priority", "grid_charge_power_limit"):
        assert found[key] == Absent(reason=Reason.UNKNOWN)
    assert (await older.control("export_limit")).maximum == pytest.approx(9800)
    assert (await older.control("charge_power_limit")).maximum == 7000
    since = len(older.world.sim.calls)
    older.world.advance(hours=4)
    await older.controls()
    assert len(older.world.sim.calls) == since


async def test_an_lg_battery_takes_no_settings(emma: World) -> None:
    """But the feed-in of its plant can be limited, and it can be charged by force."""
    plant = emma.account.plants[1]
    steer = Steer(emma, plant)
    await steer.look()
    found = await steer.controls()
    limits = {"hold", *(key for key in KEYS if not key.startswith("export"))}
    assert {key for key, row in found.items() if isinstance(row, Absent)} == limits
    assert found["min_soc"] == Absent(reason=Reason.UNSUPPORTED)
    assert (await steer.set("export_limit", 3000)).state is State.CONFIRMED
    device = next(
        row
        for row in emma.vendor.snapshots["devices"].devices.values()
        if row.plant == plant.id and row.kind == "battery"
    )
    assert emma.vendor.run_range(device).kinds == {"charge", "discharge"}
    assert emma.vendor.scheduled(plant.id) == ()
    assert emma.vendor.scheduled(emma.plant.id) == (emma.plant.id,)


async def test_an_account_without_the_right_steers_nothing(home: World) -> None:
    """It is asked without a write; a day later again."""
    steer = Steer(home)
    await steer.look()
    found = await steer.controls()
    assert set(found.values()) == {Absent(reason=Reason.NO_PERMISSION)}
    runs = {"force_charge", "force_discharge", "hold", "stop_forced"}
    assert found.keys() == {*KEYS, *runs}
    assert steer.batteries(kind=Forced.CHARGE) == []
    assert deliveries(home) == 0
    assert home.vendor.due("settings", 1.0) > home.clock.now() + timedelta(hours=20)
    home.account.control = True
    home.advance(hours=25)
    assert (await steer.control("min_soc")).value is None
    assert (await steer.set("min_soc", 12)).state is State.CONFIRMED


async def test_another_way_in_may_have_the_right(home: World) -> None:
    """What was found of one says nothing of the other."""
    steer = Steer(home)
    await steer.look()
    home.memory["permission"]["consent"] = home.memory["permission"].pop("account")
    home.account.control = True
    await steer.restart()
    home.advance(minutes=2)
    assert isinstance(await steer.control("min_soc"), Control)


async def test_a_right_that_is_taken_away(newer: Steer) -> None:
    """The first refused task shows it."""
    newer.world.account.forbidden = set(CONTROL_PATHS)
    outcome = await newer.set("min_soc", 12)
    assert (outcome.state, outcome.code) == (State.REFUSED, "401")
    found = await newer.controls()
    assert set(found.values()) == {Absent(reason=Reason.NO_PERMISSION)}


async def test_whether_it_may_steer_is_asked_again_when_nobody_answers(
    home: World,
) -> None:
    """Until then nothing is known."""
    home.account.control = True
    home.fault("status", "task-info", status=503, count=1)
    steer = Steer(home)
    await steer.look()
    found = home.vendor.snapshots["settings"].controls[home.plant.id]
    assert set(found.values()) == {Absent(reason=Reason.UNKNOWN)}
    due = home.vendor.due("settings", 1.0)
    assert due <= home.clock.now() + timedelta(minutes=10)
    home.advance(minutes=10)
    assert isinstance(await steer.control("min_soc"), Control)


async def test_a_plant_without_a_meter_has_no_limit_of_its_feed_in(
    open_world: Open,
) -> None:
    """And one without a battery no limits of it."""
    site = await open_world("site")
    steer = Steer(site)
    site.account.control = True
    await steer.look()
    found = await steer.controls()
    assert found["export_limit"] == Absent(reason=Reason.NO_METER)


async def test_when_settings_are_read(newer: Steer) -> None:
    """Soon where something is left to be read, then every three hours."""
    vendor, world = newer.world.vendor, newer.world
    soon = timedelta(seconds=5)
    wait = vendor.due("settings", 1.0) - world.clock.now()
    assert timedelta(hours=3) - soon < wait <= timedelta(hours=3)
    assert len(vendor.calls("settings")) == 2
    world.advance(hours=3, seconds=5)
    world.fault("status", endpoint="battery-mode", status=503, count=1)
    await newer.controls()
    due = vendor.due("settings", 1.0) - world.clock.now()
    assert timedelta(minutes=9) < due <= timedelta(minutes=10)
    await newer.restart()
    assert vendor.due("settings", 1.0) > world.clock.now()


# --- tasks ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "value", "held", "expected"),
    [
        ("min_soc", 12.0, "end_of_discharge", 12.0),
        ("max_soc", 95.5, "end_of_charge", 95.5),
        ("charge_power_limit", 3210.0, "charge_w", 3210),
        ("discharge_power_limit", 0.0, "discharge_w", 0),
        ("export_limit", 4321.0, "export_kw", 4.321),
        ("export_limit", -1500.0, "export_kw", -1.5),
        ("surplus_priority", "grid", "surplus", "fedToGridPreference"),
        ("grid_charge_power_limit", 2500.0, "grid_charge_kw", 2.5),
        ("battery_mode", "self_consumption", "mode", "maximumSelfConsumption"),
    ],
)
async def test_a_setting_is_confirmed_by_its_task(
    newer: Steer, key: str, value: Setting, held: str, expected: Any
) -> None:
    """Accepted when it is given, confirmed when the plant has carried it out."""
    outcome = await newer.set(key, value)
    assert (outcome.state, outcome.evidence) == (State.CONFIRMED, Evidence.TASK)
    assert newer.states(key) == ["accepted", "confirmed"]
    assert getattr(newer.plant.settings, held) == expected
    known = newer.known[newer.plant.id, key]
    assert isinstance(known, Control)
    assert (known.value, known.assumed) == (value, True)
    assert deliveries(newer.world) == 1
    assert not newer.world.refused


async def test_nobody_waits_for_more_than_that_a_task_is_taken_on(
    newer: Steer,
) -> None:
    """Its end takes minutes, and is told when it is known."""
    pending = newer.submit("min_soc", 12)
    assert (await pending.answer).state is State.ACCEPTED
    assert not pending.outcome.done()
    assert (await pending.outcome).state is State.CONFIRMED
    newer.world.fault("task_refused", message="No.", count=1)
    pending = newer.submit("min_soc", 13)
    assert (await pending.answer).state is State.REFUSED


async def test_what_is_told_later_is_assumed_no_more(newer: Steer) -> None:
    """The next poll reads it; what the owner changes in the app is seen too."""
    await newer.set("export_limit", 4000)
    newer.world.advance(hours=4)
    limit = await newer.control("export_limit")
    assert (limit.value, limit.assumed) == (4000.0, False)
    assert await newer.value("export_limit_scope") == "total"


async def test_what_goes_together_is_one_task(newer: Steer) -> None:
    """What nobody changes is left out."""
    outcomes = await newer.set_all(min_soc=8, max_soc=98, charge_power_limit=2000)
    assert {row.state for row in outcomes} == {State.CONFIRMED}
    assert deliveries(newer.world) == 1
    held = newer.plant.settings
    assert (held.end_of_discharge, held.end_of_charge) == (8, 98)
    assert (held.charge_w, held.discharge_w) == (2000, 5000)


async def test_kinds_do_not_wait_for_each_other(newer: Steer) -> None:
    """Each has its own lane."""
    begun = newer.world.sim.clock.seconds()
    outcomes = await newer.set_all(
        min_soc=8, export_limit=2000, surplus_priority="grid"
    )
    assert {row.state for row in outcomes} == {State.CONFIRMED}
    assert newer.world.sim.clock.seconds() - begun < 300
    assert newer.world.vendor.lane("min_soc") == newer.world.vendor.lane("max_soc")


async def test_a_dragged_slider_never_gives_a_second_task_at_once(
    newer: Steer,
) -> None:
    """While one is on its way, the newest value waits."""
    first = newer.submit("min_soc", 5)
    while State.ACCEPTED not in [row.state for row in newer.told]:
        await asyncio.sleep(0)
    drag = [newer.submit("min_soc", value) for value in (6, 7, 8)]
    states = [(await row.outcome).state for row in (first, *drag)]
    assert states == [
        State.CONFIRMED,
        State.SUPERSEDED,
        State.SUPERSEDED,
        State.CONFIRMED,
    ]
    assert newer.plant.settings.end_of_discharge == 8
    assert deliveries(newer.world) == 2
    assert not newer.world.refused


async def test_what_is_so_already_is_done(newer: Steer) -> None:
    """The vendor calls it a failure."""
    outcome = await newer.set("export_limit_enabled", False)
    assert (outcome.state, outcome.evidence) == (State.CONFIRMED, Evidence.TASK)


async def test_a_number_that_the_plant_cuts_is_shown_as_cut(older: Steer) -> None:
    """It takes no more than it can."""
    assert (await older.set("charge_power_limit", 9000)).state is State.CONFIRMED
    assert await older.value("charge_power_limit") == 7000


@pytest.mark.parametrize(
    ("words", "known"),
    [("FAILURE", 11.0), ("TIMEOUT", None), ("INVALID", 11.0), ("EXCEPTION", None)],
)
async def test_a_task_that_fails_is_told_in_the_vendors_words(
    newer: Steer, words: str, known: float | None
) -> None:
    """Where it is open what the plant holds, nothing is claimed of it."""
    await newer.set("min_soc", 11)
    newer.world.fault("task_fails", message=words, seconds=20, count=1)
    outcome = await newer.set("min_soc", 15)
    assert outcome.state is State.FAILED
    assert str(outcome.message).startswith(f"{words}: ")
    assert await newer.value("min_soc") == known


async def test_a_busy_device_is_tried_again(newer: Steer) -> None:
    """Queued, with the newest value."""
    newer.world.fault("task_fails", message="BUSY", seconds=20, count=2)
    outcome = await newer.set("min_soc", 15)
    assert outcome.state is State.CONFIRMED
    assert newer.states("min_soc") == [
        "accepted",
        "queued",
        "accepted",
        "queued",
        "accepted",
        "confirmed",
    ]


async def test_a_device_that_stays_busy_fails_in_the_end(newer: Steer) -> None:
    """It is not tried for ever."""
    newer.world.fault("task_fails", message="BUSY", seconds=20)
    outcome = await newer.set("min_soc", 15)
    assert outcome.state is State.FAILED
    assert str(outcome.message).startswith("BUSY")
    assert deliveries(newer.world) == 6


async def test_a_busy_device_that_cannot_be_reached_any_more(newer: Steer) -> None:
    """What is given again may be refused, or lost."""
    newer.world.fault("task_fails", message="BUSY", seconds=20, count=1)
    newer.world.fault("task_refused", message="No.", skip=1, count=1)
    outcome = await newer.set("min_soc", 15)
    assert (outcome.state, outcome.message) == (State.REFUSED, "No.")
    newer.world.sim.clear_faults()
    newer.world.fault("task_fails", message="BUSY", seconds=20, count=1)
    newer.world.fault("status", endpoint="configuration/async-task", status=503, skip=1)
    outcome = await newer.set("min_soc", 16)
    assert outcome.state is State.FAILED
    newer.world.sim.clear_faults()
    newer.world.fault("task_fails", message="BUSY", seconds=20, count=1)
    newer.world.fault(
        "drop_before", endpoint="configuration/async-task", skip=1, count=2
    )
    outcome = await newer.set("min_soc", 17)
    assert outcome.state is State.UNCONFIRMED


async def test_a_delivery_that_is_turned_down(newer: Steer) -> None:
    """By the vendor's words; by its permission for the plant."""
    newer.world.fault(
        "task_refused", message="Signal dispensing happened error.", count=1
    )
    outcome = await newer.set("min_soc", 15)
    assert (outcome.state, outcome.message) == (
        State.REFUSED,
        "Signal dispensing happened error.",
    )
    newer.world.fault(
        "errno",
        endpoint="configuration/async-task",
        errno=2,
        msg="Exist no permission plants, plantCodes: [NE=1, NE=2]",
        count=1,
    )
    outcome = await newer.set("min_soc", 15)
    assert (outcome.state, outcome.message) == (
        State.REFUSED,
        "Exist no permission plants",
    )
    found = await newer.controls()
    assert found["min_soc"] == Absent(reason=Reason.NO_PERMISSION)
    newer.world.advance(hours=25)
    assert isinstance(await newer.control("min_soc"), Control)
    newer.world.fault(
        "errno", endpoint="configuration/async-task", errno=20056, count=1
    )
    assert (await newer.set("min_soc", 15)).code == "20056"


async def test_another_ones_task_is_waited_for(newer: Steer) -> None:
    """The vendor refuses a second one of a kind."""
    newer.world.fault(
        "errno", endpoint="configuration/async-task", errno=20615, count=1
    )
    outcome = await newer.set("min_soc", 15)
    assert outcome.state is State.CONFIRMED
    assert newer.states("min_soc") == ["queued", "accepted", "confirmed"]


async def test_a_task_that_never_ends_is_given_up(newer: Steer) -> None:
    """After a day, with few questions; then the next one is given."""
    newer.world.fault("task_hangs", count=1)
    since = len(newer.world.sim.calls)
    outcome = await newer.set("min_soc", 15)
    assert outcome.state is State.UNCONFIRMED
    assert newer.world.paths(since).count("task-info") < 60


async def test_an_answer_to_a_question_that_does_not_come_is_asked_for_again(
    newer: Steer,
) -> None:
    """The task is followed until its end is known."""
    newer.world.fault("status", endpoint="configuration/task-info", status=503, count=2)
    newer.world.fault("errno", endpoint="configuration/task-info", errno=407, count=1)
    assert (await newer.set("min_soc", 15)).state is State.CONFIRMED


async def test_a_task_that_the_vendor_has_forgotten(newer: Steer) -> None:
    """Where it can be asked for, the plant shows what became of it."""
    newer.world.fault("errno", endpoint="task-info", errno=20620, count=1)
    assert (await newer.set("min_soc", 15)).state is State.UNCONFIRMED
    newer.world.advance(minutes=5)
    newer.world.account.task_seconds = (5, 6)
    newer.world.fault("errno", endpoint="task-info", errno=20620, count=1)
    outcome = await newer.set("export_limit", 1500)
    assert (outcome.state, outcome.evidence) == (State.CONFIRMED, Evidence.READ_BACK)
    newer.world.fault("errno", endpoint="task-info", errno=20620, count=1)
    newer.world.fault("status", endpoint="active-power-control-mode", status=503)
    assert (await newer.set("export_limit", 1600)).state is State.UNCONFIRMED


async def test_a_question_that_is_refused_is_asked_again(newer: Steer) -> None:
    """Only what says that there is no such task ends it."""
    newer.world.fault("errno", endpoint="task-info", errno=20611, count=1)
    assert (await newer.set("min_soc", 15)).state is State.CONFIRMED


# --- lost answers, restarts ---------------------------------------------------------------


LOST = pytest.mark.parametrize(
    "kind", ["drop_after", "drop_before", "empty", "garbage"]
)


@LOST
async def test_after_a_lost_answer_the_plant_is_asked(newer: Steer, kind: str) -> None:
    """Where it can be; nothing is carried out twice."""
    newer.world.fault(kind, endpoint="async-task", count=1)
    outcome = await newer.set("export_limit", 1400.0)
    assert outcome.state is State.CONFIRMED
    assert len(newer.commands()) == 1


@LOST
async def test_a_lost_answer_that_nobody_can_clear_up(newer: Steer, kind: str) -> None:
    """Nothing is sent again, and nothing claimed."""
    await newer.set("min_soc", 11.0)
    since, done = len(newer.world.sim.calls), len(newer.commands())
    newer.world.fault(kind, endpoint="async-task", count=1)
    outcome = await newer.set("min_soc", 14.0)
    assert outcome.state is State.UNCONFIRMED
    assert await newer.value("min_soc") is None
    assert deliveries(newer.world, since) == 1
    newer.world.advance(minutes=3)
    assert (await newer.set("min_soc", 15.0)).state is State.CONFIRMED
    assert len(newer.commands(done)) == 1 + (kind != "drop_before")


async def test_a_lost_task_that_was_carried_out_is_found_so(newer: Steer) -> None:
    """By reading it back, before anything is given again."""
    newer.world.account.task_seconds = (1, 2)
    newer.world.fault("drop_after", endpoint="async-task", count=1)
    outcome = await newer.set("surplus_priority", "grid")
    assert (outcome.state, outcome.evidence) == (State.CONFIRMED, Evidence.READ_BACK)
    assert deliveries(newer.world) == 1


@pytest.mark.parametrize("key", ["min_soc", "export_limit"])
async def test_a_restart_while_a_task_runs(newer: Steer, key: str) -> None:
    """It is followed on, and told as any command; nothing is given again."""
    first = newer.submit(key, 13.0)
    while State.ACCEPTED not in [row.state for row in newer.told]:
        await asyncio.sleep(0)
    await stop(newer)
    assert not first.outcome.done()
    newer.told.clear()
    await newer.restart()
    newer.dispatcher.resume()
    newer.dispatcher.resume()
    await asyncio.gather(*newer.work)
    assert newer.states(key) == ["confirmed"]
    assert deliveries(newer.world) == 1
    assert newer.world.vendor.unfinished() == []
    await newer.restart()
    assert await newer.value(key) == 13.0


@pytest.mark.parametrize(
    ("key", "state"), [("min_soc", "unconfirmed"), ("export_limit", "confirmed")]
)
async def test_a_crash_before_the_answer(newer: Steer, key: str, state: str) -> None:
    """What the plant does not tell stays unconfirmed; it is never given again by itself."""
    newer.world.fault("drop_after", endpoint="async-task", count=1)
    with pytest.raises(AnswerLost):
        await newer.world.vendor.write(newer.plant.id, {key: 13.0})
    await newer.restart()
    newer.dispatcher.resume()
    await asyncio.gather(*newer.work)
    assert newer.states(key) == [state]
    assert deliveries(newer.world) == 1


async def stop(steer: Steer) -> None:
    """End all that is at work, as a crash does."""
    for task in steer.work:
        task.cancel()
    await asyncio.gather(*steer.work, return_exceptions=True)
    steer.work.clear()


async def test_what_was_last_confirmed_outlives_a_restart(older: Steer) -> None:
    """Where the server tells nothing, it is marked as assumed."""
    await older.set_all(min_soc=9, export_limit=2500)
    await older.restart()
    for key, value in (("min_soc", 9.0), ("export_limit", 2500.0)):
        found = await older.control(key)
        assert (found.value, found.assumed) == (value, True)
    assert await older.value("export_limit_enabled") is True


# --- the feed-in -----------------------------------------------------------------------


async def test_the_feed_in_is_limited_in_steps(older: Steer) -> None:
    """A limit limits; to be limited again, the last one is taken."""
    refused = await older.set("export_limit_enabled", True)
    assert refused.state is State.REFUSED
    assert "set export_limit first" in str(refused.message)
    refused = await older.set("export_limit_scope", "per_phase")
    assert "not limited" in str(refused.message)
    await older.set("export_limit", 2500)
    await older.set("export_limit_scope", "per_phase")
    held = older.plant.settings
    assert (held.export_mode, held.export_kw, held.export_per_phase) == ("6", 2.5, "1")
    await older.set("export_limit_enabled", False)
    assert held.export_mode == "0"
    assert await older.value("export_limit_enabled") is False
    await older.set("export_limit_enabled", True)
    assert (held.export_mode, held.export_kw) == ("6", 2.5)
    both = await older.set_all(export_limit_enabled=False, export_limit=1000)
    assert [row.state for row in both] == [State.CONFIRMED, State.REFUSED]


# --- windows ---------------------------------------------------------------------------


async def test_windows_make_time_of_use_possible(older: Steer) -> None:
    """Set by the action, followed like any task, and told again."""
    vendor, plant = older.world.vendor, older.plant
    refused = await older.set("battery_mode", "time_of_use")
    assert "set_schedule first" in str(refused.message)
    refused = await older.set("battery_mode", "backup")
    assert "no mode backup" in str(refused.message)
    with pytest.raises(Refused, match="does not tell"):
        await vendor.get_schedule(plant.id)
    await vendor.set_schedule(plant.id, WINDOWS)
    older.dispatcher.resume()
    await asyncio.gather(*older.work)
    assert older.states("battery_mode")[-1] == "confirmed"
    assert plant.settings.mode == "TOU"
    schedule = await vendor.get_schedule(plant.id)
    assert (schedule.enabled, schedule.windows) == (True, WINDOWS)
    assert (await older.control("battery_mode")).options[-1] == "time_of_use"
    await older.set_all(surplus_priority="grid", grid_charge_power_limit=3000)
    assert plant.settings.grid_charge_kw == 3.0
    await older.set("battery_mode", "self_consumption")
    assert not (await vendor.get_schedule(plant.id)).enabled
    refused = await older.set("surplus_priority", "battery")
    assert "time of use only" in str(refused.message)
    await older.set("battery_mode", "time_of_use")
    assert plant.settings.surplus == "fedToGridPreference"
    assert len(plant.settings.windows) == 2


async def test_windows_that_the_server_tells(newer: Steer) -> None:
    """The last minute of the day stands for midnight."""
    schedule = await newer.world.vendor.get_schedule(newer.plant.id)
    assert [(row.start, row.end) for row in schedule.windows] == [
        (60, 270),
        (360, 1440),
    ]


async def test_windows_wait_for_the_mode(newer: Steer) -> None:
    """Never a second task of a kind."""
    vendor = newer.world.vendor
    await vendor.write(newer.plant.id, {"battery_mode": "self_consumption"})
    with pytest.raises(Occupied):
        await vendor.set_schedule(newer.plant.id, WINDOWS)


# --- the wire --------------------------------------------------------------------------


async def test_a_server_that_spells_the_path_with_a_blank(newer: Steer) -> None:
    """As the document's copy prints it; found out once."""
    newer.world.account.blank_paths = True
    assert (await newer.set("surplus_priority", "grid")).state is State.CONFIRMED
    since = len(newer.world.sim.calls)
    assert (await newer.set("surplus_priority", "battery")).state is State.CONFIRMED
    assert all("mode/" in row.endpoint for row in newer.world.sim.calls[since:])
    assert not any(
        "battery/mode" in row.endpoint for row in newer.world.sim.calls[since:]
    )


async def test_a_server_that_knows_no_such_path(newer: Steer) -> None:
    """The control stays, the task is refused."""
    newer.world.fault("errno", endpoint="async-task", errno=404)
    outcome = await newer.set("surplus_priority", "grid")
    assert (outcome.state, outcome.code) == (State.REFUSED, "404")
    newer.world.sim.clear_faults()
    newer.world.fault("errno", endpoint="async-task", errno=20609)
    outcome = await newer.set("surplus_priority", "grid")
    assert (outcome.state, outcome.code) == (State.REFUSED, "20609")


async def test_a_day_of_steering_stays_within_the_owners_hundred(newer: Steer) -> None:
    """What polls ask is little; commands wait, and nothing is refused."""
    for _ in range(8):
        newer.world.advance(hours=3)
        await newer.controls()
    asked = sum("configuration/" in row.endpoint for row in newer.world.sim.calls)
    assert asked <= 24
    for value in range(5, 17):
        outcome = await newer.set("min_soc", float(value))
        assert outcome.state is State.CONFIRMED
    assert not newer.world.refused
