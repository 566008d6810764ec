"""Import years of one plant's past into Home Assistant's recorder, on the injected clock.

`python -m tests.bench.history VENDOR DAYS` prints what it cost as JSON.
"""

# Home Assistant's clock is bound when it is imported: the harness comes before it.
from pytest_homeassistant_custom_component import plugins  # isort: skip

import asyncio
from asyncio import events
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
import gc
import json
from math import ceil
from pathlib import Path
import sqlite3
import sys
from tempfile import TemporaryDirectory
from time import thread_time
from typing import Any
from unittest.mock import patch

from aiohttp import ClientSession
import pytest_socket

from custom_components.solar_cloud.cloud.quantity import LIFETIME_ENERGIES
from homeassistant.components.http.server import HomeAssistantHTTP
from homeassistant.components.recorder.tasks import (
    AdjustStatisticsTask,
    ImportStatisticsTask,
)
from homeassistant.helpers import entity_registry as er

from .hass import Resolver

from tests.driver import PROCESS, House

START = datetime(2026, 5, 12, 8, 2, tzinfo=UTC)
YESTERDAY = START.date() - timedelta(days=1)
# Where the recorder's file does not wait for a disk.
MEMORY = next((row for row in ("/dev/shm",) if Path(row).is_dir()), None)  # noqa: S108  (a folder of its own is made in it)
MOST = timedelta(days=60)
# Days that a Growatt device keeps.
KEPT = 95
# Signing in again is no call about the past.
TOKEN = "token"
QUERY = """
    SELECT statistic_id, start_ts, state, sum FROM statistics
    JOIN statistics_meta ON statistics_meta.id = metadata_id WHERE start_ts < ?
"""

BIND = HomeAssistantHTTP.async_bind
FETCHING: ContextVar[bool] = ContextVar("fetching", default=False)


@dataclass(frozen=True)
class Plant:
    """A vendor's plant, and the calls that so many days of it make necessary."""

    account: str
    necessary: Callable[[int], int]


def pages(days: int) -> int:
    """Return the calls for two devices: six days of samples at once, with those around.

    What devices have forgotten is asked of them once, then the plant tells it by the week.
    """
    near = min(days, KEPT + 6)
    spans = [min(6, near + 1 - done) for done in range(0, near + 1, 6)]
    far = ceil(max(0, days - KEPT) / 7)
    return sum(2 * ceil((span + 2) * 2.88) for span in spans) + (2 + far if far else 0)


def weeks(days: int) -> int:
    """Return the calls for five kinds of energy: five weeks, all before at once."""
    return 5 * ceil(min(days + 1, 35) / 7) + 5 * (days > 34)


# One call tells of a day of an inverter (FoxESS; the plant began the evening before, by UTC),
# of a plant and of its meter (Huawei), of six days of a device (Growatt, in pages) or a week
# of a plant, of a fortnight beside its months (Solar-Log), of a week of each kind of energy
# (Enphase); some more for the sums of a month or a year.
PLANTS = {
    "foxess": Plant("kh", lambda days: days + 2),
    "growatt": Plant("min", pages),
    "huawei": Plant("owner", lambda days: 2 * (days + 1)),
    "solarlog": Plant(
        "basic_battery", lambda days: ceil((days + 1) / 14) + ceil(days / 28) + 1
    ),
    "enphase": Plant("watt", weeks),
}


class Costs:
    """What an import costs the recorder, the event loop and the vendor."""

    def __init__(self) -> None:
        """Start with nothing."""
        self.rows = 0
        self.series: dict[str, float] = defaultdict(float)
        self.calls: Counter[str] = Counter()
        self.longest = 0.0
        self._filed = 0.0

    @contextmanager
    def watched(self, house: House) -> Iterator[None]:
        """Take down what happens meanwhile."""
        with ExitStack() as stack:
            for task in (ImportStatisticsTask, AdjustStatisticsTask):
                stack.enter_context(patch.object(task, "run", self._recorder(task)))
            for owner, name, work in (
                (events.Handle, "_run", self._turn),
                (ClientSession, "_request", self._request),
                (house.files, "write", self._write),
            ):
                replaced = work(getattr(owner, name))
                stack.enter_context(patch.object(owner, name, replaced))
            yield

    def _recorder(self, kind: Any) -> Any:
        """Return the recorder's task, timed with the machine's own clock."""
        run = kind.run

        def timed(task: Any, instance: Any) -> None:
            start = thread_time()
            run(task, instance)
            taken = thread_time() - start
            metadata = getattr(task, "metadata", None)
            name = metadata["statistic_id"] if metadata else task.statistic_id
            self.series[name] += taken
            self.rows += len(list(getattr(task, "statistics", ())))

        return timed

    def _turn(self, run: Any) -> Any:
        """Return a turn of the loop, timed where it is Home Assistant's."""

        def timed(handle: Any) -> None:
            if handle._context.get(PROCESS) is None:  # noqa: SLF001
                run(handle)
                return
            self._filed, start = 0.0, thread_time()
            run(handle)
            taken = thread_time() - start - self._filed
            self.longest = max(self.longest, taken)

        return timed

    def _write(self, write: Any) -> Any:
        """Return how files are written here: on the loop, which they are not else."""

        async def timed(*args: Any) -> None:
            start = thread_time()
            await write(*args)
            self._filed += thread_time() - start

        return timed

    def _request(self, request: Any) -> Any:
        async def counted(
            session: ClientSession, method: str, url: Any, **given: Any
        ) -> Any:
            answer = await request(session, method, url, **given)
            # One on a connection that was closed meanwhile never reached the vendor.
            if FETCHING.get() and (name := url_name(str(url))) != TOKEN:
                self.calls[name] += 1
            return answer

        return counted


