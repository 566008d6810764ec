"""Solar-Log: a month of a plant with a battery."""

from pathlib import Path

import pytest

from .conftest import Report
from .month import LONGEST, Month
from .scene import play


class SolarLogMonth(Month):
    """A month of a plant with a battery."""

    vendor = "solarlog"
    accounts = ("basic_battery",)


@pytest.mark.timeout(LONGEST)
async def test_month(socket_enabled: None, tmp_path: Path, report: Report) -> None:
    """Every hour is the home's."""
    await play(SolarLogMonth, tmp_path, report)
