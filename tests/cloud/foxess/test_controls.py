"""Settings: read with their ranges, written, read back; whatever a device knows."""

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from custom_components.solar_cloud.cloud.control import (
    CONTROLS,
    Absent,
    Control,
    Platform,
    Reason,
)
from custom_components.solar_cloud.cloud.errors import (
    AnswerLost,
    Blocked,
    Busy,
    CloudUnavailable,
    DeviceGone,
    DeviceOffline,
    NotSupported,
    PermissionDenied,
    QuotaExceeded,
    Refused,
    UnexpectedAnswer,
)
from custom_components.solar_cloud.cloud.foxess.errnos import QueryFailed
from custom_components.solar_cloud.cloud.foxess.items import KEYS

from .stub import Error, Later, Stub
from .world import World

from tests.simulator.foxess.models import Setting

UNSUPPORTED = Absent(reason=Reason.UNSUPPORTED)
UNKNOWN = Absent(reason=Reason.UNKNOWN)
SETTING_GET = "/op/v0/device/setting/get"
SETTING_SET = "/op/v0/device/setting/set"

NEVER = {"GridCode", "SysSwitch", "GroundProtection"}

ABSENT = {
    "kh": {"eco_mode", "low_power_mode"},
    "h3": {"export_limit", "low_power_mode"},
    "evo": {
        "max_soc",
        "active_power_rate",
        "charge_current_limit",
        "discharge_current_limit",
        "backup_output",
        "eco_mode",
        "low_power_mode",
        "second_meter_enabled",
    },
}


def model(world: World, **settings: Setting) -> None:
    """Let the device be of another model."""
    device = world.device
    device.model = replace(device.model, settings=device.model.settings | settings)


async def test_what_a_device_offers(any_home: World) -> None:
    """As it answers, with ranges, steps and options; the rest is absent, with why."""
    await any_home.poll("devices", "realtime")
    snapshot = await any_home.poll("settings")
    found = snapshot.controls[any_home.sn]
    assert set(found) == set(KEYS)
    absent = {key for key, row in found.items() if isinstance(row, Absent)}
    assert absent == ABSENT[any_home.name]
    assert {found[key] for key in absent} == {UNSUPPORTED}
    for key, row in found.items():
        if isinstance(row, Control) and CONTROLS[key].platform is Platform.NUMBER:
            assert row.minimum is not None and row.maximum is not None and row.step
            assert row.minimum <= row.value <= row.maximum
    low = 5 if any_home.name == "evo" else 10
    assert found["min_soc"].minimum == low
    asked = {row.params.get("key") for row in any_home.sim.calls}
    assert not asked & NEVER
    assert not any_home.commands()
    assert not any_home.refused


async def test_modes_are_the_devices_own(kh: World, h3: World) -> None:
    """A mode that the list does not name is never offered."""
    await kh.look()
    assert (await kh.control("battery_mode")).options == (
        "peak_shaving",
        "feed_in_priority",
        "self_consumption",
    )
    await h3.look()
    assert "backup" in (await h3.control("battery_mode")).options


async def test_an_inverter_without_a_battery(kh: World) -> None:
    """It has what concerns its panels."""
    await kh.look()
    string = kh.account.devices[1]
    found = kh.vendor.snapshots["settings"].controls[string.sn]
    offered = {key for key, row in found.items() if isinstance(row, Control)}
    assert offered == {"export_limit", "active_power_rate", "sync_clock"}
    assert set(found) == set(KEYS)
    for key, value, item in (
        ("export_limit", 1500, "ExportLimit"),
        ("active_power_rate", 60, "ActivePowerLimit"),
    ):
        assert await kh.vendor.write(string.sn, {key: value}) == {}
        assert (await kh.control(key, string.sn)).value == value
        assert float(string.settings[item]) == value


VALUES: dict[str, Any] = {
    "battery_mode": "feed_in_priority",
    "min_soc": 20,
    "backup_reserve": 35,
    "max_soc": 85,
    "export_limit": 4200,
    "active_power_rate": 70,
    "charge_current_limit": 12.5,
    "discharge_current_limit": 17,
    "backup_output": False,
    "eco_mode": True,
    "meter_enabled": False,
    "second_meter_enabled": True,
    "import_limit": 7500,
    "peak_shaving_soc": 45,
    "schedule_enabled": True,
    "sync_clock": True,
}


