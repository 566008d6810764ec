"""Energy over midnight, change of the clocks, faults and the night: as the home had it.

A shorter sister of scripts/soak, without a recorder: every few simulated minutes what
Home Assistant shows is held against the simulated home.
"""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.driver import House

LIFETIME = (
    "pv_energy",
    "inverter_energy",
    "grid_import_energy",
    "grid_export_energy",
    "battery_charge_energy",
    "battery_discharge_energy",
    "load_energy",
)
# The vendor rounds to 0.1 kWh; the day's values are fetched every quarter of an hour.
ROUNDING = 0.051
STEP = 0.101
TOTALS_EVERY = 15 * 60 + 90


@pytest.fixture(autouse=True)
def custom_integrations() -> None:
    """Leave it to the driver to make a Home Assistant."""


class Watch:
    """A plant's counters, held against the home's."""

    def __init__(self, world: House, index: int = 0) -> None:
        """Watch a plant of the account kh."""
        self.world = world
        self.plant = world.sim.plant("kh", index)
        self.highest: dict[str, float] = {}
        self.wrong: list[str] = []

    def shown(self, key: str) -> float | None:
        """Return what Home Assistant shows, None for nothing."""
        state = self.world.state(self.plant.id, key)
        return None if state in (None, "unknown", "unavailable") else float(state)

    def true_key(self, key: str) -> str:
        """Return the home's counter; without a battery the production is the yield."""
        battery = self.plant.device.batteries
        return key if battery else key.replace("pv_", "inverter_")

    def note(self, key: str, words: str) -> None:
        """Take down what is wrong."""
        now = self.world.now.isoformat(timespec="seconds")
        self.wrong.append(f"{now} {key}: {words}")

    def monotone(self) -> None:
        """Check that no lifetime counter is lower than it was."""
        for key in LIFETIME:
            if (value := self.shown(key)) is None:
                if key in self.highest:
                    self.note(key, "is not known any more")
                continue
            if value < self.highest.get(key, 0.0):
                self.note(key, f"fell from {self.highest[key]} to {value}")
            self.highest[key] = max(value, self.highest.get(key, 0.0))

    def exact(self) -> None:
        """Check lifetime counters against the home at their own time stamp."""
        stamp = self.world.state(self.plant.id, "data_timestamp")
        assert stamp
        at = datetime.fromisoformat(stamp).timestamp()
        truth = self.plant.home.totals(at)
        for key in LIFETIME:
            value = self.shown(key)
            if value is None:
                continue
            if abs(value - truth[self.true_key(key)]) > ROUNDING:
                self.note(key, f"{value}, truly {truth[self.true_key(key)]:.2f}")

    def today(self, *, late: float = 0.0) -> None:
        """Check today's counters: none of yesterday's, and not older than their feed."""
        home, now = self.plant.home, self.world.now.timestamp()
        midnight = home.midnight(now)
        most = home.today(now)
        before = max(midnight, now - TOTALS_EVERY - late)
        least = home.totals(before)
        start = home.totals(midnight)
        for key in LIFETIME:
            if (value := self.shown(f"{key}_today")) is None:
                continue
            true = self.true_key(key)
            if not least[true] - start[true] - STEP <= value <= most[true] + STEP:
                self.note(f"{key}_today", f"{value}, truly {most[true]:.2f}")

    async def run(self, hours: float, *, minutes: float = 5, **checks: Any) -> None:
        """Let hours pass, and look at everything every few minutes."""
        for _ in range(round(hours * 60 / minutes)):
            await self.world.run(minutes=minutes)
            self.monotone()
            if checks.get("exact", True):
                self.exact()
            self.today(late=checks.get("late", 0.0))


@pytest.fixture
async def home(
    socket_enabled: None, request: pytest.FixtureRequest
) -> AsyncIterator[Watch]:
    """Return a watch over a home that begins when a test says."""
    async with House(start=request.param) as world:
        await world.setup("kh", control=False)
        # The totals come after what is essential.
        await world.run(minutes=16)
        yield Watch(world)


def at(*instant: int) -> pytest.MarkDecorator:
    """Begin a test's day at an instant, in UTC."""
    start = datetime(*instant, tzinfo=UTC)  # type: ignore[misc,arg-type]
    return pytest.mark.parametrize("home", [start], indirect=True, ids=str)


def days(*starts: datetime) -> pytest.MarkDecorator:
    """Begin a test's days at instants."""
    return pytest.mark.parametrize("home", starts, indirect=True, ids=str)


