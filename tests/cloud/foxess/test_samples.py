"""The newest samples: equal to the truth, asked in time, and honest at night."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from custom_components.solar_cloud.cloud.errors import (
    CloudUnavailable,
    DeviceGone,
    UnexpectedAnswer,
)
from custom_components.solar_cloud.cloud.foxess.listing import Listing
from custom_components.solar_cloud.cloud.model import (
    Device,
    DeviceKind,
    Plant,
    Snapshot,
)

from .stub import Error, Later, Stub
from .world import World

from tests.simulator import Simulator

REAL = "/op/v1/device/real/query"
STAMP = "2026-06-17 11:00:00 BST+0100"

# Steps of the vendor's resolution, beyond 1 %.
SAME = {
    "battery_soc": 0.51,
    "battery_cycles": 1,
    "power_factor": 0.01,
}


def agree(key: str, value: Any, truth: Any) -> bool:
    """Return whether a reading equals the truth within the vendor's resolution."""
    if isinstance(truth, bool | str) or truth is None:
        return bool(value == truth)
    step = SAME.get(key, 1.0 if "power" in key else 0.06)
    return bool(abs(value - truth) <= max(step, abs(truth) * 0.01))


@pytest.mark.parametrize("hours", [0, 3.5, 9, 14])
async def test_readings_equal_the_truth(any_home: World, hours: float) -> None:
    """Every quantity, of every device, at the time stamp of its sample."""
    any_home.advance(hours=hours)
    await any_home.poll("devices")
    values = await any_home.readings()
    compared = set()
    for plant in any_home.account.plants:
        at = plant.published(any_home.sim.clock.seconds())
        for device, truth in plant.truth(at).items():
            for key, value in values.get(device, {}).items():
                if key in truth:
                    assert agree(key, value, truth[key]), (device, key)
                    compared.add(key)
    expected = {"pv_power", "inverter_power", "grid_power", "battery_power"} | {
        "battery_soc",
        "pv_energy",
        "battery_remaining_energy",
        "grid_import_energy",
        "string_power_1",
        "grid_voltage_1",
        "problem",
    }
    assert expected <= compared
    assert not any_home.refused


async def test_battery_ids(h3: World) -> None:
    """Each battery is a device under the serial number of its control unit."""
    await h3.poll("devices")
    snapshot = await h3.poll("realtime")
    serials = [row.serials[0] for row in h3.device.batteries]
    assert [row.id for row in snapshot.devices.values()] == serials
    assert [row.number for row in snapshot.devices.values()] == [1, 2]
    capacities = [
        snapshot.readings[serial]["battery_capacity"].value for serial in serials
    ]
    assert capacities == pytest.approx([11.52, 8.64])


@pytest.mark.parametrize(
    ("zone", "name"),
    [("Australia/Brisbane", "AEST+1000"), ("Europe/Berlin", "CEST+0200")],
)
async def test_time_stamps(stub: Stub, zone: str, name: str) -> None:
    """The numeric offset counts, whatever zone is named."""
    home(stub, sample(time=f"2026-06-17 12:00:00 {name}"))
    snapshot = await realtime(stub)
    offset = timedelta(hours=int(name[-5:-2]))
    at = datetime(2026, 6, 17, 12, tzinfo=UTC) - offset
    assert snapshot.readings["SN1"]["pv_power"].at == min(at, stub.now)


def sample(sn: str = "SN1", **given: Any) -> dict[str, Any]:
    """Return a sample of an inverter."""
    datas = [
        {"variable": key, "value": value, "unit": ""}
        for key, value in given.pop("datas", {"pvPower": 1.5, "generation": 9}).items()
    ]
    return {"deviceSN": sn, "time": STAMP, "datas": datas, **given}


def home(
    stub: Stub, *samples: Any, sns: tuple[str, ...] = ("SN1",), **row: Any
) -> None:
    """Let a server have one plant."""
    stub.answers |= {
        "plant/list": {"data": [{"stationID": "P", "ianaTimezone": "Europe/London"}]},
        "plant/detail": {"capacity": 5},
        "device/list": {
            "data": [
                {"deviceSN": sn, "stationID": "P", "status": 1, **row} for sn in sns
            ]
        },
        "device/detail": {"capacity": 5},
        "module/list": {"data": []},
        "gw/list": {"data": []},
        REAL: list(samples),
    }


async def realtime(stub: Stub) -> Snapshot:
    """Poll the newest samples."""
    await stub.vendor.poll("devices")
    return await stub.vendor.poll("realtime")


