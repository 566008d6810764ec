"""Tokens that change while an entry runs, and entries that move between ways in."""

import asyncio
from copy import deepcopy
from dataclasses import replace
import json
from typing import Any

import pytest

from custom_components.solar_cloud.account import sign_in_of
from custom_components.solar_cloud.cloud.registry import way_in
from custom_components.solar_cloud.const import DOMAIN
from custom_components.solar_cloud.diagnostics import async_get_config_entry_diagnostics
from custom_components.solar_cloud.store import async_open_ledger
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.json import ExtendedJSONEncoder

from tests.common import ENTRY_ID, Home
from tests.driver import House
from tests.test_config_flow import suggested
from tests.test_oauth import REFRESH, Consent, browser, change, flow, part_of

__all__ = ["browser", "flow"]
FILE = f"{DOMAIN}.{ENTRY_ID}"
# The refresh was answered, and what it gave is not written yet.
LOST = 3


def kept(storage: dict[str, Any]) -> dict[str, Any]:
    """Return the tokens that are in the account's file."""
    tokens: dict[str, Any] = storage[FILE]["data"]["tokens"]
    return tokens


# --- while it runs ------------------------------------------------------------------


async def test_a_token_is_refreshed_before_it_ends(
    home: Home, hass_storage: dict[str, Any]
) -> None:
    """Once a day, without a call that is refused, and stored before it is used."""
    account = await home.set_up("oauth")
    plant = home.sim.plant("oauth").id
    before = deepcopy(home.entry.data["token"])
    stored: list[bool] = []
    server = home.sim.vendors["foxess"].oauth

    def look(call: Any) -> None:
        if home.asked(REFRESH) and call.endpoint.startswith("/op/"):
            token = kept(hass_storage).get("token", {})
            stored.append(server.grant_of(token.get("access_token"), call.at))

    home.sim.world.listeners.append(look)
    await home.pass_time(hours=23, minutes=50)
    assert not home.asked(REFRESH)
    await home.pass_time(minutes=20)
    assert home.asked(REFRESH) == 1
    assert stored
    assert all(stored)
    assert home.value(plant, "connection_status") == "ok"
    tokens = kept(hass_storage)
    assert tokens["consented"] == before == home.entry.data["token"]
    assert tokens["token"]["refresh_token"] != before["refresh_token"]
    assert account.vendor.ledger.left()
    assert not home.refused()


async def test_a_refreshed_token_survives_a_restart(home: Home) -> None:
    """The entry goes on with what its token became, not with the consent's."""
    await home.set_up("oauth")
    await home.skip(hours=25)
    assert home.asked(REFRESH) == 1
    account = await home.skip(minutes=10)
    await account.async_refresh()
    assert home.asked(REFRESH) == 1
    assert home.value(home.sim.plant("oauth").id, "connection_status") == "ok"
    assert not home.refused()


async def test_parallel_calls_share_a_refresh(home: Home) -> None:
    """A command and all polls find the token ended; one of them fetches another."""
    account = await home.set_up("oauth")
    device = home.sim.plant("oauth").device
    home.sim.vendors["foxess"].oauth.expire("oauth")
    await home.pass_time(seconds=10)
    await asyncio.gather(
        home.set_number(device.sn, "min_soc", 23), account.async_refresh()
    )
    assert home.asked(REFRESH) == 1
    assert home.outcomes("min_soc")[-1] == ("confirmed", "read_back")
    assert home.done("setting MinSoc") == ["23"]


async def test_a_command_in_whose_midst_the_token_ends(home: Home) -> None:
    """It is sent once more, as the cloud had not carried it out."""
    await home.set_up("oauth")
    device = home.sim.plant("oauth").device
    home.sim.fault("refused_token", endpoint="*/setting/set", count=1)
    await home.set_number(device.sn, "max_soc", 91)
    assert home.asked(REFRESH) == 1
    assert home.done("setting MaxSoc") == ["91"]
    assert home.outcomes("max_soc")[-1] == ("confirmed", "read_back")