async def test_each_setting_is_written_and_read_back(any_home: World) -> None:
    """By itself: the device holds it, nothing else has changed, nothing is refused."""
    await any_home.look()
    found = any_home.vendor.snapshots["settings"].controls[any_home.sn]
    device = any_home.device
    for key, row in found.items():
        if isinstance(row, Absent):
            continue
        before = device.held()
        assert await any_home.vendor.write(any_home.sn, {key: VALUES[key]}) == {}, key
        told = (await any_home.control(key)).value
        if key == "sync_clock":
            assert abs(told) <= 3
            assert device.auto_sync is False
        else:
            assert told == VALUES[key], key
        after = device.held()
        changed = {name for name in after if after[name] != before[name]}
        assert changed <= {
            "settings",
            "peak_shaving",
            "clock_offset",
            "auto_sync",
            "flag" if key == "schedule_enabled" else "settings",
        }
    assert not any_home.refused


async def test_all_settings_at_once(kh: World) -> None:
    """What the vendor takes together is sent together; the scheduler pauses once."""
    await kh.look()
    changes = {key: VALUES[key] for key in VALUES if key not in ABSENT["kh"]}
    since = len(kh.sim.commands)
    assert await kh.vendor.write(kh.sn, changes) == {}
    told = [what for what, _ in kh.commands(since)]
    assert told.count("schedule flag") == 3
    assert told.count("battery soc") == 1
    assert told.count("peak shaving") == 1
    held = kh.device.held()
    assert held["flag"] is True
    assert held["settings"]["MinSoc"] == "20"
    assert held["settings"]["MinSocOnGrid"] == "35"
    assert held["peak_shaving"] == {"importLimit": 7.5, "soc": 45}
    found = await kh.vendor.read(kh.sn, list(changes))
    for key, value in changes.items():
        if key != "sync_clock":
            row = found[key]
            assert isinstance(row, Control)
            assert row.value == value, key
    assert not kh.refused


async def test_the_meter_limits_the_export(h3: World) -> None:
    """Where that is what limits; in the normal mode there is nothing to set."""
    await h3.look()
    meter = h3.device.meter
    limit = h3.vendor.snapshots["settings"].controls[meter.sn]["export_limit"]
    assert isinstance(limit, Control)
    assert (limit.value, limit.minimum, limit.maximum) == (10000, 0, 30000)
    assert await h3.vendor.write(meter.sn, {"export_limit": 3333.3}) == {}
    assert (await h3.control("export_limit", meter.sn)).value == 3333
    assert meter.settings["mode"] == "FeedinLimit"
    assert h3.commands() == [("meter", {"mode": "FeedinLimit", "feedinPower": "3333"})]
    meter.settings["mode"] = "Normal"
    found = await h3.vendor.read(meter.sn, ["export_limit"])
    assert found["export_limit"] == UNSUPPORTED
    refused = await h3.vendor.write(meter.sn, {"export_limit": 100})
    assert isinstance(refused["export_limit"], Refused)


async def test_a_meter_in_other_words(stub: Stub) -> None:
    """Kilowatts, and modes by number."""
    home(stub)
    stub.answers["gw/list"] = {"data": [{"sn": "M", "stationID": "P"}]}
    limit = {"value": "4.5", "unit": "kW", "precision": 0.1}
    answer = {"mode": {"value": "G100mode"}, "feedinPower": limit}
    stub.answers["gw/setting/get"] = answer
    stub.answers["gw/setting/set"] = None
    await stub.vendor.poll("devices")
    found = (await stub.vendor.read("M", ["export_limit"]))["export_limit"]
    assert isinstance(found, Control)
    assert (found.value, found.step) == (4500, 100)
    assert await stub.vendor.write("M", {"export_limit": 2260}) == {}
    assert stub.asked[-1][1] == {"sn": "M", "mode": "G100mode", "feedinPower": "2.3"}
    stub.answers["gw/setting/get"] = answer | {"feedinPower": {}}
    with pytest.raises(Refused):
        await stub.vendor.read("M", ["export_limit"])
    await stub.vendor.write("M", {"export_limit": 2260})
    assert stub.asked[-1][1]["feedinPower"] == "2260"
    stub.answers["gw/setting/get"] = {"mode": {"value": "0"}}
    assert await stub.vendor.read("M", ["export_limit"]) == {
        "export_limit": UNSUPPORTED
    }
    stub.answers["gw/setting/get"] = []
    snapshot = await stub.vendor.poll("settings")
    assert "M" not in snapshot.controls


# --- items in other words --------------------------------------------------------------


