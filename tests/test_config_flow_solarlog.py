"""Solar-Log in the config flow: a client of the User API, with and without a list."""

from typing import Any

import pytest

from custom_components.solar_cloud.const import DOMAIN
from homeassistant.config_entries import SOURCE_RECONFIGURE, ConfigFlowResult
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType

from tests.common import Home
from tests.test_config_flow import Flow, suggested, told


@pytest.fixture
def vendors() -> tuple[str, ...]:
    """Return the cloud that these tests need."""
    return ("solarlog",)


@pytest.fixture
def flow(home: Home) -> Flow:
    """Return a flow."""
    return Flow(home)


async def sign_in(flow: Flow, name: str, **changed: str) -> ConfigFlowResult:
    """Go to the form and send it."""
    await flow.start()
    form = await flow.choose("solarlog")
    assert form["step_id"] == "solarlog"
    fields: dict[str, Any] = flow.home.sim.account(name).fields | changed
    return await flow.submit({key: value for key, value in fields.items() if value})


@pytest.mark.parametrize("name", ["advanced", "basic", "basic_battery"])
async def test_an_account_is_added(home: Home, flow: Flow, name: str) -> None:
    """The last form offers nothing to steer, and the entry only reads."""
    account = home.sim.account(name)
    result = await sign_in(flow, name)
    fields = {str(key) for key in result["data_schema"].schema}
    many = len(account.plants) > 1
    assert fields == {"energy_dashboard"} | ({"plants"} if many else set())
    summary = told(result)
    assert all(plant.name in summary for plant in account.plants)
    assert "every 15 minutes" in summary
    assert "**Can be steered:** -" in summary
    result = await flow.submit({"energy_dashboard": False})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    await home.settle()
    entities = [row.entity_id for row in home.hass.states.async_all()]
    steering = ("select.", "number.", "switch.", "button.")
    assert all("refresh" in row for row in entities if row.startswith(steering))
    assert not any(row.startswith("event.") for row in entities)
    options = await home.hass.config_entries.options.async_init(
        result["result"].entry_id
    )
    assert "control" not in {str(key) for key in options["data_schema"].schema}
    assert not home.refused()


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"client_secret": "wrong"}, "invalid_auth"),
        ({"client_id": "wrong"}, "invalid_auth"),
        ({"portal": "elsewhere"}, "no_permission"),
        ({"host": "http://127.0.0.1:9"}, "cannot_connect"),
        ({"auth_host": "http://127.0.0.1:9"}, "cannot_connect"),
    ],
)
async def test_a_sign_in_that_fails_says_why(
    flow: Flow, changed: dict[str, str], error: str
) -> None:
    """Each cause has its own words."""
    await sign_in(flow, "advanced", **changed)
    assert flow.error() == {"base": error}


async def test_without_the_list_a_plant_id_is_needed(home: Home, flow: Flow) -> None:
    """The list fails at the vendor: the form asks for the plant, also as an address."""
    await sign_in(flow, "basic", plant_id="")
    assert flow.error() == {"base": "no_plants"}
    account = home.sim.account("basic")
    page = "https://x.enerest.world/administration/plants/detail/"
    plant = account.plants[0].id
    portal = f"https://{account.portal}.enerest.world/"
    await flow.submit(account.fields | {"plant_id": page + plant, "portal": portal})
    result = await flow.submit({"energy_dashboard": False})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["data"]["plant_ids"] == [plant]


async def test_a_plant_that_is_not_the_users(home: Home, flow: Flow) -> None:
    """An id that the portal does not know is no plant."""
    await sign_in(flow, "basic", plant_id=home.sim.plant("advanced").id)
    assert flow.error() == {"base": "no_plants"}


async def test_a_client_that_is_refused_is_signed_in_again(
    hass: HomeAssistant, home: Home
) -> None:
    """The secret is asked for again; entities stay."""
    await home.set_up("advanced", control=False)
    account = home.sim.account("advanced")
    account.revoke()
    await home.pass_time(minutes=21)
    (started,) = hass.config_entries.flow.async_progress_by_handler(DOMAIN)
    assert started["step_id"] == "reauth_confirm"
    account.renew("another")
    form = await hass.config_entries.flow.async_configure(started["flow_id"])
    assert {str(key) for key in form["data_schema"].schema} == {"client_secret"}
    told(form)
    result = await hass.config_entries.flow.async_configure(
        started["flow_id"], {"client_secret": "another"}
    )
    assert result["reason"] == "reauth_successful"
    await home.settle()
    assert home.entry.data["credentials"]["client_secret"] == "another"
    await home.pass_time(minutes=21)
    assert home.value(account.plants[0].id, "connection_status") == "ok"


async def test_an_account_is_reconfigured(hass: HomeAssistant, home: Home) -> None:
    """The form is filled in, without the secret; another portal's plants are refused."""
    await home.set_up("basic", control=False)
    form = await hass.config_entries.flow.async_init(
        DOMAIN,
        context={"source": SOURCE_RECONFIGURE, "entry_id": home.entry.entry_id},
    )
    shown = suggested(form)
    fields = home.sim.account("basic").fields
    assert shown["plant_id"] == fields["plant_id"]
    assert "client_secret" not in shown
    result = await hass.config_entries.flow.async_configure(
        form["flow_id"], home.sim.account("advanced").fields
    )
    assert result["reason"] == "wrong_account"
