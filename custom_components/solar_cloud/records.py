"""Energies of the past, put into the statistics of the entities that count them."""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Any

from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er

from .cloud.hours import (
    HOUR,
    SAME,
    Hour,
    Hours,
    before,
    by_hour,
    days_of,
    ended,
    followed,
    hour_of,
    seam,
    settled,
    unbroken,
    unless_finer,
)
from .cloud.house import GRID
from .cloud.model import Device, DeviceKind, EnergyRow, Reading
from .external import Externals, is_recorded, registered
from .recorded import Series, async_series, compiled_until

if TYPE_CHECKING:
    from .account import Account

type Key = tuple[str, str]

# A counter that was told as of the end of a row.
AT_ONCE = timedelta(seconds=1)


@dataclass(slots=True)
class Written:
    """What became of rows: hours that changed, and whether all of them fit."""

    hours: int = 0
    fits: bool = True
    # Per series, what its counter had before the first hour that is recorded.
    offsets: dict[Key, float] = field(default_factory=dict)


class Records:
    """The statistics of an account's counters."""

    def __init__(self, account: Account) -> None:
        """Keep which seams are open with the account."""
        self._account = account
        self._hass: HomeAssistant = account.hass
        self._firsts: dict[Key, tuple[datetime, Hour]] = {}
        self._externals = Externals(account)

    @property
    def _seams(self) -> dict[str, Any]:
        seams: dict[str, Any] = self._account.store.kept.history.setdefault("seams", {})
        return seams

    @property
    def _partial(self) -> dict[str, str]:
        """Return the hours in which an entity began to count, after a joined past."""
        kept = self._account.store.kept.history
        partial: dict[str, str] = kept.setdefault("partial", {})
        return partial

    # --- which statistic it is ----------------------------------------------------------

    def entity_id(self, subject: str, key: str) -> str | None:
        """Return the entity that counts, None where nothing of it is recorded."""
        entry = registered(self._account, subject, key)
        return entry.entity_id if entry and is_recorded(self._hass, entry) else None

    def is_apart(self, subject: str, key: str) -> bool:
        """Return whether a counter's past goes into a statistic of our own."""
        return self._externals.entry(subject, key) is not None

    async def async_series(self, subject: str, key: str) -> Series | None:
        """Return the statistic of a counter, None while there is none."""
        entity_id = self.entity_id(subject, key)
        return await async_series(self._hass, entity_id) if entity_id else None

    def summed(self, rows: Iterable[EnergyRow]) -> dict[Key, list[EnergyRow]]:
        """Return rows by subject and key; a plant has its devices' where it has none.

        Beside days of its own it has its devices' hours. Of the grid its meters tell,
        where there are some.
        """
        house = self._account.house.data
        found: dict[Key, list[EnergyRow]] = defaultdict(list)
        parts: dict[Key, list[EnergyRow]] = defaultdict(list)
        for row in rows:
            if house.has(row.subject):
                found[row.subject, row.key].append(row)
            if (device := house.devices.get(row.subject)) is not None:
                parts[device.plant, row.key].append(row)
        for (plant, key), own in parts.items():
            if key.startswith(GRID) and (metered := _metered(own, house.devices)):
                parts[plant, key] = metered
        for name, own in found.items():
            if name in parts and days_of(own):
                own += _beside(own, parts[name])
        return {**parts, **found}

    # --- writing ------------------------------------------------------------------------

    async def async_write(
        self,
        rows: Iterable[EnergyRow],
        counters: Mapping[Key, Reading] | None = None,
        *,
        past: bool = True,
        begin: bool = False,
    ) -> Written:
        """Write what rows tell of hours that are over, where it is not recorded so.

        `counters` are lifetime counters at an instant up to which the rows reach. Hours
        before the first that is recorded are left out where no `past` is wanted. With
        `begin` counters that nothing records get a statistic of our own.
        """
        written = Written()
        work = self._hass.async_add_executor_job
        for key, own in (await work(self.summed, rows)).items():
            if series := await self.async_series(*key):
                if known := await self._known(key, own, series):
                    if counters is None:
                        end = _exact_end(known, own, self._reading(key))
                    else:
                        # What a poll lacks in between would be taken from the sums.
                        known = unbroken(known)
                        end = _end(known, own, counters.get(key))
                    await self._write(key, series, known, end, written, past=past)
            elif apart := self._externals.entry(*key):
                if known := await self._known(key, own, self._externals.reader(apart)):
                    state = self._state_now(key, known, own) if begin else None
                    await self._write_apart(
                        key, apart, known, state, written, past=past
                    )
        return written

    async def _known(
        self, key: Key, rows: Sequence[EnergyRow], series: Series
    ) -> Hours:
        """Return what rows tell of each hour that the recorder has compiled."""
        work = self._hass.async_add_executor_job
        hours = await work(by_hour, rows, self._zone(key[0]))
        until = compiled_until(self._account.clock.now())
        known = {hour: kwh for hour, kwh in hours.items() if hour < until}
        if days := days_of(rows):
            first, last = min(days)[0], max(days)[1]
            held = await series.async_hours(first - HOUR, last)
            return await work(unless_finer, known, days, held)
        return known

    def _reading(self, key: Key) -> Reading | None:
        """Return what a counter told last."""
        subject, name = key
        return self._account.house.data.readings.get(subject, {}).get(name)

    def _state_now(
        self, key: Key, known: Hours, rows: Sequence[EnergyRow]
    ) -> float | None:
        """Return the counter with which the last hour ended, None where none is told.

        Of hours that ended long ago nobody knows it; then it is what they add up to.
        """
        counter = self._reading(key)
        if counter is None or counter.value is None:
            return None
        end = _end(known, rows, counter)
        return end[1] if end else sum(known.values())

    async def _write_apart(
        self,
        key: Key,
        entry: er.RegistryEntry,
        known: Hours,
        state: float | None,
        written: Written,
        *,
        past: bool,
    ) -> None:
        """Write what nothing records into a statistic of our own."""
        found = await self._externals.async_write(
            entry, key[0], known, state, past=past
        )
        if found:
            count, held = found
            written.hours += count
            written.offsets[key] = round(held.state - held.sum, 3)

    def _zone(self, subject: str) -> tzinfo:
        account = self._account
        return account.zone(account.plant_of(subject))

    async def _write(
        self,
        key: Key,
        series: Series,
        known: Hours,
        end: tuple[datetime, float] | None,
        written: Written,
        *,
        past: bool,
    ) -> None:
        """Write one series: hours before the first that is recorded, and those after."""
        if (found := await self._first(key, series)) is None:
            written.fits = False
            return
        first, held = found
        recent = {hour: kwh for hour, kwh in known.items() if hour >= first}
        exact = _state_before(first, known, end) if end else None
        earlier: dict[datetime, Hour] = {}
        if past and min(known) < first:
            earlier = await self._hass.async_add_executor_job(
                before, known, first, held, exact
            )
        if earlier:
            if first not in known and exact is None:
                self._partial["|".join(key)] = first.isoformat()
            await self._open_seam(key, first)
            await series.async_write(earlier)
            written.hours += len(earlier)
            self._firsts[key] = (min(earlier), earlier[min(earlier)])
            await self.async_close_seam(key, series)
        if recent:
            await self._complete(key, series, recent)
            hours = await series.async_hours(min(recent) - HOUR, max(recent) + HOUR)
            if end:
                hours = dict(ended(recent, hours, *end))
            right = await self._hass.async_add_executor_job(
                settled, recent, hours, first
            )
            changed = dict(right.hours)
            if end and right.fits and end[0] in hours:
                changed |= await self._last(series, end[0], hours[end[0]])
                changed |= await self._later(series, end[0], hours[end[0]])
            written.fits = written.fits and right.fits
            if right.fits and end is None and self._is_by_the_day(key[1]):
                changed = await self._follow(key, series, recent, hours, changed)
            elif changed:
                await series.async_write(changed)
            written.hours += len(changed)
        first, held = self._firsts.get(key, found)
        written.offsets[key] = round(held.state - held.sum, 3)

    async def _first(self, key: Key, series: Series) -> tuple[datetime, Hour] | None:
        """Return the first hour that is recorded; it is looked for once."""
        if key not in self._firsts:
            if (found := await series.async_first()) is None:
                return None
            at, held = found
            if at != hour_of(at):
                return hour_of(at), held
            self._firsts[key] = found
        return self._firsts[key]

    async def _complete(self, key: Key, series: Series, known: Hours) -> None:
        """Give an hour whole in which the entity began to count, once that is told."""
        name = "|".join(key)
        if (text := self._partial.get(name)) is None:
            return
        at = datetime.fromisoformat(text)
        hours = await series.async_hours(at - HOUR, at + HOUR)
        if at not in known or not {at, at - HOUR} <= hours.keys():
            return
        missing = known[at] - (hours[at].sum - hours[at - HOUR].sum)
        del self._partial[name]
        await self._account.store.async_save()
        if SAME < missing <= known[at]:
            await series.async_shift(at, missing)

    def _is_by_the_day(self, key: str) -> bool:
        """Return whether a counter is made of one of the day, whose last minutes it lacks."""
        feeds = self._account.vendor.feeds
        return any(key in feed.accumulates for feed in feeds)

    async def _follow(
        self,
        key: Key,
        series: Series,
        known: Hours,
        hours: Mapping[datetime, Hour],
        right: Mapping[datetime, Hour],
    ) -> dict[datetime, Hour]:
        """Write hours as they are told, and let the sums after them follow."""
        changed, after = followed(known, hours, right)
        if changed and after and after in await series.async_around(after):
            await self._open_seam(key, after)
            await series.async_write(changed)
            await self.async_close_seam(key, series)
            return changed
        await series.async_write(right)
        return dict(right)

    async def _last(self, series: Series, hour: datetime, true: Any) -> dict[Any, Any]:
        held = (await series.async_hours(hour, hour + HOUR)).get(hour)
        return {} if held and abs(held.sum - true.sum) <= SAME else {hour: true}

    async def _later(self, series: Series, hour: datetime, true: Any) -> dict[Any, Any]:
        """Return the hours since, of which an older counter was known, as empty ones."""
        return {
            at: Hour(max(row.state, true.state), true.sum)
            for at, row in (await series.async_hours(hour + HOUR)).items()
            if row.sum < true.sum - SAME
        }

    # --- seams --------------------------------------------------------------------------

    async def _open_seam(self, key: Key, at: datetime) -> None:
        """Note where a part will be joined, before it is written."""
        self._seams["|".join(key)] = at.isoformat()
        await self._account.store.async_save()

    async def async_close_seam(self, key: Key, series: Series) -> None:
        """Let the sums after a seam follow those before it."""
        at = datetime.fromisoformat(self._seams["|".join(key)])
        hours = await series.async_around(at)
        if abs(shift := seam(hours, at)) > SAME:
            await series.async_shift(at, shift)
        del self._seams["|".join(key)]
        await self._account.store.async_save()

    async def async_close_seams(self) -> None:
        """Close the seams that a killed process has left open."""
        for name in list(self._seams):
            subject, _, key = name.rpartition("|")
            if (series := await self.async_series(subject, key)) is not None:
                await self.async_close_seam((subject, key), series)


