"""Runs and settings of FusionSolar plants: tasks that take minutes, seen from Home Assistant."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from custom_components.solar_cloud.const import DOMAIN
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import issue_registry as ir

from tests.common import ENTRY_ID, Home, text_of

CHARGE = "*charge-and-discharge/async-task"
STATUS = "*chargeAndDischargeStatus"


@pytest.fixture
def vendors() -> tuple[str, ...]:
    """Return the cloud of this module."""
    return ("huawei",)


@pytest.fixture
async def owner(home: Home) -> Any:
    """Return a plant with two batteries, on a server that tells its settings."""
    await home.set_up("owner")
    return home.sim.plant("owner")


@pytest.fixture
async def emma(home: Home) -> Any:
    """Return a plant with a battery, on a server that tells no settings."""
    await home.set_up("emma")
    await home.pass_time(minutes=2)
    return home.sim.plant("emma")


def state_is(home: Home, plant: Any, state: str) -> Callable[[], bool]:
    """Return what tells whether the plant's forced state is so."""
    return lambda: home.value(plant.id, "forced_state") == state


def told(home: Home, plant: Any, mode: str) -> float:
    """Return for how many minutes the batteries were told to do something."""
    at = home.time.now().timestamp()
    rows = plant.home.told(at - 86_400, at)
    return float(sum(end - start for start, end, row in rows if row.mode == mode) / 60)


def done(home: Home, what: str) -> int:
    """Return how often plants have carried something out."""
    return sum(row.what == what for row in home.sim.commands)


# --- forced runs -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("action", "mode", "shown"),
    [
        ("force_charge", "force_charge", "charging"),
        ("force_discharge", "force_discharge", "discharging"),
    ],
)
async def test_a_run_is_proved_by_telemetry_and_ends_by_itself(
    home: Home, owner: Any, action: str, mode: str, shown: str
) -> None:
    """The plant's own end is the hard one; nothing is sent for it."""
    answer = await home.act(action, owner.id, power=3000, duration=20)
    assert answer == {"outcome": "accepted", "evidence": None}
    assert home.value(owner.id, "forced_state") == shown
    await home.pass_time(minutes=12)
    assert home.outcomes(action) == [("accepted", None), ("confirmed", "telemetry")]
    await home.pass_time(minutes=20, until=state_is(home, owner, "idle"))
    assert home.outcomes("stop_forced") == [("accepted", None), ("confirmed", "task")]
    assert 19 <= told(home, owner, mode) <= 21
    assert done(home, "stop forced") == 0
    assert not home.account.store.kept.leases
    assert not home.refused()


async def test_a_run_is_stopped_by_hand(home: Home, owner: Any) -> None:
    """Queued for the minute that the vendor wants, then accepted, then proved."""
    await home.act("force_charge", owner.id, power=3000, duration=60)
    assert await home.act("stop_forced", owner.id) == {
        "outcome": "queued",
        "evidence": None,
    }
    await home.pass_time(minutes=8, until=state_is(home, owner, "idle"))
    assert [row[0] for row in home.outcomes("stop_forced")] == [
        "queued",
        "accepted",
        "confirmed",
    ]
    assert told(home, owner, "force_charge") < 3
    assert not home.refused()


async def test_a_target_ends_a_run_sooner(home: Home, owner: Any) -> None:
    """We watch it, as the plant is told the duration."""
    soc = float(home.value(owner.id, "battery_soc"))
    await home.act("force_charge", owner.id, target_soc=soc + 2, duration=300)
    await home.pass_time(minutes=60, until=state_is(home, owner, "idle"))
    assert float(home.value(owner.id, "battery_soc")) >= soc + 2
    assert home.outcomes("force_charge")[-1] == ("confirmed", "telemetry")
    assert done(home, "stop forced") == 2
    assert not home.refused()


