"""Forced runs, holds and export limits: started, proved, ended, and put back."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from custom_components.solar_cloud.const import DOMAIN
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import issue_registry as ir

from tests.common import Home, filled, text_of, texts

SCHEDULER = "*/scheduler/*"
SCHEDULE_SET = "*/scheduler/enable"


def told(home: Home, mode: str) -> float:
    """Return for how many minutes the battery was told to do something."""
    at = home.time.now().timestamp()
    rows = home.sim.plant("evo").home.told(at - 86_400, at)
    return sum(end - start for start, end, row in rows if row.mode == mode) / 60


def issues(home: Home) -> list[ir.IssueEntry]:
    """Return the issues about leases."""
    found = ir.async_get(home.hass).issues
    return [row for key, row in found.items() if key[1].startswith("lease_")]


def state_is(home: Home, state: str) -> Callable[[], bool]:
    """Return what tells whether the plant's forced state is so."""
    plant = home.sim.plant("evo").id
    return lambda: home.value(plant, "forced_state") == state


@pytest.fixture
async def evo(home: Home) -> Any:
    """Return the plant of an account that is set up."""
    await home.set_up("evo")
    return home.sim.plant("evo")


@pytest.mark.parametrize(
    ("action", "mode", "shown"),
    [
        ("force_charge", "force_charge", "charging"),
        ("force_discharge", "force_discharge", "discharging"),
    ],
)
async def test_a_run_is_accepted_read_back_proved_and_ended(
    home: Home, evo: Any, action: str, mode: str, shown: str
) -> None:
    """The power of the battery is the proof; afterwards all is as it was."""
    before = evo.device.held()
    answer = await home.act(action, evo.id, power=2000, duration=30)
    assert answer == {"outcome": "accepted", "evidence": "read_back"}
    assert home.value(evo.id, "forced_state") == shown
    await home.pass_time(minutes=12)
    assert home.outcomes(action) == [
        ("accepted", "read_back"),
        ("confirmed", "telemetry"),
    ]
    assert home.state(evo.id, "forced_state").attributes["evidence"] == "telemetry"
    charging = mode == "force_charge"
    assert float(home.value(evo.id, "battery_power")) * (-1 if charging else 1) > 700
    assert home.value(evo.id, "active_mode") == "schedule"
    await home.pass_time(minutes=25, until=state_is(home, "idle"))
    assert home.outcomes("stop_forced") == [("confirmed", "read_back")]
    assert evo.device.held() == before
    assert 29 <= told(home, mode) <= 32
    assert not home.refused()


async def test_a_run_that_waits_for_its_proof_has_the_next_sample(
    home: Home, evo: Any
) -> None:
    """Also where polls are far between, as somebody else has spent the calls."""
    home.sim.vendors["foxess"].spend("evo", 1000)
    await home.pass_time(hours=3)
    feed = home.account.feeds["realtime"]
    assert home.account.stretch() > 1.2
    assert feed.update_interval and feed.update_interval.total_seconds() > 330
    await home.act("force_charge", evo.id, power=2000, duration=30)
    assert feed.update_interval.total_seconds() < 330
    await home.pass_time(minutes=12)
    assert ("confirmed", "telemetry") in home.outcomes("force_charge")
    assert feed.update_interval.total_seconds() > 330
    assert not home.refused()


async def test_a_hold_keeps_what_is_in_the_battery(home: Home, evo: Any) -> None:
    """A read-back proves it at once."""
    assert await home.act("hold", evo.id, duration=20) == {
        "outcome": "confirmed",
        "evidence": "read_back",
    }
    assert home.value(evo.id, "forced_state") == "holding"
    await home.pass_time(minutes=22, until=state_is(home, "idle"))
    assert home.outcomes("hold") == [("confirmed", "read_back")]


