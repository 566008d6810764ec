"""What an account of each package shows, when it is polled, and what survives a restart."""

from datetime import date, timedelta
from itertools import pairwise
import json
from typing import Any

import pytest

from custom_components.solar_cloud.cloud.errors import (
    CloudUnavailable,
    NotSupported,
    PermissionDenied,
    UnexpectedAnswer,
)
from custom_components.solar_cloud.cloud.model import Device, DeviceKind, Snapshot
from custom_components.solar_cloud.cloud.solarlog.cloud import SOLARLOG
from custom_components.solar_cloud.cloud.solarlog.rhythm import Rhythm
from custom_components.solar_cloud.cloud.vendor import Vendor

from .conftest import Open
from .stub import NOON, PLANT, Later, Page, Stub, slots, told
from .world import World

# How far a value may be off: what the vendor rounds, by what a key ends in.
ROUNDED = {"_energy": 0.6, "_energy_today": 0.11}


@pytest.mark.parametrize("name", ["advanced", "basic", "basic_battery"])
async def test_values_are_true(open_world: Open, name: str) -> None:
    """All that is true of a plant and its components is shown, and nothing is refused."""
    world = open_world(name)
    await world.vendor.identify()
    await world.poll()
    for plant in world.account.plants:
        world.plant = plant
        shown = {"": world.values()} | {
            row["id"]: world.values(row["id"]) for row in plant.listed()
        }
        truth = plant.truth(plant.published(world.sim.clock.seconds()))
        for subject, values in truth.items():
            for key, value in values.items():
                if key == "data_timestamp":
                    continue
                assert key in shown[subject], (subject, key)
                if isinstance(value, float):
                    room = next((r for k, r in ROUNDED.items() if key.endswith(k)), 0.6)
                    room *= 2 if plant.step > 1 else 1
                    right = pytest.approx(value, rel=0.01, abs=room)
                    assert shown[subject][key] == right, key
                else:
                    assert shown[subject][key] == value, key
    assert not world.refused
    assert "/visualization/plant/{plant}/channels" in " ".join(world.vendor.raw)


def test_nothing_is_offered_to_steer() -> None:
    """The vendor says so of itself."""
    assert not SOLARLOG.control
    assert not SOLARLOG.alarms


async def test_what_steers_is_refused(stub: Stub) -> None:
    """And nothing is claimed."""
    vendor: Vendor = stub.vendor
    device = Device(id="x", plant=PLANT, kind=DeviceKind.BATTERY)
    run: Any = None

    async def save() -> None:
        """Be never called."""

    vendor.remember(save)
    assert vendor.warnings == frozenset()
    assert vendor.lane("min_soc") == ""
    assert vendor.unfinished() == ()
    assert vendor.scheduled(PLANT) == ()
    assert vendor.run_range(device) is None
    assert await vendor.read("x", ["min_soc"]) == {}
    assert (await vendor.follow("x", ["min_soc"])).done is None
    assert (await vendor.started(run, {})).done is None
    assert (await vendor.stopped(run, {})).done is None
    for refused in (
        vendor.write("x", {"min_soc": 5.0}),
        vendor.prepare(run),
        vendor.start(run, {}),
        vendor.stop(run, {}),
        vendor.set_schedule("x", ()),
        vendor.get_schedule("x"),
    ):
        with pytest.raises(NotSupported):
            await refused
    assert not stub.asked


# --- when -----------------------------------------------------------------------------


def polled(stub: Stub, since: int = 0) -> list[str]:
    """Return the plants whose values were asked for."""
    return [
        path.split("/")[-2]
        for path, _ in stub.asked[since:]
        if path.endswith("/channels")
    ]


def many(stub: Stub, number: int) -> None:
    """Give the account some plants."""
    rows = [{"id": f"p{n:02}", "label": f"Sun {n}"} for n in range(number)]
    stub.answers["/administration/plants"] = rows
    for row in rows:
        stub.answers[f"/{row['id']}/channels"] = [told("ProdPac", slots(at1100=5))]