def home(stub: Stub, *, battery: bool = True) -> None:
    """Let a server have one inverter."""
    stub.answers |= {
        "plant/list": {"data": [{"stationID": "P", "ianaTimezone": "Europe/London"}]},
        "plant/detail": {},
        "device/list": {
            "data": [{"deviceSN": "SN1", "stationID": "P", "hasBattery": battery}]
        },
        "device/detail": {"capacity": 5, "masterVersion": "1.0"},
    }


def items(stub: Stub, **answers: Any) -> None:
    """Let an inverter answer these items and no others."""
    stub.answers["setting/get"] = lambda params: answers.get(
        params["key"], Error(42015)
    )
    stub.answers["setting/set"] = None


async def one(stub: Stub, key: str) -> Any:
    """Read one setting of the stub's inverter."""
    if not stub.asked:
        await stub.vendor.poll("devices")
    return (await stub.vendor.read("SN1", [key]))[key]


async def test_kilowatts_and_the_other_name(stub: Stub) -> None:
    """Newer inverters name the export limit otherwise, and may tell it in kW."""
    home(stub)
    item = {"value": "5.5", "unit": "kW", "precision": 0.01}
    items(stub, ExportLimitPower=item | {"range": {"min": 0, "max": 12}})
    found = await one(stub, "export_limit")
    assert (found.value, found.maximum, found.step) == (5500, 12000, 10)
    await stub.vendor.write("SN1", {"export_limit": 1234})
    assert stub.asked[-1][1] == {
        "sn": "SN1",
        "key": "ExportLimitPower",
        "value": "1.23",
    }
    stub.begin()
    await stub.vendor.poll("devices")
    await stub.vendor.write("SN1", {"export_limit": 1000})
    assert stub.asked[-1][1] == {"sn": "SN1", "key": "ExportLimitPower", "value": "1"}


async def test_written_before_it_was_read(stub: Stub) -> None:
    """The document's name and unit must do."""
    home(stub)
    items(stub)
    await stub.vendor.poll("devices")
    await stub.vendor.write("SN1", {"export_limit": 1250000.5})
    assert stub.asked[-1][1]["value"] == "1250000.5"


@pytest.mark.parametrize(
    ("key", "item", "answer", "told"),
    [
        ("active_power_rate", "ActivePowerLimit", ("80", "%"), 80),
        ("active_power_rate", "ActivePowerLimit", ("8000", "W"), None),
        ("export_limit", "ExportLimit", ("50", "%"), None),
        ("export_limit", "ExportLimit", (0, "W"), 0),
        ("charge_current_limit", "MaxSetChargeCurrent", ("2.5E1", "A"), 25),
        ("eco_mode", "ECOMode", ("1", ""), True),
        ("eco_mode", "ECOMode", ("off", ""), False),
        ("eco_mode", "ECOMode", ("maybe", ""), None),
        ("battery_mode", "WorkMode", ("Backup", ""), "backup"),
    ],
)
async def test_units_and_values(
    stub: Stub, key: str, item: str, answer: tuple[Any, str], told: Any
) -> None:
    """A unit that is not the setting's makes it something else, which is not offered."""
    home(stub)
    items(stub, **{item: {"value": answer[0], "unit": answer[1]}})
    found = await one(stub, key)
    assert found == UNKNOWN if told is None else found.value == told


async def test_a_mode_that_nobody_knows(stub: Stub) -> None:
    """It is told as none of ours, and the device's list stays."""
    home(stub)
    options = ["SelfUse", "Moonlight", "Feedin"]
    items(stub, WorkMode={"value": "Moonlight", "enumList": options})
    found = await one(stub, "battery_mode")
    assert (found.value, found.options) == (
        None,
        ("self_consumption", "feed_in_priority"),
    )
    refused = await stub.vendor.write("SN1", {"battery_mode": "savings"})
    assert isinstance(refused["battery_mode"], Refused)


async def test_floors_by_the_batterys_own_interface(stub: Stub) -> None:
    """Where the items do not know them; both are always sent."""
    home(stub)
    items(stub)
    stub.answers["battery/soc/get"] = {"minSoc": "10", "minSocOnGrid": 0}
    stub.answers["battery/soc/set"] = None
    found = await one(stub, "min_soc")
    assert (found.value, found.minimum, found.maximum, found.step) == (10, 10, 100, 1)
    assert (await one(stub, "backup_reserve")).value == 0
    assert await stub.vendor.write("SN1", {"backup_reserve": 25}) == {}
    assert stub.asked[-1] == (
        "/op/v0/device/battery/soc/set",
        {"sn": "SN1", "minSoc": 10, "minSocOnGrid": 25},
    )
    stub.answers["battery/soc/get"] = {"minSoc": 10}
    with pytest.raises(UnexpectedAnswer):
        await stub.vendor.write("SN1", {"min_soc": 25})
    with pytest.raises(Refused):
        await one(stub, "backup_reserve")
    stub.answers["battery/soc/get"] = Error(42015)
    assert await one(stub, "min_soc") == UNSUPPORTED


