"""The newest data of all devices: whole, young, in few calls, and quiet at night."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from custom_components.solar_cloud.cloud.errors import (
    Busy,
    CloudUnavailable,
    DeviceGone,
    PermissionDenied,
    QuotaExceeded,
)

from .conftest import Open
from .stub import Error, Later, Page, Stub
from .test_listing import INVERTER, answers
from .test_readings import SECTION_4_3_8, SECTION_4_3_13
from .world import World

from tests.simulator.growatt import rows
from tests.simulator.weather import elevation

# What our devices tell elsewhere, or for a reason not at all.
NOT_OURS = {
    # told of the battery
    "battery_power",
    "battery_soc",
    "battery_charge_energy",
    "battery_discharge_energy",
    "battery_charge_energy_today",
    "battery_discharge_energy_today",
    # derived for the plant
    "load_power",
    "load_energy",
    "load_energy_today",
    # another inverter's
    "external_pv_power",
    # not on the wire
    "power_factor",
    "grid_current_1",
    "string_current_2",
    "battery_current",
    "battery_voltage",
    "battery_temperature",
    "battery_cycles",
}


def _is_close(shown: Any, true: Any) -> bool:
    if isinstance(shown, bool) or not isinstance(shown, (int, float)):
        return bool(shown == true)
    least = 1.0 if abs(true) > 50 else 0.11
    return bool(abs(shown - true) <= max(0.01 * abs(true), least))


async def test_readings_agree_with_the_truth(any_world: World) -> None:
    """Each value of each device is true at the instant of its sample."""
    await any_world.poll("devices")
    snapshot = await any_world.poll("realtime")
    for plant in any_world.account.plants:
        for device in plant.devices:
            truth = plant.truth(device.published(any_world.sim.clock.seconds()))
            subjects = [sn for sn in truth if sn.startswith(device.sn)]
            for subject in subjects:
                shown = snapshot.readings[subject]
                for key, true in truth[subject].items():
                    if key not in shown:
                        assert key in NOT_OURS, (subject, key)
                        continue
                    assert _is_close(shown[key].value, true), (subject, key)
    assert not any_world.refused


async def test_meters_and_sensors(open_world: Open) -> None:
    """What is behind a data logger has the instant of its own stamp."""
    world = open_world("spa")
    await world.poll("devices")
    snapshot = await world.poll("realtime")
    logger = world.plant.loggers[0]
    for address in (1, 2):
        subject = f"{logger.sn}_{address}"
        shown = snapshot.readings[subject]
        at = next(row.at for key, row in shown.items() if key != "online")
        truth = world.plant.truth(at.timestamp())[subject]
        for key, true in truth.items():
            assert _is_close(shown[key].value, true), (subject, key)
        assert shown["online"].value is True


@pytest.mark.parametrize("name", ["old", "min", "sph", "spa"])
async def test_every_field_that_is_served_is_kept(open_world: Open, name: str) -> None:
    """What is no entity is in the raw answers, whole."""
    world = open_world(name)
    await world.poll("devices", "plants", "realtime", "alarms")
    sections = {1: SECTION_4_3_8, 2: SECTION_4_3_13}
    for device in world.account.devices:
        at = device.published(world.sim.clock.seconds())
        served = rows.sample(device, at)
        assert set(sections.get(device.family.type, ())) <= set(served)
        kept: dict[str, Any] = {}
        for key, row in world.vendor.raw.items():
            if device.sn in key and "last" in key:
                kept = row["data"]
            if device.sn in key and "s_data" in key:
                kept = row[device.sn]
        assert set(served) <= set(kept), device.sn
        assert any(device.sn in key and "data_info" in key for key in world.vendor.raw)


# --- how it is asked ------------------------------------------------------------------


async def test_several_of_a_family_are_asked_together(stub: Stub) -> None:
    """One call serves both MINs of a plant."""
    stub.answers |= two_mins(
        tlxs_data=lambda params: {
            sn: {sn: newest(stub.now)} for sn in params["tlxs"].split(",")
        }
    )
    await stub.vendor.poll("devices")
    snapshot = await stub.vendor.poll("realtime")
    for sn in ("BNE1", "BNE2"):
        assert snapshot.readings[sn]["inverter_power"].value == 500.5
        assert set(stub.vendor.raw[f"/v1/device/tlx/tlxs_data {sn}"]) == {sn}
    assert stub.asked[-1] == (
        "/v1/device/tlx/tlxs_data",
        {"tlxs": "BNE1,BNE2", "pageNum": "1"},
    )


async def test_many_plants_are_asked_by_the_family(stub: Stub) -> None:
    """An installer's plants need no call each."""
    plants = [{"plant_id": n, "name": f"Roof {n}"} for n in range(9)]
    stub.answers |= answers(
        plant__list={"count": 9, "plants": plants},
        device__list=lambda params: {
            "devices": [INVERTER | {"device_sn": f"BNE{params['plant_id']}"}]
        },
        datalogger__list=None,
        tlxs_data=lambda params: {
            sn: {sn: newest(stub.now)} for sn in params["tlxs"].split(",")
        },
    )
    await stub.vendor.poll("devices")
    calls = len(stub.asked)
    snapshot = await stub.vendor.poll("realtime")
    assert len(snapshot.readings) == 9
    assert stub.paths()[calls:] == ["/v1/device/tlx/tlxs_data"]


