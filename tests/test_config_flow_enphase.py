"""Enphase from the vendor menu to an entry: both versions, and the move between them."""

from typing import Any

from aiohttp import ClientSession
import pytest

from custom_components.solar_cloud.cloud.enphase.limits import PLANS
from homeassistant.components.energy.data import async_get_manager
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import entity_registry as er

from tests.common import Home
from tests.consent import consent
from tests.test_config_flow import Flow, told


@pytest.fixture
def vendors() -> tuple[str, ...]:
    """Return the cloud that these tests need."""
    return ("enphase",)


@pytest.fixture
def flow(home: Home) -> Flow:
    """Return a flow."""
    return Flow(home)


async def begin(flow: Flow, step: str) -> None:
    """Go to the form of a way in."""
    await flow.start()
    await flow.choose("enphase")
    await flow.choose(step)


async def paste(flow: Flow) -> None:
    """Consent on Enphase's page, and paste the address at which the browser ends."""
    await flow.choose("paste_code")
    result: Any = flow.result
    url = result["description_placeholders"]["authorize_url"]
    async with ClientSession() as browser:
        address = await consent(browser, url)
    await flow.submit({"code": address})


def minutes(text: str) -> tuple[int, int, int]:
    """Return every how many minutes power, state of charge and energy are told."""
    words = (
        text.split("New values:")[1]
        .split("Can be", maxsplit=1)[0]
        .replace(",", " ")
        .split()
    )
    power, soc, energy = (int(row) for row in words if row.isdigit())
    return power, soc, energy


@pytest.mark.parametrize("name", ["watt", "mega", "cellular"])
async def test_version_4_is_added(home: Home, flow: Flow, name: str) -> None:
    """With consent; the last form says how fresh each value will be on the plan."""
    account = home.sim.account(name)
    await begin(flow, "enphase_v4")
    form: Any = flow.result["data_schema"]
    (field,) = [value for key, value in form.schema.items() if str(key) == "plan"]
    assert field.config["options"] == list(PLANS)
    assert not field.config["custom_value"]
    await flow.submit(account.fields)
    await paste(flow)
    power, soc, energy = minutes(told(flow.result))
    if name == "mega":
        assert (power, soc, energy) == (15, 15, 15)
    else:
        assert power >= (360 if name == "cellular" else 60)
        assert energy >= power
    await flow.finish(control=True)
    assert flow.result["type"] is FlowResultType.CREATE_ENTRY
    home.entry = flow.result["result"]
    await home.pass_time(minutes=3)
    plant = account.plants[0]
    assert home.value(plant.id, "connection_status") == "ok"
    assert home.value(plant.id, "pv_energy") not in ("unknown", "unavailable")
    assert home.entry.data["credentials"]["plan"] == account.fields["plan"]
    assert not home.refused()


async def test_the_dashboard_waits_for_the_energies(home: Home, flow: Flow) -> None:
    """On the free plan they come a minute later; they are not left out."""
    home.hass.config.components.add("recorder")
    energy = await async_get_manager(home.hass)
    account = home.sim.account("watt")
    await begin(flow, "enphase_v4")
    await flow.submit(account.fields)
    await paste(flow)
    await flow.finish(energy_dashboard=True)
    home.entry = flow.result["result"]
    await home.pass_time(minutes=4)
    assert energy.data
    kinds = {row["type"] for row in energy.data["energy_sources"]}
    assert {"solar", "grid", "battery"} <= kinds


@pytest.mark.parametrize("typed", ["encoded", "number"])
async def test_version_2_is_added(home: Home, flow: Flow, typed: str) -> None:
    """With a key and a user, by the encoded form or the plain number."""
    account: Any = home.sim.account("legacy")
    await begin(flow, "enphase_v2")
    assert "retired version 2" in told(flow.result)
    user = account.fields["user_id"] if typed == "encoded" else str(account.number)
    await flow.submit(account.fields | {"user_id": user})
    await flow.finish()
    assert flow.result["type"] is FlowResultType.CREATE_ENTRY
    home.entry = flow.result["result"]
    await home.pass_time(minutes=4)
    for plant in account.plants:
        assert home.value(plant.id, "connection_status") == "ok"
        assert home.value(plant.id, "pv_energy") not in ("unknown", "unavailable")
    assert not home.refused()


async def test_a_key_that_is_not_valid(home: Home, flow: Flow) -> None:
    """A refused key is told as such."""
    account = home.sim.account("legacy")
    await begin(flow, "enphase_v2")
    await flow.submit(account.fields | {"api_key": "wrong"})
    assert flow.result["errors"] == {"base": "invalid_auth"}


async def test_an_entry_moves_from_version_2_to_4(home: Home, flow: Flow) -> None:
    """Ids, entities and counters stay; what version 2 does not know comes on top."""
    await home.set_up("legacy", control=False)
    await home.pass_time(minutes=4)
    account: Any = home.sim.account("legacy")
    metered = account.plants[1]
    before = {row.unique_id: row.entity_id for row in registry(home)}
    energy = float(home.value(metered.id, "pv_energy"))
    flow.result = await home.entry.start_reconfigure_flow(home.hass)
    await flow.choose("enphase_v4")
    host = {"host": account.fields["host"]}
    await flow.submit(account.others["enphase_v4"] | host)
    await paste(flow)
    assert flow.result.get("reason") == "reconfigure_successful", flow.result
    await home.pass_time(minutes=5)
    assert home.entry.data["way"] == "enphase_v4"
    after = {row.unique_id: row.entity_id for row in registry(home)}
    assert before.items() <= after.items()
    assert home.value(metered.id, "connection_status") == "ok"
    assert float(home.value(metered.id, "pv_energy")) >= energy
    assert "grid_import_energy" in home.keys(metered.id)
    assert not home.refused()


def registry(home: Home) -> list[er.RegistryEntry]:
    """Return the entities of the entry."""
    return er.async_entries_for_config_entry(
        er.async_get(home.hass), home.entry.entry_id
    )