async def test_a_floor_of_zero(stub: Stub) -> None:
    """Packs that may be emptied accept it: it is a value like any other."""
    home(stub)
    items(stub, MinSoc={"value": 0, "unit": "%", "range": {"min": 0, "max": 100}})
    found = await one(stub, "min_soc")
    assert (found.value, found.minimum) == (0, 0)


async def test_both_floors_one_by_one(kh: World) -> None:
    """Where a device does not take them together after all."""
    await kh.look()
    kh.fault("errno", "battery/soc/set", errno=42015)
    changes = {"min_soc": 22, "backup_reserve": 33}
    assert await kh.vendor.write(kh.sn, changes) == {}
    settings = kh.device.settings
    assert (settings["MinSoc"], settings["MinSocOnGrid"]) == ("22", "33")
    kh.fault("errno", "setting/set", errno=40257, count=1)
    refused = await kh.vendor.write(kh.sn, changes)
    assert list(refused) == ["min_soc"]
    kh.fault("errno", "peakShaving/set", errno=42015)
    refused = await kh.vendor.write(kh.sn, {"import_limit": 1, "peak_shaving_soc": 20})
    assert set(refused) == {"import_limit", "peak_shaving_soc"}
    kh.sim.clear_faults()
    kh.fault("errno", "battery/soc/set", errno=40257)
    assert set(await kh.vendor.write(kh.sn, changes)) == set(changes)


async def test_peak_shaving(h3: World) -> None:
    """Kilowatts on the wire, and the other value stays as it is."""
    await h3.look()
    found = await h3.control("import_limit")
    assert (found.value, found.maximum, found.step) == (1_000_000, 10_000_000, 1)
    assert await h3.vendor.write(h3.sn, {"import_limit": 6543}) == {}
    assert await h3.vendor.write(h3.sn, {"peak_shaving_soc": 55}) == {}
    assert h3.device.held()["peak_shaving"] == {"importLimit": 6.543, "soc": 55}
    assert h3.device.flag is False


async def test_half_an_answer_is_never_written_back(stub: Stub) -> None:
    """A limit that is not known must not become zero."""
    home(stub)
    stub.answers["peakShaving/get"] = {"soc": {"value": 40, "unit": "%"}}
    await stub.vendor.poll("devices")
    with pytest.raises(UnexpectedAnswer):
        await stub.vendor.write("SN1", {"peak_shaving_soc": 50})
    stub.answers["peakShaving/get"] = {
        "soc": {"value": 40, "unit": "%"},
        "importLimit": {"value": 5, "unit": "A"},
    }
    with pytest.raises(UnexpectedAnswer):
        await stub.vendor.write("SN1", {"peak_shaving_soc": 50})
    assert not any("set" in path for path in stub.paths())


# --- the device's clock ------------------------------------------------------------------


async def test_the_clock(kh: World) -> None:
    """Its offset is told, in plants of any zone; it is set when the user asks."""
    await kh.look()
    assert (await kh.control("sync_clock")).value == pytest.approx(37, abs=1.5)
    kh.change(clock_offset=-7200.0)
    assert (await kh.control("sync_clock")).value == pytest.approx(-7200, abs=1.5)
    assert kh.device.auto_sync
    await kh.vendor.write(kh.sn, {"sync_clock": True})
    assert (await kh.control("sync_clock")).value == pytest.approx(0, abs=2.5)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ({"year": "26", "month": "6", "day": "17", "hour": 10, "minute": 59}, None),
        ({"year": "x"}, None),
        (None, None),
    ],
)
async def test_a_clock_that_tells_no_time(stub: Stub, answer: Any, told: Any) -> None:
    """It is not offered; a run takes it as right."""
    home(stub)
    stub.answers["time/get"] = answer
    with pytest.raises(Refused):
        await one(stub, "sync_clock")
    assert told is None
    assert await stub.vendor._controls.clock_offset("SN1") == 0  # noqa: SLF001
    stub.answers["time/get"] = Error(41200)
    assert await stub.vendor._controls.clock_offset("SN1") == 0  # noqa: SLF001


