"""Solar-Log in Home Assistant: what an account shows, and what it costs."""

from collections.abc import Iterator
import json
import logging

import pytest

from custom_components.solar_cloud.diagnostics import async_get_config_entry_diagnostics
from homeassistant.helpers.json import ExtendedJSONEncoder

from tests.common import Home


@pytest.fixture
def vendors() -> tuple[str, ...]:
    """Return the cloud that these tests need."""
    return ("solarlog",)


@pytest.mark.parametrize("name", ["advanced", "basic", "basic_battery"])
async def test_an_account_is_shown(home: Home, name: str) -> None:
    """Plants have their values, and nothing was refused."""
    await home.set_up(name, control=False)
    for plant in home.sim.account(name).plants:
        for key in (
            "pv_power",
            "load_power",
            "pv_energy",
            "pv_energy_today",
            "grid_import_energy",
            "grid_export_energy",
            "load_energy",
        ):
            assert float(home.value(plant.id, key)) is not None, key
        assert home.value(plant.id, "connection_status") == "ok"
        assert home.value(plant.id, "plant_health") == "healthy"
    assert not home.unavailable()
    assert not home.refused()


def secrets_of(home: Home, name: str) -> Iterator[str]:
    """Return what would tell who the owner is."""
    account = home.sim.account(name)
    yield from (account.client_id, account.secret, account.portal)
    yield from account.tokens
    for plant in account.plants:
        yield from (plant.id, plant.name, plant.details["identifier"])
        yield plant.details["street"].rpartition(" ")[0]
        yield from (row.cross_id for row in plant.components if row.kind != "logger")


async def test_an_epoch_changes_and_entities_stay(home: Home) -> None:
    """The vendor's ids are others, ours are not; nothing is new, nothing is gone."""
    await home.set_up("advanced", control=False)
    plant = home.sim.plant("advanced")
    before = {row.entity_id for row in home.shown()}
    inverter = plant.components[0].cross_id
    plant.reconfigure(home.sim.clock.seconds() + 900)
    await home.pass_time(hours=3)
    assert {row.entity_id for row in home.shown()} == before
    assert float(home.value(inverter, "string_power_1")) > 0
    assert not home.unavailable()
    assert not home.refused()


@pytest.mark.parametrize("name", ["basic", "basic_battery"])
async def test_a_basic_account_shows_no_error(
    home: Home, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither in its entities nor in the log, over a day with its new look around."""
    await home.set_up(name, control=False)
    await home.pass_time(hours=25)
    assert not home.unavailable()
    assert "unknown" not in {
        home.value(home.sim.plant(name).id, key) for key in ("pv_power", "pv_energy")
    }
    assert home.value(home.sim.plant(name).id, "connection_status") == "ok"
    ours = [row for row in caplog.records if "solar_cloud" in row.name]
    assert not [row.getMessage() for row in ours if row.levelno > logging.INFO]
    assert not home.refused()


async def test_a_channel_by_rule_has_its_own_words(home: Home) -> None:
    """Name, unit, device class and statistics of a battery's channels."""
    await home.set_up("advanced", control=False)
    plant = home.sim.plant("advanced")
    battery = next(row for row in plant.components if row.kind == "battery")
    for channel in battery.channels.values():
        key = next(
            key
            for key in home.keys(battery.cross_id)
            if key.replace("_", "") == channel.name.lower()
        )
        state = home.state(battery.cross_id, key)
        assert state.attributes["friendly_name"].replace(" ", "").endswith(channel.name)
        unit = {"Wh": "kWh"}.get(channel.unit, channel.unit)
        assert state.attributes["unit_of_measurement"] == unit
        counted = "total_increasing" if unit == "kWh" else "measurement"
        assert state.attributes["state_class"] == counted
    device = home.device(battery.cross_id)
    assert device
    assert device.name == f"{plant.name} Speicher"


@pytest.mark.parametrize("name", ["advanced", "basic"])
async def test_diagnostics_and_the_log_name_nobody(
    home: Home, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    """What is not in the package is listed; nothing tells whose plant it is."""
    account = await home.set_up(name, control=False)
    for kind in ("html", "garbage", "null_result", "drop_after"):
        home.sim.fault(kind)
        home.time.tick(310)
        await account.async_refresh()
        home.sim.clear_faults()
    found = await async_get_config_entry_diagnostics(home.hass, home.entry)
    text = json.dumps(found, cls=ExtendedJSONEncoder)
    logged = "\n".join(
        row.getMessage() for row in caplog.records if "solar_cloud" in row.name
    )
    for secret in secrets_of(home, name):
        assert secret not in logged, secret
        assert secret not in text, secret
    absent = found["absent_readings"]
    if name == "basic":
        assert absent["plant_1"]["tech_av"] == "not_in_plan"
    else:
        assert absent == {}


async def test_a_restart_keeps_what_was_shown(home: Home) -> None:
    """Entities by rule too; nothing is asked while nothing is due."""
    await home.set_up("advanced", control=False)
    before = home.states()
    asked = home.asked()
    await home.skip(seconds=60)
    after = home.states()
    assert before.keys() == after.keys()
    changed = {key for key in before if before[key] != after[key]}
    assert not changed, changed
    assert home.asked() == asked
