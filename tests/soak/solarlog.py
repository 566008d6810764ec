"""Solar-Log: a week over each change of the clocks, with a restart, a kill and an outage."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from .conftest import Report
from .scene import Happening, Scene, play

ZONE = ZoneInfo("Europe/Berlin")
WEEK = timedelta(days=7)
LONGEST = 900.0


class Week(Scene):
    """A week over a change of the clocks."""

    vendor = "solarlog"
    accounts = ("advanced",)
    zone = "Europe/Berlin"
    # Polls come every quarter of an hour, as the vendor's values do.
    oldest = 2.5

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
