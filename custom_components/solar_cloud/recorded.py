"""Long-term statistics of an entity, as the recorder keeps them.

What is imported goes into the entity's own statistic, hour by hour, and only into hours
that the recorder has already compiled: importing one that it has not makes it roll back
that hour for every sensor.
"""

import asyncio
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from homeassistant.components.recorder import get_instance
from homeassistant.components.recorder.models import (
    StatisticData,
    StatisticMeanType,
    StatisticMetaData,
)
from homeassistant.components.recorder.statistics import (
    async_import_statistics,
    get_metadata,
    statistics_during_period,
)
from homeassistant.components.recorder.tasks import SynchronizeTask
from homeassistant.const import UnitOfEnergy
from homeassistant.core import HomeAssistant
from homeassistant.helpers.recorder import DATA_INSTANCE
from homeassistant.util.unit_conversion import EnergyConverter

from .cloud.hours import HOUR, Hour

RECORDER = "recorder"

# The recorder compiles an hour some seconds after it is over.
COMPILED_AFTER = timedelta(minutes=2)
AT_ONCE = 750
# So long no hour may be told of, beside a seam.
AROUND = timedelta(days=62)
BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)


def is_there(hass: HomeAssistant) -> bool:
    """Return whether Home Assistant records anything."""
    return DATA_INSTANCE in hass.data


class Series:
    """The hours of one statistic, read and written in kWh."""

    def __init__(self, hass: HomeAssistant, entity_id: str, unit: str) -> None:
        """Take the unit in which the recorder keeps the statistic."""
        self._hass = hass
        self._entity_id = entity_id
        self._unit = unit

    async def async_hours(
        self, start: datetime, end: datetime | None = None
    ) -> dict[datetime, Hour]:
        """Return the recorded hours that begin in a span."""
        return await self._read(start, end, "hour")

    async def async_first(self) -> tuple[datetime, Hour] | None:
        """Return the first hour that is recorded, else what of it is known so far.

        Before the first hour is over, its first five minutes stand for it.
        """
        for period in ("hour", "5minute"):
            rows = await self._read(BEGINNING, None, period)
            if rows:
                first = min(rows)
                return first, rows[first]
        return None

    async def async_around(self, at: datetime) -> dict[datetime, Hour]:
        """Return the hours before one, and that one or what is known of it so far."""
        found = await self.async_hours(at - AROUND, at + HOUR)
        if at not in found:
            minutes = await self._read(at, at + HOUR, "5minute")
            if minutes:
                found[at] = minutes[min(minutes)]
        return found

    async def _read(
        self, start: datetime, end: datetime | None, period: Any
    ) -> dict[datetime, Hour]:
        return await get_instance(self._hass).async_add_executor_job(
            self._told, start, end, period
        )

    def _told(
        self, start: datetime, end: datetime | None, period: Any
    ) -> dict[datetime, Hour]:
        """Return what the recorder has of a span; years of hours take their time."""
        found = statistics_during_period(
            self._hass,
            start,
            end,
            {self._entity_id},
            period,
            {"energy": UnitOfEnergy.KILO_WATT_HOUR},
            {"state", "sum"},
        )
        return {
            datetime.fromtimestamp(row["start"], UTC): Hour(row["state"], row["sum"])
            for row in found.get(self._entity_id, ())
            if row["state"] is not None and row["sum"] is not None
        }

    async def async_write(self, hours: Mapping[datetime, Hour]) -> None:
        """Write hours, those that are there anew; returns once they are stored."""
        rows = sorted(hours.items())
        for index in range(0, len(rows), AT_ONCE):
            part = rows[index : index + AT_ONCE]
            self._import(
                [
                    StatisticData(
                        start=start,
                        state=self._own(row.state),
                        sum=self._own(row.sum),
                    )
                    for start, row in part
                ],
            )
            await self._async_done()

    def _import(self, rows: Iterable[StatisticData]) -> None:
        async_import_statistics(self._hass, self._metadata(), rows)

    async def async_shift(self, start: datetime, kwh: float) -> None:
        """Add to the sums of all hours from one on."""
        get_instance(self._hass).async_adjust_statistics(
            self._entity_id, start, kwh, UnitOfEnergy.KILO_WATT_HOUR
        )
        await self._async_done()

    async def _async_done(self) -> None:
        """Wait until the recorder has carried out what it was given."""
        done: asyncio.Future[None] = self._hass.loop.create_future()
        get_instance(self._hass).queue_task(SynchronizeTask(done))
        await done

    def _own(self, kwh: float) -> float:
        return EnergyConverter.convert(kwh, UnitOfEnergy.KILO_WATT_HOUR, self._unit)

    def _metadata(self) -> StatisticMetaData:
        return StatisticMetaData(
            mean_type=StatisticMeanType.NONE,
            has_sum=True,
            name=None,
            source=RECORDER,
            statistic_id=self._entity_id,
            unit_class=EnergyConverter.UNIT_CLASS,
            unit_of_measurement=self._unit,
        )


async def async_series(hass: HomeAssistant, entity_id: str) -> Series | None:
    """Return an entity's statistic, None while the recorder has none of it."""
    unit = await async_unit(hass, entity_id)
    return Series(hass, entity_id, unit) if unit else None


async def async_unit(hass: HomeAssistant, statistic_id: str) -> str | None:
    """Return the unit of energy of a statistic, None while there is none."""
    found = await get_instance(hass).async_add_executor_job(
        partial(get_metadata, hass, statistic_ids={statistic_id})
    )
    if statistic_id not in found:
        return None
    unit = found[statistic_id][1]["unit_of_measurement"]
    return str(unit) if unit in EnergyConverter.VALID_UNITS else None


def compiled_until(now: datetime) -> datetime:
    """Return the end of the last hour that the recorder has compiled."""
    return (now - COMPILED_AFTER).replace(minute=0, second=0, microsecond=0)
