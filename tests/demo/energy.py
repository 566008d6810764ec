"""What the Energy dashboard shows of an account."""

from collections.abc import Iterable
from typing import Any

from .client import Client, CommandError
from .entities import Entity
from .readings import NOT_CARRIED
from .world import Account, Truth

# A plant that has the quantity on the left is a source of the kind on the right.
KINDS = {
    "pv_energy": "solar",
    "grid_import_energy": "grid",
    "battery_discharge_energy": "battery",
}


async def sources(client: Client) -> list[dict[str, Any]]:
    """Return the sources of the Energy dashboard."""
    try:
        found: list[dict[str, Any]] = (await client.command("energy/get_prefs"))[
            "energy_sources"
        ]
    except CommandError:
        # Home Assistant says so when nothing was ever set up.
        return []
    return found


def statistics(found: Iterable[dict[str, Any]]) -> set[str]:
    """Return the statistics of which the dashboard shows the energy."""
    names = ("stat_energy_from", "stat_energy_to")
    return {row[name] for row in found for name in names if row.get(name)}


def not_in_dashboard(
    found: Iterable[dict[str, Any]],
    account: Account,
    entities: Iterable[Entity],
    truth: Truth,
) -> list[str]:
    """Return which kinds of sources the dashboard lacks, by plant."""
    plants = {row.entity_id: row.plant for row in entities}
    carried = KINDS.keys() - NOT_CARRIED.get(
        (account.vendor, account.name), frozenset()
    )
    shown = {
        (plants[value], source["type"])
        for source in found
        for value in source.values()
        if isinstance(value, str) and value in plants
    }
    return [
        f"the Energy dashboard has no {kind} of {name}"
        for plant, name in account.plants.items()
        for key, kind in KINDS.items()
        if key in carried and key in truth[plant][""] and (plant, kind) not in shown
    ]


async def complaints(client: Client) -> list[str]:
    """Return what Home Assistant itself finds wrong with the dashboard."""
    checked = await client.command("energy/validate")
    return [
        f"the Energy dashboard says {issue['type']}: {issue['affected_entities']}"
        for issues in checked["energy_sources"]
        for issue in issues
    ]
