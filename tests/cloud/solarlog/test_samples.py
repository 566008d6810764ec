"""Which channels answer, components over epochs, and what a package does not hold."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from custom_components.solar_cloud.cloud.control import Reason
from custom_components.solar_cloud.cloud.errors import (
    AuthenticationFailed,
    PermissionDenied,
    Refused,
)
from custom_components.solar_cloud.cloud.model import DeviceKind
from custom_components.solar_cloud.cloud.quantity import quantity

from .conftest import Open
from .stub import NOON, PLANT, Later, Page, Stub, slots, told
from .world import World

CHANNELS = f"/{PLANT}/channels"
CROSS = f"/{PLANT}/cross-epoch/channels"
INVERTER = {
    "id": "e1",
    "crossEpochId": "x1",
    "type": "Inverter",
    "name": "WR 1",
    "visualizationChannels": ["ProdPac", "Temp"],
}


def tracker(own: str) -> dict[str, Any]:
    """Return a tracker as it is listed."""
    return {"id": own, "trackerindex": 1, "visualizationChannels": ["ProdPdc"]}


def asked(query: list[tuple[str, str]], key: str) -> list[str]:
    """Return what a request asks for."""
    return [value for name, value in query if name == key]


def plant_values(stub: Stub) -> dict[str, Any]:
    """Return the values of the stub's plant."""
    rows = stub.vendor.snapshots["realtime"].readings[PLANT]
    return {key: row.value for key, row in rows.items()}


async def look(stub: Stub) -> None:
    """Poll all feeds."""
    await stub.vendor.poll("devices")
    await stub.vendor.poll("realtime")


# --- calls ----------------------------------------------------------------------------


async def test_one_call_for_a_plant_once_it_is_known(basic: World) -> None:
    """The first look finds out what answers; after it a single call does."""
    await basic.vendor.identify()
    await basic.poll()
    since = len(basic.sim.calls)
    basic.advance(minutes=16)
    await basic.poll("realtime")
    assert basic.paths(since) == ["/visualization/plant/*/channels"]
    basic.advance(hours=24)
    since = len(basic.sim.calls)
    await basic.poll("realtime")
    assert len(basic.paths(since)) > 4


async def test_three_calls_with_components_and_trackers(single: World) -> None:
    """Plant, components and trackers are a call each."""
    await single.vendor.identify()
    await single.poll()
    since = len(single.sim.calls)
    single.advance(minutes=16)
    await single.poll("realtime")
    assert [path.rpartition("/plant/")[2] for path in single.paths(since)] == [
        "/auth/realms/quotaapi/protocol/openid-connect/token",
        "*/channels",
        "*/cross-epoch/channels",
        "*/channels",
    ]


# --- packages -------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["basic", "basic_battery"])
@pytest.mark.parametrize("unknown", ["left_out", "bad_request"])
async def test_what_is_not_bought_is_absent(
    open_world: Open, name: str, unknown: str
) -> None:
    """403 or nothing: no error, no device, and a reason in diagnostics."""
    world = open_world(name)
    world.account.unknown = unknown
    await world.vendor.identify()
    snapshot = await world.poll()
    assert not snapshot.devices
    assert "pv_power" in world.values()
    absent = snapshot.absent_readings
    assert absent[world.plant.id]["tech_av"] is Reason.NOT_IN_PLAN
    inverter = world.plant.components[0].cross_id
    assert absent[inverter]["inverter_power"] is Reason.NOT_IN_PLAN
    assert set(absent[inverter].values()) == {Reason.NOT_IN_PLAN}
    if name == "basic_battery":
        soc = world.account.drawn.battery[0].name
        row = next(key for key in world.values() if key.endswith("_soc"))
        assert quantity(row).label
        assert quantity(row).label.replace(" ", "") == soc  # type: ignore[union-attr]


async def test_a_package_that_is_bought_later(basic: World) -> None:
    """Within a day the new values are there; when it is given back they go."""
    await basic.vendor.identify()
    await basic.poll()
    basic.account.advanced = basic.plant.advanced = True
    await basic.live(hours=25)
    snapshot = basic.vendor.snapshots["realtime"]
    assert basic.plant.components[0].cross_id in snapshot.devices
    assert "tech_av" in basic.values()
    assert not snapshot.absent_readings
    basic.account.advanced = basic.plant.advanced = False
    await basic.live(hours=1)
    snapshot = basic.vendor.snapshots["realtime"]
    assert not snapshot.devices
    assert "pv_power" in basic.values()
    assert "tech_av" not in basic.values()


