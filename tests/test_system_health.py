"""System health: how the accounts stand."""

from pytest_homeassistant_custom_component.common import get_system_health_info

from custom_components.solar_cloud.const import DOMAIN
from homeassistant.components import system_health
from homeassistant.setup import async_setup_component

from tests.common import Home


async def test_accounts_are_told_without_names(home: Home) -> None:
    """The worst status of each, and the calls that are left."""
    assert system_health
    await async_setup_component(home.hass, "system_health", {})
    await home.set_up("kh")
    await home.settle()
    info = await get_system_health_info(home.hass, DOMAIN)
    assert info["accounts"] == 1
    told = info["FoxESS 1"]
    assert told.startswith("ok, ")
    assert told.endswith((" of 1440", " of 2880"))
    assert home.sim.plant("kh").name not in str(info)

    home.sim.account("kh").revoke()
    await home.pass_time(minutes=7)
    info = await get_system_health_info(home.hass, DOMAIN)
    assert info["FoxESS 1"].startswith("auth_failed")
    await home.unload()
    assert await get_system_health_info(home.hass, DOMAIN) == {"accounts": 0}
