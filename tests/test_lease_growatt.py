"""Runs and settings of Growatt plants, seen from Home Assistant."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from custom_components.solar_cloud.diagnostics import async_get_config_entry_diagnostics
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError

from tests.common import Home, text_of

REMOTE = "remote"


@pytest.fixture
def vendors() -> tuple[str, ...]:
    """Return the cloud of this module."""
    return ("growatt",)


async def opened(home: Home, name: str) -> Any:
    """Return an account's first plant, once its settings are read."""
    await home.set_up(name)
    await home.pass_time(minutes=6)
    return home.sim.plant(name)


def told(home: Home, plant: Any, mode: str) -> float:
    """Return for how many minutes the battery was told to do something today."""
    at = home.time.now().timestamp()
    rows = plant.home.told(at - 86_400 / 2, at)
    return float(sum(end - start for start, end, row in rows if row.mode == mode) / 60)


async def before_midnight(home: Home, plant: Any, minutes: float) -> None:
    """Let it be some minutes before the plant's midnight."""
    local = home.time.now().astimezone(ZoneInfo(plant.home.spec.zone))
    midnight = local.replace(hour=0, minute=0, second=0) + timedelta(days=1)
    at: datetime = midnight.astimezone(UTC) - timedelta(minutes=minutes)
    await home.skip(seconds=(at - home.time.now()).total_seconds() - 600)
    await home.pass_time(minutes=10)


# --- what is offered -------------------------------------------------------------------


async def test_a_storage_machine_takes_no_power(home: Home) -> None:
    """There is no power to choose, for the reason that diagnostics tell."""
    plant = await opened(home, "old")
    keys = home.keys(plant.id)
    assert {"forced_duration", "forced_charge_target_soc"} <= keys
    assert "forced_power" not in keys
    found = await async_get_config_entry_diagnostics(home.hass, home.entry)
    reasons = [row for row in found["absent_controls"].values() if row]
    assert any(row.get("forced_power") == "unsupported" for row in reasons)
    with pytest.raises(HomeAssistantError) as err:
        await home.act("force_charge", plant.id, power=1000, duration=10)
    assert "no setting for the power" in text_of(err.value)


async def test_what_a_plant_without_a_meter_is_told(home: Home) -> None:
    """An export limit can do nothing there."""
    await opened(home, "min")
    plant = home.sim.plant("min", 1)
    found = await async_get_config_entry_diagnostics(home.hass, home.entry)
    reasons = [row for row in found["absent_controls"].values() if row]
    assert any(row.get("export_limit") == "no_meter" for row in reasons)
    with pytest.raises(ServiceValidationError):
        await home.act("limit_export", plant.id, power=0, duration=10)


# --- settings --------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["min", "sph", "spa"])
async def test_settings_are_confirmed(home: Home, name: str) -> None:
    """A mode, a number and a switch are read back; the clock is put right."""
    plant = await opened(home, name)
    sn = plant.devices[0].sn
    await home.do(
        "select", "select_option", sn, "battery_mode", option="charge_priority"
    )
    assert home.value(sn, "battery_mode") == "charge_priority"
    await home.set_number(sn, "charge_power_rate", 45)
    assert home.value(sn, "charge_power_rate") == "45.0"
    is_on = home.value(sn, "charge_from_grid") == "on"
    turn = "turn_off" if is_on else "turn_on"
    await home.do("switch", turn, sn, "charge_from_grid")
    assert home.value(sn, "charge_from_grid") == ("off" if is_on else "on")
    # By then it is known that the clocks do not change in Phoenix.
    await home.pass_time(minutes=65)
    plant.devices[0].clock_offset = 500
    await home.account.async_set(sn, "sync_clock", True)
    assert abs(plant.devices[0].clock_offset) < 10
    for control in ("battery_mode", "charge_power_rate", "sync_clock"):
        assert home.outcomes(control)[-1] == ("confirmed", "read_back")
    assert not home.refused()


async def test_a_schedule(home: Home) -> None:
    """It is held, read back, and the mode is that of windows."""
    plant = await opened(home, "spa")
    sn = plant.devices[0].sn
    windows = [
        {"start": "01:00", "end": "04:00", "mode": "charge", "power": 1500},
        {"start": "18:00", "end": "24:00", "mode": "discharge", "target_soc": 30},
    ]
    await home.act("set_schedule", sn, answer=False, windows=windows)
    await home.pass_time(minutes=1)
    assert home.value(sn, "battery_mode") == "time_of_use"
    assert home.value(sn, "charge_power_rate") == "50.0"
    found = await home.act("get_schedule", sn)
    assert found
    assert found["enabled"]
    rows: Any = found["windows"]
    assert [(row["start"], row["end"], row["mode"]) for row in rows] == [
        ("01:00", "04:00", "charge"),
        ("18:00", "24:00", "discharge"),
    ]


