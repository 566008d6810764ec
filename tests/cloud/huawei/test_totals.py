"""Energies of today and of hours past, from reports and from the meter's samples."""

from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from custom_components.solar_cloud.cloud.errors import (
    AuthenticationFailed,
    QuotaExceeded,
)
from custom_components.solar_cloud.cloud.quota import Purpose

from .conftest import Open
from .stub import Error, Stub, device, plants
from .world import World, values

NOON = datetime(2026, 6, 16, 10, tzinfo=UTC)


def ms(at: datetime) -> int:
    """Return an instant as the wire has it."""
    return round(at.timestamp() * 1000)


def report(at: Any, code: str = "NE=1", **items: Any) -> dict[str, Any]:
    """Return a row of a report."""
    return {
        "stationCode": code,
        "collectTime": ms(at) if isinstance(at, datetime) else at,
        "dataItemMap": items,
    }


async def begin(stub: Stub, *devices: dict[str, Any], **answers: Any) -> None:
    """Sign in to a plant with devices."""
    stub.answers |= {"stations": plants(), "getDevList": list(devices), **answers}
    await stub.vendor.identify()
    await stub.vendor.poll("devices")


@pytest.mark.parametrize("name", ["home", "emma", "owner"])
async def test_a_days_energy_by_the_hour(open_world: Open, name: str) -> None:
    """All hours of yesterday agree with what is true."""
    world = await open_world(name)
    await world.vendor.identify()
    await world.poll("devices")
    day = world.clock.now().date() - timedelta(days=1)
    plant = world.plant
    found = await world.vendor.energy([plant.id], day, day)
    assert found.first == day
    keys = {row.key for row in found.rows}
    assert keys >= {
        "pv_energy",
        "inverter_energy",
        "grid_export_energy",
        "battery_charge_energy",
    }
    metered = bool(plant.of(47)) and not plant.of(23070)
    assert {"grid_import_energy", "load_energy"} <= keys
    days = {row.key for row in found.rows if row.span == timedelta(days=1)}
    assert days == (set() if metered else {"grid_import_energy", "load_energy"})
    starts = {row.start for row in found.rows if row.key == "pv_energy"}
    assert len(starts) == 24
    first = min(starts)
    for key in sorted(keys):
        begun = plant.state(first.timestamp()).totals[key]
        ended = plant.state(first.timestamp() + 86_400).totals[key]
        total = sum(row.kwh for row in found.rows if row.key == key)
        assert total == pytest.approx(ended - begun, rel=0.02, abs=0.2), key
    assert not world.refused


async def test_plants_are_told_of_together(open_world: Open) -> None:
    """A hundred plants a call."""
    world = await open_world("installer")
    names = [plant.id for plant in world.account.plants]
    assert [len(rows) for rows in world.vendor.together(names)] == [100, 100, 100]


async def test_the_meter_counts_by_the_hour(stub: Stub) -> None:
    """Falls are no energy; what is counted up to a full hour belongs to the hour before."""
    begun = datetime(2026, 6, 15, 22, tzinfo=UTC)

    def sample(minutes: float, sold: Any, bought: Any, wire: int = 2) -> dict[str, Any]:
        return {
            "devId": wire,
            "collectTime": ms(begun + timedelta(minutes=minutes)),
            "dataItemMap": {"active_cap": sold, "reverse_active_cap": bought},
        }

    await begin(
        stub,
        device(1, 38, "S1"),
        device(2, 47, "M1"),
        device(3, 47, "M2"),
        getKpiStationHour=[
            report(begun + timedelta(hours=n), inverterYield=n, PVYield="2.5", ongrid_power=77, selfProvide=1, chargeCap=None)
            for n in range(3)
        ],
        getDevHistoryKpi=[
            sample(-5, 1.0, 9.5),
            sample(0, 1.0, 10.0),
            sample(60, 1.0, 10.5),
            sample(30, None, 10.25),
            sample(65, 1.0, 0.0),
            sample(120, 1.5, 11.5),
            {"devId": 2, "collectTime": None, "dataItemMap": {"active_cap": 1}},
            {"devId": 2, "collectTime": ms(begun), "dataItemMap": None},
            sample(0, 0.0, 0.0, wire=3),
            sample(90, 0.0, 0.25, wire=3),
        ],
    )  # fmt: skip
    found = (
        await stub.vendor.energy(["NE=1"], date(2026, 6, 16), date(2026, 6, 16))
    ).rows
    by_key: dict[str, dict[int, float]] = {}
    for row in found:
        by_key.setdefault(row.key, {})[
            round((row.start - begun) / timedelta(hours=1))
        ] = row.kwh
    assert by_key == {
        "pv_energy": {0: 2.5, 1: 2.5, 2: 2.5},
        "inverter_energy": {0: 0.0, 1: 1.0, 2: 2.0},
        "grid_import_energy": {0: 0.5, 1: 1.25},
        "grid_export_energy": {0: 0.0, 1: 0.5},
        "load_energy": {0: 0.5, 1: 1.75},
    }
    asked = stub.asked[-1][1]
    assert asked["endTime"] - asked["startTime"] <= 3 * 86_400_000
    assert (asked["devIds"], asked["devTypeId"]) == ("2,3", 47)