async def test_a_new_run_waits_for_the_delivery_a_minute(
    home: Home, owner: Any
) -> None:
    """The old one is stopped first, and never afterwards."""
    await home.act("force_charge", owner.id, power=3000, duration=30)
    await home.pass_time(minutes=2)
    answer = await home.act("force_discharge", owner.id, power=3000, duration=20)
    assert answer == {"outcome": "queued", "evidence": None}
    assert home.value(owner.id, "forced_state") == "charging"
    await home.pass_time(minutes=2, until=state_is(home, owner, "discharging"))
    assert home.outcomes("force_charge")[-1] == ("superseded", None)
    await home.pass_time(minutes=40, until=state_is(home, owner, "idle"))
    assert [row[0] for row in home.outcomes("force_discharge")] == [
        "queued",
        "accepted",
        "confirmed",
    ]
    assert 18 <= told(home, owner, "force_discharge") <= 21
    assert told(home, owner, "force_charge") <= 4
    assert not home.refused()


async def test_a_queued_run_can_be_stopped(home: Home, owner: Any) -> None:
    """It never begins."""
    await home.act("force_charge", owner.id, power=3000, duration=30)
    await home.act("force_discharge", owner.id, power=3000, duration=30)
    await home.act("stop_forced", owner.id)
    await home.pass_time(minutes=10, until=state_is(home, owner, "idle"))
    assert home.outcomes("force_discharge")[-1] == ("superseded", None)
    assert done(home, "forced discharge") == 0


async def test_a_run_that_waits_longer_than_it_would_last(
    home: Home, owner: Any
) -> None:
    """It is not begun any more, and told as failed."""
    await home.act("force_charge", owner.id, duration=30)
    await home.pass_time(minutes=2)
    home.sim.fault("errno", endpoint=CHARGE, errno=407)
    with pytest.raises(HomeAssistantError):
        await home.act("force_discharge", owner.id, duration=1)
    assert home.outcomes("force_discharge")[-1][0] == "failed"
    home.sim.clear_faults()
    await home.pass_time(minutes=70, until=state_is(home, owner, "idle"))


async def test_a_run_that_fails_is_told_and_ended(home: Home, owner: Any) -> None:
    """In the vendor's words."""
    home.sim.fault("task_fails", message="TIMEOUT", seconds=5)
    await home.act("force_discharge", owner.id, power=6000, duration=60)
    await home.pass_time(minutes=20, until=state_is(home, owner, "idle"))
    told = home.outcomes("force_discharge")
    assert [row[0] for row in told] == ["accepted", "failed"]
    words = [row["message"] for row in home.told if row["outcome"] == "failed"]
    assert words == ["TIMEOUT"]


async def test_a_run_that_some_batteries_refuse_has_failed(
    home: Home, owner: Any
) -> None:
    """The others are stopped."""
    inverter = owner.batteries[0].inverter.sn
    home.sim.fault("task_refused", device=inverter, message="Battery fault.", count=1)
    with pytest.raises(HomeAssistantError) as raised:
        await home.act("force_charge", owner.id, power=3000, duration=60)
    assert raised.value.translation_key == "command_failed"
    assert "1 of 2 batteries refused" in text_of(raised.value)
    await home.pass_time(minutes=12, until=state_is(home, owner, "idle"))
    assert done(home, "stop forced") == 2


async def test_a_run_that_another_task_holds_up(home: Home, owner: Any) -> None:
    """It waits for its turn."""
    home.sim.fault("errno", endpoint=CHARGE, errno=20615, count=1)
    answer = await home.act("force_charge", owner.id, power=3000, duration=60)
    assert answer == {"outcome": "queued", "evidence": None}
    await home.pass_time(minutes=7)
    assert home.outcomes("force_charge")[1][0] == "accepted"
    await home.act("stop_forced", owner.id)


async def test_a_run_that_is_refused_when_its_turn_comes(
    home: Home, owner: Any
) -> None:
    """Nothing is left of it."""
    home.sim.fault("errno", endpoint=CHARGE, errno=20615, count=1)
    home.sim.fault("task_refused", message="Battery fault.", skip=0)
    await home.act("force_charge", owner.id, power=3000, duration=60)
    await home.pass_time(minutes=7)
    assert home.outcomes("force_charge")[-1][0] == "refused"
    assert not home.account.store.kept.leases


