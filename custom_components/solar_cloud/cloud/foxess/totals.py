"""The energy of days and hours, as the service counts them in the plant's time zone."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

from ..clock import Clock
from ..errors import CloudError
from ..model import EnergyRow, Reading, Readings, Snapshot
from ..quantity import TODAY
from ..quota import Purpose
from ..values import number
from .client import FoxessClient
from .inventory import Inventory
from .readings import REPORT_ROWS
from .samples import Samples
from .tolerant import PARTIAL

OWN_YIELD, PRODUCTION = "pv_energy", "inverter_energy"


class Totals:
    """Fetches the energies of today, and of the hours of any day."""

    def __init__(
        self,
        client: FoxessClient,
        clock: Clock,
        inventory: Inventory,
        samples: Samples,
    ) -> None:
        """Take from the samples which counters each inverter has."""
        self._client = client
        self._clock = clock
        self._inventory = inventory
        self._samples = samples

    async def poll(self, previous: Readings) -> Snapshot:
        """Fetch today's energy ("Get device production report").

        An inverter without an answer keeps what it had; raises when none answered.
        """
        readings: dict[str, Mapping[str, Reading]] = dict(previous)
        failure: CloudError | None = None
        inverters = self._inventory.inverters()
        answered = not inverters
        for sn in inverters:
            try:
                readings[sn] = await self._today(sn)
            except PARTIAL as err:
                failure = err
            else:
                answered = True
        if failure and not answered:
            raise failure
        return Snapshot(at=self._clock.now(), readings=readings)

    async def _today(self, sn: str) -> dict[str, Reading]:
        now = self._clock.now()
        today = now.astimezone(self._inventory.zone(sn)).date()
        report = await self._client.report(
            sn, tuple(REPORT_ROWS), today.year, today.month
        )
        found = {
            key: kwh
            for key, values in self._by_key(sn, report).items()
            if len(values) >= today.day
            and (kwh := number(values[today.day - 1])) is not None
        }
        self._samples.anchor(sn, today, found)
        energies = {f"{key}{TODAY}": kwh for key, kwh in found.items()}
        if not self._samples.has(sn, PRODUCTION):
            energies |= await self._generation(sn)
        return {
            key: Reading(value=round(kwh, 3), at=now) for key, kwh in energies.items()
        }

    async def _generation(self, sn: str) -> dict[str, float]:
        """Return the yield of an inverter whose samples do not tell it."""
        answer = await self._client.generation(sn)
        keys = {"cumulative": "", "today": TODAY}
        return {
            f"{key}{suffix}": kwh
            for name, suffix in keys.items()
            for key in (OWN_YIELD, PRODUCTION)
            if (kwh := number(answer.get(name))) is not None
            and not self._samples.has(sn, f"{key}{suffix}")
        }

    def _by_key(self, sn: str, report: Mapping[str, list[Any]]) -> dict[str, list[Any]]:
        """Return the rows of a report that an inverter has a counter for."""
        rows = {
            REPORT_ROWS[name]: row
            for name, row in report.items()
            if name in REPORT_ROWS
        }
        if not self._samples.has_own_yield(sn) and PRODUCTION in rows:
            rows[OWN_YIELD] = rows[PRODUCTION]
        return {key: row for key, row in rows.items() if self._samples.has(sn, key)}

    async def energy(
        self, plant: str, day: date, purpose: Purpose
    ) -> tuple[EnergyRow, ...]:
        """Return the energy of each hour of a day of a plant."""
        rows: list[EnergyRow] = []
        for sn in self._inventory.inverters(plant):
            report = await self._client.report(
                sn, tuple(REPORT_ROWS), day.year, day.month, day.day, purpose
            )
            for key, values in self._by_key(sn, report).items():
                rows += self._hours(sn, key, day, values)
        return tuple(rows)

    def _hours(
        self, sn: str, key: str, day: date, values: list[Any]
    ) -> list[EnergyRow]:
        """Return an energy by hour of the clock.

        An hour that the clocks skip belongs to the next, one that comes twice is long.
        """
        midnight = datetime(
            day.year, day.month, day.day, tzinfo=self._inventory.zone(sn)
        )
        starts = [
            (midnight + timedelta(hours=hour)).astimezone(UTC)
            for hour in range(len(values) + 1)
        ]
        spans = {start: end - start for start, end in pairwise(starts)}
        sums: dict[datetime, float] = {}
        for start, value in zip(starts, values, strict=False):
            if (kwh := number(value)) is not None:
                sums[start] = sums.get(start, 0.0) + kwh
        return [
            EnergyRow(subject=sn, key=key, start=start, kwh=kwh, span=spans[start])
            for start, kwh in sums.items()
        ]