async def test_a_sample_without_a_time(stub: Stub) -> None:
    """Some inverters send none: it is taken as of now."""
    home(stub, sample(time=None))
    snapshot = await realtime(stub)
    assert snapshot.readings["SN1"]["pv_power"].at == stub.now
    assert stub.vendor.due("realtime", 1) == stub.now + timedelta(seconds=300)


async def test_a_time_in_the_future(stub: Stub) -> None:
    """A reading is never newer than now."""
    home(stub, sample(time="2026-06-18 12:00:00 GMT+0000"))
    snapshot = await realtime(stub)
    assert snapshot.readings["SN1"]["pv_power"].at == stub.now


@pytest.mark.parametrize("datas", [None, [], "x", {}])
async def test_a_sample_without_values(stub: Stub, datas: Any) -> None:
    """It is asked for again when the next one should be there."""
    home(stub, sample() | {"datas": datas})
    snapshot = await realtime(stub)
    assert list(snapshot.readings["SN1"]) == ["online"]
    assert stub.vendor.due("realtime", 1) == stub.now + timedelta(seconds=300)


@pytest.mark.parametrize("rows", [[], [None], [{"deviceSN": "X", "datas": [1]}]])
async def test_an_inverter_that_is_left_out(stub: Stub, rows: Any) -> None:
    """It is not asked again and again; the list is read anew."""
    home(stub)
    stub.answers[REAL] = rows
    await realtime(stub)
    assert stub.vendor.due("realtime", 1) == stub.now + timedelta(seconds=300)
    assert stub.vendor.due("devices", 1) == stub.now


async def test_one_source_of_the_yield(stub: Stub) -> None:
    """PVEnergyTotal once it was above zero, else the production."""
    home(stub, sample(datas={"generation": 50, "PVEnergyTotal": 0}))
    values = (await realtime(stub)).readings["SN1"]
    assert values["pv_energy"].value == values["inverter_energy"].value == 50
    for sent, told in ((61, 61), (0, None), (None, None), (62, 62)):
        stub.answers[REAL] = [sample(datas={"generation": 51, "PVEnergyTotal": sent})]
        values = (await stub.vendor.poll("realtime")).readings["SN1"]
        assert (values["pv_energy"].value if "pv_energy" in values else None) == told
    stub.answers[REAL] = [sample(datas={"pvPower": 1})]
    assert "pv_energy" not in (await stub.vendor.poll("realtime")).readings["SN1"]


@pytest.mark.parametrize("there", [True, False, "true", None])
async def test_generation_of_others(stub: Stub, there: Any) -> None:
    """The second meter tells it only where the detail says that there is some."""
    home(stub, sample(datas={"meterPower2": -0.8}))
    stub.answers["device/detail"] = {"capacity": 5, "thirdPartyGen": there}
    values = (await realtime(stub)).readings["SN1"]
    shown = values["external_pv_power"].value if "external_pv_power" in values else None
    assert shown == (800 if there else None)


async def test_a_battery_that_no_list_told_of(stub: Stub) -> None:
    """It is a device all the same."""
    home(stub, sample(datas={"SoC": 55}), hasBattery=False)
    snapshot = await realtime(stub)
    assert snapshot.devices["SN1_battery_1"].kind is DeviceKind.BATTERY
    assert snapshot.readings["SN1_battery_1"]["battery_soc"].value == 55


async def test_batches(stub: Stub) -> None:
    """Fifty in a call; what fails after a first success leaves the rest as it is."""
    sns = tuple(f"SN{n}" for n in range(120))
    home(stub, sns=sns)
    stub.answers[REAL] = lambda params: [sample(sn) for sn in params["sns"]]
    await stub.vendor.poll("devices")
    stub.asked.clear()
    snapshot = await stub.vendor.poll("realtime")
    assert [len(params["sns"]) for _, params in stub.asked] == [50, 50, 20]
    assert set(snapshot.readings) == set(sns)
    assert [row.cost for row in stub.vendor.calls("realtime")] == [50, 50, 20]
    stub.advance(minutes=10)
    stub.answers[REAL] = Later([[sample(sn) for sn in sns[:50]], Error(30000)])
    assert set((await stub.vendor.poll("realtime")).readings) == set(sns)
    with pytest.raises(CloudUnavailable):
        await stub.vendor.poll("realtime")


async def test_an_inverter_that_is_gone(kh: World) -> None:
    """The others are still read, and the list is asked again."""
    await kh.poll("devices", "realtime")
    other = kh.account.devices[1]
    kh.fault("device_gone", device=other.sn)
    kh.advance(minutes=5)
    assert kh.vendor.due("devices", 1) > kh.clock.now()
    snapshot = await kh.poll("realtime")
    assert kh.sn in snapshot.readings
    assert kh.vendor.due("devices", 1) == kh.clock.now()
    devices = await kh.poll("devices")
    assert other.sn not in devices.devices


