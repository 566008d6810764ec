"""FusionSolar's past in Home Assistant's own statistics."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.driver import House
from tests.test_history import changes, midnight, rows

START = datetime(2026, 5, 12, 8, 2, tzinfo=UTC)
# Counters are told in steps of 0.01 kWh.
STEP = 0.1
METERED = ("grid_import_energy", "load_energy")
KEYS = (
    "pv_energy",
    "inverter_energy",
    "grid_export_energy",
    "battery_charge_energy",
    "battery_discharge_energy",
)


def _compare(house: House, plant: Any, key: str) -> None:
    """Check each hour of two whole days against the home."""
    since = midnight(plant, date(2026, 5, 10))
    told = dict(changes(rows(house, plant, key)))
    truth = dict(plant.home.energy(since, since + 2 * 86_400)[key])
    assert set(truth) <= set(told), f"{key}: {len(set(truth) - set(told))} missing"
    for start, kwh in truth.items():
        at = datetime.fromtimestamp(start, UTC)
        assert told[start] == pytest.approx(kwh, abs=STEP), f"{key} at {at}"


@pytest.mark.parametrize(
    ("name", "keys"), [("home", (*KEYS, *METERED)), ("owner", (*KEYS, *METERED))]
)
async def test_past_days_join_what_is_recorded(
    socket_enabled: None, tmp_path: Path, name: str, keys: tuple[str, ...]
) -> None:
    """Hours of reports and of the meter's samples; no call is refused."""
    async with House(start=START, folder=tmp_path, vendors=("huawei",)) as house:
        await house.setup(name, control=False)
        plant = house.sim.account(name).plants[0]
        await house.run(minutes=75)
        history = house.account(name).history
        await house.do(history.async_import([plant.id], date(2026, 5, 10)))
        await house.run(hours=2)
        assert history.progress(plant.id) == 100
        for key in keys:
            _compare(house, plant, key)
        assert not [row.endpoint for row in house.sim.calls if row.refused]


async def test_what_a_battery_did_before_midnight_is_not_lost(
    socket_enabled: None, tmp_path: Path
) -> None:
    """Its counter begins anew each day, after minutes that nobody has seen."""
    start = datetime(2026, 5, 12, 20, 2, tzinfo=UTC)
    async with House(start=start, folder=tmp_path, vendors=("huawei",)) as house:
        await house.setup("home", control=False)
        plant = house.sim.account("home").plants[0]
        await house.run(until=datetime(2026, 5, 13, 21, 0, tzinfo=UTC))
        house.sim.fault("status", status=503)
        await house.run(minutes=70)
        house.sim.clear_faults()
        await house.run(until=datetime(2026, 5, 14, 1, 30, tzinfo=UTC))
        since = midnight(plant, date(2026, 5, 13))
        key = "battery_discharge_energy"
        told = dict(changes(rows(house, plant, key)))
        truth = dict(plant.home.energy(since, since + 25 * 3600)[key])
        assert truth[since + 23 * 3600] > STEP
        for hour, kwh in truth.items():
            assert told[hour] == pytest.approx(kwh, abs=0.02), hour
        assert 0 <= told[since + 25 * 3600] < 2 * STEP + truth[since + 24 * 3600]
