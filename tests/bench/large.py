"""Measure a large FusionSolar account: the first set-up, refreshes, memory, and calls.

`python -m tests.bench.large PLANTSxINVERTERS URL` prints its figures as JSON.
"""

import asyncio
from datetime import UTC, datetime
import json
from pathlib import Path
from statistics import median
import sys
from tempfile import TemporaryDirectory
from time import perf_counter, thread_time
from types import MappingProxyType
from typing import Any
from unittest.mock import patch

import psutil

from custom_components.solar_cloud.account import Account
from custom_components.solar_cloud.const import CONF_CONTROL, DOMAIN
from homeassistant import config_entries
from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_platform
from homeassistant.helpers.aiohttp_client import async_get_clientsession

from .account import MEGABYTE, MOST_ENTITIES, Watch, WireSession
from .hass import FastClock, home_assistant

PERIOD = 301.0
REFRESHES = 5


def config_entry(spec: str, url: str) -> ConfigEntry:
    """Return the entry of an account, which is polled only when the bench says so."""
    plants = int(spec.partition("x")[0])
    return ConfigEntry(
        created_at=datetime.now(UTC),
        data={
            "vendor": "huawei",
            "way": "huawei_account",
            "credentials": {"host": url, "username": spec, "password": "bench"},
            "plant_ids": [f"NE={n}" for n in range(plants)],
        },
        discovery_keys=MappingProxyType({}),
        domain=DOMAIN,
        entry_id="bench",
        minor_version=1,
        modified_at=datetime.now(UTC),
        options={CONF_CONTROL: False},
        pref_disable_polling=True,
        source=config_entries.SOURCE_USER,
        subentries_data=None,
        title="Bench",
        unique_id="bench",
        version=1,
    )


async def refresh(
    hass: HomeAssistant, account: Account, wire: WireSession, clock: FastClock
) -> float:
    """Poll the newest values; returns what the event loop spent, in ms."""
    clock.ahead += PERIOD
    spent, start = wire.spent, thread_time()
    await account.feeds["realtime"].async_poll_now()
    await hass.async_block_till_done()
    assert account.feeds["realtime"].last_update_success
    return (thread_time() - start - (wire.spent - spent)) * 1000


async def measure(spec: str, url: str, folder: Path) -> dict[str, Any]:
    """Return the figures of an account."""
    clock = FastClock()
    process = psutil.Process()
    entry = config_entry(spec, url)
    async with home_assistant(folder, clock.clock()) as hass:
        wire = WireSession(async_get_clientsession(hass))
        with (
            patch(
                "custom_components.solar_cloud.account.async_get_clientsession",
                return_value=wire,
            ),
            patch.object(entity_platform, MOST_ENTITIES, sys.maxsize, create=True),
        ):
            empty, start = process.memory_info().rss, perf_counter()
            await hass.config_entries.async_add(entry)
            await hass.async_block_till_done(wait_background_tasks=True)
            taken = perf_counter() - start
            assert entry.state is ConfigEntryState.LOADED
        account: Account = entry.runtime_data
        set_up = wire.calls
        await refresh(hass, account, wire, clock)
        calls = wire.calls
        times = [await refresh(hass, account, wire, clock) for _ in range(REFRESHES)]
        calls = (wire.calls - calls) // REFRESHES
        watch = Watch()
        await refresh(hass, account, wire, clock)
        block = watch.stop()
        rss = process.memory_info().rss
        entities = len(hass.states.async_all())
    return {
        "setup_s": round(taken, 2),
        "setup_calls": set_up,
        "refresh_ms": round(median(times), 1),
        "refresh_calls": calls,
        "longest_block_ms": round(block, 1),
        "rss_added_mb": round((rss - empty) / MEGABYTE, 1),
        "entities": entities,
    }


if __name__ == "__main__":
    _, account_spec, host = sys.argv
    with TemporaryDirectory() as place:
        figures = asyncio.run(measure(account_spec, host, Path(place)))
    sys.stdout.write(json.dumps(figures) + "\n")
