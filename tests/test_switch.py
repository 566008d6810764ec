"""Switches of a device."""

from homeassistant.helpers import entity_registry as er

from tests.common import Home


async def test_the_schedule_is_turned_on_and_off(home: Home) -> None:
    """The groups stay as they are."""
    await home.set_up("h3")
    device = home.sim.plant("h3").device
    groups = device.held()["groups"]
    for service, flag in (("turn_on", True), ("turn_off", False)):
        await home.do("switch", service, device.sn, "schedule_enabled")
        assert device.flag is flag
        assert home.value(device.sn, "schedule_enabled") == ("on" if flag else "off")
        assert home.outcomes("schedule_enabled")[-1] == ("confirmed", "read_back")
    assert device.held()["groups"] == groups


async def test_rare_switches_work_once_they_are_enabled(home: Home) -> None:
    """They are disabled at first, as hardly anybody needs them."""
    await home.set_up("h3")
    device = home.sim.plant("h3").device
    keys = {"backup_output": "EpsOutPut", "eco_mode": "ECOMode"}
    registry = er.async_get(home.hass)
    for key in keys:
        entity_id = home.entity_id(device.sn, key)
        assert registry.async_get(entity_id).disabled_by
        registry.async_update_entity(entity_id, disabled_by=None)
    await home.skip(seconds=30)
    for key, item in keys.items():
        assert home.value(device.sn, key) == "off"
        await home.do("switch", "turn_on", device.sn, key)
        assert home.value(device.sn, key) == "on"
        assert len(home.done(f"setting {item}")) == 1
