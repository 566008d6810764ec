"""The past: years, gaps and corrections in Home Assistant's own statistics."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
import sqlite3
from typing import Any

import pytest

from custom_components.solar_cloud import history as module
from custom_components.solar_cloud.cloud.model import Energies, EnergyRow, Reading
from custom_components.solar_cloud.cloud.quantity import LIFETIME_ENERGIES
from custom_components.solar_cloud.const import DOMAIN
from custom_components.solar_cloud.history import History
from custom_components.solar_cloud.job import EMPTY, MOST_ROWS, TOGETHER, Part
from custom_components.solar_cloud.records import Records, _end, _exact_end
from custom_components.solar_cloud.rereads import GAP_TRIES
from homeassistant.components.recorder.models import (
    StatisticMeanType,
    StatisticMetaData,
)
from homeassistant.components.recorder.statistics import async_import_statistics
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import (
    device_registry as dr,
    entity_registry as er,
    issue_registry as ir,
)

from tests.common import Home, text_of
from tests.driver import House

START = datetime(2026, 5, 12, 8, 2, tzinfo=UTC)
HOUR = 3600.0
# FoxESS tells hours in steps of 0.1 kWh; the two hours at an end may share one.
STEP = 0.11
QUERY = """
    SELECT start_ts, state, sum FROM statistics
    JOIN statistics_meta ON statistics_meta.id = metadata_id
    WHERE statistic_id = ? ORDER BY start_ts
"""


def rows(house: House, plant: Any, key: str) -> dict[float, tuple[float, float]]:
    """Return the recorded hours of a counter: state and sum by their start."""
    entity = house.entity_id(plant.id, key)
    with closing(sqlite3.connect(str(house.place.database))) as connection:
        found = connection.execute(QUERY, (entity,)).fetchall()
    return {start: (state, total) for start, state, total in found}


def changes(found: dict[float, tuple[float, float]]) -> Iterator[tuple[float, float]]:
    """Yield each hour's energy, as the Energy dashboard shows it."""
    before = 0.0
    for start, (_, total) in sorted(found.items()):
        yield start, total - before
        before = total


def compare(house: House, plant: Any, key: str, since: float, until: float) -> None:
    """Check every recorded hour against the home."""
    found = rows(house, plant, key)
    told = dict(changes(found))
    name = key if plant.device.batteries else key.replace("pv_", "inverter_")
    truth = dict(plant.home.energy(since, until)[name])
    assert set(truth) <= set(told), f"{key}: {len(set(truth) - set(told))} missing"
    for start, kwh in truth.items():
        at = datetime.fromtimestamp(start, UTC)
        assert told[start] == pytest.approx(kwh, abs=STEP), f"{key} at {at}"
    assert min(told.values()) >= -1e-6
    whole = sum(told[start] for start in truth)
    assert whole == pytest.approx(sum(truth.values()), abs=0.5, rel=0.001)


def midnight(plant: Any, day: date) -> float:
    """Return when a day begins at a plant."""
    return float(
        plant.home.midnight(
            datetime(day.year, day.month, day.day, 12, tzinfo=UTC).timestamp()
        )
    )


async def test_past_days_join_what_is_recorded(
    socket_enabled: None, tmp_path: Path
) -> None:
    """Each hour since the plant began is there, in the entities' own statistics."""
    async with House(start=START, folder=tmp_path) as house:
        await house.setup("kh")
        plant = house.sim.plant("kh")
        await house.run(minutes=75)
        history = house.account("kh").history
        await house.do(history.async_import([plant.id]))
        await house.run(hours=1)
        assert history.progress(plant.id) == 100
        for key in LIFETIME_ENERGIES:
            since = midnight(plant, date(2026, 5, 8))
            compare(house, plant, key, since, START.replace(minute=0).timestamp())
        before = {key: rows(house, plant, key) for key in LIFETIME_ENERGIES}
        await house.do(history.async_import([plant.id]))
        await house.run(minutes=30)
        for key, held in before.items():
            now = rows(house, plant, key)
            # What was the last hour of the import has been told of whole since.
            assert {at: now[at] for at in sorted(held)[:-2]} == {
                at: held[at] for at in sorted(held)[:-2]
            }


