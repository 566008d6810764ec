"""Growatt as a vendor: what its feeds cost, and when they are due."""

from datetime import timedelta
from typing import Any

import pytest

from custom_components.solar_cloud.cloud.growatt.cloud import FEEDS, GROWATT
from custom_components.solar_cloud.cloud.quota import Demand

from .conftest import Open
from .stub import Error, Stub
from .test_listing import INVERTER, answers
from .world import World


async def test_everything_is_polled_when_nothing_is_known(any_world: World) -> None:
    """Each feed is due at once, and after its interval."""
    vendor = any_world.vendor
    for feed in FEEDS:
        assert vendor.due(feed.key, 1.0) <= any_world.clock.now()
    await any_world.poll()
    await any_world.poll("devices")
    for feed in FEEDS:
        assert vendor.due(feed.key, 1.0) > any_world.clock.now()
    assert set(vendor.snapshots) == {feed.key for feed in FEEDS}
    assert not any_world.refused


async def test_the_plan_of_the_calls_fits(any_world: World) -> None:
    """No interval has to grow in a house."""
    await any_world.poll()
    demands = [
        Demand(call=call, interval=feed.interval)
        for feed in FEEDS
        for call in any_world.vendor.calls(feed.key)
    ]
    assert demands
    assert any_world.ledger.stretch(demands) == 1


async def test_a_large_account_takes_longer_for_its_settings(stub: Stub) -> None:
    """Five seconds lie between two of them; its values do not wait for that."""
    inverters = [INVERTER | {"device_sn": f"SASF{n:03}", "type": 1} for n in range(200)]

    def devices(params: dict[str, str]) -> dict[str, Any]:
        first = (int(params["page"]) - 1) * 100
        return {"count": 200, "devices": inverters[first : first + 100]}

    stub.answers |= answers(device__list=devices, inv_data_info={"nominalPower": 3000})
    await stub.vendor.poll("devices")
    demands = [
        Demand(call=call, interval=feed.interval)
        for feed in FEEDS
        for call in stub.vendor.calls(feed.key)
    ]
    assert stub.ledger.stretch(demands) == pytest.approx(1, abs=0.01)
    stub.answers["readInverterParam"] = Error(10009)
    stub.vendor._polled["settings"] = stub.now  # noqa: SLF001
    assert stub.vendor.due("settings", 1.0) - stub.now > timedelta(hours=1)


async def test_settings_that_do_not_come_stay(open_world: Open) -> None:
    """A device whose settings cannot be read keeps those that are known."""
    world = open_world("old")
    await world.poll("devices", "realtime")
    before = await world.poll("settings")
    assert set(before.controls) == {row.sn for row in world.account.devices}
    world.advance(hours=1)
    world.fault("errno", "readStorageParam", errno=10001)
    after = await world.poll("settings")
    assert set(after.controls) == set(before.controls)


def test_the_form_asks_for_host_and_token() -> None:
    """The token is a secret, the host a choice."""
    (way,) = GROWATT.ways
    assert [row.key for row in way.fields] == ["host", "token"]
    assert [row.key for row in way.secrets] == ["token"]
    assert not GROWATT.menu
