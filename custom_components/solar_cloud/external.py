"""Hours of counters that nothing records: in statistics of the integration's own.

No entity counts beside them, so the vendor's hours are taken as they are: newer ones
follow the last, corrected ones move what comes after.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, override

from homeassistant.components.recorder import get_instance
from homeassistant.components.recorder.models import StatisticData, StatisticMetaData
from homeassistant.components.recorder.statistics import (
    async_add_external_statistics,
    get_metadata,
)
from homeassistant.const import Platform, UnitOfEnergy
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.util import slugify

from .cloud.hours import HOUR, SAME, Hour, Hours, before, retold
from .cloud.quantity import LIFETIME_ENERGIES
from .const import DOMAIN
from .recorded import AROUND, BEGINNING, Series, async_unit, is_there

if TYPE_CHECKING:
    from .account import Account


def registered(account: Account, subject: str, key: str) -> er.RegistryEntry | None:
    """Return the registry's entry of a quantity, None where there never was an entity."""
    registry = er.async_get(account.hass)
    unique_id = f"{account.info.slug}_{subject}_{key}"
    entity_id = registry.async_get_entity_id(Platform.SENSOR, DOMAIN, unique_id)
    return registry.async_get(entity_id) if entity_id else None


def is_recorded(hass: HomeAssistant, entry: er.RegistryEntry) -> bool:
    """Return whether the recorder follows an entity."""
    wanted = get_instance(hass).entity_filter
    return not entry.disabled and (wanted is None or wanted(entry.entity_id))


def external_id(unique_id: str) -> str:
    """Return the id of the statistic that stands in for an entity."""
    return f"{DOMAIN}:{slugify(unique_id)}"


async def async_known(hass: HomeAssistant) -> frozenset[str]:
    """Return the statistics of our own that there are."""
    if not is_there(hass):
        return frozenset()
    found = await get_instance(hass).async_add_executor_job(
        partial(get_metadata, hass, statistic_source=DOMAIN)
    )
    return frozenset(found)


class External(Series):
    """The hours of a statistic of our own."""

    def __init__(
        self, hass: HomeAssistant, statistic_id: str, unit: str, name: str
    ) -> None:
        """Take the name that Home Assistant shows."""
        super().__init__(hass, statistic_id, unit)
        self.id = statistic_id
        self._name = name

    @override
    def _metadata(self) -> StatisticMetaData:
        return {**super()._metadata(), "name": self._name, "source": DOMAIN}

    @override
    def _import(self, rows: Iterable[StatisticData]) -> None:
        async_add_external_statistics(self._hass, self._metadata(), rows)


@dataclass(slots=True)
class Span:
    """The first hour of a statistic, what is recorded of it, and the last one."""

    first: datetime
    held: Hour
    last: datetime


