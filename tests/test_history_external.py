"""The past of counters of which nothing is recorded: statistics of our own beside them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
import sqlite3
from typing import Any

import pytest

from custom_components.solar_cloud import job, recorded
from custom_components.solar_cloud.cloud.model import EnergyRow
from custom_components.solar_cloud.cloud.quantity import LIFETIME_ENERGIES
from custom_components.solar_cloud.external import External
from custom_components.solar_cloud.records import Records
from homeassistant.components.energy.data import async_get_manager
from homeassistant.components.energy.validate import async_validate
from homeassistant.components.recorder import get_instance
from homeassistant.components.recorder.statistics import list_statistic_ids
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.setup import async_setup_component
from homeassistant.util import slugify

from tests.driver import House
from tests.test_history import HOUR, QUERY, START, STEP, changes, midnight, rows

type Rows = dict[float, tuple[float, float]]

APART = ("load_energy", "grid_import_energy")
BEGAN = date(2026, 5, 8)


def external_id(house: House, plant: Any, key: str) -> str:
    """Return the id of our own statistic of a counter."""
    (vendor,) = house.sim.vendors
    return f"solar_cloud:{vendor}_{slugify(plant.id)}_{key}"


def apart(house: House, plant: Any, key: str) -> Rows:
    """Return the hours of our own statistic of a counter."""
    with closing(sqlite3.connect(str(house.place.database))) as connection:
        found = connection.execute(QUERY, (external_id(house, plant, key),)).fetchall()
    return {start: (state, total) for start, state, total in found}


def check(
    found: Rows,
    plant: Any,
    key: str,
    since: float,
    until: float,
    step: float = STEP,
) -> None:
    """Check every hour against the home."""
    told = dict(changes(found))
    truth = dict(plant.home.energy(since, until)[key])
    assert set(truth) <= set(told), f"{key}: {len(set(truth) - set(told))} missing"
    for start, kwh in truth.items():
        at = datetime.fromtimestamp(start, UTC)
        assert told[start] == pytest.approx(kwh, abs=step), f"{key} at {at}"


def switch_off(house: House, plant: Any, keys: Iterable[str]) -> None:
    """Disable entities of a plant."""
    (vendor,) = house.sim.vendors
    for key in keys:
        disable(house, f"{vendor}_{plant.id}_{key}")


def disable(house: House, unique_id: str) -> None:
    """Disable an entity."""
    registry = er.async_get(house.hass)
    entity = registry.async_get_entity_id("sensor", "solar_cloud", unique_id)
    assert entity
    registry.async_update_entity(entity, disabled_by=er.RegistryEntryDisabler.USER)


async def issues(hass: HomeAssistant) -> list[Any]:
    """Return what Home Assistant finds wrong with the dashboard's sources."""
    found = await async_validate(hass)
    return [row for source in found.as_dict()["energy_sources"] for row in source]


async def test_disabled_counters_have_a_statistic_of_their_own(
    socket_enabled: None, tmp_path: Path
) -> None:
    """Each hour once; newer ones follow each night, and so do the vendor's corrections."""
    async with House(start=START, folder=tmp_path) as house:
        await house.setup("kh")
        plant = house.sim.plant("kh")
        switch_off(house, plant, APART)
        disable(house, f"foxess_{plant.device.sn}_pv_energy")
        await house.run(minutes=75)
        past = house.account("kh").history
        assert not apart(house, plant, "load_energy")
        await house.do(past.async_import([plant.id]))
        await house.run(hours=1)
        assert past.progress(plant.id) == 100
        since = midnight(plant, BEGAN)
        held = {key: apart(house, plant, key) for key in APART}
        for key, found in held.items():
            check(found, plant, key, since, START.replace(minute=0).timestamp())
            assert min(found) == min(rows(house, plant, "pv_energy"))
            assert past.differences(plant.id)[key] == pytest.approx(0, abs=1)
        assert rows(house, plant, "pv_energy")
        known = [
            row["statistic_id"]
            for row in await house.do(_ids(house.hass))
            if row["source"] == "solar_cloud"
        ]
        assert sorted(known) == sorted(external_id(house, plant, key) for key in APART)
        await house.do(past.async_import([plant.id]))
        await house.run(minutes=20)
        for key, found in held.items():
            now = apart(house, plant, key)
            assert {at: now[at] for at in sorted(found)[:-2]} == {
                at: found[at] for at in sorted(found)[:-2]
            }
        hour = START.replace(hour=18, minute=0).timestamp()
        await house.run(until=START + timedelta(hours=14))
        before = dict(plant.home.energy(hour, hour + HOUR)["load_energy"])[hour]
        house.sim.fault("vendor_correction", variable="loads", delta=1.5, hour=hour)
        await house.run(until=START + timedelta(hours=18))
        load = dict(changes(apart(house, plant, "load_energy")))
        assert load[hour] == pytest.approx(before + 1.5, abs=STEP)
        found = apart(house, plant, "grid_import_energy")
        until = START.replace(hour=23, minute=0).timestamp()
        check(found, plant, "grid_import_energy", since, until)


