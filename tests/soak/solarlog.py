"""Solar-Log: a week over each change of the clocks, with a restart, a kill and an outage."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from . import judges
from .conftest import Report
from .scene import Happening, Scene, play

ZONE = ZoneInfo("Europe/Berlin")
NIGHT = timedelta(hours=4)
LONGEST = 900.0


class Week(Scene):
    """A week over a change of the clocks."""

    vendor = "solarlog"
    accounts = ("advanced",)
    zone = "Europe/Berlin"
    # When the logger uploads has to be found again after each start.
    oldest = 1.6

    async def live(self) -> None:
        """Live through the week, and the night in which its last days are read again."""
        await super().live()
        await self.world.run(until=self.last + NIGHT)

    def judge_commands(self) -> None:
        """Hold each day's energy against the home's, instead of commands."""
        database = self.world.place.database
        assert database
        for plant in self.plants:
            for number in range((self.last - self.first).days):
                day = self.first.astimezone(ZONE) + timedelta(days=number)
                edges = [
                    (day + timedelta(days=n)).astimezone(UTC).timestamp()
                    for n in (0, 1)
                ]
                for row in judges.energies(self.world, plant, database, *edges):
                    if row.error > max(self.share * row.truth, self.step):
                        figures = f"{row.recorded:.3f}, not {row.truth:.3f} kWh"
                        self.fail(f"{plant.name} {day:%d %b} {row.key}: {figures}")

    def happenings(self) -> tuple[Happening, ...]:
        """Return a restart, a kill, and an hour without the cloud."""
        day = self.first + timedelta(days=1)
        return (
            (day.replace(hour=10, minute=7), self.restart),
            (day + timedelta(days=1, hours=9), self.cloud_down),
            (day + timedelta(days=1, hours=10), self.cloud_up),
            (day + timedelta(days=4, hours=13), self.kill),
        )


class Spring(Week):
    """A week over the spring's change of the clocks."""

    begin = datetime(2026, 3, 25, 20, tzinfo=UTC)
    first = datetime(2026, 3, 26, tzinfo=ZONE).astimezone(UTC)
    last = datetime(2026, 4, 2, tzinfo=ZONE).astimezone(UTC)


class Autumn(Week):
    """A week over the autumn's change of the clocks."""

    begin = datetime(2026, 10, 21, 19, tzinfo=UTC)
    first = datetime(2026, 10, 22, tzinfo=ZONE).astimezone(UTC)
    last = datetime(2026, 10, 29, tzinfo=ZONE).astimezone(UTC)


@pytest.mark.timeout(LONGEST)
@pytest.mark.parametrize("scene", [Spring, Autumn])
async def test_week(
    socket_enabled: None, tmp_path: Path, report: Report, scene: type[Week]
) -> None:
    """Every day's energy is the home's, no counter falls, no hour comes twice."""
    await play(scene, tmp_path, report)