class Externals:
    """The statistics that an account's plants have beside their entities."""

    def __init__(self, account: Account) -> None:
        """Look nothing up yet."""
        self._account = account
        self._hass: HomeAssistant = account.hass
        self._spans: dict[str, Span] = {}

    @property
    def _joins(self) -> dict[str, list[Any]]:
        """Return hours that have yet to follow those before them: start and kWh."""
        kept = self._account.store.kept.history
        joins: dict[str, list[Any]] = kept.setdefault("joins", {})
        return joins

    def entry(self, subject: str, key: str) -> er.RegistryEntry | None:
        """Return the entity of a plant's counter of which nothing is recorded."""
        plants = self._account.house.data.plants
        if subject not in plants or key not in LIFETIME_ENERGIES:
            return None
        entry = registered(self._account, subject, key)
        return entry if entry and not is_recorded(self._hass, entry) else None

    async def async_write(
        self,
        entry: er.RegistryEntry,
        plant: str,
        known: Hours,
        state: float | None,
        *,
        past: bool,
    ) -> tuple[int, Hour] | None:
        """Write hours that differ; returns how many, and what the first one holds.

        Where there is no statistic, one is begun whose last hour ends with a counter of
        `state`; without that nothing is written.
        """
        series = await self._series(entry, plant)
        if (span := await self._span(series)) is None:
            if state is None:
                return None
            count = await self._begin(series, known, state)
            return count, self._spans[series.id].held
        if series.id in self._joins:
            await self._close(series)
        recent = {hour: kwh for hour, kwh in known.items() if hour >= span.first}
        count = 0
        if past and len(recent) < len(known):
            count += await self._join(series, span, known)
        if recent:
            count += await self._retell(series, span, recent)
        return count, span.held

    def reader(self, entry: er.RegistryEntry) -> Series:
        """Return what reads an entity's statistic of our own."""
        statistic_id = external_id(entry.unique_id)
        return Series(self._hass, statistic_id, UnitOfEnergy.KILO_WATT_HOUR)

    async def _series(self, entry: er.RegistryEntry, plant: str) -> External:
        statistic_id = external_id(entry.unique_id)
        if (unit := await async_unit(self._hass, statistic_id)) is None:
            self._spans.pop(statistic_id, None)
        name = f"{self._account.name(plant)} {entry.name or entry.original_name}"
        return External(
            self._hass, statistic_id, unit or UnitOfEnergy.KILO_WATT_HOUR, name
        )

    async def _span(self, series: External) -> Span | None:
        """Return from when to when a statistic goes; it is looked for once."""
        if series.id not in self._spans:
            if not (hours := await series.async_hours(BEGINNING)):
                return None
            first = min(hours)
            self._spans[series.id] = Span(first, hours[first], max(hours))
        return self._spans[series.id]

    async def _begin(self, series: External, known: Hours, state: float) -> int:
        """Write the first hours that are told; their sums begin at 0."""
        self._joins.pop(series.id, None)
        ends = max(known) + HOUR
        hours = await self._hass.async_add_executor_job(
            before, known, ends, Hour(state, 0.0), state
        )
        first = min(hours)
        self._spans[series.id] = Span(first, hours[first], max(hours))
        await series.async_write(hours)
        return len(hours)

    async def _join(self, series: External, span: Span, known: Hours) -> int:
        """Write hours before the first one, which its sum and all later ones follow."""
        held = span.held
        hours = await self._hass.async_add_executor_job(
            before, known, span.first, held, held.state - held.sum
        )
        await self._open(series, span.first, held.sum)
        await series.async_write(hours)
        span.first = min(hours)
        span.held = hours[span.first]
        await self._close(series)
        return len(hours)

    async def _retell(self, series: External, span: Span, known: Hours) -> int:
        """Write hours as the vendor tells them now, and move what comes after."""
        held = await self._around(series, span, min(known), max(known))
        changed = await self._hass.async_add_executor_job(retold, known, held)
        if not changed:
            return 0
        after = min((hour for hour in held if hour > max(known)), default=None)
        if after:
            last = held[max(hour for hour in held if hour < after)]
            await self._open(series, after, held[after].sum - last.sum)
        await series.async_write(changed)
        span.held = changed.get(span.first, span.held)
        span.last = max(span.last, *changed)
        if after:
            await self._close(series)
        return len(changed)

    async def _around(
        self, series: External, span: Span, start: datetime, end: datetime
    ) -> dict[datetime, Hour]:
        """Return the recorded hours of a span, and at least one to each side of it."""
        hours = await series.async_hours(start - AROUND, end + AROUND)
        if (span.first < start <= min(hours, default=start)) or (
            span.last > end >= max(hours, default=end)
        ):
            return await series.async_hours(BEGINNING)
        return hours

    async def _open(self, series: External, at: datetime, kwh: float) -> None:
        """Note an hour's energy, before those change that it follows."""
        self._joins[series.id] = [at.isoformat(), kwh]
        await self._account.store.async_save()

    async def _close(self, series: External) -> None:
        """Let the sums from an hour on follow those before it."""
        text, kwh = self._joins[series.id]
        at = datetime.fromisoformat(text)
        span = self._spans[series.id]
        hours = await self._around(series, span, at, at)
        earlier = [hour for hour in hours if hour < at]
        if earlier and at in hours:
            shift = kwh - (hours[at].sum - hours[max(earlier)].sum)
            if abs(shift) > SAME:
                await series.async_shift(at, shift)
        del self._joins[series.id]
        await self._account.store.async_save()
