"""Feeds are polled when something new is there, and the quota allows it."""

from typing import Any

import pytest

from custom_components.solar_cloud.store import CLOCK

from tests.common import Home

FILE = "solar_cloud.01SOLARCLOUD"
REAL = "real/query"


async def test_a_sample_is_fetched_when_it_should_be_there(home: Home) -> None:
    """Data is hardly older than the vendor's uploads make it; nothing is refused."""
    await home.set_up("evo")
    plant = home.sim.plant("evo")
    await home.pass_time(minutes=15)
    calls, ages = home.asked(REAL), []
    for _ in range(30):
        await home.pass_time(minutes=1)
        account = home.account
        at = account.house.data.at(plant.device.sn)
        ages.append((home.time.now() - at).total_seconds())
    assert sum(ages) / len(ages) < 230
    assert max(ages) < 420
    assert home.asked(REAL) - calls <= 10
    assert not home.refused()


async def test_polls_grow_rarer_when_little_of_the_quota_is_left(home: Home) -> None:
    """So that it lasts, and commands always have some."""
    await home.set_up("evo")
    plant = home.sim.plant("evo").id
    home.sim.vendors["foxess"].spend("evo", 1250)
    await home.press(plant, "refresh")
    calls = home.asked(REAL)
    await home.pass_time(hours=1)
    assert home.asked(REAL) - calls < 8
    await home.set_number(home.sim.plant("evo").device.sn, "min_soc", 12)
    assert home.outcomes("min_soc")[-1][0] == "confirmed"
    assert not home.refused()


async def test_a_plant_without_a_time_zone_has_home_assistants(
    home: Home, hass_storage: dict[str, Any]
) -> None:
    """Or one with a zone that nobody knows."""
    await home.set_up("kh")
    await home.unload()
    plants = list(hass_storage[FILE]["data"]["feeds"]["devices"]["plants"].values())
    plants[0]["time_zone"], plants[1]["time_zone"] = None, "Mars/Olympus"
    await home.load()
    for plant in home.sim.account("kh").plants:
        assert home.value(plant.id, "connection_status") == "ok"
        assert float(home.value(plant.id, "pv_energy_today")) > 0


async def test_a_vendor_without_limits_has_no_count_of_calls(home: Home) -> None:
    """The state is unknown, not wrong."""
    account = await home.set_up("evo")
    plant = home.sim.plant("evo").id
    account.vendor.ledger.allow(())
    await home.pass_time(minutes=1)
    state = home.state(plant, "api_calls_remaining")
    assert state.state == "unknown"
    assert "window" not in state.attributes


async def test_everything_runs_on_the_injected_clock(home: Home) -> None:
    """A test's time is the account's time."""
    account = await home.set_up("evo")
    assert account.clock is home.hass.data[CLOCK]


@pytest.mark.parametrize("name", ["kh"])
async def test_a_restart_in_the_first_seconds_goes_on(home: Home, name: str) -> None:
    """Feeds that were not polled yet are polled, those that were are not."""
    home.add_entry(name)
    home.sim.fault("html", endpoint="*/setting/get")
    await home.load()
    assert home.account.feeds["devices"].last_update_success
    home.sim.clear_faults()
    calls = home.asked("device/list")
    await home.skip(seconds=5)
    await home.pass_time(minutes=2)
    assert home.asked("device/list") == calls
    assert "min_soc" in home.keys(home.sim.plant(name).device.sn)