async def test_who_is_alone_is_asked_alone(open_world: Open) -> None:
    """Each of a kind at a plant has its own call."""
    world = open_world("min")
    await world.poll("devices")
    calls = len(world.sim.calls)
    await world.poll("realtime")
    assert sorted(world.paths(calls)) == [
        "/v1/device/ammeter/meter_last_data",
        "/v1/device/tlx/tlx_last_data",
        "/v1/device/tlx/tlx_last_data",
    ]
    world = open_world("sph")
    await world.poll("devices")
    calls = len(world.sim.calls)
    await world.poll("realtime")
    assert world.paths(calls) == ["/v1/device/mix/mix_last_data"]
    planned = world.vendor.calls("realtime")
    assert [row.endpoint for row in planned] == world.paths(calls)


def two_mins(**more: Any) -> dict[str, Any]:
    """Return the answers of a plant with two MINs."""
    return answers(
        device__list={"devices": [INVERTER, INVERTER | {"device_sn": "BNE2"}]}, **more
    )


def newest(at: datetime, **values: Any) -> dict[str, Any]:
    """Return the newest data of a MIN, measured at an instant."""
    written = f"{at + timedelta(hours=2):%Y-%m-%d %H:%M:%S}"
    return {"time": written, "status": 1, "pac": 500.5, **values}


async def test_more_than_a_hundred_are_asked_in_parts(stub: Stub) -> None:
    """A batch takes a hundred serials."""
    inverters = [INVERTER | {"device_sn": f"BNE{n:03}"} for n in range(130)]

    def devices(params: dict[str, str]) -> dict[str, Any]:
        first = (int(params["page"]) - 1) * 100
        return {"count": 130, "devices": inverters[first : first + 100]}

    def batch(params: dict[str, str]) -> dict[str, Any]:
        sns = params["tlxs"].split(",")
        assert len(sns) <= 100
        return {sn: {"dataloggerSn": "LOG1", sn: newest(stub.now)} for sn in sns}

    stub.answers |= answers(device__list=devices, tlxs_data=batch)
    await stub.vendor.poll("devices")
    snapshot = await stub.vendor.poll("realtime")
    powers = [row["inverter_power"].value for row in snapshot.readings.values() if row]
    assert powers == [500.5] * 130
    assert stub.paths().count("/v1/device/tlx/tlxs_data") == 2


@pytest.mark.parametrize(
    "refusal", [Error(10005), Error(10011), Error(10001), Page("?"), Page("", 404)]
)
async def test_a_batch_that_is_refused_is_asked_one_by_one(
    stub: Stub, refusal: Any
) -> None:
    """Not every account's service has it, and one serial may spoil it."""
    stub.answers |= two_mins(
        tlxs_data=refusal,
        tlx_last_data=lambda params: (
            newest(stub.now) if params["tlx_sn"] == "BNE1" else Error(10002)
        ),
    )
    await stub.vendor.poll("devices")
    snapshot = await stub.vendor.poll("realtime")
    assert snapshot.readings["BNE1"]["inverter_power"].value == 500.5
    assert "inverter_power" not in snapshot.readings["BNE2"]
    # One is missed, so that the list is read again.
    assert stub.vendor.due("devices", 1.0) <= stub.now


