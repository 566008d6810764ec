"""What an Enphase account tells, on each plan and in both versions."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from custom_components.solar_cloud.cloud.enphase.limits import PLANS, allowances
from custom_components.solar_cloud.cloud.errors import (
    AuthenticationFailed,
    CloudUnavailable,
    QuotaExceeded,
)
from custom_components.solar_cloud.cloud.model import DeviceKind
from custom_components.solar_cloud.cloud.quota import Demand, Purpose

from .conftest import Open
from .stub import SYSTEM, Page, Stub
from .world import World

POWERS = ("pv_power", "load_power", "grid_power", "battery_power")
ENERGIES = (
    "pv_energy",
    "load_energy",
    "grid_import_energy",
    "grid_export_energy",
    "battery_charge_energy",
    "battery_discharge_energy",
)
OLD_CALLS = {
    "systems",
    "inventory",
    "envoys",
    "summary",
    "stats",
    "energy_lifetime",
    "rgm_stats",
    "consumption_lifetime",
    "consumption_stats",
    "inverters_summary_by_envoy_or_site",
}


@pytest.mark.parametrize("name", ["watt", "mega"])
async def test_what_meters_tell_is_the_home_s(open_world: Open, name: str) -> None:
    """Powers and counters, in our signs."""
    world = await open_world(name)
    await world.poll("systems", "live", "energy")
    told = world.readings()
    for key in POWERS:
        truth = world.system.truth(told[key].at.timestamp())[""]
        assert told[key].value == pytest.approx(truth[key], abs=3), key
    for key in ENERGIES:
        truth = world.system.truth(told[key].at.timestamp())[""]
        assert told[key].value == pytest.approx(truth[key], abs=0.01), key
        today = told[f"{key}_today"].value
        assert today == pytest.approx(truth[f"{key}_today"], abs=0.01), key
    assert told["battery_soc"].value == pytest.approx(truth["battery_soc"], abs=1)
    assert not world.refused


async def test_microinverters_are_devices(old: World) -> None:
    """Forty of them, each with its power and its counter."""
    snapshot = await old.poll("systems")
    micros = [
        row
        for row in snapshot.devices.values()
        if row.kind is DeviceKind.MICROINVERTER and row.plant == old.system.id
    ]
    assert len(micros) == 40
    await old.poll("micros")
    for row in old.system.micros:
        told = old.readings(row.serial)
        truth = old.system.truth(told["inverter_power"].at.timestamp())[row.serial]
        for key in ("inverter_power", "inverter_energy"):
            assert told[key].value == pytest.approx(truth[key], abs=1), key


async def test_version_2_tells_production_and_consumption(old: World) -> None:
    """It knows no import, export or battery; a system without a meter has a summary."""
    await old.poll()
    plain, metered = (row.id for row in old.account.plants)
    assert {"pv_power", "pv_energy", "pv_energy_today"} <= set(old.values(plain))
    assert "load_energy" not in old.values(plain)
    assert {"pv_power", "pv_energy", "load_energy"} <= set(old.values(metered))
    assert not {"grid_power", "battery_soc"} & set(old.values(metered))
    assert set(old.paths()) == OLD_CALLS
    assert "alarms" not in {row.key for row in old.vendor.feeds}


async def test_both_versions_name_things_alike(open_world: Open, old: World) -> None:
    """Systems, devices and keys are the same, so that an entry can move."""
    await old.poll()
    new = await open_world("legacy", step="enphase_v4")
    await new.poll()
    before, after = (world.vendor.snapshots["systems"] for world in (old, new))
    assert before.plants.keys() == after.plants.keys()
    assert before.devices.keys() <= after.devices.keys()
    for system in before.plants:
        assert set(old.values(system)) <= set(new.values(system))
        for key in ("pv_energy", "pv_energy_today"):
            one, two = old.values(system)[key], new.values(system)[key]
            assert one == pytest.approx(two, abs=0.1)


async def test_counters_go_on_after_a_restart(watt: World) -> None:
    """Days are asked for once; what came since is added, and nothing is lost."""
    await watt.poll("systems", "energy")
    first = watt.paths().count("energy_lifetime")
    for hours in (7, 30, 50):
        watt.advance(hours=hours)
        await watt.begin()
        await watt.poll("systems", "energy")
        told = watt.readings()
        for key in ENERGIES:
            truth = watt.system.truth(told[key].at.timestamp())[""]
            assert told[key].value == pytest.approx(truth[key], abs=0.02), key
    assert watt.paths().count("energy_lifetime") == first == 1
    watt.advance(days=9)
    await watt.poll("energy")
    assert watt.paths().count("energy_lifetime") == 2
    told = watt.readings()["grid_import_energy"]
    truth = watt.system.truth(told.at.timestamp())[""]["grid_import_energy"]
    assert told.value == pytest.approx(truth, abs=0.02)


async def test_old_counters_reach_back_a_day(old: World) -> None:
    """Version 2 tells a day of five minutes a call: after more the days are asked again."""
    plain = old.system
    await old.poll("systems", "energy")
    before = old.paths().count("energy_lifetime")
    for hours in (6, 20, 40):
        old.advance(hours=hours)
        await old.poll("energy")
        told = old.readings(plain.id)["pv_energy"]
        truth = plain.truth(told.at.timestamp())[""]["pv_energy"]
        assert told.value == pytest.approx(truth, abs=0.35)
    assert old.paths().count("energy_lifetime") == before + 2


# --- when ----------------------------------------------------------------------------------


async def live(world: World, hours: float, *, night: bool = False) -> int:
    """Poll each feed when it is due; returns the calls of that time."""
    vendor, begun = world.vendor, len(world.sim.calls)
    end = world.now + timedelta(hours=hours)
    dark = frozenset(row.id for row in world.account.plants) if night else frozenset()
    while world.now < end:
        demands = [
            Demand(call=call, interval=feed.interval)
            for feed in vendor.feeds
            for call in vendor.calls(feed.key)
        ]
        stretch = vendor.ledger.stretch(demands)
        for feed in vendor.feeds:
            if vendor.due(feed.key, stretch, dark) <= world.now:
                await vendor.poll(feed.key, dark=dark)
        world.advance(minutes=1)
    return len([row for row in world.sim.calls[begun:] if "oauth" not in row.endpoint])


async def test_a_small_plan_lasts_a_month(open_world: Open) -> None:
    """On Watt some thirty hits a day."""
    watt = await open_world("watt")
    await live(watt, 3)
    # The half of the month that is left has all of its hits.
    assert await live(watt, 24) <= 950 / 13
    assert not watt.refused


async def test_a_large_plan_follows_the_gateway(mega: World) -> None:
    """On Megawatt there is something new every quarter of an hour."""
    await live(mega, 1)
    calls = await live(mega, 4)
    assert calls >= 16 * 8
    assert not mega.refused
    age = mega.now - mega.readings()["pv_power"].at
    assert age < timedelta(minutes=33)


async def test_cellular_is_asked_when_it_has_told(cellular: World) -> None:
    """Between uploads of six hours nothing is asked but the list."""
    await live(cellular, 2)
    begun = len(cellular.sim.calls)
    await live(cellular, 24)
    told = cellular.paths(begun)
    assert told.count("summary") <= 6
    assert told.count("production_micro") <= 6


async def test_nobody_is_woken_at_night(old: World) -> None:
    """A system that only produces is left alone once it has told that it is dark."""
    old.sim.clock.set(datetime(2026, 6, 17, 23, 30, tzinfo=UTC))
    old.vendor._wanted = frozenset([old.system.id])  # noqa: SLF001
    await live(old, 1, night=True)
    begun = len(old.sim.calls)
    await live(old, 3, night=True)
    assert set(old.paths(begun)) <= {"systems"}
    begun = len(old.sim.calls)
    await live(old, 1)
    assert {"summary", "stats"} <= set(old.paths(begun))


async def test_what_failed_is_asked_for_again(watt: World) -> None:
    """A call that fails leaves the others alone and comes again soon."""
    await watt.poll("systems")
    watt.fault("status", "energy_import_telemetry", status=503, count=1)
    await watt.poll("energy")
    assert "grid_import_energy" not in watt.values()
    assert watt.vendor.due("energy", 12.0) <= watt.now + timedelta(minutes=10)
    begun = len(watt.sim.calls)
    await watt.poll("energy")
    assert "energy_export_telemetry" not in watt.paths(begun)
    assert {"grid_import_energy", "grid_export_energy"} <= set(watt.values())


async def test_nothing_came(watt: World) -> None:
    """A poll of which nothing came has failed; what was told before stays."""
    await watt.poll()
    before = watt.values()
    watt.advance(hours=1)
    watt.fault("status", status=503)
    for feed in ("systems", "live", "energy", "micros", "alarms"):
        with pytest.raises(CloudUnavailable):
            await watt.vendor.poll(feed)
    assert watt.values() == before


async def test_one_system_of_two_fails(stub: Stub) -> None:
    """The other is told of all the same."""
    row = stub.answers["/systems"]["systems"][0]
    other = row | {"system_id": 72}
    stub.answers["/systems"] = {"systems": [row, other], "total": 2}
    await stub.vendor.poll("systems")
    stub.answers["/72/latest_telemetry"] = Page(status=503)
    snapshot = await stub.vendor.poll("live")
    assert SYSTEM in snapshot.readings
    assert "pv_power" not in snapshot.readings.get("72", {})


async def test_a_sign_in_that_ends_ends_the_poll(stub: Stub) -> None:
    """Nothing more is asked with a token that is worth nothing."""
    await stub.vendor.poll("systems")
    refused = Page({"message": "Not Authorized"}, 401)
    stub.answers |= {"/production_meter": refused, "/systems": refused}
    with pytest.raises(AuthenticationFailed):
        await stub.vendor.poll("energy")
    begun = len(stub.asked)
    with pytest.raises(AuthenticationFailed):
        await stub.vendor.poll("energy")
    assert "consumption_meter" not in stub.paths(begun)


async def test_stored_snapshots(watt: World) -> None:
    """After a restart what was stored is known, without a call."""
    await watt.poll()
    kept = dict(watt.vendor.snapshots)
    begun = len(watt.sim.calls)
    await watt.begin()
    for feed in watt.vendor.feeds:
        await watt.vendor.restore(feed.key, kept[feed.key])
    assert watt.vendor.calls("energy")
    assert not watt.paths(begun)
    assert dict(watt.vendor.snapshots) == kept
    assert watt.vendor.warnings == frozenset()
    watt.advance(minutes=2)
    await watt.poll("systems")
    assert "/api/v4/systems" in watt.vendor.raw


async def test_only_chosen_systems_cost_calls(open_world: Open) -> None:
    """The list is one call; what is about a system is asked of those that are shown."""
    world = await open_world("legacy")
    chosen = world.account.plants[1].id
    world.plants = frozenset([chosen])
    await world.begin()
    await world.poll()
    about = [row.endpoint for row in world.sim.calls if world.system.id in row.endpoint]
    assert not about
    assert world.values(chosen)


# --- limits --------------------------------------------------------------------------------


async def test_a_minute_is_waited_for(watt: World) -> None:
    """Polls wait for the next minute; who signs in is told at once."""
    for _ in range(8):
        await watt.vendor.identify()
    begun = watt.now
    with pytest.raises(QuotaExceeded):
        await watt.vendor.identify()
    assert watt.now - begun < timedelta(seconds=12)
    watt.vendor._listing.systems[watt.system.id].has_production_meter = False  # noqa: SLF001
    await watt.vendor.poll("live")
    assert watt.now - begun > timedelta(seconds=50)
    assert not watt.refused


async def test_a_month_is_not_waited_for(watt: World) -> None:
    """With the month's hits spent a poll says until when."""
    await watt.poll("systems")
    watt.ledger.learn("month", 0)
    with pytest.raises(QuotaExceeded) as raised:
        await watt.vendor.poll("live")
    assert raised.value.retry_at
    assert raised.value.retry_at >= datetime(2026, 7, 1, tzinfo=UTC)