async def test_gaps_are_filled(socket_enabled: None, tmp_path: Path) -> None:
    """After outages each hour has its own energy, none the sum of the gap."""
    async with House(start=START, folder=tmp_path) as house:
        await house.setup("kh")
        plant = house.sim.plant("kh")
        await house.run(until=START.replace(hour=10, minute=20))
        await house.stop()
        await house.run(hours=5)
        await house.start()
        await house.run(until=START.replace(hour=17, minute=30))
        house.sim.fault("timeout")
        await house.run(hours=4)
        house.sim.clear_faults()
        await house.run(hours=2)
        for key in LIFETIME_ENERGIES:
            since = START.replace(hour=11, minute=0).timestamp()
            until = START.replace(hour=21, minute=0).timestamp()
            compare(house, plant, key, since, until)


async def test_a_killed_import_goes_on(socket_enabled: None, tmp_path: Path) -> None:
    """Wherever it is killed, nothing is lost and nothing counted twice."""
    async with House(start=START, folder=tmp_path) as house:
        await house.setup("kh")
        plant = house.sim.plant("kh")
        await house.run(minutes=75)
        await house.do(house.account("kh").history.async_import([plant.id]))
        for effects in (2, 5, 9, 14, 20, 27, 35):
            with house.killing_after(effects) as process:
                await house.run(minutes=20, stop=lambda process=process: process.dead)
            if process.dead:
                await house.kill()
                await house.start()
        await house.run(minutes=90)
        assert house.account("kh").history.progress(plant.id) == 100
        for key in LIFETIME_ENERGIES:
            since = midnight(plant, date(2026, 5, 8))
            compare(house, plant, key, since, START.replace(minute=0).timestamp())


async def test_corrections_are_taken_over(socket_enabled: None, tmp_path: Path) -> None:
    """What the vendor corrects later is corrected in the hour it belongs to."""
    async with House(start=START.replace(hour=16), folder=tmp_path) as house:
        await house.setup("kh")
        plant = house.sim.plant("kh")
        hour = START.replace(hour=18, minute=0).timestamp()
        now = hour + 3 * HOUR
        await house.run(until=datetime.fromtimestamp(now + 300, UTC))
        before = dict(changes(rows(house, plant, "load_energy")))
        house.sim.fault("vendor_correction", variable="loads", delta=1.5, hour=hour)
        await house.run(hours=1)
        assert dict(changes(rows(house, plant, "load_energy")))[now] > 1.5
        await house.run(until=START + timedelta(hours=18))
        after = dict(changes(rows(house, plant, "load_energy")))
        assert after[hour] == pytest.approx(before[hour] + 1.5, abs=STEP)
        truth = dict(plant.home.energy(now, now + HOUR)["load_energy"])[now]
        assert after[now] == pytest.approx(truth, abs=STEP)


async def test_days_that_are_not_told_are_asked_for_again(
    socket_enabled: None, tmp_path: Path
) -> None:
    """A night's reading that finds no call left is not lost; one that never can is."""
    async with House(start=START, folder=tmp_path) as house:
        await house.setup("kh")
        plant = house.sim.plant("kh")
        await house.run(minutes=75)
        history = house.account("kh").history
        rereads = history._rereads  # noqa: SLF001
        day = START.date()
        for count in (1, GAP_TRIES):
            house.sim.fault("status", status=503, endpoint="*report/query")
            if count == 1:
                await house.do(history.async_import([plant.id], day))
                await house.run(minutes=1)
            rereads.note(plant.id, day, day)
            for _ in range(count):
                assert plant.id in rereads.due
                rereads.due[plant.id]["next"] = START.isoformat()
                await house.do(rereads.async_read())
            house.sim.clear_faults()
            assert (plant.id in rereads.due) is (count == 1)
            # Before the import goes on, and before the hour is over.
            await house.run(minutes=25)
            assert plant.id not in rereads.due


# --- what stands in the way ---------------------------------------------------------------


async def test_without_a_recorder_there_is_a_word(home: Home) -> None:
    """Nothing is imported, and the action says why."""
    await home.set_up("kh")
    plant = home.sim.plant("kh")
    with pytest.raises(ServiceValidationError) as caught:
        await home.act("import_history", plant.id)
    assert "recorder" in text_of(caught.value)
    await home.account.history.async_begin([plant.id])
    assert home.account.history.progress(plant.id) is None
    assert home.value(plant.id, "history_progress") == "unknown"


