"""FoxESS: a month of a plant with a battery."""

from operator import itemgetter
from pathlib import Path
from typing import override

import pytest

from .conftest import Report
from .month import LONGEST, Month, at
from .scene import play

DAY = 86_400.0


class FoxessMonth(Month):
    """A month of a plant with a battery."""

    vendor = "foxess"
    accounts = ("evo",)
    # Counters are told in steps of 0.1 kWh, half of which may be lacking at either end
    # of an hour, and of the month.
    step = 0.1

    @override
    def correct(self) -> None:
        """Have yesterday's noon consume more, and its greediest hour take less."""
        (plant,) = self.plants
        since = at(23, 0).timestamp()
        bought = plant.home.energy(since, since + DAY)["grid_import_energy"]
        dearest, _ = max(bought, key=itemgetter(1))
        for variable, key, hour, delta in (
            ("loads", "load_energy", at(23, 12).timestamp(), 1.5),
            ("gridConsumption", "grid_import_energy", dearest, -0.3),
        ):
            self.world.sim.fault(
                "vendor_correction", variable=variable, delta=delta, hour=hour
            )
            self.added[plant.id, key, hour] = delta


@pytest.mark.timeout(LONGEST)
async def test_month(socket_enabled: None, tmp_path: Path, report: Report) -> None:
    """Every hour is the home's, as far as the vendor tells it."""
    await play(FoxessMonth, tmp_path, report)
