"""Signing in with OAuth: consent, tokens that change, and moving between ways in."""

from collections.abc import AsyncIterator
from dataclasses import replace
import logging
from typing import Any
from urllib.parse import parse_qs, urlsplit

from aiohttp import ClientSession
from aiohttp.test_utils import TestClient
import pytest
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.solar_cloud.cloud.registry import VENDORS, way_in
from custom_components.solar_cloud.const import DOMAIN
from homeassistant.config_entries import ConfigFlowResult
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.setup import async_setup_component

from tests.common import ENTRY_ID, Home, texts
from tests.consent import consent
from tests.test_config_flow import Flow, suggested, told

FLOW = "/api/config/config_entries/flow"
HERE = "https://home.example:8123"
FILE = f"{DOMAIN}.{ENTRY_ID}"
MY = "https://my.home-assistant.io/redirect/oauth"
TOKEN, REFRESH = "/oauth2/token", "/oauth2/refresh"


class Consent(Flow):
    """A flow of an account that its owner has to let us into."""

    def __init__(self, home: Home, browser: ClientSession) -> None:
        """Open a browser."""
        super().__init__(home)
        self.browser = browser
        self.account = home.sim.account("oauth")
        self.server = home.sim.vendors["foxess"]

    async def to_code(self, **changed: str) -> ConfigFlowResult:
        """Go to the form for the code."""
        await self.begin("foxess_oauth")
        await self.submit(self.account.fields | changed)
        return await self.choose("paste_code")

    def tell_wrong_clients(self) -> None:
        """Let the service answer an unknown application as the standard has it."""
        oauth = self.server.oauth
        told = {"invalid_client": (401, {"error": "invalid_client"})}
        oauth.rules = replace(oauth.rules, errors=dict(oauth.rules.errors) | told)

    @property
    def page(self) -> str:
        """Return the address of the vendor's page."""
        words = self.result["description_placeholders"]
        assert words
        return words["authorize_url"]

    async def allow(self) -> str:
        """Allow the access; returns the address at which the browser ended."""
        return await consent(self.browser, self.page)

    async def paste(self, typed: str) -> ConfigFlowResult:
        """Type a code, or the address that has it."""
        return await self.submit({"code": typed})


@pytest.fixture
async def browser(socket_enabled: None) -> AsyncIterator[ClientSession]:
    """Return a browser."""
    async with ClientSession() as session:
        yield session


@pytest.fixture
def flow(home: Home, browser: ClientSession) -> Consent:
    """Return a flow."""
    return Consent(home, browser)


def part_of(address: str, name: str) -> str:
    """Return a field of an address."""
    return parse_qs(urlsplit(address).query)[name][0]


# --- consent ------------------------------------------------------------------------


@pytest.mark.parametrize("whole", [True, False])
async def test_an_account_is_added_with_a_code(
    home: Home, flow: Consent, whole: bool
) -> None:
    """The code, or the whole address that the browser ended at, will do."""
    await flow.to_code()
    page = urlsplit(flow.page)
    assert page.path == "/h5/auth/foxessIndex"
    asked = parse_qs(page.query)
    assert asked["response_type"] == ["code"]
    assert asked["client_id"] == [flow.account.client.id]
    assert asked["redirect_uri"] == [MY]
    assert asked["scope"] == ["data_access device_control"]
    assert "data_access%20device_control" in page.query
    assert len(asked["state"][0]) < 20
    ended = await flow.allow()
    await flow.paste(f" {ended} " if whole else part_of(ended, "code"))
    assert "Can be steered:** " in told(flow.result)
    result = await flow.finish(control=True)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    entry = home.entry = result["result"]
    plant = flow.account.plants[0]
    assert entry.unique_id == plant.id
    data = dict(entry.data)
    token = data.pop("token")
    assert data == {
        "vendor": "foxess",
        "way": "foxess_oauth",
        "credentials": flow.account.fields,
        "plant_ids": [plant.id],
    }
    assert token["granted"]["scope"] == "data_access device_control"
    assert home.value(plant.id, "connection_status") == "ok"
    await home.set_number(plant.device.sn, "min_soc", 22)
    assert home.value(plant.device.sn, "min_soc") == "22.0"
    assert not home.refused()