async def test_a_refresh_that_fails_for_a_while_is_tried_again(home: Home) -> None:
    """Nobody is asked to sign in because a server is down."""
    await home.set_up("oauth")
    plant = home.sim.plant("oauth").id
    home.sim.vendors["foxess"].oauth.expire("oauth")
    home.sim.fault("status", status=502, endpoint=REFRESH)
    await home.pass_time(minutes=12)
    assert home.value(plant, "connection_status") == "cloud_down"
    assert not home.hass.config_entries.flow.async_progress()
    home.sim.clear_faults()
    await home.pass_time(minutes=12)
    assert home.value(plant, "connection_status") == "ok"


async def test_a_refusal_asks_the_owner_again(home: Home, flow: Consent) -> None:
    """The application's secret may stay; consent puts the entry right."""
    await home.set_up("oauth")
    account = home.sim.account("oauth")
    plant = account.plants[0].id
    before = deepcopy(home.entry.data["token"])
    flow.server.oauth.revoke("oauth")
    await home.pass_time(minutes=12)
    assert home.value(plant, "connection_status") == "auth_failed"
    asked = home.asked(REFRESH)
    assert asked == 1
    (flow.result,) = flow.flows.async_progress()
    assert flow.result["step_id"] == "reauth_confirm"
    await flow.submit({})
    await flow.choose("paste_code")
    await flow.paste("wrong")
    assert flow.error() == {"base": "invalid_auth"}
    await flow.paste(await flow.allow())
    assert flow.result["reason"] == "reauth_successful"
    assert home.entry.data["credentials"] == account.fields
    assert home.entry.data["token"] != before
    assert home.value(plant, "connection_status") == "ok"
    await home.skip(hours=25)
    assert home.value(plant, "connection_status") == "ok"


async def test_an_application_has_a_new_secret(home: Home, flow: Consent) -> None:
    """It is asked for again when the old one turns out to be wrong."""
    home.add_entry("oauth")
    flow.account.client.secret = "a-new-secret"
    flow.account.fields["client_secret"] = "a-new-secret"
    flow.result = await home.entry.start_reauth_flow(home.hass)
    await flow.submit({"client_secret": ""})
    await flow.choose("paste_code")
    flow.tell_wrong_clients()
    await flow.paste(await flow.allow())
    assert flow.result["step_id"] == "reauth_confirm"
    assert flow.error() == {"base": "invalid_auth"}
    await flow.submit({"client_secret": "a-new-secret"})
    await flow.choose("paste_code")
    await flow.paste(await flow.allow())
    assert flow.result["reason"] == "reauth_successful"
    assert home.entry.data["credentials"] == flow.account.fields


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "html"},
        {"kind": "status", "status": 200, "body": "{}"},
        {"kind": "status", "status": 200, "body": '{"errno": 0, "result": null}'},
        {"kind": "status", "status": 404},
    ],
)
async def test_an_answer_without_tokens(
    home: Home, flow: Consent, fault: dict[str, Any]
) -> None:
    """It is told as such, and another code will do."""
    await flow.to_code()
    home.sim.fault(**fault, endpoint="/oauth2/token", count=1)
    await flow.paste(await flow.allow())
    assert flow.error() == {"base": "unexpected_answer"}
    await flow.paste(await flow.allow())
    assert (await flow.finish())["type"] is FlowResultType.CREATE_ENTRY


# --- moving between ways in ---------------------------------------------------------


