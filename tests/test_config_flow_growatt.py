"""Growatt from the vendor menu to an entry: regions, tokens, installers, firewalls."""

from typing import Any

import pytest

from custom_components.solar_cloud.cloud.growatt import client
from homeassistant.data_entry_flow import FlowResultType

from tests.common import Home
from tests.simulator import Simulator
from tests.test_config_flow import Flow, told

WALL = "<html><head><title>405</title></head><body>potential threats</body></html>"


@pytest.fixture
def vendors() -> tuple[str, ...]:
    """Return the cloud that these tests need."""
    return ("growatt",)


@pytest.fixture
def flow(home: Home, monkeypatch: pytest.MonkeyPatch) -> Flow:
    """Return a flow, for which the simulated regions are the vendor's."""
    urls = home.sim.vendors["growatt"].urls
    monkeypatch.setattr(client, "HOSTS", tuple(urls.values()))
    return Flow(home)


async def begin(flow: Flow) -> None:
    """Go to the form of the vendor, which has one way in."""
    await flow.start()
    await flow.choose("growatt")


@pytest.mark.parametrize("name", ["old", "min", "sph", "spa"])
async def test_an_account_is_added(home: Home, flow: Flow, name: str) -> None:
    """The last form sums up what was found, and set-up does not ask again."""
    account = home.sim.account(name)
    await begin(flow)
    await flow.submit(account.fields)
    summary = told(flow.result)
    for plant in account.plants:
        assert plant.name in summary
    assert "every 5 minutes" in summary
    await flow.finish(control=False)
    assert flow.result["type"] is FlowResultType.CREATE_ENTRY
    entry = home.entry = flow.result["result"]
    plants = sorted(plant.id for plant in account.plants)
    assert entry.unique_id == plants[0]
    assert entry.data["credentials"] == account.fields
    for plant in account.plants:
        assert home.value(plant.id, "connection_status") == "ok"
        for device in plant.devices:
            shown = float(home.value(device.sn, "inverter_power"))
            at = home.account.house.data.at(device.sn)
            assert at
            truth = plant.truth(at.timestamp())[device.sn]["inverter_power"]
            assert shown == pytest.approx(truth, rel=0.01, abs=1)
    assert not home.refused()
    assert home.asked("/v1/plant/list") == 1


async def test_an_installer_sees_the_plants_of_the_end_users(
    home: Home, flow: Flow
) -> None:
    """A token without plants of its own shows those of its end users."""
    installer = home.sim.vendors["growatt"].others["installer"]
    await begin(flow)
    await flow.submit(installer.fields)
    summary = told(flow.result)
    for user in installer.users:
        for plant in user.plants:
            assert plant.name in summary
    assert not home.refused()


def _no_token(sim: Simulator, fields: dict[str, str]) -> dict[str, str]:
    return fields | {"token": "0123456789abcdef0123456789abcdef"}


def _revoked(sim: Simulator, fields: dict[str, str]) -> dict[str, str]:
    old = dict(fields)
    sim.account("min").renew("fedcba9876543210fedcba9876543210")
    return old


def _region(sim: Simulator, fields: dict[str, str]) -> dict[str, str]:
    return fields | {"host": sim.vendors["growatt"].urls["au"]}


def _web(sim: Simulator, fields: dict[str, str]) -> dict[str, str]:
    return fields | {"token": sim.account("min").web_token}


def _unbound(sim: Simulator, fields: dict[str, str]) -> dict[str, str]:
    unbound: dict[str, str] = sim.vendors["growatt"].others["unbound"].fields
    return unbound


def _nobody(sim: Simulator, fields: dict[str, str]) -> dict[str, str]:
    return fields | {"host": "http://127.0.0.1:9"}


def _fault(kind: str, endpoint: str = "*", **args: Any) -> Any:
    def change(sim: Simulator, fields: dict[str, str]) -> dict[str, str]:
        sim.fault(kind, endpoint=endpoint, **args)
        return fields

    return change


LIST = "/v1/plant/list"


@pytest.mark.parametrize(
    ("change", "error"),
    [
        pytest.param(_no_token, "invalid_auth", id="wrong token"),
        pytest.param(_revoked, "invalid_auth", id="revoked token"),
        pytest.param(_region, "wrong_region", id="wrong region"),
        pytest.param(_web, "no_permission", id="token of the web page"),
        pytest.param(_unbound, "no_plants", id="plants not bound"),
        pytest.param(_nobody, "cannot_connect", id="nobody there"),
        pytest.param(
            _fault("status", status=405, body=WALL), "locked", id="firewall 405"
        ),
        pytest.param(
            _fault("status", status=403, body=WALL), "locked", id="firewall 403"
        ),
        pytest.param(_fault("html"), "locked", id="firewall 200"),
        pytest.param(
            _fault("errno", errno=-1, msg="error_use_new_domain"),
            "wrong_region",
            id="new domain",
        ),
        pytest.param(
            _fault("status", status=302, body="<html></html>"),
            "wrong_region",
            id="redirect",
        ),
        pytest.param(
            _fault("errno", endpoint=LIST, errno=10012, msg="error_frequently_access"),
            "quota",
            id="too often",
        ),
        pytest.param(
            _fault("errno", endpoint=LIST, errno=10001, msg="error_system error"),
            "cannot_connect",
            id="system error",
        ),
        pytest.param(
            _fault("errno", endpoint=LIST, errno=10011), "no_permission", id="10011"
        ),
        pytest.param(
            _fault("errno", endpoint=LIST, errno=4711), "unexpected_answer", id="4711"
        ),
        pytest.param(_fault("empty"), "unexpected_answer", id="empty body"),
        pytest.param(
            _fault("garbage", endpoint=LIST), "unexpected_answer", id="garbage"
        ),
        pytest.param(_fault("status", status=404), "unexpected_answer", id="404"),
        pytest.param(_fault("status", status=503), "cannot_connect", id="503"),
        pytest.param(_fault("drop_before"), "cannot_connect", id="dropped"),
    ],
)
async def test_an_error_is_told_and_the_flow_goes_on(
    home: Home, flow: Flow, change: Any, error: str
) -> None:
    """Each cause has its own words, and no rare call is spent on a bad token."""
    fields = dict(home.sim.account("min").fields)
    await begin(flow)
    await flow.submit(change(home.sim, dict(fields)))
    assert flow.error() == {"base": error}
    if error in ("invalid_auth", "wrong_region", "locked"):
        assert not home.asked(LIST)
    home.sim.clear_faults()
    home.time.tick(7201)
    await flow.submit(dict(home.sim.account("min").fields))
    await flow.finish()
    assert flow.result["type"] is FlowResultType.CREATE_ENTRY


async def test_a_new_token_is_asked_for(home: Home, flow: Flow) -> None:
    """A token that was made anew stops the old one; the new one goes on with all."""
    account = home.sim.account("min")
    await home.set_up("min", control=False)
    account.renew("fedcba9876543210fedcba9876543210")
    await home.pass_time(minutes=40)
    (reauth,) = home.hass.config_entries.flow.async_progress()
    assert reauth["step_id"] == "reauth_confirm"
    flow.result = await home.hass.config_entries.flow.async_configure(reauth["flow_id"])
    schema = flow.result["data_schema"]
    assert schema
    assert {str(key) for key in schema.schema} == {"token"}
    await flow.submit({"token": account.token})
    assert flow.result["reason"] == "reauth_successful"
    await home.pass_time(minutes=11)
    assert home.value(account.plants[0].id, "connection_status") == "ok"
