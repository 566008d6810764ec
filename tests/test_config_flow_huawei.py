"""FusionSolar from the vendor menu to an entry: both ways in, and what may be refused."""

from typing import Any

from aiohttp import ClientSession
import pytest
from yarl import URL

from custom_components.solar_cloud.const import DOMAIN
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import entity_registry as er, issue_registry as ir

from tests.common import Home, filled, texts
from tests.consent import consent
from tests.simulator import Simulator
from tests.test_config_flow import Flow, told


@pytest.fixture
def vendors() -> tuple[str, ...]:
    """Return the cloud that these tests need."""
    return ("huawei",)


@pytest.fixture
def flow(home: Home) -> Flow:
    """Return a flow."""
    return Flow(home)


async def begin(flow: Flow, step: str = "huawei_account") -> None:
    """Go to the form of a way in."""
    await flow.start()
    await flow.choose("huawei")
    await flow.choose(step)


async def paste(flow: Flow, *, allow: bool = True) -> None:
    """Consent on Huawei's page, and paste the address at which the browser ends."""
    await flow.choose("paste_code")
    url = flow.result["description_placeholders"]["authorize_url"]
    assert "redirect" not in URL(url).query["redirect_uri"]
    assert len(URL(url).query["state"]) < 128
    async with ClientSession() as browser:
        address = await consent(browser, url, allow=allow)
    await flow.submit({"code": address})


async def test_an_api_account_is_added(home: Home, flow: Flow) -> None:
    """One login serves flow and entry; what was found is not asked for again."""
    account = home.sim.account("home")
    plant = account.plants[0]
    await begin(flow)
    await flow.submit(account.fields)
    summary = told(flow.result)
    assert plant.name in summary
    assert "every 5 minutes" in summary
    assert "Not allowed to the account" in summary
    await flow.finish(control=True)
    assert flow.result["type"] is FlowResultType.CREATE_ENTRY
    entry = home.entry = flow.result["result"]
    assert entry.unique_id == plant.id
    assert entry.data["way"] == "huawei_account"
    assert home.value(plant.id, "connection_status") == "ok"
    assert float(home.value(plant.id, "pv_power")) > 0
    assert home.asked("login") == 1
    assert not home.refused()


async def test_an_owners_consent_is_added(home: Home, flow: Flow) -> None:
    """Through Huawei's page, with the code pasted; the summary is as honest."""
    account = home.sim.account("owner")
    await begin(flow, "huawei_oauth")
    await flow.submit(
        account.fields | {"redirect_uri": "https://ha.example.org/huawei"}
    )
    await paste(flow)
    summary = told(flow.result)
    assert "every 7 minutes" in summary
    assert "Battery mode" in summary.split("Can be steered:**")[1].split("**Not")[0]
    await flow.finish(control=True)
    home.entry = flow.result["result"]
    for plant in account.plants:
        assert home.value(plant.id, "connection_status") == "ok"
    assert not home.refused()


async def test_an_owner_may_say_no(home: Home, flow: Flow) -> None:
    """The form comes again, and nothing is added."""
    account = home.sim.account("owner")
    await begin(flow, "huawei_oauth")
    await flow.submit(
        account.fields | {"redirect_uri": "https://ha.example.org/huawei"}
    )
    await paste(flow, allow=False)
    assert flow.result["type"] is FlowResultType.FORM
    assert flow.error()


@pytest.mark.parametrize("word", ["redirect", "..", "#"])
async def test_a_redirect_uri_that_huawei_does_not_take(
    home: Home, flow: Flow, word: str
) -> None:
    """The form says so before the owner meets an empty page."""
    await begin(flow, "huawei_oauth")
    fields = home.sim.account("owner").fields
    await flow.submit(fields | {"redirect_uri": f"https://ha.example.org/{word}/x"})
    assert flow.error() == {"redirect_uri": "invalid_redirect_uri"}


def _wrong_password(sim: Simulator, fields: dict[str, str]) -> dict[str, str]:
    return fields | {"password": "not-this-one"}


def _unknown(sim: Simulator, fields: dict[str, str]) -> dict[str, str]:
    return fields | {"username": "nobody"}


def _locked(sim: Simulator, fields: dict[str, str]) -> dict[str, str]:
    sim.account("home").locked_until = sim.clock.seconds() + 900
    return fields


def _forbidden(sim: Simulator, fields: dict[str, str]) -> dict[str, str]:
    sim.account("home").forbidden.add("/thirdData/stations")
    return fields


