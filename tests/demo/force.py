"""Forcing the battery of a plant in every way, with enough charge for each."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress

from .agreement import NOT_KNOWN, Value
from .client import Client
from .entities import Entity
from .settings import set_value

# Each run with the share of the most power to ask for: charged fast and discharged
# slowly, so that an empty battery has something to give by then.
RUNS: dict[str, float | None] = {
    "force_charge": 0.75,
    "force_discharge": 0.25,
    "hold": None,
}
STOP = "stop_forced"
MINUTES = 30.0
# Some gateways upload every quarter of an hour.
RUN_WITHIN = 1200.0
STOP_WITHIN = 420.0
SOC = "battery_soc"
FLOORS = ("min_soc", "backup_reserve")
TO_SPARE = 2.0
CHARGED_WITHIN = 200.0

type Press = Callable[[Entity, float, Value | None], Awaitable[None]]


class Forcing:
    """Presses the buttons of a plant."""

    def __init__(
        self, client: Client, entities: Iterable[Entity], press: Press
    ) -> None:
        """Take the plant's entities, and what presses a button and waits."""
        rows = list(entities)
        self._client = client
        self._press = press
        self._own = {row.key: row for row in rows if not row.device}
        self._floors = [row for row in rows if row.key in FLOORS]

    async def force(self) -> None:
        """Start and stop each kind of run."""
        runs = [key for key in RUNS if key in self._own]
        if runs:
            await self._set_input("forced_duration", MINUTES)
        for key in runs:
            power = await self._set_power(RUNS[key])
            await self._press(self._own[key], RUN_WITHIN, power)
            if key == "force_charge" and "force_discharge" in runs:
                await self._wait_for_charge()
            if STOP in self._own:
                await self._press(self._own[STOP], STOP_WITHIN, None)

    async def _set_power(self, share: float | None) -> Value | None:
        """Ask for a share of the most power; without a share nothing is asked."""
        if share is None or (entity := self._own.get("forced_power")) is None:
            return None
        attributes = (await self._client.states())[entity.entity_id]["attributes"]
        step = attributes["step"]
        power = float(attributes["max"] * share // step * step)
        await self._set_input("forced_power", power)
        return power

    async def _set_input(self, key: str, value: Value) -> None:
        if key in self._own:
            await set_value(self._client, self._own[key], value)

    async def _wait_for_charge(self) -> None:
        """Wait until there is charge to spare above the floors."""
        with suppress(TimeoutError):
            async with asyncio.timeout(CHARGED_WITHIN):
                while not await self._has_charge():
                    await asyncio.sleep(5)

    async def _has_charge(self) -> bool:
        """Return whether there is charge to spare, or no way to know."""
        floors = await self._numbers(self._floors)
        soc = await self._numbers([self._own[SOC]] if SOC in self._own else [])
        return not soc or soc[0] >= min(max(floors, default=0) + TO_SPARE, 100)

    async def _numbers(self, entities: Iterable[Entity]) -> list[float]:
        states = await self._client.states()
        found = [states[row.entity_id]["state"] for row in entities if not row.disabled]
        return [float(state) for state in found if state not in NOT_KNOWN]
