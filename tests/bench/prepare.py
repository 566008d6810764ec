"""Write the file of an account that has just been polled: what a restart finds.

`python -m tests.bench.prepare INVERTERS URL FOLDER` prints by how many seconds its clock
ran ahead, which is where the next one has to go on.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
import json
from pathlib import Path
import sys
from types import TracebackType
from typing import Any, Self, cast

from aiohttp import ClientSession

from custom_components.solar_cloud.cloud.foxess.cloud import FOXESS
from custom_components.solar_cloud.cloud.foxess.limits import DAY
from custom_components.solar_cloud.cloud.vendor import Connection
from custom_components.solar_cloud.cloud.windows import SLOTS_PER_WINDOW
from custom_components.solar_cloud.const import DOMAIN
from custom_components.solar_cloud.store import (
    VERSION,
    AccountStore,
    Kept,
    SignIn,
    async_open_ledger,
    ledger_id,
)
from homeassistant.helpers.storage import Store

from .answers import Fleet
from .hass import STEP, FastClock, config_entry, credentials, home_assistant

# The ledger's slots are six minutes long; an inverter needs some 900 calls a day.
CALLS_A_SLOT = 4
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


def after_a_day(books: dict[str, Any], inverters: int) -> dict[str, Any]:
    """Return the ledger's books as they are when a whole day has been polled."""
    for name, book in books["books"].items():
        if slots := [slot for slot, _ in book["booked"]]:
            count = CALLS_A_SLOT * (inverters if name.startswith(DAY) else 1)
            first = max(slots) - SLOTS_PER_WINDOW + 1
            book["booked"] = [[slot, count] for slot in range(first, max(slots) + 1)]
    return books


async def prepare(inverters: int, url: str, folder: Path) -> float:
    """Poll everything, and write what was found; returns how far the clock has gone."""
    clock = FastClock()
    key = credentials(inverters, url)
    way = FOXESS.way(STEP)
    async with home_assistant(folder, clock.clock()) as hass:
        ledger = await async_open_ledger(hass, FOXESS, SignIn(way=way, credentials=key))
        vendor = way.connect(
            Connection(
                session=cast("ClientSession", DirectSession(Fleet(inverters))),
                clock=clock.clock(),
                ledger=ledger,
                credentials=key,
                memory={},
                language="en",
            )
        )
        found = {feed: await vendor.poll(feed) for feed in ORDER}
        feeds = {feed: replace(row, at=clock.now()) for feed, row in found.items()}
        store = AccountStore(hass, config_entry(inverters, url))
        store.kept = Kept(feeds=feeds, memory=vendor.memory)
        await store.async_save()
        books = Store[dict[str, Any]](
            hass,
            VERSION,
            f"{DOMAIN}.ledger.{ledger_id(FOXESS, SignIn(way=way, credentials=key))}",
        )
        await books.async_save(after_a_day(ledger.as_dict(), inverters))
    return clock.ahead


if __name__ == "__main__":
    ahead = asyncio.run(prepare(int(sys.argv[1]), sys.argv[2], Path(sys.argv[3])))
    sys.stdout.write(f"{ahead}\n")