def _nowhere(sim: Simulator, fields: dict[str, str]) -> dict[str, str]:
    return fields | {"host": "http://127.0.0.1:9"}


def _hidden(sim: Simulator, fields: dict[str, str]) -> dict[str, str]:
    account = sim.account("closed")
    account.hides_closed = True
    return dict(account.fields)


def _fault(kind: str, endpoint: str = "*", **args: Any) -> Any:
    def change(sim: Simulator, fields: dict[str, str]) -> dict[str, str]:
        sim.fault(kind, endpoint=endpoint, **args)
        return fields

    return change


@pytest.mark.parametrize(
    ("change", "error"),
    [
        pytest.param(_wrong_password, "invalid_auth", id="wrong password"),
        pytest.param(_unknown, "invalid_auth", id="unknown account"),
        pytest.param(_fault("empty", "/thirdData/login"), "invalid_auth", id="nothing"),
        pytest.param(_locked, "locked", id="locked"),
        pytest.param(_forbidden, "no_permission", id="no permission"),
        pytest.param(_hidden, "no_plants", id="no api access"),
        pytest.param(_fault("errno", "/thirdData/login", errno=20403), "locked", id="limited"),
        pytest.param(_fault("errno", "/thirdData/login", errno=407), "quota", id="407"),
        pytest.param(_fault("errno", "/thirdData/stations", errno=20618), "quota", id="day spent"),
        pytest.param(_fault("refused_token"), "cannot_connect", id="session lost"),
        pytest.param(_nowhere, "cannot_connect", id="nobody there"),
        pytest.param(_fault("status", status=503), "cannot_connect", id="503"),
        pytest.param(_fault("html"), "unexpected_answer", id="html"),
        pytest.param(_fault("errno", "/thirdData/stations", errno=99999), "unexpected_answer", id="unknown code"),
    ],
)  # fmt: skip
async def test_what_can_go_wrong(
    home: Home, flow: Flow, change: Any, error: str
) -> None:
    """Each has its error, with what to do; once it is right the flow goes on."""
    account = home.sim.account("home")
    await begin(flow)
    await flow.submit(change(home.sim, dict(account.fields)))
    assert flow.error() == {"base": error}
    home.sim.clear_faults()
    account.locked_until = 0
    account.forbidden.clear()
    await home.pass_time(minutes=70)
    await flow.submit(account.fields)
    assert flow.result["step_id"] == "finish"


async def test_wrong_passwords_do_not_lock_the_account(home: Home, flow: Flow) -> None:
    """The fifth within ten minutes is not sent."""
    account = home.sim.account("home")
    await begin(flow)
    for n in range(4):
        await flow.submit(account.fields | {"password": f"wrong{n}"})
        assert flow.error() == {"base": "invalid_auth"}
    await flow.submit(account.fields | {"password": "wrong again"})
    assert flow.error() == {"base": "quota"}
    assert home.asked("login") == 4
    await home.pass_time(minutes=11)
    await flow.submit(account.fields)
    assert flow.result["step_id"] == "finish"


async def test_the_host_is_a_region_or_typed(home: Home, flow: Flow) -> None:
    """All regions are offered; the simulated one is typed."""
    await begin(flow)
    (field,) = [
        value
        for key, value in flow.result["data_schema"].schema.items()
        if str(key) == "host"
    ]
    assert "https://eu5.fusionsolar.huawei.com" in field.config["options"]
    assert "https://intl.fusionsolar.huawei.com" in field.config["options"]
    assert field.config["custom_value"]
    await flow.submit(home.sim.account("home").fields | {"host": "http://example.org"})
    assert flow.error() == {"host": "invalid_host"}


async def test_two_sign_ins_to_an_account_do_not_meet(home: Home, flow: Flow) -> None:
    """The second one is ended; the first goes on."""
    account = home.sim.account("home")
    await begin(flow)
    await flow.submit(account.fields)
    other = Flow(home)
    await begin(other)
    await other.submit(account.fields)
    assert other.result["reason"] == "already_in_progress"
    await flow.finish()
    assert flow.result["type"] is FlowResultType.CREATE_ENTRY
    assert home.asked("login") == 1


