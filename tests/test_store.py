"""What survives: the books of the calls, and what an account knows."""

from dataclasses import replace
from typing import Any

import pytest

from custom_components.solar_cloud.cloud.clock import Clock
from custom_components.solar_cloud.cloud.registry import way_in
from custom_components.solar_cloud.const import DOMAIN
from custom_components.solar_cloud.store import SignIn, clock_of, ledger_id
from homeassistant.const import EVENT_HOMEASSISTANT_FINAL_WRITE
from homeassistant.core import HomeAssistant

from tests.common import Home

FILE = f"{DOMAIN}.01SOLARCLOUD"


def test_the_clock_is_the_machines(hass: HomeAssistant) -> None:
    """Unless a test brings one."""
    assert clock_of(hass) == Clock()


def test_books_are_named_without_telling_the_secret() -> None:
    """The same for the same account, whatever the order of the fields."""
    info, way = way_in("foxess_key")

    def name(**credentials: str) -> str:
        return ledger_id(info, SignIn(way=way, credentials=credentials, owner="1"))

    one = name(host="https://a", api_key="secret")
    assert one == name(api_key="secret", host="https://a")
    assert one != name(api_key="other", host="https://a")
    assert one == ledger_id(
        info,
        SignIn(way=way, credentials={"host": "https://a", "api_key": "secret"}),
    )
    assert "secret" not in one


def test_a_budget_is_named_by_what_the_vendor_counts_by() -> None:
    """Whatever else was typed, two accounts of one application share its calls."""
    info, way = way_in("foxess_oauth")
    one = {"host": "https://a", "client_id": "app", "client_secret": "old"}
    other = {"host": "https://b", "client_id": "app", "client_secret": "new"}

    def name(credentials: dict[str, str], owner: str, *budget: str) -> str:
        counted = replace(way, budget=budget)
        sign_in = SignIn(way=counted, credentials=credentials, owner=owner)
        return ledger_id(info, sign_in)

    assert name(one, "1", "client_id") == name(other, "2", "client_id")
    another = one | {"client_id": "another"}
    assert name(one, "1", "client_id") != name(another, "1", "client_id")
    assert name(one, "1") != name(one, "2")


async def test_the_books_survive_a_restart(
    home: Home, hass_storage: dict[str, Any]
) -> None:
    """So that no allowance is spent twice."""
    account = await home.set_up("evo")
    left = account.calls_left()
    await home.unload()
    home.hass.bus.async_fire(EVENT_HOMEASSISTANT_FINAL_WRITE)
    await home.settle()
    for key in [key for key in home.hass.data if "ledgers" in str(key)]:
        del home.hass.data[key]
    account = await home.load()
    again = account.calls_left()
    assert left and again
    assert 0 <= left.commands - again.commands < 40
    assert any(key.startswith(f"{DOMAIN}.ledger.") for key in hass_storage)


async def test_what_is_stored_is_there_before_anybody_sees_it(
    home: Home, hass_storage: dict[str, Any]
) -> None:
    """Snapshots, counters, leases: a killed process loses nothing that was shown."""
    await home.set_up("evo")
    plant = home.sim.plant("evo")
    await home.act("force_charge", plant.id)
    data = hass_storage[FILE]["data"]
    assert set(data["feeds"]) >= {"devices", "realtime", "settings"}
    key = f"{plant.id}|pv_energy"
    assert data["counters"][key]["high"] == float(home.value(plant.id, "pv_energy"))
    (lease,) = data["leases"]
    assert lease["phase"] == "running"
    assert lease["run"]["plant"] == plant.id
    secret = home.sim.account("evo").token
    assert secret not in str(data)


@pytest.mark.parametrize("minutes", [5])
async def test_counters_never_fall_over_a_restart(home: Home, minutes: int) -> None:
    """Even when the vendor's do."""
    await home.set_up("evo")
    plant = home.sim.plant("evo")
    before = float(home.value(plant.id, "pv_energy"))
    home.sim.fault("dip_counters")
    await home.pass_time(minutes=6)
    assert float(home.value(plant.id, "pv_energy")) == before
    await home.skip(minutes=minutes)
    assert float(home.value(plant.id, "pv_energy")) == before
    home.sim.clear_faults()
    await home.pass_time(minutes=6)
    assert float(home.value(plant.id, "pv_energy")) >= before