def test_plans() -> None:
    """Hits a minute and a month, with a reserve for the owner."""
    found = {row.name: row for row in allowances(PLANS["watt"])}
    assert (found["minute"].limit, found["month"].limit) == (10, 1000)
    assert found["month"].reserve == 50
    assert PLANS["watt"].is_rationed
    assert not PLANS["kilowatt"].is_rationed


# --- the past ------------------------------------------------------------------------------


async def past(world: World, first: date, last: date, system: Any = None) -> Any:
    """Ask for days of the past."""
    system = system or world.system
    return await world.vendor.energy([system.id], first, last, Purpose.HISTORY)


async def later(world: World, **span: float) -> None:
    """Let so much time pass that the owner has to consent again."""
    world.advance(**span)
    world.token = None
    await world.begin()
    await world.poll("systems")


async def test_a_week_is_one_call(watt: World) -> None:
    """Intervals of a week, as the home had them."""
    await watt.poll("systems")
    found = await past(watt, date(2026, 6, 1), date(2026, 6, 15))
    assert found.first == date(2026, 6, 9)
    start = watt.system.midnight(date(2026, 6, 9))
    end = watt.system.midnight(date(2026, 6, 16))
    for key in ENERGIES:
        told = sum(row.kwh for row in found.rows if row.key == key)
        before, after = (watt.system.truth(at)[""][key] for at in (start, end))
        assert told == pytest.approx(after - before, abs=0.01), key
    assert watt.vendor.together(["a", "b"]) == [("a",), ("b",)]


