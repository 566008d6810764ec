"""Past years, hours after an outage, late corrections: into the entities' own statistics.

One path for all: energies of days come from the vendor within what its allowances leave
over, are put into hours, and written where they differ from what is recorded. Past days
are imported backwards, a part at a time; each part joins what is there, and what a killed
process has left undone at a seam is seen there and put right.
"""

import asyncio
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from homeassistant.const import EVENT_RECORDER_HOURLY_STATISTICS_GENERATED
from homeassistant.core import Event, callback
from homeassistant.helpers.dispatcher import async_dispatcher_send

from . import recorded
from .cloud.errors import CloudError, QuotaExceeded, understood
from .cloud.model import Energies, EnergyRow, Readings
from .cloud.quantity import LIFETIME_ENERGIES
from .const import CONF_HISTORY_START, DOMAIN, LOGGER
from .job import EMPTY, ONE_DAY, Job, Part
from .records import Records, Written
from .rereads import Rereads

if TYPE_CHECKING:
    from .account import Account, SolarCloudConfigEntry

# Nobody waits longer than this (s) to see how far an import is, nor to see anything at all.
SHOWN_EACH = 600.0
SHOWN_FIRST = 60.0

# Waits in s: for the first statistics of new entities, and after a failure.
FIRST_STATISTICS_WITHIN = 900.0
LOOK_AGAIN = 30.0
RETRY_AFTER = 900.0
MOST_FAILURES = 8

# Where nothing is recorded all newer hours come with these; one night may fail.
APART_DAYS = 2


def signal_progress(entry: SolarCloudConfigEntry) -> str:
    """Return the signal on which an entry's progress is told."""
    return f"{DOMAIN}_{entry.entry_id}_history"


