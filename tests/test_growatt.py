"""Growatt in Home Assistant: what an account shows, keeps, hides and costs."""

import json
import logging
from pathlib import Path
import re
from typing import Any

import pytest

from custom_components.solar_cloud.cloud.growatt import codes, fields
from custom_components.solar_cloud.cloud.growatt.cloud import FEEDS
from custom_components.solar_cloud.cloud.growatt.items import ROWS
from custom_components.solar_cloud.cloud.growatt.limits import SPACINGS
from custom_components.solar_cloud.cloud.quantity import TODAY
from custom_components.solar_cloud.diagnostics import (
    async_get_config_entry_diagnostics,
    async_get_device_diagnostics,
)
from homeassistant.helpers import device_registry as dr

from tests.common import Home
from tests.simulator.growatt.device import GrowattPlant
from tests.simulator.growatt.rows import sample

PAGE = (Path(__file__).parents[1] / "docs" / "growatt.md").read_text()


@pytest.fixture
def vendors() -> tuple[str, ...]:
    """Return the cloud that these tests need."""
    return ("growatt",)


NAMES = ["old", "min", "sph", "spa"]


def _truth(home: Home, plant: GrowattPlant, subject: str) -> dict[str, Any]:
    """Return what was true of a plant or device when it was measured."""
    at = home.account.house.data.at(subject)
    assert at
    found: dict[str, Any] = plant.truth(at.timestamp())[
        "" if subject == plant.id else subject
    ]
    return found


@pytest.mark.parametrize("name", NAMES)
async def test_an_account_is_shown(home: Home, name: str) -> None:
    """Plants are what their devices say together, and nothing was refused."""
    await home.set_up(name, control=False)
    for plant in home.sim.account(name).plants:
        assert home.value(plant.id, "connection_status") == "ok"
        assert home.value(plant.id, "plant_health") == "healthy"
        truth = _truth(home, plant, plant.id)
        for key in plant.truth_keys:
            shown = float(home.value(plant.id, key))
            wanted = truth[key]
            assert shown == pytest.approx(wanted, rel=0.015, abs=1.5), (plant.name, key)
    assert not home.unavailable()
    assert not home.refused()


async def test_batteries_are_devices_of_their_own(home: Home) -> None:
    """A storage machine has two, a MIN has one and no ghost of a second."""
    await home.set_up("old", control=False)
    storage = next(
        row for row in home.sim.account("old").devices if row.family.type == 2
    )
    for n in (1, 2):
        assert 0 < float(home.value(f"{storage.sn}_battery_{n}", "battery_soc")) <= 100


async def test_a_ghost_is_not_shown(home: Home) -> None:
    """The simulated MIN tells of a second battery that it does not have."""
    await home.set_up("min", control=False)
    hybrid, alone = home.sim.account("min").devices
    assert home.device(f"{hybrid.sn}_battery_1")
    assert home.device(f"{hybrid.sn}_battery_2") is None
    assert home.device(f"{alone.sn}_battery_1") is None
    assert not {"grid_power", "load_power"} & home.keys(alone.sn)


async def test_a_storage_machine_without_a_battery(home: Home) -> None:
    """It is an inverter like any other."""
    storage = next(
        row for row in home.sim.account("old").devices if row.family.type == 2
    )
    storage.without_battery = True
    await home.set_up("old", control=True)
    assert home.device(f"{storage.sn}_battery_1") is None
    assert float(home.value(storage.sn, "pv_power")) > 0
    assert not any(key.startswith("battery_") for key in home.keys(storage.sn))
    assert "min_soc" not in home.keys(storage.sn)


@pytest.mark.parametrize("name", NAMES)
async def test_every_field_is_an_entity_or_in_the_raw_answers(
    home: Home, name: str
) -> None:
    """What the service says of a device can be had, all of it."""
    await home.set_up(name, control=False)
    for device in home.sim.account(name).devices:
        raw = await home.act("get_raw_readings", device.sn)
        assert raw
        kept: set[str] = set()
        for answer in _objects(raw):
            kept |= set(answer)
        served = set(sample(device, device.published(home.sim.clock.seconds())))
        assert served <= kept, device.sn
        assert len(home.keys(device.sn)) > 8


def _objects(value: Any) -> Any:
    """Yield all objects of an answer."""
    if isinstance(value, dict):
        yield value
        for row in value.values():
            yield from _objects(row)
    elif isinstance(value, list):
        for row in value:
            yield from _objects(row)


@pytest.mark.parametrize("name", NAMES)
async def test_what_lies_behind_a_logger(home: Home, name: str) -> None:
    """Meters and sensors show what they measure."""
    await home.set_up(name, control=False)
    for plant in home.sim.account(name).plants:
        for logger in plant.loggers:
            assert home.value(logger.sn, "online") == "on"
            for address, key in (
                (logger.meter, "grid_power"),
                (logger.environment, "irradiance"),
            ):
                if address is None:
                    continue
                subject = f"{logger.sn}_{address}"
                reading = home.account.house.data.readings[subject][key]
                truth = plant.truth(reading.at.timestamp())[subject][key]
                assert float(home.value(subject, key)) == pytest.approx(
                    truth, rel=0.01, abs=1
                )


