"""Flags of plants and devices."""

from homeassistant.const import STATE_UNKNOWN

from tests.common import Home


async def test_flags_are_the_truth(home: Home) -> None:
    """Charging, online, trouble and grid, each with the class that Home Assistant knows."""
    await home.set_up("evo")
    plant = home.sim.plant("evo")
    sn, battery = plant.device.sn, plant.device.batteries[0].serials[0]
    shown = {
        (subject, key): (
            home.value(subject, key),
            home.state(subject, key).attributes.get("device_class"),
        )
        for subject, key in (
            (battery, "battery_charging"),
            (plant.id, "online"),
            (plant.id, "problem"),
            (sn, "grid_connected"),
        )
    }
    assert list(shown.values()) == [
        ("on", "battery_charging"),
        ("on", "connectivity"),
        ("off", "problem"),
        ("on", "connectivity"),
    ]


async def test_a_fault_is_a_problem_of_its_plant(home: Home) -> None:
    """The plant is not healthy any more until the fault is gone."""
    await home.set_up("evo")
    plant = home.sim.plant("evo")
    home.sim.fault("device_fault", code=4137, message="Grid lost")
    await home.pass_time(minutes=7)
    assert home.value(plant.device.sn, "problem") == "on"
    assert home.value(plant.id, "problem") == "on"
    assert home.value(plant.id, "plant_health") == "faulty"
    assert home.value(plant.device.sn, "fault_code") == "4137"
    home.sim.clear_faults()
    await home.pass_time(minutes=7)
    assert home.value(plant.id, "problem") == "off"
    assert home.value(plant.id, "plant_health") == "healthy"


async def test_a_plant_whose_logger_is_silent_is_disconnected(home: Home) -> None:
    """Its flags are unknown, not wrong."""
    await home.set_up("evo")
    plant = home.sim.plant("evo")
    home.sim.fault("logger_offline")
    await home.pass_time(minutes=25)
    await home.press(plant.id, "refresh")
    assert home.value(plant.id, "online") == "off"
    assert home.value(plant.id, "plant_health") == "disconnected"
    assert home.value(plant.device.sn, "grid_connected") == STATE_UNKNOWN