async def test_meters_are_asked_with_their_plant(stub: Stub) -> None:
    """Each plant has its own meter; a plant without any device is no trouble."""
    plants = [{"plant_id": n, "name": f"Roof {n}"} for n in (7, 8, 9)]
    stub.answers |= answers(
        plant__list={"count": 3, "plants": plants},
        device__list={"devices": [{"type": 3, "device_sn": "AMMETER"}]},
        datalogger__list=lambda params: {
            "dataloggers": [{"sn": f"LOG{params['plant_id']}"}]
            if params["plant_id"] != "9"
            else []
        },
        meter_list={"meters": [{"address": 1}]},
        meter_last_data=lambda params: {
            "timeText": newest(stub.now)["time"],
            "activePower": float(params["datalog_sn"].removeprefix("LOG")),
        },
    )
    await stub.vendor.poll("devices")
    snapshot = await stub.vendor.poll("realtime")
    assert {
        sn: row["grid_power"].value for sn, row in snapshot.readings.items() if row
    } == {"LOG7_1": 7, "LOG8_1": 8}


async def test_the_sun_that_an_spa_sees(stub: Stub) -> None:
    """It is told unless that inverter is in the account, too."""
    spa = INVERTER | {"device_sn": "SPA1", "type": 6}
    told = newest(stub.now, ppvInverter=900.5, soc=50.0)
    stub.answers |= answers(
        device__list=Later([{"devices": [spa]}, {"devices": [spa, INVERTER]}]),
        spa_data_info={},
        spa_last_data=lambda _: told,
        tlx_last_data=lambda _: newest(stub.now),
    )
    await stub.vendor.poll("devices")
    snapshot = await stub.vendor.poll("realtime")
    assert snapshot.readings["SPA1"]["external_pv_power"].value == 900.5
    stub.advance(minutes=6)
    await stub.vendor.poll("devices")
    snapshot = await stub.vendor.poll("realtime")
    assert "external_pv_power" not in snapshot.readings["SPA1"]


async def test_a_batch_without_the_inner_serial(stub: Stub) -> None:
    """The fields may be under the serial at once; who is left out is unknown."""
    stub.answers |= two_mins(tlxs_data=lambda params: {"BNE1": newest(stub.now)})
    await stub.vendor.poll("devices")
    snapshot = await stub.vendor.poll("realtime")
    assert snapshot.readings["BNE1"]["inverter_power"].value == 500.5
    assert set(snapshot.readings["BNE2"]) == {"online"}


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Error(10011), PermissionDenied),
        (Error(10001), Busy),
        (Error(10002), DeviceGone),
        (Error(10012, "error_frequently_access"), QuotaExceeded),
        (Page("", 503), CloudUnavailable),
    ],
)
async def test_when_nothing_comes_the_poll_fails(
    stub: Stub, answer: Any, kind: type[Exception]
) -> None:
    """A refused call is not an empty plant."""
    stub.answers |= answers(tlx_last_data=answer)
    await stub.vendor.poll("devices")
    with pytest.raises(kind):
        await stub.vendor.poll("realtime")
    # Trying again at once does not ask again, and tells the same.
    calls = len(stub.asked)
    with pytest.raises(kind):
        await stub.vendor.poll("realtime")
    assert len(stub.asked) == calls


async def test_what_came_stays_when_the_cloud_goes_down(open_world: Open) -> None:
    """One family may be read, and the next not."""
    world = open_world("spa")
    await world.poll("devices")
    before = await world.readings()
    world.advance(minutes=10)
    world.fault("drop_before", "spa_last_data")
    after = await world.readings()
    maxi, spa = world.device("max").sn, world.device("spa").sn
    assert before[maxi]["inverter_power"] != after[maxi]["inverter_power"]
    assert before[spa]["load_power"] == after[spa]["load_power"]


