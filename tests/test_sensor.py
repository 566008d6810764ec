"""Every quantity that an account delivers is shown as it truly is, as long as it is."""

from datetime import UTC, datetime
from typing import Any

import pytest

from custom_components.solar_cloud.cloud.quantity import Kind, Unit, quantity
from custom_components.solar_cloud.sensor import DEVICE_CLASSES
from homeassistant.const import STATE_UNAVAILABLE, STATE_UNKNOWN, EntityCategory
from homeassistant.helpers import device_registry as dr, entity_registry as er

from tests.common import Home

# Half a step of what the vendor tells, by unit; today's energy may be 15 minutes old.
RESOLUTION = {Unit.WATT: 1.0, Unit.KILOWATT_HOUR: 0.1, Unit.PERCENT: 1.0}
A_QUARTER = 1.2
CLASSES = {
    "battery_soc": "battery",
    "battery_capacity": "energy_storage",
    "battery_remaining_energy": "energy_storage",
    "power_factor": "power_factor",
}


def agrees(key: str, shown: str, truth: Any) -> bool:
    """Return whether a state says the truth, as closely as the vendor tells it."""
    if isinstance(truth, bool):
        return shown == ("on" if truth else "off")
    if key == "data_timestamp":
        return True
    if isinstance(truth, str) or truth is None:
        return shown == (truth or STATE_UNKNOWN)
    row = quantity(key)
    off = abs(float(shown) - truth)
    if row.kind is Kind.DAY_COUNTER:
        return off <= A_QUARTER
    return off <= max(abs(truth) * 0.015, RESOLUTION.get(row.unit, 0.6))


OURS = (
    "connection_status",
    "api_calls_remaining",
    "history_progress",
    "last_command",
    "forced_state",
)


@pytest.mark.parametrize("name", ["kh", "h3", "evo"])
async def test_all_values_are_the_truth(home: Home, name: str) -> None:
    """In our keys, signs and units; what is new comes up by itself."""
    await home.set_up(name)
    await home.pass_time(minutes=10)
    entities = {
        row.unique_id: row
        for row in er.async_entries_for_config_entry(
            er.async_get(home.hass), home.entry.entry_id
        )
    }
    seen = 0
    for plant in home.sim.account(name).plants:
        at = datetime.fromisoformat(home.value(plant.id, "data_timestamp"))
        for subject, values in plant.truth(at.timestamp()).items():
            for key, truth in values.items():
                entity = entities.get(f"foxess_{subject or plant.id}_{key}")
                state = entity and home.hass.states.get(entity.entity_id)
                if not entity or not state:
                    assert not entity or entity.disabled_by
                    continue
                assert agrees(key, state.state, truth), (key, state.state, truth)
                seen += 1
    assert seen > 50
    for entity in entities.values():
        if entity.domain != "sensor" or entity.original_device_class == "timestamp":
            continue
        key = entity.unique_id.split("_", 2)[2]
        if key in OURS:
            continue
        row = quantity(key)
        assert (entity.unit_of_measurement or "") == row.unit
        expected = CLASSES.get(row.key) or DEVICE_CLASSES.get(row.unit)
        if row.kind is Kind.ENUM:
            expected = "enum"
        assert entity.original_device_class == expected
        assert (
            bool(entity.disabled_by)
            == (row.rare and not (row.key == "backup_power" and "_1" not in key))
            or row.key == "backup_power"
        )


async def test_names_are_translated_and_ids_are_the_vendors(home: Home) -> None:
    """No entity is without a name, and none with a hole in it."""
    await home.set_up("h3")
    await home.pass_time(minutes=6)
    account = home.sim.account("h3")
    subjects = {account.plants[0].id} | {
        row["id"] for row in account.plants[0].listed()
    }
    for entity in er.async_entries_for_config_entry(
        er.async_get(home.hass), home.entry.entry_id
    ):
        assert entity.original_name
        assert "{" not in entity.original_name
        vendor, subject, key = entity.unique_id.split("_", 2)
        assert (vendor, subject in subjects, bool(key)) == ("foxess", True, True)
    state = home.state(account.devices[0].sn, "string_power_2")
    assert state.name.endswith("String 2 power")