async def test_a_fault_becomes_a_problem_and_an_event(home: Home) -> None:
    """The vendor's words reach the event."""
    await home.set_up("sph", control=False)
    plant = home.sim.account("sph").plants[0]
    sn = plant.devices[0].sn
    await home.pass_time(minutes=6)
    home.sim.fault("device_fault", device=sn, code=407, message="PV isolation low")

    def told(kind: str) -> bool:
        return bool(home.state(plant.id, "alarm").attributes["event_type"] == kind)

    await home.pass_time(hours=1, until=lambda: told("raised"))
    assert home.value(sn, "problem") == "on"
    assert home.value(plant.id, "plant_health") == "faulty"
    event = home.state(plant.id, "alarm")
    assert event.attributes["code"] == "407"
    assert event.attributes["text"] == "PV isolation low"
    home.sim.clear_faults()
    await home.pass_time(hours=1, until=lambda: told("cleared"))
    assert home.value(sn, "problem") == "off"


async def test_a_restart_costs_nothing(home: Home) -> None:
    """What is known and fresh is shown; the rare calls are not spent."""
    await home.set_up("min", control=False)
    plants = home.sim.account("min").plants
    calls = len(home.sim.calls)
    await home.skip(seconds=20)
    assert home.value(plants[0].id, "connection_status") == "ok"
    assert len(home.sim.calls) == calls
    for _ in range(12):
        await home.skip(minutes=7)
    assert home.asked("/v1/plant/list") == 1
    assert not home.refused()


async def test_the_refresh_button_is_no_error(home: Home) -> None:
    """What must not be asked yet is as it was."""
    await home.set_up("min", control=False)
    plant = home.sim.account("min").plants[0]
    for _ in range(3):
        await home.press(plant.id, "refresh")
        await home.settle()
    assert home.value(plant.id, "connection_status") == "ok"
    assert not home.unavailable()
    assert not home.refused()


async def test_a_cloud_that_is_down_is_no_quota(home: Home) -> None:
    """Until it may be asked again, the reason stays the real one."""
    await home.set_up("sph", control=False)
    plant = home.sim.account("sph").plants[0]
    home.sim.fault("drop_before")
    await home.pass_time(minutes=30)
    assert home.value(plant.id, "connection_status") == "cloud_down"
    home.sim.clear_faults()
    await home.pass_time(minutes=12)
    assert home.value(plant.id, "connection_status") == "ok"
    assert not home.refused()


async def test_a_blocked_address_heals(home: Home) -> None:
    """The firewall's page asks nobody to sign in again."""
    await home.set_up("sph", control=False)
    plant = home.sim.account("sph").plants[0]
    home.sim.fault("status", status=405, body="<html>potential threats</html>")
    await home.pass_time(minutes=40)
    assert home.value(plant.id, "connection_status") == "cloud_down"
    assert not home.hass.config_entries.flow.async_progress()
    home.sim.clear_faults()
    await home.pass_time(minutes=12)
    assert home.value(plant.id, "connection_status") == "ok"


async def test_one_denied_call_asks_nobody_to_sign_in(home: Home) -> None:
    """10011 comes in outages, too; only when it stays, the token is in doubt."""
    await home.set_up("sph", control=False)
    home.sim.fault("errno", endpoint="*mix_last_data", errno=10011, count=1)
    await home.pass_time(minutes=12)
    assert not home.hass.config_entries.flow.async_progress()
    plant = home.sim.account("sph").plants[0]
    assert home.value(plant.id, "connection_status") == "ok"


@pytest.mark.parametrize("name", NAMES)
async def test_diagnostics_and_logs_name_nobody(
    home: Home, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Tokens, serials, names and places stay in the house."""
    account = await home.set_up(name)
    home.sim.fault("html")
    await home.pass_time(minutes=6)
    home.sim.clear_faults()
    await home.pass_time(minutes=6)
    cloud = home.sim.account(name)
    secrets = [cloud.token, cloud.user_name]
    for plant in cloud.plants:
        secrets += [plant.name, plant.id, str(plant.home.spec.latitude)]
        secrets += [row.sn for row in (*plant.devices, *plant.loggers)]
    rows = dr.async_entries_for_config_entry(
        dr.async_get(home.hass), home.entry.entry_id
    )
    found = [
        await async_get_config_entry_diagnostics(home.hass, home.entry),
        *[
            await async_get_device_diagnostics(home.hass, home.entry, row)
            for row in rows
        ],
    ]
    told = json.dumps(found, default=str)
    logged = "\n".join(
        logging.Formatter("%(message)s").format(row)
        for row in caplog.records
        if row.name.startswith("custom_components.solar_cloud")
    )
    assert account.vendor.raw
    for secret in secrets:
        hidden = (secret not in told, secret not in logged)
        assert hidden == (True, True), secret


# --- the page of the documentation ----------------------------------------------------


def _keys() -> set[str]:
    """Return the keys that the tables of fields make."""
    tables = (*fields.TABLES.values(), fields.METER)
    rows = [
        row
        for table in tables
        for part in (*table.parts, *table.batteries, table.grid)
        for row in (*table.rows, *part.rows)
    ]
    found = {row.key.removesuffix(TODAY) for row in (*rows, *fields.SENSOR_ROWS)}
    return {re.sub(r"_\d+$", "_N", key) for key in found}


def test_the_page_has_every_key() -> None:
    """What can be read and set is in the tables of the page."""
    for key in _keys() - {"irradiation"}:
        assert f"`{key}`" in PAGE, key
    for row in (row for rows_of in ROWS.values() for row in rows_of):
        assert f"`{row.key}`" in PAGE, row.key


def test_the_page_has_every_feed_limit_and_error() -> None:
    """Its figures are those of the code."""
    for feed in FEEDS:
        assert f"`{feed.key}`" in PAGE, feed.key
    assert sorted(SPACINGS.values()) == [10, 300]
    tables = [
        value
        for name, value in vars(codes).items()
        if name.isupper() and isinstance(value, dict) and name != "STATUSES"
    ]
    for code in {code for table in tables for code in table} - {1, -1}:
        assert str(code) in PAGE, code