# --- what a device does not know ---------------------------------------------------------


async def test_known_for_certain(kh: World) -> None:
    """A function that is not supported is asked for once, and again on new firmware."""
    await kh.look()
    calls = len(kh.sim.calls)
    kh.advance(hours=1)
    await kh.poll("settings")
    asked = {row.params.get("key") for row in kh.sim.calls[calls:]}
    assert "ECOMode" not in asked
    assert "WorkMode" in asked
    kh.begin()
    kh.memory["details"][kh.sn]["detail"]["masterVersion"] = "1.35"
    kh.device.model = replace(
        kh.device.model,
        settings=kh.device.model.settings | {"ECOMode": Setting(low=0, high=1)},
        scheduler={"v0": 0, "v1": 0, "v2": 0, "v3": 0},
    )
    kh.device.settings["ECOMode"] = "1"
    await kh.look()
    assert (await kh.control("eco_mode")).value is True
    await kh.vendor.get_schedule(kh.sn)
    assert kh.sim.calls[-1].endpoint == "/op/v3/device/scheduler/get"


async def test_never_answered(kh: World) -> None:
    """What has failed three times, and never answered, is not supported."""
    kh.fault("errno", "peakShaving/get", errno=41200)
    model(kh, ActivePowerLimit=Setting(empty=True), ExportLimit=Setting(errno=40257))
    await kh.poll("devices", "realtime")
    for _ in range(3):
        controls = (await kh.poll("settings")).controls[kh.sn]
        assert controls["import_limit"] == UNKNOWN
        assert controls["active_power_rate"] == UNKNOWN
        assert controls["export_limit"] == UNKNOWN
        kh.advance(hours=1)
    calls = len(kh.sim.calls)
    controls = (await kh.poll("settings")).controls[kh.sn]
    assert controls["import_limit"] == UNSUPPORTED
    assert controls["active_power_rate"] == UNSUPPORTED
    assert controls["export_limit"] == UNSUPPORTED
    assert "/op/v0/device/peakShaving/get" not in kh.paths(calls)


async def test_answered_once(kh: World) -> None:
    """What has answered stays, however often it fails afterwards."""
    await kh.look()
    before = kh.vendor.snapshots["settings"].controls[kh.sn]
    kh.fault("errno", "setting/get", errno=41200)
    kh.fault("errno", "peakShaving/get", errno=40257)
    for _ in range(5):
        kh.advance(hours=1)
        after = (await kh.poll("settings")).controls[kh.sn]
    assert after["max_soc"] == before["max_soc"]
    assert after["import_limit"] == before["import_limit"]
    kh.sim.clear_faults()
    kh.advance(hours=1)
    after = (await kh.poll("settings")).controls[kh.sn]
    assert after["max_soc"].at > before["max_soc"].at


async def test_no_permission(kh: World) -> None:
    """A setting that the account may not read is absent for that reason."""
    kh.fault("errno", "peakShaving/get", errno=41811)
    await kh.look()
    found = kh.vendor.snapshots["settings"].controls[kh.sn]["import_limit"]
    assert found == Absent(reason=Reason.NO_PERMISSION)
    with pytest.raises(PermissionDenied):
        await kh.vendor.read(kh.sn, ["import_limit"])


async def test_a_device_out_of_reach(kh: World) -> None:
    """It keeps what it had, its functions are not forgotten, the others are read."""
    await kh.look()
    before = kh.vendor.snapshots["settings"].controls
    kh.fault("logger_offline", device=kh.sn)
    for _ in range(4):
        kh.advance(hours=1)
        calls = len(kh.sim.calls)
        after = (await kh.poll("settings")).controls
        assert (
            len([row for row in kh.sim.calls[calls:] if kh.sn in row.params.values()])
            == 1
        )
    assert after[kh.sn] == before[kh.sn]
    other = kh.account.devices[1].sn
    assert after[other]["export_limit"].at > before[other]["export_limit"].at
    with pytest.raises(DeviceOffline):
        await kh.vendor.read(kh.sn, ["min_soc"])
    with pytest.raises(DeviceOffline):
        await kh.vendor.write(kh.sn, {"export_limit": 4000})
    kh.sim.clear_faults()
    assert (await kh.control("min_soc")).value == 10
    kh.fault("device_gone", device=kh.sn)
    gone = (await kh.poll("settings")).controls[kh.sn]
    assert gone["max_soc"] == after[kh.sn]["max_soc"]
    with pytest.raises(DeviceGone):
        await kh.vendor.read(kh.sn, ["min_soc"])