async def test_an_export_limit_is_temporary(home: Home, evo: Any) -> None:
    """It runs beside a forced run, and the owner's limit is put back."""
    sn = evo.device.sn
    await home.act("force_charge", evo.id, power=2000, duration=60)
    assert await home.act("limit_export", evo.id, power=500, duration=10) == {
        "outcome": "confirmed",
        "evidence": "read_back",
    }
    assert home.value(evo.id, "forced_state") == "charging"
    await home.settle()
    assert home.value(sn, "export_limit") == "500.0"
    await home.pass_time(
        minutes=12, until=lambda: home.value(sn, "export_limit") == "10000.0"
    )
    assert evo.device.settings["ExportLimit"] == "10000"
    assert home.value(evo.id, "forced_state") == "charging"
    await home.act("limit_export", evo.id, power=0, duration=10)
    await home.act("stop_forced", evo.id)
    assert evo.device.settings["ExportLimit"] == "10000"
    assert home.value(evo.id, "forced_state") == "idle"


async def test_a_target_that_is_reached_ends_a_run(home: Home, evo: Any) -> None:
    """Before its time is up."""
    before = evo.device.held()
    soc = float(home.value(evo.id, "battery_soc"))
    await home.act("force_charge", evo.id, target_soc=soc + 2, duration=240)
    await home.pass_time(minutes=30, until=state_is(home, "idle"))
    assert float(home.value(evo.id, "battery_soc")) >= soc + 2
    assert home.outcomes("force_charge")[-1] == ("confirmed", "telemetry")
    assert evo.device.held() == before

    await home.act("force_discharge", evo.id, target_soc=soc, duration=240)
    await home.pass_time(minutes=40, until=state_is(home, "idle"))
    assert float(home.value(evo.id, "battery_soc")) <= soc
    assert evo.device.held() == before


async def test_a_full_battery_confirms_a_forced_charge(home: Home) -> None:
    """There is no power to be seen, and nothing is wrong."""
    await home.set_up("kh")
    plant = home.sim.plant("kh")
    await home.skip(hours=3)
    await home.pass_time(minutes=6)
    assert float(home.value(plant.id, "battery_soc")) >= 99
    await home.act("force_charge", plant.id, power=2000)
    await home.pass_time(minutes=8)
    assert home.outcomes("force_charge")[-1] == ("confirmed", "telemetry")
    assert home.value(plant.id, "forced_state") == "charging"


async def test_a_new_run_takes_the_place_of_the_old_one(home: Home, evo: Any) -> None:
    """The owner's schedule is what it was before the first."""
    before = evo.device.held()
    await home.act("force_charge", evo.id, duration=30)
    await home.act("force_discharge", evo.id, duration=30)
    assert home.outcomes("force_charge")[-1][0] == "superseded"
    assert home.value(evo.id, "forced_state") == "discharging"
    (group,) = evo.device.groups
    assert group["workMode"] == "ForceDischarge"
    await home.act("stop_forced", evo.id)
    assert evo.device.held() == before


async def test_a_run_that_does_nothing_stays_unconfirmed(home: Home, evo: Any) -> None:
    """Accepted and read back, but twenty minutes later no power is to be seen."""
    home.sim.fault("frozen")
    await home.act("force_discharge", evo.id, duration=60)
    await home.pass_time(minutes=24)
    assert [row[0] for row in home.outcomes("force_discharge")] == [
        "accepted",
        "unconfirmed",
    ]


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"kind": "errno", "errno": 42023}, "command_refused"),
        ({"kind": "accepted_not_done"}, "command_refused"),
        ({"kind": "status", "status": 503}, "command_refused"),
    ],
)
async def test_a_start_that_fails_leaves_nothing_behind(
    home: Home, evo: Any, fault: dict[str, Any], error: str
) -> None:
    """Neither in the device nor in our store."""
    before = evo.device.held()
    home.sim.fault(**fault, endpoint=SCHEDULE_SET, count=2)
    with pytest.raises(HomeAssistantError) as raised:
        await home.act("force_charge", evo.id)
    assert raised.value.translation_key == error
    assert text_of(raised.value)
    await home.pass_time(minutes=3, until=state_is(home, "idle"))
    assert evo.device.held() == before
    assert not home.account.store.kept.leases


@pytest.mark.parametrize("kind", ["drop_after", "drop_before"])
async def test_a_lost_answer_never_sends_a_run_twice(
    home: Home, evo: Any, kind: str
) -> None:
    """The device is asked what it holds first."""
    home.sim.fault(kind, endpoint=SCHEDULE_SET, count=1)
    await home.act("force_charge", evo.id, duration=30)
    assert len([row for row in home.sim.commands if "schedule v" in row.what]) == 1
    assert home.value(evo.id, "forced_state") == "charging"