async def test_a_new_password_is_asked_for(home: Home, flow: Flow) -> None:
    """Reauthentication takes the new one, and entities stay."""
    await home.set_up("home", control=False)
    account = home.sim.account("home")
    account.fields["password"] = account.password = "a new one"
    account.session = None
    home.entry.async_start_reauth(home.hass)
    await home.settle()
    (shown,) = flow.flows.async_progress()
    assert shown["step_id"] == "reauth_confirm"
    result = await flow.flows.async_configure(
        shown["flow_id"], {"password": "still wrong"}
    )
    assert result["errors"] == {"base": "invalid_auth"}
    result = await flow.flows.async_configure(
        shown["flow_id"], {"password": "a new one"}
    )
    assert result["reason"] == "reauth_successful"
    await home.settle()
    plant = account.plants[0]
    assert home.value(plant.id, "connection_status") == "ok"


async def test_a_moved_account_keeps_its_entities(home: Home, flow: Flow) -> None:
    """From an API account to an owner's consent that calls the plants otherwise."""
    await home.set_up("home", control=False)
    old = home.sim.account("home").plants[0]
    new = home.sim.account("emma")
    before = {row.unique_id for row in registry(home)}
    # The same plant, as another way in calls it.
    new.plants[:] = [old]
    old.id, former = "NE=999", old.id
    new.index()
    result = await home.entry.start_reconfigure_flow(home.hass)
    flow.result = result
    await flow.choose("huawei_oauth")
    await flow.submit(new.fields | {"redirect_uri": "https://ha.example.org/huawei"})
    await paste(flow)
    assert flow.result.get("reason") == "reconfigure_successful", flow.result
    await home.settle()
    assert home.entry.data["way"] == "huawei_oauth"
    assert home.value(former, "connection_status") == "ok"
    assert before <= {row.unique_id for row in registry(home)}
    assert not [row for row in registry(home) if "NE=999" in row.unique_id]


def registry(home: Home) -> list[er.RegistryEntry]:
    """Return the entities of the entry."""
    return er.async_entries_for_config_entry(
        er.async_get(home.hass), home.entry.entry_id
    )


async def test_three_hundred_plants_can_be_chosen_from(home: Home, flow: Flow) -> None:
    """Two of an installer's 300 are shown, and only they cost calls."""
    account = home.sim.account("installer")
    await begin(flow)
    await flow.submit(account.fields)
    (field,) = [
        value
        for key, value in flow.result["data_schema"].schema.items()
        if str(key) == "plants"
    ]
    assert len(field.config["options"]) == 300
    chosen = [row.id for row in account.plants[:2]]
    await flow.finish(plants=chosen)
    home.entry = flow.result["result"]
    for plant in chosen:
        assert home.value(plant, "connection_status") in ("ok", "asleep")
    assert home.device(account.plants[2].id) is None
    before = len(home.sim.calls)
    await home.pass_time(minutes=26)
    calls = [row.endpoint.rpartition("/")[2] for row in home.sim.calls[before:]]
    assert calls.count("getStationRealKpi") <= 5
    assert calls.count("getDevRealKpi") <= 15
    assert not home.refused()

    # Another one is there at once, although the list is fresh.
    other = account.plants[7]
    form = await home.hass.config_entries.options.async_init(home.entry.entry_id)
    await home.hass.config_entries.options.async_configure(
        form["flow_id"], {"control": False, "plants": [*chosen, other.id]}
    )
    await home.settle()
    await home.pass_time(minutes=6)
    assert home.device(other.of(38)[0].sn)
    assert home.value(other.id, "connection_status") in ("ok", "asleep")
    assert not home.refused()


# --- repairs ----------------------------------------------------------------------------


def issues(home: Home) -> list[str | None]:
    """Return the issues that are shown, each of which has its text."""
    found = [
        row for row in ir.async_get(home.hass).issues.values() if row.domain == DOMAIN
    ]
    for row in found:
        words = texts()["issues"][row.translation_key or ""]
        for part in ("title", "description"):
            assert filled(words[part], row.translation_placeholders)
    return [row.translation_key for row in found]


async def test_another_client_is_told_of(home: Home) -> None:
    """Twice within ten minutes; gone an hour after the last time."""
    await home.set_up("home", control=False)
    account = home.sim.account("home")
    cloud = home.sim.vendors["huawei"]
    for _ in range(4):
        cloud.new_session(account, home.sim.clock.seconds())
        await home.pass_time(minutes=5)
    assert issues(home) == ["other_client"]
    await home.pass_time(minutes=66)
    assert issues(home) == []
    assert home.value(account.plants[0].id, "connection_status") == "ok"


async def test_an_owner_without_api_access_is_told(home: Home) -> None:
    """The plant is there, and the repair says where to switch it on."""
    await home.set_up("closed", control=False)
    assert issues(home) == ["api_access_off"]