async def test_out_of_reach_from_the_start(kh: World) -> None:
    """Nothing is known of it then."""
    kh.fault("logger_offline", device=kh.sn)
    await kh.look()
    found = kh.vendor.snapshots["settings"].controls[kh.sn]
    assert set(found.values()) == {UNKNOWN}


async def test_answers_that_cannot_be_understood(kh: World) -> None:
    """One keeps the others; nothing but such answers is an error."""
    kh.fault("html", "peakShaving/get")
    await kh.look()
    found = kh.vendor.snapshots["settings"].controls[kh.sn]
    assert found["import_limit"] == UNKNOWN
    assert isinstance(found["min_soc"], Control)
    kh.fault("html")
    kh.advance(hours=1)
    with pytest.raises(UnexpectedAnswer):
        await kh.poll("settings")
    with pytest.raises(UnexpectedAnswer):
        await kh.vendor.read(kh.sn, ["min_soc", "max_soc"])


async def test_gaps_are_filled_soon(kh: World) -> None:
    """What could not be understood is asked again after a minute, a few times."""
    kh.fault("html", "setting/get", count=3)
    await kh.look()
    controls = kh.vendor.snapshots["settings"].controls
    assert controls[kh.sn]["battery_mode"] == UNKNOWN
    kh.sim.clock.set(kh.vendor.due("settings", 1))
    calls = len(kh.sim.calls)
    controls = (await kh.poll("settings")).controls
    assert isinstance(controls[kh.sn]["battery_mode"], Control)
    asked = [row for row in kh.sim.calls[calls:] if kh.sn in row.params.values()]
    assert len(asked) == 3
    assert kh.vendor.due("settings", 1) > kh.clock.now() + timedelta(minutes=50)
    kh.fault("html", "peakShaving/get")
    kh.advance(hours=1)
    waits = []
    for _ in range(5):
        snapshot = await kh.poll("settings")
        waits.append(kh.vendor.due("settings", 1) - snapshot.at)
        kh.sim.clock.set(kh.vendor.due("settings", 1))
    minute, hour = timedelta(minutes=1), timedelta(hours=1)
    assert waits == [minute, minute, minute, hour, hour]


async def test_a_part_that_fails_is_left_out(kh: World) -> None:
    """A read-back tells what it read, never what was known before."""
    await kh.look()
    kh.fault("errno", "peakShaving/get", errno=41200)
    found = await kh.vendor.read(kh.sn, ["import_limit", "min_soc", "peak_shaving_soc"])
    assert set(found) == {"min_soc"}
    with pytest.raises(QueryFailed):
        await kh.vendor.read(kh.sn, ["import_limit"])


async def test_a_poll_that_is_ended(kh: World) -> None:
    """What has come by then can be had, and is no whole poll."""
    await kh.poll("devices")
    kh.fault("errno", "time/get", errno=40402)
    with pytest.raises(QuotaExceeded):
        await kh.poll("settings")
    part = kh.vendor.snapshots["settings"]
    assert isinstance(part.controls[kh.sn]["battery_mode"], Control)
    assert part.at.year == 1970
    kh.begin()
    kh.sim.clear_faults()
    kh.advance(minutes=16)
    await kh.poll("devices")
    await kh.vendor.restore("settings", part)
    assert kh.vendor.due("settings", 1) < kh.clock.now()


async def test_a_start_goes_on_where_sign_in_ended(kh: World) -> None:
    """Settings read a moment before the start are not asked for twice."""
    await kh.look()
    devices, settings = (kh.vendor.snapshots[key] for key in ("devices", "settings"))
    kh.begin()
    await kh.vendor.restore("devices", devices)
    await kh.vendor.restore("settings", settings)
    calls = len(kh.sim.calls)
    again = await kh.poll("settings")
    assert kh.paths(calls) == []
    assert again.controls == settings.controls
    await kh.poll("settings")
    assert len(kh.paths(calls)) > 15
    kh.begin()
    await kh.vendor.restore("devices", devices)
    await kh.vendor.restore("settings", settings)
    kh.advance(hours=1)
    calls = len(kh.sim.calls)
    await kh.poll("settings")
    assert len(kh.paths(calls)) > 15


# --- while the scheduler is on ---------------------------------------------------------


