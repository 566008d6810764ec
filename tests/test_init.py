"""An entry is set up, unloaded, reloaded and removed."""

from typing import Any

import pytest

from custom_components.solar_cloud import async_remove_config_entry_device
from custom_components.solar_cloud.const import DOMAIN
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr

from tests.common import Home

FILE = f"{DOMAIN}.01SOLARCLOUD"
REAL = "/op/v1/device/real/query"


async def test_an_entry_is_set_up_unloaded_and_loaded_again(home: Home) -> None:
    """A reload with fresh snapshots asks nothing; unloading leaves no timer."""
    account = await home.set_up("kh")
    plant = home.sim.plant("kh").id
    assert home.entry.state is ConfigEntryState.LOADED
    assert all(feed.last_update_success for feed in account.feeds.values())
    shown = home.states()
    calls = len(home.sim.calls)

    await home.unload()
    assert home.entry.state is ConfigEntryState.NOT_LOADED
    assert set(home.unavailable()) == set(shown)
    await home.pass_time(minutes=20)
    assert len(home.sim.calls) == calls

    await home.load()
    await home.unload()
    await home.load()
    assert home.value(plant, "connection_status") == "ok"
    assert not home.refused()


async def test_a_restart_with_fresh_snapshots_asks_nothing(
    home: Home, hass_storage: dict[str, Any]
) -> None:
    """Everything is shown as it was before, with no call at all."""
    await home.set_up("kh")
    await home.pass_time(minutes=10)
    shown = home.states()
    calls = len(home.sim.calls)
    await home.unload()
    await home.load()
    assert len(home.sim.calls) == calls
    assert home.states() == shown
    assert FILE in hass_storage


@pytest.mark.parametrize("trouble", ["quota", "no answer", "html", "5xx", "other key"])
async def test_an_entry_is_set_up_from_what_is_stored(home: Home, trouble: str) -> None:
    """A spent quota or a dead cloud does not keep an entry from being set up."""
    await home.set_up("kh")
    plant = home.sim.plant("kh")
    await home.unload()
    await home.pass_time(hours=3)
    match trouble:
        case "quota":
            home.sim.vendors["foxess"].spend("kh", 2880)
        case "no answer":
            await home.sim.stop()
        case "html":
            home.sim.fault("html")
        case "5xx":
            home.sim.fault("status", status=502)
        case "other key":
            home.sim.fault("errno", errno=41811)
    account = await home.load()
    assert home.entry.state is ConfigEntryState.LOADED
    assert home.value(plant.id, "pv_energy") != "unknown"
    assert home.value(plant.id, "pv_power") == "unknown"
    status = {"quota": "quota", "other key": "auth_failed"}.get(trouble, "cloud_down")
    assert home.value(plant.id, "connection_status") == status
    assert not home.hass.config_entries.flow.async_progress()
    assert "button" in {row.domain for row in home.shown()}
    assert account.controllable


async def test_an_entry_from_nothing_waits_for_its_cloud(home: Home) -> None:
    """Set-up is tried again without hammering, and succeeds once the cloud is there."""
    home.sim.fault("status", status=503)
    home.add_entry("evo")
    assert not await home.hass.config_entries.async_setup(home.entry.entry_id)
    assert home.entry.state is ConfigEntryState.SETUP_RETRY
    # Home Assistant 2026.8 does not pass the reason on.
    assert home.entry.error_reason_translation_key in (None, "cannot_connect")
    await home.pass_time(hours=1)
    assert home.entry.state is ConfigEntryState.SETUP_RETRY
    assert len(home.sim.calls) < 25
    home.sim.clear_faults()
    await home.pass_time(
        minutes=20, until=lambda: home.entry.state is ConfigEntryState.LOADED
    )
    assert home.value(home.sim.plant("evo").id, "connection_status") == "ok"


async def test_an_entry_from_nothing_respects_a_spent_quota(home: Home) -> None:
    """The vendor is not asked again before its limit lets anything through."""
    home.sim.vendors["foxess"].spend("evo", 1440)
    home.add_entry("evo")
    assert not await home.hass.config_entries.async_setup(home.entry.entry_id)
    assert home.entry.state is ConfigEntryState.SETUP_RETRY
    assert home.entry.error_reason_translation_key in (None, "quota")
    await home.pass_time(minutes=14)
    assert len(home.refused()) == 1


async def test_a_wrong_key_at_set_up_asks_to_sign_in_again(home: Home) -> None:
    """Reauthentication is started once."""
    home.sim.account("evo").revoke()
    home.add_entry("evo")
    assert not await home.hass.config_entries.async_setup(home.entry.entry_id)
    assert home.entry.state is ConfigEntryState.SETUP_ERROR
    (flow,) = home.hass.config_entries.flow.async_progress()
    assert flow["step_id"] == "reauth_confirm"


async def test_an_entry_that_is_removed_leaves_no_file(
    home: Home, hass_storage: dict[str, Any]
) -> None:
    """The books of the account's calls stay, as they bind the vendor's account."""
    await home.set_up("evo")
    assert FILE in hass_storage
    calls = len(home.sim.calls)
    await home.hass.config_entries.async_remove(home.entry.entry_id)
    await home.settle()
    assert FILE not in hass_storage
    assert any(key.startswith(f"{DOMAIN}.ledger.") for key in hass_storage)
    assert not home.hass.states.async_all(("sensor", "number", "button"))
    assert len(home.sim.calls) == calls


async def test_an_entry_that_was_never_loaded_can_be_removed(home: Home) -> None:
    """There is nothing to end and no file."""
    home.add_entry("evo")
    await home.hass.config_entries.async_remove(home.entry.entry_id)
    assert not home.sim.calls


async def test_removing_an_entry_ends_what_runs(home: Home) -> None:
    """The owner's schedule is as it was, and no timer is left."""
    await home.set_up("kh")
    plant = home.sim.plant("kh")
    before = plant.device.held()
    await home.act("force_charge", plant.id, duration=60, power=2000)
    assert plant.device.held() != before
    await home.hass.config_entries.async_remove(home.entry.entry_id)
    await home.settle()
    assert plant.device.held() == before


async def test_only_a_device_that_is_gone_can_be_deleted(home: Home) -> None:
    """The user cannot delete what the account still has."""
    await home.set_up("evo")
    device = home.device(home.sim.account("evo").devices[0].sn)
    assert device
    assert not await async_remove_config_entry_device(home.hass, home.entry, device)
    other = dr.async_get(home.hass).async_get_or_create(
        config_entry_id=home.entry.entry_id, identifiers={(DOMAIN, "gone")}
    )
    assert await async_remove_config_entry_device(home.hass, home.entry, other)


async def test_two_accounts_live_side_by_side(home: Home, hass: HomeAssistant) -> None:
    """Each has its own books; the trouble of one is not the other's."""
    await home.set_up("evo")
    first = home.entry
    home.sim.fault("html", account="evo")
    home.entry = home.add_entry("h3", entry_id="02SOLARCLOUD")
    await home.load()
    await home.pass_time(minutes=6)
    h3 = home.value(home.sim.plant("h3").id, "connection_status")
    home.entry = first
    assert (h3, home.value(home.sim.plant("evo").id, "connection_status")) == (
        "ok",
        "cloud_down",
    )