async def test_counters_that_the_recorder_leaves_out(
    socket_enabled: None, tmp_path: Path
) -> None:
    """Nothing waits for them; the dashboard takes what stands in for them, once."""
    async with House(start=START, folder=tmp_path) as house:
        await house.setup("kh")
        plant = house.sim.plant("kh")
        left_out = [house.entity_id(plant.id, key) for key in LIFETIME_ENERGIES]
        await house.stop()
        house.place.left_out = [entity for entity in left_out if entity]
        await house.start()
        await house.run(minutes=10)
        assert await async_setup_component(house.hass, "energy", {})
        told = await house.action("get_energy_config", plant.id, answer=True)
        assert told == {"energy_sources": []}
        await house.action("import_history", plant.id)
        await house.run(hours=1)
        assert house.account("kh").history.progress(plant.id) == 100
        told = await house.action("get_energy_config", plant.id, answer=True)
        sources = {row["type"]: row for row in told["energy_sources"]}
        assert sources["grid"]["stat_energy_from"] == external_id(
            house, plant, "grid_import_energy"
        )
        assert sources["grid"]["entity_energy_price"] is None
        assert sources["grid"]["stat_rate"] == house.entity_id(plant.id, "grid_power")
        names = {
            row["statistic_id"]: row["name"]
            for row in await house.do(_ids(house.hass))
            if row["source"] == "solar_cloud"
        }
        assert (
            names[external_id(house, plant, "pv_energy")] == f"{plant.name} PV energy"
        )
        assert set(names) == {
            external_id(house, plant, key) for key in LIFETIME_ENERGIES
        }
        added = await house.do(_set_up(house.hass))
        assert {row["type"] for row in added} >= {"solar", "grid", "battery"}
        assert await house.do(issues(house.hass)) == []
        # Recorded again, each counter goes on in its own statistic.
        held = apart(house, plant, "pv_energy")
        await house.stop()
        house.place.left_out = []
        await house.start()
        await house.run(hours=2)
        assert await async_setup_component(house.hass, "energy", {})
        told = await house.action("get_energy_config", plant.id, answer=True)
        sources = {row["type"]: row for row in told["energy_sources"]}
        solar = house.entity_id(plant.id, "pv_energy")
        assert sources["solar"]["stat_energy_from"] == solar
        assert await house.do(_set_up(house.hass)) == []
        await house.action("import_history", plant.id)
        await house.run(hours=1)
        assert min(rows(house, plant, "pv_energy")) == min(held)
        assert apart(house, plant, "pv_energy") == held


async def _ids(hass: HomeAssistant) -> list[Any]:
    return await get_instance(hass).async_add_executor_job(list_statistic_ids, hass)


async def _set_up(hass: HomeAssistant) -> list[Any]:
    """Set the dashboard up; returns what was added."""
    answer = await hass.services.async_call(
        "solar_cloud",
        "setup_energy_dashboard",
        {"apply": True},
        blocking=True,
        return_response=True,
    )
    manager = await async_get_manager(hass)
    assert manager.data
    assert answer
    found: Any = answer["energy_sources"]
    return list(found)