def url_name(url: str) -> str:
    """Return the last word of an endpoint."""
    return url.partition("?")[0].rpartition("/")[2]


def recorded(house: House, until: float) -> set[tuple[Any, ...]]:
    """Return all rows of hours that were over at an instant."""
    with closing(sqlite3.connect(str(house.place.database))) as connection:
        return set(connection.execute(QUERY, (until,)))


async def imported(
    house: House, plant: Any, account: str, last: date | None = None
) -> timedelta:
    """Import all there is up to a day; returns how long it took by the injected clock."""
    history = house.account(account).history
    began = house.now
    await house.do(history.async_import([plant.id], None, last))
    await house.run(until=began + MOST, stop=lambda: history.progress(plant.id) == 100)
    assert history.progress(plant.id) == 100, history.attributes(plant.id)
    return house.now - began


async def bound(server: HomeAssistantHTTP) -> None:
    """Open the page of Home Assistant, which nobody visits, at any port."""
    server.server_port = 0
    await BIND(server)


def without_devices(house: House, plant: Any) -> None:
    """Leave the plant's own counters; those of its devices would be as many again."""
    registry = er.async_get(house.hass)
    devices = [row["id"] for row in plant.listed()]
    for key, entity_id in list(house.entities(devices)):
        if key in LIFETIME_ENERGIES:
            disabled = er.RegistryEntryDisabler.USER
            registry.async_update_entity(entity_id, disabled_by=disabled)


async def without_polls(house: House, entry: Any) -> None:
    """Stop the polls: their days are measured elsewhere, and take long."""
    entries = house.hass.config_entries
    entries.async_update_entry(entry, pref_disable_polling=True)
    await house.do(entries.async_reload(entry.entry_id))
    await house.run(minutes=2)


async def measure(vendor: str, days: int) -> dict[str, Any]:
    """Return what the past of a vendor's plant costs."""
    given = PLANTS[vendor]
    with (
        TemporaryDirectory(dir=MEMORY) as folder,
        patch(
            "homeassistant.helpers.aiohttp_client._async_make_resolver",
            side_effect=lambda hass: Resolver(),
        ),
        patch.object(HomeAssistantHTTP, "async_bind", bound),
    ):
        async with House(
            start=START, folder=Path(folder), vendors=(vendor,), history_days=days
        ) as house:
            entry = await house.setup(given.account, control=False)
            plant = house.sim.account(given.account).plants[0]
            await house.run(minutes=75)
            without_devices(house, plant)
            await without_polls(house, entry)
            connected = house.account(given.account)
            history = connected.history
            part = history._import_part  # noqa: SLF001

            async def fetched(*args: Any) -> Any:
                token = FETCHING.set(True)
                try:
                    return await part(*args)
                finally:
                    FETCHING.reset(token)

            # The years of the simulated home would be gone through with every collection.
            gc.collect()
            gc.freeze()
            first, again = Costs(), Costs()
            until = house.now.timestamp() - 2 * 3600
            with (
                patch.object(history, "_import_part", fetched),
                # Without polls the counters would differ from what is read at night.
                patch.object(connected.vendor, "rereads", 0),
            ):
                with first.watched(house):
                    taken = await imported(house, plant, given.account)
                before = recorded(house, until)
                with again.watched(house):
                    # Nor do they know of the present day.
                    await imported(house, plant, given.account, YESTERDAY)
            after = recorded(house, until)
    return {
        "days": days,
        "rows": first.rows,
        "calls": first.calls.total(),
        "necessary_calls": given.necessary(days),
        "recorder_s": round(max(first.series.values()), 2),
        "series": len(first.series),
        "longest_block_ms": round(first.longest * 1000, 1),
        "simulated_days": round(taken / timedelta(days=1), 1),
        "unchanged": before == after and len(before) > 0,
        "rows_again": again.rows,
        "changed_again": len(after ^ before),
        "by_call": first.calls,
    }


if __name__ == "__main__":
    plugins.pytest_runtest_setup()
    pytest_socket.enable_socket()
    sys.stdout.write(
        json.dumps(asyncio.run(measure(sys.argv[1], int(sys.argv[2])))) + "\n"
    )
