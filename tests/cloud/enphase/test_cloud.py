"""What an Enphase account tells, on each plan and in both versions."""

from .world import World


async def test_powers_are_the_home_s(watt: World) -> None:
    """Powers of meters and batteries, in our signs."""
    await watt.poll("systems", "live")
    truth = watt.system.truth(watt.now.timestamp())[""]
    for key in ("pv_power", "load_power", "grid_power", "battery_power"):
        assert abs(watt.values()[key] - truth[key]) < 2, key
