"""Fixtures: a simulated cloud, and a Home Assistant with an account on it."""

import custom_components.solar_cloud  # noqa: F401, I001  (before the harness's own package)

from collections.abc import AsyncIterator, Iterator
import logging

from freezegun import freeze_time
from freezegun.api import FrozenDateTimeFactory
import pytest

from custom_components.solar_cloud.store import CLOCK
from homeassistant.core import HomeAssistant
from tests.common import LATITUDE, LONGITUDE, START, ZONE, Home, Time
from tests.simulator import Simulator


@pytest.fixture(autouse=True)
def custom_integrations(enable_custom_integrations: None) -> None:
    """Let Home Assistant find the integration."""


@pytest.fixture
def frozen() -> Iterator[FrozenDateTimeFactory]:
    """Stop the time of everything."""
    with freeze_time(START) as factory:
        yield factory


@pytest.fixture
def vendors() -> tuple[str, ...]:
    """Return the clouds that a test needs; a module of another vendor's says its own."""
    return ("foxess",)


@pytest.fixture
async def cloud(
    socket_enabled: None, vendors: tuple[str, ...]
) -> AsyncIterator[Simulator]:
    """Return the simulated clouds."""
    async with Simulator(vendors=vendors, seed=1, history_days=5) as simulator:
        yield simulator


@pytest.fixture
async def home(
    frozen: FrozenDateTimeFactory,
    hass: HomeAssistant,
    cloud: Simulator,
    caplog: pytest.LogCaptureFixture,
) -> AsyncIterator[Home]:
    """Return a Home Assistant and a cloud on one clock; nothing is set up yet.

    Whatever the test did, no traceback may have been logged.
    """
    hass.config.latitude, hass.config.longitude = LATITUDE, LONGITUDE
    await hass.config.async_set_time_zone(ZONE)
    time = Time(frozen, hass.loop)
    hass.data[CLOCK] = time.clock
    yield Home(hass, cloud, time)
    await hass.async_block_till_done(wait_background_tasks=True)
    for when in ("setup", "call", "teardown"):
        for row in caplog.get_records(when):
            if row.levelno > logging.DEBUG:
                assert not row.exc_info, row.getMessage().splitlines()[0]
            if "solar_cloud" in row.name:
                assert "{" not in row.getMessage()


@pytest.fixture(autouse=True)
def debug_log() -> None:
    """Log everything, so that all of it can be looked at."""
    logging.getLogger("custom_components.solar_cloud").setLevel(logging.DEBUG)
