"""The Energy dashboard: which entity belongs where, and setting it up."""

from typing import Any

import pytest

from custom_components.solar_cloud.account import Account
from custom_components.solar_cloud.const import DOMAIN
from custom_components.solar_cloud.dashboard import async_carry_out_choice
from homeassistant.components.energy.data import async_get_manager
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.setup import async_setup_component

from tests.common import Home

KINDS = {"solar", "grid", "battery"}


@pytest.fixture
async def energy(home: Home, hass: HomeAssistant) -> Any:
    """Return the Energy dashboard's preferences."""
    hass.config.components.add("recorder")
    return await async_get_manager(hass)


def kinds(sources: list[dict[str, Any]]) -> set[str]:
    """Return the kinds of sources, the newest of which not every version takes."""
    return {row["type"] for row in sources} - {"home"}


async def test_slots_and_their_entities_are_told(home: Home) -> None:
    """Energy, power, state of charge and capacity, with the signs it wants."""
    await home.set_up("kh")
    hybrid, other = home.sim.account("kh").plants
    found = await home.act("get_energy_config", hybrid.id)
    sources = {row["type"]: row for row in found["energy_sources"]}
    assert kinds(found["energy_sources"]) == KINDS
    assert sources["grid"]["stat_energy_from"] == home.entity_id(
        hybrid.id, "grid_import_energy"
    )
    assert sources["grid"]["stat_rate"] == home.entity_id(hybrid.id, "grid_power")
    assert sources["battery"]["stat_energy_from"] == home.entity_id(
        hybrid.id, "battery_discharge_energy"
    )
    assert sources["battery"]["capacity"] == 10.36
    found = await home.act("get_energy_config", other.id)
    assert kinds(found["energy_sources"]) == {"solar"}


async def test_an_entity_that_is_disabled_belongs_nowhere(home: Home) -> None:
    """A source without its energy is left out, one without its power is not."""
    await home.set_up("evo")
    plant = home.sim.plant("evo").id
    registry = er.async_get(home.hass)
    for key in ("grid_import_energy", "pv_power", "battery_capacity"):
        registry.async_update_entity(
            home.entity_id(plant, key), disabled_by=er.RegistryEntryDisabler.USER
        )
    found = await home.act("get_energy_config", plant)
    sources = {row["type"]: row for row in found["energy_sources"]}
    assert "grid" not in sources
    assert "stat_rate" not in sources["solar"]


async def test_the_dashboard_is_set_up_once(home: Home, energy: Any) -> None:
    """What is there stays as it is; a dry run only tells."""
    await home.set_up("kh")
    hybrid, other = home.sim.account("kh").plants

    async def act(**data: Any) -> Any:
        return await home.hass.services.async_call(
            DOMAIN,
            "setup_energy_dashboard",
            data,
            blocking=True,
            return_response=True,
        )

    told = await act()
    assert told["applied"] is False
    assert not (energy.data or {}).get("energy_sources")
    mine = {
        "type": "solar",
        "stat_energy_from": home.entity_id(other.id, "pv_energy"),
        "config_entry_solar_forecast": None,
    }
    await energy.async_update({"energy_sources": [mine]})
    done = await act(plants=[home.device_id(hybrid.id)], apply=True)
    assert done["applied"] is True
    assert kinds(done["energy_sources"]) == KINDS
    sources = energy.data["energy_sources"]
    assert sources[0]["stat_energy_from"] == mine["stat_energy_from"]
    assert kinds(sources) == KINDS
    again = await act(apply=True)
    assert not kinds(again["energy_sources"])
    assert len(energy.data["energy_sources"]) == len(sources)


async def test_the_choice_of_the_flow_is_carried_out_once(
    home: Home, energy: Any
) -> None:
    """After set-up; what the user changes later stays."""
    assert await async_setup_component(home.hass, "homeassistant", {})
    await home.set_up("evo", energy_dashboard=True)
    await home.settle()
    assert kinds(energy.data["energy_sources"]) == KINDS
    assert home.entry.options["energy_dashboard"] is False
    await energy.async_update({"energy_sources": []})
    await home.skip(minutes=1)
    assert energy.data["energy_sources"] == []


async def test_the_choice_waits_until_all_is_told(
    home: Home, energy: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A feed that is late has its energies in the dashboard, too."""
    await home.set_up("kh")
    told = iter((True, True, False))
    monkeypatch.setattr(Account, "is_incomplete", property(lambda _: next(told)))
    await async_carry_out_choice(home.account, home.hass)
    assert next(told, None) is None
    assert kinds(energy.data["energy_sources"]) == KINDS