@pytest.mark.parametrize("unknown", ["left_out", "bad_request"])
async def test_advanced_with_a_strict_cloud(advanced: World, unknown: str) -> None:
    """Where an unknown name spoils a call, each component is asked by itself."""
    advanced.account.unknown = unknown
    await advanced.vendor.identify()
    await advanced.poll()
    snapshot = advanced.vendor.snapshots["realtime"]
    kinds = {snapshot.devices[row["id"]].kind for row in advanced.plant.listed()}
    assert DeviceKind.BATTERY in kinds
    for row in advanced.plant.listed():
        assert advanced.values(row["id"])
    inverter = advanced.plant.components[0].cross_id
    assert "string_power_2" in advanced.values(inverter)
    advanced.advance(minutes=16)
    await advanced.poll("realtime")
    assert "string_power_2" in advanced.values(inverter)


async def test_a_plant_that_is_denied(stub: Stub) -> None:
    """When not one of the plant's own channels may be read, that is an error."""
    stub.answers[CHANNELS] = Page(status=403, body={})
    await stub.vendor.poll("devices")
    with pytest.raises(PermissionDenied):
        await stub.vendor.poll("realtime")
    stub.answers[CHANNELS] = Page(status=404, body={})
    with pytest.raises(Refused):
        await stub.vendor.poll("realtime")


# --- names ----------------------------------------------------------------------------


async def test_a_channel_not_seen_before_becomes_a_reading(stub: Stub) -> None:
    """Whether a component lists it, or an answer has it unasked; also after a restart."""
    stub.answers["/components/today"] = [
        {"id": "b", "type": "Battery", "visualizationChannels": ["BatZorkSoc"]}
    ]

    def answer(query: list[tuple[str, str]]) -> Any:
        names = asked(query, "channelNames[]")
        if "BatZorkSoc" in names:
            return [told("BatZorkSoc", slots(at1100=55), "%")]
        if "TechAv" in names:
            return []
        return [
            told("ProdPac", slots(at1100=500)),
            told("KpiUnasked", slots(at1100=2), "Wh"),
        ]

    stub.answers[CHANNELS] = answer
    await look(stub)
    values = plant_values(stub)
    assert values["bat_zork_soc"] == 55
    assert values["kpi_unasked"] == 0.002
    assert stub.memory["channels"]["bat_zork_soc"]["unit"] == "%"
    stub.begin()
    assert quantity("bat_zork_soc").unit == "%"


# --- days -----------------------------------------------------------------------------


async def test_a_day_without_values(stub: Stub) -> None:
    """Nothing but null: the plant is not online, nothing is made up, nothing breaks."""
    stub.answers[CHANNELS] = [told("ProdPac", slots(at1100=None, at1105=None))]
    await look(stub)
    assert plant_values(stub) == {
        "online": False,
        "problem": False,
        "plant_health": "disconnected",
    }
    stub.advance(minutes=20)
    stub.answers[CHANNELS] = [told("ProdPac", slots(at1200=5))]
    await stub.vendor.poll("realtime")
    assert plant_values(stub)["pv_power"] == 5


async def test_old_values_stay_while_a_logger_is_silent(single: World) -> None:
    """They keep their stamps, and the plant is disconnected after three uploads."""
    await single.vendor.identify()
    await single.poll()
    before = single.values()
    single.fault("logger_offline")
    await single.live(hours=2)
    now = single.values()
    assert now["pv_power"] == before["pv_power"]
    assert (now["online"], now["plant_health"]) == (False, "disconnected")
    single.sim.clear_faults()
    await single.live(hours=1)
    assert single.values()["online"] is True


async def test_health_in_the_vendors_words(single: World) -> None:
    """Anything but OK is a problem; where nothing is said, nothing is."""
    await single.vendor.identify()
    await single.poll()
    single.fault("device_fault", device=single.plant.id, message="FAILURE")
    await single.live(hours=2)
    assert single.values()["problem"] is True
    assert single.values()["plant_health"] == "faulty"
    snapshot = single.vendor.snapshots["devices"]
    assert snapshot.readings[single.plant.id]["problem"].value is True


async def test_health_that_is_not_told(stub: Stub) -> None:
    """Then there is no problem to show, and none to deny."""
    stub.answers[f"/visualization/plant/{PLANT}"] = {}
    await look(stub)
    assert set(plant_values(stub)) == {"pv_power", "online"}