async def test_a_killed_import_goes_on(
    socket_enabled: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever it is killed, nothing is lost and nothing counted twice."""
    monkeypatch.setattr(job, "TOGETHER", 2)
    async with House(start=START, folder=tmp_path) as house:
        await house.setup("kh")
        plant = house.sim.plant("kh")
        switch_off(house, plant, APART)
        await house.run(minutes=75)
        await house.do(house.account("kh").history.async_import([plant.id]))
        for effects in (2, 5, 9, 14, 20, 27, 35, 44):
            with house.killing_after(effects) as process:
                await house.run(minutes=20, stop=lambda process=process: process.dead)
            if process.dead:
                await house.kill()
                await house.start()
        await house.run(minutes=90)
        assert house.account("kh").history.progress(plant.id) == 100
        since = midnight(plant, BEGAN)
        for key in APART:
            found = apart(house, plant, key)
            check(found, plant, key, since, START.replace(minute=0).timestamp())
            assert house.account("kh").store.kept.history["joins"] == {}
            assert min(found) == min(rows(house, plant, "pv_energy"))


async def test_gaps_are_filled(socket_enabled: None, tmp_path: Path) -> None:
    """What came while Home Assistant was down follows with the next reading of the gap."""
    async with House(start=START, folder=tmp_path) as house:
        await house.setup("kh")
        plant = house.sim.plant("kh")
        switch_off(house, plant, APART)
        await house.run(minutes=75)
        await house.do(house.account("kh").history.async_import([plant.id]))
        await house.run(until=START.replace(hour=10, minute=20))
        await house.stop()
        await house.run(hours=5)
        await house.start()
        await house.run(hours=2)
        since = START.replace(hour=6, minute=0).timestamp()
        until = START.replace(hour=15, minute=0).timestamp()
        for key in APART:
            check(apart(house, plant, key), plant, key, since, until)


class Hand:
    """Hours that are told by hand, and what becomes of them."""

    key = "load_energy"

    def __init__(self, house: House, plant: Any) -> None:
        """Tell of hours far from what the vendor tells."""
        self._house = house
        self._plant = plant
        self.base = START.replace(minute=0) - timedelta(days=300)
        self.new()

    def new(self) -> None:
        """Begin anew, as a restart does."""
        self._records = Records(self._house.account("kh"))

    async def tell(
        self, offset: float, *kwh: float, begin: bool = False, span: float = 1
    ) -> int:
        """Tell of spans (h) from an offset (h) on; returns how many hours were written."""
        told = [
            EnergyRow(
                subject=self._plant.id,
                key=self.key,
                start=self.base + timedelta(hours=offset + n * span),
                kwh=value,
                span=timedelta(hours=span),
            )
            for n, value in enumerate(kwh)
        ]
        work = self._records.async_write(told, begin=begin)
        return (await self._house.do(work)).hours

    def energies(self) -> list[float]:
        """Return each hour's energy."""
        found = apart(self._house, self._plant, self.key)
        return [round(kwh, 6) for _, kwh in changes(found)]

    def silence(self) -> None:
        """Let the vendor tell nothing of the counter."""
        found = self._house.account("kh").house
        self._told = found.data
        found.data = replace(self._told, readings={})

    def speak(self) -> None:
        """Let the vendor tell it again."""
        self._house.account("kh").house.data = self._told

    async def clear(self) -> None:
        """Delete the statistic, as the user may."""
        name = external_id(self._house, self._plant, self.key)
        done = asyncio.Event()
        tell = partial(asyncio.get_running_loop().call_soon_threadsafe, done.set)
        instance = get_instance(self._house.hass)
        instance.async_clear_statistics([name], on_done=tell)
        await self._house.do(done.wait())


@asynccontextmanager
async def by_hand(folder: Path) -> AsyncIterator[Hand]:
    """Yield hours told by hand of a counter that is disabled."""
    async with House(start=START, folder=folder) as house:
        await house.setup("kh")
        plant = house.sim.plant("kh")
        switch_off(house, plant, [Hand.key])
        yield Hand(house, plant)
        await house.run(minutes=2)


async def test_hours_follow_each_other(socket_enabled: None, tmp_path: Path) -> None:
    """Before, between and behind what is there, near and far; none moves another's energy."""
    async with by_hand(tmp_path) as hand:
        assert await hand.tell(0, 1, 2, 3) == 0  # nobody has asked for the past
        assert await hand.tell(0, 1, 2, 3, begin=True) == 3
        assert hand.energies() == [1, 2, 3]
        assert await hand.tell(-2, 5, 6) == 2
        assert await hand.tell(-2400, 7) == 1
        assert hand.energies() == [7, 5, 6, 1, 2, 3]
        assert await hand.tell(1, 4) == 1
        assert await hand.tell(2400, 8, 9) == 2
        assert hand.energies() == [7, 5, 6, 1, 4, 3, 8, 9]
        assert await hand.tell(1200, 2.5) == 1
        assert await hand.tell(3, 0.5) == 1
        assert hand.energies() == [7, 5, 6, 1, 4, 3, 0.5, 2.5, 8, 9]
        hand.new()
        assert await hand.tell(-2, 5, 6, 1, 4, 3, 0.5) == 0
        assert await hand.tell(-2400, 7.5) == 1
        assert hand.energies() == [7.5, 5, 6, 1, 4, 3, 0.5, 2.5, 8, 9]
        await hand.clear()
        assert await hand.tell(0, 1) == 0
        hand.silence()
        assert await hand.tell(0, 1, begin=True) == 0
        hand.speak()
        assert await hand.tell(0, 1, begin=True) == 1
        assert hand.energies() == [1]


async def test_days_do_not_take_the_place_of_hours(
    socket_enabled: None, tmp_path: Path
) -> None:
    """Of what was told by the hour, the vendor may later tell only the day."""
    async with by_hand(tmp_path) as hand:
        day = [*(0.0 for _ in range(10)), 1.0, 2.0, 3.0, *(0.0 for _ in range(11))]
        assert await hand.tell(0, *day, *day, begin=True) == 48
        assert await hand.tell(0, 6, 6.1, span=24) == 0
        assert hand.energies() == [*day, *day]
        # One that differs by more is another one; a day before comes as it is told.
        assert await hand.tell(-24, 5, 6, 9, span=24) > 0
        found = hand.energies()
        assert [sum(found[n : n + 24]) for n in (0, 24, 48)] == [5, 6, 9]
        assert found[24:48] == day
        assert max(found[48:]) == 9
        assert await hand.tell(-24, 5, 6, 9, span=24) == 0


@pytest.mark.parametrize("shifted", [False, True])
async def test_wherever_it_is_killed(
    socket_enabled: None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    shifted: bool,
) -> None:
    """A part of which some rows are written, or its seam is open, is put right."""
    monkeypatch.setattr(recorded, "AT_ONCE", 2)
    left = [0]

    def counted[**P, R](work: Callable[P, R]) -> Callable[P, R]:
        def run(*args: P.args, **kwargs: P.kwargs) -> R:
            left[0] -= 1
            if left[0] < 0:
                raise KilledHereError
            return work(*args, **kwargs)

        return run

    monkeypatch.setattr(External, "_import", counted(External._import))  # noqa: SLF001
    shift = External.async_shift

    async def async_shift(self: External, *args: Any) -> None:
        if shifted:
            await shift(self, *args)
        counted(lambda: None)()
        if not shifted:
            await shift(self, *args)

    monkeypatch.setattr(External, "async_shift", async_shift)
    async with by_hand(tmp_path) as hand:
        for offset, kwh, whole in (
            (-5, (1, 2, 3, 4, 5), [1, 2, 3, 4, 5, 9, 9, 9, 9, 9, 7]),
            (1, (5, 6, 7), [9, 5, 6, 7, 9, 7]),
            (3, (9, 9, 1, 2, 3, 4), [9, 9, 9, 9, 9, 1, 2, 3, 4, 7]),
        ):
            for effects in range(6):
                left[0] = 99
                await hand.clear()
                await hand.tell(0, 9, 9, 9, 9, 9, begin=True)
                await hand.tell(20, 7)
                left[0] = effects
                with suppress(KilledHereError):
                    await hand.tell(offset, *kwh)
                left[0] = 99
                hand.new()
                await hand.tell(offset, *kwh)
                assert hand.energies() == whole, (offset, effects)
                assert await hand.tell(offset, *kwh) == 0
        for effects in range(3):
            await hand.clear()
            left[0] = effects
            with suppress(KilledHereError):
                await hand.tell(0, 1, 2, 3, 4, begin=True)
            left[0] = 99
            hand.new()
            await hand.tell(0, 1, 2, 3, 4, begin=True)
            assert hand.energies() == [1, 2, 3, 4]


class KilledHereError(Exception):
    """The process ends here."""


@pytest.mark.parametrize(
    ("vendor", "name", "until", "step"),
    [("growatt", "sph", 26, 0.22), ("solarlog", "basic_battery", 6, 0.1)],
)
async def test_newer_hours_follow(
    socket_enabled: None,
    tmp_path: Path,
    vendor: str,
    name: str,
    until: int,
    step: float,
) -> None:
    """Each night, also where reports are never corrected; or with polls that tell hours."""
    async with House(start=START, folder=tmp_path, vendors=(vendor,)) as house:
        await house.setup(name, control=False)
        plant = house.sim.account(name).plants[0]
        switch_off(house, plant, ["load_energy"])
        await house.run(minutes=75)
        await house.do(house.account(name).history.async_import([plant.id]))
        await house.run(hours=until)
        since = midnight(plant, BEGAN)
        at = START.replace(minute=0) + timedelta(hours=until - 3)
        found = apart(house, plant, "load_energy")
        check(found, plant, "load_energy", since, at.timestamp(), step)