async def test_wrong_days(socket_enabled: None, tmp_path: Path) -> None:
    """A start to come, an end before it: a clear word. Before the plant: its first day."""
    async with House(start=START, folder=tmp_path) as house:
        await house.setup("kh")
        plant = house.sim.plant("kh")
        for words, given in (
            ("still to come", {"start": "2027-01-01"}),
            ("before the start", {"start": "2026-05-10", "end": "2026-05-09"}),
        ):
            with pytest.raises(ServiceValidationError) as caught:
                await house.action("import_history", plant.id, **given)
            assert words in text_of(caught.value)
        answer = await house.action(
            "import_history", plant.id, answer=True, start="2001-01-01"
        )
        first = datetime.fromtimestamp(plant.home.created, UTC).date()
        assert answer["first"] == first.isoformat()
        assert answer["progress"] == 0


async def test_a_vendor_that_refuses_half_way(
    socket_enabled: None, tmp_path: Path
) -> None:
    """What came is kept, the rest is asked for later."""
    async with House(start=START, folder=tmp_path) as house:
        await house.setup("kh")
        plant = house.sim.plant("kh")
        await house.run(minutes=75)
        house.sim.fault(
            "errno", endpoint="*report/query", errno=40402, msg="spent", skip=2
        )
        await house.do(house.account("kh").history.async_import([plant.id]))
        await house.run(minutes=10)
        history = house.account("kh").history
        assert 0 < (history.progress(plant.id) or 0) < 100
        assert history.attributes(plant.id)["waiting_for"] == "quota"
        house.sim.clear_faults()
        await house.run(hours=3)
        assert history.progress(plant.id) == 100
        since = midnight(plant, date(2026, 5, 8))
        compare(house, plant, "pv_energy", since, START.replace(minute=0).timestamp())


async def test_entities_that_are_renamed_or_not_recorded(
    socket_enabled: None, tmp_path: Path
) -> None:
    """A renamed entity keeps its past; one that is disabled gets no more, and stops nobody."""
    async with House(start=START, folder=tmp_path) as house:
        await house.setup("kh")
        plant = house.sim.plant("kh")
        await house.run(minutes=75)
        registry = er.async_get(house.hass)
        solar = house.entity_id(plant.id, "pv_energy")
        load = house.entity_id(plant.id, "load_energy")
        assert solar and load
        registry.async_update_entity(solar, new_entity_id="sensor.my_sun")
        registry.async_update_entity(load, disabled_by=er.RegistryEntryDisabler.USER)
        await house.run(minutes=2)
        await house.do(house.account("kh").history.async_import([plant.id]))
        await house.run(hours=1)
        assert house.account("kh").history.progress(plant.id) == 100
        since = midnight(plant, date(2026, 5, 8))
        until = START.replace(minute=0).timestamp()
        assert house.entity_id(plant.id, "pv_energy") == "sensor.my_sun"
        compare(house, plant, "pv_energy", since, until)
        compare(house, plant, "grid_import_energy", since, until)
        before = rows(house, plant, "pv_energy")
        registry.async_update_entity("sensor.my_sun", new_entity_id="sensor.my_light")
        await house.run(minutes=2)
        await house.do(house.account("kh").history.async_import([plant.id]))
        await house.run(minutes=20)
        after = rows(house, plant, "pv_energy")
        assert {at: after[at] for at in sorted(before)[:-2]} == {
            at: before[at] for at in sorted(before)[:-2]
        }


async def test_a_plant_that_is_gone_ends_its_import(
    socket_enabled: None, tmp_path: Path
) -> None:
    """What is still to come of a plant that the user takes out stays undone, quietly."""
    async with House(start=START, folder=tmp_path) as house:
        entry = await house.setup("kh")
        first, second = house.sim.account("kh").plants
        await house.run(minutes=75)
        devices = dr.async_entries_for_config_entry(
            dr.async_get(house.hass), entry.entry_id
        )
        device = next(row for row in devices if (DOMAIN, second.id) in row.identifiers)
        house.sim.fault("status", endpoint="*report/query", status=503)
        await house.do(house.account("kh").history.async_import([first.id, second.id]))
        await house.run(minutes=5)
        options = {**entry.options, "plants": [first.id]}
        house.hass.config_entries.async_update_entry(entry, options=options)
        await house.do(house.hass.config_entries.async_reload(entry.entry_id))
        house.sim.clear_faults()
        await house.run(hours=2)
        history = house.account("kh").history
        assert history.progress(first.id) == 100
        assert history.progress(second.id) != 100
        call = house.hass.services.async_call
        asked = {"device_id": device.id}
        with pytest.raises(ServiceValidationError) as caught:
            await house.do(call(DOMAIN, "import_history", asked, blocking=True))
        assert "no plant or device" in text_of(caught.value)


