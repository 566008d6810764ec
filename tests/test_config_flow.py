"""From the vendor menu to an entry; signing in again; moving; options."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
import json
from typing import Any

import pytest

from custom_components.solar_cloud.cloud.registry import VENDORS
from custom_components.solar_cloud.const import DOMAIN
from custom_components.solar_cloud.sign_in import normal_host
from homeassistant.config_entries import (
    SOURCE_RECONFIGURE,
    SOURCE_USER,
    ConfigFlowResult,
)
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import entity_registry as er

from tests.common import Home, filled, text_of, texts
from tests.simulator import Simulator

NOWHERE = "http://127.0.0.1:9"


def told(result: ConfigFlowResult, part: str = "config") -> str:
    """Check that all that a step shows has a text, and return its description."""
    words = texts()[part]
    if result["type"] is FlowResultType.ABORT:
        return filled(words["abort"][result["reason"]], {})
    if result["type"] is FlowResultType.EXTERNAL_STEP_DONE:
        return ""
    step = words["step"][result["step_id"]]
    if result["type"] is FlowResultType.EXTERNAL_STEP:
        return filled(step["description"], {})
    if result["type"] is FlowResultType.MENU:
        assert set(result["menu_options"]) == set(step["menu_options"])
        return filled(step.get("description", ""), {})
    fields = {str(key) for key in result["data_schema"].schema}
    assert fields <= set(step["data"])
    assert fields <= set(step["data_description"])
    placeholders = result["description_placeholders"] or {}
    for error in (result["errors"] or {}).values():
        assert filled(words["error"][error], placeholders)
    return filled(step.get("description", ""), placeholders)


def suggested(result: ConfigFlowResult) -> dict[str, Any]:
    """Return with what a form is filled in."""
    return {
        str(key): key.description["suggested_value"]
        for key in result["data_schema"].schema
        if key.description
    }


class Flow:
    """A flow that a user goes through."""

    def __init__(self, home: Home) -> None:
        """Start nothing yet."""
        self.home = home
        self.flows = home.hass.config_entries.flow
        self.result: ConfigFlowResult

    async def start(self) -> ConfigFlowResult:
        """Go to the menu of vendors."""
        self.result = await self.flows.async_init(
            DOMAIN, context={"source": SOURCE_USER}
        )
        told(self.result)
        return self.result

    async def begin(self, step: str = "foxess_key") -> ConfigFlowResult:
        """Go to the form of a way in."""
        await self.start()
        await self.choose("foxess")
        return await self.choose(step)

    async def choose(self, step: str) -> ConfigFlowResult:
        """Choose from a menu."""
        assert self.result["type"] is FlowResultType.MENU
        assert step in self.result["menu_options"]
        return await self.submit({"next_step_id": step})

    async def submit(self, given: dict[str, Any]) -> ConfigFlowResult:
        """Send a form."""
        self.result = await self.flows.async_configure(self.result["flow_id"], given)
        if self.result["type"] is not FlowResultType.CREATE_ENTRY:
            told(self.result)
        await self.home.settle()
        return self.result

    def error(self) -> dict[str, str]:
        """Return the errors of the form that is shown."""
        assert self.result["type"] is FlowResultType.FORM
        return self.result["errors"] or {}

    async def finish(self, **choices: Any) -> ConfigFlowResult:
        """Send the last form."""
        assert self.result["step_id"] == "finish"
        return await self.submit(
            {"control": False, "energy_dashboard": False} | choices
        )


@pytest.fixture
def flow(home: Home) -> Flow:
    """Return a flow."""
    return Flow(home)


# --- a new account ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "steered"),
    [
        ("kh", {"Battery mode", "Minimum SOC", "Export limit", "Force charge"}),
        ("h3", {"Battery mode", "Minimum SOC", "Export limit", "Force discharge"}),
        ("evo", {"Battery mode", "Minimum SOC", "Hold battery"}),
    ],
)
async def test_an_account_is_added(
    home: Home, flow: Flow, name: str, steered: set[str]
) -> None:
    """The last form sums up what was found, and set-up does not ask again."""
    account = home.sim.account(name)
    await flow.begin()
    await flow.submit(account.fields)
    summary = told(flow.result)
    for plant in account.plants:
        assert plant.name in summary
    assert "every 5 minutes" in summary
    offered = summary.split("Can be steered:**")[1].split("**Not offered")[0]
    assert steered <= {word.strip() for word in offered.split(",")}
    fields = {str(key) for key in flow.result["data_schema"].schema}
    many = {"plants"} if len(account.plants) > 1 else set()
    assert fields == {"control", "energy_dashboard"} | many

    calls = len(home.sim.calls)
    result = await flow.finish(control=True)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    entry = home.entry = result["result"]
    plants = sorted(plant.id for plant in account.plants)
    assert entry.unique_id == plants[0]
    assert entry.data == {
        "vendor": "foxess",
        "way": "foxess_key",
        "credentials": account.fields,
        "plant_ids": plants,
    }
    assert entry.options["plants"] == plants
    assert entry.options["control"] is True
    assert [row.endpoint for row in home.sim.calls[calls:]] == []
    assert home.value(plants[0], "connection_status") == "ok"
    assert not home.refused()


async def test_only_the_chosen_plants_are_shown(home: Home, flow: Flow) -> None:
    """A plant that was not chosen has no device; without control nothing steers."""
    account = home.sim.account("kh")
    hybrid, other = account.plants
    await flow.begin()
    await flow.submit(account.fields)
    result = await flow.finish(plants=[hybrid.id])
    home.entry = result["result"]
    assert result["title"] == f"FoxESS {hybrid.name}"
    assert home.device(hybrid.id)
    assert home.device(other.id) is None
    assert "force_charge" not in home.keys(hybrid.id)
    assert not {"min_soc", "battery_mode"} & home.keys(hybrid.device.sn)


async def test_an_account_goes_on_when_looking_around_fails(
    home: Home, flow: Flow
) -> None:
    """What could not be found out in the flow, set-up finds out."""
    account = home.sim.account("h3")
    await flow.begin()
    home.sim.fault("html", endpoint="/op/v1/device/real/query")
    await flow.submit(account.fields)
    assert "steered:** -" in told(flow.result)
    home.sim.clear_faults()
    result = await flow.finish(control=True)
    home.entry = result["result"]
    assert home.value(account.plants[0].id, "connection_status") == "ok"
    assert "min_soc" in home.keys(account.devices[0].sn)


async def _wrong_key(sim: Simulator, fields: dict[str, str]) -> dict[str, str]:
    return fields | {"api_key": "0c7a1f3e-wrong"}


async def _wrong_host(sim: Simulator, fields: dict[str, str]) -> dict[str, str]:
    return fields | {"host": NOWHERE}


async def _revoked(sim: Simulator, fields: dict[str, str]) -> dict[str, str]:
    old = dict(fields)
    sim.account("evo").renew("a-new-key")
    return old


def _fault(kind: str, **args: Any) -> Callable[..., Any]:
    async def wrong(sim: Simulator, fields: dict[str, str]) -> dict[str, str]:
        sim.fault(kind, endpoint="/op/v0/plant/list", **args)
        return fields

    return wrong


@pytest.mark.parametrize(
    ("wrong", "error", "pause"),
    [
        pytest.param(_wrong_key, "invalid_auth", 0, id="wrong key"),
        pytest.param(_revoked, "invalid_auth", 0, id="revoked key"),
        pytest.param(_wrong_host, "cannot_connect", 0, id="wrong host"),
        pytest.param(_fault("html"), "unexpected_answer", 0, id="html"),
        pytest.param(_fault("empty"), "unexpected_answer", 0, id="empty body"),
        pytest.param(_fault("null_result"), "unexpected_answer", 0, id="null"),
        pytest.param(_fault("no_result"), "unexpected_answer", 0, id="no result"),
        pytest.param(_fault("garbage"), "unexpected_answer", 0, id="garbage"),
        pytest.param(_fault("drop_before"), "cannot_connect", 0, id="drop before"),
        pytest.param(_fault("drop_after"), "cannot_connect", 0, id="drop after"),
        pytest.param(_fault("status", status=500), "cannot_connect", 0, id="500"),
        pytest.param(_fault("status", status=503), "cannot_connect", 0, id="503"),
        pytest.param(_fault("status", status=404), "unexpected_answer", 0, id="404"),
        pytest.param(_fault("status", status=401), "invalid_auth", 0, id="401"),
        pytest.param(_fault("status", status=403), "cannot_connect", 0, id="403"),
        pytest.param(_fault("status", status=429), "quota", 10, id="429"),
        pytest.param(_fault("errno", errno=40400), "quota", 10, id="too often"),
        pytest.param(_fault("errno", errno=40402), "quota", 901, id="day spent"),
        pytest.param(_fault("errno", errno=41811), "no_permission", 0, id="41811"),
        pytest.param(_fault("errno", errno=40257), "unexpected_answer", 0, id="40257"),
        pytest.param(_fault("errno", errno=99999), "unexpected_answer", 0, id="errno"),
        pytest.param(_fault("refused_token", errno=41808), "invalid_auth", 0, id="tok"),
    ],
)
async def test_an_error_is_told_and_the_flow_goes_on(
    home: Home, flow: Flow, wrong: Any, error: str, pause: float
) -> None:
    """Whatever a cloud answers is a clear error, and the same flow still finishes."""
    account = home.sim.account("evo")
    await flow.begin()
    await flow.submit(await wrong(home.sim, dict(account.fields)))
    assert flow.error() == {"base": error}
    home.sim.clear_faults()
    await home.pass_time(pause)
    await flow.submit(account.fields)
    assert (await flow.finish())["type"] is FlowResultType.CREATE_ENTRY


async def test_an_answer_that_makes_no_sense_is_told(home: Home, flow: Flow) -> None:
    """JSON of the right shape, with values that cannot be."""
    account = home.sim.account("evo")
    body = {"errno": 0, "result": {"data": [{"stationID": "1"}], "total": "many"}}
    await flow.begin()
    home.sim.fault(
        "status", status=200, body=json.dumps(body), endpoint="/op/v0/plant/list"
    )
    await flow.submit(account.fields)
    assert flow.error() == {"base": "unexpected_answer"}
    home.sim.clear_faults()
    await flow.submit(account.fields)
    assert (await flow.finish())["type"] is FlowResultType.CREATE_ENTRY


async def test_a_vendor_with_one_way_in_that_is_only_read(
    home: Home, flow: Flow, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is no second menu, neither at first nor later, and no choice of control."""
    account = home.sim.account("evo")
    monkeypatch.setitem(
        VENDORS, "foxess", replace(VENDORS["foxess"], menu=False, control=False)
    )
    flow.result = await flow.flows.async_init(DOMAIN, context={"source": SOURCE_USER})
    await flow.choose("foxess_key")
    await flow.submit(account.fields)
    fields = {str(key) for key in flow.result["data_schema"].schema}
    assert fields == {"energy_dashboard"}
    home.entry = (await flow.submit({"energy_dashboard": False}))["result"]
    assert home.entry.options["control"] is False
    result = await home.hass.config_entries.options.async_init(home.entry.entry_id)
    assert "control" not in {str(key) for key in result["data_schema"].schema}
    flow.result = await home.hass.config_entries.flow.async_init(
        DOMAIN,
        context={"source": SOURCE_RECONFIGURE, "entry_id": home.entry.entry_id},
    )
    assert flow.result["step_id"] == "foxess_key"