async def test_far_days_are_whole(watt: World) -> None:
    """On a small plan what is older than some weeks comes by the day, in a few calls."""
    await later(watt, days=40)
    begun = len(watt.sim.calls)
    found = await past(watt, date.min, date(2026, 6, 16))
    assert found.beginning
    assert found.first == watt.system.day(watt.system.created)
    assert len(watt.paths(begun)) == 5
    spans = {row.span for row in found.rows}
    assert spans == {timedelta(days=1)}
    end = watt.system.midnight(date(2026, 6, 17))
    told = sum(row.kwh for row in found.rows if row.key == "load_energy")
    truth = watt.system.truth(end)[""]["load_energy"]
    first = watt.system.truth(watt.system.created)[""]["load_energy"]
    assert told == pytest.approx(truth - first, rel=0.01)


async def test_some_far_days(watt: World) -> None:
    """Days may be asked for from one on."""
    await later(watt, days=40)
    found = await past(watt, date(2026, 6, 10), date(2026, 6, 16))
    days = [row for row in found.rows if row.key == "load_energy"]
    assert len(days) == 7
    assert found.first == date(2026, 6, 10)


async def test_the_past_has_an_allowance_of_its_own(watt: World) -> None:
    """A tenth of a small plan's month is for the past."""
    await watt.poll("systems")
    for _ in range(20):
        await past(watt, date(2026, 6, 1), date(2026, 6, 15))
    with pytest.raises(QuotaExceeded):
        await past(watt, date(2026, 6, 1), date(2026, 6, 15))
    assert await watt.vendor.poll("energy")
    assert not watt.refused