async def test_a_code_works_once_and_for_some_minutes(
    home: Home, flow: Consent
) -> None:
    """A wrong, a late and a spent code are told; the page is there for the next one."""
    await flow.to_code()
    await flow.paste("nonsense")
    assert flow.error() == {"base": "invalid_auth"}
    assert "fetch a new one" in texts()["config"]["error"]["invalid_auth"]
    late = await flow.allow()
    home.time.tick(301)
    await flow.paste(late)
    assert flow.error() == {"base": "invalid_auth"}
    ended = await flow.allow()
    foreign = ended.replace(part_of(ended, "state"), "another")
    await flow.paste(foreign)
    assert flow.error() == {"base": "invalid_auth"}
    await flow.paste("https://[broken")
    assert flow.error() == {"base": "invalid_auth"}
    await flow.paste(ended)
    assert flow.result["step_id"] == "finish"
    assert (await flow.finish())["type"] is FlowResultType.CREATE_ENTRY


async def test_a_code_is_kept_while_the_account_cannot_be_read(
    home: Home, flow: Consent
) -> None:
    """It was spent; what it gave is tried again."""
    await flow.to_code()
    ended = await flow.allow()
    home.sim.fault("status", status=503, endpoint="/op/v0/plant/list")
    await flow.paste(ended)
    assert flow.error() == {"base": "cannot_connect"}
    home.sim.clear_faults()
    await flow.paste(ended)
    assert (await flow.finish())["type"] is FlowResultType.CREATE_ENTRY
    assert home.asked(TOKEN) == 1


async def test_an_owner_may_say_no(home: Home, flow: Consent) -> None:
    """That is told, and can be changed."""
    await flow.to_code()
    await flow.paste(await consent(flow.browser, flow.page, allow=False))
    assert flow.error() == {"base": "consent_refused"}
    await flow.paste(await flow.allow())
    assert (await flow.finish())["type"] is FlowResultType.CREATE_ENTRY


async def test_the_secret_of_the_application_is_wrong(
    home: Home, flow: Consent
) -> None:
    """The form in which it can be put right comes back, without the secret."""
    await flow.to_code(client_secret="wrong")
    flow.tell_wrong_clients()
    await flow.paste(await flow.allow())
    assert flow.result["step_id"] == "foxess_oauth"
    assert flow.error() == {"base": "invalid_auth"}
    assert suggested(flow.result) == {
        key: flow.account.fields[key] for key in ("host", "client_id")
    }
    await flow.submit(flow.account.fields)
    await flow.choose("paste_code")
    await flow.paste(await flow.allow())
    assert (await flow.finish())["type"] is FlowResultType.CREATE_ENTRY


@pytest.mark.parametrize(
    ("field", "typed", "error"),
    [
        ("host", "http://www.foxesscloud.com", "invalid_host"),
        ("redirect_uri", "home", "invalid_redirect_uri"),
        ("redirect_uri", "https://[", "invalid_redirect_uri"),
    ],
)
async def test_an_address_that_cannot_be_used(
    home: Home, flow: Consent, field: str, typed: str, error: str
) -> None:
    """It is told at its field, and nothing is sent."""
    await flow.begin("foxess_oauth")
    await flow.submit(flow.account.fields | {field: typed})
    assert flow.error() == {field: error}
    assert suggested(flow.result)[field] == typed
    assert not home.sim.calls
    home.hass.config_entries.flow.async_abort(flow.result["flow_id"])


async def test_a_redirect_uri_that_is_registered(home: Home, flow: Consent) -> None:
    """It is used as it was typed, and kept for the next consent."""
    mine = "https://example.org/after?sign=in"
    await flow.to_code(redirect_uri=mine)
    assert part_of(flow.page, "redirect_uri") == mine
    ended = await flow.allow()
    assert ended.startswith(mine)
    await flow.paste(ended)
    home.entry = (await flow.finish())["result"]
    assert home.entry.data["credentials"]["redirect_uri"] == mine