async def test_an_end_is_tried_again_until_it_is_done(home: Home, evo: Any) -> None:
    """An issue tells the owner while it is overdue, and goes away by itself."""
    before = evo.device.held()
    await home.act("force_charge", evo.id, duration=10)
    home.sim.fault("status", status=503, endpoint=SCHEDULER)
    await home.pass_time(minutes=13)
    assert home.value(evo.id, "forced_state") == "charging"
    assert home.outcomes("stop_forced")[-1] == ("queued", None)
    assert not issues(home)
    await home.pass_time(minutes=5)
    (issue,) = issues(home)
    words = texts()["issues"][issue.translation_key]
    assert evo.name in filled(
        words["title"] + words["description"], issue.translation_placeholders
    )
    home.sim.clear_faults()
    await home.pass_time(minutes=2, until=state_is(home, "idle"))
    assert not issues(home)
    assert evo.device.held() == before


async def test_a_stop_that_cannot_be_sent_is_queued(home: Home, evo: Any) -> None:
    """It goes through as soon as the vendor's limit lets it."""
    before = evo.device.held()
    await home.act("force_charge", evo.id, duration=60)
    home.sim.fault("errno", endpoint=SCHEDULE_SET, errno=40402, count=1)
    answer = await home.act("stop_forced", evo.id)
    assert answer == {"outcome": "queued", "evidence": None}
    await home.pass_time(minutes=20, until=state_is(home, "idle"))
    assert evo.device.held() == before


async def test_a_run_that_cannot_be_ended_is_not_replaced(home: Home, evo: Any) -> None:
    """One that is not under control is one too many already."""
    await home.act("force_charge", evo.id, duration=60)
    home.sim.fault("status", status=503, endpoint=SCHEDULER)
    with pytest.raises(HomeAssistantError) as raised:
        await home.act("force_discharge", evo.id)
    assert "could not be ended" in text_of(raised.value)
    home.sim.clear_faults()
    await home.pass_time(minutes=3, until=state_is(home, "idle"))


async def test_a_restart_adopts_what_still_runs(home: Home, evo: Any) -> None:
    """And ends it in time."""
    before = evo.device.held()
    await home.act("force_charge", evo.id, duration=40)
    await home.unload()
    assert evo.device.held() != before
    await home.pass_time(minutes=10)
    await home.load()
    assert home.value(evo.id, "forced_state") == "charging"
    await home.pass_time(minutes=32, until=state_is(home, "idle"))
    assert evo.device.held() == before
    assert 39 <= told(home, "force_charge") <= 43


async def test_a_restart_ends_what_is_over(home: Home, evo: Any) -> None:
    """The window on the device had ended by itself."""
    before = evo.device.held()
    await home.act("force_charge", evo.id, duration=10)
    await home.skip(hours=2)
    assert home.value(evo.id, "forced_state") == "idle"
    assert evo.device.held() == before
    assert told(home, "force_charge") <= 13


async def test_a_restart_without_a_cloud_adopts_later(home: Home, evo: Any) -> None:
    """The lease is kept until the device can be asked."""
    before = evo.device.held()
    await home.act("force_charge", evo.id, duration=30)
    await home.unload()
    home.sim.fault("status", status=503, endpoint=SCHEDULER)
    await home.load()
    assert home.value(evo.id, "forced_state") == "charging"
    await home.pass_time(minutes=3)
    home.sim.clear_faults()
    await home.pass_time(minutes=32, until=state_is(home, "idle"))
    assert evo.device.held() == before


async def test_a_run_that_somebody_took_out_is_forgotten(home: Home, evo: Any) -> None:
    """What the owner did in the vendor's app meanwhile is kept."""
    await home.act("force_charge", evo.id, duration=60)
    await home.unload()
    device = evo.device

    def clear() -> None:
        device.groups, device.flag = [], False
        device.changed()

    device.home.change(home.time.now().timestamp(), clear)
    held = device.held()
    await home.load()
    assert home.value(evo.id, "forced_state") == "idle"
    assert device.held() == held