async def test_a_large_plan_has_intervals_of_two_years(mega: World) -> None:
    """There the past is told by the quarter of an hour."""
    await later(mega, days=60)
    found = await past(mega, date(2026, 6, 1), date(2026, 6, 15))
    assert found.first == date(2026, 6, 9)


async def test_a_week_in_which_the_clocks_go_back(mega: World) -> None:
    """It is an hour too long for one call, so that a day less is asked for."""
    await later(mega, days=150)
    found = await past(mega, date(2026, 6, 1), date(2026, 10, 29))
    assert found.first == date(2026, 10, 24)
    end = max(row.start + row.span for row in found.rows)
    assert end.timestamp() == mega.system.midnight(date(2026, 10, 30))
    found = await past(mega, date(2026, 10, 25), date(2026, 10, 25))
    assert found.first == date(2026, 10, 25)


async def test_the_past_of_version_2(old: World) -> None:
    """Microinverters tell a day a call, meters a week; nights are zeroes."""
    await old.poll("systems")
    found = await past(old, date(2026, 6, 1), date(2026, 6, 15))
    assert found.first == date(2026, 6, 15)
    own = [row for row in found.rows if row.key == "pv_energy"]
    assert len(own) == 288
    assert own[0].kwh == 0
    found = await past(old, date(2026, 6, 1), date(2026, 6, 15), old.account.plants[1])
    assert found.first == date(2026, 6, 9)
    assert {row.key for row in found.rows} == {
        "pv_energy",
        "inverter_energy",
        "load_energy",
    }


async def test_a_past_that_is_refused(stub: Stub) -> None:
    """What the system has not is left out; a system without anything has no past."""
    await stub.vendor.poll("systems")
    stub.answers["/telemetry/battery"] = Page({"message": ["none"]}, 422)
    stub.answers["/battery_lifetime"] = Page({"message": ["none"]}, 422)
    stub.answers["/energy_lifetime"] = {"production": []}
    found = await stub.vendor.energy([SYSTEM], date(2026, 6, 1), date(2026, 6, 17))
    assert {row.key for row in found.rows} == {
        "pv_energy",
        "inverter_energy",
        "load_energy",
        "grid_import_energy",
        "grid_export_energy",
    }
    found = await stub.vendor.energy([SYSTEM], date(2026, 1, 1), date(2026, 2, 1))
    assert found.beginning
    assert not [row for row in found.rows if row.key == "battery_charge_energy"]
    stub.answers["/devices"] = {"devices": {}}
    stub.memory.clear()
    stub.begin()
    await stub.vendor.poll("systems")
    found = await stub.vendor.energy([SYSTEM], date(2026, 6, 1), date(2026, 6, 17))
    assert found.beginning
    assert not found.rows
