"""Past years, hours after an outage, late corrections: into the entities' own statistics.

One path for all: energies of days come from the vendor within what its allowances leave
over, are put into hours, and written where they differ from what is recorded. Past days
are imported backwards, a part at a time; each part joins what is there, and what a killed
process has left undone at a seam is seen there and put right.
"""

import asyncio
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
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
from .records import Records, Written

if TYPE_CHECKING:
    from .account import Account, SolarCloudConfigEntry

ONE_DAY = timedelta(days=1)

# What is written together, as each part moves all later sums: so many days, while memory
# holds their rows, and nobody waits longer than this (s) to see how far it is, nor to see
# anything at all.
TOGETHER = 366
MOST_ROWS = 100_000
SHOWN_EACH = 600.0
SHOWN_FIRST = 60.0
# Empty days after which the past is taken to be over.
EMPTY = 62

# Waits in s: for the first statistics of new entities, and after a failure.
FIRST_STATISTICS_WITHIN = 900.0
LOOK_AGAIN = 30.0
RETRY_AFTER = 900.0
MOST_FAILURES = 8

# Data this old when an hour ends leaves a gap, which is tried so often to be filled, after
# twice as long each time. The last days are read again each night from this hour on: when
# an hour of today is over, so that yesterday's last one is not the one at the end.
SILENT = timedelta(minutes=45)
GAP_TRIES = 7
NIGHT = 2
# Where nothing is recorded all newer hours come with these; one night may fail.
APART_DAYS = 2


def signal_progress(entry: SolarCloudConfigEntry) -> str:
    """Return the signal on which an entry's progress is told."""
    return f"{DOMAIN}_{entry.entry_id}_history"


@dataclass(slots=True, kw_only=True)
class Job:
    """The import of a plant's past, from `last` back to `first`; `next` is yet to come.

    Without `first` it goes back until the vendor has nothing more.
    """

    last: str
    next: str
    first: str | None = None
    done: bool = False
    empty: int = 0
    offsets: dict[str, float] = field(default_factory=dict)

    @property
    def coming(self) -> date:
        """Return the day that is next."""
        return date.fromisoformat(self.next)

    @property
    def until(self) -> date:
        """Return the day to go back to."""
        return date.fromisoformat(self.first) if self.first else date.min

    @property
    def progress(self) -> float | None:
        """Return how much is done in %, None while nobody knows how much there is."""
        if self.done:
            return 100.0
        if self.first is None:
            return None
        last = date.fromisoformat(self.last)
        whole = (last - self.until).days + 1
        return round(100 * (last - self.coming).days / whole, 1)


@dataclass(slots=True, kw_only=True)
class Part:
    """Days back from `last` that are written together; `day` is the next one to fetch."""

    last: date
    day: date
    rows: list[EnergyRow] = field(default_factory=list)
    beginning: bool = False
    empty: int = 0

    def add(self, found: Energies) -> None:
        """Add what was fetched, from the next day back."""
        empty = not any(row.kwh for row in found.rows)
        self.empty = self.empty + (self.day - found.first).days + 1 if empty else 0
        self.rows += found.rows
        self.day, self.beginning = found.first - ONE_DAY, found.beginning

    def whole(self, first: date) -> bool:
        """Return whether it is enough to write, or nothing comes before it."""
        return (
            self.beginning
            or self.day < max(first, self.last - timedelta(days=TOGETHER - 1))
            or len(self.rows) >= MOST_ROWS
            or self.empty >= EMPTY
        )


