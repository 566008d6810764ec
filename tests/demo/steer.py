"""One command of each kind to one plant of an account, waiting for the evidence."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from functools import partial

from .agreement import Value
from .client import Client
from .entities import Entity
from .force import Forcing
from .outcomes import Outcomes
from .processes import say
from .readings import States
from .report import Command, Result, describe
from .settings import MODE, Change, changes

SETTING_WITHIN = 180.0
SETTINGS = ("select", "number", "switch")
REFRESH = "refresh"
GONE = {"state": "unavailable"}
ASLEEP = ("standby", "unknown", "unavailable")


class Steering:
    """Steers one plant of an account."""

    def __init__(
        self, client: Client, outcomes: Outcomes, result: Result, plant: str
    ) -> None:
        """Take what to steer with, and where to write down what happened."""
        self._client = client
        self._outcomes = outcomes
        self._result = result
        self._plant = plant
        account = result.account
        devices = {key for key, owner in account.devices.items() if owner == plant}
        self._whole = {plant, *devices}

    async def steer(self, entities: Iterable[Entity]) -> None:
        """Change all settings, put them back, then force the battery in every way."""
        states = await self._client.states()
        here = [row for row in entities if row.plant == self._plant]
        asleep = _asleep(here, states)
        own = [row for row in here if row.subject not in asleep]
        wanted = changes([row for row in own if row.platform in SETTINGS], states)
        say(f"{self._name}: steering {self._result.account.plants[self._plant]}")
        kinds = [
            [row for row in wanted if not row.is_switch and row.entity.key != MODE],
            [row for row in wanted if row.is_switch],
            # Last, as what is set may belong to the mode that was chosen.
            [row for row in wanted if row.entity.key == MODE],
        ]
        for rows in kinds:
            await self._change(rows)
        for rows in reversed(kinds):
            await self._change(row.back for row in rows if row.back)
        await Forcing(self._client, own, self._press).force()

    @property
    def _name(self) -> str:
        return self._result.account.name

    async def _change(self, wanted: Iterable[Change]) -> None:
        """Send settings together: what the vendor takes together arrives together."""
        await asyncio.gather(
            *(
                self._carry_out(
                    row.entity.key,
                    {row.entity.subject},
                    partial(row.send, self._client),
                    SETTING_WITHIN,
                    value=row.value,
                )
                for row in wanted
            )
        )

    async def _press(
        self, entity: Entity, patience: float, power: Value | None
    ) -> None:
        await self._carry_out(
            entity.key,
            self._whole,
            lambda: self._client.service("button", "press", entity.entity_id),
            patience,
            value=power,
        )

    async def _carry_out(
        self,
        control: str,
        subjects: set[str],
        send: Callable[[], Awaitable[None]],
        patience: float,
        *,
        value: Value | None,
    ) -> None:
        device = next(iter(subjects)) if len(subjects) == 1 else self._plant
        command = Command(device=device, control=control, value=value)
        self._result.commands.append(command)
        await self._outcomes.carry_out(command, subjects, send(), patience)
        say(f"{self._name}: {describe(command)}")


def _asleep(entities: Iterable[Entity], states: States) -> set[str]:
    """Return the inverters that sleep, and take nothing until the sun rises."""
    return {
        row.subject
        for row in entities
        if row.key == "inverter_state"
        and states.get(row.entity_id, GONE)["state"] in ASLEEP
    }


def plant_to_steer(entities: Iterable[Entity], states: States) -> str | None:
    """Return the plant that offers most, None where there is nothing to steer."""
    offered = Counter(
        row.plant
        for row in entities
        if row.platform in (*SETTINGS, "button")
        and row.key != REFRESH
        and states.get(row.entity_id, GONE)["state"] != GONE["state"]
    )
    return offered.most_common(1)[0][0] if offered else None