async def test_the_scheduler_pauses(kh: World) -> None:
    """Off, write, on again; the owner's groups are as they were."""
    await kh.look()
    groups = kh.device.held()["groups"]
    since = len(kh.sim.commands)
    assert await kh.vendor.write(kh.sn, {"max_soc": 90}) == {}
    assert kh.commands(since) == [
        ("schedule flag", False),
        ("setting MaxSoc", "90"),
        ("schedule flag", True),
    ]
    assert kh.device.held()["groups"] == groups
    assert kh.memory["scheduler_owed"] == {}
    assert kh.saves == 2


async def test_the_owner_has_turned_it_off(kh: World) -> None:
    """What was read an hour ago does not decide: it stays off."""
    await kh.look()
    kh.change(flag=False)
    since = len(kh.sim.commands)
    assert await kh.vendor.write(kh.sn, {"max_soc": 90}) == {}
    assert kh.commands(since) == [("setting MaxSoc", "90")]
    assert kh.device.flag is False


async def test_on_again_when_the_write_is_refused(kh: World) -> None:
    """By the device, or because nobody knows what became of it."""
    await kh.look()
    kh.fault("errno", "setting/set", errno=40257, count=1)
    refused = await kh.vendor.write(kh.sn, {"max_soc": 90})
    assert refused["max_soc"].code == "40257"
    assert kh.device.flag is True
    kh.fault("drop_after", "setting/set", count=1)
    with pytest.raises(AnswerLost):
        await kh.vendor.write(kh.sn, {"max_soc": 80})
    assert kh.device.flag is True
    assert kh.device.settings["MaxSoc"] == "80"


async def test_on_again_however_long_it_takes(kh: World) -> None:
    """A switch that is lost, or does not answer, is sent again."""
    await kh.look()
    kh.fault("drop_before", "set/flag", count=1, skip=1)
    kh.fault("errno", "set/flag", errno=40401, count=1, skip=2)
    assert await kh.vendor.write(kh.sn, {"max_soc": 80}) == {}
    assert kh.device.flag is True
    assert kh.memory["scheduler_owed"] == {}


async def test_on_again_after_a_crash(kh: World) -> None:
    """The debt is remembered, and settled first thing."""
    await kh.look()
    kh.fault("status", "set/flag", status=503, skip=1)
    with pytest.raises(CloudUnavailable):
        await kh.vendor.write(kh.sn, {"max_soc": 80})
    assert kh.device.flag is False
    assert kh.memory["scheduler_owed"] == {kh.sn: True}
    devices, settings = (kh.vendor.snapshots[key] for key in ("devices", "settings"))
    kh.begin()
    await kh.vendor.restore("devices", devices)
    await kh.vendor.restore("settings", settings)
    assert kh.vendor.due("settings", 1) <= settings.at + timedelta(minutes=5)
    calls = len(kh.sim.calls)
    await kh.poll("settings")
    assert kh.paths(calls).count("/op/v1/device/scheduler/set/flag") == 1
    assert kh.device.flag is False
    kh.sim.clear_faults()
    await kh.poll("settings")
    assert kh.device.flag is True
    assert kh.vendor.due("settings", 1) > kh.clock.now()
    kh.memory["scheduler_owed"][kh.sn] = True
    kh.change(flag=False)
    await kh.vendor.write(kh.sn, {"export_limit": 5000})
    assert kh.device.flag is True


async def test_refused_as_the_device_does(kh: World, h3: World) -> None:
    """44096 and 44098, by model, each with the scheduler on."""
    for world in (kh, h3):
        await world.look()
        world.change(flag=True)
        changes = {"min_soc": 30, "battery_mode": "feed_in_priority"}
        assert await world.vendor.write(world.sn, changes) == {}
        assert world.device.settings["WorkMode"] == "Feedin"
        assert world.device.flag is True


async def test_others_that_are_refused_while_it_is_on(kh: World) -> None:
    """A setting that nobody documents as such is sent again with the scheduler off."""
    await kh.look()
    kh.fault("errno", "setting/set", errno=44098, count=1)
    since = len(kh.sim.commands)
    assert await kh.vendor.write(kh.sn, {"export_limit": 4000}) == {}
    assert [what for what, _ in kh.commands(since)] == [
        "schedule flag",
        "setting ExportLimit",
        "schedule flag",
    ]