async def test_a_cloud_that_is_down_is_not_asked_for_everything(
    open_world: Open,
) -> None:
    """Two lost answers are enough; an outage must not take minutes."""
    world = open_world("spa")
    await world.poll("devices", "realtime")
    world.advance(minutes=10)
    world.fault("drop_before")
    calls = len(world.sim.calls)
    with pytest.raises(CloudUnavailable):
        await world.poll("realtime")
    assert len(world.sim.calls) == calls + 2


async def test_a_forced_poll_costs_nothing(any_world: World) -> None:
    """What must not be asked again yet is what it was, and no error."""
    await any_world.poll("devices", "plants", "realtime", "alarms")
    calls = len(any_world.sim.calls)
    before = any_world.vendor.snapshots["realtime"].readings
    await any_world.poll("devices", "plants", "realtime", "alarms")
    assert any_world.vendor.snapshots["realtime"].readings.keys() == before.keys()
    fast = {
        "/v1/device/storage/storage_last_data",
        "/v1/device/mix/mix_last_data",
        "/v1/device/spa/spa_last_data",
    }
    asked = set(any_world.paths(calls))
    assert not {path for path in asked - fast if "alarm_data" not in path}
    assert not any_world.refused


async def test_an_answer_without_a_stamp_is_no_sample(stub: Stub) -> None:
    """Without a time nothing can be said of now."""
    stub.answers |= answers(tlx_last_data=Later([{"pac": 400.0}, "", newest(stub.now)]))
    await stub.vendor.poll("devices")
    for _ in range(2):
        snapshot = await stub.vendor.poll("realtime")
        assert set(snapshot.readings["BNE1"]) == {"online"}
        stub.advance(minutes=5, seconds=1)
    snapshot = await stub.vendor.poll("realtime")
    assert snapshot.readings["BNE1"]["inverter_power"].value == 500.5


# --- when -----------------------------------------------------------------------------


async def _live(world: World, hours: float) -> dict[str, list[float]]:
    """Poll as the vendor wants it; return the ages of the newest powers in s."""
    ages: dict[str, list[float]] = {}
    end = world.clock.now() + timedelta(hours=hours)
    await world.poll("devices", "realtime")
    while world.clock.now() < end:
        now = world.clock.now()
        dark = [
            plant.id
            for plant in world.account.plants
            if elevation(
                plant.home.spec.latitude, plant.home.spec.longitude, now.timestamp()
            )
            < 0
        ]
        feeds = {
            feed: world.vendor.due(feed, 1.0, dark) for feed in ("devices", "realtime")
        }
        feed = min(feeds, key=lambda feed: feeds[feed])
        world.advance(seconds=max(1.0, (feeds[feed] - now).total_seconds()))
        for sn, rows_of in world.vendor.snapshots["realtime"].readings.items():
            at = [row.at for key, row in rows_of.items() if key.endswith("_power")]
            if at:
                age = (world.clock.now() - max(at)).total_seconds()
                ages.setdefault(sn, []).append(age)
        await world.poll(feed, dark=dark)
    return ages