class History:
    """Brings an account's statistics in line with what its vendor knows."""

    def __init__(self, account: Account) -> None:
        """Take up what was stored; nothing runs yet."""
        self._account = account
        self._records = Records(account)
        self._running: asyncio.Task[None] | None = None
        self._lock = asyncio.Lock()
        self._rereads = Rereads(account, self._records, self._lock, self._fetch)
        self._waiting: str | None = None
        self._taken: dict[str, datetime] = {}

    @property
    def _kept(self) -> dict[str, Any]:
        return self._account.store.kept.history

    def job(self, plant: str) -> Job | None:
        """Return the import of a plant's past, None where none was asked for."""
        found = self._kept.get("jobs", {}).get(plant)
        return Job(**found) if found else None

    def progress(self, plant: str) -> float | None:
        """Return how much of a plant's past is imported, in %."""
        job = self.job(plant)
        return job.progress if job else None

    def attributes(self, plant: str) -> dict[str, Any]:
        """Return the days of an import, and what it leaves open."""
        if (job := self.job(plant)) is None:
            return {}
        return {
            "first": job.first,
            "last": job.last,
            "imported_back_to": (job.coming + ONE_DAY).isoformat(),
            "waiting_for": self._waiting,
            "differences": self.differences(plant),
        }

    def differences(self, plant: str) -> dict[str, float]:
        """Return what a plant's counters had (kWh) before the first hour recorded.

        It is 0 where the hours since the plant began add up to the vendor's own total.
        """
        job = self.job(plant)
        whole = job and job.done and job.first == self._began(plant)
        return dict(job.offsets) if job and whole else {}

    def _began(self, plant: str) -> str | None:
        created = self._created(plant)
        return created.isoformat() if created else None

    async def _keep(self, plant: str, job: Job) -> None:
        self._kept.setdefault("jobs", {})[plant] = asdict(job)
        await self._account.store.async_save()
        async_dispatcher_send(self._account.hass, signal_progress(self._account.entry))

    @callback
    def async_run(self) -> None:
        """Follow the recorder's hours, and go on with what was begun."""
        account = self._account
        if not recorded.is_there(account.hass):
            return
        account.entry.async_on_unload(
            account.hass.bus.async_listen(
                EVENT_RECORDER_HOURLY_STATISTICS_GENERATED, self._async_hour
            )
        )
        account.spawn(self._async_follow_option())
        self.async_go_on()

    async def _async_follow_option(self) -> None:
        """Ask for the days since the one that the user chose, those that are missing."""
        chosen = self._account.entry.options.get(CONF_HISTORY_START)
        if not chosen:
            return
        first = date.fromisoformat(chosen)
        for plant in self._account.house.data.plants:
            job = self.job(plant)
            if job is None:
                await self.async_import([plant], first)
            elif (
                job.done
                and job.first
                and first < (end := job.until) > self._least(plant)
            ):
                await self.async_import([plant], first, end - ONE_DAY)

    def _least(self, plant: str) -> date:
        return self._created(plant) or date.min

    # --- past years ---------------------------------------------------------------------

    async def async_begin(self, plants: Iterable[str]) -> None:
        """Ask for the past of plants whose past nobody has asked for yet."""
        if recorded.is_there(self._account.hass):
            chosen = self._account.entry.options.get(CONF_HISTORY_START)
            first = date.fromisoformat(chosen) if chosen else None
            await self.async_import(
                [plant for plant in plants if self.job(plant) is None], first
            )

    async def async_import(
        self, plants: Iterable[str], first: date | None = None, last: date | None = None
    ) -> None:
        """Ask for the past of plants; it is imported in the background."""
        for plant in plants:
            today = self._today(plant)
            end = min(last or today, today)
            begin = max(filter(None, (first, self._created(plant))), default=None)
            job = Job(
                first=begin.isoformat() if begin else None,
                last=end.isoformat(),
                next=end.isoformat(),
                done=begin is not None and begin > end,
            )
            await self._keep(plant, job)
        self.async_go_on()

    def _created(self, plant: str) -> date | None:
        """Return the day on which a plant began, where the vendor tells it."""
        found = self._account.house.data.plants.get(plant)
        with suppress(ValueError):
            return (
                date.fromisoformat(found.created) if found and found.created else None
            )
        return None

    def _today(self, plant: str) -> date:
        account = self._account
        return account.clock.now().astimezone(account.zone(plant)).date()

    @callback
    def async_go_on(self) -> None:
        """Import what is still to come, one account's part at a time."""
        if self._running is None or self._running.done():
            self._running = self._account.spawn(self._import_all())

    def _open(self) -> dict[str, Job]:
        plants = self._account.house.data.plants
        jobs = {plant: self.job(plant) for plant in plants}
        return {plant: job for plant, job in jobs.items() if job and not job.done}

    async def _import_all(self) -> None:
        async with self._lock:
            await self._records.async_close_seams()
        failures = 0
        while jobs := self._open():
            if not await self._async_statistics_there(jobs):
                return
            last = max(job.coming for job in jobs.values())
            newest = [plant for plant, job in jobs.items() if job.coming == last]
            group = next(iter(self._account.vendor.together(newest)))
            part = {plant: jobs[plant] for plant in group}
            try:
                await self._import_part(part, last)
                failures = 0
            except CloudError as err:
                failures += 1
                await self._wait(err, failures)
                await self._rereads.async_read_late()

    async def _async_statistics_there(self, plants: Collection[str]) -> bool:
        """Wait until the counters of plants have statistics to join the past to.

        Those of which nothing is recorded have none, and nothing waits for them.
        """
        account = self._account
        until = account.clock.monotonic() + FIRST_STATISTICS_WITHIN
        while True:
            told = [
                (plant, key)
                for plant in plants
                for key in LIFETIME_ENERGIES
                if account.house.data.value(plant, key) is not None
            ]
            wanted = [key for key in told if self._records.entity_id(*key)]
            apart = any(self._records.is_apart(*key) for key in told)
            there = [await self._records.async_series(*key) for key in wanted]
            if all(there) and (there or apart):
                return True
            if account.clock.monotonic() > until:
                return apart or any(there)
            await account.clock.sleep(LOOK_AGAIN)

    async def _import_part(self, jobs: Mapping[str, Job], last: date) -> None:
        """Fetch days back from one, and write them once enough are together."""
        first = min(job.until for job in jobs.values())
        clock = self._account.clock
        begun = any(job.next != job.last for job in jobs.values())
        until = clock.monotonic() + (SHOWN_EACH if begun else SHOWN_FIRST)
        part = Part(last=last, day=last)
        failure: CloudError | None = None
        while not part.whole(first) and clock.monotonic() < until:
            try:
                part.add(await self._fetch(jobs, first, part.day))
            except CloudError as err:
                failure = err
                break
        if part.day < last:
            async with self._lock:
                written = await self._records.async_write(part.rows, begin=True)
            for plant, job in jobs.items():
                self._count(job, plant, part.rows, last - part.day, written)
                job.next = part.day.isoformat()
                job.done = part.beginning or part.day < job.until or job.empty >= EMPTY
                await self._keep(plant, job)
        if failure:
            raise failure

    async def _fetch(self, plants: Collection[str], first: date, day: date) -> Energies:
        with understood():
            return await self._account.vendor.energy(list(plants), first, day)

    def _count(
        self,
        job: Job,
        plant: str,
        rows: Iterable[EnergyRow],
        span: timedelta,
        written: Written,
    ) -> None:
        """Take down what a part told of a plant."""
        house = self._account.house.data
        silent = not any(
            row.kwh
            for row in rows
            if house.has(row.subject) and self._account.plant_of(row.subject) == plant
        )
        job.empty = job.empty + span.days if silent else 0
        job.offsets |= {
            key: offset
            for (subject, key), offset in written.offsets.items()
            if subject == plant
        }

    async def _wait(self, err: CloudError, failures: int) -> None:
        """Wait until the vendor may be asked again."""
        clock = self._account.clock
        wait = RETRY_AFTER * min(failures, MOST_FAILURES)
        if isinstance(err, QuotaExceeded) and err.retry_at:
            wait = max(1.0, (err.retry_at - clock.now()).total_seconds())
        LOGGER.debug("The past is asked for again in %.0f s: %s", wait, err.key)
        self._waiting = err.key
        async_dispatcher_send(self._account.hass, signal_progress(self._account.entry))
        await clock.sleep(wait)
        self._waiting = None

    # --- each hour ------------------------------------------------------------------------

    async def _async_hour(self, event: Event) -> None:
        """Look after an hour that the recorder has just compiled."""
        self._rereads.async_hour(self._nights)
        self.async_go_on()

    def _nights(self, plant: str) -> int:
        """Return how many days of a plant are read again each night."""
        apart = self.job(plant) and any(
            self._records.is_apart(plant, key) for key in LIFETIME_ENERGIES
        )
        return max(self._account.vendor.rereads, APART_DAYS if apart else 0)

    @callback
    def async_take(self, rows: Collection[EnergyRow], readings: Readings) -> None:
        """Write what a poll told of the hours before it, once for each hour."""
        account = self._account
        until = recorded.compiled_until(account.clock.now())
        new = {row for row in rows if self._taken.get(row.subject) != until}
        if new and recorded.is_there(account.hass):
            account.spawn(self._async_write_told(new, readings, until))

    async def _async_write_told(
        self, rows: Collection[EnergyRow], readings: Readings, until: datetime
    ) -> None:
        counters = {
            (subject, key): reading
            for subject, found in readings.items()
            for key, reading in found.items()
        }
        async with self._lock:
            written = await self._records.async_write(rows, counters)
        if written.offsets and written.fits:
            self._taken |= dict.fromkeys({row.subject for row in rows}, until)