@pytest.mark.parametrize(("errno", "offered"), [(44096, False), (44098, True)])
async def test_refused_with_the_scheduler_off_too(
    kh: World, errno: int, offered: bool
) -> None:
    """44096 then says that the device does not know the function."""
    await kh.look()
    kh.fault("errno", "setting/set", errno=errno)
    refused = await kh.vendor.write(kh.sn, {"max_soc": 80})
    assert isinstance(refused["max_soc"], Blocked)
    found = (await kh.poll("settings")).controls[kh.sn]["max_soc"]
    assert isinstance(found, Control) is offered


async def test_without_a_scheduler(kh: World) -> None:
    """There is nothing to pause, also where it does not answer."""
    string = kh.account.devices[1]
    await kh.look()
    kh.fault("errno", "setting/set", errno=44098, count=1)
    refused = await kh.vendor.write(string.sn, {"export_limit": 100})
    assert isinstance(refused["export_limit"], Blocked)
    kh.change(flag=False)
    kh.fault("errno", "get/flag", errno=42015)
    assert await kh.vendor.write(kh.sn, {"max_soc": 80}) == {}
    kh.fault("errno", "set/flag", errno=42015)
    refused = await kh.vendor.write(kh.sn, {"schedule_enabled": True})
    assert isinstance(refused["schedule_enabled"], NotSupported)


async def test_with_nobody_to_remember(stub: Stub) -> None:
    """The scheduler pauses also where it was never read, and nothing is stored."""
    home(stub)
    items(stub)
    stub.answers["scheduler/get/flag"] = {"enable": True}
    stub.answers["scheduler/set/flag"] = None
    await stub.vendor.poll("devices")
    assert await stub.vendor.write("SN1", {"max_soc": 80}) == {}
    assert [row.get("enable") for _, row in stub.asked[-3:]] == [0, None, 1]


async def test_a_device_that_knows_no_scheduler(stub: Stub) -> None:
    """Its floors are simply sent."""
    home(stub)
    items(stub, MaxSoc={"value": "90", "unit": "%"})
    for version in range(4):
        stub.answers[f"/op/v{version}/device/scheduler/get"] = Error(42015)
    await stub.vendor.poll("devices")
    await stub.vendor.poll("settings")
    stub.asked.clear()
    assert await stub.vendor.write("SN1", {"max_soc": 80}) == {}
    assert stub.paths() == [SETTING_SET]


async def test_lost_answers_at_every_write(any_home: World) -> None:
    """Each write may be carried out and its answer lost: that is told as such."""
    await any_home.look()
    changes = {"min_soc": 25, "import_limit": 5000}
    for endpoint in ("setting/set", "peakShaving/set"):
        for kind in ("drop_after", "empty", "garbage"):
            any_home.fault(kind, endpoint, count=1)
            with pytest.raises(AnswerLost):
                await any_home.vendor.write(any_home.sn, changes)
    assert any_home.device.settings["MinSoc"] == "25"
    assert await any_home.vendor.write(any_home.sn, changes) == {}


async def test_accepted_and_not_done(kh: World) -> None:
    """A read-back shows what the device holds."""
    await kh.look()
    kh.fault("accepted_not_done", "setting/set")
    assert await kh.vendor.write(kh.sn, {"export_limit": 4000}) == {}
    assert (await kh.control("export_limit")).value == 30000


async def test_strings_for_numbers(any_home: World) -> None:
    """Settings are the same in whatever form they come."""
    await any_home.look()
    before = any_home.vendor.snapshots["settings"].controls[any_home.sn]
    any_home.fault("strings")
    for key, row in before.items():
        if isinstance(row, Control) and key != "sync_clock":
            again = await any_home.control(key)
            assert replace(again, at=row.at) == row, key


async def test_busy(kh: World) -> None:
    """It is raised for whoever tries again."""
    await kh.look()
    kh.fault("errno", "setting/set", errno=41931, count=1)
    with pytest.raises(Busy):
        await kh.vendor.write(kh.sn, {"export_limit": 4000})
    with suppress(Busy):
        await kh.vendor.write(kh.sn, {"export_limit": 4000})
    assert (await kh.control("export_limit")).value == 4000


async def test_turns(stub: Stub) -> None:
    """An answer may change from one read to the next."""
    home(stub)
    stub.answers["setting/get"] = Later([{"value": "1", "unit": "W"}, Error(41935)])
    assert (await one(stub, "export_limit")).value == 1
    with pytest.raises(DeviceOffline):
        await one(stub, "export_limit")


async def test_there_are_no_tasks(kh: World) -> None:
    """What is set is read back; there is nothing to follow."""
    assert (await kh.vendor.follow(kh.sn, ["min_soc"])).done is None
    assert not kh.vendor.unfinished()
