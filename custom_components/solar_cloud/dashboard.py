"""The Energy dashboard: which entity belongs in which slot, and setting it up."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import voluptuous as vol

from homeassistant.components.energy.data import (
    ENERGY_SOURCE_SCHEMA,
    EnergyManager,
    async_get_manager,
)
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er

from .account import Account
from .const import CONF_ENERGY_DASHBOARD, DOMAIN, LOGGER

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


def energy_config(
    hass: HomeAssistant, account: Account, plants: Iterable[str]
) -> list[dict[str, Any]]:
    """Return the sources of the Energy dashboard that plants have entities for."""
    found: list[dict[str, Any]] = []
    for plant in plants:
        for kind, slots in SOURCES.items():
            if source := _source(hass, account, plant, kind, slots):
                found.append(source)
    return found


def _source(
    hass: HomeAssistant,
    account: Account,
    plant: str,
    kind: str,
    slots: Mapping[str, str],
) -> dict[str, Any] | None:
    entities = {slot: _entity(hass, account, plant, key) for slot, key in slots.items()}
    required = [slot for slot in slots if slot.startswith("stat_energy")]
    if not all(entities[slot] for slot in required):
        return None
    source: dict[str, Any] = {"type": kind}
    source |= {slot: entity for slot, entity in entities.items() if entity}
    if kind == "grid":
        source |= NO_PRICE
    if kind == "solar":
        source["config_entry_solar_forecast"] = None
    capacity = account.house.data.value(plant, "battery_capacity")
    if kind == "battery" and isinstance(capacity, (int, float)) and capacity > 0:
        source["capacity"] = float(capacity)
    return source


def _entity(hass: HomeAssistant, account: Account, plant: str, key: str) -> str | None:
    """Return the entity of a plant's quantity, None where there is none."""
    unique_id = f"{account.info.slug}_{plant}_{key}"
    registry = er.async_get(hass)
    entity_id = registry.async_get_entity_id(Platform.SENSOR, DOMAIN, unique_id)
    entry = registry.async_get(entity_id) if entity_id else None
    return entity_id if entry and not entry.disabled else None


def statistics_of(source: Mapping[str, Any]) -> frozenset[str]:
    """Return the energy statistics that a source is made of."""
    return frozenset(
        str(source[slot])
        for slot in ("stat_energy_from", "stat_energy_to")
        if source.get(slot)
    )


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
    known = {row for source in held for row in statistics_of(source)}
    sources = [*held, *wanted]
    alone = sum(source["type"] == "solar" for source in sources) <= 1
    new = [
        dict(source)
        for source in wanted
        if (alone or source["type"] != "home")
        and not statistics_of(source) & known
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
    await async_set_up(hass, energy_config(hass, account, plants))
    await account.history.async_begin(plants)
    options = {**account.entry.options, CONF_ENERGY_DASHBOARD: False}
    hass.config_entries.async_update_entry(account.entry, options=options)
