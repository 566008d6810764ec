"""Buttons: runs with the inputs as they are, refresh, the device's clock."""

import pytest

from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import entity_registry as er
from homeassistant.setup import async_setup_component

from tests.common import Home, text_of


@pytest.mark.parametrize(
    ("button", "mode", "target", "state"),
    [
        ("force_charge", "ForceCharge", 80, "charging"),
        ("force_discharge", "ForceDischarge", 30, "discharging"),
        ("hold", "SelfUse", None, "holding"),
    ],
)
async def test_runs_take_the_inputs(
    home: Home, button: str, mode: str, target: int | None, state: str
) -> None:
    """Power, minutes and target are what was set before."""
    await home.set_up("evo")
    plant = home.sim.plant("evo")
    await home.set_number(plant.id, "forced_power", 2000)
    await home.set_number(plant.id, "forced_duration", 30)
    await home.set_number(plant.id, "forced_charge_target_soc", 80)
    await home.set_number(plant.id, "forced_discharge_target_soc", 30)
    before = plant.device.held()
    await home.press(plant.id, button)
    (group,) = plant.device.groups
    assert group["workMode"] == mode
    if target:
        assert group["fdSoc"] == target
        assert group["fdPwr"] == 2000
    shown = home.state(plant.id, "forced_state")
    assert shown.state == state
    assert shown.attributes["target_soc"] == target
    assert shown.attributes["power"] == (2000 if target else None)
    assert shown.attributes["evidence"] == "read_back"
    await home.press(plant.id, "stop_forced")
    assert home.value(plant.id, "forced_state") == "idle"
    assert plant.device.held() == before


async def test_a_discharge_stops_where_the_number_says(home: Home) -> None:
    """Also when nobody typed it, and the device's own floor is lower."""
    plant = home.sim.plant("evo")
    plant.device.settings["MinSocOnGrid"] = "5"
    await home.set_up("evo")
    await home.press(plant.id, "force_discharge")
    (group,) = plant.device.groups
    shown = float(home.state(plant.id, "forced_discharge_target_soc").state)
    assert group["minSocOnGrid"] < group["fdSoc"] == shown


async def test_a_run_that_is_refused_is_told(home: Home) -> None:
    """Nothing is left behind in the device."""
    await home.set_up("evo")
    plant = home.sim.plant("evo")
    before = plant.device.held()
    home.sim.fault("errno", endpoint="*/scheduler/enable", errno=42023, msg="Not now")
    with pytest.raises(HomeAssistantError) as raised:
        await home.press(plant.id, "force_charge")
    assert "Not now" in text_of(raised.value)
    assert home.value(plant.id, "forced_state") == "idle"
    assert plant.device.held() == before


async def test_refresh_polls_everything(home: Home) -> None:
    """Although nothing new is due."""
    account = await home.set_up("evo")
    plant = home.sim.plant("evo").id
    before = {key: feed.data.at for key, feed in account.feeds.items()}
    await home.press(plant, "refresh")
    assert all(feed.data.at > before[key] for key, feed in account.feeds.items())
    assert not home.refused()


async def test_update_entity_polls_too(home: Home) -> None:
    """Home Assistant's own action for it."""
    await home.set_up("evo")
    plant = home.sim.plant("evo").id
    calls = len(home.sim.calls)
    entity_id = home.entity_id(plant, "pv_power")
    assert await async_setup_component(home.hass, "homeassistant", {})
    await home.hass.services.async_call(
        "homeassistant", "update_entity", {"entity_id": [entity_id]}, blocking=True
    )
    assert len(home.sim.calls) > calls


async def test_the_clock_is_set_when_the_user_asks(home: Home) -> None:
    """The button is disabled at first, as it ends the automatic synchronisation."""
    await home.set_up("kh")
    device = home.sim.plant("kh").device
    registry = er.async_get(home.hass)
    entity_id = home.entity_id(device.sn, "sync_clock")
    assert registry.async_get(entity_id).disabled_by
    registry.async_update_entity(entity_id, disabled_by=None)
    await home.skip(seconds=30)
    await home.press(device.sn, "sync_clock")
    assert abs(device.clock_offset) < 3
    assert home.outcomes("sync_clock")[-1] == ("confirmed", "read_back")
