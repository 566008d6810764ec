"""Solar-Log's past in Home Assistant's statistics: every day is the home's."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from tests.driver import House
from tests.soak import judges

ZONE = ZoneInfo("Europe/Berlin")


@pytest.fixture(autouse=True)
def custom_integrations() -> None:
    """Leave it to the driver to make a Home Assistant."""


@pytest.mark.parametrize(
    ("change", "hours"), [(datetime(2026, 3, 29), 23), (datetime(2026, 10, 25), 25)]
)
async def test_the_past_is_imported(
    socket_enabled: None, tmp_path: Path, change: datetime, hours: int
) -> None:
    """Over a change of the clocks, from the plant's first day on; nothing is refused."""
    day = change.replace(tzinfo=ZONE)
    start = (day + timedelta(days=2, hours=10)).astimezone(UTC)
    async with House(
        start=start,
        zone="Europe/Berlin",
        folder=tmp_path,
        vendors=("solarlog",),
        history_days=6,
    ) as world:
        await world.setup("basic_battery")
        await world.run(minutes=70)
        plant = world.sim.plant("basic_battery")
        await world.action("import_history", plant.id)
        await world.run(minutes=20)
        assert world.state(plant.id, "history_progress") == "100.0"
        assert world.place.database
        for number in range(-2, 1):
            edges = [
                (day + timedelta(days=number + n)).astimezone(UTC).timestamp()
                for n in (0, 1)
            ]
            told = judges.energies(world, plant, world.place.database, *edges)
            for row in told:
                assert row.error < 0.003, (number, row)
                assert row.hours == (24 if number else hours), (number, row)
        assert not judges.refused(world)


async def test_no_hour_stands_beyond_a_hole(
    socket_enabled: None, tmp_path: Path
) -> None:
    """Yesterday's last hour is not whole in the first poll: what is before it comes later."""
    evening = datetime(2026, 3, 14, 20, 2, tzinfo=ZONE).astimezone(UTC)
    async with House(
        start=evening,
        zone="Europe/Berlin",
        folder=tmp_path,
        vendors=("solarlog",),
    ) as world:
        await world.setup("advanced")
        await world.run(minutes=190)
        plant = world.sim.account("advanced").plants[-1]
        database = world.place.database
        entity = world.entity_id(plant.id, "grid_import_energy")
        assert database
        found = judges.rows(database, judges.STATISTICS, entity, 0, 1e10)
        midnight = evening.astimezone(ZONE).replace(hour=0, minute=0).timestamp()
        assert found[0][0] == midnight
        end = (evening.replace(minute=0) + timedelta(hours=2)).timestamp()
        told = dict(found)[end - judges.HOUR]
        truth = (plant.truth(at)[""]["grid_import_energy"] for at in (end, midnight))
        assert told == pytest.approx(float.__sub__(*truth), abs=0.003)
