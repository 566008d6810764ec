"""Growatt's past in Home Assistant's own statistics."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.driver import House
from tests.test_history import changes, midnight, rows

START = datetime(2026, 5, 12, 8, 2, tzinfo=UTC)
KEYS = (
    "pv_energy",
    "inverter_energy",
    "grid_import_energy",
    "grid_export_energy",
    "battery_charge_energy",
    "battery_discharge_energy",
    "load_energy",
)
# Counters are told in steps of 0.1 kWh, of which both ends of an hour have a part.
STEP = 0.22


def _compare(house: House, plant: Any, key: str) -> None:
    """Check each hour of three whole days against the home."""
    since = midnight(plant, date(2026, 5, 9))
    told = dict(changes(rows(house, plant, key)))
    truth = dict(plant.home.energy(since, since + 3 * 86_400)[key])
    assert set(truth) <= set(told), f"{key}: {len(set(truth) - set(told))} missing"
    for start, kwh in truth.items():
        at = datetime.fromtimestamp(start, UTC)
        assert told[start] == pytest.approx(kwh, abs=STEP), f"{key} at {at}"
    whole = sum(told[start] for start in truth)
    assert whole == pytest.approx(sum(truth.values()), abs=0.5, rel=0.005)


@pytest.mark.parametrize("name", ["min", "sph"])
async def test_past_days_join_what_is_recorded(
    socket_enabled: None, tmp_path: Path, name: str
) -> None:
    """The hours that devices uploaded are there, and no call was refused."""
    async with House(start=START, folder=tmp_path, vendors=("growatt",)) as house:
        await house.setup(name, control=False)
        plant = house.sim.account(name).plants[0]
        await house.run(minutes=75)
        history = house.account(name).history
        await house.do(history.async_import([plant.id]))
        await house.run(hours=2)
        assert history.progress(plant.id) == 100
        for key in KEYS:
            _compare(house, plant, key)
        assert not [row.endpoint for row in house.sim.calls if row.refused]
        listed = [row for row in house.sim.calls if row.endpoint == "/v1/plant/list"]
        assert len(listed) == 1


async def test_days_of_the_plant_do_not_hide_hours_of_devices(
    socket_enabled: None, tmp_path: Path
) -> None:
    """What devices have forgotten is told by the day, beside the hours that they tell."""
    async with House(
        start=START, folder=tmp_path, vendors=("growatt",), history_days=110
    ) as house:
        await house.setup("sph", control=False)
        plant = house.sim.account("sph").plants[0]
        await house.run(minutes=75)
        history = house.account("sph").history
        await house.do(history.async_import([plant.id]))
        await house.run(hours=1)
        assert history.progress(plant.id) == 100
        told = dict(changes(rows(house, plant, "pv_energy")))
        assert min(told) == plant.home.created
        # Of the day from which on devices tell hours, they have forgotten the first ones.
        assert (max(told) - min(told)) / 3600 - len(told) < 24
        assert min(told.values()) >= -1e-6
        _compare(house, plant, "pv_energy")


async def test_a_gap_is_filled(socket_enabled: None, tmp_path: Path) -> None:
    """After an outage each hour has its own energy, none the sum of the gap."""
    async with House(start=START, folder=tmp_path, vendors=("growatt",)) as house:
        await house.setup("sph", control=False)
        plant = house.sim.account("sph").plants[0]
        await house.run(until=START.replace(hour=10, minute=20))
        await house.stop()
        await house.run(hours=5)
        await house.start()
        await house.run(hours=4)
        since = START.replace(hour=11, minute=0).timestamp()
        until = START.replace(hour=18, minute=0).timestamp()
        for key in KEYS:
            told = dict(changes(rows(house, plant, key)))
            for start, kwh in plant.home.energy(since, until)[key]:
                assert told[start] == pytest.approx(kwh, abs=STEP), key
        assert timedelta(hours=7).total_seconds() == until - since


async def test_corrections_are_taken_over(socket_enabled: None, tmp_path: Path) -> None:
    """What a device counts anew is put into the hour it belongs to, the night after."""
    async with House(start=START, folder=tmp_path, vendors=("growatt",)) as house:
        await house.setup("sph", control=False)
        plant = house.sim.plant("sph")
        hour = START.replace(hour=11, minute=0).timestamp()
        now = START.replace(hour=15, minute=0)
        await house.run(until=now + timedelta(minutes=10))
        entity = "load_energy"
        before = dict(changes(rows(house, plant, entity)))
        house.sim.fault(
            "vendor_correction", variable="elocalLoadTotal", delta=1.5, hour=hour
        )
        await house.run(hours=1)
        jumped = dict(changes(rows(house, plant, entity)))[now.timestamp()]
        assert jumped > 1.5
        # Two o'clock in Phoenix is nine in UTC.
        await house.run(until=START + timedelta(days=1, hours=1, minutes=30))
        after = dict(changes(rows(house, plant, entity)))
        assert after[hour] == pytest.approx(before[hour] + 1.5, abs=STEP)
        assert after[now.timestamp()] == pytest.approx(jumped - 1.5, abs=STEP)