async def test_a_batch_refused_for_one_of_them(kh: World) -> None:
    """Each inverter is asked by itself; the one that is gone does not spoil the rest."""
    await kh.poll("devices")
    other = kh.account.devices[1].sn
    kh.fault("errno", REAL, errno=41930, count=1)
    kh.fault("device_gone", device=other)
    snapshot = await kh.poll("realtime")
    assert "pv_power" in snapshot.readings[kh.sn]
    assert "pv_power" not in snapshot.readings[other]


async def test_the_only_inverter_is_gone(h3: World) -> None:
    """That is told as it is."""
    await h3.poll("devices")
    h3.fault("errno", REAL, errno=41930)
    with pytest.raises(DeviceGone):
        await h3.poll("realtime")
    assert h3.vendor.due("devices", 1) == h3.clock.now()


async def test_the_old_interface(kh: World) -> None:
    """Servers that know no batch are asked one by one; the new one is tried daily."""
    await kh.poll("devices")
    kh.fault("status", REAL, status=404)
    assert len((await kh.poll("realtime")).readings) == 3
    kh.advance(minutes=5)
    calls = len(kh.sim.calls)
    await kh.poll("realtime")
    assert set(kh.paths(calls)) == {"/op/v0/device/real/query"}
    kh.sim.clear_faults()
    kh.advance(hours=25)
    calls = len(kh.sim.calls)
    await kh.poll("realtime")
    assert kh.paths(calls) == [REAL]


async def test_garbage_keeps_what_was(kh: World) -> None:
    """A refused call is no empty plant."""
    await kh.poll("devices")
    before = (await kh.poll("realtime")).readings
    kh.fault("html", REAL)
    with pytest.raises(UnexpectedAnswer):
        await kh.poll("realtime")
    assert kh.vendor.snapshots["realtime"].readings == before


# --- when --------------------------------------------------------------------------


async def test_asked_when_it_should_be_there(h3: World) -> None:
    """One call for each upload of five minutes, soon after it shows."""
    await h3.poll("devices")
    calls, ages = len(h3.sim.calls), []
    end = h3.clock.now() + timedelta(hours=6)
    while h3.clock.now() < end:
        snapshot = await h3.poll("realtime")
        ages.append(h3.clock.now() - snapshot.readings[h3.sn]["pv_power"].at)
        due = h3.vendor.due("realtime", 1)
        assert due > h3.clock.now()
        h3.sim.clock.set(due)
    made = len(h3.sim.calls) - calls
    assert 72 <= made <= 95
    assert sum(ages, timedelta()) / len(ages) < timedelta(seconds=60)


async def test_two_rhythms(kh: World) -> None:
    """Only those are asked whose next sample is due."""
    await kh.poll("devices", "realtime")
    asked = []
    for _ in range(8):
        kh.sim.clock.set(kh.vendor.due("realtime", 1))
        await kh.poll("realtime")
        asked.append(len(kh.sim.calls[-1].params["sns"]))
    assert 1 in asked


