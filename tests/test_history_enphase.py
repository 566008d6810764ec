"""Enphase's past in Home Assistant's own statistics."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from tests.driver import House
from tests.test_history import changes, midnight, rows

# Just before the gateway's upload of the evening is there.
START = datetime(2026, 2, 28, 18, 0, tzinfo=UTC)

# What some microinverters tell with the next upload only.
LATE = 0.1


async def test_what_an_upload_brings_is_not_counted_twice(
    socket_enabled: None, tmp_path: Path
) -> None:
    """Hours of an afternoon come at once: into the past, not into the first hour."""
    async with House(start=START, folder=tmp_path, vendors=("enphase",)) as house:
        await house.setup("cellular", control=False)
        plant = house.sim.account("cellular").plants[0]
        await house.run(minutes=75)
        history = house.account("cellular").history
        await house.do(history.async_import([plant.id], date(2026, 2, 27)))
        await house.run(hours=1)
        assert history.progress(plant.id) == 100
        told = dict(changes(rows(house, plant, "pv_energy")))
        since = midnight(plant, date(2026, 2, 27))
        until = START.timestamp() + 3600
        for hour, kwh in plant.home.energy(since, until)["pv_energy"]:
            at = datetime.fromtimestamp(hour, UTC)
            assert told[hour] == pytest.approx(kwh, abs=LATE), at


async def test_hours_since_an_upload_are_not_below_zero(
    socket_enabled: None, tmp_path: Path
) -> None:
    """What was counted before the last hours is not told while they are compiled."""
    async with House(start=START, folder=tmp_path, vendors=("enphase",)) as house:
        await house.setup("cellular", control=False)
        plant = house.sim.account("cellular").plants[0]
        for hours in range(14, 28, 2):
            await house.run(until=START.replace(minute=50) + timedelta(hours=hours))
            told = dict(changes(rows(house, plant, "pv_energy")))
            assert min(told.values()) > -0.001, house.now
        noon = datetime(2026, 3, 1, 12, tzinfo=UTC).timestamp()
        for hour, kwh in plant.home.energy(noon - 4 * 3600, noon)["pv_energy"]:
            assert told[hour] == pytest.approx(kwh, abs=LATE)
