"""Write the file of an account that has just been polled: what a restart finds.

`python -m tests.bench.prepare INVERTERS URL FOLDER` prints by how many seconds its clock
ran ahead, which is where the next one has to go on.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from itertools import batched
import json
from pathlib import Path
import sys
from types import TracebackType
from typing import Any, Self, cast

from aiohttp import ClientSession

from custom_components.solar_cloud.cloud.foxess.client import BATCH
from custom_components.solar_cloud.cloud.foxess.cloud import FOXESS
from custom_components.solar_cloud.cloud.foxess.endpoints import REAL_V1
from custom_components.solar_cloud.cloud.quota import Call, Ledger
from custom_components.solar_cloud.cloud.vendor import Connection
from custom_components.solar_cloud.store import AccountStore, Kept, async_open_ledger

from .answers import PERIOD, Fleet
from .hass import STEP, FastClock, config_entry, credentials, home_assistant

DAY = 24 * 3600
# Settings, totals and the like make as many calls again as realtime does, twice over.
FEEDS = 3
# Realtime comes again last, when settings and batteries are known.
ORDER = ("devices", "realtime", "totals", "settings", "faults", "allowance", "realtime")


class Response:
    """An answer that is there at once."""

    status = 200
    headers: Mapping[str, str] = {}

    def __init__(self, body: dict[str, Any]) -> None:
        """Keep the body."""
        self._body = body

    async def __aenter__(self) -> Self:
        """Return the answer."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Need no closing."""

    async def text(self, errors: str) -> str:
        """Return the body."""
        return json.dumps(self._body)


class DirectSession:
    """A session whose requests never leave the process."""

    def __init__(self, fleet: Fleet) -> None:
        """Answer from a fleet."""
        self._fleet = fleet

    def request(self, method: str, url: str, **request: Any) -> Response:
        """Answer a request."""
        asked = {**(request["params"] or {}), **(request["json"] or {})}
        at = int(request["headers"]["timestamp"]) / 1000
        return Response(self._fleet.answer(f"/{url.split('/', 3)[3]}", asked, at))


async def a_day_of_polls(ledger: Ledger, clock: FastClock, fleet: Fleet) -> None:
    """Fill the books as they are after a day, for all feeds together."""
    for _ in range(DAY // PERIOD):
        for batch in batched(fleet.inverters, BATCH, strict=False):
            call = Call(endpoint=REAL_V1.path, subjects=batch, cost=len(batch))
            for _ in range(FEEDS):
                async with ledger.admit(call):
                    pass
        clock.ahead += PERIOD


async def prepare(inverters: int, url: str, folder: Path) -> float:
    """Poll everything, and write what was found; returns how far the clock has gone."""
    clock, fleet = FastClock(), Fleet(inverters)
    key = credentials(inverters, url)
    async with home_assistant(folder, clock.clock()) as hass:
        ledger = await async_open_ledger(hass, FOXESS, key)
        vendor = FOXESS.way(STEP).connect(
            Connection(
                session=cast("ClientSession", DirectSession(fleet)),
                clock=clock.clock(),
                ledger=ledger,
                credentials=key,
                memory={},
                language="en",
            )
        )
        await vendor.poll("devices")
        await a_day_of_polls(ledger, clock, fleet)
        found = {feed: await vendor.poll(feed) for feed in ORDER}
        feeds = {feed: replace(row, at=clock.now()) for feed, row in found.items()}
        store = AccountStore(hass, config_entry(inverters, url))
        store.kept = Kept(feeds=feeds, memory=vendor.memory)
        await store.async_save()
        await ledger.flush()
    return clock.ahead


if __name__ == "__main__":
    ahead = asyncio.run(prepare(int(sys.argv[1]), sys.argv[2], Path(sys.argv[3])))
    sys.stdout.write(f"{ahead}\n")
