"""Live through a day of one inverter on the injected clock, against the simulator.

`python -m tests.bench.day` prints what was called, stored and shown as JSON.
"""

import asyncio
import json
import sys
from unittest.mock import patch

from custom_components.solar_cloud.const import DOMAIN

from .hass import Resolver

from tests.driver import House

ACCOUNT = "h3"


async def day() -> dict[str, int]:
    """Count what a day costs, once all is set up and the first values are there."""
    with patch(
        "homeassistant.helpers.aiohttp_client._async_make_resolver",
        side_effect=lambda hass: Resolver(),
    ):
        async with House() as house:
            await house.setup(ACCOUNT)
            await house.run(hours=1)
            calls, states = len(house.sim.calls), sum(house.states.values())
            stored = _ours(house)
            await house.run(hours=24)
            made = house.sim.calls[calls:]
            assert not any(call.refused for call in made), "calls were refused"
            return {
                "calls_per_day": len(made),
                "state_writes_per_day": _ours(house) - stored,
                "states_per_day": sum(house.states.values()) - states,
            }


def _ours(house: House) -> int:
    """Return how often our own files were written."""
    return sum(n for key, n in house.files.writes.items() if key.startswith(DOMAIN))


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(day())) + "\n")
