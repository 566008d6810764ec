"""Days that are read again: after an outage, and each night for the vendor's corrections."""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from homeassistant.core import callback

from .cloud.errors import CloudError
from .cloud.model import Energies, EnergyRow
from .job import ONE_DAY
from .records import Records

if TYPE_CHECKING:
    from .account import Account

# Data this old when an hour ends leaves a gap, which is tried so often to be filled, after
# twice as long each time. The last days are read again each night from this hour on: when
# an hour of today is over, so that yesterday's last one is not the one at the end.
SILENT = timedelta(minutes=45)
GAP_TRIES = 7
NIGHT = 2

type Fetch = Callable[[Collection[str], date, date], Awaitable[Energies]]


class Rereads:
    """Knows which days of which plants are due, and reads them."""

    def __init__(
        self, account: Account, records: Records, lock: asyncio.Lock, fetch: Fetch
    ) -> None:
        """Take where to write, what keeps others from it, and how days are fetched."""
        self._account = account
        self._records = records
        self._lock = lock
        self._fetch = fetch

    @property
    def _kept(self) -> dict[str, Any]:
        return self._account.store.kept.history

    @property
    def due(self) -> dict[str, dict[str, Any]]:
        """Return which days of a plant to read again: `first`, `last`, `tries` left, `next`."""
        due: dict[str, dict[str, Any]] = self._kept.setdefault("due", {})
        return due

    @callback
    def async_hour(self, wanted: Callable[[str], int]) -> None:
        """Look after an hour that the recorder has just compiled.

        `wanted` tells how many days of a plant are to be read again each night.
        """
        now = self._account.clock.now()
        for plant in self._account.house.data.plants:
            self._look_for_gap(plant, now)
            self._look_again(plant, now, wanted(plant))
        if self._ripe() and not self._lock.locked():
            self._account.spawn(self.async_read())

    def _ripe(self) -> list[str]:
        """Return the plants of which days are due now."""
        now = self._account.clock.now()
        return [
            plant
            for plant, due in self.due.items()
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
            self.note(plant, day, now.astimezone(zone).date(), tries=GAP_TRIES)

    def _look_again(self, plant: str, now: datetime, days: int) -> None:
        """Note the last days once a night: the vendor may have corrected them."""
        local = now.astimezone(self._account.zone(plant))
        nights = self._kept.setdefault("nights", {})
        today = local.date().isoformat()
        if days and local.hour >= NIGHT and nights.get(plant) != today:
            nights[plant] = today
            self.note(plant, local.date() - timedelta(days=days), local.date())

    def note(self, plant: str, first: date, last: date, *, tries: int = 1) -> None:
        """Have days read again, so many times if they do not fit."""
        due = self.due.setdefault(plant, {"first": first.isoformat(), "tries": 0})
        due["first"] = min(due["first"], first.isoformat())
        due["last"] = last.isoformat()
        due["tries"] = max(due["tries"], tries)
        due["next"] = self._account.clock.now().isoformat()

    async def async_read(self) -> None:
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

    async def async_read_late(self) -> None:
        """Read days that found no call left, before an import takes the next ones."""
        late = [due for due in self.due.values() if due.get("failures")]
        if late:
            for due in late:
                due["next"] = self._account.clock.now().isoformat()
            await self.async_read()

    async def _read_again(self, plants: Collection[str]) -> bool:
        """Read the days of plants that are told of together; returns whether they fit."""
        due = [self.due[plant] for plant in plants]
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
            due = self.due[plant]
            due["failures"] = failures = due.get("failures", 0) + 1
            if failures >= GAP_TRIES:
                del self.due[plant]
                continue
            hours = 2 ** (failures - 1)
            due["next"] = (now + timedelta(hours=hours, minutes=-5)).isoformat()

    def _count_tries(self, plants: Collection[str], *, fits: bool) -> None:
        """Forget what is done, or was tried often enough; wait longer for the rest."""
        now = self._account.clock.now()
        for plant in plants:
            due = self.due[plant]
            due["tries"] -= 1
            if fits or due["tries"] <= 0:
                del self.due[plant]
                continue
            hours = 2 ** max(0, GAP_TRIES - 1 - due["tries"])
            due["next"] = (now + timedelta(hours=hours, minutes=-5)).isoformat()
