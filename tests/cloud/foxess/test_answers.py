"""Every answer that is documented or was captured goes through without loss."""

from datetime import date
from typing import Any

import pytest

from custom_components.solar_cloud.cloud.control import Absent, Control, Window
from custom_components.solar_cloud.cloud.foxess import endpoints as on
from custom_components.solar_cloud.cloud.quota import Purpose

from . import answers as told
from .stub import Error, Stub

SCHEDULERS = {0: told.SCHEDULER_V0, 1: told.SCHEDULER_V1, 3: told.SCHEDULER_V3}


@pytest.fixture
def service(stub: Stub) -> Stub:
    """Return a service that answers as one was captured."""
    stub.answers |= {
        "plant/list": told.PLANT_LIST,
        "plant/detail": told.PLANT_DETAIL,
        "device/list": told.DEVICE_LIST,
        "/op/v1/device/detail": Error(41200),
        "/op/v0/device/detail": told.DETAIL_V0,
        "module/list": told.MODULE_LIST,
        "gw/list": told.METER_LIST,
        "gw/setting/get": told.METER_SETTING,
        "real/query": told.REAL,
        "history/query": told.HISTORY,
        "report/query": told.report,
        "device/generation": told.GENERATION,
        "getAccessCount": told.ACCESS,
        "forceChargeTime/get": told.CHARGE_TIME,
        "peakShaving/get": told.PEAK_SHAVING,
        "device/setting/get": _setting,
        "device/setting/set": None,
        "time/get": told.TIME,
        "/op/v1/device/scheduler/get/flag": told.FLAG_V1,
        "/op/v0/device/scheduler/get/flag": told.FLAG_V0,
        "/op/v1/device/scheduler/set/flag": None,
        "/op/v1/device/scheduler/get": told.SCHEDULER_V1,
        "fault/get": told.FAULT_TEXTS,
        "fault/history": told.FAULTS,
        "variable/get": told.VARIABLE_TABLE,
    }
    return stub


def _setting(params: dict[str, Any]) -> Any:
    return told.SETTINGS.get(params["key"], Error(42015))


async def test_readings(service: Stub) -> None:
    """Each variable is a reading, or is kept in what the service said."""
    devices = await service.vendor.poll("devices")
    assert devices.plants[told.STATION].peak_power_kw == 6.6
    assert devices.devices[told.SN].software == "1.41 / 1.05 / 1.30"
    assert devices.devices[told.BATTERY].model == "EP8"
    assert devices.readings[told.LOGGER]["signal_quality"].value == 71
    readings = (await service.vendor.poll("realtime")).readings
    inverter = {key: row.value for key, row in readings[told.SN].items()}
    battery = {key: row.value for key, row in readings[told.BATTERY].items()}
    assert inverter == {
        "pv_power": 2244,
        "string_voltage_1": 361.4,
        "string_current_1": 3.6,
        "string_power_1": 1301,
        "string_voltage_2": 241.1,
        "string_current_2": 3.9,
        "string_power_2": 943,
        "backup_power": 0,
        "grid_voltage_1": 239.8,
        "grid_frequency": 50.01,
        "inverter_power_1": 6912,
        "ambient_temperature": 31.2,
        "inverter_temperature": 30.1,
        "load_power": 11052,
        "inverter_power": 6912,
        "grid_power": 4140,
        "inverter_energy": 4821.9,
        "inverter_state": "producing",
        "grid_connected": True,
        "fault_code": None,
        "problem": False,
        "grid_import_energy": 901.3,
        "load_energy": 3110.4,
        "grid_export_energy": 2612.9,
        "battery_charge_energy": 802.5,
        "battery_discharge_energy": 741.7,
        "pv_energy": 5120.6,
        "online": True,
    }
    assert battery == {
        "battery_temperature": 27.3,
        "battery_power": 4860,
        "battery_voltage": 305.5,
        "battery_current": 15.9,
        "battery_soc": 44,
        "battery_soh": 97,
        "battery_state": "discharging",
        "battery_charging": False,
        "battery_capacity": 7.77,
        "battery_remaining_energy": 3.35,
        "battery_throughput": 1544.2,
    }
    assert readings[told.SN]["pv_power"].at.isoformat() == "2026-06-17T10:59:09+01:00"
    kept = service.vendor.raw[f"/op/v1/device/real/query {told.SN}"]
    assert kept == told.REAL[0]


async def test_reports_and_the_rest(service: Stub) -> None:
    """Lists with gaps and noise, texts, counts: as the callers get them."""
    client = service.client
    assert await client.history(told.SN, 0, 1) == told.HISTORY
    assert await client.generation(told.SN) == told.GENERATION
    assert await client.access_count() == (1440, 1203)
    assert await client.variables() == told.VARIABLE_TABLE
    assert await client.fault_texts() == told.FAULT_TEXTS[0]
    assert await client.faults(told.SN, "2026-06-17") == told.FAULTS["faults"]
    for feed in ("devices", "realtime", "totals", "faults", "allowance"):
        snapshot = await service.vendor.poll(feed)
        service.answers[feed] = snapshot
    day = date(2026, 6, 17)
    rows = [
        row
        for row in (await service.vendor.energy([told.STATION], day, day)).rows
        if row.key == "load_energy"
    ]
    assert sum(row.kwh for row in rows) == pytest.approx(4.2)
    assert len(rows) == 23


async def test_settings(service: Stub) -> None:
    """Values, ranges and options, and what is not there."""
    await service.vendor.poll("devices")
    found = (await service.vendor.poll("settings")).controls[told.SN]
    values = {key: row.value for key, row in found.items() if isinstance(row, Control)}
    assert values == {
        "battery_mode": "self_consumption",
        "min_soc": 15,
        "backup_reserve": 20,
        "max_soc": 95,
        "export_limit": 0,
        "import_limit": 12500,
        "peak_shaving_soc": 35,
        "schedule_enabled": True,
        "sync_clock": pytest.approx(12, abs=15),
    }
    meter = service.vendor.snapshots["settings"].controls["61GW1"]
    assert isinstance(meter["export_limit"], Absent)
    assert await service.vendor.write(told.SN, {"export_limit": 13000}) == {}


@pytest.mark.parametrize("version", SCHEDULERS)
async def test_schedules(service: Stub, version: int) -> None:
    """Each shape of the scheduler says the same."""
    for other in range(4):
        answer = SCHEDULERS[version] if other == version else Error(40257)
        service.answers[f"/op/v{other}/device/scheduler/get"] = answer
    schedule = await service.vendor.get_schedule(told.SN)
    assert schedule.enabled
    assert schedule.windows == (
        Window(start=60, end=240, mode="charge", power=2500, target_soc=80),
    )
    for flag in on.FLAG_GET.values():
        assert await service.client.read(flag, told.SN, Purpose.POLL)


async def test_charge_windows(service: Stub) -> None:
    """Where there is no scheduler."""
    for version in range(4):
        service.answers[f"/op/v{version}/device/scheduler/get"] = Error(42015)
    assert (await service.vendor.get_schedule(told.SN)).windows == (
        Window(start=1335, end=1440, mode="charge"),
    )
