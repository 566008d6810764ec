"""Solar-Log in Home Assistant: what an account shows, and what it costs."""

import pytest

from tests.common import Home


@pytest.fixture
def vendors() -> tuple[str, ...]:
    """Return the cloud that these tests need."""
    return ("solarlog",)


@pytest.mark.parametrize("name", ["advanced", "basic", "basic_battery"])
async def test_an_account_is_shown(home: Home, name: str) -> None:
    """Plants have their values, and nothing was refused."""
    await home.set_up(name, control=False)
    for plant in home.sim.account(name).plants:
        for key in (
            "pv_power",
            "load_power",
            "pv_energy",
            "pv_energy_today",
            "grid_import_energy",
            "grid_export_energy",
            "load_energy",
        ):
            assert float(home.value(plant.id, key)) is not None, key
        assert home.value(plant.id, "connection_status") == "ok"
        assert home.value(plant.id, "plant_health") == "healthy"
    assert not home.unavailable()
    assert not home.refused()