@days(
    datetime(2026, 6, 9, 21, 40, tzinfo=UTC),  # summer: midnight at 23:00 UTC
    datetime(2026, 3, 28, 22, 40, tzinfo=UTC),  # into the day of 23 hours
    datetime(2026, 3, 29, 21, 40, tzinfo=UTC),  # out of it
    datetime(2026, 10, 24, 21, 40, tzinfo=UTC),  # into the day of 25 hours
    datetime(2026, 10, 25, 22, 40, tzinfo=UTC),  # out of it
)
async def test_midnight(home: Watch) -> None:
    """A new day begins at the plant's midnight, whatever the clocks do."""
    await home.run(2.5)
    assert not home.wrong, "\n".join(home.wrong)
    zone = ZoneInfo(home.plant.home.spec.zone)
    assert home.world.now.astimezone(zone).hour < 3


@at(2026, 6, 9, 22, 20)
async def test_late_midnight(home: Watch) -> None:
    """Yesterday's values after midnight are not today's."""
    home.world.sim.fault("late_midnight", minutes=40)
    await home.run(2.5, late=40 * 60)
    assert not home.wrong, "\n".join(home.wrong)


@at(2026, 6, 9, 10, 0)
async def test_dips(home: Watch) -> None:
    """A counter that dips is shown as it was, and goes on where it should be."""
    await home.run(0.5)
    for factor in (0.0, 0.5, 0.98):
        home.world.sim.fault("dip_counters", factor=factor, count=2)
        await home.run(0.5, exact=False)
        await home.run(0.25)
    assert not home.wrong, "\n".join(home.wrong)


@at(2026, 6, 9, 9, 0)
async def test_vendor_correction(home: Watch) -> None:
    """A fall is believed once it has stayed for hours, a rise at once."""
    device = home.plant.device
    await home.run(0.5)
    before = home.shown("grid_export_energy")
    home.world.sim.fault(
        "vendor_correction", variable="feedin", delta=-30, device=device.sn
    )
    await home.run(5.5, minutes=15, exact=False)
    after = home.shown("grid_export_energy")
    assert not home.wrong, "\n".join(home.wrong)
    assert before is not None
    assert after == before
    home.highest.clear()
    await home.run(1.5, minutes=15, exact=False)
    truth = home.plant.home.totals(home.plant.published(home.world.now.timestamp()))
    shown = home.shown("grid_export_energy")
    assert shown == pytest.approx(truth["grid_export_energy"] - 30, abs=STEP)


@at(2026, 6, 9, 9, 0)
async def test_logger_offline(home: Watch) -> None:
    """Counters stay while nothing is uploaded; powers become unknown; all catches up."""
    world, plant = home.world, home.plant
    await home.run(0.5)
    world.sim.fault("logger_offline", device=plant.device.sn, seconds=3600)
    await home.run(55 / 60, late=3600)
    assert world.state(plant.id, "pv_power") == "unknown"
    assert world.state(plant.id, "connection_status") == "logger_offline"
    await world.run(minutes=25)
    await home.run(0.5)
    assert world.state(plant.id, "pv_power") != "unknown"
    assert world.state(plant.id, "connection_status") == "ok"
    assert not home.wrong, "\n".join(home.wrong)


@at(2026, 6, 9, 19, 0)
async def test_night_without_a_battery(home: Watch) -> None:
    """An inverter that sleeps has no power, all its energy, and nobody is alarmed."""
    world = home.world
    watch = Watch(world, 1)
    sun_is_down = world.now + timedelta(hours=2, minutes=15)
    sun_is_up = datetime(2026, 6, 10, 5, 0, tzinfo=UTC)
    wrong: list[str] = []
    while world.now < sun_is_up:
        await world.run(minutes=5)
        watch.monotone()
        watch.today()
        status = world.state(watch.plant.id, "connection_status")
        power = watch.shown("pv_power")
        clock = world.now.isoformat(timespec="minutes")
        if power is None or status not in ("ok", "asleep"):
            wrong.append(f"{clock} {power} W, {status}")
        if world.now > sun_is_down and world.now.hour in (22, 23, 0, 1, 2) and power:
            wrong.append(f"{clock} {power} W at night")
    assert not watch.wrong + wrong, "\n".join(watch.wrong + wrong)
    assert watch.shown("pv_energy_today") is not None