def _state_before(
    first: datetime, known: Hours, end: tuple[datetime, float]
) -> float | None:
    """Return the counter with which an hour began, reckoned back from an exact one.

    None where hours in between are not told.
    """
    last, state = end
    since = [hour for hour in known if first <= hour <= last]
    if len(since) < (last + HOUR - first) / HOUR:
        return None
    return state - sum(known[hour] for hour in since)


def _end(
    known: Hours,
    rows: Sequence[EnergyRow],
    counter: Reading | None,
    within: timedelta = HOUR,
) -> tuple[datetime, float] | None:
    """Return the last hour that is told, and the counter that it truly ended with.

    None where the counter is of an instant so long after what is told.
    """
    if counter is None or not isinstance(counter.value, int | float):
        return None
    last = max(known)
    later = 0.0
    told = last + HOUR
    for row in sorted(rows, key=lambda row: row.start):
        if row.start >= last + HOUR and row.start + row.span <= counter.at:
            later += row.kwh
            told = row.start + row.span
    if counter.at - told >= within:
        return None
    return last, counter.value - later


def _exact_end(
    known: Hours, rows: Iterable[EnergyRow], counter: Reading | None
) -> tuple[datetime, float] | None:
    """Return the last hour that is told, and its end by a counter told between two rows."""
    edge = max(known) + HOUR
    rows = list(rows)
    if counter is None or counter.at >= edge:
        return _end(known, rows, counter, AT_ONCE)
    since = [
        row for row in rows if row.start >= counter.at and row.start + row.span <= edge
    ]
    if not isinstance(counter.value, int | float) or all(
        row.start != counter.at for row in since
    ):
        return None
    return edge - HOUR, counter.value + sum(row.kwh for row in since)


def _beside(own: Iterable[EnergyRow], rows: Iterable[EnergyRow]) -> list[EnergyRow]:
    """Return rows of times of which one's own tell nothing."""
    told = sorted((row.start, row.start + row.span) for row in own)
    starts = [start for start, _ in told]
    ends = [end for _, end in told]
    return [
        row
        for row in rows
        if bisect_right(ends, row.start) == bisect_left(starts, row.start + row.span)
    ]


def _metered(
    rows: Iterable[EnergyRow], devices: Mapping[str, Device]
) -> list[EnergyRow]:
    """Return what meters tell."""
    return [row for row in rows if devices[row.subject].kind is DeviceKind.METER]