async def test_a_string_inverter_at_night(kh: World) -> None:
    """It sleeps: no power, counters as they were, and few calls."""
    string = kh.account.devices[1]
    plant = kh.account.plants[1].id
    await kh.poll("devices")
    kh.sim.clock.set(datetime(2026, 6, 17, 18, tzinfo=UTC))
    counted = (await kh.readings())[string.sn]["inverter_energy"]
    asked = 0
    for minutes in range(0, 360, 15):
        string.night = ("frozen", "erroneous", "missing")[minutes // 120]
        kh.sim.clock.set(datetime(2026, 6, 17, 22, minutes % 60, tzinfo=UTC))
        kh.advance(hours=minutes // 60)
        calls = len(kh.sim.calls)
        snapshot = await kh.poll("realtime", dark=[plant])
        asked += any(string.sn in row.params["sns"] for row in kh.sim.calls[calls:])
        values = snapshot.readings[string.sn]
        assert values["inverter_state"].value == "standby"
        assert values["inverter_state"].at == snapshot.at
        if string.night != "missing":
            assert values["pv_power"].value == 0
            assert values["inverter_energy"].value >= counted
            assert values["grid_frequency"].value is None
            voltage = values.get("string_voltage_1")
            assert voltage is None or voltage.value is None
    assert asked <= 25


async def test_falling_asleep(stub: Stub) -> None:
    """It is shown as soon as the last sample is old: power is never unknown."""
    home(stub, sample(), hasBattery=False)
    await realtime(stub)
    last = datetime(2026, 6, 17, 10, tzinfo=UTC)
    while stub.now - last < timedelta(minutes=40):
        due = stub.vendor.due("realtime", 1, ["P"])
        stub.now = max(due.astimezone(UTC), stub.now)
        stub.advance(seconds=1)
        snapshot = await stub.vendor.poll("realtime", dark=["P"])
        power = snapshot.readings["SN1"]["pv_power"]
        assert stub.now - power.at < timedelta(minutes=20)
    assert power.value == 0


async def test_a_string_inverter_at_dawn(kh: World) -> None:
    """It stays asleep until its first sample, for some time after sunrise."""
    string = kh.account.devices[1]
    plant = kh.account.plants[1].id
    await kh.poll("devices")
    kh.sim.clock.set(datetime(2026, 6, 18, 2, tzinfo=UTC))
    await kh.poll("realtime", dark=[plant])
    due = kh.vendor.due("realtime", 1)
    assert due - kh.clock.now() <= timedelta(minutes=5)
    states = []
    while kh.clock.now() < datetime(2026, 6, 18, 7, tzinfo=UTC):
        snapshot = await kh.poll("realtime")
        values = snapshot.readings[string.sn]
        states.append(values["inverter_state"].value)
        if states[-1] == "standby":
            assert values["pv_power"].value == 0
        kh.advance(minutes=5)
    assert set(states) == {"standby", "producing"}
    assert states == sorted(states, reverse=True)


async def test_an_inverter_that_does_not_wake_up(kh: World) -> None:
    """After some hours of sun it no longer counts as asleep."""
    string = kh.account.devices[1]
    plant = kh.account.plants[1].id
    await kh.poll("devices")
    kh.sim.clock.set(datetime(2026, 6, 18, 2, tzinfo=UTC))
    await kh.poll("realtime", dark=[plant])
    kh.fault("logger_offline", device=string.sn)
    kh.advance(hours=3)
    assert (await kh.readings())[string.sn]["inverter_state"] != "standby"


async def test_online_as_soon_as_it_shows(kh: World) -> None:
    """A new sample tells more than the list of an hour ago; an old one tells nothing."""
    kh.fault("logger_offline", device=kh.sn, seconds=3600)
    kh.advance(minutes=30)
    listed = await kh.poll("devices")
    assert listed.readings[kh.sn]["online"].value is False
    assert (await kh.readings())[kh.sn]["online"] is False
    kh.advance(minutes=40)
    assert (await kh.readings())[kh.sn]["online"] is True
    kh.fault("device_gone", device=kh.sn)
    kh.advance(minutes=20)
    assert (await kh.readings())[kh.sn]["online"] is False


async def test_a_battery_never_sleeps(kh: World) -> None:
    """A hybrid is asked at night as by day."""
    await kh.poll("devices")
    kh.advance(hours=13)
    dark = [row.id for row in kh.account.plants]
    snapshot = await kh.poll("realtime", dark=dark)
    assert snapshot.readings[kh.sn]["inverter_state"].value == "producing"


async def test_after_a_restart(kh: World) -> None:
    """The rhythm, the readings and the ids of the batteries go on."""
    devices = await kh.poll("devices")
    samples = await kh.poll("realtime")
    due = kh.vendor.due("realtime", 1)
    calls = len(kh.sim.calls)
    kh.begin()
    assert kh.vendor.due("devices", 1) == kh.clock.now()
    await kh.vendor.restore("devices", devices)
    await kh.vendor.restore("realtime", samples)
    assert kh.vendor.due("realtime", 1) == due
    assert kh.vendor.due("devices", 1) == devices.at + timedelta(hours=1)
    assert len(kh.sim.calls) == calls
    assert kh.vendor.snapshots["realtime"] == samples


async def test_an_account_without_inverters(stub: Stub) -> None:
    """There is nothing to ask; the feeds go on at their pace."""
    home(stub, sns=())
    for feed in ("devices", "realtime", "settings", "totals", "faults"):
        assert (await stub.vendor.poll(feed)).readings == {}
    assert stub.vendor.due("realtime", 2) == stub.now + timedelta(minutes=10)


def test_capacities_of_no_battery(sim: Simulator) -> None:
    """An inverter without a battery has none, whatever is remembered."""
    listing = Listing.__new__(Listing)
    device = Device(id="SN", plant=Plant(id="P", name="P").id, kind=DeviceKind.INVERTER)
    assert listing.capacities(device) == {}
