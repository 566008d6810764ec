"""A real Home Assistant core in this process, with an account on the bench's cloud."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
import time
from types import MappingProxyType
from unittest.mock import patch

from aiohttp import ThreadedResolver

from custom_components.solar_cloud.cloud.clock import Clock
from custom_components.solar_cloud.const import CONF_CONTROL, DOMAIN
from custom_components.solar_cloud.store import CLOCK
from homeassistant import bootstrap, config_entries, loader
from homeassistant.auth import auth_manager_from_config
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant

STEP = "foxess_key"


class Resolver(ThreadedResolver):
    """Home Assistant's own resolver would need its network integration."""

    async def real_close(self) -> None:
        """Close."""
        await self.close()


class FastClock:
    """The machine's clock, but nothing that the ledger waits for takes time."""

    def __init__(self, ahead: float = 0.0) -> None:
        """Start at the present, or ahead of it."""
        self.ahead = ahead

    def now(self) -> datetime:
        """Return the present, and what was waited for."""
        return datetime.now(UTC) + timedelta(seconds=self.ahead)

    async def _sleep(self, seconds: float) -> None:
        self.ahead += seconds
        await asyncio.sleep(0)

    def clock(self) -> Clock:
        """Return the clock that the integration runs on."""
        return Clock(
            now=self.now,
            monotonic=lambda: time.monotonic() + self.ahead,
            sleep=self._sleep,
        )


@asynccontextmanager
async def home_assistant(folder: Path, clock: Clock) -> AsyncIterator[HomeAssistant]:
    """Start Home Assistant with a folder for its files, and stop it again."""
    hass = HomeAssistant(str(folder))
    hass.data[CLOCK] = clock
    hass.config.latitude, hass.config.longitude = 51.48, -0.02
    hass.config_entries = config_entries.ConfigEntries(hass, {})
    loader.async_setup(hass)
    await hass.config.async_set_time_zone("Europe/London")
    with patch(
        "homeassistant.helpers.aiohttp_client._async_make_resolver",
        return_value=Resolver(),
    ):
        await bootstrap.async_load_base_functionality(hass)
        hass.auth = await auth_manager_from_config(hass, [], [])
        await hass.async_start()
        try:
            yield hass
        finally:
            await hass.async_stop(force=True)


def credentials(inverters: int, url: str) -> dict[str, str]:
    """Return how to sign in: the key says how many inverters there are."""
    return {"host": url, "api_key": str(inverters)}


def config_entry(inverters: int, url: str) -> ConfigEntry:
    """Return the entry of the account; it is polled only when the bench says so."""
    return ConfigEntry(
        created_at=datetime.now(UTC),
        data={
            "vendor": "foxess",
            "way": STEP,
            "credentials": credentials(inverters, url),
            "plant_ids": [],
        },
        discovery_keys=MappingProxyType({}),
        domain=DOMAIN,
        entry_id=f"bench{inverters}",
        minor_version=1,
        modified_at=datetime.now(UTC),
        options={CONF_CONTROL: True},
        pref_disable_polling=True,
        source=config_entries.SOURCE_USER,
        subentries_data=None,
        title="Bench",
        unique_id="bench",
        version=1,
    )
