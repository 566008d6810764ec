"""Solar Cloud: home solar and battery systems through their vendors' official clouds."""

import asyncio
from contextlib import suppress
from functools import partial

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.device_registry import DeviceEntry
from homeassistant.helpers.dispatcher import async_dispatcher_connect
from homeassistant.helpers.start import async_at_started
from homeassistant.helpers.typing import ConfigType

from .account import Account, SolarCloudConfigEntry, async_open_account
from .const import CONF_ENERGY_DASHBOARD, DOMAIN, PLATFORMS
from .dashboard import async_carry_out_choice
from .devices import subject_of
from .history import signal_progress
from .lease_book import LEFT, async_tell_left
from .repairs import async_check_clocks, async_check_history, async_check_warnings
from .services import async_add_actions
from .store import AccountStore

END_WITHIN = 60.0

CONFIG_SCHEMA = cv.config_entry_only_config_schema(DOMAIN)


async def async_setup(hass: HomeAssistant, config: ConfigType) -> bool:
    """Set up the actions."""
    async_add_actions(hass)
    return True


async def async_setup_entry(hass: HomeAssistant, entry: SolarCloudConfigEntry) -> bool:
    """Set up one account."""
    account = await async_open_account(hass, entry)
    await account.async_start()
    entry.runtime_data = account
    await hass.config_entries.async_forward_entry_setups(entry, PLATFORMS)
    account.async_run()
    for check in (async_check_clocks, async_check_warnings):
        entry.async_on_unload(account.house.async_add_listener(partial(check, account)))
    entry.async_on_unload(async_at_started(hass, partial(_async_remember, account)))
    entry.async_on_unload(
        async_dispatcher_connect(
            hass, signal_progress(entry), partial(async_check_history, account)
        )
    )
    if entry.options.get(CONF_ENERGY_DASHBOARD):
        entry.async_on_unload(async_at_started(hass, partial(_async_choose, account)))
    return True


@callback
def _async_choose(account: Account, hass: HomeAssistant) -> None:
    """Carry out what was chosen in the config flow, while the first polls go on."""
    account.spawn(async_carry_out_choice(account, hass))


@callback
def _async_remember(account: Account, hass: HomeAssistant) -> None:
    """Begin with the past once Home Assistant, and with it the recorder, is up."""
    account.history.async_run()


async def async_unload_entry(hass: HomeAssistant, entry: SolarCloudConfigEntry) -> bool:
    """Unload one account."""
    account = entry.runtime_data
    account.vendor.ledger.leave(entry.entry_id)
    await account.vendor.ledger.flush()
    await account.store.async_save()
    return await hass.config_entries.async_unload_platforms(entry, PLATFORMS)


async def async_remove_entry(hass: HomeAssistant, entry: SolarCloudConfigEntry) -> None:
    """End what still runs, and delete what the account kept.

    The books of its calls stay, as they bind the vendor's account.
    """
    account = await async_open_account(hass, entry)
    if account.store.kept.leases:
        with suppress(TimeoutError):
            async with asyncio.timeout(END_WITHIN):
                await account.async_restore()
                await account.leases.async_end_all()
        for lease in account.leases.held:
            async_tell_left(hass, lease, account.name(lease.run.plant), LEFT)
    await AccountStore(hass, entry).async_remove()


async def async_remove_config_entry_device(
    hass: HomeAssistant, entry: SolarCloudConfigEntry, device: DeviceEntry
) -> bool:
    """Let the user delete a device that the account no longer has."""
    return not entry.runtime_data.house.data.has(subject_of(device.identifiers))
