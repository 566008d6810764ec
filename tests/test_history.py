"""The past: years, gaps and corrections in Home Assistant's own statistics."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
import sqlite3
from typing import Any

import pytest

from custom_components.solar_cloud.cloud.quantity import LIFETIME_ENERGIES
from tests.driver import House

START = datetime(2026, 5, 12, 8, 2, tzinfo=UTC)
HOUR = 3600.0
# FoxESS tells hours in steps of 0.1 kWh; the two hours at an end may share one.
STEP = 0.11
QUERY = """
    SELECT start_ts, state, sum FROM statistics
    JOIN statistics_meta ON statistics_meta.id = metadata_id
    WHERE statistic_id = ? ORDER BY start_ts
"""


def rows(house: House, plant: Any, key: str) -> dict[float, tuple[float, float]]:
    """Return the recorded hours of a counter: state and sum by their start."""
    entity = house.entity_id(plant.id, key)
    with closing(sqlite3.connect(str(house.place.database))) as connection:
        found = connection.execute(QUERY, (entity,)).fetchall()
    return {start: (state, total) for start, state, total in found}


def changes(found: dict[float, tuple[float, float]]) -> Iterator[tuple[float, float]]:
    """Yield each hour's energy, as the Energy dashboard shows it."""
    before = 0.0
    for start, (_, total) in sorted(found.items()):
        yield start, total - before
        before = total


def compare(house: House, plant: Any, key: str, since: float, until: float) -> None:
    """Check every recorded hour against the home."""
    found = rows(house, plant, key)
    told = dict(changes(found))
    name = key if plant.device.batteries else key.replace("pv_", "inverter_")
    truth = dict(plant.home.energy(since, until)[name])
    assert set(truth) <= set(told), f"{key}: {len(set(truth) - set(told))} missing"
    for start, kwh in truth.items():
        at = datetime.fromtimestamp(start, UTC)
        assert told[start] == pytest.approx(kwh, abs=STEP), f"{key} at {at}"
    assert min(told.values()) >= -1e-6
    whole = sum(told[start] for start in truth)
    assert whole == pytest.approx(sum(truth.values()), abs=0.5, rel=0.001)


def midnight(plant: Any, day: date) -> float:
    """Return when a day begins at a plant."""
    return float(
        plant.home.midnight(
            datetime(day.year, day.month, day.day, 12, tzinfo=UTC).timestamp()
        )
    )


async def test_past_days_join_what_is_recorded(
    socket_enabled: None, tmp_path: Path
) -> None:
    """Each hour since the plant began is there, in the entities' own statistics."""
    async with House(start=START, folder=tmp_path) as house:
        await house.setup("kh")
        plant = house.sim.plant("kh")
        await house.run(minutes=75)
        history = house.account("kh").history
        await house.do(history.async_import([plant.id]))
        await house.run(hours=1)
        assert history.progress(plant.id) == 100
        for key in LIFETIME_ENERGIES:
            since = midnight(plant, date(2026, 5, 8))
            compare(house, plant, key, since, START.replace(minute=0).timestamp())
        before = {key: rows(house, plant, key) for key in LIFETIME_ENERGIES}
        await house.do(history.async_import([plant.id]))
        await house.run(minutes=30)
        for key, held in before.items():
            now = rows(house, plant, key)
            # What was the last hour of the import has been told of whole since.
            assert {at: now[at] for at in sorted(held)[:-2]} == {
                at: held[at] for at in sorted(held)[:-2]
            }