async def test_a_server_with_the_page_of_the_document(
    home: Home, flow: Consent
) -> None:
    """The page of later guides is not there; the older one is used."""
    flow.server.pages = {"/public/auth/index.html"}
    await flow.to_code()
    assert urlsplit(flow.page).path == "/public/auth/index.html"
    await flow.paste(await flow.allow())
    assert (await flow.finish())["type"] is FlowResultType.CREATE_ENTRY


async def test_a_host_that_cannot_be_reached(home: Home, flow: Consent) -> None:
    """The page is shown as it should be there; the code cannot be used."""
    await flow.to_code(host="http://127.0.0.1:9")
    assert urlsplit(flow.page).path == "/h5/auth/foxessIndex"
    await flow.paste("code")
    assert flow.error() == {"base": "cannot_connect"}
    home.hass.config_entries.flow.async_abort(flow.result["flow_id"])


# --- by redirect, over REST ---------------------------------------------------------


class Frontend:
    """Home Assistant's page in a browser."""

    def __init__(self, client: TestClient[Any, Any], flow: Consent) -> None:
        """Talk to Home Assistant over HTTP."""
        self.client = client
        self.flow = flow
        self.base: str | None = HERE

    async def post(self, path: str, body: Any = None) -> dict[str, Any]:
        """Send a step."""
        headers = {"HA-Frontend-Base": self.base} if self.base else {}
        answer = await self.client.post(f"{FLOW}{path}", json=body, headers=headers)
        assert answer.status == 200, await answer.text()
        step: dict[str, Any] = await answer.json()
        return step

    async def to_redirect(self) -> dict[str, Any]:
        """Go to where the browser leaves for the vendor."""
        step = await self.post("", {"handler": DOMAIN})
        for chosen in ("foxess", "foxess_oauth"):
            step = await self.choose(step, chosen)
        step = await self.post(f"/{step['flow_id']}", self.flow.account.fields)
        return await self.choose(step, "redirect")

    async def choose(self, step: dict[str, Any], chosen: str) -> dict[str, Any]:
        """Choose from a menu."""
        return await self.post(f"/{step['flow_id']}", {"next_step_id": chosen})

    async def come_back(self, address: str) -> str:
        """Follow the vendor back to Home Assistant; returns the page there."""
        parts = urlsplit(address)
        answer = await self.client.get(f"{parts.path}?{parts.query}")
        assert answer.status == 200
        return await answer.text()


@pytest.fixture
async def frontend(
    home: Home,
    flow: Consent,
    hass_client: ClientSessionGenerator,
    caplog: pytest.LogCaptureFixture,
) -> Frontend:
    """Return Home Assistant's page."""
    # It cannot tell how long an answer took while the time stands still.
    caplog.set_level(logging.WARNING, logger="aiohttp.access")
    assert await async_setup_component(home.hass, "config", {})
    assert await async_setup_component(home.hass, DOMAIN, {})
    return Frontend(await hass_client(), flow)


async def test_an_account_is_added_by_redirect(
    home: Home, flow: Consent, frontend: Frontend
) -> None:
    """The vendor sends the browser to Home Assistant, which goes on by itself."""
    step = await frontend.to_redirect()
    assert step["type"] == "external"
    page = step["url"]
    assert part_of(page, "redirect_uri") == f"{HERE}/auth/external/callback"
    assert len(part_of(page, "state")) < 125
    ended = await consent(flow.browser, page)
    assert ended.startswith(HERE)
    assert "window.close" in await frontend.come_back(ended)
    step = await frontend.post(f"/{step['flow_id']}")
    assert step["step_id"] == "finish"
    given = {"control": True, "energy_dashboard": False}
    step = await frontend.post(f"/{step['flow_id']}", given)
    assert step["type"] == "create_entry"
    await home.settle()
    (home.entry,) = home.hass.config_entries.async_entries(DOMAIN)  # type: ignore[assignment]
    plant = flow.account.plants[0].id
    assert home.value(plant, "connection_status") == "ok"
    assert not home.refused()


