"""The past that Home Assistant has imported, beside the truth of each hour."""

import asyncio
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby
from typing import Any, override
from zoneinfo import ZoneInfo

from .client import Client
from .entities import Entity
from .world import Account, Hours, World

NOON = 12
WHOLE_DAY = 23
NOTHING = 1e-6
LONG_AGO = "2000-01-01T00:00:00+00:00"

# What a vendor's hours may be off (kWh): each end has a part of one step of its counters.
STEPS = {"foxess": 0.11, "growatt": 0.22, "huawei": 0.1}
# The same where an account has coarser ones, by vendor and account.
COARSE = {("solarlog", "basic"): 0.22}
OTHER_STEP = 0.01
SHARE = 0.01
# Growatt tells of an old inverter, and of old days, what was given out: less by the losses.
SHARES = {("growatt", "pv_energy"): 0.07}

# Home Assistant looks twice a minute for the first statistics, then asks for a minute.
FIRST_PART_WITHIN = timedelta(minutes=5)
MINUTES = timedelta(minutes=5)
# Some devices upload hours late: whole days are compared that were over so long ago.
LATE = timedelta(hours=12)
# Growatt's devices forget in the middle of a day, of which hours are told then; what two of
# them make together lacks what either has forgotten.
LACKING_AT_MOST = 48
# A part is written in two steps, which may be seen apart.
LOOKS = 3
LOOK_AGAIN = 3.0
TOLD_AT_MOST = 5