async def test_an_entry_moves_between_key_and_oauth(
    home: Home, flow: Consent, hass_storage: dict[str, Any]
) -> None:
    """Its entities, history and schedule stay; the form is that of a new account."""
    account = home.sim.account("kh")
    await home.set_up("kh")
    plants = [plant.id for plant in account.plants]
    ids = _unique_ids(home)
    flow.result = await home.entry.start_reconfigure_flow(home.hass)
    await flow.choose("foxess_oauth")
    assert not suggested(flow.result)
    await flow.submit(account.oauth_fields())
    await flow.choose("paste_code")
    await flow.paste(await flow.allow())
    assert flow.result["reason"] == "reconfigure_successful"
    assert home.entry.data["way"] == "foxess_oauth"
    assert home.entry.data["plant_ids"] == sorted(plants)
    assert "renamed_plants" not in home.entry.data
    await home.pass_time(minutes=7)
    assert home.value(plants[0], "connection_status") == "ok"
    assert _unique_ids(home) == ids
    flow.result = await home.entry.start_reconfigure_flow(home.hass)
    await flow.choose("foxess_oauth")
    assert suggested(flow.result) == {
        "host": account.fields["host"],
        "client_id": account.client.id,
    }
    home.hass.config_entries.flow.async_abort(flow.result["flow_id"])

    await home.skip(hours=25)
    assert kept(hass_storage)["token"]
    flow.result = await home.entry.start_reconfigure_flow(home.hass)
    await flow.choose("foxess_key")
    await flow.submit(account.fields)
    assert flow.result["reason"] == "reconfigure_successful"
    assert home.entry.data.keys() == {"vendor", "way", "credentials", "plant_ids"}
    await home.pass_time(minutes=7)
    assert kept(hass_storage) == {}
    assert _unique_ids(home) == ids
    assert not home.refused()


def _unique_ids(home: Home) -> set[str]:
    registry = er.async_get(home.hass)
    rows = er.async_entries_for_config_entry(registry, home.entry.entry_id)
    return {row.unique_id for row in rows}


async def test_plants_that_come_back_under_other_ids(home: Home, flow: Consent) -> None:
    """Their devices tell which is which; what was there goes on under the old ids."""
    account = home.sim.account("kh")
    hybrid, other = account.plants
    await home.set_up("kh", control=True)
    first = [hybrid.id, other.id]
    ids = _unique_ids(home)
    hybrid.id, other.id = "another-1", "another-2"
    flow.result = await home.entry.start_reconfigure_flow(home.hass)
    await flow.choose("foxess_oauth")
    await flow.submit(account.oauth_fields())
    await flow.choose("paste_code")
    await flow.paste(await flow.allow())
    assert flow.result["reason"] == "reconfigure_successful"
    assert home.entry.data["plant_ids"] == sorted(first)
    assert home.entry.data["renamed_plants"] == {
        "another-1": first[0],
        "another-2": first[1],
    }
    await home.pass_time(minutes=65)
    assert _unique_ids(home) == ids
    assert home.value(first[0], "connection_status") == "ok"
    await home.act("force_charge", first[0], duration=10)
    await home.pass_time(minutes=2)
    assert home.value(first[0], "forced_state") == "charging"
    await home.skip(minutes=3)
    assert home.value(first[0], "forced_state") == "charging"
    await home.pass_time(minutes=8)
    assert home.value(first[0], "forced_state") == "idle"

    await flow.begin("foxess_key")
    await flow.submit(account.fields)
    assert flow.result["reason"] == "already_configured"

    hybrid.id, other.id = first
    flow.result = await home.entry.start_reconfigure_flow(home.hass)
    await flow.choose("foxess_key")
    await flow.submit(account.fields)
    assert flow.result["reason"] == "reconfigure_successful"
    assert "renamed_plants" not in home.entry.data
    assert not home.refused()


async def test_other_plants_are_another_account(home: Home, flow: Consent) -> None:
    """Also where the cloud has to be asked for the devices to know."""
    await home.set_up("kh")
    flow.result = await home.entry.start_reconfigure_flow(home.hass)
    await flow.choose("foxess_oauth")
    await flow.submit(flow.account.fields)
    await flow.choose("paste_code")
    ended = await flow.allow()
    home.sim.fault("status", status=500, endpoint="*/device/list", count=1)
    await flow.paste(ended)
    assert flow.error() == {"base": "cannot_connect"}
    await flow.paste(ended)
    assert flow.result["reason"] == "wrong_account"


async def test_an_account_in_which_no_device_can_be_seen(
    home: Home, flow: Consent
) -> None:
    """Nothing says that it is the same one."""
    await home.set_up("evo")
    account = home.sim.account("evo")
    account.plants[0].id = "another"
    home.sim.fault("device_gone", device=account.devices[0].sn)
    flow.result = await home.entry.start_reconfigure_flow(home.hass)
    await flow.choose("foxess_key")
    await flow.submit(account.fields)
    assert flow.result["reason"] == "wrong_account"