async def test_an_owner_says_no_by_redirect(
    home: Home, flow: Consent, frontend: Frontend
) -> None:
    """The form comes back with the reason, and everything can be tried again."""
    step = await frontend.to_redirect()
    ended = await consent(flow.browser, step["url"], allow=False)
    await frontend.come_back(ended)
    step = await frontend.post(f"/{step['flow_id']}")
    assert step["step_id"] == "foxess_oauth"
    assert step["errors"] == {"base": "consent_refused"}
    assert step["description_placeholders"] == {"message": "access_denied"}
    step = await frontend.post(f"/{step['flow_id']}", flow.account.fields)
    step = await frontend.choose(step, "redirect")
    await frontend.come_back(await consent(flow.browser, step["url"]))
    step = await frontend.post(f"/{step['flow_id']}")
    assert step["step_id"] == "finish"


async def test_an_address_of_our_own(home: Home, frontend: Frontend) -> None:
    """Without the browser's word it is the one that Home Assistant is reached at."""
    frontend.base = None
    home.hass.config.internal_url = "http://192.168.1.4:8123"
    step = await frontend.to_redirect()
    back = part_of(step["url"], "redirect_uri")
    assert back == "http://192.168.1.4:8123/auth/external/callback"


@pytest.mark.parametrize("chosen", ["redirect", "paste_code"])
async def test_no_address_to_come_back_to(
    home: Home, flow: Consent, monkeypatch: pytest.MonkeyPatch, chosen: str
) -> None:
    """A vendor that takes none of ours needs one that the user has registered."""
    forbid(monkeypatch, "redirect", "callback")
    await flow.begin("foxess_oauth")
    await flow.submit(flow.account.fields)
    await flow.choose(chosen)
    assert flow.result["step_id"] == "foxess_oauth"
    assert flow.error() == {"redirect_uri": "no_redirect_uri"}
    await flow.submit(flow.account.fields | {"redirect_uri": f"{HERE}/callback"})
    assert flow.error() == {"redirect_uri": "invalid_redirect_uri"}
    await flow.submit(flow.account.fields | {"redirect_uri": f"{HERE}/back"})
    await flow.choose("paste_code")
    assert part_of(flow.page, "redirect_uri") == f"{HERE}/back"
    home.hass.config_entries.flow.async_abort(flow.result["flow_id"])


async def test_an_address_that_the_vendor_takes(
    home: Home, flow: Consent, frontend: Frontend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where it does not like the one that leads to all homes, ours will do."""
    forbid(monkeypatch, "redirect")
    home.hass.config.components.add("my")
    step = await frontend.to_redirect()
    back = part_of(step["url"], "redirect_uri")
    assert back == f"{HERE}/auth/external/callback"


async def test_a_vendor_that_shows_the_code(
    home: Home, flow: Consent, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its own page is where the browser ends."""
    change_oauth(monkeypatch, shows_code="/oauth2/code")
    await flow.to_code()
    host = flow.account.fields["host"]
    assert part_of(flow.page, "redirect_uri") == f"{host}/oauth2/code"
    home.hass.config_entries.flow.async_abort(flow.result["flow_id"])


def forbid(monkeypatch: pytest.MonkeyPatch, *words: str) -> None:
    """Let the vendor take no redirect URI that has one of these words."""
    change_oauth(monkeypatch, forbidden=words)


def change_oauth(monkeypatch: pytest.MonkeyPatch, **changed: Any) -> None:
    """Let the vendor do OAuth in another way."""
    _, way = way_in("foxess_oauth")
    assert way.oauth
    change(monkeypatch, way.step, oauth=replace(way.oauth, **changed))


def change(monkeypatch: pytest.MonkeyPatch, step: str, **changed: Any) -> None:
    """Let a vendor have another way in."""
    info, way = way_in(step)
    other = replace(way, **changed)
    ways = tuple(other if row is way else row for row in info.ways)
    monkeypatch.setitem(VENDORS, info.slug, replace(info, ways=ways))
