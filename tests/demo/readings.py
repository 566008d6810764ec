"""The readings of an account, beside the truth at each one's own time stamp."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from .agreement import NOT_KNOWN, Value, agrees, value_of
from .entities import Entity
from .world import Account, World

STAMP = "data_timestamp"
SHOWN = ("sensor", "binary_sensor")
COUNTED = "kWh"
NOT_SHOWN = "is disabled by default"
# What DESIGN §5 does not ask of a plant; its batteries have it.
OPTIONAL = frozenset(("battery_soh", "battery_remaining_energy"))

# What the interface of an account does not carry, by vendor and account.
NOT_CARRIED: dict[tuple[str, str], frozenset[str]] = {
    ("enphase", "legacy"): frozenset(
        (
            "active_mode",
            "grid_export_energy",
            "grid_export_energy_today",
            "grid_import_energy",
            "grid_import_energy_today",
            "grid_power",
            "load_power",
        )
    ),
    ("enphase", "watt"): frozenset(("active_mode",)),
    ("enphase", "cellular"): frozenset(("active_mode",)),
}

type States = dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A state beside the truth; `device` is "" for a value of the plant itself."""

    plant: str
    device: str
    key: str
    state: Value | None
    truth: Value
    unit: str
    at: datetime
    agrees: bool


@dataclass(slots=True)
class Readings:
    """What an account shows, and which values of its plants it does not (yet)."""

    rows: list[Reading]
    missing: list[str]
    complete: bool = False

    @property
    def wrong(self) -> list[Reading]:
        """Return those that do not agree."""
        return [row for row in self.rows if not row.agrees]


async def read(
    world: World, account: Account, entities: Iterable[Entity], states: States
) -> Readings:
    """Compare the states with the truth, and look for what is missing."""
    shown = [entity for entity in entities if entity.platform in SHOWN]
    stamps = _stamps(shown, states)
    now = await world.truth(datetime.now(UTC))
    silent = {
        plant for plant in account.plants if now[plant][""].get("online") is False
    }
    rows: list[Reading] = []
    for entity in shown:
        state = states.get(entity.entity_id)
        if state and (stamp := stamps.get(entity.plant)):
            row = await _compare(
                world, entity, state, stamp, silent=entity.plant in silent
            )
            rows += [row] if row else []
    missing = [
        f"{account.plants[plant]}: {why}"
        for plant in account.plants
        for why in await _missing(
            world,
            plant,
            shown,
            rows,
            OPTIONAL | NOT_CARRIED.get((account.vendor, account.name), frozenset()),
        )
    ]
    waiting = [row for row in missing if not row.endswith(NOT_SHOWN)]
    return Readings(rows, missing, complete=bool(rows) and not waiting)


def _stamps(entities: Iterable[Entity], states: States) -> dict[str, datetime]:
    """Return when the data of each plant were measured."""
    return {
        entity.plant: datetime.fromisoformat(states[entity.entity_id]["state"])
        for entity in entities
        if entity.key == STAMP
        and entity.entity_id in states
        and states[entity.entity_id]["state"] not in NOT_KNOWN
    }


async def _compare(
    world: World,
    entity: Entity,
    state: dict[str, Any],
    stamp: datetime,
    *,
    silent: bool,
) -> Reading | None:
    """Compare a state with the truth; None where the truth has no such key.

    Measurements are compared at the plant's time stamp. Counters, modes and states may
    come from another feed: for those the time at which they were told counts too, and
    what the cloud knew then. So it is with all values of a cloud that does not tell when
    they were measured. What is not counted may be unknown once the plant has fallen silent.
    """
    unit = state["attributes"].get("unit_of_measurement") or ""
    told = datetime.fromisoformat(state["last_updated"])
    first: Reading | None = None
    stamped = STAMP in (await world.truth(told))[entity.plant][""]
    if entity.key == STAMP and not stamped:
        # Nobody measures what sleeps.
        return None
    moments = (stamp, False), (told, False), (told, True), (stamp, True)
    for at, published in moments[: 3 if stamped else 4]:
        found = await world.truth(at, published=published)
        truth = found.get(entity.plant, {}).get(entity.device, {})
        if (right := truth.get(entity.key)) is None:
            continue
        value = value_of(state["state"], right, unit)
        measured = isinstance(right, float) and unit != COUNTED
        row = Reading(
            plant=entity.plant,
            device=entity.device,
            key=entity.key,
            state=value,
            truth=right,
            unit=unit,
            at=at,
            agrees=agrees(value, right, unit)
            or (silent and value is None and unit != COUNTED),
        )
        if row.agrees:
            return row
        first = first or row
        if measured and stamped:
            break
    return first


async def _missing(
    world: World,
    plant: str,
    entities: Iterable[Entity],
    rows: Iterable[Reading],
    optional: frozenset[str],
) -> list[str]:
    """Return which values the truth has for a plant and Home Assistant has not."""
    truth = (await world.truth(datetime.now(UTC)))[plant][""]
    there = {row.key: row for row in rows if row.plant == plant and not row.device}
    known = {e.key: e for e in entities if e.plant == plant and not e.device}
    missing: list[str] = []
    for key in sorted(truth.keys() - optional):
        if key not in known:
            missing.append(f"{key} has no entity")
        elif known[key].disabled:
            missing.append(f"{key} {NOT_SHOWN}")
        elif key not in there or (there[key].state is None and not there[key].agrees):
            missing.append(f"{key} is not known")
    return missing
