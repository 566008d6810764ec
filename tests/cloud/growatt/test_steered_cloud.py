"""Steering as the vendor offers it, before and after devices were seen."""

from datetime import timedelta

from custom_components.solar_cloud.cloud.control import Control

from .conftest import Open


async def test_settings_before_the_first_data(open_world: Open) -> None:
    """A storage machine is steered from the start; what data tells is asked for soon."""
    world = open_world("old")
    await world.poll("devices")
    found = (await world.poll("settings")).controls
    storage = world.account.plants[0].devices[1].sn
    assert isinstance(found[storage]["charge_from_grid"], Control)
    assert world.vendor.due("settings", 1.0) - world.clock.now() <= timedelta(minutes=5)
    await world.poll("realtime", "settings")
    left = world.vendor.due("settings", 1.0) - world.clock.now()
    assert left > timedelta(minutes=30)
    device = (await world.poll("devices")).devices[storage]
    limits = world.vendor.run_range(device)
    assert limits
    assert not limits.powered


async def test_a_min_before_the_first_data(open_world: Open) -> None:
    """A MIN may have a battery or not: that is looked at again in five minutes."""
    world = open_world("min")
    await world.poll("devices")
    hybrid = world.account.plants[0].devices[0].sn
    found = (await world.poll("settings")).controls
    assert not isinstance(found[hybrid]["battery_mode"], Control)
    assert world.vendor.due("settings", 1.0) - world.clock.now() <= timedelta(minutes=5)
    found = (await world.poll("realtime", "settings")).controls
    assert isinstance(found[hybrid]["battery_mode"], Control)