async def test_devices_hang_below_their_plant(home: Home) -> None:
    """Plant, inverter, batteries, meter and data logger, each by its serial number."""
    await home.set_up("h3")
    plant = home.sim.plant("h3")
    device = plant.device
    top = home.device(plant.id)
    inverter = home.device(device.sn)
    assert top and inverter
    assert top.entry_type is dr.DeviceEntryType.SERVICE
    assert (top.name, top.manufacturer) == (plant.name, "FoxESS")
    assert inverter.via_device_id == top.id
    assert inverter.serial_number == device.sn
    assert inverter.model == device.model.device_type
    assert inverter.sw_version == "1.34 / 1.01 / 1.28"
    for serial in (device.batteries[0].serials[0], device.batteries[1].serials[0]):
        battery = home.device(serial)
        assert battery and battery.via_device_id == inverter.id
    for serial in (device.meter.sn, device.module_sn):
        below = home.device(serial)
        assert below and below.via_device_id == top.id
    names = {row.name for row in (top, inverter)}
    assert all(name and "{" not in name for name in names)


async def test_old_values_are_unknown_and_counters_stay(home: Home) -> None:
    """Twenty minutes after the last upload nothing is called current any more."""
    await home.set_up("evo")
    plant = home.sim.plant("evo")
    sn = plant.device.sn
    bought = home.value(plant.id, "grid_import_energy")
    home.sim.fault("logger_offline")
    await home.pass_time(minutes=14)
    assert float(home.value(plant.id, "pv_power")) > 0
    await home.pass_time(minutes=12)
    for subject, key in (
        (plant.id, "pv_power"),
        (plant.id, "load_power"),
        (plant.id, "battery_soc"),
        (sn, "inverter_state"),
        (sn, "grid_connected"),
    ):
        assert home.value(subject, key) == STATE_UNKNOWN
    assert home.value(plant.id, "grid_import_energy") == bought
    assert home.value(plant.id, "connection_status") == "logger_offline"
    assert not home.unavailable()

    home.sim.clear_faults()
    await home.pass_time(minutes=25)
    assert float(home.value(plant.id, "pv_power")) > 0
    assert home.value(plant.id, "connection_status") == "ok"


async def test_an_inverter_without_a_battery_sleeps_at_night(home: Home) -> None:
    """No power is zero, not unknown; it wakes up in the morning."""
    await home.set_up("kh")
    hybrid, other = home.sim.account("kh").plants
    made = float(home.value(other.id, "pv_energy"))
    await home.skip(hours=13)
    await home.pass_time(minutes=20)
    assert home.value(other.id, "pv_power") == "0.0"
    assert home.value(other.device.sn, "string_power_1") == "0.0"
    assert home.value(other.device.sn, "inverter_state") == "standby"
    assert home.value(other.id, "connection_status") == "asleep"
    assert home.value(hybrid.id, "connection_status") == "ok"
    assert float(home.value(other.id, "pv_energy")) > made
    calls = home.asked("/real/query")
    await home.pass_time(minutes=30)
    assert home.asked("/real/query") - calls <= 10

    await home.skip(hours=10)
    await home.pass_time(minutes=10)
    assert float(home.value(other.id, "pv_power")) > 0
    assert home.value(other.id, "connection_status") == "ok"


@pytest.mark.parametrize(
    ("trouble", "status"),
    [
        ("revoked", "auth_failed"),
        ("spent", "quota"),
        ("html", "cloud_down"),
        ("503", "cloud_down"),
    ],
)
async def test_what_keeps_data_from_coming_is_told(
    home: Home, trouble: str, status: str
) -> None:
    """One status tells sign-in, quota and cloud apart, and entities are unavailable."""
    await home.set_up("evo")
    plant = home.sim.plant("evo").id
    assert home.value(plant, "connection_status") == "ok"
    match trouble:
        case "revoked":
            home.sim.account("evo").revoke()
        case "spent":
            home.sim.vendors["foxess"].spend("evo", 1440)
        case "html":
            home.sim.fault("html")
        case "503":
            home.sim.fault("status", status=503)
    await home.pass_time(minutes=7)
    assert home.value(plant, "connection_status") == status
    assert home.value(plant, "pv_power") != STATE_UNAVAILABLE
    await home.pass_time(minutes=25)
    assert home.value(plant, "pv_power") == STATE_UNKNOWN
    assert float(home.value(plant, "pv_energy")) > 0


