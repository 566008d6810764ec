"""FusionSolar as a vendor: what a poll costs, and when the first ones are due."""

import json

import pytest

from custom_components.solar_cloud.cloud.huawei.cloud import FEEDS, HUAWEI
from custom_components.solar_cloud.cloud.model import Snapshot

from .conftest import Open
from .world import World


@pytest.mark.parametrize("name", ["home", "emma", "owner", "commercial"])
async def test_a_poll_costs_what_it_says(open_world: Open, name: str) -> None:
    """So that the ledger plans with the truth."""
    world = await open_world(name)
    await world.vendor.identify()
    for row in FEEDS:
        assert world.vendor.due(row.key, 1.0) == world.clock.now()
    await world.poll("devices")
    for feed in ("devices", "totals", "realtime"):
        before = len(world.sim.calls)
        world.advance(minutes=6)
        await world.poll(feed)
        made = [
            row for row in world.sim.calls[before:] if "/thirdData/" in row.endpoint
        ]
        told = [row.endpoint for row in world.vendor.calls(feed)]
        assert sorted(row.endpoint for row in made) == sorted(told), feed
    assert world.vendor.calls("alarms")
    assert world.vendor.calls("settings") is not None


async def test_what_was_found_survives_a_restart(home: World) -> None:
    """All of it is JSON, and no call is made to have it again."""
    await home.vendor.identify()
    await home.poll()
    stored = {key: row.as_dict() for key, row in home.vendor.snapshots.items()}
    text = json.dumps([stored, home.memory], default=str)
    snapshots, home.memory = json.loads(text)
    await home.begin()
    before = len(home.sim.calls)
    for key, row in snapshots.items():
        await home.vendor.restore(key, Snapshot.from_dict(row))
    assert len(home.sim.calls) == before
    assert home.vendor.due("realtime", 1.0) > home.clock.now()
    home.advance(minutes=8)
    found = await home.readings()
    assert found[home.plant.id]["pv_energy"]
    assert not home.refused


def test_nothing_private_has_another_name() -> None:
    """What tells who the owner is, and secrets, are known by the wire's names."""
    assert {"plantName", "plantAddress", "contactPerson", "esnCode", "sn", "token"} <= (
        HUAWEI.private_fields
    )
