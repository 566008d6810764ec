"""Settings and runs of an Enphase system, seen from Home Assistant."""

import asyncio
from typing import Any

import pytest

from custom_components.solar_cloud.cloud.enphase.settings import KEYS
from custom_components.solar_cloud.diagnostics import async_get_config_entry_diagnostics
from homeassistant.exceptions import HomeAssistantError

from tests.common import Home

CONFIG = "*config/*/"


@pytest.fixture
def vendors() -> tuple[str, ...]:
    """Return the cloud of this module."""
    return ("enphase",)


@pytest.fixture
async def mega(home: Home) -> Any:
    """Return a system with two batteries, on a plan with everything."""
    await home.set_up("mega")
    await home.pass_time(minutes=2)
    return home.sim.plant("mega")


def held(system: Any) -> tuple[str, int]:
    """Return mode and reserve."""
    return system.settings.battery_mode, system.settings.reserve_soc


def done(home: Home) -> int:
    """Return how often the gateway was told something."""
    return len(home.sim.commands)


# --- settings --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "value", "shown"),
    [
        ("battery_mode", "savings", "savings"),
        ("backup_reserve", 35, "35.0"),
        ("energy_independence", True, "on"),
        ("storm_guard", True, "on"),
        ("load_control_1", False, "off"),
        ("load_control_2", True, "on"),
    ],
)
async def test_settings_are_confirmed_by_reading_back(
    home: Home, mega: Any, key: str, value: Any, shown: str
) -> None:
    """Once, and at once."""
    before = done(home)
    outcome = await home.account.async_set(mega.id, key, value)
    assert (outcome.state, outcome.evidence) == ("confirmed", "read_back")
    await home.hass.async_block_till_done()
    assert home.value(mega.id, key) == shown
    assert done(home) == before + 1
    assert not home.refused()


async def test_settings_that_are_sent_together(home: Home, mega: Any) -> None:
    """They wait for each other where one call takes them; none is reset."""
    account = home.account
    outcomes = await asyncio.gather(
        account.async_set(mega.id, "battery_mode", "savings"),
        account.async_set(mega.id, "backup_reserve", 35),
        account.async_set(mega.id, "energy_independence", value=True),
        account.async_set(mega.id, "load_control_2", value=False),
    )
    assert {row.state for row in outcomes} == {"confirmed"}
    assert held(mega) == ("Savings Mode", 35)
    assert mega.settings.energy_independence == "enabled"


async def test_a_lost_answer_is_looked_up_and_not_sent_again(
    home: Home, mega: Any
) -> None:
    """What arrived is seen."""
    home.sim.fault(
        "drop_after", vendor="enphase", endpoint=f"{CONFIG}storm_guard", count=1
    )
    outcome = await home.account.async_set(mega.id, "storm_guard", value=True)
    assert (outcome.state, outcome.evidence) == ("confirmed", "read_back")
    assert done(home) == 1


async def test_what_is_accepted_and_not_done_has_failed(home: Home, mega: Any) -> None:
    """After a minute of looking."""
    home.sim.fault("accepted_not_done", vendor="enphase")
    pending = home.account.dispatcher.submit(mega.id, "backup_reserve", 40)
    await home.pass_time(minutes=2)
    assert pending.outcome.result().state == "failed"
    assert home.value(mega.id, "backup_reserve") == "15.0"
    assert done(home) == 0


async def test_out_of_range_is_refused_before_it_is_sent(home: Home, mega: Any) -> None:
    """The least is the level at which the batteries shut down."""
    attributes = home.state(mega.id, "backup_reserve").attributes
    assert (attributes["min"], attributes["max"]) == (10, 100)
    with pytest.raises(HomeAssistantError):
        await home.set_number(mega.id, "backup_reserve", 5)
    assert done(home) == 0


@pytest.mark.parametrize("name", ["watt", "cellular", "legacy"])
async def test_plans_without_settings_offer_none(home: Home, name: str) -> None:
    """The diagnostics say why, and nothing asks the owner to sign in again."""
    await home.set_up(name)
    await home.pass_time(minutes=5)
    plant = home.sim.plant(name)
    assert not {*KEYS, "force_charge", "hold", "stop_forced"} & home.keys(plant.id)
    found = await async_get_config_entry_diagnostics(home.hass, home.entry)
    (absent,) = {
        tuple(sorted(rows.items())) for rows in found["absent_controls"].values()
    }
    assert {dict(absent)[key] for key in KEYS} == {"not_in_plan"}
    assert dict(absent)["charge_from_grid"] == "read_only"
    assert dict(absent)["export_limit"] == "unsupported"
    assert not home.refused()