async def test_many_plants_are_spread(stub: Stub) -> None:
    """After the first look each has its own minute, four times an hour."""
    many(stub, 30)
    await stub.vendor.poll("devices")
    await stub.vendor.poll("realtime")
    times: list[float] = []
    start = stub.now
    while stub.now - start < timedelta(hours=2):
        stub.now = max(stub.now, stub.vendor.due("realtime", 1.0))
        made = len(stub.asked)
        await stub.vendor.poll("realtime")
        times += [(stub.now - start).total_seconds()] * len(polled(stub, made))
    quarter = [at for at in times if 1800 < at <= 2700]
    assert len(quarter) == 30
    assert max(b - a for a, b in pairwise(quarter)) < 40


async def test_only_chosen_plants_cost_calls(single: World) -> None:
    """Others are listed, and not asked for."""
    assert len((await single.vendor.identify()).plants) == 2
    snapshot = await single.poll()
    other = single.account.plants[1]
    assert other.id not in snapshot.readings
    assert not [path for path in single.paths() if other.id in path]


async def test_nobody_is_asked_twice_in_five_minutes(stub: Stub) -> None:
    """Not even when somebody asks for it."""
    await stub.vendor.poll("devices")
    for minutes, asked in ((0, True), (4, False), (2, True), (4, False)):
        stub.advance(minutes=minutes)
        made = len(stub.asked)
        snapshot = await stub.vendor.poll("realtime")
        assert bool(polled(stub, made)) is asked
        assert snapshot.readings[PLANT]["pv_power"].value == 500


