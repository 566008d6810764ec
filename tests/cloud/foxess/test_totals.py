"""The energy of today and of past hours, equal to the truth; faults; the allowance."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from custom_components.solar_cloud.cloud.errors import NotSupported
from custom_components.solar_cloud.cloud.foxess.today import Today
from custom_components.solar_cloud.cloud.quota import Purpose

from .stub import Error, Stub
from .world import World

DEVICE = {"deviceSN": "SN1", "stationID": "P", "hasBattery": True}
CODE = {"currentFault": "4120", "currentFaultCount": "1", "runningState": "165"}


def home(stub: Stub, zone: str = "Europe/London", **datas: Any) -> None:
    """Let a server have one inverter that tells these variables."""
    stub.answers |= {
        "plant/list": {"data": [{"stationID": "P", "ianaTimezone": zone}]},
        "plant/detail": {},
        "device/list": {"data": [DEVICE]},
        "device/detail": {"capacity": 5},
    }
    tell(stub, **datas)


def tell(stub: Stub, **datas: Any) -> None:
    """Let the inverter tell other variables."""
    stub.answers["/op/v1/device/real/query"] = [
        {
            "deviceSN": "SN1",
            "time": "2026-06-17 10:00:00 GMT+0000",
            "datas": [{"variable": key, "value": row} for key, row in datas.items()],
        }
    ]


@pytest.mark.parametrize("hours", [1, 8, 12.5])
async def test_today(any_home: World, hours: float) -> None:
    """Today's energies equal the truth, and are only those that the home has."""
    any_home.advance(hours=hours)
    await any_home.poll("devices", "realtime")
    values = await any_home.readings("totals")
    for plant in any_home.account.plants:
        at = plant.published(any_home.sim.clock.seconds())
        truth = plant.truth(at)[plant.device.sn]
        found = values[plant.device.sn]
        assert set(found) == {key for key in truth if key.endswith("_energy_today")}
        for key, value in found.items():
            assert value == pytest.approx(truth[key], abs=0.11), key
    assert not any_home.refused


async def test_today_grows_with_each_sample(any_home: World) -> None:
    """Between two reports the samples tell it; a new day begins with its own report."""
    any_home.advance(hours=8)
    await any_home.poll("devices", "realtime", "totals")
    for _ in range(4):
        any_home.advance(minutes=5)
        values = await any_home.readings("realtime")
        for plant in any_home.account.plants:
            at = plant.published(any_home.sim.clock.seconds())
            truth = plant.truth(at)[plant.device.sn]
            found = values[plant.device.sn]
            told = {key for key in found if key.endswith("_energy_today")}
            assert told or plant is not any_home.plant
            for key in told:
                assert found[key] == pytest.approx(truth[key], abs=0.21), key
    any_home.begin()
    any_home.advance(days=1)
    await any_home.poll("devices")
    sn = any_home.sn
    assert "load_energy_today" not in (await any_home.readings("realtime"))[sn]


def test_a_counter_that_is_not_known_tells_no_day() -> None:
    """Nothing is made of it, neither at the report nor later."""
    today, day = Today({}), date(2026, 6, 17)
    today.anchor(
        "SN1", day, {"pv_energy": None, "load_energy": 9.0}, {"pv_energy": 1.0}
    )
    assert today.energies("SN1", day, {"pv_energy": 3.0}) == {}
    today.anchor("SN1", day, {"pv_energy": 3.0}, {"pv_energy": 1.0})
    assert today.energies("SN1", day, {"pv_energy": 4.0}) == {"pv_energy_today": 2.0}
    assert today.energies("SN1", day, {"pv_energy": None}) == {}


async def test_an_old_sample_tells_nothing_of_how_the_day_began(kh: World) -> None:
    """The report may know a newer one."""
    await kh.poll("devices", "realtime")
    kh.advance(minutes=6)
    await kh.poll("totals")
    kh.advance(minutes=5)
    assert "load_energy_today" not in (await kh.readings("realtime"))[kh.sn]


async def test_one_inverter_without_an_answer(kh: World) -> None:
    """The others have theirs; it keeps what it had; nobody's answer is an error."""
    await kh.poll("devices", "realtime", "totals")
    before = kh.vendor.snapshots["totals"].readings
    kh.advance(minutes=15)
    kh.fault("errno", "report/query", errno=42015, count=1)
    after = (await kh.poll("totals")).readings
    assert after[kh.sn] == before[kh.sn]
    other = kh.account.devices[1].sn
    assert after[other]["pv_energy_today"].at > before[other]["pv_energy_today"].at
    kh.fault("errno", "report/query", errno=42015)
    with pytest.raises(NotSupported):
        await kh.poll("totals")