async def test_without_the_meters_samples_the_report_tells_what_it_has(
    stub: Stub,
) -> None:
    """Import is not in it; nothing is made up."""
    begun = datetime(2026, 6, 15, 22, tzinfo=UTC)
    await begin(
        stub,
        device(2, 47, "M1"),
        getKpiStationHour=[
            report(begun, inverterYield=1, ongrid_power=0.5),
            report(None, PVYield=1),
            report(begun, "NE=7", PVYield=1),
        ],
        getDevHistoryKpi=Error(20009),
        getKpiStationDay=Error(20009),
    )
    day = date(2026, 6, 16)
    rows = (await stub.vendor.energy(["NE=1", "NE=2"], day, day)).rows
    assert {(row.key, row.kwh) for row in rows} == {
        ("inverter_energy", 1),
        ("grid_export_energy", 0.5),
    }


async def test_meters_that_have_to_wait_are_waited_for(stub: Stub) -> None:
    """A day is told whole or not yet; what is known of it is not asked for again."""
    begun = datetime(2026, 6, 15, 22, tzinfo=UTC)
    await begin(
        stub,
        device(2, 47, "M1"),
        getKpiStationHour=[report(begun, inverterYield=1, ongrid_power=0.5)],
        getDevHistoryKpi=Error(407),
    )
    day = date(2026, 6, 16)
    with pytest.raises(QuotaExceeded):
        await stub.vendor.energy(["NE=1"], day, day)
    stub.answers["getDevHistoryKpi"] = [
        {
            "devId": 2,
            "collectTime": ms(begun + timedelta(minutes=minutes)),
            "dataItemMap": {"active_cap": 1.0, "reverse_active_cap": 9.0 + minutes},
        }
        for minutes in (0, 60)
    ]
    stub.advance(hours=1)
    rows = (await stub.vendor.energy(["NE=1"], day, day)).rows
    told = {row.key: row.kwh for row in rows}
    assert (told["grid_import_energy"], told["grid_export_energy"]) == (60, 0)
    assert stub.paths().count("getKpiStationHour") == 1


async def test_a_months_days_are_asked_once(stub: Stub) -> None:
    """Of a plant without a meter; the day that goes on is not told yet."""
    begun = datetime(2026, 6, 9, 22, tzinfo=UTC)
    days = [begun + timedelta(days=n) for n in range(8)]
    await begin(
        stub,
        device(1, 23070, "E1"),
        stations=plants("NE=1", "NE=2"),
        getKpiStationHour=lambda body: [
            report(start, code, inverterYield=1)
            for start in days
            for code in body["stationCodes"].split(",")
            if 0 <= body["collectTime"] - ms(start) < 86_400_000
        ],
        getKpiStationDay=[
            *(report(start, buyPower=3, use_power="9.5", PVYield=7) for start in days),
            report(None, buyPower=3),
        ],
    )
    for n in range(10, 18):
        day = date(2026, 6, n)
        found = await stub.vendor.energy(["NE=1"], day, day)
        whole = {
            row.key: row.kwh for row in found.rows if row.span > timedelta(hours=1)
        }
        assert whole == (
            {} if n == 17 else {"grid_import_energy": 3, "load_energy": 9.5}
        )
    assert stub.paths().count("getKpiStationDay") == 1
    assert stub.asked[-1][1]["stationCodes"] == "NE=1"
    # Another plant was told of as well, and had nothing.
    found = await stub.vendor.energy(["NE=2"], date(2026, 6, 11), date(2026, 6, 11))
    assert {row.key for row in found.rows} == {"inverter_energy"}
    stub.answers["getKpiStationDay"] = Error(20009)
    found = await stub.vendor.energy(["NE=2"], date(2026, 6, 12), date(2026, 6, 12))
    assert {row.key for row in found.rows} == {"inverter_energy"}


async def test_history_takes_what_is_left(home: World) -> None:
    """Reports of the past are within the day's allowance, and never in the way."""
    await home.vendor.identify()
    await home.poll("devices")
    day = home.clock.now().date()
    for n in range(24):
        before = day - timedelta(days=n % 3)
        await home.vendor.energy([home.plant.id], day, before, Purpose.HISTORY)
    with suppress(QuotaExceeded):
        await home.vendor.energy([home.plant.id], day, day, Purpose.HISTORY)
    with pytest.raises(QuotaExceeded):
        await home.vendor.energy([home.plant.id], day, day, Purpose.HISTORY)
    assert not home.refused
    assert home.paths().count("getKpiStationHour") in (24, 25)


# --- today ------------------------------------------------------------------------------


async def test_todays_row_of_the_report(stub: Stub) -> None:
    """Of the month's rows today's counts; its key is once spelt in another case."""
    midnight = datetime(2026, 6, 16, 22, tzinfo=UTC)
    odd = report(midnight, use_power="12.5", buyPower=3, PVYield=9)
    odd["dataitemMap"] = odd.pop("dataItemMap")
    await begin(
        stub,
        device(1, 38, "S1"),
        getKpiStationDay=[
            report(midnight - timedelta(days=1), use_power=99),
            odd,
            report(midnight, "", use_power=1),
            report(0, use_power=1),
        ],
    )
    assert values(await stub.vendor.poll("totals")) == {
        "NE=1": {"load_energy_today": 12.5, "grid_import_energy_today": 3}
    }


async def test_a_report_that_is_refused(stub: Stub) -> None:
    """The poll fails where nothing came, and at once where the account is concerned."""
    await begin(stub, getKpiStationDay=Error(407))
    with pytest.raises(QuotaExceeded):
        await stub.vendor.poll("totals")
    stub.advance(hours=1)
    stub.answers["getKpiStationDay"] = Error(20003)
    with pytest.raises(AuthenticationFailed):
        await stub.vendor.poll("totals")
