"""Enphase: a month of a system with batteries on the second plan."""

from pathlib import Path

import pytest

from .conftest import Report
from .month import LONGEST, Month
from .scene import play


class EnphaseMonth(Month):
    """A month of a system with batteries."""

    vendor = "enphase"
    accounts = ("watt",)


@pytest.mark.timeout(LONGEST)
async def test_month(socket_enabled: None, tmp_path: Path, report: Report) -> None:
    """Every hour is the home's."""
    await play(EnphaseMonth, tmp_path, report)