async def test_a_run_whose_proof_does_not_come_is_asked_about(
    home: Home, owner: Any
) -> None:
    """The vendor's task tells what the telemetry does not."""
    home.sim.fault("accepted_not_done")
    home.sim.fault("status", endpoint=STATUS, status=503, count=1)
    await home.act("force_discharge", owner.id, power=6000, duration=60)
    await home.pass_time(minutes=30)
    assert [row[0] for row in home.outcomes("force_discharge")] == [
        "accepted",
        "unconfirmed",
    ]
    assert home.asked("chargeAndDischargeStatus") >= 2
    home.sim.clear_faults()
    await home.act("stop_forced", owner.id)
    await home.pass_time(minutes=8, until=state_is(home, owner, "idle"))


async def test_a_run_that_the_owner_stops_in_the_app(home: Home, owner: Any) -> None:
    """A restart finds it over, and does not start it again."""
    await home.act("force_charge", owner.id, power=3000, duration=120)
    await home.pass_time(minutes=12)
    tasks = home.sim.vendors["huawei"].tasks
    at = home.time.now().timestamp()
    for task in tasks.tasks.values():
        for part in task.parts:
            tasks._finish(part, at, "SUCCESS", None)  # noqa: SLF001
    owner.changed()
    await home.skip(minutes=40)
    await home.pass_time(minutes=8, until=state_is(home, owner, "idle"))
    assert done(home, "forced charge") == 2


async def test_a_restart_adopts_a_run(home: Home, owner: Any) -> None:
    """And lets it end by itself."""
    await home.act("force_charge", owner.id, power=3000, duration=40)
    await home.skip(minutes=10)
    assert home.value(owner.id, "forced_state") == "charging"
    await home.pass_time(minutes=40, until=state_is(home, owner, "idle"))
    assert done(home, "forced charge") == 2
    assert done(home, "stop forced") == 0
    assert 39 <= told(home, owner, "force_charge") <= 41


async def test_a_restart_after_its_end_finds_a_run_over(home: Home, owner: Any) -> None:
    """The plant ended it while nobody was there."""
    await home.act("force_charge", owner.id, power=3000, duration=10)
    await home.skip(hours=2)
    await home.pass_time(minutes=2, until=state_is(home, owner, "idle"))
    assert 9 <= told(home, owner, "force_charge") <= 11


async def test_a_run_that_cannot_be_asked_about_is_overdue(
    home: Home, owner: Any
) -> None:
    """The owner is told, until the vendor answers."""
    await home.act("force_charge", owner.id, power=3000, duration=10)
    await home.pass_time(minutes=9)
    home.sim.fault("status", endpoint=STATUS, status=503)
    await home.pass_time(minutes=20)
    issues = ir.async_get(home.hass).issues
    assert [key for domain, key in issues if domain == DOMAIN and "lease_" in key]
    home.sim.clear_faults()
    await home.pass_time(minutes=5, until=state_is(home, owner, "idle"))
    assert not [key for _, key in issues if "lease_" in key]


async def test_an_entry_that_is_removed_stops_its_run(home: Home, owner: Any) -> None:
    """Given to the vendor, it is believed to come."""
    await home.act("force_charge", owner.id, power=3000, duration=60)
    await home.pass_time(minutes=3)
    await home.hass.config_entries.async_remove(home.entry.entry_id)
    await home.settle()
    home.time.tick(60)
    owner.truth(home.time.now().timestamp())
    assert done(home, "stop forced") == 2
    issues = ir.async_get(home.hass).issues
    assert not [key for _, key in issues if key.startswith("lease_")]


