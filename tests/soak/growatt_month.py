"""Growatt: a month of a plant with a battery."""

from pathlib import Path
from typing import override

import pytest

from .conftest import Report
from .month import LONGEST, Month, at
from .scene import play

from tests.driver import House


class GrowattMonth(Month):
    """A month of a plant with a battery and a meter."""

    vendor = "growatt"
    accounts = ("min",)
    zone = "Europe/Lisbon"
    # Counters are told in steps of 0.1 kWh, half of which may be lacking at either end
    # of an hour; they are uploaded every five minutes, seldom just at its end.
    step = 0.15

    def __init__(self, world: House) -> None:
        """Leave the account one of its plants."""
        super().__init__(world)
        del world.sim.account("min").plants[1:]

    @override
    def correct(self) -> None:
        """Have yesterday's noon consume more, and its morning yield more."""
        (plant,) = self.plants
        for variable, key, hour, delta in (
            ("elocalLoadTotal", "load_energy", at(23, 12), 1.5),
            ("epvTotal", "pv_energy", at(23, 10), 0.7),
        ):
            self.world.sim.fault(
                "vendor_correction",
                device=plant.devices[0].sn,
                variable=variable,
                delta=delta,
                hour=hour.timestamp(),
            )
            self.added[plant.id, key, hour.timestamp()] = delta


@pytest.mark.timeout(LONGEST)
async def test_month(socket_enabled: None, tmp_path: Path, report: Report) -> None:
    """Every hour is the home's, as far as the vendor tells it."""
    await play(GrowattMonth, tmp_path, report)