async def test_a_counter_of_yesterday_is_none_of_today(stub: Stub) -> None:
    """Where a channel has nothing of the day, its counter waits; none is lost."""
    stub.answers[CHANNELS] = [
        told("ProdPac", slots(at0005=5)),
        told("ConsEtotal", {"2026-06-16T23:55:00+02:00": 4}, "Wh", date="2026-06-16"),
    ]
    await look(stub)
    assert "load_energy_today" not in plant_values(stub)
    assert plant_values(stub)["pv_power"] == 5


async def test_a_plant_of_which_nothing_is_known_yet(stub: Stub) -> None:
    """An empty answer is no look around: the next poll looks again."""
    stub.answers[CHANNELS] = []
    await look(stub)
    assert plant_values(stub)["online"] is False
    stub.answers[CHANNELS] = [told("ProdPac", slots(at1100=5))]
    stub.advance(minutes=16)
    await stub.vendor.poll("realtime")
    assert plant_values(stub)["pv_power"] == 5


# --- epochs ---------------------------------------------------------------------------


async def test_an_epoch_changes_and_ids_stay(single: World) -> None:
    """Trackers get other ids at the vendor; ours stay, and values come on."""
    await single.vendor.identify()
    await single.poll()
    devices = set(single.vendor.snapshots["realtime"].devices)
    inverter = single.plant.components[0].cross_id
    keys = set(single.values(inverter))
    single.plant.reconfigure(single.sim.clock.seconds() + 600)
    await single.live(hours=3)
    assert set(single.vendor.snapshots["realtime"].devices) == devices
    assert set(single.values(inverter)) == keys
    at = single.vendor.snapshots["realtime"].readings[inverter]["string_power_1"].at
    assert single.now - at < timedelta(minutes=40)
    assert not single.refused


async def test_a_component_that_is_replaced(single: World) -> None:
    """The new one is a new device, the old one goes."""
    await single.vendor.identify()
    await single.poll()
    old, new = single.plant.components[0], single.plant.components[1]
    assert {old.cross_id, new.cross_id} <= set(
        single.vendor.snapshots["realtime"].devices
    )
    single.fault("device_gone", device=old.cross_id)
    single.advance(hours=25)
    await single.poll()
    devices = single.vendor.snapshots["realtime"].devices
    assert old.cross_id not in devices
    assert new.cross_id in devices


async def test_components_are_listed_again_when_nothing_comes(stub: Stub) -> None:
    """Once an hour at most, and the values wait for it."""
    stub.answers["/components/today"] = Later(
        [[INVERTER | {"mpptrackers": [tracker("t1")]}], [INVERTER]]
    )

    def answer(query: list[tuple[str, str]]) -> Any:
        if asked(query, "mppTrackerIds[]"):
            return []
        return [told("ProdPac", slots(at1100=500))]

    stub.answers[CHANNELS] = answer
    stub.answers[CROSS] = [told("ProdPac", slots(at1100=400), device="x1")]
    await look(stub)
    assert stub.vendor.due("devices", 1.0) == stub.now + timedelta(hours=1)
    stub.advance(minutes=59, seconds=59)
    assert stub.vendor.due("devices", 1.0) > stub.now
    stub.advance(seconds=2)
    assert stub.vendor.due("devices", 1.0) <= stub.now
    await stub.vendor.poll("devices")
    assert stub.vendor.due("devices", 1.0) == stub.now + timedelta(hours=1)
    await stub.vendor.poll("realtime")
    stub.advance(hours=1, seconds=1)
    listed = sum(path.endswith("/components/today") for path in stub.paths())
    await stub.vendor.poll("devices")
    assert listed == sum(path.endswith("/components/today") for path in stub.paths())


# --- components that come and go -----------------------------------------------------


async def test_components_that_fail_keep_what_they_had(stub: Stub) -> None:
    """The plant's own values are not held up; a wrong client is said all the same."""
    stub.answers["/components/today"] = [INVERTER]
    stub.answers[CROSS] = [told("ProdPac", slots(at1100=400), device="x1")]
    await look(stub)
    stub.answers[CROSS] = Page(status=500, text="")
    stub.answers[CHANNELS] = [told("ProdPac", slots(at1100=700))]
    stub.advance(minutes=16)
    snapshot = await stub.vendor.poll("realtime")
    assert snapshot.readings["x1"]["inverter_power"].value == 400
    assert snapshot.readings[PLANT]["pv_power"].value == 700
    stub.answers[CROSS] = Page(status=401, text="")
    stub.advance(minutes=16)
    with pytest.raises(AuthenticationFailed):
        await stub.vendor.poll("realtime")