async def test_the_calls_that_are_left_are_told(home: Home) -> None:
    """Of the tightest window, with its reset and what is kept for commands."""
    await home.set_up("kh")
    plant = home.sim.plant("kh").id
    state = home.state(plant, "api_calls_remaining")
    made = len(home.sim.calls)
    assert 1440 - made - 200 <= float(state.state) < 1440
    assert state.attributes["commands_left"] > float(state.state)
    assert state.attributes["window"]
    assert datetime.fromisoformat(state.attributes["resets"]) > home.time.now()

    home.sim.vendors["foxess"].spend("kh", 2000)
    await home.press(plant, "refresh")
    left = home.sim.vendors["foxess"].remaining(
        home.sim.account("kh"), home.sim.clock.seconds()
    )
    state = home.state(plant, "api_calls_remaining")
    assert abs(state.attributes["commands_left"] - left) < 40


async def test_the_age_of_the_data_is_told(home: Home) -> None:
    """The newest sample that the cloud shows, not the instant of the poll."""
    await home.set_up("evo")
    plant = home.sim.plant("evo")
    shown = datetime.fromisoformat(home.value(plant.id, "data_timestamp"))
    seconds = plant.published(home.time.now().timestamp())
    assert abs(shown - datetime.fromtimestamp(seconds, UTC)).total_seconds() < 1


async def test_rare_values_are_disabled_until_wanted(home: Home) -> None:
    """An entity that the user enables shows its value after the reload."""
    await home.set_up("evo")
    sn = home.sim.plant("evo").device.sn
    entity_id = home.entity_id(sn, "grid_frequency")
    assert home.hass.states.get(entity_id) is None
    registry = er.async_get(home.hass)
    entity = registry.async_update_entity(entity_id, disabled_by=None)
    assert entity.entity_category is None
    await home.skip(seconds=30)
    assert 49 < float(home.value(sn, "grid_frequency")) < 51
    assert (
        registry.async_get(home.entity_id(sn, "inverter_temperature")).entity_category
        is EntityCategory.DIAGNOSTIC
    )


async def test_a_second_battery_comes_up_by_itself(home: Home) -> None:
    """As soon as the inverter tells of it."""
    await home.set_up("evo")
    device = home.sim.plant("evo").device
    new = f"{device.sn}_battery_2"
    assert home.device(new) is None
    for variable, value in (("SoC_2", 44), ("batTemperature_2", 21.5)):
        home.sim.fault("value", variable=variable, value=value)
    await home.pass_time(minutes=7)
    battery, inverter = home.device(new), home.device(device.sn)
    assert battery and inverter and battery.via_device_id == inverter.id
    assert home.value(new, "battery_soc") == "44.0"


async def test_plants_come_and_go(home: Home) -> None:
    """A new plant comes up by itself; one that is listed no more is removed."""
    account = home.sim.account("kh")
    plant, device = account.plants.pop(), account.devices.pop()
    home.add_entry("kh")
    home.hass.config_entries.async_update_entry(home.entry, options={"control": True})
    await home.load()
    first = account.plants[0].id
    assert home.device(plant.id) is None
    account.plants.append(plant)
    account.devices.append(device)
    await home.press(first, "refresh")
    assert home.device(plant.id)
    assert float(home.value(plant.id, "pv_power")) > 0
    entity_id = home.entity_id(plant.id, "pv_power")

    account.plants.remove(plant)
    account.devices.remove(device)
    await home.press(first, "refresh")
    assert home.device(device.sn)
    assert home.hass.states.get(entity_id).state == STATE_UNAVAILABLE
    await home.press(first, "refresh")
    assert home.device(plant.id) is None
    assert home.device(device.sn) is None
    assert home.hass.states.get(entity_id) is None
    assert home.value(first, "connection_status") == "ok"


async def test_a_device_that_is_missing_once_stays(home: Home) -> None:
    """A list without it may be a mistake of the vendor's."""
    await home.set_up("kh")
    first, second = home.sim.account("kh").devices
    plant = home.sim.plant("kh").id
    home.sim.fault("device_gone", device=second.sn)
    await home.press(plant, "refresh")
    home.sim.clear_faults()
    await home.press(plant, "refresh")
    home.sim.fault("device_gone", device=second.sn)
    await home.press(plant, "refresh")
    assert home.device(second.sn)
    assert home.value(first.sn, "online") == "on"