async def test_a_chosen_start_is_followed(socket_enabled: None, tmp_path: Path) -> None:
    """The option asks for the days since its day, and only for those that are missing."""
    async with House(start=START, folder=tmp_path) as house:
        entry = await house.setup("kh")
        plant = house.sim.plant("kh")
        await house.run(minutes=75)
        for day in ("2026-05-11", "2026-05-09"):
            options = {**entry.options, "history_start": day}
            house.hass.config_entries.async_update_entry(entry, options=options)
            await house.do(house.hass.config_entries.async_reload(entry.entry_id))
            await house.run(minutes=50)
            told = house.account("kh").history.attributes(plant.id)
            assert (told["first"], told["imported_back_to"]) == (day, day)
            begin = midnight(plant, date.fromisoformat(day))
            assert min(rows(house, plant, "pv_energy")) == begin
        asked = [
            call.params.get("day")
            for call in house.sim.calls
            if call.endpoint.endswith("report/query")
        ]
        assert asked.count(9) == 2  # once for each inverter


async def test_a_large_difference_is_a_repair(
    socket_enabled: None, tmp_path: Path
) -> None:
    """Hours that do not add up to the vendor's own total are told of."""
    async with House(start=START, folder=tmp_path) as house:
        house.sim.fault("vendor_correction", variable="gridConsumption", delta=900.0)
        await house.setup("kh")
        plant = house.sim.plant("kh")
        await house.run(minutes=75)
        await house.do(house.account("kh").history.async_import([plant.id]))
        await house.run(hours=1)
        differences = house.account("kh").history.differences(plant.id)
        assert differences["grid_import_energy"] == pytest.approx(900, abs=1)
        assert differences["load_energy"] == pytest.approx(0, abs=1)
        issues = ir.async_get(house.hass).issues
        (issue,) = [row for (_, name), row in issues.items() if "history" in name]
        assert (
            "grid_import_energy +900" in issue.translation_placeholders["differences"]
        )


async def test_an_import_before_the_first_hour_is_over(
    socket_enabled: None, tmp_path: Path
) -> None:
    """The hour in which counting began is whole as soon as the vendor tells it."""
    async with House(start=START.replace(minute=20), folder=tmp_path) as house:
        await house.setup("kh")
        plant = house.sim.plant("kh")
        await house.run(minutes=12)
        history = house.account("kh").history
        await house.do(history.async_import([plant.id]))
        await house.run(minutes=100)
        assert history.progress(plant.id) == 100
        await house.do(history.async_import([plant.id]))
        await house.run(minutes=30)
        since = midnight(plant, date(2026, 5, 8))
        for key in LIFETIME_ENERGIES:
            compare(
                house, plant, key, since, START.replace(hour=9, minute=0).timestamp()
            )


