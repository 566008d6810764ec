"""Fixtures of the soak."""

from collections.abc import Callable, Iterable
import sys

import pytest

type Report = Callable[[Iterable[str]], None]


@pytest.fixture(autouse=True)
def custom_integrations() -> None:
    """Leave it to the driver to make a Home Assistant."""


@pytest.fixture
def report(capsys: pytest.CaptureFixture[str]) -> Report:
    """Return what shows figures, also while output is captured."""

    def show(lines: Iterable[str]) -> None:
        with capsys.disabled():
            sys.stdout.write("\n".join(["", *lines, ""]))

    return show
