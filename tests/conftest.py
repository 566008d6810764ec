"""Fixtures: a simulated cloud, and a Home Assistant with an account on it."""

import custom_components.solar_cloud  # noqa: F401, I001  (before the harness's own package)

from collections.abc import AsyncIterator

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from homeassistant.core import HomeAssistant
from tests.simulator import Simulator


@pytest.fixture(autouse=True)
def custom_integrations(enable_custom_integrations: None) -> None:
    """Let Home Assistant find the integration."""


@pytest.fixture
async def cloud(socket_enabled: None) -> AsyncIterator[Simulator]:
    """Return the simulated clouds."""
    async with Simulator(seed=1, history_days=5) as simulator:
        yield simulator