async def test_reports_with_gaps(stub: Stub) -> None:
    """Days that are not there yet, and values that are none, are left out."""
    home(stub, generation=9, loads=9, feedin=9, PVEnergyTotal=0)
    stub.answers["report/query"] = [
        {"variable": "generation", "values": [0] * 16 + [7.000000004]},
        {"variable": "loads", "values": [1, 2]},
        {"variable": "feedin", "values": [None] * 30},
        {"variable": "unheard", "values": [1] * 30},
        {"variable": "PVEnergyTotal", "values": [0] * 30},
        {"variable": "gridConsumption", "values": [5] * 30},
    ]
    for feed in ("devices", "realtime", "totals"):
        snapshot = await stub.vendor.poll(feed)
    assert {key: row.value for key, row in snapshot.readings["SN1"].items()} == {
        "inverter_energy_today": 7.0,
        "pv_energy_today": 7.0,
    }
    stub.answers["report/query"] = [{"variable": "loads", "values": [3.5] * 30}]
    snapshot = await stub.vendor.poll("totals")
    assert {key: row.value for key, row in snapshot.readings["SN1"].items()} == {
        "load_energy_today": 3.5
    }


async def test_an_inverter_that_tells_no_counters(stub: Stub) -> None:
    """Its generation is asked for by itself."""
    home(stub, pvPower=1)
    stub.answers["report/query"] = []
    stub.answers["device/generation"] = {"today": 3.1999999, "cumulative": "820.5"}
    for feed in ("devices", "realtime", "totals"):
        snapshot = await stub.vendor.poll(feed)
    assert {key: row.value for key, row in snapshot.readings["SN1"].items()} == {
        "inverter_energy": 820.5,
        "inverter_energy_today": 3.2,
        "pv_energy": 820.5,
        "pv_energy_today": 3.2,
    }
    stub.answers["device/generation"] = {"month": 3}
    assert (await stub.vendor.poll("totals")).readings["SN1"] == {}


async def test_hours_of_a_day(any_home: World) -> None:
    """Each hour's energy equals the home's, for every quantity it has."""
    any_home.advance(hours=1)
    await any_home.poll("devices", "realtime")
    for plant in any_home.account.plants:
        home_, sn = plant.home, plant.device.sn
        zone = ZoneInfo(home_.spec.zone)
        day = date(2026, 6, 16)
        told = await any_home.vendor.energy([plant.id], date(2020, 1, 1), day)
        assert told.first == day
        rows = told.rows
        start = datetime(2026, 6, 16, tzinfo=zone)
        truth = home_.energy(start.timestamp(), (start + timedelta(days=1)).timestamp())
        keys = {row.key for row in rows}
        has_battery = bool(plant.device.batteries)
        assert ("battery_charge_energy" in keys) is has_battery
        assert "pv_energy" in keys
        for key in keys:
            own = [row for row in rows if row.key == key]
            assert len(own) == 24
            assert {row.subject for row in own} == {sn}
            assert own[0].start == start.astimezone(UTC)
            name = key if has_battery else "inverter_energy"
            total = sum(kwh for _, kwh in truth[name])
            assert sum(row.kwh for row in own) == pytest.approx(total, abs=0.21)
    assert any_home.sim.calls[-1].params["dimension"] == "day"
    assert not any_home.refused


async def test_history_waits_for_polls(kh: World) -> None:
    """A day is fetched as history, or as the caller wants."""
    await kh.poll("devices", "realtime")
    day = date(2026, 6, 16)
    assert (await kh.vendor.energy([kh.plant.id], day, day, Purpose.POLL)).rows
    assert kh.vendor.together(["A", "B"]) == [("A",), ("B",)]