async def test_an_entry_moves_to_another_way_in(
    home: Home, flow: Flow, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its form is empty, as the entry has nothing of it yet."""
    home.add_entry("evo")
    home.hass.config_entries.async_update_entry(
        home.entry, data={**home.entry.data, "way": "foxess_oauth"}
    )
    flow.result = await home.hass.config_entries.flow.async_init(
        DOMAIN,
        context={"source": SOURCE_RECONFIGURE, "entry_id": home.entry.entry_id},
    )
    await flow.choose("foxess_key")
    assert not suggested(flow.result)
    home.hass.config_entries.flow.async_abort(flow.result["flow_id"])


async def test_a_cloud_that_never_answers_is_told(home: Home, flow: Flow) -> None:
    """A time-out is an error of the form, too."""
    account = home.sim.account("evo")
    await flow.begin()
    home.sim.fault("timeout", endpoint="/op/v0/plant/list")
    signing_in = asyncio.create_task(flow.submit(account.fields))
    while not home.asked("/op/v0/plant/list"):
        await asyncio.sleep(0.001)
    home.time.tick(31)
    await signing_in
    assert flow.error() == {"base": "cannot_connect"}
    home.sim.clear_faults()
    await flow.submit(account.fields)
    assert (await flow.finish())["type"] is FlowResultType.CREATE_ENTRY


async def test_an_account_without_plants_is_told(home: Home, flow: Flow) -> None:
    """The account may get its first plant while the form is open."""
    account = home.sim.account("evo")
    plants, account.plants = account.plants, []
    await flow.begin()
    await flow.submit(account.fields)
    assert flow.error() == {"base": "no_plants"}
    account.plants = plants
    await flow.submit(account.fields)
    assert (await flow.finish())["type"] is FlowResultType.CREATE_ENTRY


async def test_a_spent_quota_is_told(home: Home, flow: Flow) -> None:
    """Another client of the account has used up the day's calls."""
    account = home.sim.account("evo")
    home.sim.vendors["foxess"].spend("evo", 1440)
    await flow.begin()
    await flow.submit(account.fields)
    assert flow.error() == {"base": "quota"}
    calls = len(home.sim.calls)
    await flow.submit(account.fields)
    assert flow.error() == {"base": "quota"}
    assert [row.endpoint for row in home.sim.calls[calls:]] == []
    home.time.tick(86_460)
    await flow.submit(account.fields)
    assert (await flow.finish())["type"] is FlowResultType.CREATE_ENTRY


@pytest.mark.parametrize(
    ("typed", "host"),
    [
        ("www.foxesscloud.com", "https://www.foxesscloud.com"),
        ("https://www.foxesscloud.com/", "https://www.foxesscloud.com"),
        ("https://www.foxesscloud.com/?a=b#c", "https://www.foxesscloud.com"),
        ("http://127.0.0.1:8801", "http://127.0.0.1:8801"),
        ("http://localhost:8801/", "http://localhost:8801"),
        ("http://[::1]:8801", "http://[::1]:8801"),
        ("http://www.foxesscloud.com", None),
        ("http://192.168.1.4", None),
        ("ftp://127.0.0.1", None),
        ("https://", None),
        ("https://a:b", None),
        ("", None),
    ],
)
def test_a_host_is_https_or_this_machine(typed: str, host: str | None) -> None:
    """Plain HTTP would show the key to everybody on the way."""
    assert normal_host(typed) == host


async def test_a_host_without_encryption_is_refused(home: Home, flow: Flow) -> None:
    """Nothing is sent to it."""
    account = home.sim.account("evo")
    await flow.begin()
    await flow.submit(account.fields | {"host": "http://www.foxesscloud.com"})
    assert flow.error() == {"host": "invalid_host"}
    assert suggested(flow.result)["host"] == "http://www.foxesscloud.com"
    await flow.submit({key: f" {row} " for key, row in account.fields.items()})
    assert (await flow.finish())["type"] is FlowResultType.CREATE_ENTRY


async def test_an_account_is_added_once(home: Home, flow: Flow) -> None:
    """Neither the account nor one of its plants may be in two entries."""
    account = home.sim.account("kh")
    home.add_entry("kh")
    await flow.begin()
    await flow.submit(account.fields)
    assert flow.result["type"] is FlowResultType.ABORT
    assert flow.result["reason"] == "already_configured"

    home.hass.config_entries.async_update_entry(home.entry, unique_id="another")
    await flow.begin()
    await flow.submit(account.fields)
    assert flow.result["reason"] == "already_configured"


# --- an account that is there -------------------------------------------------------


async def test_signing_in_again(home: Home, flow: Flow) -> None:
    """A new key puts an entry right; a wrong one and another account's do not."""
    account = home.sim.account("evo")
    await home.set_up("evo")
    account.renew("a-new-key")
    await home.pass_time(minutes=12)
    (flow.result,) = flow.flows.async_progress()
    assert flow.result["context"]["source"] == "reauth"
    await flow.submit({"api_key": "wrong"})
    assert flow.error() == {"base": "invalid_auth"}
    assert home.entry.title in told(flow.result)
    assert not suggested(flow.result)
    await flow.submit({"api_key": account.token})
    assert flow.result["reason"] == "reauth_successful"
    assert home.entry.data["credentials"] == account.fields
    plant = account.plants[0].id
    assert home.value(plant, "connection_status") == "ok"


async def test_signing_in_again_needs_the_same_account(home: Home, flow: Flow) -> None:
    """Another account's key is turned away."""
    home.add_entry("evo")
    before = dict(home.entry.data)
    flow.result = await home.entry.start_reauth_flow(home.hass)
    await flow.submit({"api_key": home.sim.account("h3").token})
    assert flow.result["reason"] == "wrong_account"
    assert home.entry.data == before


async def test_moving_an_entry(home: Home, flow: Flow) -> None:
    """The same menu and form as for a new account, without the secrets."""
    account = home.sim.account("evo")
    await home.set_up("evo")
    flow.result = await home.entry.start_reconfigure_flow(home.hass)
    told(flow.result)
    assert flow.result["step_id"] == "foxess"
    await flow.choose("foxess_key")
    assert suggested(flow.result) == {"host": account.fields["host"]}
    await flow.submit(account.fields | {"api_key": "wrong"})
    assert flow.error() == {"base": "invalid_auth"}
    account.renew("a-new-key")
    await flow.submit(account.fields)
    assert flow.result["reason"] == "reconfigure_successful"
    assert home.entry.data["credentials"]["api_key"] == "a-new-key"

    flow.result = await home.entry.start_reconfigure_flow(home.hass)
    await flow.choose("foxess_key")
    await flow.submit(home.sim.account("h3").fields)
    assert flow.result["reason"] == "wrong_account"


async def _options(home: Home, given: dict[str, Any]) -> None:
    options = home.hass.config_entries.options
    result = await options.async_init(home.entry.entry_id)
    told(result, "options")
    result = await options.async_configure(result["flow_id"], given)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    await home.settle()


def _live(hass: HomeAssistant, entity_id: str) -> bool:
    state = hass.states.get(entity_id)
    return state is not None and not state.attributes.get("restored")


async def test_options_are_carried_out_at_once(home: Home) -> None:
    """Control off takes the controls away, a plant that is not chosen is hidden."""
    hybrid, other = home.sim.account("kh").plants
    await home.set_up("kh")
    number = home.entity_id(hybrid.device.sn, "min_soc")
    other_power = home.entity_id(other.id, "pv_power")
    before = float(home.value(hybrid.id, "grid_power"))
    bought = home.value(hybrid.id, "grid_import_energy")
    assert _live(home.hass, number)

    await _options(
        home,
        {"control": False, "plants": [hybrid.id], "invert_meter": [hybrid.id]},
    )
    assert home.entry.options == {
        "control": False,
        "plants": [hybrid.id],
        "invert_meter": [hybrid.id],
    }
    assert not _live(home.hass, number)
    assert not _live(home.hass, other_power)
    assert float(home.value(hybrid.id, "grid_power")) == -before
    assert home.value(hybrid.id, "grid_export_energy") == bought

    await _options(home, {"control": True, "plants": [hybrid.id, other.id]})
    assert _live(home.hass, number)
    assert _live(home.hass, other_power)


async def test_options_of_an_entry_that_is_not_loaded(home: Home) -> None:
    """The plants' ids stand for their names, which are not known."""
    home.add_entry("kh")
    result = await home.hass.config_entries.options.async_init(home.entry.entry_id)
    assert told(result, "options") == ""


async def test_writes_per_day_are_bounded(home: Home) -> None:
    """The bound that the user set refuses further writes, and says so."""
    await home.set_up("h3", writes_per_day=1)
    sn = home.sim.account("h3").devices[0].sn
    await home.set_number(sn, "max_soc", 90)
    with pytest.raises(HomeAssistantError) as raised:
        await home.set_number(sn, "max_soc", 80)
    assert "as often today" in text_of(raised.value)
    assert home.outcomes("max_soc")[-1] == ("refused", None)
    assert home.value(sn, "max_soc") == "90.0"
    await home.skip(days=1)
    await home.set_number(sn, "max_soc", 80)
    assert home.value(sn, "max_soc") == "80.0"


async def test_the_registry_keeps_only_what_is_there(home: Home, flow: Flow) -> None:
    """Nothing of the flow is left behind when an entry is removed."""
    account = home.sim.account("evo")
    await flow.begin()
    await flow.submit(account.fields)
    home.entry = (await flow.finish())["result"]
    await home.hass.config_entries.async_remove(home.entry.entry_id)
    await home.settle()
    registry = er.async_get(home.hass)
    assert not er.async_entries_for_config_entry(registry, home.entry.entry_id)
