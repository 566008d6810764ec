"""What an account of each package shows, beside the truth of the simulated home."""

import pytest

from .conftest import Open


@pytest.mark.parametrize("name", ["advanced", "basic", "basic_battery"])
async def test_values_are_true(open_world: Open, name: str) -> None:
    """All that is true of a plant and its components is shown, and nothing is refused."""
    world = open_world(name)
    await world.vendor.identify()
    await world.poll()
    for plant in world.account.plants:
        world.plant = plant
        shown = {"": world.values()} | {
            row["id"]: world.values(row["id"]) for row in plant.listed()
        }
        truth = plant.truth(plant.published(world.sim.clock.seconds()))
        for subject, values in truth.items():
            for key, value in values.items():
                if key == "data_timestamp":
                    continue
                assert key in shown[subject], (subject, key, shown[subject])
                if isinstance(value, float):
                    told = shown[subject][key]
                    assert told == pytest.approx(value, rel=0.01, abs=1.01), key
                else:
                    assert shown[subject][key] == value, key
    assert not world.refused
