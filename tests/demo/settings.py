"""Which settings a plant offers, and another valid value for each."""

from dataclasses import dataclass
from math import floor
from typing import Any

from .agreement import NOT_KNOWN, Value
from .client import Client
from .entities import Entity
from .readings import States

INPUT = "forced_"
SMOOTH = 20
# What a vendor takes in one mode only.
MODE = "battery_mode"
IN_MODE = {
    "surplus_priority": "time_of_use",
    "grid_charge_power_limit": "time_of_use",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A setting, what it is now if anybody knows, and what it shall be."""

    entity: Entity
    before: Value | None
    value: Value

    @property
    def back(self) -> Change | None:
        """Return the change that undoes this one, if it can be undone."""
        if self.before is None:
            return None
        return Change(entity=self.entity, before=self.value, value=self.before)

    @property
    def is_switch(self) -> bool:
        """Return whether it turns something on or off."""
        return isinstance(self.value, bool)

    async def send(self, client: Client) -> None:
        """Make the change; raises what Home Assistant says against it."""
        await set_value(client, self.entity, self.value)


async def set_value(client: Client, entity: Entity, value: Value) -> None:
    """Give a select, number or switch a value."""
    name = entity.entity_id
    if isinstance(value, bool):
        await client.service("switch", "turn_on" if value else "turn_off", name)
    elif isinstance(value, str):
        await client.service("select", "select_option", name, option=value)
    else:
        await client.service("number", "set_value", name, value=value)


def changes(entities: list[Entity], states: States) -> list[Change]:
    """Return a change for each setting that is offered, in the mode that it is in."""
    found: list[Change] = []
    modes = {
        states[entity.entity_id]["state"]
        for entity in entities
        if entity.key == MODE and entity.entity_id in states
    }
    for entity in entities:
        state = states.get(entity.entity_id)
        if state is None or entity.disabled or entity.key.startswith(INPUT):
            continue
        if entity.key in IN_MODE and IN_MODE[entity.key] not in modes:
            continue
        if change := _change(entity, state):
            found.append(change)
    return found


def _change(entity: Entity, state: dict[str, Any]) -> Change | None:
    now, attributes = state["state"], state["attributes"]
    if now in NOT_KNOWN:
        return _first(entity, attributes)
    match entity.platform:
        case "switch":
            return Change(entity=entity, before=now == "on", value=now != "on")
        case "select" if len(options := attributes["options"]) > 1:
            index = (options.index(now) + 1) % len(options)
            return Change(entity=entity, before=now, value=options[index])
        case "number":
            value = float(now)
            other = _other_number(value, attributes)
            if other == value:
                return None
            return Change(entity=entity, before=value, value=other)
    return None


def _first(entity: Entity, attributes: dict[str, Any]) -> Change | None:
    """Return a value for a setting that cannot be read; None where it could be."""
    if not attributes.get("assumed_state"):
        return None
    value: Value
    match entity.platform:
        case "number":
            # Not one that would get in the way of what comes after.
            value = float(attributes["max"])
        case "select":
            value = attributes["options"][0]
        case _:
            return None
    return Change(entity=entity, before=None, value=value)


def _other_number(value: float, attributes: dict[str, Any]) -> float:
    """Return a number a small part of the range above, at its end below."""
    low, high, step = attributes["min"], attributes["max"], attributes["step"]
    part = max(1, floor((high - low) / SMOOTH / step)) * step
    other = value + part if value + part <= high else value - part
    return float(round(max(other, low), 6))
