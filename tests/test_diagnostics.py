"""Diagnostics hold all that helps, and nothing that names the owner."""

from collections.abc import Iterable
import json
from typing import Any

import pytest

from custom_components.solar_cloud.diagnostics import (
    async_get_config_entry_diagnostics,
    async_get_device_diagnostics,
)
from homeassistant.helpers.json import ExtendedJSONEncoder

from tests.common import Home


def secrets_of(home: Home, name: str) -> Iterable[str]:
    """Return what would tell who the owner is."""
    account = home.sim.account(name)
    yield account.token
    for plant in account.plants:
        yield from (plant.id, plant.name, plant.address)
        yield from (row["id"] for row in plant.listed())
        for battery in plant.device.batteries:
            yield from battery.serials
    yield f"owner_{name}"
    yield "10115"


@pytest.mark.parametrize("name", ["kh", "h3", "evo"])
async def test_an_accounts_diagnostics_name_nobody(home: Home, name: str) -> None:
    """Ids are aliases, the same everywhere, so that one still sees what belongs where."""
    await home.set_up(name)
    plant = home.sim.plant(name).id
    await home.act("hold", plant, duration=5)
    found = await async_get_config_entry_diagnostics(home.hass, home.entry)
    text = json.dumps(found, cls=ExtendedJSONEncoder)
    for secret in secrets_of(home, name):
        assert secret not in text, secret
    assert found["vendor"] == "foxess"
    assert found["status"]["plant_1"] == "ok"
    assert "pv_power" in found["readings"]["plant_1"]
    assert found["absent_controls"]["inverter_1"]["low_power_mode"] == "unsupported"
    assert "min_soc" in found["controls"]["inverter_1"]
    assert found["feeds"]["realtime"]["success"] is True
    assert found["quota"]["made"]
    assert found["forced"]["plant_1"]["ends_at"]
    assert any("real/query" in key for key in found["raw"])


async def test_a_devices_diagnostics_are_its_own(home: Home) -> None:
    """Of a plant, of an inverter, and when the cloud does not answer."""
    await home.set_up("kh")
    plant = home.sim.plant("kh")
    devices: dict[str, Any] = {}
    for subject in (plant.id, plant.device.sn):
        device = home.device(subject)
        assert device
        devices[subject] = await async_get_device_diagnostics(
            home.hass, home.entry, device
        )
        text = json.dumps(devices[subject], cls=ExtendedJSONEncoder)
        for secret in secrets_of(home, "kh"):
            assert secret not in text, secret
    assert devices[plant.id]["device"] is None
    assert devices[plant.id]["readings"]["pv_energy"]["value"] > 0
    assert devices[plant.device.sn]["subject"] == "inverter_1"
    assert devices[plant.device.sn]["controls"]["max_soc"]["value"] == 100


async def test_trouble_is_in_the_diagnostics(home: Home) -> None:
    """With the vendor's code and without its secrets."""
    await home.set_up("evo")
    home.sim.fault("errno", errno=41200, msg="Query data failed")
    await home.pass_time(minutes=7)
    found = await async_get_config_entry_diagnostics(home.hass, home.entry)
    assert found["status"] == {"plant_1": "cloud_down"}
    assert "41200" in found["feeds"]["realtime"]["error"]