# --- forced runs -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("action", "mode"),
    [("force_charge", "force_charge"), ("force_discharge", "force_discharge")],
)
@pytest.mark.parametrize("name", ["min", "sph", "spa"])
async def test_a_run_is_proved_and_ends(
    home: Home, name: str, action: str, mode: str
) -> None:
    """Telemetry confirms it; it is ended, and its entities show what is so again."""
    plant = await opened(home, name)
    device = plant.devices[0]
    held = dict(device.settings)
    answer = await home.act(action, plant.id, power=1500, duration=20)
    assert answer
    assert answer["outcome"] == "accepted"
    assert (device.remote is not None) == (name == "sph")
    await home.pass_time(minutes=14)
    assert home.outcomes(action)[-1] == ("confirmed", "telemetry")
    await home.pass_time(minutes=10)
    assert home.value(plant.id, "forced_state") == "idle"
    evidence = "task" if name == "sph" else "read_back"
    assert home.outcomes("stop_forced")[-1] == ("confirmed", evidence)
    assert device.settings == held
    assert home.value(device.sn, "charge_power_rate") == f"{held_rate(held)}"
    assert told(home, plant, mode) >= 19
    assert set(home.refused()) <= {"/v1/vppRemoteSetNew"}


def held_rate(held: dict[str, str]) -> float:
    """Return the power with which the owner charges, in %."""
    return float(held["chargePowerCommand"])


async def test_a_remote_run_is_stopped(home: Home) -> None:
    """The stop is a minute in which nothing is forced, and is told once that is over."""
    plant = await opened(home, "sph")
    await home.act("force_discharge", plant.id, power=1500, duration=60)
    await home.pass_time(minutes=5)
    await home.act("stop_forced", plant.id)
    assert home.outcomes("stop_forced")[-1] == ("accepted", None)
    assert home.done(REMOTE)[-1] == {"time": 1, "percentage": 0}
    await home.pass_time(minutes=3)
    assert home.outcomes("stop_forced")[-1] == ("confirmed", "task")
    assert home.value(plant.id, "forced_state") == "idle"


@pytest.mark.parametrize("name", ["min", "sph", "spa"])
async def test_hold(home: Home, name: str) -> None:
    """The battery keeps what it has; what was there is put back."""
    plant = await opened(home, name)
    held = dict(plant.devices[0].settings)
    answer = await home.act("hold", plant.id, duration=15)
    assert answer == {"outcome": "confirmed", "evidence": "read_back"}
    await home.pass_time(minutes=17)
    assert plant.devices[0].settings == held
    assert told(home, plant, "charge_priority") >= 14


# --- a run in two parts ----------------------------------------------------------------


async def started_at_midnight(home: Home) -> Any:
    """Return a storage machine's plant with a run over midnight."""
    plant = await opened(home, "old")
    await before_midnight(home, plant, 10)
    await home.act("force_discharge", plant.id, duration=20)
    return plant


async def test_the_second_part_is_sent_at_midnight(home: Home) -> None:
    """A machine with one window is forced on after midnight, and is then as it was."""
    plant = await opened(home, "old")
    held = dict(plant.battery.settings)
    await home.unload()
    home.hass.config_entries.async_update_entry(home.entry)
    await home.load()
    await before_midnight(home, plant, 10)
    await home.act("force_discharge", plant.id, duration=20)
    await home.pass_time(minutes=23)
    assert told(home, plant, "force_discharge") >= 18
    assert home.value(plant.id, "forced_state") == "idle"
    assert plant.battery.settings == held
    assert home.outcomes("stop_forced")[-1] == ("confirmed", "read_back")


async def test_the_machine_is_away_at_midnight(home: Home) -> None:
    """The second part is sent as soon as it can be."""
    plant = await started_at_midnight(home)
    home.sim.fault("errno", endpoint="*storageSet", errno=10003, msg="?", count=2)
    await home.pass_time(minutes=23)
    assert 14 <= told(home, plant, "force_discharge") <= 19
    assert ("failed", None) not in home.outcomes("force_discharge")


async def test_the_second_part_is_not_done(home: Home) -> None:
    """What was accepted and is not done is sent again."""
    plant = await started_at_midnight(home)
    home.sim.fault("accepted_not_done", endpoint="*storageSet", count=1)
    await home.pass_time(minutes=23)
    assert 15 <= told(home, plant, "force_discharge") <= 19
    assert home.value(plant.id, "forced_state") == "idle"


async def test_somebody_takes_the_window(home: Home) -> None:
    """A run that is not there any more has failed; what somebody has set is kept."""
    plant = await started_at_midnight(home)
    plant.battery.settings["storage_cmd_forced_discharge_time1"] = "3,0,4,0"
    home.sim.fault("accepted_not_done", endpoint="*storageSet", count=1)
    await home.pass_time(minutes=14)
    assert ("failed", None) in home.outcomes("force_discharge")
    assert home.value(plant.id, "forced_state") == "idle"
    held = plant.battery.settings
    assert held["storage_cmd_forced_discharge_time1"] == "3,0,4,0"
    assert held["storage_cmd_forced_discharge_enable"] == "1"


async def test_a_run_that_has_ended_has_no_next_part(home: Home) -> None:
    """Whoever was on the way to send it finds nothing to do."""
    plant = await started_at_midnight(home)
    (lease,) = home.account.leases.held
    await home.act("stop_forced", plant.id)
    sent = home.asked("storageSet")
    await home.account.leases._async_send_on(lease)  # noqa: SLF001
    assert home.asked("storageSet") == sent
