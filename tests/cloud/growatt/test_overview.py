"""What plants say of themselves: carbon, and all there is of unknown inverters."""

from datetime import timedelta
from typing import Any

import pytest

from custom_components.solar_cloud.cloud.errors import Busy

from .conftest import Open
from .stub import Error, Stub
from .test_listing import answers
from .world import World

STRANGE = {"device_sn": "HPS1", "type": 9, "lost": False}


def _overview(stub: Stub, **values: Any) -> dict[str, Any]:
    written = f"{stub.now + timedelta(hours=2):%Y-%m-%d %H:%M:%S}"
    return {"last_update_time": written, "total_energy": "1000.5", **values}


async def test_carbon_is_told_in_kg(any_world: World) -> None:
    """The simulated service tells tons, as the document says."""
    await any_world.poll("devices")
    found = await any_world.readings("plants")
    for plant in any_world.account.plants:
        made = plant.home.totals(any_world.sim.clock.seconds())["pv_energy"]
        saved = found[plant.id]["co2_saved"]
        assert saved == pytest.approx(made * 0.4, rel=0.05)
        assert set(found[plant.id]) == {"co2_saved"}
    planned = any_world.vendor.calls("plants")
    assert {row.endpoint for row in planned} == {"/v1/plant/data"}


@pytest.mark.parametrize(
    ("sent", "kg"), [("0.402", 402.0), (402.5, 402.5), (None, None), ("", None)]
)
async def test_the_unit_of_carbon_follows_from_the_energy(
    stub: Stub, sent: Any, kg: float | None
) -> None:
    """The vendor's own example is in kg."""
    stub.answers |= answers(plant__data=_overview(stub, carbon_offset=sent))
    await stub.vendor.poll("devices")
    snapshot = await stub.vendor.poll("plants")
    shown = snapshot.readings["7"].get("co2_saved")
    assert (shown.value if shown else None) == kg


async def test_carbon_of_a_new_plant(stub: Stub) -> None:
    """Without energy there is nothing to compare with."""
    stub.answers |= answers(
        plant__data=_overview(stub, total_energy="", carbon_offset=0.0)
    )
    await stub.vendor.poll("devices")
    snapshot = await stub.vendor.poll("plants")
    assert snapshot.readings["7"]["co2_saved"].value == 0


async def test_a_plant_of_unknown_inverters_tells_its_yield(stub: Stub) -> None:
    """Its power is the newest of the day, in W; the overview's is in kW."""
    powers = [
        {
            "time": f"{stub.now - timedelta(minutes=n):%Y-%m-%d %H:%M:%S}",
            "power": 2000 + n,
        }
        for n in (4, 9, 14)
    ]
    stub.answers |= answers(
        device__list={"devices": [STRANGE]},
        plant__data=_overview(stub, today_energy="7.5", current_power=0.0),
        plant__power={"count": 4, "powers": [*powers, {"time": "", "power": 1}]},
    )
    await stub.vendor.poll("devices")
    snapshot = await stub.vendor.poll("plants")
    found = {key: row.value for key, row in snapshot.readings["7"].items()}
    assert found == {"pv_power": 2004.0, "pv_energy": 1000.5, "pv_energy_today": 7.5}
    asked = next(params for path, params in stub.asked if "plant/power" in path)
    assert asked == {"plant_id": "7", "date": "2026-06-17", "timezone_id": "UTC"}
    # It is asked as often as may be, as nothing else is known of it.
    assert stub.vendor.due("plants", 1.0) - stub.now <= timedelta(minutes=5)


@pytest.mark.parametrize("powers", [[], None, "?", [{"time": "2026-06-17 08:00:00"}]])
async def test_the_overview_s_power_is_taken_where_there_is_no_newer(
    stub: Stub, powers: Any
) -> None:
    """1.8 may come as a string of kW."""
    stub.answers |= answers(
        device__list={"devices": [STRANGE]},
        plant__data=_overview(stub, current_power="1.8"),
        plant__power={"powers": powers},
    )
    await stub.vendor.poll("devices")
    snapshot = await stub.vendor.poll("plants")
    assert snapshot.readings["7"]["pv_power"].value == 1800


async def test_an_old_power_is_not_the_present_one(stub: Stub) -> None:
    """What is older than ten minutes is not now."""
    old = f"{stub.now - timedelta(minutes=20):%Y-%m-%d %H:%M:%S}"
    stub.answers |= answers(
        device__list={"devices": [STRANGE]},
        plant__data=_overview(stub, current_power=""),
        plant__power={"powers": [{"time": old, "power": 2000}]},
    )
    await stub.vendor.poll("devices")
    snapshot = await stub.vendor.poll("plants")
    assert "pv_power" not in snapshot.readings["7"]


async def test_one_plant_that_does_not_answer(open_world: Open) -> None:
    """It keeps what it had; when no plant answers, the poll fails."""
    world = open_world("min")
    await world.poll("devices")
    before = await world.readings("plants")
    world.advance(minutes=15)
    world.fault("errno", "plant/data", errno=10001, count=1)
    after = await world.readings("plants")
    first, second = (plant.id for plant in world.account.plants)
    assert after[first] == before[first]
    assert set(after) == {first, second}
    world.advance(minutes=15)
    world.fault("errno", "plant/data", errno=10001)
    with pytest.raises(Busy):
        await world.poll("plants")


async def test_an_overview_that_is_none(stub: Stub) -> None:
    """Nothing is told, and nothing breaks."""
    stub.answers |= answers(plant__data=None)
    await stub.vendor.poll("devices")
    assert (await stub.vendor.poll("plants")).readings == {"7": {}}
    stub.answers |= {"plant/data": Error(10002)}