@pytest.mark.parametrize(
    ("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25)]
)
async def test_days_when_the_clocks_change(stub: Stub, day: date, hours: int) -> None:
    """A skipped hour belongs to the next, one that comes twice is told for both."""
    home(stub, "Europe/Berlin", generation=9)
    stub.answers["report/query"] = [
        {"variable": "generation", "values": [0.5] * 12 + [None] + [0.25] * 11},
        {"variable": "loads", "values": [1] * 24},
    ]
    await stub.vendor.poll("devices")
    await stub.vendor.poll("realtime")
    told = await stub.vendor.energy(["P"], day, day)
    rows = [row for row in told.rows if row.key == "pv_energy"]
    assert len({row.start for row in rows}) == len(rows) == min(hours, 24) - 1
    assert sum((row.span for row in rows), timedelta()) == timedelta(hours=hours - 1)
    assert sum(row.kwh for row in rows) == pytest.approx(6 + 2.75)


# --- faults --------------------------------------------------------------------------


async def test_a_fault_is_told_with_its_text(kh: World) -> None:
    """Soon after it shows, in the history's words, and gone with it."""
    await kh.poll("devices", "realtime", "faults")
    assert (await kh.poll("faults")).alarms == ()
    fault = kh.fault("device_fault", device=kh.sn, code="11", message="")
    kh.advance(minutes=11)
    await kh.poll("realtime")
    assert kh.vendor.due("faults", 1) <= kh.clock.now()
    (alarm,) = (await kh.poll("faults")).alarms
    assert (alarm.device, alarm.code, alarm.text) == (kh.sn, "11", "Grid lost fault")
    assert alarm.at and alarm.at.timestamp() == pytest.approx(fault.since, abs=1)
    assert kh.vendor.due("faults", 1) > kh.clock.now()
    kh.sim.clear_faults()
    kh.advance(minutes=70)
    await kh.poll("realtime")
    assert kh.vendor.due("faults", 1) <= kh.clock.now()
    assert (await kh.poll("faults")).alarms == ()
    assert not kh.refused


async def test_a_fault_between_two_samples(kh: World) -> None:
    """The day's faults tell of it once."""
    await kh.poll("devices", "realtime", "faults")
    kh.fault("device_fault", device=kh.sn, code="21", message="Too hot", seconds=30)
    kh.advance(minutes=20)
    await kh.poll("realtime")
    (alarm,) = (await kh.poll("faults")).alarms
    assert alarm.text == "Too hot"
    for _ in range(2):
        kh.advance(minutes=1)
        assert (await kh.poll("faults")).alarms == ()


async def test_several_codes(stub: Stub) -> None:
    """Codes without a row in the history are alarms by their number."""
    home(stub, currentFault="11,4120", currentFaultCount=2)
    stub.language = "pl"
    stub.begin()
    rows = [
        {"faultCode": "11", "faultMessage": "", "timestamp": 1781683200000},
        {"faultCode": "11", "faultMessage": "", "timestamp": "1781690000000"},
        {"faultCode": "5", "faultMessage": "x", "timestamp": 1e30},
    ]
    stub.answers["fault/history"] = {"sn": "SN1", "faults": rows}
    stub.answers["fault/get"] = [{"11": {"en": "Grid", "pl": "Sieci"}}, {"4120": {}}]
    for feed in ("devices", "realtime", "faults"):
        snapshot = await stub.vendor.poll(feed)
    told = [(row.id, row.text, row.at and row.at.hour) for row in snapshot.alarms]
    assert told == [("SN1_11", "Sieci", 9), ("SN1_4120", "4120", None)]
    assert stub.paths().count("/op/v0/device/fault/get") == 1
    await stub.vendor.poll("faults")
    assert stub.paths().count("/op/v0/device/fault/get") == 1


async def test_a_fault_without_a_code(stub: Stub) -> None:
    """It is the last of the day's, where there are some."""
    home(stub, runningState="165")
    rows: list[dict[str, Any]] = [
        {"faultCode": "7", "faultMessage": "x", "timestamp": 1781690000000},
        {"faultCode": "5", "faultMessage": "y", "timestamp": 1781683200000},
    ]
    stub.answers["fault/history"] = {"faults": rows}
    for feed in ("devices", "realtime", "faults"):
        snapshot = await stub.vendor.poll(feed)
    assert [row.code for row in snapshot.alarms] == ["7"]
    stub.answers["fault/history"] = {"faults": []}
    assert (await stub.vendor.poll("faults")).alarms == ()


async def test_faults_of_old_servers(stub: Stub) -> None:
    """Without history and texts the code must do; the history is asked for once."""
    home(stub, **CODE)
    stub.answers["fault/history"] = Error(42015)
    for feed in ("devices", "realtime", "faults", "faults"):
        snapshot = await stub.vendor.poll(feed)
    assert [(row.code, row.text) for row in snapshot.alarms] == [("4120", "4120")]
    assert stub.paths().count("/op/v0/device/fault/history") == 1


async def test_no_history_for_a_moment(stub: Stub) -> None:
    """It is asked for again."""
    home(stub, **CODE)
    stub.answers["fault/history"] = Error(41200)
    stub.answers["fault/get"] = [{"4120": {"en": "BMS lost"}}]
    for feed in ("devices", "realtime", "faults"):
        snapshot = await stub.vendor.poll(feed)
    assert [row.text for row in snapshot.alarms] == ["BMS lost"]
    stub.answers["fault/history"] = {"faults": [{"faultCode": "4120"}]}
    assert (await stub.vendor.poll("faults")).alarms[0].at is None


# --- the allowance -------------------------------------------------------------------


async def test_the_remaining_count_is_believed(kh: World) -> None:
    """Another client of the account spends from the same pool."""
    await kh.poll("devices")
    kh.sim.vendors["foxess"].spend("kh", 2500)
    await kh.poll("allowance")
    left = kh.ledger.left()
    assert left
    assert left.commands < 400


async def test_no_remaining_count(stub: Stub) -> None:
    """Older servers do not tell it; our own books do."""
    stub.answers["getAccessCount"] = {"total": "1440"}
    before = stub.ledger.left()
    await stub.vendor.poll("allowance")
    after = stub.ledger.left()
    assert before and after
    assert before.commands - after.commands <= 1
