"""Alarms are told once when they come and once when they go."""

from custom_components.solar_cloud.const import DOMAIN

from tests.common import Home


async def test_an_alarm_is_raised_and_cleared(home: Home) -> None:
    """With the vendor's code and words; those from before are not told again."""
    await home.set_up("evo")
    plant = home.sim.plant("evo")
    assert home.value(plant.id, "alarm") == "unknown"
    home.sim.fault("device_fault", code=4137, message="Grid lost")
    await home.pass_time(minutes=7)
    await home.press(plant.id, "refresh")
    state = home.state(plant.id, "alarm")
    told = state.state
    assert state.attributes["event_type"] == "raised"
    assert state.attributes["device"] == plant.device.sn
    assert state.attributes["code"] == "4137"
    assert state.attributes["text"]
    assert state.attributes["at"]

    await home.skip(minutes=1)
    await home.press(plant.id, "refresh")
    assert home.value(plant.id, "alarm") == told

    home.sim.clear_faults()
    await home.pass_time(minutes=7)
    await home.press(plant.id, "refresh")
    state = home.state(plant.id, "alarm")
    assert state.attributes["event_type"] == "cleared"
    assert state.attributes["code"] == "4137"


async def test_an_alarm_stays_with_its_own_plant(home: Home) -> None:
    """The other plant of the account has none; a failed poll clears nothing."""
    await home.set_up("kh")
    hybrid, other = home.sim.account("kh").plants
    home.sim.fault("device_fault", device=hybrid.device.sn, code=4137, message="-")
    await home.pass_time(minutes=7)
    await home.press(hybrid.id, "refresh")
    raised = home.value(hybrid.id, "alarm")
    assert home.value(other.id, "alarm") == "unknown"
    home.sim.fault("html")
    await home.press(hybrid.id, "refresh")
    assert home.value(hybrid.id, "alarm") == raised
    assert home.hass.services.has_service(DOMAIN, "force_charge")