async def test_a_run_after_a_stop_that_waits(home: Home, owner: Any) -> None:
    """It waits behind it."""
    await home.act("force_charge", owner.id, power=3000, duration=30)
    await home.act("stop_forced", owner.id)
    await home.act("force_discharge", owner.id, power=3000, duration=30)
    await home.pass_time(minutes=5, until=state_is(home, owner, "discharging"))
    assert home.outcomes("force_charge")[-1][0] == "accepted"
    assert not home.refused()


async def test_a_run_that_the_plant_ends_early(home: Home, owner: Any) -> None:
    """Finished without a word: it is confirmed, and over."""
    home.sim.fault("frozen")
    await home.act("force_discharge", owner.id, power=6000, duration=60)
    await home.pass_time(minutes=3)
    tasks = home.sim.vendors["huawei"].tasks
    at = home.time.now().timestamp()
    for task in tasks.tasks.values():
        for part in task.parts:
            tasks._finish(part, at, "SUCCESS", None)  # noqa: SLF001
    owner.changed()
    await home.pass_time(minutes=12, until=state_is(home, owner, "idle"))
    assert home.outcomes("force_discharge")[-1] == ("confirmed", "task")
    assert home.outcomes("stop_forced") == [("confirmed", "task")]


async def test_a_run_that_waits_twice(home: Home, owner: Any) -> None:
    """It is told as queued once."""
    home.sim.fault("errno", endpoint=CHARGE, errno=20615, count=2)
    await home.act("force_discharge", owner.id, power=6000, duration=60)
    await home.pass_time(minutes=11)
    assert [row[0] for row in home.outcomes("force_discharge")][:2] == [
        "queued",
        "accepted",
    ]


async def test_a_run_whose_time_is_up_before_it_could_be_resumed(
    home: Home, owner: Any, hass_storage: dict[str, Any]
) -> None:
    """Nobody knows whether it was there; it is looked for, and told so."""
    await home.act("force_discharge", owner.id, power=6000, duration=30)
    await home.unload()
    (lease,) = hass_storage[f"solar_cloud.{ENTRY_ID}"]["data"]["leases"]
    lease |= {"phase": "stored", "outcome": "queued", "evidence": None}
    home.time.tick(3600)
    await home.load()
    await home.pass_time(minutes=4, until=state_is(home, owner, "idle"))
    assert home.outcomes("force_discharge")[-1] == ("unconfirmed", None)


async def test_a_run_that_has_ended_is_not_asked_about(home: Home, owner: Any) -> None:
    """Whoever was on the way to ask finds nothing to do."""
    await home.act("force_charge", owner.id, power=3000, duration=10)
    (lease,) = home.account.leases.held
    await home.pass_time(minutes=20, until=state_is(home, owner, "idle"))
    asked = len(home.sim.calls)
    await home.account.leases._async_follow(lease)  # noqa: SLF001
    assert len(home.sim.calls) == asked


# --- hold and limits -------------------------------------------------------------------


async def test_a_hold_is_a_task_that_is_put_back(home: Home, emma: Any) -> None:
    """It is offered once the limit is known; the number follows."""
    assert "hold" not in home.keys(emma.id)
    await home.set_number(emma.id, "discharge_power_limit", 3000)
    await home.pass_time(minutes=4)
    assert home.outcomes("discharge_power_limit")[-1] == ("confirmed", "task")
    assert home.state(emma.id, "discharge_power_limit").attributes["assumed_state"]
    assert "hold" in home.keys(emma.id)
    answer = await home.act("hold", emma.id, duration=10)
    assert answer == {"outcome": "accepted", "evidence": None}
    await home.pass_time(minutes=4)
    assert home.outcomes("hold")[-1] == ("confirmed", "task")
    assert home.value(emma.id, "discharge_power_limit") == "0.0"
    assert home.value(emma.id, "forced_state") == "holding"
    await home.pass_time(minutes=14, until=state_is(home, emma, "idle"))
    await home.settle()
    assert home.value(emma.id, "discharge_power_limit") == "3000.0"
    assert emma.settings.discharge_w == 3000
    assert not home.refused()