async def test_a_plan_typed_too_large_asks_nobody_to_sign_in(home: Home) -> None:
    """A call outside the plan is no failed sign-in."""
    entry = home.add_entry("watt")
    typed = {**entry.data["credentials"], "plan": "megawatt"}
    data = {**entry.data, "credentials": typed}
    home.hass.config_entries.async_update_entry(entry, data=data)
    await home.load()
    await home.pass_time(minutes=10)
    plant = home.sim.plant("watt")
    assert not set(KEYS) & home.keys(plant.id)
    assert not home.hass.config_entries.flow.async_progress()
    assert home.value(plant.id, "connection_status") == "ok"


# --- runs ------------------------------------------------------------------------------


async def test_a_forced_charge_is_proved_by_telemetry(home: Home, mega: Any) -> None:
    """By the next upload; then everything is as it was."""
    before = held(mega)
    answer = await home.act("force_charge", mega.id, duration=45)
    await home.settle()
    assert answer == {"outcome": "accepted", "evidence": "read_back"}
    assert held(mega) == ("Full Backup", 100)
    assert home.value(mega.id, "forced_state") == "charging"
    assert home.value(mega.id, "battery_mode") == "backup"

    def is_proved() -> bool:
        return home.outcomes("force_charge") == [
            ("accepted", "read_back"),
            ("confirmed", "telemetry"),
        ]

    await home.pass_time(minutes=35, until=is_proved)
    await home.pass_time(minutes=46)
    assert home.value(mega.id, "forced_state") == "idle"
    assert home.outcomes("stop_forced") == [("confirmed", "read_back")]
    assert held(mega) == before
    assert home.value(mega.id, "backup_reserve") == "15.0"
    assert home.value(mega.id, "battery_mode") == "self_consumption"
    assert done(home) == 2
    assert not home.refused()


async def test_a_target_ends_a_forced_charge(home: Home, mega: Any) -> None:
    """We watch it, upload by upload."""
    soc = float(home.value(mega.id, "battery_soc"))
    await home.act("force_charge", mega.id, target_soc=round(soc) + 5, duration=300)

    def is_idle() -> bool:
        return home.value(mega.id, "forced_state") == "idle"

    await home.pass_time(minutes=60, until=is_idle)
    assert float(home.value(mega.id, "battery_soc")) >= round(soc) + 5
    assert held(mega) == ("Self-consumption", 15)


async def test_a_hold_is_a_setting(home: Home, mega: Any) -> None:
    """It is confirmed by reading it back, and stopped by hand."""
    assert await home.act("hold", mega.id, duration=60) == {
        "outcome": "confirmed",
        "evidence": "read_back",
    }
    await home.settle()
    assert home.value(mega.id, "forced_state") == "holding"
    assert float(home.value(mega.id, "backup_reserve")) == held(mega)[1] > 15
    await home.press(mega.id, "stop_forced")
    await home.settle()
    assert held(mega) == ("Self-consumption", 15)
    assert home.value(mega.id, "forced_state") == "idle"


async def test_what_there_is_not(home: Home, mega: Any) -> None:
    """No forced discharge, no power to choose, no limit of the feed-in, no schedule."""
    keys = home.keys(mega.id)
    assert {"force_charge", "hold", "stop_forced", "forced_duration"} <= keys
    assert not {"force_discharge", "forced_power", "export_limit"} & keys
    with pytest.raises(HomeAssistantError):
        await home.act("force_discharge", mega.id)
    with pytest.raises(HomeAssistantError):
        await home.act("limit_export", mega.id, power=0)
    assert done(home) == 0


async def test_without_charging_from_the_grid_no_forced_charge(home: Home) -> None:
    """The owner's own switch decides."""
    plant: Any = home.sim.plant("mega")
    plant.settings.charge_from_grid = "disabled"
    await home.set_up("mega")
    await home.pass_time(minutes=2)
    assert "hold" in home.keys(plant.id)
    assert "force_charge" not in home.keys(plant.id)
    with pytest.raises(HomeAssistantError):
        await home.act("force_charge", plant.id, duration=30)


async def test_a_run_is_adopted_after_a_restart(home: Home, mega: Any) -> None:
    """And ended when its time is up; one that somebody ended is given up."""
    await home.act("force_charge", mega.id, duration=60)
    await home.skip(minutes=10)
    assert home.value(mega.id, "forced_state") == "charging"
    await home.pass_time(minutes=52)
    assert held(mega) == ("Self-consumption", 15)
    await home.act("force_charge", mega.id, duration=60)
    mega.change(home.time.now().timestamp(), {"battery_mode": "Savings Mode"})
    await home.skip(minutes=10)
    await home.pass_time(minutes=2)
    assert home.value(mega.id, "forced_state") == "idle"
    assert held(mega) == ("Savings Mode", 15)