async def test_samples_are_young_and_no_call_is_refused(any_world: World) -> None:
    """Once in five minutes is enough for samples that come once in five minutes."""
    ages = await _live(any_world, 5)
    assert not any_world.refused
    for device in any_world.account.devices:
        # Their upload is five minutes old when it is replaced, half a minute later it is
        # there, and once it may be missed as five minutes have not passed yet.
        later = sorted(ages[device.sn])[: -len(ages[device.sn]) // 20]
        assert max(later) <= 500, device.family.name
        assert max(ages[device.sn]) <= 640, device.family.name


async def test_a_night(open_world: Open) -> None:
    """An inverter without a battery sleeps: no power, counters as they were."""
    world = open_world("old")
    alone = world.account.plants[1].devices[0]
    world.advance(hours=6)
    await _live(world, 6)
    world.advance(hours=3)
    dark = [plant.id for plant in world.account.plants]
    before = await world.poll("realtime", dark=dark)
    shown = {key: row.value for key, row in before.readings[alone.sn].items()}
    assert shown["inverter_state"] == "standby"
    assert shown["pv_power"] == shown["inverter_power"] == 0
    assert shown["grid_voltage_1"] is None
    assert shown["inverter_energy"] > 0
    assert shown["online"] is False
    # The machine with a battery goes on.
    stored = before.readings[world.device("storage").sn]
    assert stored["inverter_state"].value == "producing"


async def test_an_inverter_that_sleeps_is_looked_at_rarely(open_world: Open) -> None:
    """Every quarter of an hour is enough in the dark; at dawn it is awaited."""
    world = open_world("min")
    world.account.plants.pop(0)
    plant = world.plant
    world.plants = frozenset({plant.id})
    world.begin()
    await world.poll("devices", "realtime")
    # The logger is silent, and it gets dark.
    world.fault("logger_offline", device=plant.devices[0].sn)
    world.advance(minutes=21)
    assert world.vendor.due("realtime", 1.0, [plant.id]) <= world.clock.now()
    await world.poll("realtime", dark=[plant.id])
    due = world.vendor.due("realtime", 1.0, [plant.id])
    assert due - world.clock.now() > timedelta(minutes=14)
    world.advance(minutes=5)
    snapshot = await world.poll("realtime")
    assert snapshot.readings[plant.devices[0].sn]["inverter_state"].value == "standby"
    world.advance(hours=3)
    snapshot = await world.poll("realtime")
    assert snapshot.readings[plant.devices[0].sn]["online"].value is False


async def test_a_restart_goes_on_where_it_was(open_world: Open) -> None:
    """Rhythm, parts and batteries are remembered; nothing is asked twice."""
    world = open_world("spa")
    for feed in ("devices", "realtime"):
        await world.poll(feed)
    kept = dict(world.vendor.snapshots)
    due = world.vendor.due("realtime", 1.0)
    calls = len(world.sim.calls)
    world.begin()
    for feed, snapshot in kept.items():
        await world.vendor.restore(feed, snapshot)
    assert abs(world.vendor.due("realtime", 1.0) - due) < timedelta(seconds=11)
    assert world.vendor.due("devices", 1.0) > world.clock.now()
    assert len(world.sim.calls) == calls
    sn = world.device("spa").sn
    assert world.vendor.snapshots["realtime"].devices[sn].has_battery


async def test_a_poll_soon_after_a_restart_is_no_error(open_world: Open) -> None:
    """What must not be asked again yet is shown as it was; nothing known is an error."""
    world = open_world("min")
    for feed in ("devices", "realtime"):
        await world.poll(feed)
    kept = dict(world.vendor.snapshots)
    world.begin()
    await world.vendor.restore("devices", kept["devices"])
    with pytest.raises(QuotaExceeded):
        await world.poll("realtime")
    await world.vendor.restore("realtime", kept["realtime"])
    calls = len(world.sim.calls)
    snapshot = await world.poll("realtime")
    sn = world.device("tlx").sn
    assert (
        snapshot.readings[sn]["pv_power"] == kept["realtime"].readings[sn]["pv_power"]
    )
    assert len(world.sim.calls) == calls


async def test_a_plant_with_a_clock_of_the_server(open_world: Open) -> None:
    """Some data is stamped eight hours ahead of UTC."""
    world = open_world("sph")
    world.plant.server_time = True
    await world.poll("devices")
    snapshot = await world.poll("realtime")
    sn = world.device("mix").sn
    published = world.device("mix").published(world.sim.clock.seconds())
    assert snapshot.readings[sn]["pv_power"].at.timestamp() == published


# --- what steering has to know --------------------------------------------------------


async def test_machines(open_world: Open) -> None:
    """What measures the grid, what is rated, and which has a battery."""
    world = open_world("min")
    await world.poll("devices")
    hybrid, alone = (row.sn for row in world.account.devices)
    assert world.vendor.machine(hybrid).has_meter is True
    assert world.vendor.machine(alone).has_meter is None
    assert not world.vendor.machine(hybrid).has_battery
    await world.poll("realtime")
    machine = world.vendor.machine(hybrid)
    assert machine.has_battery
    assert machine.rated == 5000
    assert machine.family.name == "min"
    assert world.vendor.machine(alone).has_meter is False
    assert world.vendor.scheduled(world.plant.id) == (hybrid,)
