"""The Energy dashboard: which entity belongs in which slot, and setting it up."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import voluptuous as vol

from homeassistant.components.energy.data import (
    ENERGY_SOURCE_SCHEMA,
    EnergyManager,
    async_get_manager,
)
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er

from .account import Account
from .const import CONF_ENERGY_DASHBOARD, DOMAIN, LOGGER
from .external import async_known, external_id, is_recorded, registered
from .recorded import is_there

# Slot of a source: the key whose entity belongs there. The first one must be there.
SOURCES: dict[str, dict[str, str]] = {
    "solar": {"stat_energy_from": "pv_energy", "stat_rate": "pv_power"},
    "grid": {
        "stat_energy_from": "grid_import_energy",
        "stat_energy_to": "grid_export_energy",
        "stat_rate": "grid_power",
    },
    "battery": {
        "stat_energy_from": "battery_discharge_energy",
        "stat_energy_to": "battery_charge_energy",
        "stat_rate": "battery_power",
        "stat_soc": "battery_soc",
    },
    "home": {"stat_energy_to": "load_energy", "stat_rate": "load_power"},
}
SLOTS = ("stat_energy_from", "stat_energy_to")
# How long (s) the first poll of each feed is waited for, and how often it is looked for.
TOLD_WITHIN = 900.0
LOOK_AGAIN = 15.0

NO_PRICE: dict[str, Any] = {
    "stat_cost": None,
    "entity_energy_price": None,
    "number_energy_price": None,
    "stat_compensation": None,
    "entity_energy_price_export": None,
    "number_energy_price_export": None,
    "cost_adjustment_day": 0.0,
}


async def async_energy_config(
    hass: HomeAssistant, account: Account, plants: Iterable[str]
) -> list[dict[str, Any]]:
    """Return the sources of the Energy dashboard that plants have energies for."""
    ours = await async_known(hass)
    found: list[dict[str, Any]] = []
    for plant in plants:
        for kind, slots in SOURCES.items():
            if source := _source(account, plant, kind, slots, ours):
                found.append(source)
    return found


def _source(
    account: Account,
    plant: str,
    kind: str,
    slots: Mapping[str, str],
    ours: Collection[str],
) -> dict[str, Any] | None:
    found = {
        slot: _energy(account, plant, key, ours)
        if slot in SLOTS
        else _entity(account, plant, key)
        for slot, key in slots.items()
    }
    if not all(found[slot] for slot in slots if slot in SLOTS):
        return None
    source: dict[str, Any] = {"type": kind}
    source |= {slot: name for slot, name in found.items() if name}
    if kind == "grid":
        source |= NO_PRICE
    if kind == "solar":
        source["config_entry_solar_forecast"] = None
    capacity = account.house.data.value(plant, "battery_capacity")
    if kind == "battery" and isinstance(capacity, (int, float)) and capacity > 0:
        source["capacity"] = float(capacity)
    return source


def _entity(account: Account, plant: str, key: str) -> str | None:
    """Return the entity of a plant's quantity, None where there is none."""
    entry = registered(account, plant, key)
    return entry.entity_id if entry and not entry.disabled else None


def _energy(
    account: Account, plant: str, key: str, ours: Collection[str]
) -> str | None:
    """Return the statistic of a plant's energy, None where nothing is recorded of it."""
    entry = registered(account, plant, key)
    if entry is None or not is_there(account.hass):
        return _entity(account, plant, key)
    if is_recorded(account.hass, entry):
        return entry.entity_id
    external = external_id(entry.unique_id)
    return external if external in ours else None


def _energies(hass: HomeAssistant, source: Mapping[str, Any]) -> set[str]:
    """Return the energy statistics that a source is made of, by all their names."""
    registry = er.async_get(hass)
    found = {str(name) for slot, name in source.items() if name and slot in SLOTS}
    entries = [registry.async_get(name) for name in found]
    return found | {
        external_id(entry.unique_id)
        for entry in entries
        if entry and entry.platform == DOMAIN
    }


async def async_set_up(
    hass: HomeAssistant, wanted: Sequence[Mapping[str, Any]], *, apply: bool = True
) -> list[dict[str, Any]]:
    """Add what is missing to the dashboard, and leave the rest alone; returns what is new.

    A source whose energies are there already is the user's, with the prices given to it.
    The home's consumption is added only for a single plant: of several, none has it all.
    """
    manager = await async_get_manager(hass)
    preferences = manager.data or EnergyManager.default_preferences()
    held: list[Any] = list(preferences["energy_sources"])
    known = {name for source in held for name in _energies(hass, source)}
    sources = [*held, *wanted]
    alone = sum(source["type"] == "solar" for source in sources) <= 1
    new = [
        dict(source)
        for source in wanted
        if (alone or source["type"] != "home")
        and not _energies(hass, source) & known
        and _fits(held, source)
    ]
    if new and apply:
        checked = ENERGY_SOURCE_SCHEMA([*held, *new])
        await manager.async_update({**preferences, "energy_sources": checked})
    return new


def _fits(held: list[Any], source: Mapping[str, Any]) -> bool:
    """Return whether this Home Assistant's dashboard takes a source."""
    try:
        ENERGY_SOURCE_SCHEMA([*held, dict(source)])
    except vol.Invalid:
        LOGGER.debug("The Energy dashboard does not take a source: %s", source["type"])
        return False
    return True


async def async_carry_out_choice(account: Account, hass: HomeAssistant) -> None:
    """Set the dashboard up as chosen in the config flow, once all energies are told."""
    until = account.clock.monotonic() + TOLD_WITHIN
    while account.is_incomplete and account.clock.monotonic() < until:
        await account.clock.sleep(LOOK_AGAIN)
    plants = account.house.data.plants
    await async_set_up(hass, await async_energy_config(hass, account, plants))
    await account.history.async_begin(plants)
    options = {**account.entry.options, CONF_ENERGY_DASHBOARD: False}
    hass.config_entries.async_update_entry(account.entry, options=options)
