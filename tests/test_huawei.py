"""FusionSolar in Home Assistant: what an account shows, and what it costs."""

import pytest

from tests.common import Home


@pytest.fixture
def vendors() -> tuple[str, ...]:
    """Return the cloud that these tests need."""
    return ("huawei",)


@pytest.mark.parametrize("name", ["home", "emma", "owner"])
async def test_an_account_is_shown(home: Home, name: str) -> None:
    """Plants and devices have their values, and nothing was refused."""
    await home.set_up(name, control=False)
    for plant in home.sim.account(name).plants:
        for key in (
            "pv_power",
            "load_power",
            "grid_power",
            "battery_power",
            "pv_energy",
            "inverter_energy",
            "grid_import_energy",
            "grid_export_energy",
            "battery_charge_energy",
            "load_energy",
            "battery_soc",
        ):
            assert float(home.value(plant.id, key)) >= -20_000, key
        assert home.value(plant.id, "connection_status") == "ok"
        assert home.value(plant.id, "plant_health") == "healthy"
    assert not home.unavailable()
    assert not home.refused()