# --- what is shared, and what is not told -------------------------------------------


async def test_entries_of_one_application_share_its_books(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are one object, while both run and whoever came first."""
    change(monkeypatch, "foxess_key", budget=("host",))
    one = await home.set_up("evo")
    first = home.entry
    other = await home.set_up("h3", entry_id="02SOLARCLOUD")
    assert one.vendor.ledger is other.vendor.ledger
    await home.pass_time(minutes=2)
    assert one.stretch() == pytest.approx(other.stretch(), rel=0.05)
    assert one.stretch() > 1.2
    home.entry = first
    await home.unload()
    await home.pass_time(minutes=2)
    assert other.stretch() < 1.1
    assert (await home.load()).vendor.ledger is other.vendor.ledger
    assert not home.refused()


async def test_owners_of_one_application_have_their_own_books(
    home: Home, flow: Consent
) -> None:
    """What the flow asked is counted to the owner who turned out to be there."""
    await flow.to_code()
    await flow.paste(await flow.allow())
    asked = len([row for row in home.sim.calls if row.endpoint.startswith("/op/")])
    home.entry = (await flow.finish())["result"]
    ledger = home.account.vendor.ledger
    left = ledger.left()
    assert left
    assert left.polls <= 1440 - 144 - asked
    sign_in = sign_in_of(home.entry)
    other = replace(sign_in, owner="another")
    info, _ = way_in("foxess_oauth")
    theirs = await async_open_ledger(home.hass, info, other)
    assert theirs is not ledger
    unnamed = await async_open_ledger(home.hass, info, replace(sign_in, owner=""))
    assert unnamed.as_dict()["books"] == {}
    assert await async_open_ledger(home.hass, info, sign_in) is ledger


async def test_nothing_tells_a_secret(
    home: Home,
    flow: Consent,
    caplog: pytest.LogCaptureFixture,
    hass_storage: dict[str, Any],
) -> None:
    """Neither the log nor the diagnostics nor the names of files."""
    await flow.to_code()
    ended = await flow.allow()
    await flow.paste("wrong")
    await flow.paste(ended)
    home.entry = (await flow.finish())["result"]
    await home.skip(hours=25)
    home.sim.fault("status", status=500, endpoint=REFRESH, count=1)
    home.sim.vendors["foxess"].oauth.expire("oauth")
    await home.pass_time(minutes=12)
    found = await async_get_config_entry_diagnostics(home.hass, home.entry)
    text = json.dumps(found, cls=ExtendedJSONEncoder) + "".join(hass_storage)
    logged = "\n".join(
        row.getMessage() for row in caplog.records if "solar_cloud" in row.name
    )
    secrets = {flow.account.client.id, flow.account.client.secret}
    for grant in home.sim.vendors["foxess"].oauth.grants:
        secrets |= {grant.refresh, *grant.access}
    secrets.add(part_of(ended, "code"))
    ours = [row for row in caplog.records if row.name.startswith("custom_components")]
    assert len(ours) > 5
    for secret in secrets:
        assert secret not in text
        assert secret not in "\n".join(row.getMessage() for row in ours)
    assert logged


# --- killed -------------------------------------------------------------------------


@pytest.mark.parametrize("step", range(6))
async def test_killed_around_a_refresh(socket_enabled: None, step: int) -> None:
    """Whatever is stored is what the cloud takes; only an answer on its way is lost."""
    async with House() as world:
        await world.setup("oauth")
        server = world.sim.vendors["foxess"].oauth
        server.expire("oauth")
        with world.killing_after(step) as process:
            await world.run(minutes=7, stop=lambda: process.dead)
        assert process.dead
        stored = server.grants[-1].refresh in json.dumps(world.files.data)
        await world.kill()
        await world.start()
        await world.run(minutes=7)
        asked = bool(world.hass.config_entries.flow.async_progress())
        assert asked is not stored
        assert stored is (step != LOST)