def test_a_rhythm_is_found() -> None:
    """Within a minute or two of the upload, and never twice in five minutes."""
    rhythm, now, newest = Rhythm(), NOON, NOON
    ages: list[float] = []
    for _ in range(60):
        seconds = (now - NOON).total_seconds()
        # The logger uploads at the 400th second of each quarter of an hour.
        newest = NOON + timedelta(seconds=(seconds - 400) // 900 * 900)
        ages.append((seconds - 400) % 900)
        wait = rhythm.wait("p", newest, now)
        assert wait >= 300
        now += timedelta(seconds=wait)
    assert max(ages[-20:]) <= 61


def test_a_silent_logger_is_not_waited_for() -> None:
    """One more look after five minutes, then every quarter of an hour."""
    rhythm = Rhythm()
    waits = [rhythm.wait("p", NOON, NOON + timedelta(minutes=15 * n)) for n in range(5)]
    assert waits == [840, 300, 900, 300, 900]


# --- failures -------------------------------------------------------------------------


async def test_a_plant_that_fails_holds_nobody_up(stub: Stub) -> None:
    """It is an error only when no plant is read."""
    many(stub, 2)
    stub.answers["/p00/channels"] = Page({"no": "list"})
    await stub.vendor.poll("devices")
    snapshot = await stub.vendor.poll("realtime")
    assert "pv_power" in snapshot.readings["p01"]
    assert "p00" not in snapshot.readings
    stub.answers["/p01/channels"] = Page({"no": "list"})
    stub.advance(minutes=31)
    with pytest.raises(UnexpectedAnswer):
        await stub.vendor.poll("realtime")
    stub.answers["/p00/channels"] = [told("ProdPac", slots(at1100=5))]
    stub.advance(minutes=16)
    snapshot = await stub.vendor.poll("realtime")
    assert "pv_power" in snapshot.readings["p00"]


async def test_a_cloud_that_fails_half_way(stub: Stub) -> None:
    """What has come stands, and the others have their turn as soon as it is back."""
    many(stub, 2)
    await stub.vendor.poll("devices")
    stub.answers["/p01/channels"] = Page(status=503, text="")
    snapshot = await stub.vendor.poll("realtime")
    assert set(snapshot.readings) == {"p00"}
    assert stub.vendor.due("realtime", 1.0) <= stub.now
    with pytest.raises(CloudUnavailable):
        await stub.vendor.poll("realtime")


async def test_calls_that_the_package_may_not_hold(stub: Stub) -> None:
    """Header and components are a bonus: their refusal is no error."""
    stub.answers[f"/visualization/plant/{PLANT}"] = Page(status=403, body={})
    stub.answers["/components/today"] = Page(status=403, body={})
    snapshot = await stub.vendor.poll("devices")
    assert snapshot.readings == {PLANT: {}}
    snapshot = await stub.vendor.poll("realtime")
    assert snapshot.readings[PLANT]["pv_power"].value == 500


async def test_a_header_that_nobody_understands(stub: Stub) -> None:
    """An error where it is the only plant, none where another one answers."""
    stub.answers[f"/visualization/plant/{PLANT}"] = []
    with pytest.raises(UnexpectedAnswer):
        await stub.vendor.poll("devices")
    many(stub, 2)
    stub.begin()
    stub.answers["/visualization/plant/p00"] = []
    stub.answers["/visualization/plant/p01"] = {"healthStatus": "OK"}
    assert set((await stub.vendor.poll("devices")).readings) == {"p01"}


@pytest.mark.parametrize(
    "answer", [Page(status=404, body={}), Page(status=403, body={}), []]
)
async def test_plants_stay_when_their_list_fails_later(stub: Stub, answer: Any) -> None:
    """The vendor's list comes and goes; a cloud that is down is said."""
    await stub.vendor.poll("devices")
    stub.answers["/administration/plants"] = answer
    stub.advance(hours=25)
    assert set((await stub.vendor.poll("devices")).plants) == {PLANT}
    stub.answers["/administration/plants"] = Page(status=401, text="")
    stub.advance(hours=25)
    with pytest.raises(Exception, match="Authentication"):
        await stub.vendor.poll("devices")


async def test_no_plant_is_no_account(stub: Stub) -> None:
    """A first list that is refused ends in an error."""
    stub.answers["/administration/plants"] = Page(status=403, body={})
    with pytest.raises(PermissionDenied):
        await stub.vendor.poll("devices")


# --- restarts -------------------------------------------------------------------------


async def test_a_restart_costs_no_call(single: World) -> None:
    """What was stored is taken over; the next poll is a single call for the plant."""
    await single.vendor.identify()
    await single.poll()
    stored = {
        key: Snapshot.from_dict(json.loads(json.dumps(row.as_dict(), default=_iso)))
        for key, row in single.vendor.snapshots.items()
    }
    before = single.values()
    single.memory = json.loads(json.dumps(single.memory))
    single.begin()
    made = len(single.sim.calls)
    for feed, snapshot in stored.items():
        await single.vendor.restore(feed, snapshot)
    assert single.values() == before
    for feed in stored:
        assert single.vendor.due(feed, 1.0) > single.now
    assert len(single.sim.calls) == made
    single.advance(minutes=16)
    await single.poll("realtime")
    paths = single.paths(made)
    assert len([path for path in paths if "components" in path]) == 0
    assert len(paths) == 4
    assert single.vendor.calls("realtime")
    assert single.vendor.calls("devices")


def _iso(value: Any) -> str:
    found: str = value.isoformat()
    return found


async def test_time_zones_follow_the_newest_value(stub: Stub) -> None:
    """An hourly look is enough: clocks change at night, hours after midnight."""
    await stub.vendor.poll("devices")
    await stub.vendor.poll("realtime")
    assert (await stub.vendor.poll("devices")).plants[PLANT].time_zone == "Etc/GMT-2"


async def test_other_feeds_make_no_calls(stub: Stub) -> None:
    """Planning knows the two there are."""
    assert stub.vendor.calls("other") == ()
    assert stub.vendor.due("realtime", 1.0) == stub.now
    answers = Later([1, 2])
    assert [answers.pop() for _ in range(3)] == [1, 2, 2]
    assert date(2026, 6, 17) == NOON.date()