async def test_a_past_of_unknown_length(
    socket_enabled: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a first day it goes back until there is nothing more for two months."""
    monkeypatch.setattr(History, "_created", lambda self, plant: None)
    async with House(start=START, folder=tmp_path) as house:
        entry = await house.setup("kh")
        plant = house.sim.plant("kh")
        await house.run(minutes=75)
        history = house.account("kh").history
        await house.do(history.async_begin([plant.id]))
        assert history.progress(plant.id) is None
        assert house.state(plant.id, "history_progress") == "unknown"
        await house.run(minutes=60)
        assert history.progress(plant.id) == 100
        since = midnight(plant, date(2026, 5, 8))
        compare(house, plant, "pv_energy", since, START.replace(minute=0).timestamp())
        # A later start asks for nothing that is there.
        options = {**entry.options, "history_start": "2026-05-10"}
        house.hass.config_entries.async_update_entry(entry, options=options)
        calls = house.sim.counted()["kh"]["endpoints"]["/op/v0/device/report/query"]
        await house.do(house.hass.config_entries.async_reload(entry.entry_id))
        await house.run(minutes=5)
        after = house.sim.counted()["kh"]["endpoints"]["/op/v0/device/report/query"]
        assert after["made"] - calls["made"] < 5


async def test_the_chosen_start_is_that_of_the_dashboard_too(
    socket_enabled: None, tmp_path: Path
) -> None:
    """What begins by itself begins with the day that the user chose; wrong days begin none."""
    async with House(start=START, folder=tmp_path) as house:
        entry = await house.setup("kh")
        plant = house.sim.plant("kh")
        options = {**entry.options, "history_start": "2026-05-11"}
        house.hass.config_entries.async_update_entry(entry, options=options)
        history = house.account("kh").history
        await house.do(history.async_begin([plant.id, "gone"]))
        assert history.attributes(plant.id)["first"] == "2026-05-11"
        assert history.attributes("gone")["first"] == "2026-05-11"
        found = house.account("kh").house
        odd = replace(found.data.plants[plant.id], created="soon")
        found.data = replace(found.data, plants={plant.id: odd})
        await house.do(history.async_import([plant.id]))
        assert history.attributes(plant.id)["first"] is None
        await house.run(minutes=3)


async def test_statistics_that_cannot_be_used(
    socket_enabled: None, tmp_path: Path
) -> None:
    """Without a row, in a strange unit, of a stranger: nothing is written, nothing breaks."""
    async with House(start=START, folder=tmp_path) as house:
        await house.setup("kh")
        plant = house.sim.plant("kh")
        account = house.account("kh")
        records = Records(account)
        for key, unit, unit_class in (
            ("pv_energy", "kWh", "energy"),
            ("load_energy", "m", None),
        ):
            entity = house.entity_id(plant.id, key)
            assert entity
            async_import_statistics(
                house.hass,
                StatisticMetaData(
                    mean_type=StatisticMeanType.NONE,
                    has_sum=True,
                    name=None,
                    source="recorder",
                    statistic_id=entity,
                    unit_class=unit_class,
                    unit_of_measurement=unit,
                ),
                [],
            )
        await house.run(seconds=2)
        assert await house.do(records.async_series(plant.id, "load_energy")) is None
        hour = START.replace(minute=0) - timedelta(hours=3)
        rows_ = [
            EnergyRow(subject=subject, key=key, start=start, kwh=1.0)
            for subject, key, start in (
                (plant.id, "pv_energy", hour),
                (plant.id, "load_energy", hour),
                (plant.id, "grid_import_energy", hour + timedelta(days=2)),
                ("nobody", "pv_energy", hour),
            )
        ]
        written = await house.do(records.async_write(rows_))
        assert (written.hours, written.fits) == (0, False)
        soon = EnergyRow(subject=plant.id, key="pv_energy", start=START, kwh=1.0)
        written = await house.do(records.async_write([soon]))
        assert (written.hours, written.fits) == (0, True)
        seams = account.store.kept.history["seams"]
        seams |= {
            f"{plant.id}|pv_energy": hour.isoformat(),
            f"{plant.id}|nothing": hour.isoformat(),
        }
        await house.do(records.async_close_seams())
        assert list(seams) == [f"{plant.id}|nothing"]


async def test_without_entities_the_past_waits(
    socket_enabled: None, tmp_path: Path
) -> None:
    """Where no entity counts nothing is asked, and nothing is lost."""
    async with House(start=START, folder=tmp_path) as house:
        entry = await house.setup("kh")
        plant = house.sim.plant("kh")
        registry = er.async_get(house.hass)
        for key in LIFETIME_ENERGIES:
            entity = house.entity_id(plant.id, key)
            assert entity
            registry.async_remove(entity)
        await house.run(minutes=1)
        await house.do(house.account("kh").history.async_import([plant.id]))
        await house.run(minutes=40)
        assert house.account("kh").history.progress(plant.id) == 0
        await house.do(house.hass.config_entries.async_reload(entry.entry_id))
        await house.run(hours=2)
        assert house.account("kh").history.progress(plant.id) == 100
        since = midnight(plant, date(2026, 5, 8))
        compare(house, plant, "pv_energy", since, START.replace(minute=0).timestamp())


def test_counters_of_long_ago_say_nothing() -> None:
    """A counter that was read an hour after the rows end is not the one of their end."""
    start = START.replace(minute=0)
    row = EnergyRow(subject="P", key="pv_energy", start=start, kwh=1.0)
    late = Reading(value=9.0, at=start + timedelta(hours=2, minutes=5))
    assert _end({start: 1.0}, [row], late) is None
    soon = Reading(value=9.0, at=start + timedelta(hours=1, minutes=5))
    assert _end({start: 1.0}, [row], soon) == (start, 9.0)
    assert _end({start: 1.0}, [row], Reading(value=None, at=start)) is None


def test_the_end_of_rows_by_a_counter_between_them() -> None:
    """What came after it is added; one of any other instant says nothing."""
    start = START.replace(minute=0)
    row = EnergyRow(subject="P", key="pv_energy", start=start, kwh=1.0)
    known = {start: 1.0}
    assert _exact_end(known, [row], Reading(value=9.0, at=start)) == (start, 10.0)
    assert _exact_end(known, [row], Reading(value=None, at=start)) is None
    assert _exact_end(known, [row], Reading(value=9.0, at=START)) is None
    edge = start + timedelta(hours=1)
    assert _exact_end(known, [row], Reading(value=9.0, at=edge)) == (start, 9.0)
    after = edge + timedelta(minutes=1)
    assert _exact_end(known, [row], Reading(value=9.0, at=after)) is None
    assert _exact_end(known, [row], None) is None


async def test_what_takes_long_is_shown_meanwhile(
    socket_enabled: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Days that come slowly are written before all of them are there, none twice."""
    monkeypatch.setattr(module, "SHOWN_FIRST", 1.0)
    monkeypatch.setattr(module, "SHOWN_EACH", 1.0)
    async with House(start=START, folder=tmp_path) as house:
        await house.setup("kh")
        plant = house.sim.plant("kh")
        await house.run(minutes=75)
        history = house.account("kh").history
        await house.do(history.async_import([plant.id]))
        shown = set()
        for _ in range(60):
            await house.run(seconds=1)
            shown.add(history.progress(plant.id))
        assert shown >= {100.0}
        assert len(shown) > 3
        since = midnight(plant, date(2026, 5, 8))
        for key in LIFETIME_ENERGIES:
            compare(house, plant, key, since, START.replace(minute=0).timestamp())


async def test_plants_take_turns(
    socket_enabled: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last days of each come before the years of one."""
    monkeypatch.setattr(module, "SHOWN_FIRST", 1.0)
    monkeypatch.setattr(module, "SHOWN_EACH", 1.0)
    async with House(start=START, folder=tmp_path) as house:
        await house.setup("kh")
        plants = [plant.id for plant in house.sim.account("kh").plants]
        await house.run(minutes=75)
        history = house.account("kh").history
        await house.do(history.async_import(plants))
        shown = []
        for _ in range(30):
            await house.run(seconds=1)
            shown.append([history.progress(plant) or 0.0 for plant in plants])
        assert any(all(0 < share < 100 for share in row) for row in shown)
        assert shown[-1] == [100.0, 100.0]


def test_a_part_of_the_past() -> None:
    """It is a year, or as much as memory should hold; empty days end it."""

    def told(day: date, kwh: float, days: int = 1, rows: int = 1) -> Energies:
        row = EnergyRow(subject="P", key="pv_energy", start=START, kwh=kwh)
        return Energies(first=day - timedelta(days=days - 1), rows=(row,) * rows)

    last = date(2026, 5, 12)
    part = Part(last=last, day=last)
    part.add(told(last, 1.0, days=TOGETHER - 1))
    assert not part.whole(date.min)
    assert part.whole(part.day + timedelta(days=1))
    part.add(told(part.day, 1.0))
    assert part.whole(date.min)
    part = Part(last=last, day=last)
    part.add(told(last, 1.0, rows=MOST_ROWS))
    assert part.whole(date.min)
    part = Part(last=last, day=last)
    part.add(told(last, 0.0, days=EMPTY - 1))
    part.add(told(part.day, 1.0))
    part.add(told(part.day, 0.0, days=EMPTY - 1))
    assert not part.whole(date.min)
    part.add(told(part.day, 0.0))
    assert part.whole(date.min)
