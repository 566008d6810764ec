"""Fixtures of the soak."""

import pytest


@pytest.fixture(autouse=True)
def custom_integrations() -> None:
    """Leave it to the driver to make a Home Assistant."""


@pytest.fixture
def report(request: pytest.FixtureRequest) -> pytest.TerminalReporter:
    """Return where the figures are shown, also while output is captured."""
    plugin = request.config.pluginmanager.get_plugin("terminalreporter")
    assert isinstance(plugin, pytest.TerminalReporter)
    return plugin