@dataclass(slots=True, kw_only=True)
class Past:
    """What is recorded of a plant before it was added, and what is wrong of it."""

    plant: str
    progress: str = ""
    waiting: str | None = None
    first: datetime | None = None
    hours: int = 0
    days: int = 0
    lacking: int = 0
    wrong: list[str] = field(default_factory=list)
    # When the last of its energies got its first statistics.
    known: datetime | None = None

    @property
    def had_time(self) -> bool:
        """Return whether the first part of the past could be there."""
        known = self.known
        return known is not None and datetime.now(UTC) - known > FIRST_PART_WITHIN

    @property
    def settled(self) -> bool:
        """Return whether waiting would not bring more than there is."""
        return bool(self.first or self.waiting or self.had_time)

    @property
    def complaints(self) -> list[str]:
        """Return the first lines of what is wrong, and how many more there are."""
        more = len(self.wrong) - TOLD_AT_MOST
        others = [f"{self.plant}: and {more} more"] if more > 0 else []
        return self.wrong[:TOLD_AT_MOST] + others

    @override
    def __str__(self) -> str:
        """Say in a line how much was compared."""
        share = f"{self.progress} % imported" if self.progress else "nothing asked for"
        why = f", waits: {self.waiting}" if self.waiting else ""
        if self.first is None:
            since = f"{self.known:%H:%M:%S} UTC" if self.known else "not yet"
            return (
                f"{self.plant}: no past yet ({share}{why}; first statistics: {since})"
            )
        return (
            f"{self.plant}: past since {self.first:%Y-%m-%d} ({share}{why}),"
            f" {self.hours} hours and {self.days} days compared,"
            f" {self.lacking} lacking,"
            f" {len(self.wrong)} wrong"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """An account that was added at an instant, and its entities."""

    account: Account
    entities: Collection[Entity]
    at: datetime


async def pasts(
    client: Client, world: World, added: Added, shown: Collection[str]
) -> list[Past]:
    """Return the past of each plant of an account, for the energies that are shown."""
    found: list[Past] = []
    for plant in added.account.plants:
        for look in range(LOOKS):
            past = await _past(client, world, added, plant, shown)
            if not past.wrong or look == LOOKS - 1:
                found.append(past)
                break
            await asyncio.sleep(LOOK_AGAIN)
    return found


def missing(vendor: str, found: Iterable[Past]) -> list[str]:
    """Return that nothing of a vendor was imported, though there was time."""
    rows = list(found)
    if any(row.first for row in rows) or not any(row.had_time for row in rows):
        return []
    return [f"{vendor}: nothing of the past was imported: {rows[0]}"]


async def _past(
    client: Client, world: World, added: Added, plant: str, shown: Collection[str]
) -> Past:
    """Compare the energies of a plant."""
    account = added.account
    past = Past(plant=f"{account.name} {account.plants[plant]}")
    own = [row for row in added.entities if row.plant == plant and not row.device]
    keys = {
        row.entity_id: row.key
        for row in own
        if row.entity_id in shown and row.key.endswith("_energy")
    }
    await _progress(client, past, own)
    past.known = await _known(client, keys)
    zone = ZoneInfo(account.zones[plant])
    told_of = (added.at - LATE).astimezone(zone).date()
    until = datetime.combine(told_of, time(), zone).timestamp()
    told = {
        entity: dict(_energies(rows))
        for entity, rows in (await _statistics(client, keys, "hour")).items()
    }
    first = min((at for row in told.values() for at in row), default=until)
    if first >= until:
        return past
    past.first = datetime.fromtimestamp(first, UTC)
    truth = await world.energy(plant, past.first, added.at)
    for entity, key in keys.items():
        if key in truth:
            series = _Series(
                name=f"{past.plant} {key}",
                told=told.get(entity, {}),
                truth=truth[key],
                until=until,
                zone=zone,
                step=COARSE.get(
                    (account.vendor, account.name),
                    STEPS.get(account.vendor, OTHER_STEP),
                ),
                share=SHARES.get((account.vendor, key), SHARE),
            )
            series.compare(past)
    return past


async def _progress(client: Client, past: Past, entities: Iterable[Entity]) -> None:
    """Take down how far the import is."""
    states = await client.states()
    for row in entities:
        if row.key == "history_progress" and (state := states.get(row.entity_id)):
            past.progress = state["state"]
            past.waiting = state["attributes"].get("waiting_for")


async def _statistics(
    client: Client, entities: Iterable[str], period: str
) -> dict[str, list[dict[str, Any]]]:
    """Return the statistics of energies, in kWh."""
    found: dict[str, list[dict[str, Any]]] = await client.command(
        "recorder/statistics_during_period",
        start_time=LONG_AGO,
        statistic_ids=list(entities),
        period=period,
        units={"energy": "kWh"},
        types=["sum"],
    )
    return found


async def _known(client: Client, entities: Collection[str]) -> datetime | None:
    """Return when the last of energies got its first statistics; None if one has none."""
    found = await _statistics(client, entities, "5minute")
    if not entities or not found.keys() >= set(entities):
        return None
    first = max(min(row["start"] for row in rows) for rows in found.values())
    return datetime.fromtimestamp(first / 1000, UTC) + MINUTES


def _energies(rows: Iterable[dict[str, Any]]) -> Iterator[tuple[float, float]]:
    """Yield each hour's energy, as the Energy dashboard shows it."""
    before = 0.0
    for row in sorted(rows, key=lambda row: row["start"]):
        if row["sum"] is not None:
            yield row["start"] / 1000, row["sum"] - before
            before = row["sum"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Series:
    """The recorded hours of a counter, of which those before `until` were imported."""

    name: str
    told: Hours
    truth: Hours
    until: float
    zone: ZoneInfo
    step: float
    share: float

    def compare(self, past: Past) -> None:
        """Compare what was imported; days that stand in their noon hour as days."""
        past.wrong += [
            f"{self.name}: {kwh:.3f} kWh at {_moment(at)}"
            for at, kwh in self.told.items()
            if kwh < -NOTHING
        ]
        days = list(self._days())
        lacking = sum(at not in self.told for hours in days for at in hours)
        past.lacking = max(past.lacking, lacking)
        if lacking > LACKING_AT_MOST:
            past.wrong.append(f"{self.name}: lacks {lacking} hours")
        for hours in days:
            if any(at not in self.told for at in hours):
                continue
            by_day = self._stands_at_noon(hours)
            past.days += by_day
            found = sum(self.told[at] for at in hours)
            right = sum(self.truth[at] for at in hours)
            if abs(found - right) > max(self.share * right, 2 * self.step):
                past.wrong.append(
                    f"{self.name}: {found:.3f} kWh in the day from"
                    f" {_moment(hours[0])}, the truth {right:.3f}"
                )
            if not by_day:
                past.hours += len(hours)
                past.wrong += self._wrong(hours)

    def _wrong(self, hours: Iterable[float]) -> Iterator[str]:
        """Yield the hours that are not as they were.

        A vendor that tells hours by the clock has but one where the clocks go back.
        """
        for _, group in groupby(hours, key=lambda at: self._local(at).hour):
            same = list(group)
            found = sum(self.told[at] for at in same)
            right = sum(self.truth[at] for at in same)
            if abs(found - right) > max(self.share * right, self.step):
                yield (
                    f"{self.name}: {found:.3f} kWh at {_moment(same[0])},"
                    f" the truth {right:.3f}"
                )

    def _days(self) -> Iterator[list[float]]:
        """Yield the hours of each day of which something was imported."""
        imported = [at for at in self.told if at < self.until]
        first, last = min(imported, default=1.0), max(imported, default=0.0)
        days: dict[date, list[float]] = {}
        for at in sorted(self.truth):
            if first <= at <= last:
                days.setdefault(self._local(at).date(), []).append(at)
        yield from days.values()

    def _stands_at_noon(self, hours: Collection[float]) -> bool:
        """Return whether a whole day's energy stands at noon, and did not flow then.

        Of some plants the vendor tells an offset only, without summer time.
        """
        told = [at for at in hours if abs(self.told[at]) > NOTHING]
        return (
            len(hours) >= WHOLE_DAY
            and len(told) == 1
            and abs(self._local(told[0]).hour - NOON) <= 1
            and any(self.truth[at] > self.step for at in hours if at not in told)
        )

    def _local(self, at: float) -> datetime:
        return datetime.fromtimestamp(at, self.zone)


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat()
