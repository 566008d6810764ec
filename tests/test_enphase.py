"""Enphase in Home Assistant: hours of energy from few calls, nights, a move, what is left."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
import sqlite3
from typing import Any

import pytest

from custom_components.solar_cloud.records import _state_before
from homeassistant.config_entries import ConfigEntry, ConfigFlowContext
from homeassistant.const import STATE_UNKNOWN

from tests.common import Home
from tests.driver import House

START = datetime(2026, 5, 12, 20, 2, tzinfo=UTC)
# Intervals come in whole Wh, four or twelve an hour.
STEP = 0.01
ENERGIES = (
    "pv_energy",
    "load_energy",
    "grid_import_energy",
    "grid_export_energy",
    "battery_charge_energy",
    "battery_discharge_energy",
)
QUERY = """
    SELECT start_ts, sum FROM statistics
    JOIN statistics_meta ON statistics_meta.id = metadata_id
    WHERE statistic_id = ? ORDER BY start_ts
"""


@pytest.fixture
def vendors() -> tuple[str, ...]:
    """Return the cloud that these tests need."""
    return ("enphase",)


def world(folder: Path | None = None, start: datetime = START) -> House:
    """Return a home with an Enphase cloud."""
    return House(
        vendors=("enphase",),
        start=start,
        zone="Europe/Amsterdam",
        folder=folder,
        history_days=5,
    )


def hours(house: House, entity: str | None) -> Iterator[tuple[float, float]]:
    """Yield the energy of each recorded hour."""
    with closing(sqlite3.connect(str(house.place.database))) as connection:
        found = connection.execute(QUERY, (entity,)).fetchall()
    before = None
    for start, total in found:
        if before is not None:
            yield start, total - before
        before = total


def compare(
    house: House, plant: Any, keys: tuple[str, ...], since: datetime, until: datetime
) -> None:
    """Check the hours that were recorded between two instants against the home."""
    for key in keys:
        told = dict(hours(house, house.entity_id(plant.id, key)))
        start, end = (at.replace(minute=0).timestamp() for at in (since, until))
        truth = plant.home.energy(start, end)[key]
        for at, kwh in truth:
            assert told.get(at) == pytest.approx(kwh, abs=STEP, rel=0.01), (
                f"{key} {datetime.fromtimestamp(at, UTC)}"
            )


async def test_few_calls_tell_every_hour(socket_enabled: None, tmp_path: Path) -> None:
    """On the free plan the entities change some times a day, the hours are complete."""
    async with world(tmp_path) as house:
        await house.setup("watt")
        plant = house.sim.plant("watt")
        begun = len(house.sim.calls)
        await house.run(hours=20)
        await house.stop()
        await house.run(hours=3)
        await house.start()
        await house.run(until=START + timedelta(hours=58))
        # The first poll cannot tell what its own hour will have.
        since, until = (START + timedelta(hours=span) for span in (28, 45))
        compare(house, plant, ENERGIES, since, until)
        calls = [row for row in house.sim.calls[begun:] if "oauth" not in row.endpoint]
        assert len(calls) < 190
        assert not [row for row in house.sim.calls if row.refused]


async def test_a_move_keeps_the_statistics(
    socket_enabled: None, tmp_path: Path
) -> None:
    """From version 2 to 4 the same entity goes on counting in the same hours."""
    async with world(tmp_path) as house:
        entry = await house.setup("legacy", control=False)
        plant: Any = house.sim.account("legacy").plants[1]
        entity = house.entity_id(plant.id, "load_energy")
        await house.run(hours=16)
        before = dict(hours(house, entity))
        await move(house, entry)
        await house.run(hours=14)
        assert house.entity_id(plant.id, "load_energy") == entity
        after = dict(hours(house, entity))
        assert {at: after[at] for at in list(before)[:-4]} == pytest.approx(
            {at: before[at] for at in list(before)[:-4]}, abs=STEP
        )
        since, until = (START + timedelta(hours=span) for span in (4, 22))
        compare(house, plant, ("pv_energy", "load_energy"), since, until)
        assert house.state(plant.id, "grid_power") not in (None, STATE_UNKNOWN)


async def move(house: House, entry: ConfigEntry) -> None:
    """Reconfigure an entry of version 2 to version 4."""
    account: Any = house.sim.account("legacy")
    flow = house.hass.config_entries.flow
    context = ConfigFlowContext(source="reconfigure", entry_id=entry.entry_id)
    result = await house.do(flow.async_init("solar_cloud", context=context))
    chosen = {"next_step_id": "enphase_v4"}
    result = await house.do(flow.async_configure(result["flow_id"], chosen))
    typed = account.others["enphase_v4"] | {"host": account.fields["host"]}
    result = await house.do(flow.async_configure(result["flow_id"], typed))
    result = await house._consent(result["flow_id"])  # noqa: SLF001
    assert result["reason"] == "reconfigure_successful"


async def test_nights_of_a_system_that_only_produces(socket_enabled: None) -> None:
    """Its power stays 0, it is asleep, and it is not asked; in the morning it wakes."""
    evening = datetime(2026, 5, 12, 17, 2, tzinfo=UTC)
    async with world(start=evening) as house:
        await house.setup("legacy", control=False)
        plant: Any = house.sim.account("legacy").plants[0]
        await house.run(until=evening.replace(hour=22))
        assert house.state(plant.id, "connection_status") == "asleep"
        begun = len(house.sim.calls)
        await house.run(until=evening + timedelta(hours=9))
        about = [row for row in house.sim.calls[begun:] if plant.id in row.endpoint]
        assert not about
        assert house.state(plant.id, "connection_status") == "asleep"
        assert float(house.state(plant.id, "pv_power") or -1) == 0
        micro = plant.micros[0].serial
        assert float(house.state(micro, "inverter_power") or -1) == 0
        await house.run(until=evening + timedelta(hours=14))
        assert house.state(plant.id, "connection_status") == "ok"
        assert float(house.state(plant.id, "pv_power") or 0) > 100


async def test_powers_neither_freeze_nor_flicker(socket_enabled: None) -> None:
    """On the free plan they last until the next poll, and no longer than promised."""
    async with world() as house:
        await house.setup("watt")
        plant = house.sim.plant("watt")
        await house.run(hours=2)
        unknown = []
        house.heard.append(
            lambda state: (
                unknown.append(state.entity_id)
                if state.state == STATE_UNKNOWN
                and state.entity_id.endswith(("_power", "_state_of_charge"))
                else None
            )
        )
        await house.run(hours=12)
        assert not unknown
        house.sim.fault("timeout")
        await house.run(hours=30)
        assert house.state(plant.id, "pv_power") == STATE_UNKNOWN
        assert house.state(plant.id, "battery_soc") == STATE_UNKNOWN
        assert house.state(plant.id, "pv_energy") != STATE_UNKNOWN
        # An outage does not cost the month.
        calls = [row for row in house.sim.calls if "oauth" not in row.endpoint]
        assert len(calls) < 260


async def test_calls_that_will_be_spent(home: Home) -> None:
    """With a pace that the month does not last, the day is told."""
    account = await home.set_up("watt", control=False)
    plant = home.sim.account("watt").plants[0]
    assert home.state(plant.id, "api_calls_remaining").attributes["spent_by"] is None
    account.vendor.ledger.learn("month", 200)
    await home.pass_time(minutes=2)
    state = home.state(plant.id, "api_calls_remaining")
    assert state.attributes["window"] == "month"
    day = datetime.fromisoformat(state.attributes["spent_by"]).date()
    assert home.time.now().date() < day < datetime(2026, 7, 1, tzinfo=UTC).date()


async def test_nobody_has_told_any_power(home: Home) -> None:
    """A plant without a power is silent; one whose power is fresh is not."""
    account = await home.set_up("watt", control=False)
    plant = home.sim.account("watt").plants[0]
    assert account.is_silent("elsewhere", timedelta(minutes=45))
    assert not account.is_silent(plant.id, timedelta(minutes=45))


def test_a_counter_reckoned_back() -> None:
    """From an exact one, as far as all hours in between are told."""
    first = START.replace(minute=0)
    known = {first: 1.0, first + timedelta(hours=1): 2.0}
    end = (first + timedelta(hours=1), 10.0)
    assert _state_before(first, known, end) == 7
    assert _state_before(first - timedelta(hours=1), known, end) is None
    assert _state_before(first + timedelta(hours=2), known, end) == 10


async def test_what_the_free_plan_lacks(home: Home) -> None:
    """Settings are absent with the reason, and that is no failed sign-in."""
    account = await home.set_up("watt")
    await home.pass_time(minutes=6)
    plant = home.sim.account("watt").plants[0]
    absent = account.house.data.controls[plant.id]["battery_mode"]
    assert absent.reason == "not_in_plan"  # type: ignore[union-attr]
    assert home.value(plant.id, "connection_status") == "ok"
    assert not home.hass.config_entries.flow.async_progress()
