"""Measure one account: its set-up from a fresh snapshot, its refreshes, its memory.

`python -m tests.bench.account INVERTERS URL FOLDER AHEAD` prints its figures as JSON.
"""

import asyncio
import json
from math import ceil
from pathlib import Path
from statistics import median
import sys
from time import perf_counter, process_time, thread_time
from types import TracebackType
from typing import Any, Self
from unittest.mock import patch

from aiohttp import ClientResponse, ClientSession
import psutil

from custom_components.solar_cloud.account import Account
from custom_components.solar_cloud.cloud.foxess.client import BATCH
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.helpers import entity_platform
from homeassistant.helpers.aiohttp_client import async_get_clientsession

from .answers import PERIOD
from .hass import FastClock, config_entry, home_assistant

# How often each thing is measured, by the number of inverters.
REFRESHES = {1: 30, 10: 20, 100: 10, 1000: 3}
SET_UPS = {1: 5, 10: 3, 100: 2}
# Home Assistant adds no more entities to an entry than this; here it adds them all.
MOST_ENTITIES = "MAX_ENABLED_ENTITIES_PER_CONFIG_ENTRY"
MEGABYTE = 1024 * 1024


class WireResponse:
    """A request whose way over the network is timed apart."""

    def __init__(self, session: WireSession, request: Any) -> None:
        """Wrap what aiohttp makes of a request."""
        self._session = session
        self._request = request
        self._response: ClientResponse

    async def __aenter__(self) -> Self:
        """Send, and wait until the whole answer is there."""
        start = thread_time()
        self._response = await self._request.__aenter__()
        await self._response.read()
        self._session.spent += thread_time() - start
        self._session.calls += 1
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give the connection back."""
        start = thread_time()
        await self._request.__aexit__(kind, error, trace)
        self._session.spent += thread_time() - start

    def __getattr__(self, name: str) -> Any:
        """Return all else from the response."""
        return getattr(self._response, name)


class WireSession:
    """A session that adds up what the loop spent on the network."""

    spent = 0.0
    calls = 0

    def __init__(self, session: ClientSession) -> None:
        """Wrap a session."""
        self._session = session

    def request(self, *args: Any, **kwargs: Any) -> WireResponse:
        """Return a request."""
        return WireResponse(self, self._session.request(*args, **kwargs))


class Home:
    """A Home Assistant with an account."""

    def __init__(
        self, hass: HomeAssistant, inverters: int, url: str, clock: FastClock
    ) -> None:
        """Take Home Assistant; the account is not set up yet."""
        self._hass = hass
        self._clock = clock
        self._inverters = inverters
        self._entry = config_entry(inverters, url)
        self.wire = WireSession(async_get_clientsession(hass))
        self.states = 0
        self.measured = 0.0
        hass.bus.async_listen("state_changed", self._heard)

    @callback
    def _heard(self, event: Event[Any]) -> None:
        self.states += 1

    @property
    def account(self) -> Account:
        """Return the account."""
        account: Account = self._entry.runtime_data
        return account

    async def set_up(self) -> list[float]:
        """Set up the entry, as often as it is cheap; returns how long each took."""
        entries = self._hass.config_entries
        taken = []
        for again in range(SET_UPS.get(self._inverters, 1)):
            if again:
                await entries.async_unload(self._entry.entry_id)
                await self._hass.async_block_till_done()
            start = perf_counter()
            if again:
                await entries.async_setup(self._entry.entry_id)
            else:
                await entries.async_add(self._entry)
            await self._hass.async_block_till_done()
            taken.append(perf_counter() - start)
            assert self._entry.state is ConfigEntryState.LOADED
        assert not self.wire.calls, "set-up from a fresh snapshot made calls"
        return taken

    async def refresh(self) -> float:
        """Poll the newest samples; returns what the event loop spent, in ms."""
        self._clock.ahead += PERIOD
        calls, wire, start = self.wire.calls, self.wire.spent, thread_time()
        await self.account.feeds["realtime"].async_poll_now()
        await self._hass.async_block_till_done()
        spent = thread_time() - start - (self.wire.spent - wire)
        assert self.account.feeds["realtime"].last_update_success
        assert self.wire.calls - calls == ceil(self._inverters / BATCH)
        return spent * 1000

    async def heartbeat(self) -> float:
        """Put the house together although nothing is new; returns ms as `refresh`."""
        start = thread_time()
        self.account.async_recompute()
        await self._hass.async_block_till_done()
        return (thread_time() - start) * 1000


class Watch:
    """Finds the longest time in which the event loop could do nothing else, in ms.

    What counts is the process's own work, in whatever thread it held the loop up: the
    machine may be busy with something else meanwhile.
    """

    def __init__(self) -> None:
        """Look at each turn of the loop."""
        self.longest = 0.0
        self._loop = asyncio.get_running_loop()
        self._last = process_time()
        self._handle = self._loop.call_soon(self._look)

    def _look(self) -> None:
        now = process_time()
        self.longest = max(self.longest, (now - self._last) * 1000)
        self._last = now
        self._handle = self._loop.call_soon(self._look)

    def stop(self) -> float:
        """Return what was found."""
        self._handle.cancel()
        return self.longest


async def measure(inverters: int, url: str, folder: Path, ahead: float) -> Any:
    """Return the figures of an account with so many inverters."""
    clock = FastClock(ahead)
    process = psutil.Process()
    async with home_assistant(folder, clock.clock()) as hass:
        home = Home(hass, inverters, url, clock)
        with (
            patch(
                "custom_components.solar_cloud.account.async_get_clientsession",
                return_value=home.wire,
            ),
            patch.object(entity_platform, MOST_ENTITIES, sys.maxsize, create=True),
        ):
            empty = process.memory_info().rss
            first, *set_ups = await home.set_up()
        times = REFRESHES[inverters]
        await home.refresh()
        states = home.states
        refreshes = [await home.refresh() for _ in range(times)]
        states = round((home.states - states) / times)
        heartbeats = [await home.heartbeat() for _ in range(times)]
        blocks = []
        for _ in range(times):
            watch = Watch()
            await home.refresh()
            blocks.append(watch.stop())
        rss = process.memory_info().rss
    return {
        "refresh_ms": round(median(refreshes), 3),
        "heartbeat_ms": round(median(heartbeats), 3),
        "longest_block_ms": round(median(blocks), 1),
        "setup_s": round(median(set_ups or [first]), 3),
        "rss_mb": round(rss / MEGABYTE, 1),
        "rss_added_mb": round((rss - empty) / MEGABYTE, 1),
        "entities": len(hass.states.async_all()),
        "states_per_refresh": states,
    }


if __name__ == "__main__":
    _, count, host, place, before = sys.argv
    figures = asyncio.run(measure(int(count), host, Path(place), float(before)))
    sys.stdout.write(json.dumps(figures) + "\n")
