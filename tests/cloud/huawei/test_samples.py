"""Real-time data: every unit, every sign, and what is no value."""

import pytest

from .world import World

NEAR = {"inverter_power": 3, "pv_power": 40, "battery_power": 40, "grid_power": 5}


@pytest.mark.parametrize("name", ["home", "emma", "owner"])
async def test_every_reading_is_what_the_cloud_has(
    open_world: object, name: str
) -> None:
    """All values of all devices agree with what is true of the sample that is shown."""
    world: World = await open_world(name)  # type: ignore[operator]
    await world.vendor.identify()
    await world.poll("devices")
    found = await world.readings()
    compared = 0
    for plant in world.account.plants:
        truth = plant.truth(plant.published(world.sim.clock.seconds()))
        for subject, rows in found.items():
            known = (
                truth["" if subject == plant.id else subject]
                if (subject == plant.id or subject in truth)
                else {}
            )
            for key, value in rows.items():
                if key not in known or not isinstance(value, float):
                    continue
                assert value == pytest.approx(known[key], rel=0.01, abs=1.0), (
                    subject,
                    key,
                )
                compared += 1
    assert compared > 40
    assert not world.refused