async def test_writes_per_day_bound_runs_too(home: Home) -> None:
    """A run is a write; the end of one always goes through."""
    await home.set_up("evo", writes_per_day=1)
    plant = home.sim.plant("evo")
    before = plant.device.held()
    await home.act("force_charge", plant.id)
    with pytest.raises(HomeAssistantError) as raised:
        await home.act("force_charge", plant.id)
    assert raised.value.translation_key == "writes_spent"
    assert text_of(raised.value)
    await home.act("stop_forced", plant.id)
    assert plant.device.held() == before


async def test_two_batteries_share_a_run(home: Home) -> None:
    """The power is the plant's, and there is one outcome for all."""
    await home.set_up("h3")
    plant = home.sim.plant("h3")
    before = plant.device.held()
    await home.act("force_charge", plant.id, power=3000, duration=20)
    run = next(row for row in plant.device.groups if row["workMode"] == "ForceCharge")
    assert run["fdPwr"] == 3000
    await home.pass_time(minutes=22)
    assert [row[0] for row in home.outcomes("force_charge")] == [
        "accepted",
        "confirmed",
    ]
    assert plant.device.held() == before


async def test_an_entry_removed_without_a_cloud_tells_what_is_left(
    home: Home, evo: Any
) -> None:
    """The owner has to take it out in the vendor's app."""
    await home.act("force_charge", evo.id)
    home.sim.fault("status", status=503)
    await home.hass.config_entries.async_remove(home.entry.entry_id)
    await home.settle()
    (issue,) = issues(home)
    assert issue.translation_key == "lease_left"
    assert issue.domain == DOMAIN
    words = texts()["issues"]["lease_left"]
    assert evo.name in filled(
        words["title"] + words["description"], issue.translation_placeholders
    )


@pytest.mark.parametrize("sent", [True, False])
async def test_a_run_that_was_stored_and_not_proved_goes_on(
    home: Home, evo: Any, hass_storage: dict[str, Any], sent: bool
) -> None:
    """Killed around its start: the device is asked, and the run sent if it is not there."""
    before = evo.device.held()
    await home.act("force_charge", evo.id, duration=30)
    await home.unload()
    (lease,) = hass_storage["solar_cloud.01SOLARCLOUD"]["data"]["leases"]
    lease |= {"phase": "stored", "outcome": "queued", "sent_at": None, "evidence": None}
    if not sent:
        await _take_out(home, evo.device)
    count = len(home.sim.commands)
    await home.load()
    assert home.state(evo.id, "forced_state").attributes["evidence"] == "read_back"
    assert (len(home.sim.commands) > count) is not sent
    await home.pass_time(minutes=32, until=state_is(home, "idle"))
    assert evo.device.held()["groups"] == before["groups"]


async def _take_out(home: Home, device: Any) -> None:
    def clear() -> None:
        device.groups, device.flag = [], False
        device.changed()

    device.home.change(home.time.now().timestamp(), clear)


async def test_a_stop_while_a_run_ends_by_itself_ends_it_once(
    home: Home, evo: Any
) -> None:
    """Whoever comes second finds nothing to do."""
    await home.act("force_charge", evo.id, duration=10)
    await home.pass_time(minutes=9)
    home.time.asleep = asyncio.Event()
    stopping = asyncio.create_task(home.act("stop_forced", evo.id))
    await asyncio.sleep(0.5)
    home.time.tick(120)
    await asyncio.sleep(0.5)
    home.time.asleep.set()
    await stopping
    await home.settle()
    assert home.outcomes("stop_forced") == [("confirmed", "read_back")]


async def test_a_stop_while_leases_are_adopted_ends_them_all(
    home: Home, evo: Any
) -> None:
    """A run and an export limit, each once."""
    await home.act("force_charge", evo.id, duration=60)
    await home.act("limit_export", evo.id, power=100, duration=60)
    await home.unload()
    home.time.tick(60)
    home.sim.fault("delay", seconds=0.05, count=1, endpoint=SCHEDULER)
    await home.hass.config_entries.async_setup(home.entry.entry_id)
    await home.act("stop_forced", evo.id)
    await home.settle()
    assert home.value(evo.id, "forced_state") == "idle"
    assert home.outcomes("stop_forced") == [("confirmed", "read_back")] * 2
    assert evo.device.settings["ExportLimit"] == "10000"