async def test_one_empty_answer_is_no_other_package(stub: Stub) -> None:
    """Twice in a row it is; then the devices go, until the next day's look."""
    stub.answers["/components/today"] = [INVERTER]
    full = [told("ProdPac", slots(at1100=400), device="x1")]
    stub.answers[CROSS] = Later([full, [], full, Page(status=403, body={}), []])
    for wanted in (True, True, True, True, False, False):
        await look(stub)
        assert ("x1" in stub.vendor.snapshots["realtime"].devices) is wanted
        stub.advance(minutes=16)
    made = len(stub.asked)
    await stub.vendor.poll("realtime")
    assert [path for path, _ in stub.asked[made:] if "cross" in path] == []


async def test_components_without_a_list_of_channels(stub: Stub) -> None:
    """Then those are asked for that its kind has."""
    bare = {key: INVERTER[key] for key in ("id", "crossEpochId", "type")}
    stub.answers["/components/today"] = [bare, {"id": "c", "type": "Heatpump"}]
    seen: list[str] = []

    def answer(query: list[tuple[str, str]]) -> Any:
        seen.extend(asked(query, "channelNames[]"))
        return [told("Temp", slots(at1100=41), "°C", device="x1")]

    stub.answers[CROSS] = answer
    await look(stub)
    assert {"ProdPac", "Temp", "ProdPdc"} <= set(seen)
    snapshot = stub.vendor.snapshots["realtime"]
    assert snapshot.readings["x1"]["inverter_temperature"].value == 41
    assert "c" not in snapshot.devices


async def test_an_answer_that_does_not_say_whose_it_is(stub: Stub) -> None:
    """Then each component is asked by itself, now and later."""
    meter = {"id": "m", "type": "Meter", "visualizationChannels": ["ConsPac"]}
    stub.answers["/components/today"] = [INVERTER, meter]

    def answer(query: list[tuple[str, str]]) -> Any:
        ids = asked(query, "xComponentIds[]")
        value = {"x1": 400, "m": 50}[ids[0]]
        name = asked(query, "channelNames[]")[0]
        if ids == ["m"]:
            return Page(status=400, body={}) if late else [told(name, slots(at1100=50))]
        return [told("ProdPac", slots(at1100=value), device="another")]

    late = False
    stub.answers[CROSS] = answer
    await look(stub)
    snapshot = stub.vendor.snapshots["realtime"]
    assert snapshot.readings["x1"]["inverter_power"].value == 400
    assert snapshot.readings["m"]["load_power"].value == 50
    late = True
    made = len(stub.asked)
    stub.advance(minutes=16)
    await stub.vendor.poll("realtime")
    assert sum("cross" in path for path, _ in stub.asked[made:]) == 2


async def test_a_cloud_in_which_no_component_answers(stub: Stub) -> None:
    """A refused call, and refused ones for each: not in the package."""
    stub.answers["/components/today"] = [INVERTER]
    stub.answers[CROSS] = Page(status=400, body={})
    await look(stub)
    snapshot = stub.vendor.snapshots["realtime"]
    assert not snapshot.devices
    assert snapshot.absent_readings["x1"]["inverter_power"] is Reason.NOT_IN_PLAN


async def test_trackers_that_are_refused(stub: Stub) -> None:
    """The inverter is shown without strings."""
    stub.answers["/components/today"] = [INVERTER | {"mpptrackers": [tracker("t1")]}]
    stub.answers[CROSS] = [told("ProdPac", slots(at1100=400), device="x1")]

    def answer(query: list[tuple[str, str]]) -> Any:
        if asked(query, "mppTrackerIds[]"):
            return Page(status=403, body={})
        return [told("ProdPac", slots(at1100=500))]

    stub.answers[CHANNELS] = answer
    await look(stub)
    readings = stub.vendor.snapshots["realtime"].readings["x1"]
    assert set(readings) == {"inverter_power"}


async def test_after_midnight_yesterday_is_asked_for_too(stub: Stub) -> None:
    """A day's last values come when it is over."""
    stub.now = datetime(2026, 6, 16, 22, 10, tzinfo=UTC)
    stub.begin()
    stub.answers["/components/today"] = [INVERTER]
    days: list[str] = []

    def answer(query: list[tuple[str, str]]) -> Any:
        days.extend(asked(query, "dateFrom"))
        return [told("ProdPac", slots(at0000=400), device="x1")]

    stub.answers[CROSS] = answer
    stub.answers[CHANNELS] = [told("ProdPac", slots(at0005=500))]
    await look(stub)
    stub.now = NOON
    await stub.vendor.poll("realtime")
    assert days == ["yesterday", "today"]