async def test_a_temporary_limit_of_the_feed_in(home: Home, owner: Any) -> None:
    """Beside a forced run; put back as it was read."""
    await home.act("force_discharge", owner.id, power=3000, duration=60)
    answer = await home.act("limit_export", owner.id, power=500, duration=10)
    assert answer == {"outcome": "accepted", "evidence": None}
    await home.pass_time(minutes=4)
    assert home.outcomes("limit_export")[-1] == ("confirmed", "task")
    assert home.value(owner.id, "export_limit") == "500.0"
    await home.pass_time(
        minutes=14, until=lambda: home.value(owner.id, "export_limit_enabled") == "off"
    )
    assert owner.settings.export_mode == "0"
    assert home.value(owner.id, "forced_state") == "discharging"


async def test_a_limit_again_waits_until_the_first_is_put_back(
    home: Home, owner: Any
) -> None:
    """Or it would be taken for the owner's."""
    await home.act("limit_export", owner.id, power=500, duration=60)
    await home.pass_time(minutes=4)
    answer = await home.act("limit_export", owner.id, power=900, duration=30)
    assert answer == {"outcome": "queued", "evidence": None}
    await home.pass_time(minutes=8)
    assert owner.settings.export_kw == 0.9
    await home.act("stop_forced", owner.id)
    await home.pass_time(minutes=8)
    assert owner.settings.export_mode == "0"
    assert not home.refused()


# --- settings ---------------------------------------------------------------------------


async def test_a_setting_is_a_task(home: Home, owner: Any) -> None:
    """Accepted within the half minute, confirmed when the task is done."""
    await home.set_number(owner.id, "min_soc", 12)
    await home.pass_time(minutes=4)
    assert [row[0] for row in home.outcomes("min_soc")][-1] == "confirmed"
    assert home.value(owner.id, "min_soc") == "12.0"
    assert home.state(owner.id, "min_soc").attributes["assumed_state"] is True
    mode = home.state(owner.id, "battery_mode")
    assert mode.attributes["options"] == ["self_consumption", "time_of_use"]
    assert "assumed_state" not in mode.attributes
    assert home.value(owner.id, "active_mode") == "time_of_use"


async def test_a_restart_while_a_setting_is_carried_out(home: Home, owner: Any) -> None:
    """It is followed on."""
    home.sim.fault("done_late", seconds=400)
    await home.set_number(owner.id, "min_soc", 12)
    await home.skip(minutes=2)
    await home.pass_time(minutes=14)
    assert home.outcomes("min_soc")[-1] == ("confirmed", "task")
    assert home.value(owner.id, "min_soc") == "12.0"
    assert done(home, "task limits") == 1


async def test_windows_are_set_and_told(home: Home, emma: Any) -> None:
    """The plant holds them; what goes with them appears."""
    assert "surplus_priority" not in home.keys(emma.id)
    window = {"start": "01:00", "end": "05:00", "mode": "charge", "days": [1, 7]}
    await home.act("set_schedule", emma.id, windows=[window], answer=False)
    await home.pass_time(minutes=4)
    assert home.outcomes("battery_mode")[-1] == ("confirmed", "task")
    assert await home.act("get_schedule", emma.id) == {
        "enabled": True,
        "windows": [window],
    }
    await home.pass_time(minutes=2)
    assert "surplus_priority" in home.keys(emma.id)
    with pytest.raises(HomeAssistantError) as raised:
        await home.act(
            "set_schedule",
            emma.id,
            windows=[{**window, "mode": "hold"}],
            answer=False,
        )
    assert "no hold" in text_of(raised.value)


async def test_an_account_without_the_right_has_no_controls(home: Home) -> None:
    """Nothing is offered that would be refused."""
    await home.set_up("home")
    plant = home.sim.plant("home")
    await home.pass_time(minutes=2)
    assert not home.keys(plant.id) & {"min_soc", "force_charge", "export_limit"}
    assert not home.refused()
    assert home.account.vendor.due("settings", 1.0) - home.time.now() > timedelta(
        hours=20
    )