class History:
    """Brings an account's statistics in line with what its vendor knows."""

    def __init__(self, account: Account) -> None:
        """Take up what was stored; nothing runs yet."""
        self._account = account
        self._records = Records(account)
        self._running: asyncio.Task[None] | None = None
        self._lock = asyncio.Lock()
        self._waiting: str | None = None
        self._taken: dict[str, datetime] = {}

    @property
    def _kept(self) -> dict[str, Any]:
        return self._account.store.kept.history

    @property
    def _due(self) -> dict[str, dict[str, Any]]:
        """Return which days of a plant to read again: `days`, `tries` left, `next` one."""
        due: dict[str, dict[str, Any]] = self._kept.setdefault("due", {})
        return due

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
                await self._async_read_late()

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

    # --- gaps and late corrections --------------------------------------------------------

    async def _async_hour(self, event: Event) -> None:
        """Look after an hour that the recorder has just compiled."""
        account = self._account
        now = account.clock.now()
        for plant in account.house.data.plants:
            self._look_for_gap(plant, now)
            self._look_again(plant, now)
        if self._ripe() and not self._lock.locked():
            account.spawn(self._async_read_again())
        self.async_go_on()

    def _ripe(self) -> list[str]:
        """Return the plants of which days are due now."""
        now = self._account.clock.now()
        return [
            plant
            for plant, due in self._due.items()
            if datetime.fromisoformat(due["next"]) <= now
            and self._account.house.data.has(plant)
        ]

    def _look_for_gap(self, plant: str, now: datetime) -> None:
        """Note the days of hours in which no new data came."""
        if self._account.is_silent(plant, SILENT):
            return
        good = self._kept.setdefault("good", {})
        before = datetime.fromisoformat(good.get(plant, now.isoformat()))
        good[plant] = now.isoformat()
        if now - before > timedelta(hours=1) + SILENT:
            zone = self._account.zone(plant)
            day = (before - timedelta(hours=1)).astimezone(zone).date()
            self._note(plant, day, now.astimezone(zone).date(), tries=GAP_TRIES)

    def _look_again(self, plant: str, now: datetime) -> None:
        """Note the last days once a night: the vendor may have corrected them."""
        days = self._account.vendor.rereads
        if self.job(plant) and any(
            self._records.is_apart(plant, key) for key in LIFETIME_ENERGIES
        ):
            days = max(days, APART_DAYS)
        local = now.astimezone(self._account.zone(plant))
        nights = self._kept.setdefault("nights", {})
        today = local.date().isoformat()
        if days and local.hour >= NIGHT and nights.get(plant) != today:
            nights[plant] = today
            self._note(plant, local.date() - timedelta(days=days), local.date())

    def _note(self, plant: str, first: date, last: date, *, tries: int = 1) -> None:
        due = self._due.setdefault(plant, {"first": first.isoformat(), "tries": 0})
        due["first"] = min(due["first"], first.isoformat())
        due["last"] = last.isoformat()
        due["tries"] = max(due["tries"], tries)
        due["next"] = self._account.clock.now().isoformat()

    async def _async_read_again(self) -> None:
        """Read the days that are due, and write what has changed."""
        async with self._lock:
            for group in self._account.vendor.together(self._ripe()):
                try:
                    fits = await self._read_again(group)
                except CloudError:
                    self._put_off(group)
                else:
                    self._count_tries(group, fits=fits)
            await self._account.store.async_save()

    async def _async_read_late(self) -> None:
        """Read days that found no call left, before an import takes the next ones."""
        late = [due for due in self._due.values() if due.get("failures")]
        if late:
            for due in late:
                due["next"] = self._account.clock.now().isoformat()
            await self._async_read_again()

    async def _read_again(self, plants: Collection[str]) -> bool:
        """Read the days of plants that are told of together; returns whether they fit."""
        due = [self._due[plant] for plant in plants]
        first = date.fromisoformat(min(row["first"] for row in due))
        day = date.fromisoformat(max(row["last"] for row in due))
        rows: list[EnergyRow] = []
        while day >= first:
            found = await self._fetch(plants, first, day)
            rows += found.rows
            day = found.first - ONE_DAY
        return (await self._records.async_write(rows, past=False)).fits

    def _put_off(self, plants: Collection[str]) -> None:
        """Ask later for what was not told, where an import has taken what is allowed."""
        now = self._account.clock.now()
        for plant in plants:
            due = self._due[plant]
            due["failures"] = failures = due.get("failures", 0) + 1
            if failures >= GAP_TRIES:
                del self._due[plant]
                continue
            hours = 2 ** (failures - 1)
            due["next"] = (now + timedelta(hours=hours, minutes=-5)).isoformat()

    def _count_tries(self, plants: Collection[str], *, fits: bool) -> None:
        """Forget what is done, or was tried often enough; wait longer for the rest."""
        now = self._account.clock.now()
        for plant in plants:
            due = self._due[plant]
            due["tries"] -= 1
            if fits or due["tries"] <= 0:
                del self._due[plant]
                continue
            hours = 2 ** max(0, GAP_TRIES - 1 - due["tries"])
            due["next"] = (now + timedelta(hours=hours, minutes=-5)).isoformat()

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
