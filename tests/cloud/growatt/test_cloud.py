"""Growatt as a vendor: what its feeds cost, and when they are due."""

from datetime import timedelta
from typing import Any

import pytest

from custom_components.solar_cloud.cloud.control import Control, Forced, Run
from custom_components.solar_cloud.cloud.growatt.cloud import FEEDS, GROWATT
from custom_components.solar_cloud.cloud.quota import Demand

from .conftest import Open
from .stub import Error, Page, Stub
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


async def test_a_machine_is_steered_through_the_vendor(open_world: Open) -> None:
    """Settings, schedules and runs reach the machine, and are read back."""
    world = open_world("sph")
    await world.poll("devices", "realtime", "settings")
    vendor, plant = world.vendor, world.plant
    (sn,) = vendor.scheduled(plant.id)
    assert not await vendor.write(sn, {"active_power_rate": 80.0})
    found = (await vendor.read(sn, ["active_power_rate"]))["active_power_rate"]
    assert isinstance(found, Control)
    assert found.value == 80
    assert vendor.lane("active_power_rate") == vendor.lane("min_soc")
    assert (await vendor.follow(sn, ["min_soc"])).done is None
    assert not vendor.unfinished()

    schedule = await vendor.get_schedule(sn)
    await vendor.set_schedule(sn, schedule.windows)
    assert (await vendor.get_schedule(sn)).windows == schedule.windows

    devices = vendor.snapshots["realtime"].devices
    assert vendor.run_range(devices[f"{sn}_battery_1"]) is None
    assert vendor.run_range(devices[sn])
    now = world.clock.now()
    run = Run(
        id="run",
        plant=plant.id,
        kind=Forced.CHARGE,
        start=now,
        end=now + timedelta(minutes=30),
        devices=(sn,),
        power=1500,
    )
    before = await vendor.prepare(run)
    await vendor.start(run, before)
    assert (await vendor.started(run, before)).done is not False
    await vendor.stop(run, before)
    assert (await vendor.stopped(run, before)).done is not False
    assert world.sim.commands
    assert not world.refused


async def test_a_plant_of_which_no_settings_come(stub: Stub) -> None:
    """An inverter that tells none does not keep the others from telling theirs."""
    inverters = [INVERTER | {"device_sn": sn, "type": 1} for sn in ("SASF1", "SASF2")]
    stub.answers |= answers(
        device__list={"devices": inverters},
        inv_data_info={},
        readInverterParam=lambda params: (
            Page("", 503) if params["device_sn"] == "SASF1" else "50"
        ),
    )
    await stub.vendor.poll("devices")
    snapshot = await stub.vendor.poll("settings")
    assert "SASF2" in snapshot.controls


def test_the_form_asks_for_host_and_token() -> None:
    """The token is a secret, the host a choice."""
    (way,) = GROWATT.ways
    assert [row.key for row in way.fields] == ["host", "token"]
    assert [row.key for row in way.secrets] == ["token"]
    assert not GROWATT.menu
