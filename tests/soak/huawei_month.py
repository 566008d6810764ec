"""FusionSolar: a month of a plant with a battery, by an API account."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar, override

import pytest

from .conftest import Report
from .month import LONGEST, Month, at
from .scene import Happening, play

# An hour of which the report tells too little until the evening.
HOUR = at(24, 9)
LACKING = 0.4
PRODUCED = "pv_energy"
LET_BE_WRITTEN = timedelta(minutes=20)


class HuaweiMonth(Month):
    """A month of a plant with a battery."""

    vendor = "huawei"
    accounts = ("home",)
    zone = "Europe/Madrid"
    # What an hour's report and a meter's counters tell has two digits. The document has
    # no consumption by the hour: it is made of a report's hour and two of the meter's, each
    # of which is a counter's end less its beginning.
    steps: ClassVar[Mapping[str, float]] = {"load_energy": 0.025}

    @override
    def counters(self, plant: Any, at: float) -> Mapping[str, Any]:
        """Return all that flows: of its battery the cloud counts days alone."""
        found: Mapping[str, Any] = plant.state(at).totals
        return found

    @override
    def happenings(self) -> tuple[Happening, ...]:
        """Have an early report read, before it is corrected."""
        more = ((at(24, 11, 40), self._early), (at(24, 20), self._correct))
        rows = [row for row in super().happenings() if row[1] != self._correct]
        return tuple(sorted((*rows, *more), key=lambda row: row[0]))

    async def _early(self) -> None:
        """Have a day's report read that lacks something: they are put together late.

        The document: "The data update is delayed. Generally, only the current-day data is
        updated."
        """
        self.world.sim.fault(
            "vendor_correction",
            variable="PVYield",
            delta=-LACKING,
            hour=HOUR.timestamp(),
        )
        today = HOUR.date()
        for plant, history in self._histories():
            await self.world.do(history.async_import([plant.id], today, today))
            await self._pass(self.world.now + LET_BE_WRITTEN)
            entity = self.world.entity_id(plant.id, PRODUCED)
            start = HOUR.timestamp()
            kwh = self.told(str(entity))[start]
            truth = self._truth(plant, PRODUCED, start, start + 3600)
            if kwh > truth - LACKING + self.step:
                self.fail(f"the early report was not read: {kwh:.3f}/{truth:.3f}")

    @override
    def correct(self) -> None:
        """Have the report complete."""
        self.world.sim.clear_faults(kind="vendor_correction")


@pytest.mark.timeout(LONGEST)
async def test_month(socket_enabled: None, tmp_path: Path, report: Report) -> None:
    """Every hour is the home's."""
    await play(HuaweiMonth, tmp_path, report)
